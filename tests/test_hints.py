"""What is said of rejected values can be typed, and reads them."""

from pathlib import Path

import pytest
from projects import ask, load, run_build

from recsys_duck.errors import CheckError
from recsys_duck.hints import Sample, hint
from recsys_duck.source import Input

CSV = Input(
    "events",
    "csv",
    {
        "user_id": "bigint",
        "item_id": "bigint",
        "weight": "decimal(18,6)",
        "occurred_at": "timestamp",
        "kind": "varchar",
    },
    unfit={"bad_user_id": "user_id", "bad_weight": "weight", "bad_time": "occurred_at"},
    ids=frozenset({"user_id", "item_id"}),
)


@pytest.mark.parametrize(
    ("reason", "values", "option"),
    [
        ("bad_line", ("1;2;3", "4;5"), "--reader 'events.delimiter=\";\"'"),
        ("bad_line", ("1\t2", "4\t5\t6"), "--reader 'events.delimiter=\"\\t\"'"),
        ("bad_user_id", ("u1", "u2"), "--reader 'events.columns={user_id=\"varchar\"}'"),
        ("bad_user_id", ("NULL", "NULL"), "--reader 'events.null=[\"NULL\"]'"),
        ("unfit_id", ("u1", "u2"), '--reader \'events.columns={user_id="varchar", item_id="varchar"}\''),
        ("bad_time", ("1700000000", "1700000001"), "--reader events.time_unit=s"),
        ("bad_time", ("31/12/2020", "01/02/2020"), "--reader 'events.time_format=\"%d/%m/%Y\"'"),
        ("bad_weight", ("many", "few"), "--column events.weight=COLUMN"),
        ("bad_kind", ("x", "y"), "--column events.kind=COLUMN"),
        ("missing_user_id", ("", ""), "--column events.user_id=COLUMN"),
        ("user_not_in_catalog", ("1", "2"), "--files events=GLOB"),
    ],
)
def test_a_reason_is_told_with_the_option_that_helps(reason: str, values: tuple[str, ...], option: str) -> None:
    assert option in hint(Sample(reason, values), CSV)


def test_a_text_that_is_none_of_a_few_words_is_not_told_to_be_a_number() -> None:
    assert "1234.5" not in hint(Sample("bad_kind", ("x",)), CSV)


def test_rows_of_json_are_not_told_to_have_a_delimiter() -> None:
    declared = Input("events", "ndjson", CSV.columns)
    told = hint(Sample("bad_line", ('{"user_id": 1, "user_id": 2}',)), declared)
    assert "delimiter" not in told
    assert "one JSON object a line" in told
    assert "--reader 'events.records=" in told


def test_aliases_that_are_no_ids_are_read_as_text_once_somebody_types_the_hint(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user_id,item_id\n1,10\n2,20\n")
    (tmp_path / "aliases.csv").write_text("bad_id,good_id\n" + "a10,b10\n" * 3)
    files = (("events", str(tmp_path / "events.csv")), ("aliases", str(tmp_path / "aliases.csv")))
    types = {"bad_id": "bigint", "good_id": "bigint"}
    declared = load(tmp_path, kind="events", files=files)[0].sources["aliases"].input
    assert declared.ids == set(types)
    forced = (("aliases", "columns", types), ("events", "columns", {"item_id": "bigint"}))
    with pytest.raises(CheckError) as caught:
        run_build(tmp_path, kind="events", files=files, readers=forced, select=("+staging.aliases",))
    assert "3 unfit_id, as 'a10'" in caught.value.where
    assert caught.value.fix.endswith('--reader \'aliases.columns={bad_id="varchar", good_id="varchar"}\'')
    readers = (("aliases", "columns", {"bad_id": "varchar", "good_id": "varchar"}),)
    run_build(tmp_path, kind="events", files=files, readers=readers, select=("+staging.aliases",))
    assert ask(tmp_path / "warehouse", "select bad_id, good_id from staging.aliases") == [("a10", "b10")]


@pytest.mark.parametrize("content", ["", "user_id,item_id\n", "\n\n"])
def test_files_without_a_row_end_the_build_and_publish_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "events.csv").write_text(content)
    with pytest.raises(CheckError) as caught:
        run_build(tmp_path, kind="events", files=(("", str(tmp_path / "events.csv")),), select=("+staging.events",))
    assert caught.value.exit_code == 4
    assert caught.value.what == "the files of input events hold no row, nothing is published"
    assert caught.value.where == "events.csv"
    assert "--files events=GLOB" in caught.value.fix
    assert not list((tmp_path / "warehouse").glob("*.duckdb"))
