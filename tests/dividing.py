"""Splits of events that a test knows row by row, and their comparison with the oracle's sides."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from building import lay_out, rows, run
from oracles.splits import SIDES, Event, Sides, judged, manifest, on_side

SELECT = ("+split.manifest", "+split.judged_pairs", "+split.folds", "+split.history", "+split.fold_in")
VIEWS = {"train": ["train"], "fold_in": ["fold_in"], "test": ["test"], "history": ["train", "fold_in"]}


def values(events: Sequence[Event]) -> str:
    """Write events as a SELECT, each with its number as its weight, which the package carries along."""
    id_type = "varchar" if any(isinstance(event.user_id, str) for event in events) else "bigint"

    def literal(value: Any) -> str:
        return "null" if value is None else f"'{value}'"

    lines = ", ".join(f"({', '.join(literal(value) for value in event)})" for event in events)
    return f"""
        select cast(user_id as {id_type}) as user_id, cast(item_id as {id_type}) as item_id,
            cast(number as decimal(18, 6)) as weight, cast(occurred_at as timestamp) as occurred_at,
            cast(place as integer) as position
        from (values {lines}) as rows(number, user_id, item_id, occurred_at, place)
    """


def built(root: Path, events: Sequence[Event], parameters: Mapping[str, object]) -> Sides:
    """Build the splits of some events: the side of each, or why it has none."""
    if not (root / "recsys.toml").exists():
        lay_out(root, events=values(events))
    run(root, {"parameters": list(parameters.items())}, select=SELECT)
    question = """
        select cast(weight as bigint), side from split.events
        union all
        select cast(weight as bigint), reject_reason from split.events_rejected
    """
    found = rows(root, question)
    assert len(found) == len(dict(found)) == len(events), "rows lost, or on two sides"
    return dict(found)  # type: ignore[arg-type]


def row_of(root: Path, table: str) -> dict[str, Any]:
    """The one row of a table, by column."""
    (row,) = rows(root, f"from {table}")
    names = rows(root, f"select column_name from (describe {table})")
    return dict(zip((name for (name,) in names), row, strict=True))  # type: ignore[arg-type]


def check(root: Path, events: Sequence[Event], sides: Sides, note: str, **figures: object) -> None:
    """Compare the views, the manifest and the ledger with what the oracle makes of the sides."""
    for view, names in VIEWS.items():
        found = sorted(rows(root, f"select cast(weight as bigint) from split.{view}"))
        assert found == [(event.number,) for event in on_side(events, sides, *names)], f"{note}: split.{view}"
    new = rows(root, "select cast(weight as bigint) from split.history where is_fold_in")
    assert sorted(new) == [(event.number,) for event in on_side(events, sides, "fold_in")], f"{note}: is_fold_in"
    found_figures, wanted = row_of(root, "split.manifest"), manifest(events, sides) | figures
    apart = {name: (found_figures[name], value) for name, value in wanted.items() if found_figures[name] != value}
    assert not apart, f"{note}: figures of the manifest (found, wanted): {apart}"
    counts = Counter("kept" if side in SIDES else side for side in sides.values())
    question = "select reason, n_rows from meta.row_ledger where stage = '{}' and n_rows > 0"
    assert dict(rows(root, question.format("split.events"))) == {"in": len(events), **counts}, f"{note}: ledger"


def check_judged(root: Path, events: Sequence[Event], sides: Sides, note: str, *, drop: bool = False) -> None:
    """Compare the judged pairs and their ledger."""
    pairs, ledger = judged(events, sides, drop_unseen_test_items=drop)
    found = rows(root, "select user_id, item_id from split.judged_pairs")
    assert sorted(found) == sorted(pairs), f"{note}: judged pairs"  # type: ignore[type-var]
    question = "select reason, n_rows from meta.row_ledger where stage = 'split.judged_pairs' and n_rows > 0"
    assert dict(rows(root, question)) == ledger, f"{note}: ledger of the judged pairs"


def check_sides(events: Sequence[Event], found: Sides, wanted: Sides, note: str) -> None:
    """Compare the side of each event."""
    told = [(event, found[event.number], wanted[event.number]) for event in events]
    apart = [one for one in told if one[1] != one[2]]
    assert not apart, f"{note}: {len(apart)} events (event, found, wanted) such as {apart[:5]}"
