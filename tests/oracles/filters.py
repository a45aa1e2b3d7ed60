"""What the recipes say about users and items that are left out for their history: five steps, the k-core last.

Written from the text alone, in plain Python: each step looks at all events that the steps before left.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Id = Any  # a bigint or a varchar, the same in all rows
Pair = tuple[Id, Id]  # whose event it is, and the item met

REASONS = ("user_small_history", "item_below_top", "item_below_minimum", "user_below_minimum", "below_k_core")


@dataclass(frozen=True)
class Limits:
    """The parameters that decide here; 0 switches one off."""

    max_small_history: int = 0
    top_items: int = 0
    min_users_per_item: int = 0
    min_items_per_user: int = 0
    k_core_users: int = 0
    k_core_items: int = 0


class Round(NamedTuple):
    """One round of the k-core: who left in it, and what is left after it."""

    round: int
    n_users_dropped: int
    n_items_dropped: int
    n_users: int
    n_items: int
    n_pairs: int


def items_of_users(pairs: Iterable[Pair]) -> dict[Id, set[Id]]:
    """The distinct items of each user."""
    items: defaultdict[Id, set[Id]] = defaultdict(set)
    for user_id, item_id in pairs:
        items[user_id].add(item_id)
    return dict(items)


def users_of_items(pairs: Iterable[Pair]) -> dict[Id, set[Id]]:
    """The distinct users of each item."""
    return items_of_users((item_id, user_id) for user_id, item_id in pairs)


def small(groups: dict[Id, set[Id]], minimum: int) -> set[Id]:
    """The keys whose sets hold fewer than the minimum."""
    return {key for key, members in groups.items() if len(members) < minimum}


def k_core(pairs: Collection[Pair], k_core_users: int, k_core_items: int) -> tuple[set[Pair], list[Round]]:
    """What is left when every user keeps enough items and every item enough users, and the way there."""
    left, rounds = set(pairs), list[Round]()
    while True:
        users = small(items_of_users(left), k_core_users)
        without_users = {pair for pair in left if pair[0] not in users}
        items = small(users_of_items(without_users), k_core_items)
        if not users and not items:
            return left, rounds
        left = {pair for pair in without_users if pair[1] not in items}
        n_users, n_items = len(items_of_users(left)), len(users_of_items(left))
        rounds.append(Round(len(rounds) + 1, len(users), len(items), n_users, n_items, len(left)))


def filtered(events: Sequence[Pair], limits: Limits) -> tuple[list[str | None], list[Round]]:
    """The reason of each event, None where it is kept, and the rounds of the k-core."""
    reasons: list[str | None] = [None] * len(events)

    def left() -> list[Pair]:
        return [event for event, reason in zip(events, reasons, strict=True) if reason is None]

    def leave(reason: str, *, users: Collection[Id] = (), items: Collection[Id] = ()) -> None:
        for at, (user_id, item_id) in enumerate(events):
            if reasons[at] is None and (user_id in users or item_id in items):
                reasons[at] = reason

    if limits.max_small_history:
        n_events = Counter(user_id for user_id, _ in left())
        leave("user_small_history", users={user for user, n in n_events.items() if n <= limits.max_small_history})
    if limits.top_items:
        users_of = users_of_items(left())
        best_first = sorted(users_of, key=lambda item: (-len(users_of[item]), item))
        leave("item_below_top", items=set(best_first[limits.top_items :]))
    if limits.min_users_per_item:
        leave("item_below_minimum", items=small(users_of_items(left()), limits.min_users_per_item))
    if limits.min_items_per_user:
        leave("user_below_minimum", users=small(items_of_users(left()), limits.min_items_per_user))
    core, rounds = k_core(set(left()), limits.k_core_users, limits.k_core_items)
    outside = {event for event in left() if event not in core}
    for at, event in enumerate(events):
        if reasons[at] is None and event in outside:
            reasons[at] = "below_k_core"
    return reasons, rounds
