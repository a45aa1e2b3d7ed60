"""The released DuckDB shell reads the catalog from anywhere, while a build runs and after someone wrote to it."""

import csv
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from building import lay_out, published, run, write_parquet

from recsys_duck.events import Warned
from recsys_duck.examples import QUERIES_FOLDER

SHELL = shutil.which("duckdb", path=str(Path(sys.executable).parent))
pytestmark = pytest.mark.skipif(SHELL is None, reason="the package duckdb-cli is not installed")


def ask(catalog: Path, *questions: str, folder: Path = Path("/")) -> list[list[str]]:
    """Ask the shell, read-only, from another folder; the rows of all questions without their heads."""
    answers = []
    for question in questions:
        command = [str(SHELL), "-readonly", "-csv", str(catalog), "-c", question]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60, check=False)
        assert done.returncode == 0, f"{question}\n{done.stderr}"
        answers += list(csv.reader(io.StringIO(done.stdout)))[1:]
    return answers


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = lay_out(tmp_path_factory.mktemp("project"))
    write_parquet(root / "items.parquet", "select 1 as item_id, 'The One' as item_name")
    write_parquet(root / "tags.parquet", "select 'genre' as tag_type, 7 as tag_id, 'rock' as tag_name")
    write_parquet(root / "item_tags.parquet", "select 1 as item_id, 'genre' as tag_type, 7 as tag_id")
    run(root)
    return root


@pytest.fixture
def catalog(project: Path) -> Path:
    return project / "warehouse/recsys.duckdb"


@pytest.fixture(scope="module")
def judged_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = lay_out(tmp_path_factory.mktemp("judged"))
    write_parquet(root / "tags.parquet", "select 'genre' as tag_type, 7 as tag_id, 'rock' as tag_name")
    run(root, {"parameters": [("split", "random"), ("test_share", 0.3)]})
    return root / "warehouse/recsys.duckdb"


def test_the_shell_is_the_released_one() -> None:
    version = subprocess.run([str(SHELL), "--version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("v1.5.")


def test_tables_comments_and_macros_answer(catalog: Path) -> None:
    assert ask(catalog, "select count(*) from recs.popular") == [["11"]]
    explained = ask(catalog, "from explain('core.items')")
    assert [row[0] for row in explained] == ["item_id", "item_name", "item_idx"]
    assert "dense and 0-based" in explained[2][2]
    lists = "select model_name, rank, item_id, item_name, score from recs.personal left join core.items using (item_id)"
    wanted = ask(catalog, f"{lists} where user_id = 1 order by model_name, rank")
    assert len(wanted) > 0
    assert ask(catalog, "from recommend_for(1)") == wanted
    assert ask(catalog, "from recommend_for('1')") == ask(catalog, "from recommend_for(1)")
    assert [row[0] for row in ask(catalog, "from who_plays('the one')")] == ["2", "3", "5", "6"]
    assert ask(catalog, "from who_plays('nobody')") == []
    assert ask(catalog, "select unit_hash('abc') between 0 and 1") == [["true"]]


def test_macros_work_in_an_attached_catalog_after_use(catalog: Path) -> None:
    command = [str(SHELL), "-csv", "-c", f"attach '{catalog}' as r (read_only); use r; from recommend_for(1)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "popular,1," in done.stdout


@pytest.mark.parametrize("path", sorted(QUERIES_FOLDER.glob("*.sql")), ids=lambda path: path.stem)
def test_every_example_question_runs(judged_catalog: Path, path: Path) -> None:
    assert ask(judged_catalog, path.read_text(encoding="utf-8"))


def test_there_are_at_least_five_example_questions() -> None:
    assert len(list(QUERIES_FOLDER.glob("*.sql"))) >= 5


def test_readers_see_one_consistent_generation_while_builds_run(tmp_path: Path) -> None:
    lay_out(tmp_path)
    run(tmp_path)
    catalog = tmp_path / "warehouse/recsys.duckdb"
    problems: list[str] = []
    seen: set[str] = set()
    done = threading.Event()

    def read() -> None:
        question = """
            select (select count(*) from recs.popular), (select max(rank) from recs.personal),
                (select value from meta.parameters where parameter = 'popular_n'),
                (select value from meta.parameters where parameter = 'top_n')
        """
        while not done.is_set():
            try:
                [[popular, longest, popular_n, top_n]] = ask(catalog, question)
            except AssertionError as error:
                problems.append(str(error))
                continue
            seen.add(popular)
            if popular != popular_n or longest != top_n:
                problems.append(f"{popular} of {popular_n}, {longest} of {top_n}")

    run(tmp_path, {"parameters": [("popular_n", 2), ("top_n", 1), ("ks", [1]), ("models", ["popular"])]})
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for n in range(20):
        run(
            tmp_path,
            {"parameters": [("popular_n", 2 + n % 4), ("top_n", 1 + n % 3), ("ks", [1]), ("models", ["popular"])]},
            threads=1,
        )
    done.set()
    for reader in readers:
        reader.join()
    assert not problems
    assert len(seen) > 1


def test_a_killed_read_write_shell_does_no_harm_to_the_next_generation(tmp_path: Path) -> None:
    lay_out(tmp_path)
    run(tmp_path)
    catalog = tmp_path / "warehouse/recsys.duckdb"
    catalog.chmod(0o644)  # as root may write anyway
    shell = subprocess.Popen([str(SHELL), str(catalog)], stdin=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL)
    assert shell.stdin is not None
    shell.stdin.write("create table main.mine as select 1 as x;\n")
    shell.stdin.flush()
    log = Path(f"{catalog}.wal")
    for _ in range(100):
        if log.exists() and log.stat().st_size:
            break
        time.sleep(0.05)
    os.kill(shell.pid, signal.SIGKILL)
    shell.wait()
    assert log.exists()
    events = run(tmp_path, {"parameters": [("popular_n", 3)]})
    assert any(isinstance(event, Warned) and "recsys.duckdb.wal" in event.message for event in events)
    assert not log.exists()
    assert ask(catalog, "select count(*) from recs.popular") == [["3"]]
    assert ask(catalog, "select count(*) from duckdb_tables() where table_name = 'mine'") == [["0"]]


def test_a_catalog_that_someone_wrote_to_is_published_again(tmp_path: Path) -> None:
    lay_out(tmp_path)
    run(tmp_path)
    catalog = tmp_path / "warehouse/recsys.duckdb"
    catalog.chmod(0o644)
    subprocess.run([str(SHELL), str(catalog), "-c", "drop view recs.popular"], check=True, capture_output=True)
    event = published(run(tmp_path))
    assert event.is_new
    assert ask(catalog, "select count(*) from recs.popular") == [["11"]]


def test_a_read_write_shell_that_stays_open_stops_no_build(tmp_path: Path) -> None:
    lay_out(tmp_path)
    run(tmp_path)
    catalog = tmp_path / "warehouse/recsys.duckdb"
    catalog.chmod(0o644)
    shell = subprocess.Popen([str(SHELL), str(catalog)], stdin=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        assert published(run(tmp_path, {"parameters": [("popular_n", 4)]})).is_new
        assert ask(catalog, "select count(*) from recs.popular") == [["4"]]
    finally:
        shell.kill()
        shell.wait()
