"""What each convention of each metric says about lists and the items that their users met in test.

Written from the definitions alone, in plain Python. `chosen` is a user's list, best first; `wanted` are the test items.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Id = Any  # a bigint or a varchar, the same in all rows
Lists = Mapping[Id, Sequence[Id]]
Wanted = Mapping[Id, Collection[Id]]


@dataclass(frozen=True)
class Audience:
    """What lists are judged against beside the test items: the catalogue, and who met what in train."""

    n_items: int
    n_users_of: Mapping[Id, int]
    n_users: int


# --- one user ----------------------------------------------------------------------------------------------


def hit_ranks(k: int, chosen: Sequence[Id], wanted: Collection[Id]) -> list[int]:
    """The ranks of the hits among the first k, from 1."""
    return [rank for rank, item_id in enumerate(chosen[:k], 1) if item_id in wanted]


def discounted(ranks: Iterable[int]) -> float:
    """The gain of hits at these ranks (Järvelin & Kekäläinen 2002, with binary gains)."""
    return math.fsum(1 / math.log2(rank + 1) for rank in ranks)


def precision_sum(k: int, chosen: Sequence[Id], wanted: Collection[Id]) -> float:
    """The precision at each hit, added up."""
    return math.fsum(n_hits / rank for n_hits, rank in enumerate(hit_ranks(k, chosen, wanted), 1))


def auc(k: int, chosen: Sequence[Id], wanted: Collection[Id], n_items: int) -> float:
    """The share of wanted and other items that stand in the right order; those that are not listed are at chance."""
    n_wanted, n_others = len(wanted), n_items - len(wanted)
    if n_others == 0:
        return 1.0
    n_hits, n_misses, in_order = 0, 0, 0.0
    for item_id in chosen[:k]:
        if item_id in wanted:
            n_hits += 1
        else:
            n_misses += 1
            in_order += n_hits
    in_order += (n_hits + n_wanted) / 2 * (n_others - n_misses)
    return in_order / (n_wanted * n_others)


def of_user(k: int, chosen: Sequence[Id], wanted: Collection[Id], n_items: int) -> dict[tuple[str, str], float]:
    """Every metric that is a mean over users, of one of them."""
    ranks, n_wanted = hit_ranks(k, chosen, wanted), len(wanted)
    cap = min(k, n_wanted)
    return {
        ("precision", "hits_over_k"): len(ranks) / k,
        ("recall", "hits_over_test_items"): len(ranks) / n_wanted,
        ("recall", "hits_over_capped_test_items"): len(ranks) / cap,
        ("ndcg", "ideal_test_items"): discounted(ranks) / discounted(range(1, cap + 1)),
        ("ndcg", "ideal_full_list"): discounted(ranks) / discounted(range(1, k + 1)),
        ("map", "precision_sum_over_attainable"): precision_sum(k, chosen, wanted) / cap,
        ("map", "precision_sum_over_test_items"): precision_sum(k, chosen, wanted) / n_wanted,
        ("mrr", "first_hit"): 1 / ranks[0] if ranks else 0.0,
        ("hit_rate", "any_hit"): 1.0 if ranks else 0.0,
        ("auc", "unlisted_at_chance"): auc(k, chosen, wanted, n_items),
    }


FIRST_CONVENTIONS = {
    "precision": "hits_over_k",
    "recall": "hits_over_test_items",
    "ndcg": "ideal_test_items",
    "map": "precision_sum_over_attainable",
    "mrr": "first_hit",
    "hit_rate": "any_hit",
    "auc": "unlisted_at_chance",
}


def user_metrics(lists: Lists, wanted: Wanted, ks: Iterable[int], n_items: int) -> dict[tuple[Id, str, int], float]:
    """Each metric of each judged user at each k; who has no list has an empty one."""
    found = {}
    for k in ks:
        for user_id, items in wanted.items():
            told = of_user(k, lists.get(user_id, ()), items, n_items)
            for metric, convention in FIRST_CONVENTIONS.items():
                found[user_id, metric, k] = told[metric, convention]
    return found


# --- all judged users --------------------------------------------------------------------------------------


def judged_metrics(lists: Lists, wanted: Wanted, k: int, n_items: int) -> dict[tuple[str, str], float]:
    """Each metric that needs test items, over all judged users; nothing where nobody is judged."""
    if not wanted:
        return {}
    told = [of_user(k, lists.get(user_id, ()), items, n_items) for user_id, items in wanted.items()]
    means = {key: math.fsum(one[key] for one in told) / len(told) for key in told[0]}
    n_hits = sum(len(hit_ranks(k, lists.get(user_id, ()), items)) for user_id, items in wanted.items())
    n_attainable = sum(min(k, len(items)) for items in wanted.values())
    return {**means, ("precision", "hits_over_attainable"): n_hits / n_attainable}


# --- all lists ---------------------------------------------------------------------------------------------


def gini(amounts: Iterable[int]) -> float:
    """How unequal the amounts are: 0 where all are equal, (n − 1) / n where one of n has everything."""
    ascending = sorted(amounts)
    n, total = len(ascending), sum(ascending)
    return sum((2 * at - n - 1) * amount for at, amount in enumerate(ascending, 1)) / (n * total)


def list_metrics(lists: Lists, k: int, audience: Audience) -> dict[tuple[str, str], float]:
    """Each metric that needs no test items, over all lists; nothing where there are none."""
    places = [item_id for chosen in lists.values() for item_id in chosen[:k]]
    if not places:
        return {}
    n_lists_of = Counter(places)
    shares = [audience.n_users_of[item_id] / audience.n_users for item_id in places]
    return {
        ("coverage", "listed_of_train_items"): len(n_lists_of) / len(audience.n_users_of),
        ("coverage", "listed_of_catalogue"): len(n_lists_of) / audience.n_items,
        ("gini", "exposure_of_train_items"): gini(n_lists_of[item_id] for item_id in audience.n_users_of),
        ("novelty", "self_information"): math.fsum(-math.log2(share) for share in shares) / len(places),
    }


def metrics(
    lists: Lists, wanted: Wanted, ks: Iterable[int], audience: Audience
) -> dict[tuple[str, int, str, int], float]:
    """Each metric at each k by convention, with the number of users that it is about."""
    found = {}
    for k in ks:
        for (metric, convention), value in judged_metrics(lists, wanted, k, audience.n_items).items():
            found[metric, k, convention, len(wanted)] = value
        for (metric, convention), value in list_metrics(lists, k, audience).items():
            found[metric, k, convention, len(lists)] = value
    return found
