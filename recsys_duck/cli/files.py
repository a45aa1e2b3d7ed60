"""Commands that write files: init, export, generate."""

from pathlib import Path
from typing import Any

import click

from recsys_duck.cli.options import limits, limits_of, place, published_of, threads_of
from recsys_duck.errors import ProjectError

# Numbers of tracks are 32-bit in one of the layouts.
MOST_ROWS = 2_000_000_000


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--kind", metavar="KIND", help="Layout of the source; without it the recipes there are are listed.")
@click.option("--recipe", metavar="NAME", help="Which recipe of the kind; default: its first.")
def init(folder: Path, kind: str | None, recipe: str | None) -> None:
    """Write a recsys.toml to start from into FOLDER: files, parameters, and what each is for."""
    from recsys_duck.console import show_rows
    from recsys_duck.recipe import find_recipe, recipes, write_recipe

    if kind is None and recipe is None:
        show_rows(
            ("kind", "recipe", "what it is"), [(one.kind, one.name, one.about) for one in recipes()], style="table"
        )
        return
    chosen = find_recipe(kind, recipe)
    target, missing = write_recipe(chosen, folder)
    click.echo(f"{target} written: {chosen.about}", err=True)
    for name, pattern in missing:
        click.echo(f"input {name}: no file {pattern} here yet", err=True)
    click.echo(f"next: recsys-duck build{'' if folder == Path() else f' --project {folder}'}", err=True)


@click.command()
@click.argument("name", required=False)
@click.argument("target", required=False)
@place
@click.option("--as", "environment", metavar="NAME", help="Environment to export; default: recsys.")
@limits
def export(name: str | None, target: str | None, environment: str | None, **options: Any) -> None:
    """Write an export NAME to the file or folder TARGET (- is stdout), or `all` of them to a folder.

    Without NAME, lists what there is. A file is put in place whole, as .csv, .parquet, .jsonl, .txt,
    .sqlite or .resp (Redis protocol); those of one command only when all of them are written.
    """
    from recsys_duck.console import show_rows
    from recsys_duck.export import ALL, find_export, missing_tables, published_exports

    if name is not None and not (target or "").strip():
        raise click.BadParameter("give a file, a folder, or - for stdout", param_hint="TARGET")
    _, catalog = published_of(environment, options)
    with published_exports(catalog, limits_of(options, timeout_s=0)) as (copier, exports):
        lacking = {one.name: missing_tables(one, copier) for one in exports}
        if name is None or target is None:
            rows = [(one.name, one.file, one.about, ", ".join(lacking[one.name])) for one in exports]
            show_rows(("export", "file", "what it holds", "not published"), rows, style="table")
            return
        chosen = [find_export(exports, name)] if name != ALL else [one for one in exports if not lacking[one.name]]
        for one in exports:
            if name == ALL and lacking[one.name]:
                click.echo(f"left out   {one.file}: {lacking[one.name][0]} is not published here", err=True)
        if not chosen:
            fix = "build what they read: recsys-duck export lists it"
            raise ProjectError("no export has all its tables here", where=str(catalog), fix=fix)
        for told in _written(chosen, copier, Path(target), is_all=name == ALL):
            click.echo(told, err=True)


def _written(chosen: Any, copier: Any, target: Path, *, is_all: bool) -> Any:
    """Write exports into a folder or a file, and say each."""
    from recsys_duck.export import export_file, export_folder
    from recsys_duck.placing import is_folder

    if is_all or is_folder(target):
        made = export_folder(chosen, copier, target)
    else:
        made = [export_file(chosen[0], copier, None if str(target) == "-" else target)]
    for one in made:
        where = target if str(target) == "-" else one.files[0] if len(one.files) == 1 else one.export.file
        files = f" in {len(one.files)} files" if len(one.files) > 1 else ""
        yield f"{one.n_rows:,} {one.export.name} rows written to {where}{files}"
        for stale in one.stale:
            yield f"removed {stale}, of an earlier export with more rows"


@click.command()
@click.argument("kind")
@click.argument("folder", metavar="DIR")
@click.option(
    "--rows",
    type=click.IntRange(1, MOST_ROWS),
    default=100_000,
    show_default=True,
    metavar="N",
    help="Rows of events: plays, or playlist tracks.",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, metavar="S", help="Seed.")
@click.option(
    "--layout",
    metavar="NAME",
    help="taste_profile: csv or triplets; mpd: slices or audio_features.",
)
@click.option("--threads", type=click.IntRange(1), metavar="N", help="Files at a time; default: all processors.")
def generate(kind: str, folder: str, rows: int, seed: int, layout: str | None, threads: int | None) -> None:
    """Make data up in the original layout of KIND, of any size, with the defects that it prints.

    KIND is taste_profile, lastfm_360k, yandex_music or mpd. Users and items have long tails and tastes
    have clusters. The same seed gives the same files, with the same version of DuckDB.
    """
    from recsys_duck.cli.run import narrate
    from recsys_duck.console import show_rows
    from recsys_duck.generate import generate as run_generate
    from recsys_duck.generate import load_generator

    generator = load_generator(kind)
    chosen = threads_of(threads)
    narrate(run_generate(generator, Path(folder), rows=rows, seed=seed, threads=chosen, layout=layout), as_json=False)
    listed = [(one.name, one.share, one.of, one.about) for one in generator.defects]
    show_rows(("defect", "share", "of", "they"), listed, style="table")
