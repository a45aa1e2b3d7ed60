"""Exports: files that a kind's users expect, each a SELECT on the published tables in a file of `exports`.

Owns which there are, and that every file is put in place whole. An export whose tables are not
published is told, and left out of all of them.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from recsys_duck.engines.copying import Copier, copying
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProjectError, near_miss
from recsys_duck.kind import SQL_FOLDER, kind_names
from recsys_duck.placing import folder_at, is_replaceable, placing, put, send
from recsys_duck.question import Limits
from recsys_duck.stage import split_header

FIELDS = ("file", "why", "check", "rows per file")
NUMBER = "{i}"
ALL = "all"
# those of meta are tables of the catalog itself
PUBLISHED = """
select concat(schema_name, '.', view_name) from duckdb_views()
union all select concat(schema_name, '.', table_name) from duckdb_tables()
"""


@dataclass(frozen=True, slots=True)
class Export:
    """One file, or numbered files of `rows_per_file` each: its SELECT, the tables it reads, what it refuses."""

    name: str
    about: str
    file: str
    select: str
    reads: tuple[str, ...]
    check: str = ""
    rows_per_file: int = 0


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: rows, and the files by name; `stale` ones of an earlier, longer export are gone."""

    export: Export
    n_rows: int
    files: tuple[str, ...]
    stale: tuple[str, ...] = ()


def read_exports(kind: str, reader: SqlText) -> list[Export]:
    """Read the exports of a kind, those for every kind first, by name.

    Raises:
        ProjectError: a file's header is not in order.
    """
    folders = [SQL_FOLDER / "exports", *([SQL_FOLDER / "kinds" / kind / "exports"] if kind else [])]
    return [_parse(path, reader) for folder in folders for path in sorted(folder.glob("*.sql"))]


def _parse(path: Path, reader: SqlText) -> Export:
    text = path.read_text(encoding="utf-8")
    about, fields = split_header(text, str(path), FIELDS)
    said = dict(fields)
    file, rows = said.get("file", ""), said.get("rows per file", "0").replace(",", "")
    if not file or not rows.isdigit() or (NUMBER in file) != (rows != "0"):
        raise ProjectError(
            "the export does not say which file it makes",
            where=str(path),
            fix=f"add `-- file: name.csv`; of several, `-- file: name_{NUMBER}.csv` and `-- rows per file: 500,000`",
        )
    reads = reader.facts(text, where=str(path)).reads
    return Export(path.stem, about, file, text, reads, said.get("check", ""), int(rows))


def find_export(exports: Sequence[Export], name: str) -> Export:
    """Find an export by its name or its file.

    Raises:
        ProjectError: there is none.
    """
    for one in exports:
        if name in (one.name, one.file):
            return one
    fix = near_miss(name, [ALL, *(one.name for one in exports)])
    raise ProjectError(f"there is no export {name}", where="export", fix=fix)


@contextmanager
def published_exports(catalog: Path, limits: Limits) -> Iterator["tuple[Copier, list[Export]]"]:
    """Open a published catalog with the exports of its kind.

    Raises:
        ProjectError: the catalog can't be opened.
        ResourceError: memory or disk does not suffice.
    """
    with copying(catalog, limits) as copier, SqlText() as reader:
        known = kind_names()
        kinds = [name for (name,) in copier.rows("select distinct origin from meta.stages") if name in known]
        yield copier, read_exports(kinds[0] if kinds else "", reader)


def missing_tables(export: Export, copier: Copier) -> list[str]:
    """Name the tables that an export reads and the catalog has not."""
    published = {name for (name,) in copier.rows(PUBLISHED)}
    return [table for table in export.reads if table not in published]


def export_file(export: Export, copier: Copier, target: Path | None) -> Exported:
    """Write one export to a file of any name, put in place whole; to a pipe or a device as it comes; None is stdout.

    Raises:
        ProjectError: its tables are not published, its check fails, it is several files, or the file can't be written.
        ResourceError: the disk is full.
    """
    if export.rows_per_file:
        fix = f"give it a folder: export {export.name} DIR, with DIR there"
        raise ProjectError(f"{export.name} is several files, {export.file}", where=str(target or "-"), fix=fix)
    _refuse_unfit(export, copier)
    resolved = target.resolve() if target else None  # a link stays one
    if resolved is None or not is_replaceable(resolved):
        with tempfile.TemporaryDirectory(prefix="recsys-duck-") as folder:
            beside = Path(folder) / export.file
            n_rows = copier.copy(export.select, beside, name=export.name)
            send(beside, resolved)
        return Exported(export, n_rows, ("stdout" if target is None else str(target),))
    with placing(resolved.parent) as folder:
        beside = folder / export.file
        n_rows = copier.copy(export.select, beside, name=export.name)
        put(beside, resolved)
    return Exported(export, n_rows, (str(target),))


def export_folder(exports: Sequence[Export], copier: Copier, target: Path) -> list[Exported]:
    """Write exports into a folder under their own file names: all are written first, then each put in place whole.

    Raises:
        ProjectError, ResourceError: as export_file; nothing was put in place.
    """
    for export in exports:
        _refuse_unfit(export, copier)
    with placing(folder_at(target)) as folder:
        made = []
        for export in exports:
            if export.rows_per_file:
                n_rows, files = copier.copy_parts(export.select, folder, export.file, export.rows_per_file)
            else:
                n_rows, files = copier.copy(export.select, folder / export.file, name=export.name), [export.file]
            made.append(Exported(export, n_rows, tuple(files), tuple(_stale(export, files, target))))
        names = [name for one in made for name in one.files]
        for name in names:
            _refuse_standing(target / name)
        for name in names:
            put(folder / name, target / name)
    for one in made:
        for name in one.stale:
            (target / name).unlink(missing_ok=True)
    return made


def _refuse_standing(target: Path) -> None:
    if not is_replaceable(target):
        raise ProjectError("something that is no file stands there", where=str(target), fix="remove it")


def _refuse_unfit(export: Export, copier: Copier) -> None:
    missing = missing_tables(export, copier)
    if missing:
        raise ProjectError(
            f"{missing[0]} is not published here", where=f"export {export.name}", fix=f"build --select +{missing[0]}"
        )
    predicate, _, sentence = export.check.partition(" -- ")
    if predicate:
        broken = copier.rows(f"from ({export.select}\n) where not ({predicate}) limit 1")
        if broken:
            what, _, fix = sentence.partition("; ")
            raise ProjectError(f"{what} (first: {broken[0][0]!r})", where=f"export {export.name}", fix=fix)


def _stale(export: Export, files: Sequence[str], target: Path) -> Iterator[str]:
    """Name the numbered files in place that this export no longer has."""
    if export.rows_per_file:
        first, last = export.file.split(NUMBER)
        for path in sorted(target.glob(export.file.replace(NUMBER, "*"))):
            number = path.name.removeprefix(first).removesuffix(last)
            if number.isdigit() and path.name not in files:
                yield path.name
