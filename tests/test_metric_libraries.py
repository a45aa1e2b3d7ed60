"""Metrics are those of implicit and of ranx, where a convention is theirs."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from implicit.evaluation import ranking_metrics_at_k
from judging import build, published, random_told
from scipy.sparse import csr_matrix

TOLERANCE = 1e-9


class Lists:
    """What implicit takes for a model: each user's items."""

    def __init__(self, lists: Sequence[Sequence[int]]) -> None:
        self.lists = lists

    def recommend(self, users: Iterable[int], user_items: csr_matrix, N: int) -> tuple[Any, Any]:  # noqa: N803
        """The first N items of each user, and scores that nobody reads."""
        columns = [self.lists[user][:N] for user in users]
        return np.array(columns, dtype=np.int32), np.zeros((len(columns), N))


@pytest.mark.parametrize("seed", range(3))
def test_full_lists_agree_with_implicit(tmp_path: Path, seed: int) -> None:
    """Short ones would not, in auc: implicit takes what fills them up for misses, and wants an item that is not met."""
    told = random_told(random.Random(300 + seed), is_full=True)
    told = replace(told, wanted={user: items - {user % told.n_items} or {1} for user, items in told.wanted.items()})
    build(tmp_path, told)
    places = np.array([(user, item) for user, items in told.wanted.items() for item in items]).T
    test = csr_matrix((np.ones(places.shape[1]), (places[0], places[1])), shape=(len(told.lists), told.n_items))
    lists = Lists([told.lists[user] for user in sorted(told.lists)])
    found = published(tmp_path)
    ours = {
        "precision": "hits_over_attainable",
        "map": "precision_sum_over_attainable",
        "ndcg": "ideal_test_items",
        "auc": "unlisted_at_chance",
    }
    for k in told.ks:
        theirs = ranking_metrics_at_k(lists, test, test, K=k, show_progress=False)
        assert theirs == pytest.approx({metric: found[metric, k, ours[metric]] for metric in ours}, rel=TOLERANCE), k


RANX = {
    "precision": "hits_over_k",
    "recall": "hits_over_test_items",
    "ndcg": "ideal_test_items",
    "map": "precision_sum_over_test_items",
    "mrr": "first_hit",
    "hit_rate": "any_hit",
}


@pytest.mark.parametrize("seed", range(3))
def test_lists_agree_with_ranx(tmp_path: Path, seed: int) -> None:
    """Lists are filled up with items that no test has: ranx reads past the end of short ones."""
    ranx = pytest.importorskip("ranx", reason="ranx is not installed: pip install -e '.[oracles]'")
    told = random_told(random.Random(400 + seed), is_full=False)
    build(tmp_path, told)
    length = max(told.ks)
    qrels, filled = {}, {}
    for user, items in told.wanted.items():
        chosen = [*map(str, told.lists.get(user, ())), *(f"none {at}" for at in range(length))][:length]
        qrels[str(user)] = {str(item): 1 for item in items}
        filled[str(user)] = {item: length - at for at, item in enumerate(chosen)}
    names = [f"{metric}@{k}" for metric in RANX for k in told.ks]
    theirs = ranx.evaluate(ranx.Qrels(qrels), ranx.Run(filled), names)
    found = published(tmp_path)
    assert theirs == pytest.approx(
        {f"{metric}@{k}": found[metric, k, RANX[metric]] for metric in RANX for k in told.ks}, rel=TOLERANCE
    )
