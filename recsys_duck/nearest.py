"""Neighbours: the nearest others of each vector, by cosine or Euclidean distance, exact and within a stated memory.

Owns the blocked product of all vectors with all. Candidates come from float32 products with a margin for
their rounding, their scores from float64 sums in a fixed order: the lists are equal to the bit for every
shape of block. Scores that are equal to 12 digits go to the smaller index.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys_duck.topn import EXACT_BYTES, FLOAT32_LEAST, FLOAT32_ROUNDING, LEAST_MARGIN, Floats, Indices, Lists, added

ROWS_PER_BLOCK = 512
COLUMNS_PER_BLOCK = 512  # a product of both stays in the cache
SAMPLED_COLUMNS = 2048
SAMPLED_PER_NEIGHBOUR = 4
ROOM_PER_ROW = 1000  # for candidates, beside two lists of them
# a float32 product with its comparison; a sampled one, sorted; a candidate with its indices and scores
BYTES_PER_PRODUCT = 5
BYTES_PER_SAMPLED = 12
BYTES_PER_CANDIDATE = 100
DIGITS = 12
ROUNDED = 1e-11  # more than two distances may differ by that are equal to 12 digits


@dataclass(frozen=True, slots=True)
class Points:
    """Vectors whose neighbours are looked for, in the order in which blocks take them.

    `vectors` float32 (n, n_factors), as they were given; `norms` float64 (n,), their lengths; `item_idx`
    int32 (n,). The nearness of v to u is `asking[u] @ answering[v]`, float32 both: the cosine or, but for
    a constant of u, minus half the squared distance. It is that of vectors divided by `scale`, whose
    `lengths` float64 (n,) are all 1 by cosine, else rising and 1 at most.
    """

    is_cosine: bool
    vectors: Floats
    norms: NDArray[np.float64]
    item_idx: Indices
    asking: Floats
    answering: Floats
    lengths: NDArray[np.float64]
    scale: float


def points(vectors: Floats, item_idx: Indices, *, metric: str) -> Points:
    """Prepare vectors (n, n_factors) of the `item_idx` (n,) for a search by cosine or euclidean distance; copies.

    A vector of zeros has no cosine to anything: by cosine it is left out.
    """
    norms = np.empty(len(vectors), dtype=np.float64)
    for part in _slices(len(vectors), vectors.shape[1]):
        norms[part] = np.sqrt(added(np.square(vectors[part], dtype=np.float64)))
    is_cosine = metric == "cosine"
    order = np.flatnonzero(norms) if is_cosine else np.lexsort((item_idx, norms))
    vectors, norms, item_idx = vectors[order], norms[order], item_idx[order]
    scale = 1.0 if is_cosine else float(norms.max(initial=0.0)) or 1.0
    lengths = np.ones(len(norms)) if is_cosine else norms / scale
    asking = np.empty((len(vectors), vectors.shape[1] + (not is_cosine)), dtype=np.float32)
    for part in _slices(*vectors.shape):
        asking[part, : vectors.shape[1]] = vectors[part] / (norms[part, None] if is_cosine else scale)
    answering = asking
    if not is_cosine:
        answering = asking.copy()
        asking[:, -1], answering[:, -1] = 1, -np.square(lengths) / 2
    return Points(is_cosine, vectors, norms, item_idx, asking, answering, lengths, scale)


def rows_at_a_time(memory_bytes: int, k: int, n_factors: int) -> int:
    """Count the vectors whose neighbours are looked for together in `memory_bytes`: 1 to 512."""
    each = BYTES_PER_PRODUCT * COLUMNS_PER_BLOCK + BYTES_PER_SAMPLED * _n_sampled(k)
    each += BYTES_PER_CANDIDATE * _room(k) + 8 * n_factors
    return int(max(1, min(ROWS_PER_BLOCK, (memory_bytes - EXACT_BYTES) // each)))


def nearest(among: Points, k: int, *, at_a_time: int) -> Iterator[Lists]:
    """Find the `k` nearest others of every point, in blocks, best first; scores are cosines or negated distances.

    The owners of the lists are `users`. Fewer than k + 1 points make shorter lists.
    """
    n_points = len(among.item_idx)
    todo = [(first, min(first + at_a_time, n_points)) for first in range(0, n_points, at_a_time)][::-1]
    while todo:
        first, stop = todo.pop()
        search = _Search(among, first, stop, k)
        if search.scan():
            yield search.lists()
        else:  # so many are equally near that they crowd the room: fewer rows
            half = (first + stop) // 2
            todo += [(half, stop), (first, half)]


def _n_sampled(k: int) -> int:
    return max(SAMPLED_COLUMNS, SAMPLED_PER_NEIGHBOUR * k)


def _room(k: int) -> int:
    return 2 * k + ROOM_PER_ROW


def _slices(n_rows: int, width: int) -> Iterator[slice]:
    """Cut rows into pieces whose float64 copies are small."""
    size = max(1, EXACT_BYTES // (2 * 8 * width))
    for first in range(0, n_rows, size):
        yield slice(first, min(first + size, n_rows))


class _Search:
    """The search for a block of rows: how near the k-th best so far is at least, and who may be nearer."""

    def __init__(self, among: Points, first: int, stop: int, k: int) -> None:
        self._among = among
        self._first = first
        self._k = k
        self._asking = among.asking[first:stop]
        self._lengths = among.lengths[first:stop]
        width = self._asking.shape[1]
        self._share = max(LEAST_MARGIN, 2.5 * width * FLOAT32_ROUNDING)
        self._least_margin = 2 * width * FLOAT32_LEAST
        self._kth = np.full(stop - first, -np.inf)
        self._rows = np.empty(0, dtype=np.int64)
        self._places = np.empty(0, dtype=np.int64)
        self._scores = np.empty(0, dtype=np.float32)

    def _margins(self, lengths: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
        """What float32 may lose of a nearness, for vectors of these lengths."""
        lost = lengths * others if self._among.is_cosine else others * (lengths + others / 2)
        margins: NDArray[np.float64] = self._share * lost + self._least_margin
        return margins

    def _reaches(self) -> NDArray[np.float64]:
        """No list of a row has a greater distance than this; infinite until k others are known."""
        reaches: NDArray[np.float64] = np.sqrt(np.maximum(np.square(self._lengths) - 2 * self._kth, 0.0))
        return reaches

    def _floors(self) -> NDArray[np.float64]:
        """What is less near than these can't be in the lists, nor equal to their last to 12 digits."""
        if self._among.is_cosine:
            return self._kth - ROUNDED
        slack = ROUNDED / self._among.scale
        with np.errstate(invalid="ignore"):  # -inf - inf where nobody is known yet
            return self._kth - slack * (np.minimum(self._reaches(), 3.0) + slack)

    def scan(self) -> bool:
        """Multiply with all blocks of points that may be near enough, from the rows' own outwards.

        False where more candidates than there is room for are left; one row always has room.
        """
        n_points = len(self._among.item_idx)
        self._sample(np.unique(np.linspace(0, n_points - 1, min(n_points, _n_sampled(self._k))).astype(np.int64)))
        starts = np.arange(0, n_points, COLUMNS_PER_BLOCK)
        found: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]] = []
        room, n_found = _room(self._k) * len(self._asking), 0
        limit = room // 4
        for start in starts[np.argsort(np.abs(starts - self._first), kind="stable")].tolist():
            one = self._near(start, min(start + COLUMNS_PER_BLOCK, n_points))
            if len(one[0]):
                found.append(one)
                n_found += len(one[0])
            if n_found > limit:
                self._merge(found)
                found, n_found = [], 0
                if len(self._rows) > room and len(self._asking) > 1:
                    return False
                limit = max(room // 4, len(self._rows))
        self._merge(found)
        return True

    def _sample(self, places: NDArray[np.int64]) -> None:
        """Learn from some points how near the k-th best is at least: who is less near is never looked at again."""
        if len(places) < self._k:
            return
        scores = self._asking @ self._among.answering[places].T
        scores -= self._margins(self._lengths[:, None], self._among.lengths[places]).astype(np.float32)
        own = np.arange(self._first, self._first + len(self._asking))
        at = np.minimum(np.searchsorted(places, own), len(places) - 1)
        is_own = places[at] == own
        scores[np.flatnonzero(is_own), at[is_own]] = -np.inf
        scores.partition(len(places) - self._k, axis=1)
        self._kth = scores[:, len(places) - self._k].astype(np.float64)

    def _near(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """Give (row, place, nearness) of the points of a block that may be in a list."""
        nobody = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        shortest, longest = self._among.lengths[start], self._among.lengths[stop - 1]
        if not self._among.is_cosine:
            gaps = np.maximum(shortest - self._lengths, self._lengths - longest)
            if (gaps > self._reaches() * (1 + 1e-9) + 2 * ROUNDED / self._among.scale).all():
                return nobody
        floors = self._floors() - self._margins(self._lengths, longest)
        scores = self._asking @ self._among.answering[start:stop].T
        flat = np.flatnonzero(scores >= floors.astype(np.float32)[:, None])
        rows, columns = np.divmod(flat, stop - start)
        is_other = rows + self._first != columns + start
        return rows[is_other], columns[is_other] + start, scores.reshape(-1)[flat[is_other]]

    def _merge(self, found: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]]) -> None:
        """Add candidates, raise each row's k-th best, and drop who is below it."""
        rows = np.concatenate([self._rows, *(one[0] for one in found)])
        places = np.concatenate([self._places, *(one[1] for one in found)])
        scores = np.concatenate([self._scores, *(one[2] for one in found)])
        margins = self._margins(self._lengths[rows], self._among.lengths[places])
        lowest = scores - margins
        order = np.lexsort((-lowest, rows))
        counts = np.bincount(rows, minlength=len(self._asking))
        has_k = counts >= self._k
        kth = (np.cumsum(counts) - counts)[has_k] + self._k - 1
        self._kth[has_k] = np.maximum(self._kth[has_k], lowest[order[kth]])
        kept = scores + margins >= self._floors()[rows]
        self._rows, self._places, self._scores = rows[kept], places[kept], scores[kept]

    def lists(self) -> Lists:
        """Score the candidates exactly and rank them."""
        rows, places = self._rows, self._places
        exact = self._exact(rows + self._first, places)
        item_idx = self._among.item_idx[places]
        order = np.lexsort((item_idx, -np.round(exact, DIGITS), rows))
        counts = np.bincount(rows, minlength=len(self._asking))
        rank = np.arange(1, len(rows) + 1) - np.repeat(np.cumsum(counts) - counts, counts)
        order, rank = order[rank <= self._k], rank[rank <= self._k]
        owners = self._among.item_idx[rows[order] + self._first]
        return Lists(owners, item_idx[order], rank, exact[order])

    def _exact(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        """Score pairs of points in float64, added in one order for any shape."""
        vectors, norms = self._among.vectors, self._among.norms
        scores = np.empty(len(left), dtype=np.float64)
        for part in _slices(len(left), vectors.shape[1]):
            terms = vectors[left[part]].astype(np.float64)
            if self._among.is_cosine:
                terms *= vectors[right[part]]
                cosines = added(terms) / (norms[left[part]] * norms[right[part]])
                scores[part] = np.clip(cosines, -1, 1)
            else:
                terms -= vectors[right[part]]
                np.square(terms, out=terms)
                scores[part] = -np.sqrt(added(terms))
        return scores
