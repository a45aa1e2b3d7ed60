"""The package and the plain-Python oracle agree on baskets, pairs, lists and metrics: on the real slices and on random events."""

import math
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
    UNITS,
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
REAL_MEMORY = 2_000_000_000


class Case:
    """One build: its published rows, and what the oracle makes of its train and test rows."""

    def __init__(
        self, root: Path, settings: Settings, note: str, *, given: Mapping[str, object], every: int = 1, **options: object
    ) -> None:
        """Build the project; of `features.item_similarity` only every so many items are compared."""
        self.root, self.settings, self.note, self.every = root, settings, note, every
        run(root, given, **options)

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
        for model, user_id, item_id in self.rows("select model_name, user_id, item_id from recs.personal order by rank"):
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


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_are_spelt_as_in_the_recipe(measure: str) -> None:
    assert measure in UNITS


def check_similarity(case: Case) -> None:
    """The best neighbours of each item under every measure, and no measure beyond the ones we know."""
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


def real_case(root: Path, folder: Path, name: str) -> Case:
    """Build some slices; what is not given has the kind's default."""
    if name == "artists":
        pattern, parameters, settings, every = ALL_SLICES, {"item_entity": "artist"}, MPD, 1
    elif name == "tracks":
        pattern, every = ALL_SLICES, 1
        parameters = {"item_entity": "track", "top_entities": 0, "split": "random", "seed": 3}
        settings = MPD
    else:
        raise ValueError(name)
    return Case(root, settings, name, given=mpd_given(folder / pattern, parameters), every=every)


def mpd_given(files: Path, parameters: Mapping[str, object]) -> dict[str, object]:
    """What a build of slices is given."""
    return {
        "kind": "mpd",
        "files": [("", str(files))],
        "parameters": [("models", list(MODELS)), *parameters.items()],
    }
