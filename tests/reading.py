"""Reading the files of an input as a build does, without a build: its rows, the lines that are none, and warnings.

Files are written into the folder that a test gives; nothing here asserts.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsys_duck.engines import Query
from recsys_duck.engines.duckdb import DuckdbEngine
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import StageError
from recsys_duck.inputs import load_sources
from recsys_duck.intake import Porter
from recsys_duck.kind import load_kind
from recsys_duck.settings import Given

COLUMNS = "cast(user_id as varchar) as u, cast(item_id as varchar) as i"


@dataclass(frozen=True)
class Read:
    """Rows in order of their values, the text of lines that hold none, warnings, and the rows that lines promise."""

    rows: list[tuple[Any, ...]]
    bad: list[str]
    warnings: list[str]
    n_promised: int | None


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below a folder; texts as UTF-8 with the line ends that they have."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def read(
    folder: Path,
    files: Mapping[str, str | bytes],
    *readers: tuple[str, object],
    columns: Sequence[tuple[str, str]] = (),
    pattern: str = "",
    show: str = COLUMNS,
) -> Read:
    """Read files as the input events of kind events, with reader options and mapped columns, (ours, theirs)."""
    write_files(folder, files)
    given = Given(
        root=folder,
        files=[("", str(folder / (pattern or next(iter(files)))))],
        readers=[("events", option, value) for option, value in readers],
        columns=[("", ours, theirs) for ours, theirs in columns],
    )
    with (
        SqlText() as sql,
        tempfile.TemporaryDirectory() as copies,
        DuckdbEngine(memory_bytes=200_000_000, threads=1, temporary=Path(copies)) as engine,
    ):
        source = load_sources(folder, load_kind("events"), {}, given, sql)["events"]
        porter = Porter(engine, Path(copies))
        intake = porter.take(source)
        text = f"select {show}, bad_line, bad_value from files.events order by all"
        places = sql.facts(text, where="test").places
        try:
            found = engine.fetch(Query(text, places, {}, {"events": intake.readable}, "test"))
        except StageError:
            if not porter.again(intake):
                raise
            found = engine.fetch(Query(text, places, {}, {"events": intake.readable}, "test"))
    rows = [row[:-2] for row in found if not row[-2]]
    return Read(rows, [str(row[-1]) for row in found if row[-2]], intake.warnings, intake.n_rows)
