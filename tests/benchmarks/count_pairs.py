"""How pairs are best counted: ours by blocks beside one self-join, sparse products, and implicit's kernel.

Run `python tests/benchmarks/count_pairs.py [BASKETS]`: seconds, the ratio to ours, peak memory and pairs,
each way in a process of its own, two threads. Baskets are made up, 62 items each of 100,000 with a long
tail; all ways but the last give every pair with its count, the last only the 50 best of each item.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import scipy.sparse as sp

from recsys_duck.engines import Query
from recsys_duck.engines.duckdb import DuckdbEngine
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.kind import SQL_FOLDER
from recsys_duck.parameters import Value, load_parameters
from recsys_duck.relation import Relation

BASKET_ITEMS = """
select distinct cast(basket as integer) as basket_idx,
    cast(floor(100000 * pow((hash(basket * 1000 + place) >> 11) / pow(2, 53), 3)) as integer) as item_idx
from range({n}) as baskets(basket), range(62) as places(place)
"""
BLOCK_PAIRS = int(str(load_parameters(SQL_FOLDER / "parameters.toml")["pairs_per_block"].default))


def sql(folder: Path, pairs_per_block: int, memory_mb: int) -> int:
    """Run the three stages as a build does; returns the number of pairs."""
    n_pairs = 0
    engine = DuckdbEngine(memory_bytes=memory_mb * 10**6, threads=2, temporary=folder / "spill")
    with engine, SqlText() as reader:
        engine.define(Relation("features.basket_items", (("basket_idx", ""), ("item_idx", "")), (folder / "items",)))
        names = ("counted_baskets", "pair_blocks", "item_pairs")
        texts = {name: (SQL_FOLDER / f"features/{name}.sql").read_text() for name in names}
        engine.write(Query(texts["counted_baskets"]), folder / "baskets")
        columns = (("basket_idx", ""), ("n_items", ""), ("n_share_units", ""))
        engine.define(Relation("features.counted_baskets", columns, (folder / "baskets",)))
        places = {name: reader.facts(text, where=name).places for name, text in texts.items()}
        asked = {"similar_source": Value("varchar", "pairs"), "models": Value("varchar[]", ("popular",))}
        size = {"pairs_per_block": Value("bigint", pairs_per_block), **asked}
        for first, last, _ in engine.fetch(Query(texts["pair_blocks"], places["pair_blocks"], size)):
            ends = {"first_item_idx": Value("integer", first), "last_item_idx": Value("integer", last)}
            target = folder / f"pairs_{first}"
            n_pairs += engine.write(Query(texts["item_pairs"], places["item_pairs"], ends), target).n_rows
    return n_pairs


def product(folder: Path) -> int:
    """Multiply the matrix with itself, 2,000 items at a time; the upper triangle."""
    items = matrix(folder).T.tocsr()
    n_pairs = 0
    for first in range(0, items.shape[0], 2000):
        n_pairs += sp.triu(items[first : first + 2000] @ items.T, k=first + 1).nnz
    return n_pairs


def kernel(folder: Path) -> int:
    from implicit.nearest_neighbours import ItemItemRecommender

    model = ItemItemRecommender(K=51, num_threads=2)
    model.fit(matrix(folder), show_progress=False)
    return int(model.similarity.nnz)


def matrix(folder: Path) -> sp.csr_matrix:
    found = duckdb.sql(f"from read_parquet('{folder}/items')").fetchnumpy()
    ones = np.ones(len(found["item_idx"]), dtype=np.float64)
    return sp.csr_matrix((ones, (found["basket_idx"], found["item_idx"])))


WAYS: dict[str, Callable[[Path], int]] = {
    "ours": lambda folder: sql(folder, BLOCK_PAIRS, 1750),
    "ours, 400 MB": lambda folder: sql(folder, BLOCK_PAIRS, 150),
    "one self-join": lambda folder: sql(folder, 10**15, 16_000),
    "scipy": product,
    "implicit": kernel,
}


def main(n_baskets: int, ways: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        # in a process of its own: a child's peak memory starts at what its parent holds
        subprocess.run([sys.executable, __file__, name, "--make", str(n_baskets)], check=True)
        print(f"{'way':<16}{'seconds':>9}{'to ours':>9}{'peak MB':>9}{'pairs':>14}")
        ours = 0.0
        for way in ways or WAYS:
            command = [sys.executable, __file__, name, "--way", way]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            elapsed, peak, n_pairs = (float(figure) for figure in done.stdout.split())
            ours = ours or elapsed
            print(f"{way:<16}{elapsed:>9.1f}{elapsed / ours:>9.1f}{peak:>9.0f}{n_pairs:>14,.0f}", flush=True)


if __name__ == "__main__":
    if "--make" in sys.argv:
        duckdb.sql(f"copy ({BASKET_ITEMS.format(n=sys.argv[3])}) to '{sys.argv[1]}/items' (format parquet)")
        sys.exit()
    if "--way" in sys.argv:
        started = time.monotonic()
        counted = WAYS[sys.argv[3]](Path(sys.argv[1]))
        print(time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, counted)
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, sys.argv[2:])
