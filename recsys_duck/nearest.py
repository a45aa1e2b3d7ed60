"""Nearest vectors: the nearest others of each, by cosine or Euclidean distance, exact and within a stated memory.

Owns the blocked product of all vectors with all. Candidates come from float32 products with a margin for
their rounding, their scores from float64 sums in a fixed order: the lists are equal to the bit for every
shape of block. Scores that are equal to 12 digits go to the smaller index.

A product tells both of its vectors who is near, so each is made once where the candidates of all fit in
memory. Where they don't, vectors are taken in groups, and between groups products are made twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys_duck.topn import EXACT_BYTES, FLOAT32_LEAST, FLOAT32_ROUNDING, LEAST_MARGIN, Floats, Indices, Lists, added

BLOCK = 512  # vectors by vectors of a product, which stays in the cache
SAMPLED = 4096
ROOM = 24  # candidates of a vector, beside its list, that wait to be merged; and that may stay then
BYTES_PER_CANDIDATE = 20  # while it waits
BYTES_PER_MERGED = 100  # while a block's are sorted, all products of one among them at worst
DIGITS = 12
ROUNDED = 1e-11  # distances that are equal to 12 digits differ by less


@dataclass(frozen=True, slots=True)
class Points:
    """Vectors whose neighbours are looked for, in the order in which blocks take them.

    `vectors` float32 (n, n_factors), as they were given; `norms` float64 (n,), their lengths; `item_idx`
    int32 (n,). How near two are is the product of their rows in `left` and `right`, float32 (n, width)
    both: the cosine, or minus half the squared distance, of vectors divided by `scale`, whose `lengths`
    float64 (n,) are all 1 by cosine, else rising and 1 at most.
    """

    is_cosine: bool
    vectors: Floats
    norms: NDArray[np.float64]
    item_idx: Indices
    left: Floats
    right: Floats
    lengths: NDArray[np.float64]
    scale: float


def points(vectors: Floats, item_idx: Indices, *, metric: str) -> Points:
    """Prepare vectors (n, n_factors) of the `item_idx` (n,) for a search by cosine or euclidean distance; copies.

    A vector of zeros has no cosine to anything: by cosine it is left out.
    """
    norms = np.empty(len(vectors), dtype=np.float64)
    for part in _slices(*vectors.shape):
        norms[part] = np.sqrt(added(np.square(vectors[part], dtype=np.float64)))
    is_cosine = metric == "cosine"
    order = np.flatnonzero(norms) if is_cosine else np.lexsort((item_idx, norms))
    vectors, norms, item_idx = vectors[order], norms[order], item_idx[order]
    scale = 1.0 if is_cosine else float(norms.max(initial=0.0)) or 1.0
    lengths = np.ones(len(norms)) if is_cosine else norms / scale
    n_factors = vectors.shape[1]
    left = np.empty((len(vectors), n_factors if is_cosine else n_factors + 2), dtype=np.float32)
    for part in _slices(*vectors.shape):
        left[part, :n_factors] = vectors[part] / (norms[part, None] if is_cosine else scale)
    right = left
    if not is_cosine:  # u v - u u / 2 - v v / 2
        right = left.copy()
        left[:, -2] = right[:, -1] = -np.square(lengths) / 2
        left[:, -1] = right[:, -2] = 1
    return Points(is_cosine, vectors, norms, item_idx, left, right, lengths, scale)


def least_bytes(k: int) -> int:
    """Count the bytes of a search with one block in memory."""
    return EXACT_BYTES + BLOCK * ((BLOCK + 2 * _room(k)) * BYTES_PER_MERGED + 8 * max(SAMPLED, _n_parts(k)))


def points_at_a_time(memory_bytes: int, k: int) -> int:
    """Count the vectors whose candidates are in memory together: a block at least."""
    left = memory_bytes - least_bytes(k)
    return max(BLOCK, left // (2 * _room(k) * BYTES_PER_CANDIDATE) // BLOCK * BLOCK)


def nearest(among: Points, k: int, *, at_a_time: int) -> Iterator[Lists]:
    """Find the `k` nearest others of every point, best first, block by block; `at_a_time` of them are a group.

    The owners of the lists are `users`; scores are cosines, or negated distances. Fewer than k + 1 points
    make shorter lists.
    """
    n_points = len(among.item_idx)
    sample, starts = _sample(n_points, k), range(0, n_points, BLOCK)
    per_group = max(1, at_a_time // BLOCK)
    for first in range(0, len(starts), per_group):
        group = starts[first : first + per_group]
        outside = [start for start in starts if start not in group]
        blocks = {start: _Block(among, start, min(start + BLOCK, n_points), k) for start in group}
        for block in blocks.values():
            block.learn(sample)
        for start in group:
            block = blocks.pop(start)
            for other in (start, *blocks, *outside):
                block.meet(other, blocks.get(other))
            yield block.lists()


def _room(k: int) -> int:
    return k + ROOM


def _n_parts(k: int) -> int:
    return max(64, 4 * k)


def _sample(n_points: int, k: int) -> Indices:
    """Choose some of many points, as many for each part; of few none."""
    per_part = min(SAMPLED, n_points) // _n_parts(k)
    return np.linspace(0, n_points - 1, per_part * _n_parts(k)).astype(np.int32)


def _slices(n_rows: int, width: int) -> Iterator[slice]:
    """Cut rows into pieces whose float64 copies are small."""
    size = max(1, EXACT_BYTES // (2 * 8 * width))
    for first in range(0, n_rows, size):
        yield slice(first, min(first + size, n_rows))


def _above(scores: Floats, bars: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Give (row, column, score) of what reaches the bars; a flat search is thirty times faster than one of two axes."""
    flat = np.flatnonzero(scores >= bars)
    rows, columns = np.divmod(flat, scores.shape[1])
    return rows, columns, scores.reshape(-1)[flat]


class _Block:
    """Points that stand together: how near the k-th best of each is at least, and who may be nearer."""

    def __init__(self, among: Points, first: int, stop: int, k: int) -> None:
        self._among = among
        self._own = slice(first, stop)
        self._k = k
        self._lengths = among.lengths[first:stop]
        self._longest = float(self._lengths[-1])
        self._kth = np.full(stop - first, -np.inf)
        self._waiting: list[tuple[Indices, Indices, Floats]] = []
        self._n_waiting = 0
        # of candidates: whose they are, counted within the block; where they stand among all; how near
        self._rows = np.empty(0, dtype=np.int32)
        self._places = np.empty(0, dtype=np.int32)
        self._scores = np.empty(0, dtype=np.float32)

    def _margins(self, lengths: NDArray[np.float64], others: Any) -> NDArray[np.float64]:
        """What float32 may lose of a nearness, for vectors of these lengths."""
        width = self._among.left.shape[1]
        share = max(LEAST_MARGIN, 2.5 * width * FLOAT32_ROUNDING)
        margins: NDArray[np.float64] = share * np.square(lengths + others) / 2 + 2 * width * FLOAT32_LEAST
        return margins

    def _floors(self) -> NDArray[np.float64]:
        """Who is less near than these is in no list, nor equal to its last to 12 digits."""
        if self._among.is_cosine:
            return self._kth - ROUNDED
        floors: NDArray[np.float64] = -np.square(self._reaches()) / 2
        return floors

    def _reaches(self) -> NDArray[np.float64]:
        """Who is further away than these distances is in no list; infinite until k others are known."""
        distances: NDArray[np.float64] = np.sqrt(np.maximum(-2 * self._kth, 0.0))
        return distances * (1 + 1e-12) + ROUNDED / self._among.scale

    def learn(self, sample: Indices) -> None:
        """Learn from some points how near each k-th best is at least: who is less near is never looked at again.

        The points are parts of as many, by turns. The k-th largest of the parts' largest is found faster
        than that of all, and is no larger.
        """
        if len(sample) == 0:
            return
        n_parts = _n_parts(self._k)
        scores = self._among.left[self._own] @ self._among.right[sample].T
        own = np.flatnonzero((sample >= self._own.start) & (sample < self._own.stop))
        scores[sample[own] - self._own.start, own] = -np.inf
        if not self._among.is_cosine:
            scores -= self._margins(self._lengths[:, None], self._among.lengths[sample]).astype(np.float32)
        best = scores.reshape(len(scores), -1, n_parts).max(axis=1).astype(np.float64)
        if self._among.is_cosine:
            best -= self._margins(self._lengths[:1], 1.0)
        best.partition(n_parts - self._k, axis=1)
        self._kth = best[:, n_parts - self._k]

    def meet(self, start: int, other: "_Block | None") -> None:
        """Take in who is near among the points of the block at `start`, and tell it too if it is given as `other`."""
        stop = min(start + BLOCK, len(self._among.item_idx))
        if not self._among.is_cosine:
            gaps = np.maximum(self._among.lengths[start] - self._lengths, self._lengths - self._among.lengths[stop - 1])
            if (gaps > self._reaches()).all() and (other is None or other.is_beyond(self._lengths)):
                return
        scores = self._among.left[self._own] @ self._among.right[start:stop].T
        self._take(*_above(scores, self._bars(float(self._among.lengths[stop - 1]))[:, None]), start)
        if other is not None:
            columns, rows, nearness = _above(scores, other._bars(self._longest))
            other._take(rows, columns, nearness, self._own.start)

    def is_beyond(self, lengths: NDArray[np.float64]) -> bool:
        """Tell whether vectors of these lengths, the shortest first, are too short or too long to be near any."""
        gaps = np.maximum(lengths[0] - self._lengths, self._lengths - lengths[-1])
        return bool((gaps > self._reaches()).all())

    def _bars(self, longest: float) -> Floats:
        """Give the least products, float32, of which a point of that length at most may be in a list."""
        return (self._floors() - self._margins(self._lengths, longest)).astype(np.float32)

    def _take(self, rows: NDArray[np.int64], columns: NDArray[np.int64], nearness: Floats, start: int) -> None:
        """Keep who may be in a list: rows of this block, by columns of the block at `start`."""
        if start == self._own.start:
            is_other = rows != columns
            rows, columns, nearness = rows[is_other], columns[is_other], nearness[is_other]
        if len(rows) == 0:
            return
        self._waiting.append((rows.astype(np.int32), (columns + start).astype(np.int32), nearness))
        self._n_waiting += len(rows)
        if self._n_waiting > max(ROOM * len(self._kth), len(self._rows) // 2):
            self._merge()

    def _merge(self) -> None:
        """Add the waiting candidates, raise each k-th best, and drop who is below it."""
        rows = np.concatenate([self._rows, *(one[0] for one in self._waiting)])
        places = np.concatenate([self._places, *(one[1] for one in self._waiting)])
        scores = np.concatenate([self._scores, *(one[2] for one in self._waiting)])
        self._waiting, self._n_waiting = [], 0
        margins = self._margins(self._lengths[rows], self._among.lengths[places])
        lowest = scores - margins
        order = np.lexsort((-lowest, rows))
        counts = np.bincount(rows, minlength=len(self._kth))
        has_k = counts >= self._k
        kth = (np.cumsum(counts) - counts)[has_k] + self._k - 1
        self._kth[has_k] = np.maximum(self._kth[has_k], lowest[order[kth]])
        kept = scores + margins >= self._floors()[rows]
        self._rows, self._places, self._scores = rows[kept], places[kept], scores[kept]
        if len(self._rows) > _room(self._k) * len(self._kth):  # float32 can't tell so many apart
            best = self._best()[0]
            self._rows, self._places, self._scores = self._rows[best], self._places[best], self._scores[best]

    def lists(self) -> Lists:
        """Score the candidates exactly and rank them."""
        self._merge()
        best, rank, exact = self._best()
        owners = self._among.item_idx[self._own][self._rows[best]]
        return Lists(owners, self._among.item_idx[self._places[best]], rank, exact[best])

    def _best(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Rank the candidates: which are among the k best of their row, their ranks, and the scores of all."""
        exact = self._exact(self._rows + self._own.start, self._places)
        item_idx = self._among.item_idx[self._places]
        order = np.lexsort((item_idx, -np.round(exact, DIGITS), self._rows))
        counts = np.bincount(self._rows, minlength=len(self._kth))
        rank = np.arange(1, len(order) + 1) - np.repeat(np.cumsum(counts) - counts, counts)
        is_best = rank <= self._k
        return order[is_best], rank[is_best], exact

    def _exact(self, left: Indices, right: Indices) -> NDArray[np.float64]:
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
