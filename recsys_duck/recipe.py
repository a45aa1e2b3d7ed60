"""Recipes: settings to start from, a complete recsys.toml a file in a kind's folder `recipes`.

Owns how a recsys.toml is put in its place. Refuses to write over one, unless that is asked for.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from recsys_duck.errors import ProjectError, near_miss
from recsys_duck.kind import SQL_FOLDER, kind_names, load_kind
from recsys_duck.parameters import read_toml, table_of
from recsys_duck.placing import folder_at, placing, put, put_new
from recsys_duck.settings import SETTINGS_FILE
from recsys_duck.source import find_files


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recsys.toml of a kind: its name, its first sentence, where it lies."""

    kind: str
    name: str
    about: str
    path: Path


def recipes() -> list[Recipe]:
    """List the recipes of all kinds, a kind's own name first, then by name."""
    return [
        Recipe(kind, path.stem, path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# "), path)
        for kind in kind_names()
        for path in sorted(
            (SQL_FOLDER / "kinds" / kind / "recipes").glob("*.toml"),
            key=lambda path: (path.stem != path.parents[1].name, path.stem),
        )
    ]


def find_recipe(kind: str | None, name: str | None) -> Recipe:
    """Find a recipe by its kind, its name or both; of a kind alone the first.

    Raises:
        ProjectError: there is no such kind or recipe.
    """
    if kind is not None:
        load_kind(kind)
    known = [one for one in recipes() if kind in (None, one.kind)]
    for one in known:
        if name in (None, one.name):
            return one
    of_kind = f" of kind {kind}" if kind else ""
    fix = near_miss(name or "", [one.name for one in known])
    raise ProjectError(f"there is no recipe {name or ''}{of_kind}", where="--recipe", fix=fix)


def write_recipe(recipe: Recipe, folder: Path, *, force: bool = False) -> tuple[Path, list[tuple[str, str]]]:
    """Write a recipe as the recsys.toml of a folder; returns its path, and the inputs without a file there.

    Raises:
        ProjectError: the folder has a recsys.toml, or can't be written.
    """
    target = put_settings(folder, recipe.path.read_bytes(), force=force)
    said = table_of(read_toml(target), "files")
    patterns = {name: value.get("paths", "") if isinstance(value, dict) else value for name, value in said.items()}
    missing = []
    for name, value in patterns.items():
        globs = [str(one) for one in (value if isinstance(value, list) else [value])]
        if not find_files(globs, root=folder, base=folder, content=False):
            missing.append((name, ", ".join(globs)))
    return target, missing


def put_settings(folder: Path, data: bytes, *, force: bool) -> Path:
    """Put a recsys.toml into a folder, whole; with `force` in place of the one there.

    Raises:
        ProjectError: the folder has a recsys.toml, or can't be written.
    """
    target = folder_at(folder) / SETTINGS_FILE
    if not force:
        refuse_settings(folder)
    with placing(folder) as beside:
        (beside / SETTINGS_FILE).write_bytes(data)
        if force:
            put(beside / SETTINGS_FILE, target)
        else:
            put_new(beside / SETTINGS_FILE, target)
    return target


def refuse_settings(folder: Path) -> None:
    """Refuse a folder that has a recsys.toml.

    Raises:
        ProjectError: names it.
    """
    target = folder / SETTINGS_FILE
    if os.path.lexists(target):
        raise ProjectError(
            f"there is a {SETTINGS_FILE} already",
            where=str(target),
            fix="write over it with --force, or give another folder with --project",
        )
