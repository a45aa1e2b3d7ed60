"""Records: the rows of a text file read line by line, for files in which some lines can't be read.

A line that is no record is given with its text and why; the next line is a fresh start, so that one stray
quote costs one line. DuckDB reads the files in which every line is in order, at twenty times the speed.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count

MOST_SPAN_CHARACTERS = 1_000_000  # of one quoted value: a quote that is not closed by then is a stray one
MOST_SPAN_TRIES = 500
SHOWN_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the lines of a delimited file are split; `quote` and `comment` are empty for none.

    `escape` stands before a quote inside of quotes; the quote itself means that quotes are doubled.
    """

    delimiter: str
    quote: str
    escape: str
    comment: str = ""
    skip: int = 0
    has_header: bool = True


@dataclass(frozen=True, slots=True)
class Record:
    """One record, from physical line `line` on, counted from 1; `problem` says why it is none, else empty.

    `resembles` tells that a line within the record has as many fields as a record of its own.
    """

    line: int
    n_lines: int
    fields: tuple[str, ...]
    text: str = ""
    problem: str = ""
    resembles: bool = False


@dataclass(slots=True)
class Tally:
    """What became of the lines of a file; filled while its records are read."""

    n_lines: int = 0
    n_header: int = 0
    n_blank: int = 0
    n_comment: int = 0
    n_skipped: int = 0
    n_continued: int = 0
    n_rows: int = 0
    n_bad: int = 0
    has_quotes: bool = False


class _Split:
    """Splits lines at a dialect's delimiters, outside of its quotes."""

    def __init__(self, dialect: Dialect) -> None:
        self._delimiter = dialect.delimiter
        self._quote = dialect.quote
        self._is_doubled = dialect.escape in ("", dialect.quote)
        quote, escape = re.escape(dialect.quote), re.escape(dialect.escape or dialect.quote)
        doubled, escaped = f"(?:[^{quote}]|{quote}{quote})*", f"(?:[^{quote}{escape}]|{escape}.)*"
        self._inside = re.compile((doubled if self._is_doubled else escaped) if quote else "", re.DOTALL)
        self._escaped = re.compile(f"{escape}(.)", re.DOTALL)

    def has_quote(self, line: str) -> bool:
        """Tell whether a line has a quote at all."""
        return bool(self._quote) and self._quote in line

    def plain(self, line: str) -> list[str]:
        """Split a line as if quotes meant nothing."""
        return line.split(self._delimiter)

    def fields(self, text: str) -> tuple[list[str], str]:
        """Split a text; "open" says that a quote is not closed, anything else what is wrong."""
        quote, delimiter = self._quote, self._delimiter
        if not quote or quote not in text:
            return text.split(delimiter), ""
        fields: list[str] = []
        at = 0
        while True:
            if text.startswith(quote, at):
                found = self._inside.match(text, at + 1)
                end = found.end() if found else at + 1
                if not text.startswith(quote, end):
                    return fields, "open"
                value = text[at + 1 : end]
                fields.append(value.replace(quote * 2, quote) if self._is_doubled else self._escaped.sub(r"\1", value))
                at = end + 1
                if at == len(text):
                    return fields, ""
                if not text.startswith(delimiter, at):
                    return fields, "text after a closing quote"
                at += len(delimiter)
            else:
                end = text.find(delimiter, at)
                if end < 0:
                    fields.append(text[at:])
                    return fields, ""
                fields.append(text[at:end])
                at = end + len(delimiter)


class _Lines:
    """Lines of a text with a look ahead, and the number and the end of the line that was read last."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._source = iter(lines)
        self._ahead: deque[str] = deque()
        self.number = 0
        self.end = ""

    def read(self) -> str | None:
        """Read a line, without its end; None after the last one."""
        whole = self._ahead.popleft() if self._ahead else next(self._source, None)
        if whole is None:
            return None
        self.number += 1
        line = whole.rstrip("\r\n")
        self.end = whole[len(line) :]
        return line

    def ahead(self, place: int) -> str | None:
        """Look at a line further on, with its end, without reading it."""
        while len(self._ahead) <= place:
            line = next(self._source, None)
            if line is None:
                return None
            self._ahead.append(line)
        return self._ahead[place]


def csv_records(lines: Iterable[str], dialect: Dialect, n_fields: int, tally: Tally) -> Iterator[Record]:
    """Give the records of a delimited file, its header left out, each with `n_fields` fields, or why not.

    `lines` have their ends, which are kept within a value. With `n_fields` 0 a record may have any number of them.
    """
    split, source, header = _Split(dialect), _Lines(lines), dialect.has_header
    while (line := source.read()) is not None:
        if tally.n_skipped < dialect.skip:
            tally.n_skipped += 1
        elif dialect.comment and line.startswith(dialect.comment):
            tally.n_comment += 1
        elif _is_blank(line, dialect, n_fields):
            tally.n_blank += 1
        else:
            record = _record(split, source, line, n_fields)
            if not record.problem:
                for _ in range(record.n_lines - 1):
                    source.read()
                tally.n_continued += record.n_lines - 1
            if header:  # its names are told from the head of the file
                header = False
                tally.n_header += 1
                continue
            tally.n_bad += bool(record.problem)
            tally.n_rows += 1
            yield record
        tally.n_lines = source.number
    tally.n_lines = source.number


def is_escaped(text: str, dialect: Dialect, n_fields: int) -> bool:
    """Tell whether a line that is no record would be one, if a backslash stood before quotes within quotes."""
    mark = "\\" + dialect.quote
    if not dialect.quote or dialect.escape == "\\" or mark not in text:
        return False
    fields, problem = _Split(replace(dialect, escape="\\")).fields(text)
    return not problem and len(fields) == n_fields


def _is_blank(line: str, dialect: Dialect, n_fields: int) -> bool:
    return not line or (n_fields != 1 and not line.strip() and dialect.delimiter not in line)


def _record(split: "_Split", source: _Lines, line: str, n_fields: int) -> Record:
    number = source.number
    fields, problem = split.fields(line)
    text, n_lines = line, 1
    if problem == "open":
        text, n_lines, fields, problem = _closed(split, source, line)
    if n_fields and len(fields) == n_fields + 1 and not fields[-1]:
        del fields[-1]  # a delimiter at the end of the line, which DuckDB allows, too
    if not problem and n_fields and len(fields) != n_fields:
        problem = "an open quote" if n_lines > 1 else f"{len(fields)} fields instead of {n_fields}"
    if problem:
        return Record(number, 1, (), line[:SHOWN_CHARACTERS], problem)
    inside = re.split("\r\n?|\n", text)[1:] if n_lines > 1 else ()
    resembles = any(len(split.plain(one)) == n_fields for one in inside)
    return Record(number, n_lines, tuple(fields), text[:SHOWN_CHARACTERS], "", resembles)


def _closed(split: "_Split", source: _Lines, line: str) -> tuple[str, int, list[str], str]:
    """Join lines to one whose quote is open until it is closed: the text, its lines, its fields, and why not."""
    text, n_tries = line + source.end, 0
    for place in count():
        more = source.ahead(place)
        if more is None or len(text) > MOST_SPAN_CHARACTERS or n_tries > MOST_SPAN_TRIES:
            break
        text += more
        if not split.has_quote(more):
            continue
        n_tries += 1
        whole = text.rstrip("\r\n")
        fields, problem = split.fields(whole)
        if problem != "open":
            return whole, place + 2, fields, problem
    return line, 1, [], "an open quote"
