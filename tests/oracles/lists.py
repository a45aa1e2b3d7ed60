"""What recipe 4 (steps 5 and 10 to 14) and recipe 5 (step 4) say about baskets, pairs, lists and metrics.

Written from the recipes' text alone, in plain Python. Everything is held in memory; nothing is clever.
A basket's items come as dense integers where pairs are counted, and as the caller's ids everywhere else.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

Id = Any  # a bigint or a varchar, the same in all rows
Pair = tuple[int, int]

# The last digit that decides an order, and the unit of a fixed-point sum.
UNITS = {"count": 1, "cosine": 10**12, "jaccard": 10**12, "lift": 10**6, "normalised_count": 10**12}
MEASURES = tuple(UNITS)


@dataclass(frozen=True)
class Settings:
    """The parameters that decide here; 0 and None switch a filter off."""

    basket_by: str = "user"
    basket_min: int = 2
    basket_max: int = 0
    basket_count: str = "rows"
    pair_min_count: int = 2
    similar_measure: str = "cosine"
    similar_k: int = 20
    similar_threshold: float | None = None
    top_n: int = 30
    include_seen: bool = False
    drop_unseen_test_items: bool = False
    ks: tuple[int, ...] = (5, 10, 20)


class Event(NamedTuple):
    """One row of train or test, as far as it matters here."""

    user_id: Id
    item_id: Id
    basket_id: Id


class Basket(NamedTuple):
    """Size of a basket of train, kept or not."""

    n_rows: int
    n_items: int


class Similar(NamedTuple):
    """One neighbour in an item's list."""

    item_id: Id
    score: float
    n_baskets: int


# --- baskets -----------------------------------------------------------------------------------------------


def basket_key(event: Event, basket_by: str) -> str | None:
    """The basket that a row belongs to; None for a row without one."""
    key = {"user": event.user_id, "basket_id": event.basket_id}[basket_by]
    return None if key is None else str(key)


def items_by_basket(train: Iterable[Event], basket_by: str) -> dict[str, list[Id]]:
    """The items of each basket, one for every row."""
    baskets: defaultdict[str, list[Id]] = defaultdict(list)
    for event in train:
        key = basket_key(event, basket_by)
        if key is not None:
            baskets[key].append(event.item_id)
    return dict(baskets)


def basket_sizes(baskets: Mapping[str, Sequence[Id]]) -> dict[str, Basket]:
    """Rows and distinct items of each basket."""
    return {key: Basket(len(items), len(set(items))) for key, items in baskets.items()}


def size_reason(basket: Basket, settings: Settings) -> str | None:
    """Why a basket of this size is rejected (None: it is kept)."""
    size = {"rows": basket.n_rows, "distinct": basket.n_items}[settings.basket_count]
    if size < settings.basket_min:
        return "basket_too_small"
    if settings.basket_max != 0 and size > settings.basket_max:
        return "basket_too_large"
    return None


def kept_baskets(baskets: Mapping[str, Sequence[Id]], settings: Settings) -> dict[str, set[Id]]:
    """The distinct items of each basket that is kept."""
    sizes = basket_sizes(baskets)
    return {key: set(items) for key, items in baskets.items() if size_reason(sizes[key], settings) is None}


def basket_ledger(train: Sequence[Event], settings: Settings) -> dict[str, int]:
    """Rows of train in, kept, and rejected for the first reason that applies; reasons without rows are left out."""
    sizes = basket_sizes(items_by_basket(train, settings.basket_by))
    seen: set[tuple[str, Id]] = set()
    counts = Counter({"in": len(train)})
    for event in train:
        key = basket_key(event, settings.basket_by)
        reason = "missing_basket" if key is None else size_reason(sizes[key], settings)
        if key is not None and reason is None:
            if (key, event.item_id) in seen:
                reason = "repeat_in_basket"
            seen.add((key, event.item_id))
        counts[reason or "kept"] += 1
    return dict(counts)


# --- pairs and similarity ----------------------------------------------------------------------------------


def count_pairs(baskets: Iterable[Iterable[int]]) -> Counter[Pair]:
    """Baskets that hold both items, for each pair of items, the smaller index first."""
    n_baskets: Counter[Pair] = Counter()
    for items in baskets:
        n_baskets.update(combinations(sorted(items), 2))
    return n_baskets


@dataclass(frozen=True)
class Totals:
    """N, n(i) and T(i), from all kept baskets and before any threshold."""

    n_baskets: int
    baskets_of: Mapping[int, int]
    pairs_of: Mapping[int, int]


def totals_of(baskets: Sequence[Collection[int]]) -> Totals:
    """Count baskets, the baskets of each item, and the other items that it meets in them."""
    baskets_of: Counter[int] = Counter()
    pairs_of: Counter[int] = Counter()
    for items in baskets:
        for item in items:
            baskets_of[item] += 1
            pairs_of[item] += len(items) - 1
    return Totals(len(baskets), baskets_of, pairs_of)


def score_of(measure: str, pair: Pair, n_both: int, totals: Totals) -> float:
    """Similarity of the items of a pair that `n_both` baskets hold."""
    left, right = pair
    n_left, n_right = totals.baskets_of[left], totals.baskets_of[right]
    if measure == "count":
        return float(n_both)
    if measure == "cosine":
        return n_both / math.sqrt(n_left * n_right)
    if measure == "jaccard":
        return n_both / (n_left + n_right - n_both)
    if measure == "lift":
        return n_both * totals.n_baskets / (n_left * n_right)
    if measure == "normalised_count":
        return n_both / (totals.pairs_of[left] + totals.pairs_of[right])
    raise ValueError(measure)


def fixed(score: float, measure: str) -> int:
    """The score in the measure's unit, rounded; a half goes away from zero, as SQL's round has it."""
    scaled = score * UNITS[measure]
    whole = math.floor(scaled)
    return whole + 1 if scaled - whole >= 0.5 else whole


def neighbours_of(pairs: Mapping[Pair, int], pair_min_count: int) -> dict[int, list[tuple[int, int]]]:
    """For each item its neighbours and the baskets they share, for pairs in enough baskets."""
    neighbours: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for (left, right), n_both in pairs.items():
        if n_both >= pair_min_count:
            neighbours[left].append((right, n_both))
            neighbours[right].append((left, n_both))
    return dict(neighbours)


def similar_to(
    item: int,
    neighbours: Iterable[tuple[int, int]],
    measure: str,
    *,
    totals: Totals,
    id_of: Mapping[int, Id],
    similar_k: int,
) -> list[Similar]:
    """The item's neighbours best first, the smaller id first among equals."""
    found = [
        Similar(id_of[other], score_of(measure, (item, other), n_both, totals), n_both) for other, n_both in neighbours
    ]
    found.sort(key=lambda similar: (-fixed(similar.score, measure), similar.item_id))
    return found[:similar_k]


def above_threshold(similar: Iterable[Similar], threshold: float | None) -> list[Similar]:
    """Neighbours whose score is more than the threshold."""
    return [one for one in similar if threshold is None or one.score > threshold]


# --- lists of users ----------------------------------------------------------------------------------------


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
    sums: Counter[Id] = Counter()
    for item_id in owned:
        for similar in similar_items.get(item_id, ()):
            sums[similar.item_id] += fixed(similar.score, settings.similar_measure)
    if not settings.include_seen:
        for item_id in owned:
            sums.pop(item_id, None)
    best_first = sorted(sums, key=lambda item_id: (-sums[item_id], item_id))[: settings.top_n]
    return [(item_id, sums[item_id] / UNITS[settings.similar_measure]) for item_id in best_first]


# --- judging -----------------------------------------------------------------------------------------------


def judge(
    train: Sequence[Event], test: Sequence[Event], settings: Settings
) -> tuple[set[tuple[Id, Id]], dict[str, int]]:
    """The judged pairs, and the ledger of the test rows; reasons without rows are left out."""
    users, items = {event.user_id for event in train}, {event.item_id for event in train}
    pairs: set[tuple[Id, Id]] = set()
    counts = Counter({"in": len(test)})
    for event in test:
        pair = (event.user_id, event.item_id)
        if event.user_id not in users:
            counts["user_not_in_train"] += 1
        elif settings.drop_unseen_test_items and event.item_id not in items:
            counts["item_not_in_train"] += 1
        elif pair in pairs:
            counts["repeat_of_pair"] += 1
        else:
            pairs.add(pair)
            counts["kept"] += 1
    return pairs, dict(counts)


def hits_at(k: int, chosen: Sequence[Id], wanted: Collection[Id]) -> int:
    """How many of the first k are wanted."""
    return len([item_id for item_id in chosen[:k] if item_id in wanted])


def discount(rank: int) -> float:
    """What a hit at this rank is worth, rank from 1 (Järvelin & Kekäläinen 2002, with binary gains)."""
    return 1 / math.log2(rank + 1)


def ndcg_at(k: int, chosen: Sequence[Id], wanted: Collection[Id]) -> float:
    """The gain of the list beside that of the best list there could be."""
    gain = math.fsum(discount(rank) for rank, item_id in enumerate(chosen[:k], 1) if item_id in wanted)
    ideal = math.fsum(discount(rank) for rank in range(1, min(k, len(wanted)) + 1))
    return gain / ideal


USER_METRICS: dict[str, Callable[[int, Sequence[Id], Collection[Id]], float]] = {
    "precision": lambda k, chosen, wanted: hits_at(k, chosen, wanted) / k,
    "recall": lambda k, chosen, wanted: hits_at(k, chosen, wanted) / len(wanted),
    "ndcg": ndcg_at,
}
MEAN_CONVENTIONS = {"precision": "hits_over_k", "recall": "hits_over_test_items", "ndcg": "binary_gain"}


def user_metrics(
    lists: Mapping[Id, Sequence[Id]], wanted: Mapping[Id, Collection[Id]], ks: Iterable[int]
) -> dict[tuple[Id, str, int], float]:
    """Each metric of each judged user at each k; a user without a list has an empty one."""
    return {
        (user_id, metric, k): formula(k, lists.get(user_id, ()), items)
        for user_id, items in wanted.items()
        for metric, formula in USER_METRICS.items()
        for k in ks
    }


def metrics(
    lists: Mapping[Id, Sequence[Id]], wanted: Mapping[Id, Collection[Id]], ks: Iterable[int]
) -> dict[tuple[str, int, str, int], float]:
    """Each metric at each k by convention, with the number of judged users; nothing where nobody is judged."""
    if not wanted:
        return {}
    n_users = len(wanted)
    found = {}
    for k in ks:
        of_users = user_metrics(lists, wanted, [k])
        for metric, convention in MEAN_CONVENTIONS.items():
            total = math.fsum(of_users[user_id, metric, k] for user_id in wanted)
            found[metric, k, convention, n_users] = total / n_users
        n_hits = sum(hits_at(k, lists.get(user_id, ()), items) for user_id, items in wanted.items())
        n_attainable = sum(min(k, len(items)) for items in wanted.values())
        found["precision", k, "hits_over_attainable", n_users] = n_hits / n_attainable
    return found
