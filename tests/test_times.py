"""Times: epochs and texts in every format become the same moment, and what is none is told or rejected."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from projects import ask, lay_out_events, load, run_build, write_parquet
from test_source import read_rows

from recsys_duck.errors import ProblemsError, ProjectError

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
TYPES = {
    "parquet": "bigint",
    "parquet_text": "varchar",
    "parquet_wide": "decimal(38,0)",
    "csv": "",
    "ndjson": "",
    "text": "",
}
ISO = "which is no time without a unit"


def lay_out_times(folder: Path, layout: str, *values: str) -> tuple[tuple[str, str], ...]:
    """Write events of one user at the given times, as the layout has them; returns what --files gives."""
    rows = [(at, value) for at, value in enumerate(values)]
    path = folder / f"times.{layout.split('_', maxsplit=1)[0] if layout != 'text' else 'jsonl'}"
    if layout == "csv":
        path.write_text("user_id,item_id,moment\n" + "".join(f"1,{at},{value}\n" for at, value in rows))
    elif layout.startswith("parquet"):
        listed = ", ".join(f"({at}, cast('{value}' as {TYPES[layout]}))" for at, value in rows)
        write_parquet(path, f"select 1 as user_id, item_id, moment from (values {listed}) as rows(item_id, moment)")
    else:
        written = [json.dumps(value) if layout == "text" else value for _, value in rows]
        path.write_text(
            "".join(f'{{"user_id": 1, "item_id": {at}, "moment": {one}}}\n' for at, one in enumerate(written))
        )
    return (("", str(path)),)


def read_times(folder: Path, layout: str, *values: str, **options: str) -> list[tuple[Any, ...]]:
    """Read the times back, with whether one stands there that does not fit, in the order of the values."""
    files = lay_out_times(folder, layout, *values)
    readers = [("events", name, value) for name, value in options.items()]
    columns = "cast(events.item_id as integer) as place, events.occurred_at, events.bad_time"
    given: dict[str, Any] = {"kind": "events", "columns": (("", "occurred_at", "moment"),), "readers": readers}
    return [(moment, is_bad) for _, moment, is_bad in read_rows(folder, columns, files=files, **given)]


@pytest.mark.parametrize("unit", list(PER_SECOND))
@pytest.mark.parametrize("layout", list(TYPES))
def test_an_epoch_is_the_same_moment_in_every_unit_and_format(tmp_path: Path, layout: str, unit: str) -> None:
    moments = [datetime(1997, 12, 4, 15, 55, 49), datetime(1970, 1, 1), datetime(1969, 12, 31, 23, 59, 58)]
    seconds = [int(moment.replace(tzinfo=UTC).timestamp()) for moment in moments]
    found = read_times(tmp_path, layout, *(str(one * PER_SECOND[unit]) for one in seconds), time_unit=unit)
    assert found == [(moment, False) for moment in moments]


@pytest.mark.parametrize("layout", list(TYPES))
def test_nanoseconds_of_an_epoch_are_cut_and_not_rounded(tmp_path: Path, layout: str) -> None:
    nanoseconds = [1_577_836_800_123_456_999, 999, 1000, 0, -1, -999, -1000, -1001]
    found = read_times(tmp_path, layout, *map(str, nanoseconds), time_unit="ns")
    assert found == [(datetime(1970, 1, 1) + timedelta(microseconds=one // 1000), False) for one in nanoseconds]


@pytest.mark.parametrize(("unit", "factor"), [("s", 10**6), ("ms", 10**3), ("us", 1)])
@pytest.mark.parametrize("layout", ["csv", "ndjson", "text"])
def test_fractions_of_an_epoch_are_exact_and_cut_to_microseconds(
    tmp_path: Path, layout: str, unit: str, factor: int
) -> None:
    values = ["1577836800.123456", "1577836800.123455", "0.9999999", "-0.0000001", "-1577836800.5"]
    found = read_times(tmp_path, layout, *values, time_unit=unit)
    us = [(Decimal(value) * factor).__floor__() for value in values]
    assert found == [(datetime(1970, 1, 1) + timedelta(microseconds=one), False) for one in us]


def test_a_double_has_the_fraction_that_its_shortest_text_has(tmp_path: Path) -> None:
    values = "(0, 1577836800.123456::double), (1, 881250949::double), (2, 'nan'::double), (3, 'inf'::double), (4, null)"
    lay_out_events(tmp_path, f"select 1 as user_id, item_id, t as occurred_at from (values {values}) as r(item_id, t)")
    readers = (("events", "time_unit", "s"),)
    assert read_rows(tmp_path, "events.item_id, events.occurred_at, events.bad_time", readers=readers) == [
        (0, datetime(2020, 1, 1, 0, 0, 0, 123456), False),
        (1, datetime(1997, 12, 4, 15, 55, 49), False),
        (2, None, True),
        (3, None, True),
        (4, None, False),
    ]


FIRST, LAST = -62_135_596_800, 253_402_300_799


@pytest.mark.parametrize("layout", list(TYPES))
@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_an_epoch_outside_of_the_years_1_to_9999_does_not_fit(tmp_path: Path, layout: str, unit: str) -> None:
    factor = PER_SECOND[unit]
    fits, not_fits = (FIRST * factor, (LAST + 1) * factor - 1), (FIRST * factor - 1, (LAST + 1) * factor, 2**63 - 1)
    found = read_times(tmp_path, layout, *map(str, (*fits, *not_fits, -(2**63))), time_unit=unit)
    assert [is_bad for _, is_bad in found] == [False, False, True, True, True, True]
    assert found[0][0] == datetime(1, 1, 1)
    assert found[1][0].replace(microsecond=0) == datetime(9999, 12, 31, 23, 59, 59)
    assert all(moment is None for moment, _ in found[2:])


def test_an_epoch_beyond_every_integer_does_not_fit(tmp_path: Path) -> None:
    values = ["9" * 25, "9" * 400, "1e30", "-1e400", "1e9", "nan", "inf", "12 a", "0x10", ""]
    found = read_times(tmp_path, "csv", "0", *values, time_unit="s")
    assert found[1:] == [(None, True)] * 4 + [(datetime(2001, 9, 9, 1, 46, 40), False)] + [(None, True)] * 4 + [
        (None, False)
    ]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2020-01-01 00:00:00", datetime(2020, 1, 1)),
        ("9999-12-31 23:59:59", datetime(9999, 12, 31, 23, 59, 59)),
        ("10000-01-01", None),
        ("0001-01-01 (BC)", None),
        ("infinity", None),
        ("-infinity", None),
        ("yesterday", None),
        ("2020-02-30", None),
        ("881250949", None),
    ],
)
def test_a_text_that_is_no_time_does_not_fit(tmp_path: Path, written: str, moment: datetime | None) -> None:
    found = read_times(tmp_path, "csv", "2020-01-01", written, "", "  ")
    assert found == [(datetime(2020, 1, 1), False), (moment, moment is None), (None, False), (None, False)]


@pytest.mark.parametrize(
    ("form", "written", "moment"),
    [
        ("%d-%b-%Y", "04-Dec-1997", datetime(1997, 12, 4)),
        ("%d/%m/%Y %H:%M", "04/12/1997 15:55", datetime(1997, 12, 4, 15, 55)),
        ("%Y-%m-%d %H:%M:%S %z", "2020-01-01 00:30:00 +0200", datetime(2019, 12, 31, 22, 30)),
        ("%Y%m%d", "19971204", datetime(1997, 12, 4)),
        ("%Y-%m-%d %H:%M:%S.%n", "2020-01-01 00:00:00.123456999", datetime(2020, 1, 1, 0, 0, 0, 123456)),
        ("%Y-%m-%d %H:%M:%S.%n", "1969-12-31 23:59:59.999999999", datetime(1969, 12, 31, 23, 59, 59, 999999)),
    ],
)
@pytest.mark.parametrize("layout", ["csv", "text", "parquet_text"])
def test_a_text_is_read_by_its_format(tmp_path: Path, layout: str, form: str, written: str, moment: datetime) -> None:
    assert read_times(tmp_path, layout, written, "soon", time_format=form) == [(moment, False), (None, True)]


def test_a_number_is_read_by_its_format(tmp_path: Path) -> None:
    found = read_times(tmp_path, "parquet", "19971204", "19971304", time_format="%Y%m%d")
    assert found == [(datetime(1997, 12, 4), False), (None, True)]


@pytest.mark.parametrize(
    ("layout", "values", "options", "what", "fix"),
    [
        (
            "parquet",
            ["881250949"],
            {},
            f"column moment is BIGINT, {ISO}",
            "--reader events.time_unit=s (or ms, us, ns)",
        ),
        ("ndjson", ["881250949"], {}, f"column moment is BIGINT, {ISO}", "--reader events.time_unit=s"),
        ("ndjson", ["881250949.5"], {}, f"column moment is DOUBLE, {ISO}", "--reader events.time_unit=s"),
        (
            "csv",
            ["881250949"],
            {},
            f"the first values of column moment are numbers, {ISO}",
            "--reader events.time_unit=s",
        ),
        (
            "text",
            ["881250949"],
            {},
            f"the first values of column moment are numbers, {ISO}",
            "--reader events.time_unit=s",
        ),
        ("ndjson", ["true"], {}, "column moment is BOOLEAN, which is no time", "ISO text"),
        ("csv", ["1"], {"time_unit": "min"}, "option time_unit of input events can't be 'min'", "text, s, ms, us, ns"),
        ("csv", ["1"], {"time_format": "%Q"}, "time_format of input events can't be '%Q'", "strptime"),
        ("csv", ["1"], {"time_format": ""}, "time_format of input events can't be ''", "strptime"),
        (
            "csv",
            ["1"],
            {"time_format": "%Y", "time_unit": "s"},
            "input events has both a time_unit and a time_format",
            "time_unit for numbers",
        ),
    ],
)
def test_times_that_cannot_be_read_are_refused_before_anything_runs(
    tmp_path: Path, layout: str, values: list[str], options: dict[str, str], what: str, fix: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        read_times(tmp_path, layout, *values, **options)
    assert not isinstance(caught.value, ProblemsError), caught.value
    assert caught.value.what == what
    assert caught.value.where
    assert fix in caught.value.fix


@pytest.mark.parametrize("option", ["time_unit", "time_format"])
def test_a_typed_time_needs_no_unit_and_no_format(tmp_path: Path, option: str) -> None:
    with pytest.raises(ProjectError) as caught:
        load(lay_out_events(tmp_path), readers=(("events", option, {"time_unit": "s"}.get(option, "%Y")),))
    assert caught.value.what == f"column occurred_at is TIMESTAMP, which needs no {option}"


@pytest.mark.parametrize(
    ("of", "what", "fix"),
    [
        (
            "events",
            "time_unit is given, and no column of input events holds times",
            "--column events.occurred_at=COLUMN",
        ),
        ("items", "time_unit is given, and no column of input items holds times", "leave time_unit out"),
    ],
)
def test_a_unit_of_times_that_are_not_there_is_refused(tmp_path: Path, of: str, what: str, fix: str) -> None:
    write_parquet(tmp_path / "items.parquet", "select 2 as item_id")
    lay_out_events(tmp_path, "select 1 as user_id, 2 as item_id, 881250949 as moment")
    with pytest.raises(ProjectError) as caught:
        load(tmp_path, readers=((of, "time_unit", "s"),))
    assert caught.value.what == what
    assert fix in caught.value.fix


def test_a_column_that_opens_with_one_number_may_hold_times(tmp_path: Path) -> None:
    assert read_times(tmp_path, "csv", "0", "2020-01-01") == [(None, True), (datetime(2020, 1, 1), False)]


def test_every_value_that_does_not_fit_has_its_reason_and_the_ledger_adds_up(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text(
        "user_id,item_id,weight,occurred_at,position\n"
        "1,10,2.5,2020-01-01,3\n"  # kept
        "1,10,,,\n"  # kept here; core.events: bad_weight
        ",10,1,2020-01-01,1\n"  # kept here; core.events: missing_user_id
        "1,10,-1,2020-01-01,1\n"  # kept here; core.events: bad_weight
        "1,10,many,2020-01-01,1\n1,10,inf,2020-01-01,1\n1,10,1e15,2020-01-01,1\n1,10,nan,soon,x\n"  # bad_weight
        "1,10,1,soon,x\n1,10,1,99999-01-01,1\n"  # bad_time
        "1,10,1,,1.5\n1,10,1,,3000000000\n1,10,1,,first\n"  # bad_position
        "x,10,many,soon,x\n"  # bad_user_id
        "1,1.5,many,soon,x\n"  # bad_item_id
    )
    settings = 'kind = "events"\n[files.events]\npaths = "plays.csv"\n[files.events.columns]\n'
    (tmp_path / "recsys.toml").write_text(settings + 'user_id = "bigint"\nitem_id = "bigint"\n')
    run_build(tmp_path, select=("+core.events",))
    ledger = "select stage, reason, n_rows from meta.row_ledger where stage in ('staging.events', 'core.events')"
    assert sorted(ask(tmp_path / "warehouse", ledger)) == [
        ("core.events", "bad_weight", 2),
        ("core.events", "in", 4),
        ("core.events", "kept", 1),
        ("core.events", "missing_user_id", 1),
        ("staging.events", "bad_item_id", 1),
        ("staging.events", "bad_position", 3),
        ("staging.events", "bad_time", 2),
        ("staging.events", "bad_user_id", 1),
        ("staging.events", "bad_weight", 4),
        ("staging.events", "in", 15),
        ("staging.events", "kept", 4),
    ]


@pytest.mark.parametrize(
    ("written", "position", "is_bad"),
    [("3.0", 3, False), ("3.5", None, True), ("nan", None, True), ("1e10", None, True), ("-2.0", -2, False)],
)
def test_a_position_with_a_point_counts_where_it_is_whole(
    tmp_path: Path, written: str, position: int | None, is_bad: bool
) -> None:
    lay_out_events(tmp_path, f"select 1 as user_id, 2 as item_id, cast('{written}' as double) as position")
    assert read_rows(tmp_path, "events.position, events.bad_position") == [(position, is_bad)]
    (tmp_path / "plays.csv").write_text(f"user_id,item_id,position\n1,2,{written}\n")
    files = (("", str(tmp_path / "plays.csv")),)
    assert read_rows(tmp_path, "events.position, events.bad_position", files=files) == [(position, is_bad)]


def test_an_integer_id_of_text_keeps_all_its_digits(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text("user_id,item_id\n9007199254740993.0,0x10\n9007199254740993,1_000\n")
    given = {"files": (("", str(tmp_path / "plays.csv")),), "kind": "events"}
    readers = (("events", "columns", {"user_id": "bigint", "item_id": "bigint"}),)
    rows = read_rows(tmp_path, "events.user_id, events.item_id, events.bad_item_id", readers=readers, **given)
    assert rows == [(9007199254740993, None, True)] * 2
