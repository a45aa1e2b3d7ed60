"""The training matrix is that of plain Python, and of implicit where a weighting is implicit's."""

import math
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from building import lay_out, rows, run
from comparing import assert_close, values
from implicit.nearest_neighbours import bm25_weight, tfidf_weight
from oracles.weights import Settings, matrix
from scipy.sparse import csr_matrix

FLOAT32 = 1e-6  # weights are stored with 24 bits, 6e-8; formulas are calculated in 53
WEIGHTINGS = ("binary", "raw", "log1p", "tfidf", "bm25")

Row = tuple[int, int, str | None]


def built(root: Path, table: Sequence[Row]) -> Path:
    """Lay out events (user, item, weight)."""
    return lay_out(root, events=values("user_id bigint, item_id bigint, weight decimal(18,6)", table))


def told(root: Path, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
    """The matrix that these parameters give: user, item, weight."""
    run(root, {"parameters": list(parameters.items())}, select=("+training.matrix", "+split.train"))
    [(kind,)] = rows(
        root,
        "select data_type from duckdb_columns() where schema_name = 'training' and table_name = 'matrix' "
        "and column_name = 'weight'",
    )
    assert kind == "FLOAT"
    question = """
        select user_id, item_id, weight
        from training.matrix
        inner join core.users using (user_idx)
        inner join core.items using (item_idx)
    """
    return rows(root, question)


def train(root: Path) -> list[tuple[Any, Any, Decimal]]:
    """Users, items and weights of train, one row for each event."""
    return rows(root, "select user_id, item_id, weight from split.train")  # type: ignore[return-value]


# N = 4 items; user 1 has two of them, user 2 one, user 3 all four
BY_HAND: list[Row] = [
    *[(1, 10, "2"), (1, 10, "1"), (1, 20, "0.5"), (2, 20, "4")],
    *[(3, 10, "1"), (3, 20, "1"), (3, 30, "1"), (3, 40, "1")],
]
IDF = {1: math.log(4) - math.log(1 + 2), 2: math.log(4) - math.log(1 + 1), 3: 0.0}
# lengths 4, 5.5, 1 and 1: 11.5 / 4 on average
LENGTH = {10: 4 / (11.5 / 4), 20: 5.5 / (11.5 / 4), 30: 1 / (11.5 / 4), 40: 1 / (11.5 / 4)}
CELLS = {(1, 10): 3.0, (1, 20): 0.5, (2, 20): 4.0, (3, 10): 1.0, (3, 20): 1.0, (3, 30): 1.0, (3, 40): 1.0}
K1, B = 1.5, 0.75
WORKED = {
    "binary": dict.fromkeys(CELLS, 1.0),
    "raw": CELLS,
    "log1p": {cell: math.log(1 + weight) for cell, weight in CELLS.items()},
    "tfidf": {(user, item): math.sqrt(weight) * IDF[user] for (user, item), weight in CELLS.items()},
    "bm25": {
        (user, item): weight * (K1 + 1) / (K1 * (1 - B + B * LENGTH[item]) + weight) * IDF[user]
        for (user, item), weight in CELLS.items()
    },
}


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("hand"), BY_HAND)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_weights_worked_by_hand(by_hand: Path, weighting: str) -> None:
    """User 3 has every item: the logarithm would be negative, and is 0; the pair stays in the matrix."""
    found = told(by_hand, {"weighting": weighting, "bm25_k1": K1, "bm25_b": B})
    assert_close("by hand", weighting, found, WORKED[weighting], FLOAT32)
    of_oracle = matrix(train(by_hand), Settings(weighting, K1, B))
    assert_close("the oracle", weighting, [(*cell, value) for cell, value in of_oracle.items()], WORKED[weighting])


def random_table(chance: random.Random) -> list[Row]:
    """Plays of a few users and items, some pairs often."""
    n_users, n_items = chance.choice([3, 20]), chance.choice([5, 40])
    weights = [None, "0", "1", "1", "0.000001", "0.5", "3", "250.25", "1000000"]
    return [
        (chance.randrange(n_users), int(n_items * chance.random() ** 2), chance.choice(weights))
        for _ in range(chance.choice([10, 100, 400]))
    ]


@pytest.mark.parametrize("seed", range(8))
def test_random_matrices_agree_with_the_oracle(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    built(tmp_path, random_table(chance))
    split: dict[str, object] = chance.choice([{}, {"split": "random", "test_share": 0.4}])
    for weighting in WEIGHTINGS:
        parameters = {"weighting": weighting, "bm25_k1": chance.choice([0.0, 1.2, 100.0])}
        parameters["bm25_b"] = chance.choice([0.0, 0.8, 1.0])
        found = told(tmp_path, {**parameters, **split})
        wanted = matrix(train(tmp_path), Settings(**parameters))  # type: ignore[arg-type]
        assert_close(f"seed {seed}, {parameters}", weighting, found, wanted, FLOAT32)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_pairs_that_weigh_nothing_stay_in_the_matrix(tmp_path: Path, weighting: str) -> None:
    """Users 1 and 2 differ in item 20 alone, which weighs nothing; so do all pairs of user 3."""
    built(tmp_path, [(1, 10, "1"), (1, 20, "0"), (2, 10, "1"), (3, 20, "0"), (3, 30, "0"), (4, 40, "2")])
    found = {row[:2]: row[2] for row in told(tmp_path, {"weighting": weighting, "bm25_k1": 0.0, "bm25_b": 1.0})}
    assert len(found) == 6
    nothing = {"binary": 1.0}.get(weighting, 0.0)
    assert [found[1, 20], found[3, 20], found[3, 30]] == [nothing] * 3
    wanted = matrix(train(tmp_path), Settings(weighting, 0.0, 1.0))
    assert_close("nothing", weighting, [(*cell, weight) for cell, weight in found.items()], wanted, FLOAT32)


@pytest.mark.parametrize("weighting", ["tfidf", "bm25"])
def test_weights_are_those_of_implicit(tmp_path: Path, weighting: str) -> None:
    """Of the items that train knows, by users; nobody has all of them, so that no weight there is negative."""
    chance = random.Random(5)
    table = [
        (user, (user + step * chance.randint(1, 3)) % 30, str(chance.randint(1, 9)))
        for user in range(50)
        for step in range(12)
    ]
    built(tmp_path, table)
    found = told(tmp_path, {"weighting": weighting, "bm25_k1": 1.2, "bm25_b": 0.75, "split": "random"})
    cells = train(tmp_path)
    items = sorted({item for _, item, _ in cells})
    row_of = {item: row for row, item in enumerate(items)}
    places = ([row_of[item] for _, item, _ in cells], [user for user, _, _ in cells])
    summed = csr_matrix((np.array([float(weight) for *_, weight in cells]), places), shape=(len(items), 50))
    summed.sum_duplicates()

    theirs = {"tfidf": tfidf_weight, "bm25": lambda plays: bm25_weight(plays, K1=1.2, B=0.75)}[weighting](summed)

    wanted = {
        (int(user), items[row]): float(value)
        for row, user, value in zip(theirs.row, theirs.col, theirs.data, strict=True)
    }
    assert_close("beside implicit", weighting, found, wanted, FLOAT32)
    assert min(wanted.values()) > 0
