"""Commands that ask: parameters, stages, what is published, and what stands in it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from recsys_duck.cli.options import (
    Naming,
    answer_style,
    given_of,
    json_lines,
    layout,
    limits,
    limits_of,
    load,
    place,
    published_of,
    say,
    together,
    warehouse_of,
    what,
)
from recsys_duck.errors import ResourceError

if TYPE_CHECKING:
    from recsys_duck.lists import Answer
    from recsys_duck.warehouse import Warehouse

TABLE_ROWS = 100_000
# The longest single statement over 200 million rows took 52 s on two cores: an honest question has five times that.
TIMEOUT_S = 300
# who reads how models did is told what the audit of the split has to say: that nothing is held out, above all

asked = together(
    place,
    click.option("--as", "environment", metavar="NAME", help="Environment to ask; default: recsys."),
    answer_style,
)
list_length = click.option("-n", "n", type=click.IntRange(1), default=10, show_default=True, help="Length of a list.")


@click.command(cls=Naming)
@click.argument("name")
@list_length
@asked
def similar(name: str, n: int, environment: str | None, style: str, **options: Any) -> None:
    """Show what is similar to the items of a NAME (or item_id), most similar first."""
    from recsys_duck.console import show_rows
    from recsys_duck.lists import learned_from, similar_items

    warehouse, generation = published_of(environment, options)
    names, rows = similar_items(generation, warehouse, name, n)
    show_rows(names, rows, style=style)
    say(learned_from(generation, warehouse))


@click.command(cls=Naming)
@click.argument("user")
@list_length
@click.option("--model", metavar="MODEL", help="Only this model's list: als, item_knn, popular, user_knn.")
@asked
def recommend(user: str, n: int, model: str | None, environment: str | None, style: str, **options: Any) -> None:
    """Show what each model recommends to a USER, by user_id; a user without events gets the popular list."""
    from recsys_duck.console import show_rows
    from recsys_duck.lists import learned_from, recommendations

    warehouse, generation = published_of(environment, options)
    (names, rows), note = recommendations(generation, warehouse, user, n, model=model)
    show_rows(names, rows, style=style)
    for told in (note, learned_from(generation, warehouse)):
        if told:
            say(told)


@click.command()
@what
@json_lines
def params(as_json: bool, **options: Any) -> None:
    """Show every parameter: its value, where that comes from, what it does."""
    from recsys_duck.console import show_rows
    from recsys_duck.settings import load_settings

    _, _, _, settings = load_settings(given_of(options))
    rows = [
        (name, one.value.text(), one.parameter.unit, one.source, one.parameter.range_text(), one.parameter.about)
        for name, one in sorted(settings.items())
    ]
    show_rows(("parameter", "value", "unit", "set by", "range", "about"), rows, style="json" if as_json else "table")


@click.command()
@place
@click.option("--generations", "show_history", is_flag=True, help="Show every generation that can be rolled back to.")
@json_lines
def status(show_history: bool, as_json: bool, **options: Any) -> None:
    """Show what is published, how large it is, and who builds."""
    from recsys_duck.console import show_rows
    from recsys_duck.lock import holder
    from recsys_duck.warehouse import Warehouse

    warehouse = Warehouse(warehouse_of(options))
    names, rows = _history(warehouse) if show_history else _published(warehouse)
    show_rows(names, rows, style="json" if as_json else "table")
    for told in _out_of_place(warehouse):
        say(f"warning    {told}")
    builder = holder(warehouse.folder)
    say(f"building: {builder}" if builder else "nobody builds")


def _out_of_place(warehouse: "Warehouse") -> "Iterator[str]":
    """Tell the environments that can't be read as they are, and the command that helps."""
    for name in warehouse.environments():
        one = warehouse.published(name)
        again = f"recsys-duck build --as {name} publishes it again"
        if one is None:
            yield f"{name}.duckdb is not a generation of this warehouse: {again}"
        elif warehouse.moved_from(one):
            yield (
                f"{name} reads {warehouse.moved_from(one)}: the warehouse was moved or copied here. "
                f"{again}, and runs no stage for it"
            )


def _published(warehouse: "Warehouse") -> "Answer":
    from recsys_duck.console import size
    from recsys_duck.publish import own_bytes

    rows = []
    for name in warehouse.environments():
        one = warehouse.published(name)
        if one:
            own, _ = own_bytes(warehouse, one)
            rows.append((name, one.number, one.published_at, one.n_tables, one.n_rows, size(one.n_bytes), size(own)))
    return ("environment", "generation", "published at (UTC)", "tables", "rows", "size", "not shared"), rows


def _history(warehouse: "Warehouse") -> "Answer":
    from recsys_duck.console import size
    from recsys_duck.rollback import unfit

    rows = []
    for name in warehouse.environments():
        shown = warehouse.published(name)
        for one in warehouse.generations(name):
            note = "shown" if shown and one.number == shown.number else unfit(warehouse, one)
            rows.append((name, one.number, one.published_at, one.n_tables, one.n_rows, size(one.n_bytes), note))
    return ("environment", "generation", "published at (UTC)", "tables", "rows", "size", "note"), rows


@click.command()
@click.argument("question", required=False)
@asked
@limits
@click.option(
    "--timeout",
    type=click.FloatRange(0),
    default=TIMEOUT_S,
    show_default=True,
    metavar="SECONDS",
    help="Time the question may take; 0 is no limit.",
)
def query(question: str | None, environment: str | None, style: str, timeout: float, **options: Any) -> None:
    """Ask the published catalog one SELECT, a file of it, or a shipped example by name.

    Without a question, lists the examples. A question reads the published tables and nothing else: no
    other files, no settings, no writing. Rows that do not fit in memory are spilled to TMPDIR meanwhile.
    """
    from recsys_duck.console import show_rows
    from recsys_duck.examples import example_questions, question_text
    from recsys_duck.lists import split_notes
    from recsys_duck.question import published_rows

    if question is None:
        show_rows(("example", "what it answers"), example_questions(), style=style)
        return
    warehouse, catalog = published_of(environment, options)
    allowed = limits_of(options, timeout_s=timeout)
    with published_rows(catalog, question_text(question), folder=warehouse, limits=allowed) as (names, rows):
        show_rows(names, _fit(rows) if style == "table" else rows, style=style)
    if "eval." in question_text(question):
        for told in split_notes(catalog, warehouse):
            say(told)


def _fit(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Hand rows on as long as they fit a table, whose widths need all of them at once."""
    for at, row in enumerate(rows):
        if at == TABLE_ROWS:
            raise ResourceError(
                f"the answer has more than {TABLE_ROWS:,} rows, too many for a table",
                where="--format table",
                fix="write rows as they come with --format csv or json, or add a limit",
            )
        yield row


@click.command()
@click.argument("stage")
@click.option("--source", "is_source", is_flag=True, help="Print the stage's file, to copy into your project.")
@what
def sql(stage: str, *, is_source: bool, **options: Any) -> None:
    """Print a stage with its parameters filled in: it pastes into a shell and runs.

    With --source, prints its file as it is, and says where to save it to change the stage.
    """
    if is_source:
        _print_source(stage, options)
        return
    from recsys_duck.printing import printed_stage

    project, graph = load(options)
    click.echo(printed_stage(project, graph, stage))


def _print_source(key: str, options: dict[str, Any]) -> None:
    from recsys_duck.kind import load_kind
    from recsys_duck.models import python_stages
    from recsys_duck.settings import read_settings_file
    from recsys_duck.stagefile import stage_file

    root = given_of(options).root.resolve()
    name = options["kind"] or read_settings_file(root).get("kind")
    kind = load_kind(str(name)) if name else None
    found = stage_file(key, root, kind, tuple(one for one in python_stages() if one.origin in ("shared", name)))
    click.echo(found.text, nl=False)
    say(found.told())


@click.command()
@place
@layout
@json_lines
def portable(as_json: bool, **options: Any) -> None:
    """Check that every stage runs on Spark and Sail too: by file and line, what to write instead.

    A build with DuckDB refuses none of it. A stage that says `engine: duckdb, why` may be as it likes.
    """
    from recsys_duck.console import show_rows
    from recsys_duck.engines.portable import unportable_stages
    from recsys_duck.engines.sqltext import SqlText
    from recsys_duck.errors import ProjectError
    from recsys_duck.project import read_stages, stage_folders
    from recsys_duck.settings import load_settings

    root, _, kind, _ = load_settings(given_of(options))
    with SqlText() as reader:
        stages = read_stages(stage_folders(root, kind), reader).values()
        found = unportable_stages(stages, reader)
    rows = [(f"{stage.place}:{one.line}", one.construct, one.there, one.instead) for stage, one in found]
    show_rows(("where", "construct", "there", "write"), rows, style="json" if as_json else "table")
    for stage in stages:
        if stage.engine:
            say(f"not checked: {stage.key}, engine: {stage.engine}")
    if found:
        keys = ", ".join(dict.fromkeys(stage.key for stage, _ in found))
        raise ProjectError(
            f"{len(found)} place{'s are' if len(found) > 1 else ' is'} not portable",
            where=keys,
            fix="write them as the table says, or in the header `engine: duckdb, why`",
        )
    say(f"{sum(not stage.engine for stage in stages)} stages are portable")
