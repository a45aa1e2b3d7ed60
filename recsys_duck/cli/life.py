"""Commands of a warehouse's life: rollback, clean, diff."""

from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recsys_duck.cli.options import answer_style, json_lines, limits, limits_of, named, place, say, warehouse_of

if TYPE_CHECKING:
    from recsys_duck.difference import Comparison

# How many of the newest generations of each environment a clean keeps, unless it is told.
KEPT_GENERATIONS = 5


@click.command()
@place
@click.option("--as", "environment", metavar="NAME", help="Environment to roll back; default: recsys.")
@click.option("--to", "number", type=click.IntRange(1), metavar="N", help="Generation; default: the newest older one.")
@json_lines
def rollback(environment: str | None, number: int | None, as_json: bool, **options: Any) -> None:
    """Show an older generation again, at once for whoever opens the catalog next.

    Which there are: status --generations. A build afterwards publishes a new generation if it differs
    from what is shown.
    """
    from recsys_duck.console import show_rows, size
    from recsys_duck.rollback import roll_back
    from recsys_duck.warehouse import Warehouse

    warehouse = Warehouse(warehouse_of(options))
    before, now = roll_back(warehouse, named(environment, options), number=number)
    names = ("environment", "generation", "published at (UTC)", "tables", "rows", "size")
    row = (now.environment, now.number, now.published_at, now.n_tables, now.n_rows, size(now.n_bytes))
    show_rows(names, [row], style="json" if as_json else "table")
    told = f"it was generation {before.number}" if before.number != now.number else "as it was"
    say(told)


@click.command()
@place
@click.option(
    "--keep",
    type=click.IntRange(1),
    metavar="N",
    help="Newest generations of each environment to keep; default: keep_generations of recsys.toml, "
    f"or {KEPT_GENERATIONS}.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@json_lines
def clean(keep: int | None, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Remove old generations, and the tables that only they name.

    A generation stays that an environment shows, that is one of the newest, or that a process reads. What
    no generation names goes: tables of other parameters, of a sweep's combinations, and what a killed
    build had finished. A build that needs them again makes them again.
    """
    from recsys_duck.console import show_rows, size
    from recsys_duck.retention import clean as run_clean
    from recsys_duck.settings import read_settings_file

    toml = read_settings_file(Path(options["project"]).resolve())
    chosen = keep or int(toml.get("keep_generations", KEPT_GENERATIONS))
    cleaning = run_clean(warehouse_of(options), keep=chosen, dry_run=dry_run)
    rows = [(one.what, one.n, size(one.n_bytes)) for one in cleaning.freed]
    show_rows(("what", "n", "size"), rows, style="json" if as_json else "table")
    total = size(sum(one.n_bytes for one in cleaning.freed))
    for name, pid in cleaning.read.items():
        say(f"{name} stays: {f'process {pid}' if pid else 'a process'} reads it")
    if cleaning.gone:
        say(f"{'would remove' if dry_run else 'removed'} {', '.join(cleaning.gone)}")
    say(f"{'would free' if dry_run else 'freed'} {total}")


@click.command()
@click.argument("a")
@click.argument("b")
@place
@click.option("--all", "show_all", is_flag=True, help="Show the tables that are the same, too.")
@click.option("--table", metavar="NAME", help="Show this table's rows: added, gone, changed from and to.")
@click.option("-n", "n", type=click.IntRange(1), default=5, show_default=True, help="Rows of each sort, with --table.")
@limits
@answer_style
def diff(a: str, b: str, show_all: bool, table: str | None, n: int, style: str, **options: Any) -> None:
    """Compare the tables of A and B: environments (recsys), or generations of them (recsys@3).

    Rows are compared by the key of a table's grain, value by value; those of a table without one are
    counted. A table whose stages have the same fingerprints is the same, and not read.
    """
    from recsys_duck.console import show_rows
    from recsys_duck.difference import Difference, find_generation
    from recsys_duck.question import reading
    from recsys_duck.warehouse import Warehouse

    warehouse = Warehouse(warehouse_of(options))
    sides = {"a": find_generation(warehouse, a), "b": find_generation(warehouse, b)}
    for name, side in sides.items():
        say(f"{name.upper()} is {side.environment} generation {side.number}, {side.published_at}")
    is_one = sides["a"].path == sides["b"].path
    catalogs = {name: side.path for name, side in sides.items() if name == "a" or not is_one}
    with reading(catalogs, folder=warehouse.folder, limits=limits_of(options, timeout_s=0)) as reader:
        difference = Difference(reader, is_one=is_one)
        compared = [difference.compare(one) for one in ([table] if table else difference.tables)]
        if table:
            show_rows(*difference.rows(table, n), style=style)
    if table:
        say(_in_words(compared[0]))
        return
    names = ("table", "rows in A", "rows in B", "added", "gone", "changed", "note")
    show_rows(names, [astuple(one) for one in compared if show_all or not one.is_same], style=style)
    say(f"{sum(one.is_same for one in compared)} of {len(compared)} tables are the same")


def _in_words(one: "Comparison") -> str:
    counts = {"rows in A": one.rows_a, "rows in B": one.rows_b}
    counts |= {"added": one.added, "gone": one.gone, "changed": one.changed}
    told = [f"{count:,} {word}" for word, count in counts.items() if count is not None]
    return f"{one.table}: {', '.join([*told, *filter(None, [one.note])])}"
