"""What the specification says about counts by week, user, item and tag, in plain Python.

Shares and half-lives are read as the decimal numbers that a person writes; days are UTC dates.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from oracles.baskets import Event, Id


@dataclass(frozen=True)
class Settings:
    """The parameters that decide here; a half-life of 0 is no decay."""

    popular_by: str = "events"
    popularity_half_life_days: float = 0
    trend_window_days: float = 28
    head_share: float = 0.2
    tail_share: float = 0.2


class Week(NamedTuple):
    """What happened in a week."""

    n_events: int
    n_users: int
    n_items: int


class Activity(NamedTuple):
    """What is known of a user's events."""

    n_events: int
    n_items: int
    n_active_days: int
    first_at: datetime | None
    last_at: datetime | None


class Trend(NamedTuple):
    """Events of the newest window, of the one before it, and how the two compare; unknown without any time."""

    n_recent: int | None
    n_before: int | None
    trend: float | None


class Popularity(NamedTuple):
    """What is known of an item's events."""

    n_events: int
    n_users: int
    score: Fraction
    trend: Trend


def weekly_counts(events: Iterable[Event]) -> dict[date, Week]:
    """Events, users and items of each week that has any, by its Monday; events without a time are in none."""
    of_week: defaultdict[date, list[Event]] = defaultdict(list)
    for event in events:
        if event.occurred_at is not None:
            day = event.occurred_at.date()
            of_week[day - timedelta(days=day.weekday())].append(event)
    return {
        monday: Week(len(found), len({event.user_id for event in found}), len({event.item_id for event in found}))
        for monday, found in of_week.items()
    }


def user_activity(train: Iterable[Event]) -> dict[Id, Activity]:
    """How much, on how many days and from when to when each user of train did something."""
    of_user: defaultdict[Id, list[Event]] = defaultdict(list)
    for event in train:
        of_user[event.user_id].append(event)
    found = {}
    for user_id, events in of_user.items():
        times = [event.occurred_at for event in events if event.occurred_at is not None]
        found[user_id] = Activity(
            len(events),
            len({event.item_id for event in events}),
            len({moment.date() for moment in times}),
            min(times, default=None),
            max(times, default=None),
        )
    return found


def last_date(train: Iterable[Event]) -> date | None:
    """The latest day of train; none where no event has a time."""
    return max((event.occurred_at.date() for event in train if event.occurred_at is not None), default=None)


def age_days(event: Event, newest: date) -> int | None:
    """Whole days from the event's date to the latest one."""
    return None if event.occurred_at is None else (newest - event.occurred_at.date()).days


def decayed(age: int | None, half_life: float) -> Fraction:
    """What an event of this age still counts, to 9 digits; one without a time counts nothing."""
    if age is None:
        return Fraction(0)
    share = Decimal(2) ** (Decimal(-age) / Decimal(str(half_life)))
    return Fraction(share.quantize(Decimal("1e-9"), rounding=ROUND_HALF_UP))


def score_of(events: Sequence[Event], newest: date | None, settings: Settings) -> Fraction:
    """An item's popularity: its events or its users, or what is left of them after the decay."""
    users = {event.user_id for event in events}
    half_life = settings.popularity_half_life_days
    if not half_life:
        return Fraction({"events": len(events), "users": len(users)}[settings.popular_by])
    if newest is None:
        return Fraction(0)
    ages = [(event.user_id, age_days(event, newest)) for event in events]
    if settings.popular_by == "events":
        return sum((decayed(age, half_life) for _, age in ages), Fraction())
    youngest = [min((age for user, age in ages if user == one and age is not None), default=None) for one in users]
    return sum((decayed(age, half_life) for age in youngest), Fraction())


def trend_of(events: Iterable[Event], newest: date | None, window: float) -> Trend:
    """Events of the newest window beside those of the window before it."""
    if newest is None:
        return Trend(None, None, None)
    ages = [age for event in events if (age := age_days(event, newest)) is not None]
    n_recent = len([age for age in ages if age < window])
    n_before = len([age for age in ages if window <= age < 2 * window])
    return compared(n_recent, n_before)


def compared(n_recent: int, n_before: int) -> Trend:
    """Two windows, and the rise from one to the other."""
    return Trend(n_recent, n_before, (n_recent + 1) / (n_before + 1))


def item_popularity(train: Sequence[Event], settings: Settings) -> dict[Id, Popularity]:
    """Events, users, score and trend of each item of train."""
    newest = last_date(train)
    of_item: defaultdict[Id, list[Event]] = defaultdict(list)
    for event in train:
        of_item[event.item_id].append(event)
    return {
        item_id: Popularity(
            len(events),
            len({event.user_id for event in events}),
            score_of(events, newest, settings),
            trend_of(events, newest, settings.trend_window_days),
        )
        for item_id, events in of_item.items()
    }


def ranks(items: Mapping[Id, Popularity]) -> dict[Id, int]:
    """Places from 1 by score, the smaller id first among equals."""
    best_first = sorted(items, key=lambda item_id: (-items[item_id].score, item_id))
    return {item_id: rank for rank, item_id in enumerate(best_first, 1)}


def item_segments(train: Iterable[Event], settings: Settings) -> dict[Id, tuple[int, float, str]]:
    """Events, share of the events up to and with the item, and segment (Abdollahpouri, Burke, Mobasher 2019)."""
    n_events = Counter(event.item_id for event in train)
    everything = sum(n_events.values())
    head, tail = Fraction(str(settings.head_share)), Fraction(str(settings.tail_share))
    before, found = 0, {}
    for item_id in sorted(n_events, key=lambda one: (-n_events[one], one)):
        if before < head * everything:
            segment = "head"
        elif before >= (1 - tail) * everything:
            segment = "tail"
        else:
            segment = "middle"
        before += n_events[item_id]
        found[item_id] = (n_events[item_id], before / everything, segment)
    return found


def tag_popularity(
    train: Sequence[Event],
    tags: Iterable[tuple[str, Id, str | None]],
    item_tags: Iterable[tuple[Id, str, Id]],
    settings: Settings,
) -> dict[tuple[str, Id], tuple[Any, ...]]:
    """For each tag its name, train items and their events, windows and trend, and its place among those of its type."""
    newest = last_date(train)
    of_item: defaultdict[Id, list[Event]] = defaultdict(list)
    for event in train:
        of_item[event.item_id].append(event)
    carried: defaultdict[tuple[str, Id], set[Id]] = defaultdict(set)
    for item_id, tag_type, tag_id in item_tags:
        if item_id in of_item:
            carried[tag_type, tag_id].add(item_id)
    known = {}
    for tag_type, tag_id, tag_name in tags:
        items = carried[tag_type, tag_id]
        events = [event for item_id in items for event in of_item[item_id]]
        trend = trend_of(events, newest, settings.trend_window_days)
        known[tag_type, tag_id] = (tag_name, len(items), len(events), *trend)
    found = {}
    for tag_type in {tag_type for tag_type, _ in known}:
        keys = sorted((key for key in known if key[0] == tag_type), key=lambda key: (-known[key][2], key[1]))
        for rank, key in enumerate(keys, 1):
            found[key] = (*known[key], rank)
    return found
