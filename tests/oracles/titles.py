"""What recipe 5, steps 5 and 6, says about audio features and the words of playlist titles.

Written from the recipe's text alone: characters are walked one by one, without regular expressions.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

AUDIO = (
    *("danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness", "instrumentalness"),
    *("liveness", "valence", "tempo", "duration_ms", "time_signature"),
)
JOINER, KEYCAP, STYLES = "\u200d", "\u20e3", "\ufe0e\ufe0f"  # the styles say how to draw what stands before them


def read_features(paths: Iterable[Path]) -> tuple[dict[str, tuple[Any, ...]], Counter[str]]:
    """The features of each track that has some, and the entries by fate; an id is to be there once."""
    features: dict[str, tuple[Any, ...]] = {}
    ledger: Counter[str] = Counter()
    for path in paths:
        for entry in json.loads(path.read_text(encoding="utf-8"))["audio_features"]:
            ledger["in"] += 1
            if entry is None:
                ledger["no_features"] += 1
            elif entry.get("id") is None:
                ledger["missing_id"] += 1
            elif entry["id"] in features:
                ledger["duplicate_id"] += 1
            else:
                ledger["kept"] += 1
                features[entry["id"]] = tuple(entry.get(name) for name in AUDIO)
    return features, ledger


def is_word(character: str) -> bool:
    """A letter or a digit of any script."""
    return unicodedata.category(character)[0] == "L" or unicodedata.category(character) == "Nd"


def is_mark(character: str) -> bool:
    """An accent or a vowel sign, which belongs to the letter before it."""
    return unicodedata.category(character)[0] == "M" and character != KEYCAP


def is_symbol(character: str) -> bool:
    """A picture of its own; ° and the replacement character are in the same category, and are none."""
    return unicodedata.category(character) == "So" and character >= "\u2000" and character != "\ufffd"


def is_flag_letter(character: str) -> bool:
    """Half of a flag."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def is_skin_tone(character: str) -> bool:
    """A modifier of the picture before it."""
    return "\U0001f3fb" <= character <= "\U0001f3ff"


def end_of_emoji(text: str, at: int) -> int:
    """Where the emoji that starts here ends, as a reader sees it: with its skin tone and what is joined to it."""
    end = at + 1
    if is_flag_letter(text[at]) and end < len(text) and is_flag_letter(text[end]):
        return end + 1
    while end < len(text):
        if text[end] == KEYCAP or is_skin_tone(text[end]):
            end += 1
        elif text[end] == JOINER and end + 1 < len(text) and is_symbol(text[end + 1]):
            end += 2
        else:
            break
    return end


def tokens(title: str | None) -> Iterator[str]:
    """Words in lower case, and emoji, each a token, in the order of the title.

    The recipe does not say how: each character by itself (Σ is σ at the end of a word, too), and styles leave, so
    that there is one heart.
    """
    text = "".join(character.lower()[0] for character in title or "" if character not in STYLES)
    at = 0
    while at < len(text):
        start = at
        if is_symbol(text[at]) or (at + 1 < len(text) and text[at + 1] == KEYCAP):
            at = end_of_emoji(text, at)
            yield text[start:at]
        elif is_word(text[at]):
            while at < len(text) and (is_word(text[at]) or is_mark(text[at])):
                at += 1
            yield text[start:at]
        else:
            at += 1


def title_tokens(titles: dict[Any, str | None]) -> dict[tuple[Any, str], int]:
    """How often each token stands in each title."""
    counts: Counter[tuple[Any, str]] = Counter()
    for user_id, title in titles.items():
        counts.update((user_id, token) for token in tokens(title))
    return dict(counts)
