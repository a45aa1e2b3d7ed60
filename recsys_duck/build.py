"""The build: runs a plan stage by stage, asserts each table, and publishes the whole.

A generator of events. Whatever stops it, what is published stays as it was and finished parts stay for
the next build.
"""

import ctypes
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from recsys_duck.damage import find_damage
from recsys_duck.engines.faults import BUILDING, shortage
from recsys_duck.errors import DamageError, ProjectError, ResourceError
from recsys_duck.events import Event, Planned, Warned
from recsys_duck.funnel import gated
from recsys_duck.graph import Graph
from recsys_duck.jobs import stoppable
from recsys_duck.lock import build_lock
from recsys_duck.plan import Plan, make_plan
from recsys_duck.project import Project
from recsys_duck.publish import publish
from recsys_duck.run import How, Run
from recsys_duck.store import Store
from recsys_duck.warehouse import Warehouse

T = TypeVar("T")


def plan_build(project: Project, graph: Graph, how: How) -> Plan:
    """Plan a build against the warehouse as it stands.

    Raises:
        ProjectError: a selection names nothing.
    """
    store = Store(project.warehouse)
    store.distrust(find_damage(store, memory_limit=how.memory_limit, threads=how.threads))
    return _planned(project, graph, how, store)


def _planned(project: Project, graph: Graph, how: How, store: Store) -> Plan:
    selected = set().union(*(graph.select(pattern) for pattern in how.select)) if how.select else set(graph.stages)
    return make_plan(
        project,
        graph,
        store,
        selected=selected,
        forced=how.force,
        published=Warehouse(project.warehouse).published_stages(how.environment),
    )


def build(project: Project, graph: Graph, how: How) -> Iterator[Event]:
    """Build and publish; yields what happens.

    Raises:
        BusyError, StageError, CheckError, ResourceError, InterruptedBuildError, TerminatedBuildError:
            nothing is published.
    """
    with building(project) as store:
        drop_damage(store, how)

        def attempt() -> Generator[Event, None, None]:
            plan = _planned(project, graph, how, store)
            _refuse_loss(plan, how.environment)
            yield from prelude(plan, how)
            with ExitStack() as stack:
                run = Run(plan, how, store, stack)
                for step in plan.steps:
                    yield from run.step(step)
            yield from gated((key, record.ledger) for key, record in run.records.items())
            yield from publish(plan, run.records, how)

        yield from repairing(attempt, store)


def drop_damage(store: Store, how: How) -> None:
    """Take away the table files that changed after they were written and can't be read: they are built again."""
    suspects = store.suspects()
    damaged = find_damage(store, memory_limit=how.memory_limit, threads=how.threads)
    for path in suspects:
        if path in damaged:
            store.discard(path)
        else:
            store.vouch(path)


def repairing(attempt: Callable[[], Generator[Event, None, T]], store: Store) -> Generator[Event, None, T]:
    """Run a plan; where a table file turns out to be damaged, drop it and go on with a new plan.

    Raises:
        DamageError: a file that was made again is damaged again.
    """
    dropped: set[Path] = set()
    while True:
        try:
            return (yield from attempt())
        except DamageError as error:
            if dropped & set(error.paths):
                raise
            dropped |= set(error.paths)
            for path in error.paths:
                store.discard(path)


@contextmanager
def building(project: Project) -> Iterator[Store]:
    """Hold the warehouse as its one builder, stoppable, with a temporary folder that is gone afterwards.

    Raises:
        BusyError: another build holds it.
        ResourceError: its disk fails.
    """
    with stoppable(), build_lock(project.warehouse):
        store = Store(project.warehouse)
        store.start()
        try:
            yield store
        except (OSError, RuntimeError) as error:
            known = shortage(error, str(project.warehouse), BUILDING)
            if known or not isinstance(error, OSError):
                raise known or error from None
            raise ResourceError(
                f"can't use the warehouse: {error.strerror or error}",
                where=str(error.filename or project.warehouse),
                fix="check the disk and the permissions of this path, then build again",
            ) from None
        finally:
            store.finish()


def prelude(plan: Plan, how: How) -> Iterator[Event]:
    """Tell what has no effect, what the machine lacks, and how much there is to do."""
    for told in plan.project.unread:
        yield Warned("", told)
    if sys.platform == "linux" and not _has_library("libgomp.so.1"):
        yield Warned("", "libgomp1 is missing, models will not load: apt-get install libgomp1")
    for step in plan.steps:
        for path in step.lost:
            yield Warned(step.stage.key, f"its table file {path} is missing or damaged, and is built again")
    yield Planned(
        n_run=len(plan.of("run")),
        n_check=len(plan.of("check")),
        n_reused=len(plan.of("reuse")),
        memory_mb=how.memory_limit // 10**6,
        threads=how.threads,
    )


def _refuse_loss(plan: Plan, environment: str) -> None:
    """Refuse a selection that would take tables away from those who read the environment.

    Raises:
        ProjectError: names what would be lost.
    """
    current = Warehouse(plan.project.warehouse).published(environment)
    if current and not current.stages:
        raise ProjectError(
            f"{environment} is what a sweep publishes, a build would take its table away",
            where="--as, or environment in recsys.toml",
            fix="give another name",
        )
    shown = current.stages if current else {}
    lost = [step.stage.key for step in plan.of("left") if step.record is None and step.stage.key in shown]
    if lost:
        raise ProjectError(
            f"{environment} would lose {', '.join(lost[:3])}{' …' if len(lost) > 3 else ''}",
            where="--select, with parameters or inputs that those depend on too",
            fix="select them too, build everything, or publish under another name: --as NAME",
        )


def _has_library(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
