"""Traps that once caught a build: each gave wrong rows, a lost check or a false word without an error."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pytest
from building import lay_out, ran, rows, run, started, steps, write_parquet, write_stage

from recsys_duck.engines.duckdb import DuckdbEngine
from recsys_duck.errors import CheckError, ProjectError, RecsysDuckError, StageError
from recsys_duck.events import Warned
from recsys_duck.lock import build_lock, holder
from recsys_duck.stage import Column, Contract, Inputs, PythonStage

TABLE = "-- A table of the project's own.\n-- grain:  item_id\n"
LOOSE = "-- A table of the project's own.\n-- grain:  none\n-- why:    test\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return lay_out(tmp_path)


def test_times_do_not_depend_on_the_machines_zone(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user_id,item_id,occurred_at\n1,2,2024-01-01 00:00:00\n", encoding="utf-8")
    command = [sys.executable, "-m", "recsys_duck", "build", "--project", str(tmp_path), "--kind", "events"]
    command += ["--files", str(tmp_path / "events.csv"), "--reader", "events.format=csv"]
    subprocess.run(command, env={**os.environ, "TZ": "America/New_York"}, check=True, capture_output=True)
    assert rows(tmp_path, "select cast(occurred_at as varchar) from core.events") == [("2024-01-01 00:00:00",)]


@pytest.mark.parametrize("name", ["x[1]y", "q*r", "a b'c"])
def test_a_folder_whose_name_is_a_pattern_is_read_as_it_stands(tmp_path: Path, name: str) -> None:
    lay_out(tmp_path / "qxr", events="select 1 as user_id, 1 as item_id from range(5)")
    run(tmp_path / "qxr")
    root = lay_out(tmp_path / name, events="select 2 as user_id, 2 as item_id")
    run(root)
    assert rows(root, "select count(*) from core.events") == [(1,)]


def test_a_file_whose_name_is_a_pattern_is_read_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "recsys.toml").write_text('kind = "events"\n', encoding="utf-8")
    write_parquet(tmp_path / "events[1].parquet", "select 1 as user_id, 1 as item_id from range(50)")
    write_parquet(tmp_path / "events1.parquet", "select 2 as user_id, 1 as item_id")
    run(tmp_path)
    assert rows(tmp_path, "select user_id, count(*) from core.events group by all order by all") == [(1, 50), (2, 1)]


def test_a_stage_that_reads_its_planning_table_is_made_again_with_it(project: Path) -> None:
    blocks = "-- Blocks.\n-- grain: block\n\nselect\n    unnested.block,\n    unnested.block * {} as other\n"
    blocks += "from unnest(generate_series(1, 2)) as unnested(block)\n"
    blocked = "-- Blocked.\n-- grain: block\n-- for each: core.blocks\n\nselect\n    $block as block,\n"
    blocked += "    cast(sum(blocks.other) as bigint) as total\nfrom core.blocks\n"
    write_stage(project, "core/blocked", blocked)
    write_stage(project, "core/blocks", blocks.format(10))
    run(project)
    assert rows(project, "select distinct total from core.blocked") == [(30,)]
    write_stage(project, "core/blocks", blocks.format(100))
    run(project)
    assert rows(project, "select distinct total from core.blocked") == [(300,)]


@pytest.mark.parametrize("as_view", ["", "-- as: view\n"])
def test_planning_rows_that_give_equal_values_are_refused(project: Path, as_view: str) -> None:
    text = f"{LOOSE}{as_view}\nselect\n    cast(1 as bigint) as block\nfrom core.items\n"
    write_stage(project, "core/blocks", text)
    write_stage(project, "core/blocked", f"{LOOSE}-- for each: core.blocks\n\nselect $block as block\n")
    with pytest.raises(StageError, match=r"give core.blocked the same values"):
        run(project)


def test_a_group_that_is_unnested_is_counted_not_proven(project: Path) -> None:
    text = "\nselect\n    item_id,\n    unnest([1, 2]) as n\nfrom core.events\ngroup by item_id\n"
    write_stage(project, "core/busy", TABLE + text)
    with pytest.raises(CheckError, match="repeated"):
        run(project)


def test_a_project_adds_a_part_to_the_lists(project: Path) -> None:
    mine = (
        "-- My list.\n-- grain: model_name, user_id, rank\n\nselect\n    '{}' as model_name,\n    users.user_id,\n"
        "    cast(1 as bigint) as rank,\n    cast(3 as bigint) as item_id,\n    cast(0.5 as {}) as score\n"
        "from core.users\n"
    )
    write_stage(project, "recs/personal/mine", mine.format("mine", "double"))
    assert "recs.personal/mine" not in steps(project)
    given = {"parameters": [("models", ["popular", "mine"])]}
    run(project, given)
    assert rows(project, "select distinct model_name from recs.personal order by 1") == [("mine",), ("popular",)]
    write_stage(project, "recs/personal/mine", mine.format("popular", "double"))
    with pytest.raises(CheckError, match="repeated"):
        run(project, given)
    write_stage(project, "recs/personal/mine", mine.format("mine", "decimal(9, 1)"))
    with pytest.raises(StageError, match="columns of different types"):
        run(project, given)


def test_parts_of_another_table_are_all_made(project: Path) -> None:
    for name in ("a", "b"):
        write_stage(project, f"features/thing/{name}", f"-- Part.\n-- grain: name\n\nselect '{name}' as name\n")
    run(project)
    assert rows(project, "from features.thing order by 1") == [("a",), ("b",)]
    write_stage(project, "features/thing", "-- Whole.\n-- grain: name\n\nselect 'c' as name\n")
    with pytest.raises(ProjectError, match="made whole and in parts"):
        run(project)


@pytest.mark.parametrize("column", ["[cast(1 as hugeint)]", "{'a': [null]}"])
def test_a_type_no_table_can_hold_is_refused_inside_of_another(project: Path, column: str) -> None:
    write_stage(project, "core/busy", f"{LOOSE}\nselect {column} as x\n")
    with pytest.raises(StageError, match="column x has type"):
        run(project)


def test_an_id_of_fractions_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, events="select 1.0::double as user_id, 2 as item_id")
    with pytest.raises(ProjectError, match="user_id is DOUBLE, which is no id"):
        run(tmp_path)


def test_columns_that_nothing_reads_are_told(tmp_path: Path) -> None:
    lay_out(tmp_path, events="select 1 as user_id, 2 as item_id, 3 as plays")
    messages = [event.message for event in run(tmp_path) if isinstance(event, Warned)]
    assert any("nothing reads the columns plays of input events" in message for message in messages)


def test_looking_for_the_builder_stops_no_build(project: Path) -> None:
    looker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from recsys_duck.lock import holder\n"
            "while True: holder(Path(sys.argv[1]))",
            str(project / "warehouse"),
        ]
    )
    try:
        run(project)
        for _ in range(100):
            with build_lock(project / "warehouse"):
                pass
    finally:
        looker.kill()
        looker.wait()
    assert holder(project / "warehouse") == ""


def test_a_selection_takes_no_table_from_readers(project: Path) -> None:
    run(project)
    given = {"parameters": [("popular_by", "users")]}
    with pytest.raises(ProjectError, match=r"recsys would lose features.item_segments, features.tag_popularity, recs"):
        run(project, given, select=("+features.item_popularity",))
    run(project, given, select=("+features.item_popularity",), environment="whatif")
    assert rows(project, "select count(*) from recs.popular") == [(11,)]


def test_reasons_tell_the_truth(project: Path) -> None:
    run(project)
    path = next((project / "warehouse/tables/core/interactions").rglob("data.parquet"))
    path.unlink()
    assert steps(project)["core.interactions"].reason == "its table is missing or damaged"
    assert steps(project, {"fingerprint": "content"})["staging.events"].reason == "files are recognised in another way"


def test_saying_a_default_publishes_nothing_new(project: Path) -> None:
    run(project)
    run(project, {"parameters": [("top_n", 30)]})
    assert len(list((project / "warehouse/generations").glob("*.duckdb"))) == 1


@pytest.mark.parametrize("reason", ["in", "kept"])
def test_a_reason_that_is_the_name_of_a_total_is_refused(project: Path, reason: str) -> None:
    text = "-- Gate.\n-- grain: item_id\n-- gate of: core.items\n\nselect\n    items.item_id,\n"
    text += f"    case when items.item_id = 1 then '{reason}' end as reject_reason\nfrom core.items\n"
    write_stage(project, "core/busy", text)
    with pytest.raises(CheckError, match="rejects rows for the reason"):
        run(project)


def broken(_: Inputs) -> Mapping[str, list[pa.Table]]:
    raise FileNotFoundError("model.bin")


def broken_half_way(_: Inputs) -> Mapping[str, Iterator[pa.Table]]:
    def batches() -> Iterator[pa.Table]:
        yield pa.table({"x": [1]})
        raise ValueError("no more")

    return {"models.notes": batches()}


def undeclared(_: Inputs) -> Mapping[str, list[pa.Table]]:
    return {"models.other": [pa.table({"x": [1]})]}


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (broken, "raised FileNotFoundError"),
        (broken_half_way, "raised ValueError"),
        (undeclared, "gave models.other"),
    ],
)
def test_what_a_python_stage_does_wrong_is_told_as_its_own(project: Path, function: object, told: str) -> None:
    contract = Contract("Fits.", columns=(Column("x"),))
    stage = PythonStage("models.notes", {"models.notes": contract}, (), (), function, "source")  # type: ignore[arg-type]
    with pytest.raises(StageError, match=told):
        run(project, {}, [stage])


def test_odd_column_names_are_published_with_their_comments(project: Path) -> None:
    write_stage(project, "core/odd", f'{LOOSE}\nselect\n    -- a word\n    1 as "my col",\n    2 as "order"\n')
    run(project)
    assert rows(project, "select comment from duckdb_columns() where column_name = 'my col'") == [("a word",)]


def test_files_inside_and_outside_of_the_project_keep_their_names(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "p")
    write_parquet(root / "i-e.parquet", "select 1 as item_id, 'a' as item_name")
    write_parquet(tmp_path / "q/items.parquet", "select 2 as item_id, 'b' as item_name")
    toml = 'kind = "events"\n[files]\nitems = ["i-e.parquet", "../q/items.parquet"]\n'
    (root / "recsys.toml").write_text(toml, encoding="utf-8")
    text = "-- Names.\n-- grain: source_file\n\nselect\n    items.source_file\nfrom files.items\n"
    write_stage(root, "staging/names", text)
    run(root)
    assert rows(root, "from staging.names order by 1") == [("../q/items.parquet",), ("i-e.parquet",)]


@pytest.mark.parametrize(
    ("header", "body", "told"),
    [
        ("-- check: item_ix > 0\n", "select item_id from core.items\n", "item_ix"),
        ("-- check: item_id <\n", "select item_id from core.items\n", "can't read the SQL"),
        ("", "select item_id from core.items;\n", "ends in a semicolon"),
        ("", "select random() as item_id\n", "random()"),
        ("", "select item_id from core.items using sample 3 rows\n", "sample"),
        ("", "select current_date as item_id\n", "current_date"),
    ],
)
def test_what_can_be_seen_in_the_text_is_refused_before_anything_runs(
    project: Path, header: str, body: str, told: str
) -> None:
    write_stage(project, "core/busy", f"{TABLE}{header}\n{body}")
    with pytest.raises(ProjectError) as caught:
        steps(project)
    assert told in str(caught.value)


def test_a_check_that_warns_is_told_at_every_build(project: Path) -> None:
    write_stage(
        project, "core/busy", f"{TABLE}-- check (warn): item_id > 5 -- small ones\n\nselect item_id from core.items\n"
    )
    for _ in range(2):
        messages = [event.message for event in run(project) if isinstance(event, Warned)]
        assert any(message.endswith("item_id > 5: small ones (first: 1; 2)") for message in messages)


def test_files_with_a_byte_order_mark_are_read(project: Path) -> None:
    for path in (project / "recsys.toml", project / "sql/core/busy.sql"):
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text() if path.exists() else f"{TABLE}\nselect item_id from core.items\n"
        path.write_text("\ufeff" + text, encoding="utf-8")
    assert "core.busy" in ran(run(project))


def test_a_catalog_that_was_written_again_in_place_still_answers(project: Path) -> None:
    run(project)
    catalog = project / "warehouse/recsys.duckdb"
    data = catalog.read_bytes()
    catalog.unlink()
    catalog.write_bytes(data)
    command = [sys.executable, "-m", "recsys_duck", "query", "from recs.popular", "--project", str(project)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "item_id" in done.stdout


def test_a_plan_counts_the_parts_it_knows(tmp_path: Path) -> None:
    root = lay_out(tmp_path)
    run(root)
    write_parquet(root / "events_2.parquet", "select 99 as user_id, 1 as item_id")
    command = [sys.executable, "-m", "recsys_duck", "plan", "--json", "--project", str(root)]
    lines = [json.loads(line) for line in subprocess.run(command, capture_output=True, check=True).stdout.splitlines()]
    assert {line["stage"]: line["parts"] for line in lines}["staging.events"] == "1 of 2"
    assert started(run(root), "staging.events").n_parts == 1


def test_the_engine_keeps_utc_on_every_cursor(tmp_path: Path) -> None:
    from recsys_duck.engines import Query

    with DuckdbEngine(memory_bytes=400_000_000, threads=1, temporary=tmp_path / "spill") as engine:
        assert engine.fetch(Query("select current_setting('TimeZone')")) == [("UTC",)]


def test_every_refusal_says_where_and_how_to_mend(project: Path) -> None:
    write_stage(project, "core/busy", f"{TABLE}\nselect item_id from read_parquet('x.parquet')\n")
    with pytest.raises(RecsysDuckError) as caught:
        steps(project)
    assert caught.value.where
    assert caught.value.fix


def test_two_documents_in_one_file_are_told_as_the_files_fault(tmp_path: Path) -> None:
    document = '{"playlists": [{"pid": 1, "tracks": [{"track_uri": "spotify:track:a"}]}]}'
    (tmp_path / "mpd.slice.0-0.json").write_text(f"{document}\n{document}\n", encoding="utf-8")
    with pytest.raises(CheckError) as caught:
        run(tmp_path, {"kind": "mpd"})
    assert "mpd.slice.0-0.json, 1" in caught.value.where
    assert "two documents in one file" in caught.value.fix
