"""Options: what commands share, and how what is asked becomes a project and a way to build it."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from recsys_duck.graph import Graph
    from recsys_duck.project import Project
    from recsys_duck.question import Limits
    from recsys_duck.run import How
    from recsys_duck.settings import Given

Command = TypeVar("Command", bound=Callable[..., Any])
_NEGATIVE = re.compile(r"-\.?\d")


def together(*decorators: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Make one decorator of several; the first stands on top in --help."""

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


class Naming(click.Command):
    """A command of one NAME, which may be a number below zero: -5 is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read `recommend -5` as `recommend -- -5`; of another unknown option, tell how a name like it is written."""
        with_value = {
            opt for one in self.params if isinstance(one, click.Option) and not one.is_flag for opt in one.opts
        }
        befores = ["", *args]
        places = [at for at, arg in enumerate(args) if _NEGATIVE.match(arg) and befores[at] not in with_value]
        if places and "--" not in args:
            args = [arg for at, arg in enumerate(args) if at not in places] + ["--", *(args[at] for at in places)]
        try:
            return super().parse_args(ctx, list(args))
        except click.NoSuchOption as problem:
            name = next((arg for arg in args if arg.startswith(problem.option_name)), "")
            if name.startswith("--"):
                raise
            told = f"{problem.format_message()} To ask about {name} itself: {ctx.command_path} -- {shlex.quote(name)}"
            raise click.UsageError(told, ctx) from None


place = together(
    click.option(
        "--project", default=".", metavar="DIR", help="Folder of the project, with recsys.toml if there is one."
    ),
    click.option("--warehouse", metavar="DIR", help="Folder of the warehouse; default: warehouse in the project."),
)
layout = click.option(
    "--kind", metavar="KIND", help="Layout of the source: events, mpd, taste_profile, …; init lists them."
)
what = together(
    place,
    layout,
    click.option("--files", multiple=True, metavar="[INPUT=]GLOB", help="Files of an input; repeatable."),
    click.option(
        "--reader",
        multiple=True,
        metavar="INPUT.OPTION=VALUE",
        help="How an input is read: format, delimiter, encoding, time_unit …",
    ),
    click.option(
        "--column",
        multiple=True,
        metavar="[INPUT.]NAME=COLUMN",
        help="Which column of the files is ours; a file without header has the columns 1, 2, …",
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
limits = together(
    click.option(
        "--memory-limit", metavar="SIZE", help="Memory of the whole process, as 2GB; default: 60 % of what there is."
    ),
    click.option(
        "--threads",
        type=click.IntRange(1),
        metavar="N",
        help="Threads; default: all processors. More than 8 a processor, at least 64, are not used.",
    ),
)
how = together(
    click.option("--as", "environment", metavar="NAME", help="Environment to publish under; default: recsys."),
    click.option(
        "--select",
        multiple=True,
        metavar="[+]TABLE[+]",
        help="Only this table; + in front: and what it needs; + behind: and what needs it.",
    ),
    click.option("--force", is_flag=True, help="Run the selected stages again, though their tables are there."),
    limits,
)
answer_style = click.option(
    "--format",
    "style",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    help="How the answer is written.",
)
json_lines = click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout.")


def say(text: str) -> None:
    """Tell something on stderr, with nothing in it that a terminal would act on."""
    from recsys_duck.escapes import visible

    click.echo(visible(text, kept="\n"), err=True)


def given_of(options: dict[str, Any], parameters: "Sequence[tuple[str, object]] | None" = None) -> "Given":
    """Gather what the options say of a project; `parameters` stand for those of `--set`."""
    from recsys_duck.parameters import parse_assignment
    from recsys_duck.settings import Given

    return Given(
        root=Path(options["project"]),
        kind=options.get("kind"),
        files=[_split_input(text) for text in options.get("files", ())],
        readers=[_split_reader(text) for text in options.get("reader", ())],
        columns=[split_column(text) for text in options.get("column", ())],
        parameters=parameters or [parse_assignment(text) for text in options.get("assignments", ())],
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


def split_column(text: str) -> tuple[str, str, str]:
    """Read what `--column` says: the input or nothing, our name, the files' name."""
    from recsys_duck.errors import ProjectError

    target, equals, own = text.partition("=")
    name, dot, column = target.strip().rpartition(".")
    if not equals or not column or not own or (dot and not name):
        raise ProjectError(f"can't read {text!r}", where="--column", fix="write --column [INPUT.]NAME=COLUMN")
    return name, column, own


def load(options: dict[str, Any], parameters: "Sequence[tuple[str, object]] | None" = None) -> "tuple[Project, Graph]":
    """Load the project that the options name, and order its stages; `parameters` stand for those of `--set`."""
    from recsys_duck.engines.sqltext import SqlText
    from recsys_duck.graph import build_graph
    from recsys_duck.models import python_stages
    from recsys_duck.project import load_project

    with SqlText() as reader:
        project = load_project(given_of(options, parameters), reader, python_stages())
    return project, build_graph(project)


def how_of(options: dict[str, Any], project: "Project") -> "How":
    """Settle where and how a project is built, from the options, recsys.toml and the machine."""
    from recsys_duck.run import How
    from recsys_duck.warehouse import DEFAULT_ENVIRONMENT, check_environment

    toml = project.toml
    memory_limit, threads = _machine(options, toml)
    return How(
        environment=check_environment(str(options["environment"] or toml.get("environment", DEFAULT_ENVIRONMENT))),
        memory_limit=memory_limit,
        threads=threads,
        select=tuple(options.get("select", ())),
        force=bool(options.get("force")),
    )


def limits_of(options: dict[str, Any], *, timeout_s: float) -> "Limits":
    """Settle what a question may take, from the options, recsys.toml and the machine."""
    from recsys_duck.question import Limits
    from recsys_duck.settings import read_settings_file

    toml = read_settings_file(Path(options["project"]).resolve())
    return Limits(*_machine(options, toml), timeout_s)


def _machine(options: dict[str, Any], toml: "Mapping[str, Any]") -> tuple[int, int]:
    """Settle bytes of memory and threads."""
    from recsys_duck import memory

    limit = options["memory_limit"] or toml.get("memory_limit")
    return (
        memory.parse_size(str(limit)) if limit else memory.default_limit(),
        threads_of(options["threads"] or toml.get("threads")),
    )


def threads_of(wanted: int | None) -> int:
    """Settle the number of threads: all processors unless some are wanted, and no more than are of any use."""
    from recsys_duck import memory

    threads, most = wanted or memory.default_threads(), memory.most_threads()
    if threads > most:
        processors = memory.default_threads()
        say(
            f"warning    {threads:,} threads are too many for {processors} processor{'s' if processors > 1 else ''}: "
            f"{most} are used. Give --threads {processors}"
        )
    return min(threads, most)


def warehouse_of(options: dict[str, Any]) -> Path:
    """Find the warehouse's folder."""
    from recsys_duck.settings import read_settings_file, warehouse_folder

    given = given_of(options)
    return warehouse_folder(given, read_settings_file(given.root.resolve()))


def named(environment: str | None, options: dict[str, Any]) -> str:
    """Settle an environment's name: the one given, recsys.toml's, or the default."""
    from recsys_duck.settings import read_settings_file
    from recsys_duck.warehouse import DEFAULT_ENVIRONMENT

    toml = read_settings_file(Path(options["project"]).resolve())
    return environment or str(toml.get("environment", DEFAULT_ENVIRONMENT))


def published_of(environment: str | None, options: dict[str, Any]) -> tuple[Path, Path]:
    """Find the warehouse's folder and the catalog file that an environment shows.

    Raises:
        ProjectError: nothing is published under the name.
    """
    from recsys_duck.warehouse import Warehouse

    warehouse = Warehouse(warehouse_of(options))
    generation = warehouse.readable(warehouse.shown(named(environment, options)))
    # by the environment's own name, which is always there: a generation's file may be cleaned at any moment
    return warehouse.folder, warehouse.catalog_path(generation.environment)
