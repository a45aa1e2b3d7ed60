"""Ids: the same value is the same id in CSV, JSON and Parquet, and what is none is told or rejected."""

import json
import uuid
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from projects import load
from test_source import read_rows

from recsys_duck.errors import ProblemsError, ProjectError

BIGINT = (("events", "columns", {"user_id": "bigint"}),)
FORMATS = ("csv", "jsonl", "parquet")


def lay_out_ids(folder: Path, layout: str, values: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """Write an event for each user id, the item its place; returns what --files gives. In CSV the ids are in quotes."""
    path = folder / f"ids.{layout}"
    if layout == "parquet":
        column = values if isinstance(values, pa.Array) else pa.array(values)
        pq.write_table(pa.table({"user_id": column, "item_id": list(range(len(column)))}), path)
    elif layout == "csv":
        lines = [f'"{"" if value is None else value}",{at}\n' for at, value in enumerate(values)]
        path.write_text("user_id,item_id\n" + "".join(lines), encoding="utf-8", newline="")
    else:
        rows = [{"user_id": value, "item_id": at} for at, value in enumerate(values)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return (("", str(path)),)


def read_ids(folder: Path, layout: str, values: Sequence[Any], **given: Any) -> list[tuple[Any, bool]]:
    """Read the user ids back in their order, each with whether one stands there that is none."""
    files = lay_out_ids(folder, layout, values)
    columns = "cast(events.item_id as integer) as place, events.user_id, events.bad_user_id"
    return [(found, is_bad) for _, found, is_bad in read_rows(folder, columns, files=files, kind="events", **given)]


def refusal(folder: Path, layout: str, values: Sequence[Any], **given: Any) -> ProjectError:
    """Read ids that are refused for one reason."""
    with pytest.raises(ProjectError) as caught:
        load(folder, kind="events", files=lay_out_ids(folder, layout, values), **given)
    assert not isinstance(caught.value, ProblemsError), caught.value
    return caught.value


@pytest.mark.parametrize("layout", FORMATS)
def test_a_number_with_a_point_is_an_id_where_it_is_whole(tmp_path: Path, layout: str) -> None:
    values = [1.0, 2.0, None, 2.5, -7.0, float("nan"), float("inf")]
    found = read_ids(tmp_path, layout, values, readers=BIGINT)
    assert found == [(1, False), (2, False), (None, False), (None, True), (-7, False), (None, False), (None, True)]


@pytest.mark.parametrize(("digits", "kind"), [(2**53, pa.float64()), (2**24, pa.float32())])
def test_a_number_that_stands_for_two_integers_is_no_id(tmp_path: Path, digits: int, kind: pa.DataType) -> None:
    values = pa.array([float(digits - 1), float(digits), -float(digits), -float(digits - 1)], kind)
    found = read_ids(tmp_path, "parquet", values, readers=BIGINT)
    assert found == [(digits - 1, False), (None, True), (None, True), (1 - digits, False)]


def test_a_text_keeps_the_digits_that_a_json_number_with_a_point_has_lost(tmp_path: Path) -> None:
    found = read_ids(tmp_path, "csv", ["9007199254740993.0"], readers=BIGINT)
    assert found == [(2**53 + 1, False)]
    assert read_ids(tmp_path, "jsonl", [2.0**53 + 2, 3.0], readers=BIGINT) == [(None, True), (3, False)]


def test_a_decimal_of_any_length_is_an_id_where_it_is_whole(tmp_path: Path) -> None:
    long = Decimal(10**37)
    values = pa.array([Decimal(1), long, None], pa.decimal128(38, 0))
    assert read_ids(tmp_path, "parquet", values, readers=BIGINT) == [(1, False), (None, True), (None, False)]
    as_text = (("events", "columns", {"user_id": "varchar"}),)
    assert read_ids(tmp_path, "parquet", values, readers=as_text) == [("1", False), (str(10**37), False), (None, False)]
    parts = pa.array([Decimal("1.00"), Decimal("1.50")], pa.decimal128(9, 2))
    assert read_ids(tmp_path, "parquet", parts, readers=BIGINT) == [(1, False), (None, True)]


@pytest.mark.parametrize(
    ("layout", "values", "found"),
    [
        ("parquet", [1.0, None], "DOUBLE"),
        ("parquet", pa.array([Decimal(1)], pa.decimal128(38, 0)), "DECIMAL(38,0)"),
        ("jsonl", [1.0, 2, None], "DOUBLE"),
    ],
)
def test_a_column_of_numbers_with_points_is_refused_with_the_option_that_reads_it(
    tmp_path: Path, layout: str, values: Sequence[Any], found: str
) -> None:
    told = refusal(tmp_path, layout, values)
    assert told.what == f"column user_id is {found}, which is no id"
    assert told.where == f"ids.{layout}"
    assert """--reader 'events.columns={user_id="bigint"}'""" in told.fix
    assert told.exit_code == 2
    read_ids(tmp_path, layout, values, readers=BIGINT)


def test_a_type_that_one_input_says_reads_the_ids_of_the_others(tmp_path: Path) -> None:
    pq.write_table(pa.table({"item_id": [0.0, 1.0], "item_name": ["a", "b"]}), tmp_path / "items.parquet")
    files = (*lay_out_ids(tmp_path, "csv", ["x"]), ("items", str(tmp_path / "items.parquet")))
    with pytest.raises(ProjectError, match="column item_id is DOUBLE"):
        load(tmp_path, kind="events", files=files)
    readers = (("events", "columns", {"item_id": "bigint"}),)
    rows = read_rows(
        tmp_path, "items.item_id, items.item_name", of="items", files=files, kind="events", readers=readers
    )
    assert rows == [(0, "a"), (1, "b")]


@pytest.mark.parametrize("layout", ["jsonl", "parquet"])
@pytest.mark.parametrize("value", [[1, 2], {"id": 1}, True])
def test_a_column_of_lists_objects_or_booleans_is_no_id(tmp_path: Path, layout: str, value: object) -> None:
    told = refusal(tmp_path, layout, [value, None])
    assert told.what.startswith("column user_id is ")
    assert told.what.endswith(", which is no id")
    assert "--column events.user_id=COLUMN" in told.fix


def test_a_later_list_object_or_boolean_is_rejected_and_a_text_that_looks_like_one_is_not(tmp_path: Path) -> None:
    values = ["a", [1], {"id": 1}, True, False, "[1]", "true", "NaN", float("nan"), None, 'a"b\\c']
    assert read_ids(tmp_path, "jsonl", values) == [
        ("a", False),
        *[(None, True)] * 4,
        ("[1]", False),
        ("true", False),
        ("NaN", False),
        (None, False),
        (None, False),
        ('a"b\\c', False),
    ]
    assert read_ids(tmp_path, "jsonl", [1, [1], {}, True], readers=BIGINT) == [(1, False), *[(None, True)] * 3]


@pytest.mark.parametrize("layout", FORMATS)
def test_a_text_id_is_trimmed_and_none_where_it_is_blank(tmp_path: Path, layout: str) -> None:
    values = ["a", " a", "a\t", "\u00a0a\u3000", "\ufeffa\u200b", "a b", "", " ", "\t\u00a0", "é ", "a\x1a", "-"]
    cut = [value.strip("\u200b\ufeff\x1a").strip() or None for value in values]
    assert read_ids(tmp_path, layout, values) == [(value, False) for value in cut]


@pytest.mark.parametrize("layout", FORMATS)
def test_a_whole_id_is_trimmed_and_none_where_it_is_blank(tmp_path: Path, layout: str) -> None:
    found = read_ids(tmp_path, layout, ["1", " 2\t", "\u00a03.0", " ", "nan", "x", "1e3", "0x1"], readers=BIGINT)
    assert found == [(1, False), (2, False), (3, False), (None, False), (None, False), *[(None, True)] * 3]


def test_ids_of_all_types_that_hold_scalars_are_ids(tmp_path: Path) -> None:
    one = uuid.UUID(int=7)
    for column, expected in (
        (pa.array([2**64 - 1, 0], pa.uint64()), [str(2**64 - 1), "0"]),
        (pa.array([-(2**63), -1]), [-(2**63), -1]),
        (pa.array([one.bytes], pa.uuid()), [str(one)]),
        (pa.array([b"ab "]), ["ab"]),
        (pa.array(["x", "y"]).dictionary_encode(), ["x", "y"]),
    ):
        assert read_ids(tmp_path, "parquet", column) == [(value, False) for value in expected]


def test_an_id_that_cannot_be_a_whole_number_is_rejected(tmp_path: Path) -> None:
    assert read_ids(tmp_path, "parquet", pa.array([uuid.UUID(int=7).bytes], pa.uuid()), readers=BIGINT) == [
        (None, True)
    ]
    assert read_ids(tmp_path, "parquet", pa.array([2**64 - 1, 1], pa.uint64()), readers=BIGINT) == [
        (None, True),
        (1, False),
    ]


def test_one_json_key_may_be_an_id_and_a_name(tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text('{"title": "One"}\n{"title": ["x"]}\n{"title": null}\n')
    files = (*lay_out_ids(tmp_path, "csv", ["x"]), ("items", str(tmp_path / "items.jsonl")))
    columns = (("items", "item_id", "title"), ("items", "item_name", "title"))
    rows = read_rows(
        tmp_path,
        "items.item_id, items.item_name, items.bad_item_id",
        of="items",
        files=files,
        kind="events",
        columns=columns,
    )
    assert rows == [("One", "One", False), (None, '["x"]', True), (None, None, False)]
