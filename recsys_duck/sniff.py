"""Sniffing: what a file looks like: its format, what splits its lines, whether it has a header, some values.

Our own count of fields a line: DuckDB's sniff_csv was tried, and knows no `::`, no blanks, no line `sep=;`,
no encoding but UTF-8, and does not tell of quotes. Refuses files that hold no table.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recsys_duck.errors import ProjectError
from recsys_duck.guess import known_name
from recsys_duck.sample import Sample, sample_of
from recsys_duck.traits import numbers_of, times_of

DELIMITERS = (",", ";", "\t", "|", "::", "\x01", "<SEP>", "~", "^")
LAST_DELIMITERS = (" ", ":")  # only where no other splits: they stand inside of values, too
COMMENTS = ("#", "%", "//", "--")
MOST_ROWS = 10_000
MOST_LINES = 2_000  # of which fields are counted
MOST_SKIPPED = 30
MOST_SHARE = 0.8  # of the lines that must have as many fields, for a delimiter to be one
MOST_OPEN = 0.02  # of the lines, with a quote that is not closed
PARQUET = b"PAR1"
_INSIDE = re.compile(r'"([^"]+)"\s*:\s*\[(?=\s*\{)')  # an array of objects


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the file calls it, its sampled values as trimmed texts, and its type where the file has types."""

    name: str
    values: tuple[str, ...]
    sql_type: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What a file looks like; `options` are those of the reader that are not its defaults.

    `free` names options that make no difference to this file; `n_rows` counts the rows that were looked at.
    """

    path: Path
    shown: str
    format: str
    columns: tuple[Column, ...]
    n_rows: int
    options: Mapping[str, object] = field(default_factory=dict)
    free: frozenset[str] = frozenset()
    is_whole: bool = True
    has_names: bool = True

    def column(self, name: str) -> Column:
        """Find a column by the file's name for it."""
        return next(one for one in self.columns if one.name == name)


def look_at(path: Path, shown: str) -> Look | None:
    """Look at a text file; None for Parquet, which tells of itself.

    Raises:
        ProjectError: it is empty, no text, or holds no rows.
    """
    try:
        with path.open("rb") as stream:
            if stream.read(len(PARQUET)) == PARQUET:
                return None
    except OSError as error:
        fix = "check its name and rights"
        raise ProjectError(f"can't read {shown}: {error.strerror}", where=str(path), fix=fix) from None
    sample = sample_of(path, shown)
    first = next(line.lstrip() for line in sample.lines if line.strip())
    look = _json(path, shown, sample) if first[:1] in "{[" else None
    look = look or _csv(path, shown, sample)
    if not look.n_rows:
        fix = "give a file with rows"
        raise ProjectError(f"{shown} has a header and no rows", where=str(path), fix=fix)
    return look


def _json(path: Path, shown: str, sample: Sample) -> Look | None:
    """Read JSON lines, one array, or an array inside of a document; None where the first line only begins like JSON."""
    lines = [line for line in sample.lines if line.strip()]
    options = _encoded(sample)
    rows: list[Mapping[str, Any]] = []
    inside = _INSIDE.search("".join(lines[:MOST_LINES]))
    if all(isinstance(_parsed(line), dict) for line in lines[:2]) and not (len(lines) == 1 and inside):
        rows = [row for row in map(_parsed, lines[:MOST_ROWS]) if isinstance(row, dict)]
    elif lines[0].lstrip().startswith("["):
        rows = list(_array_rows("".join(lines), 0))
    elif inside:
        rows = list(_array_rows("".join(lines), inside.end() - 1))
        options["records"] = f"$.{_path_part(inside[1])}[*]"
    if not rows:
        return None
    flat = [dict(_flat(row)) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    columns = tuple(Column(name, tuple(_text(row.get(name)) for row in flat)) for name in names)
    free = frozenset({"encoding"} if sample.is_ascii else ())
    return Look(path, shown, "ndjson", columns, len(flat), options, free, sample.is_whole)


def _path_part(key: str) -> str:
    return key if key.isidentifier() else f'"{key}"'


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _array_rows(text: str, start: int) -> Iterator[Mapping[str, Any]]:
    """Read the objects of an array one by one, up to where it or the sample ends."""
    decoder, at = json.JSONDecoder(), text.index("[", start) + 1
    while (begin := re.compile(r"[\s,]*").match(text, at)) and begin.end() < len(text):
        try:
            row, at = decoder.raw_decode(text, begin.end())
        except ValueError:
            return
        if isinstance(row, dict):
            yield row


def _flat(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif not isinstance(value, list):
            yield f"{prefix}{name}", value


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _encoded(sample: Sample) -> dict[str, object]:
    return {} if sample.encoding == "utf-8" else {"encoding": sample.encoding}


def _csv(path: Path, shown: str, sample: Sample) -> Look:
    """Settle what splits the lines, then read them."""
    options = _encoded(sample)
    lines = list(sample.lines)
    said = re.fullmatch(r"\"?sep=(.)\"?\s*", lines[0])
    if said:
        options["skip"] = 1
        lines = lines[1:]
    comment = _comment(lines)
    if comment:
        options["comment"] = comment
        lines = [line for line in lines if not line.startswith(comment)]
    counted = [line for line in lines if line.strip()][:MOST_LINES]
    if not counted:
        raise ProjectError(f"{shown} is empty", where=str(path), fix="give a file with rows")
    delimiter = said[1] if said else _delimiter(counted)
    n_skipped = 0 if said else _preamble(lines, delimiter)
    if n_skipped:
        options["skip"] = sample.lines.index(lines[n_skipped])
        lines = lines[n_skipped:]
    if delimiter != ",":
        options["delimiter"] = delimiter
    quoting = _quoting(lines[:MOST_LINES], delimiter)
    if quoting["quote"] and not _is_spanning(lines[:MOST_LINES], delimiter):
        lines = [line for line in lines if line.count(quoting["quote"]) % 2 == 0]  # else it takes rows with it
    rows = [row for row in _split(lines, delimiter, **quoting) if any(cell.strip() for cell in row)]
    if any('"' in line or "'" in line for line in counted) and quoting != {"quote": '"'}:
        options |= quoting
    elif delimiter == "\t" and any('"' in line for line in counted):
        options["quote"] = '"'  # a .tsv may be read without quotes
    return _look(path, shown, sample, rows, options)


def _look(path: Path, shown: str, sample: Sample, rows: list[list[str]], options: dict[str, object]) -> Look:
    n_columns = Counter(len(row) for row in rows[:MOST_LINES]).most_common(1)[0][0]
    has_names = _has_names(rows, n_columns)
    if has_names:
        names = rows[0]
        if len(set(names)) < len(names):
            names = [name if name not in names[:at] else f"{name}_{at + 1}" for at, name in enumerate(names)]
            options["names"] = names
    else:
        names = [str(at + 1) for at in range(n_columns)]
        options["header"] = False
    kept = [row for row in rows[has_names:] if len(row) == len(names)]
    if len(kept) > MOST_ROWS:
        kept = kept[:: len(kept) // MOST_ROWS]
    columns = tuple(Column(name, tuple(row[at].strip() for row in kept)) for at, name in enumerate(names))
    signs = {"encoding": not sample.is_ascii, "quote": any('"' in line or "'" in line for line in sample.lines)}
    signs["comment"] = any(line.startswith(COMMENTS) for line in sample.lines)
    free = frozenset(name for name, matters in signs.items() if not matters)
    return Look(path, shown, "csv", columns, len(kept), options, free, sample.is_whole, has_names=has_names)


def _comment(lines: Sequence[str]) -> str:
    """Tell what comment lines begin with; a first line alone may be a header: `#user,item`."""
    for sign in COMMENTS:
        marked = [line for line in lines[:MOST_LINES] if line.startswith(sign)]
        if marked and len(marked) < len(lines[:MOST_LINES]) / 2 and (lines[0] != marked[0] or not _names_in(marked[0])):
            return sign
    return ""


def _names_in(line: str) -> int:
    return sum(known_name(part) is not None for part in re.split(r"[,;\t|]", line)) >= 2


def _delimiter(lines: Sequence[str]) -> str:
    """Find what splits most lines into equally many fields, as many as it can; a comma where nothing does."""
    best, best_score = ",", (False, False, 0)
    for group in (DELIMITERS, LAST_DELIMITERS):
        for sign in group:
            counts = Counter(_n_fields(line, sign) for line in lines)
            n_fields, n_lines = max(counts.items(), key=lambda one: (one[1], one[0]))
            if n_fields > 1 and n_lines >= MOST_SHARE * len(lines):
                # a decimal comma is in all lines but the first; names and dates have blanks and colons
                score = (_n_fields(lines[0], sign) == n_fields, n_lines > 0.95 * len(lines), n_fields)
                best, best_score = (sign, score) if score > best_score else (best, best_score)
        if best_score[2]:
            return best
    return best


def _n_fields(line: str, delimiter: str) -> int:
    """Count the fields of a line; what is between quotes splits nothing."""
    bare = re.sub(r'"[^"]*"', "", line) if '"' in line else line
    if "'" in bare:
        edge = re.escape(delimiter)
        bare = re.sub(rf"(^|{edge})'[^']*'(?={edge}|\s*$)", r"\1", bare)
    return bare.count(delimiter) + 1


def _preamble(lines: Sequence[str], delimiter: str) -> int:
    """Count the lines above the header: a title and its like, of fewer fields than the others have."""
    counts = Counter(_n_fields(line, delimiter) for line in lines[:MOST_LINES] if line.strip())
    n_fields = counts.most_common(1)[0][0]
    if n_fields == 1:
        return next(at for at, line in enumerate(lines) if line.strip())
    for at, line in enumerate(lines[:MOST_SKIPPED]):
        if _n_fields(line, delimiter) == n_fields and line.strip():
            return at
    return 0


def _quoting(lines: Sequence[str], delimiter: str) -> dict[str, str]:
    """Tell whether quotes mean something: more lines have fields between quotes than have a quote left open."""
    edge, end = re.escape(delimiter), r"\s*$"
    for quote in '"', "'":
        whole = re.compile(rf"(?:^|{edge}){quote}(?:[^{quote}\\]|{quote}{quote}|\\.)*{quote}(?={edge}|{end})")
        n_whole = sum(bool(whole.search(line)) for line in lines)
        n_open = sum(line.count(quote) % 2 for line in lines)
        if n_whole > n_open and (quote == '"' or n_whole > len(lines) / 2):
            text = "".join(lines)
            is_escaped = f"\\{quote}" in text and f"{quote}{quote}" not in text.replace(
                f"{delimiter}{quote}{quote}", ""
            )
            return {"quote": quote, "escape": "\\"} if is_escaped else {"quote": quote}
        # in a CSV a quote that is never closed is a mistake in its line, in a TSV it is a letter
        is_mistake = delimiter in ",;" and n_open <= max(1, MOST_OPEN * len(lines))
        if quote == '"' and n_open and (is_mistake or _is_spanning(lines, delimiter)):
            return {"quote": quote}
    return {"quote": ""} if any('"' in line for line in lines) else {"quote": '"'}


def _is_spanning(lines: Sequence[str], delimiter: str) -> bool:
    """Tell whether quotes span lines, so that rows have equally many fields only with them."""
    shares = []
    for quote in '"', "":
        counts = Counter(len(row) for row in _split(lines, delimiter, quote=quote) if row)
        shares.append(counts.most_common(1)[0][1] / sum(counts.values()))
    return shares[0] > shares[1]


def _split(lines: Iterable[str], delimiter: str, quote: str, escape: str = "") -> list[list[str]]:
    if len(delimiter) > 1 or not quote:
        return [line.rstrip("\r\n").split(delimiter) for line in lines if line.strip("\r\n")]
    rows: list[list[str]] = []
    reader = csv.reader(lines, delimiter=delimiter, quotechar=quote, escapechar=escape or None, doublequote=not escape)
    while True:
        try:
            rows += (row for row in reader if row)
        except csv.Error:  # a field of an open quote is too long: go on below it
            continue
        return rows


def _has_names(rows: Sequence[Sequence[str]], n_columns: int) -> bool:
    """Tell whether the first row names the columns: its cells are names that we know, or unlike those below."""
    first = [cell.strip() for cell in rows[0]]
    if len(first) != n_columns or len(rows) == 1:
        return True
    n_known = sum(known_name(cell) is not None for cell in first)
    n_values = sum(bool(numbers_of([cell]) or times_of([cell])) for cell in first if cell)
    if n_known or n_values:
        return n_known > n_values
    below = [[row[at].strip() for row in rows[1:MOST_LINES] if len(row) == n_columns] for at in range(n_columns)]
    if any(values and (numbers_of(values) or times_of(values)) for values in below):
        return True
    repeated = sum(cell in values for cell, values in zip(first, below, strict=True) if cell)
    return not repeated and len(set(first)) == len(first)
