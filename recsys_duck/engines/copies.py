"""Copies: the records of a text file as Arrow batches, where DuckDB can't read the text itself.

That is so for files with lines that are no records, values that span lines, comments between the lines,
line ends of several kinds, and encodings that DuckDB does not know. A copy of a CSV file has field_1 … as
text, `line_number`, and for a line that is no record `line_text` and `problem`; one of JSON has `line`.
"""

from collections.abc import Iterator
from itertools import islice

import pyarrow as pa

from recsys_duck.encoding import not_encoded, text_of
from recsys_duck.errors import StageError
from recsys_duck.heads import dialect_of
from recsys_duck.records import Record, Tally, csv_records, is_escaped
from recsys_duck.source import Input, SourceFile

BATCH_ROWS = 50_000


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
                if record.problem and is_escaped(record.text, dialect, n_fields):
                    raise StageError(
                        f"a quote within quotes stands after a backslash: {record.text[:80]}",
                        where=f"{file.shown}, line {record.line}",
                        fix=f"say so: --reader '{declared.name}.escape=\"\\\\\"'",
                    )
                yield record
    except UnicodeError as error:
        told = not_encoded(declared.name, file, form, str(error))
        raise StageError(told.what, where=f"{file.shown}, line {tally.n_lines + 1}", fix=told.fix) from None


def csv_batches(declared: Input, file: SourceFile, tally: Tally, spans: list[Record]) -> Iterator[pa.RecordBatch]:
    """Copy a CSV file; `spans` gets the first records that span lines."""
    n_fields = len(file.present) - len(file.folders)
    names = [f"field_{at + 1}" for at in range(n_fields)]
    schema = pa.schema(
        [(name, pa.string()) for name in names]
        + [("line_number", pa.int64()), ("line_text", pa.string()), ("problem", pa.string())]
    )
    records = records_of(declared, file, tally)
    nothing = (None,) * n_fields
    while True:
        some = list(islice(records, BATCH_ROWS))
        spans += [record for record in some if record.n_lines > 1][: max(0, 3 - len(spans))]
        fields = [list(column) for column in zip(*(record.fields or nothing for record in some), strict=True)]
        columns = [pa.array(column, pa.string()) for column in fields or [[]] * n_fields]
        columns.append(pa.array([record.line for record in some], pa.int64()))
        columns.append(pa.array([record.text if record.problem else None for record in some], pa.string()))
        columns.append(pa.array([record.problem or None for record in some], pa.string()))
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
        if len(some) < BATCH_ROWS:
            return


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
        told = not_encoded(declared.name, file, file.text, str(error))
        raise StageError(told.what, where=f"{file.shown}, line {tally.n_lines + 1}", fix=told.fix) from None


def _counted(line: str, tally: Tally) -> bool:
    tally.n_lines += 1
    tally.n_blank += not line
    tally.n_rows += bool(line)
    return bool(line)


def is_plain(declared: Input, file: SourceFile) -> bool:
    """Tell whether the quotes of a file mean nothing: read with them, lines break or lie within a value."""
    return any(record.problem or record.resembles for record in records_of(declared, file, Tally()))
