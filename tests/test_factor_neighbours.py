"""Neighbours from factors are those of all products with all, in float64, for every shape of block."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest
from building import lay_out, rows, run, started
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_duck.errors import ProjectError
from recsys_duck.models import item_neighbours
from recsys_duck.nearest import least_bytes, nearest, points, points_at_a_time

Rows = list[tuple[int, int, int, float]]
METRICS = ("cosine", "euclidean")


def score(left: list[float], right: list[float], metric: str) -> float | None:
    """Cosine, or the negated distance, of two vectors; None where there is no cosine."""
    if metric == "euclidean":
        return -math.sqrt(math.fsum((a - b) ** 2 for a, b in zip(left, right, strict=True)))
    lengths = [math.sqrt(math.fsum(a * a for a in vector)) for vector in (left, right)]
    if not all(lengths):
        return None
    return math.fsum(a * b for a, b in zip(left, right, strict=True)) / (lengths[0] * lengths[1])


def brute_force(vectors: np.ndarray, k: int, metric: str, owners: range | None = None) -> Rows:
    """Score everything with everything, one pair at a time; sort; cut."""
    found: Rows = []
    plain = vectors.astype(np.float64).tolist()
    for item in owners or range(len(plain)):
        scored = []
        for other, vector in enumerate(plain):
            value = None if other == item else score(plain[item], vector, metric)
            if value is not None:
                scored.append((-round(value, 12), other, value))
        found += [(item, place + 1, other, value) for place, (_, other, value) in enumerate(sorted(scored)[:k])]
    return found


def found(
    vectors: np.ndarray, k: int, metric: str, *, block: int = 512, group: int = 10**6, index: np.ndarray | None = None
) -> Rows:
    items = np.arange(len(vectors), dtype=np.int32) if index is None else index
    listed: Rows = []
    with mock.patch("recsys_duck.nearest.BLOCK", block):
        for one in nearest(points(vectors, items, metric=metric), k, at_a_time=group):
            listed += zip(
                one.users.tolist(), one.rank.tolist(), one.item_idx.tolist(), one.scores.tolist(), strict=True
            )
    return sorted(listed)


def made_up(seed: int, n_items: int, n_factors: int) -> np.ndarray:
    """Vectors of uneven length, in clusters as items of few users are, some of them equal and some of zeros."""
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((n_items, n_factors), dtype=np.float32)
    vectors *= random.gamma(0.5, 1.0, (n_items, 1)).astype(np.float32)
    near = random.random(n_items) < 0.4
    vectors[near] = vectors[random.integers(0, n_items, near.sum())]
    wide = near & (random.random(n_items) < 0.5)
    vectors[wide] *= 1 + random.choice([0, 1e-7, 1e-6, 1e-3], (wide.sum(), 1)).astype(np.float32)
    vectors[random.random(n_items) < 0.1] = 0
    return vectors


def assert_same(listed: Rows, wanted: Rows, atol: float) -> None:
    assert [row[:3] for row in listed] == [row[:3] for row in wanted]
    assert np.allclose([row[3] for row in listed], [row[3] for row in wanted], rtol=1e-12, atol=atol)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n_items=st.integers(1, 60),
    n_factors=st.integers(1, 9),
    k=st.integers(1, 25),
    block=st.integers(1, 8),
    group=st.integers(1, 40),
    metric=st.sampled_from(METRICS),
    power=st.sampled_from([0, -10, -20, -40, -66, -140, 13, 60]),
)
def test_lists_are_those_of_all_pairs(
    seed: int, n_items: int, n_factors: int, k: int, block: int, group: int, metric: str, power: int
) -> None:
    # whole numbers times a power of two: sums are exact in any order, and ties are many
    vectors = np.ldexp(np.round(made_up(seed, n_items, n_factors) * 8), power).astype(np.float32)
    assert_same(found(vectors, k, metric, block=block, group=group), brute_force(vectors, k, metric), atol=0)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_factors", [1, 30, 129])
def test_lists_are_equal_to_the_bit_for_every_shape_of_block(
    metric: str, n_factors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = made_up(n_factors, 3000, n_factors)
    expected = found(vectors, 10, metric)
    wanted = brute_force(vectors, 10, metric, range(0, 3000, 100))
    assert_same([row for row in expected if row[0] % 100 == 0], wanted, atol=1e-11)
    for block, group, sampled, room in ((100, 10**6, 256, 1), (511, 600, 3000, 40), (5000, 1, 1, 100_000)):
        monkeypatch.setattr("recsys_duck.nearest.SAMPLED", sampled)
        monkeypatch.setattr("recsys_duck.nearest.ROOM", room)
        monkeypatch.setattr("recsys_duck.nearest.EXACT_BYTES", block)
        assert found(vectors, 10, metric, block=block, group=group) == expected


@pytest.mark.parametrize("metric", METRICS)
def test_scores_that_float32_confuses_are_told_apart(metric: str) -> None:
    random = np.random.default_rng(5)
    vectors = (1 + 1e-4 * random.standard_normal((1500, 8))).astype(np.float32)
    listed = found(vectors, 10, metric)
    assert_same([row for row in listed if row[0] < 20], brute_force(vectors, 10, metric, range(20)), atol=1e-12)


def test_a_short_vector_among_long_ones_finds_what_is_near_it() -> None:
    random = np.random.default_rng(6)
    vectors = (1e-4 * random.standard_normal((800, 8))).astype(np.float32)
    vectors[::50] *= np.float32(1e6)
    assert_same(found(vectors, 5, "euclidean"), brute_force(vectors, 5, "euclidean"), atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_equal_vectors_go_to_the_smaller_item_and_crowd_no_memory(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys_duck.nearest.ROOM", 2)
    listed = found(np.ones((2000, 4), dtype=np.float32), 3, metric)
    wanted = {0: [1, 2, 3], 1: [0, 2, 3], 2: [0, 1, 3]}
    assert [row[2] for row in listed] == [other for item in range(2000) for other in wanted.get(item, [0, 1, 2])]


def test_what_differs_by_length_alone_is_equal_by_cosine_and_not_by_distance() -> None:
    vectors = np.array([[3, 4], [30, 40], [4, 3], [6, 8]], dtype=np.float32)
    assert [row[2] for row in found(vectors, 2, "cosine", block=4) if row[0] == 0] == [1, 3]
    assert found(vectors, 1, "euclidean", block=4)[0] == (0, 1, 2, -math.sqrt(2))


def test_zeros_have_no_cosine_but_a_distance() -> None:
    vectors = np.array([[0, 0], [1, 0], [2, 0], [0, 0]], dtype=np.float32)
    assert [row[:3] for row in found(vectors, 5, "cosine", block=2)] == [(1, 1, 2), (2, 1, 1)]
    listed = found(vectors, 2, "euclidean", block=2)
    assert listed[:2] == [(0, 1, 3, -0.0), (0, 2, 1, -1.0)]
    assert {row[0] for row in listed} == {0, 1, 2, 3}


@pytest.mark.parametrize("metric", METRICS)
def test_fewer_items_than_asked_for_make_shorter_lists_and_one_makes_none(metric: str) -> None:
    vectors = made_up(1, 4, 3) + 1
    assert [row[:2] for row in found(vectors, 10, metric, block=4)] == [(i, r) for i in range(4) for r in (1, 2, 3)]
    assert found(vectors[:1], 10, metric, block=4) == []
    assert found(vectors[:0], 10, metric, block=4) == []


def test_items_are_listed_under_their_own_index() -> None:
    listed = found(made_up(3, 3, 4) + 1, 5, "cosine", block=2, index=np.array([2, 5, 9], dtype=np.int32))
    assert {(row[0], row[2]) for row in listed} == {(a, b) for a in (2, 5, 9) for b in (2, 5, 9) if a != b}


def test_groups_follow_memory_and_hold_a_block_at_least() -> None:
    least = least_bytes(10)
    sizes = [points_at_a_time(n_bytes, 10) for n_bytes in (0, least, least + 2_000_000, 10**9)]
    assert sizes[:2] == [512, 512]
    assert sizes == sorted(sizes)
    assert sizes[3] > 500_000
    assert all(size % 512 == 0 for size in sizes)
    assert least_bytes(10_000) > least


CHOSEN = [("factors", 4), ("iterations", 3), ("similar_k", 3), ("models", ["als"]), ("similar_source", "factors")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = lay_out(tmp_path_factory.mktemp("factors"))
    run(root, {"parameters": CHOSEN})
    return root


def test_similar_items_are_the_nearest_by_the_published_factors(project: Path) -> None:
    vectors = np.array(
        [vector for (vector,) in rows(project, "select factors from models.item_factors order by item_idx")],
        dtype=np.float32,
    )
    listed = rows(
        project,
        """select items.item_idx, rank, others.item_idx, score, source from recs.similar_items
        join core.items using (item_id) join core.items as others on others.item_id = similar_item_id order by 1, 2""",
    )
    assert {row[4] for row in listed} == {"factors"}
    assert_same([row[:4] for row in listed], brute_force(vectors, 3, "cosine"), atol=1e-12)  # type: ignore[misc]


def test_where_factors_are_asked_for_no_pair_is_counted(project: Path) -> None:
    assert rows(project, "select count(*) from features.item_pairs") == [(0,)]
    assert rows(project, "select count(*) from features.short_lists") == [(0,)]
    assert rows(project, "select count(*) from similar_to('1')") == [(3,)]


def test_nobody_asked_costs_nothing(tmp_path: Path) -> None:
    lay_out(tmp_path)
    events = run(tmp_path, {"parameters": CHOSEN[:3]})
    assert started(events, "models.item_neighbours/als").need_mb == 0
    assert rows(tmp_path, "select count(*) from models.item_neighbours") == [(0,)]
    assert rows(tmp_path, "select distinct source from recs.similar_items") == [("pairs",)]
    run(tmp_path, {"parameters": [*CHOSEN[:3], ("factor_neighbours", True), ("neighbour_metric", "euclidean")]})
    assert rows(tmp_path, "select count(*), max(score) <= 0 from models.item_neighbours") == [(33, True)]
    assert rows(tmp_path, "select distinct source from recs.similar_items") == [("pairs",)]


def test_factors_of_a_model_that_is_left_out_are_refused(tmp_path: Path) -> None:
    lay_out(tmp_path)
    with pytest.raises(ProjectError, match="needs the factors of als") as caught:
        run(tmp_path, {"parameters": [("similar_source", "factors"), ("models", ["popular"])]})
    assert "similar_source, from command line" in caught.value.where
    assert "add als to models" in caught.value.fix


def test_what_the_search_needs_is_told_from_row_counts() -> None:
    parameters = {"factors": 30, "similar_source": "factors", "factor_neighbours": False, "similar_k": 10}
    inputs: Any = SimpleNamespace(parameters=parameters, n_rows={"core.items": 1_000_000}.__getitem__)
    assert 500_000_000 < item_neighbours.neighbour_bytes(inputs) < 1_000_000_000
    parameters["similar_source"] = "pairs"
    assert item_neighbours.neighbour_bytes(inputs) == 0
