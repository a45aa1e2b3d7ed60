"""A full disk, too little memory and a lack of threads are each told as what they are, wherever they are met."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from building import lay_out, run
from projects import command_here, published_files

from recsys_duck import memory
from recsys_duck.engines.faults import ASKING, BUILDING, WRITING, shortage
from recsys_duck.errors import ResourceError
from recsys_duck.jobs import run_one

SORT = "select count(*) from (select i, md5(i::varchar) m from range(1500000) t(i) order by m, i desc offset 5)"


def raised(work: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as told:  # noqa: PT011 - whatever DuckDB makes of it
        work()
    return told.value


def spilled(folder: Path, **config: str) -> BaseException:
    with duckdb.connect(config={"memory_limit": "60MB", "threads": 2, "temp_directory": str(folder), **config}) as one:
        return raised(lambda: one.execute(SORT).fetchall())


@pytest.mark.parametrize("advice", [BUILDING, ASKING, WRITING])
def test_a_full_disk_is_not_called_memory(tmp_path: Path, advice: object) -> None:
    error = spilled(tmp_path, max_temp_directory_size="1MB")
    assert isinstance(error, duckdb.OutOfMemoryException)  # DuckDB's own name for it
    told = shortage(error, "here", advice)  # type: ignore[arg-type]
    assert isinstance(told, ResourceError)
    assert (told.what, told.fix) == ("disk does not suffice", advice.disk)  # type: ignore[attr-defined]


def test_too_little_memory_is_not_called_disk() -> None:
    with duckdb.connect(config={"memory_limit": "60MB", "temp_directory": ""}) as one:
        told = shortage(raised(lambda: one.execute(SORT).fetchall()), "here", BUILDING)
    assert told is not None
    assert told.what == "memory does not suffice"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_of_the_system_is_told(number: int) -> None:
    told = shortage(OSError(number, os.strerror(number), "x"), "here", BUILDING)
    assert told is not None
    assert (told.what, told.exit_code) == ("disk does not suffice", 5)


def test_data_that_speak_of_a_full_disk_are_no_full_disk() -> None:
    with duckdb.connect() as one:
        error = raised(lambda: one.execute("select cast('No space left on device' as int)"))
    assert shortage(error, "here", BUILDING) is None


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "gone"), ValueError("No space left on device")])
def test_other_failures_are_no_shortage(error: Exception) -> None:
    assert shortage(error, "here", BUILDING) is None


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no limit on the size of files")
@pytest.mark.parametrize("ending", ["parquet", "csv", "duckdb"])
def test_a_file_that_outgrows_its_limit_is_told(tmp_path: Path, ending: str) -> None:
    code = """
import resource, signal, sys, duckdb
from recsys_duck.engines.faults import BUILDING, shortage
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
rows = "select i, md5(i::varchar) as m from range(300000) t(i)"
try:
    with duckdb.connect() as one:
        if sys.argv[1].endswith("duckdb"):
            one.execute(f"attach '{sys.argv[1]}' as made")
            one.execute(f"create table made.t as {rows}")
        else:
            one.execute(f"copy ({rows}) to '{sys.argv[1]}'")
except duckdb.Error as error:
    print(shortage(error, "here", BUILDING).what)
"""
    command = [sys.executable, "-c", code, str(tmp_path / f"made.{ending}")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "disk does not suffice\n", done.stderr


def test_a_full_disk_while_publishing_is_told_and_publishes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(tmp_path)
    run(tmp_path, select=("+core.items",))
    error = duckdb.IOException('IO Error: Could not write file "x": No space left on device')

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("recsys_duck.catalog._write_meta", fail)
    (tmp_path / "warehouse/recsys.duckdb").unlink()  # so that there is something to publish
    before = published_files(tmp_path / "warehouse")
    done = command_here(tmp_path, "build", "--select", "+core.items", "--force")
    assert (done.returncode, "Traceback" in done.stderr) == (5, False), done.stderr
    assert "error: disk does not suffice" in done.stderr
    assert published_files(tmp_path / "warehouse") == before


class NoEngine:
    """Nothing to interrupt."""

    def interrupt(self) -> None: ...


def test_a_system_without_threads_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")  # Python's own words

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(ResourceError, match="starts no more threads") as told:
        run_one(NoEngine(), lambda: 1)
    assert "--threads" in told.value.fix


@pytest.mark.parametrize("given", [["--threads", "1000000"], ["--threads", str(10**30)]])
def test_a_million_threads_are_not_started_and_that_is_told(tmp_path: Path, given: list[str]) -> None:
    lay_out(tmp_path)
    run(tmp_path, select=("+core.items",))
    asked = ["query", "select current_setting('threads') as n", "--format", "csv"]
    done = command_here(tmp_path, *asked, *given)
    assert done.stdout == f"n\n{memory.most_threads()}\n"
    assert done.stderr.startswith("warning    ")
    assert f"--threads {memory.default_threads()}" in done.stderr
    for command in (["plan"], ["build", "--select", "+core.items"], ["export"], ["profile", "describe"]):
        done = command_here(tmp_path, *command, *given)
        assert (done.returncode, "threads are too many" in done.stderr) == (0, True), done.stderr


def test_threads_of_recsys_toml_are_bound_too(tmp_path: Path) -> None:
    lay_out(tmp_path, toml="threads = 1000000\n")
    done = command_here(tmp_path, "build", "--select", "+core.items")
    assert done.returncode == 0
    assert f"{memory.most_threads()} are used" in done.stderr
    assert f", {memory.most_threads()} threads" in done.stderr
