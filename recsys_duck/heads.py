"""Heads: what the first rows of a text file say of it: its columns, its encoding, its packing.

No file is read whole before it is built: what a later row holds against them is judged by a gate.
Refuses files of another encoding, columns that nothing names or that stand twice, a first line that is none.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median_low

from recsys_duck.errors import ProjectError
from recsys_duck.hints import delimiter_of, delimiter_option
from recsys_duck.records import Dialect, Tally, csv_records
from recsys_duck.source import Input, SourceFile, TextForm
from recsys_duck.text import first_lines

CSV_ROWS = 100
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d*)?\s*")
_WORD = re.compile(r"\ufeff?[^\W\d][\w .()/-]*")
_JSON_LINE = re.compile(r'\s*(\[\s*)?\{\s*("|$)|\s*\[\s*$')
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # what Excel writes for itself


def csv_head(declared: Input, file: SourceFile) -> SourceFile:
    """Name a CSV file's columns: `names` says them, or its first line, or their places from 1 where it has no header.

    Raises:
        ProjectError: a name stands twice, `names` has more or fewer than the file, or it is not so encoded.
    """
    form, lines = first_lines(declared, file, CSV_ROWS + 1)
    form, lines = _at_table(declared, form, lines)
    if lines and _JSON_LINE.match(lines[0]) and declared.options.get("header", True) is not False:
        fix = f"say so: --reader {declared.name}.format=ndjson"
        raise ProjectError(f"{file.shown} is JSON, not CSV", where=f"{file.shown}, line {form.skip + 1}", fix=fix)
    form, rows = _csv_rows(declared, form, lines)
    if not rows:
        return replace(file, text=form, is_empty=True)
    named, has_header = declared.options.get("names"), declared.options.get("header", True) is not False
    _refuse_odd_line(declared, file, form, lines, [len(row) for row in rows])
    if isinstance(named, list):
        if len(rows[0]) != len(named):
            what = f"{file.shown} has {len(rows[0])} columns, names has {len(named)}"
            option = delimiter_option(declared.name, delimiter_of(lines, but=form.delimiter) or ";")
            fix = f"name each column of the file, in its order; or say what separates them: {option}"
            raise ProjectError(what, where=f"input {declared.name}", fix=fix)
        names = [str(name) for name in named]
    else:
        names = list(rows[0]) if has_header else [str(place) for place in range(1, len(rows[0]) + 1)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        fix = "rename one of them in the first line; or, if that is data, say header = false"
        raise ProjectError(f"column {repeated[0]} stands twice", where=file.shown, fix=fix)
    if not has_header and _is_header(rows):
        form = replace(form, header=rows[0])
    some = rows[has_header or bool(form.header) :]
    columns = dict(zip(names, zip(*_same_length(some, len(names)), strict=True), strict=False))
    numeric = frozenset(name for name, values in columns.items() if are_numbers(declared, values))
    typical = {name: middle(columns[name]) for name in numeric}
    return replace(file, present=dict.fromkeys(names, "VARCHAR"), numeric=numeric, typical=typical, text=form)


def _at_table(declared: Input, form: TextForm, lines: list[str]) -> tuple[TextForm, list[str]]:
    """Leave out the lines above a table: those to skip, comments, blank ones, and Excel's `sep=;`."""
    skip, comment = int(str(declared.options.get("skip", 0))), str(declared.options.get("comment", ""))
    while skip < len(lines):
        line = lines[skip].rstrip("\r\n")
        separator = _SEPARATOR_LINE.fullmatch(line)
        if separator:
            form = replace(form, delimiter=str(declared.options.get("delimiter", separator.group(1))))
        elif line.strip(" ") and not (comment and line.startswith(comment)):
            break
        skip += 1
    return replace(form, skip=skip), lines[skip:]


def _csv_rows(declared: Input, form: TextForm, lines: Sequence[str]) -> tuple[TextForm, list[tuple[str, ...]]]:
    """Split the first lines of a table; one that can't be split is an empty row.

    Nothing says that a tab-separated file is quoted: it is, if each of its quotes opens and closes a field.
    """
    dialect = dialect_of(declared, form, skip=0, has_header=False)
    records = list(csv_records(lines, dialect, 0, Tally()))
    if may_be_plain(declared, form) and any(record.problem or record.n_lines > 1 for record in records):
        form = replace(form, quote="")
        records = list(csv_records(lines, replace(dialect, quote="", escape=""), 0, Tally()))
    rows = [record.fields for record in records]
    n_fields = len(rows[0]) if rows else 0  # a delimiter at the end of a line stands for no field
    return form, [row[:-1] if len(row) == n_fields + 1 and not row[-1] else row for row in rows]


def may_be_plain(declared: Input, form: TextForm) -> bool:
    """Tell whether the quotes of a file may mean nothing: it is separated by tabs, and nobody says of quotes."""
    return form.delimiter == "\t" and bool(form.quote) and "quote" not in declared.options


def dialect_of(declared: Input, form: TextForm, *, skip: int, has_header: bool) -> Dialect:
    """Say how the lines of a file are split."""
    return Dialect(
        delimiter=form.delimiter,
        quote=form.quote,
        escape=str(declared.options.get("escape", form.quote)),
        comment=str(declared.options.get("comment", "")),
        skip=skip,
        has_header=has_header,
    )


def _refuse_odd_line(declared: Input, file: SourceFile, form: TextForm, lines: Sequence[str], sizes: list[int]) -> None:
    """Refuse a first line that is none of the table: a title, a comment, names without their values.

    Raises:
        ProjectError: the lines after it agree on another number of fields.
    """
    others = Counter(sizes[1:]).most_common(1)
    if len(sizes) < 3 or not others or others[0][0] == sizes[0] or others[0][1] < 0.8 * (len(sizes) - 1):
        return
    name, first = declared.name, lines[0].strip()
    mark = re.match(r"[%#;]|//|--", first)
    fix = f"if it is no part of the table, leave it out: --reader {name}.skip={form.skip + 1}"
    if mark:
        fix = f"if it is a comment, say so: --reader '{name}.comment=\"{mark.group()}\"'"
    elif others[0][0] == 1 or (sizes[0] == 1 and delimiter_of(lines, but=form.delimiter)):
        sign = delimiter_of(lines, but=form.delimiter) or ";"
        fix = f"say what separates the fields: {delimiter_option(name, sign)}"
    raise ProjectError(
        f"the first line has {sizes[0]} fields, the next ones have {others[0][0]}: {first[:80]}",
        where=f"{file.shown}, line {form.skip + 1}",
        fix=fix,
    )


def _same_length(rows: Sequence[Sequence[str]], n_columns: int) -> Iterator[Sequence[str]]:
    """Leave out ragged rows: a gate tells of them, with their line."""
    return (row for row in rows if len(row) == n_columns)


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row of a file that is said to have no header is one: words, and numbers under some."""
    first, others = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    if not others or len(first) < 2 or len(set(first)) < len(first) or not all(map(_WORD.fullmatch, first)):
        return False
    return any(all(_NUMBER.fullmatch(value) for value in values) for values in zip(*others, strict=True))


def are_numbers(declared: Input, values: Sequence[str]) -> bool:
    """Tell whether all texts that stand there are numbers."""
    written = [value for value in values if value.strip() and value not in declared.missing]
    return bool(written) and all(_NUMBER.fullmatch(value) for value in written)


def middle(written: Sequence[str]) -> float:
    """Take the middle one of those texts that are numbers: the ends may be sentinels, as 0."""
    return float(median_low([float(value) for value in written if _NUMBER.fullmatch(value)] or [0]))
