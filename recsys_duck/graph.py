"""The graph: which stage reads which table, in what order they run, and what no stage may read.

Refuses unknown tables and parameters, cycles, reads against the layers, tables that break the staging
contract, and selections that name nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from recsys_duck.errors import ProjectError, RecsysDuckError, near_miss, raise_problems
from recsys_duck.project import Project
from recsys_duck.stage import LAYERS, TOLD, PythonStage, SqlStage, Stage

AFTER_SPLIT = ("features", "training", "models", "recs", "eval")
CORE_FOR_ALL = ("core.users", "core.items", "core.tags", "core.item_tags")
SPLIT_FOR_ALL = ("split.train", "split.train_end")
SPLIT_FOR_EVAL = ("split.test", "split.judged_pairs")
# what a side table of a kind may not be made of: it would carry test into train
OF_EVENTS = ("staging.events", "core.events", "core.interactions")
# what is known of users when lists are made, fold_in beside train: lists read it, and who tells the two apart
WITH_FOLD_IN = ("split.history", "features.user_items")
TELLS_APART = (
    *("features.user_items", "features.user_blocks", "features.user_activity"),
    *("training.weighted_items", "training.met_pairs"),
)


@dataclass(frozen=True, slots=True)
class Graph:
    """Stages by key in running order, the keys that make each table, each stage's own inputs, tables that are off."""

    stages: Mapping[str, Stage]
    producers: Mapping[str, tuple[str, ...]]
    upstream: Mapping[str, tuple[str, ...]]
    off: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def select(self, pattern: str) -> set[str]:
        """Choose stages: a table or stage, `+name` with what it needs, `name+` with what needs it.

        A stage that is `built with` a chosen one comes with it, if what it reads is chosen, or + asks for it.

        Raises:
            ProjectError: the name is of no table or stage.
        """
        name = pattern.strip("+")
        chosen = set(self.producers.get(name, ())) or {key for key in self.stages if key == name}
        if not chosen:
            fix = _off(self.off[name]) if name in self.off else near_miss(name, self.producers)
            raise ProjectError(f"there is no table {name}", where="--select", fix=fix)
        grown = set(chosen)
        if pattern.startswith("+"):
            grown |= self._reach(chosen, self.upstream)
        if pattern.endswith("+"):
            downstream: dict[str, tuple[str, ...]] = dict.fromkeys(self.stages, ())
            for key, inputs in self.upstream.items():
                for one in inputs:
                    downstream[one] += (key,)
            grown |= self._reach(chosen, downstream)
        for key, stage in self.stages.items():
            if grown & set(self.producers.get(stage.built_with, ())):
                needed = self._reach({key}, self.upstream)
                if pattern.startswith("+") or needed <= grown:
                    grown |= {key, *needed}
        return grown

    @staticmethod
    def _reach(start: set[str], arrows: Mapping[str, tuple[str, ...]]) -> set[str]:
        found: set[str] = set()
        todo = list(start)
        while todo:
            for key in arrows[todo.pop()]:
                if key not in found:
                    found.add(key)
                    todo.append(key)
        return found


def build_graph(project: Project) -> Graph:
    """Order a project's stages, each after what it reads.

    Raises:
        ProjectError: or several at once: every unknown name, refused read, cycle and broken contract.
    """
    stages = project.stages
    producers: dict[str, tuple[str, ...]] = {}
    for key, stage in stages.items():
        for table in stage.tables:
            producers[table] = (*producers.get(table, ()), key)
    problems = [*_name_problems(project, producers), *_layer_problems(project), *_contract_problems(project, producers)]
    raise_problems(problems)
    upstream = {
        key: tuple(dict.fromkeys(one for table in stage.reads for one in producers.get(table, ())))
        for key, stage in stages.items()
    }
    order = _order(upstream)
    return Graph({key: stages[key] for key in order}, producers, upstream, project.off)


def _off(only_if: Sequence[str]) -> str:
    if not only_if:
        return "it is of a model that models does not name"
    return f"it is made only if {' or '.join(only_if)} is {'given' if only_if[0].startswith('files.') else 'on'}"


def _order(upstream: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Sort so that inputs come first; among the ready ones by layer, then name, the same every time."""
    sorter = TopologicalSorter(upstream)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = " → ".join(reversed(error.args[1]))
        raise ProjectError(
            "stages read each other in a circle", where=cycle, fix="take one of these reads out"
        ) from None
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=lambda key: (LAYERS.index(key.split(".")[0]), key))
        order += ready
        sorter.done(*ready)
    return order


def _where(stage: Stage, name: str = "") -> str:
    if isinstance(stage, PythonStage):
        return f"Python stage {stage.key}"
    starts = [place.start for place in stage.facts.places if place.name == name]
    line = stage.text.encode()[: starts[0]].count(b"\n") + 1 if starts else 1
    return f"{stage.place}:{line}"


def _name_problems(project: Project, producers: Mapping[str, tuple[str, ...]]) -> Iterator[RecsysDuckError]:
    inputs = {f"files.{name}" for name in project.sources}
    for stage in project.stages.values():
        for table in stage.reads:
            if table not in producers and table not in inputs:
                fix = near_miss(table, inputs if table.startswith("files.") else producers)
                yield ProjectError(
                    f"{stage.key} reads {table}, which nothing makes",
                    where=_where(stage, table),
                    fix=_off(project.off[table]) if table in project.off else fix,
                )
        bound = _planning_columns(project, stage, producers)
        for name in stage.parameters:
            if name not in project.settings and name not in bound:
                yield ProjectError(
                    f"{stage.key} uses ${name}, which is not declared",
                    where=_where(stage, name),
                    fix=near_miss(name, [*project.settings, *bound]),
                )
        if isinstance(stage, SqlStage):
            yield from _stage_problems(stage, producers)


def _stage_problems(stage: SqlStage, producers: Mapping[str, tuple[str, ...]]) -> Iterator[RecsysDuckError]:
    if stage.built_with and stage.built_with not in producers:
        yield ProjectError(
            f"{stage.key} is built with {stage.built_with}, which nothing makes",
            where=f"{stage.place}, built with",
            fix=near_miss(stage.built_with, producers),
        )
    gate_of = stage.contract.gate_of
    if gate_of and gate_of not in stage.reads:
        yield ProjectError(
            f"{stage.key} is a gate of {gate_of} but does not read it", where=_where(stage), fix="name what it judges"
        )
    if stage.is_view and any(table.startswith("files.") for table in stage.reads):
        yield ProjectError(
            f"{stage.key} is a view over source files",
            where=_where(stage),
            fix="make it a table: readers never need the sources",
        )


def _planning_columns(project: Project, stage: Stage, producers: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if not stage.for_each or stage.for_each.startswith("files."):
        return ()
    planning = [project.stages[key] for key in producers.get(stage.for_each, ())]
    return tuple(column.name for one in planning if isinstance(one, SqlStage) for column in one.facts.columns)


def _layer_problems(project: Project) -> Iterator[RecsysDuckError]:
    side = project.kind.side
    behind_side = {*side, *_upstream_of(side, project)} - set(OF_EVENTS)
    for stage in project.stages.values():
        layer = stage.key.split(".")[0]
        fix = "read an earlier layer: files, staging, core, split"
        if layer in AFTER_SPLIT:
            fix = "after the split read split.train, and of core only users, items, tags, item_tags"
        for table in stage.reads:
            is_allowed = _may_read(layer, table) or (table in side and layer in AFTER_SPLIT)
            if table in OF_EVENTS and set(stage.tables) & behind_side:
                is_allowed = False
                fix = f"{', '.join(side)} describe users and items whatever they met: read no events"
            if table in WITH_FOLD_IN and layer in AFTER_SPLIT:
                is_allowed = layer == "recs" or any(name in TELLS_APART for name in stage.tables)
                fix = "it holds fold_in too, of which nothing is learned: read split.train or training.matrix"
            if not is_allowed:
                yield ProjectError(f"{stage.key} may not read {table}", where=_where(stage, table), fix=fix)


def _upstream_of(tables: Sequence[str], project: Project) -> set[str]:
    """Find every table that some tables are made of; what all may read is not followed."""
    found: set[str] = set()
    todo = list(tables)
    while todo:
        table = todo.pop()
        made_of = {one for stage in project.stages.values() if table in stage.tables for one in stage.reads} - found
        found |= made_of
        todo += made_of - {*CORE_FOR_ALL, *OF_EVENTS}
    return found


def _may_read(layer: str, table: str) -> bool:
    read = table.split(".", maxsplit=1)[0]
    if read == "files":
        return layer == "staging"
    if read not in LAYERS or LAYERS.index(read) > LAYERS.index(layer):
        return False
    if layer == "split":
        return read in ("core", "split")
    if layer in AFTER_SPLIT:
        if read in ("staging", "core"):
            return table in CORE_FOR_ALL
        if read == "split":
            return table in SPLIT_FOR_ALL or (layer == "eval" and table in SPLIT_FOR_EVAL)
    return True


def _contract_problems(project: Project, producers: Mapping[str, tuple[str, ...]]) -> Iterator[RecsysDuckError]:
    kind_toml = f"kind {project.kind.name}"
    for table, columns in project.contract.items():
        stages = [project.stages[key] for key in producers.get(table, ())]
        if not stages:
            yield ProjectError(
                f"kind {project.kind.name} does not give {table}",
                where=kind_toml,
                fix="add its stage: the contract asks for it",
            )
        for stage in stages:
            names = [column.name for column in stage.tables[table].columns if column.name not in TOLD]
            if sorted(names) != sorted(columns):
                yield ProjectError(
                    f"{table} is not what the staging contract asks for",
                    where=_where(stage),
                    fix=f"give the columns {', '.join(columns)}",
                )
    known = {*project.contract, *project.kind.tables}
    for table in producers:
        if (
            table.startswith("staging.")
            and table not in known
            and project.stages[producers[table][0]].origin != "project"
        ):
            yield ProjectError(f"{table} is not listed", where=kind_toml, fix="add it to tables")
    for table, keys in producers.items():
        if len(keys) > 1 and table in keys:
            yield ProjectError(
                f"{table} is made whole and in parts",
                where=", ".join(keys),
                fix="keep the one file, or only the named parts",
            )
        shapes = {tuple(column.name for column in project.stages[key].tables[table].columns) for key in keys}
        if len(shapes) > 1:
            yield ProjectError(
                f"the parts of {table} have different columns",
                where=", ".join(keys),
                fix="give them the same columns in the same order",
            )
