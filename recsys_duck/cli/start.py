"""The command that starts a project: init, from the files that are there or from a recipe."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recsys_duck.cli.options import say

if TYPE_CHECKING:
    from recsys_duck.preview import Preview
    from recsys_duck.roles import Cast

OWN_KIND = "events"


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILES]...")
@click.option("--kind", metavar="KIND", help="Write the first recipe of this layout into the folder FILES.")
@click.option("--recipe", metavar="NAME", help="Write this recipe into the folder FILES.")
@click.option("--project", default=".", metavar="DIR", help="Folder to write recsys.toml into.  [default: .]")
@click.option(
    "--column", multiple=True, metavar="[INPUT.]NAME=COLUMN", help="Say which column is ours, instead of the guess."
)
@click.option("--yes", "-y", is_flag=True, help="Take the guess without asking.")
@click.option("--force", is_flag=True, help="Write over a recsys.toml.")
def init(
    paths: tuple[str, ...],
    kind: str | None,
    recipe: str | None,
    project: str,
    column: tuple[str, ...],
    *,
    yes: bool,
    force: bool,
) -> None:
    """Write a recsys.toml to start from.

    With FILES, looks at them, guesses what is in them and shows what it would read. A folder stands for
    the files in it. Example: recsys-duck init orders.csv products.csv

    With --kind or --recipe, writes a recipe for a known data set. Without anything, lists the recipes.
    """
    if recipe is not None or (kind is not None and not (kind == OWN_KIND and _are_files(paths))):
        _from_recipe(kind, recipe, paths, project, force=force)
    elif paths:
        _from_files(paths, column, Path(project), yes=yes, force=force)
    else:
        from recsys_duck.console import show_rows
        from recsys_duck.recipe import recipes

        rows = [(one.kind, one.name, one.about) for one in recipes()]
        show_rows(("kind", "recipe", "what it is"), rows, style="table")


def _are_files(paths: tuple[str, ...]) -> bool:
    return any(not Path(path).is_dir() for path in paths) and any(Path(path).is_file() for path in paths)


def _from_recipe(kind: str | None, recipe: str | None, paths: tuple[str, ...], project: str, *, force: bool) -> None:
    from recsys_duck.errors import ProjectError
    from recsys_duck.recipe import find_recipe, write_recipe

    chosen = find_recipe(kind, recipe)
    if len(paths) > 1 or any(Path(path).is_file() for path in paths):
        raise ProjectError(
            f"recipe {chosen.name} has its own files, by the names of its data set",
            where=" ".join(paths),
            fix=f"put them into one folder: recsys-duck init --recipe {chosen.name} FOLDER",
        )
    folder = Path(paths[0] if paths else project)
    target, missing = write_recipe(chosen, folder, force=force)
    say(f"{target} written: {chosen.about}")
    for name, pattern in missing:
        say(f"input {name}: no file {pattern} here yet")
    _tell_next(folder)


def can_ask() -> bool:
    """Tell whether there is a terminal to ask at."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _tell_next(folder: Path) -> None:
    say(f"next: recsys-duck build{'' if folder == Path() else f' --project {folder}'}")


def _from_files(paths: tuple[str, ...], column: tuple[str, ...], folder: Path, *, yes: bool, force: bool) -> None:
    from recsys_duck.cli.options import split_column
    from recsys_duck.draft import draft_text
    from recsys_duck.errors import ProjectError, RecsysDuckError
    from recsys_duck.found import data_files
    from recsys_duck.preview import looks_at, preview
    from recsys_duck.recipe import put_settings, refuse_settings
    from recsys_duck.roles import cast_files

    asks = not yes and can_ask()
    if (yes or asks) and not force:
        refuse_settings(folder)
    root = folder.resolve()
    cast = cast_files(looks_at(data_files(paths)), [split_column(text) for text in column])
    text = draft_text(cast, root)
    try:
        found = preview(text, cast, root)
    except RecsysDuckError:
        click.echo(text, nl=False)
        say("nothing is written: the files can't be read as guessed. The guess is on stdout.")
        raise
    _show(cast, found)
    if not yes and not asks:
        click.echo(text, nl=False)
        raise ProjectError(
            "nothing is written: there is no terminal to ask at",
            where="init",
            fix="take the guess with --yes, or save the text above as recsys.toml",
        )
    if asks and not click.confirm("Write recsys.toml?", default=True, err=True):
        say("nothing is written")
        raise click.Abort
    target = put_settings(folder, text.encode(), force=force)
    say(f"{target} written: each guess is a line of it to change")
    _tell_next(folder)


def _show(cast: "Cast", found: "Preview") -> None:
    """Show roles, rows and what does not fit, all beside the data."""
    from recsys_duck.console import show_rows
    from recsys_duck.draft import told_roles

    for line in told_roles(cast):
        say(line)
    say("")
    show_rows(found.names, found.rows, style="table", out=sys.stderr)
    say("")
    for reason, n_rows in found.unfit.items():
        say(f"{n_rows:,} of {found.n_judged:,} events: {reason}")
    if found.n_named is None:
        say("no file has the names of the items: give it, too, to see lists by name")
    else:
        say(f"{found.n_named:,} of {found.n_items:,} items have a name")
    if found.strangers:
        say(f"ids of the events: {_some(found.strangers[0])}; of the names: {_some(found.strangers[1])}")


def _some(values: tuple[str, ...]) -> str:
    return ", ".join(map(repr, values)) or "none"
