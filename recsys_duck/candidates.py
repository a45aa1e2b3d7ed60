"""Candidates: which columns of a file could be which of ours, the likeliest first, by name and by content.

A name is not enough: times must look like times and weights like numbers, and no id is a date. A file without
names is guessed from what its columns hold. Refuses a column that was asked for and is in no file.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath

from recsys_duck.errors import ProjectError, near_miss
from recsys_duck.guess import LATE, known_name, meaning, says_other
from recsys_duck.sniff import Column, Look
from recsys_duck.times import FRACTIONS, NUMBERS
from recsys_duck.traits import numbers_of, present, times_of, unit_of

IDS = ("user_id", "item_id", "basket_id", "tag_id", "bad_id", "good_id")
BARE_IDS = frozenset(("id", "_id", "uid", "uuid", "key", "code", "no", "nr"))
# our column whose own name stands for an input: products.csv has items
INPUTS_BY_WORD = {
    "user_id": "users",
    "item_id": "items",
    "tag_id": "tags",
    "basket_id": "events",
    "weight": "events",
    "bad_id": "aliases",
}
EVENT_WORDS = ("event", "events", "interactions", "log", "logs", "history", "reviews", "behavior", "transactions")
FEW = 25  # distinct values, at most, of a column of ratings
MOST = 0.5  # of the values that are distinct, at least, in a column of names
# An asked column: input or nothing, our name, the files' name.
Asked = tuple[str, str, str]
# Our columns, each with the file's columns that could be it.
Candidates = dict[str, list[str]]


def file_hint(shown: str) -> str:
    """Tell from a file's name which input it may be; empty where it says nothing."""
    words = PurePath(shown).name.lower().replace("_", " ").replace("-", " ").replace(".", " ").split()
    inputs = [INPUTS_BY_WORD.get(known_name(word) or "", "") for word in words]
    found = ["events" if word in EVENT_WORDS else name for word, name in zip(words, inputs, strict=True)]
    named = [name for name in found if name]
    if "aliases" in named:
        return "aliases"
    if {"items", "tags"} <= set(named):
        return "item_tags"
    if {"items", "users"} <= set(named):
        return "events"
    return "events" if "events" in named else named[0] if named else ""


def candidates_of(look: Look, asked: Sequence[Asked]) -> Candidates:
    """List which columns of a file could be which of ours."""
    found = _by_name(look) if look.has_names else _by_content(look)
    names = {one.name for one in look.columns}
    for _, ours, own in asked:
        if own in names:
            for columns in found.values():
                if own in columns:
                    columns.remove(own)
            found.setdefault(ours, []).insert(0, own)
    return {ours: columns for ours, columns in found.items() if columns}


def refuse_unknown(looks: Sequence[Look], asked: Sequence[Asked], known: Mapping[str, Collection[str]]) -> None:
    """Refuse asked columns that no file has, and names that no input knows; `known` has those of each input.

    Raises:
        ProjectError: with what there is.
    """
    names = {one.name for look in looks for one in look.columns}
    for input_name, ours, own in asked:
        where = f"--column {input_name + '.' if input_name else ''}{ours}={own}"
        if input_name and input_name not in known:
            raise ProjectError(f"there is no input {input_name}", where=where, fix=near_miss(input_name, known))
        columns = known[input_name] if input_name else {column for some in known.values() for column in some}
        if ours not in columns:
            raise ProjectError(f"there is no column {ours} to give", where=where, fix=near_miss(ours, columns))
        if own not in names:
            raise ProjectError(f"no file has a column {own}", where=where, fix=near_miss(own, names))


def _by_name(look: Look) -> Candidates:
    ranked: dict[str, list[tuple[int, str]]] = {}
    hint = file_hint(look.shown)
    for at, column in enumerate(look.columns):
        told = meaning(column.name)
        ours, rank = (told.column, told.rank * 1000 + at) if told else ("", at)
        if column.name.lower() in BARE_IDS and hint in ("users", "items", "tags"):
            ours = f"{hint.removesuffix('s')}_id"
        elif ours == "item_name" and told and told.rank >= LATE and hint in ("users", "tags"):
            ours = f"{hint.removesuffix('s')}_name"  # a bare `name`
        if ours and fits(ours, column):
            ranked.setdefault(ours, []).append((rank, column.name))
    found = {ours: [name for _, name in sorted(columns)] for ours, columns in ranked.items()}
    for one in look.columns:  # a date of whatever name is better than none
        if "occurred_at" not in found and meaning(one.name) is None and not says_other(one.name) and is_moment(one):
            found["occurred_at"] = [one.name]
    return found


def fits(ours: str, column: Column) -> bool:
    """Tell whether a column's values can be what our column holds."""
    values = present(column.values)
    kind = column.sql_type
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "BLOB")):
        return False
    if ours == "occurred_at":
        return kind.startswith(("TIMESTAMP", "DATE")) or times_of(values) is not None
    if ours in ("weight", "position"):
        numbers = numbers_of(values)
        return numbers is not None and (ours == "weight" or numbers.is_whole) and not kind.startswith("TIMESTAMP")
    if ours in IDS:
        return not is_moment(column) and not _is_fraction(values)
    return True


def is_moment(column: Column) -> bool:
    """Tell whether a column holds times that are written as such: a number of ten digits may be an id."""
    values = present(column.values)
    return column.sql_type.startswith(("TIMESTAMP", "DATE")) or (
        not column.sql_type.startswith(NUMBERS) and not unit_of(values) and _is_dated(values)
    )


def _is_dated(values: Sequence[str]) -> bool:
    times = times_of(values)
    return times is not None and times.formats != ("%Y%m%d",)


def _is_fraction(values: Sequence[str]) -> bool:
    numbers = numbers_of(values)
    return numbers is not None and not numbers.is_whole


def _by_content(look: Look) -> Candidates:
    """Guess a file without names: a catalogue has each of its first column once, and names; else it is of events."""
    columns = [one for one in look.columns if present(one.values)]
    times = [one for one in columns if fits("occurred_at", one)]
    plain = [one for one in columns if one not in times and fits("user_id", one)]
    hint = file_hint(look.shown)
    if hint == "aliases" and len(plain) >= 2:
        return {"bad_id": [plain[0].name], "good_id": [plain[1].name]}
    if columns and plain and plain[0] is columns[0] and _is_catalogue(look, columns, hint):
        domain = "user" if hint == "users" else "item"
        texts = [one for one in columns[1:] if _is_naming(one)]
        return {f"{domain}_id": [columns[0].name], f"{domain}_name": [one.name for one in texts]}
    found: Candidates = {"occurred_at": [one.name for one in reversed(times)]}
    numbers = [one for one in columns if one not in times and one not in plain[:2] and _is_amount(one)]
    found["weight"] = [one.name for one in sorted(numbers, key=_is_many)]
    for ours, column in zip(("user_id", "item_id"), [one for one in plain if one not in numbers], strict=False):
        found[ours] = [column.name]
    return found


def _is_catalogue(look: Look, columns: Sequence[Column], hint: str) -> bool:
    if hint == "events":
        return False
    first = columns[0].values
    is_once = len(set(first)) == len(first) and look.n_rows > 1
    return is_once and (hint in ("items", "users") or any(_is_naming(one) for one in columns[1:]))


def _is_naming(column: Column) -> bool:
    values = present(column.values)
    is_text = not column.sql_type.startswith((*NUMBERS, *FRACTIONS)) and numbers_of(values) is None
    return is_text and times_of(values) is None and len(set(values)) > MOST * len(values)


def _is_amount(column: Column) -> bool:
    """Tell whether a column without a name may count something: not a constant, not below 0, no coordinates."""
    values = present(column.values)
    numbers = numbers_of(values)
    if numbers is None or numbers.n_negative or len(set(values)) == 1:
        return False
    return sum(bool(re.search(r"[.,]\d{4}", value)) for value in values) < len(values) / 2


def _is_many(column: Column) -> bool:
    return len(set(column.values)) > FEW


def id_like(look: Look, taken: Mapping[str, Sequence[str]]) -> list[str]:
    """List the columns that no name tells of and that could be ids, in the file's order."""
    used = {name for names in taken.values() for name in names}
    return [
        one.name
        for one in look.columns
        if one.name not in used and present(one.values) and fits("user_id", one) and meaning(one.name) is None
    ]
