"""A project: a kind, its files, its parameters, and the stages laid over each other.

A stage of the project hides the kind's of the same name, that one the shared. Everything is read and
checked here before anything runs; all problems are told at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recsys_duck.effect import read_parameters, refuse_unread, without_effect
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProjectError, RecsysDuckError, near_miss, raise_problems
from recsys_duck.inputs import load_sources
from recsys_duck.kind import EXPORTS_FOLDER, NO_STAGES, SQL_FOLDER, Kind, overlay, shown_path
from recsys_duck.macro import Macro, parse_macro
from recsys_duck.mapping import unread_columns
from recsys_duck.parameters import Setting, read_toml, table_of
from recsys_duck.sentence import columns_of
from recsys_duck.settings import SETTINGS_FILE, Given, load_settings, warehouse_folder
from recsys_duck.source import Source
from recsys_duck.stage import PythonStage, SqlFacts, SqlStage, Stage, parse_stage
from recsys_duck.times import unit_doubts

# the table whose named parts the parameter models chooses; a part of that name of another table goes with it
MODELLED = "recs.personal"


@dataclass(frozen=True, slots=True)
class Project:
    """Everything a build needs to know, checked.

    `unread` tells of settings without effect, of columns that nothing reads and of times in another unit.
    `off` names tables that are left out, with the parameter that would make them; without one where it is of
    a model that is not chosen.
    """

    root: Path
    kind: Kind
    warehouse: Path
    sources: Mapping[str, Source]
    settings: Mapping[str, Setting]
    stages: Mapping[str, Stage]
    macros: tuple[Macro, ...]
    contract: Mapping[str, Mapping[str, str]]
    toml: Mapping[str, Any]
    unread: tuple[str, ...] = ()
    off: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def has_times(self) -> bool:
        """Tell whether the source knows when events happened."""
        if isinstance(self.kind.has_times, bool):
            return self.kind.has_times
        input_name, _, column = self.kind.has_times.partition(".")
        return self.sources[input_name].has(column)


def load_project(given: Given, reader: SqlText, python_stages: Sequence[PythonStage] = ()) -> Project:
    """Read a project whole.

    Raises:
        ProjectError: or several at once, with where each stands and how to mend it.
    """
    root, toml, kind, settings = load_settings(given)
    sources = load_sources(root, kind, toml, given, reader)
    stages = read_stages(stage_folders(root, kind), reader)
    contract = read_toml(SQL_FOLDER / "contract.toml")
    in_python = {stage.key: stage for stage in python_stages if stage.origin in ("shared", kind.name)}
    everything: dict[str, Stage] = {**in_python, **stages}
    refuse_unread(settings, read_parameters(everything.values()), kind=kind.name, file=str(root / SETTINGS_FILE))
    active = _active(everything, settings, sources)
    made = {table for one in active.values() for table in one.tables}
    project = Project(
        root=root,
        kind=kind,
        warehouse=warehouse_folder(given, toml),
        sources=sources,
        settings=settings,
        stages=active,
        off={table: one.only_if for one in everything.values() for table in one.tables if table not in made},
        unread=(*without_effect(settings, everything, active), *unread_columns(sources), *unit_doubts(sources)),
        macros=tuple(read_macros(reader)),
        contract={name: table_of(contract, name) for name in contract},
        toml=toml,
    )
    _refuse_contradictions(project)
    return project


def _refuse_contradictions(project: Project) -> None:
    """Refuse values that are each in range, but not together.

    Raises:
        ProjectError: names both.
    """
    settings = project.settings
    _refuse_without_times(project)
    measures, chosen = settings["measures"], settings["similar_measure"]
    known = chosen.parameter.choices
    for name in measures.value.data if isinstance(measures.value.data, tuple) else ():
        if name not in known:
            raise ProjectError(
                f"there is no measure {name}",
                where=f"parameter measures, from {measures.source}",
                fix=near_miss(str(name), known),
            )
    if isinstance(measures.value.data, tuple) and chosen.value.data not in measures.value.data:
        raise ProjectError(
            f"similar_measure = {chosen.value.data} is not among measures",
            where=f"parameter measures, from {measures.source}; similar_measure, from {chosen.source}",
            fix=f"add {chosen.value.data} to measures, or choose one of them",
        )
    _refuse_without_factors(settings)
    _refuse_greater(project, "fold", "folds", fix="choose one of the folds, from 1")
    top_n, least, most = (_number(settings[name]) for name in ("top_n", "basket_min", "basket_max"))
    if 0 < most < least:
        _refuse_greater(project, "basket_min", "basket_max", fix="raise basket_max, or 0 for no limit")
    if settings["negative_ratio"].value.data and 0 < _number(settings["training_basket_max"]) < least:
        _refuse_greater(project, "basket_min", "training_basket_max", fix="raise training_basket_max, or 0 for all")
    lengths = settings["ks"].value.data
    if not lengths:
        raise ProjectError("ks names no list length", where=f"parameter ks, from {settings['ks'].source}", fix="[10]")
    longest = max((k for k in lengths if isinstance(k, int)), default=0) if isinstance(lengths, tuple) else 0
    if longest > top_n:
        raise ProjectError(
            f"ks asks for lists of {longest}, and top_n makes them {top_n} long",
            where=f"parameter ks, from {settings['ks'].source}; top_n, from {settings['top_n'].source}",
            fix=f"use top_n = {longest} or more, or smaller ks",
        )


def _refuse_without_times(project: Project) -> None:
    """Refuse what needs to know when events happened, where the source does not."""
    if project.has_times():
        return
    settings = project.settings
    asked = {
        "split": ("time", "use split = random, last_n or none"),
        "basket_by": ("session", "use basket_by = user or basket_id"),
    }
    for name, (value, fix) in asked.items():
        if settings[name].value.data == value:
            raise ProjectError(
                f"{name} = {value} needs times, and this source of kind {project.kind.name} has none",
                where=f"parameter {name}, from {settings[name].source}",
                fix=fix,
            )
    half_life = settings["popularity_half_life_days"]
    if half_life.value.data:
        raise ProjectError(
            f"popularity can't decay: this source of kind {project.kind.name} has no times",
            where=f"parameter popularity_half_life_days, from {half_life.source}",
            fix="use 0, no decay",
        )


def _refuse_without_factors(settings: Mapping[str, Setting]) -> None:
    """Refuse lists of similar items from the factors of a model that is not fitted."""
    source, models = settings["similar_source"], settings["models"]
    if source.value.data == "factors" and "als" not in (models.value.data or ()):  # type: ignore[operator]
        raise ProjectError(
            "similar_source = factors needs the factors of als, which models leaves out",
            where=f"parameter similar_source, from {source.source}; models, from {models.source}",
            fix="add als to models, or use similar_source = pairs",
        )


def _refuse_greater(project: Project, less: str, more: str, *, fix: str) -> None:
    """Refuse a value of one parameter that is greater than that of another."""
    settings = project.settings
    if _number(settings[less]) > _number(settings[more]):
        raise ProjectError(
            f"{less} = {settings[less].value.text()} and {more} = {settings[more].value.text()} contradict each other",
            where=f"parameter {less}, from {settings[less].source}; {more}, from {settings[more].source}",
            fix=fix,
        )


def _number(setting: Setting) -> int:
    return int(str(setting.value.data))


def _active(
    stages: Mapping[str, Stage], settings: Mapping[str, Setting], sources: Mapping[str, Source]
) -> dict[str, Stage]:
    """Leave out what is off, and the models that `models` does not name: their lists, what is fitted for them.

    Raises:
        ProjectError: `models` names no part of the table of lists, or an `only if` no parameter and no input.
    """
    models = settings["models"]
    wanted = models.value.data if isinstance(models.value.data, tuple) else ()
    known = {stage.part for stage in stages.values() if MODELLED in stage.tables}
    if not wanted:
        raise ProjectError(
            "models names no model", where=f"parameter models, from {models.source}", fix=f"choose of {sorted(known)}"
        )
    for name in wanted:
        if name not in known:
            raise ProjectError(
                f"models names {name}, which is no part of {MODELLED}",
                where=f"parameter models, from {models.source}",
                fix=near_miss(str(name), known),
            )
    left_out = known - set(wanted)
    given: dict[str, bool] = {name: bool(one.value.data) for name, one in settings.items()}
    given |= {f"files.{name}": bool(source.files) for name, source in sources.items()}
    return {key: stage for key, stage in stages.items() if stage.part not in left_out and _is_on(stage, given)}


def _is_on(stage: Stage, given: Mapping[str, bool]) -> bool:
    """Tell whether any that a stage is for is on: a parameter not 0, false, null or empty, an input with files."""
    for name in stage.only_if:
        if name not in given:
            raise ProjectError(
                f"{stage.key} is made only if {name}, which is no parameter and no input",
                where=f"{stage.key}, only if",
                fix=near_miss(name, given),
            )
    return not stage.only_if or any(given[name] for name in stage.only_if)


def stage_folders(root: Path, kind: Kind) -> list[tuple[str, Path]]:
    """List the folders of a project's stages, each with its origin, the later laid over the earlier."""
    folders = [("shared", SQL_FOLDER), (kind.name, kind.folder)]
    own = overlay(root)
    return [*folders, ("project", own)] if own else folders


def read_stages(folders: Sequence[tuple[str, Path]], reader: SqlText) -> dict[str, SqlStage]:
    """Read the stage files of folders, each with its origin; a later folder's stage hides one of the same name.

    Raises:
        ProjectError: or several at once, for every file that is not in order.
    """
    problems: list[RecsysDuckError] = []
    stages: dict[str, SqlStage] = {}
    meanings = read_toml(SQL_FOLDER / "columns.toml")
    for origin, folder in folders:
        for path in sorted(_stage_files(folder)):
            try:
                text = path.read_text(encoding="utf-8-sig")
                facts = _with_meanings(reader.facts(text, where=shown_path(path)), meanings)
                stage = parse_stage(path, folder, facts, text, origin=origin)
                _refuse_checks(stage, reader)
                stages[stage.key] = stage
            except ProjectError as problem:
                problems.append(problem)
            except UnicodeDecodeError:
                problems.append(
                    ProjectError("a stage file is not UTF-8", where=shown_path(path), fix="save it as UTF-8")
                )
    raise_problems(problems)
    return stages


def _with_meanings(facts: SqlFacts, meanings: Mapping[str, object]) -> SqlFacts:
    """Give a column without a comment of its own what its name means everywhere."""
    columns = tuple(replace(one, comment=one.comment or str(meanings.get(one.name, ""))) for one in facts.columns)
    return replace(facts, columns=columns)


def _refuse_checks(stage: SqlStage, reader: SqlText) -> None:
    columns = {column.name for column in stage.facts.columns}
    for check in stage.contract.checks:
        spoken = set(columns_of(check.sentence))
        unknown = (reader.predicate_columns(check.predicate, where=f"{stage.place}, check") | spoken) - columns
        if unknown:
            raise ProjectError(
                f"a check of {stage.key} speaks of {', '.join(sorted(unknown))}",
                where=f"{stage.place}, check: {check.predicate}",
                fix=near_miss(sorted(unknown)[0], columns),
            )


def _stage_files(folder: Path) -> Iterator[Path]:
    is_ours = folder.is_relative_to(SQL_FOLDER)
    for path in folder.rglob("*.sql"):
        top, *rest = path.relative_to(folder).parts
        if top not in NO_STAGES if is_ours else (top, len(rest)) != (EXPORTS_FOLDER, 1):
            yield path


def read_macros(reader: SqlText) -> list[Macro]:
    """Read our table macros, by name."""
    macros = []
    for path in sorted((SQL_FOLDER / "macros").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        macros.append(parse_macro(path, reader.facts(text, where=shown_path(path)), text))
    return macros
