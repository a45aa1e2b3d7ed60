"""Relations: what a reader sees under a table's name, and the SELECT that says so.

A table is its Parquet parts, a gate's kept rows are one view and its rejected rows another, a view is
its text. The build's session and the published catalog both define relations from here.
"""

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from recsys_duck.errors import StageError
from recsys_duck.parameters import quoted
from recsys_duck.stage import TOLD, Stage
from recsys_duck.store import StepRecord, Store


@dataclass(frozen=True, slots=True)
class Relation:
    """A table as Parquet files (`paths`) with (name, type) columns, or a view (`select`)."""

    name: str
    columns: tuple[tuple[str, str], ...] = ()
    paths: tuple[Path, ...] = field(default=())
    select: str = ""
    is_gate: bool = False

    @property
    def schema(self) -> str:
        """The layer it stands in."""
        return self.name.split(".")[0]


def relation_of(table: str, made_by: Sequence[tuple[Stage, StepRecord]], store: Store) -> Relation:
    """Give the relation of a table from the records of the stages that make it, one or its named parts.

    Raises:
        StageError: parts have columns of different types, which Parquet readers would cast without a word.
    """
    stage, record = made_by[0]
    if stage.is_view:
        return Relation(table, columns=record.columns, select=record.select)
    parts = [part for _, one in made_by for part in one.of_table(table)]
    if len({part.columns for part in parts}) > 1:
        raise StageError(
            f"the parts of {table} have columns of different types",
            where="; ".join(sorted({", ".join(f"{name} {kind}" for name, kind in part.columns) for part in parts})),
            fix="cast them alike",
        )
    return Relation(
        name=table,
        columns=parts[0].columns,
        paths=tuple(store.part_path(part) for part in parts),
        is_gate=bool(stage.tables[table].gate_of),
    )


def relations(
    stages: Mapping[str, Stage], records: Mapping[str, StepRecord], tables: Iterable[str], store: Store
) -> list[Relation]:
    """Give the relations of tables, each over all the records there are of it."""
    found = []
    for table in tables:
        made_by = [(stages[key], record) for key, record in records.items() if table in stages[key].tables]
        if made_by:
            found.append(relation_of(table, made_by, store))
    return found


def definitions(relation: Relation) -> dict[str, str]:
    """Give the SELECT of each name a relation defines: its own and, for a gate, `<name>_rejected`."""
    if relation.select:
        return {relation.name: relation.select}
    rows = stored_rows(relation.paths)
    if not relation.is_gate:
        return {relation.name: f"select {_names(relation.columns)} from {rows}"}
    kept = tuple(column for column in relation.columns if column[0] not in TOLD)
    return {
        relation.name: f"select {_names(kept)} from {rows} where reject_reason is null",
        f"{relation.name}_rejected": f"select {_names(relation.columns)} from {rows} where reject_reason is not null",
    }


def stored_rows(paths: Sequence[Path]) -> str:
    """Read Parquet files of the warehouse: what their folders are called is no column of theirs."""
    return f"read_parquet([{paths_text(paths)}], hive_partitioning = false)"


def paths_text(paths: Sequence[Path]) -> str:
    """List paths as SQL strings, so that DuckDB reads these files and no pattern."""
    return ", ".join(quoted(glob.escape(str(path))) for path in paths)


def _names(columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join('"' + name.replace('"', '""') + '"' for name, _ in columns)
