"""Tables become matrices and back without a row lost, moved or invented."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from recsys_duck.bridge import ids_in_order, list_batches, sparse_matrix, vector_batches, vectors_in_order
from recsys_duck.errors import ResourceError, StageError
from recsys_duck.topn import Lists


def batches(rows: list[tuple[int, int, float]], size: int) -> list[pa.RecordBatch]:
    schema = pa.schema([("user_idx", pa.int32()), ("item_idx", pa.int32()), ("weight", pa.float32())])
    parts = [rows[at : at + size] for at in range(0, len(rows), size)]
    return [
        pa.RecordBatch.from_arrays(
            [pa.array(column, kind) for column, kind in zip(zip(*part, strict=True), schema.types, strict=True)],
            schema=schema,
        )
        for part in parts
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_sorted_batches_fill_a_matrix_whatever_their_size(size: int) -> None:
    random = np.random.default_rng(size)
    dense = np.where(random.random((9, 7)) < 0.4, random.random((9, 7)), 0).astype(np.float32)
    dense[[0, 4, 8]] = 0  # users without rows at both ends and in the middle
    rows = [(int(user), int(item), float(dense[user, item])) for user, item in zip(*np.nonzero(dense), strict=True)]
    matrix = sparse_matrix(batches(rows, size), n_entries=len(rows), shape=(9, 7))
    assert (matrix.toarray() == dense).all()
    assert (matrix.indices.dtype, matrix.indptr.dtype, matrix.data.dtype) == (np.int32, np.int32, np.float32)


def test_no_rows_are_an_empty_matrix() -> None:
    assert sparse_matrix([], n_entries=0, shape=(3, 2)).nnz == 0


@pytest.mark.parametrize(
    ("rows", "n_entries"),
    [
        ([(1, 0, 1.0), (0, 0, 1.0)], 2),
        ([(0, 1, 1.0), (0, 0, 1.0)], 2),
        ([(0, 1, 1.0), (0, 1, 1.0)], 2),
        ([(0, 0, 1.0)], 2),
        ([(0, 0, 1.0), (0, 1, 1.0)], 1),
    ],
    ids=["users fall", "items fall", "a pair twice", "too few", "too many"],
)
@pytest.mark.parametrize("size", [1, 2])
def test_rows_out_of_order_are_refused(rows: list[tuple[int, int, float]], n_entries: int, size: int) -> None:
    with pytest.raises(StageError, match="training matrix"):
        sparse_matrix(batches(rows, size), n_entries=n_entries, shape=(2, 2))


def test_more_entries_than_32_bits_count_are_refused_before_memory_is_taken() -> None:
    with pytest.raises(ResourceError, match="32-bit"):
        sparse_matrix([], n_entries=2**31, shape=(2, 2))


def test_ids_stand_at_their_index_in_any_order_of_rows() -> None:
    shuffled = [pa.table({"item_idx": [2, 0], "item_id": ["c", "a"]}), pa.table({"item_idx": [1], "item_id": ["b"]})]
    assert ids_in_order(shuffled, "item_idx", "item_id").to_list() == ["a", "b", "c"]
    nothing = ids_in_order([shuffled[0].slice(0, 0)], "item_idx", "item_id")
    assert (nothing.to_list(), nothing.dtype) == ([], pl.String)


def test_vectors_come_back_to_the_bit() -> None:
    vectors = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    keys = pl.Series("user_id", [10, 11, 12, 13, 14])
    rows = np.array([0, 2, 3], dtype=np.int32)
    tables = list(vector_batches("als", keys, "user_idx", rows=rows, vectors=vectors))
    assert tables[0].schema.names == ["model_name", "user_id", "user_idx", "factors"]
    assert tables[0]["user_id"].to_pylist() == [10, 12, 13]
    back, found = vectors_in_order(tables, "user_idx", shape=(5, 3))
    assert found.tolist() == [0, 2, 3]
    assert (back[found] == vectors[found]).all()
    assert not back[[1, 4]].any()


def test_no_vectors_are_an_empty_table_with_columns() -> None:
    nothing = np.empty(0, dtype=np.int32)
    keys = pl.Series("item_id", [], dtype=pl.String)
    [table] = vector_batches("als", keys, "item_idx", rows=nothing, vectors=np.empty((0, 3), dtype=np.float32))
    assert table.num_rows == 0
    assert pa.types.is_large_string(table.schema.field("item_id").type)
    assert vectors_in_order([table], "item_idx", shape=(2, 3))[1].tolist() == []


def test_lists_carry_the_ids_of_their_indices() -> None:
    one = Lists(np.array([1, 1]), np.array([2, 0], dtype=np.int32), np.array([1, 2]), np.array([0.5, 0.25]))
    empty, table = list_batches(
        "als", [one], users=pl.Series("user_id", [7, 8]), items=pl.Series("item_id", ["a", "b", "c"])
    )
    assert empty.num_rows == 0
    assert empty.schema == table.schema
    assert table.to_pylist() == [
        {"model_name": "als", "user_id": 8, "rank": 1, "item_id": "c", "score": 0.5},
        {"model_name": "als", "user_id": 8, "rank": 2, "item_id": "a", "score": 0.25},
    ]
