"""Inputs: the files a project gives each input of its kind, and what is in them.

Owns the patterns of recsys.toml and the command line, how an input is read, and what type an id has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProjectError, RecsysDuckError, near_miss, raise_problems
from recsys_duck.kind import Kind
from recsys_duck.parameters import table_of
from recsys_duck.settings import SETTINGS_FILE, Given
from recsys_duck.source import Input, Source, declare_input, find_files

INTEGER_TYPES = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}


def load_sources(root: Path, kind: Kind, toml: Mapping[str, Any], given: Given, reader: SqlText) -> dict[str, Source]:
    """Find each input's files and look into them.

    Raises:
        ProjectError: or several at once: no files, unfit options, missing columns, ids that are none.
    """
    return _identified(_sources(root, kind, toml, given), reader)


def unread_columns(sources: Mapping[str, Source]) -> Iterator[str]:
    """Tell of columns in the files that no input declares: a misspelt name loses a column without an error."""
    for source in sources.values():
        names = [name for name in source.present if name not in source.input.columns]
        if names:
            known = ", ".join(source.input.columns)
            yield f"nothing reads the columns {', '.join(names)} of input {source.input.name}; it knows {known}"


def _sources(root: Path, kind: Kind, toml: Mapping[str, Any], given: Given) -> dict[str, Source]:
    """Give each input its files: the command line's instead of recsys.toml's, else the kind's own glob."""
    patterns, overlays = _given_files(root, kind, toml, given)
    content = (given.fingerprint or toml.get("fingerprint")) == "content"
    problems: list[RecsysDuckError] = []
    sources = {}
    for name, fields in kind.inputs.items():
        where = f"{kind.folder / 'kind.toml'}, [inputs.{name}]"
        if any(reader[0] == name for reader in given.readers):
            where = f"--reader {name}"
        elif overlays.get(name):
            where = f"{root / SETTINGS_FILE}, [files.{name}]"
        try:
            declared = declare_input(name, {**fields, **overlays.get(name, {})}, where=where)
        except ProjectError as problem:
            problems.append(problem)
            continue
        asked = patterns.get(name)
        found = find_files(
            asked[1] if asked else [declared.files], root=root, base=asked[0] if asked else root, content=content
        )
        if not found and (asked or not declared.optional):
            shown = ", ".join(asked[1]) if asked else declared.files
            problems.append(
                ProjectError(
                    f"no file for input {name}",
                    where=shown,
                    fix=f"give --files {name}=GLOB or [files] in {SETTINGS_FILE}",
                )
            )
        sources[name] = Source(declared, found)
    raise_problems(problems)
    return sources


def _given_files(
    root: Path, kind: Kind, toml: Mapping[str, Any], given: Given
) -> tuple[dict[str, tuple[Path, list[str]]], dict[str, dict[str, Any]]]:
    patterns: dict[str, tuple[Path, list[str]]] = {}
    overlays: dict[str, dict[str, Any]] = {}
    for name, value in table_of(toml, "files").items():
        _known_input(kind, name, f"{root / SETTINGS_FILE}, [files]")
        fields = dict(value) if isinstance(value, Mapping) else {"paths": value}
        paths = fields.pop("paths", None)
        if paths is not None:
            patterns[name] = (root, [str(path) for path in (paths if isinstance(paths, list) else [paths])])
        overlays[name] = fields
        if isinstance(fields.get("columns"), Mapping):
            overlays[name]["columns"] = {**kind.inputs[name].get("columns", {}), **fields["columns"]}
    asked: dict[str, list[str]] = {}
    for name, pattern in given.files:
        chosen = name or _only_required(kind)
        _known_input(kind, chosen, "--files")
        asked.setdefault(chosen, []).append(pattern)
    patterns |= {name: (Path.cwd(), globs) for name, globs in asked.items()}
    for name, option, value in given.readers:
        _known_input(kind, name, "--reader")
        overlays.setdefault(name, {})[option] = value
    return patterns, overlays


def _only_required(kind: Kind) -> str:
    required = [name for name, fields in kind.inputs.items() if not fields.get("optional")]
    if len(required) == 1:
        return required[0]
    raise ProjectError(
        f"kind {kind.name} has several inputs",
        where="--files",
        fix=f"write INPUT=GLOB; inputs: {', '.join(kind.inputs)}",
    )


def _known_input(kind: Kind, name: str, where: str) -> None:
    if name not in kind.inputs:
        path = f"; or ./{name}=… if it is a path" if where == "--files" else ""
        raise ProjectError(
            f"kind {kind.name} has no input {name}", where=where, fix=near_miss(name, kind.inputs) + path
        )


def _identified(sources: Mapping[str, Source], reader: SqlText) -> dict[str, Source]:
    """Look into the files for their columns, and settle what type each id has."""
    seen = {name: reader.look_into(source) for name, source in sources.items()}
    problems: list[RecsysDuckError] = []
    integers: dict[str, bool] = {}
    for source in seen.values():
        for file in source.files:
            problems += [
                ProjectError(
                    f"input {source.input.name} has no column {name}",
                    where=file.shown,
                    fix=f"rename one of its columns: {', '.join(file.present)}",
                )
                for name in source.input.required
                if name not in file.present
            ]
            for name, found in file.present.items():
                if source.input.columns.get(name) == "id" and found.startswith(("DOUBLE", "FLOAT", "DECIMAL")):
                    problems.append(
                        ProjectError(
                            f"column {name} is {found}, which is no id",
                            where=file.shown,
                            fix="write it as an integer or text",
                        )
                    )
                integers[name] = integers.get(name, True) and found in INTEGER_TYPES
    raise_problems(problems)
    return {name: replace(source, input=_typed_ids(source.input, integers)) for name, source in seen.items()}


def _typed_ids(declared: Input, integers: Mapping[str, bool]) -> Input:
    columns = {
        name: ("bigint" if integers.get(name, True) else "varchar") if kind == "id" else kind
        for name, kind in declared.columns.items()
    }
    return replace(declared, columns=columns)
