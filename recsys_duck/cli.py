"""The command line: reads what is asked, calls the package, shows what happens.

The only module that exits. Imports of DuckDB and the like wait until a command needs them, so that
`--help` is there at once.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from recsys_duck import __version__
from recsys_duck.errors import RecsysDuckError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recsys_duck.build import How
    from recsys_duck.events import Event
    from recsys_duck.graph import Graph
    from recsys_duck.project import Project
    from recsys_duck.settings import Given

PLAN_WORDS = {"run": "to run", "check": "to check", "reuse": "reused", "left": "not selected"}
Command = TypeVar("Command", bound=Callable[..., Any])


def _options(*decorators: Callable[[Any], Any]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


_place = _options(
    click.option(
        "--project", default=".", metavar="DIR", help="Folder of the project, with recsys.toml if there is one."
    ),
    click.option("--warehouse", metavar="DIR", help="Folder of the warehouse; default: warehouse in the project."),
)
_what = _options(
    _place,
    click.option("--kind", metavar="KIND", help="Layout of the source: mpd, events."),
    click.option("--files", multiple=True, metavar="[INPUT=]GLOB", help="Files of an input; repeatable."),
    click.option(
        "--reader",
        multiple=True,
        metavar="INPUT.OPTION=VALUE",
        help="How an input is read: format, delimiter, encoding …",
    ),
    click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="NAME=VALUE",
        help="A parameter's value, in TOML; bare words are text, null is off.",
    ),
    click.option("--hash-files", is_flag=True, help="Recognise source files by content, not by size and time."),
)
_how = _options(
    click.option("--as", "environment", metavar="NAME", help="Environment to publish under; default: recsys."),
    click.option(
        "--select",
        multiple=True,
        metavar="[+]TABLE[+]",
        help="Only this table; + in front: and what it needs; + behind: and what needs it.",
    ),
    click.option("--force", is_flag=True, help="Run the selected stages again, though their tables are there."),
    click.option(
        "--memory-limit", metavar="SIZE", help="Memory of the whole process, as 2GB; default: 60 % of what there is."
    ),
    click.option("--threads", type=click.IntRange(1), metavar="N", help="Threads; default: all processors."),
)
_json = click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="recsys-duck")
def cli() -> None:
    """Recommendation data of any size, in SQL: build a warehouse, ask it anything."""


@cli.command()
@_what
@_how
@_json
def build(as_json: bool, **options: Any) -> None:
    """Build every table and publish the catalog."""
    _narrate(_built(options), as_json=as_json)


def _built(options: dict[str, Any]) -> "Iterator[Event]":
    from recsys_duck.build import build as run_build

    project, graph = _load(options)
    yield from run_build(project, graph, _how_of(options, project))


@cli.command()
@_what
@_how
@click.option("--all", "show_all", is_flag=True, help="Show the stages that are reused, too.")
@_json
def plan(as_json: bool, show_all: bool, **options: Any) -> None:
    """Show what a build would run, and why."""
    from recsys_duck.build import plan_build
    from recsys_duck.console import show_rows
    from recsys_duck.plan import parts_told
    from recsys_duck.store import Store

    project, graph = _load(options)
    made = plan_build(project, graph, _how_of(options, project))
    store = Store(project.warehouse)
    shown = [step for step in made.steps if show_all or as_json or step.action not in ("reuse", "left")]
    rows = [(step.action, step.stage.key, parts_told(step, store), step.reason) for step in shown]
    show_rows(("action", "stage", "parts", "why"), rows, style="json" if as_json else "table")
    counts = [f"{len(made.of(action))} {told}" for action, told in PLAN_WORDS.items() if made.of(action)]
    click.echo(", ".join(counts), err=True)


@cli.command()
@_what
@_json
def params(as_json: bool, **options: Any) -> None:
    """Show every parameter: its value, where that comes from, what it does."""
    from recsys_duck.console import show_rows
    from recsys_duck.settings import load_settings

    _, _, _, settings = load_settings(_given(options))
    rows = [
        (name, one.value.text(), one.parameter.unit, one.source, one.parameter.range_text(), one.parameter.about)
        for name, one in sorted(settings.items())
    ]
    show_rows(("parameter", "value", "unit", "set by", "range", "about"), rows, style="json" if as_json else "table")


@cli.command()
@_place
@_json
def status(as_json: bool, **options: Any) -> None:
    """Show what is published, how large it is, and who builds."""
    from recsys_duck.console import show_rows, size
    from recsys_duck.lock import holder
    from recsys_duck.publish import own_bytes
    from recsys_duck.warehouse import Warehouse

    warehouse = Warehouse(_warehouse_folder(options))
    rows = []
    for name in warehouse.environments():
        generation = warehouse.published(name)
        if generation:
            own, _ = own_bytes(warehouse, generation)
            rows.append(
                (
                    name,
                    generation.number,
                    generation.published_at,
                    generation.n_tables,
                    generation.n_rows,
                    size(generation.n_bytes),
                    size(own),
                )
            )
    names = ("environment", "generation", "published at (UTC)", "tables", "rows", "size", "not shared")
    show_rows(names, rows, style="json" if as_json else "table")
    builder = holder(warehouse.folder)
    click.echo(f"building: {builder}" if builder else "nobody builds", err=True)


@cli.command()
@click.argument("question", required=False)
@_place
@click.option("--as", "environment", metavar="NAME", help="Environment to ask; default: recsys.")
@click.option(
    "--format", "style", type=click.Choice(["table", "csv", "json"]), default="table", help="How the answer is written."
)
def query(question: str | None, environment: str | None, style: str, **options: Any) -> None:
    """Ask the published catalog one SELECT, a file of it, or a shipped example by name.

    Without a question, lists the examples.
    """
    from recsys_duck.console import show_rows
    from recsys_duck.examples import example_questions, question_text
    from recsys_duck.warehouse import read_published

    if question is None:
        show_rows(("example", "what it answers"), example_questions(), style=style)
        return
    warehouse, generation = _published(environment, options)
    names, rows = read_published(generation, question_text(question), folder=warehouse)
    show_rows(names, rows, style=style)


@cli.command()
@click.argument("stage")
@_what
def sql(stage: str, **options: Any) -> None:
    """Print a stage with its parameters filled in: it pastes into a shell and runs."""
    from recsys_duck.printing import printed_stage

    project, graph = _load(options)
    click.echo(printed_stage(project, graph, stage))


@cli.command()
@click.argument("folder", default="recsys-demo")
def demo(folder: str) -> None:
    """Generate a small listening data set, build everything, show what came out."""
    from recsys_duck.demo import make_demo, tell_demo

    project, graph, how = make_demo(Path(folder))
    from recsys_duck.build import build as run_build

    _narrate(run_build(project, graph, how), as_json=False)
    program = "recsys-duck" if shutil.which("recsys-duck") else sys.argv[0]
    click.echo(tell_demo(Path(folder), program))


def main() -> None:
    """Run the command line; ends the process with the exit code of what happened."""
    try:
        cli(standalone_mode=False)
    except RecsysDuckError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


def _narrate(events: Any, *, as_json: bool) -> None:
    from recsys_duck.console import Narrator, failures

    with Narrator(as_json=as_json) as narrator:
        try:
            for event in events:
                narrator.show(event)
        except RecsysDuckError as error:
            for event in failures(error):
                narrator.show(event)
            raise


def _given(options: dict[str, Any]) -> "Given":
    from recsys_duck.parameters import parse_assignment
    from recsys_duck.settings import Given

    return Given(
        root=Path(options["project"]),
        kind=options.get("kind"),
        files=[_split_input(text) for text in options.get("files", ())],
        readers=[_split_reader(text) for text in options.get("reader", ())],
        parameters=[parse_assignment(text) for text in options.get("assignments", ())],
        warehouse=Path(options["warehouse"]) if options["warehouse"] else None,
        fingerprint="content" if options.get("hash_files") else None,
    )


def _split_input(text: str) -> tuple[str, str]:
    name, equals, pattern = text.partition("=")
    return (name, pattern) if equals and name.isidentifier() else ("", text)


def _split_reader(text: str) -> tuple[str, str, object]:
    from recsys_duck.errors import ProjectError
    from recsys_duck.parameters import parse_assignment

    target, value = parse_assignment(text, option="--reader", form="INPUT.OPTION=VALUE")
    name, dot, option = target.partition(".")
    if not dot or not option:
        raise ProjectError(f"can't read {text!r}", where="--reader", fix="write --reader INPUT.OPTION=VALUE")
    return name, option, value


def _load(options: dict[str, Any]) -> "tuple[Project, Graph]":
    from recsys_duck.engines.sqltext import SqlText
    from recsys_duck.graph import build_graph
    from recsys_duck.models import python_stages
    from recsys_duck.project import load_project

    with SqlText() as reader:
        project = load_project(_given(options), reader, python_stages())
    return project, build_graph(project)


def _how_of(options: dict[str, Any], project: "Project") -> "How":
    from recsys_duck import memory
    from recsys_duck.build import How
    from recsys_duck.warehouse import DEFAULT_ENVIRONMENT, check_environment

    toml = project.toml
    limit = options["memory_limit"] or toml.get("memory_limit")
    return How(
        environment=check_environment(str(options["environment"] or toml.get("environment", DEFAULT_ENVIRONMENT))),
        memory_limit=memory.parse_size(str(limit)) if limit else memory.default_limit(),
        threads=int(options["threads"] or toml.get("threads") or memory.default_threads()),
        select=tuple(options["select"]),
        force=options["force"],
    )


def _warehouse_folder(options: dict[str, Any]) -> Path:
    from recsys_duck.settings import read_settings_file, warehouse_folder

    given = _given(options)
    return warehouse_folder(given, read_settings_file(given.root.resolve()))


def _published(environment: str | None, options: dict[str, Any]) -> tuple[Path, Path]:
    from recsys_duck.errors import ProjectError, near_miss
    from recsys_duck.settings import read_settings_file
    from recsys_duck.warehouse import DEFAULT_ENVIRONMENT, Warehouse

    warehouse = Warehouse(_warehouse_folder(options))
    toml = read_settings_file(Path(options["project"]).resolve())
    name = environment or str(toml.get("environment", DEFAULT_ENVIRONMENT))
    generation = warehouse.published(name)
    if generation is None and warehouse.catalog_path(name).exists():
        raise ProjectError(
            f"{name}.duckdb is no generation of this warehouse",
            where=str(warehouse.folder),
            fix="it was copied or moved: build again",
        )
    if generation is None:
        raise ProjectError(
            f"nothing is published as {name}",
            where=str(warehouse.folder),
            fix=f"build first; {near_miss(name, warehouse.environments())}",
        )
    return warehouse.folder, generation.path
