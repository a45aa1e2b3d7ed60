"""Top-N: each user's best items under a product of factors, exact and within a stated memory.

Owns the blocked product. Candidates come from float32 products with a margin for their rounding, their
scores from float64 sums in a fixed order: the lists are equal to the bit for every shape of block, on
every machine. So the scores rank as they are: rounded to 12 digits, a user with a vector of length 1e-12
had thousands of ties, and one such user in a block made the block nine times slower.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.int32]

# what float32 may lose of a product, as a share of both lengths; more than 67 factors lose more
LEAST_MARGIN = 1e-5
FLOAT32_ROUNDING = 2.0**-24
FLOAT32_LEAST = float(np.finfo(np.float32).tiny)  # products below it may vanish
LEAST_SCORE = float(np.finfo(np.float32).min)
FIRST_ITEMS = 512
ITEMS_PER_BLOCK = 2048
USERS_PER_BLOCK = 1024
# a float32 product with its comparison; a candidate with its indices and scores while they are sorted
BYTES_PER_PRODUCT = 5
BYTES_PER_CANDIDATE = 100
EXACT_BYTES = 8_000_000  # of float64 products at a time


@dataclass(frozen=True, slots=True)
class ItemVectors:
    """Items that may be recommended, the longest vectors first.

    `factors` float32 (n_items, n_factors); `norms` float64 (n_items,), falling; `item_idx` int32
    (n_items,); `places` int32 (all items,), where an item stands in the others, -1 where it does not.
    """

    factors: Floats
    norms: NDArray[np.float64]
    item_idx: Indices
    places: Indices


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of a block of users, flat: one entry per user and place, users in the order given.

    `users` int32 or int64, the user's index; `item_idx` int32; `rank` int64 from 1; `scores` float64.
    """

    users: NDArray[np.integer[Any]]
    item_idx: Indices
    rank: NDArray[np.int64]
    scores: NDArray[np.float64]


def item_vectors(factors: Floats, item_idx: Indices, n_items: int) -> ItemVectors:
    """Order items by the length of their vectors; ties go to the smaller index.

    `factors` is (k, n_factors), the vectors of the `item_idx` (k,) that may be recommended, out of
    `n_items` in all. Copies.
    """
    norms = _norms(factors)
    order = np.lexsort((item_idx, -norms))
    places = np.full(n_items, -1, dtype=np.int32)
    places[item_idx[order]] = np.arange(len(order), dtype=np.int32)
    return ItemVectors(np.ascontiguousarray(factors[order]), norms[order], item_idx[order], places)


def users_at_a_time(memory_bytes: int, n: int, n_factors: int) -> int:
    """Count the users whose lists are made together in `memory_bytes`: 1 to 1,024."""
    each = BYTES_PER_PRODUCT * ITEMS_PER_BLOCK + BYTES_PER_CANDIDATE * _candidates(n) + 2 * 4 * n_factors
    return int(max(1, min(USERS_PER_BLOCK, (memory_bytes - EXACT_BYTES) // each)))


def top_n(items: ItemVectors, factors: Floats, seen: Any, n: int, *, users: Indices, at_a_time: int) -> Iterator[Lists]:
    """Make the lists of `users` in blocks, best first, ties to the smaller item index.

    `factors` float32 (all users, n_factors); `seen` is a CSR matrix (all users, all items) whose
    entries are never recommended, or None. A user with fewer items left than `n` has a shorter list.

    Source: the bound on norms is that of Teflioudi, Gemulla 2016, Exact and approximate maximum
    inner product search with LEMP.
    """
    todo = [users[first : first + at_a_time] for first in range(0, len(users), at_a_time)][::-1]
    while todo:
        block = todo.pop()
        search = _Search(items, factors[block], n, room=_candidates(n) * at_a_time)
        if search.scan(*_seen_places(items, seen, block)):
            lists = search.lists()
            yield replace(lists, users=block[lists.users])
        else:  # so many scores are equal that they crowd the room: fewer users
            half = len(block) // 2
            todo += [block[half:], block[:half]]


def _candidates(n: int) -> int:
    """Count the candidates that a user's list of n has room for; about 112 for 100 are usual."""
    return 2 * n + 400


def _norms(factors: Floats) -> NDArray[np.float64]:
    norms: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", factors, factors, dtype=np.float64))
    return norms


def _seen_places(items: ItemVectors, seen: Any, users: Indices) -> tuple[NDArray[np.int64], Indices]:
    """Give (row, place) of what the users of a block have seen, in the order of places."""
    if seen is None:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32)
    block = seen[users]
    rows = np.repeat(np.arange(len(users)), np.diff(block.indptr))
    places = items.places[block.indices]
    order = np.argsort(places, kind="stable")
    order = order[np.searchsorted(places[order], 0) :]
    return rows[order], places[order]


class _Search:
    """The search for one block of users: the best scores so far, and what may still be in a list."""

    def __init__(self, items: ItemVectors, factors: Floats, n: int, *, room: int) -> None:
        self._items = items
        self._factors = factors
        self._n = n
        self._room = room
        share = max(LEAST_MARGIN, 2.5 * factors.shape[1] * FLOAT32_ROUNDING)
        self._norms = _norms(factors)
        longest = items.norms[0] if len(items.norms) else 0.0
        self._margins = share * self._norms * longest + 2 * factors.shape[1] * FLOAT32_LEAST
        self._best = np.full((len(factors), n), -np.inf, dtype=np.float32)
        self._rows = np.empty(0, dtype=np.int64)
        self._places = np.empty(0, dtype=np.int64)
        self._scores = np.empty(0, dtype=np.float32)

    def _floors(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Scores below these can't be in the lists of the rows."""
        floors: NDArray[np.float64] = self._best[rows, 0] - self._margins[rows]
        return floors

    def scan(self, seen_rows: NDArray[np.int64], seen_places: Indices) -> bool:
        """Multiply with blocks of items, longest first, until no item can enter any list.

        False where more candidates than there is room for are left; one user always has room.
        """
        n_items = len(self._items.item_idx)
        active = np.arange(len(self._factors))
        start, width = 0, min(ITEMS_PER_BLOCK, max(FIRST_ITEMS, 2 * self._n))
        while start < n_items and len(active):
            stop = min(start + width, n_items)
            scores = self._factors[active] @ self._items.factors[start:stop].T
            low, high = np.searchsorted(seen_places, (start, stop))
            place_of = np.full(len(self._factors), -1)
            place_of[active] = np.arange(len(active))
            seen_at = place_of[seen_rows[low:high]]
            still = seen_at >= 0
            scores[seen_at[still], seen_places[low:high][still] - start] = -np.inf
            self._take(scores, active, start)
            if len(self._rows) > self._room and len(self._factors) > 1:
                return False
            start, width = stop, ITEMS_PER_BLOCK
            if start < n_items:
                reach = self._norms[active] * self._items.norms[start]
                active = active[reach >= self._floors(active)]
        return True

    def _take(self, scores: Floats, active: NDArray[np.int64], start: int) -> None:
        """Keep what may be in a list: raise each row's n-th best score, then drop what is below it."""
        if start == 0:
            self._raise_best(active, scores)
        floors = np.maximum(self._floors(active), LEAST_SCORE)  # what was seen is below any floor
        flat = np.flatnonzero(scores >= floors.astype(np.float32)[:, None])
        at, column = np.divmod(flat, scores.shape[1])
        found = scores.reshape(-1)[flat]
        if start > 0 and len(at):
            counts = np.bincount(at, minlength=len(active))
            is_hit = counts > 0
            within = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
            beside = np.full((int(is_hit.sum()), int(counts.max())), -np.inf, dtype=np.float32)
            beside[(np.cumsum(is_hit) - 1)[at], within] = found
            self._raise_best(active[is_hit], beside)
        self._rows = np.concatenate([self._rows, active[at]])
        self._places = np.concatenate([self._places, column + start])
        self._scores = np.concatenate([self._scores, found])
        if len(self._rows) > self._room:
            self._prune()

    def _prune(self) -> None:
        kept = self._scores >= self._floors(self._rows)
        self._rows, self._places, self._scores = self._rows[kept], self._places[kept], self._scores[kept]

    def _raise_best(self, rows: NDArray[np.int64], scores: Floats) -> None:
        """Merge scores into the n best of their rows; the n-th best comes to stand first."""
        merged = np.concatenate([self._best[rows], scores], axis=1)
        merged.partition(scores.shape[1], axis=1)
        self._best[rows] = merged[:, scores.shape[1] :]

    def lists(self) -> Lists:
        """Score the candidates exactly and rank them."""
        self._prune()
        rows, places = self._rows, self._places
        exact = _exact_scores(self._factors, self._items.factors, rows, places)
        item_idx = self._items.item_idx[places]
        order = np.lexsort((item_idx, -exact, rows))
        counts = np.bincount(rows, minlength=len(self._factors))
        rank = np.arange(1, len(rows) + 1) - np.repeat(np.cumsum(counts) - counts, counts)
        order, rank = order[rank <= self._n], rank[rank <= self._n]
        return Lists(rows[order], item_idx[order], rank, exact[order])


def _exact_scores(
    left: Floats, right: Floats, rows: NDArray[np.int64], places: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Multiply pairs of vectors in float64, added in one order for any shape."""
    scores = np.empty(len(rows), dtype=np.float64)
    size = max(1, EXACT_BYTES // (2 * 8 * left.shape[1]))
    for first in range(0, len(rows), size):
        part = slice(first, first + size)
        products = left[rows[part]].astype(np.float64)
        products *= right[places[part]]
        scores[part] = added(products)
    return scores


def added(terms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add up each row (n, width) of terms, halves to halves, which is one order whatever stands beside; in place."""
    width = terms.shape[1]
    while width > 1:
        half = width // 2
        terms[:, :half] += terms[:, width - half : width]
        width -= half
    return terms[:, 0]
