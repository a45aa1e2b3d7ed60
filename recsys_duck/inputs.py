"""Inputs: the files a project gives each input of its kind, and what is in them.

Owns the patterns of recsys.toml and the command line, and how an input is read.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProblemsError, ProjectError, RecsysDuckError, near_miss, raise_problems
from recsys_duck.formats import settled
from recsys_duck.ids import id_problems, ids_of, with_id_types
from recsys_duck.kind import SQL_FOLDER, Kind
from recsys_duck.mapping import asked_columns, missing_columns, written_columns
from recsys_duck.parameters import load_parameters, table_of
from recsys_duck.settings import PARAMETERS_FILE, SETTINGS_FILE, Given
from recsys_duck.source import Input, Source, declare_input, find_files


def load_sources(root: Path, kind: Kind, toml: Mapping[str, Any], given: Given, reader: SqlText) -> dict[str, Source]:
    """Find each input's files and look into them.

    Raises:
        ProjectError: or several at once: no files, unfit options, missing columns, ids that are none.
    """
    return _identified(kind, _sources(root, kind, toml, given), reader)


def _sources(root: Path, kind: Kind, toml: Mapping[str, Any], given: Given) -> dict[str, Source]:
    """Give each input its files: the command line's instead of recsys.toml's, else the kind's own glob."""
    said = _said(root, kind, toml, given)
    patterns = _patterns(root, kind, toml, given)
    content = (given.fingerprint or toml.get("fingerprint")) == "content"
    problems: list[RecsysDuckError] = []
    sources = {}
    for name, fields in kind.inputs.items():
        where = f"kind {kind.name}, input {name}"
        if any(reader[0] == name for reader in given.readers):
            where = f"--reader {name}"
        elif said.get(name):
            where = f"{root / SETTINGS_FILE}, [files.{name}]"
        base, globs = patterns.get(name, (root, _listed(fields.get("files", []))))
        found = find_files(globs, root=root, base=base, content=content)
        try:
            shown = [file.shown for file in found]
            declared = declare_input(name, settled(name, fields, said.get(name, {}), shown, where=where), where=where)
            declared = replace(declared, folder_keys=_folder_keys(fields, declared))
        except ProjectError as problem:
            problems.append(problem)
            continue
        if not found and (name in patterns or not declared.optional):
            problems.append(
                ProjectError(
                    f"no file for input {name}",
                    where=", ".join(globs),
                    fix=f"give --files {name}=GLOB or [files] in {SETTINGS_FILE}",
                )
            )
        sources[name] = Source(declared, found)
    raise_problems(problems)
    return sources


def _folder_keys(fields: Mapping[str, Any], declared: Input) -> tuple[str, ...]:
    """Name the columns that a folder key=value may give: those that somebody maps or adds, never by chance."""
    added = set(declared.columns) - set(fields.get("columns", {}))
    return tuple(sorted({*declared.column.values(), *added}))


def _patterns(root: Path, kind: Kind, toml: Mapping[str, Any], given: Given) -> dict[str, tuple[Path, list[str]]]:
    """Gather each input's patterns, with the folder that they are relative to."""
    patterns: dict[str, tuple[Path, list[str]]] = {}
    for name, value in table_of(toml, "files").items():
        paths = value.get("paths") if isinstance(value, Mapping) else value
        if paths is not None:
            patterns[name] = (root, _listed(paths))
    asked: dict[str, list[str]] = {}
    for name, pattern in given.files:
        chosen = name or _only_required(kind, "--files", "INPUT=GLOB")
        _known_input(kind, chosen, "--files")
        asked.setdefault(chosen, []).append(pattern)
    return patterns | {name: (Path.cwd(), globs) for name, globs in asked.items()}


def _listed(paths: object) -> list[str]:
    """Give one pattern, or a list of them, as a list."""
    return [str(path) for path in (paths if isinstance(paths, list) else [paths])]


def _said(root: Path, kind: Kind, toml: Mapping[str, Any], given: Given) -> dict[str, dict[str, Any]]:
    """Gather what recsys.toml and the command line say of how each input is read; the command line wins."""
    said: dict[str, dict[str, Any]] = {}
    for name, value in table_of(toml, "files").items():
        where = f"{root / SETTINGS_FILE}, [files.{name}]"
        _known_input(kind, name, f"{root / SETTINGS_FILE}, [files]")
        said[name] = {key: one for key, one in value.items() if key != "paths"} if isinstance(value, Mapping) else {}
        if "column" in said[name]:
            said[name]["column"] = written_columns(kind.inputs[name]["columns"], said[name]["column"], where=where)
    for name, option, value in given.readers:
        _known_input(kind, name, "--reader")
        if option in load_parameters(SQL_FOLDER / PARAMETERS_FILE):
            raise ProjectError(
                f"{option} is a parameter, no option of input {name}",
                where=f"--reader {name}.{option}",
                fix=f"say --set {option}={value}",
            )
        said.setdefault(name, {})[option] = value
    asked = [
        (name or _only_required(kind, "--column", "INPUT.NAME=COLUMN"), column, own)
        for name, column, own in given.columns
    ]
    for name, _, _ in asked:
        _known_input(kind, name, "--column")
    for name, columns in asked_columns(kind.inputs, asked).items():
        fields = said.setdefault(name, {})
        fields["column"] = {**fields.get("column", {}), **columns}
    for name, fields in said.items():
        if isinstance(fields.get("columns"), Mapping):
            fields["columns"] = {**kind.inputs[name].get("columns", {}), **fields["columns"]}
    return said


def _only_required(kind: Kind, option: str, form: str) -> str:
    required = [name for name, fields in kind.inputs.items() if not fields.get("optional")]
    if len(required) == 1:
        return required[0]
    raise ProjectError(
        f"kind {kind.name} has several inputs", where=option, fix=f"write {form}; inputs: {', '.join(kind.inputs)}"
    )


def _known_input(kind: Kind, name: str, where: str) -> None:
    if name not in kind.inputs:
        path = f"; or ./{name}=… if it is a path" if where == "--files" else ""
        raise ProjectError(
            f"kind {kind.name} has no input {name}", where=where, fix=near_miss(name, kind.inputs) + path
        )


def _identified(kind: Kind, sources: Mapping[str, Source], reader: SqlText) -> dict[str, Source]:
    """Look into the files for their columns, and settle what type each id has."""
    problems: list[RecsysDuckError] = []
    seen: dict[str, Source] = {}
    for name, source in sources.items():
        try:
            seen[name] = reader.look_into(source)
            problems += missing_columns(seen[name])
        except ProblemsError as found:
            problems += found.problems
        except ProjectError as problem:
            problems.append(problem)
    ids = ids_of(kind, seen)
    raise_problems([*problems, *id_problems(ids)])
    return with_id_types(seen, ids)
