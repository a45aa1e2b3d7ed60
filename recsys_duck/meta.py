"""The meta tables: what a generation tells of itself, from the plan and the records of its steps."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from recsys_duck.catalog import MetaTable
from recsys_duck.parameters import Setting
from recsys_duck.plan import assertions
from recsys_duck.sentence import messages
from recsys_duck.source import Source
from recsys_duck.stage import PythonStage, Stage
from recsys_duck.store import CheckRecord, FileRecord, StepRecord


def meta_tables(
    stages: Mapping[str, Stage],
    records: Mapping[str, StepRecord],
    settings: Mapping[str, Setting],
    sources: Mapping[str, Source],
    counted: Mapping[tuple[str, str], FileRecord],
) -> tuple[MetaTable, ...]:
    """Give stages, parameters, row_ledger, checks, files and lineage of the recorded stages."""
    return (
        _stages(stages, records),
        parameters_table(settings),
        _row_ledger(records),
        _checks(stages, records),
        _files(sources, counted),
        _lineage(stages),
    )


def _stages(stages: Mapping[str, Stage], records: Mapping[str, StepRecord]) -> MetaTable:
    rows = []
    for key, stage in stages.items():
        record = records[key]
        for table, contract in stage.tables.items():
            parts = record.of_table(table)
            made = "python" if isinstance(stage, PythonStage) else "view" if stage.is_view else "table"
            n_rows = None if stage.is_view else sum(part.n_rows for part in parts)
            n_bytes = sum(part.n_bytes for part in parts)
            told = (contract.about, ", ".join(contract.grain) or None, contract.why or None, contract.source or None)
            counts = (n_rows, n_bytes, len(parts), record.elapsed_s, record.built_at, record.fingerprint)
            rows.append((key, table, stage.part or None, made, stage.origin, *told, *counts))
    return MetaTable(
        "stages",
        "Every stage of this generation, in running order.",
        (
            ("stage", "varchar", "its name: the table, or table/part"),
            ("table_name", "varchar", "the table that it fills"),
            ("part", "varchar", "named part of the table; null where the stage makes the whole"),
            ("made_as", "varchar", "table, view or python"),
            ("origin", "varchar", "shared, a kind, or project"),
            ("about", "varchar", "what the table holds"),
            ("grain", "varchar", "key columns; null for none"),
            ("why", "varchar", "the decision behind it"),
            ("source", "varchar", "paper or page of a formula"),
            ("n_rows", "bigint", "rows written, rejected ones included; null for a view"),
            ("n_bytes", "bigint", "bytes of Parquet"),
            ("n_parts", "bigint", "Parquet files"),
            ("elapsed_s", "double", "seconds its last run took"),
            ("built_at", "timestamp", "when it was asserted, UTC"),
            ("fingerprint", "varchar", "hash of everything its rows depend on"),
        ),
        tuple(rows),
    )


def parameters_table(settings: Mapping[str, Setting]) -> MetaTable:
    """Give the value of every parameter."""
    rows = tuple(
        (
            name,
            setting.value.text(),
            setting.parameter.type,
            setting.parameter.unit or None,
            setting.source,
            setting.parameter.about,
        )
        for name, setting in sorted(settings.items())
    )
    return MetaTable(
        "parameters",
        "The value of every parameter in this generation.",
        (
            ("parameter", "varchar", "its name, $name in a stage"),
            ("value", "varchar", "as text; null is off"),
            ("type", "varchar", "int, real, text, bool, timestamp or list of text"),
            ("unit", "varchar", "null where it has none"),
            ("set_by", "varchar", "default, kind, recsys.toml or command line"),
            ("about", "varchar", "what it does"),
        ),
        rows,
        unsigned=("set_by",),
    )


def _row_ledger(records: Mapping[str, StepRecord]) -> MetaTable:
    rows = tuple((key, reason, n_rows) for key, record in records.items() for reason, n_rows in record.ledger.items())
    return MetaTable(
        "row_ledger",
        "Where every row went: for each gate the rows in, those kept, and those rejected by reason.",
        (
            ("stage", "varchar", "the gate, in running order"),
            ("reason", "varchar", "in, kept, or why rows were rejected"),
            ("n_rows", "bigint", "rows; in = kept + all reasons, asserted"),
        ),
        rows,
    )


def _checks(stages: Mapping[str, Stage], records: Mapping[str, StepRecord]) -> MetaTable:
    wanted = {
        key: set().union(*(assertions(contract) for contract in stage.tables.values())) for key, stage in stages.items()
    }
    sentences = {
        (key, check.predicate): check.sentence
        for key, stage in stages.items()
        for contract in stage.tables.values()
        for check in contract.checks
    }

    def told(key: str, check: CheckRecord) -> str | None:
        return "\n".join(messages(check, sentences.get((key, check.text), ""))) if check.n_failed else None

    rows = tuple(
        (
            *(key, check.kind, check.text, check.severity, check.n_failed, check.method),
            *(check.examples or None, told(key, check)),
        )
        for key, record in records.items()
        for check in record.checks
        if (check.kind, check.text) in wanted[key]  # a header may have dropped one since
    )
    return MetaTable(
        "checks",
        "Every assertion of every table, and how it came out.",
        (
            ("stage", "varchar", "the stage whose header names it"),
            ("kind", "varchar", "grain, check, ledger, or share: rows that a gate rejects, filters left out"),
            ("assertion", "varchar", "key columns, predicate, or ledger sentence"),
            ("severity", "varchar", "fail stops a build, warn and note do not"),
            ("n_failed", "bigint", "rows or keys that break it"),
            ("method", "varchar", "counted, on which share of the keys, or proven"),
            ("examples", "varchar", "first keys that break it, or what the check says of the rows"),
            ("told", "varchar", "what a build says of it; null where it holds"),
        ),
        rows,
    )


def _files(sources: Mapping[str, Source], counted: Mapping[tuple[str, str], FileRecord]) -> MetaTable:
    unknown = FileRecord("", "", "")
    rows = tuple(
        (name, file.shown, file.n_bytes, _utc(file.modified_ns), found.n_lines, found.n_rows)
        for name, source in sources.items()
        for file in source.files
        for found in [counted.get((name, file.shown), unknown)]
    )
    return MetaTable(
        "files",
        "Every source file of this generation.",
        (
            ("input", "varchar", "files.<input> in a stage"),
            ("source_file", "varchar", "path relative to the project"),
            ("n_bytes", "bigint", "size"),
            ("modified_at", "timestamp", "last change, UTC"),
            ("n_lines", "bigint", "lines of a text file, its header and blank ones included; null elsewhere"),
            (
                "n_records",
                "bigint",
                "rows in it, lines that hold no record included; null where no gate reads it",
            ),
        ),
        rows,
        unsigned=("modified_at",),
    )


def _lineage(stages: Mapping[str, Stage]) -> MetaTable:
    rows: list[tuple[Any, ...]] = [(key, table) for key, stage in stages.items() for table in stage.reads]
    return MetaTable(
        "lineage",
        "Which stage reads which table.",
        (("stage", "varchar", "the reader"), ("reads", "varchar", "a table, or files.<input>")),
        tuple(rows),
    )


def _utc(time_ns: int) -> str:
    moment = datetime(1970, 1, 1) + timedelta(microseconds=time_ns // 1000)
    return moment.isoformat(sep=" ")
