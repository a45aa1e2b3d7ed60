"""The warehouse folder: published generations, environments, and the catalog files that readers open.

Owns how a catalog is put in place whole. Beside each generation lies a small JSON file
that says what it holds, so that a build never has to open what a reader may hold.
"""

import filecmp
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from recsys_duck.catalog import Catalog, check_catalog, write_catalog
from recsys_duck.errors import ProjectError, near_miss
from recsys_duck.jobs import refuse_stop
from recsys_duck.stage import LAYERS
from recsys_duck.store import sync

DEFAULT_ENVIRONMENT = "recsys"
TAKEN_NAMES = {*LAYERS, "meta", "files", "main", "temp", "system", "memory", "information_schema", "pg_catalog"}


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
                fix=f"recsys-duck build --as {environment}: it publishes the catalog again",
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
        return _state(generation.path) == generation.state

    def drop_stale_log(self, environment: str) -> bool:
        """Remove a write-ahead log that someone's read-write session left; true where there was one."""
        path = self.folder / f"{environment}.duckdb.wal"
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
        number = 1 + max(self._numbers(environment), default=0)
        path = self.history / f"{environment}-{number}.duckdb"
        beside, told = self.history / f".{path.name}", path.with_suffix(".json")
        with _whole_or_gone(beside, beside.with_name(f"{beside.name}.wal"), path, told):
            write_catalog(catalog, beside, environment=environment, number=number, published_at=published_at)
            os.chmod(beside, 0o444)
            sync(beside)
            os.rename(beside, path)
            check_catalog(catalog, path)
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
                state=_state(path),
                folder=os.path.realpath(self.folder),
            )
            told.write_text(json.dumps({**asdict(generation), "path": path.name}), encoding="utf-8")
            sync(told)
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
        names = (path.stem.rpartition("-") for path in self.history.glob(f"{environment}-*.duckdb"))
        yield from (int(number) for name, _, number in names if name == environment and number.isdigit())

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


def _state(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


@contextmanager
def _whole_or_gone(*paths: Path) -> Iterator[None]:
    """Leave none of some files behind, neither what is there before nor what was made, unless all goes well."""
    with ExitStack() as undone:
        for path in paths:
            path.unlink(missing_ok=True)
            undone.callback(path.unlink, missing_ok=True)
        yield
        undone.pop_all()
