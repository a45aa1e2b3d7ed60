"""What the recipes say about baskets: whose items are counted together, which of them remain, and why others do not.

Written from recipe 4, step 5 and the words of the parameters, in plain Python; everything is held in memory.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

Id = Any  # a bigint or a varchar, the same in all rows


class Event(NamedTuple):
    """One row of train or test, as far as it matters here."""

    user_id: Id
    item_id: Id
    basket_id: Id
    occurred_at: datetime | None = None
    position: int | None = None


class Basket(NamedTuple):
    """Size of a basket of train, kept or not, after `basket_last_n`."""

    n_rows: int
    n_items: int


@dataclass(frozen=True)
class Rule:
    """The parameters that decide which baskets there are; 0 switches a filter off."""

    basket_by: str = "user"
    session_gap_minutes: float = 30
    basket_last_n: int = 0
    basket_min: int = 2
    basket_max: int = 0
    basket_count: str = "rows"


def session_numbers(events: Sequence[Event], session_gap_minutes: float) -> list[int]:
    """Number one user's events, in order of time, by session: a gap of more than so many minutes starts a new one."""
    gap = timedelta(minutes=session_gap_minutes)
    numbers, number = [], 0
    before: datetime | None = None
    for event in events:
        assert event.occurred_at is not None
        if before is not None and event.occurred_at - before > gap:
            number += 1
        before = event.occurred_at
        numbers.append(number)
    return numbers


def by_session(train: Iterable[Event], rule: Rule) -> dict[Any, list[Event]]:
    """The events of each user's sessions; those without a time have none."""
    of_user: defaultdict[Id, list[Event]] = defaultdict(list)
    for event in train:
        if event.occurred_at is not None:
            of_user[event.user_id].append(event)
    baskets: defaultdict[Any, list[Event]] = defaultdict(list)
    for user_id, events in of_user.items():
        in_order = sorted(events, key=lambda event: event.occurred_at or datetime.min)
        for event, number in zip(in_order, session_numbers(in_order, rule.session_gap_minutes), strict=True):
            baskets[user_id, number].append(event)
    return dict(baskets)


def events_by_basket(train: Iterable[Event], rule: Rule) -> dict[Any, list[Event]]:
    """The events of each basket, all of them, under the caller's key, or user and number for a session."""
    if rule.basket_by == "session":
        return by_session(train, rule)
    baskets: defaultdict[Any, list[Event]] = defaultdict(list)
    for event in train:
        key = {"user": event.user_id, "basket_id": event.basket_id}[rule.basket_by]
        if key is not None:
            baskets[str(key)].append(event)
    return dict(baskets)


def lateness(event: Event) -> tuple[Any, ...]:
    """What sorts the later of two events last: by time, then position, and none is before any."""
    return (
        event.occurred_at is not None,
        event.occurred_at or datetime.min,
        event.position is not None,
        event.position or 0,
    )


def last_items(events: Sequence[Event], n: int) -> set[Id]:
    """The n items met last, each placed by its latest event; the smaller id is the later one of equals."""
    latest: dict[Id, tuple[Any, ...]] = {}
    for event in events:
        latest[event.item_id] = max(latest.get(event.item_id, lateness(event)), lateness(event))
    by_id = sorted(latest)
    return set(sorted(by_id, key=lambda item_id: latest[item_id], reverse=True)[:n])  # a stable sort keeps equals


def split_last(events: Sequence[Event], rule: Rule) -> tuple[list[Event], list[Event]]:
    """A basket's events that remain under `basket_last_n`, and the others."""
    if rule.basket_last_n == 0:
        return list(events), []
    items = last_items(events, rule.basket_last_n)
    return [event for event in events if event.item_id in items], [
        event for event in events if event.item_id not in items
    ]


def remaining(train: Iterable[Event], rule: Rule) -> dict[Any, list[Id]]:
    """The items of each basket, kept or not, one for every row that `basket_last_n` leaves."""
    return {
        key: [event.item_id for event in split_last(events, rule)[0]]
        for key, events in events_by_basket(train, rule).items()
    }


def basket_sizes(baskets: Mapping[Any, Sequence[Id]]) -> dict[Any, Basket]:
    """Rows and distinct items of each basket."""
    return {key: Basket(len(items), len(set(items))) for key, items in baskets.items()}


def size_reason(basket: Basket, rule: Rule) -> str | None:
    """Why a basket of this size is rejected (None: it is kept)."""
    size = {"rows": basket.n_rows, "distinct": basket.n_items}[rule.basket_count]
    if size < rule.basket_min:
        return "basket_too_small"
    if rule.basket_max != 0 and size > rule.basket_max:
        return "basket_too_large"
    return None


def kept_baskets(baskets: Mapping[Any, Sequence[Id]], rule: Rule) -> dict[Any, set[Id]]:
    """The distinct items of each basket that is kept."""
    sizes = basket_sizes(baskets)
    return {key: set(items) for key, items in baskets.items() if size_reason(sizes[key], rule) is None}


def basket_ledger(train: Sequence[Event], rule: Rule) -> dict[str, int]:
    """Rows of train in, kept, and rejected for the first reason that applies; reasons without rows are left out."""
    counts = Counter({"in": len(train)})
    whole = events_by_basket(train, rule)
    counts["missing_basket"] = len(train) - sum(len(events) for events in whole.values())
    for events in whole.values():
        stay, leave = split_last(events, rule)
        counts["beyond_last_n"] += len(leave)
        items = [event.item_id for event in stay]
        reason = size_reason(Basket(len(items), len(set(items))), rule)
        if reason:
            counts[reason] += len(stay)
        else:
            counts["kept"] += len(set(items))
            counts["repeat_in_basket"] += len(items) - len(set(items))
    return {reason: n_rows for reason, n_rows in counts.items() if n_rows or reason == "in"}
