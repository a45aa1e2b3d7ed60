"""Commands that build: build, plan, sweep, demo."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recsys_duck.cli.options import how, how_of, json_lines, limits, load, say, what
from recsys_duck.errors import RecsysDuckError

if TYPE_CHECKING:
    from recsys_duck.events import Event

PLAN_WORDS = {"run": "to run", "check": "to check", "reuse": "reused", "left": "not selected"}


@click.command()
@what
@how
@json_lines
def build(as_json: bool, **options: Any) -> None:
    """Build every table and publish the catalog."""
    narrate(_built(options), as_json=as_json)


def _built(options: dict[str, Any]) -> "Iterator[Event]":
    from recsys_duck.build import build as run_build

    project, graph = load(options)
    yield from run_build(project, graph, how_of(options, project))


@click.command()
@what
@how
@click.option("--all", "show_all", is_flag=True, help="Show the stages that are reused, too.")
@json_lines
def plan(as_json: bool, show_all: bool, **options: Any) -> None:
    """Show what a build would run, and why."""
    from recsys_duck.build import plan_build
    from recsys_duck.console import show_rows, told
    from recsys_duck.plan import parts_told
    from recsys_duck.run import warnings
    from recsys_duck.store import Store

    project, graph = load(options)
    made = plan_build(project, graph, how_of(options, project))
    store = Store(project.warehouse)
    shown = [step for step in made.steps if show_all or as_json or step.action not in ("reuse", "left")]
    rows = [(step.action, step.stage.key, parts_told(step, store), step.reason) for step in shown]
    show_rows(("action", "stage", "parts", "why"), rows, style="json" if as_json else "table")
    counts = [f"{len(made.of(action))} {told}" for action, told in PLAN_WORDS.items() if made.of(action)]
    say(", ".join(counts))
    for step in made.of("reuse"):
        for event in warnings(step, step.record) if step.record else ():
            say(told(event) or f"note       {event.message}")


@click.command()
@what
@click.option("--as", "environment", metavar="NAME", help="Environment to keep the table under; default: sweep.")
@limits
@click.option(
    "--format", "style", type=click.Choice(["table", "csv", "json"]), default="table", help="How the table is written."
)
def sweep(style: str, **options: Any) -> None:
    """Judge every combination of parameters, --set alpha=0,1,5 --set seed=0,1.

    The lists of each are built and judged, but not published. The table is kept as eval.sweep in an
    environment of its own: query "from eval.sweep" --as sweep.
    """
    from recsys_duck.console import show_rows
    from recsys_duck.question import read_published
    from recsys_duck.sweep import ENVIRONMENT, TABLE, load_combinations
    from recsys_duck.sweep import sweep as run_sweep
    from recsys_duck.warehouse import Warehouse

    combinations = load_combinations(options["assignments"], lambda chosen: load(options, chosen))
    project = combinations[0].project
    chosen = how_of({**options, "environment": options["environment"] or ENVIRONMENT}, project)
    narrate(run_sweep(combinations, chosen), as_json=False)
    generation = Warehouse(project.warehouse).published(chosen.environment)
    if generation:
        varied = ", ".join([*combinations[0].values, "model_name, metric, k, convention, value, n_users"])
        names, rows = read_published(
            generation.path, f"select {varied} from {TABLE} order by all", folder=project.warehouse
        )
        show_rows(names, rows, style=style)


@click.command()
@click.argument("folder", default="recsys-demo")
def demo(folder: str) -> None:
    """Generate a small listening data set, build everything, show what came out."""
    from recsys_duck.demo import make_demo, tell_demo

    project, graph, how = make_demo(Path(folder))
    from recsys_duck.build import build as run_build

    narrate(run_build(project, graph, how), as_json=False)
    program = "recsys-duck" if shutil.which("recsys-duck") else sys.argv[0]
    click.echo(tell_demo(Path(folder), program))


def narrate(events: Any, *, as_json: bool) -> None:
    """Show events as they come, and the event of an error before it is raised on."""
    from recsys_duck.console import Narrator, failures

    with Narrator(as_json=as_json) as narrator, closing(events):
        try:
            for event in events:
                narrator.show(event)
        except RecsysDuckError as error:
            for event in failures(error):
                narrator.show(event)
            raise
