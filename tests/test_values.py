"""Values: a number or a time is kept as it is or rejected, in every format alike, and never changed."""

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from projects import load
from test_source import read_rows

from recsys_duck.errors import ProjectError

FORMATS = ("csv", "jsonl", "parquet")


def lay_out_values(folder: Path, layout: str, column: str, values: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """Write one event for each value of a column, the item its place; returns what --files gives."""
    path = folder / f"values.{layout}"
    if layout == "parquet":
        pq.write_table(pa.table({"user_id": [1] * len(values), "item_id": range(len(values)), column: values}), path)
    elif layout == "csv":
        with path.open("w", encoding="utf-8", newline="") as stream:
            lines = csv.writer(stream)
            lines.writerow(["user_id", "item_id", column])
            lines.writerows([1, at, value] for at, value in enumerate(values))
    else:
        rows = [{"user_id": 1, "item_id": at, column: value} for at, value in enumerate(values)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return (("", str(path)),)


def read_values(folder: Path, layout: str, column: str, values: Sequence[Any], **options: object) -> list[Any]:
    """Read a column back in its order: the value, None for a missing one, and "bad" for one that does not fit."""
    flag = {"weight": "bad_weight", "occurred_at": "bad_time", "position": "bad_position"}[column]
    files = lay_out_values(folder, layout, column, values)
    readers = [("events", name, value) for name, value in options.items()]
    columns = f"cast(events.item_id as integer) as place, events.{column}, events.{flag}"
    rows = read_rows(folder, columns, files=files, kind="events", readers=readers)
    assert all(value is None for _, value, is_bad in rows if is_bad)
    return ["bad" if is_bad else value for _, value, is_bad in rows]


def stored(written: str) -> Decimal:
    """Round a number as a weight is stored."""
    return Decimal(written).quantize(Decimal("0.000001"), ROUND_HALF_UP)


GOOD_NUMBERS = ["0", "-0", "1", "+5", "2.5", ".5", "5.", "1e3", "1.5E-3", "0e9", "0.000001", "-0.000001", "0.0000005"]
BAD_NUMBERS = ["1e-7", "-1e-7", "0.0000004", "1e12", "-1e12", "1e400", "nan", "inf", "-Infinity", "0x10", "0b1"]
BAD_NUMBERS += ["1_000", "1,5", "1.000,5", "1e", "1d", "- 5", "1 000", "5 €", "yes", "t", "٣", "[1]", "null"]


@pytest.mark.parametrize("layout", FORMATS)
def test_a_text_is_a_weight_where_it_is_a_number_that_can_be_stored(tmp_path: Path, layout: str) -> None:
    found = read_values(tmp_path, layout, "weight", [*GOOD_NUMBERS, *BAD_NUMBERS, " 7\t", "\u00a07", "", "  "])
    assert found == [*map(stored, GOOD_NUMBERS), *["bad"] * len(BAD_NUMBERS), 7, 7, None, None]


@pytest.mark.parametrize("layout", FORMATS)
def test_a_weight_with_a_fraction_is_never_stored_as_0(tmp_path: Path, layout: str) -> None:
    values = [2.5, 1e-7, 0.0, -1e-9, 1e12, 999_999_999_999.0, float("nan"), float("inf"), None]
    found = read_values(tmp_path, layout, "weight", values)
    assert found == [Decimal("2.5"), "bad", 0, "bad", "bad", 999_999_999_999, "bad", "bad", None]


@pytest.mark.parametrize("layout", FORMATS)
def test_true_is_a_weight_of_1_and_false_of_0_and_neither_is_an_integer(tmp_path: Path, layout: str) -> None:
    assert read_values(tmp_path, layout, "weight", [True, False, None]) == [1, 0, None]
    assert read_values(tmp_path, layout, "weight", ["true", "FALSE", "True"]) == [1, 0, 1]
    assert read_values(tmp_path, layout, "position", [True, False, None]) == ["bad", "bad", None]


def test_lists_and_objects_are_no_numbers(tmp_path: Path) -> None:
    assert read_values(tmp_path, "jsonl", "weight", [1, [1], {"a": 1}, "2"]) == [1, "bad", "bad", 2]


@pytest.mark.parametrize("layout", FORMATS)
def test_a_position_is_a_whole_number(tmp_path: Path, layout: str) -> None:
    found = read_values(tmp_path, layout, "position", ["1", "-2.0", "1.5", "1e3", "0x1", "1_0", "3000000000"])
    assert found == [1, -2, *["bad"] * 5]


def test_a_decimal_comma_holds_for_every_number_of_the_input(tmp_path: Path) -> None:
    values = ["1,5", "-0,25", "7", ",5", "1,5e2", "1.5", "1.234,5", "1,234,5", "0,0000001", ""]
    found = read_values(tmp_path, "csv", "weight", values, decimal=",")
    assert found == [Decimal("1.5"), Decimal("-0.25"), 7, Decimal("0.5"), 150, *["bad"] * 4, None]
    assert read_values(tmp_path, "csv", "position", ["3,0", "3,5", "3.0"], decimal=",") == [3, "bad", "bad"]
    found = read_values(tmp_path, "csv", "occurred_at", ["1577836800,5", "1577836800.5"], decimal=",", time_unit="s")
    assert found == [datetime(2020, 1, 1, 0, 0, 0, 500_000), "bad"]
    (tmp_path / "ids.csv").write_text('user_id,item_id\n"1,0",1\n"1,5",1\n')
    readers = [("events", "decimal", ","), ("events", "columns", {"user_id": "bigint"})]
    given: dict[str, Any] = {"files": (("", str(tmp_path / "ids.csv")),), "kind": "events", "readers": readers}
    assert read_rows(tmp_path, "events.user_id, events.bad_user_id", **given) == [(1, False), (None, True)]


@pytest.mark.parametrize(
    ("layout", "option", "value", "what", "fix"),
    [
        ("csv", "decimal", ";", "option decimal of input events can't be ';'", "--reader events.decimal=,"),
        ("jsonl", "decimal", ",", "decimal is no option of ndjson", "options:"),
        ("csv", "time_format", [], "option time_format of input events can't be []", "a list of texts"),
        ("csv", "time_format", ["%Y", 7], "option time_format of input events can't be ['%Y', 7]", "a list of texts"),
        ("csv", "time_format", ["%Y", "%Q"], "time_format of input events can't be '%Q'", "strptime"),
    ],
)
def test_an_option_that_cannot_be_is_refused(
    tmp_path: Path, layout: str, option: str, value: object, what: str, fix: str
) -> None:
    files = lay_out_values(tmp_path, layout, "occurred_at", ["2020-01-01"])
    with pytest.raises(ProjectError) as caught:
        load(tmp_path, kind="events", files=files, readers=[("events", option, value)])
    assert caught.value.what == what
    assert fix in caught.value.fix


ISO = [
    "2020-01-01",
    "2020-01-01T10:00",
    "2020-01-01 10:00:00",
    "2020-01-01T10:00:00.123456",
    "2020-01-01T10:00:00,5",
    "2020-01-01T10:00:00Z",
    "2020-01-01T10:00:00.5Z",
    "2020-01-01T10:00:00+14:00",
    "2020-01-01T10:00:00-14:00",
    "2020-01-01T10:00:00-0330",
    "2020-01-01T10:00:00+02",
    "2020-01-01T10:00:00+13:59",
    "2020-01-01T10:00:00-00:00",
    "0001-01-01T00:00:00",
]
BLANKS = ["2020-01-01 10:00:00 +02:00", "2020-01-01T10:00:00 Z", "2020-01-01 10:00:00.5 -0330", "2020-01-01  10:00:00"]
UTC_NAMES = ["2020-01-01 10:00:00 UTC", "2020-01-01 10:00:00 GMT", "2020-01-01T10:00:00UTC", "2020-01-01 10:00:00 utc"]
NO_TIMES = [
    *(f"2020-01-01 10:00:00{zone}" for zone in ("+25:00", "-99:99", "+14:30", "+15", "-24:00", "+02:60", "+0299")),
    *(f"2020-01-01 10:00:00{zone}" for zone in ("+2", "+02:30:15", "+2:00", "\u221202:00", "+02:00[Europe/Paris]")),
    *(f"2020-01-01 10:00:00 {zone}" for zone in ("BST", "IST", "CST", "EST", "A", "PM", "Europe/Paris", "GMT+2", "X")),
    *("infinity", "-infinity", "epoch", "now", "today", "yesterday", "10:00:00", "20-01-01", "12-04-03", "1/2/2020"),
    *("-2020-01-01", "+2020-01-01", "02020-01-01", "0000-01-01", "2020-01-01 (BC)", "2020-02-30", "2020-13-01"),
    *("2020-01-01 25:00:00", "2020-01-01 10:60:00", "2020-01-01 10:00:60", "2020-01-01 10:00:00 soon", "2020-1"),
    *("2020-01-01+02:00", "2020-01-01x10:00:00", "2020-01-01t10:00:00Z", "2020_01_01", "20200101x", "0x7E4-01-01"),
]


def in_utc(moment: datetime) -> datetime:
    """Give a moment in UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


@pytest.mark.parametrize("layout", FORMATS)
def test_a_text_is_the_moment_that_python_reads_or_none(tmp_path: Path, layout: str) -> None:
    ten = datetime(2020, 1, 1, 10)
    found = read_values(tmp_path, layout, "occurred_at", [*ISO, *BLANKS, *UTC_NAMES, *NO_TIMES])
    expected = [in_utc(datetime.fromisoformat(text)) for text in ISO]
    expected += [in_utc(datetime.fromisoformat(text[:10] + "T" + text[11:].replace(" ", ""))) for text in BLANKS]
    for text, value, wanted in zip(
        [*ISO, *BLANKS, *UTC_NAMES, *NO_TIMES], found, [*expected, *[ten] * 4, *["bad"] * len(NO_TIMES)], strict=True
    ):
        assert value == wanted, text


def test_midnight_may_be_written_as_24_and_a_day_with_slashes_and_short(tmp_path: Path) -> None:
    found = read_values(
        tmp_path, "csv", "occurred_at", ["2020-01-01 24:00:00", "2020/01/05", "2020-1-5", " 2020-01-05\t"]
    )
    assert found == [datetime(2020, 1, 2), *[datetime(2020, 1, 5)] * 3]


FORM = "%a %b %d %H:%M:%S %z %Y"


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        (FORM, ["Tue Apr 03 18:00:06 +0000 2012", "Tue Apr 03 18:00:06 -04:30 2012", "Tue Apr 03 18:00:06 +1400 2012"]),
        ("%Y-%m-%dT%H:%M:%S%z", ["2012-04-03T18:00:06Z", "2012-04-03T18:00:06-0330", "2012-04-03T18:00:06+13:59"]),
        ("%d.%m.%Y [%H:%M]", ["03.04.2012 [18:00]"]),
        ("%d/%m/%y", ["03/04/12", "03/04/70"]),
        ("%m/%d/%Y %I:%M %p", ["4/3/2012 6:05 PM"]),
        ("%Y.%m.%d", ["0999.01.01"]),
        ("100%% %d %B %Y", ["100% 03 April 2012"]),
    ],
)
def test_a_format_reads_what_python_reads(tmp_path: Path, form: str, texts: list[str]) -> None:
    found = read_values(tmp_path, "csv", "occurred_at", texts, time_format=form)
    assert found == [in_utc(datetime.strptime(text, form)) for text in texts]


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        (FORM, ["Tue Apr 03 18:00:06 +2500 2012", "Tue Apr 03 18:00:06 -9999 2012", "Tue Apr 03 18:00:06 +0160 2012"]),
        ("%Y-%m-%d %H:%M %Z", [f"2012-04-03 18:00 {zone}" for zone in ("BST", "IST", "EST", "Europe/Paris", "+25")]),
        ("%d/%m/%Y", ["03/04/12", "03/04/012", "soon", "31/02/2012", "03/04/2012x"]),
    ],
)
def test_a_format_moves_no_moment(tmp_path: Path, form: str, texts: list[str]) -> None:
    assert read_values(tmp_path, "csv", "occurred_at", texts, time_format=form) == ["bad"] * len(texts)


def test_a_format_may_name_utc_and_a_zone_beside_its_offset(tmp_path: Path) -> None:
    texts = ["2012-04-03 18:00 UTC", "2012-04-03 18:00 GMT"]
    found = read_values(tmp_path, "csv", "occurred_at", texts, time_format="%Y-%m-%d %H:%M %Z")
    assert found == [datetime(2012, 4, 3, 18)] * 2
    found = read_values(tmp_path, "csv", "occurred_at", ["18:00 +0100 BST 2012"], time_format="%H:%M %z %Z %Y")
    assert found == [datetime(2012, 1, 1, 17)]


@pytest.mark.parametrize("layout", FORMATS)
def test_several_formats_are_tried_in_their_order(tmp_path: Path, layout: str) -> None:
    texts = ["03/04/2012 18:30", "03/04/2012", "13/04/2012", "04/13/2012", "2012-04-03", "", "soon"]
    forms = ["%d/%m/%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y"]
    assert read_values(tmp_path, layout, "occurred_at", texts, time_format=forms) == [
        datetime(2012, 4, 3, 18, 30),
        datetime(2012, 4, 3),
        *[datetime(2012, 4, 13)] * 2,
        "bad",
        None,
        "bad",
    ]
    assert read_values(tmp_path, layout, "occurred_at", texts[1:2], time_format=forms[::-1]) == [datetime(2012, 3, 4)]


def test_an_epoch_has_no_underscores(tmp_path: Path) -> None:
    found = read_values(tmp_path, "csv", "occurred_at", ["1577836800", "1_577_836_800", "1577836800_.5"], time_unit="s")
    assert found == [datetime(2020, 1, 1), "bad", "bad"]
