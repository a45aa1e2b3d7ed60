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
from projects import published_files

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


@pytest.fixture(scope="module", name="stopped")
def project_of_stopped_builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = lay_out(tmp_path_factory.mktemp("stopped"))
    run(root, select=("+recs.popular",))
    return root


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


@pytest.mark.parametrize("lost", ["build.lock", "another build.lock", "the whole name"])
def test_a_lock_holds_whatever_happens_to_its_file(tmp_path: Path, lost: str) -> None:
    with build_lock(tmp_path):
        if lost == "the whole name":
            (tmp_path / "build.lock").rename(tmp_path / "gone")
        else:
            (tmp_path / "build.lock").unlink()
        if lost == "another build.lock":
            (tmp_path / "build.lock").write_text("[]")
        with pytest.raises(BusyError) as told, build_lock(tmp_path):
            pass
        assert "recsys-duck status" in told.value.fix
        assert holder(tmp_path) != ""
    assert holder(tmp_path) == ""
    with build_lock(tmp_path):
        assert f"pid {os.getpid()}" in holder(tmp_path)


def test_two_processes_never_hold_a_warehouse_at_once(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from recsys_duck.lock import build_lock\n"
        "with build_lock(pathlib.Path(sys.argv[1])): print('held')"
    )
    with build_lock(tmp_path):
        (tmp_path / "build.lock").unlink()
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "held" not in done.stdout
    assert "BusyError" in done.stderr


WHERE = {
    "while the session's views are defined": ("recsys_duck.engines.duckdb.DuckdbEngine", "define"),
    "while a plan is made": ("recsys_duck.build", "make_plan"),
    "while the catalog is written": ("recsys_duck.catalog", "_write_meta"),
    "while the catalog is checked": ("recsys_duck.warehouse", "check_catalog"),
    "before the catalog is put in place": ("recsys_duck.warehouse.Warehouse", "show"),
    "while the project is read": ("recsys_duck.project", "read_macros"),
    "while what was built is told": ("recsys_duck.console.Narrator", "show"),
    "while a module is loaded": ("recsys_duck.engines.copying", ""),
}
# Sends the signal in the middle of a call of DuckDB's on the main thread, which raises RuntimeError or swallows it.
STOPPED = """
import importlib, os, signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
from recsys_duck.cli import main
home, name, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
sent = []
def send():
    import duckdb
    if sent:
        return
    sent.append(True)
    threading.Timer(0.2, os.kill, (os.getpid(), number)).start()
    duckdb.execute("select count(*) from range(20000000) a(i) where md5(i::varchar) < '3'").fetchall()
if name:
    import functools
    module, _, owner = home.rpartition(".") if home[home.rfind(".") + 1].isupper() else (home, "", "")
    place = importlib.import_module(module)
    place = getattr(place, owner) if owner else place
    was = getattr(place, name)
    setattr(place, name, functools.wraps(was)(lambda *given, **named: send() or was(*given, **named)))
else:
    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name == "duckdb":
                os.kill(os.getpid(), number)
    sys.meta_path.insert(0, Finder())
sys.argv[1:] = sys.argv[4:]
main()
"""


@pytest.mark.parametrize(
    ("moment", "sent"), [*((one, signal.SIGTERM) for one in sorted(WHERE)), (sorted(WHERE)[-1], signal.SIGINT)]
)
def test_a_signal_at_any_moment_ends_in_words_and_publishes_nothing(
    stopped: Path, moment: str, sent: signal.Signals
) -> None:
    before = published_files(stopped / "warehouse")
    home, name = WHERE[moment]
    is_new = f"popular_n={3 + sorted(WHERE).index(moment)}"  # so that something runs
    given = ["build", "--select", "+recs.popular", "--set", is_new, "--project", str(stopped)]
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, home, name, str(int(sent)), *given],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (128 + sent, False), done.stderr
    assert done.stderr.splitlines()[-2 if "fix:" in done.stderr else -1].startswith("error: ")
    after = published_files(stopped / "warehouse")
    assert {name: after.get(name) for name in before} == before
    assert not (stopped / "warehouse/temporary").exists()
    assert holder(stopped / "warehouse") == ""


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
