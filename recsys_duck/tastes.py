"""Tastes: the users nearest to each user by plays, age and country, exact over all pairs.

A user is the point [shares of plays | age share | one of the countries]. The squared distance of two users
is a sum of three parts: that of their plays, that of their ages, and 0, 1 or 2 for their countries: the
same or both blank, one blank, two different ones. Users without plays all stand at one point, the mean.
Candidates come from sparse products with a margin for what those lose; the distances of what is left are
taken anew from differences, in the order of items, so that no shape of block changes a row. Users stand in
the order of country and age: runs of them that can't come near are never multiplied.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.int64]

BLANK = -1  # the country of a user who gives none
NEAREST_SQUARE = 1e-12  # squared distances below it are 0
DIGITS = 9  # of a distance, where users are ranked
MARGIN = 1e-12  # what a squared distance from products may be off, generously
QUERIES_PER_BLOCK = 512
CANDIDATES_PER_RUN = 4096
CROWD = 3  # candidates for each place, before those that came too far are dropped
ROOM = 2_000_000  # candidates of a block of queries, at most
ENTRIES_AT_A_TIME = 1_000_000  # of a matrix, while rows are summed up or compared
BLOCK_BYTES = 200_000_000  # what a search takes beside the matrix: products, candidates, differences
PAIR_BYTES = 100  # of two users, where there are so few that they are all compared at once


@dataclass(frozen=True, slots=True)
class Tastes:
    """What is known of users, by user_idx.

    `shares` CSR float64 (users, items), each row sums to 1 or is empty; `mean_shares` float64 (items,), the
    row of users whose own is empty; `ages` float64 (users,), 0 to 1; `countries` int32 (users,), or BLANK.
    """

    shares: Any
    mean_shares: Floats
    ages: Floats
    countries: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The neighbours of a block of users, flat: one entry per user and rank, the user itself first.

    `users`, `neighbours` user_idx; `rank` from 1; `distances` float64; `n_compared` products of two users.
    """

    users: Indices
    neighbours: Indices
    rank: Indices
    distances: Floats
    n_compared: int


@dataclass(frozen=True, slots=True)
class Runs:
    """Users in the order of country and age, cut into runs of one country each.

    `order` user_idx by place, `places` their places by user_idx; run i is order[starts[i]:starts[i + 1]].
    `youngest`, `oldest`, `shortest`, `longest`: bounds of its ages and of its lengths of plays.
    """

    order: Indices
    places: Indices
    starts: Indices
    countries: NDArray[np.int32]
    youngest: Floats
    oldest: Floats
    shortest: Floats
    longest: Floats


def block_bytes(n_users: int) -> int:
    """Count the bytes that a search among so many users takes beside what is known of them."""
    return min(BLOCK_BYTES, PAIR_BYTES * n_users * n_users)


class Search:
    """All users as points, ready to be searched from any of them."""

    def __init__(self, tastes: Tastes, *, candidates_per_run: int = CANDIDATES_PER_RUN) -> None:
        self._tastes = tastes
        self._shares, mean = tastes.shares, tastes.mean_shares
        self._is_mean = np.diff(self._shares.indptr) == 0
        squares = _row_sums(self._shares, lambda _, values: values * values)
        self._mean_products = _row_sums(self._shares, lambda items, values: values * mean[items])
        beside = _row_sums(self._shares, lambda items, _: mean[items] * mean[items])
        differences = _row_sums(self._shares, lambda items, values: (values - mean[items]) ** 2)
        mean_square = float(np.bincount(np.zeros(len(mean), dtype=np.int64), weights=mean * mean, minlength=1)[0])
        self._to_mean = differences + np.maximum(mean_square - beside, 0.0)
        self._squares = np.where(self._is_mean, mean_square, squares)
        self._to_mean[self._is_mean] = 0.0
        self._mean_products[self._is_mean] = mean_square
        self._runs = _runs(tastes, np.sqrt(self._squares), candidates_per_run)

    def nearest(self, users: Indices, n_neighbors: int, *, at_a_time: int = QUERIES_PER_BLOCK) -> Iterator[Neighbours]:
        """Find the `n_neighbors` nearest of each of `users`, the user itself counted, in blocks of them.

        Ordered by the distance at 9 digits, then user_idx. Where there are fewer users, all of them.
        """
        n_others = min(n_neighbors, len(self._is_mean)) - 1
        by_place = users[np.argsort(self._runs.places[users])].astype(np.int64)
        size = max(1, min(at_a_time, ROOM // (4 * n_neighbors)))
        todo = [by_place[first : first + size] for first in range(0, len(by_place), size)][::-1]
        while todo:
            block = todo.pop()
            found = self._candidates(block, n_others)
            if found is None:  # so many users are equally near that they crowd the room: fewer queries
                half = len(block) // 2
                todo += [block[half:], block[:half]]
                continue
            rows, others, n_compared = found
            distances = self._exact_distances(block[rows], others)
            yield _ranked(block, rows, others, distances, n_others=n_others, n_compared=n_compared)

    def _candidates(self, queries: Indices, n_others: int) -> tuple[Indices, Indices, int] | None:
        """Give (row, user) of all who may be among the nearest others, and how many pairs were multiplied.

        None where there is no room for them; a single query always has room.
        """
        kept = _Kept(len(queries), n_others)
        if n_others == 0:
            return kept.rows, kept.places, 0
        floors = self._floors(queries)
        levels = np.minimum(floors.astype(np.int64), 2)  # first those of the own country
        n_compared = 0
        for level in range(3):
            kept.drop_far()
            for run in np.argsort(floors.min(axis=0), kind="stable"):
                rows = np.flatnonzero((levels[:, run] == level) & (floors[:, run] <= kept.reach))
                if len(rows):
                    squares = self._squared_distances(queries[rows], run)
                    kept.take(rows, self._runs.starts[run], squares)
                    n_compared += squares.size
                    if len(kept.rows) > ROOM and len(queries) > 1:
                        return None
        kept.drop_far()
        return kept.rows, self._runs.order[kept.places], n_compared

    def _floors(self, queries: Indices) -> Floats:
        """Squared distances that no user of a run comes below, (queries, runs)."""
        runs, ages, countries = self._runs, self._tastes.ages[queries], self._tastes.countries[queries]
        lengths = np.sqrt(self._squares[queries])
        floors = _country_parts(countries[:, None], runs.countries[None, :]).astype(np.float64)
        for least, most, own in ((runs.youngest, runs.oldest, ages), (runs.shortest, runs.longest, lengths)):
            gaps = np.maximum(np.maximum(least[None, :] - own[:, None], own[:, None] - most[None, :]), 0.0)
            floors += gaps * gaps
        return floors

    def _squared_distances(self, queries: Indices, run: int) -> Floats:
        """Squared distances of queries from the users of a run by products, infinite from itself."""
        start, stop = self._runs.starts[run : run + 2]
        others = self._runs.order[start:stop]
        squares: Floats = (self._shares[queries] @ self._shares[others].T).toarray()
        mean_queries, mean_others = self._is_mean[queries], self._is_mean[others]
        squares[mean_queries] = self._mean_products[others]
        squares[:, mean_others] = self._mean_products[queries][:, None]
        squares *= -2.0
        squares += self._squares[others]
        squares += self._squares[queries][:, None]
        gaps = self._tastes.ages[queries][:, None] - self._tastes.ages[others]
        gaps *= gaps
        squares += gaps
        squares += _country_parts(self._tastes.countries[queries], self._runs.countries[run])[:, None]
        own = self._runs.places[queries] - start
        rows = np.flatnonzero((own >= 0) & (own < len(others)))
        squares[rows, own[rows]] = np.inf
        return squares

    def _exact_distances(self, users: Indices, others: Indices) -> Floats:
        """Distances of pairs of users from differences, added up in the order of items."""
        parts = np.empty(len(users), dtype=np.float64)
        n_entries = np.diff(self._shares.indptr)
        sums = np.cumsum(n_entries[users] + n_entries[others], dtype=np.int64)
        cuts = np.flatnonzero(np.diff(sums // ENTRIES_AT_A_TIME)) + 1
        for pairs in np.split(np.arange(len(users)), cuts):
            differences = self._shares[users[pairs]] - self._shares[others[pairs]]
            parts[pairs] = _row_sums(differences, lambda _, values: values * values)
        is_mean = self._is_mean[users] | self._is_mean[others]  # the part from there is 0
        parts[is_mean] = (self._to_mean[users] + self._to_mean[others])[is_mean]
        gaps = self._tastes.ages[users] - self._tastes.ages[others]
        countries = self._tastes.countries
        squares = _country_parts(countries[users], countries[others]) + (gaps * gaps + parts)
        distances: Floats = np.sqrt(np.where(squares < NEAREST_SQUARE, 0.0, squares))
        return distances


class _Kept:
    """The candidates of a block of queries so far, and how far each query still looks."""

    def __init__(self, n_queries: int, n_others: int) -> None:
        self.reach: Floats = np.full(n_queries, np.inf)
        self.rows: Indices = np.empty(0, dtype=np.int64)
        self.places: Indices = np.empty(0, dtype=np.int64)
        self._squares: Floats = np.empty(0, dtype=np.float64)
        self._n_others = n_others

    def take(self, rows: Indices, start: int, squares: Floats) -> None:
        """Add what comes near enough of the squared distances (rows, users from place `start` on)."""
        limits = self.reach[rows]
        is_open = np.isinf(limits)
        if is_open.any() and squares.shape[1] > self._n_others:
            nearest = np.partition(squares[is_open], self._n_others - 1, axis=1)[:, self._n_others - 1]
            limits[is_open] = _reaches(nearest)
            self.reach[rows] = limits
        flat = np.flatnonzero((squares <= limits[:, None]) & np.isfinite(squares))
        if not len(flat):
            return
        at, columns = np.divmod(flat, squares.shape[1])
        self.rows = np.concatenate([self.rows, rows[at]])
        self.places = np.concatenate([self.places, columns + start])
        self._squares = np.concatenate([self._squares, squares.reshape(-1)[flat]])
        if len(self.rows) > CROWD * len(self.reach) * self._n_others:
            self.drop_far()

    def drop_far(self) -> None:
        """Draw each query's reach in to its n-th candidate, and drop who stands beyond."""
        order = np.lexsort((self._squares, self.rows))
        self.rows, self.places, self._squares = self.rows[order], self.places[order], self._squares[order]
        ends = np.searchsorted(self.rows, np.arange(len(self.reach) + 1))
        last = ends[:-1] + self._n_others - 1  # of each query, the place of its n-th
        is_full = np.flatnonzero(last < ends[1:])
        self.reach[is_full] = _reaches(self._squares[last[is_full]])
        is_near = self._squares <= self.reach[self.rows]
        self.rows, self.places, self._squares = self.rows[is_near], self.places[is_near], self._squares[is_near]


def _reaches(squares: Floats) -> Floats:
    """Give squared distances up to which a user may rank before or beside one at `squares`."""
    lengths = np.sqrt(np.maximum(squares, NEAREST_SQUARE)) + 2 * 10.0**-DIGITS
    reaches: Floats = lengths * lengths + 2 * MARGIN
    return reaches


def _country_parts(left: Any, right: Any) -> NDArray[np.int64]:
    """Squared distances of countries: 0 the same, 1 where one of the two is blank, 2 different ones."""
    parts: NDArray[np.int64] = np.where(left == right, 0, (left != BLANK).astype(np.int64) + (right != BLANK))
    return parts


def _row_sums(matrix: Any, values_of: Any) -> Floats:
    """Add up, for each row of a CSR matrix, what `values_of` makes of its items and values, one after the other."""
    sums = np.zeros(matrix.shape[0], dtype=np.float64)
    cuts = np.flatnonzero(np.diff(matrix.indptr[1:] // ENTRIES_AT_A_TIME)) + 1
    for rows in np.split(np.arange(matrix.shape[0]), cuts):
        if len(rows):
            first, stop = int(rows[0]), int(rows[-1]) + 1
            entries = slice(matrix.indptr[first], matrix.indptr[stop])
            owners = np.repeat(np.arange(len(rows)), np.diff(matrix.indptr[first : stop + 1]))
            values = values_of(matrix.indices[entries], matrix.data[entries])
            sums[first:stop] = np.bincount(owners, weights=values, minlength=len(rows))
    return sums


def _runs(tastes: Tastes, lengths: Floats, size: int) -> Runs:
    """Sort users by country and age and cut them into runs of at most `size`."""
    n_users = len(tastes.ages)
    order = np.lexsort((np.arange(n_users), tastes.ages, tastes.countries))
    places = np.empty(n_users, dtype=np.int64)
    places[order] = np.arange(n_users)
    countries = tastes.countries[order]
    opens = np.flatnonzero(np.diff(countries)) + 1
    bounds = [0, *opens.tolist(), n_users] if n_users else [0]
    starts = [one for first, stop in pairwise(bounds) for one in range(first, stop, size)]
    cut = np.array(starts, dtype=np.int64)
    ages, lengths = tastes.ages[order], lengths[order]
    return Runs(
        order=order,
        places=places,
        starts=np.append(cut, n_users),
        countries=countries[cut],
        youngest=np.minimum.reduceat(ages, cut) if n_users else ages,
        oldest=np.maximum.reduceat(ages, cut) if n_users else ages,
        shortest=np.minimum.reduceat(lengths, cut) if n_users else lengths,
        longest=np.maximum.reduceat(lengths, cut) if n_users else lengths,
    )


def _ranked(
    block: Indices, rows: Indices, others: Indices, distances: Floats, *, n_others: int, n_compared: int
) -> Neighbours:
    """Put each query first in its own list, and the nearest others behind it."""
    order = np.lexsort((others, np.round(distances, DIGITS), rows))
    rows, others, distances = rows[order], others[order], distances[order]
    within = np.arange(len(rows)) - np.searchsorted(rows, rows)
    is_near = within < n_others
    own = np.arange(len(block))
    at = np.concatenate([own, rows[is_near]])
    rank = np.concatenate([np.ones(len(block), dtype=np.int64), within[is_near] + 2])
    order = np.lexsort((rank, at))
    return Neighbours(
        users=block[at[order]],
        neighbours=np.concatenate([block, others[is_near]])[order],
        rank=rank[order],
        distances=np.concatenate([np.zeros(len(block)), distances[is_near]])[order],
        n_compared=n_compared,
    )
