"""The table store: immutable folders of Parquet under their fingerprints, and the record of each step.

Everything is written beside its target, synced and renamed, so that a folder or a record that is there
is whole. Nothing here knows SQL or DuckDB.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

# The files of a part's folder: the table is written first, and what is told of it after that.
DATA = "data.parquet"
TOLD = "part.json"
FILES = "files.json"


@dataclass(frozen=True, slots=True)
class PartRecord:
    """One written part: its folder's name, what it is a part of in words, rows, bytes, columns.

    `n_read` is the number of rows that the lines of its source files have; None where they have no lines.
    """

    table: str
    folder: str
    fingerprint: str
    label: str
    n_rows: int
    n_bytes: int
    columns: tuple[tuple[str, str], ...]
    n_read: int | None = None


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A source file of a part, under the fingerprint that it has as a part of its own; lines and rows in it."""

    fingerprint: str
    input: str
    shown: str
    n_lines: int | None = None
    n_rows: int | None = None


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """The outcome of one assertion: kind is grain, check or ledger; method says how it was found."""

    kind: str
    text: str
    severity: str
    n_failed: int
    method: str
    examples: str = ""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What is known of a step under its fingerprint: what went in, what came out, what was asserted."""

    key: str
    fingerprint: str
    ingredients: Mapping[str, Any]
    parts: tuple[PartRecord, ...] = ()
    select: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    elapsed_s: float = 0.0
    built_at: str = ""
    checks: tuple[CheckRecord, ...] = ()
    ledger: Mapping[str, int] = field(default_factory=dict)

    def of_table(self, table: str) -> tuple[PartRecord, ...]:
        """The parts of one of the step's tables."""
        return tuple(part for part in self.parts if part.table == table)


class Store:
    """The folders `tables`, `records` and `temporary` of a warehouse."""

    def __init__(self, warehouse: Path) -> None:
        self.warehouse = warehouse
        self.tables = warehouse / "tables"
        self.temporary = warehouse / "temporary"
        self._records = warehouse / "records"
        self._damaged: set[Path] = set()

    def part_folder(self, table: str, name: str) -> Path:
        """Where a part of a table lies."""
        layer, _, short = table.partition(".")
        return self.tables / layer / short / name

    def part_path(self, part: PartRecord) -> Path:
        """The Parquet file of a part."""
        return self.part_folder(part.table, part.folder) / DATA

    def new_folder(self, table: str, fingerprint: str) -> str:
        """Name a free folder: the fingerprint, `<fingerprint>.<n>` for a forced run; a damaged one makes room."""
        taken = self.part_folder(table, fingerprint)
        if taken.exists() and self._is_lost(taken):
            self.discard(taken / DATA)
        name, n = fingerprint, 0
        while self.part_folder(table, name).exists():
            n += 1
            name = f"{fingerprint}.{n}"
        return name

    def start(self) -> None:
        """Clear what a killed build left half-written; call it under the build lock."""
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir(parents=True)

    def finish(self) -> None:
        """Remove the temporary folder."""
        shutil.rmtree(self.temporary, ignore_errors=True)

    def scratch(self, table: str, folder: str) -> Path:
        """Make a temporary folder for one part."""
        path = self.temporary / f"{table}-{folder}"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def adopt(self, scratch: Path, part: PartRecord, files: Sequence[FileRecord] = ()) -> None:
        """Sync a written part and put it in place under its fingerprint."""
        if files:
            _write_text(scratch / FILES, json.dumps([asdict(one) for one in files]))
        _write_text(scratch / TOLD, json.dumps(asdict(part)))
        sync(scratch / DATA)
        sync(scratch)
        target = self.part_folder(part.table, part.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(scratch, target)
        sync(target.parent)

    def files_of(self, part: PartRecord) -> list[FileRecord]:
        """List the source files that a part was read from; none where it was read from tables."""
        try:
            fields = json.loads((self.part_folder(part.table, part.folder) / FILES).read_text(encoding="utf-8"))
            return [FileRecord(**one) for one in fields]
        except (OSError, ValueError, TypeError):
            return []

    def parts_of_files(self, table: str) -> dict[str, frozenset[str]]:
        """Map the fingerprint of each whole part that was read from files to the fingerprints of those."""
        layer, _, short = table.partition(".")
        found = {}
        for path in (self.tables / layer / short).glob(f"*/{FILES}"):
            part = self._whole(path.parent)
            if part is not None and part.folder == part.fingerprint:
                found[part.fingerprint] = frozenset(one.fingerprint for one in self.files_of(part))
        return found

    def part(self, table: str, fingerprint: str) -> PartRecord | None:
        """Find a whole part that a build left, finished or killed."""
        return self._whole(self.part_folder(table, fingerprint))

    def record(self, key: str, fingerprint: str) -> StepRecord | None:
        """Find the record of a step whose parts are all there."""
        record = self._read(key, fingerprint)
        return record if record and all(map(self._is_whole, record.parts)) else None

    def _read(self, key: str, fingerprint: str) -> StepRecord | None:
        try:
            fields = json.loads(self._record_path(key, fingerprint).read_text(encoding="utf-8"))
            record = StepRecord(
                **{
                    **fields,
                    "parts": tuple(_part(part) for part in fields["parts"]),
                    "columns": _pairs(fields["columns"]),
                    "checks": tuple(CheckRecord(**check) for check in fields["checks"]),
                }
            )
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None  # none, a damaged one, or one of another release: the step runs again
        return record if digest(record.ingredients) == fingerprint else None

    def ingredients(self, key: str, fingerprint: str) -> Mapping[str, Any] | None:
        """Read what went into a step, whether its parts are still there or not."""
        record = self._read(key, fingerprint)
        return record.ingredients if record else None

    def lost(self, key: str, fingerprint: str) -> tuple[str, ...]:
        """Name the table files that a step has written and that are not there any more as they were."""
        record = self._read(key, fingerprint)
        paths = [] if record is None else [self.part_path(part) for part in record.parts if not self._is_whole(part)]
        return tuple(str(path.relative_to(self.warehouse)) for path in paths)

    def suspects(self) -> list[Path]:
        """List the table files that changed after they were written, as those of a copied warehouse may."""
        return [path for path in sorted(self.tables.glob(f"*/*/*/{DATA}")) if _is_younger(path, path.with_name(TOLD))]

    def vouch(self, path: Path) -> None:
        """Take note that a suspect was read to its end."""
        os.utime(path.with_name(TOLD))

    def distrust(self, paths: Iterable[Path]) -> None:
        """Take table files for lost, and leave them where they are."""
        self._damaged |= set(paths)

    def discard(self, path: Path) -> None:
        """Take a damaged table file out of its place, with what is told of it; call it under the build lock."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            os.rename(path.parent, Path(tempfile.mkdtemp(dir=self.temporary)) / path.parent.name)

    def save(self, record: StepRecord) -> None:
        """Write a step's record, whole or not at all."""
        path = self._record_path(record.key, record.fingerprint)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_text(path, json.dumps(asdict(record), indent=1))

    def _record_path(self, key: str, fingerprint: str) -> Path:
        return self._records / key.replace("/", ".") / f"{fingerprint}.json"

    def _whole(self, folder: Path) -> PartRecord | None:
        part = _told(folder)
        return part if part and self._has(folder / DATA, part.n_bytes) else None

    def _is_lost(self, folder: Path) -> bool:
        """Tell whether a folder's table is damaged or missing; one of which nothing tells may be whole."""
        part = _told(folder)
        return not self._has(folder / DATA, part.n_bytes) if part else not (folder / DATA).exists()

    def _is_whole(self, part: PartRecord) -> bool:
        return self._has(self.part_path(part), part.n_bytes)

    def _has(self, path: Path, n_bytes: int) -> bool:
        return path not in self._damaged and _has_bytes(path, n_bytes)


def digest(ingredients: object) -> str:
    """Fingerprint what something depends on: 24 hexadecimal digits of sha256."""
    return hashlib.sha256(json.dumps(ingredients, sort_keys=True).encode()).hexdigest()[:24]


def sync(path: Path) -> None:
    """Push a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _has_bytes(path: Path, n_bytes: int) -> bool:
    try:
        return os.path.getsize(path) == n_bytes
    except OSError:
        return False


def _is_younger(path: Path, other: Path) -> bool:
    try:
        return path.stat().st_mtime_ns > other.stat().st_mtime_ns
    except OSError:
        return False


def _write_text(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    sync(beside)
    os.replace(beside, path)
    sync(path.parent)


def _told(folder: Path) -> PartRecord | None:
    try:
        return _part(json.loads((folder / TOLD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _part(fields: Mapping[str, Any]) -> PartRecord:
    return PartRecord(**{**fields, "columns": _pairs(fields["columns"])})


def _pairs(rows: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(sql_type)) for name, sql_type in rows)
