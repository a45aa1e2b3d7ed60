"""Settings: what recsys.toml and the command line say, and which of them wins.

Refuses unknown settings and unfit values; files are looked for elsewhere.
"""

import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsys_duck.errors import ProjectError, near_miss, raise_problems
from recsys_duck.kind import SQL_FOLDER, Kind, load_kind
from recsys_duck.parameters import Setting, load_parameters, read_toml, settle, table_of

SETTINGS_FILE = "recsys.toml"
PARAMETERS_FILE = "parameters.toml"
UNFIT_SIGNS = ("?", "\\")  # of a database's path: what follows a ? is an option, a \ is a /
TOP_KEYS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "kind": (lambda value: isinstance(value, str), "a text"),
    "warehouse": (lambda value: isinstance(value, str), "a folder"),
    "environment": (lambda value: isinstance(value, str), "a text"),
    "memory_limit": (lambda value: isinstance(value, str), 'a text, as "2GB"'),
    "threads": (lambda value: type(value) is int and value >= 1, "a number, 1 or more"),
    "keep_generations": (lambda value: type(value) is int and value >= 1, "a number, 1 or more"),
    "fingerprint": (lambda value: value in ("stat", "content"), '"stat" or "content"'),
    "files": (lambda _: True, ""),  # looked at line by line, further down
    "parameters": (lambda _: True, ""),
}


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line gives; None and empty mean that recsys.toml or the default decides."""

    root: Path
    kind: str | None = None
    files: Sequence[tuple[str, str]] = ()
    readers: Sequence[tuple[str, str, object]] = ()
    columns: Sequence[tuple[str, str, str]] = ()
    parameters: Sequence[tuple[str, object]] = ()
    warehouse: Path | None = None
    fingerprint: str | None = None


def load_settings(given: Given) -> tuple[Path, Mapping[str, Any], Kind, Mapping[str, Setting]]:
    """Read the project's folder, recsys.toml, kind and parameters, without its files.

    Raises:
        ProjectError: or several at once.
    """
    root = given.root.resolve()
    if "\\" in str(root) and glob.has_magic(str(root)):
        fix = "rename the folder, or give another: --project DIR"
        raise ProjectError("DuckDB reads no path that holds a \\ with a *, ? or [", where=str(root), fix=fix)
    toml = read_settings_file(root)
    kind = load_kind(str(given.kind or toml.get("kind") or ""), has_files=bool(given.files))
    settings = settle(
        load_parameters(SQL_FOLDER / PARAMETERS_FILE),
        {
            "kind": (f"kind {kind.name}", kind.defaults),
            SETTINGS_FILE: (str(root / SETTINGS_FILE), table_of(toml, "parameters")),
            "command line": ("--set", dict(given.parameters)),
        },
    )
    return root, toml, kind, settings


def warehouse_folder(given: Given, toml: Mapping[str, Any]) -> Path:
    """Where the warehouse lies: the command line's, recsys.toml's, or `warehouse` in the project.

    Raises:
        ProjectError: DuckDB would take the path for another.
    """
    folder = (given.warehouse or given.root / str(toml.get("warehouse", "warehouse"))).resolve()
    for sign in UNFIT_SIGNS:
        if sign in str(folder):
            raise ProjectError(
                f"a warehouse's path can't hold a {sign}, DuckDB would open another file",
                where=str(folder),
                fix="give another folder: --warehouse DIR",
            )
    if not is_text(str(folder)):
        raise ProjectError(
            "a warehouse's path has to be UTF-8", where=ascii(str(folder)), fix="give another folder: --warehouse DIR"
        )
    return folder


def is_text(path: str) -> bool:
    """Tell whether a path is UTF-8, as all that is written into SQL and JSON has to be."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_settings_file(root: Path) -> dict[str, Any]:
    """Read recsys.toml; empty where there is none.

    Raises:
        ProjectError: no such folder, no valid TOML, or an unknown setting.
    """
    path = root / SETTINGS_FILE
    if not root.is_dir():
        raise ProjectError("there is no such folder", where=str(root), fix="give --project a folder")
    if not path.exists():
        return {}
    toml = read_toml(path)
    problems = []
    for key, value in toml.items():
        if key not in TOP_KEYS:
            problems.append(
                ProjectError(f"{SETTINGS_FILE} has no setting {key}", where=str(path), fix=near_miss(key, TOP_KEYS))
            )
        elif not TOP_KEYS[key][0](value):
            problems.append(ProjectError(f"{key} can't be {value!r}", where=str(path), fix=f"give {TOP_KEYS[key][1]}"))
    raise_problems(problems)
    return toml
