"""A check's sentence speaks of the rows that break it, at every build, in the catalog, and nowhere else."""

from pathlib import Path

import pytest
from building import lay_out, rows, run, write_stage
from projects import command_here

from recsys_duck.errors import ProjectError
from recsys_duck.events import Noted, Warned
from recsys_duck.sentence import columns_of, filled, percent

STAGE = """\
-- Items.
-- grain:         item_id
-- check ({}):  item_id > 3 -- item {{item_id}} has {{n_events:,}} events, {{seen_share:%}} of all
{}
select item_id, 1234 * n_events as n_events, 0.25e0 as seen_share from core.item_counts
"""


def test_a_sentence_with_columns_is_told_of_each_row() -> None:
    sentence = "{a:,} of {b} in {c_share:%}, {a} and {{x}={b}}, {Not} {a:d}"
    assert columns_of(sentence) == ("a", "b", "c_share", "x")
    told = filled(sentence, {"a": 1234, "b": None, "c_share": 0.5, "x": "two\nlines"})
    assert told == "1,234 of nothing in 50.0 %, 1234 and {two lines=nothing}, {Not} {a:d}"


@pytest.mark.parametrize(
    ("share", "told"), [(0, "0.0 %"), (1e-9, "<0.1 %"), (0.25, "25.0 %"), (0.99999, ">99.9 %"), (1.0, "100.0 %")]
)
def test_a_share_is_nothing_or_all_only_where_it_is(share: float, told: str) -> None:
    assert percent(share) == told


@pytest.mark.parametrize(("severity", "event"), [("warn", Warned), ("note", Noted)])
def test_a_build_tells_it_for_each_row_and_again_where_the_table_is_reused(
    tmp_path: Path, severity: str, event: type[Warned] | type[Noted]
) -> None:
    write_stage(lay_out(tmp_path), "core/busy", STAGE.format(severity, ""))
    told = [f"item {item} has {1234 * n:,} events, 25.0 % of all" for item, n in ((1, 4), (2, 5), (3, 7))]
    for _ in range(2):
        events = run(tmp_path, select=("+core.busy",))
        assert [one.message for one in events if isinstance(one, event) and one.stage == "core.busy"] == told
    found = rows(tmp_path, "select severity, told from meta.checks where stage = 'core.busy' and kind = 'check'")
    assert found == [(severity, "\n".join(told))]


def test_a_sentence_that_names_no_column_of_its_table_is_refused(tmp_path: Path) -> None:
    write_stage(lay_out(tmp_path), "core/busy", STAGE.format("warn", "").replace("{seen_share:%}", "{seen_shore:%}"))
    with pytest.raises(ProjectError) as caught:
        run(tmp_path)
    assert "speaks of seen_shore" in caught.value.what
    assert caught.value.fix == "did you mean seen_share?"


def test_a_stage_built_with_another_comes_with_it(tmp_path: Path) -> None:
    lay_out(tmp_path)
    write_stage(tmp_path, "core/busy", STAGE.format("warn", "-- built with:  core.events\n"))
    assert any(isinstance(one, Warned) and one.stage == "core.busy" for one in run(tmp_path, select=("+core.events",)))
    assert rows(tmp_path, "select count(*) from core.item_counts") == [(11,)]
    write_stage(tmp_path, "core/busy", STAGE.format("warn", "-- built with:  core.evens\n"))
    with pytest.raises(ProjectError) as caught:
        run(tmp_path)
    assert caught.value.what == "core.busy is built with core.evens, which nothing makes"


def test_a_build_that_holds_nothing_out_says_so_and_so_does_the_leaderboard(tmp_path: Path) -> None:
    lay_out(tmp_path, toml='[parameters]\nmodels = ["popular"]\n')
    told = "nothing is held out, so no model is judged: build with --set split=time"
    assert any(line.startswith(told) for line in command_here(tmp_path, "build").stderr.splitlines())
    asked = command_here(tmp_path, "query", "leaderboard")
    assert asked.returncode == 0
    assert asked.stderr.startswith(f"note       {told}")
    assert told not in command_here(tmp_path, "query", "select item_id from core.items where false").stderr
    assert told not in command_here(tmp_path, "build", "--set", "split=time").stderr
    judged = command_here(tmp_path, "query", "leaderboard")
    assert not judged.stderr
    assert "popular" in judged.stdout
