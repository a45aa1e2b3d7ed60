"""Copying: a published catalog opened read-only, whose rows go into files of several formats as they are read.

DuckDB writes CSV, Parquet, JSON lines and text by itself; rows for SQLite and Redis pass through Python, some
at a time. Order is that of the SELECT. Where a format lacks a type, the value is kept in another form: lists
and records are JSON text in CSV and SQLite, decimals and times are text in SQLite, what is no number is null
in JSON.
"""

import json
import math
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from recsys_duck import memory
from recsys_duck.damage import catalog_told, damage_told
from recsys_duck.ending import Ending, ending_of
from recsys_duck.engines.faults import WRITING, shortage
from recsys_duck.errors import ProjectError, RecsysDuckError
from recsys_duck.jobs import run_one, stoppable
from recsys_duck.parameters import quoted
from recsys_duck.question import TABLES_LISTED, Limits

T = TypeVar("T")
AT_A_TIME = 10_000
# by format; text is the first column alone, a line a row
COPIED = {
    ".csv": "format csv, header true",
    ".tsv": "format csv, header true, delimiter '\t'",
    ".parquet": "format parquet, compression zstd",
    ".jsonl": "format json",
    ".txt": "format csv, header false, quote '', escape ''",
}
NESTED = ("STRUCT(", "MAP(", "UNION(")
HUGE = ("HUGEINT", "UHUGEINT")
# of SQLite; a column of another type is text, one of HUGEINT has no type, or SQLite would round it
AFFINITIES = {
    **dict.fromkeys(("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT"), "integer"),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER"), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "real"),
    **dict.fromkeys((*HUGE, "UBIGINT"), ""),
    "BLOB": "blob",
}


class Copier:
    """Reads one catalog; each call runs on a thread of its own, so that Ctrl-C can stop it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder

    def interrupt(self) -> None:
        """Stop what runs, from another thread."""
        self._connection.interrupt()

    def rows(self, select: str) -> list[tuple[Any, ...]]:
        """Ask for a few rows."""
        return self._told(select[:80], lambda: self._connection.execute(select).fetchall())

    def columns(self, select: str) -> Mapping[str, str]:
        """Ask for the columns of a SELECT, each with its type."""
        return self._told(select[:80], lambda: self._columns(select))

    def copy(self, select: str, target: Path, *, name: str) -> int:
        """Write the rows of a SELECT as a file of the format that its ending tells; returns how many.

        Raises:
            ProjectError: the ending tells no format, or the SELECT fails.
            ResourceError: memory or disk does not suffice.
        """
        writers: dict[str, Callable[[str, Path], int]] = {".sqlite": self._sqlite, ".resp": self._redis}
        ending = ending_of(target.name)
        if ending is None:
            raise ProjectError(f"{target.name} has no ending", where=f"export {name}", fix=f"name it {target.name}.csv")
        if ending.format in writers:
            return self._told(name, lambda: writers[ending.format](select, target))
        return self._told(name, lambda: self._copy(select, target, ending))

    def copy_parts(self, select: str, folder: Path, file: str, rows_per_file: int) -> tuple[int, list[str]]:
        """Write the rows as numbered files of so many rows each; returns their number and the files' names.

        Raises:
            ProjectError, ResourceError: as copy.
        """
        whole = folder / "whole.parquet"
        n_rows = self.copy(select, whole, name=file)
        names = []
        for number in range(max(1, -(-n_rows // rows_per_file))):
            names.append(file.replace("{i}", str(number)))
            first = number * rows_per_file
            options = "file_row_number = true, hive_partitioning = false"
            part = (
                f"select * exclude (file_row_number) from read_parquet({quoted(str(whole))}, {options}) "
                f"where file_row_number between {first} and {first + rows_per_file - 1} order by file_row_number"
            )
            self.copy(part, folder / names[-1], name=file)
        whole.unlink()
        return n_rows, names

    def _copy(self, select: str, target: Path, ending: Ending) -> int:
        columns = self._columns(select)
        if ending.format == ".txt":
            columns = dict([next(iter(columns.items()))])
        written = [_written(name, type_, ending.format) for name, type_ in columns.items()]
        options = COPIED[ending.format] + (f", compression {ending.packing}" if ending.packing else "")
        text = f"copy (select {', '.join(written)} from ({select}\n)) to {quoted(str(target))} ({options})"
        row = self._connection.execute(text).fetchone()
        return int(row[0]) if row else 0

    def _sqlite(self, select: str, target: Path) -> int:
        """Write one table named as the file, with an index on its first column."""
        columns = self._columns(select)
        table, first = identifier(target.name.partition(".")[0]), next(iter(columns))
        declared = ", ".join(f"{identifier(name)} {AFFINITIES.get(type_, 'text')}" for name, type_ in columns.items())
        marks = ", ".join("?" for _ in columns)
        n_rows = 0
        with closing(sqlite3.connect(target)) as database, database:
            database.execute(f"create table {table} ({declared})")
            written = ", ".join(_written(name, type_, ".sqlite") for name, type_ in columns.items())
            for rows in self._batches(f"select {written} from ({select}\n)"):
                values = ([_plain(value) for value in row] for row in rows)
                database.executemany(f"insert into {table} values ({marks})", values)
                n_rows += len(rows)
            database.execute(f"create index {identifier(f'by_{first}')} on {table} ({identifier(first)})")
        return n_rows

    def _redis(self, select: str, target: Path) -> int:
        """Write SET commands, first column to second, in Redis' protocol: `redis-cli --pipe` takes them."""
        n_rows = 0
        with target.open("wb") as file:
            for rows in self._batches(select):
                for key, value, *_ in rows:
                    words = [str(word).encode() for word in ("SET", key, _plain(value))]
                    file.write(b"*%d\r\n" % len(words))
                    file.writelines(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
                n_rows += len(rows)
        return n_rows

    def _columns(self, select: str) -> dict[str, str]:
        described = self._connection.execute(f"describe {select}").fetchall()
        return {str(name): str(type_) for name, type_, *_ in described}

    def _batches(self, select: str) -> Iterator[list[tuple[Any, ...]]]:
        self._connection.execute(select)
        while rows := self._connection.fetchmany(AT_A_TIME):
            yield rows

    def _told(self, where: str, task: Callable[[], T]) -> T:
        """Run a task where Ctrl-C can stop it, and tell DuckDB's errors as ours."""
        try:
            return run_one(self, task)
        except (duckdb.Error, sqlite3.Error, OSError, MemoryError) as error:
            raise _ours(error, where, self._folder) from None


def _ours(error: Exception, where: str, folder: Path) -> RecsysDuckError:
    known = shortage(error, where, WRITING) or damage_told(str(error), folder)
    if known:
        return known
    if isinstance(error, duckdb.IOException | sqlite3.Error | OSError):
        fix = "give another file or folder: what the system says stands with this"
        return ProjectError("the file can't be written", where=where, fix=fix, cause=str(error))
    fix = f"correct its SELECT, if it is yours; {TABLES_LISTED}"
    return ProjectError("the export failed", where=where, fix=fix, cause=str(error))


@contextmanager
def copying(catalog: Path, limits: Limits) -> Iterator[Copier]:
    """Open a catalog file for exports, within memory and threads; spilled rows are gone afterwards.

    Raises:
        ProjectError: it can't be opened.
        InterruptedBuildError, TerminatedBuildError: a signal stopped it.
    """
    with stoppable(fix=""), tempfile.TemporaryDirectory(prefix="recsys-duck-", ignore_cleanup_errors=True) as spill:
        share = f"{memory.sql_share(limits.memory_bytes) // 1000}KB"
        with duckdb.connect(
            config={"memory_limit": share, "threads": limits.threads, "temp_directory": spill}
        ) as connection:
            try:
                connection.execute("set TimeZone = 'UTC'")
                connection.execute(f"attach {quoted(str(catalog))} as catalog (read_only)")
            except duckdb.Error as error:
                raise shortage(error, str(catalog), WRITING) or catalog_told(catalog, str(error)) from None
            connection.execute("use catalog")
            yield Copier(connection, catalog.parent)


def identifier(name: str) -> str:
    """Quote a name of a table or column."""
    return '"' + name.replace('"', '""') + '"'


def _written(name: str, sql_type: str, to: str) -> str:
    """Select a column as a format has it."""
    column = identifier(name)
    if to in (".csv", ".tsv", ".sqlite") and (sql_type.startswith(NESTED) or sql_type.endswith("]")):
        return f"cast(to_json({column}) as varchar) as {column}"
    if to == ".sqlite" and sql_type not in AFFINITIES:
        return f"cast({column} as varchar) as {column}"
    if to == ".jsonl" and sql_type in ("FLOAT", "DOUBLE"):
        return f"case when isfinite({column}) then {column} end as {column}"
    if to == ".parquet" and sql_type in HUGE:
        return f"cast({column} as decimal(38, 0)) as {column}"  # Parquet would round it to DOUBLE
    return column


def _plain(value: Any) -> Any:
    """Give a value as SQLite and Redis have it: lists and records as JSON, what would be rounded or lost as text."""
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, float):
        return value if not math.isnan(value) else "nan"  # SQLite would make it null
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    return value if isinstance(value, str | bytes | None) else str(value)
