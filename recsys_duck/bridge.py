"""The bridge between tables and arrays: Arrow batches into sparse matrices and factors, and back.

Arrays are allocated once, in 32 bits, and filled as the batches come; no row ever becomes a Python
object. Refuses rows that do not come in order, which would give a matrix of other rows.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recsys_duck.errors import ResourceError, StageError

Floats: TypeAlias = NDArray[np.float32]
Indices: TypeAlias = NDArray[np.int32]
VECTOR_BATCH_BYTES = 8_000_000


def matrix_bytes(n_entries: int, n_rows: int, *, value_bytes: int = 4) -> int:
    """Count the bytes of a sparse matrix: an entry's 32-bit index and its value, 32 bits a row."""
    return (4 + value_bytes) * n_entries + 4 * n_rows


def sparse_matrix(
    batches: Iterable[Any],
    values: str = "weight",
    *,
    n_entries: int,
    shape: tuple[int, int],
    dtype: type[np.floating[Any]] = np.float32,
) -> csr_matrix:
    """Fill a CSR matrix from Arrow batches of user_idx, item_idx and `values` in the order of both indices.

    int32 indices and offsets, data of `dtype`, `shape` (users, items).

    Raises:
        ResourceError: there are more entries than 32 bits count.
        StageError: the rows are not sorted, repeat a pair, or are not `n_entries`.
    """
    if n_entries >= 2**31:
        raise ResourceError(
            f"a training matrix of {n_entries:,} entries is too large for 32-bit offsets",
            where="training.matrix",
            fix="train on fewer events: a later cutoff, or higher thresholds",
        )
    indices, data = np.empty(n_entries, dtype=np.int32), np.empty(n_entries, dtype=dtype)
    offsets = np.zeros(shape[0] + 1, dtype=np.int64)
    at, last = 0, -1
    for batch in batches:
        frame = pl.DataFrame(batch)
        if frame.is_empty():
            continue
        users, items = frame["user_idx"].to_numpy(), frame["item_idx"].to_numpy()
        places = users.astype(np.int64) * shape[1] + items
        if at + len(frame) > n_entries or places[0] <= last or (np.diff(places) <= 0).any():
            raise StageError("the rows of the training matrix do not come in order", where="training.matrix")
        indices[at : at + len(frame)] = items
        data[at : at + len(frame)] = frame[values].to_numpy()
        offsets[int(users[0]) + 1 : int(users[-1]) + 2] += np.bincount(users - users[0])
        at, last = at + len(frame), int(places[-1])
    if at != n_entries:
        raise StageError(f"the training matrix has {at} rows, not {n_entries}", where="training.matrix")
    return csr_matrix((data, indices, np.cumsum(offsets, dtype=np.int64).astype(np.int32)), shape=shape)


def matrix_of_rows(offsets: Any, indices: Any, values: Any, *, n_columns: int) -> csr_matrix:
    """Give the CSR matrix whose row i has the entries from offsets[i] to offsets[i + 1]."""
    return csr_matrix((values, indices, offsets), shape=(len(offsets) - 1, n_columns))


def ids_in_order(batches: Iterable[Any], index: str, key: str) -> pl.Series:
    """Read the keys of a catalogue, each at the place that its dense index names."""
    return pl.concat([pl.DataFrame(batch) for batch in batches]).sort(index)[key]


def numbers_in_order(batches: Iterable[Any], index: str, name: str, *, size: int) -> NDArray[np.float64]:
    """Read numbers into float64 `(size,)`, each at the place that its dense index names, 0 where there is none."""
    numbers = np.zeros(size, dtype=np.float64)
    for batch in batches:
        frame = pl.DataFrame(batch)
        numbers[frame[index].to_numpy()] = frame[name].to_numpy()
    return numbers


def codes_in_order(texts: pl.Series) -> Indices:
    """Number texts from 0 in their order, int32, equal ones alike; -1 for a missing one."""
    return texts.rank("dense").cast(pl.Int32).fill_null(0).to_numpy() - np.int32(1)


def whole_groups(batches: Iterable[Any], key: str) -> Iterator[Mapping[str, Any]]:
    """Give batches as columns of arrays that hold all rows of a key together, as they come together."""
    left = pl.DataFrame()
    for batch in batches:
        frame = pl.concat([left, pl.DataFrame(batch)]) if len(left) else pl.DataFrame(batch)
        n_whole = 0 if frame.is_empty() else int((frame[key] != frame[key][-1]).sum())
        left = frame[n_whole:]
        if n_whole:
            yield _arrays(frame[:n_whole])
    if len(left):
        yield _arrays(left)


def vectors_in_order(batches: Iterable[Any], index: str, *, shape: tuple[int, int]) -> tuple[Floats, Indices]:
    """Read vectors into float32 `shape` (all indices, n_factors), zeros where there is none; and whose they are."""
    vectors = np.zeros(shape, dtype=np.float32)
    found: list[Indices] = [np.empty(0, dtype=np.int32)]
    for batch in batches:
        frame = pl.DataFrame(batch)
        at = frame[index].to_numpy()
        vectors[at] = frame["factors"].explode(empty_as_null=False).to_numpy().reshape(len(at), shape[1])
        found.append(at.astype(np.int32))
    return vectors, np.sort(np.concatenate(found))


def index_columns(batches: Iterable[Any], *names: str, n_rows: int) -> list[Indices]:
    """Read columns of dense indices, int32 `(n_rows,)` each; rows beyond `n_rows` are left alone."""
    columns = [np.empty(n_rows, dtype=np.int32) for _ in names]
    at = 0
    for batch in batches:
        frame = pl.DataFrame(batch).head(n_rows - at)
        for name, column in zip(names, columns, strict=True):
            column[at : at + len(frame)] = frame[name].to_numpy()
        at += len(frame)
    return columns


def one_row(fields: Mapping[str, Any]) -> Any:
    """Give an Arrow table of one row."""
    return _arrow(pl.DataFrame([fields]))


def arrow_table(columns: Mapping[str, Any]) -> Any:
    """Give an Arrow table of whole columns, arrays or lists by name."""
    return _arrow(pl.DataFrame(columns))


def vectors_at_a_time(n_factors: int) -> int:
    """Count the vectors that are read or written together; a batch is copied twice on its way."""
    return max(1, VECTOR_BATCH_BYTES // (4 * n_factors))


def vector_batches(model_name: str, keys: pl.Series, index: str, *, rows: Indices, vectors: Floats) -> Iterator[Any]:
    """Give the vectors of some rows as Arrow tables of model_name, the key, its dense index and factors."""
    size = vectors_at_a_time(vectors.shape[1])
    for first in range(0, max(1, len(rows)), size):
        at = rows[first : first + size]
        yield _arrow(
            pl.DataFrame(
                {
                    "model_name": pl.repeat(model_name, len(at), eager=True, dtype=pl.String),
                    keys.name: keys.gather(at.astype(np.uint32)),
                    index: at,
                    "factors": pl.Series(vectors[at], dtype=pl.Array(pl.Float32, vectors.shape[1])).arr.to_list(),
                }
            )
        )


def list_batches(model_name: str, lists: Iterable[Any], *, users: pl.Series, items: pl.Series) -> Iterator[Any]:
    """Give lists as Arrow tables of model_name, user_id, rank, item_id, score; one empty table first.

    `lists` have users, item_idx, rank and scores, flat; `users` and `items` are the ids by index.
    """
    nothing = np.empty(0, dtype=np.uint32)
    yield _lists(model_name, users.gather(nothing), items.gather(nothing), nothing, nothing.astype(np.float64))
    for one in lists:
        keys = users.gather(one.users.astype(np.uint32)), items.gather(one.item_idx.astype(np.uint32))
        yield _lists(model_name, *keys, one.rank, one.scores)


def _lists(model_name: str, users: pl.Series, items: pl.Series, rank: Any, scores: Any) -> Any:
    return _arrow(
        pl.DataFrame(
            {
                "model_name": pl.repeat(model_name, len(users), eager=True, dtype=pl.String),
                "user_id": users,
                "rank": rank.astype(np.int64),
                "item_id": items,
                "score": scores,
            }
        )
    )


def _arrays(frame: pl.DataFrame) -> Mapping[str, Any]:
    return {name: frame[name].to_numpy() for name in frame.columns}


def _arrow(frame: pl.DataFrame) -> Any:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
