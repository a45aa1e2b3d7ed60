"""A project: a kind, its files, its parameters, and the stages laid over each other.

Owns where things come from: recsys.toml, the command line, the shared SQL, the kind's, the project's own.
A stage of the project hides the kind's of the same name, that one the shared. Everything is read and
checked here before anything runs; all problems are told at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProjectError, RecsysDuckError, near_miss, raise_problems
from recsys_duck.kind import SQL_FOLDER, Kind, load_kind
from recsys_duck.macro import Macro, parse_macro
from recsys_duck.parameters import Setting, load_parameters, read_toml, settle, table_of
from recsys_duck.source import Input, Source, declare_input, find_files
from recsys_duck.stage import PythonStage, SqlStage, Stage, parse_stage

SETTINGS_FILE = "recsys.toml"
PARAMETERS_FILE = "parameters.toml"
TOP_KEYS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "kind": (lambda value: isinstance(value, str), "a text"),
    "warehouse": (lambda value: isinstance(value, str), "a folder"),
    "environment": (lambda value: isinstance(value, str), "a text"),
    "memory_limit": (lambda value: isinstance(value, str), 'a text, as "2GB"'),
    "threads": (lambda value: type(value) is int and value >= 1, "a number, 1 or more"),
    "fingerprint": (lambda value: value in ("stat", "content"), '"stat" or "content"'),
    "files": (lambda _: True, ""),  # looked at line by line, further down
    "parameters": (lambda _: True, ""),
}
INTEGER_TYPES = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line gives; None and empty mean that recsys.toml or the default decides."""

    root: Path
    kind: str | None = None
    files: Sequence[tuple[str, str]] = ()
    readers: Sequence[tuple[str, str, object]] = ()
    parameters: Sequence[tuple[str, object]] = ()
    warehouse: Path | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """Everything a build needs to know, checked."""

    root: Path
    kind: Kind
    warehouse: Path
    sources: Mapping[str, Source]
    settings: Mapping[str, Setting]
    stages: Mapping[str, Stage]
    macros: tuple[Macro, ...]
    contract: Mapping[str, Mapping[str, str]]
    toml: Mapping[str, Any]

    def has_times(self) -> bool:
        """Tell whether the source knows when events happened."""
        if isinstance(self.kind.has_times, bool):
            return self.kind.has_times
        input_name, _, column = self.kind.has_times.partition(".")
        return column in self.sources[input_name].present

    def id_types(self) -> dict[str, str]:
        """The types that the names of type id have in this source."""
        types: dict[str, str] = {}
        for source in self.sources.values():
            types |= {name: kind for name, kind in source.input.columns.items() if name.endswith("_id")}
        return types


def load_project(given: Given, reader: SqlText, python_stages: Sequence[PythonStage] = ()) -> Project:
    """Read a project whole.

    Raises:
        ProjectError: or several at once, with where each stands and how to mend it.
    """
    root, toml, kind, settings = load_settings(given)
    sources = _identified(_sources(root, kind, toml, given), reader)
    folders = [("shared", SQL_FOLDER), (kind.name, kind.folder)]
    if not (root / "sql" / PARAMETERS_FILE).exists():  # a checkout of ours is no overlay of itself
        folders.append(("project", root / "sql"))
    stages = read_stages(folders, reader)
    models = settings["models"].value.data
    everything: dict[str, Stage] = {**stages, **{stage.key: stage for stage in python_stages}}
    active = {
        key: stage
        for key, stage in everything.items()
        if not stage.part or (isinstance(models, tuple) and stage.part in models)
    }
    project = Project(
        root=root,
        kind=kind,
        warehouse=warehouse_folder(given, toml),
        sources=sources,
        settings=settings,
        stages=active,
        macros=tuple(read_macros(reader)),
        contract={name: dict(table_of(read_toml(SQL_FOLDER / "contract.toml"), name)) for name in _contract_names()},
        toml=toml,
    )
    if settings["split"].value.data == "time" and not project.has_times():
        raise ProjectError(
            f"split = time needs times, and this source of kind {kind.name} has none",
            where=f"parameter split, from {settings['split'].source}",
            fix="use split = random or none",
        )
    return project


def load_settings(given: Given) -> tuple[Path, Mapping[str, Any], Kind, Mapping[str, Setting]]:
    """Read the project's folder, recsys.toml, kind and parameters, without its files.

    Raises:
        ProjectError: or several at once.
    """
    root = given.root.resolve()
    toml = read_settings_file(root)
    kind = load_kind(str(given.kind or toml.get("kind") or ""))
    settings = settle(
        load_parameters(SQL_FOLDER / PARAMETERS_FILE),
        {
            "kind": (str(kind.folder / "kind.toml"), kind.defaults),
            SETTINGS_FILE: (str(root / SETTINGS_FILE), table_of(toml, "parameters")),
            "command line": ("--set", dict(given.parameters)),
        },
    )
    return root, toml, kind, settings


def warehouse_folder(given: Given, toml: Mapping[str, Any]) -> Path:
    """Where the warehouse lies: the command line's, recsys.toml's, or `warehouse` in the project."""
    return (given.warehouse or given.root / str(toml.get("warehouse", "warehouse"))).resolve()


def read_settings_file(root: Path) -> dict[str, Any]:
    """Read recsys.toml; empty where there is none.

    Raises:
        ProjectError: no such folder, no valid TOML, or an unknown setting.
    """
    path = root / SETTINGS_FILE
    if not root.is_dir():
        raise ProjectError("there is no such folder", where=str(root), fix="give --project a folder")
    if not path.exists():
        return {}
    toml = read_toml(path)
    problems = []
    for key, value in toml.items():
        if key not in TOP_KEYS:
            problems.append(
                ProjectError(f"{SETTINGS_FILE} has no setting {key}", where=str(path), fix=near_miss(key, TOP_KEYS))
            )
        elif not TOP_KEYS[key][0](value):
            problems.append(ProjectError(f"{key} can't be {value!r}", where=str(path), fix=f"give {TOP_KEYS[key][1]}"))
    raise_problems(problems)
    return toml


def _contract_names() -> list[str]:
    return list(read_toml(SQL_FOLDER / "contract.toml"))


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
        raise ProjectError(f"kind {kind.name} has no input {name}", where=where, fix=near_miss(name, kind.inputs))


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
                integers[name] = integers.get(name, True) and found in INTEGER_TYPES
    raise_problems(problems)
    return {name: replace(source, input=_typed_ids(source.input, integers)) for name, source in seen.items()}


def _typed_ids(declared: Input, integers: Mapping[str, bool]) -> Input:
    columns = {
        name: ("bigint" if integers.get(name, True) else "varchar") if kind == "id" else kind
        for name, kind in declared.columns.items()
    }
    return replace(declared, columns=columns)


def read_stages(folders: Sequence[tuple[str, Path]], reader: SqlText) -> dict[str, SqlStage]:
    """Read the stage files of folders, each with its origin; a later folder's stage hides one of the same name.

    Raises:
        ProjectError: or several at once, for every file that is not in order.
    """
    problems: list[RecsysDuckError] = []
    stages: dict[str, SqlStage] = {}
    for origin, folder in folders:
        for path in sorted(_stage_files(folder)):
            try:
                text = path.read_text(encoding="utf-8")
                stage = parse_stage(path, folder, reader.facts(text, where=str(path)), text, origin=origin)
                stages[stage.key] = stage
            except ProjectError as problem:
                problems.append(problem)
            except UnicodeDecodeError:
                problems.append(ProjectError("a stage file is not UTF-8", where=str(path), fix="save it as UTF-8"))
    raise_problems(problems)
    return stages


def _stage_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*.sql"):
        if folder != SQL_FOLDER or path.relative_to(folder).parts[0] not in ("kinds", "macros", "demo"):
            yield path


def read_macros(reader: SqlText) -> list[Macro]:
    """Read our table macros, by name."""
    macros = []
    for path in sorted((SQL_FOLDER / "macros").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        macros.append(parse_macro(path, reader.facts(text, where=str(path)), text))
    return macros
