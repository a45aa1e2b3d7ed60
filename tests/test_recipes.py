"""The recipes that init writes: each runs from its recsys.toml alone on real data, and its funnel adds up."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from building import rows
from projects import command, command_here

from recsys_duck.recipe import find_recipe, recipes

GOLDEN = Path(__file__).parent / "recipes"
# the data set of each recipe, by the names of the real data
FOUNDING = {
    "taste_profile": ("taste_profile",),
    "lastfm_360k": ("lastfm_360k",),
    "yandex_music": ("yandex_music",),
    "mpd_artists": ("mpd",),
    "mpd_tracks": ("mpd", "audio_features"),
}
MEMORY = "2GB"
MOST_KB = 2_000_000  # 2 GB as the system counts them
# runs a command and tells the most memory that it and its children ever held
PEAK = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
print(json.dumps([done.returncode, done.stderr, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


def lay_out(name: str, root: Path, real_data: Callable[[str], Path]) -> Path:
    """Lay the files of a recipe's data beside its recsys.toml, as links, folders as they are."""
    for data in FOUNDING[name]:
        for path in real_data(data).iterdir():
            (root / path.name).symlink_to(path)
    done = command_here(root, "init", "--recipe", name)
    assert done.returncode == 0, done.stderr
    assert "no file" not in done.stderr
    return root


@pytest.fixture(scope="module", params=sorted(FOUNDING))
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, real_data: Callable[[str], Path]
) -> tuple[str, Path, str, int]:
    """Build a recipe whole within 2 GB: its name, its folder, what the build told, the most memory in KB."""
    root = lay_out(request.param, tmp_path_factory.mktemp(request.param), real_data)
    build = [sys.executable, "-m", "recsys_duck", "build", "--memory-limit", MEMORY, "--threads", "2"]
    measured = subprocess.run(
        [sys.executable, "-c", PEAK, *build], cwd=root, capture_output=True, text=True, check=True
    )
    code, told, peak = json.loads(measured.stdout)
    assert code == 0, told
    return request.param, root, told, peak


@pytest.mark.parametrize("recipe", recipes(), ids=lambda one: one.name)
def test_init_writes_the_working_example(recipe: object, tmp_path: Path) -> None:
    done = command_here(tmp_path, "init", "--kind", recipe.kind, "--recipe", recipe.name)  # type: ignore[attr-defined]
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "recsys.toml").read_text() == (GOLDEN / f"{recipe.name}.toml").read_text()  # type: ignore[attr-defined]


def test_every_working_example_is_written_by_init() -> None:
    assert {path.stem for path in GOLDEN.glob("*.toml")} == {one.name for one in recipes()}


def test_a_kind_alone_gives_its_first_recipe(tmp_path: Path) -> None:
    assert command_here(tmp_path, "init", "new", "--kind", "mpd").returncode == 0
    assert (tmp_path / "new" / "recsys.toml").read_text() == find_recipe("mpd", None).path.read_text()


def test_init_overwrites_nothing_and_names_what_is_missing(tmp_path: Path) -> None:
    first = command_here(tmp_path, "init", "--kind", "taste_profile")
    assert first.returncode == 0
    assert "input plays: no file interactions_10000.csv here yet" in first.stderr
    again = command_here(tmp_path, "init", "--kind", "mpd")
    assert again.returncode == 2
    assert "there is a recsys.toml already" in again.stderr
    assert 'kind = "taste_profile"' in (tmp_path / "recsys.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--kind", "mdp"], "did you mean mpd?"), (["--recipe", "mpd_artist"], "did you mean mpd_artists?")],
)
def test_an_unknown_kind_or_recipe_is_told_with_the_nearest(tmp_path: Path, arguments: list[str], told: str) -> None:
    done = command_here(tmp_path, "init", *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert os.listdir(tmp_path) == []


def test_without_a_kind_the_recipes_are_listed(tmp_path: Path) -> None:
    done = command_here(tmp_path, "init")
    assert done.returncode == 0
    assert all(one.name in done.stdout for one in recipes())
    assert os.listdir(tmp_path) == []


def test_a_recipe_runs_whole_within_its_memory(built: tuple[str, Path, str, int]) -> None:
    _, _, told, peak = built
    assert "published" in told
    assert peak <= MOST_KB


def test_its_funnel_adds_up_and_is_on_the_last_screen(built: tuple[str, Path, str, int]) -> None:
    _, root, told, _ = built
    ledger = rows(root, "select stage, reason, n_rows from meta.row_ledger")
    gates = {stage for stage, _, _ in ledger}
    assert "core.events" in gates
    last_screen = told[told.index("published ") :]
    for gate in gates:
        counts = {reason: n_rows for stage, reason, n_rows in ledger if stage == gate}
        assert counts.pop("in") == sum(counts.values())
        for reason, n_rows in counts.items():
            if reason != "kept" and n_rows:
                assert reason in last_screen
                assert f"{n_rows:,}" in last_screen


def test_its_profile_shows_each_table_of_statistics_once(built: tuple[str, Path, str, int]) -> None:
    name, root, _, _ = built
    done = command_here(root, "profile", "missing", "--format", "json")
    shown = [(row["table_name"], row["column_name"]) for row in map(json.loads, done.stdout.splitlines())]
    own = {"staging.play_statistics", "staging.profile_statistics"} if name == "lastfm_360k" else set()
    assert {table for table, _ in shown} == {"core.column_statistics", *own}
    assert len(shown) == len(set(shown))


def test_nothing_changed_publishes_nothing(built: tuple[str, Path, str, int]) -> None:
    _, root, _, _ = built
    again = command(root, "build")
    assert again.returncode == 0, again.stderr
    assert "0 stages to run" in again.stderr
    assert "unchanged" in again.stderr


def test_all_its_exports_are_written(built: tuple[str, Path, str, int], tmp_path: Path) -> None:
    _, root, _, _ = built
    done = command_here(root, "export", "all", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "left out" not in done.stderr
    for name in os.listdir(tmp_path):
        assert (tmp_path / name).stat().st_size > 0 or f"0 {Path(name).stem} rows" in done.stderr
