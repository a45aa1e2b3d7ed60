"""Guesses: which of our columns a file's column is, from its name alone.

The words are in sql/names.toml, in English, German, Spanish, French and Portuguese. Refuses to guess where a name
says something else: a delivery date is not when an order was made, and a price is not how much somebody likes it.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from recsys_duck.kind import SQL_FOLDER
from recsys_duck.parameters import read_toml, table_of

NAMES_FILE = "names.toml"
LATE = 500  # after all names that say more: product_id before `product`, which may be a name
FURTHER = 1000  # for each word in front that a known name does without
SPELLINGS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "°": "o"})
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Meaning:
    """Our column that a name means, and how good the name is for it: 0 is best."""

    column: str
    rank: int


@dataclass(frozen=True, slots=True)
class _Words:
    known: Mapping[str, Meaning]
    beside: frozenset[str]
    fillers: frozenset[str]
    weak: frozenset[str]
    others: frozenset[str]
    never: frozenset[str]


def known_name(text: str) -> str | None:
    """Say which of our columns a name means: `Customer Number` is user_id; None where it means none of them."""
    found = meaning(text)
    return found.column if found else None


def meaning(text: str) -> Meaning | None:
    """Say what a name means, also with words in front: `Lineitem quantity` is a quantity, a `first name` is nothing."""
    table = _table()
    words = _split(text)
    words = [one for one in words if one not in table.fillers] or words
    words = words[:-1] if len(words) > 1 and words[-1].isdigit() else words
    if "".join(words) in table.never:
        return None
    for at in range(len(words)):
        tail = words[at:]
        if at and (tail[0] in table.beside or (len(tail) == 1 and tail[0] in table.weak)):
            continue
        joined = "".join(tail)
        found = table.known.get(joined) or table.known.get(joined.removesuffix("s"))
        if found:
            return Meaning(found.column, found.rank + FURTHER * at)
        if words[0] in table.others:
            return None
    return None


def says_other(text: str) -> bool:
    """Tell whether a name speaks of something that is none of our columns: a delivery date."""
    return bool(set(_split(text)) & _table().others)


def _split(text: str) -> list[str]:
    """Split a name at blanks, signs and capitals, without accents and in lower case; a German ä is ae."""
    spelled = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).translate(SPELLINGS))
    return [word.lower() for word in _WORDS.findall("".join(one for one in spelled if not unicodedata.combining(one)))]


@cache
def _table() -> _Words:
    """Read the words, and map every name made of them to our column."""
    toml = read_toml(SQL_FOLDER / NAMES_FILE)
    columns, nouns, beside, refused = (
        {key: str(value).split() for key, value in table_of(toml, name).items()}
        for name in ("columns", "nouns", "beside", "not")
    )
    known: dict[str, Meaning] = {}
    for column, listed in columns.items():
        for at, word in enumerate(listed):
            known.setdefault(word, Meaning(column, at))
    for noun, listed in nouns.items():
        for at, word in enumerate(listed):
            for suffix, ends in beside.items():
                for end in ends if suffix in ("id", "name") else ():
                    known.setdefault(word + end, Meaning(f"{noun}_{suffix}", at))
                    known.setdefault(end + word, Meaning(f"{noun}_{suffix}", at))
            known.setdefault(word, Meaning(f"{noun}_id", at + LATE))
    for at, word in enumerate(beside["name"]):
        known.setdefault(word, Meaning("item_name", at + LATE))
    known = {name: one for name, one in known.items() if one.column != "basket_name"}
    return _Words(
        known,
        frozenset(beside["id"] + beside["name"]),
        frozenset(beside["filler"]),
        frozenset(refused["weak"]),
        frozenset(refused["other"]),
        frozenset(refused["never"]),
    )
