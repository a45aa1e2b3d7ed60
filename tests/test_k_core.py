"""The k-core: what is left is the largest part in which everyone has enough; the trace adds up."""

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_duck.errors import InterruptedBuildError
from recsys_duck.models import k_core

N_USERS, N_ITEMS = 7, 6
Pairs = set[tuple[int, int]]


def inputs(pairs: Pairs, least_users: int, least_items: int, stop: threading.Event | None = None) -> Any:
    """Hand a stage its pairs as two batches."""
    listed = sorted(pairs)
    sizes = {"core.filtered_pairs": len(pairs), "core.users": N_USERS, "core.items": N_ITEMS}

    def batches(table: str, *columns: str) -> Any:
        assert (table, columns) == ("core.filtered_pairs", ("user_idx", "item_idx"))
        for some in (listed[:3], listed[3:]):
            arrays = [pa.array([pair[at] for pair in some], type=pa.int32()) for at in (0, 1)]
            yield pa.RecordBatch.from_arrays(arrays, names=list(columns))

    def refuse_stop() -> None:
        if stop is not None and stop.is_set():
            raise InterruptedBuildError("interrupted")

    return SimpleNamespace(
        parameters={"k_core_users": least_users, "k_core_items": least_items},
        n_rows=sizes.__getitem__,
        batches=batches,
        refuse_stop=refuse_stop,
    )


def peeled(pairs: Pairs, least_users: int, least_items: int) -> tuple[Pairs, list[dict[str, int]]]:
    """Run the stage: the pairs left, and the rounds."""
    made = k_core.peel(inputs(pairs, least_users, least_items))
    tables = {name: pa.concat_tables([pa.table(one) for one in batches]) for name, batches in made.items()}
    users = set(tables["core.peeled_users"]["user_idx"].to_pylist())
    items = set(tables["core.peeled_items"]["item_idx"].to_pylist())
    left = {(user, item) for user, item in pairs if user not in users and item not in items}
    return left, tables["meta.k_core"].to_pylist()


def slowly_peeled(pairs: Pairs, least_users: int, least_items: int) -> Pairs:
    """Drop one owner with too few, whoever it is, until there is none."""
    while True:
        low = [u for u in range(N_USERS) if 0 < sum(user == u for user, _ in pairs) < least_users]
        if low:
            pairs = {pair for pair in pairs if pair[0] != low[0]}
            continue
        low = [i for i in range(N_ITEMS) if 0 < sum(item == i for _, item in pairs) < least_items]
        if not low:
            return pairs
        pairs = {pair for pair in pairs if pair[1] != low[0]}


many_pairs = st.sets(st.tuples(st.integers(0, N_USERS - 1), st.integers(0, N_ITEMS - 1)))


@settings(deadline=None)
@given(many_pairs, st.integers(0, 4), st.integers(0, 4))
def test_the_order_of_peeling_does_not_matter(pairs: Pairs, least_users: int, least_items: int) -> None:
    left, rounds = peeled(pairs, least_users, least_items)
    assert left == slowly_peeled(pairs, least_users, least_items)
    assert [one["round"] for one in rounds] == list(range(1, len(rounds) + 1))
    assert all(one["n_users_dropped"] + one["n_items_dropped"] > 0 for one in rounds)
    if rounds:
        last = rounds[-1]
        assert last["n_pairs"] == len(left)
        assert (last["n_users"], last["n_items"]) == (len({u for u, _ in left}), len({i for _, i in left}))
        met = (len({u for u, _ in pairs}), len({i for _, i in pairs}))
        # who loses every partner is gone, too, though nobody dropped it
        assert met[0] >= last["n_users"] + sum(one["n_users_dropped"] for one in rounds)
        assert met[1] >= last["n_items"] + sum(one["n_items_dropped"] for one in rounds)


def test_a_chain_takes_a_round_a_link() -> None:
    chain = {(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3)}
    left, rounds = peeled(chain, 2, 2)
    assert left == set()
    assert [(one["n_users_dropped"], one["n_items_dropped"], one["n_pairs"]) for one in rounds] == [
        (1, 2, 4),
        (2, 2, 0),
    ]


@pytest.mark.parametrize("pairs", [set(), {(0, 0)}])
def test_nothing_to_drop_leaves_no_round(pairs: Pairs) -> None:
    assert peeled(pairs, 1, 1) == (pairs, [])
    assert peeled(pairs, 0, 0) == (pairs, [])


def test_peeling_stops_when_told() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(InterruptedBuildError):
        k_core.peel(inputs({(0, 0)}, 2, 2, stop))


def test_the_need_counts_pairs_and_owners_and_is_none_where_nothing_is_asked() -> None:
    few, more = inputs(set(), 1, 1), inputs({(0, 0), (1, 1)}, 1, 1)
    assert k_core.peel_bytes(more) - k_core.peel_bytes(few) >= 2 * np.dtype(np.int32).itemsize * 2
    assert k_core.peel_bytes(inputs({(0, 0), (1, 1)}, 0, 0)) == 0


@settings(deadline=None)
@given(many_pairs, st.integers(1, 5))
def test_the_length_of_slices_changes_nothing(pairs: Pairs, length: int) -> None:
    whole = peeled(pairs, 2, 2)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(k_core, "SLICE", length)
        assert peeled(pairs, 2, 2) == whole


def test_nothing_is_read_where_nothing_is_asked() -> None:
    off = inputs({(0, 0)}, 0, 0)
    off.batches = None  # not even called
    assert k_core.peel(off)["meta.k_core"][0].num_rows == 0
