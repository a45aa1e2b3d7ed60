"""Headers: the comment block that opens an SQL file: a first sentence, then fields of known names.

Refuses fields that are unknown, misspelt, said twice or hidden in prose: a check that never runs is worse than none.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from recsys_duck.errors import ProjectError

CHECKS = {"check": "fail", "check (warn)": "warn", "check (note)": "note"}
FIELDS = ("grain", "why", "source", *CHECKS, "gate of", "harmless", "for each", "only if", "built with", "as", "engine")
_FIELD = re.compile(r"^-- ([a-z]+(?:(?: [a-z]+){1,2}| \([a-z]+\))?):\s*(.*)$")


def split_header(text: str, where: str, known: Sequence[str] = FIELDS) -> tuple[str, list[tuple[str, str]]]:
    """Read the comment block that opens a file: the first sentence, then its fields in order.

    An indented line goes on with the field above it.

    Raises:
        ProjectError: there is no first sentence, or a field is unknown or stands twice.
    """
    about: list[str] = []
    fields: list[tuple[str, str]] = []
    lines = text.splitlines()
    n_header = next((at for at, line in enumerate(lines) if not line.startswith("--")), len(lines))
    for line in lines[n_header:]:
        if line.startswith("--"):
            _refuse_hidden_field(line, known, where)
    for line in lines[:n_header]:
        found = _FIELD.match(line)
        name = found.group(1) if found else ""
        if found and name in known and not about:
            break
        if found and name in known:
            if name in {name for name, _ in fields} and not name.startswith("check"):
                raise ProjectError(f"{name}: stands twice", where=where, fix="keep one line of it")
            fields.append((name, found.group(2).strip()))
        elif fields and line.startswith("--  "):
            _refuse_hidden_field(line, known, where)
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line[2:].strip()}")
        elif (found and about) or fields:
            raise ProjectError(
                f"unknown header line {line!r}", where=where, fix=f"fields: {', '.join(known)}; indent what goes on"
            )
        elif _is_misspelt(line, known):
            raise ProjectError(f"unknown header line {line!r}", where=where, fix=f"fields: {', '.join(known)}")
        else:
            about.append(line[2:].strip())
    if not about or not about[0]:
        raise ProjectError(
            "the file does not say what it holds", where=where, fix="open it with a line `-- What it holds.`"
        )
    return " ".join(about), fields


def _refuse_hidden_field(line: str, known: Sequence[str], where: str) -> None:
    """Refuse a field where it is read as prose: a check that never runs is worse than none."""
    found = _FIELD.match(f"-- {line[2:].strip()}")
    if found and found.group(1) in known:
        raise ProjectError(
            f"{line.strip()!r} is read as prose", where=where, fix="open the line of a field with `-- ` in the header"
        )


def _is_misspelt(line: str, known: Sequence[str]) -> bool:
    """Tell whether a line of prose was meant as a field: one missed would be a check that never runs."""
    word, colon, _ = line[2:].strip().partition(":")
    squeezed = [name.replace(" ", "") for name in known]
    return bool(colon and get_close_matches(word.lower().replace(" ", ""), squeezed, n=1, cutoff=0.75))
