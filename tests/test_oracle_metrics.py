"""The package and the oracle agree on metrics, of hand-made lists and of those of the models."""

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import log2
from pathlib import Path
from typing import Any

import pytest
from building import lay_out, rows, run
from judging import JUDGED, Told, build, published, random_told
from oracles.metrics import Audience, gini, metrics, user_metrics

TOLERANCE = 1e-9


def assert_close(note: str, found: Sequence[tuple[Any, ...]], wanted: Mapping[Any, float]) -> None:
    """Compare rows of a key and, as the last column, a number."""
    numbers = {row[:-1]: row[-1] for row in found}
    assert len(numbers) == len(found), f"{note}: a key stands twice"
    assert numbers.keys() == wanted.keys(), f"{note}: keys {sorted(numbers.keys() ^ wanted.keys())[:6]}"
    apart = {
        key: (numbers[key], value)
        for key, value in wanted.items()
        if not math.isclose(numbers[key], value, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    }
    assert not apart, f"{note}: other numbers (found, wanted) {apart}"


def audience_of(train: Iterable[tuple[Any, Any]], n_items: int) -> Audience:
    """What the lists are judged against beside the test items."""
    pairs = set(train)
    n_users_of: dict[Any, int] = {}
    for _, item_id in pairs:
        n_users_of[item_id] = n_users_of.get(item_id, 0) + 1
    return Audience(n_items, n_users_of, len({user_id for user_id, _ in pairs}))


def check(root: Path, told: Told, note: str, model: str = "popular") -> None:
    """Compare both tables of metrics with the oracle's."""
    question = f"select metric, k, convention, n_users, value from eval.metrics where model_name = '{model}'"
    wanted = metrics(told.lists, told.wanted, told.ks, audience_of(told.train, told.n_items))
    assert_close(note, rows(root, question), wanted)
    question = f"select user_id, metric, k, value from eval.user_metrics where model_name = '{model}'"
    assert_close(note, rows(root, question), user_metrics(told.lists, told.wanted, told.ks, told.n_items))


# --- by hand -----------------------------------------------------------------------------------------------

# Five users met item 0 in train, users 1 and 2 item 1 too, and user 1 the items 2 and 3; item 9 is in no event.
BY_HAND = Told(
    train=frozenset([*((user, 0) for user in range(1, 6)), (1, 1), (2, 1), (1, 2), (1, 3)]),
    wanted={1: {4, 5, 6}, 2: {2, 3}, 3: {1}, 4: {7, 8}},
    lists={2: [1, 2, 0, 3], 3: [2, 1], 4: [1, 2, 3, 0], 5: [1, 2]},
    n_items=10,
    ks=(1, 3, 4),
)


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("by_hand")
    build(root, BY_HAND)
    return root


def test_metrics_of_judged_users_worked_by_hand(by_hand: Path) -> None:
    """User 2 has hits at ranks 2 and 4 of two test items, user 3 at rank 2 of one; 4 has none, 1 not even a list."""
    found = published(by_hand)
    second, fourth = 1 / log2(3), 1 / log2(5)
    expected = {
        ("precision", 4, "hits_over_k"): (2 / 4 + 1 / 4) / 4,
        ("precision", 4, "hits_over_attainable"): 3 / (3 + 2 + 1 + 2),
        ("precision", 1, "hits_over_attainable"): 0 / (1 + 1 + 1 + 1),
        ("recall", 3, "hits_over_test_items"): (1 / 2 + 1) / 4,
        ("recall", 3, "hits_over_capped_test_items"): (1 / 2 + 1) / 4,
        ("ndcg", 4, "ideal_test_items"): ((second + fourth) / (1 + second) + second / 1) / 4,
        ("ndcg", 4, "ideal_full_list"): (second + fourth + second) / (1 + second + 1 / log2(4) + fourth) / 4,
        ("ndcg", 3, "ideal_test_items"): (second / (1 + second) + second / 1) / 4,
        ("map", 4, "precision_sum_over_attainable"): ((1 / 2 + 2 / 4) / 2 + 1 / 2) / 4,
        ("map", 4, "precision_sum_over_test_items"): ((1 / 2 + 2 / 4) / 2 + 1 / 2) / 4,
        ("mrr", 4, "first_hit"): (1 / 2 + 1 / 2) / 4,
        ("mrr", 1, "first_hit"): 0,
        ("hit_rate", 3, "any_hit"): 2 / 4,
        # user 1: (0 + 3) / 2 of the 7 others, that is a half; 2: two misses before hits; 3: one; 4: four, then a half
        ("auc", 4, "unlisted_at_chance"): (
            (3 / 2 * 7) / (3 * 7)
            + (0 + 1 + (2 + 2) / 2 * (8 - 2)) / (2 * 8)
            + (0 + (1 + 1) / 2 * (9 - 1)) / (1 * 9)
            + (0 + (0 + 2) / 2 * (8 - 4)) / (2 * 8)
        )
        / 4,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected, rel=TOLERANCE)


def test_a_cap_below_the_test_items_makes_the_conventions_differ(by_hand: Path) -> None:
    # at 1 nobody has a hit but everybody's cap is 1; a user with three test items, two of them in a list of two
    assert published(by_hand)["recall", 1, "hits_over_capped_test_items"] == 0
    lists, wanted = {1: [7, 8]}, {1: {7, 8, 9}}
    found = metrics(lists, wanted, [2], Audience(10, {7: 1, 8: 1}, 2))
    assert found["recall", 2, "hits_over_test_items", 1] == 2 / 3
    assert found["recall", 2, "hits_over_capped_test_items", 1] == 2 / 2
    assert found["map", 2, "precision_sum_over_attainable", 1] == (1 / 1 + 2 / 2) / 2
    assert found["map", 2, "precision_sum_over_test_items", 1] == pytest.approx((1 / 1 + 2 / 2) / 3)


def test_metrics_of_all_lists_worked_by_hand(by_hand: Path) -> None:
    """Four lists, the first three places: item 1 in four, 2 in four, 0 and 3 in one each; all four are train's."""
    found = published(by_hand)
    expected = {
        ("coverage", 3, "listed_of_train_items"): 4 / 4,
        ("coverage", 3, "listed_of_catalogue"): 4 / 10,
        ("coverage", 1, "listed_of_train_items"): 2 / 4,
        # ascending 1, 1, 4, 4
        ("gini", 3, "exposure_of_train_items"): (-3 * 1 - 1 * 1 + 1 * 4 + 3 * 4) / (4 * 10),
        # at 1: item 1 three times, 2 once, 0 and 3 never
        ("gini", 1, "exposure_of_train_items"): (1 * 1 + 3 * 3) / (4 * 4),
        # of five users, five met item 0, two met 1, one met 2 and one 3
        ("novelty", 3, "self_information"): (4 * log2(5 / 2) + 4 * log2(5) + log2(5 / 5) + log2(5)) / 10,
        ("novelty", 1, "self_information"): (3 * log2(5 / 2) + log2(5)) / 4,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected, rel=TOLERANCE)
    counted = rows(by_hand, "select distinct metric, n_users from eval.metrics order by all")
    about_lists = {"coverage", "gini", "novelty"}
    assert {metric for metric, _ in counted} >= about_lists
    # four users have lists, 2 to 5; four are judged, 1 to 4
    assert all(n_users == 4 for _, n_users in counted)


def test_hand_made_lists_agree_with_the_oracle(by_hand: Path) -> None:
    check(by_hand, BY_HAND, "by hand")


def test_every_row_says_what_it_is(by_hand: Path) -> None:
    question = "select count(*), count(definition), count(distinct (metric, convention)), count(distinct definition) "
    (n_rows, n_told, n_conventions, n_definitions) = rows(by_hand, question + "from eval.metrics")[0]
    assert n_rows == n_told
    assert n_conventions == n_definitions == 15


def test_the_gini_index_is_that_of_the_mean_difference() -> None:
    amounts = [0, 0, 1, 5, 5, 9, 2]
    differences = sum(abs(one - other) for one in amounts for other in amounts)
    assert gini(amounts) == pytest.approx(differences / (2 * len(amounts) * sum(amounts)))
    assert gini([3, 3, 3]) == 0
    assert gini([0, 0, 0, 8]) == 3 / 4


def test_what_stands_behind_k_changes_nothing_at_k(tmp_path: Path) -> None:
    told = replace(BY_HAND, lists={2: [0, 1, 2, 3], 3: [2, 0, 3, 1]}, ks=(2, 4))
    other = replace(told, lists={2: [0, 1, 3], 3: [2, 0, 1]})
    for name, one in {"told": told, "other": other}.items():
        build(tmp_path / name, one)
        check(tmp_path / name, one, name)
    before, after = published(tmp_path / "told"), published(tmp_path / "other")
    at_2 = [key for key in before if key[1] == 2]
    assert {key: before[key] for key in at_2} == {key: after[key] for key in at_2}
    assert before["precision", 2, "hits_over_k"] == 0 < before["precision", 4, "hits_over_k"]
    assert before["ndcg", 4, "ideal_test_items"] != after["ndcg", 4, "ideal_test_items"]


def test_who_met_everything_in_test_has_an_auc_of_one(tmp_path: Path) -> None:
    told = Told(frozenset({(1, 0), (2, 0)}), {1: {0, 1}}, {1: [0], 2: [0]}, n_items=2, ks=(1, 2))
    build(tmp_path, told)
    assert published(tmp_path)["auc", 2, "unlisted_at_chance"] == 1
    check(tmp_path, told, "everything")


# --- random lists ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_random_lists_agree_with_the_oracle(tmp_path: Path, seed: int) -> None:
    told = random_told(random.Random(seed), is_full=False)
    build(tmp_path, told)
    check(tmp_path, told, f"seed {seed}")


@pytest.mark.parametrize("split", ["none", "random", "time", "last_n", "new_users"])
def test_the_models_lists_agree_with_the_oracle_under_every_split(tmp_path: Path, split: str) -> None:
    lay_out(tmp_path)
    models, ks = ["popular", "item_knn"], (3, 5)
    chosen = [("split", split), ("test_share", 0.4), ("models", models), ("ks", list(ks)), ("top_n", 5)]
    run(tmp_path, {"parameters": chosen}, select=JUDGED)
    wanted: dict[Any, set[Any]] = {}
    for user_id, item_id in rows(tmp_path, "select user_id, item_id from split.judged_pairs"):
        wanted.setdefault(user_id, set()).add(item_id)
    assert bool(wanted) == (split != "none")
    train = frozenset(rows(tmp_path, "select user_id, item_id from split.train"))
    n_items = int(str(rows(tmp_path, "select count(*) from core.items")[0][0]))
    for model in models:
        lists: dict[Any, list[Any]] = {}
        question = f"select user_id, item_id from recs.personal where model_name = '{model}' order by user_id, rank"
        for user_id, item_id in rows(tmp_path, question):
            lists.setdefault(user_id, []).append(item_id)
        assert lists
        told = Told(train, wanted, lists, n_items, ks)  # type: ignore[arg-type]
        check(tmp_path, told, f"{model}, {split}", model)
        assert {key[0] for key in published(tmp_path, model)} >= {"coverage", "gini", "novelty"}
