"""Small projects for tests: files laid out in a folder, stages laid over ours, and a build of them.

Everything is made anew in the folder that a test gives; nothing here asserts.
"""

import hashlib
import io
import json
import subprocess
import sys
import traceback
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb

from recsys_duck.build import build
from recsys_duck.cli import main
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.events import Event
from recsys_duck.graph import Graph, build_graph
from recsys_duck.models import python_stages
from recsys_duck.parameters import quoted
from recsys_duck.project import Project, load_project
from recsys_duck.run import How
from recsys_duck.settings import Given

# 12 events of 4 users and 5 items over 12 days
EVENTS = """
select
    cast(i % 4 as bigint) as user_id,
    cast(i % 5 + 100 as bigint) as item_id,
    timestamp '2020-01-01 00:00:00' + i * interval 1 day as occurred_at
from range(12) as numbers(i)
"""
MEMORY = 600_000_000


def write_parquet(path: Path, select: str = EVENTS) -> Path:
    """Write the rows of a SELECT as one Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"copy ({select}) to {quoted(str(path))} (format parquet)")
    return path


def lay_out_events(folder: Path, select: str = EVENTS, *, settings: str = "") -> Path:
    """Lay out a project of kind events: events.parquet and a recsys.toml; returns its folder."""
    write_parquet(folder / "events.parquet", select)
    (folder / "recsys.toml").write_text(f'kind = "events"\n{settings}', encoding="utf-8")
    return folder


def playlists_text(*pids: int, n_tracks: int = 6) -> str:
    """Write a playlist document, as the mpd slices have it, with one playlist for each pid."""
    tracks = [
        {
            "pos": at,
            "track_name": f"track {at}",
            "track_uri": f"spotify:track:t{at}",
            "artist_name": f"artist {at % 2}",
            "artist_uri": f"spotify:artist:a{at % 2}",
            "album_name": f"album {at % 3}",
            "album_uri": f"spotify:album:b{at % 3}",
        }
        for at in range(n_tracks)
    ]
    playlists = [{"pid": pid, "name": f"list {pid}", "num_tracks": n_tracks, "tracks": tracks} for pid in pids]
    return json.dumps({"info": {"version": "v1"}, "playlists": playlists})


def lay_out_playlists(folder: Path, *documents: str) -> Path:
    """Lay out a project of kind mpd with the given slice documents; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recsys.toml").write_text('kind = "mpd"\n', encoding="utf-8")
    for at, document in enumerate(documents):
        (folder / f"mpd.slice.{at}-{at}.json").write_text(document, encoding="utf-8")
    return folder


def add_stage(folder: Path, key: str, text: str) -> Path:
    """Lay a stage file over ours, `core.mine` or `recs.personal/mine`; returns its path."""
    path = folder / "sql" / f"{key.replace('.', '/', 1)}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, **given: Any) -> tuple[Project, Graph]:
    """Load a project and its graph, with what the command line would give."""
    with SqlText() as reader:
        project = load_project(Given(root=folder, **given), reader, python_stages())
    return project, build_graph(project)


def run_build(
    folder: Path, *, environment: str = "recsys", select: tuple[str, ...] = (), force: bool = False, **given: Any
) -> list[Event]:
    """Build a project in this process; returns everything that it told."""
    project, graph = load(folder, **given)
    return list(build(project, graph, How(environment, MEMORY, threads=2, select=select, force=force)))


def ask(warehouse: Path, question: str, *, environment: str = "recsys") -> list[tuple[Any, ...]]:
    """Read a published catalog as an analyst would, on a connection of its own."""
    with duckdb.connect() as connection:
        connection.execute(f"attach {quoted(str(warehouse / f'{environment}.duckdb'))} as catalog (read_only)")
        connection.execute("use catalog")
        return connection.execute(question).fetchall()


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder, as a user would, its output piped."""
    return subprocess.run(
        [sys.executable, "-m", "recsys_duck", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def command_here(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in this process, which saves its start; an error that nobody caught shows a traceback."""
    code: Any = 0
    out, err = io.StringIO(), io.StringIO()
    with chdir(folder), redirect_stdout(out), redirect_stderr(err), mock.patch.object(sys, "argv", ["x", *arguments]):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        except Exception:
            traceback.print_exc()
            code = 1
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def published_files(warehouse: Path) -> dict[str, tuple[int, str]]:
    """List what is published: each catalog file with its inode and the digest of its bytes."""
    return {
        str(path.relative_to(warehouse)): (path.stat().st_ino, hashlib.sha256(path.read_bytes()).hexdigest())
        for pattern in ("*.duckdb*", "generations/*")
        for path in sorted(warehouse.glob(pattern))
    }
