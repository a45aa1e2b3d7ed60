"""Counts by week, user, item and tag are those of plain Python: decay, trend and segments with their edges."""

import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import lay_out, rows, run
from comparing import TOLERANCE, values
from oracles.baskets import Event
from oracles.popularity import (
    Settings,
    item_popularity,
    item_segments,
    ranks,
    tag_popularity,
    user_activity,
    weekly_counts,
)
from projects import write_parquet

TABLES = (
    "core.weekly_counts",
    "features.user_activity",
    "features.item_popularity",
    "features.item_segments",
    "features.tag_popularity",
)
COLUMNS = {
    "core.weekly_counts": "week_start, n_events, n_users, n_items",
    "features.user_activity": "user_id, n_events, n_items, n_active_days, first_at, last_at",
    "features.item_popularity": "item_id, n_events, n_users, score, rank, n_recent, n_before, trend",
    "features.item_segments": "item_id, n_events, cumulative_share, segment",
    "features.tag_popularity": "tag_type, tag_id, tag_name, n_items, n_events, n_recent, n_before, trend, rank",
}
NEWEST = datetime(2024, 3, 31)  # a Sunday
TAGS = [("genre", 1, "pop"), ("genre", 2, "rap"), ("genre", 10, None), ("genre", 9, "unused"), ("artist", 1, "one")]
ITEM_TAGS = [(1, "genre", 1), (2, "genre", 1), (2, "genre", 2), (3, "genre", 10), (3, "artist", 1), (7, "artist", 1)]


def ago(days: float, hour: int = 12) -> str:
    """A moment so many days before the newest one's date."""
    return str(NEWEST - timedelta(days=days) + timedelta(hours=hour))


def built(root: Path, table: Sequence[tuple[Any, ...]], parameters: Mapping[str, object], kind: str = "bigint") -> Path:
    """Build the counts of events (user, item, moment), with the tags above."""
    lay_out(root, events=values(f"user_id {kind}, item_id {kind}, occurred_at timestamp", table))
    tags = values(f"tag_type varchar, tag_id {kind}, tag_name varchar", TAGS)
    item_tags = values(f"item_id {kind}, tag_type varchar, tag_id {kind}", ITEM_TAGS)
    write_parquet(root / "tags.parquet", tags)
    write_parquet(root / "item_tags.parquet", item_tags)
    select = tuple(f"+{name}" for name in (*TABLES, "split.train"))
    run(root, {"parameters": list(parameters.items())}, select=select)
    return root


def told(root: Path, table: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The published rows of a table, by its key."""
    n_keys = 2 if table == "features.tag_popularity" else 1
    found = rows(root, f"select {COLUMNS[table]} from {table}")
    by_key = {tuple(row[:n_keys]): tuple(row[n_keys:]) for row in found}
    assert len(by_key) == len(found), f"{table} has a key twice"
    return by_key


def expected(root: Path, settings: Settings) -> dict[str, dict[tuple[Any, ...], tuple[Any, ...]]]:
    """What the oracle makes of the published events, by table and key."""
    question = "select user_id, item_id, cast(null as integer), occurred_at from {}"
    events = [Event(*row) for row in rows(root, question.format("core.events"))]
    train = [Event(*row) for row in rows(root, question.format("split.train"))]
    tags = rows(root, "select tag_type, tag_id, tag_name from core.tags")
    item_tags = rows(root, "select item_id, tag_type, tag_id from core.item_tags")
    popular = item_popularity(train, settings)
    rank_of = ranks(popular)
    return {
        "core.weekly_counts": {(monday,): tuple(week) for monday, week in weekly_counts(events).items()},
        "features.user_activity": {(user,): tuple(activity) for user, activity in user_activity(train).items()},
        "features.item_popularity": {
            (item,): (known.n_events, known.n_users, float(known.score), rank_of[item], *known.trend)
            for item, known in popular.items()
        },
        "features.item_segments": {(item,): known for item, known in item_segments(train, settings).items()},
        "features.tag_popularity": tag_popularity(train, tags, item_tags, settings),  # type: ignore[arg-type]
    }


def check(root: Path, settings: Settings, note: str) -> None:
    """Compare all tables; numbers with a point to nine digits."""
    for table, wanted in expected(root, settings).items():
        found = told(root, table)
        assert found.keys() == wanted.keys(), f"{note}: keys of {table}"
        for key, row in wanted.items():
            pairs = zip(found[key], row, strict=True)
            same = [
                mine == pytest.approx(other, rel=TOLERANCE, abs=TOLERANCE)
                if isinstance(other, float)
                else mine == other
                for mine, other in pairs
            ]
            assert all(same), f"{note}: {table} at {key}: found {found[key]}, wanted {row}"


# --- worked by hand ----------------------------------------------------------------------------------------

BY_HAND = [
    (1, 1, ago(0, 0)),  # the newest day begins
    (1, 1, ago(0, 23)),
    (2, 1, ago(7)),  # exactly one window, or a half-life, before
    (3, 1, ago(14)),  # too old for the window before
    (1, 2, ago(6, 0)),
    (1, 2, ago(13, 23)),
    (2, 2, None),
    (3, 2, None),
    (3, 3, ago(8)),
    (3, 3, ago(8)),
]
HAND_PARAMETERS: dict[str, object] = {"trend_window_days": 7, "popularity_half_life_days": 7.0}


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("hand"), BY_HAND, HAND_PARAMETERS)


def test_decay_and_trend_worked_by_hand(by_hand: Path) -> None:
    found = told(by_hand, "features.item_popularity")
    eighth = round(0.5 ** (8 / 7), 9)
    assert found == {
        (1,): (4, 3, 1 + 1 + 1 / 2 + 1 / 4, 1, 2, 1, 3 / 2),
        (2,): (4, 3, pytest.approx(round(0.5 ** (6 / 7), 9) + round(0.5 ** (13 / 7), 9)), 3, 1, 1, 2 / 2),
        (3,): (2, 1, pytest.approx(2 * eighth), 2, 0, 2, 1 / 3),
    }
    check(by_hand, Settings("events", 7.0, 7), "by hand")


def test_users_decay_by_their_latest_event(tmp_path: Path) -> None:
    table = [*BY_HAND, (1, 3, None), (1, 3, ago(7)), (1, 3, ago(21)), (2, 3, None)]
    built(tmp_path, table, {**HAND_PARAMETERS, "popular_by": "users"})
    found = told(tmp_path, "features.item_popularity")
    assert found[1,][2] == 1 + 1 / 2 + 1 / 4
    assert found[2,][2] == round(0.5 ** (6 / 7), 9)
    assert found[3,][2] == pytest.approx(round(0.5 ** (8 / 7), 9) + 1 / 2)  # users 3 and 1; user 2's has no time
    check(tmp_path, Settings("users", 7.0, 7), "users by hand")


def test_weeks_and_activity_worked_by_hand(by_hand: Path) -> None:
    # the newest day is a Sunday: its week began six days before
    assert told(by_hand, "core.weekly_counts") == {
        (date(2024, 3, 25),): (3, 1, 2),
        (date(2024, 3, 18),): (4, 3, 3),
        (date(2024, 3, 11),): (1, 1, 1),
    }
    found = told(by_hand, "features.user_activity")
    assert found[1,] == (4, 2, 3, datetime.fromisoformat(ago(13, 23)), datetime.fromisoformat(ago(0, 23)))
    assert found[2,] == (2, 2, 1, datetime.fromisoformat(ago(7)), datetime.fromisoformat(ago(7)))


def test_tags_worked_by_hand(by_hand: Path) -> None:
    assert told(by_hand, "features.tag_popularity") == {
        ("genre", 1): ("pop", 2, 8, 3, 2, 4 / 3, 1),
        ("genre", 2): ("rap", 1, 4, 1, 1, 2 / 2, 2),
        ("genre", 10): (None, 1, 2, 0, 2, 1 / 3, 3),
        ("genre", 9): ("unused", 0, 0, 0, 0, 1.0, 4),
        ("artist", 1): ("one", 1, 2, 0, 2, 1 / 3, 1),
    }


def test_events_without_times_have_no_trend_and_no_decayed_score(tmp_path: Path) -> None:
    built(tmp_path, [(1, 2, None), (1, 1, None), (2, 2, None)], HAND_PARAMETERS)
    assert told(tmp_path, "core.weekly_counts") == {}
    assert told(tmp_path, "features.item_popularity") == {
        (1,): (1, 1, 0.0, 1, None, None, None),
        (2,): (2, 2, 0.0, 2, None, None, None),
    }
    assert told(tmp_path, "features.tag_popularity")["genre", 9] == ("unused", 0, 0, None, None, None, 3)
    assert told(tmp_path, "features.user_activity")[1,] == (2, 2, 0, None, None)
    check(tmp_path, Settings("events", 7.0, 7), "without times")


# events of items 1 to 6, ten in all: before them lie 0, 3, 5, 7, 8 and 9
HELD = [3, 2, 2, 1, 1, 1]
SEGMENTS: Mapping[tuple[float, float], str] = {
    (0.2, 0.2): "hmmmtt",
    (0.3, 0.3): "hmmttt",  # what begins at an edge is behind it
    (0.31, 0.29): "hhmmtt",
    (0.7, 0.3): "hhhttt",
    (0.8, 0.8): "hhhhtt",  # head wins
    (0.0, 0.0): "mmmmmm",
    (0.0, 1.0): "tttttt",
    (1.0, 1.0): "hhhhhh",
    (0.6, 0.1): "hhhmmt",  # 0.9 of ten events, though 1 - 0.1 is no such number in binary
}


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("held"), held_events(HELD), {})


def held_events(n_events: Sequence[int]) -> list[tuple[Any, ...]]:
    """So many events of each item, from 1."""
    return [(user, item, None) for item, n in enumerate(n_events, 1) for user in range(n)]


@pytest.mark.parametrize("shares", SEGMENTS, ids=str)
def test_segments_worked_by_hand(held: Path, shares: tuple[float, float]) -> None:
    head, tail = shares
    parameters = [("head_share", head), ("tail_share", tail)]
    run(held, {"parameters": parameters}, select=("features.item_segments",))
    found = told(held, "features.item_segments")
    assert "".join(found[item,][2][0] for item in range(1, 7)) == SEGMENTS[shares]
    assert [found[item,][1] for item in range(1, 7)] == pytest.approx([0.3, 0.5, 0.7, 0.8, 0.9, 1.0])
    wanted = item_segments(
        [Event(0, row[1], None) for row in held_events(HELD)], Settings(head_share=head, tail_share=tail)
    )
    assert "".join(wanted[item][2][0] for item in range(1, 7)) == SEGMENTS[shares]


@pytest.mark.parametrize("share", [0.07, 0.14, 0.28, 0.29, 0.55, 0.56, 0.57, 0.58])
def test_a_share_is_the_decimal_that_is_written(tmp_path: Path, share: float) -> None:
    """A hundred items of one event each: as many are head as the share says, though 0.07 * 100 > 7 in binary."""
    built(tmp_path, held_events([1] * 100), {"head_share": share, "tail_share": share / 2 if share < 0.5 else 0.0})
    check(tmp_path, Settings(head_share=share, tail_share=share / 2 if share < 0.5 else 0.0), f"share {share}")


# --- random events -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_random_events_agree_with_the_oracle(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    known: dict[str, Any] = {
        "popular_by": chance.choice(["events", "users"]),
        "popularity_half_life_days": chance.choice([0.0, 0.5, 3.0, 7.3, 1000.0]),
        "trend_window_days": chance.choice([1, 5, 28]),
        "head_share": chance.choice([0.1, 0.25, 0.5]),
        "tail_share": chance.choice([0.1, 0.3, 0.5]),
    }
    span = chance.choice([1, 10, 60, 800])
    users, items = range(chance.choice([1, 5, 20])), range(chance.choice([1, 8, 30]))
    table = []
    for _ in range(chance.choice([1, 30, 200])):
        moment = NEWEST - timedelta(days=chance.randrange(span), microseconds=chance.choice([0, 1, -1, 10**10]))
        table.append((chance.choice(users), chance.choice(items), str(moment) if chance.random() < 0.9 else None))
    split = chance.choice([{}, {"split": "random", "test_share": 0.3}])
    built(tmp_path, table, {**known, **split}, chance.choice(["bigint", "varchar"]))
    check(tmp_path, Settings(**known), f"seed {seed}, {known}, {split}")
