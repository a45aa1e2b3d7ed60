"""ALS: factors of users and items by alternating least squares on implicit feedback, and the lists from them.

The fitting is implicit's, the lists are ours. BLAS keeps to one thread: implicit spreads users over
threads itself, and one thread adds in one order.

Source: Hu, Koren, Volinsky 2008, Collaborative filtering for implicit feedback datasets.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import numpy as np

from recsys_duck.bridge import (
    ids_in_order,
    list_batches,
    matrix_bytes,
    one_row,
    sparse_matrix,
    vector_batches,
    vectors_at_a_time,
    vectors_in_order,
)
from recsys_duck.errors import StageError
from recsys_duck.models.source import source_of
from recsys_duck.stage import Check, Column, Contract, Inputs, PythonStage
from recsys_duck.topn import item_vectors, top_n, users_at_a_time

NAME = "als"
FITTED_BY = ("factors", "iterations", "regularization", "alpha", "seed")
ID_BYTES = 100  # of an id as text, while it is sorted
BATCH_BYTES = 40_000_000  # of rows on their way in and out
BLOCK_BYTES = 24_000_000  # of the least block of lists; more is taken where there is more

FITS = Contract(
    about="The fitted models, with what they were fitted on.",
    grain=("model_name",),
    checks=(
        Check(
            "n_pairs = 0 or n_items > 0",
            severity="warn",
            sentence="every weight of the training matrix is 0, so als learns nothing and makes no lists; "
            "give weights above 0, or weighting = binary",
        ),
        Check("alpha > 0", "warn", "alpha = 0 takes every weight away: the lists of als mean nothing"),
    ),
    columns=(
        Column("model_name", "the model: a named part of recs.personal"),
        Column("library", "what fitted it, with its version"),
        Column("factors", "length of the vectors"),
        Column("iterations", "rounds of least squares"),
        Column("regularization", "penalty on the length of vectors"),
        Column("alpha", "confidence in a met pair, times its value in the training matrix"),
        Column("seed", "seed of the random start"),
        Column("n_users", "users with a weight above 0 in the training matrix"),
        Column("n_new_users", "users folded in, who have none"),
        Column("n_items", "items with a weight above 0 in the training matrix"),
        Column("n_pairs", "entries of the training matrix"),
    ),
)


def _factors(owner: str, why: str) -> Contract:
    return Contract(
        about=f"The vector of each known {owner}, by model; the product of a user's and an item's is the score.",
        grain=("model_name", f"{owner}_id"),
        why=why,
        source="Hu, Koren, Volinsky 2008, Collaborative filtering for implicit feedback datasets",
        columns=(
            Column("model_name", "the model: a named part of recs.personal"),
            Column(f"{owner}_id", f"the {owner}'s own key"),
            Column(f"{owner}_idx", f"its dense index in core.{owner}s, for matrices only"),
            Column("factors", "the vector, float32, as long as the parameter factors says"),
        ),
    )


USER_FACTORS = _factors("user", "new users are folded in: one more least-squares step over their known pairs.")
ITEM_FACTORS = _factors("item", "items without a row in train have none.")

LISTS = Contract(
    about="For each known user, the items that als scores highest and the user has not met.",
    grain=("model_name", "user_id", "rank"),
    why="exact: candidates from float32 products with a margin, scores in float64; ties go to the smaller item.",
    source="Hu, Koren, Volinsky 2008, Collaborative filtering for implicit feedback datasets",
    columns=(
        Column("model_name", "the model that made the list"),
        Column("user_id", "whoever owns the list"),
        Column("rank", "place in the user's list, 1 is best"),
        Column("item_id", "what is recommended"),
        Column("score", "product of the two vectors; bigger is better within one model"),
    ),
)


def stages() -> tuple[PythonStage, PythonStage]:
    """Give the stage that fits and the stage that makes the lists."""
    source = source_of(__name__)
    fit_stage = PythonStage(
        key="models.als",
        tables={"models.fits": FITS, "models.user_factors": USER_FACTORS, "models.item_factors": ITEM_FACTORS},
        reads=("training.matrix", "training.fold_in", "core.users", "core.items"),
        parameters=FITTED_BY,
        run=fit,
        need=fit_bytes,
        source=source,
        part=NAME,
        versions={name: version(name) for name in ("implicit", "numpy", "scipy")},
    )
    list_stage = PythonStage(
        key=f"recs.personal/{NAME}",
        tables={"recs.personal": LISTS},
        reads=("models.user_factors", "models.item_factors", "features.user_items", "core.users", "core.items"),
        parameters=("factors", "top_n", "include_seen"),
        run=recommend,
        need=list_bytes,
        source=source,
        part=NAME,
        versions={"numpy": version("numpy")},
    )
    return fit_stage, list_stage


def fit_bytes(inputs: Inputs) -> int:
    """Count the bytes that fitting takes: the matrix, its transpose, factors and their random start, ids."""
    n_users, n_items, n_pairs = _sizes(inputs, "training.matrix")
    vector = 4 * int(inputs.parameters["factors"])
    matrices = matrix_bytes(n_pairs, n_users) + matrix_bytes(n_pairs, n_items)
    matrices += matrix_bytes(inputs.n_rows("training.fold_in"), n_users)
    return matrices + (n_users + n_items) * (3 * vector + ID_BYTES) + BATCH_BYTES


def list_bytes(inputs: Inputs) -> int:
    """Count the bytes that the lists take: factors, those of items twice, seen pairs, ids, a block."""
    n_users, n_items, n_pairs = _sizes(inputs, "features.user_items")
    vector = 4 * int(inputs.parameters["factors"])
    vectors = vector * (n_users + 3 * n_items) + (n_users + n_items) * ID_BYTES
    return vectors + matrix_bytes(n_pairs, n_users) + BATCH_BYTES + BLOCK_BYTES


def fit(inputs: Inputs) -> Mapping[str, Iterable[Any]]:
    """Fit on training.matrix, fold in training.fold_in; gives the fit's row and the vectors of who has pairs.

    Raises:
        StageError: the factors are not finite.
    """
    matrix, new = _matrix(inputs, "training.matrix"), _matrix(inputs, "training.fold_in")
    users, items = _with_weight(matrix)
    known_users = np.union1d(users, _with_weight(new)[0]) if len(items) else users
    with np.errstate(over="ignore", invalid="ignore"):  # told below
        for one in (matrix, new):
            one.data *= np.float32(inputs.parameters["alpha"])  # implicit would copy the matrix to do so
    user_factors, item_factors = _factorised(inputs, matrix, new)
    told = {name: inputs.parameters[name] for name in FITTED_BY}
    fits = {
        "model_name": NAME,
        "library": f"implicit {version('implicit')}",
        **told,
        "n_users": len(users),
        "n_new_users": len(known_users) - len(users),
        "n_items": len(items),
        "n_pairs": matrix.nnz,
    }
    user_ids = ids_in_order(inputs.batches("core.users", "user_idx", "user_id"), "user_idx", "user_id")
    item_ids = ids_in_order(inputs.batches("core.items", "item_idx", "item_id"), "item_idx", "item_id")
    return {
        "models.fits": [one_row(fits)],
        "models.user_factors": vector_batches(NAME, user_ids, "user_idx", rows=known_users, vectors=user_factors),
        "models.item_factors": vector_batches(NAME, item_ids, "item_idx", rows=items, vectors=item_factors),
    }


def recommend(inputs: Inputs) -> Mapping[str, Iterable[Any]]:
    """Make the list of every user with a vector, in blocks that fit in memory."""
    n_users, n_items, _ = _sizes(inputs, "features.user_items")
    factors, n = inputs.parameters["factors"], inputs.parameters["top_n"]
    size = vectors_at_a_time(factors)
    user_batches = inputs.batches("models.user_factors", "user_idx", "factors", at_a_time=size)
    user_factors, users = vectors_in_order(user_batches, "user_idx", shape=(n_users, factors))
    item_batches = inputs.batches("models.item_factors", "item_idx", "factors", at_a_time=size)
    item_factors, items = vectors_in_order(item_batches, "item_idx", shape=(n_items, factors))
    ranked = item_vectors(item_factors[items], items, n_items)
    del item_factors
    seen = None if inputs.parameters["include_seen"] else _matrix(inputs, "features.user_items", "n_events")
    user_ids = ids_in_order(inputs.batches("core.users", "user_idx", "user_id"), "user_idx", "user_id")
    item_ids = ids_in_order(inputs.batches("core.items", "item_idx", "item_id"), "item_idx", "item_id")
    left = inputs.memory_bytes - list_bytes(inputs) + BLOCK_BYTES
    lists = top_n(ranked, user_factors, seen, n, users=users, at_a_time=users_at_a_time(left, n, factors))
    return {"recs.personal": list_batches(NAME, _stoppable(lists, inputs), users=user_ids, items=item_ids)}


def _sizes(inputs: Inputs, pairs: str) -> tuple[int, int, int]:
    return inputs.n_rows("core.users"), inputs.n_rows("core.items"), inputs.n_rows(pairs)


def _matrix(inputs: Inputs, pairs: str, values: str = "weight") -> Any:
    """Read a table of pairs, in order, as a sparse matrix of all users by all items, a column of it as the values."""
    n_users, n_items, n_pairs = _sizes(inputs, pairs)
    batches = inputs.batches(pairs, "user_idx", "item_idx", values)
    return sparse_matrix(batches, values, n_entries=n_pairs, shape=(n_users, n_items))


def _factorised(inputs: Inputs, matrix: Any, new: Any) -> tuple[Any, Any]:
    """Run implicit's ALS and solve the new users' rows; float32 (users, factors) and (items, factors)."""
    from implicit.cpu.als import AlternatingLeastSquares
    from implicit.recommender_base import ModelFitError
    from threadpoolctl import threadpool_limits  # comes with implicit

    chosen = {name: inputs.parameters[name] for name in ("factors", "iterations", "regularization")}
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(**chosen, random_state=inputs.parameters["seed"], num_threads=inputs.threads)
        if matrix.nnz:
            with suppress(ModelFitError):  # not finite: told below, as ours
                model.fit(matrix, show_progress=False, callback=lambda *_: inputs.refuse_stop())
                rows = np.flatnonzero(np.diff(new.indptr))
                if len(rows):
                    model.user_factors[rows] = model.recalculate_user(rows, new[rows])
            if not all(np.isfinite(one).all() for one in (matrix.data, model.user_factors, model.item_factors)):
                raise StageError(
                    "the factors of als are not finite",
                    where=f"models.als, {', '.join(f'{name} = {inputs.parameters[name]}' for name in FITTED_BY)}",
                    fix="lower alpha or regularization, or the weights that weighting = raw takes",
                )
            return model.user_factors, model.item_factors
    nothing = np.zeros((max(matrix.shape), chosen["factors"]), dtype=np.float32)
    return nothing[: matrix.shape[0]], nothing[: matrix.shape[1]]


def _with_weight(matrix: Any) -> tuple[Any, Any]:
    """Give the indices, int32, of users and of items that have an entry above 0: of others nothing is learned."""
    has_weight = matrix.data > 0
    ends = np.concatenate(([0], np.cumsum(has_weight, dtype=np.int32)))
    users = np.flatnonzero(np.diff(ends[matrix.indptr]))
    del ends
    items = np.flatnonzero(np.bincount(matrix.indices[has_weight], minlength=matrix.shape[1]))
    return users.astype(np.int32), items.astype(np.int32)


def _stoppable(lists: Iterable[Any], inputs: Inputs) -> Iterator[Any]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # two threads on shared cores were up to eight times slower
        for one in lists:
            inputs.refuse_stop()
            yield one
