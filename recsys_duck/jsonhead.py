"""JSON heads: what the first rows of a JSON file say of it: its keys and their types.

The rows stand one a line, in one array, or in documents. Refuses files whose first row is no object.
"""

import json
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isnan
from typing import Any

from recsys_duck.encoding import has_text
from recsys_duck.errors import ProjectError
from recsys_duck.heads import are_numbers, middle
from recsys_duck.source import Input, SourceFile, TextForm
from recsys_duck.text import MOST_CHARACTERS, first_lines, readable

JSON_ROWS = 1000
_NO_ROWS = re.compile(r"\s*\[\s*\]\s*")


def json_head(declared: Input, file: SourceFile) -> SourceFile:
    """Name the keys of a JSON file's first rows, each with the type that holds all its values there.

    The rows stand one a line, in one array, or in documents where `records` finds them. A column may be a
    path into nested objects, `user.id`.

    Raises:
        ProjectError: one of the first rows is no JSON object.
    """
    form, rows, is_whole = _first_rows(declared, file)
    if form.is_array and form.encoding != "utf-8":
        command = f"iconv -f {form.encoding} -t utf-8 {shlex.quote(os.path.basename(file.path))} > utf8.json"
        raise ProjectError(f"{file.shown} is an array in {form.encoding}", where=file.shown, fix=f"convert: {command}")
    if rows is None:
        return replace(file, text=form, is_empty=True)
    values: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            values.setdefault(name, []).append(value)
    wanted = {declared.own_name(name) for name in declared.columns} - set(values)
    nested = frozenset(path for path in wanted if "." in path)
    for path in sorted(nested):
        found = [value for row in rows if (value := at_path(row, path.split("."))) is not None]
        if found:
            values[path] = found
    present = {name: _json_type([value for value in found if value is not None]) for name, found in values.items()}
    unseen = set() if is_whole else wanted - set(present)
    late = {name for name in unseen if _has_key(file, form, name)}
    texts = {name: [value for value in found if isinstance(value, str)] for name, found in values.items()}
    numeric = frozenset(
        name for name, found in texts.items() if present[name] == "VARCHAR" and are_numbers(declared, found)
    )
    numbers = {name for name, found in present.items() if found in ("BIGINT", "DOUBLE")} | numeric
    return replace(
        file,
        present={**present, **dict.fromkeys(sorted(late), "VARCHAR")},
        numeric=numeric,
        typical={name: middle([str(value) for value in values[name]]) for name in numbers},
        nested=nested,
        late=frozenset(late),
        text=form,
    )


def _first_rows(declared: Input, file: SourceFile) -> tuple[TextForm, list[dict[str, Any]] | None, bool]:
    """Read the first rows of a file, and whether they are all; None where there is nothing in it."""
    if "records" in declared.options:
        form, lines = first_lines(declared, file, MOST_CHARACTERS)
        found = _document_rows("".join(lines), str(declared.options["records"]))
        return form, [] if found is None else found or None, bool(found) and len(found or ()) < JSON_ROWS
    form, lines = first_lines(declared, file, JSON_ROWS)
    text = "".join(lines)
    if not text.strip() or _NO_ROWS.fullmatch(text):
        return form, None, True
    is_array = _is_array(text)
    rows = list(_array_rows(text)) if is_array else _line_rows(declared, file, lines)
    is_whole = len(rows) < JSON_ROWS and len(lines) < JSON_ROWS and len(text) < MOST_CHARACTERS
    return replace(form, is_array=is_array), rows, is_whole


def _document_rows(text: str, records: str) -> list[dict[str, Any]] | None:
    """Read the first rows of a document at a path as `$.data[*]`; None where it is too long to be read here."""
    try:
        found = json.loads(text or "null")
    except ValueError:
        return None
    steps = re.findall(r'\."?([^.\["]+)"?|\[(\d+)\]', records.removesuffix("[*]"))
    rows = at_path(found, [name or place for name, place in steps])
    return [row for row in rows[:JSON_ROWS] if isinstance(row, dict)] if isinstance(rows, list) else []


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
    if line.startswith(("{", "[")):
        inside = "." if line.startswith("{") else "'.[]'"
        return f"give one JSON object a line, or an array of them: jq -c {inside} {name} > rows.jsonl"
    return (
        f"give one JSON object a line, or an array of them; or say another format: --reader {declared.name}.format=csv"
    )


def _has_key(file: SourceFile, form: TextForm, name: str) -> bool:
    """Tell whether a key is anywhere in a file: rows further on may have what the first ones lack."""
    key = name.rsplit(".", maxsplit=1)[-1]
    with readable(file):
        return key.isdigit() or any(has_text(file, form, json.dumps(key, ensure_ascii=one)) for one in (True, False))


def _is_array(text: str) -> bool:
    """Tell whether the first lines are those of one array: nothing comes behind its end."""
    text = text.strip()
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return text.startswith("[")
    return text.startswith("[") and end == len(text)


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
