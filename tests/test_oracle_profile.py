"""What is told of columns, items, users and times is what pandas and numpy tell of the same events."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from building import lay_out, rows, run
from comparing import values

pandas = pytest.importorskip("pandas", reason="describe is compared with pandas': pip install -e '.[test]'")

TABLES = ("column_statistics", "item_histogram", "user_histogram", "time_histogram")
SELECT = tuple(f"+core.{table}" for table in TABLES)
COLUMNS = {
    "user_id": "bigint",
    "item_id": "bigint",
    "weight": "decimal(18,6)",
    "occurred_at": "timestamp",
    "basket_id": "bigint",
    "position": "integer",
}
# our column: what pandas' describe calls it
FIGURES = {
    "mean": "mean",
    "standard_deviation": "std",
    "smallest": "min",
    "lower_quartile": "25%",
    "median": "50%",
    "upper_quartile": "75%",
    "largest": "max",
}
MOVIELENS = """
[files.events]
paths = "{0}/u.data"
delimiter = "\\t"
header = false
time_unit = "s"
column = {{ user_id = "1", item_id = "2", weight = "3", occurred_at = "4" }}
"""


def random_events(seed: int, n_rows: int) -> list[tuple[Any, ...]]:
    """Events with ties, missing places, heavy tails and times that repeat."""
    draw = random.Random(seed)
    weights = [draw.choice(["0", "1", "1", "2.5", f"{draw.paretovariate(0.7):.6f}", "1000000.25"]) for _ in range(9)]
    return [
        (
            draw.randrange(5),
            int(draw.paretovariate(0.5)) % 400,
            draw.choice(weights),
            draw.choice([None, f"2024-0{draw.randrange(1, 10)}-11 0{draw.randrange(10)}:00:0{draw.randrange(10)}.5"]),
            draw.choice([None, 1, 2, 3]),
            draw.choice([None, 0, 1, draw.randrange(10**6)]),
        )
        for _ in range(n_rows)
    ]


def written(table: list[tuple[Any, ...]]) -> str:
    """The SELECT of a source file with these events."""
    return values(", ".join(f"{name} {kind}" for name, kind in COLUMNS.items()), table)


def described(root: Path) -> dict[str, dict[str, Any]]:
    """What the built table tells of each column."""
    names = [str(name) for (name, *_) in rows(root, "describe core.column_statistics")]
    told = [dict(zip(names, row, strict=True)) for row in rows(root, "from core.column_statistics")]
    return {str(row["column_name"]): row for row in told}


def assert_is_described(root: Path, frame: Any, texts: list[str], numbers: list[str]) -> None:
    """Compare every figure with pandas' of the same column; the most frequent value with its count."""
    told = described(root)
    assert list(told) == ["user_id", "item_id", "weight", "occurred_at", "basket_id", "position", "source_file"]
    for name in told:
        assert told[name]["n_rows"] == len(frame), name
        if name in frame:
            assert told[name]["n_missing"] == frame[name].isna().sum(), name
    for name in texts:
        counts = frame[name].value_counts()
        most = None if counts.empty else counts.iloc[0]
        first = None if counts.empty else str(min(counts[counts == most].index))
        found = (told[name]["n_distinct"], told[name]["n_top"], told[name]["top_value"])
        assert found == (frame[name].nunique(), most, first), name
    for name in numbers:
        column = frame[name].astype(float)
        wanted = column.describe()
        assert told[name]["n_distinct"] == column.nunique(), name
        for ours, theirs in FIGURES.items():
            found = told[name][ours]
            if pandas.isna(wanted[theirs]):
                assert found is None, (name, ours, found)
            else:
                assert found == pytest.approx(wanted[theirs], rel=1e-12, abs=1e-12), (name, ours)


def assert_is_binned(root: Path, table: str, counts: "numpy.ndarray[Any, Any]", n_without: int) -> None:
    """Compare the bins of 0 to 100, and the two of the tail, with numpy's."""
    found = rows(root, f"select * from core.{table} order by first_n_events")
    edges = [*range(102), 20000, numpy.inf]
    wanted = numpy.histogram(counts, bins=edges)[0]
    wanted[0] += n_without
    sums = numpy.histogram(counts, bins=edges, weights=counts)[0]
    assert [row[0] for row in found] == edges[:-1]
    assert [row[2] for row in found] == list(wanted)
    assert [row[3] for row in found] == list(sums)


def test_no_events_are_described_as_pandas_describes_them(tmp_path: Path) -> None:
    lay_out(tmp_path, events=written(random_events(0, 5)))
    run(tmp_path, {"parameters": [("max_small_history", 100)]}, select=SELECT)
    frame = pandas.DataFrame([], columns=list(COLUMNS)).astype({"basket_id": "Int64"})
    assert_is_described(tmp_path, frame, ["user_id", "item_id", "basket_id"], ["weight", "position"])


@pytest.mark.parametrize("n_rows", [1, 2, 3, 4, 5, 1000])
def test_random_events_are_described_as_pandas_describes_them(tmp_path: Path, n_rows: int) -> None:
    for seed in range(2):
        root = tmp_path / str(seed)
        root.mkdir()
        table = random_events(seed, n_rows)
        lay_out(root, events=written(table))
        run(root, select=SELECT)
        frame = pandas.DataFrame(table, columns=list(COLUMNS)).astype({"basket_id": "Int64"})
        print(f"seed {seed}")
        assert_is_described(root, frame, ["user_id", "item_id", "basket_id"], ["weight", "position"])
        for table_name, key in (("item_histogram", "item_id"), ("user_histogram", "user_id")):
            assert_is_binned(root, table_name, frame[key].value_counts().to_numpy(), 0)


def test_large_numbers_close_to_each_other_keep_their_deviation(tmp_path: Path) -> None:
    weights = [(1, 1, 900_000_000 + more) for more in (0, 1, 2)]
    lay_out(tmp_path, events=values("user_id bigint, item_id bigint, weight decimal(18,6)", weights))
    run(tmp_path, select=SELECT)
    assert described(tmp_path)["weight"]["standard_deviation"] == 1.0


def test_films_are_described_as_pandas_describes_them(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    folder = real_data("events")
    (tmp_path / "recsys.toml").write_text(f'kind = "events"\n{MOVIELENS.format(folder)}', encoding="utf-8")
    run(tmp_path, select=SELECT)
    names = ["user_id", "item_id", "weight", "seconds"]
    frame = pandas.read_csv(folder / "u.data", sep="\t", names=names)
    assert_is_described(tmp_path, frame, ["user_id", "item_id"], ["weight"])
    assert_is_binned(tmp_path, "item_histogram", frame["item_id"].value_counts().to_numpy(), 0)
    assert_is_binned(tmp_path, "user_histogram", frame["user_id"].value_counts().to_numpy(), 0)
    found = rows(tmp_path, "select epoch(bin_start), epoch(bin_end), n_events from core.time_histogram order by bin")
    first, last = frame["seconds"].min(), frame["seconds"].max() + 1
    assert [row[2] for row in found] == list(
        numpy.histogram(frame["seconds"], bins=numpy.linspace(first, last, 101))[0]
    )
    assert (found[0][0], found[-1][1]) == (first, last)
