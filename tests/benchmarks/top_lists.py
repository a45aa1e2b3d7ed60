"""How fast lists come from factors: ours beside implicit's topk, on factors of a published warehouse.

Run `python tests/benchmarks/top_lists.py WAREHOUSE [N]` after a build with als: users per second, the ratio
to ours and peak memory, each way in a process of its own; implicit takes two threads, ours one. Its lists
are float32's; how many of them differ from the exact ones is told.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from recsys_duck.topn import item_vectors, top_n, users_at_a_time

COPIES = 10  # of the users, so that a run takes seconds


def arrays(warehouse: str) -> tuple[np.ndarray, np.ndarray, sp.csr_matrix]:
    with duckdb.connect(f"{warehouse}/recsys.duckdb", read_only=True) as connection:
        found = []
        for owner in ("user", "item"):
            n_rows = connection.execute(f"select count(*) from core.{owner}s").fetchone()
            rows = connection.execute(f"select {owner}_idx, factors from models.{owner}_factors").fetchall()
            vectors = np.zeros((n_rows[0] if n_rows else 0, len(rows[0][1])), dtype=np.float32)
            vectors[[row[0] for row in rows]] = [row[1] for row in rows]
            found.append(vectors)
        seen = connection.execute("select user_idx, item_idx from training.matrix").fetchnumpy()
    ones = np.ones(len(seen["user_idx"]), dtype=np.float32)
    matrix = sp.csr_matrix((ones, (seen["user_idx"], seen["item_idx"])), shape=(len(found[0]), len(found[1])))
    return np.tile(found[0], (COPIES, 1)), found[1], sp.vstack([matrix] * COPIES).tocsr()


def make(way: str, warehouse: str, n: int) -> tuple[float, int]:
    """Make every user's list; returns seconds, and a digest of the lists' items."""
    users, items, seen = arrays(warehouse)
    with threadpool_limits(1, "blas"):
        started = time.monotonic()
        if way == "ours":
            ranked = item_vectors(items, np.arange(len(items), dtype=np.int32), len(items))
            size = users_at_a_time(100_000_000, n, items.shape[1])
            lists = top_n(ranked, users, seen, n, users=np.arange(len(users)), at_a_time=size)
            found = np.concatenate([one.item_idx for one in lists]).reshape(len(users), n)
        else:
            from implicit.cpu.topk import topk

            found, _ = topk(items, users, n, filter_query_items=seen, num_threads=2)
        elapsed = time.monotonic() - started
    np.save(f"{warehouse}/.{way}.npy", found[: len(users) // COPIES])
    return elapsed, len(users)


def main(warehouse: str, n: str) -> None:
    print(f"{'way':<10}{'users/s':>9}{'to ours':>9}{'peak MB':>9}")
    ours = 0.0
    for way in ("ours", "implicit"):
        done = subprocess.run([sys.executable, __file__, warehouse, n, way], capture_output=True, text=True, check=True)
        elapsed, n_users, peak = (float(figure) for figure in done.stdout.split())
        ours = ours or elapsed
        print(f"{way:<10}{n_users / elapsed:>9,.0f}{ours / elapsed:>9.2f}{peak:>9.0f}")
    lists = [Path(warehouse) / f".{way}.npy" for way in ("ours", "implicit")]
    exact, other = (np.load(path) for path in lists)
    print(f"{(exact != other).any(axis=1).sum()} of {len(exact)} lists of implicit differ from the exact ones")
    for path in lists:
        path.unlink()


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(
            *make(sys.argv[3], sys.argv[1], int(sys.argv[2])), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        )
    else:
        main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "30")
