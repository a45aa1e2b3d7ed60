"""A catalog: what readers see of a generation, and the DuckDB file of views that shows it.

Owns how the file is written and how it is checked before anyone opens it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from recsys_duck.engines.duckdb import UNIT_HASH
from recsys_duck.engines.faults import BUILDING, shortage
from recsys_duck.errors import StageError
from recsys_duck.macro import Macro
from recsys_duck.parameters import quoted
from recsys_duck.relation import Relation, definitions
from recsys_duck.store import digest

# Shells of 1.5 refuse what 2.0 writes by default; both read this one.
STORAGE_VERSION = "v1.2.0"


@dataclass(frozen=True, slots=True)
class MetaTable:
    """A table of the schema meta: (name, type, comment) columns and its rows.

    `unsigned` names columns whose values alone are no reason to publish a new generation.
    """

    name: str
    about: str
    columns: tuple[tuple[str, str, str], ...]
    rows: tuple[tuple[Any, ...], ...]
    unsigned: tuple[str, ...] = ()

    def signed_rows(self) -> list[list[str]]:
        """The rows without the columns that are no reason to publish again, as text."""
        kept = [at for at, (name, _, _) in enumerate(self.columns) if name not in self.unsigned]
        return [[str(row[at]) for at in kept] for row in self.rows]


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a generation shows: relations in the order they are created, comments, macros, meta."""

    relations: tuple[Relation, ...]
    comments: Mapping[str, tuple[str, Mapping[str, str]]]
    macros: tuple[Macro, ...]
    meta: tuple[MetaTable, ...]

    def signature(self) -> str:
        """Hash everything a reader sees but the generation's own number and time."""
        views = [definitions(relation) for relation in self.relations]
        comments = sorted((name, about, sorted(columns.items())) for name, (about, columns) in self.comments.items())
        meta = [[table.name, table.about, table.columns, table.signed_rows()] for table in self.meta]
        return digest([views, comments, [asdict(macro) for macro in self.macros], meta, UNIT_HASH])


def write_catalog(catalog: Catalog, path: Path, *, environment: str, number: int, published_at: str) -> None:
    """Write a catalog as a DuckDB file.

    Raises:
        StageError, ResourceError: it can't be written.
    """
    with _told(path, "written"), duckdb.connect() as connection:
        connection.execute(f"attach {quoted(str(path))} as catalog (storage_version '{STORAGE_VERSION}')")
        connection.execute("use catalog")
        connection.execute("begin")  # each statement by itself would sync the file
        connection.execute(UNIT_HASH)
        for schema in dict.fromkeys(["meta", *(relation.schema for relation in catalog.relations)]):
            connection.execute(f"create schema if not exists {schema}")
        for relation in catalog.relations:
            for name, select in definitions(relation).items():
                connection.execute(f"create view {name} as {select}")
        for name, (about, columns) in catalog.comments.items():
            connection.execute(f"comment on view {name} is {quoted(about)}")
            for column, comment in columns.items():
                shown = column.replace('"', '""')
                connection.execute(f'comment on column {name}."{shown}" is {quoted(comment)}')
        for macro in catalog.macros:
            connection.execute(f"create macro {macro.name}({', '.join(macro.arguments)}) as table {macro.select}")
        own = MetaTable(
            "generation",
            "This generation of the catalog, one row.",
            (
                ("environment", "varchar", "name it is published under"),
                ("number", "bigint", "counts from 1 in each environment"),
                ("published_at", "timestamp", "UTC"),
            ),
            ((environment, number, published_at),),
        )
        for table in (*catalog.meta, own):
            _write_meta(connection, table)
        connection.execute("commit")
        connection.execute("use memory")
        connection.execute("detach catalog")


def _write_meta(connection: duckdb.DuckDBPyConnection, table: MetaTable) -> None:
    columns = ", ".join(f"{name} {sql_type}" for name, sql_type, _ in table.columns)
    connection.execute(f"create table meta.{table.name} ({columns})")
    if table.rows:
        marks = ", ".join("?" for _ in table.columns)
        connection.executemany(f"insert into meta.{table.name} values ({marks})", [list(row) for row in table.rows])
    connection.execute(f"comment on table meta.{table.name} is {quoted(table.about)}")
    for name, _, comment in table.columns:
        connection.execute(f"comment on column meta.{table.name}.{name} is {quoted(comment)}")


def check_catalog(catalog: Catalog, path: Path) -> None:
    """Bind every view of a written file, as a reader would.

    Raises:
        StageError, ResourceError: one can't be read.
    """
    with _told(path, "read"), duckdb.connect(str(path), read_only=True) as connection:
        for name in (name for relation in catalog.relations for name in definitions(relation)):
            connection.execute(f"select * from {name} limit 0").fetchall()


@contextmanager
def _told(path: Path, done: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise shortage(error, str(path), BUILDING) or StageError(
            f"the new catalog can't be {done}, nothing is published",
            where=str(path),
            fix="fix what DuckDB says here, then build again",
            cause=str(error),
        ) from None
