"""Item neighbours: the items whose factors are nearest to each item's, by the factors of als.

A stage of its own: other lengths or another metric fit nothing again. Costs nothing where nobody asks.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

from recsys_duck.bridge import ids_in_order, list_batches, vectors_at_a_time, vectors_in_order
from recsys_duck.models.source import source_of
from recsys_duck.nearest import least_bytes, nearest, points, points_at_a_time
from recsys_duck.stage import Check, Column, Contract, Inputs, PythonStage

NAME = "als"
ID_BYTES = 100  # of an id as text, while it is sorted
BATCH_BYTES = 40_000_000  # of rows on their way in and out
ROW_BYTES = 60  # of an item beside its vector: lengths, indices, an order

NEIGHBOURS = Contract(
    about="For each item with factors, the similar_k others whose factors are nearest.",
    grain=("model_name", "item_id", "rank"),
    why="exact: candidates from float32 products with a margin, scores in float64; scores equal to 12 digits go to the "
    "smaller item. An item whose factors are all 0 has no cosine to any: no list, and it is in none. Empty unless "
    "similar_source = factors or factor_neighbours.",
    checks=(Check("rank >= 1 and item_id <> similar_item_id and isfinite(score)"),),
    columns=(
        Column("model_name", "the model whose factors they are"),
        Column("item_id", "whose neighbours they are; it has a row in train"),
        Column("rank", "place in the item's list, 1 is nearest"),
        Column("similar_item_id", "the neighbour"),
        Column("score", "cosine of the factors or, by euclidean, the distance, negated; bigger is more similar"),
    ),
)


def stage() -> PythonStage:
    """Give the stage that finds the neighbours."""
    return PythonStage(
        key=f"models.item_neighbours/{NAME}",
        tables={"models.item_neighbours": NEIGHBOURS},
        reads=("models.item_factors", "core.items"),
        parameters=("factors", "similar_k", "neighbour_metric", "similar_source", "factor_neighbours"),
        run=find,
        need=neighbour_bytes,
        source=source_of(__name__),
        part=NAME,
        versions={"numpy": version("numpy")},
    )


def neighbour_bytes(inputs: Inputs) -> int:
    """Count the bytes that the search takes: vectors four times, ids, one block; 0 where nobody asks for it."""
    if not _is_asked(inputs):
        return 0
    n_items = inputs.n_rows("core.items")
    each = 4 * 4 * (int(inputs.parameters["factors"]) + 2) + ID_BYTES + ROW_BYTES
    return n_items * each + BATCH_BYTES + least_bytes(int(inputs.parameters["similar_k"]))


def find(inputs: Inputs) -> Mapping[str, Iterable[Any]]:
    """Find the neighbours of every item with a vector, in blocks that fit in memory."""
    item_ids = ids_in_order(inputs.batches("core.items", "item_idx", "item_id"), "item_idx", "item_id")
    lists = _lists(inputs) if _is_asked(inputs) else ()
    keys = {"users": item_ids, "items": item_ids.alias("similar_item_id")}
    return {"models.item_neighbours": list_batches(NAME, lists, **keys)}


def _is_asked(inputs: Inputs) -> bool:
    return bool(inputs.parameters["similar_source"] == "factors" or inputs.parameters["factor_neighbours"])


def _lists(inputs: Inputs) -> Iterator[Any]:
    from threadpoolctl import threadpool_limits  # comes with implicit

    factors, k = inputs.parameters["factors"], inputs.parameters["similar_k"]
    batches = inputs.batches("models.item_factors", "item_idx", "factors", at_a_time=vectors_at_a_time(factors))
    vectors, items = vectors_in_order(batches, "item_idx", shape=(inputs.n_rows("core.items"), factors))
    among = points(vectors[items], items, metric=inputs.parameters["neighbour_metric"])
    del vectors
    left = inputs.memory_bytes - neighbour_bytes(inputs) + least_bytes(k)
    with threadpool_limits(1, "blas"):
        for one in nearest(among, k, at_a_time=points_at_a_time(left, k)):
            inputs.refuse_stop()
            yield one
