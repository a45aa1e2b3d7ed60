"""Exports: files that a kind's users expect, each a SELECT on the published tables in a file of `exports`.

Every published table is an export too. Owns which there are, in which format a target asks for them, and that
every file is put in place whole. An export whose tables are not published is told, and left out of all of them.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from recsys_duck.ending import Ending, ending_of
from recsys_duck.engines.copying import Copier, copying, identifier
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProjectError, near_miss
from recsys_duck.header import split_header
from recsys_duck.kind import EXPORTS_FOLDER, SQL_FOLDER, kind_names, overlay, shown_path
from recsys_duck.placing import folder_at, is_replaceable, placing, put, send
from recsys_duck.question import Limits

FIELDS = ("file", "why", "check", "rows per file")
NUMBER = "{i}"
ALL = "all"
# of these formats only so many columns are written, and a check may read others
WIDTHS = {".txt": 1, ".resp": 2}
# those of meta are tables of the catalog itself
PUBLISHED = """
select concat(schema_name, '.', view_name) from duckdb_views()
where not internal and database_name = current_database()
union all select concat(schema_name, '.', table_name) from duckdb_tables()
where not internal and database_name = current_database()
order by 1
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

    @property
    def ending(self) -> Ending:
        """The format of its own file."""
        ending = ending_of(self.file)
        assert ending is not None, f"{self.file} has no ending"
        return ending

    @property
    def table(self) -> str:
        """The name of its rows in a format that names them."""
        return self.file.removesuffix(self.ending.text).replace(f"_{NUMBER}", "").rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: rows, and the files by name; `stale` ones of an earlier, longer export are gone."""

    export: Export
    n_rows: int
    files: tuple[str, ...]
    stale: tuple[str, ...] = ()


def read_exports(kind: str, reader: SqlText, root: Path | None = None) -> list[Export]:
    """Read the exports for every kind, those of a kind, those of a project, by name; a later one hides an earlier.

    Raises:
        ProjectError: a file's header is not in order.
    """
    folders = [SQL_FOLDER / EXPORTS_FOLDER, *([SQL_FOLDER / "kinds" / kind / EXPORTS_FOLDER] if kind else [])]
    own = overlay(root) if root else None
    if own:
        folders.append(own / EXPORTS_FOLDER)
    found = [_parse(path, reader) for folder in folders for path in sorted(folder.glob("*.sql"))]
    return list({one.name: one for one in found}.values())


def _parse(path: Path, reader: SqlText) -> Export:
    where = shown_path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ProjectError("an export's file is not UTF-8", where=where, fix="save it as UTF-8") from None
    about, fields = split_header(text, where, FIELDS)
    said = dict(fields)
    file, rows = said.get("file", ""), said.get("rows per file", "0").replace(",", "")
    ending = ending_of(file) if file else None
    if ending is None or "/" in file or not rows.isdigit() or (NUMBER in file) != (rows != "0"):
        raise ProjectError(
            "the export does not say which file it makes",
            where=where,
            fix=f"add `-- file: name.csv`; of several, `-- file: name_{NUMBER}.csv` and `-- rows per file: 500,000`",
        )
    if path.stem == ALL:
        raise ProjectError(
            f"an export can't be named {ALL}", where=where, fix=f"rename it, {file.partition('.')[0]}.sql"
        )
    facts = reader.facts(text, where=where)
    if facts.parameters:
        what = f"an export takes no parameters, and this one has ${facts.parameters[0]}"
        raise ProjectError(what, where=where, fix="write the value, or read it from meta.parameters")
    return Export(path.stem, about, file, text, facts.reads, said.get("check", ""), int(rows))


def find_export(exports: Sequence[Export], name: str, tables: Sequence[str] = ()) -> Export:
    """Find an export by its name or its file, or make one of a published table.

    Raises:
        ProjectError: there is none.
    """
    for one in exports:
        if name in (one.name, one.file):
            return one
    if name.lower() in tables:
        return table_export(name.lower())
    fix = near_miss(name, [ALL, *(one.name for one in exports), *tables])
    raise ProjectError(f"there is no export or published table {name}", where="export", fix=fix)


def table_export(table: str) -> Export:
    """Make the export of a published table: all its rows, as CSV where a target names no format."""
    quoted = ".".join(identifier(name) for name in table.split("."))
    return Export(table, f"The rows of {table}.", f"{table}.csv", f"select * from {quoted}", (table,))


@contextmanager
def published_exports(catalog: Path, limits: Limits, root: Path) -> Iterator["tuple[Copier, list[Export]]"]:
    """Open a published catalog with the exports of its kind and of the project in `root`.

    Raises:
        ProjectError: the catalog can't be opened.
        ResourceError: memory or disk does not suffice.
    """
    with copying(catalog, limits) as copier, SqlText() as reader:
        # what a sweep publishes has no stages
        stages = "select distinct origin from meta.stages" if "meta.stages" in published_tables(copier) else ""
        kinds = [name for (name,) in (copier.rows(stages) if stages else ()) if name in kind_names()]
        yield copier, read_exports(kinds[0] if kinds else "", reader, root)


def published_tables(copier: Copier) -> list[str]:
    """List the tables that a catalog has, by name."""
    return [name for (name,) in copier.rows(PUBLISHED)]


def missing_tables(export: Export, tables: Sequence[str]) -> list[str]:
    """Name the tables that an export reads and that are not among the published."""
    return [table for table in export.reads if table not in tables]


def export_file(export: Export, copier: Copier, target: Path | None) -> Exported:
    """Write one export to a file, put in place whole; to a pipe or a device as it comes; None is stdout.

    The target's ending tells the format; without one, or to stdout, it is the export's own.

    Raises:
        ProjectError: its tables are not published, its check fails, the ending is of no format, it is several files
            and has no ending to write them as one, or the file can't be written.
        ResourceError: the disk is full.
    """
    ending = ending_of(target.name) if target else None
    if export.rows_per_file and ending is None:
        fix = f"give a folder that is there, or one file for all rows: export {export.name} {export.table}.csv"
        raise ProjectError(f"{export.name} is several files, {export.file}", where=str(target or "-"), fix=fix)
    _refuse_unfit(export, copier)
    select = _content(export, copier, ending or export.ending)
    name = export.table + (ending or export.ending).text
    if target is None or not is_replaceable(target):
        with tempfile.TemporaryDirectory(prefix="recsys-duck-") as folder:
            n_rows = copier.copy(select, Path(folder) / name, name=export.name)
            send(Path(folder) / name, target)
        return Exported(export, n_rows, ("stdout" if target is None else str(target),))
    resolved = target.resolve()  # a link stays one
    with placing(resolved.parent) as beside:
        n_rows = copier.copy(select, beside / name, name=export.name)
        put(beside / name, resolved)
    return Exported(export, n_rows, (str(target),))


def _content(export: Export, copier: Copier, ending: Ending) -> str:
    """Select what an export's file holds, without columns that only its check reads.

    Raises:
        ProjectError: the format has no room for its columns.
    """
    columns = list(copier.columns(export.select))
    own = WIDTHS.get(export.ending.format, len(columns))
    wanted = WIDTHS.get(ending.format, own)
    if wanted != min(own, len(columns)):
        held = "1 column" if wanted == 1 else f"{wanted} columns"
        raise ProjectError(
            f"{ending.text} holds {held}, and {export.name} has {min(own, len(columns))}",
            where=f"export {export.name}",
            fix=f"export {export.name} {export.table}.csv, or .tsv, .parquet, .jsonl, .sqlite",
        )
    if own == len(columns):
        return export.select
    return f"select {', '.join(identifier(name) for name in columns[:own])} from ({export.select}\n)"


def export_folder(exports: Sequence[Export], copier: Copier, target: Path) -> list[Exported]:
    """Write exports into a folder under their own file names: all are written first, then each put in place whole.

    Raises:
        ProjectError, ResourceError: as export_file; nothing was put in place.
    """
    files = [export.file for export in exports]
    for export in exports:
        if files.count(export.file) > 1:
            both = ", ".join(one.name for one in exports if one.file == export.file)
            raise ProjectError(f"{both} write the same file", where=export.file, fix="give one another `-- file:`")
        _refuse_unfit(export, copier)
    with placing(folder_at(target)) as folder:
        made = []
        for export in exports:
            if export.rows_per_file:
                n_rows, parts = copier.copy_parts(export.select, folder, export.file, export.rows_per_file)
            else:
                n_rows, parts = copier.copy(export.select, folder / export.file, name=export.name), [export.file]
            made.append(Exported(export, n_rows, tuple(parts), tuple(_stale(export, parts, target))))
        names = [name for one in made for name in one.files]
        for name in names:
            _refuse_standing(target / name)
        for name in names:
            put(folder / name, target / name)
    for one in made:
        for name in one.stale:
            (target / name).unlink(missing_ok=True)
    return made


def refuse_warehouse(target: Path, warehouse: Path) -> None:
    """Refuse a target among the files that the published tables are.

    Raises:
        ProjectError: it lies there.
    """
    place = target.resolve()
    if any(place.is_relative_to(warehouse / name) for name in ("tables", "generations")):
        raise ProjectError("the warehouse keeps its own files there", where=str(target), fix="give another folder")


def _refuse_standing(target: Path) -> None:
    if not is_replaceable(target):
        raise ProjectError("something that is no file stands there", where=str(target), fix="remove it")


def _refuse_unfit(export: Export, copier: Copier) -> None:
    tables = published_tables(copier)
    missing = missing_tables(export, tables)
    if missing:
        near = near_miss(missing[0], tables)
        fix = (f"{near} " if near.startswith("did you mean") else "") + f"build --select +{missing[0]}"
        raise ProjectError(f"{missing[0]} is not published here", where=f"export {export.name}", fix=fix)
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
