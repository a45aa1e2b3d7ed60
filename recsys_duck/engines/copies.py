"""Copies: the records of a text file as Arrow batches, where DuckDB can't read the text itself.

That is so for files with lines that are no records, values that span lines, comments between the lines,
line ends of several kinds, and encodings that DuckDB does not know. A copy of a CSV file has field_1 … as
text, `line_number`, and for a line that is no record `line_text` and `problem`; one of JSON has `line`.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import pyarrow as pa

from recsys_duck.encoding import not_encoded, text_of, undecodable_line
from recsys_duck.errors import StageError
from recsys_duck.heads import dialect_of
from recsys_duck.records import Record, Tally, csv_records, is_escaped
from recsys_duck.source import Input, SourceFile

BATCH_ROWS = 50_000
BATCH_CHARACTERS = 16_000_000
JUDGED_LINES = 1_000


def records_of(declared: Input, file: SourceFile, tally: Tally) -> Iterator[Record]:
    """Read the records of a CSV file, whatever its lines are.

    Raises:
        StageError: it is of another encoding, or its quotes are escaped in a way that nobody said.
    """
    form = file.text
    has_header = declared.options.get("header", True) is not False
    dialect = dialect_of(declared, form, skip=form.skip, has_header=has_header)
    n_fields = len(file.present) - len(file.folders)
    try:
        with text_of(file.path, form) as stream:
            for record in csv_records(stream, dialect, n_fields, tally):
                if record.problem:
                    refuse_escaped(declared, file, record)
                yield record
    except UnicodeError as error:
        raise _not_encoded(declared, file, error) from None


def refuse_escaped(declared: Input, file: SourceFile, record: Record) -> None:
    """Refuse a line whose quotes stand after a backslash: all such lines would be lost.

    Raises:
        StageError: says the option.
    """
    dialect = dialect_of(declared, file.text, skip=0, has_header=False)
    if is_escaped(record.text, dialect, len(file.present) - len(file.folders)):
        raise StageError(
            f"a quote within quotes stands after a backslash: {record.text[:80]}",
            where=f"{file.shown}, line {record.line}",
            fix=f"say so: --reader '{declared.name}.escape=\"\\\\\"'",
        )


def csv_batches(declared: Input, file: SourceFile, tally: Tally, spans: list[Record]) -> Iterator[pa.RecordBatch]:
    """Copy a CSV file; `spans` gets the first record that spans lines."""
    n_fields = len(file.present) - len(file.folders)
    names = [f"field_{at + 1}" for at in range(n_fields)]
    some: list[Record] = []
    n_characters = 0
    for record in records_of(declared, file, tally):
        some.append(record)
        n_characters += len(record.text)
        if record.n_lines > 1 and not spans:
            spans.append(record)
        if len(some) == BATCH_ROWS or n_characters > BATCH_CHARACTERS:
            yield _batch(names, some)
            some, n_characters = [], 0
    yield _batch(names, some)


def _batch(names: Sequence[str], records: Sequence[Record]) -> pa.RecordBatch:
    nothing = (None,) * len(names)
    fields = list(zip(*(record.fields or nothing for record in records), strict=True)) or [()] * len(names)
    columns = {name: pa.array(column, pa.string()) for name, column in zip(names, fields, strict=True)}
    columns["line_number"] = pa.array([record.line for record in records], pa.int64())
    columns["line_text"] = pa.array([record.text if record.problem else None for record in records], pa.string())
    columns["problem"] = pa.array([record.problem or None for record in records], pa.string())
    return pa.RecordBatch.from_pydict(columns)


def json_batches(declared: Input, file: SourceFile, tally: Tally) -> Iterator[pa.RecordBatch]:
    """Copy the lines of a JSON file; blank ones are left out."""
    schema = pa.schema([("line", pa.string())])
    try:
        with text_of(file.path, file.text) as stream:
            lines = (line for line in map(str.strip, stream) if _counted(line, tally))
            while some := list(islice(lines, BATCH_ROWS)):
                yield pa.RecordBatch.from_arrays([pa.array(some, pa.string())], schema=schema)
            yield pa.RecordBatch.from_pylist([], schema=schema)
    except UnicodeError as error:
        raise _not_encoded(declared, file, error) from None


def _not_encoded(declared: Input, file: SourceFile, error: UnicodeError) -> StageError:
    """Say which line of a file is of another encoding."""
    told = not_encoded(declared.name, file, file.text, str(error))
    line = undecodable_line(file.path, file.text)
    return StageError(told.what, where=f"{file.shown}, line {line}" if line else file.shown, fix=told.fix)


def _counted(line: str, tally: Tally) -> bool:
    tally.n_lines += 1
    tally.n_blank += not line
    tally.n_rows += bool(line)
    return bool(line)


def is_plain(declared: Input, file: SourceFile) -> bool:
    """Tell whether the quotes of a file mean nothing: read with them, lines break, and few lines are quoted well."""
    n_lines = n_quoted = n_broken = 0
    for record in records_of(declared, file, Tally()):
        n_lines += 1
        n_broken += "quote" in record.problem or record.resembles
        n_quoted += not record.problem and file.text.quote in record.text
        if n_broken and n_lines >= JUDGED_LINES:
            break
    return n_broken > 0 and 2 * n_quoted < n_lines


def bad_batches(declared: Input, file: SourceFile, bad: Sequence[Record]) -> Iterator[pa.RecordBatch]:
    """Copy the lines of a CSV file that are no records."""
    names = [f"field_{at + 1}" for at in range(len(file.present) - len(file.folders))]
    yield _batch(names, bad)
