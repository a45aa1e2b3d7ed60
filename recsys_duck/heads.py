"""Heads: what the first rows of a text file say of it, in CSV or JSON: its columns, its encoding, its packing.

No file is read whole before it is built: what a later row holds against them is judged by a gate.
Refuses files of another encoding, columns that nothing names or that stand twice, a first line that is none.
"""

import json
import os
import re
import shlex
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isnan
from typing import Any

from recsys_duck.encoding import encoding_of, has_text, not_encoded, settled_encoding, text_of
from recsys_duck.errors import ProjectError
from recsys_duck.formats import QUOTED_DELIMITER_BYTES
from recsys_duck.hints import delimiter_of, delimiter_option
from recsys_duck.packing import HEAD_BYTES, PARQUET, broken_fix, opened, packing_of
from recsys_duck.records import Dialect, Tally, csv_records
from recsys_duck.source import Input, SourceFile, TextForm

CSV_ROWS = 100
JSON_ROWS = 1000
MOST_CHARACTERS = 16_000_000  # of one line, as DuckDB has it, and of all lines that are looked at
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d*)?\s*")
_NO_ROWS = re.compile(r"\s*\[\s*\]\s*")
_WORD = re.compile(r"\ufeff?[^\W\d][\w .()/-]*")
_JSON_LINE = re.compile(r'\s*(\[\s*)?\{\s*("|$)|\s*\[\s*$')
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # what Excel writes for itself


def csv_head(declared: Input, file: SourceFile) -> SourceFile:
    """Name a CSV file's columns: `names` says them, or its first line, or their places from 1 where it has no header.

    Raises:
        ProjectError: a name stands twice, `names` has more or fewer than the file, or it is not so encoded.
    """
    form, lines = _text(declared, file, CSV_ROWS + 1)
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
    numeric = frozenset(name for name, values in columns.items() if _are_numbers(declared, values))
    return replace(file, present=dict.fromkeys(names, "VARCHAR"), numeric=numeric, text=form)


def json_head(declared: Input, file: SourceFile) -> SourceFile:
    """Name the keys of a JSON file's first rows, each with the type that holds all its values there.

    The rows stand one a line, in one array, or in documents where `records` finds them. A column may be a
    path into nested objects, `user.id`.

    Raises:
        ProjectError: one of the first rows is no JSON object.
    """
    if "records" in declared.options:
        form = _form(declared, file)
        names = [name for name in dict.fromkeys(map(declared.own_name, declared.columns)) if _has_key(file, form, name)]
        nested = frozenset(name for name in names if "." in name)
        return replace(file, present=dict.fromkeys(names, "VARCHAR"), nested=nested, text=form)
    form, lines = _text(declared, file, JSON_ROWS)
    text = "".join(lines)
    first = text.lstrip()[:1]
    if not first or _NO_ROWS.fullmatch(text):
        return replace(file, text=form, is_empty=True)
    rows = list(_array_rows(text) if first == "[" else _line_rows(declared, file, lines))
    is_whole = len(rows) < JSON_ROWS and len(lines) < JSON_ROWS and len(text) < MOST_CHARACTERS
    form = replace(form, is_array=first == "[")
    if form.is_array and form.encoding != "utf-8":
        command = f"iconv -f {form.encoding} -t utf-8 {shlex.quote(os.path.basename(file.path))} > utf8.json"
        raise ProjectError(f"{file.shown} is an array in {form.encoding}", where=file.shown, fix=f"convert: {command}")
    values: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            values.setdefault(name, []).append(value)
    paths = {declared.own_name(name) for name in declared.columns} - set(values)
    for path in sorted(path for path in paths if "." in path):
        found = [value for row in rows if (value := at_path(row, path.split("."))) is not None]
        if found:
            values[path] = found
    present = {name: _json_type([value for value in found if value is not None]) for name, found in values.items()}
    unseen = () if is_whole else sorted(paths - set(present))
    later = {name: "VARCHAR" for name in unseen if _has_key(file, form, name)}
    texts = {name: [value for value in found if isinstance(value, str)] for name, found in values.items()}
    numeric = frozenset(
        name for name, found in texts.items() if present[name] == "VARCHAR" and _are_numbers(declared, found)
    )
    nested = frozenset(path for path in paths if "." in path)
    return replace(file, present={**present, **later}, numeric=numeric, nested=nested, late=frozenset(later), text=form)


def _line_rows(declared: Input, file: SourceFile, lines: Sequence[str]) -> list[dict[str, Any]]:
    """Read the rows of lines; a few that are no objects a gate rejects.

    Raises:
        ProjectError: the first line is none, and most of the others are none.
    """
    rows, strange = [], []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if isinstance(row, dict):
            rows.append(row)
        elif line.strip() not in ("", "null"):
            strange.append((number, line.strip(), not rows))
    if strange and strange[0][2] and len(strange) > len(rows):
        number, line, _ = strange[0]
        fix = _json_fix(declared, shlex.quote(os.path.basename(file.path)), line)
        raise ProjectError(
            f"input {declared.name} can't be read as JSON", where=f"{file.shown}, line {number}", fix=fix
        )
    return rows


def _json_fix(declared: Input, name: str, line: str) -> str:
    """Say what makes JSON lines of a file that begins with such a line."""
    if line.startswith("{'"):  # how Python prints a dict
        script = "import ast, json, sys; [print(json.dumps(ast.literal_eval(line))) for line in sys.stdin]"
        return f'these are dicts of Python, write them as JSON: python3 -c "{script}" < {name} > rows.jsonl'
    if line.startswith("{"):
        return f"give one JSON object a line, or an array of them: jq -c . {name} > rows.jsonl"
    return (
        f"give one JSON object a line, or an array of them; or say another format: --reader {declared.name}.format=csv"
    )


def _has_key(file: SourceFile, form: TextForm, name: str) -> bool:
    """Tell whether a key is anywhere in a file: rows further on may have what the first ones lack."""
    key = name.rsplit(".", maxsplit=1)[-1]
    return key.isdigit() or any(has_text(file, form, json.dumps(key, ensure_ascii=plain)) for plain in (True, False))


def _array_rows(text: str) -> Iterator[dict[str, Any]]:
    """Read the first objects of an array, as far as the text goes."""
    decoder, at, n_rows = json.JSONDecoder(), text.index("[") + 1, 0
    while n_rows < JSON_ROWS:
        found = re.compile(r"[\s,]*").match(text, at)
        at = found.end() if found else at
        try:
            row, at = decoder.raw_decode(text, at)
        except ValueError:
            return
        n_rows += 1
        if isinstance(row, dict):
            yield row


def at_path(value: Any, path: Sequence[str]) -> Any:
    """Find a value in nested objects and lists; null where there is none."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


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


def _form(declared: Input, file: SourceFile) -> TextForm:
    """Say how a text file is read before a line of it is: what is said, and what its first bytes tell."""
    packing = packing_of(file.path, file.shown)
    delimiter = str(declared.options.get("delimiter", ","))
    default = '"' if len(delimiter.encode()) <= QUOTED_DELIMITER_BYTES else ""
    with opened(file.path, packing) as stream:
        head = stream.read(HEAD_BYTES)
    if head.startswith(PARQUET):
        fix = f"say so: --reader {declared.name}.format=parquet"
        raise ProjectError(f"{file.shown} is a Parquet file", where=file.shown, fix=fix)
    return TextForm(
        packing=packing,
        encoding=settled_encoding(str(declared.options.get("encoding", "")), head),
        delimiter=delimiter,
        quote=str(declared.options.get("quote", default)),
    )


def _text(declared: Input, file: SourceFile, n_lines: int) -> tuple[TextForm, list[str]]:
    """Read the first lines of a file, packed or not."""
    lines: list[str] = []
    try:
        form = _form(declared, file)
        with text_of(file.path, form) as stream:
            left = MOST_CHARACTERS
            while len(lines) < n_lines and left > 0 and (line := stream.readline(left)):
                lines.append(line)
                left -= len(line)
    except UnicodeError as error:
        raise not_encoded(declared.name, file, form, str(error)) from None
    except (OSError, EOFError, zlib.error) as error:
        told = getattr(error, "strerror", None) or str(error)
        fix = broken_fix(file.path, packing_of(file.path, file.shown), told)
        raise ProjectError(f"can't read {file.shown} to its end", where=file.shown, fix=fix) from None
    if any("\0" in line for line in lines):
        raise _refusal_of_zeros(declared, file, "".join(lines).encode(form.encoding, errors="ignore"))
    return form, lines


def _refusal_of_zeros(declared: Input, file: SourceFile, data: bytes) -> ProjectError:
    likely = encoding_of(data)
    fix = f"see what it is: file {shlex.quote(str(file.path))}"
    if likely.startswith("utf-16"):
        fix = f"say its encoding, which is likely {likely}: --reader {declared.name}.encoding={likely}"
    return ProjectError(f"{file.shown} is no text: it has bytes of zero", where=file.shown, fix=fix)


def _same_length(rows: Sequence[Sequence[str]], n_columns: int) -> Iterator[Sequence[str]]:
    """Leave out ragged rows: a gate tells of them, with their line."""
    return (row for row in rows if len(row) == n_columns)


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row of a file that is said to have no header is one: words, and numbers under some."""
    first, others = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    if not others or len(first) < 2 or len(set(first)) < len(first) or not all(map(_WORD.fullmatch, first)):
        return False
    return any(all(_NUMBER.fullmatch(value) for value in values) for values in zip(*others, strict=True))


def _are_numbers(declared: Input, values: Sequence[str]) -> bool:
    written = [value for value in values if value.strip() and value not in declared.missing]
    return bool(written) and all(_NUMBER.fullmatch(value) for value in written)


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
