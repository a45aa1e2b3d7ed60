"""Readers: the SELECT over files that a `files.<input>` stands for, in DuckDB's dialect.

Its columns are the declared ones, then those that tell unfit values, then source_file and record_number.
"""

import json
from collections.abc import Callable
from dataclasses import replace

from recsys_duck.engines.texts import JSON, TEXT
from recsys_duck.engines.values import typed, unfit
from recsys_duck.formats import is_long
from recsys_duck.parameters import quoted
from recsys_duck.relation import paths_text
from recsys_duck.source import Input, Source, SourceFile

# Between the fields of lines that are split by hand: no text has it.
NO_DELIMITER = "\x1f"
# Says the file as DuckDB's own errors do.
AT_FILE = "chr(10), 'file = ', filename"
# Turns an SQL type into the structure that from_json reads: nested dicts, lists and type names.
Structure = Callable[[str], object]


def reader_select(source: Source, structure: Structure) -> str:
    """Give the SELECT that reads a source."""
    if not source.files:
        return _empty(source)
    if source.input.format == "json_records":
        return _json_records(source, structure)
    return _columnar(source)


def schema_select(source: Source) -> str:
    """Give the SELECT whose columns are those that a Parquet file itself has."""
    return f"select * from {_scan(source)}"


def _empty(source: Source) -> str:
    nulls = [f"cast(null as {sql_type}) as {_name(name)}" for name, sql_type in source.input.columns.items()]
    nulls += [f"cast(null as boolean) as {_name(name)}" for name in source.input.unfit]
    nulls += ["cast(null as varchar) as source_file", "cast(null as bigint) as record_number"]
    return f"select {', '.join(nulls)} where false"


def _columnar(source: Source) -> str:
    """Read the files, those with the same columns together: what a file lacks is what `absent` says."""
    groups: dict[tuple[tuple[str, str], ...], list[SourceFile]] = {}
    for file in source.files:
        groups.setdefault(tuple(file.present.items()), []).append(file)
    return " union all ".join(_group(replace(source, files=tuple(files))) for files in groups.values())


def _group(source: Source) -> str:
    values = {name: _value(source, name) for name in source.input.columns}
    columns = [f"{_typed(source, name, *value)} as {_name(name)}" for name, value in values.items()]
    columns += [
        f"{unfit(source.input, name, *values[name])} as {_name(flag)}" for flag, name in source.input.unfit.items()
    ]
    number = "file_row_number + 1" if source.input.format == "parquet" else "cast(null as bigint)"
    columns += [f"{_shown_name(source)} as source_file", f"{number} as record_number"]
    return f"select {', '.join(columns)} from {_scan(source)}"


def _value(source: Source, name: str) -> tuple[str | None, str]:
    """Give the type and the SQL of a column as it is scanned; no type for one that the files lack."""
    own = source.input.own_name(name)
    present = source.files[0].present
    if source.input.format == "ndjson":
        return _json_types(source)[own], _name(own)
    if source.input.format == "csv" and own in present:
        return "VARCHAR", _place(list(present).index(own))
    return present.get(own), _name(own)


def _typed(source: Source, name: str, found: str | None, own: str) -> str:
    value = typed(source.input, name, found, own)
    is_seen = source.input.own_name(name) in source.files[0].present
    if source.input.format == "ndjson" and name in source.input.absent and not is_seen:
        return f"coalesce({value}, {typed(source.input, name, None, own)})"  # a later row may have the key
    return value


def _scan(source: Source) -> str:
    paths = paths_text([file.path for file in source.files])
    if source.input.format == "parquet":
        return f"read_parquet([{paths}], filename = true, file_row_number = true)"
    if source.input.format == "ndjson":
        names = ", ".join(f"{quoted(name)}: '{found}'" for name, found in _json_types(source).items())
        options = "format = 'newline_delimited', records = true"
        return f"read_json([{paths}], {options}, columns = {{{names}}}, filename = true)"
    if is_long(str(source.input.options.get("delimiter", ","))):
        return _split_lines(source, paths)
    names = ", ".join(f"{quoted(_place(place))}: 'VARCHAR'" for place in range(len(source.files[0].present)))
    return f"read_csv([{paths}], {_csv_options(source)}, columns = {{{names}}}, filename = true)"


def _json_types(source: Source) -> dict[str, str]:
    """Say as what each key is read: as text, whatever stands there, and ids with their quotes: a list is none."""
    declared = source.input
    with_quotes = {declared.own_name(name) for name in declared.ids}
    own_names = dict.fromkeys(declared.own_name(name) for name in declared.columns)
    return {own: JSON if own in with_quotes else TEXT for own in own_names}


def _split_lines(source: Source, paths: str) -> str:
    """Read whole lines and split them; a line of more or fewer fields than the first is refused."""
    delimiter, n_fields = str(source.input.options["delimiter"]), len(source.files[0].present)
    fields = ", ".join(f"fields[{place + 1}] as {_place(place)}" for place in range(n_fields))
    lines = Input(
        source.input.name, "csv", {}, options={**source.input.options, "delimiter": NO_DELIMITER, "quote": ""}
    )
    told = f"concat('Expected Number of Columns: {n_fields} Found: ', len(fields), ' in line: ', line, {AT_FILE})"
    return (
        f"(select {fields}, filename from (select line, string_split(line, {quoted(delimiter)}) as fields, filename "
        f"from read_csv([{paths}], {_csv_options(replace(source, input=lines))}, columns = {{'line': 'VARCHAR'}}, "
        f"filename = true) where line <> '') "
        f"where case when len(fields) = {n_fields} then true else error({told}) end)"
    )


def _place(place: int) -> str:
    """Name a column of a CSV file by its place: its own name may be anything."""
    return f"field_{place + 1}"


def _csv_options(source: Source) -> str:
    """Say everything: what DuckDB guesses of a CSV it may guess wrong, and then skips lines without a word."""
    options = source.input.options
    has_header = bool(options.get("header", True))
    arguments = [
        "auto_detect = false",
        "skip = 0",
        "strict_mode = true",
        f"header = {'true' if has_header else 'false'}",
        f"delim = {quoted(str(options.get('delimiter', ',')))}",
        f"quote = {quoted(str(options.get('quote', chr(34))))}",
        f"escape = {quoted(str(options.get('quote', chr(34))))}",
        f"encoding = {quoted(str(options.get('encoding', 'utf-8')))}",
    ]
    return ", ".join(arguments)


def _json_records(source: Source, structure: Structure) -> str:
    """Cut the text of each record out first: ten times faster than a typed read of the document."""
    options = source.input.options
    columns = source.input.columns
    shape = json.dumps({name: structure(sql_type) for name, sql_type in columns.items()})
    at = quoted(str(options.get("records", "$[*]")))
    size = int(str(options.get("max_document_mb", 48))) * 1_000_000
    names = ", ".join(f"{_placed(source.input, name)} as {_name(name)}" for name in columns)
    return (
        f"select {names}, source_file, record_number from ("
        f"select from_json(record_text, {quoted(shape)}) as record, source_file, record_number from ("
        f"select unnest(json_extract(json, {at})) as record_text, "
        f"generate_subscripts(json_extract(json, {at}), 1) as record_number, "
        f"{_shown_name(source)} as source_file "
        f"from read_json_objects([{paths_text([file.path for file in source.files])}], "
        f"format = 'unstructured', maximum_object_size = {size}, filename = true)))"
    )


def _placed(declared: Input, name: str) -> str:
    """Read a column; in a list with a place field, an element without one gets its place, from 0."""
    field = declared.places.get(name)
    if field is None:
        return f"record.{_name(name)}"
    filled = f"struct_update(element, {_name(field)} := coalesce(element.{_name(field)}, cast(place - 1 as integer)))"
    return f"list_transform(record.{_name(name)}, lambda element, place: {filled})"


def _shown_name(source: Source) -> str:
    """Show a file's path relative to the project, whatever the current folder is."""
    if len(source.files) == 1:
        return f"cast({quoted(source.files[0].shown)} as varchar)"
    paths = ", ".join(quoted(str(file.path)) for file in source.files)
    shown = ", ".join(quoted(file.shown) for file in source.files)
    return f"map([{paths}], [{shown}])[filename]"


def _name(name: str) -> str:
    """Quote a column's name."""
    return '"' + name.replace('"', '""') + '"'
