"""Publishing: the records of a build become one catalog, put in place whole, or not at all."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial

from recsys_duck.catalog import Catalog
from recsys_duck.damage import is_sign, unreadable
from recsys_duck.errors import DamageError, StageError
from recsys_duck.events import Event, Published, Warned
from recsys_duck.jobs import run_one
from recsys_duck.mapping import SHOWN, listed
from recsys_duck.meta import meta_tables
from recsys_duck.plan import Plan
from recsys_duck.project import Project
from recsys_duck.relation import definitions, relations
from recsys_duck.run import How, open_engine
from recsys_duck.stage import TOLD
from recsys_duck.store import PartRecord, StepRecord, Store
from recsys_duck.warehouse import Generation, Warehouse


def make_catalog(project: Project, records: Mapping[str, StepRecord], store: Store) -> Catalog:
    """Gather what readers will see: relations, comments, macros whose tables are there, meta."""
    tables = dict.fromkeys(table for key in records for table in project.stages[key].tables)
    found = relations(project.stages, records, tables, store)
    comments: dict[str, tuple[str, Mapping[str, str]]] = {}
    for relation in found:
        makers = [project.stages[key] for key in records if relation.name in project.stages[key].tables]
        contract = makers[0].tables[relation.name]
        about = contract.about
        if len(makers) > 1:
            about = " ".join(f"{one.part}: {one.tables[relation.name].about}" for one in makers)
        columns = {column.name: column.comment for column in contract.columns if column.comment}
        for name in definitions(relation):
            is_rejected = name != relation.name
            told = f"Rejected rows of {relation.name}, with reject_reason." if is_rejected else about
            kept = {one: text for one, text in columns.items() if is_rejected or one not in TOLD}
            comments[name] = (told, kept)
    macros = tuple(macro for macro in project.macros if set(macro.reads) <= set(tables))
    stages = {key: project.stages[key] for key in records}
    counted = {
        (one.input, one.shown): one
        for record in records.values()
        for part in record.parts
        for one in store.files_of(part)
    }
    meta = meta_tables(stages, records, project.settings, project.sources, counted)
    return Catalog(tuple(found), comments, macros, meta)


def publish(plan: Plan, records: Mapping[str, StepRecord], how: How) -> Iterator[Event]:
    """Publish a build's records under an environment's name, unless readers see the same already.

    Raises:
        DamageError: a table file can't be read any more; nothing is published.
        StageError, ResourceError: the catalog can't be written or read; nothing is published.
    """
    store = Store(plan.project.warehouse)
    left = [step.stage.key for step in plan.of("left") if step.stage.key not in records]
    if left:
        n_left = f"{len(left)} stages" if len(left) > 1 else "1 stage"
        told = f"--select leaves out {n_left} that no earlier build made, so they are not in this generation"
        yield Warned("", f"{told}: {listed(left, SHOWN)}")
    parts = [part for record in records.values() for part in record.parts]
    stages = {key: record.fingerprint for key, record in records.items()}
    try:
        yield from put_in_place(
            make_catalog(plan.project, records, store), store, how.environment, stages=stages, parts=parts
        )
    except StageError as error:
        with closing(open_engine(how, store)) as engine:
            paths = [store.part_path(part) for part in parts] if is_sign(error.cause) else []
            damaged = run_one(engine, partial(unreadable, engine, paths))
        if damaged:
            raise DamageError(damaged, cause=error.cause) from None
        raise


def put_in_place(
    catalog: Catalog, store: Store, environment: str, *, stages: Mapping[str, str], parts: Sequence[PartRecord]
) -> Iterator[Event]:
    """Publish a catalog over parts under an environment's name, unless readers see the same already."""
    started = time.monotonic()
    warehouse = Warehouse(store.warehouse)
    if warehouse.drop_stale_log(environment):
        yield Warned("", f"removed {environment}.duckdb.wal: someone had opened the catalog read-write")
    current = warehouse.published(environment)
    moved_from = warehouse.moved_from(current) if current else ""
    if moved_from:
        yield Warned("", f"the warehouse was moved or copied from {moved_from}: {environment} is published again")
    is_new = (
        bool(moved_from)
        or current is None
        or current.signature != catalog.signature()
        or not warehouse.is_intact(current)
    )
    if current is None or is_new:
        current = warehouse.publish(
            catalog,
            environment,
            published_at=datetime.now(UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00"),
            stages=stages,
            files={str(store.part_path(part).relative_to(store.tables)): part.n_bytes for part in parts},
            n_rows=sum(part.n_rows for part in parts),
        )
    own, shared_with = own_bytes(warehouse, current)
    yield Published(
        environment=environment,
        generation=current.number,
        is_new=is_new,
        catalog=str(warehouse.catalog_path(environment)),
        n_tables=current.n_tables,
        n_bytes=current.n_bytes,
        n_bytes_own=own,
        shared_with=", ".join(shared_with),
        elapsed_s=round(time.monotonic() - started, 3),
    )


def own_bytes(warehouse: Warehouse, generation: Generation) -> tuple[int, list[str]]:
    """Count the bytes that no other environment shows, and name those that share the rest."""
    others = {
        name: published
        for name in warehouse.environments()
        if name != generation.environment and (published := warehouse.published(name))
    }
    shared = {file for other in others.values() for file in other.files}
    own = sum(n_bytes for file, n_bytes in generation.files.items() if file not in shared)
    return own, [name for name, other in others.items() if set(other.files) & set(generation.files)]
