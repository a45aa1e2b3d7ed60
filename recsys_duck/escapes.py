"""Escapes: signs of a text that a terminal would act on instead of showing them.

A name may hold an escape sequence that clears the screen or writes into the title, or a sign that turns
the direction of what follows. Whatever is shown goes through here; data in a pipe stays data.
"""

import unicodedata
from typing import TextIO

# Signs of format that names need: they join letters and emoji, and move nothing.
JOINING = "\u200c\u200d"


def visible(text: str, *, kept: str = "") -> str:
    r"""Write the signs that a terminal would act on as escapes, `\x1b`; those `kept` stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(one) if _is_acted_on(one) and one not in kept else one for one in text)


def printable(text: str) -> str:
    """Take out of a text what moves a cursor, changes direction or has no width that terminals agree on."""
    kept = "".join(
        " " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one
        for one in text
        if unicodedata.category(one) not in ("Cf", "Cs") and not "\ufe00" <= one <= "\ufe0f"
    )
    return kept.strip()


class Shown:
    """A terminal as a stream that shows what is written to it, and acts on nothing but new lines and tabs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text with its signs made visible."""
        return self._stream.write(visible(text, kept="\n\t"))


def _is_acted_on(sign: str) -> bool:
    return unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") and sign not in JOINING


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape", "surrogatepass").decode()
