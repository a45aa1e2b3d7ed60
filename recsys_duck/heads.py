"""Heads: what the first rows of a text file say of its columns, in CSV or newline-delimited JSON.

No file is read whole before it is built: what a later row holds against them is judged by a gate.
Refuses files of another encoding, columns that nothing names or that stand twice, and lines that are no JSON.
"""

import csv
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isnan
from statistics import median_low
from typing import IO, Any

from recsys_duck.errors import ProjectError
from recsys_duck.formats import PACKED
from recsys_duck.source import Input, SourceFile

CSV_ROWS = 100
JSON_ROWS = 1000
MOST_CHARACTERS = 16_000_000  # of one line, as DuckDB has it, and of all lines that are looked at
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d*)?\s*")


def csv_head(declared: Input, file: SourceFile) -> SourceFile:
    """Name a CSV file's columns: `names` says them, or its first line, or their places from 1 where it has no header.

    Raises:
        ProjectError: a name stands twice, `names` has more or fewer than the file, or it is not so encoded.
    """
    rows = _csv_rows(declared, file)
    named, has_header = declared.options.get("names"), declared.options.get("header", True) is not False
    first = rows[0] if rows else []
    if isinstance(named, list):
        if len(first) != len(named):
            what = (
                f"{file.shown} has {len(first)} columns, names has {len(named)}" if first else f"{file.shown} is empty"
            )
            fix = (
                "name each column of the file, in its order, or say its delimiter" if first else "give a file with rows"
            )
            raise ProjectError(what, where=f"input {declared.name}", fix=fix)
        names = [str(name) for name in named]
    else:
        names = first if has_header else [str(place) for place in range(1, len(first) + 1)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        fix = "rename one of them in the first line; or, if that is data, say header = false"
        raise ProjectError(f"column {repeated[0]} stands twice", where=file.shown, fix=fix)
    columns = dict(zip(names, zip(*_same_length(rows[has_header:], len(names)), strict=True), strict=False))
    numeric = frozenset(name for name, values in columns.items() if _are_numbers(values))
    typical = {name: _middle(columns[name]) for name in numeric}
    return replace(file, present=dict.fromkeys(names, "VARCHAR"), numeric=numeric, typical=typical)


def ndjson_head(declared: Input, file: SourceFile) -> SourceFile:
    """Name the keys of a newline-delimited JSON file's first rows, each with the type that holds all its values there.

    Raises:
        ProjectError: one of the first lines is no JSON object.
    """
    values: dict[str, list[Any]] = {}
    for number, line in enumerate(_lines(declared, file, JSON_ROWS), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict | None) or (row is None and line.strip() != "null"):
            raise ProjectError(
                f"input {declared.name} can't be read as ndjson",
                where=f"{file.shown}, line {number}",
                fix='give one JSON object a line, or say another format: format = "csv"',
            )
        for name, value in (row or {}).items():
            values.setdefault(name, []).append(value)
    present = {name: _json_type([value for value in found if value is not None]) for name, found in values.items()}
    texts = {name: [value for value in found if isinstance(value, str)] for name, found in values.items()}
    numeric = frozenset(name for name, found in texts.items() if present[name] == "VARCHAR" and _are_numbers(found))
    numbers = {name for name, found in present.items() if found in ("BIGINT", "DOUBLE")} | numeric
    typical = {name: _middle([str(value) for value in values[name]]) for name in numbers}
    return replace(file, present=present, numeric=numeric, typical=typical)


def _csv_rows(declared: Input, file: SourceFile) -> list[list[str]]:
    """Split the first lines of a CSV file, blank ones left out."""
    delimiter, quote = str(declared.options.get("delimiter", ",")), str(declared.options.get("quote", '"'))
    lines = _lines(declared, file, CSV_ROWS + 1)
    if declared.options.get("header", True) is not False and lines and not lines[0].strip():
        raise ProjectError(f"the first line of {file.shown} is blank", where=file.shown, fix="open it with its header")
    if len(delimiter) != 1 or len(quote) != 1:
        return [line.rstrip("\r\n").split(delimiter or None) for line in lines if line.strip("\r\n")]
    rows: list[list[str]] = []
    try:
        rows += (row for row in csv.reader(lines, delimiter=delimiter, quotechar=quote) if row)
    except csv.Error as error:  # a later row that Python can't split DuckDB may
        if not rows:
            fix = f"say quote or delimiter: {error}"
            raise ProjectError(f"{file.shown} can't be read as csv", where=file.shown, fix=fix) from None
    return rows


def _lines(declared: Input, file: SourceFile, n_lines: int) -> list[str]:
    """Read the first lines of a file, packed or not."""
    encoding = str(declared.options.get("encoding", "utf-8"))
    lines: list[str] = []
    try:
        with _opened(file, "utf-8-sig" if encoding == "utf-8" else encoding) as stream:
            left = MOST_CHARACTERS
            while len(lines) < n_lines and (line := stream.readline(left)):
                lines.append(line)
                left -= len(line)
    except (UnicodeError, LookupError) as error:
        raise ProjectError(
            f"{file.shown} is not {encoding}",
            where=str(file.path),
            fix=f'say the encoding of input {declared.name}: encoding = "latin-1"',
            cause=str(error),
        ) from None
    except (OSError, EOFError) as error:
        fix = getattr(error, "strerror", None) or str(error)
        raise ProjectError(f"can't read {file.shown}", where=str(file.path), fix=fix) from None
    return lines


def _opened(file: SourceFile, encoding: str) -> IO[str]:
    if file.shown.endswith(PACKED):
        return gzip.open(file.path, "rt", encoding=encoding, newline="")
    return file.path.open(encoding=encoding, newline="")


def _same_length(rows: Sequence[Sequence[str]], n_columns: int) -> Iterator[Sequence[str]]:
    """Leave out ragged rows: the reader tells of them, with their line."""
    return (row for row in rows if len(row) == n_columns)


def _are_numbers(values: Sequence[str]) -> bool:
    written = [value for value in values if value.strip()]
    return bool(written) and all(_NUMBER.fullmatch(value) for value in written)


def _middle(written: Sequence[str]) -> float:
    """Take the middle one of those texts that are numbers: the ends may be sentinels, as 0."""
    return float(median_low([float(value) for value in written if _NUMBER.fullmatch(value)] or [0]))


def _json_type(values: Sequence[Any]) -> str:
    """Name the type of a key's values: BIGINT, DOUBLE, else text, which integers beyond bigint are, too.

    BOOLEAN where all are booleans, JSON where all are lists or objects: one beside others is left to a gate.
    """
    scalars = [value for value in values if not isinstance(value, bool | list | dict)]
    found = [value for value in scalars if not (isinstance(value, float) and isnan(value))]  # NaN is no value
    kinds = {type(value) for value in found}
    if values and not scalars:
        return "JSON" if any(isinstance(value, list | dict) for value in values) else "BOOLEAN"
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in found):
        return "BIGINT"
    return "DOUBLE" if float in kinds and kinds <= {int, float} else "VARCHAR"
