"""Readers: the SELECT over files that a `files.<input>` stands for, in DuckDB's dialect.

Its columns are the declared ones, then those that tell unfit values, then `bad_line` (the line holds no
record), `bad_value` (the text of the first value that does not fit, or of the line), source_file and
record_number. A file's path is data only where somebody asked for a folder's key.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace

from recsys_duck.engines.keys import found_key, keyed_rows
from recsys_duck.engines.shown import each_shown, shift_of, shown_name
from recsys_duck.engines.texts import standing_text
from recsys_duck.engines.values import typed, unfit
from recsys_duck.formats import is_long
from recsys_duck.parameters import quoted
from recsys_duck.records import SHOWN_CHARACTERS
from recsys_duck.relation import paths_text
from recsys_duck.source import Input, Source, SourceFile
from recsys_duck.times import FRACTIONS

# Between the fields of lines that are read whole: no text has it.
NO_DELIMITER = "\x1f"
MOST_LINE_BYTES = 16_000_000
HEADER_BLANKS = (
    ' "\t\ufeff'  # around the names of a header that stands again: a byte order mark where files were joined
)
FILE = "filename = true, hive_partitioning = false"
# Turns an SQL type into the structure that from_json reads: nested dicts, lists and type names.
Structure = Callable[[str], object]


def reader_select(source: Source, structure: Structure) -> str:
    """Give the SELECT that reads a source."""
    source = replace(source, files=tuple(file for file in source.files if not file.is_empty))
    if not source.files:
        return _empty(source)
    if source.input.format == "json_records":
        return _json_records(source, structure)
    return " union all ".join(_group(replace(source, files=tuple(files))) for files in _alike(source))


def one_of_each(source: Source) -> Source:
    """Leave one file of those that are read alike: they all have the same columns, and binding takes time for each."""
    return replace(source, files=tuple(files[0] for files in _alike(source)))


def _alike(source: Source) -> list[list[SourceFile]]:
    """Group the files that one scan reads."""
    groups: dict[object, list[SourceFile]] = {}
    for file in source.files:
        groups.setdefault((_likeness(file), file.is_empty), []).append(file)
    return list(groups.values())


def count_select(source: Source, *, in_full: bool = False) -> str:
    """Give the SELECT that counts the rows of each text file as DuckDB splits it: path, rows.

    It looks into the values, and at how they are encoded, only where it has to: `in_full`.
    """
    scans = [_scan(replace(source, files=tuple(files))) for files in _alike(source)]
    values = ", max(hash(*columns(*)))" if in_full else ""
    return " union all ".join(f"select filename, count(*){values} from {scan} group by filename" for scan in scans)


def sieve_select(source: Source, *, limit: int) -> str:
    """Give the SELECT that counts a CSV file's records and stores its other lines in `refused_lines`."""
    form = replace(source.files[0].text, is_lenient=True)
    lenient = replace(source, files=(replace(source.files[0], text=form),))
    stored = "store_rejects = true, rejects_table = 'refused_lines', rejects_scan = 'refused_scans'"
    scan = _scan(lenient).replace("ignore_errors = true", f"ignore_errors = true, {stored}, rejects_limit = {limit}")
    counts = ", ".join(
        f"count({_place(at)})" for at in range(len(source.files[0].present) - len(source.files[0].folders))
    )
    return f"select count(*), {counts} from {scan}"


def schema_select(source: Source) -> str:
    """Give the SELECT whose columns are those that a Parquet file itself has."""
    return f"select * from {_scan(source)}"


def _empty(source: Source) -> str:
    nulls = [f"cast(null as {sql_type}) as {_name(name)}" for name, sql_type in source.input.columns.items()]
    nulls += [f"cast(null as boolean) as {_name(name)}" for name in [*source.input.unfit, "bad_line"]]
    nulls += ["cast(null as varchar) as bad_value", "cast(null as varchar) as source_file"]
    return f"select {', '.join(nulls)}, cast(null as bigint) as record_number where false"


def _likeness(file: SourceFile) -> object:
    """Say what files must have alike to be read by one scan."""
    form = file.text
    return (
        *(
            tuple(file.present.items()),
            tuple(file.folders),
            file.nested,
            file.late,
            shift_of(file),
            form.packing,
            form.encoding,
        ),
        *(form.delimiter, form.quote, form.skip, form.is_array, form.is_lenient, form.copy is None, form.header),
    )


def _group(source: Source) -> str:
    declared = source.input
    values = {name: _value(source, name) for name in declared.columns}
    bad_line = _bad_line(source)
    flags = {flag: unfit(declared, name, *values[name]) for flag, name in declared.unfit.items()}
    columns = [f"{_typed(source, name, *value)} as {_name(name)}" for name, value in values.items()]
    columns += [f"{told} as {_name(flag)}" for flag, told in flags.items()]
    wrong = [f"when {bad_line} then {_line_text(source)}"] if bad_line != "false" else []
    wrong += [
        f"when {told} then cast({values[declared.unfit[flag]][1]} as varchar)"
        for flag, told in flags.items()
        if told != "false"
    ]
    bad_value = f"case {' '.join(wrong)} end" if wrong else "cast(null as varchar)"
    columns += [f"{bad_line} as bad_line", f"{bad_value} as bad_value", f"{shown_name(source)} as source_file"]
    return f"select {', '.join(columns)}, {_record_number(source)} as record_number from {_scan(source)}"


def _record_number(source: Source) -> str:
    if source.input.format == "parquet":
        return "file_row_number + 1"
    return "line_number" if source.files[0].text.copy and source.input.format == "csv" else "cast(null as bigint)"


def _bad_line(source: Source) -> str:
    """Tell a line that holds no record: one that can't be split, or the header once more."""
    file, declared = source.files[0], source.input
    if declared.format == "ndjson":
        return "not is_object"
    if declared.format != "csv":
        return "false"
    names = [name for name in file.present if name not in file.folders]
    places = list(range(len(names)))
    if file.text.header:  # that of a file which is said to have none
        names = list(file.text.header)
    elif "names" not in declared.options and declared.options.get("header", True) is False:
        ours = {own: name for name, own in declared.column.items()}  # the header that such a file would have
        names = [ours.get(name, name) for name in names]
        places = [at for at, name in enumerate(names) if name in declared.columns]
    repeated = "true"
    for at in reversed(places):  # one after the other: most rows differ in the first field
        found = f"lower(trim({_place(at)}, {quoted(HEADER_BLANKS)}))"
        word = quoted(names[at].strip(HEADER_BLANKS).lower())
        repeated = f"case when {found} = {word} then {repeated} else false end"
    repeated = repeated if len(places) > 1 else "false"
    return f"(problem is not null or {repeated})" if _has_problems(file) else repeated


def _has_problems(file: SourceFile) -> bool:
    """Tell whether a scan of CSV gives lines that are no records, too."""
    return bool(file.text.copy) or is_long(file.text.delimiter)


def _line_text(source: Source) -> str:
    file = source.files[0]
    if source.input.format == "ndjson":
        return f"left(cast(line as varchar), {SHOWN_CHARACTERS})"
    places = [_place(at) for at in range(len(file.present) - len(file.folders))]
    whole = f"concat_ws({quoted(file.text.delimiter)}, {', '.join(places)})"
    return f"coalesce(line_text, {whole})" if _has_problems(file) else whole


def _value(source: Source, name: str) -> tuple[str | None, str]:
    """Give the type and the SQL of a column as it is scanned; no type for one that the files lack."""
    file, declared = source.files[0], source.input
    own = declared.own_name(name)
    if own in file.folders:
        pattern = quoted(f"(?:.*/)?{_escaped(own)}=([^/]*)/")
        text = f"url_decode(regexp_extract({shown_name(source)}, {pattern}, 1))"
        return "VARCHAR", f"nullif({text}, '__HIVE_DEFAULT_PARTITION__')"
    if declared.format == "ndjson":
        found, value = found_key(declared, name)
        return found, _unless_missing(declared, found, value)
    if declared.format == "csv" and own in file.present:
        return "VARCHAR", _unless_missing(declared, "VARCHAR", _place(list(file.present).index(own)))
    found_type = file.present.get(own)
    return found_type, _unless_missing(declared, found_type or "", _name(own))


def _unless_missing(declared: Input, found: str, own: str) -> str:
    """Make NULL of a value that is written as a missing one; a number is one in any spelling: -1 is -1.0."""
    if not declared.missing or not found:
        return own
    is_missing = f"{standing_text(found, own)} in ({', '.join(map(quoted, declared.missing))})"
    if found.startswith(FRACTIONS):
        numbers = [f"cast({quoted(one)} as double)" for one in declared.missing if _is_number(one)]
        is_missing = f"cast({own} as double) in ({', '.join(numbers)})" if numbers else "false"
    return f"case when {is_missing} then null else {own} end"


def _is_number(text: str) -> bool:
    """Tell whether a text is a number, NaN among them."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _typed(source: Source, name: str, found: str | None, own: str) -> str:
    value = typed(source.input, name, found, own)
    file, own_name = source.files[0], source.input.own_name(name)
    is_seen = own_name in file.present and own_name not in file.late
    if source.input.format == "ndjson" and name in source.input.absent and not is_seen:
        return f"coalesce({value}, {typed(source.input, name, None, own)})"  # a later row may have the key
    return value


def _scan(source: Source) -> str:
    form = source.files[0].text
    paths = paths_text([form.copy or file.path for file in source.files])
    if source.input.format == "parquet":
        return f"read_parquet([{paths}], {FILE}, file_row_number = true)"
    if source.input.format == "ndjson":
        return _json_lines(source, paths)
    if form.copy:
        copies = paths_text([file.text.copy for file in source.files if file.text.copy])
        return f"read_parquet([{copies}], {FILE})"
    file = source.files[0]
    n_fields = len(file.present) - len(file.folders)
    if is_long(form.delimiter):
        return _split_lines(source, paths, n_fields)
    names = ", ".join(f"{quoted(_place(place))}: 'VARCHAR'" for place in range(n_fields))
    return f"read_csv([{paths}], {_csv_options(source)}, columns = {{{names}}}, {FILE})"


def _split_lines(source: Source, paths: str, n_fields: int) -> str:
    """Read whole lines and split them at a delimiter that DuckDB does not know; one of other fields is a problem."""
    delimiter = source.files[0].text.delimiter
    fields = ", ".join(f"case when is_whole then fields[{at + 1}] end as {_place(at)}" for at in range(n_fields))
    return (
        f"(select {fields}, case when not is_whole then 'fields' end as problem, "
        f"case when not is_whole then left(line, {SHOWN_CHARACTERS}) end as line_text, filename "
        f"from (select fields, len(fields) = {n_fields} as is_whole, line, filename "
        f"from (select string_split(line, {quoted(delimiter)}) as fields, line, filename "
        f"from {_whole_lines(source, paths)} where line <> '')))"
    )


def _whole_lines(source: Source, paths: str) -> str:
    """Read each line as it stands, however long."""
    form = replace(source.files[0].text, delimiter=NO_DELIMITER, quote="")
    options = _csv_options(replace(source, files=(replace(source.files[0], text=form),)), escape="")
    sizes = f"max_line_size = {MOST_LINE_BYTES}, buffer_size = {2 * MOST_LINE_BYTES}"
    return f"read_csv([{paths}], {options}, {sizes}, columns = {{'line': 'VARCHAR'}}, {FILE})"


def _json_lines(source: Source, paths: str) -> str:
    """Read the text of each row, and of it the keys that are asked for; what is no object has none."""
    form, options = source.files[0].text, source.input.options
    packing = f"compression = {quoted(form.packing or 'none')}"
    if "records" in options:
        at, size = quoted(str(options["records"])), int(str(options.get("max_document_mb", 48))) * 1_000_000
        rows = (
            f"(select unnest(json_extract(json, {at})) as line, filename from read_json_objects([{paths}], "
            f"format = 'unstructured', maximum_object_size = {size}, {packing}, {FILE}))"
        )
    elif form.is_array:
        rows = f"(select json as line, filename from read_json_objects([{paths}], format = 'array', {packing}, {FILE}))"
    elif form.copy:
        rows = f"read_parquet([{paths}], {FILE})"
    else:
        rows = _whole_lines(source, paths)
    return keyed_rows(source, rows)


def _place(place: int) -> str:
    """Name a column of a CSV file by its place: its own name may be anything."""
    return f"field_{place + 1}"


def _csv_options(source: Source, *, escape: str | None = None) -> str:
    """Say everything: what DuckDB guesses of a CSV it may guess wrong, and then skips lines without a word."""
    options, form = source.input.options, source.files[0].text
    has_header = source.input.format == "csv" and bool(options.get("header", True))
    arguments = [
        "auto_detect = false",
        f"skip = {form.skip}",
        "strict_mode = true",
        f"header = {'true' if has_header else 'false'}",
        f"delim = {quoted(form.delimiter)}",
        f"quote = {quoted(form.quote)}",
        f"escape = {quoted(str(options.get('escape', form.quote)) if escape is None else escape)}",
        f"encoding = {quoted(form.encoding)}",
        f"compression = {quoted(form.packing or 'none')}",
        *(["ignore_errors = true"] if form.is_lenient else []),
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
    told = "false as bad_line, cast(null as varchar) as bad_value"
    is_alike = len({shift_of(file) for file in source.files}) == 1
    shown = shown_name(source) if is_alike else each_shown(source)
    return (
        f"select {names}, {told}, source_file, record_number from ("
        f"select from_json(record_text, {quoted(shape)}) as record, source_file, record_number from ("
        f"select unnest(json_extract(json, {at})) as record_text, "
        f"generate_subscripts(json_extract(json, {at}), 1) as record_number, "
        f"{shown} as source_file "
        f"from read_json_objects([{paths_text([file.path for file in source.files])}], "
        f"format = 'unstructured', maximum_object_size = {size}, {FILE})))"
    )


def _placed(declared: Input, name: str) -> str:
    """Read a column; in a list with a place field, an element without one gets its place, from 0."""
    field = declared.places.get(name)
    if field is None:
        return f"record.{_name(name)}"
    filled = f"struct_update(element, {_name(field)} := coalesce(element.{_name(field)}, cast(place - 1 as integer)))"
    return f"list_transform(record.{_name(name)}, lambda element, place: {filled})"


def _escaped(text: str) -> str:
    """Quote a text within a regular expression."""
    return re.sub(r"([^A-Za-z0-9_])", r"\\\1", text)


def _name(name: str) -> str:
    """Quote a column's name."""
    return '"' + name.replace('"', '""') + '"'
