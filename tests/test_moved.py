"""A warehouse in another place says so and is published again without a stage; odd paths work or are refused."""

import shutil
import subprocess
from pathlib import Path

import pytest
from building import lay_out, ran, rows, run
from projects import command_here

from recsys_duck.events import Published, Warned

SELECTED = ("+recs.popular",)


@pytest.fixture(scope="module", name="built")
def built_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = lay_out(tmp_path_factory.mktemp("moved") / "before")
    run(root, select=SELECTED)
    run(root, select=SELECTED, environment="whatif")
    return root


@pytest.mark.parametrize("way", ["moved", "copied", "copied with its times and links"])
def test_a_warehouse_in_another_place_says_so_and_is_published_again(built: Path, tmp_path: Path, way: str) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    subprocess.run(["cp", "-a", str(built), str(before)], check=True)
    run(before, select=SELECTED)
    run(before, select=SELECTED, environment="whatif")
    counts = rows(before, "from recs.popular order by all")
    after.mkdir()
    for name in ("events.parquet", "recsys.toml"):
        shutil.copy2(before / name, after / name)
    if way == "moved":
        (before / "warehouse").rename(after / "warehouse")
    else:
        option = "-r" if way == "copied" else "-a"
        subprocess.run(["cp", option, str(before / "warehouse"), str(after / "warehouse")], check=True)
    for command in (["status"], ["query", "from recs.popular"], ["export"], ["diff", "recsys", "recsys"]):
        done = command_here(after, *command)
        assert done.returncode == (0 if command == ["status"] else 2)
        assert "moved or copied" in done.stderr
        assert str(before / "warehouse") in done.stderr
        assert "recsys-duck build" in done.stderr
    if way != "copied":
        assert [line.split()[0] for line in command_here(after, "status").stdout.splitlines()[1:]] == [
            "recsys",
            "whatif",
        ]
    events = run(after, select=SELECTED)
    assert ran(events) == set()
    assert any(isinstance(event, Warned) and "published again" in event.message for event in events)
    assert next(event for event in events if isinstance(event, Published)).is_new
    assert rows(after, "from recs.popular order by all") == counts
    told = command_here(after, "status").stderr
    assert "whatif reads" in told
    assert "recsys reads" not in told
    assert command_here(after, "query", "from recs.popular").returncode == 0
    run(after, select=SELECTED, environment="whatif")
    assert "reads" not in command_here(after, "status").stderr


@pytest.mark.parametrize("name", ["a\nb", 'it\'s "it"', "a*b", "a[b]", "50 %", "-a", "run=5", "a\x1bb", "a{b}", "~"])
def test_a_project_of_an_odd_name_works(tmp_path: Path, name: str) -> None:
    lay_out(tmp_path / name)
    for command in (["build", "--select", "+core.items"], ["query", "from core.items"], ["status"], ["plan"]):
        done = command_here(tmp_path, *command, "--project", name)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["a\\b", "a\\", "a?b", "a\\*b", "a\udcffb"])
def test_a_project_that_duckdb_can_not_open_is_refused_in_words(tmp_path: Path, name: str) -> None:
    lay_out(tmp_path / "there")
    (tmp_path / "there").rename(tmp_path / name)
    for command in (["build"], ["query", "from core.items"], ["status"], ["plan"]):
        done = command_here(tmp_path, *command, "--project", name)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
        assert "fix:" in done.stderr
    assert sorted(path.name for path in (tmp_path / name).iterdir()) == ["events.parquet", "recsys.toml"]


def test_a_backslash_works_where_the_warehouse_lies_elsewhere(tmp_path: Path) -> None:
    lay_out(tmp_path / "there")
    (tmp_path / "there").rename(tmp_path / "a\\b")
    given = ["--project", "a\\b", "--warehouse", "elsewhere"]
    assert command_here(tmp_path, "build", "--select", "+core.items", *given).returncode == 0
    assert command_here(tmp_path, "query", "from core.items", *given).returncode == 0
