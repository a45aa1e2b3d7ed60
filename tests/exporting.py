"""Files that `export all` writes, read back without the engine that wrote them."""

import csv
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from projects import command_here

LIMITS = ("--memory-limit", "2GB", "--threads", "2")


def export_all(root: Path) -> Path:
    """Write every export of a project into a folder of it."""
    done = command_here(root, "export", "all", "exports", *LIMITS)
    assert done.returncode == 0, done.stderr
    return root / "exports"


def parquet_rows(path: Path, *columns: str) -> list[tuple[Any, ...]]:
    """The rows of a Parquet file in their order; it has these columns, in this order, and maybe others."""
    table = pq.read_table(path)
    assert [name for name in table.column_names if name in columns] == list(columns), table.column_names
    return list(zip(*(table[column].to_pylist() for column in columns), strict=True))


def csv_rows(path: Path, *columns: str) -> list[tuple[str, ...]]:
    """The rows of a CSV file in their order, as texts, below a header of just these columns."""
    with path.open(newline="", encoding="utf-8") as stream:
        header, *table = csv.reader(stream)
    assert header == list(columns)
    return [tuple(row) for row in table]


def lines(path: Path) -> list[str]:
    """The lines of a text file, each ended."""
    text = path.read_text(encoding="utf-8")
    assert not text or text.endswith("\n")
    return text.split("\n")[:-1]
