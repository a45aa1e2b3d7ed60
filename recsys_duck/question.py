"""A question: one SELECT on published catalogs, with nothing but their tables in reach, within time and memory.

DuckDB's own locks keep files, settings and extensions away. What they leave open is refused as the
parser reads it: a CTE that writes (`with x as (copy …)` is a SELECT to DuckDB, and may write where it may
read), and every table function that does more than read the catalog or its own arguments.
"""

import glob
import json
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from recsys_duck import memory
from recsys_duck.damage import catalog_told, damage_told
from recsys_duck.engines.faults import ASKING, shortage
from recsys_duck.errors import ProjectError, RecsysDuckError, ResourceError
from recsys_duck.jobs import starting, stoppable
from recsys_duck.parameters import quoted

T = TypeVar("T")
AT_A_TIME = 2048
TICK_S = 0.1
# A call that makes one huge value heeds no interrupt before it is done: it is left behind after this.
GRACE_S = 5.0
READING_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
READING_FUNCTIONS = {
    *("unnest", "range", "generate_series", "repeat", "repeat_row", "json_each", "json_tree", "histogram"),
    *("duckdb_columns", "duckdb_databases", "duckdb_functions", "duckdb_schemas", "duckdb_tables", "duckdb_types"),
    *("duckdb_views", "duckdb_keywords", "pragma_table_info"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a question may take: memory of the whole process, threads, and seconds (0 is no limit)."""

    memory_bytes: int
    threads: int
    timeout_s: float = 0.0


def read_published(
    path: Path, sql: str, *, folder: Path, limits: Limits | None = None
) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    """Ask a catalog file one SELECT and return its rows.

    Raises:
        ProjectError: it is no single SELECT, reaches for more than the tables, or fails.
        ResourceError: it takes more than the limits.
    """
    with published_rows(path, sql, folder=folder, limits=limits) as (names, rows):
        return names, list(rows)


@contextmanager
def published_rows(
    path: Path, sql: str, *, folder: Path, limits: Limits | None = None
) -> Iterator[tuple[list[str], Iterator[tuple[Any, ...]]]]:
    """Ask as read_published does, and hand out the rows as they are read.

    Raises:
        ProjectError, ResourceError: as read_published.
    """
    with reading({re.sub(r"-\d+$", "", path.stem): path}, folder=folder, limits=limits) as reader:
        yield reader.rows(sql)


@contextmanager
def reading(catalogs: Mapping[str, Path], *, folder: Path, limits: Limits | None = None) -> Iterator["Reader"]:
    """Open catalog files, each under a name, the first as the one whose tables need no name in front.

    Nothing but the Parquet under `folder` can be read, and spilled rows lie in a folder that is gone
    afterwards.

    Raises:
        ProjectError: a file can't be opened, or as Reader.rows.
        ResourceError: as Reader.rows.
        InterruptedBuildError, TerminatedBuildError: a signal stopped it.
    """
    limits = limits or Limits(memory.default_limit(), memory.default_threads())
    with (
        stoppable(fix=""),
        tempfile.TemporaryDirectory(prefix="recsys-duck-", ignore_cleanup_errors=True) as spill,
        memory.capped(limits.memory_bytes, limits.threads),
    ):
        reader = Reader(_connect(catalogs, folder, limits, spill), limits)
        try:
            yield reader
        except (duckdb.Error, MemoryError) as error:
            raise _ours(error, reader.asked, folder) from None
        finally:
            reader.close()


class Reader:
    """Asks one SELECT after the other on an open session; each has to be read before the next."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, limits: Limits) -> None:
        self.asked = ""
        self._connection = connection
        self._timeout_s = limits.timeout_s
        self._left_s = limits.timeout_s or None
        self._is_stuck = False

    def rows(self, sql: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """Ask one SELECT: the names of its columns, and its rows as they are read.

        Raises:
            ProjectError: it is no single SELECT, or reaches for more than the tables.
            ResourceError: it takes more time than the limit.
        """
        self.asked = sql.strip()[:80]
        _refuse_deeds(self._connection, sql)
        [statement] = self._connection.extract_statements(sql)
        self._call(lambda: self._connection.execute(statement))
        return [str(column[0]) for column in self._connection.description or []], self._fetched()

    def _fetched(self) -> Iterator[tuple[Any, ...]]:
        while batch := self._call(lambda: self._connection.fetchmany(AT_A_TIME)):
            yield from batch

    def _call(self, call: Callable[[], T]) -> T:
        """Run a call on a thread of its own, so that the clock and Ctrl-C can stop it; only calls count as time."""
        future: Future[T] = Future()

        def work() -> None:
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)

        started = time.monotonic()
        thread = threading.Thread(target=work, name="question", daemon=True)
        with starting():
            thread.start()
        try:
            wait([future], timeout=self._left_s)
            if not future.done():
                raise ResourceError(
                    f"the question took longer than {self._timeout_s:g} s",
                    where=self.asked,
                    fix="give more with --timeout SECONDS (0 is no limit), or ask for less",
                )
        except BaseException:
            self._stop(future)
            raise
        finally:
            if future.done():
                thread.join()
        if self._left_s is not None:
            self._left_s = max(0.0, self._left_s - (time.monotonic() - started))
        return future.result()

    def _stop(self, future: Future[T]) -> None:
        until = time.monotonic() + GRACE_S
        while not future.done() and time.monotonic() < until:
            self._connection.interrupt()
            wait([future], timeout=TICK_S)
        self._is_stuck = not future.done()

    def close(self) -> None:
        """Give back memory and files; a call that can't be stopped keeps them until the process ends."""
        if not self._is_stuck:
            self._connection.close()


def _connect(catalogs: Mapping[str, Path], folder: Path, limits: Limits, spill: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={
            "memory_limit": f"{memory.sql_share(limits.memory_bytes) // 1000}KB",
            "threads": limits.threads,
            "temp_directory": spill,
        }
    )
    for name, path in catalogs.items():
        try:
            connection.execute(f'attach {quoted(str(path))} as "{name}" (read_only)')
        except duckdb.Error as error:
            raise shortage(error, str(path), ASKING) or catalog_told(path, str(error)) from None
    connection.execute(f'use "{next(iter(catalogs))}"')
    for setting in ("http_proxy", "http_proxy_username", "http_proxy_password"):
        connection.execute(f"set {setting} = ''")  # taken from the environment, and readable
    tables = str(folder / "tables")  # and as the views write it, where a * or a [ of the path is escaped
    connection.execute(f"set allowed_directories = [{quoted(tables)}, {quoted(glob.escape(tables))}]")
    connection.execute("set enable_external_access = false")  # Python's variables, too
    connection.execute("set lock_configuration = true")
    return connection


def _refuse_deeds(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Refuse what is no single SELECT, or does more than read the published tables.

    Raises:
        ProjectError: names what it may not use.
    """
    where = sql.strip()[:80]
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ProjectError("only one SELECT can be asked", where=where, fix="from recs.popular, select …, with …")
    nodes: list[dict[str, Any]] = []

    def keep(node: dict[str, Any]) -> dict[str, Any]:
        nodes.append(node)
        return node

    [(parsed,)] = connection.execute("select json_serialize_sql($sql)", {"sql": sql}).fetchall()
    try:
        answer = json.loads(parsed, object_hook=keep)
    except RecursionError:
        raise ProjectError("the question is nested too deeply", where=where, fix="split it into CTEs") from None
    if answer.get("error"):
        raise ProjectError("only one SELECT can be asked", where=where, fix=str(answer.get("error_message", "")))
    for node in nodes:
        kind = str(node.get("type", ""))
        if kind.endswith("_NODE") and kind not in READING_NODES:
            deed = kind.removesuffix("_NODE").removesuffix("_QUERY").lower()
            raise ProjectError(f"a question reads, and this one has {deed} in it", where=where, fix="leave it out")
    called = {str(node["function"]["function_name"]).lower() for node in nodes if node.get("type") == "TABLE_FUNCTION"}
    unknown = called - READING_FUNCTIONS
    if unknown:
        macros = "select function_name from duckdb_functions() where function_type = 'table_macro' and not internal"
        unknown -= {name for (name,) in connection.execute(macros).fetchall()}
    for name in sorted(unknown):
        raise ProjectError(
            f"{name}() is out of reach of a question",
            where=where,
            fix="read the published tables: from duckdb_views() lists them",
        )


TABLES_LISTED = 'tables: recsys-duck query "select schema, name from (show all tables)"'


def _ours(error: Exception, where: str, folder: Path) -> RecsysDuckError:
    known = shortage(error, where, ASKING) or damage_told(str(error), folder)
    return known or ProjectError(
        "the query failed", where=where, fix=f"correct the query; {TABLES_LISTED}", cause=str(error)
    )
