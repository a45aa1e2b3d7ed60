"""Previews: what a recsys.toml that is not written yet would read: some typed rows, unfit values, names that match.

Reads by the very reader that a build uses, so that a wrong guess shows before anything is built.
"""

import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recsys_duck.engines import Query
from recsys_duck.engines.duckdb import DuckdbEngine
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProjectError, StageError
from recsys_duck.inputs import load_sources
from recsys_duck.intake import Porter
from recsys_duck.kind import load_kind
from recsys_duck.relation import paths_text
from recsys_duck.roles import Cast
from recsys_duck.settings import Given
from recsys_duck.sniff import MOST_ROWS, Column, Look, look_at
from recsys_duck.source import Source

N_SHOWN = 5
N_JUDGED = 200_000  # first rows of the events of which values and names are judged
MOST_BYTES = 20_000_000  # of each text file
MEMORY_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Preview:
    """Typed rows of the events, how many of the judged ones have an unfit value by reason, and how many items a name.

    `n_named` is None where no file has names. `strangers` are some ids of the events and some of the names, where
    fewer than half of the items have a name.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    n_judged: int
    unfit: dict[str, int]
    n_items: int
    n_named: int | None
    strangers: tuple[tuple[str, ...], ...] = ()


def looks_at(files: Sequence[tuple[Path, str]]) -> list[Look]:
    """Look at files, each with the name that it is shown by.

    Raises:
        ProjectError: one of them can't be read, or has no rows.
    """
    with tempfile.TemporaryDirectory() as folder, _engine(Path(folder)) as engine:
        return [look_at(path, shown) or _parquet(path, shown, engine) for path, shown in files]


def preview(text: str, cast: Cast, root: Path) -> Preview:
    """Read the first rows as a recsys.toml says.

    Raises:
        RecsysDuckError: the files can't be read so.
    """
    kind = load_kind("events")
    with SqlText() as sql, tempfile.TemporaryDirectory() as folder, _engine(Path(folder)) as engine:
        sources = load_sources(root, kind, tomllib.loads(text), Given(root=root), sql)
        for name in (role.input for role in cast.roles if role.input in ("events", "items")):
            sources[name] = _taken(_shortened(sources[name], Path(folder)), engine, Path(folder) / name)

        def fetched(question: str) -> list[tuple[Any, ...]]:
            places = sql.facts(question, where="preview").places
            return engine.fetch(Query(question, places, {}, sources, "the first rows"))

        names = tuple(cast.roles[0].column)
        has_names = cast.role("items") is not None
        rows = fetched(_first_rows(names, has_names=has_names))
        n_judged, unfit = _unfit(sources["events"], fetched)
        n_items, n_named = _named(fetched) if has_names else (0, None)
        strangers = _strangers(fetched) if n_named is not None and n_named < n_items / 2 else ()
    names = (*names, "item_name") if has_names else names
    return Preview(names, tuple(rows), n_judged, unfit, n_items, n_named, strangers)


def _first_rows(names: Sequence[str], *, has_names: bool) -> str:
    """Select the first events, with the names of their items: a wrong encoding shows in them."""
    columns = f"{', '.join(names)}, row_number() over () as place"
    first = f"select {columns} from files.events where not bad_line limit {N_SHOWN}"
    shown = ", ".join(f"first_events.{name}" for name in names)
    if not has_names:
        return f"select {shown} from ({first}) as first_events order by first_events.place"
    return (
        f"select {shown}, min(items.item_name) as item_name from ({first}) as first_events "
        "left join files.items on first_events.item_id = items.item_id "
        f"group by {shown}, first_events.place order by first_events.place"
    )


def _shortened(source: Source, folder: Path) -> Source:
    """Take the first lines of large text files, which a file of one array and one of two-byte letters do not have."""
    files = []
    for at, file in enumerate(source.files):
        form, short = file.text, folder / f"{source.input.name}-{at}"
        is_long = source.input.is_text and file.n_bytes > MOST_BYTES
        if not is_long or form.packing or form.is_array or form.encoding.startswith("utf-16"):
            files.append(file)
            continue
        with file.path.open("rb") as stream:
            head = stream.read(MOST_BYTES)
        short.write_bytes(head[: head.rfind(b"\n") + 1 or len(head)])
        files.append(replace(file, path=short, n_bytes=short.stat().st_size))
    return replace(source, files=tuple(files))


def _taken(source: Source, engine: DuckdbEngine, folder: Path) -> Source:
    """Make the files ready to be read, as a build does."""
    folder.mkdir()
    porter = Porter(engine, folder)
    intake = porter.take(source)
    porter.again(intake)
    return intake.readable


def _engine(folder: Path) -> DuckdbEngine:
    return DuckdbEngine(memory_bytes=MEMORY_BYTES, threads=1, temporary=folder)


def _parquet(path: Path, shown: str, engine: DuckdbEngine) -> Look:
    """Read the columns of a Parquet file and its first rows, as texts."""
    scan = f"read_parquet([{paths_text([path])}], hive_partitioning = false)"
    try:
        types = engine.fetch(Query(f"describe select * from {scan}", where=shown))
        texts = engine.fetch(Query(f"select cast(columns(*) as varchar) from {scan} limit {MOST_ROWS}", where=shown))
    except StageError as error:
        fix = "write it again: it may be cut off"
        raise ProjectError(f"{shown} can't be read as Parquet", where=str(path), fix=fix, cause=error.cause) from None
    if not texts:
        raise ProjectError(f"{shown} has no rows", where=str(path), fix="give a file with rows")
    columns = tuple(
        Column(str(name), tuple((row[at] or "").strip() for row in texts), str(sql_type))
        for at, (name, sql_type, *_) in enumerate(types)
    )
    return Look(path, shown, "parquet", columns, len(texts))


def _unfit(source: Source, fetched: Callable[[str], list[tuple[Any, ...]]]) -> tuple[int, dict[str, int]]:
    """Count the first rows of the events, and those with a value that does not fit or a missing id."""
    tests = {flag: flag for flag, name in source.input.unfit.items() if source.has(name)}
    for name in ("user_id", "item_id"):
        tests[f"missing_{name}"] = f"{name} is null and not bad_{name} and not bad_line"
    tests["bad_line"] = "bad_line"
    if source.has("weight"):
        tests["weight below 0"] = "weight < 0"
    counts = ", ".join(f"count(case when {test} then 1 end) as n_{at}" for at, test in enumerate(tests.values()))
    judged = f"select * from files.events limit {N_JUDGED}"
    row = fetched(f"select count(*) as n_rows, {counts} from ({judged}) as judged_events")[0]
    found = {name: int(n_rows) for name, n_rows in zip(tests, row[1:], strict=True) if n_rows}
    return int(row[0]), found


def _named(fetched: Callable[[str], list[tuple[Any, ...]]]) -> tuple[int, int]:
    """Count the items of the first events, and those with a name."""
    seen = f"select item_id from files.events where item_id is not null limit {N_JUDGED}"
    n_items, n_named = fetched(
        "select count(*) as n_items, count(named_items.item_id) as n_named "
        f"from (select distinct item_id from ({seen}) as first_events) as seen_items "
        "left join (select distinct item_id from files.items where item_name is not null) as named_items "
        "on seen_items.item_id = named_items.item_id"
    )[0]
    return int(n_items), int(n_named)


def _strangers(fetched: Callable[[str], list[tuple[Any, ...]]]) -> tuple[tuple[str, ...], ...]:
    """Give some item ids of the events and some of the names."""
    return tuple(
        tuple(str(row[0]) for row in fetched(f"select distinct item_id from files.{name} order by item_id limit 3"))
        for name in ("events", "items")
    )
