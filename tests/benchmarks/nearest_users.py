"""How fast the nearest users are found: ours beside a plain blocked product and scikit-learn's brute force.

Run `python tests/benchmarks/nearest_users.py [USERS [QUERIES]]`: users with 50 artists each out of 30,000
and one of 100 countries, both long-tailed; processor seconds for QUERIES of them, pairs compared, peak memory, each way
in a process of its own on one thread. How many lists differ from the exact ones is told.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from recsys_duck.neighbours import Search, Tastes

N_ITEMS, N_PLAYED, N_COUNTRIES, N_NEIGHBORS = 30_000, 50, 100, 100


def made_up(n_users: int) -> Tastes:
    """Make users up: artists by Zipf's law, plays log-normal, ages about 25, countries by Zipf's law."""
    draw = np.random.default_rng(7)
    popularity = 1 / (np.arange(N_ITEMS) + 20.0)
    items = draw.choice(N_ITEMS, size=(n_users, N_PLAYED), p=popularity / popularity.sum())
    plays = np.exp(draw.normal(4.5, 1.2, size=items.shape)) + 1
    rows = np.repeat(np.arange(n_users), N_PLAYED)
    matrix = sp.csr_matrix((plays.ravel(), (rows, items.ravel())), shape=(n_users, N_ITEMS))
    matrix.sum_duplicates()
    mean = np.asarray(matrix.sum(axis=0)).ravel()
    matrix.data /= np.repeat(np.asarray(matrix.sum(axis=1)).ravel(), np.diff(matrix.indptr))
    weights = 1 / (np.arange(N_COUNTRIES) + 1.0)
    countries = draw.choice(N_COUNTRIES, size=n_users, p=weights / weights.sum()).astype(np.int32)
    ages = np.clip(draw.normal(25, 8, size=n_users), 1, 100) / 100
    return Tastes(matrix, mean / mean.sum(), ages, countries)


def find(way: str, tastes: Tastes, queries: np.ndarray) -> tuple[np.ndarray, int]:
    """Find the neighbours of queries; returns them, user by user, and the pairs compared."""
    n_users = len(tastes.ages)
    if way == "ours":
        found = np.empty((len(queries), N_NEIGHBORS), dtype=np.int64)
        n_compared = 0
        for block in Search(tastes).nearest(queries, N_NEIGHBORS):
            found[np.searchsorted(queries, block.users[::N_NEIGHBORS])] = block.neighbours.reshape(-1, N_NEIGHBORS)
            n_compared += block.n_compared
        return found, n_compared
    one_hot = sp.csr_matrix((np.ones(n_users), (np.arange(n_users), tastes.countries)), shape=(n_users, N_COUNTRIES))
    points = sp.hstack([tastes.shares, sp.csr_matrix(tastes.ages[:, None]), one_hot]).tocsr()
    if way == "sklearn":
        from sklearn.neighbors import NearestNeighbors

        model = NearestNeighbors(n_neighbors=N_NEIGHBORS, algorithm="brute").fit(points)
        return model.kneighbors(points[queries], return_distance=False), n_users * len(queries)
    squares, others = np.asarray(points.multiply(points).sum(axis=1)).ravel(), points.T.tocsr()
    lists = []
    for first in range(0, len(queries), 512):
        rows = queries[first : first + 512]
        near = squares[rows][:, None] + squares[None, :] - 2 * (points[rows] @ others).toarray()
        near[np.arange(len(rows)), rows] = -1
        best = np.argpartition(near, N_NEIGHBORS - 1, axis=1)[:, :N_NEIGHBORS]
        order = np.argsort(np.take_along_axis(near, best, axis=1), axis=1, kind="stable")
        lists.append(np.take_along_axis(best, order, axis=1))
    return np.concatenate(lists), n_users * len(queries)


def main(n_users: str, n_queries: str) -> None:
    print(f"{'way':<10}{'seconds':>9}{'pairs':>16}{'peak MB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for way in ("ours", "product", "sklearn"):
            command = [sys.executable, __file__, n_users, n_queries, way, folder]
            limits = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **limits})
            elapsed, n_pairs, peak = (float(figure) for figure in done.stdout.split())
            print(f"{way:<10}{elapsed:>9.1f}{n_pairs:>16,.0f}{peak:>9.0f}", flush=True)
        exact = np.load(Path(folder) / "ours.npy")
        for way in ("product", "sklearn"):
            n_other = (np.load(Path(folder) / f"{way}.npy") != exact).any(axis=1).sum()
            print(f"{n_other} of {len(exact)} lists of {way} differ from the exact ones")


if __name__ == "__main__":
    sizes = [*sys.argv[1:3], "50000", "5000"][:2] if len(sys.argv) < 3 else sys.argv[1:3]
    if len(sys.argv) == 5:
        tastes = made_up(int(sizes[0]))
        chosen = np.sort(np.random.default_rng(1).permutation(int(sizes[0]))[: int(sizes[1])])
        started = time.process_time()
        lists, n_pairs = find(sys.argv[3], tastes, chosen)
        elapsed = time.process_time() - started
        np.save(Path(sys.argv[4]) / f"{sys.argv[3]}.npy", lists)
        print(elapsed, n_pairs, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    else:
        main(*sizes)
