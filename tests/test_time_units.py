"""Units of time: a likely wrong one is told before anything is built, and dates that nobody had are told after it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from projects import ask, load, run_build, write_parquet

from recsys_duck.errors import ProjectError
from recsys_duck.events import Warned

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
MOMENTS = [int(datetime(2015, 6, day, tzinfo=UTC).timestamp()) for day in range(1, 8)]


def lay_out_epochs(folder: Path, layout: str, values: Sequence[int | str]) -> tuple[tuple[str, str], ...]:
    """Write an event for each time; returns what --files gives."""
    path = folder / f"times.{layout}"
    rows = [{"user_id": at % 3, "item_id": at % 2, "occurred_at": value} for at, value in enumerate(values)]
    if layout == "csv":
        path.write_text(
            "user_id,item_id,occurred_at\n" + "".join(f"{','.join(map(str, row.values()))}\n" for row in rows)
        )
    elif layout == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        listed = ", ".join(f"({row['user_id']}, {row['item_id']}, {row['occurred_at']})" for row in rows)
        write_parquet(path, f"select * from (values {listed}) as rows(user_id, item_id, occurred_at)")
    return (("", str(path)),)


def doubts(folder: Path, layout: str, values: Sequence[int | str], unit: str) -> tuple[str, ...]:
    """Tell what a project says of the unit of its times."""
    files = lay_out_epochs(folder, layout, values)
    return load(folder, kind="events", files=files, readers=(("events", "time_unit", unit),))[0].unread


@pytest.mark.parametrize("layout", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("said", list(PER_SECOND))
@pytest.mark.parametrize("meant", list(PER_SECOND))
def test_another_unit_that_gives_likely_times_is_told(tmp_path: Path, layout: str, said: str, meant: str) -> None:
    told = doubts(tmp_path, layout, [-1, *(one * PER_SECOND[meant] for one in MOMENTS), 0], said)
    assert len(told) == (said != meant)
    for message in told:
        assert message.endswith(f"and in 2015 with {meant}: say --reader events.time_unit={meant}")


@pytest.mark.parametrize("values", [[], [0, 0], [5, 6], ["soon"], [10**30]])
def test_times_that_no_unit_makes_likely_are_left_to_the_gates(tmp_path: Path, values: list[int | str]) -> None:
    assert doubts(tmp_path, "csv", values, "s") == ()


def warnings(folder: Path, layout: str, values: Sequence[int | str], *options: tuple[str, str]) -> list[str]:
    """Build the events and give what the build warned of."""
    files, readers = lay_out_epochs(folder, layout, values), [("events", *one) for one in options]
    events = run_build(folder, select=("+core.events",), kind="events", files=files, readers=readers)
    return [event.message for event in events if isinstance(event, Warned) and "not in this" not in event.message]


def test_a_build_warns_of_a_wrong_unit_and_of_events_before_1990(tmp_path: Path) -> None:
    told = warnings(tmp_path, "csv", MOMENTS, ("time_unit", "ms"))
    assert [one for one in told if "--reader events.time_unit=s" in one]
    assert [one for one in told if one.startswith(f"{len(MOMENTS)} rows break") and "before 1990" in one]
    told = warnings(tmp_path, "csv", ["1990-01-01", "", "2015-06-01"])
    assert not [one for one in told if "1990" in one]


def test_a_parameter_among_the_options_of_a_reader_is_told_how_it_is_set(tmp_path: Path) -> None:
    files = lay_out_epochs(tmp_path, "csv", ["2020-01-01"])
    with pytest.raises(ProjectError) as caught:
        load(tmp_path, kind="events", files=files, readers=(("events", "max_time", "2021-01-01"),))
    assert caught.value.what == "max_time is a parameter, no option of input events"
    assert caught.value.fix == "say --set max_time=2021-01-01"


def test_a_day_after_max_time_is_rejected_and_counted(tmp_path: Path) -> None:
    files = lay_out_epochs(tmp_path, "csv", ["2020-01-01", "2262-04-11 23:47:16", ""])
    run_build(tmp_path, select=("+core.events",), kind="events", files=files, parameters=[("max_time", "2021-01-01")])
    ledger = "select reason, n_rows from meta.row_ledger where stage = 'core.events' and n_rows > 0"
    assert sorted(ask(tmp_path / "warehouse", ledger)) == [("after_max_time", 1), ("in", 3), ("kept", 2)]


def test_returns_are_netted_in_the_pairs_and_in_the_training_matrix(tmp_path: Path) -> None:
    bought = [(1, 10, 3), (1, 10, 2), (1, 10, -4), (1, 20, 1), (1, 20, -1), (2, 10, 1), (2, 20, -2), (3, 20, 5)]
    (tmp_path / "shop.csv").write_text(
        "user_id,item_id,weight\n" + "".join(f"{user},{item},{weight}\n" for user, item, weight in bought)
    )
    net: dict[tuple[int, int], int] = {}
    for user, item, weight in bought:
        net[user, item] = net.get((user, item), 0) + weight
    wanted = sorted((str(user), str(item), weight) for (user, item), weight in net.items() if weight > 0)
    given = {"kind": "events", "files": (("", str(tmp_path / "shop.csv")),)}
    select = ("+core.interactions", "+training.matrix")
    parameters = [("negative_weight", "net"), ("weighting", "raw")]
    run_build(tmp_path, select=select, parameters=parameters, **given)
    pairs = "select user_id, item_id, cast(weight as integer) from core.interactions order by all"
    assert ask(tmp_path / "warehouse", pairs) == wanted
    matrix = """
        select user_id, item_id, cast(matrix.weight as integer) from training.matrix
        join core.users using (user_idx) join core.items using (item_idx) order by all"""
    assert ask(tmp_path / "warehouse", matrix) == wanted
    ledger = "select reason, n_rows from meta.row_ledger where stage = 'core.events' and n_rows > 0"
    found = dict(ask(tmp_path / "warehouse", ledger))
    assert found == {"in": 8, "kept": 3, "return": 3, "returned": 2}
    run_build(tmp_path, select=select, **given)
    assert dict(ask(tmp_path / "warehouse", ledger)) == {"in": 8, "kept": 5, "bad_weight": 3}
