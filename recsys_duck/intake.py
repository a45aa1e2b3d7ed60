"""Intake: the files of one part made ready to be read, and how many rows their lines say that they have.

A text file is read by DuckDB itself where each of its lines is one record, and from a copy of its records
elsewhere. The counts come from the lines, not from any reader: what a gate has in must be as many.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from recsys_duck.encoding import text_of
from recsys_duck.engines import Engine, Query
from recsys_duck.engines.copies import bad_batches, csv_batches, is_plain, json_batches, refuse_escaped
from recsys_duck.engines.faults import FULL
from recsys_duck.engines.readers import count_select, sieve_select
from recsys_duck.errors import StageError
from recsys_duck.heads import may_be_plain
from recsys_duck.lines import count_lines, last_sign
from recsys_duck.packing import broken_fix
from recsys_duck.records import SHOWN_CHARACTERS, Record, Tally
from recsys_duck.relation import paths_text
from recsys_duck.source import Input, Source, SourceFile
from recsys_duck.stage import Place
from recsys_duck.store import FileRecord

T = TypeVar("T")
# lines of a file that are no records, up to which DuckDB reads the others
MOST_REFUSED = 100_000
READ_BY_DUCKDB = ("utf-8", "latin-1")


@dataclass(slots=True)
class Intake:
    """What was found in the files of one source: rows and lines by file, warnings, and other ways to read some.

    `read_as` has what stands for a file that DuckDB can't read as it is.
    """

    source: Source
    read_as: dict[str, list[SourceFile]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def readable(self) -> Source:
        """The source as it is to be read."""
        files = [one for file in self.source.files for one in self.read_as.get(file.shown, [file])]
        return replace(self.source, files=tuple(files))

    def has_rows(self, file: SourceFile) -> bool:
        """Tell whether a file may have rows: false where it is empty, or its lines hold none."""
        return not file.is_empty and self.rows.get(file.shown) != 0

    @property
    def n_rows(self) -> int | None:
        """Rows that the lines of all files have; None where some have no lines to count."""
        is_counted = all(file.is_empty or file.shown in self.rows for file in self.source.files)
        return sum(self.rows.values()) if is_counted else None


class Porter:
    """Makes files ready for an engine; copies lie in a folder of its own."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._n_copies = 0

    def take(self, source: Source) -> Intake:
        """Count the lines of each file, and copy those that DuckDB can't read as they are.

        Raises:
            StageError: a file is of another encoding, or its quotes are escaped in a way that nobody said.
        """
        intake = Intake(source)
        doubtful = []
        for file in source.files:
            if file.is_empty or not source.input.is_text:
                continue
            if file.text.is_array:
                _refuse_open(file)
                continue
            tally = _readable(file, partial(_tally, source.input, file))
            if tally is None:
                intake.read_as[file.shown] = [self._copied(intake, file)]
                continue
            intake.rows[file.shown], intake.tallies[file.shown] = tally.n_rows, tally
            if tally.has_quotes:
                doubtful.append(file)
        self._repair(intake, doubtful)
        if source.input.format == "parquet":
            intake.rows.update(self._stored_rows(source))
        intake.warnings += [silent(file) for file in source.files if not intake.has_rows(file)]
        return intake

    def count(self, intake: Intake) -> None:
        """Count the rows of the files that have no lines to count, as documents and arrays: they are read once more."""
        source = intake.source
        left = tuple(file for file in source.files if not file.is_empty and file.shown not in intake.rows)
        if not left:
            return
        head, table = "select source_file, count(*) from ", f"files.{source.input.name}"
        place = Place(len(head), len(head) + len(table), "table", table)
        sources = {source.input.name: replace(source, files=left)}
        query = Query(f"{head}{table} group by source_file", (place,), {}, sources, source.input.name)
        found = {str(shown): int(n_rows) for shown, n_rows in self._engine.fetch(query)}
        intake.rows |= {file.shown: found.get(file.shown, 0) for file in left}
        intake.warnings += [silent(file) for file in left if not intake.has_rows(file)]

    def again(self, intake: Intake) -> bool:
        """Read in another way the files that DuckDB fails on; false where it reads all of them."""
        if not intake.source.input.is_text:
            return False
        direct = [
            one
            for file in intake.source.files
            for one in intake.read_as.get(file.shown, [file])
            if not (one.is_empty or one.text.copy or one.text.is_lenient or one.text.is_array)
        ]
        return self._repair(intake, direct, in_full=True)

    def _repair(self, intake: Intake, files: list[SourceFile], *, in_full: bool = False) -> bool:
        """Find another way for the files that DuckDB does not read line by line; false where there are none."""
        failing = self._swallowing(intake.source, files, intake.rows, in_full=in_full)
        for file in failing:
            others: list[SourceFile] = []
            if intake.source.input.format == "csv":
                others = self._unquoted(intake.source.input, file) or self._sieved(intake, file)
            intake.read_as[file.shown] = others or [self._copied(intake, file)]
        return bool(failing)

    def _stored_rows(self, source: Source) -> dict[str, int]:
        """Read from the end of each Parquet file how many rows it has."""
        shown = {str(file.path): file.shown for file in source.files if not file.is_empty}
        if not shown:
            return {}
        paths = paths_text([Path(path) for path in shown])
        text = f"select file_name, num_rows from parquet_file_metadata([{paths}])"
        return {shown[path]: int(n) for path, n in self._engine.fetch(Query(text, where=source.input.name))}

    def _swallowing(
        self, source: Source, files: list[SourceFile], rows: dict[str, int], *, in_full: bool
    ) -> list[SourceFile]:
        """Find the files of which DuckDB reads other than as many rows as they have lines for."""
        if not files:
            return []
        try:
            text = count_select(replace(source, files=tuple(files)), in_full=in_full)
            found = self._engine.fetch(Query(text, where=source.input.name))
        except StageError:
            if len(files) == 1:
                return files
            half = len(files) // 2
            halves = (files[:half], files[half:])
            return [one for some in halves for one in self._swallowing(source, some, rows, in_full=in_full)]
        counted = {str(path): int(n_rows) for path, n_rows, *_ in found}
        return [file for file in files if counted.get(str(file.path), 0) != rows[file.shown]]

    def _unquoted(self, declared: Input, file: SourceFile) -> list[SourceFile]:
        """Read a tab-separated file without quotes, where with them its lines break."""
        if may_be_plain(declared, file.text) and is_plain(declared, file):
            return [replace(file, text=replace(file.text, quote=""))]
        return []

    def _sieved(self, intake: Intake, file: SourceFile) -> list[SourceFile]:
        """Let DuckDB read the records, and copy the other lines: where both together are all lines of the file."""
        declared, tally = intake.source.input, intake.tallies[file.shown]
        if len(file.text.delimiter.encode()) > 1:
            return []
        select = sieve_select(replace(intake.source, files=(file,)), limit=MOST_REFUSED)
        try:
            n_records, refused = self._engine.sieve(Query(select, where=declared.name))
        except StageError:
            return []
        bad = [Record(int(line), 1, (), text[:SHOWN_CHARACTERS], problem) for line, text, problem in refused]
        if n_records + len(bad) != tally.n_rows or any("\n" in record.text for record in bad):
            return []
        for record in bad:
            refuse_escaped(declared, file, record)
        path = self._new_path()
        self._engine.write_batches(bad_batches(declared, file, bad), path)
        return [
            replace(file, text=replace(file.text, is_lenient=True)),
            replace(file, text=replace(file.text, copy=path)),
        ]

    def _new_path(self) -> Path:
        self._n_copies += 1
        return self._folder / f"copy-{self._n_copies}.parquet"

    def _copied(self, intake: Intake, file: SourceFile) -> SourceFile:
        declared, tally, spans = intake.source.input, Tally(), list[Record]()
        path = self._new_path()
        batches = json_batches(declared, file, tally) if declared.format == "ndjson" else None
        batches = batches or csv_batches(declared, file, tally, spans)
        _readable(file, partial(self._engine.write_batches, batches, path))
        intake.rows[file.shown], intake.tallies[file.shown] = tally.n_rows, tally
        if spans:
            first = spans[0]
            told = "1 value spans" if tally.n_continued == first.n_lines - 1 else "some values span"
            intake.warnings.append(
                f"{told} lines in {file.shown}, first from line {first.line}: {first.text[:60]!r}; "
                f"if that quote means nothing: --reader '{declared.name}.quote=\"\"'"
            )
        return replace(file, text=replace(file.text, copy=path))


def silent(file: SourceFile) -> str:
    """Say that a file has no row."""
    return f"{file.shown} gave no row"


def _readable(file: SourceFile, read: Callable[[], T]) -> T:
    """Read a file as far as it goes.

    Raises:
        StageError: it is cut off, or broken.
    """
    try:
        return read()
    except (EOFError, OSError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise  # the warehouse's disk, no fault of the file
        told = getattr(error, "strerror", None) or str(error)
        fix = broken_fix(file.path, file.text.packing, told)
        raise StageError(f"{file.shown} can't be read to its end", where=file.shown, fix=fix) from None


def _refuse_open(file: SourceFile) -> None:
    """Refuse an array without its end: DuckDB reads one that is cut off after a comma without a word.

    Raises:
        StageError: it is cut off.
    """
    if _readable(file, partial(last_sign, file.path, file.text.packing)) != b"]":
        told = "the array has no ] at its end"
        fix = broken_fix(file.path, file.text.packing, told)
        raise StageError(f"{file.shown} can't be read to its end", where=file.shown, fix=fix)


def _tally(declared: Input, file: SourceFile) -> Tally | None:
    """Count the lines of a file of which each can be one record; None where DuckDB can't read it as it is."""
    form, comment = file.text, str(declared.options.get("comment", ""))
    if form.encoding not in READ_BY_DUCKDB:
        return None
    counts = count_lines(file.path, form.packing, quote=form.quote, comment=comment)
    above = _above(file, comment)
    tally = Tally(
        n_lines=counts.n_lines,
        n_header=int(declared.format == "csv" and declared.options.get("header", True) is not False),
        n_blank=counts.n_blank - above.n_blank,
        n_comment=counts.n_comment - above.n_comment,
        n_skipped=form.skip,
        has_quotes=declared.format == "csv" and counts.n_quotes > 0,
    )
    is_single = declared.format == "csv" and len(file.present) == 1
    if not counts.is_even or tally.n_comment or (is_single and tally.n_blank):
        return None
    tally.n_rows = tally.n_lines - tally.n_skipped - tally.n_header - tally.n_blank
    return tally


def _above(file: SourceFile, comment: str) -> Tally:
    """Tell blank lines and comments among those above a table: the reader skips them by number."""
    tally = Tally()
    if file.text.skip:
        with text_of(file.path, file.text) as stream:
            for _ in range(file.text.skip):
                line = stream.readline().rstrip("\r\n")
                tally.n_blank += not line
                tally.n_comment += bool(comment) and line.startswith(comment)
    return tally


def file_records(intakes: Mapping[str, Intake], fingerprints: Mapping[str, str]) -> list[FileRecord]:
    """Record the files of a part: lines and rows in each, where they are known."""
    return [
        FileRecord(
            fingerprint=fingerprints.get(file.shown, ""),
            input=name,
            shown=file.shown,
            n_lines=intake.tallies[file.shown].n_lines if file.shown in intake.tallies else None,
            n_rows=0 if file.is_empty else intake.rows.get(file.shown),
        )
        for name, intake in intakes.items()
        for file in intake.source.files
    ]
