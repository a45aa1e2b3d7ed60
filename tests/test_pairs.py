"""Pairs are counted within memory: many small blocks and a spill give the rows of one block without a limit."""

from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from building import checksums, lay_out, rows, run

from recsys_duck.engines import Query
from recsys_duck.engines.duckdb import DuckdbEngine
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import RecsysDuckError
from recsys_duck.kind import SQL_FOLDER
from recsys_duck.parameters import Value
from recsys_duck.relation import Relation

# 30,000 baskets of about 24 of 6,000 items: 8.5 million pair rows
BASKET_ITEMS = """
    select distinct cast(basket as integer) as basket_idx,
        cast(floor(6000 * pow(unit_hash(concat(basket, '|', place)), 2)) as integer) as item_idx
    from range(30000) as baskets(basket), range(24) as places(place)
"""
MEMORY = 1_500_000_000


def counted(folder: Path, *, memory_bytes: int, pairs_per_block: int) -> tuple[int, int, int, int]:
    """Run pair_blocks and item_pairs as a build does; returns blocks, pairs, sum of counts, sum of hashes."""
    folder.mkdir(exist_ok=True)
    engine = DuckdbEngine(memory_bytes=memory_bytes, threads=2, temporary=folder / "spill")
    texts = {name: (SQL_FOLDER / f"features/{name}.sql").read_text() for name in ("pair_blocks", "item_pairs")}
    with engine, SqlText() as reader:
        items = folder.parent / "items.parquet"
        if not items.exists():
            engine.write(Query(BASKET_ITEMS), items)
        engine.define(Relation("features.basket_items", (("basket_idx", ""), ("item_idx", "")), (items,)))
        facts = {name: reader.facts(text, where=name) for name, text in texts.items()}
        size = {"pairs_per_block": Value("bigint", pairs_per_block)}
        blocks = engine.fetch(Query(texts["pair_blocks"], facts["pair_blocks"].places, size))
        targets = []
        for first, last, _ in blocks:
            ends = {"first_item_idx": Value("integer", first), "last_item_idx": Value("integer", last)}
            targets.append(folder / f"{first}.parquet")
            engine.write(Query(texts["item_pairs"], facts["item_pairs"].places, ends), targets[-1])
        columns = (("item_idx", ""), ("other_item_idx", ""), ("n_baskets", ""))
        engine.define(Relation("features.item_pairs", columns, tuple(targets)))
        totals = "count(*), sum(n_baskets)::bigint, sum(hash(item_idx, other_item_idx, n_baskets)::hugeint)::varchar"
        [row] = engine.fetch(Query(f"select {totals} from features.item_pairs"))
    return len(blocks), int(row[0]), int(row[1]), int(row[2])


def test_small_blocks_in_a_tenth_of_the_memory_give_the_same_pairs(tmp_path: Path) -> None:
    whole = counted(tmp_path / "whole", memory_bytes=MEMORY, pairs_per_block=10**12)
    assert whole[0] == 1
    assert whole[2] > 7_000_000
    with pytest.raises(RecsysDuckError, match="memory does not suffice"):  # all at once it does not go
        counted(tmp_path / "failed", memory_bytes=MEMORY // 20, pairs_per_block=10**12)
    small = counted(tmp_path / "small", memory_bytes=MEMORY // 20, pairs_per_block=500_000)
    assert small[0] > 10
    assert small[1:] == whole[1:]


def test_blocks_cover_every_pair_whatever_their_size(tmp_path: Path) -> None:
    lay_out(tmp_path)
    baskets: dict[object, list[int]] = {}
    run(tmp_path, {"parameters": [("models", ["item_knn"])]})
    expected = checksums(tmp_path, ("recs", "features"))
    for basket, item in rows(tmp_path, "select basket_idx, item_idx from features.basket_items"):
        baskets.setdefault(basket, []).append(int(str(item)))
    pairs = Counter(pair for items in baskets.values() for pair in combinations(sorted(items), 2))
    for size in (7, 40):
        run(tmp_path, {"parameters": [("models", ["item_knn"]), ("pairs_per_block", size)]})
        found = rows(tmp_path, "select item_idx, other_item_idx, n_baskets from features.item_pairs")
        assert {(row[0], row[1]): row[2] for row in found} == pairs
        tables = checksums(tmp_path, ("recs", "features"))
        blocks = {"features.pair_blocks", "features.similarity_blocks", "features.user_blocks"}
        assert {name for name in tables if tables[name] != expected[name]} == blocks
