"""A run: the steps of a plan, one after the other, each asserted before anyone reads it.

Owns the engine while steps run. Yields what happens; publishes nothing.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from recsys_duck import memory
from recsys_duck.damage import is_sign, unreadable
from recsys_duck.engines import Engine, Query
from recsys_duck.engines.duckdb import DuckdbEngine
from recsys_duck.errors import DamageError, ProjectError, StageError
from recsys_duck.events import Built, Event, Noted, Skipped, Started, Warned
from recsys_duck.gate import Judge
from recsys_duck.jobs import run_one
from recsys_duck.parts import PartMaker, refuse_least_need
from recsys_duck.plan import Plan, Step
from recsys_duck.relation import relation_of, relations
from recsys_duck.sentence import messages
from recsys_duck.stage import PythonStage, SqlStage, Stage
from recsys_duck.store import CheckRecord, StepRecord, Store
from recsys_duck.verify import Subject, count_reasons, raise_failures, verify


@dataclass(frozen=True, slots=True)
class How:
    """How a build runs; none of it changes a row."""

    environment: str
    memory_limit: int
    threads: int
    select: tuple[str, ...] = ()
    force: bool = False


def open_engine(how: How, store: Store, *, has_models: bool = False) -> Engine:
    """Open the engine that a build runs on, within its limits."""
    share = memory.sql_share(how.memory_limit, has_models=has_models)
    return DuckdbEngine(memory_bytes=share, threads=how.threads, temporary=store.temporary / "spill")


class Run:
    """One run of a plan: its engine, and the records of the steps so far."""

    def __init__(self, plan: Plan, how: How, store: Store, stack: ExitStack) -> None:
        self.records: dict[str, StepRecord] = {}
        self._project = plan.project
        self._plan = plan
        self._how = how
        self._store = store
        self._engine: Engine | None = None
        if plan.of("run") or plan.of("check"):
            for step in plan.of("run"):
                if isinstance(step.stage, PythonStage):
                    refuse_least_need(plan.project, step.stage, how.memory_limit)
            # reused ones too: an earlier run of the same process may have loaded their libraries
            has_models = any(
                isinstance(step.stage, PythonStage) and step.stage.is_model
                for step in plan.steps
                if step.action != "left"
            )
            self._engine = stack.enter_context(closing(open_engine(how, store, has_models=has_models)))

    def step(self, step: Step) -> Iterator[Event]:
        """Run, check or reuse a stage, and make its tables readable.

        Raises:
            DamageError: a table file that it reads can't be read any more.
            StageError, CheckError, ResourceError, InterruptedBuildError: what was finished stays.
        """
        try:
            yield from self._step(step)
        except StageError as error:
            self._refuse_damage(step, error)
            raise

    def _refuse_damage(self, step: Step, error: StageError) -> None:
        """Look at what a failed step reads, where the failure may be that of a file.

        Raises:
            DamageError: some of it can't be read to its end.
        """
        if self._engine is None or not is_sign(error.cause):
            return
        engine, left, paths = self._engine, [step.stage.key], set()
        seen = set(left)
        while left:
            key = left.pop()
            record = self.records.get(key) or (step.record if key == step.stage.key else None)
            paths |= {self._store.part_path(part) for part in record.parts} if record else set()
            if key == step.stage.key or self._project.stages[key].is_view:
                new = set(self._plan.graph.upstream[key]) - seen
                seen |= new
                left += new
        damaged = run_one(engine, partial(unreadable, engine, sorted(paths)))
        if damaged:
            raise DamageError(damaged, cause=error.cause) from None

    def _step(self, step: Step) -> Iterator[Event]:
        key = step.stage.key
        if step.action in ("reuse", "left"):
            if step.record is not None:
                self._keep(step, step.record)
            if step.action == "reuse" and step.record is not None:
                yield Skipped(key, step.reason)
                yield from warnings(step, step.record)
            return
        started = time.monotonic()
        if step.action == "check" and step.record is not None:
            yield Started(key, step.reason, 0)
            record = step.record
        else:
            self._refuse_missing_inputs(step)
            maker = PartMaker(self._project, self.engine, self._store, self._how.memory_limit, self._how.threads)
            record = yield from maker.make(step, self.records)
        record = self._assert(step, record)
        self._keep(step, record)
        yield from warnings(step, record)
        rejected = sum(n_rows for reason, n_rows in record.ledger.items() if reason not in ("in", "kept"))
        n_rows = sum(part.n_rows for part in record.parts)
        n_bytes = sum(part.n_bytes for part in record.parts)
        yield Built(
            stage=key,
            made="checked" if step.action == "check" else "built",
            made_as="view" if step.stage.is_view else "table",
            n_rows=n_rows,
            n_bytes=n_bytes,
            n_rejected=rejected,
            elapsed_s=round(time.monotonic() - started, 3),
        )

    @property
    def engine(self) -> Engine:
        """The session; it is open whenever something runs."""
        assert self._engine is not None, "a step runs without an engine"
        return self._engine

    def _refuse_missing_inputs(self, step: Step) -> None:
        for table in step.stage.reads:
            if not table.startswith("files.") and not any(
                table in self._project.stages[key].tables for key in self.records
            ):
                raise ProjectError(
                    f"{step.stage.key} reads {table}, which is not built",
                    where="--select",
                    fix=f"build what it needs too: --select +{step.stage.key}",
                )

    def _assert(self, step: Step, record: StepRecord) -> StepRecord:
        """Assert every table of a step and save its record; what does not hold is raised, and not saved."""
        stage = step.stage
        outcomes: tuple[CheckRecord, ...] = ()
        ledger = dict(record.ledger)
        for table, contract in stage.tables.items():
            makers = [*self._other_parts(step, table), (stage, record)]
            self.engine.define(relation_of(table, makers, self._store))
            n_rows = sum(part.n_rows for _, one in makers for part in one.of_table(table))
            n_read = _n_read(record) if contract.gate_of else None
            gate_input = self._gate_input(step) if n_read is None else n_read
            subject = Subject(stage, contract, table, n_rows, gate_input, is_whole=len(makers) == 1)
            if contract.gate_of:
                counts = run_one(self.engine, partial(count_reasons, self.engine, table))
                ledger = {"in": sum(counts.values()), **counts}
                subject = replace(subject, counts=counts)
            found = run_one(self.engine, partial(verify, self.engine, subject, record.checks))
            raise_failures(subject, found)
            if contract.gate_of:
                judge = Judge(self.engine, self._project.sources)
                found += (run_one(self.engine, partial(judge.share, stage, contract, table, ledger)),)
            outcomes += found
        record = replace(record, checks=outcomes, ledger=ledger, built_at=record.built_at or _now())
        self._store.save(record)
        return record

    def _other_parts(self, step: Step, table: str) -> list[tuple[Stage, StepRecord]]:
        """Find the other named parts of a table that stand: grain and checks hold over all together."""
        known = {one.stage.key: one.record for one in self._plan.of("reuse") if one.record} | self.records
        return [
            (self._project.stages[key], record)
            for key, record in known.items()
            if key != step.stage.key and table in self._project.stages[key].tables
        ]

    def _gate_input(self, step: Step) -> Query | None:
        stage = step.stage
        if not isinstance(stage, SqlStage) or not stage.contract.gate_of:
            return None
        places = tuple(place for place in stage.facts.places if place.name == stage.contract.gate_of)[:1]
        head = "select count(*) from "
        moved = tuple(replace(place, start=len(head), end=len(head) + len(place.name), alias="") for place in places)
        return Query(head + stage.contract.gate_of, moved, {}, self._project.sources, stage.key)

    def _keep(self, step: Step, record: StepRecord) -> None:
        """Make the step's tables readable for the stages after it: all parts that stand so far."""
        self.records[step.stage.key] = record
        if self._engine is not None:
            for relation in relations(self._project.stages, self.records, step.stage.tables, self._store):
                self._engine.define(relation)


def _n_read(record: StepRecord) -> int | None:
    """Count the rows that a gate's files have by their lines; None where they have none to count."""
    counts = [part.n_read for part in record.parts]
    return None if None in counts or not counts else sum(count for count in counts if count is not None)


def warnings(step: Step, record: StepRecord) -> Iterator[Warned | Noted]:
    """Tell the checks that warn or note, at every build as long as they do."""
    for contract in step.stage.tables.values():
        sentences = {check.predicate: check.sentence for check in contract.checks}
        for check in record.checks:
            if check.n_failed and check.kind == "share":
                yield Warned(step.stage.key, check.examples)
            if check.n_failed and check.text in sentences:
                event = Noted if check.severity == "note" else Warned
                for message in messages(check, sentences[check.text]):
                    yield event(step.stage.key, message)


def _now() -> str:
    return datetime.now(UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
