"""A rollback shows an older generation at once, whole or not at all, and builds go on from what is shown."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from building import lay_out, published, rows, run
from projects import command_here, published_files

from recsys_duck.lock import build_lock
from recsys_duck.warehouse import Warehouse


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three generations: the most popular 2, 3 and 4 items; the third is shown."""
    lay_out(tmp_path, toml='[parameters]\nmodels = ["popular"]\n')
    for n in (2, 3, 4):
        run(tmp_path, {"parameters": [("popular_n", n)]})
    return tmp_path


def shown(project: Path) -> tuple[object, object]:
    """Number of the generation shown, and rows of recs.popular in it."""
    [answer] = rows(project, "select number, (select count(*) from recs.popular) from meta.generation")
    return answer[0], answer[1]


def test_a_rollback_shows_the_newest_older_generation(project: Path) -> None:
    done = command_here(project, "rollback", "--json")
    assert done.returncode == 0, done.stderr
    assert '"generation": 2' in done.stdout
    assert "it was generation 3" in done.stderr
    assert shown(project) == (2, 3)
    assert command_here(project, "rollback").returncode == 0
    assert shown(project) == (1, 2)


def test_a_rollback_can_go_to_any_generation_and_forward_again(project: Path) -> None:
    for number in (1, 3, 2, 2):
        assert command_here(project, "rollback", "--to", str(number)).returncode == 0
        assert shown(project) == (number, number + 1)
    assert not list((project / "warehouse").glob(".*.new"))


def test_a_build_after_a_rollback_publishes_only_what_differs_from_what_is_shown(project: Path) -> None:
    command_here(project, "rollback", "--to", "1")
    same = published(run(project, {"parameters": [("popular_n", 2)]}))
    assert (same.is_new, same.generation) == (False, 1)
    other = published(run(project, {"parameters": [("popular_n", 4)]}))
    assert (other.is_new, other.generation) == (True, 4)
    assert shown(project) == (4, 4)


def test_a_rollback_is_of_one_environment(project: Path) -> None:
    run(project, {"parameters": [("popular_n", 5)]}, environment="whatif")
    run(project, {"parameters": [("popular_n", 6)]}, environment="whatif")
    assert command_here(project, "rollback", "--as", "whatif").returncode == 0
    assert shown(project) == (3, 4)
    assert rows(project, "select count(*) from recs.popular", "whatif") == [(5,)]


def test_what_can_t_be_rolled_back_to_is_told_and_nothing_changes(project: Path) -> None:
    history = project / "warehouse/generations"
    (history / "recsys-1.duckdb").chmod(0o644)
    os.utime(history / "recsys-1.duckdb", ns=(1, 1))
    own = Warehouse(project / "warehouse").generations("recsys")
    [part] = [file for file in own[1].files if "recs/popular" in file and file not in own[2].files]
    (project / "warehouse/tables" / part).unlink()
    before = published_files(project / "warehouse")
    for arguments, told in (
        (["--to", "9"], "recsys has no generation 9"),
        (["--to", "1"], "its file was changed after it was published"),
        (["--to", "2"], f"{part} is not as it was written"),
        ([], f"{part} is not as it was written"),
        (["--as", "rcsys"], "did you mean recsys?"),
    ):
        done = command_here(project, "rollback", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert told in done.stderr
    assert published_files(project / "warehouse") == before
    status = command_here(project, "status", "--generations", "--json").stdout.splitlines()
    assert ["changed after" in status[0], part in status[1], '"shown"' in status[2]] == [True] * 3


def test_without_an_older_generation_there_is_no_rollback(project: Path) -> None:
    command_here(project, "rollback", "--to", "1")
    done = command_here(project, "rollback")
    assert done.returncode == 2
    assert "no generation older than 1" in done.stderr
    assert "there are 1, 2, 3" in done.stderr


def test_a_warehouse_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    done = command_here(tmp_path, "rollback")
    assert done.returncode == 2
    assert "nothing is published" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_copied_warehouse_is_not_rolled_back(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(project / "warehouse", copy / "warehouse")  # its views still read the other one
    done = command_here(copy, "rollback")
    assert done.returncode == 2
    assert "moved or copied" in done.stderr


def test_nobody_rolls_back_while_a_build_runs(project: Path) -> None:
    with build_lock(project / "warehouse"):
        done = command_here(project, "rollback")
    assert done.returncode == 3
    assert shown(project) == (3, 4)


def test_a_reader_keeps_what_it_opened_and_a_stale_log_is_gone(project: Path) -> None:
    catalog = project / "warehouse/recsys.duckdb"
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print('open', flush=True); input();"
        "print(c.execute('select count(*) from recs.popular').fetchone()[0])"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", code, str(catalog)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "open\n"
    log = Path(f"{catalog}.wal")
    log.write_bytes(b"what someone's killed session left")
    assert command_here(project, "rollback").returncode == 0
    assert not log.exists()
    assert shown(project) == (2, 3)
    assert reader.communicate("\n", timeout=20)[0] == "4\n"


def test_a_killed_rollback_shows_the_one_or_the_other(project: Path) -> None:
    for delay in range(8):
        process = subprocess.Popen(
            [sys.executable, "-m", "recsys_duck", "rollback", "--to", str(1 + delay % 3)],
            cwd=project,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(timeout=0.2 + 0.04 * delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        number, n_rows = shown(project)
        assert n_rows == int(str(number)) + 1
    assert command_here(project, "rollback", "--to", "3").returncode == 0
    assert shown(project) == (3, 4)
