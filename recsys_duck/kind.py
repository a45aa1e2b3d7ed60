"""Kinds: source layouts, each a folder of `sql/kinds` with its kind.toml.

Owns where our SQL lies, in the checkout or in the installed package.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsys_duck.errors import ProjectError, near_miss
from recsys_duck.parameters import read_toml, table_of

_PACKAGED = Path(__file__).parent / "sql"
# folders beside the layers, whose files are no stages
EXPORTS_FOLDER = "exports"
NO_STAGES = ("kinds", "macros", "demo", EXPORTS_FOLDER, "generate")
SQL_FOLDER = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parent.parent / "sql"


@dataclass(frozen=True, slots=True)
class Kind:
    """A source layout: its inputs, its defaults and the tables it adds to the staging contract.

    `side` names core tables that describe users or items whatever they met: all layers may read them.
    """

    name: str
    folder: Path
    inputs: Mapping[str, Mapping[str, Any]]
    defaults: Mapping[str, object]
    tables: tuple[str, ...]
    side: tuple[str, ...]
    has_times: bool | str


def overlay(root: Path) -> Path | None:
    """Give the folder of a project's own SQL; None for a checkout of ours, which is no overlay of itself."""
    return None if (root / "sql" / "parameters.toml").exists() else root / "sql"


def shown_path(path: Path) -> str:
    """Say which file is meant: a project's own by its path, one of ours by what it is."""
    if not path.is_relative_to(SQL_FOLDER):
        return str(path)
    pieces = path.relative_to(SQL_FOLDER).with_suffix("").parts
    kind = ""
    if pieces[0] == "kinds" and len(pieces) > 2:
        kind, pieces = f"kind {pieces[1]}", pieces[2:]
    name = pieces[0] + "".join(f"{'.' if at == 0 else '/'}{one}" for at, one in enumerate(pieces[1:]))
    words = {"exports": "export", "recipes": "recipe", "macros": "macro", "demo": "demo", "generate": "generator"}
    if pieces[0] in words:
        name = f"{words[pieces[0]]} {'/'.join(pieces[1:])}"
    elif pieces[0] == "kind":
        return kind
    elif len(pieces) > 1:
        name = f"stage {name}"
    return f"{name} of {kind}" if kind else f"{name} of recsys-duck"


def kind_names() -> list[str]:
    """List the kinds there are."""
    return sorted(path.parent.name for path in (SQL_FOLDER / "kinds").glob("*/kind.toml"))


def load_kind(name: str, *, has_files: bool = False) -> Kind:
    """Read a kind's kind.toml; where none is named, files that are tell which is meant.

    Raises:
        ProjectError: there is no such kind, or its file is not in order.
    """
    known = kind_names()
    if name not in known:
        what = f"there is no kind {name}" if name else "no kind is given"
        generic = "--kind events reads any file of users and items; " if has_files and not name else ""
        raise ProjectError(what, where="--kind, or kind in recsys.toml", fix=generic + near_miss(name, known))
    folder = SQL_FOLDER / "kinds" / name
    fields = read_toml(folder / "kind.toml")
    has_times = fields.get("has_times")
    return Kind(
        name=name,
        folder=folder,
        inputs={key: dict(value) for key, value in table_of(fields, "inputs").items() if isinstance(value, Mapping)},
        defaults=table_of(fields, "defaults"),
        tables=_names(fields, "tables"),
        side=_names(fields, "side"),
        has_times=has_times if isinstance(has_times, bool | str) else False,
    )


def _names(fields: Mapping[str, Any], key: str) -> tuple[str, ...]:
    listed = fields.get(key)
    return tuple(str(name) for name in listed) if isinstance(listed, list) else ()
