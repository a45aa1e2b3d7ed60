"""The k-core: pairs are peeled round after round until every user and item left has enough of the other.

No model, but a stage in Python all the same: how many rounds it takes only the rounds tell, and a SELECT
runs once. Pairs are two int32 arrays, and each round keeps what is left of them.

Source: Seidman 1983, Network structure and minimum degree; here on the two sides of a bipartite graph.
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from recsys_duck.bridge import Indices, arrow_table, index_columns
from recsys_duck.models.source import source_of
from recsys_duck.stage import Column, Contract, Inputs, PythonStage

PAIR_BYTES = 18  # of a pair: two indices, the two of those that stay, and what says so
COUNT_BYTES = 16  # of a user or item: its count, and the round that dropped it

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
        columns=(Column(f"{owner}_idx", ""), Column("round", "the round that dropped it, from 1")),
    )


def stage() -> PythonStage:
    """Give the stage that peels."""
    return PythonStage(
        key="core.k_core",
        tables={
            "core.k_core_rounds": ROUNDS,
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
    """Count the bytes that peeling takes: the pairs, those that stay beside them, and what is known of each owner."""
    n_pairs = inputs.n_rows("core.filtered_pairs")
    return PAIR_BYTES * n_pairs + COUNT_BYTES * (inputs.n_rows("core.users") + inputs.n_rows("core.items"))


def peel(inputs: Inputs) -> Mapping[str, Iterable[Any]]:
    """Drop users, then items, that lack partners, until a round drops nobody; gives the rounds and who left.

    Raises:
        InterruptedBuildError: the build was told to stop.
    """
    least = int(inputs.parameters["k_core_users"]), int(inputs.parameters["k_core_items"])
    n_pairs = inputs.n_rows("core.filtered_pairs") if any(least) else 0
    batches = inputs.batches("core.filtered_pairs", "user_idx", "item_idx")
    pairs = index_columns(batches, "user_idx", "item_idx", n_rows=n_pairs)
    sizes = inputs.n_rows("core.users"), inputs.n_rows("core.items")
    dropped_in = [np.zeros(size, dtype=np.int32) for size in sizes]
    rounds: list[list[int]] = []
    while True:
        inputs.refuse_stop()
        n_dropped = []
        for owner in (0, 1):
            drops = _below(pairs[owner], least[owner], sizes[owner])
            n_dropped.append(int(np.count_nonzero(drops)))
            dropped_in[owner][drops] = len(rounds) + 1
            stays = ~drops[pairs[owner]]
            pairs = [column[stays] for column in pairs] if n_dropped[-1] else pairs
        if not any(n_dropped):
            break
        n_left = [int(np.count_nonzero(np.bincount(column))) for column in pairs]
        rounds.append([len(rounds) + 1, *n_dropped, *n_left, len(pairs[0])])
    columns = np.array(rounds, dtype=np.int64).reshape(len(rounds), len(ROUNDS.columns)).T
    return {
        "core.k_core_rounds": [
            arrow_table({column.name: values for column, values in zip(ROUNDS.columns, columns, strict=True)})
        ],
        "core.peeled_users": [_peeled_in("user_idx", dropped_in[0])],
        "core.peeled_items": [_peeled_in("item_idx", dropped_in[1])],
    }


def _peeled_in(index: str, rounds: Indices) -> Any:
    """Give who has a round, in the order of indices."""
    peeled = np.flatnonzero(rounds)
    return arrow_table({index: peeled.astype(np.int32), "round": rounds[peeled].astype(np.int64)})


def _below(indices: Indices, least: int, size: int) -> Any:
    """Tell of each owner, bool `(size,)`, whether it has pairs, but fewer than the least."""
    counts = np.bincount(indices, minlength=size)
    return (counts > 0) & (counts < least)
