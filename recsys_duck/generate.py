"""The generator: made-up data in the original layout of a kind, of any number of rows, with known defects.

The files come from the SELECTs in `sql/generate`, streamed on one thread each, so that a seed gives the
same bytes on any machine. Refuses a folder that has such files; what is stopped leaves nothing.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from recsys_duck import memory
from recsys_duck.engines import Query, splice
from recsys_duck.engines.duckdb import DuckdbEngine
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProjectError, near_miss
from recsys_duck.events import Built, Event, Progress, Started
from recsys_duck.jobs import run_jobs, stoppable
from recsys_duck.kind import SQL_FOLDER, shown_path
from recsys_duck.parameters import Value, read_toml, table_of
from recsys_duck.placing import folder_at, placing, put
from recsys_duck.stage import Place

FOLDER = SQL_FOLDER / "generate"
SETTINGS_FILE = "generate.toml"
LAYER = "generate."
# What DuckDB's buffers may take, and how many slices of playlists are put together in it, each in some 400 MB.
MEMORY_BYTES = 2_000_000_000
MOST_AT_A_TIME = 4


@dataclass(frozen=True, slots=True)
class Defect:
    """Something wrong on purpose: in which share of what, and what it stands for."""

    name: str
    share: float
    of: str
    about: str


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that is made: the SELECT of its rows and the options of COPY.

    With `per_file` it is many files, each `of` so many users or items: `{place}` is the file's, from 0,
    `{first}` and `{last}` are numbers of users or items.
    """

    name: str
    query: str
    copy: str
    layout: str
    of: str
    per_file: int

    @property
    def pattern(self) -> str:
        """What finds it, or its many."""
        return self.name.format(place="*", first="*", last="*")


@dataclass(frozen=True, slots=True)
class Generator:
    """What a kind's generate.toml says: its shape by `$name`, its defects, its layouts and files."""

    kind: str
    shape: Mapping[str, Value]
    defects: tuple[Defect, ...]
    layouts: tuple[str, ...]
    files: tuple[MadeFile, ...]


def load_generator(kind: str) -> Generator:
    """Read the generator of a kind.

    Raises:
        ProjectError: there is none of this name.
    """
    known = sorted(path.parent.name for path in FOLDER.glob(f"*/{SETTINGS_FILE}"))
    if kind not in known:
        raise ProjectError(f"there is no generator of kind {kind}", where="KIND", fix=near_miss(kind, known))
    fields: Mapping[str, Any] = read_toml(FOLDER / kind / SETTINGS_FILE)
    defects = tuple(Defect(name, **one) for name, one in table_of(fields, "defects").items())
    shape = {**table_of(fields, "shape"), **{one.name: one.share for one in defects}}
    return Generator(
        kind=kind,
        shape={name: _value(data) for name, data in shape.items()},
        defects=defects,
        layouts=tuple(fields.get("layouts", ())),
        files=tuple(MadeFile(**{"layout": "", "of": "", "per_file": 0, **one}) for one in fields["files"]),
    )


def generate(
    generator: Generator, folder: Path, *, rows: int, seed: int, threads: int, layout: str | None = None
) -> Iterator[Event]:
    """Make the files of a layout, by default the first; yields what happens.

    Raises:
        ProjectError: there is no such layout, the folder has such files or takes none.
        ResourceError: memory or disk does not suffice; nothing is left behind.
        InterruptedBuildError, TerminatedBuildError: nothing is left behind.
    """
    files = _files_of(generator, layout)
    _refuse_taken(files, folder)
    texts = _Texts(generator.kind)
    with stoppable(fix="generate again: nothing was left behind"), _workspace(folder) as beside:
        memory_bytes = min(MEMORY_BYTES, memory.sql_share(memory.default_limit()))
        engine = DuckdbEngine(memory_bytes=memory_bytes, threads=threads, temporary=beside / "spill")
        with texts, engine, engine.lean(memory_bytes):
            engine.run_script((FOLDER / "macros.sql").read_text(encoding="utf-8"), where="macros.sql")
            given = {**generator.shape, "rows": _value(rows), "seed": _value(seed)}
            values = {**given, **_sizes(engine, texts, given)}
            made = [(file, _parts(file, texts.query(file.query, values))) for file in files]
            for file, parts in made:
                yield from _make(file, parts, engine, beside, threads)
        _put_all([name for _, parts in made for name in parts], beside, folder)


def _put_all(names: Sequence[str], beside: Path, folder: Path) -> None:
    """Put all files in place; where one can't be, none stays."""
    done: list[Path] = []
    try:
        for name in names:
            put(beside / name, folder / name)
            done.append(folder / name)
    except BaseException:
        for path in done:
            path.unlink(missing_ok=True)
        raise


def _files_of(generator: Generator, layout: str | None) -> list[MadeFile]:
    chosen = layout or next(iter(generator.layouts), "")
    if chosen and chosen not in generator.layouts:
        raise ProjectError(
            f"{generator.kind} has no layout {chosen}", where="--layout", fix=near_miss(chosen, generator.layouts)
        )
    return [file for file in generator.files if file.layout == chosen]


def _refuse_taken(files: Sequence[MadeFile], folder: Path) -> None:
    taken = [path for file in files for path in sorted(folder.glob(file.pattern))]
    if taken:
        more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise ProjectError(
            f"the folder has {taken[0].name}{more}", where=str(folder), fix="give another folder, or remove them"
        )


@contextmanager
def _workspace(folder: Path) -> Iterator[Path]:
    """Give a folder inside the one of the files to come, which is made, and is gone where nothing came of it."""
    is_new = not folder.exists()
    try:
        with placing(folder_at(folder)) as beside:
            yield beside
    except BaseException:
        if is_new:
            with suppress(OSError):  # somebody else put something there
                folder.rmdir()
        raise


def _sizes(engine: DuckdbEngine, texts: "_Texts", given: Mapping[str, Value]) -> dict[str, Value]:
    """Compute the numbers of users, items and the like that the rows make."""
    query = texts.query("sizes", given)
    names = [name for name, _ in engine.columns(query)]
    return dict(zip(names, map(_value, engine.fetch(query)[0]), strict=True))


def _make(
    file: MadeFile, parts: Mapping[str, Query], engine: DuckdbEngine, beside: Path, threads: int
) -> Iterator[Event]:
    """Make one file, or its many."""
    began = time.monotonic()
    yield Started(file.pattern, "", len(parts))
    tasks = [partial(engine.copy_to, one, beside / name, file.copy) for name, one in parts.items()]
    n_rows = n_done = 0
    for finished in run_jobs(engine, tasks, min(threads, MOST_AT_A_TIME)):
        n_rows += sum(finished)
        n_done += len(finished)
        yield Progress(file.pattern, n_done, len(parts), engine.progress(), time.monotonic() - began)
    n_bytes = sum(os.path.getsize(beside / name) for name in parts)
    yield Built(file.pattern, "made", "file", n_rows, n_bytes, 0, time.monotonic() - began)


def _parts(file: MadeFile, query: Query) -> dict[str, Query]:
    """Split a file of many by users or items: the query of each, by name."""
    if not file.per_file:
        return {file.name: query}
    parts = {}
    end = int(str(query.values[f"last_{file.of}"].data))
    for place, first in enumerate(range(0, end + 1, file.per_file)):
        last = first + file.per_file - 1
        own = {f"first_{file.of}": _value(first), f"last_{file.of}": _value(min(last, end))}
        name = file.name.format(place=place, first=first, last=last)
        parts[name] = replace(query, values={**query.values, **own})
    return parts


class _Texts:
    """The SELECTs of a kind, with those that they read as `generate.<name>` in their place."""

    def __init__(self, kind: str) -> None:
        self._folders = (FOLDER / kind, FOLDER)
        self._reader = SqlText()

    def __enter__(self) -> "_Texts":
        self._reader.__enter__()
        return self

    def __exit__(self, *ended: Any) -> None:
        self._reader.__exit__(*ended)

    def query(self, name: str, values: Mapping[str, Value]) -> Query:
        path, text = self._whole(name)
        return Query(text, self._reader.facts(text, where=shown_path(path)).places, values, where=shown_path(path))

    def _whole(self, name: str) -> tuple[Path, str]:
        path = next(folder / f"{name}.sql" for folder in self._folders if (folder / f"{name}.sql").exists())
        text = path.read_text(encoding="utf-8")
        return path, splice(text, self._reader.facts(text, where=shown_path(path)).places, self._in_place)

    def _in_place(self, place: Place) -> str:
        if place.kind == "parameter":
            return f"${place.name}"
        name = place.name.removeprefix(LAYER)
        return f"({self._whole(name)[1]})" + ("" if place.alias else f" as {name}")


def _value(data: Any) -> Value:
    return Value("bigint" if isinstance(data, int) else "double", data)
