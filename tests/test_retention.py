"""A clean removes what nobody shows, keeps or reads, and never what someone does, whenever it is stopped."""

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import duckdb
import pytest
from building import lay_out, ran, rows, run
from projects import command_here

from recsys_duck import retention
from recsys_duck.errors import BusyError, ProjectError
from recsys_duck.holders import holders
from recsys_duck.lock import build_lock
from recsys_duck.retention import Cleaning, clean
from recsys_duck.warehouse import Warehouse

SHELL = shutil.which("duckdb", path=str(Path(sys.executable).parent))
READ = (
    "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print('open', flush=True); input();"
    "print(c.execute('select count(*) from recs.popular').fetchone()[0])"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six generations, of 1 to 6 popular items, and one of an environment of its own."""
    root = lay_out(tmp_path_factory.mktemp("built"), toml='[parameters]\nmodels = ["popular"]\n')
    for n in range(1, 7):
        run(root, {"parameters": [("popular_n", n)]})
    run(root, {"parameters": [("popular_n", 9)]}, environment="whatif")
    return root


@pytest.fixture
def project(built: Path) -> Iterator[Path]:
    """The six generations, put back after the test: a copy would read the tables of this one."""
    kept = built / "kept"
    subprocess.run(["cp", "-a", str(built / "warehouse"), str(kept)], check=True)
    yield built
    shutil.rmtree(built / "warehouse")
    kept.rename(built / "warehouse")


def numbers(project: Path, environment: str = "recsys") -> list[int]:
    return [one.number for one in Warehouse(project / "warehouse").generations(environment)]


def swept(project: Path, *, keep: int = 1, dry_run: bool = False) -> dict[str, int]:
    return counts(clean(project / "warehouse", keep=keep, dry_run=dry_run))


def counts(cleaning: Cleaning) -> dict[str, int]:
    return {one.what: one.n for one in cleaning.freed}


def assert_whole(project: Path) -> None:
    """Read every table of every generation that is left."""
    for path in sorted((project / "warehouse/generations").glob("*.duckdb")):
        with duckdb.connect(str(path), read_only=True) as connection:
            listed = "select concat(schema_name, '.', view_name) from duckdb_views() where not internal"
            tables = [row[0] for row in connection.execute(listed).fetchall()]
            assert tables
            for table in tables:
                connection.execute(f"select count(columns(*)) from {table}").fetchall()


def parts(project: Path) -> set[str]:
    tables = project / "warehouse/tables"
    return {str(path.relative_to(tables)) for path in tables.rglob("data.parquet")}


def named(project: Path) -> set[str]:
    warehouse = Warehouse(project / "warehouse")
    every = [one for name in warehouse.environments() for one in warehouse.generations(name)]
    return {file for one in every for file in one.files}


def test_the_newest_and_the_shown_stay_with_exactly_their_tables(project: Path) -> None:
    command_here(project, "rollback", "--to", "2")
    found = swept(project, keep=2)
    assert (numbers(project), numbers(project, "whatif")) == ([2, 5, 6], [1])
    assert found["generations"] == 3
    assert found["table parts"] == 3  # recs.popular of each
    assert parts(project) == named(project)
    assert_whole(project)
    assert rows(project, "select count(*) from recs.popular") == [(2,)]
    assert swept(project, keep=2) == dict.fromkeys(found, 0)


def test_a_build_afterwards_runs_what_went_and_only_that(project: Path) -> None:
    swept(project)
    assert ran(run(project, {"parameters": [("popular_n", 6)]})) == set()
    assert "recs.popular" in ran(run(project, {"parameters": [("popular_n", 3)]}))
    assert numbers(project) == [6, 7]
    assert_whole(project)


def test_a_dry_run_says_the_same_and_removes_nothing(project: Path) -> None:
    def files() -> set[str]:
        return {str(path) for path in (project / "warehouse").rglob("*")}

    before = files()
    told = clean(project / "warehouse", keep=2, dry_run=True)
    assert files() == before
    assert clean(project / "warehouse", keep=2, dry_run=False) == told
    assert files() < before


def reader_of(path: Path, kind: str) -> subprocess.Popen[str]:
    """Open a catalog in a process of its own, which waits and then counts recs.popular."""
    if kind == "python":
        process = subprocess.Popen(
            [sys.executable, "-c", READ, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        return process
    process = subprocess.Popen(
        [str(SHELL), "-readonly", "-csv", "-noheader", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    for _ in range(200):
        if holders([path]):
            return process
        time.sleep(0.05)
    raise AssertionError("the shell does not hold the catalog")


@pytest.mark.parametrize(
    "kind", ["python", pytest.param("shell", marks=pytest.mark.skipif(SHELL is None, reason="no duckdb-cli"))]
)
def test_what_a_process_reads_stays_until_it_ends(project: Path, kind: str) -> None:
    command_here(project, "rollback", "--to", "1")
    reader = reader_of(project / "warehouse/recsys.duckdb", kind)  # not by the generation's own name
    command_here(project, "rollback", "--to", "6")
    done = command_here(project, "clean", "--keep", "1")
    assert done.returncode == 0, done.stderr
    assert "recsys generation 1 stays: process " in done.stderr
    assert "removed recsys generation 2, recsys generation 3" in done.stderr
    assert numbers(project) == [1, 6]
    assert_whole(project)
    question = "\n" if kind == "python" else "select count(*) from recs.popular;\n"
    assert reader.communicate(question, timeout=30)[0] == "1\n"
    assert swept(project)["generations"] == 1
    assert numbers(project) == [6]


def test_asking_who_reads_disturbs_no_lock_of_this_process(project: Path) -> None:
    path = project / "warehouse/generations/recsys-1.duckdb"
    with duckdb.connect(str(path), read_only=True):
        assert holders([path, project / "nowhere"]) == {path: os.getpid()}
        assert holders([path]) == {path: os.getpid()}
    assert holders([path]) == {}


def test_a_reader_that_comes_at_the_last_moment_brings_its_generation_back(project: Path) -> None:
    asked: list[list[Path]] = []

    def late(paths: object) -> dict[Path, int]:
        asked.append(sorted(paths))  # type: ignore[call-overload]
        return {path: 7 for path in asked[-1] if path.name == ".gone-recsys-3.duckdb"}

    with mock.patch.object(retention, "holders", late):
        told = clean(project / "warehouse", keep=1, dry_run=False)
    assert len(asked) == 2
    assert dict(told.read) == {"recsys generation 3": 7}
    assert numbers(project) == [3, 6]
    assert parts(project) == named(project)
    assert_whole(project)


def test_what_a_killed_clean_set_aside_comes_back_to_its_reader(project: Path) -> None:
    path = project / "warehouse/generations/recsys-3.duckdb"
    aside = path.with_name(f".gone-{path.name}")
    path.rename(aside)
    reader = reader_of(aside, "python")
    assert swept(project)["generations"] == 4
    assert numbers(project) == [3, 6]
    assert reader.communicate("\n", timeout=20)[0] == "3\n"


def test_readers_that_open_while_generations_come_and_go_never_fail(project: Path) -> None:
    catalog = project / "warehouse/recsys.duckdb"
    done = threading.Event()
    problems: list[str] = []
    n_opened = [0]
    code = (
        "import duckdb, sys\n"
        "for line in sys.stdin:\n"
        "    with duckdb.connect() as c:\n"
        "        c.execute(f\"attach '{sys.argv[1]}' as r (read_only)\"); c.execute('use r')\n"
        "        n = c.execute('select count(*) from recs.popular').fetchone()[0]\n"
        "        m = c.execute(\"select value from meta.parameters where parameter = 'popular_n'\").fetchone()[0]\n"
        "        print(n == int(m), flush=True)\n"
    )

    def read_by_python() -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(catalog)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        while not done.is_set():
            process.stdin.write("\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            n_opened[0] += 1
            if answer != "True\n":
                problems.append(answer + process.stdout.readline())
                break
        process.communicate()

    def read_by_command(command: list[str]) -> None:
        while not done.is_set():
            asked = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
            if asked.returncode:
                problems.append(asked.stderr)

    question = "select count(*) from recs.popular"
    commands = [[sys.executable, "-m", "recsys_duck", "query", question]]
    commands += [[SHELL, "-readonly", str(catalog), "-c", question]] if SHELL else []
    readers = [threading.Thread(target=read_by_python)]
    readers += [threading.Thread(target=read_by_command, args=(command,)) for command in commands]
    for reader in readers:
        reader.start()
    removed = 0
    for n in range(6):
        run(project, {"parameters": [("popular_n", 1 + n % 5)]}, threads=1)
        removed += swept(project)["generations"]
    done.set()
    for reader in readers:
        reader.join()
    assert not problems
    assert n_opened[0] > 20
    assert removed > 4


def stopping_at(n: int) -> Callable[[str, tuple[object, ...]], None]:
    """Kill this process at the n-th change of the file system from here on."""
    seen = [0]

    def hook(event: str, _: tuple[object, ...]) -> None:
        if event in ("os.rename", "os.remove", "os.rmdir", "shutil.rmtree", "os.mkdir"):
            seen[0] += 1
            if seen[0] == n:
                os._exit(9)

    return hook


def test_a_kill_between_any_two_steps_leaves_what_is_left_whole(project: Path) -> None:
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[3]); from test_retention import stopping_at;"
        "from recsys_duck.retention import clean; sys.addaudithook(stopping_at(int(sys.argv[2])));"
        "clean(Path(sys.argv[1]) / 'warehouse', keep=3, dry_run=False)"
    )
    reader = reader_of(project / "warehouse/generations/recsys-2.duckdb", "python")
    for n in range(1, 1000):
        arguments = [str(project), str(n), str(Path(__file__).parent)]
        ended = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
        assert_whole(project)
        assert {4, 5, 6} <= set(numbers(project))
        if ended.returncode == 0:
            break
        assert ended.returncode == 9, ended.stderr
    assert n > 8
    assert numbers(project) == [2, 4, 5, 6]
    assert parts(project) == named(project)
    assert reader.communicate("\n", timeout=20)[0] == "2\n"


def test_a_kill_9_at_any_moment_leaves_what_is_left_whole(project: Path) -> None:
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-m", "recsys_duck", "clean", "--keep", "2"], cwd=project, stdout=subprocess.DEVNULL
        )
        time.sleep(moments.uniform(0.1, 0.6))
        process.kill()
        process.wait()
        assert_whole(project)
        assert {5, 6} <= set(numbers(project)), f"seed {seed}"
    swept(project, keep=2)
    assert parts(project) == named(project)


def test_leftovers_of_killed_builds_go(project: Path) -> None:
    warehouse = project / "warehouse"
    (warehouse / "temporary/spill").mkdir(parents=True)
    (warehouse / "temporary/spill/x").write_bytes(bytes(1000))
    (warehouse / ".recsys.duckdb.new").write_bytes(b"")
    for name in (".recsys-9.duckdb", "recsys-9.json", "recsys-9.duckdb.wal"):
        (warehouse / "generations" / name).write_bytes(b"x")
    (warehouse / "generations/recsys-8.duckdb").write_bytes(b"killed before it was told what it holds")
    shutil.copytree(next((warehouse / "tables/core/items").iterdir()), warehouse / "tables/core/items/0123")
    found = swept(project, keep=9)
    assert (found["generations"], found["table parts"], found["leftovers"]) == (1, 1, 5)
    assert numbers(project) == [1, 2, 3, 4, 5, 6]
    assert parts(project) == named(project)
    assert not (warehouse / "temporary").exists()
    assert not [path for path in (warehouse / "generations").iterdir() if path.name.startswith(".")]
    assert_whole(project)


def test_a_sweep_keeps_its_table_and_not_its_combinations(tmp_path: Path) -> None:
    lay_out(tmp_path, toml='[parameters]\nsplit = "random"\ntest_share = 0.4\nmodels = ["popular"]\n')
    run(tmp_path)
    assert command_here(tmp_path, "sweep", "--set", "seed=0,1").returncode == 0
    assert swept(tmp_path)["table parts"] > 3
    done = command_here(tmp_path, "query", "select count(*) from eval.sweep", "--as", "sweep", "--format", "csv")
    assert (done.returncode, int(done.stdout.splitlines()[1]) > 0) == (0, True)
    assert_whole(tmp_path)
    assert command_here(tmp_path, "sweep", "--set", "seed=0,1").returncode == 0


def test_how_many_stay_is_the_option_s_the_file_s_or_five(project: Path) -> None:
    command_here(project, "clean")
    assert numbers(project) == [2, 3, 4, 5, 6]
    settings = (project / "recsys.toml").read_text()
    (project / "recsys.toml").write_text(f"keep_generations = 3\n{settings}")
    try:
        command_here(project, "clean")
        assert numbers(project) == [4, 5, 6]
        assert command_here(project, "clean", "--keep", "2").returncode == 0
        assert numbers(project) == [5, 6]
        (project / "recsys.toml").write_text(f"keep_generations = 0\n{settings}")
        done = command_here(project, "clean")
        assert (done.returncode, "keep_generations can't be 0" in done.stderr) == (2, True)
    finally:
        (project / "recsys.toml").write_text(settings)
    assert command_here(project, "clean", "--keep", "0").returncode == 2


def test_a_catalog_that_nothing_tells_of_stops_a_clean_before_anything_goes(project: Path) -> None:
    shutil.copy(project / "warehouse/recsys.duckdb", project / "warehouse/mine.duckdb")
    with pytest.raises(ProjectError, match=r"mine\.duckdb is not a generation"):
        swept(project)
    (project / "warehouse/mine.duckdb").unlink()
    (project / "warehouse/generations/recsys-2.json").write_text("{}")
    reader = reader_of(project / "warehouse/generations/recsys-2.duckdb", "python")
    with pytest.raises(ProjectError, match="nothing tells which tables it names"):
        swept(project)
    assert reader.communicate("\n", timeout=20)[0] == "2\n"
    assert swept(project)["generations"] == 5


def test_nobody_cleans_while_a_build_runs_or_where_nothing_is(project: Path, tmp_path: Path) -> None:
    with build_lock(project / "warehouse"), pytest.raises(BusyError):
        swept(project)
    assert len(numbers(project)) == 6
    done = command_here(tmp_path, "clean")
    assert (done.returncode, "there is no warehouse" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []
