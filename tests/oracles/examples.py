"""What recipe 4 (steps 5 and 6) says about training pairs whose negatives are drawn over everything.

Written from the recipe's text alone. The draw is the package's own: number, candidates and evenness are what is told.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction
from math import ceil
from typing import Any

from oracles.baskets import Event, Rule, kept_baskets, remaining

Id = Any  # a bigint or a varchar, the same in all rows
Pair = tuple[Id, Id]


def positives(train: Sequence[Event], rule: Rule) -> set[Pair]:
    """The pairs of train, each once; only those of kept baskets, where a largest size is given."""
    if rule.basket_max == 0:
        return {(event.user_id, event.item_id) for event in train}
    users_of = {str(event.basket_id): event.user_id for event in train}  # basket_by = basket_id: each has one owner
    kept = kept_baskets(remaining(train, rule), rule)
    return {(users_of[key], item_id) for key, items in kept.items() for item_id in items}


def n_wanted(n_positives: int, ratio: str) -> int:
    """How many negatives are drawn, if there are so many."""
    return ceil(Fraction(ratio) * n_positives)


def candidates(met: Collection[Pair]) -> set[Pair]:
    """The pairs that may be drawn: users and items of the positives, that have not met."""
    users, items = {user_id for user_id, _ in met}, {item_id for _, item_id in met}
    return {(user_id, item_id) for user_id in users for item_id in items} - set(met)


def unevenness(drawn: Iterable[Pair], met: Collection[Pair], side: int) -> float:
    """How far a draw over one side (0 users, 1 items) is from even, in standard deviations of chi-square.

    Each user or item is expected as often as it has free cells.
    """
    n_met = Counter(pair[side] for pair in met)
    n_others = len({pair[1 - side] for pair in met})
    free = {key: n_others - number for key, number in n_met.items() if number < n_others}
    found = Counter(pair[side] for pair in drawn)
    share = sum(found.values()) / sum(free.values())
    chi_square = sum((found[key] - number * share) ** 2 / (number * share) for key, number in free.items())
    freedom = (len(free) - 1) * (1 - share)  # drawn without repeats
    return (chi_square - freedom) / (2 * freedom) ** 0.5
