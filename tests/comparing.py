"""Comparing published rows with those of an oracle, and writing an oracle's rows as the SELECT of a source file."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

TOLERANCE = 1e-9


def assert_same(note: str, what: str, found: Sequence[Any], wanted: Collection[Any]) -> None:
    """Compare rows of which none stands twice; shows a few of those that differ."""
    found_rows, wanted_rows = set(found), set(wanted)
    missing, surplus = wanted_rows - found_rows, found_rows - wanted_rows
    text = (
        f"{note}: {what} differ: {len(missing)} missing such as {sorted(missing, key=repr)[:5]}, "
        f"{len(surplus)} surplus such as {sorted(surplus, key=repr)[:5]}"
    )
    assert not missing, text
    assert not surplus, text
    n_found, n_wanted = len(found), len(wanted)
    assert n_found == n_wanted, f"{note}: {what} hold a row twice"


def assert_close(
    note: str, what: str, found: Sequence[tuple[Any, ...]], wanted: Mapping[Any, float], tolerance: float = TOLERANCE
) -> None:
    """Compare rows of a key and, as the last column, a number."""
    assert_same(note, what, [row[:-1] for row in found], wanted.keys())
    apart = [
        (*row, wanted[row[:-1]])
        for row in found
        if not math.isclose(row[-1], wanted[row[:-1]], rel_tol=tolerance, abs_tol=TOLERANCE)
    ]
    text = f"{note}: {what} have {len(apart)} other numbers (found, wanted) such as {apart[:5]}" if apart else ""
    assert not text, text


def values(columns: str, table: Iterable[Sequence[Any]]) -> str:
    """Write rows as a SELECT; each column is written as `name type`."""
    declared = [column.split() for column in columns.split(", ")]
    names = ", ".join(name for name, _ in declared)
    casts = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in declared)
    lines = ", ".join("(" + ", ".join(literal(value) for value in row) + ")" for row in table)
    return f"select {casts} from (values {lines}) as t({names})"


def literal(value: Any) -> str:
    """A value in SQL."""
    if value is None:
        return "null"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
