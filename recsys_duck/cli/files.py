"""Commands that write files: generate."""

from pathlib import Path

import click

# Numbers of tracks are 32-bit in one of the layouts.
MOST_ROWS = 2_000_000_000


@click.command()
@click.argument("kind")
@click.argument("folder", metavar="DIR")
@click.option(
    "--rows",
    type=click.IntRange(1, MOST_ROWS),
    default=100_000,
    show_default=True,
    metavar="N",
    help="Rows of events: plays, or tracks of playlists.",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, metavar="S", help="Seed.")
@click.option("--layout", metavar="NAME", help="taste_profile: csv or triplets; default: csv.")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="Slices made at a time; default: all processors.")
def generate(kind: str, folder: str, rows: int, seed: int, layout: str | None, threads: int | None) -> None:
    """Make data up in the original layout of KIND, of any size, with the defects that it prints.

    KIND is taste_profile, lastfm_360k, yandex_music or mpd. Users and items have long tails and tastes
    have clusters. The same seed gives the same files, with the same version of DuckDB.
    """
    from recsys_duck import memory
    from recsys_duck.cli.run import narrate
    from recsys_duck.console import show_rows
    from recsys_duck.generate import generate as run_generate
    from recsys_duck.generate import load_generator

    generator = load_generator(kind)
    chosen = threads or memory.default_threads()
    narrate(run_generate(generator, Path(folder), rows=rows, seed=seed, threads=chosen, layout=layout), as_json=False)
    listed = [(one.name, one.share, one.of, one.about) for one in generator.defects]
    show_rows(("defect", "share", "of", "they"), listed, style="table")
