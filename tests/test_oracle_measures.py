"""Every measure of similarity is its paper's formula, keeps the formula's laws, and is what similaripy gives."""

import random
from collections.abc import Sequence
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparing import assert_close
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from listing import Case, baskets_of_users, check_all, check_short_lists, check_similarity, events_case
from oracles.measures import FORMULAS, MEASURES, SYMMETRIC, Constants, Counts
from scipy.sparse import csr_matrix

EVERY_PAIR: dict[str, object] = {"basket_min": 1, "pair_min_count": 1, "similar_k": 1000}


def scores(case: Case) -> dict[str, dict[tuple[Any, Any], float]]:
    """The score of each neighbour of each item, by measure."""
    found: dict[str, dict[tuple[Any, Any], float]] = {measure: {} for measure in MEASURES}
    for measure, *pair, score in case.rows(
        "select measure, item_id, similar_item_id, score from features.item_similarity"
    ):
        found[measure][pair[0], pair[1]] = score
    return found


# --- worked by hand ----------------------------------------------------------------------------------------

A, B, C, D = 1, 2, 3, 4
BY_HAND = [[A, B], [A, B, C], [A, C], [C], [C, D]]
# N = 5, n(a) = 3, n(b) = 2, n(a, b) = 2, T(a) = 1 + 2 + 1, T(b) = 1 + 2; b is only where a is, 2 baskets have neither
G2 = 2 * (2 * log(2 * 5 / (3 * 2)) + 1 * log(1 * 5 / (3 * 3)) + 0 + 2 * log(2 * 5 / (2 * 3)))
WORKED: dict[str, tuple[float, float]] = {  # b beside a, a beside b
    "count": (2, 2),
    "cosine": (2 / sqrt(3 * 2), 2 / sqrt(3 * 2)),
    "jaccard": (2 / (3 + 2 - 2), 2 / (3 + 2 - 2)),
    "dice": (2 * 2 / (3 + 2), 2 * 2 / (3 + 2)),
    "overlap": (2 / 2, 2 / 2),
    "lift": (2 * 5 / (3 * 2), 2 * 5 / (3 * 2)),
    "pmi": (log(5 / 3), log(5 / 3)),
    "npmi": (log(5 / 3) / -log(2 / 5), log(5 / 3) / -log(2 / 5)),
    "conditional": (2 / 3, 2 / 2),
    "conditional_reverse": (2 / 2, 2 / 3),
    "asymmetric_cosine": (2 / (3**0.25 * 2**0.75), 2 / (2**0.25 * 3**0.75)),
    "log_likelihood": (G2, G2),
    "normalised_count": (2 / (4 + 3), 2 / (4 + 3)),
    "p3alpha": ((1 / 2 + 1 / 3) / 3, (1 / 2 + 1 / 3) / 2),
    "rp3beta": ((1 / 2 + 1 / 3) / 3 / 2**0.4, (1 / 2 + 1 / 3) / 2 / 3**0.4),
}
HAND_PARAMETERS: dict[str, object] = {
    "basket_min": 1,
    "pair_min_count": 2,
    "similar_k": 2,
    "asymmetric_alpha": 0.25,
    "rp3_beta": 0.4,
}


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return events_case(tmp_path_factory.mktemp("hand"), baskets_of_users(*BY_HAND), HAND_PARAMETERS, "worked by hand")


@pytest.mark.parametrize("measure", MEASURES)
def test_a_measure_worked_by_hand(by_hand: Case, measure: str) -> None:
    found = scores(by_hand)[measure]
    assert (found[A, B], found[B, A]) == pytest.approx(WORKED[measure], rel=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_oracle_gives_what_is_worked_by_hand(measure: str) -> None:
    counts = Counts(BY_HAND)
    told = Constants(asymmetric_alpha=0.25, rp3_beta=0.4)
    found = (FORMULAS[measure](counts.neighbours(A)[B], told), FORMULAS[measure](counts.neighbours(B)[A], told))
    assert found == pytest.approx(WORKED[measure], rel=1e-12)


def test_lists_that_are_short_worked_by_hand(by_hand: Case) -> None:
    found = by_hand.rows("select measure, item_id, n_similar from features.short_lists order by all")
    # a shares two baskets with b and with c, b and c share one, d none but with c
    assert found == [(measure, *short) for measure in sorted(MEASURES) for short in ((B, 1), (C, 1), (D, 0))]
    check_all(by_hand)


def test_two_items_in_every_basket_have_an_npmi_of_one(tmp_path: Path) -> None:
    case = events_case(tmp_path, baskets_of_users([A, B], [A, B], [A, B, C]), EVERY_PAIR, "in every basket")
    found = scores(case)
    assert found["npmi"][A, B] == found["npmi"][B, A] == 1
    assert found["pmi"][A, B] == found["log_likelihood"][A, B] == 0
    check_all(case)


def test_only_the_measures_that_are_asked_for_are_made(tmp_path: Path) -> None:
    parameters = {**EVERY_PAIR, "measures": ["npmi", "p3alpha"], "similar_measure": "p3alpha"}
    case = events_case(tmp_path, baskets_of_users(*BY_HAND), parameters, "two measures")
    for table in ("features.item_similarity", "features.short_lists"):
        assert case.rows(f"select distinct measure from {table} order by all") == [("npmi",), ("p3alpha",)]
    check_all(case)


# --- laws --------------------------------------------------------------------------------------------------

MANY_BASKETS = st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=8), min_size=1, max_size=40)


# a build each: what fails is told as it was found, since making it smaller would take minutes
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
ONCE_FOUND = [[11, 12, 0, 6], [11, 0], [11, 12, 0, 6], [0], [0]]  # 6 and 12 are always together, in two of five


@settings(
    max_examples=4,
    deadline=None,
    phases=WITHOUT_SHRINKING,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(baskets=ONCE_FOUND)
@given(baskets=MANY_BASKETS)
def test_laws_of_the_measures(tmp_path_factory: pytest.TempPathFactory, baskets: list[list[int]]) -> None:
    events = baskets_of_users(*baskets)
    case = events_case(tmp_path_factory.mktemp("laws"), events, EVERY_PAIR, f"baskets {baskets}")
    found = scores(case)
    for measure in SYMMETRIC:
        assert found[measure] == {(right, left): score for (left, right), score in found[measure].items()}, measure
    pairs = found["count"]
    assert all(of_measure.keys() == pairs.keys() for of_measure in found.values())
    for pair in pairs:
        of_pair = {measure: of_measure[pair] for measure, of_measure in found.items()}
        check_laws(of_pair, {measure: of_measure[pair[::-1]] for measure, of_measure in found.items()})


def check_laws(of_pair: dict[str, float], turned: dict[str, float]) -> None:
    """What holds between the measures of a pair, the other way round included."""
    shares = ("cosine", "jaccard", "dice", "overlap", "conditional", "conditional_reverse", "p3alpha", "rp3beta")
    assert all(0 < of_pair[measure] <= 1 for measure in shares), of_pair
    assert -1 <= of_pair["npmi"] <= 1
    assert of_pair["jaccard"] == pytest.approx(of_pair["dice"] / (2 - of_pair["dice"]))
    assert of_pair["jaccard"] <= of_pair["dice"] <= of_pair["cosine"] + 1e-12 <= of_pair["overlap"] + 2e-12
    assert of_pair["pmi"] == pytest.approx(log(of_pair["lift"]), abs=1e-12)
    assert of_pair["conditional"] == turned["conditional_reverse"]
    assert of_pair["conditional"] * of_pair["conditional_reverse"] == pytest.approx(of_pair["cosine"] ** 2)
    assert of_pair["overlap"] == max(of_pair["conditional"], turned["conditional"])
    assert of_pair["asymmetric_cosine"] == pytest.approx(of_pair["cosine"])
    assert of_pair["log_likelihood"] >= -1e-9
    assert of_pair["rp3beta"] <= of_pair["p3alpha"] <= of_pair["conditional"] / 2 + 1e-12


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Case:
    chance = random.Random(7)
    baskets = [chance.choices(range(40), weights=range(1, 41), k=chance.randint(1, 12)) for _ in range(300)]
    return events_case(tmp_path_factory.mktemp("drawn"), baskets_of_users(*baskets), EVERY_PAIR, "drawn baskets")


@pytest.mark.parametrize(
    "parameters",
    [{"pair_min_count": 4}, {"similar_threshold": 0.1}, {"similar_k": 3}],
    ids=str,
)
def test_a_threshold_removes_rows_and_never_changes_a_score(
    drawn: Case, tmp_path: Path, parameters: dict[str, object]
) -> None:
    all_of_them = scores(drawn)
    (tmp_path / "events.parquet").symlink_to(drawn.root / "events.parquet")
    (tmp_path / "recsys.toml").write_text('kind = "events"\n')
    case = Case(tmp_path, {**EVERY_PAIR, **parameters}, drawn.settings, "thresholds")
    found = scores(case)
    for measure in MEASURES:
        assert found[measure].items() <= all_of_them[measure].items(), measure
    similar = {
        (row[0], row[1]): row[2] for row in case.rows("select item_id, similar_item_id, score from recs.similar_items")
    }
    assert similar.items() <= all_of_them["cosine"].items()
    n_all, n_left = len(all_of_them["cosine"]), len(similar)
    assert 0 < n_left < n_all


# --- another library ---------------------------------------------------------------------------------------

LIBRARY: dict[str, dict[str, float]] = {  # with similaripy's own parameters
    "cosine": {},
    "jaccard": {},
    "dice": {},
    "asymmetric_cosine": {"alpha": 0.3},
    "p3alpha": {"alpha": 1.0},
    "rp3beta": {"alpha": 1.0, "beta": 0.7},
}
FLOAT32 = 1e-5  # similaripy calculates in float32, and adds up to a few hundred terms


def matrix_of(baskets: Sequence[Sequence[int]]) -> csr_matrix:
    """Items by baskets: the rows are what similaripy compares."""
    places = np.array([(item, at) for at, items in enumerate(baskets) for item in set(items)]).T
    return csr_matrix((np.ones(places.shape[1], dtype=np.float32), (places[0], places[1])))


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, csr_matrix]:
    chance = random.Random(11)
    baskets = [chance.choices(range(60), weights=range(1, 61), k=chance.randint(1, 15)) for _ in range(400)]
    parameters = {**EVERY_PAIR, "asymmetric_alpha": 0.3, "rp3_beta": 0.7}
    root = tmp_path_factory.mktemp("library")
    return events_case(root, baskets_of_users(*baskets), parameters, "beside similaripy"), matrix_of(baskets)


@pytest.mark.parametrize("measure", LIBRARY)
def test_measures_are_those_of_similaripy(beside: tuple[Case, csr_matrix], measure: str) -> None:
    """A walk there goes from an item (rows, each divided by its sum) to a basket to an item, as ours does."""
    similaripy = pytest.importorskip("similaripy", reason="similaripy has wheels for Linux alone")
    case, matrix = beside

    theirs = getattr(similaripy, measure)(matrix, k=1000, verbose=False, **LIBRARY[measure]).tocoo()

    wanted = {
        (int(left), int(right)): float(score)
        for left, right, score in zip(theirs.row, theirs.col, theirs.data, strict=True)
        if left != right
    }
    found = [(*pair, score) for pair, score in scores(case)[measure].items()]
    assert_close(case.note, measure, found, wanted, FLOAT32)
    assert len(wanted) > 2000


# --- random baskets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_random_baskets_agree_with_the_oracle(tmp_path: Path, seed: int) -> None:
    """Long lists, so that ties of every measure are met; some items are in one basket, some in all."""
    chance = random.Random(seed)
    n_items = chance.choice([3, 10, 30, 80])
    everywhere = chance.choice([[], [0]])
    baskets = [
        everywhere + chance.choices(range(n_items), weights=range(1, n_items + 1), k=chance.randint(1, 10))
        for _ in range(chance.choice([1, 5, 60, 200]))
    ]
    parameters = {
        "basket_min": chance.choice([1, 2]),
        "basket_last_n": chance.choice([0, 0, 4]),
        "pair_min_count": chance.choice([1, 2]),
        "similar_k": chance.choice([5, 100]),
        "asymmetric_alpha": chance.choice([0.0, 0.7, 1.0]),
        "rp3_beta": chance.choice([0.0, 0.6, 2.0]),
    }
    case = events_case(tmp_path, baskets_of_users(*baskets), parameters, f"seed {seed}, {parameters}")
    check_similarity(case)
    check_short_lists(case)


def test_walks_that_are_as_likely_are_a_tie(tmp_path: Path) -> None:
    """A basket of 6 leads to c as often as two of 12 do to b, which has the smaller id: 1 / 6 / 3."""
    fill = iter(range(100, 200))
    sizes = [([A, C], 6), ([A, B], 12), ([A, B], 12)]
    baskets = [[*items, *(next(fill) for _ in range(size - len(items)))] for items, size in sizes]
    parameters = {**EVERY_PAIR, "basket_min": 2, "similar_measure": "p3alpha", "top_n": 2, "ks": [1]}
    case = events_case(tmp_path, baskets_of_users(*baskets, [A]), parameters, "a tie of p3alpha")
    found = case.rows(f"select similar_item_id from recs.similar_items where item_id = {A} and rank <= 2 order by rank")
    assert found == [(B,), (C,)]
    assert case.rows("select item_id from recs.personal where user_id = 4 order by rank") == [(B,), (C,)]
    check_all(case)
