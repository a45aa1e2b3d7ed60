"""Mapping: which column of the files is which of ours, as `--column` and recsys.toml say.

Refuses names that an input does not know, two columns for one name, and columns that a file lacks. Tells
of columns that nothing reads: a misspelt name loses a column without an error.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from recsys_duck.errors import ProjectError, near_miss
from recsys_duck.hints import delimiter_of, delimiter_option, records_option
from recsys_duck.source import Source, SourceFile, folder_values

SHOWN = 5
SHOWN_IN_ERROR = 30
PANDAS_INDEX = re.compile(r"__index_level_\d+__")  # what pandas leaves in a Parquet file: no column of anyone's


def written_columns(known: Collection[str], written: object, *, where: str) -> dict[str, str]:
    """Read the table `column` of an input in recsys.toml.

    Raises:
        ProjectError: it is no table of texts, or names a column that the input has not.
    """
    if not isinstance(written, Mapping):
        raise ProjectError("column is no table", where=where, fix='write column = { user_id = "listener" }')
    for name, own in written.items():
        _refuse_unknown(known, str(name), where=where)
        if not isinstance(own, str | int) or isinstance(own, bool) or own == "":
            raise ProjectError(f"column {name} can't be {own!r}", where=where, fix="give the name that the files have")
    return {str(name): str(own) for name, own in written.items()}


def asked_columns(
    inputs: Mapping[str, Mapping[str, Any]], asked: Iterable[tuple[str, str, str]]
) -> dict[str, dict[str, str]]:
    """Gather what the command line says, (input, our name, the files' name), by input.

    Raises:
        ProjectError: an unknown name, or one that is given two columns.
    """
    found: dict[str, dict[str, str]] = {}
    for input_name, name, own in asked:
        where = f"--column {input_name}.{name}={own}"
        _refuse_unknown(inputs[input_name]["columns"], name, where=where)
        before = found.setdefault(input_name, {}).setdefault(name, own)
        if before != own:
            raise ProjectError(
                f"{name} of input {input_name} is given two columns, {before} and {own}",
                where=where,
                fix="say one of them",
            )
    return found


def _refuse_unknown(known: Collection[str], name: str, *, where: str) -> None:
    if name not in known:
        raise ProjectError(f"there is no column {name} to give", where=where, fix=near_miss(name, known))


def missing_columns(source: Source) -> Iterator[ProjectError]:
    """Tell of columns that a file of the source lacks: those that must be there and those that are mapped."""
    declared = source.input
    for file in source.files:
        for name in dict.fromkeys((*declared.required, *declared.column)):
            own = declared.own_name(name)
            if declared.format == "json_records" or own in file.present or file.is_empty:
                continue
            if name in declared.column:
                what, fix = f"{file.shown} has no column {own}", near_miss(own, file.present)
                where = f"--column, or column in [files.{declared.name}]: {name} = {own}"
            else:
                what, fix = f"input {declared.name} has no column {name}", f"say --column {declared.name}.{name}=COLUMN"
                where = file.shown
            yield ProjectError(
                what,
                where=where,
                fix=f"{fix}; its columns: {listed(file.present, SHOWN_IN_ERROR)}{_hint(source, file)}",
            )


def _hint(source: Source, file: SourceFile) -> str:
    key = next((key for key in folder_values(file.shown) if key in source.input.required), "")
    if key and key not in file.present:
        return f"; or read it from the folder {key}=…: --column {source.input.name}.{key}={key}"
    name = source.input.name
    nested = next((column for column, found in file.present.items() if found == "JSON"), "")
    if nested:
        return f"; if the rows are a list under one of them: {records_option(name, nested)}"
    sign = delimiter_of(list(file.present)) if len(file.present) == 1 and source.input.format == "csv" else ""
    if sign:
        return f"; or say what separates the fields: {delimiter_option(name, sign)}"
    is_header = source.input.format == "csv" and source.input.options.get("header", True) is not False
    if is_header and any(name.isdigit() for name in file.present):
        return f"; if its first line is data: --reader {name}.header=false"
    return ""


def unread_columns(sources: Mapping[str, Source]) -> Iterator[str]:
    """Tell of columns in the files that nothing reads."""
    for source in sources.values():
        read = {source.input.own_name(name) for name in source.input.columns}
        read |= {path.split(".")[0] for file in source.files for path in file.nested}
        names = [name for name in source.present if name not in read and not PANDAS_INDEX.fullmatch(name)]
        if names:
            free = [name for name in source.input.columns if not source.has(name)]
            known = f"; it also knows {', '.join(free)}" if free else ""
            yield f"nothing reads the columns {listed(names, SHOWN)} of input {source.input.name}{known}"


def listed(names: Iterable[str], most: int) -> str:
    """List names, the first ones of many."""
    shown = list(names)
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "") or "none"
