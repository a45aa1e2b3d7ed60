"""The DuckDB engine: a session in memory over Parquet parts, one cursor a call.

Owns the session's settings, the compiling of queries, and which error of DuckDB's is which of ours.
Refuses columns that Parquet or a later view can't hold.
"""

import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from recsys_duck.engines import Query, Written, splice
from recsys_duck.engines.faults import BUILDING, shortage
from recsys_duck.engines.readers import one_of_each, reader_select
from recsys_duck.errors import RecsysDuckError, StageError
from recsys_duck.jobs import refuse_stop
from recsys_duck.parameters import Value, quoted
from recsys_duck.relation import Relation, definitions, stored_rows
from recsys_duck.stage import Place

UNIT_HASH = (
    "create or replace macro unit_hash(key) as "
    "(cast('0x' || substr(md5(key), 1, 13) as bigint) + 0.5e0) / 4503599627370496e0"
)
UNFIT_TYPES = {
    '"NULL"': "cast(null as the type you mean)",
    "HUGEINT": "cast(sum(x) as bigint); Parquet would store DOUBLE",
    "UHUGEINT": "cast(x as bigint); Parquet would store DOUBLE",
}

# What DuckDB says of a line that it can't read, and what helps.
UNREADABLE = {
    "Expected Number of Columns": "give each line as many fields as the first; or say delimiter or quote of the input",
    "unterminated quote": 'mend the quotes; where they mean nothing, say quote = ""',
    "not utf-8 encoded": "say the encoding of the input, which is likely cp1252: --reader INPUT.encoding=cp1252",
    "state machine reached an invalid state": 'end all lines alike; where quotes mean nothing, say quote = ""',
    "has duplicate key": "give each key once",
    "Expected OBJECT": "give one JSON object a line",
    "GZIP": "pack it again: it is cut off or broken",
    "invalid UTF-8 encoding": "write it as UTF-8",
    "UTF-16 encoding": "write it as UTF-8",
    "Malformed JSON": "mend the file: it may be cut off",
}


def structure_of(sql_type: str) -> object:
    """Give the structure that from_json reads for an SQL type: dicts, one-element lists, type names."""
    return _structure(duckdb.sqltype(sql_type))


def _structure(parsed: Any) -> object:
    if parsed.id == "struct":
        return {name: _structure(child) for name, child in parsed.children}
    if parsed.id == "list":
        return [_structure(parsed.children[0][1])]
    return str(parsed)


def _leaves(sql_type: str) -> set[str]:
    """Name the plain types that a type is made of."""
    if sql_type == '"NULL"':
        return {sql_type}
    return {leaf.upper() for leaf in re.findall(r"[A-Za-z_]+|\"NULL\"", sql_type)}


def _kilobytes(n_bytes: int) -> str:
    return f"{n_bytes // 1000}KB"


def literal_text(query: Query) -> str:
    """Compile a query with its values as typed literals: text that pastes into a shell and runs."""
    return splice(query.text, query.places, lambda place: _place_text(place, query, bind=False))


def _bound_text(query: Query) -> str:
    text = splice(query.text, query.places, lambda place: _place_text(place, query, bind=True))
    return f"select * from ({text}\n) where false" if query.no_rows else text


def _place_text(place: Place, query: Query, *, bind: bool) -> str:
    if place.kind == "parameter":
        value = query.values[place.name]
        return f"cast(${place.name} as {value.sql_type})" if bind else value.literal()
    if place.name.startswith("files."):
        name = place.name.removeprefix("files.")
        select = reader_select(query.sources[name], structure_of)
        return f"({select})" if place.alias else f"({select}) as {name}"
    return place.name


def _bindings(query: Query) -> dict[str, Any]:
    used = {place.name for place in query.places if place.kind == "parameter"}
    return {name: _plain(value) for name, value in query.values.items() if name in used}


def _plain(value: Value) -> Any:
    return list(value.data) if isinstance(value.data, tuple) else value.data


class DuckdbEngine:
    """Runs queries on one in-memory DuckDB; close it, or use it in a `with`."""

    name = "duckdb"

    def __init__(self, *, memory_bytes: int, threads: int, temporary: Path) -> None:
        self._memory_bytes = memory_bytes
        self._threads = threads
        self._connection = duckdb.connect(
            config={
                "memory_limit": _kilobytes(memory_bytes),
                "threads": threads,
                "temp_directory": str(temporary),
                "preserve_insertion_order": False,
            }
        )
        self._connection.execute("set global TimeZone = 'UTC'")  # cursors inherit nothing less
        self._connection.execute(UNIT_HASH)
        self._lock = threading.Lock()
        self._active: set[duckdb.DuckDBPyConnection] = set()

    def __enter__(self) -> "DuckdbEngine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def define(self, relation: Relation) -> None:
        """Make a relation readable under its name, in place of an older one."""
        with self._cursor(relation.name) as cursor:
            cursor.execute(f"create schema if not exists {relation.schema}")
            for name, select in definitions(relation).items():
                cursor.execute(f"create or replace view {name} as {select}")

    def columns(self, query: Query) -> tuple[tuple[str, str], ...]:
        """Bind a query without running it: its (name, type) columns.

        Raises:
            StageError: it does not bind, or a column is of a type that no table can hold.
        """
        query = replace(query, sources={name: one_of_each(source) for name, source in query.sources.items()})
        with self._cursor(query.where) as cursor:
            rows = cursor.execute(f"describe {_bound_text(query)}", _bindings(query)).fetchall()
        for name, sql_type, *_ in rows:
            unfit = [kind for kind in UNFIT_TYPES if kind in _leaves(sql_type)]
            if unfit:
                raise StageError(
                    f"column {name} has type {sql_type.strip(chr(34))}", where=query.where, fix=UNFIT_TYPES[unfit[0]]
                )
        return tuple((str(name), str(sql_type)) for name, sql_type, *_ in rows)

    def text_of(self, query: Query) -> str:
        """Compile a query to text with its values as typed literals."""
        return literal_text(query)

    def write(self, query: Query, target: Path) -> Written:
        """Run a query and write its rows to one Parquet file, zstd.

        Raises:
            StageError: the query fails.
            ResourceError: memory or disk does not suffice.
        """
        columns = self.columns(query)
        with self._cursor(query.where) as cursor:
            cursor.execute("set enable_progress_bar = true")
            cursor.execute("set enable_progress_bar_print = false")
            options = "format parquet, compression zstd, return_stats"
            cursor.execute(f"copy ({_bound_text(query)}\n) to {quoted(str(target))} ({options})", _bindings(query))
            row = cursor.fetchone()
            while cursor.fetchone() is not None:
                pass
        n_rows = int(row[1]) if row else 0
        return Written(n_rows, os.path.getsize(target), columns)

    def copy_to(self, query: Query, target: Path, options: str) -> int:
        """Run a query, write its rows to one file as COPY does with these options, and count them.

        Raises:
            StageError: the query fails.
            ResourceError: memory or disk does not suffice.
        """
        with self._cursor(query.where) as cursor:
            cursor.execute(f"copy ({_bound_text(query)}\n) to {quoted(str(target))} ({options})", _bindings(query))
            row = cursor.fetchone()
        return int(row[0]) if row else 0

    def run_script(self, text: str, *, where: str) -> None:
        """Run statements that define macros, for all cursors of the session.

        Raises:
            StageError: one of them fails.
        """
        with self._cursor(where) as cursor:
            cursor.execute(text)

    def write_batches(self, batches: Iterable[Any], target: Path) -> Written:
        """Write Arrow batches or tables to one Parquet file, as they come."""
        n_rows = 0
        writer: pq.ParquetWriter | None = None
        try:
            for batch in batches:
                writer = writer or pq.ParquetWriter(target, batch.schema, compression="zstd")
                writer.write(batch)
                n_rows += batch.num_rows
        finally:
            if writer is not None:
                writer.close()
        if writer is None:
            raise StageError(
                "a Python stage wrote no batch", where=str(target), fix="yield one empty batch for no rows"
            )
        return Written(
            n_rows,
            os.path.getsize(target),
            self.columns(Query(f"select * from {stored_rows([target])}")),
        )

    def fetch(self, query: Query) -> list[tuple[Any, ...]]:
        """Run a query with a small result and return its rows."""
        with self._cursor(query.where) as cursor:
            rows: list[tuple[Any, ...]] = cursor.execute(_bound_text(query), _bindings(query)).fetchall()
        return rows

    def sieve(self, query: Query) -> tuple[int, list[tuple[int, str, str]]]:
        """Count the records of a text file; the other lines come with their number, their text and why not.

        Raises:
            StageError: the file can't be read, or has lines that are bad for more than their number of fields.
        """
        with self._cursor(query.where) as cursor:
            counted = cursor.execute(query.text).fetchall()
            of_fields = "bool_and(error_type in ('MISSING COLUMNS', 'TOO MANY COLUMNS'))"
            told = f"line, first(csv_line), first(error_message order by column_idx), {of_fields}"
            text = f"select {told} from refused_lines group by line order by line"
            rows = cursor.execute(text).fetchall()
            cursor.execute("drop table refused_lines; drop table refused_scans")
        if not all(is_of_fields for *_, is_of_fields in rows):  # after a stray quote DuckDB may lose the next line
            raise StageError("a file has lines that are not only too long or too short", where=query.where)
        return int(counted[0][0]), [(int(line), str(text), str(why)) for line, text, why, _ in rows]

    def batches(self, query: Query, at_a_time: int) -> Iterator[pa.RecordBatch]:
        """Run a query and hand out its rows as Arrow batches as they come, on a cursor of their own; at least one."""
        with self._cursor(query.where) as cursor:
            reader = cursor.sql(_bound_text(query), params=_bindings(query)).to_arrow_reader(at_a_time)
            yield pa.RecordBatch.from_pylist([], schema=reader.schema)
            yield from reader

    @contextmanager
    def lean(self, memory_bytes: int) -> Iterator[None]:
        """Keep to little memory, and hand out rows in the order they are stored, while Python works."""
        # each thread holds a row group of its own: with sixteen of them 100 MB did not suffice
        self._set(memory_bytes=min(memory_bytes, self._memory_bytes), threads=1, in_order=True)
        try:
            yield
        finally:
            self._set(memory_bytes=self._memory_bytes, threads=self._threads, in_order=False)

    def _set(self, *, memory_bytes: int, threads: int, in_order: bool) -> None:
        with self._cursor("settings of the session") as cursor:
            cursor.execute(f"set memory_limit = '{_kilobytes(memory_bytes)}'")
            cursor.execute(f"set threads = {threads}")
            cursor.execute(f"set preserve_insertion_order = {'true' if in_order else 'false'}")

    def progress(self) -> float | None:
        """Share of the running queries that is done; None where DuckDB does not know."""
        with self._lock:
            shares = [cursor.query_progress() for cursor in self._active]
        known = [share / 100 for share in shares if share >= 0]
        return sum(known) / len(known) if known else None

    def interrupt(self) -> None:
        """Stop what runs, from another thread."""
        with self._lock:
            for cursor in self._active:
                cursor.interrupt()

    def close(self) -> None:
        """Give back memory and threads."""
        self._connection.close()

    @contextmanager
    def _cursor(self, where: str) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._connection.cursor()
        with self._lock:
            self._active.add(cursor)
        try:
            yield cursor
            refuse_stop()  # a call of the main thread may swallow what a signal raises
        except duckdb.Error as error:
            raise _ours(error, where) from None
        finally:
            with self._lock:
                self._active.discard(cursor)
            cursor.close()


MEND = "correct {}; recsys-duck sql STAGE prints a stage as it runs"


def _ours(error: duckdb.Error, where: str) -> RecsysDuckError:
    text = str(error)
    known = shortage(error, where, BUILDING)
    if known:
        return known
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException):
        return StageError("the SQL does not bind", where=where, fix=MEND.format("the name or type"), cause=text)
    if "maximum_object_size" in text:
        return StageError("a document is too large", where=where, fix="raise max_document_mb of the input", cause=text)
    return _failed(text, where)


def _failed(text: str, where: str) -> StageError:
    for sign, fix in UNREADABLE.items():
        if sign in text:
            what = "a source file can't be read to its end"
            return StageError(what, where=_place_in_file(text, where), fix=fix, cause=text)
    return StageError("the query failed", where=where, fix=MEND.format("the input or the stage"), cause=text)


def _place_in_file(text: str, where: str) -> str:
    """Add the file, and the line or byte of it, where DuckDB tells them."""
    document = re.search(r'JSON in file "(.*)", at byte (\d+)', text)
    file = document or re.search(r"^ *file = (.+)$", text, re.MULTILINE)
    line = re.search(r"CSV Error on Line: (\d+)|error in file .*, in line (\d+)", text)
    name = os.path.basename(file.group(1)) if file else ""
    told = where if name in where else f"{where}, {name}"
    if line:
        return f"{told}, line {line.group(1) or line.group(2)}"
    return f"{told}, byte {document.group(2)}" if document else told
