"""The command line: what each command prints on stdout, and that a printed stage pastes into a shell."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from building import lay_out, rows, run, steps
from click.testing import CliRunner, Result

from recsys_duck import __version__
from recsys_duck.cli import cli
from recsys_duck.errors import ProjectError
from recsys_duck.stage import PythonStage

SHELL = shutil.which("duckdb", path=str(Path(sys.executable).parent))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = lay_out(tmp_path_factory.mktemp("a folder's name"), toml='[parameters]\nsplit = "random"\n')
    run(root)
    return root


def call(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_the_version_is_told() -> None:
    assert __version__ in call("--version").stdout


def test_build_tells_its_events_as_json_lines(tmp_path: Path) -> None:
    lay_out(tmp_path)
    lines = [json.loads(line) for line in call("build", "--project", tmp_path, "--json").stdout.splitlines()]
    assert [lines[0]["event"], lines[-1]["event"]] == ["planned", "published"]
    assert {line["stage"] for line in lines if line["event"] == "built"} == set(steps(tmp_path))


def test_a_plain_build_narrates_on_stderr_alone(tmp_path: Path) -> None:
    lay_out(tmp_path)
    result = call("build", "--project", tmp_path)
    assert result.stdout == ""
    assert "published  recsys generation 1" in result.stderr
    assert "\x1b" not in result.stderr


def test_plan_says_what_and_why(project: Path) -> None:
    table = call("plan", "--project", project, "--set", "top_n=3", "--set", "ks=[3]").stdout
    assert re.search(r"^run +recs.personal/popular +top_n changed from 30 to 3", table, re.MULTILINE)
    assert "staging.events" not in table
    assert "staging.events" in call("plan", "--project", project, "--all").stdout
    lines = [json.loads(line) for line in call("plan", "--project", project, "--json").stdout.splitlines()]
    assert {line["action"] for line in lines} == {"reuse"}


def test_params_says_where_each_value_comes_from(project: Path) -> None:
    lines = call("params", "--project", project, "--set", "cutoff=2024-01-02", "--json").stdout.splitlines()
    found = {line["parameter"]: (line["value"], line["set by"]) for line in map(json.loads, lines)}
    assert found["split"] == ("random", "recsys.toml")
    assert found["cutoff"] == ("2024-01-02 00:00:00", "command line")
    assert found["top_n"] == ("30", "default")
    mpd = call("params", "--project", project, "--kind", "mpd", "--json").stdout.splitlines()
    assert ("10000", "kind") in [(line["value"], line["set by"]) for line in map(json.loads, mpd)]


def test_status_tells_environments_and_what_they_share(tmp_path: Path) -> None:
    lay_out(tmp_path)
    run(tmp_path)
    run(tmp_path, {"parameters": [("popular_n", 2)]}, environment="whatif")
    result = call("status", "--project", tmp_path, "--json")
    lines = {line["environment"]: line for line in map(json.loads, result.stdout.splitlines())}
    assert set(lines) == {"recsys", "whatif"}
    assert lines["whatif"]["size"] != lines["whatif"]["not shared"]
    assert "nobody builds" in result.stderr


@pytest.mark.parametrize(
    ("style", "shown"),
    [
        ("csv", "rank,item_id\n1,1\n"),
        ("json", '{"rank": 1, "item_id": 1}\n'),
        ("table", "rank  item_id\n   1        1\n"),
    ],
)
def test_query_writes_tables_csv_and_json(project: Path, style: str, shown: str) -> None:
    question = "select rank, item_id from recs.popular order by rank limit 1"
    printed = call("query", question, "--project", project, "--format", style).stdout
    first = rows(project, question)[0]
    assert printed == shown.replace("1,1", f"1,{first[1]}").replace(": 1}", f": {first[1]}}}").replace(
        "   1        1", f"   1{first[1]:>9}"
    )


def test_query_without_a_question_lists_the_examples(project: Path) -> None:
    assert "top_items" in call("query").stdout
    assert call("query", "top_items", "--project", project).stdout.startswith("rank")


@pytest.mark.skipif(SHELL is None, reason="the package duckdb-cli is not installed")
def test_every_printed_stage_pastes_into_the_released_shell_and_gives_its_rows(project: Path) -> None:
    catalog = project / "warehouse/recsys.duckdb"
    counts = dict(rows(project, "select stage, n_rows from meta.stages"))
    for stage, step in steps(project).items():
        if isinstance(step.stage, PythonStage):
            with pytest.raises(ProjectError, match="is Python, not SQL"):
                call("sql", stage, "--project", project)
            continue
        text = call("sql", stage, "--project", project).stdout
        assert "$" not in "".join(line for line in text.splitlines() if not line.startswith("--"))
        command = [str(SHELL), "-readonly", "-csv", str(catalog)]
        done = subprocess.run(command, input=text, capture_output=True, text=True, cwd="/", check=False)
        assert done.returncode == 0, f"{stage}\n{done.stderr}"
        n_rows = max(0, len(done.stdout.splitlines()) - 1)
        if step.stage.for_each and not step.stage.for_each.startswith("files."):
            assert 0 < n_rows <= counts[stage]  # of the first planning row
        elif counts[stage] is not None:
            assert n_rows == counts[stage], stage


def test_a_demo_is_built_once_and_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "the demo"
    first = call("demo", folder)
    assert "The most popular artists" in first.stdout
    assert "missing_item_id" in first.stdout
    again = call("demo", folder)
    assert again.stdout == first.stdout
    assert "plan       0 stages to run" in again.stderr


def test_a_project_that_can_t_be_read_fails_in_json_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "recsys_duck", "build", "--json", "--kind", "evnts", "--project", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)["what"] == "there is no kind evnts"
