"""How fast similar items come from factors: ours beside implicit's similar_items, on factors of a published warehouse.

Run `python tests/benchmarks/similar_items.py WAREHOUSE [K] [COPIES]` after a build with als: items per second of
wall and of processor time, the ratio to ours and peak memory, each way in a process of its own; implicit takes two
threads and one, ours one. COPIES of the items, turned a little, make more of them. implicit's lists are float32's;
how many of them differ from the exact ones, the item itself left out, is told.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
from threadpoolctl import threadpool_limits

from recsys_duck.nearest import nearest, points, points_at_a_time

WAYS = ("ours", "implicit 2", "implicit 1")


def vectors(warehouse: str, copies: int) -> np.ndarray:
    with duckdb.connect(f"{warehouse}/recsys.duckdb", read_only=True) as connection:
        found = connection.execute("select factors from models.item_factors order by item_idx").fetchall()
    one = np.array([vector for (vector,) in found], dtype=np.float32)
    random = np.random.default_rng(0)
    turned = [one * (1 + 0.2 * random.standard_normal(one.shape, dtype=np.float32)) for _ in range(copies - 1)]
    return np.concatenate([one, *turned])


def make(way: str, warehouse: str, k: int, copies: int) -> tuple[float, float, int]:
    """Make every item's list; returns seconds of wall and of processor, and the number of items."""
    factors = vectors(warehouse, copies)
    with threadpool_limits(1, "blas"):
        started, worked = time.monotonic(), time.process_time()
        if way == "ours":
            among = points(factors, np.arange(len(factors), dtype=np.int32), metric="cosine")
            found = np.empty((len(factors), k), dtype=np.int32)
            for one in nearest(among, k, at_a_time=points_at_a_time(1_000_000_000, k)):
                found[one.users, one.rank - 1] = one.item_idx
        else:
            found = of_implicit(factors, k, n_threads=int(way.split()[1]))
        figures = time.monotonic() - started, time.process_time() - worked
    np.save(f"{warehouse}/.{way}.npy", found)
    return *figures, len(factors)


def of_implicit(factors: np.ndarray, k: int, *, n_threads: int) -> np.ndarray:
    """The lists of implicit's model, which has one more item in each: the item itself, most often first."""
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(factors=factors.shape[1], num_threads=n_threads)
    model.item_factors = factors
    found, _ = model.similar_items(np.arange(len(factors)), N=k + 1)
    is_other = found != np.arange(len(factors))[:, None]
    is_other[is_other.all(axis=1), -1] = False
    return found[is_other].reshape(len(factors), k)


def main(warehouse: str, k: str = "10", copies: str = "1") -> None:
    print(f"{'way':<12}{'items/s':>9}{'to ours':>9}{'per cpu s':>11}{'to ours':>9}{'peak MB':>9}")
    ours = (0.0, 0.0)
    for way in WAYS:
        command = [sys.executable, __file__, warehouse, k, copies, way]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        wall, cpu, n_items, peak = (float(figure) for figure in done.stdout.split())
        ours = ours if ours[0] else (wall, cpu)
        shown = f"{n_items / wall:>9,.0f}{ours[0] / wall:>9.2f}{n_items / cpu:>11,.0f}{ours[1] / cpu:>9.2f}"
        print(f"{way:<12}{shown}{peak:>9.0f}")
    lists = {way: Path(warehouse) / f".{way}.npy" for way in WAYS}
    exact, other = (np.load(lists[way]) for way in WAYS[:2])
    print(
        f"{(exact != other).any(axis=1).sum():,.0f} of {len(exact):,.0f} lists of implicit differ from the exact ones"
    )
    for path in lists.values():
        path.unlink()


if __name__ == "__main__":
    if len(sys.argv) == 5:
        figures = make(sys.argv[4], sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
        print(*figures, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    else:
        main(*sys.argv[1:])
