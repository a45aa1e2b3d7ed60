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
NO_STAGES = ("kinds", "macros", "demo", "exports", "generate")
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
