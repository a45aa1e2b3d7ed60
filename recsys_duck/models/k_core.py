"""The k-core: pairs are peeled round after round until every user and item left has enough of the other.

No model, but a stage in Python all the same: how many rounds it takes only the rounds tell, and a SELECT
runs once. Pairs are two int32 arrays; each round moves what stays to their front, a slice at a time.

Source: Seidman 1983, Network structure and minimum degree; here on the two sides of a bipartite graph.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from recsys_duck.bridge import Indices, arrow_table, index_columns
from recsys_duck.models.source import source_of
from recsys_duck.stage import Column, Contract, Inputs, PythonStage

PAIR_BYTES = 8  # of a pair: two indices
SLICE = 2_000_000  # pairs that are counted or moved together
SLICE_BYTES = 24  # of a pair among them: numpy counts in 64 bits, and copies what stays
COUNT_BYTES = 24  # of a user or item: counts, and the round that dropped it

ROUNDS = Contract(
    about="The rounds of the iterated k-core: who left, and what was left.",
    grain=("round",),
    why="users leave first, then the items that those had kept up; the last round is the last that drops anyone.",
    source="Seidman 1983, Network structure and minimum degree",
    columns=(
        Column("round", "from 1"),
        Column("n_users_dropped", "users with fewer items than k_core_users"),
        Column("n_items_dropped", "items with fewer users than k_core_items, once those users have left"),
        Column("n_users", "users left after the round"),
        Column("n_items", "items left after the round"),
        Column("n_pairs", "distinct users and items left after the round"),
    ),
)


def _peeled(owner: str) -> Contract:
    return Contract(
        about=f"The {owner}s that the k-core leaves out.",
        grain=(f"{owner}_idx",),
        columns=(
            Column(f"{owner}_idx", f"its dense index in core.{owner}s"),
            Column("round", "the round that dropped it, from 1"),
        ),
    )


def stage() -> PythonStage:
    """Give the stage that peels."""
    return PythonStage(
        key="core.k_core",
        tables={
            "meta.k_core": ROUNDS,
            "core.peeled_users": _peeled("user"),
            "core.peeled_items": _peeled("item"),
        },
        reads=("core.filtered_pairs", "core.users", "core.items"),
        parameters=("k_core_users", "k_core_items"),
        run=peel,
        need=peel_bytes,
        source=source_of(__name__),
        versions={"numpy": version("numpy")},
    )


def peel_bytes(inputs: Inputs) -> int:
    """Count the bytes that peeling takes: pairs, a slice of them, what is known of each owner; 0 where it is off."""
    if not any(_least(inputs)):
        return 0
    n_pairs = inputs.n_rows("core.filtered_pairs")
    n_owners = inputs.n_rows("core.users") + inputs.n_rows("core.items")
    return PAIR_BYTES * n_pairs + SLICE_BYTES * min(n_pairs, SLICE) + COUNT_BYTES * n_owners


def peel(inputs: Inputs) -> Mapping[str, Iterable[Any]]:
    """Drop users, then items, that lack partners, until a round drops nobody; gives the rounds and who left.

    Raises:
        InterruptedBuildError: the build was told to stop.
    """
    least = _least(inputs)
    is_on = any(least)  # where it is off, other filters' pairs are not even read
    n_pairs = inputs.n_rows("core.filtered_pairs") if is_on else 0
    batches = inputs.batches("core.filtered_pairs", "user_idx", "item_idx") if is_on else ()
    pairs = index_columns(batches, "user_idx", "item_idx", n_rows=n_pairs)
    sizes = inputs.n_rows("core.users"), inputs.n_rows("core.items")
    counts = [_counts(column, size) for column, size in zip(pairs, sizes, strict=True)]
    dropped_in = [np.zeros(size, dtype=np.int32) for size in sizes]
    rounds: list[list[int]] = []
    while True:
        inputs.refuse_stop()
        n_dropped = []
        for owner in (0, 1):
            drops = (counts[owner] > 0) & (counts[owner] < least[owner])
            n_dropped.append(int(np.count_nonzero(drops)))
            if n_dropped[-1]:
                dropped_in[owner][drops] = len(rounds) + 1
                pairs = _kept(pairs, ~drops, owner)
                counts = [_counts(column, size) for column, size in zip(pairs, sizes, strict=True)]
        if not any(n_dropped):
            break
        n_left = [int(np.count_nonzero(one)) for one in counts]
        rounds.append([len(rounds) + 1, *n_dropped, *n_left, len(pairs[0])])
    columns = np.array(rounds, dtype=np.int64).reshape(len(rounds), len(ROUNDS.columns)).T
    return {
        "meta.k_core": [
            arrow_table({column.name: values for column, values in zip(ROUNDS.columns, columns, strict=True)})
        ],
        "core.peeled_users": [_peeled_in("user_idx", dropped_in[0])],
        "core.peeled_items": [_peeled_in("item_idx", dropped_in[1])],
    }


def _least(inputs: Inputs) -> tuple[int, int]:
    return int(inputs.parameters["k_core_users"]), int(inputs.parameters["k_core_items"])


def _slices(n_rows: int) -> Iterator[slice]:
    for first in range(0, n_rows, SLICE):
        yield slice(first, min(first + SLICE, n_rows))


def _counts(indices: Indices, size: int) -> Any:
    """Count the pairs of each owner, int32 `(size,)`."""
    counts = np.zeros(size, dtype=np.int32)
    for one in _slices(len(indices)):
        counts += np.bincount(indices[one], minlength=size).astype(np.int32)
    return counts


def _kept(pairs: list[Indices], stays: Any, owner: int) -> list[Indices]:
    """Move the pairs whose owner stays to the front of their arrays, and give those parts."""
    n_kept = 0
    for one in _slices(len(pairs[owner])):
        chosen = stays[pairs[owner][one]]
        n_more = int(np.count_nonzero(chosen))
        for column in pairs:
            column[n_kept : n_kept + n_more] = column[one][chosen]
        n_kept += n_more
    return [column[:n_kept] for column in pairs]


def _peeled_in(index: str, rounds: Indices) -> Any:
    """Give who has a round, in the order of indices."""
    peeled = np.flatnonzero(rounds)
    return arrow_table({index: peeled.astype(np.int32), "round": rounds[peeled].astype(np.int64)})
