"""A broken clock moves nothing: the bulk of the events is that of plain Python, and decay and folds count from it."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from building import lay_out, rows, run
from comparing import values

from recsys_duck.events import Event, Warned

START = datetime(2020, 1, 1, 10)
# 200 good events of 28 days; item k is met by 40 - k of the 20 users' events, more or less, at days that differ
GOOD = [(at * 7 % 20, (at * at) % 13, START + timedelta(days=at % 28, minutes=at)) for at in range(200)]
COLUMNS = "user_id bigint, item_id bigint, occurred_at timestamp"
BROKEN = {
    "one of 2262": ["2262-04-11 23:47:16"],
    "three of 2262 and one of 9999": ["2262-04-11 23:47:16"] * 3 + ["9999-12-31 00:00:00"],
    "a typed year": ["2021-01-15 10:00:00"],
    "1970 and 2030": ["1970-01-01 00:00:00", "2030-06-01 00:00:00"],
}


def bulk(moments: Sequence[datetime]) -> tuple[datetime, datetime]:
    """The first and last moment of the bulk, day by day, as the specification says it."""
    days = sorted({moment.date() for moment in moments})

    def n(test: Any) -> int:
        return sum(1 for moment in moments if test(moment.date()))

    few = len(moments) / 20
    early = max(day for day in days if n(lambda one, day=day: one < day) <= few)
    late = min(day for day in days if n(lambda one, day=day: one > day) <= few)
    pairs = list(pairwise(days))
    ends = [day for day, after in pairs if day >= late and (after - day).days > max((day - early).days, 30)]
    begins = [day for before, day in pairs if day <= early and (day - before).days > max((late - day).days, 30)]
    first, last = max(begins, default=days[0]), min(ends, default=days[-1])
    kept = [moment for moment in moments if first <= moment.date() <= last]
    return min(kept), max(kept)


def build(root: Path, table: Sequence[tuple[Any, ...]], select: Sequence[str], **parameters: object) -> list[Event]:
    """Build some tables of events given as rows."""
    lay_out(root, events=values(COLUMNS, table))
    return run(root, {"parameters": list(parameters.items())}, select=tuple(select))


def warned(events: Sequence[Event]) -> list[str]:
    """What a build warned of for the span of time."""
    return [event.message for event in events if isinstance(event, Warned) and event.stage == "core.time_span"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_clock_moves_neither_decay_nor_folds(tmp_path: Path, name: str) -> None:
    broken = [(1, 1, moment) for moment in BROKEN[name]]
    question = "select item_id, score from features.item_popularity where item_id <> 1 order by rank"
    parameters: dict[str, object] = {"popularity_half_life_days": 3.0, "split": "time", "folds": 2, "fold": 2}
    select = ("+features.item_popularity", "+split.manifest")
    build(tmp_path / "good", [(*one[:2], str(one[2])) for one in GOOD], select, **parameters)
    told = warned(build(tmp_path / "broken", [(*one[:2], str(one[2])) for one in GOOD] + broken, select, **parameters))
    assert rows(tmp_path / "broken", question) == rows(tmp_path / "good", question)
    assert rows(tmp_path / "good", question)[-1][1] != 0
    sides = "select cut_at, end_at, n_test_events from split.manifest"
    assert rows(tmp_path / "broken", sides) == rows(tmp_path / "good", sides)
    later = [moment for moment in BROKEN[name] if moment > "2020-02"]
    (message,) = told
    assert message.startswith(f"{len(later)} of {200 + len(broken)} events with a time lie long after 2020-01-28 ")
    assert message.endswith(f"--set 'data_end={later[-1]}'")


@pytest.mark.parametrize("seed", range(6))
def test_the_bulk_is_that_of_plain_python(tmp_path: Path, seed: int) -> None:
    random_of = random.Random(seed)
    span = random_of.choice([1, 40, 400])
    moments = [
        START + timedelta(days=random_of.randrange(span), seconds=random_of.randrange(80_000)) for _ in range(60)
    ]
    moments += [START + timedelta(days=random_of.choice([-18_000, -900, -35, 60, 900, 30_000])) for _ in range(seed)]
    build(tmp_path, [(at, at, str(moment)) for at, moment in enumerate(moments)], ["+core.time_span"])
    first, last = bulk(moments)
    outside = (sum(moment < first for moment in moments), sum(moment > last for moment in moments))
    question = """
        select bulk_first_at, bulk_last_at, end_at, first_at, last_at, n_earlier_events, n_later_events
        from core.time_span
    """
    assert rows(tmp_path, question) == [(first, last, last, min(moments), max(moments), *outside)], f"seed {seed}"


def test_who_says_where_the_data_end_is_not_warned(tmp_path: Path) -> None:
    table = [(*one[:2], str(one[2])) for one in GOOD] + [(1, 1, "2262-04-11 23:47:16")]
    events = build(tmp_path, table, ["+split.folds"], split="time", folds=2, data_end="2020-01-15")
    assert not warned(events)
    ends = [end for (end,) in rows(tmp_path, "select end_at from split.folds order by fold")]
    assert ends[-1] == datetime(2020, 1, 15, microsecond=1)


def test_a_share_set_aside_by_time_is_not_the_broken_clock_alone(tmp_path: Path) -> None:
    table = [(*one[:2], str(one[2])) for one in GOOD] + [(1, 1, "2262-04-11 23:47:16")]
    build(tmp_path, table, ["+split.manifest"], split="time", test_share=0.2)
    ((n_test, cut_at),) = rows(tmp_path, "select n_test_events, cut_at from split.manifest")
    assert n_test == round(0.2 * 201)
    assert str(cut_at).startswith("2020-01-")
