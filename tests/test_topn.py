"""Lists from factors are those of a product of everything with everything, for every shape of block."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from recsys_duck.topn import item_vectors, top_n, users_at_a_time

Rows = list[tuple[int, int, int, float]]


def brute_force(users: np.ndarray, items: np.ndarray, seen: np.ndarray, n: int) -> Rows:
    """Multiply everything exactly, one user and one item at a time; sort; cut."""
    rows: Rows = []
    for user in range(len(users)):
        scored = []
        for item in range(len(items)):
            if not seen[user, item]:
                pairs = zip(users[user].tolist(), items[item].tolist(), strict=True)
                score = math.fsum(left * right for left, right in pairs)
                scored.append((-score, item, score))
        rows += [(user, item, place + 1, score) for place, (_, item, score) in enumerate(sorted(scored)[:n])]
    return rows


def found(
    users: np.ndarray, items: np.ndarray, seen: np.ndarray | None, n: int, *, at_a_time: int, chosen: object = None
) -> Rows:
    ranked = item_vectors(items, np.arange(len(items), dtype=np.int32), len(items))
    entries = None if seen is None else csr_matrix(seen.astype(np.float32))
    whose = np.arange(len(users)) if chosen is None else np.asarray(chosen)
    rows: Rows = []
    for one in top_n(ranked, users, entries, n, users=whose, at_a_time=at_a_time):
        rows += zip(one.users.tolist(), one.item_idx.tolist(), one.rank.tolist(), one.scores.tolist(), strict=True)
    return sorted(rows, key=lambda row: row[0])


def made_up(seed: int, n_users: int, n_items: int, n_factors: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factors of uneven length, as ALS gives them, and about a tenth of all pairs seen."""
    random = np.random.default_rng(seed)
    users = random.standard_normal((n_users, n_factors), dtype=np.float32)
    items = random.standard_normal((n_items, n_factors), dtype=np.float32)
    items *= random.gamma(0.5, 1.0, (n_items, 1)).astype(np.float32)
    return users, items, random.random((n_users, n_items)) < 0.1


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n_items=st.integers(1, 60),
    n_factors=st.integers(1, 9),
    n=st.integers(1, 25),
    at_a_time=st.integers(1, 8),
    scale=st.sampled_from([1.0, 1e-3, 1e-5, 3e-6, 1e-6, 1e-7, 1e-20, 1e4]),
)
def test_lists_are_those_of_the_whole_product(
    seed: int, n_items: int, n_factors: int, n: int, at_a_time: int, scale: float
) -> None:
    users, items, seen = made_up(seed, 7, n_items, n_factors)
    users, items = (factors * np.float32(scale) for factors in (users, items))
    rows = found(users, items, seen, n, at_a_time=at_a_time)
    wanted = brute_force(users, items, seen, n)
    assert [row[:3] for row in rows] == [row[:3] for row in wanted]
    assert np.allclose([row[3] for row in rows], [row[3] for row in wanted], rtol=1e-12, atol=1e-14 * scale**2)


@pytest.mark.parametrize("n_factors", [1, 30, 64, 129])
def test_lists_are_equal_to_the_bit_for_every_shape_of_block(n_factors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    users, items, seen = made_up(n_factors, 50, 6000, n_factors)
    expected = found(users, items, seen, 20, at_a_time=50)
    assert [row[:3] for row in expected[:40]] == [row[:3] for row in brute_force(users[:2], items, seen[:2], 20)]
    for at_a_time in (1, 7, 32):
        assert found(users, items, seen, 20, at_a_time=at_a_time) == expected
    for width in (600, 5999, 10_000):
        monkeypatch.setattr("recsys_duck.topn.ITEMS_PER_BLOCK", width)
        monkeypatch.setattr("recsys_duck.topn.EXACT_BYTES", width)
        assert found(users, items, seen, 20, at_a_time=7) == expected


def test_scores_that_float32_confuses_are_told_apart() -> None:
    # thousands of scores within a few units of float32: plain float32 would change the order
    random = np.random.default_rng(5)
    items = (1 + 1e-6 * random.standard_normal((3000, 8))).astype(np.float32)
    users = np.ones((3, 8), dtype=np.float32)
    nothing = np.zeros((3, 3000), dtype=bool)
    rows = found(users, items, nothing, 10, at_a_time=3)
    assert [row[:3] for row in rows] == [row[:3] for row in brute_force(users, items, nothing, 10)]


def test_equal_scores_go_to_the_smaller_item_and_crowd_no_memory() -> None:
    items = np.ones((5000, 4), dtype=np.float32)
    users = np.concatenate([np.ones((30, 4)), np.zeros((10, 4))]).astype(np.float32)
    seen = np.zeros((40, 5000), dtype=bool)
    seen[:, 1] = True
    rows = found(users, items, seen, 3, at_a_time=40)
    assert [(item, rank) for _, item, rank, _ in rows] == [(0, 1), (2, 2), (3, 3)] * 40


def test_a_user_who_has_seen_all_but_two_items_has_a_list_of_two() -> None:
    users, items, _ = made_up(1, 2, 30, 4)
    seen = np.ones((2, 30), dtype=bool)
    seen[0, [4, 9]] = False
    rows = found(users, items, seen, 10, at_a_time=2)
    assert {(user, item) for user, item, _, _ in rows} == {(0, 4), (0, 9)}


def test_with_nothing_seen_everything_may_be_listed_and_only_chosen_users_have_lists() -> None:
    users, items, _ = made_up(2, 6, 30, 4)
    rows = found(users, items, None, 30, at_a_time=2, chosen=[1, 4, 5])
    assert sorted({row[0] for row in rows}) == [1, 4, 5]
    assert len(rows) == 3 * 30
    assert rows[30:60] == [(4, *row[1:]) for row in found(users[4:5], items, None, 30, at_a_time=1)]


def test_only_the_items_given_are_listed_under_their_own_index() -> None:
    users, items, _ = made_up(3, 2, 10, 4)
    chosen = np.array([2, 5, 9], dtype=np.int32)
    ranked = item_vectors(items[chosen], chosen, 10)
    [one] = top_n(ranked, users, None, 5, users=np.arange(2), at_a_time=2)
    assert sorted(set(one.item_idx.tolist())) == [2, 5, 9]


def test_blocks_follow_memory_within_bounds() -> None:
    sizes = [users_at_a_time(n_bytes, 100, 64) for n_bytes in (0, 40_000_000, 100_000_000, 10**9, 10**12)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 1
    assert sizes[-1] == 1024
