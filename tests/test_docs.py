"""What the documentation says is true: its commands run, its tables are current."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from recsys_duck import __version__
from recsys_duck.cli import cli
from recsys_duck.dictionary import dictionary

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)


def commands(block: str) -> list[tuple[str, list[str]]]:
    """Split a console block into commands and the output lines it shows below each."""
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line.rstrip())
    return found


def shown_in(shown: list[str], printed: list[str]) -> bool:
    """Tell whether the shown lines are the printed ones, with … for any lines, or any end of one."""
    pattern = ""
    for line in shown:
        if line == "…":
            pattern += r"(?:.*\n)*?"
        elif line.endswith("…"):
            pattern += re.escape(line[:-1]) + r".*\n"
        else:
            pattern += re.escape(line) + r"\n"
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in printed)) is not None


def test_every_console_block_runs_and_prints_what_it_shows(tmp_path: Path) -> None:
    binaries = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}
    assert BLOCKS
    for block in BLOCKS:
        for command, shown in commands(block):
            done = subprocess.run(
                command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{command}\n{done.stderr}"
            if shown:
                assert shown_in(shown, done.stdout.splitlines()), f"{command}\n{done.stdout}"


def test_no_figure_is_left_open() -> None:
    assert not re.search(r"[A-Z]{3,}_[A-Z]{3,}|\?\?|TBD", README)


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    documented = set(re.findall(r"^\| `recsys-duck (\w+)", README, re.MULTILINE))
    assert documented == set(cli.commands)


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_explains_itself(name: str) -> None:
    answer = CliRunner().invoke(cli, [name, "--help"])
    assert answer.exit_code == 0
    for option in re.findall(r"^  (--[a-z-]+)", answer.output, re.MULTILINE):
        assert re.search(rf"{option}\b.*\S", answer.output)


def test_the_data_dictionary_is_current() -> None:
    text = (ROOT / "warehouse/README.md").read_text(encoding="utf-8")
    assert text == dictionary(), "run python -m recsys_duck.dictionary warehouse/README.md"


def test_the_changelog_has_this_release() -> None:
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_full_line_of_the_readme_builds(tmp_path: Path, slices_folder: Path) -> None:
    line = next(line for line in README.splitlines() if line.startswith("recsys-duck build --kind mpd"))
    (tmp_path / "slices").mkdir()
    shutil.copy(next(iter(sorted(slices_folder.glob("*.json")))), tmp_path / "slices")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    toml = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)[0]
    (tmp_path / "recsys.toml").write_text(toml, encoding="utf-8")
    again = subprocess.run(
        "recsys-duck build", shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert "plan       0 stages to run" in again.stderr, again.stderr


def test_the_readmes_own_stage_builds(tmp_path: Path) -> None:
    from building import lay_out, rows, run

    text = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)[0]
    lay_out(tmp_path, sql={"features/shared_items": text})
    run(tmp_path)
    assert rows(tmp_path, "select min(n_users) > 1 from features.shared_items") == [(True,)]
