"""A stage's file, printed to be copied into a project: shipped, of a kind, and the project's own."""

from pathlib import Path

import pytest
from projects import add_stage, command_here, lay_out_events, load

from recsys_duck.kind import SQL_FOLDER

MINE = """-- Mine.
-- grain:  user_id

select distinct events.user_id
from core.events
"""


@pytest.mark.parametrize(
    ("stage", "kind", "file"),
    [
        ("core.items", "events", "core/items.sql"),
        ("staging.events", "events", "kinds/events/staging/events.sql"),
        ("recs.personal/popular", "events", "recs/personal/popular.sql"),
        ("features.play_shares", "lastfm_360k", "kinds/lastfm_360k/features/play_shares.sql"),
    ],
)
def test_the_text_is_that_of_the_file_and_where_to_save_it_is_told(
    stage: str, kind: str, file: str, tmp_path: Path
) -> None:
    done = command_here(tmp_path, "sql", stage, "--source", "--kind", kind)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (SQL_FOLDER / file).read_text(encoding="utf-8")
    assert f"save it as sql/{stage.replace('.', '/')}.sql" in done.stderr


def test_a_shared_stage_is_printed_without_a_kind_and_without_files(tmp_path: Path) -> None:
    assert command_here(tmp_path, "sql", "core.items", "--source").returncode == 0
    other = command_here(tmp_path, "sql", "staging.events", "--source")
    assert other.returncode == 2
    assert "--kind events" in other.stderr


def test_a_project_reads_its_own_file_first(tmp_path: Path) -> None:
    lay_out_events(tmp_path)
    add_stage(tmp_path, "core.mine", MINE)
    done = command_here(tmp_path, "sql", "core.mine", "--source")
    assert done.stdout == MINE
    assert "sql/core/mine.sql is your own file" in done.stderr


def test_a_copy_that_the_shell_has_just_emptied_is_the_shipped_stage(tmp_path: Path) -> None:
    lay_out_events(tmp_path)
    add_stage(tmp_path, "core.items", "")  # what `> sql/core/items.sql` leaves before the command begins
    done = command_here(tmp_path, "sql", "core.items", "--source")
    add_stage(tmp_path, "core.items", done.stdout)
    project, _ = load(tmp_path)
    assert project.stages["core.items"].origin == "project"


@pytest.mark.parametrize(
    ("stage", "told", "fix"),
    [
        ("core.itms", "there is no SQL stage core.itms of kind events", "did you mean core.items?"),
        ("recs.personal", "recs.personal is made by 2 files", "recsys-duck sql recs.personal/item_knn --source"),
        ("models.als", "models.als is Python", "recsys-duck sql training.matrix --source"),
    ],
)
def test_what_has_no_file_is_told_with_a_way_out(stage: str, told: str, fix: str, tmp_path: Path) -> None:
    done = command_here(tmp_path, "sql", stage, "--source", "--kind", "events")
    assert done.returncode == 2
    assert done.stdout == ""
    assert told in done.stderr
    assert fix in done.stderr
