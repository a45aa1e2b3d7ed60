"""What recipes 3 (steps 14 and 16) and 4 (steps 8 and 9) say about lists made of factors.

Written from the recipes' text alone: every product is taken, in float64, and sorted whole. Nothing is clever.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Id = Any  # a bigint or a varchar, the same in all rows
Vectors = Mapping[Id, Sequence[float]]
DIGITS = 12  # similarities that are equal to so many digits are a tie: the smaller id


def stacked(vectors: Vectors) -> tuple[list[Id], NDArray[np.float64]]:
    """Ids in order, and their vectors as rows."""
    ids = sorted(vectors)
    return ids, np.array([vectors[one] for one in ids], dtype=np.float64)


def best_first(ids: Sequence[Id], scores: NDArray[np.float64], n: int) -> list[tuple[Id, float]]:
    """The n best of ids that are in order, with their scores; a score that is not finite is no candidate."""
    in_order = np.lexsort((np.arange(len(ids)), -scores))
    return [(ids[at], float(scores[at])) for at in in_order[:n] if np.isfinite(scores[at])]


def personal_lists(
    users: Vectors, items: Vectors, seen: Mapping[Id, Collection[Id]], *, top_n: int, include_seen: bool
) -> dict[Id, list[tuple[Id, float]]]:
    """Step 14: for each user whose train items are given, the best products of its vector and the items'."""
    ids, matrix = stacked(items)
    place = {item_id: at for at, item_id in enumerate(ids)}
    lists = {}
    for user_id in seen:
        # row by row, so that equal vectors have equal scores; a user's vector may be tiny: nothing is rounded
        scores = (matrix * np.array(users[user_id], dtype=np.float64)).sum(axis=1)
        if not include_seen:
            scores[[place[item_id] for item_id in seen[user_id]]] = -np.inf
        lists[user_id] = best_first(ids, scores, top_n)
    return lists


def similarity(one: NDArray[np.float64], others: NDArray[np.float64], metric: str) -> NDArray[np.float64]:
    """Cosine, or the negated Euclidean distance, of a vector and each of the others."""
    if metric == "euclidean":
        return np.asarray(-np.sqrt(((others - one) ** 2).sum(axis=1)))
    return np.asarray((others @ one) / (np.sqrt((others**2).sum(axis=1)) * np.sqrt((one**2).sum())))


def neighbours(
    items: Vectors, metric: str, k: int, of: Collection[Id] | None = None
) -> dict[Id, list[tuple[Id, float]]]:
    """Steps 16 and 8: the k nearest others of each item, or of some of them."""
    ids, matrix = stacked(items)
    lists = {}
    for at, item_id in enumerate(ids):
        if of is None or item_id in of:
            scores = similarity(matrix[at], matrix, metric)
            scores[at] = -np.inf  # the item itself
            lists[item_id] = best_first(ids, np.round(scores, DIGITS), k)
    return lists


def text_lines(lists: Mapping[Id, Sequence[Id]]) -> list[str]:
    """Step 9: one line an item, the item and then its neighbours, best first, separated by blanks."""
    return [" ".join(str(one) for one in (item_id, *lists[item_id])) for item_id in sorted(lists)]
