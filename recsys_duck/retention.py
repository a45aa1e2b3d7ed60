"""Retention: which generations stay, and with them which tables; all else is removed.

A generation that an environment shows, one of the newest, or one that a process reads stays, with every
table that it names. Removed first are the generations, then what none of those left names, so that a
kill at any moment leaves whole what is left; the next clean goes on.
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recsys_duck.errors import ProjectError
from recsys_duck.holders import holders
from recsys_duck.lock import build_lock
from recsys_duck.store import Store, sync
from recsys_duck.warehouse import Warehouse

# A generation that is about to go has this in front of its name, and comes back if a reader was quicker.
ASIDE = ".gone-"


@dataclass(frozen=True, slots=True)
class Freed:
    """What was removed, of one sort: how many, and how large."""

    what: str
    n: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What a clean removed, or would; names of the generations that went, and readers of those that did not."""

    freed: tuple[Freed, ...]
    gone: tuple[str, ...]
    read: Mapping[str, int] = field(default_factory=dict)


def clean(folder: Path, *, keep: int, dry_run: bool) -> Cleaning:
    """Remove the generations that are neither shown, nor of the newest `keep`, nor read, and all that only they name.

    Raises:
        ProjectError: there is no warehouse, or a catalog of which nothing tells which tables it reads.
        BusyError: a build holds the warehouse.
    """
    if not folder.is_dir():
        raise ProjectError("there is no warehouse", where=str(folder), fix="build first, or give --warehouse")
    with build_lock(folder):
        warehouse, store = Warehouse(folder), Store(folder)
        _bring_back(warehouse.history)
        every = set(_generation_files(warehouse.history))
        old = sorted(every - _wanted(warehouse, keep), key=_age)
        read = holders(old)
        aside = {path: path for path in old if path not in read}
        if not dry_run:
            aside = _set_aside(aside)
            read |= _bring_back_read(aside)
        left = every - set(aside)
        names = [_names(path) for path in sorted(left)]
        found = {
            "generations": [*aside.values()],
            "table parts": list(_parts(store, {file for one in names for file in one["files"]})),
            "records": list(_records(store, {_record_of(*one) for told in names for one in told["stages"].items()})),
            "leftovers": list(_leftovers(warehouse, store, known=left | set(aside), aside=aside.values())),
        }
        freed = tuple(Freed(what, len(paths), sum(map(_bytes, paths))) for what, paths in found.items())
        if not dry_run:
            _remove(found, store, gone=list(aside))
        return Cleaning(freed, tuple(map(_told, aside)), {_told(path): pid for path, pid in read.items()})


def _generation_files(history: Path) -> Iterator[Path]:
    for path in history.glob("*.duckdb"):
        if re.fullmatch(r"[a-z][a-z0-9_]*-\d+", path.stem):
            yield path


def _age(path: Path) -> tuple[str, int]:
    environment, _, number = path.stem.rpartition("-")
    return environment, int(number)


def _told(path: Path) -> str:
    environment, number = _age(path)
    return f"{environment} generation {number}"


def _wanted(warehouse: Warehouse, keep: int) -> set[Path]:
    """Find the generations that are shown, and the newest of each environment."""
    wanted = {warehouse.shown(environment).path for environment in warehouse.environments()}
    for environment in {_age(path)[0] for path in _generation_files(warehouse.history)}:
        wanted |= {one.path for one in warehouse.generations(environment)[-keep:]}
    return wanted


def _names(path: Path) -> dict[str, Any]:
    """Read which files and stages a generation names, as any release of ours wrote them."""
    try:
        told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return {"files": set(told["files"]), "stages": dict(told["stages"])}
    except (OSError, ValueError, TypeError, KeyError):
        raise ProjectError(
            f"{_told(path)} is in use, and nothing tells which tables it names",
            where=str(path.with_suffix(".json")),
            fix="close what reads it, or build it again, then clean",
        ) from None


def _set_aside(paths: Iterable[Path]) -> dict[Path, Path]:
    """Rename generations, so that nobody opens them any more; gives where each lies."""
    aside = {}
    for path in paths:
        aside[path] = path.with_name(f"{ASIDE}{path.name}")
        os.rename(path, aside[path])
    return aside


def _bring_back(history: Path) -> None:
    """Undo what a killed clean set aside."""
    for path in history.glob(f"{ASIDE}*"):
        os.rename(path, path.with_name(path.name.removeprefix(ASIDE)))


def _bring_back_read(aside: dict[Path, Path]) -> dict[Path, int]:
    """Undo it for those that a reader opened at the last moment, and tell who reads them."""
    found = holders(aside.values())
    read = {path: found[lies] for path, lies in aside.items() if lies in found}
    for path in read:
        os.rename(aside.pop(path), path)
    return read


def _parts(store: Store, named: set[str]) -> Iterator[Path]:
    for folder in sorted(store.tables.glob("*/*/*")):
        if folder.is_dir() and str((folder / "data.parquet").relative_to(store.tables)) not in named:
            yield folder


def _record_of(key: str, fingerprint: str) -> tuple[str, str]:
    return key.replace("/", "."), fingerprint


def _records(store: Store, named: set[tuple[str, str]]) -> Iterator[Path]:
    for path in sorted((store.warehouse / "records").glob("*/*.json")):
        if not path.name.startswith(".") and (path.parent.name, path.stem) not in named:
            yield path


def _leftovers(warehouse: Warehouse, store: Store, *, known: set[Path], aside: Iterable[Path]) -> Iterator[Path]:
    """Find what a killed build or clean left half-made."""
    if store.temporary.exists():
        yield store.temporary
    yield from warehouse.folder.glob(".*.duckdb.new")
    yield from (warehouse.folder / "records").glob("*/.*.json.new")
    spoken_for = {*aside, *known, *(path.with_suffix(".json") for path in known)}
    for path in sorted(warehouse.history.glob("*")):
        is_log = path.suffix == ".wal" and path.with_suffix("") in known
        if path not in spoken_for and not is_log:
            yield path


def _bytes(path: Path) -> int:
    """Count the bytes that go with a file or a folder; a file that has another name stays."""
    files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
    return sum(state.st_size for state in map(os.stat, files) if state.st_nlink == 1)


def _remove(found: Mapping[str, Sequence[Path]], store: Store, *, gone: Sequence[Path]) -> None:
    for path in found["generations"]:
        path.unlink()
    for path in gone:
        path.with_suffix(".json").unlink(missing_ok=True)
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    if gone:
        sync(gone[0].parent)  # no crash brings one back without its tables
    for path in found["leftovers"]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    store.start()
    try:
        for n, path in enumerate(found["table parts"]):
            trash = store.temporary / str(n)
            os.rename(path, trash)  # whole, or not there
            shutil.rmtree(trash)
            _remove_empty(path.parent)
    finally:
        store.finish()
    for path in found["records"]:
        path.unlink()
        _remove_empty(path.parent)


def _remove_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
