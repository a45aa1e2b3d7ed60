"""What the recipes say about dividing events into sides, about folds, judged pairs and the manifest.

Written from the text alone, in plain Python. What a hash decides is not computed here: its properties are tested.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

Id = Any  # a bigint or a varchar, the same in all rows
Sides = dict[int, str]  # train, fold_in, test or why it is none of them, by the number of the row
SIDES = ("train", "fold_in", "test")
MICROSECOND = timedelta(microseconds=1)


class Event(NamedTuple):
    """One event of core, with a number of its own."""

    number: int
    user_id: Id
    item_id: Id
    occurred_at: datetime | None
    position: int | None


class Fold(NamedTuple):
    """A window of test; one that is open at the end has none."""

    fold: int
    cut_at: datetime
    end_at: datetime | None


# --- by time -----------------------------------------------------------------------------------------------


def cut_by_share(events: Iterable[Event], test_share: str) -> datetime:
    """The earliest moment at or after which no more than this share lies; right after the last, if none is."""
    times = [event.occurred_at for event in events if event.occurred_at is not None]
    most = Fraction(test_share) * len(times)
    for moment in sorted(set(times)):
        if sum(time >= moment for time in times) <= most:
            return moment
    return max(times) + MICROSECOND


def windows(events: Iterable[Event], *, folds: int, fold_days: int, cutoff: datetime | None) -> list[Fold]:
    """The windows of a rolling split, one after the other; without a cutoff the last ends after the last event."""
    day = timedelta(days=1)
    if cutoff is None:
        end = max(event.occurred_at for event in events if event.occurred_at is not None) + MICROSECOND
        cutoff = end - folds * fold_days * day
    return [Fold(at, cutoff + (at - 1) * fold_days * day, cutoff + at * fold_days * day) for at in range(1, folds + 1)]


def divided_by_time(events: Iterable[Event], fold: Fold) -> Sides:
    """Train before the cut, test from it on, up to the end of a window that has one."""

    def side(event: Event) -> str:
        if event.occurred_at is None:
            return "missing_time"
        if event.occurred_at < fold.cut_at:
            return "train"
        return "test" if fold.end_at is None or event.occurred_at < fold.end_at else "after_fold"

    return {event.number: side(event) for event in events}


# --- the last items of each user ---------------------------------------------------------------------------


def recency(event: Event) -> tuple[bool, datetime, bool, int]:
    """What orders events from the first to the last; without a time, then without a position, is before all others."""
    time, position = event.occurred_at, event.position
    return time is not None, time or datetime.min, position is not None, position or 0


def latest_events(events: Iterable[Event]) -> dict[Id, list[Event]]:
    """Each user's distinct items by their latest event, the latest first, the smaller item first among equals."""
    by_user: defaultdict[Id, dict[Id, Event]] = defaultdict(dict)
    for event in events:
        known = by_user[event.user_id].setdefault(event.item_id, event)
        if recency(event) > recency(known):
            by_user[event.user_id][event.item_id] = event
    ordered = {}
    for user_id, latest in by_user.items():
        smaller_first = sorted(latest.values(), key=lambda event: event.item_id)
        ordered[user_id] = sorted(smaller_first, key=recency, reverse=True)  # a sort that keeps the order of equals
    return ordered


def divided_by_last_n(events: Sequence[Event], last_n: int) -> Sides:
    """Test are the items that a user met last, with all their events; who has no more than those stays in train."""
    held_out = {
        (user_id, event.item_id)
        for user_id, latest in latest_events(events).items()
        if len(latest) > last_n
        for event in latest[:last_n]
    }
    return {event.number: "test" if (event.user_id, event.item_id) in held_out else "train" for event in events}


def whole_users(events: Iterable[Event], last_n: int) -> int:
    """How many users have too few items to give any to test."""
    return sum(len(latest) <= last_n for latest in latest_events(events).values())


def ties_of_users(events: Iterable[Event], last_n: int) -> int:
    """How many users' last train item and first test item were met at the same time and position."""
    divided = [latest for latest in latest_events(events).values() if len(latest) > last_n]
    return sum(recency(latest[last_n - 1]) == recency(latest[last_n]) for latest in divided)


# --- what the sides hold -----------------------------------------------------------------------------------


def on_side(events: Iterable[Event], sides: Mapping[int, str], *names: str) -> list[Event]:
    """The events of some sides."""
    return [event for event in events if sides[event.number] in names]


def pairs_of(events: Iterable[Event]) -> set[tuple[Id, Id]]:
    """The distinct users and items that met."""
    return {(event.user_id, event.item_id) for event in events}


def manifest(events: Sequence[Event], sides: Mapping[int, str]) -> dict[str, object]:
    """The figures that any split has."""
    train, fold_in, test = (on_side(events, sides, side) for side in SIDES)
    new = [*fold_in, *test]

    def users(some: Iterable[Event]) -> set[Id]:
        return {event.user_id for event in some}

    def items(some: Iterable[Event]) -> set[Id]:
        return {event.item_id for event in some}

    def first_or_last(pick: Callable[..., Any], some: Iterable[Event]) -> Any:
        return pick((event.occurred_at for event in some if event.occurred_at is not None), default=None)

    return {
        "n_events": len(train) + len(fold_in) + len(test),
        "n_train_events": len(train),
        "n_fold_in_events": len(fold_in),
        "n_test_events": len(test),
        "n_train_pairs": len(pairs_of(train)),
        "n_fold_in_pairs": len(pairs_of(fold_in)),
        "n_test_pairs": len(pairs_of(test)),
        "n_repeated_pairs": len(pairs_of([*train, *fold_in]) & pairs_of(test)),
        "n_users_not_in_train": len(users(new) - users(train)),
        "n_items_not_in_train": len(items(test) - items(train)),
        "train_first_at": first_or_last(min, train),
        "train_last_at": first_or_last(max, train),
        "test_first_at": first_or_last(min, test),
        "test_last_at": first_or_last(max, test),
    }


def judged(
    events: Sequence[Event], sides: Mapping[int, str], *, drop_unseen_test_items: bool
) -> tuple[set[tuple[Id, Id]], dict[str, int]]:
    """The judged pairs, and the ledger of the test events; reasons without events are left out."""
    known_users = {event.user_id for event in on_side(events, sides, "train", "fold_in")}
    train_items = {event.item_id for event in on_side(events, sides, "train")}
    test = on_side(events, sides, "test")
    pairs: set[tuple[Id, Id]] = set()
    counts = Counter({"in": len(test)})
    for event in test:
        if event.user_id not in known_users:
            counts["user_not_in_train"] += 1
        elif drop_unseen_test_items and event.item_id not in train_items:
            counts["item_not_in_train"] += 1
        elif (event.user_id, event.item_id) in pairs:
            counts["repeat_of_pair"] += 1
        else:
            pairs.add((event.user_id, event.item_id))
            counts["kept"] += 1
    return pairs, {reason: n_events for reason, n_events in counts.items() if n_events}


def sides_of_pairs(events: Iterable[Event], sides: Mapping[int, str]) -> dict[tuple[Id, Id], set[str]]:
    """All sides that the events of each pair stand on."""
    found: defaultdict[tuple[Id, Id], set[str]] = defaultdict(set)
    for event in events:
        found[event.user_id, event.item_id].add(sides[event.number])
    return dict(found)


def is_likely(n_chosen: int, n: int, share: float) -> bool:
    """Whether independent draws of this share give such a number, within five standard deviations."""
    return abs(n_chosen - n * share) <= 5 * (n * share * (1 - share)) ** 0.5
