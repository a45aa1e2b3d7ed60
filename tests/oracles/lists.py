"""What recipe 4 (step 14) and the parameters say about lists: similar items, short ones, and item_knn for users.

Written from the recipes' text alone, in plain Python. Everything is held in memory; nothing is clever.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from oracles.baskets import Event, Id, Rule
from oracles.measures import SUM_DIGITS, Constants, Similar, fixed


@dataclass(frozen=True)
class Settings(Rule, Constants):
    """The parameters that decide here; 0 and None switch a filter off, no `measures` are all of them."""

    pair_min_count: int = 2
    measures: tuple[str, ...] | None = None
    similar_measure: str = "cosine"
    similar_k: int = 20
    similar_threshold: float | None = None
    top_n: int = 30
    include_seen: bool = False


def above_threshold(similar: Iterable[Similar], threshold: float | None) -> list[Similar]:
    """Neighbours whose score is more than the threshold."""
    return [one for one in similar if threshold is None or one.score > threshold]


def short_lists(items: Iterable[Id], lists: Mapping[Id, Sequence[Similar]], similar_k: int) -> dict[Id, int]:
    """Items of kept baskets whose list is shorter than asked for, with its length."""
    lengths = {item: len(lists.get(item, ())) for item in items}
    return {item: length for item, length in lengths.items() if length < similar_k}


def items_by_user(events: Iterable[Event]) -> dict[Id, set[Id]]:
    """Distinct items of each user."""
    items: defaultdict[Id, set[Id]] = defaultdict(set)
    for event in events:
        items[event.user_id].add(event.item_id)
    return dict(items)


def personal_list(
    owned: Iterable[Id], similar_items: Mapping[Id, Sequence[Similar]], settings: Settings
) -> list[tuple[Id, float]]:
    """The best items by the sum of their similarity to what the user has, in fixed point, best first."""
    digits = SUM_DIGITS.get(settings.similar_measure, 12)
    sums: Counter[Id] = Counter()
    for item_id in owned:
        for similar in similar_items.get(item_id, ()):
            sums[similar.item_id] += fixed(similar.score, digits)
    if not settings.include_seen:
        for item_id in owned:
            sums.pop(item_id, None)
    best_first = sorted(sums, key=lambda item_id: (-sums[item_id], item_id))[: settings.top_n]
    return [(item_id, sums[item_id] / 10**digits) for item_id in best_first]
