"""Parts: the Parquet that a step writes, one file, one per source file, one per planning row, or a view.

Owns what runs side by side, and that a finished part is in place under its fingerprint at once: a
killed build goes on where it was.
"""

import threading
import time
import traceback
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from recsys_duck import memory
from recsys_duck.engines import Engine, Query, Written
from recsys_duck.engines.faults import BUILDING, shortage
from recsys_duck.errors import InterruptedBuildError, RecsysDuckError, StageError
from recsys_duck.events import Event, Progress, Started, Warned
from recsys_duck.intake import Intake, Porter, file_records, silent
from recsys_duck.jobs import run_jobs, run_one
from recsys_duck.parameters import Value
from recsys_duck.plan import Part, Step, block_part, parts_left
from recsys_duck.project import Project
from recsys_duck.source import changed
from recsys_duck.stage import PythonStage, SqlStage, Stage
from recsys_duck.store import PartRecord, StepRecord, Store

PROGRESS_S = 0.3


@dataclass(frozen=True, slots=True)
class StageInputs:
    """What a Python stage is handed: parameters, declared tables as Arrow batches, memory and threads."""

    parameters: Mapping[str, Any]
    memory_bytes: int
    threads: int
    engine: Engine
    reads: tuple[str, ...]
    stop: threading.Event
    loaded: Any = None

    def n_rows(self, table: str) -> int:
        """Count the rows of a declared table."""
        return int(self.engine.fetch(self._query(table, "count(*)"))[0][0])

    def batches(self, table: str, *columns: str, at_a_time: int = 100_000) -> Iterator[Any]:
        """Read columns of a declared table as pyarrow.RecordBatches, at least one, in the order rows are stored."""
        return self.engine.batches(self._query(table, ", ".join(columns) or "*"), at_a_time)

    def refuse_stop(self) -> None:
        """Raise where the build was told to stop.

        Raises:
            InterruptedBuildError: it was.
        """
        if self.stop.is_set():
            raise InterruptedBuildError("interrupted")

    def _query(self, table: str, columns: str) -> Query:
        if table not in self.reads:
            raise StageError(f"{table} is read but not declared", fix="add it to the stage's reads")
        return Query(f"select {columns} from {table}", where=table)


class PartMaker:
    """Writes the parts of steps on an engine, within a memory limit and a number of threads."""

    def __init__(self, project: Project, engine: Engine, store: Store, memory_limit: int, threads: int) -> None:
        self._project = project
        self._engine = engine
        self._store = store
        self._memory_limit = memory_limit
        self._threads = threads

    def make(self, step: Step, records: Mapping[str, StepRecord]) -> Generator[Event, None, StepRecord]:
        """Write what a step lacks; yields progress and returns the step's record, not yet asserted.

        Raises:
            StageError, ResourceError, InterruptedBuildError: what was finished stays.
        """
        if isinstance(step.stage, PythonStage):
            return (yield from self._make_in_python(step, step.stage))
        started = time.monotonic()
        stage = step.stage
        if stage.is_view:
            yield Started(stage.key, step.reason, 0)
            query = self._query(step, (step.parts or ())[0])
            columns = run_one(self._engine, lambda: self._engine.columns(query))
            self._refuse_broken_contract(stage, columns, records)
            return replace(_new_record(step), select=self._engine.text_of(query), columns=columns)
        if step.parts is None:
            step = replace(step, parts=self._blocks(step, stage))
        left = parts_left(step, self._store)
        yield Started(stage.key, step.reason, len(left))
        made: list[PartRecord] = []
        tasks = [partial(self._write, step, stage, part) for part in left]
        told = started
        for finished in run_jobs(self._engine, tasks, self._at_a_time(left, stage)):
            made += [record for record, _ in finished]
            if finished or time.monotonic() - told > PROGRESS_S:
                told = time.monotonic()
                yield Progress(stage.key, len(made), len(left), self._engine.progress(), round(told - started, 3))
            for _, warnings in finished:
                yield from (Warned(stage.key, told) for told in warnings)
        fresh = {part.fingerprint: part for part in made}
        found = [
            fresh.get(part.fingerprint) or self._store.part(stage.table, part.fingerprint) for part in step.parts or ()
        ]
        parts = tuple(part for part in found if part is not None)
        columns = parts[0].columns
        self._refuse_broken_contract(stage, columns, records)
        return replace(_new_record(step), parts=parts, columns=columns, elapsed_s=round(time.monotonic() - started, 3))

    def _blocks(self, step: Step, stage: Stage) -> tuple[Part, ...]:
        """One part per row of the planning table; none of them for an empty one but a typed, empty part."""
        columns = self._engine.columns(Query(f"select * from {stage.for_each}", where=stage.key))
        names = ", ".join(f'"{name}"' for name, _ in columns)
        rows = self._engine.fetch(Query(f"select {names} from {stage.for_each} order by all", where=stage.key))
        parts = tuple(
            block_part(
                stage,
                step.ingredients,
                {name: Value(sql_type, data) for (name, sql_type), data in zip(columns, row, strict=True)},
            )
            for row in rows
        )
        if len({part.fingerprint for part in parts}) < len(parts):
            raise StageError(
                f"two rows of {stage.for_each} give {stage.key} the same values",
                where=stage.place if isinstance(stage, SqlStage) else stage.key,
                fix="use a column that tells them apart, or make the rows distinct",
            )
        nothing = {name: Value(sql_type, None) for name, sql_type in columns}
        return parts or (replace(block_part(stage, step.ingredients, nothing), label="", no_rows=True),)

    def _write(self, step: Step, stage: SqlStage, part: Part) -> tuple[PartRecord, list[str]]:
        """Write one part and put it in place; gives what a reader should know of its files, too."""
        name = self._store.new_folder(stage.table, part.fingerprint)
        scratch = self._store.scratch(stage.table, name)
        porter = Porter(self._engine, self._store.scratch(stage.table, f"{name}.copies"))
        try:
            intakes = {input_name: porter.take(source) for input_name, source in part.sources.items()}
            written = self._written(step, part, porter, intakes, scratch / "data.parquet")
        except StageError:
            _refuse_changed(stage, part)  # the likelier reason, told instead
            raise
        gated = intakes.get(stage.contract.gate_of.removeprefix("files."))
        if gated:
            porter.count(gated)
        _refuse_changed(stage, part)
        warnings = [told for intake in intakes.values() for told in intake.warnings]
        documents = intakes.get(stage.for_each.removeprefix("files."))
        if documents and not documents.rows and written.n_rows == 0:
            warnings += [silent(file) for file in documents.source.files if not file.is_empty]
        record = PartRecord(
            *(stage.table, name, part.fingerprint, part.label, written.n_rows, written.n_bytes, written.columns),
            n_read=gated.n_rows if gated else None,
        )
        self._store.adopt(scratch, record, file_records(intakes, part.files))
        return record, warnings

    def _written(self, step: Step, part: Part, porter: Porter, intakes: Mapping[str, Intake], target: Path) -> Written:
        """Run a part's query; where DuckDB fails on a text file, once more over a copy of its records."""
        for is_last in (False, True):
            sources = {name: intake.readable for name, intake in intakes.items()}
            try:
                return self._engine.write(self._query(step, replace(part, sources=sources)), target)
            except StageError:
                if is_last or not _copied(porter, intakes.values()):
                    raise
        raise AssertionError("a part is written or raises")

    def _query(self, step: Step, part: Part) -> Query:
        stage = step.stage
        if not isinstance(stage, SqlStage):
            raise StageError("a Python stage has no query", where=stage.key)
        settings = {name: setting.value for name, setting in self._project.settings.items()}
        where = f"{stage.place}, {part.label}" if part.label else stage.place
        return Query(
            stage.text,
            stage.facts.places,
            {**settings, **part.values},
            part.sources,
            where,
            no_rows=part.no_rows,
        )

    def _at_a_time(self, parts: list[Part], stage: SqlStage) -> int:
        documents = [
            file.n_bytes
            for part in parts
            for source in part.sources.values()
            if source.input.format == "json_records"
            for file in source.files
        ]
        return memory.parts_at_a_time(self._memory_limit, self._threads, max(documents, default=0))

    def _make_in_python(self, step: Step, stage: PythonStage) -> Generator[Event, None, StepRecord]:
        started = time.monotonic()
        stop = threading.Event()
        inputs = StageInputs(
            parameters=_parameters(self._project, stage),
            memory_bytes=memory.arrays_share(self._memory_limit, is_model=stage.is_model),
            threads=self._threads,
            engine=self._engine,
            reads=tuple(table for table in stage.reads if table != stage.for_each),
            stop=stop,
        )
        if step.parts is None:
            step = replace(step, parts=self._blocks(step, stage))
        # made whole, it is made again: what a killed build left of it may be some of its tables
        left = parts_left(step, self._store) if stage.for_each else list(step.parts or ())
        need = run_one(self._engine, lambda: stage.need(inputs)) if left else 0
        yield Started(stage.key, step.reason, len(left), -(-need // 10**6))
        memory.refuse_need(stage.key, need, self._memory_limit, is_model=stage.is_model)
        made: dict[str, list[PartRecord]] = {}

        def write() -> None:
            with _told_as_its_own(stage):
                shared = replace(inputs, loaded=stage.load(inputs))
            for part in left:
                values = {name: value.data for name, value in part.values.items()}
                block = replace(shared, parameters={**shared.parameters, **values})
                made[part.fingerprint] = self._run_in_python(stage, part, block)

        if left:
            with self._engine.lean(memory.LENT_SQL_BYTES):
                for _ in run_jobs(self._engine, [write], 1, stop=stop):
                    yield Progress(stage.key, len(made), len(left), None, round(time.monotonic() - started, 3))
            memory.give_back()
        parts = [made.get(part.fingerprint) or self._found(stage, part) for part in step.parts or ()]
        found = tuple(one for records in parts for one in records)
        return replace(_new_record(step), parts=found, elapsed_s=round(time.monotonic() - started, 3))

    def _run_in_python(self, stage: PythonStage, part: Part, inputs: StageInputs) -> list[PartRecord]:
        """Call a stage's function for one part and write what it gives, a file a table."""
        with _told_as_its_own(stage):
            made = stage.run(inputs)
        if set(made) != set(stage.tables):
            what = f"the stage gave {', '.join(made) or 'nothing'}"
            raise StageError(what, where=stage.key, fix=f"return {', '.join(stage.tables)}")
        records = []
        for table, batches in made.items():
            name = self._store.new_folder(table, part.fingerprint)
            scratch = self._store.scratch(table, name)
            with _told_as_its_own(stage):  # batches may be made while they are written
                written = self._engine.write_batches(batches, scratch / "data.parquet")
            wanted = [column.name for column in stage.tables[table].columns]
            if [name for name, _ in written.columns] != wanted:
                what = f"{table} has other columns than declared"
                raise StageError(what, where=stage.key, fix=f"give {', '.join(wanted)}")
            record = PartRecord(
                table, name, part.fingerprint, part.label, written.n_rows, written.n_bytes, written.columns
            )
            self._store.adopt(scratch, record)
            records.append(record)
        return records

    def _found(self, stage: PythonStage, part: Part) -> list[PartRecord]:
        found = [self._store.part(table, part.fingerprint) for table in stage.tables]
        return [record for record in found if record is not None]

    def _refuse_broken_contract(
        self, stage: SqlStage, columns: tuple[tuple[str, str], ...], records: Mapping[str, StepRecord]
    ) -> None:
        contract = self._project.contract
        wanted = contract.get(stage.table, {})
        known = {
            name: found
            for key, record in records.items()
            if key in contract
            for name, found in record.columns
            if contract[key].get(name) == "id"
        }
        for name, found in columns:
            if name not in wanted:
                continue
            allowed: tuple[str, ...] = (wanted[name].upper(),)
            if wanted[name] == "id":
                allowed = (known[name],) if name in known else ("BIGINT", "VARCHAR")
            if found not in allowed:
                raise StageError(
                    f"{stage.table}.{name} is {found}, the staging contract asks for {' or '.join(allowed)}",
                    where=stage.place,
                    fix=f"cast it: try_cast(… as {allowed[0].lower()})",
                )


def refuse_least_need(project: Project, stage: PythonStage, memory_limit: int) -> None:
    """Refuse a limit that a Python stage does not even fit in without a row, before anything runs.

    Raises:
        ResourceError: says what it needs.
    """
    inputs: Any = SimpleNamespace(parameters=_parameters(project, stage), n_rows=lambda _: 0)
    memory.refuse_need(stage.key, stage.need(inputs), memory_limit, is_model=stage.is_model)


def _parameters(project: Project, stage: PythonStage) -> dict[str, Any]:
    return {name: project.settings[name].value.data for name in stage.parameters if name in project.settings}


@contextmanager
def _told_as_its_own(stage: PythonStage) -> Iterator[None]:
    """Turn whatever a Python stage raises into its own error, but for memory, disk and threads."""
    try:
        yield
    except RecsysDuckError:
        raise
    except Exception as error:
        known = shortage(error, stage.key, BUILDING)
        if known:
            raise known from None
        cause = "".join(traceback.format_exception(error))
        raise StageError(f"the stage raised {type(error).__name__}", where=stage.key, cause=cause) from None


def _copied(porter: Porter, intakes: Iterable[Intake]) -> bool:
    """Copy what DuckDB fails on, of every input; false where there is nothing of the kind."""
    return sum(porter.again(intake) for intake in intakes) > 0


def _refuse_changed(stage: SqlStage, part: Part) -> None:
    for source in part.sources.values():
        for file in source.files:
            if changed(file):
                raise StageError(f"{file.shown} changed while it was read", where=stage.key, fix="build again")


def _new_record(step: Step) -> StepRecord:
    return StepRecord(step.stage.key, step.fingerprint, step.ingredients)
