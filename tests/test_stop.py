"""Whatever stops a build, readers keep what was published and the next build goes on from there."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from building import checksums, how, lay_out, ran, rows, run, started, write_stage

from recsys_duck.build import build
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import BusyError
from recsys_duck.events import Event
from recsys_duck.graph import build_graph
from recsys_duck.lock import build_lock, holder
from recsys_duck.models import python_stages
from recsys_duck.project import load_project
from recsys_duck.settings import Given

ENDLESS = """-- Work without an end.
-- grain: none
-- why:   a build must be stoppable inside one query

select count(*) as n_rows
from range(3000000) as left_rows(i)
cross join range(3000000) as right_rows(j)
where (left_rows.i * right_rows.j) % 7 = 3
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    lay_out(tmp_path)
    run(tmp_path)
    return tmp_path


def start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "recsys_duck", "build", "--json", "--project", str(project), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def events_of(process: subprocess.Popen[str]) -> Iterator[dict[str, object]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def wait_until_started(process: subprocess.Popen[str], stage: str) -> None:
    for event in events_of(process):
        if event["event"] == "started" and event["stage"] == stage:
            time.sleep(0.3)
            return
    raise AssertionError(f"{stage} never started")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_query_and_leaves_what_was_published(project: Path, sent: signal.Signals, code: int) -> None:
    before = checksums(project)
    write_stage(project, "core/endless", ENDLESS)
    process = start(project, "--set", "popular_n=3")
    wait_until_started(process, "core.endless")
    process.send_signal(sent)
    _, narrated = process.communicate(timeout=20)
    assert process.returncode == code
    assert "what was finished is kept" in narrated
    assert "Traceback" not in narrated
    assert checksums(project) == before
    assert not (project / "warehouse/temporary").exists()
    (project / "sql/core/endless.sql").unlink()
    assert ran(run(project)) == set()


def test_a_kill_leaves_what_was_published_and_the_next_build_clears_up(project: Path) -> None:
    before = checksums(project)
    write_stage(project, "core/endless", ENDLESS)
    process = start(project)
    wait_until_started(process, "core.endless")
    process.kill()
    process.wait()
    assert (project / "warehouse/temporary").exists()
    assert checksums(project) == before
    assert holder(project / "warehouse") == ""
    (project / "sql/core/endless.sql").unlink()
    assert ran(run(project)) == set()
    assert not (project / "warehouse/temporary").exists()


def test_kills_at_any_moment_never_break_the_catalog(project: Path) -> None:
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    for n in range(2, 10):
        process = start(project, "--set", f"popular_n={n}", "--set", f"seed={n}", "--set", "split=random")
        time.sleep(moments.uniform(0.25, 1.2))
        process.kill()
        process.wait()
        counts = rows(
            project,
            "select (select count(*) from recs.popular), value from meta.parameters where parameter = 'popular_n'",
        )
        shown, wanted = counts[0]
        assert shown == min(11, int(str(wanted))), f"seed {seed}"
    run(project)
    assert rows(project, "select count(*) from recs.popular") == [(11,)]


def test_a_second_builder_is_told_who_builds(project: Path) -> None:
    with build_lock(project / "warehouse"):
        process = start(project)
        _, narrated = process.communicate(timeout=20)
        assert process.returncode == 3
        assert "another build holds this warehouse" in narrated
        assert f"pid {os.getpid()} since" in narrated
        with pytest.raises(BusyError):
            run(project)
    assert ran(run(project)) == set()


def test_a_stopped_generator_gives_the_lock_back(project: Path) -> None:
    with SqlText() as reader:
        loaded = load_project(Given(root=project, parameters=[("popular_n", 2)]), reader, python_stages())
    events: Iterator[Event] = build(loaded, build_graph(loaded), how())
    next(events)
    assert f"pid {os.getpid()}" in holder(project / "warehouse")
    events.close()  # type: ignore[attr-defined]
    assert holder(project / "warehouse") == ""


def test_a_killed_for_each_goes_on_with_the_parts_that_are_missing(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / "events.parquet").rename(tmp_path / "events_1.parquet")
    lay_out(tmp_path)
    run(tmp_path)
    # a file that is no longer what its part was made of, as after a kill half way
    record = next((tmp_path / "warehouse/records/staging.events").glob("*.json"))
    record.unlink()
    folders = sorted((tmp_path / "warehouse/tables/staging/events").iterdir())
    for file in folders[0].iterdir():
        file.unlink()
    folders[0].rmdir()
    events = run(tmp_path)
    assert started(events, "staging.events").n_parts == 1
