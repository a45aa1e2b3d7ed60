"""A split that leaks is refused, whoever wrote it: each leak planted in a stage of the project's own is named."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from building import lay_out, rows, run
from projects import command_here

from recsys_duck.errors import CheckError
from recsys_duck.events import Warned

# Ten users met items 1 to 4 twice, at position 0 and a day later at position 1, item by item from 1 January 2024 on;
# one of them met item 1 some time.
EVENTS = """
    select user_id, item_id, cast(meeting as integer) as position,
        timestamp '2024-01-01' + interval 1 hour * user_id + interval 1 day * (2 * item_id - 2 + meeting) as occurred_at
    from range(1, 11) as users(user_id), range(1, 5) as items(item_id), range(2) as repeats(meeting)
    union all
    select 1, 1, 0, null
"""
SELECT = ("+split.manifest", "+split.judged_pairs")
SPLITS: dict[str, dict[str, object]] = {
    "none": {"split": "none"},
    "random": {"split": "random"},
    "last_n": {"split": "last_n"},
    "new_users": {"split": "new_users"},
    "time": {"split": "time", "cutoff": "2024-01-05"},
    "folds": {"split": "time", "cutoff": "2024-01-03", "folds": 2, "fold_days": 2, "fold": 1},
}
# What an honest hand would write, and the same with a leak.
BY_TIME = "case when occurred_at >= timestamp '2024-01-05' then 'test' when occurred_at is not null then 'train' end"
BY_WINDOW = """case when occurred_at < timestamp '2024-01-03' then 'train'
    when occurred_at < timestamp '2024-01-05' then 'test' end"""
NEW_USERS = "case when user_id <= 7 then 'train' when item_id = 4 then 'test' else 'fold_in' end"
HONEST = {
    "none": "'train'",
    "random": "case when (user_id + item_id) % 4 = 0 then 'test' else 'train' end",
    "last_n": "case when item_id = 4 then 'test' else 'train' end",
    "new_users": NEW_USERS,
    "time": BY_TIME,
    "folds": BY_WINDOW,
}
LEAKS: dict[str, tuple[str, str, str]] = {
    "random, a pair on both sides": (
        "random",
        "case when position = 1 and item_id = 2 then 'test' else 'train' end",
        "a pair stands in test and in train or fold_in",
    ),
    "last_n, a pair on both sides": (
        "last_n",
        "case when item_id = 4 and position = 1 then 'test' else 'train' end",
        "a pair stands in test and in train or fold_in",
    ),
    "new_users, a pair on both sides": (
        "new_users",
        "case when user_id <= 7 then 'train' when item_id = 4 and position = 1 then 'test' else 'fold_in' end",
        "a pair stands in test and in train or fold_in",
    ),
    "new_users, a new user in train": (
        "new_users",
        f"case when user_id = 8 and item_id = 1 then 'train' else {NEW_USERS} end",
        "a new user stands in train",
    ),
    "new_users, one in train and test alone": (
        "new_users",
        f"case when user_id = 8 and item_id < 4 then 'train' else {NEW_USERS} end",
        "a new user stands in train",
    ),
    "last_n, events that are neither learned from nor judged": (
        "last_n",
        "case when item_id = 4 then 'test' when item_id = 1 then 'fold_in' else 'train' end",
        "there is fold_in without new users",
    ),
    "none, rows to judge by": (
        "none",
        "case when item_id = 4 then 'test' else 'train' end",
        "there are rows to judge by",
    ),
    "last_n, the items met first": (
        "last_n",
        "case when item_id = 1 then 'test' else 'train' end",
        "test is not what users met last",
    ),
    "last_n, more than the last": (
        "last_n",
        "case when item_id >= 3 then 'test' else 'train' end",
        "test is not what users met last",
    ),
    "random, a side of its own": (
        "random",
        "case when item_id = 4 then 'validation' else 'train' end",
        "an event stands on none of the sides",
    ),
    "time, a train event without a time": (
        "time",
        f"case when occurred_at is null then 'train' else {BY_TIME} end",
        "an event without a time stands in train or test",
    ),
    "time, a test event before the cut": (
        "time",
        f"case when user_id = 3 and item_id = 1 then 'test' else {BY_TIME} end",
        "a test event lies before the cut",
    ),
    "time, a train event after the cut": (
        "time",
        f"case when user_id = 3 and item_id = 4 then 'train' else {BY_TIME} end",
        "a train event lies at or after the cut",
    ),
    "folds, a test event after the window": (
        "folds",
        f"case when occurred_at >= timestamp '2024-01-08' then 'test' else {BY_WINDOW} end",
        "a test event lies at or after the end of the fold",
    ),
    "folds, a train event after the window": (
        "folds",
        f"case when occurred_at >= timestamp '2024-01-08' then 'train' else {BY_WINDOW} end",
        "a train event lies at or after the cut",
    ),
}


def split_by(side: str) -> str:
    """Write a stage that gives each event the side that an expression says; without a side it is rejected."""
    return f"""-- Sides by the test's own rule.
-- grain:    none
-- why:      a test of what checks the split.
-- gate of:  core.events

select
    events.user_id,
    events.item_id,
    events.weight,
    events.occurred_at,
    events.basket_id,
    events.position,
    {side} as side,
    case when {side} is null then 'left_out' end as reject_reason
from core.events
cross join split.cut
"""


def project(root: Path, side: str) -> Path:
    """Lay out the events and the split."""
    return lay_out(root, events=EVENTS, sql={"split/events": split_by(side)})


def chosen(split: str) -> Mapping[str, object]:
    """What a build of a split is given."""
    return {"parameters": list(SPLITS[split].items())}


@pytest.mark.parametrize("split", SPLITS)
def test_an_honest_split_of_the_projects_own_is_built(tmp_path: Path, split: str) -> None:
    project(tmp_path, HONEST[split])
    run(tmp_path, chosen(split), select=SELECT)
    assert rows(tmp_path, "select count(*) > 0 from split.judged_pairs") == [(split != "none",)]


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_named_and_nothing_is_published(tmp_path: Path, leak: str) -> None:
    split, side, name = LEAKS[leak]
    project(tmp_path, side)
    with pytest.raises(CheckError) as caught:
        run(tmp_path, chosen(split), select=SELECT)
    assert name in caught.value.what
    assert caught.value.where
    assert caught.value.fix
    assert not (tmp_path / "warehouse" / "recsys.duckdb").exists()
    assert not list((tmp_path / "warehouse" / "generations").glob("*.duckdb"))


def test_a_planted_leak_ends_the_command_with_exit_4(tmp_path: Path) -> None:
    project(tmp_path, LEAKS["random, a pair on both sides"][1])
    done = command_here(tmp_path, "build", "--set", "split=random", "--set", 'models=["popular"]')
    assert done.returncode == 4, done.stderr
    assert "split." in done.stderr


def test_a_leak_leaves_what_was_published_as_it_was(tmp_path: Path) -> None:
    project(tmp_path, HONEST["time"])
    run(tmp_path, chosen("time"), select=SELECT)
    before = rows(tmp_path, "from split.manifest")
    project(tmp_path, LEAKS["time, a test event before the cut"][1])
    with pytest.raises(CheckError):
        run(tmp_path, chosen("time"), select=SELECT)
    assert rows(tmp_path, "from split.manifest") == before


def test_pairs_on_both_sides_of_a_moment_are_counted_and_not_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, events=EVENTS)
    run(tmp_path, {"parameters": [("split", "time"), ("cutoff", "2024-01-04")]}, select=SELECT)
    # the cut falls between the two meetings with item 2
    assert rows(tmp_path, "select n_repeated_pairs from split.manifest") == [(10,)]


def future_told(root: Path, parameters: Mapping[str, object]) -> list[str]:
    """Build, and return the warnings that speak of the future."""
    told = run(root, {"parameters": list(parameters.items())}, select=SELECT)
    return [event.message for event in told if isinstance(event, Warned) and "future" in event.message]


@pytest.mark.parametrize("split", ["none", "time", "last_n"])
def test_events_from_the_future_of_the_build_are_told_with_their_number(tmp_path: Path, split: str) -> None:
    late = "select 1, 1, 0, timestamp '2999-12-31' union all select 2, 3, 0, timestamp '2999-12-31'"
    lay_out(tmp_path, events=f"{EVENTS} union all {late} union all select 3, 3, 0, timestamp '2998-01-01'")
    (message,) = future_told(tmp_path, SPLITS[split])
    assert "3" in message.split()


def test_of_events_of_the_past_nothing_is_told(tmp_path: Path) -> None:
    lay_out(tmp_path, events=EVENTS)
    assert future_told(tmp_path, SPLITS["time"]) == []
