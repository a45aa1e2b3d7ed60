"""The package and the oracle agree on baskets, pairs and lists: on the real slices and on random events."""

import random
from collections.abc import Callable
from math import sqrt
from pathlib import Path

import pytest
from comparing import assert_close, values
from listing import CHECKS, Case, baskets_of_users, check_all, events_case, random_events, with_parameters
from oracles.baskets import Basket, basket_sizes
from oracles.lists import Settings
from oracles.measures import MEASURES

# --- the real slices ---------------------------------------------------------------------------------------

ONE_SLICE, ALL_SLICES = "mpd.slice.0-999.json", "mpd.slice.*.json"
MPD = Settings(
    basket_by="basket_id",
    basket_min=5,
    basket_max=30,
    pair_min_count=1,
    similar_measure="normalised_count",
)
REAL_CASES: dict[str, tuple[str, dict[str, object]]] = {
    "artists": (ALL_SLICES, {"item_entity": "artist"}),
    "tracks": (ALL_SLICES, {"item_entity": "track", "top_entities": 0, "split": "random", "seed": 3}),
    "recipe_5": (
        ONE_SLICE,
        {
            "item_entity": "track",
            "top_entities": 0,
            "min_playlist_tracks": 0,
            "split": "random",
            "basket_min": 2,
            "basket_max": 0,
            "basket_count": "distinct",
            "similar_measure": "cosine",
            "top_n": 100,
        },
    ),
}
# All measures of all items take minutes; the measure that is used is compared for all of them.
EVERY = {"artists": 3, "tracks": 20, "recipe_5": 100}


def real_case(root: Path, folder: Path, name: str) -> Case:
    """Build some slices; what is not given has the kind's default."""
    pattern, parameters = REAL_CASES[name]
    settings = with_parameters(MPD, parameters)
    case = Case(root, parameters, settings, name, kind="mpd", files=[("", str(folder / pattern))])
    case.every = EVERY[name]
    return case


@pytest.fixture(scope="module", params=list(REAL_CASES))
def real(request: pytest.FixtureRequest, slices_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return real_case(tmp_path_factory.mktemp(request.param), slices_folder, request.param)


@pytest.mark.parametrize("check", CHECKS)
def test_real_slices_agree_with_the_oracle(real: Case, check: Callable[[Case], None]) -> None:
    check(real)


# --- worked by hand ----------------------------------------------------------------------------------------


def test_baskets_worked_by_hand(tmp_path: Path) -> None:
    a, b, c, d, e = range(1, 6)
    baskets = {10: [a, b, c, a], 20: [b, a], 30: [a, c], 40: [d], 50: [a, b, c, d, e], None: [a]}
    events = values(
        "user_id bigint, basket_id bigint, item_id bigint",
        [(7, basket, item) for basket, items in baskets.items() for item in items],
    )
    parameters = {"basket_by": "basket_id", "basket_max": 4, "similar_measure": "lift", "similar_threshold": 0.5}
    case = events_case(tmp_path, events, parameters, "baskets worked by hand")
    assert basket_sizes(case.baskets)["10"] == Basket(n_rows=4, n_items=3)
    assert case.ledger("features.basket_items") == {
        "in": 15,
        "kept": 7,
        "missing_basket": 1,
        "basket_too_small": 1,
        "basket_too_large": 5,
        "repeat_in_basket": 1,
    }
    # one basket of b and c is too few
    found = case.rows("select item_id, rank, similar_item_id, n_baskets from features.item_similarity where rank = 1")
    assert set(found) == {(a, 1, b, 2), (b, 1, a, 2), (c, 1, a, 2)}
    check_all(case)


def test_a_score_at_the_threshold_is_not_above_it(tmp_path: Path) -> None:
    a, b, c = 1, 2, 3
    parameters = {"basket_min": 1, "pair_min_count": 1, "similar_threshold": 0.5}
    case = events_case(tmp_path, baskets_of_users([a, b], [a, b], [a, c], [a]), parameters, "threshold by hand")
    # 1 / sqrt(4 * 1) = 0.5 for a and c
    wanted = {(a, 1, b): 2 / sqrt(4 * 2), (b, 1, a): 2 / sqrt(4 * 2)}
    found = case.rows("select item_id, rank, similar_item_id, score from recs.similar_items")
    assert_close(case.note, "similar items", found, wanted)
    check_all(case)


def test_scores_equal_but_for_the_last_bit_are_a_tie(tmp_path: Path) -> None:
    a, b, c = 1, 2, 3
    assert 1 / sqrt(3 * 1) > 3 / sqrt(3 * 9)
    baskets = [[a, b, c], [a, b], [a, b], *[[b]] * 6]
    case = events_case(tmp_path, baskets_of_users(*baskets), {"basket_min": 1, "pair_min_count": 1}, "last bit by hand")
    found = case.rows(f"select similar_item_id from recs.similar_items where item_id = {a} order by rank")
    assert found == [(b,), (c,)]
    check_all(case)


def test_half_a_unit_of_lift_counts_as_a_whole_one(tmp_path: Path) -> None:
    a, b, c = 1, 2, 3
    parameters = {"basket_min": 1, "pair_min_count": 1, "similar_measure": "lift"}
    baskets = [[a, b], *[[a]] * 15, *[[b]] * 7, [c], [c]]
    case = events_case(tmp_path, baskets_of_users(*baskets), parameters, "halves by hand")
    similar = case.rows("select distinct score from recs.similar_items")
    assert similar == [(1 * 25 / (16 * 8),)] == [(0.1953125,)]
    summed = case.rows("select distinct score from recs.personal where model_name = 'item_knn'")
    assert summed == [(0.195313,)]
    check_all(case)


# Users 1 to 5 have the first 5, 4, 3, 2 and 1 of the items 10 to 50, user 6 has item 10.
NESTED = [(user, item) for user in range(1, 6) for item in range(10, 70 - 10 * user, 10)] + [(6, 10)]


def test_lists_worked_by_hand(tmp_path: Path) -> None:
    parameters = {"similar_threshold": 0.9, "pair_min_count": 1, "top_n": 3, "ks": [1]}
    case = events_case(tmp_path, values("user_id bigint, item_id bigint", NESTED), parameters, "lists by hand")
    # Users with one item are no baskets, so item 10 is in 4, as item 20 is: cosine 4 / sqrt(4 * 4). That of 20 and 30
    # is 3 / sqrt(4 * 3), below the threshold like all others.
    found = case.rows("select user_id, rank, item_id, score from recs.personal order by user_id")
    assert found == [(5, 1, 20, 1.0), (6, 1, 20, 1.0)]
    check_all(case)


# --- random events -----------------------------------------------------------------------------------------

SEEDS = range(len(MEASURES))
THRESHOLDS = {
    "count": 1.0,
    "cosine": 0.5,
    "jaccard": 1 / 3,
    "dice": 0.5,
    "overlap": 0.5,
    "lift": 1.25,
    "pmi": 0.0,
    "npmi": 0.0,
    "conditional": 0.5,
    "conditional_reverse": 0.5,
    "asymmetric_cosine": 0.5,
    "log_likelihood": 0.5,
    "normalised_count": 0.05,
    "p3alpha": 0.1,
    "rp3beta": 0.1,
}


def random_parameters(chance: random.Random, measure: str) -> dict[str, object]:
    """Parameters that bite on a few dozen rows."""
    parameters: dict[str, object] = {
        "basket_by": chance.choice(["user", "session", "basket_id"]),
        "session_gap_minutes": chance.choice([0, 30, 60, 60, 1440]),
        "basket_last_n": chance.choice([0, 0, 1, 3, 5]),
        "basket_min": chance.choice([0, 1, 2, 2, 3]),
        "basket_max": chance.choice([0, 0, 0, 6, 12]),
        "basket_count": chance.choice(["rows", "distinct"]),
        "pair_min_count": chance.choice([1, 1, 1, 2, 3]),
        "similar_measure": measure,
        "similar_k": chance.choice([1, 2, 5, 20]),
        "similar_threshold": chance.choice([None, None, THRESHOLDS[measure]]),
        "asymmetric_alpha": chance.choice([0.0, 0.3, 0.5, 1.0]),
        "rp3_beta": chance.choice([0.0, 0.6, 1.0]),
        "top_n": chance.choice([1, 3, 30]),
        "ks": [1],
        "include_seen": chance.choice([False, False, True]),
        "split": chance.choice(["none", "random", "time", "last_n", "new_users"]),
        "test_share": chance.choice([0.2, 0.4]),
        "seed": chance.randint(0, 99),
    }
    if parameters["split"] == "time" and chance.random() < 0.5:
        parameters["cutoff"] = f"2024-01-0{chance.randint(2, 9)}"
    return parameters


@pytest.mark.parametrize("seed", SEEDS)
def test_random_events_agree_with_the_oracle(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    parameters = random_parameters(chance, MEASURES[seed % len(MEASURES)])
    case = events_case(tmp_path, random_events(chance), parameters, f"seed {seed}, {parameters}")
    check_all(case)
