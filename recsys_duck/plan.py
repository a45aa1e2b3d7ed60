"""The plan: what runs, what is reused, and why, before anything runs.

Owns fingerprints: what a table's rows depend on. How a build runs (memory, threads, engine, machine)
is never in one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from recsys_duck.bundles import bundles
from recsys_duck.graph import Graph
from recsys_duck.parameters import Value
from recsys_duck.project import Project
from recsys_duck.source import Source
from recsys_duck.stage import Contract, PythonStage, SqlStage, Stage
from recsys_duck.store import StepRecord, Store, digest

# Raise it when our own code changes what rows a stage gives.
DATA_VERSION = 2
# What is asked of every gate, beside its own checks.
SHARE = "few rows are rejected"


@dataclass(frozen=True, slots=True)
class Part:
    """One run of a stage: its fingerprint, its label, the sources and values it runs with.

    `no_rows` asks for the columns alone: the one part of an empty planning table. `files` maps the shown
    name of each source file of a `for each: files.…` to its own fingerprint.
    """

    fingerprint: str
    label: str = ""
    sources: Mapping[str, Source] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)
    no_rows: bool = False
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """A stage in a plan. `parts` is None while its planning table is not built.

    `action` is run, check (the table is there, an assertion is new), reuse, or left (not selected). `lost`
    names its table files that were written, and are missing or damaged now.
    """

    stage: Stage
    fingerprint: str
    ingredients: Mapping[str, Any]
    action: str
    reason: str
    record: StepRecord | None
    parts: tuple[Part, ...] | None
    is_forced: bool = False
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in running order."""

    project: Project
    graph: Graph
    steps: tuple[Step, ...]

    def of(self, action: str) -> tuple[Step, ...]:
        """The steps of one action."""
        return tuple(step for step in self.steps if step.action == action)


def make_plan(
    project: Project, graph: Graph, store: Store, *, selected: set[str], forced: bool, published: Mapping[str, str]
) -> Plan:
    """Fingerprint every stage and decide what runs.

    `published` maps a stage to the fingerprint that readers see now; reasons compare with it.
    """
    fingerprints: dict[str, str] = {}
    moved: set[str] = set()
    steps = []
    for key, stage in graph.stages.items():
        ingredients = _ingredients(project, graph, stage, fingerprints)
        fingerprint = digest(ingredients)
        fingerprints[key] = fingerprint
        record = store.record(key, fingerprint)
        before = store.ingredients(key, published[key]) if key in published else None
        reason = _change(ingredients, before, moved)
        parts = _parts(stage, fingerprint, ingredients, project, store if record is None else None)
        if key not in published or published[key] != fingerprint:
            moved.add(key)
        step = _step(
            *(stage, fingerprint, ingredients, record, reason, parts), is_selected=key in selected, forced=forced
        )
        lost = store.lost(key, fingerprint) if step.action == "run" and record is None else ()
        steps.append(replace(step, lost=lost, reason="its table is missing or damaged") if lost else step)
    return Plan(project, graph, tuple(steps))


def assertions(contract: Contract) -> set[tuple[str, str]]:
    """List what must be on record for a table: the kind and text of each assertion."""
    wanted = {("check", check.predicate) for check in contract.checks}
    if contract.grain:
        wanted.add(("grain", ", ".join(contract.grain)))
    if contract.gate_of:
        wanted.add(("ledger", f"rows of {contract.gate_of} = kept + rejected"))
        wanted.add(("share", SHARE))
    return wanted


def block_part(stage: Stage, ingredients: Mapping[str, Any], row: Mapping[str, Value]) -> Part:
    """Make the part of a planning row: its values stand in for the planning table's fingerprint."""
    reads_all_rows = isinstance(stage, SqlStage) and stage.for_each in stage.facts.reads
    reads = {
        key: value
        for key, value in ingredients["reads"].items()
        if key.split("/")[0] != stage.for_each or reads_all_rows
    }
    used = {name: value for name, value in row.items() if name in stage.parameters}
    values = {name: [value.sql_type, value.text()] for name, value in used.items()}
    label = ", ".join(f"{name} = {value.text()}" for name, value in used.items())
    return Part(digest({**ingredients, "reads": reads, "row": values}), label=label, values=used)


def _step(
    stage: Stage,
    fingerprint: str,
    ingredients: Mapping[str, Any],
    record: StepRecord | None,
    change: str,
    parts: tuple[Part, ...] | None,
    *,
    is_selected: bool,
    forced: bool,
) -> Step:
    if not is_selected:
        action, reason = "left", "not selected"
    elif record is None or (forced and not stage.is_view):
        action = "run"
        reason = "forced" if record else change or "its table is missing"
    elif not _is_asserted(stage, record):
        action, reason = "check", "its table is there, a check of it is new"
    else:
        action, reason = "reuse", "nothing changed" if not change else "its table is there from an earlier build"
    return Step(stage, fingerprint, ingredients, action, reason, record, parts, is_forced=forced and record is not None)


def _is_asserted(stage: Stage, record: StepRecord) -> bool:
    wanted = set().union(*(assertions(contract) for contract in stage.tables.values()))
    checks = [check for contract in stage.tables.values() for check in contract.checks]
    severe = {check.predicate for check in checks if check.severity == "fail"}
    passed = {
        (check.kind, check.text)
        for check in record.checks
        if check.n_failed == 0 or check.kind == "share" or (check.kind == "check" and check.text not in severe)
    }
    return wanted <= passed


def _ingredients(project: Project, graph: Graph, stage: Stage, fingerprints: Mapping[str, str]) -> dict[str, Any]:
    settings = {name: project.settings[name].value for name in stage.parameters if name in project.settings}
    inputs = [table.removeprefix("files.") for table in stage.reads if table.startswith("files.")]
    return {
        "data_version": DATA_VERSION,
        "code": _code(stage),
        "for_each": stage.for_each,
        "is_view": stage.is_view,
        "parameters": {name: [value.sql_type, value.text()] for name, value in settings.items()},
        "reads": {key: fingerprints[key] for key in graph.upstream[stage.key]},
        "readers": {name: project.sources[name].reader_identity() for name in inputs},
        "files": {name: [file.identity() for file in project.sources[name].files] for name in inputs},
    }


def _code(stage: Stage) -> list[Any]:
    if isinstance(stage, PythonStage):
        return [hashlib.sha256(stage.source.encode()).hexdigest(), sorted(stage.versions.items())]
    return [hashlib.sha256(stage.facts.tokens.encode()).hexdigest()]


def _parts(
    stage: Stage, fingerprint: str, ingredients: Mapping[str, Any], project: Project, store: Store | None
) -> tuple[Part, ...] | None:
    inputs = {table.removeprefix("files.") for table in stage.reads if table.startswith("files.")}
    sources = {name: project.sources[name] for name in inputs}
    if not stage.for_each:
        return (Part(fingerprint, sources=sources),)
    if not stage.for_each.startswith("files."):
        return None
    name = stage.for_each.removeprefix("files.")
    if not sources[name].files:
        return (Part(fingerprint, label="no files", sources=sources),)
    known = store.parts_of_files(next(iter(stage.tables))) if store else {}
    return tuple(
        Part(one.fingerprint, one.label, {**sources, name: replace(sources[name], files=one.files)}, files=one.members)
        for one in bundles(sources[name], ingredients, known)
    )


def _change(now: Mapping[str, Any], before: Mapping[str, Any] | None, moved: set[str]) -> str:
    """Say in a sentence what differs from what readers see now; empty where nothing does."""
    if before is None:
        return "it was never built"
    reasons = []
    code = json.loads(json.dumps(now["code"]))
    if code[0] != before["code"][0] or any(now[name] != before[name] for name in ("for_each", "is_view")):
        reasons.append("its text changed")
    elif code != before["code"]:
        reasons.append("a library that it uses has another version")
    if now["data_version"] != before["data_version"]:
        reasons.append("this release gives other rows")
    for name, value in now["parameters"].items():
        old = before["parameters"].get(name)
        if old != value and old is not None:
            reasons.append(f"{name} changed from {old[1]} to {value[1]}")
    for name, reader in now["readers"].items():
        if json.loads(json.dumps(reader)) != before["readers"].get(name):
            reasons.append(f"the reader of {name} changed")
    for name, files in now["files"].items():
        reasons += _file_changes(json.loads(json.dumps(files)), before["files"].get(name, []))
    changed = [key for key, fingerprint in now["reads"].items() if before["reads"].get(key) != fingerprint]
    gone = [key for key in before["reads"] if key not in now["reads"]]
    if gone and not reasons:
        reasons.append(f"it no longer reads {' and '.join(gone[:2])}")
    if changed and not reasons:
        roots = [key for key in changed if key in moved] or changed
        reasons.append(f"it reads {' and '.join(roots[:2])}, which changed")
    return "; ".join(reasons)


def _file_changes(now: list[Any], before: list[Any]) -> list[str]:
    old = {file[0]: file for file in before}
    new = {file[0]: file for file in now}
    changes = [f"{name} is new" for name in new if name not in old]
    both = [name for name in new if name in old and new[name] != old[name]]
    if any(len(new[name]) != len(old[name]) for name in both):
        return ["files are recognised in another way"]
    changes += [f"{name} changed" for name in both]
    changes += [f"{name} is gone" for name in old if name not in new]
    return changes if len(changes) <= 3 else [*changes[:2], f"{len(changes) - 2} more files changed"]


def parts_told(step: Step, store: Store) -> str:
    """Say how many parts of a step are still to be made; nothing for a stage that is made whole."""
    if not step.stage.for_each or step.action not in ("run", "check"):
        return ""
    if step.parts is None:
        return f"known after {step.stage.for_each}"
    return f"{len(parts_left(step, store))} of {len(step.parts)}"


def parts_left(step: Step, store: Store) -> list[Part]:
    """List the parts that are not there yet; all of them for a forced step."""
    return [
        part
        for part in step.parts or ()
        if step.is_forced or any(store.part(table, part.fingerprint) is None for table in step.stage.tables)
    ]
