"""The build: runs a plan stage by stage, asserts each table, and publishes the whole.

A generator of events. Whatever stops it, what is published stays as it was and finished parts stay for
the next build.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from recsys_duck.errors import ProjectError, ResourceError
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


def plan_build(project: Project, graph: Graph, how: How) -> Plan:
    """Plan a build against the warehouse as it stands.

    Raises:
        ProjectError: a selection names nothing.
    """
    warehouse = Warehouse(project.warehouse)
    selected = set().union(*(graph.select(pattern) for pattern in how.select)) if how.select else set(graph.stages)
    return make_plan(
        project,
        graph,
        Store(project.warehouse),
        selected=selected,
        forced=how.force,
        published=warehouse.published_stages(how.environment),
    )


def build(project: Project, graph: Graph, how: How) -> Iterator[Event]:
    """Build and publish; yields what happens.

    Raises:
        BusyError, StageError, CheckError, ResourceError, InterruptedBuildError, TerminatedBuildError:
            nothing is published.
    """
    with building(project) as store:
        plan = plan_build(project, graph, how)
        _refuse_loss(plan, how.environment)
        yield from prelude(plan, how)
        with ExitStack() as stack:
            run = Run(plan, how, store, stack)
            for step in plan.steps:
                yield from run.step(step)
        yield from gated((key, record.ledger) for key, record in run.records.items())
        yield from publish(plan, run.records, how.environment)


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
        except OSError as error:
            raise ResourceError(
                f"can't use the warehouse: {error.strerror}",
                where=str(error.filename or project.warehouse),
                fix="see to space and rights",
            ) from None
        finally:
            store.finish()


def prelude(plan: Plan, how: How) -> Iterator[Event]:
    """Tell what the project sets in vain, what the machine lacks, and how much there is to do."""
    read = {name for step in plan.steps for name in step.stage.parameters} | {"models", *plan.project.off.values()}
    for name, setting in plan.project.settings.items():
        if setting.source in ("recsys.toml", "command line") and name not in read:
            yield Warned("", f"parameter {name} is set, but no stage of kind {plan.project.kind.name} reads it")
    for told in (*plan.project.unread, *plan.project.doubts):
        yield Warned("", told)
    if sys.platform == "linux" and not _has_library("libgomp.so.1"):
        yield Warned("", "libgomp1 is missing, models will not load: apt-get install libgomp1")
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
