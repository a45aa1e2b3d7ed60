"""Formats: which an input's files may have, the options of each, and which one a file's ending tells.

Refuses unknown formats and options, unfit values, and files of several formats in one input.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from recsys_duck.errors import ProjectError, near_miss

DECIMALS = (".", ",")
TIME_UNITS = ("text", "s", "ms", "us", "ns")
TEXTS = (str, list)  # a text, or a list of them
Types: TypeAlias = type | tuple[type, ...]
TIMES: Mapping[str, Types] = {"time_unit": str, "time_format": TEXTS}
MISSING: Mapping[str, Types] = {"null": TEXTS}
OPTIONS: Mapping[str, Mapping[str, Types]] = {
    "parquet": {**MISSING, **TIMES},
    "csv": {
        **{"delimiter": str, "encoding": str, "header": bool, "names": list, "quote": str, "escape": str},
        **{"comment": str, "skip": int, "decimal": str, **MISSING, **TIMES},
    },
    "ndjson": {"encoding": str, "records": str, "max_document_mb": int, **MISSING, **TIMES},
    "json_records": {"records": str, "max_document_mb": int},
}
FIELDS = {"format", "files", "optional", "required", "columns", "absent", "places", "unfit", "column"}
PACKED = (".gz", ".zst")
QUOTED_DELIMITER_BYTES = 4
ENDINGS: Mapping[str, Mapping[str, object]] = {
    ".parquet": {"format": "parquet"},
    ".csv": {"format": "csv"},
    ".tsv": {"format": "csv", "delimiter": "\t"},
    ".tab": {"format": "csv", "delimiter": "\t"},
    ".ndjson": {"format": "ndjson"},
    ".jsonl": {"format": "ndjson"},
    ".json": {"format": "ndjson"},
}
# other words for a format: a file of JSON rows is an array of them or has one a line, which its first byte tells
ALIASES = {"json": "ndjson", "jsonl": "ndjson", "tsv": "csv"}


def is_long(delimiter: str) -> bool:
    """Tell whether lines are split at a delimiter by hand, whatever quotes they hold: DuckDB's reader has a limit."""
    return len(delimiter.encode()) > QUOTED_DELIMITER_BYTES


def settled(
    name: str, fields: Mapping[str, object], said: Mapping[str, object], files: Sequence[str], *, where: str
) -> dict[str, object]:
    """Lay what is said of an input over its declaration; a format that nobody says is that of the files' endings.

    Raises:
        ProjectError: the endings are of several formats.
    """
    if fields.get("format") == "json_records":
        if said.get("column"):
            raise ProjectError(
                f"the columns of input {name} can't be mapped", where=where, fix="its documents have one layout"
            )
        return {**fields, **said}
    said = _plain_format(said)
    found = _of_endings(name, files, said, where)
    format_name = said.get("format", found.get("format", fields.get("format")))
    if format_name != fields.get("format"):  # the declared options are those of another format
        fields = {key: value for key, value in fields.items() if key in FIELDS}
    return {**fields, **(found if found.get("format") == format_name else {}), "format": format_name, **said}


def _plain_format(said: Mapping[str, object]) -> Mapping[str, object]:
    """Give a format its own name; rows within documents are JSON rows that `records` finds."""
    if said.get("format") == "json_records":
        return {"records": "$[*]", **said, "format": "ndjson"}
    return {**said, "format": ALIASES.get(str(said["format"]), said["format"])} if "format" in said else said


def _of_endings(name: str, files: Sequence[str], said: Mapping[str, object], where: str) -> Mapping[str, object]:
    """Tell the format of files from their endings; where those tell none, from options that only CSV has."""
    tellers = {_ending(file) for file in files}
    told = [ENDINGS[ending] for ending in sorted(tellers) if ending]
    if told and len(told) == len(tellers) and all(one == told[0] for one in told):
        return told[0]
    if len(tellers) > 1 and "format" not in said:
        shown = ", ".join(sorted(ending or "another" for ending in tellers))
        raise ProjectError(
            f"the files of input {name} have several endings: {shown}",
            where=where,
            fix=f"give files of one format, or say it: --reader {name}.format=csv",
        )
    if told:
        return {}
    return {"format": "csv"} if any(key in OPTIONS["csv"] and key not in TIMES for key in said) else {}


def _ending(file: str) -> str:
    """Find the ending that tells a file's format; empty where none does."""
    name = file.lower()
    inner = next((name.removesuffix(packed) for packed in PACKED if name.endswith(packed)), name)
    for ending, told in ENDINGS.items():
        if inner.endswith(ending) and (inner == name or told["format"] != "parquet"):
            return ending
    return ""


def refuse_options(name: str, format_name: str, options: Mapping[str, object], where: str) -> None:
    """Refuse a format that there is not, and options that it has not.

    Raises:
        ProjectError: with what there is.
    """
    if format_name not in OPTIONS:
        raise ProjectError(f"input {name} has no known format", where=where, fix=near_miss(format_name, OPTIONS))
    for key, value in options.items():
        _refuse_option(name, format_name, key, value, where)
    delimiter, quote = str(options.get("delimiter", ",")), str(options.get("quote", '"'))
    if not delimiter or len(quote) > 1:
        key, value = ("quote", quote) if len(quote) > 1 else ("delimiter", delimiter)
        fix = "give one character, or none" if key == "quote" else "give what stands between two fields"
        raise ProjectError(f"option {key} of input {name} can't be {value!r}", where=where, fix=fix)
    _refuse_marks(name, options, where)
    if is_long(delimiter) and options.get("quote"):
        raise ProjectError(
            f"fields of input {name} can't be quoted: its delimiter has {len(delimiter.encode())} bytes",
            where=where,
            fix=f"leave quote out, or use a delimiter of {QUOTED_DELIMITER_BYTES} bytes or less",
        )
    if options.get("decimal", ".") not in DECIMALS:
        raise ProjectError(
            f"option decimal of input {name} can't be {options['decimal']!r}",
            where=where,
            fix=f"say --reader {name}.decimal=, or leave it out",
        )
    unit = options.get("time_unit", "text")
    if unit not in TIME_UNITS:
        raise ProjectError(
            f"option time_unit of input {name} can't be {unit!r}",
            where=where,
            fix=f"use one of {', '.join(TIME_UNITS)}",
        )
    if unit != "text" and "time_format" in options:
        raise ProjectError(
            f"input {name} has both a time_unit and a time_format",
            where=where,
            fix="keep time_unit for numbers, time_format for text",
        )


def _refuse_marks(name: str, options: Mapping[str, object], where: str) -> None:
    """Refuse an escape, a comment or an encoding that can't be one."""
    escape, comment, encoding = (str(options.get(key, "")) for key in ("escape", "comment", "encoding"))
    if len(escape) > 1:
        fix = f"give one character, as in --reader {name}.escape='\"\\\\\"'"
        raise ProjectError(f"option escape of input {name} can't be {escape!r}", where=where, fix=fix)
    if "\n" in comment or (comment and comment in (options.get("delimiter", ","), options.get("quote", '"'))):
        fix = f'give what comment lines begin with, as in --reader {name}.comment="#"'
        raise ProjectError(f"option comment of input {name} can't be {comment!r}", where=where, fix=fix)
    try:
        "".encode(encoding or "utf-8")
    except (LookupError, ValueError):
        fix = f"use utf-8, utf-16, latin-1, cp1252 or another that Python knows: --reader {name}.encoding=cp1252"
        raise ProjectError(f"there is no encoding {encoding}", where=where, fix=fix) from None


def _refuse_option(name: str, format_name: str, key: str, value: object, where: str) -> None:
    known = {option for options in OPTIONS.values() for option in options}
    if key not in known:
        raise ProjectError(f"input {name} has no option {key}", where=where, fix=near_miss(key, known | FIELDS))
    wanted = OPTIONS[format_name].get(key)
    if wanted is None:
        options = ", ".join(OPTIONS[format_name]) or "none"
        raise ProjectError(f"{key} is no option of {format_name}", where=where, fix=f"options: {options}")
    fits = type(value) in (wanted if isinstance(wanted, tuple) else (wanted,))
    if isinstance(value, list) and wanted == TEXTS:
        fits = bool(value) and all(isinstance(one, str) for one in value)
    if not fits or (isinstance(value, int) and wanted is int and value < (key != "skip")):
        kinds: Mapping[Types, str] = {
            str: "a text",
            bool: "a boolean, true or false",
            int: "a number, 1 or more",
            list: "a list of texts",
            TEXTS: "a text, or a list of texts that are tried in their order",
        }
        raise ProjectError(f"option {key} of input {name} can't be {value!r}", where=where, fix=f"give {kinds[wanted]}")
