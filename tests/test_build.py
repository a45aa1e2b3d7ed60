"""A build runs what changed and nothing else, asserts every table, and publishes the whole or nothing."""

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pytest
from building import checksums, lay_out, published, ran, rows, run, started, steps, write_parquet, write_stage

from recsys_duck.errors import CheckError, ProjectError, StageError
from recsys_duck.events import Skipped, Warned
from recsys_duck.stage import Check, Column, Contract, Inputs, PythonStage

VIEW = "-- A view of the project's own.\n-- grain:  none\n-- why:    test\n-- as:     view\n\n"
TABLE = "-- A table of the project's own.\n-- grain:  item_id\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return lay_out(tmp_path)


def test_a_second_build_runs_nothing_and_publishes_nothing(project: Path) -> None:
    first = run(project)
    again = run(project)
    assert ran(again) == set()
    assert len([event for event in again if isinstance(event, Skipped)]) == len(ran(first))
    assert (published(first).is_new, published(again).is_new) == (True, False)
    assert [path.name for path in (project / "warehouse/generations").glob("*.duckdb")] == ["recsys-1.duckdb"]


def test_a_parameter_reruns_only_what_reads_it(project: Path) -> None:
    run(project)
    assert ran(run(project, {"parameters": [("popular_n", 3)]})) == {"recs.popular"}
    assert len(rows(project, "from recs.popular")) == 3


def test_switching_back_reruns_nothing(project: Path) -> None:
    run(project)
    run(project, {"parameters": [("popular_by", "users")]})
    back = run(project)
    assert ran(back) == set()
    assert published(back).is_new


@pytest.mark.parametrize("option", [{"memory_limit": 2_000_000_000}, {"threads": 1}])
def test_how_it_runs_reruns_nothing(project: Path, option: Mapping[str, object]) -> None:
    run(project)
    assert ran(run(project, **option)) == set()


def test_a_new_file_is_the_only_one_read(tmp_path: Path) -> None:
    root = lay_out(tmp_path)
    run(root)
    write_parquet(root / "events_2.parquet", "select 99 as user_id, 1 as item_id")
    events = run(root)
    assert started(events, "staging.events").n_parts == 1
    assert started(events, "staging.events").reason == "events_2.parquet is new"
    assert rows(root, "select count(*) from core.events where user_id = 99") == [(1,)]


def test_a_touched_file_is_read_again_unless_recognised_by_content(project: Path) -> None:
    run(project, {"fingerprint": "content"})
    os.utime(project / "events.parquet", ns=(1, 1))
    assert ran(run(project, {"fingerprint": "content"})) == set()
    run(project)
    os.utime(project / "events.parquet", ns=(2, 2))
    assert "staging.events" in ran(run(project))


def test_another_delimiter_reads_the_input_again(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user_id;item_id\n1;10\n2;10\n", encoding="utf-8")
    toml = 'kind = "events"\n[files.events]\npaths = "events.csv"\nformat = "csv"\ndelimiter = "{}"\n'
    (tmp_path / "recsys.toml").write_text(toml.format(";"), encoding="utf-8")
    run(tmp_path)
    assert rows(tmp_path, "select user_id, item_id from core.events order by all") == [("1", "10"), ("2", "10")]
    (tmp_path / "events.csv").write_text("user_id|item_id\n1|10\n2|10\n", encoding="utf-8")
    (tmp_path / "recsys.toml").write_text(toml.format("|"), encoding="utf-8")
    events = run(tmp_path)
    assert "the reader of events changed" in started(events, "staging.events").reason


def test_another_encoding_reads_the_input_again(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_bytes("user_id,item_id\nJosé,10\n".encode("latin-1"))
    (tmp_path / "recsys.toml").write_text(
        'kind = "events"\n[files.events]\npaths = "events.csv"\nformat = "csv"\n', encoding="utf-8"
    )
    given = {"readers": [("events", "encoding", "latin-1")]}
    run(tmp_path, given)
    assert rows(tmp_path, "select user_id from core.events") == [("José",)]
    (tmp_path / "events.csv").write_bytes("user_id,item_id\nJosé,10\n".encode())
    given = {"readers": [("events", "encoding", "utf-8")]}
    assert "the reader of events changed" in steps(tmp_path, given)["staging.events"].reason


def test_comments_and_spacing_rerun_nothing_but_a_text_within_quotes_does(project: Path) -> None:
    write_stage(project, "core/labels", "-- Labels.\n-- grain: label\n\nselect 'a  b' as label\n")
    run(project)
    write_stage(
        project, "core/labels", "-- Labels of mine.\n-- grain: label\n\nselect\n    -- said\n    'a  b' as label\n"
    )
    assert ran(run(project)) == set()
    assert rows(project, "select comment from duckdb_columns() where column_name = 'label'") == [("said",)]
    write_stage(project, "core/labels", "-- Labels.\n-- grain: label\n\nselect 'a b' as label\n")
    assert ran(run(project)) == {"core.labels"}


def test_a_new_check_runs_on_the_table_that_is_there(project: Path) -> None:
    body = "\nselect item_id, n_events from core.item_counts\n"
    write_stage(project, "core/busy", TABLE + body)
    run(project)
    write_stage(project, "core/busy", TABLE + "-- check:  n_events >= 1\n" + body)
    step = steps(project)["core.busy"]
    assert (step.action, step.reason) == ("check", "its table is there, a check of it is new")
    events = run(project)
    assert ran(events) == {"core.busy"}
    assert started(events, "core.busy").n_parts == 0
    write_stage(project, "core/busy", TABLE + "-- check:  n_events > 1000 -- too few\n" + body)
    with pytest.raises(CheckError, match=r"core.busy has 11 rows that break a check") as caught:
        run(project)
    assert "n_events > 1000" in caught.value.where
    assert caught.value.what.endswith(": too few")
    with pytest.raises(CheckError):
        run(project)
    assert rows(project, "select n_failed from meta.checks where stage = 'core.busy' and kind = 'check'") == [(0,)]


def test_a_check_that_warns_is_told_and_published(project: Path) -> None:
    write_stage(
        project,
        "core/busy",
        TABLE + "-- check (warn): n_events > 1000\n\nselect item_id, n_events from core.item_counts\n",
    )
    events = run(project)
    assert any(isinstance(event, Warned) and "n_events > 1000" in event.message for event in events)
    assert rows(project, "select severity, n_failed from meta.checks where stage = 'core.busy' and kind = 'check'") == [
        ("warn", 11)
    ]
    assert ran(run(project)) == set()


def test_a_repeated_key_stops_the_build_and_names_the_first(project: Path) -> None:
    run(project)
    write_stage(project, "core/busy", TABLE + "\nselect item_id from core.events\n")
    with pytest.raises(CheckError, match=r"core.busy has .* repeated or null key") as caught:
        run(project)
    assert "first: 1; 2" in caught.value.where
    (project / "sql/core/busy.sql").unlink()
    assert not published(run(project)).is_new


def test_a_null_key_stops_the_build_even_where_the_grain_is_proven(project: Path) -> None:
    write_stage(
        project,
        "core/busy",
        TABLE + "\nselect nullif(item_id, 1) as item_id from core.events group by nullif(item_id, 1)\n",
    )
    with pytest.raises(CheckError, match="1 repeated or null key"):
        run(project)


def test_a_grouped_grain_is_proven_and_others_are_counted(project: Path) -> None:
    run(project)
    found = dict(
        rows(
            project,
            """
            select stage, method from meta.checks
            where kind = 'grain' and stage in ('core.interactions', 'core.items')
            """,
        )
    )
    assert found == {"core.interactions": "proven by its group by", "core.items": "counted"}


GATE = """-- The events, but for a gate that does wrong.
-- grain:   none
-- gate of: staging.events
-- why:     test

select
    events.user_id, events.item_id, events.weight, events.occurred_at, events.basket_id, events.position,
    events.source_file, cast(null as varchar) as reject_reason
from staging.events
"""


@pytest.mark.parametrize(
    ("wrong", "told"),
    [("where events.item_id <> 3", "lost or added rows"), ("cross join unnest([1, 2]) as twice(x)", "lost or added")],
)
def test_a_gate_that_loses_or_adds_a_row_is_caught(project: Path, wrong: str, told: str) -> None:
    write_stage(project, "core/events", GATE + wrong + "\n")
    with pytest.raises(CheckError, match=told) as caught:
        run(project)
    assert re.search(r"5\d in, \d+ kept, 0 rejected", caught.value.what)
    assert not (project / "warehouse/recsys.duckdb").exists()


def test_the_ledger_adds_up_for_every_gate(tmp_path: Path) -> None:
    lay_out(tmp_path, events="select * from (values (1, 10), (null, 10), (2, null), (3, 30)) as t(user_id, item_id)")
    run(tmp_path)
    ledger = rows(tmp_path, "select reason, n_rows from meta.row_ledger where stage = 'core.events'")
    assert dict(ledger) == {"in": 4, "kept": 2, "missing_user_id": 1, "missing_item_id": 1}
    assert rows(tmp_path, "select reject_reason from core.events_rejected order by 1") == [
        ("missing_item_id",),
        ("missing_user_id",),
    ]
    uneven = """
        select stage from meta.row_ledger group by stage
        having sum(n_rows) <> 2 * sum(n_rows) filter (where reason = 'in')
    """
    assert rows(tmp_path, uneven) == []


@pytest.mark.parametrize(("column", "told"), [("null", "type NULL"), ("sum(item_id)", "type HUGEINT")])
def test_a_column_no_table_can_hold_is_refused(project: Path, column: str, told: str) -> None:
    write_stage(
        project, "core/busy", f"-- Busy.\n-- grain: none\n-- why: test\n\nselect {column} as x from core.items\n"
    )
    with pytest.raises(StageError, match=told) as caught:
        run(project)
    assert "cast(" in caught.value.fix


def test_a_project_lays_its_own_stage_over_ours(project: Path) -> None:
    text = """-- Popular, upside down.
-- grain: rank

select rank, item_id, cast('x' as varchar) as item_name, n_events, n_users
from features.item_popularity
"""
    write_stage(project, "recs/popular", text)
    run(project)
    assert rows(project, "select distinct item_name from recs.popular") == [("x",)]
    assert rows(project, "select origin from meta.stages where stage = 'recs.popular'") == [("project",)]


BLOCKS = """-- Blocks of items.
-- grain: first_item_id

select
    cast(min(item_id) as bigint) as first_item_id,
    cast(max(item_id) as bigint) as last_item_id
from core.items
{where}
group by item_id // $popular_n
"""
BLOCKED = """-- Events by block.
-- grain: item_id
-- for each: core.blocks

select
    item_id,
    count(*) as n_rows
from core.events
where item_id between $first_item_id and $last_item_id
group by item_id
"""


def test_a_planning_table_runs_its_stage_by_row_and_keeps_equal_parts(project: Path) -> None:
    write_stage(project, "core/blocks", BLOCKS.format(where=""))
    write_stage(project, "core/blocked", BLOCKED)
    small = {"parameters": [("popular_n", 4)]}
    assert steps(project, small)["core.blocked"].parts is None
    events = run(project, small)
    assert started(events, "core.blocked").n_parts == 3
    assert rows(project, "select count(*), sum(n_rows) from core.blocked") == rows(
        project, "select count(distinct item_id), count(*) from core.events"
    )
    assert rows(project, "select n_parts from meta.stages where stage = 'core.blocked'") == [(3,)]
    # another table of blocks, of which the first is equal: only the others are made
    write_stage(project, "core/blocks", BLOCKS.format(where="where item_id < 10"))
    assert started(run(project, small), "core.blocked").n_parts == 1


def test_a_planning_table_without_rows_gives_one_empty_typed_part(project: Path) -> None:
    write_stage(project, "core/blocks", BLOCKS.format(where="where item_id < 0"))
    write_stage(project, "core/blocked", BLOCKED)
    run(project)
    assert rows(project, "select count(*) from core.blocked") == [(0,)]
    assert rows(project, "select n_parts from meta.stages where stage = 'core.blocked'") == [(1,)]


def test_a_view_has_its_values_filled_in_and_writes_nothing(project: Path) -> None:
    write_stage(
        project, "core/few", VIEW + "select item_id, $test_share as share from core.items where item_id <= $popular_n\n"
    )
    run(project, {"parameters": [("popular_n", 2)]})
    assert rows(project, "select count(*), any_value(share) from core.few") == [(2, 0.2)]
    text = rows(project, "select sql from duckdb_views() where view_name = 'few'")[0][0]
    assert "'0.2' AS DOUBLE" in str(text)
    assert not (project / "warehouse/tables/core/few").exists()


def test_an_environment_shares_every_table_that_does_not_differ(project: Path) -> None:
    run(project)
    event = published(run(project, {"parameters": [("popular_n", 3)]}, environment="whatif"))
    own = (
        sum(path.stat().st_size for path in (project / "warehouse/tables/recs/popular").rglob("data.parquet"))
        - rows(project, "select n_bytes from meta.stages where stage = 'recs.popular'")[0][0]
    )
    assert event.n_bytes_own == own < event.n_bytes
    assert event.shared_with == "recsys"
    assert (len(rows(project, "from recs.popular")), len(rows(project, "from recs.popular", "whatif"))) == (11, 3)


def test_force_runs_again_beside_the_old_table(project: Path) -> None:
    run(project)
    old = sorted((project / "warehouse/tables/recs/popular").iterdir())
    events = run(project, select=("recs.popular",), force=True)
    assert ran(events) == {"recs.popular"}
    assert published(events).is_new
    assert set(old) < set((project / "warehouse/tables/recs/popular").iterdir())
    assert ran(run(project)) == set()


def test_a_selection_builds_what_it_needs_and_no_more(project: Path) -> None:
    events = run(project, select=("+recs.popular",))
    assert "recs.popular" in ran(events)
    assert "recs.personal/popular" not in ran(events)
    names = {
        name
        for (name,) in rows(project, "select schema_name || '.' || view_name from duckdb_views() where not internal")
    }
    assert "recs.popular" in names
    assert "recs.personal" not in names


def test_a_selection_without_its_inputs_says_what_to_add(project: Path) -> None:
    with pytest.raises(ProjectError, match=r"reads features.item_popularity, which is not built") as caught:
        run(project, select=("recs.popular",))
    assert "--select +recs.popular" in caught.value.fix


def test_a_lost_table_is_made_again(project: Path) -> None:
    run(project)
    shutil.rmtree(project / "warehouse/tables/core/interactions")
    assert "core.interactions" in ran(run(project))


def test_a_damaged_table_is_made_again(project: Path) -> None:
    run(project)
    before = checksums(project)
    path = next((project / "warehouse/tables/core/interactions").rglob("data.parquet"))
    path.write_bytes(path.read_bytes()[:-7])
    assert "core.interactions" in ran(run(project))
    assert checksums(project) == before


def test_a_plan_says_why_in_a_sentence(project: Path) -> None:
    assert steps(project)["core.events"].reason == "it was never built"
    run(project)
    assert {step.reason for step in steps(project).values()} == {"nothing changed"}
    changed = steps(project, {"parameters": [("popular_by", "users")]})
    assert changed["features.item_popularity"].reason == "popular_by changed from events to users"
    assert changed["recs.popular"].reason == "it reads features.item_popularity, which changed"
    assert changed["core.events"].action == "reuse"


def test_a_plan_of_an_unbuilt_project_writes_nothing(project: Path) -> None:
    steps(project)
    assert not (project / "warehouse").exists()


def test_a_file_that_changes_while_it_is_read_stops_the_build(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys_duck.parts.changed", lambda file: True)
    with pytest.raises(StageError, match="changed while it was read"):
        run(project)


def degrees(inputs: Inputs) -> Mapping[str, list[pa.Table]]:
    table = pa.Table.from_batches(inputs.batches("core.items"))
    doubled = pa.table(
        {"item_id": table["item_id"], "factor": pa.array([float(str(inputs.parameters["seed"]))] * len(table))}
    )
    return {"models.factors": [doubled], "models.notes": [pa.table({"model_name": ["test"], "n_items": [len(table)]})]}


def python_stage(source: str = "one") -> PythonStage:
    factors = Contract(
        "Factors.",
        grain=("item_id",),
        checks=(Check("factor < 9"),),
        columns=(Column("item_id"), Column("factor", "made up")),
    )
    fits = Contract("Fits.", grain=("model_name",), columns=(Column("model_name"), Column("n_items")))
    return PythonStage(
        "models.factors", {"models.factors": factors, "models.notes": fits}, ("core.items",), ("seed",), degrees, source
    )


def test_a_python_stage_stands_in_the_same_graph(project: Path) -> None:
    given = {"parameters": [("seed", 3), ("models", ["popular"])]}
    run(project, given, [python_stage()])
    assert rows(project, "select count(*), any_value(factor) from models.factors") == [(11, 3.0)]
    assert rows(project, "from models.notes") == [("test", 11)]
    assert rows(project, "select comment from duckdb_columns() where column_name = 'factor'") == [("made up",)]
    assert rows(project, "select count(*) from meta.stages where made_as = 'python' and stage = 'models.factors'") == [
        (2,)
    ]
    assert ran(run(project, given, [python_stage()])) == set()
    assert ran(run(project, given, [python_stage("two")])) == {"models.factors"}
    with pytest.raises(CheckError):
        run(project, {"parameters": [("seed", 9), ("models", ["popular"])]}, [python_stage()])


def test_a_parameter_that_nobody_reads_is_refused(project: Path) -> None:
    with pytest.raises(ProjectError, match="top_entities is set, but no stage of kind events reads it"):
        run(project, {"parameters": [("top_entities", 3)]})


def test_events_are_plain_data(project: Path) -> None:
    names = [json.loads(json.dumps(event.record()))["event"] for event in run(project)]
    assert names[0] == "planned"
    assert names[-1] == "published"


def test_no_times_no_split_by_time(tmp_path: Path) -> None:
    lay_out(tmp_path, events="select 1 as user_id, 2 as item_id", toml='[parameters]\nsplit = "time"\n')
    with pytest.raises(ProjectError, match="needs times") as caught:
        run(tmp_path)
    assert caught.value.exit_code == 2


def test_a_time_split_puts_every_event_on_its_side_of_the_cut(project: Path) -> None:
    run(project, {"parameters": [("split", "time"), ("cutoff", "2024-01-02")]})
    assert rows(project, "select max(occurred_at) < timestamp '2024-01-02' from split.train") == [(True,)]
    assert rows(project, "select min(occurred_at) >= timestamp '2024-01-02' from split.test") == [(True,)]
    total = """
        select (select count(*) from split.train) + (select count(*) from split.test)
            = (select count(*) from core.events)
    """
    assert rows(project, total) == [(True,)]


def test_a_random_split_keeps_a_pair_on_one_side(tmp_path: Path) -> None:
    twice = "select user_id, item_id from range(40) as u(user_id), range(40) as i(item_id), range(2)"
    lay_out(tmp_path, events=twice, toml='[parameters]\nsplit = "random"\n')
    run(tmp_path)
    n_test, n_repeated = rows(tmp_path, "select n_test_pairs, n_repeated_pairs from split.manifest")[0]
    assert n_repeated == 0
    assert 250 < int(str(n_test)) < 390  # 320 of 1,600 expected, 4.4 standard deviations


def test_a_planted_leak_is_caught(project: Path) -> None:
    text = (Path(__file__).parents[1] / "sql/split/events.sql").read_text(encoding="utf-8")
    write_stage(
        project,
        "split/events",
        text.replace("cast(events.item_id as varchar)", "cast(events.occurred_at as varchar)"),
    )
    write_parquet(
        project / "events.parquet",
        """
        select u as user_id, 1 as item_id, timestamp '2024-01-01' + interval 1 day * t as occurred_at
        from range(9) as users(u), range(30) as days(t)
        """,
    )
    with pytest.raises(CheckError, match=r"split.manifest has 1 row that breaks a check") as caught:
        run(project, {"parameters": [("split", "random")]})
    assert "a pair stands in test and in train" in caught.value.what
    assert caught.value.fix.startswith("place the pair")


def test_a_stage_in_a_folder_that_is_no_layer_is_refused(project: Path) -> None:
    write_stage(project, "macros/mine", TABLE + "\nselect item_id from core.items\n")
    with pytest.raises(ProjectError, match="this file's place names no table"):
        run(project)
