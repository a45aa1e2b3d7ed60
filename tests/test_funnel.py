"""The funnel adds up: what a build tells last, what `profile funnel` shows, and what the ledger holds are one."""

import json
from pathlib import Path

import pytest
from building import lay_out, rows, run
from projects import command_here

from recsys_duck.events import Gated, Published
from recsys_duck.funnel import brief_lines, funnel_lines, gated, percent

# 60 events: 5 without an item, 3 of a negative weight, one of them both: the first reason counts
EVENTS = """
    select
        i % 6 as user_id,
        case when i % 12 <> 7 then i % 5 end as item_id,
        cast(case when i % 20 = 3 then -1 else 1 end as decimal(18, 6)) as weight,
        timestamp '2024-01-01' + i * interval 1 day as occurred_at
    from range(60) as numbers(i)
"""
SELECT = ("+core.events",)
LEDGERS = [
    ("staging.plays", {"in": 1_234_567, "kept": 1_234_500, "bad_time": 7, "no_item": 60}),
    ("core.items", {"in": 10, "kept": 10}),
    ("core.interactions", {}),
    ("core.events", {"in": 1_234_500, "kept": 1_000_000, "item_below_top": 234_500}),
    ("core.users", {"in": 0, "kept": 0}),
]


def test_every_gate_of_a_build_is_told_before_it_is_published_and_adds_up(tmp_path: Path) -> None:
    lay_out(tmp_path, events=EVENTS)
    events = run(tmp_path, select=SELECT)
    gates = {event.stage: event for event in events if isinstance(event, Gated)}
    for gate in gates.values():
        assert gate.n_in == gate.n_kept + gate.n_rejected
    ledger = rows(tmp_path, "select stage, reason, n_rows from meta.row_ledger where n_rows > 0")
    told = {(gate.stage, reason, n_rows) for gate in gates.values() for reason, n_rows in gate.rejected.items()}
    assert {row for row in ledger if row[1] not in ("in", "kept")} == told
    assert gates["core.events"].rejected == {"missing_item_id": 5, "bad_weight": 2}
    assert gates["core.events"].n_in == 60
    assert isinstance(events[-1], Published)


def test_gates_that_let_everything_pass_are_one_line() -> None:
    assert funnel_lines(list(gated(LEDGERS))) == [
        "gate              rows in =     kept +  rejected",
        "staging.plays     1,234,567  1,234,500        67",
        "  no_item                                     60   <0.01 %",
        "  bad_time                                     7   <0.01 %",
        "core.events       1,234,500  1,000,000   234,500",
        "  item_below_top                         234,500   19.00 %",
        "2 other gates kept every row",
        'see rejected rows: recsys-duck query "from staging.plays_rejected limit 20"',
    ]
    assert brief_lines(list(gated(LEDGERS[1:]))) == [
        "core.events: 234,500 of 1,234,500 rows rejected (19.00 %)",
        "2 other gates kept every row",
    ]
    assert funnel_lines(list(gated(LEDGERS[1:2]))) == ["1 gate kept every row"]
    assert funnel_lines([]) == []


@pytest.mark.parametrize(
    ("part", "whole", "told"),
    [(0, 0, "0.00 %"), (0, 5, "0.00 %"), (1, 10**6, "<0.01 %"), (1, 3, "33.33 %"), (5, 5, "100.00 %")],
)
def test_a_share_that_is_not_nothing_is_not_told_as_nothing(part: int, whole: int, told: str) -> None:
    assert percent(part, whole) == told


def test_a_build_ends_with_its_funnel_and_with_a_short_one_where_nothing_changed(tmp_path: Path) -> None:
    lay_out(tmp_path, events=EVENTS)
    first = command_here(tmp_path, "build", "--select", "+core.events").stderr.split("published  ")[1].splitlines()
    assert first[2:9] == [
        "",
        "gate               rows in =  kept +  rejected",
        "core.events               60      53         7",
        "  missing_item_id                            5    8.33 %",
        "  bad_weight                                 2    3.33 %",
        "6 other gates kept every row",
        'see rejected rows: recsys-duck query "from core.events_rejected limit 20"',
    ]
    seen = command_here(tmp_path, "query", "from core.events_rejected limit 20", "--format", "csv")
    assert len(seen.stdout.splitlines()) == 1 + 7
    assert command_here(tmp_path, "profile", "funnel").stdout.splitlines()[1:] == first[3:]
    again = command_here(tmp_path, "build", "--select", "+core.events").stderr.split("unchanged  ")[1].splitlines()
    assert again[2:] == [
        "           core.events: 7 of 60 rows rejected (11.67 %)",
        "           6 other gates kept every row",
    ]


def test_the_gates_are_json_lines_of_their_own(tmp_path: Path) -> None:
    lay_out(tmp_path, events=EVENTS)
    done = command_here(tmp_path, "build", "--select", "+core.events", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    told = next(line for line in lines if line["event"] == "gated" and line["stage"] == "core.events")
    rejected = {"missing_item_id": 5, "bad_weight": 2}
    assert told == {"event": "gated", "stage": "core.events", "n_in": 60, "n_kept": 53, "rejected": rejected}
    assert lines[-1]["event"] == "published"
    assert "rows in" not in done.stderr
