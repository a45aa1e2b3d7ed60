"""Table macros: an analyst's question with arguments, one SELECT in a file of `sql/macros`.

A macro is published where all tables that it reads are.
"""

from dataclasses import dataclass
from pathlib import Path

from recsys_duck.errors import ProjectError
from recsys_duck.header import split_header
from recsys_duck.kind import shown_path
from recsys_duck.stage import SqlFacts

FIELDS = ("arguments", "why")


@dataclass(frozen=True, slots=True)
class Macro:
    """A named question: its sentence, its arguments in order, its SELECT and the tables it reads."""

    name: str
    about: str
    arguments: tuple[str, ...]
    select: str
    reads: tuple[str, ...]


def parse_macro(path: Path, facts: SqlFacts, text: str) -> Macro:
    """Make a macro of a file's text.

    Raises:
        ProjectError: the header has no sentence or no line of arguments.
    """
    about, fields = split_header(text, shown_path(path), FIELDS)
    arguments = dict(fields).get("arguments", "")
    if not arguments:
        raise ProjectError("the macro names no arguments", where=shown_path(path), fix="add `-- arguments: name, …`")
    return Macro(
        name=path.stem,
        about=about,
        arguments=tuple(name.strip() for name in arguments.split(",")),
        select=text,
        reads=facts.reads,
    )
