"""User-kNN: the users nearest to each user by plays, age and country, and lists of what those play.

Neighbours are found in blocks of users, each a part of its own, that share the matrix in memory. Users
without plays have the mean of all plays, as neighbours too: it is one vector, added where it can matter.

Source: Resnick et al. 1994, GroupLens: an open architecture for collaborative filtering of netnews.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from recsys_duck.bridge import (
    arrow_table,
    codes_in_order,
    ids_in_order,
    list_batches,
    matrix_bytes,
    matrix_of_rows,
    numbers_in_order,
    sparse_matrix,
    whole_groups,
)
from recsys_duck.models.source import source_of
from recsys_duck.stage import Check, Column, Contract, Inputs, PythonStage
from recsys_duck.tastes import Floats, Indices, Search, Tastes, block_bytes
from recsys_duck.topn import Lists

NAME = "user_knn"
KIND = "lastfm_360k"
ID_BYTES = 100  # of an id as text, while it is sorted
USER_BYTES = 120  # of a user's numbers beside its row of the matrix
BATCH_BYTES = 40_000_000  # of rows on their way in and out
ENTRIES_AT_A_TIME = 4_000_000  # of plays of neighbours, while they are added up
ENTRY_BYTES = 30
TIE = 2e-12  # scores that may be equal at 12 digits differ by less

NEIGHBOURS = Contract(
    about="The users nearest to each user by shares of plays in train, age and country, the user itself first.",
    grain=("user_id", "rank"),
    why="exact over all users; ordered by the distance at 9 digits, then user_id. Users without plays in train "
    "have the mean plays of those with some.",
    source="Euclidean distance of [shares of plays | age share | country one-hot]",
    checks=(Check("rank >= 1 and distance >= 0 and isfinite(distance)"),),
    columns=(
        Column("user_id", "whoever has the neighbours"),
        Column("user_idx", "its dense index in core.users, for matrices only"),
        Column("rank", "place among the neighbours: 1 is the user itself, 2 the nearest other"),
        Column("neighbour_user_id", "the neighbour"),
        Column("neighbour_user_idx", "the neighbour's dense index in core.users, for matrices only"),
        Column("distance", "0 or more; 0 where the squared distance is below 1e-12"),
    ),
)

LISTS = Contract(
    about="For each user, the items that the nearest users play most and the user has not met.",
    grain=("model_name", "user_id", "rank"),
    why="a score is the mean over the other neighbours of nearness times share of plays; nearness is 1 - distance / "
    "largest distance in all lists, 1 where that is 0. Ordered by the score at 12 digits, then the item's index.",
    source="Resnick et al. 1994, GroupLens: an open architecture for collaborative filtering of netnews",
    columns=(
        Column("model_name", "the model that made the list"),
        Column("user_id", "whoever owns the list"),
        Column("rank", "place in the user's list, 1 is best"),
        Column("item_id", "what is recommended"),
        Column("score", "mean over the neighbours, 0 to 1; bigger is better within one model"),
    ),
)


def stages() -> tuple[PythonStage, PythonStage]:
    """Give the stage that finds neighbours and the stage that makes the lists."""
    source = source_of(__name__)
    versions = {name: version(name) for name in ("numpy", "scipy")}
    plays = ("features.play_shares", "features.mean_shares", "core.users", "core.items")
    neighbour_stage = PythonStage(
        key="features.user_neighbours",
        tables={"features.user_neighbours": NEIGHBOURS},
        reads=(*plays, "core.profiles", "features.neighbour_blocks"),
        parameters=("n_neighbors", "first_user_idx", "last_user_idx"),
        run=find_neighbours,
        need=neighbour_bytes,
        load=load_search,
        source=source,
        part=NAME,
        versions=versions,
        origin=KIND,
        for_each="features.neighbour_blocks",
    )
    list_stage = PythonStage(
        key=f"recs.personal/{NAME}",
        tables={"recs.personal": LISTS},
        reads=(*plays, "features.user_neighbours", "features.user_items"),
        parameters=("top_n", "include_seen"),
        run=recommend,
        need=list_bytes,
        source=source,
        part=NAME,
        versions=versions,
        origin=KIND,
    )
    return neighbour_stage, list_stage


def neighbour_bytes(inputs: Inputs) -> int:
    """Count the bytes that finding neighbours takes: the matrix, what is known of users, a block."""
    return _matrix_bytes(inputs) + BATCH_BYTES + block_bytes(inputs.n_rows("core.users"))


def list_bytes(inputs: Inputs) -> int:
    """Count the bytes that the lists take: the matrix, met pairs, ids, plays of neighbours."""
    seen = 0 if inputs.parameters["include_seen"] else inputs.n_rows("features.user_items")
    met_bytes = matrix_bytes(seen, inputs.n_rows("core.users"))
    n_users, n_pairs = inputs.n_rows("core.users"), inputs.n_rows("features.play_shares")
    n_entries = min(ENTRIES_AT_A_TIME, n_users * n_pairs)
    return _matrix_bytes(inputs) + met_bytes + BATCH_BYTES + ENTRY_BYTES * n_entries


def load_search(inputs: Inputs) -> tuple[Search, Any]:
    """Read what is known of all users, with their ids in order."""
    n_users = inputs.n_rows("core.users")
    ages = numbers_in_order(
        inputs.batches("core.profiles", "user_idx", "age_share"), "user_idx", "age_share", size=n_users
    )
    countries = ids_in_order(inputs.batches("core.profiles", "user_idx", "country"), "user_idx", "country")
    tastes = Tastes(_shares(inputs), _mean_shares(inputs), ages, codes_in_order(countries))
    return Search(tastes), ids_in_order(inputs.batches("core.users", "user_idx", "user_id"), "user_idx", "user_id")


def find_neighbours(inputs: Inputs) -> Mapping[str, Iterable[Any]]:
    """Find the neighbours of the users of one block."""
    first, last = inputs.parameters["first_user_idx"], inputs.parameters["last_user_idx"]
    users = np.arange(first, last + 1) if first is not None else np.empty(0, dtype=np.int64)
    return {"features.user_neighbours": _neighbour_batches(inputs, users)}


def _neighbour_batches(inputs: Inputs, users: Indices) -> Iterator[Any]:
    search, ids = inputs.loaded
    nothing = np.empty(0, dtype=np.int64)
    yield _neighbour_table(ids, nothing, nothing, nothing, nothing.astype(np.float64))
    for found in search.nearest(users, inputs.parameters["n_neighbors"]):
        yield _neighbour_table(ids, found.users, found.neighbours, found.rank, found.distances)
        inputs.refuse_stop()


def _neighbour_table(ids: Any, users: Indices, neighbours: Indices, rank: Indices, distances: Floats) -> Any:
    return arrow_table(
        {
            "user_id": ids.gather(users),
            "user_idx": users.astype(np.int32),
            "rank": rank,
            "neighbour_user_id": ids.gather(neighbours),
            "neighbour_user_idx": neighbours.astype(np.int32),
            "distance": distances,
        }
    )


@dataclass(frozen=True, slots=True)
class _Taste:
    """The mean of all plays: `shares` float64 by item_idx, `ranked` the items that have one, best first."""

    shares: Floats
    ranked: Indices


def recommend(inputs: Inputs) -> Mapping[str, Iterable[Any]]:
    """Make the list of every user that has a neighbour."""
    user_ids = ids_in_order(inputs.batches("core.users", "user_idx", "user_id"), "user_idx", "user_id")
    item_ids = ids_in_order(inputs.batches("core.items", "item_idx", "item_id"), "item_idx", "item_id")
    return {"recs.personal": list_batches(NAME, _lists(inputs), users=user_ids, items=item_ids)}


def _lists(inputs: Inputs) -> Iterator[Lists]:
    shares, mean_shares = _shares(inputs), _mean_shares(inputs)
    ranked = np.lexsort((np.arange(len(mean_shares)), -mean_shares))
    mean = _Taste(mean_shares, ranked[: np.count_nonzero(mean_shares)])
    met = None if inputs.parameters["include_seen"] else _met(inputs)
    largest = max(
        (float(batch["distance"].max()) for batch in whole_groups(_neighbours(inputs), "user_idx")), default=0.0
    )
    for block in whole_groups(_neighbours(inputs), "user_idx"):
        inputs.refuse_stop()
        is_other = block["rank"] > 1
        users, others = block["user_idx"][is_other], block["neighbour_user_idx"][is_other]
        distances = block["distance"][is_other]
        weights = 1 - distances / largest if largest else np.ones(len(distances))
        for rows in _cut(users, np.diff(shares.indptr)[others]):
            yield _list_block(shares, mean, met, (users[rows], others[rows], weights[rows]), inputs.parameters["top_n"])


def _neighbours(inputs: Inputs) -> Iterator[Any]:
    return inputs.batches("features.user_neighbours", "user_idx", "neighbour_user_idx", "rank", "distance")


def _cut(users: Indices, n_entries: Indices) -> list[slice]:
    """Cut rows, a user's together, where they hold about so many entries as are added up at a time."""
    if not len(users):
        return []
    opens = np.flatnonzero(np.diff(users, prepend=-1))
    before = (np.cumsum(n_entries, dtype=np.int64) - n_entries)[opens] // ENTRIES_AT_A_TIME
    cuts = opens[np.flatnonzero(np.diff(before, prepend=-1))]
    return [slice(first, stop) for first, stop in zip(cuts, [*cuts[1:], len(users)], strict=True)]


def _list_block(shares: Any, mean: _Taste, met: Any, near: tuple[Indices, Indices, Floats], top_n: int) -> Lists:
    """Make the lists of a block of users of their neighbours and those's weights, a user's together."""
    users, others, weights = near
    opens = np.flatnonzero(np.diff(users, prepend=-1))
    offsets = np.append(opens, len(users))
    sums = matrix_of_rows(offsets, others, weights, n_columns=shares.shape[0]) @ shares
    without_plays = np.where(np.diff(shares.indptr)[others] == 0, weights, 0.0)
    found = []
    for row, (user, n_others) in enumerate(zip(users[opens], np.diff(offsets), strict=True)):
        entries = slice(sums.indptr[row], sums.indptr[row + 1])
        of_mean = sum(without_plays[offsets[row] : offsets[row + 1]].tolist())  # one after the other
        seen = met.indices[met.indptr[user] : met.indptr[user + 1]] if met is not None else np.empty(0, np.int32)
        items, scores = _candidates(
            sums.indices[entries], sums.data[entries], mean, of_mean, n_wanted=top_n + len(seen), tie=TIE * n_others
        )
        is_new = ~np.isin(items, seen)
        found.append(_best(items[is_new], scores[is_new] / n_others, top_n))
    counts = [len(items) for items, _ in found]
    return Lists(
        users=np.repeat(users[opens], counts),
        item_idx=np.concatenate([items for items, _ in found]).astype(np.int32),
        rank=np.concatenate([np.arange(1, n + 1) for n in counts]),
        scores=np.concatenate([scores for _, scores in found]),
    )


def _candidates(
    items: Any, sums: Floats, mean: _Taste, of_mean: float, *, n_wanted: int, tie: float
) -> tuple[Any, Floats]:
    """Add `of_mean` times the mean to sums; of the items that it alone brings, those that may be in the list.

    Those are the `n_wanted` it holds most of, with all that may tie with the last of them: others stand behind.
    """
    if of_mean <= 0 or not len(mean.ranked):  # with no plays at all the mean holds nothing
        return items, sums
    values = mean.shares[mean.ranked]
    last = values[min(n_wanted, len(values)) - 1]
    n_more = int(np.searchsorted(-values, -(last - tie / of_mean), side="right"))
    more = mean.ranked[:n_more]
    more = more[~np.isin(more, items)]
    scores = np.concatenate([sums + of_mean * mean.shares[items], of_mean * mean.shares[more]])
    return np.concatenate([items, more]), scores


def _best(items: Any, scores: Floats, top_n: int) -> tuple[Any, Floats]:
    """Give the `top_n` best that score above zero, ties at 12 digits to the smaller item index."""
    least = np.partition(scores, -top_n)[-top_n] - TIE if len(scores) > top_n else 0.0
    may = (scores >= least) & (scores > 0)
    items, scores = items[may], scores[may]
    order = np.lexsort((items, -np.round(scores, 12)))[:top_n]
    return items[order], scores[order]


def _matrix_bytes(inputs: Inputs) -> int:
    n_users, n_items = inputs.n_rows("core.users"), inputs.n_rows("core.items")
    matrix = matrix_bytes(inputs.n_rows("features.play_shares"), n_users, value_bytes=8)
    return matrix + n_users * (ID_BYTES + USER_BYTES) + n_items * ID_BYTES


def _shares(inputs: Inputs) -> Any:
    """Read features.play_shares as a sparse float64 matrix of all users by all items."""
    batches = inputs.batches("features.play_shares", "user_idx", "item_idx", "play_share")
    shape = (inputs.n_rows("core.users"), inputs.n_rows("core.items"))
    n_entries = inputs.n_rows("features.play_shares")
    return sparse_matrix(batches, "play_share", n_entries=n_entries, shape=shape, dtype=np.float64)


def _mean_shares(inputs: Inputs) -> Floats:
    batches = inputs.batches("features.mean_shares", "item_idx", "play_share")
    return numbers_in_order(batches, "item_idx", "play_share", size=inputs.n_rows("core.items"))


def _met(inputs: Inputs) -> Any:
    """Read the pairs that are known of users as a sparse matrix."""
    batches = inputs.batches("features.user_items", "user_idx", "item_idx", "n_events")
    shape = (inputs.n_rows("core.users"), inputs.n_rows("core.items"))
    return sparse_matrix(batches, "n_events", n_entries=inputs.n_rows("features.user_items"), shape=shape)
