"""A Python stage of a planning table: its function runs once a row, what it loads is shared, what it made stays."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from building import lay_out, ran, rows, run, started, write_stage

from recsys_duck.errors import ProjectError, StageError
from recsys_duck.stage import Column, Contract, Inputs, PythonStage

BLOCKS = """-- Blocks of items.
-- grain:  first_item

select
    items.item_id as first_item
from core.items
where items.item_id <= $popular_n
"""
CONTRACT = Contract("Notes.", grain=("item_id",), columns=(Column("item_id"), Column("n_items", "of all")))
LITTLE: list[tuple[str, object]] = [("models", ["popular"]), ("popular_n", 4)]


class Calls:
    """A stage's functions, with what they were called for; `broken` is the item that raises."""

    def __init__(self, broken: int = 0) -> None:
        self.loads = 0
        self.items: list[int | None] = []
        self.broken = broken

    def load(self, inputs: Inputs) -> int:
        self.loads += 1
        return inputs.n_rows("core.items")

    def run(self, inputs: Inputs) -> Mapping[str, Iterable[Any]]:
        item = inputs.parameters["first_item"]
        self.items.append(item)
        if self.broken and item == self.broken:
            raise ValueError("broken")
        found = [] if item is None else [item]
        columns = {
            "item_id": pa.array(found, pa.int64()),
            "n_items": pa.array([inputs.loaded] * len(found), pa.int64()),
        }
        return {"features.notes": [pa.table(columns)]}

    def stage(self, *reads: str, parameters: tuple[str, ...] = ("first_item",)) -> PythonStage:
        return PythonStage(
            "features.notes",
            {"features.notes": CONTRACT},
            ("core.items", "features.note_blocks", *reads),
            parameters,
            self.run,
            "source",
            load=self.load,
            for_each="features.note_blocks",
        )


def build(root: Path, calls: Calls, parameters: list[tuple[str, object]] = LITTLE, **options: object) -> list[Any]:
    return run(root, {"parameters": parameters}, [calls.stage()], select=("+features.notes",), **options)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    lay_out(tmp_path)
    write_stage(tmp_path, "features/note_blocks", BLOCKS)
    return tmp_path


def test_each_row_is_a_part_and_what_they_share_is_loaded_once(project: Path) -> None:
    calls = Calls()
    events = build(project, calls)
    assert (calls.loads, calls.items) == (1, [1, 2, 3, 4])
    assert started(events, "features.notes").n_parts == 4
    assert rows(project, "from features.notes order by all") == [(item, 11) for item in (1, 2, 3, 4)]
    assert ran(build(project, Calls())) == set()


def test_a_row_more_runs_one_part_more(project: Path) -> None:
    build(project, Calls())
    calls = Calls()
    build(project, calls, [("models", ["popular"]), ("popular_n", 5)])
    assert calls.items == [5]
    assert rows(project, "select count(*) from features.notes") == [(5,)]


def test_what_was_finished_before_an_error_is_kept(project: Path) -> None:
    with pytest.raises(StageError, match="raised ValueError"):
        build(project, Calls(broken=3))
    folder = project / "warehouse" / "tables" / "features" / "notes"
    kept = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("*/data.parquet")}
    assert len(kept) == 2
    calls = Calls()
    build(project, calls)
    assert calls.items == [3, 4]
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in kept} == kept
    assert rows(project, "select count(*) from features.notes") == [(4,)]


def test_a_planning_table_without_rows_gives_a_table_without_rows(project: Path) -> None:
    write_stage(project, "features/note_blocks", BLOCKS.replace("<= $popular_n", "< 0"))
    calls = Calls()
    build(project, calls)
    assert calls.items == [None]
    assert rows(project, "select count(*) from features.notes") == [(0,)]


def test_force_makes_every_part_again(project: Path) -> None:
    build(project, Calls())
    calls = Calls()
    build(project, calls, force=True)
    assert calls.items == [1, 2, 3, 4]


def test_rows_that_give_the_same_values_are_refused(project: Path) -> None:
    text = BLOCKS.replace("-- grain:  first_item", "-- grain:  none\n-- why:    repeats")
    write_stage(project, "features/note_blocks", text.replace("items.item_id as first_item", "1 as first_item"))
    with pytest.raises(StageError, match="the same values"):
        build(project, Calls())


def test_a_value_that_no_planning_column_gives_is_refused(project: Path) -> None:
    stage = Calls().stage(parameters=("last_item",))
    with pytest.raises(ProjectError, match="last_item, which is not declared"):
        run(project, {"parameters": LITTLE}, [stage])
