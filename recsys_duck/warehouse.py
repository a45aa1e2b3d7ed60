"""The warehouse folder: published generations, environments, and the catalog files that readers open.

Owns how a catalog is written, checked and put in place. Beside each generation lies a small JSON file
that says what it holds, so that a build never has to open what a reader may hold.
"""

import filecmp
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from recsys_duck.engines.duckdb import UNIT_HASH
from recsys_duck.engines.faults import BUILDING, shortage
from recsys_duck.errors import ProjectError, StageError, near_miss
from recsys_duck.jobs import refuse_stop
from recsys_duck.macro import Macro
from recsys_duck.parameters import quoted
from recsys_duck.relation import Relation, definitions
from recsys_duck.stage import LAYERS
from recsys_duck.store import digest, sync

DEFAULT_ENVIRONMENT = "recsys"
# Shells of 1.5 refuse what 2.0 writes by default; both read this one.
STORAGE_VERSION = "v1.2.0"
TAKEN_NAMES = {*LAYERS, "meta", "files", "main", "temp", "system", "memory", "information_schema", "pg_catalog"}


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


@dataclass(frozen=True, slots=True)
class Generation:
    """One published catalog file, as the JSON beside it tells; `folder` is the warehouse that its views read."""

    environment: str
    number: int
    signature: str
    published_at: str
    path: Path
    stages: Mapping[str, str]
    files: Mapping[str, int]
    n_tables: int
    n_rows: int
    state: tuple[int, int]
    folder: str = ""

    @property
    def n_bytes(self) -> int:
        """Bytes of all its tables, those shared with other generations included."""
        return sum(self.files.values())


class Warehouse:
    """A folder of tables, generations and one catalog file per environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.history = folder / "generations"

    def catalog_path(self, environment: str) -> Path:
        """The file that analysts open."""
        return self.folder / f"{environment}.duckdb"

    def environments(self) -> list[str]:
        """Names of all published environments."""
        return sorted(path.stem for path in self.folder.glob("*.duckdb"))

    def published(self, environment: str) -> Generation | None:
        """Find the generation that an environment shows now."""
        for _ in range(2):  # between looking at it and finding it, another may be published and this one cleaned
            try:
                inode = os.stat(self.catalog_path(environment)).st_ino
            except OSError:
                return None
            for generation in self._known(environment):
                with suppress(FileNotFoundError):
                    if generation.path.stat().st_ino == inode:
                        return generation
        return self._copied(environment)

    def _copied(self, environment: str) -> Generation | None:
        """Find what an environment shows by its bytes: a copy of a warehouse may have two files in place of one."""
        for generation in reversed(self.generations(environment)):
            with suppress(OSError):
                if filecmp.cmp(generation.path, self.catalog_path(environment), shallow=False):
                    return generation
        return None

    def moved_from(self, generation: Generation) -> str:
        """Say where the tables lie that a generation's views read, where that is not here; empty where it is."""
        return generation.folder if generation.folder != os.path.realpath(self.folder) else ""

    def readable(self, generation: Generation) -> Generation:
        """Return a generation whose views read this warehouse.

        Raises:
            ProjectError: the warehouse was copied or moved.
        """
        if self.moved_from(generation):
            raise ProjectError(
                f"this warehouse was moved or copied, and {generation.environment} reads {self.moved_from(generation)}",
                where=str(self.folder),
                fix=f"recsys-duck build --as {generation.environment}: it publishes again, and runs no stage",
            )
        return generation

    def shown(self, environment: str) -> Generation:
        """Find the generation that an environment shows now.

        Raises:
            ProjectError: nothing is published under the name, or something that is no generation.
        """
        generation = self.published(environment)
        if generation is None and self.catalog_path(environment).exists():
            raise ProjectError(
                f"{environment}.duckdb is not a generation of this warehouse, or what is told of it is damaged",
                where=str(self.folder),
                fix="recsys-duck build: it publishes the catalog again",
            )
        if generation is None:
            raise ProjectError(
                f"nothing is published as {environment}",
                where=str(self.folder),
                fix=f"build first; {near_miss(environment, self.environments())}",
            )
        return generation

    def generations(self, environment: str) -> list[Generation]:
        """List the generations there are of an environment, oldest first."""
        return sorted(self._known(environment), key=lambda one: one.number)

    def published_stages(self, environment: str) -> Mapping[str, str]:
        """Map each stage to the fingerprint readers see; a new environment is compared with the default one."""
        generation = self.published(environment) or self.published(DEFAULT_ENVIRONMENT)
        return generation.stages if generation else {}

    def is_intact(self, generation: Generation) -> bool:
        """Tell whether a generation's file is as it was written: a read-write shell may have changed it."""
        state = generation.path.stat()
        return (state.st_size, state.st_mtime_ns) == generation.state

    def drop_stale_log(self, environment: str) -> bool:
        """Remove a write-ahead log that someone's read-write session left; true where there was one."""
        path = self.catalog_path(environment).with_name(f"{environment}.duckdb.wal")
        existed = path.exists()
        path.unlink(missing_ok=True)
        return existed

    def publish(
        self,
        catalog: Catalog,
        environment: str,
        *,
        published_at: str,
        stages: Mapping[str, str],
        files: Mapping[str, int],
        n_rows: int,
    ) -> Generation:
        """Write a generation, check it, and put it in place of the environment's catalog.

        Raises:
            StageError: a view of it can't be read.
        """
        self.history.mkdir(parents=True, exist_ok=True)
        number = max(self._numbers(environment), default=0) + 1
        path = self.history / f"{environment}-{number}.duckdb"
        beside = self.history / f".{path.name}"
        log = beside.with_name(f"{beside.name}.wal")
        for leftover in (beside, log, path, path.with_suffix(".json")):
            leftover.unlink(missing_ok=True)
        try:
            _write_catalog(catalog, beside, environment=environment, number=number, published_at=published_at)
        except duckdb.Error as error:
            raise shortage(error, str(path), BUILDING) or StageError(
                "the new catalog can't be written, nothing is published",
                where=str(path),
                fix="fix what DuckDB says here, then build again",
                cause=str(error),
            ) from None
        os.chmod(beside, 0o444)
        sync(beside)
        os.rename(beside, path)
        _check_catalog(catalog, path)
        state = path.stat()
        generation = Generation(
            environment=environment,
            number=number,
            signature=catalog.signature(),
            published_at=published_at,
            path=path,
            stages=stages,
            files=files,
            n_tables=len(catalog.relations),
            n_rows=n_rows,
            state=(state.st_size, state.st_mtime_ns),
            folder=os.path.realpath(self.folder),
        )
        fields = {**asdict(generation), "path": path.name}
        path.with_suffix(".json").write_text(json.dumps(fields), encoding="utf-8")
        sync(path.with_suffix(".json"))
        refuse_stop()  # DuckDB may have swallowed what a signal raises
        self.show(generation)
        return generation

    def show(self, generation: Generation) -> None:
        """Put a generation in place of its environment's catalog, at once for whoever opens it next."""
        environment = generation.environment
        link = self.folder / f".{environment}.duckdb.new"
        link.unlink(missing_ok=True)
        os.link(generation.path, link)
        self.drop_stale_log(environment)
        os.replace(link, self.catalog_path(environment))
        self.drop_stale_log(environment)
        sync(self.history)
        sync(self.folder)

    def _numbers(self, environment: str) -> Iterator[int]:
        """List the numbers that are taken, those of generations of which nothing tells any more too."""
        numbers = (path.stem.removeprefix(f"{environment}-") for path in self.history.glob(f"{environment}-*.duckdb"))
        yield from (int(number) for number in numbers if number.isdigit())

    def _known(self, environment: str) -> Iterator[Generation]:
        for path in self.history.glob(f"{environment}-*.json"):
            catalog = path.with_suffix(".duckdb")
            if not re.fullmatch(rf"{environment}-\d+\.json", path.name) or not catalog.exists():
                continue
            try:
                fields = json.loads(path.read_text(encoding="utf-8"))
                stages, files, state = dict(fields["stages"]), dict(fields["files"]), tuple(map(int, fields["state"]))
                known = {"path": catalog, "state": state, "stages": stages, "files": files}
                yield Generation(**{**fields, **known, "number": int(fields["number"])})
            except (OSError, ValueError, TypeError, KeyError):
                continue  # damaged, of another release, or cleaned meanwhile: a build publishes anew


def check_environment(name: str) -> str:
    """Return a name that an environment may have.

    Raises:
        ProjectError: it is no plain name, or one that a schema or DuckDB itself has.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in TAKEN_NAMES:
        raise ProjectError(
            f"an environment can't be named {name!r}",
            where="--as, or environment in recsys.toml",
            fix="use lower-case letters, digits and _; no layer, meta, main, temp, system or memory",
        )
    return name


def _write_catalog(catalog: Catalog, path: Path, *, environment: str, number: int, published_at: str) -> None:
    with duckdb.connect() as connection:
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


def _check_catalog(catalog: Catalog, path: Path) -> None:
    """Bind every view of a written generation, as a reader would."""
    names = [name for relation in catalog.relations for name in definitions(relation)]
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            for name in names:
                connection.execute(f"select * from {name} limit 0").fetchall()
    except duckdb.Error as error:
        raise shortage(error, str(path), BUILDING) or StageError(
            "the new catalog can't be read, nothing is published",
            where=str(path),
            fix="fix what DuckDB says here, then build again",
            cause=str(error),
        ) from None
