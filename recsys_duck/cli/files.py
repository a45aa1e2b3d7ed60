"""Commands that write files: export, generate."""

from pathlib import Path
from typing import Any

import click

from recsys_duck.cli.options import limits, limits_of, place, published_of, say, threads_of
from recsys_duck.errors import ProjectError

# Numbers of tracks are 32-bit in one of the layouts.
MOST_ROWS = 2_000_000_000


@click.command()
@click.argument("name", required=False)
@click.argument("target", required=False)
@place
@click.option("--as", "environment", metavar="NAME", help="Environment to export; default: recsys.")
@limits
def export(name: str | None, target: str | None, environment: str | None, **options: Any) -> None:
    """Write an export NAME, or a published table as recs.personal, to TARGET: a file, a folder, or - for stdout.

    The ending of a file tells its format: .csv, .tsv, .parquet, .jsonl, .json, .ndjson, .sqlite, .db, .txt
    or .resp (Redis protocol); .gz or .zst packs text, for example x.csv.gz. Without an ending the export keeps its
    own. Without NAME, lists the exports; `all` writes all of them to a folder. A file is put in place
    whole; those of one command only when all of them are written.
    """
    from recsys_duck.console import show_rows
    from recsys_duck.export import ALL, find_export, missing_tables, published_exports, published_tables
    from recsys_duck.question import TABLES_LISTED

    if name is not None and not (target or "").strip():
        raise click.BadParameter("give a file, a folder, or - for stdout", param_hint="TARGET")
    warehouse, catalog = published_of(environment, options)
    root = Path(options["project"]).resolve()
    with published_exports(catalog, limits_of(options, timeout_s=0), root) as (copier, exports):
        tables = published_tables(copier)
        lacking = {one.name: missing_tables(one, tables) for one in exports}
        if name is None or target is None:
            rows = [(one.name, one.file, one.about, ", ".join(lacking[one.name])) for one in exports]
            show_rows(("export", "file", "what it holds", "not published"), rows, style="table")
            say(f"each of the {len(tables)} published tables too: recsys-duck export core.items items.csv")
            say(TABLES_LISTED)
            return
        chosen = (
            [find_export(exports, name, tables)] if name != ALL else [one for one in exports if not lacking[one.name]]
        )
        for one in exports:
            if name == ALL and lacking[one.name]:
                say(f"left out   {one.file}: {lacking[one.name][0]} is not published here")
        if not chosen:
            fix = "build what they read: recsys-duck export lists it"
            raise ProjectError("no export has all its tables here", where=str(catalog), fix=fix)
        for told in _written(chosen, copier, target, warehouse, is_all=name == ALL):
            say(told)


def _written(chosen: Any, copier: Any, target: str, warehouse: Path, *, is_all: bool) -> Any:
    """Write exports into a folder or a file, and say each."""
    from recsys_duck.export import export_file, export_folder, refuse_warehouse
    from recsys_duck.placing import is_folder

    path = Path(target)
    refuse_warehouse(path, warehouse)
    if is_all or target.endswith("/") or is_folder(path):
        made = export_folder(chosen, copier, path)
    else:
        made = [export_file(chosen[0], copier, None if target == "-" else path)]
    for one in made:
        where = target if target == "-" else one.files[0] if len(one.files) == 1 else one.export.file
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
