"""Pairs are counted within memory: small blocks and a spill give the rows of one block without a limit.

Blocks that are finished stay so, whatever stops the counting.
"""

import subprocess
import sys
import time
from collections import defaultdict
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest
from building import checksums, lay_out, rows, run, started

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


COUNTED = "item_idx, other_item_idx, n_baskets, n_share_units"


def counted(folder: Path, *, memory_bytes: int, pairs_per_block: int) -> tuple[int, ...]:
    """Run pair_blocks and item_pairs as a build does; returns blocks, pairs, sums of both counts and of hashes."""
    folder.mkdir(exist_ok=True)
    engine = DuckdbEngine(memory_bytes=memory_bytes, threads=2, temporary=folder / "spill")
    names = ("counted_baskets", "pair_blocks", "item_pairs")
    texts = {name: (SQL_FOLDER / f"features/{name}.sql").read_text() for name in names}
    with engine, SqlText() as reader:
        facts = {name: reader.facts(text, where=name) for name, text in texts.items()}
        items, baskets = folder.parent / "items.parquet", folder.parent / "baskets.parquet"
        if not items.exists():
            engine.write(Query(BASKET_ITEMS), items)
        engine.define(Relation("features.basket_items", (("basket_idx", ""), ("item_idx", "")), (items,)))
        if not baskets.exists():
            engine.write(Query(texts["counted_baskets"]), baskets)
        columns = (("basket_idx", ""), ("n_items", ""), ("n_share_units", ""))
        engine.define(Relation("features.counted_baskets", columns, (baskets,)))
        costs = folder / "costs.parquet"
        engine.write(Query("select 1 as n_pair_rows"), costs)  # its one row says that pairs are asked for
        engine.define(Relation("features.pair_costs", (("n_pair_rows", ""),), (costs,)))
        size = {"pairs_per_block": Value("bigint", pairs_per_block)}
        blocks = engine.fetch(Query(texts["pair_blocks"], facts["pair_blocks"].places, size))
        targets = []
        for first, last, _ in blocks:
            ends = {"first_item_idx": Value("integer", first), "last_item_idx": Value("integer", last)}
            targets.append(folder / f"{first}.parquet")
            engine.write(Query(texts["item_pairs"], facts["item_pairs"].places, ends), targets[-1])
        columns = tuple((name, "") for name in COUNTED.split(", "))
        engine.define(Relation("features.item_pairs", columns, tuple(targets)))
        sums = f"sum(n_baskets)::bigint, sum(n_share_units)::bigint, sum(hash({COUNTED})::hugeint)::varchar"
        [row] = engine.fetch(Query(f"select count(*), {sums} from features.item_pairs"))
    return len(blocks), *(int(value) for value in row)


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
    parameters: list[tuple[str, object]] = [("models", ["item_knn"]), ("measures", ["cosine", "p3alpha"])]
    run(tmp_path, {"parameters": parameters})
    expected = checksums(tmp_path, ("recs", "features"))
    pairs = pairs_by_hand(tmp_path)
    for size in (7, 40):
        run(tmp_path, {"parameters": [*parameters, ("pairs_per_block", size)]})
        found = rows(tmp_path, f"select {COUNTED} from features.item_pairs")
        assert {(row[0], row[1]): row[2:] for row in found} == pairs
        assert len(found) == len(pairs)
        tables = checksums(tmp_path, ("recs", "features"))
        blocks = {"features.pair_blocks", "features.similarity_blocks", "features.user_blocks"}
        assert {name for name in tables if tables[name] != expected[name]} == blocks


def pairs_by_hand(root: Path) -> dict[tuple[int, int], tuple[int, int]]:
    """For each pair the baskets that hold it, and the sum of 1 / size of each in units of 1e-12, from the baskets."""
    baskets: defaultdict[object, list[int]] = defaultdict(list)
    for basket, item in rows(root, "select basket_idx, item_idx from features.basket_items"):
        baskets[basket].append(int(str(item)))
    pairs: defaultdict[tuple[int, int], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for items in baskets.values():
        for pair in combinations(sorted(items), 2):
            n_baskets, n_share_units = pairs[pair]
            pairs[pair] = n_baskets + 1, n_share_units + round(Fraction(10**12, len(items)))
    return dict(pairs)


MANY_BLOCKS = """
    select user_id, (user_id * 37 + place * place * 11 + user_id * place) % 149 as item_id
    from range(400) as users(user_id), range(20) as places(place)
"""
SELECT, PER_BLOCK = "+features.item_pairs", 300


def parts_of(root: Path) -> dict[Path, tuple[int, int]]:
    """The files of finished blocks, each with its inode and the moment it was written."""
    files = (root / "warehouse/tables/features/item_pairs").glob("*/*.parquet")
    return {file: (file.stat().st_ino, file.stat().st_mtime_ns) for file in files}


def test_counting_that_was_killed_half_way_keeps_the_blocks_it_finished(tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for root in (killed, whole):
        root.mkdir()
        lay_out(root, events=MANY_BLOCKS)
    command = [sys.executable, "-m", "recsys_duck", "build", "--project", str(killed), "--threads", "1"]
    command += ["--select", SELECT, "--set", f"pairs_per_block={PER_BLOCK}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while len(parts_of(killed)) < 5:
        assert process.poll() is None, f"the build ended before it was killed: {process.communicate()[1]}"
        time.sleep(0.01)
    process.kill()
    process.communicate()
    kept = parts_of(killed)

    given: dict[str, object] = {"parameters": [("pairs_per_block", PER_BLOCK)]}
    events = run(killed, given, select=(SELECT,))

    run(whole, given, select=(SELECT,))
    [(n_blocks,)] = rows(whole, "select count(*) from features.pair_blocks")
    assert 5 <= len(kept) < int(str(n_blocks))
    assert started(events, "features.item_pairs").n_parts == int(str(n_blocks)) - len(kept)
    assert kept.items() <= parts_of(killed).items()
    assert len(parts_of(killed)) == n_blocks
    assert checksums(killed, ("features",)) == checksums(whole, ("features",))
    assert {(row[0], row[1]): row[2:] for row in rows(killed, f"select {COUNTED} from features.item_pairs")} == (
        pairs_by_hand(killed)
    )
