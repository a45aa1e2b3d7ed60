"""The package and the oracle agree on baskets, pairs, lists and metrics: on the real slices and on random events."""

import math
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from math import log2, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from building import lay_out, rows, run
from implicit.evaluation import ranking_metrics_at_k
from oracles.lists import (
    MEASURES,
    Basket,
    Event,
    Settings,
    Similar,
    above_threshold,
    basket_ledger,
    basket_sizes,
    count_pairs,
    items_by_basket,
    items_by_user,
    judge,
    kept_baskets,
    metrics,
    neighbours_of,
    personal_list,
    similar_to,
    totals_of,
    user_metrics,
)
from scipy.sparse import csr_matrix

MODELS = ("popular", "item_knn")
TOLERANCE = 1e-9
MEMORY = 2_000_000_000


class Case:
    """One build: its published rows, and what the oracle makes of its train and test rows."""

    def __init__(
        self, root: Path, parameters: Mapping[str, object], settings: Settings, note: str, **given: object
    ) -> None:
        """Build the project; `settings` say in the oracle's words what the parameters and the kind's defaults mean."""
        self.root, self.settings, self.note = root, settings, note
        self.every = 1  # of so many items, the lists of one are compared under each measure
        both = [("models", list(MODELS)), *parameters.items()]
        run(root, {"parameters": both, **given}, memory_limit=MEMORY)

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """All rows of a query on the published generation."""
        return rows(self.root, question)

    def ledger(self, stage: str) -> dict[str, int]:
        """Rows of a gate by reason; reasons without rows are left out."""
        found = self.rows(f"select reason, n_rows from meta.row_ledger where stage = '{stage}'")
        assert len(found) == len(dict(found)), f"{self.note}: a reason of {stage} has two ledger rows"
        return {reason: n_rows for reason, n_rows in found if n_rows}

    @cached_property
    def train(self) -> list[Event]:
        """The events that everything is made of."""
        return [Event(*row) for row in self.rows("select user_id, item_id, basket_id from split.train")]

    @cached_property
    def test(self) -> list[Event]:
        """The events that lists are judged by."""
        return [Event(*row) for row in self.rows("select user_id, item_id, basket_id from split.test")]

    @cached_property
    def id_of(self) -> dict[int, Any]:
        """The caller's key of each dense index."""
        return dict(self.rows("select item_idx, item_id from core.items"))

    @cached_property
    def baskets(self) -> dict[str, list[Any]]:
        """The items of each basket of train, one for every row."""
        return items_by_basket(self.train, self.settings.basket_by)

    @cached_property
    def kept(self) -> dict[str, set[Any]]:
        """The distinct items of each kept basket."""
        return kept_baskets(self.baskets, self.settings)

    @cached_property
    def dense_baskets(self) -> list[list[int]]:
        """The kept baskets in dense indices."""
        idx_of = {item_id: item_idx for item_idx, item_id in self.id_of.items()}
        return [[idx_of[item_id] for item_id in items] for items in self.kept.values()]

    @cached_property
    def pairs(self) -> dict[tuple[int, int], int]:
        """Baskets of each pair of items."""
        return count_pairs(self.dense_baskets)

    @cached_property
    def neighbours(self) -> dict[int, list[tuple[int, int]]]:
        """Neighbours of each item, and the baskets shared."""
        return neighbours_of(self.pairs, self.settings.pair_min_count)

    def similarity(self, measure: str, items: Iterable[int]) -> dict[Any, list[Similar]]:
        """The lists of some items under a measure."""
        totals = totals_of(self.dense_baskets)
        return {
            self.id_of[item]: similar_to(
                item,
                self.neighbours[item],
                measure,
                totals=totals,
                id_of=self.id_of,
                similar_k=self.settings.similar_k,
            )
            for item in items
        }

    @cached_property
    def similar_items(self) -> dict[Any, list[Similar]]:
        """The lists that people read, and that item_knn adds up."""
        lists = self.similarity(self.settings.similar_measure, self.neighbours)
        return {item_id: above_threshold(lists[item_id], self.settings.similar_threshold) for item_id in lists}

    @cached_property
    def wanted(self) -> dict[Any, set[Any]]:
        """The items that each judged user met in test."""
        pairs, _ = judge(self.train, self.test, self.settings)
        return items_by_user(Event(user_id, item_id, None) for user_id, item_id in pairs)

    @cached_property
    def published_lists(self) -> dict[str, dict[Any, list[Any]]]:
        """The published lists of each model, best first."""
        lists: dict[str, dict[Any, list[Any]]] = {model: {} for model in MODELS}
        for model, user_id, item_id in self.rows(
            "select model_name, user_id, item_id from recs.personal order by rank"
        ):
            lists[model].setdefault(user_id, []).append(item_id)
        return lists


def differ(note: str, what: str, *, missing: Collection[Any], surplus: Collection[Any]) -> str:
    """Show a few of the rows that differ."""
    return (
        f"{note}: {what} differ: {len(missing)} missing such as {sorted(missing, key=repr)[:5]}, "
        f"{len(surplus)} surplus such as {sorted(surplus, key=repr)[:5]}"
    )


def assert_same(note: str, what: str, found: Sequence[Any], wanted: Collection[Any]) -> None:
    """Compare rows of which none stands twice."""
    found_rows, wanted_rows = set(found), set(wanted)
    missing, surplus = wanted_rows - found_rows, found_rows - wanted_rows
    text = differ(note, what, missing=missing, surplus=surplus) if missing or surplus else ""
    assert not text, text
    n_found, n_wanted = len(found), len(wanted)
    assert n_found == n_wanted, f"{note}: {what} hold a row twice"


def assert_close(note: str, what: str, found: Sequence[tuple[Any, ...]], wanted: Mapping[Any, float]) -> None:
    """Compare rows of a key and, as the last column, a number."""
    assert_same(note, what, [row[:-1] for row in found], wanted.keys())
    apart = [
        (*row, wanted[row[:-1]])
        for row in found
        if not math.isclose(row[-1], wanted[row[:-1]], rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    ]
    text = f"{note}: {what} have {len(apart)} other numbers (found, wanted) such as {apart[:5]}" if apart else ""
    assert not text, text


# --- the tables, one check each ----------------------------------------------------------------------------


def check_baskets(case: Case) -> None:
    """Every basket of train is there with its size, kept or not, under an index from 0 without holes."""
    found = case.rows("select basket_key, n_rows, n_items from features.baskets")
    wanted = [(key, *size) for key, size in basket_sizes(case.baskets).items()]
    assert_same(case.note, "baskets", found, wanted)
    indices = sorted(index for (index,) in case.rows("select basket_idx from features.baskets"))
    assert indices == list(range(len(wanted))), f"{case.note}: basket_idx is not dense"


def check_basket_items(case: Case) -> None:
    """The items of each kept basket, once."""
    found = case.rows(
        """
        select baskets.basket_key, items.item_id
        from features.basket_items
        left join features.baskets using (basket_idx)
        left join core.items using (item_idx)
        """
    )
    wanted = [(key, item_id) for key, items in case.kept.items() for item_id in items]
    assert_same(case.note, "basket items", found, wanted)


def check_basket_ledger(case: Case) -> None:
    """Every row of train is kept or has the first reason that applies."""
    wanted = basket_ledger(case.train, case.settings)
    check_gate(case, "features.basket_items", wanted)


def check_gate(case: Case, stage: str, wanted: dict[str, int]) -> None:
    """A gate's ledger, and the reasons among its rejected rows."""
    found = case.ledger(stage)
    assert found == {reason: n_rows for reason, n_rows in wanted.items() if n_rows}, f"{case.note}: ledger of {stage}"
    reasons = {reason for (reason,) in case.rows(f"select distinct reject_reason from {stage}_rejected")}
    assert reasons == found.keys() - {"in", "kept"}, f"{case.note}: reasons in {stage}_rejected"


def check_pairs(case: Case) -> None:
    """Each pair of items that a kept basket holds, once, with the number of such baskets."""
    found = case.rows("select item_idx, other_item_idx, n_baskets from features.item_pairs")
    wanted = [(*pair, n_both) for pair, n_both in case.pairs.items()]
    assert_same(case.note, "pairs", found, wanted)


def check_similarity(case: Case) -> None:
    """The best neighbours of each item under every measure that the oracle knows."""
    sampled = [item for item in case.neighbours if item % case.every == 0]
    for measure in MEASURES:
        found = case.rows(
            f"""
            select item_id, similar_item_id, rank, n_baskets, score
            from features.item_similarity
            inner join core.items using (item_id)
            where measure = '{measure}' and item_idx % {case.every} = 0
            """
        )
        wanted = {
            (item_id, similar.item_id, rank, similar.n_baskets): similar.score
            for item_id, similar_items in case.similarity(measure, sampled).items()
            for rank, similar in enumerate(similar_items, 1)
        }
        assert_close(case.note, f"neighbours by {measure}", found, wanted)


def check_similar_items(case: Case) -> None:
    """The neighbours that people read: one measure, and only those above the threshold."""
    found = case.rows("select item_id, rank, similar_item_id, source, score from recs.similar_items")
    wanted = {
        (item_id, rank, similar.item_id, "pairs"): similar.score
        for item_id, similar_items in case.similar_items.items()
        for rank, similar in enumerate(similar_items, 1)
    }
    assert_close(case.note, "similar items", found, wanted)


def check_personal(case: Case) -> None:
    """The list of each user of train by the neighbours of what the user has."""
    found = case.rows("select user_id, rank, item_id, score from recs.personal where model_name = 'item_knn'")
    wanted = {
        (user_id, rank, item_id): score
        for user_id, owned in items_by_user(case.train).items()
        for rank, (item_id, score) in enumerate(personal_list(owned, case.similar_items, case.settings), 1)
    }
    assert_close(case.note, "lists of item_knn", found, wanted)


def check_models(case: Case) -> None:
    """No model has lists or metrics that `models` does not name."""
    for table in ("recs.personal", "eval.user_metrics", "eval.metrics"):
        found = {model for (model,) in case.rows(f"select distinct model_name from {table}")}
        assert found <= set(MODELS), f"{case.note}: models of {table}"


def check_judged_pairs(case: Case) -> None:
    """Each pair that lists are judged by, once, and why the other test rows are not."""
    pairs, wanted = judge(case.train, case.test, case.settings)
    assert_same(case.note, "judged pairs", case.rows("select user_id, item_id from split.judged_pairs"), pairs)
    check_gate(case, "split.judged_pairs", wanted)


def check_user_metrics(case: Case) -> None:
    """Each judged user's metrics of each model's published list."""
    for model in MODELS:
        found = case.rows(f"select user_id, metric, k, value from eval.user_metrics where model_name = '{model}'")
        wanted = user_metrics(case.published_lists[model], case.wanted, case.settings.ks)
        assert_close(case.note, f"metrics of users by {model}", found, wanted)


def check_metrics(case: Case) -> None:
    """Each model's metrics of its published lists over all judged users."""
    for model in MODELS:
        found = case.rows(
            f"select metric, k, convention, n_users, value from eval.metrics where model_name = '{model}'"
        )
        wanted = metrics(case.published_lists[model], case.wanted, case.settings.ks)
        assert_close(case.note, f"metrics by {model}", found, wanted)


CHECKS: list[Callable[[Case], None]] = [
    check_baskets,
    check_basket_items,
    check_basket_ledger,
    check_pairs,
    check_similarity,
    check_similar_items,
    check_personal,
    check_models,
    check_judged_pairs,
    check_user_metrics,
    check_metrics,
]


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
            "ks": [100],
            "top_n": 100,
        },
    ),
}
# All measures of all items take a minute; the measure that is used is compared for all of them.
EVERY = {"artists": 1, "tracks": 3, "recipe_5": 20}


def with_parameters(defaults: Settings, parameters: Mapping[str, Any]) -> Settings:
    """The defaults with what the parameters say, as far as the oracle knows them."""
    known = {name: value for name, value in parameters.items() if name in Settings.__dataclass_fields__}
    if "ks" in known:
        known["ks"] = tuple(known["ks"])
    return replace(defaults, **known)


def real_case(root: Path, folder: Path, name: str) -> Case:
    """Build some slices; what is not given has the kind's default."""
    pattern, parameters = REAL_CASES[name]
    settings = with_parameters(MPD, parameters)
    case = Case(root, parameters, settings, name, kind="mpd", files=[("", str(folder / pattern))])
    case.every = EVERY[name]
    return case


@pytest.fixture(scope="module", params=["artists", "tracks"])
def real(request: pytest.FixtureRequest, slices_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return real_case(tmp_path_factory.mktemp(request.param), slices_folder, request.param)


@pytest.fixture(scope="module")
def recipe_5(slices_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return real_case(tmp_path_factory.mktemp("recipe_5"), slices_folder, "recipe_5")


@pytest.mark.parametrize("check", CHECKS)
def test_real_slices_agree_with_the_oracle(real: Case, check: Callable[[Case], None]) -> None:
    check(real)


@pytest.mark.parametrize("check", CHECKS)
def test_recipe_5_agrees_with_the_oracle(recipe_5: Case, check: Callable[[Case], None]) -> None:
    check(recipe_5)


def test_without_a_split_nothing_is_judged(real: Case) -> None:
    is_judged = {"artists": False, "tracks": True}[real.note]
    for table in ("split.judged_pairs", "eval.user_metrics", "eval.metrics"):
        assert real.rows(f"select count(*) > 0 from {table}") == [(is_judged,)]


class PublishedLists:
    """What implicit takes for a model: each user's row of item columns, filled up with a column that no test has."""

    def __init__(self, lists: Sequence[Sequence[int]], filler: int) -> None:
        self.lists, self.filler = lists, filler

    def recommend(self, users: Iterable[int], user_items: csr_matrix, N: int) -> tuple[Any, Any]:  # noqa: N803
        """The first N items of each user, and scores that nobody reads."""
        columns = [[*self.lists[user][:N], *[self.filler] * N][:N] for user in users]
        return np.array(columns, dtype=np.int32), np.zeros((len(columns), N))


@pytest.mark.parametrize("model", MODELS)
def test_metrics_agree_with_implicit(recipe_5: Case, model: str) -> None:
    k = 100
    users = sorted({user_id for (user_id,) in recipe_5.rows("select user_id from split.train")})
    row_of = {user_id: row for row, user_id in enumerate(users)}
    column_of = {item_id: item_idx for item_idx, item_id in recipe_5.id_of.items()}
    filler = max(column_of.values()) + 1
    judged = recipe_5.rows("select user_id, item_id from split.judged_pairs")
    places = ([row_of[user_id] for user_id, _ in judged], [column_of[item_id] for _, item_id in judged])
    test = csr_matrix((np.ones(len(judged)), places), shape=(len(users), filler + 1))
    lists = recipe_5.published_lists[model]
    columns = [[column_of[item_id] for item_id in lists.get(user_id, [])] for user_id in users]

    told = ranking_metrics_at_k(PublishedLists(columns, filler), test, test, K=k, show_progress=False)

    ours = {
        (metric, convention): value
        for metric, convention, value in recipe_5.rows(
            f"select metric, convention, value from eval.metrics where model_name = '{model}' and k = {k}"
        )
    }
    assert ours["precision", "hits_over_attainable"] == pytest.approx(told["precision"], rel=TOLERANCE)
    assert ours["ndcg", "binary_gain"] == pytest.approx(told["ndcg"], rel=TOLERANCE)
    assert told["precision"] > 0


# --- worked by hand ----------------------------------------------------------------------------------------


def events_case(root: Path, events: str, parameters: Mapping[str, object], note: str) -> Case:
    """Build a project of kind events."""
    lay_out(root, events=events)
    return Case(root, parameters, with_parameters(Settings(), parameters), note)


def values(columns: str, table: Iterable[Sequence[Any]]) -> str:
    """Write rows as a SELECT; each column is written as `name type`."""
    declared = [column.split() for column in columns.split(", ")]
    names = ", ".join(name for name, _ in declared)
    casts = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in declared)
    lines = ", ".join("(" + ", ".join(literal(value) for value in row) + ")" for row in table)
    return f"select {casts} from (values {lines}) as t({names})"


def literal(value: Any) -> str:
    """A value in SQL."""
    if value is None:
        return "null"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def test_baskets_and_measures_worked_by_hand(tmp_path: Path) -> None:
    a, b, c, d, e = range(1, 6)
    baskets = {10: [a, b, c, a], 20: [b, a], 30: [a, c], 40: [d], 50: [a, b, c, d, e], None: [a]}
    events = values(
        "user_id bigint, basket_id bigint, item_id bigint",
        [(7, basket, item) for basket, items in baskets.items() for item in items],
    )
    parameters = {"basket_by": "basket_id", "basket_max": 4, "similar_measure": "lift", "similar_threshold": 0.5}
    case = events_case(tmp_path, events, parameters, "measures worked by hand")
    assert basket_sizes(case.baskets)["10"] == Basket(n_rows=4, n_items=3)
    assert case.ledger("features.basket_items") == {
        "in": 15,
        "kept": 7,
        "missing_basket": 1,
        "basket_too_small": 1,
        "basket_too_large": 5,
        "repeat_in_basket": 1,
    }
    # n(a) = 3 and T(a) = 2 + 1 + 1, n(b) = n(c) = 2 and T(b) = T(c) = 2 + 1; one basket of b and c is too few
    expected = {
        "count": 2,
        "cosine": 2 / sqrt(3 * 2),
        "jaccard": 2 / (3 + 2 - 2),
        "lift": 2 * 3 / (3 * 2),
        "normalised_count": 2 / (4 + 3),
    }
    for measure, score in expected.items():
        found = case.rows(
            f"""
            select item_id, rank, similar_item_id, n_baskets, score
            from features.item_similarity
            where measure = '{measure}'
            """
        )
        wanted = {(item, rank, other, 2): score for item, rank, other in [(a, 1, b), (a, 2, c), (b, 1, a), (c, 1, a)]}
        assert_close(case.note, measure, found, wanted)
    for check in CHECKS:
        check(case)


def baskets_of_users(*baskets: Sequence[int]) -> str:
    """Write one user for each basket, numbered from 1."""
    return values(
        "user_id bigint, item_id bigint", [(user, item) for user, items in enumerate(baskets, 1) for item in items]
    )


def test_a_score_at_the_threshold_is_not_above_it(tmp_path: Path) -> None:
    a, b, c = 1, 2, 3
    parameters = {"basket_min": 1, "pair_min_count": 1, "similar_threshold": 0.5}
    case = events_case(tmp_path, baskets_of_users([a, b], [a, b], [a, c], [a]), parameters, "threshold by hand")
    # 1 / sqrt(4 * 1) = 0.5 for a and c
    wanted = {(a, 1, b): 2 / sqrt(4 * 2), (b, 1, a): 2 / sqrt(4 * 2)}
    found = case.rows("select item_id, rank, similar_item_id, score from recs.similar_items")
    assert_close(case.note, "similar items", found, wanted)
    for check in CHECKS:
        check(case)


def test_scores_equal_but_for_the_last_bit_are_a_tie(tmp_path: Path) -> None:
    a, b, c = 1, 2, 3
    assert 1 / sqrt(3 * 1) > 3 / sqrt(3 * 9)
    baskets = [[a, b, c], [a, b], [a, b], *[[b]] * 6]
    case = events_case(tmp_path, baskets_of_users(*baskets), {"basket_min": 1, "pair_min_count": 1}, "last bit by hand")
    found = case.rows(f"select similar_item_id from recs.similar_items where item_id = {a} order by rank")
    assert found == [(b,), (c,)]
    for check in CHECKS:
        check(case)


def test_half_a_unit_of_lift_counts_as_a_whole_one(tmp_path: Path) -> None:
    a, b, c = 1, 2, 3
    parameters = {"basket_min": 1, "pair_min_count": 1, "similar_measure": "lift"}
    baskets = [[a, b], *[[a]] * 15, *[[b]] * 7, [c], [c]]
    case = events_case(tmp_path, baskets_of_users(*baskets), parameters, "halves by hand")
    similar = case.rows("select distinct score from recs.similar_items")
    assert similar == [(1 * 25 / (16 * 8),)] == [(0.1953125,)]
    summed = case.rows("select distinct score from recs.personal where model_name = 'item_knn'")
    assert summed == [(0.195313,)]
    for check in CHECKS:
        check(case)


# Users 1 to 5 have the first 5, 4, 3, 2 and 1 of the items 10 to 50, user 6 has item 10; the rest is test.
NESTED = [(user, item, 1) for user in range(1, 6) for item in range(10, 70 - 10 * user, 10)]
JUDGED = [(6, 10, 1), (6, 30, 2), (6, 50, 2), (5, 20, 2), (4, 99, 2), (4, 99, 2), (1, 10, 2), (7, 10, 2)]
NESTED_PARAMETERS: dict[str, object] = {
    "split": "time",
    "cutoff": "2024-01-02",
    "popular_by": "users",
    "similar_threshold": 0.9,
    "pair_min_count": 1,
    "top_n": 3,
    "ks": [1, 3],
}


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Case:
    table = [(user, item, f"2024-01-0{day}") for user, item, day in NESTED + JUDGED]
    events = values("user_id bigint, item_id bigint, occurred_at timestamp", table)
    return events_case(tmp_path_factory.mktemp("nested"), events, NESTED_PARAMETERS, "metrics worked by hand")


def test_judged_pairs_worked_by_hand(nested: Case) -> None:
    assert nested.ledger("split.judged_pairs") == {"in": 7, "kept": 5, "user_not_in_train": 1, "repeat_of_pair": 1}
    judged = nested.rows("select user_id, item_id from split.judged_pairs order by all")
    assert judged == [(1, 10), (4, 99), (5, 20), (6, 30), (6, 50)]


def test_lists_worked_by_hand(nested: Case) -> None:
    # Cosine of 10 and 20 is 4 / sqrt(4 * 4), that of 20 and 30 is 3 / sqrt(4 * 3): below the threshold like all others.
    assert nested.published_lists["popular"][6] == [20, 30, 40]
    assert nested.published_lists["item_knn"] == {5: [20], 6: [20]}
    assert 1 not in nested.published_lists["popular"]


def test_metrics_worked_by_hand(nested: Case) -> None:
    """User 6 has a hit at rank 2 of two test items, user 5 one at rank 1 of one; users 1 and 4 have none."""
    question = "select metric, k, value from eval.user_metrics where model_name = '{}' and user_id = {}"
    third = 1 / log2(3)  # what rank 2 is worth
    expected = {
        ("precision", 1): 0,
        ("recall", 1): 0,
        ("ndcg", 1): 0,
        ("precision", 3): 1 / 3,
        ("recall", 3): 1 / 2,
        ("ndcg", 3): third / (1 + third),
    }
    assert_close("by hand", "metrics of user 6", nested.rows(question.format("popular", 6)), expected)
    for model in MODELS:
        for user_id in (1, 4):
            found = nested.rows(question.format(model, user_id))
            assert_close("by hand", f"metrics of user {user_id} by {model}", found, dict.fromkeys(expected, 0))

    question = "select metric, k, convention, n_users, value from eval.metrics where model_name = '{}'"
    popular = {
        ("precision", 1, "hits_over_k", 4): 1 / 4,
        ("precision", 1, "hits_over_attainable", 4): 1 / (1 + 1 + 1 + 1),
        ("recall", 1, "hits_over_test_items", 4): 1 / 4,
        ("ndcg", 1, "binary_gain", 4): 1 / 4,
        ("precision", 3, "hits_over_k", 4): (1 / 3 + 1 / 3) / 4,
        ("precision", 3, "hits_over_attainable", 4): 2 / (2 + 1 + 1 + 1),
        ("recall", 3, "hits_over_test_items", 4): (1 / 2 + 1) / 4,
        ("ndcg", 3, "binary_gain", 4): (third / (1 + third) + 1) / 4,
    }
    assert_close("by hand", "metrics by popular", nested.rows(question.format("popular")), popular)
    # item_knn has only item 20 for user 5, and for user 6, who misses it
    item_knn = {
        **popular,
        ("precision", 3, "hits_over_k", 4): 1 / 3 / 4,
        ("precision", 3, "hits_over_attainable", 4): 1 / (2 + 1 + 1 + 1),
        ("recall", 3, "hits_over_test_items", 4): 1 / 4,
        ("ndcg", 3, "binary_gain", 4): 1 / 4,
    }
    assert_close("by hand", "metrics by item_knn", nested.rows(question.format("item_knn")), item_knn)


@pytest.mark.parametrize("check", CHECKS)
def test_cases_worked_by_hand_agree_with_the_oracle(nested: Case, check: Callable[[Case], None]) -> None:
    check(nested)


# --- random events -----------------------------------------------------------------------------------------

SEEDS = range(18)
TEXT_IDS = ("1", "2", "10", "9", "B", "a", "é", "Z:z", "it's", " ", "aa", "ab", *(f"item {at}" for at in range(20)))
INTEGER_IDS = (1, 2, 10, 9, 100, -1, 5, 6, 7, 2**40, 3, 4, *range(200, 220))
THRESHOLDS = {"count": 1.0, "cosine": 0.5, "jaccard": 1 / 3, "lift": 1.25, "normalised_count": 0.05}


def random_parameters(chance: random.Random, measure: str) -> dict[str, object]:
    """Parameters that bite on a few dozen rows."""
    top_n, ks = chance.choice([(1, [1]), (3, [1, 3]), (4, [2]), (30, [5, 10, 20])])
    parameters: dict[str, object] = {
        "basket_by": chance.choice(["user", "basket_id"]),
        "basket_min": chance.choice([0, 1, 2, 2, 3]),
        "basket_max": chance.choice([0, 0, 0, 6, 12]),
        "basket_count": chance.choice(["rows", "distinct"]),
        "pair_min_count": chance.choice([1, 1, 1, 2, 3]),
        "similar_measure": measure,
        "similar_k": chance.choice([1, 2, 5, 20]),
        "similar_threshold": chance.choice([None, None, THRESHOLDS[measure]]),
        "top_n": top_n,
        "ks": ks,
        "include_seen": chance.choice([False, False, True]),
        "drop_unseen_test_items": chance.choice([False, True]),
        "split": chance.choice(["none", "random", "random", "time", "time"]),
        "test_share": chance.choice([0.2, 0.4]),
        "seed": chance.randint(0, 99),
    }
    if parameters["split"] == "time" and chance.random() < 0.5:
        parameters["cutoff"] = f"2024-01-0{chance.randint(2, 9)}"
    return parameters


def random_events(chance: random.Random) -> str:
    """Rows of a few users and items, some far more often than others, their baskets shared or missing."""
    kind = chance.choice(["bigint", "varchar"])
    ids: Sequence[Any] = TEXT_IDS if kind == "varchar" else INTEGER_IDS
    users, items = ids[: chance.randint(1, 12)], chance.sample(ids, chance.choice([2, 6, 12, 20, 30]))
    users_of_day = {day: chance.sample(users, (len(users) + 1) // 2) for day in range(1, 10)}
    table = []
    for _ in range(chance.choice([1, 40, 40, 80, 80, 150, 150, 250])):
        day = chance.randint(1, 9)
        user = chance.choice(users_of_day[day])
        item = items[min(chance.randrange(len(items)), chance.randrange(len(items)))]
        basket = chance.choice([*ids[:12], None])
        table.append((user, item, basket, f"2024-01-0{day} 0{chance.randint(0, 9)}:00:00"))
    return values(f"user_id {kind}, item_id {kind}, basket_id {kind}, occurred_at timestamp", table)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_events_agree_with_the_oracle(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    parameters = random_parameters(chance, MEASURES[seed % len(MEASURES)])
    case = events_case(tmp_path, random_events(chance), parameters, f"seed {seed}, {parameters}")
    for check in CHECKS:
        check(case)
