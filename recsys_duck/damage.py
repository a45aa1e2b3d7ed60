"""Damage: table files of ours that are cut, overwritten or gone, and how a build and a reader tell.

A file that changed after it was written is read to its end before a plan relies on it. Others show when
a stage fails: then what it read is looked at.
"""

import re
import shlex
import tempfile
from collections.abc import Iterable
from pathlib import Path

from recsys_duck import memory
from recsys_duck.engines import Engine, Query
from recsys_duck.engines.duckdb import DuckdbEngine
from recsys_duck.errors import ProjectError, StageError
from recsys_duck.relation import paths_text
from recsys_duck.store import DATA, Store

# What DuckDB says where it can't read a Parquet file.
SIGNS = re.compile(r"parquet|TProtocol|ZSTD|No magic bytes|Footer|No files found", re.IGNORECASE)
TABLE_FILE = re.compile(rf"[^\"'\n]*/tables/(\w+)/(\w+)/[^/\"'\n]+/{re.escape(DATA)}")


def is_sign(text: str) -> bool:
    """Tell whether DuckDB's words may come of a damaged table file."""
    return SIGNS.search(text) is not None


def unreadable(engine: Engine, paths: Iterable[Path]) -> list[Path]:
    """Read table files to their end, and list those that can't be."""
    return [path for path in paths if not _is_readable(engine, path)]


def find_damage(store: Store, *, memory_limit: int, threads: int) -> list[Path]:
    """List the files that changed after they were written and can't be read any more; vouches for none."""
    suspects = store.suspects()
    if not suspects:
        return []
    share = memory.sql_share(memory_limit)
    with (
        tempfile.TemporaryDirectory(prefix="recsys-duck-", ignore_cleanup_errors=True) as spill,
        DuckdbEngine(memory_bytes=share, threads=threads, temporary=Path(spill)) as engine,
    ):
        return unreadable(engine, suspects)


def damage_told(text: str, folder: Path) -> ProjectError | None:
    """Tell which published table can't be read, from DuckDB's words; None where they are of something else."""
    if not is_sign(text):
        return None
    store = Store(folder)
    named = [Path(found.group(0)) for found in TABLE_FILE.finditer(text)]
    suspects = store.suspects()
    paths = named or suspects  # it does not always say which file
    if not paths:
        return None
    path = paths[0]
    table = ".".join(path.parts[-4:-2])
    is_seen = path in suspects or store.part(table, path.parent.name) is None
    return ProjectError(
        f"the query failed: a file of {table} is missing or damaged",
        where=str(path),
        fix="recsys-duck build" if is_seen else f"recsys-duck build --force --select {table}",
        cause=text,
    )


def catalog_told(path: Path, cause: str) -> ProjectError:
    """Make the error of a catalog file that can't be opened."""
    fix = f"recsys-duck build publishes it again; where it says unchanged, rm {shlex.quote(str(path))} first"
    return ProjectError("can't open the catalog", where=str(path), fix=fix, cause=cause)


def _is_readable(engine: Engine, path: Path) -> bool:
    try:
        engine.fetch(Query(f"select bit_xor(hash(rows)) from read_parquet([{paths_text([path])}]) as rows"))
    except StageError:
        return False
    return True
