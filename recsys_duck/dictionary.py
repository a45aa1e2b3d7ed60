"""The data dictionary: every table and column of a kind, written as Markdown from the stage files.

Run ``python -m recsys_duck.dictionary FILE`` to write it again.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from recsys_duck.engines.sqltext import SqlText
from recsys_duck.examples import example_questions
from recsys_duck.kind import SQL_FOLDER, kind_names
from recsys_duck.macro import Macro
from recsys_duck.meta import meta_tables
from recsys_duck.models import python_stages
from recsys_duck.parameters import load_parameters, read_toml
from recsys_duck.project import read_macros, read_stages
from recsys_duck.stage import LAYERS, Contract, PythonStage, Stage

HEAD = """\
# The warehouse

What a build leaves here, table by table. Generated from the stage files by `python -m recsys_duck.dictionary
warehouse/README.md`; tests hold it current.

Open `recsys.duckdb` read-only with the DuckDB shell (1.5 or 2), from any folder, while the next build runs:

    duckdb -readonly warehouse/recsys.duckdb

    from recs.popular;                 -- a table
    from explain('core.items');        -- what its columns mean
    from similar_to('Radiohead');      -- a question with an argument
    from recommend_for(17);            -- what each model would show a user
    from eval.metrics;                 -- how well the lists find what users did next
    from core.events_rejected;         -- rows that a gate kept out, with why
    from meta.row_ledger;              -- where every row went

Attached under another name (`attach 'warehouse/recsys.duckdb' as r (read_only)`), say `use r` before you call a macro.

| here | what |
|---|---|
| `<environment>.duckdb` | the catalog: views, swapped in whole; `recsys` unless a build says `--as NAME` |
| `generations/` | every published catalog, with a JSON file that says what it holds |
| `tables/<layer>/<table>/<fingerprint>/` | Parquet, never changed |
| `records/` | what each table was made of, and what was asserted of it |
| `build.lock`, `temporary/` | the builder's own |

The catalog holds absolute paths: build again after moving the folder.
"""


def dictionary() -> str:
    """Write the whole dictionary."""
    with SqlText() as reader:
        return _written(reader)


def _written(reader: SqlText) -> str:
    lines = [HEAD, *_questions(), *_macros(read_macros(reader))]
    lines += ["## Tables for every source\n"]
    lines += _tables([*read_stages([("shared", SQL_FOLDER)], reader).values(), *python_stages()])
    lines += _meta()
    lines += _contract()
    for name in kind_names():
        stages = read_stages([(name, SQL_FOLDER / "kinds" / name)], reader)
        lines += [f"## Tables of kind {name}\n", *_tables(list(stages.values()))]
    return "\n".join(lines).rstrip() + "\n"


def _questions() -> Iterator[str]:
    yield "## Questions\n\nIn `queries/`, and by name: `recsys-duck query top_items`.\n"
    yield "| question | answers |\n|---|---|"
    for name, about in example_questions():
        yield f"| `{name}` | {about} |"
    yield ""


def _macros(macros: list[Macro]) -> Iterator[str]:
    yield "## Macros\n\n| macro | answers |\n|---|---|"
    for macro in macros:
        yield f"| `{macro.name}({', '.join(macro.arguments)})` | {macro.about} |"
    yield "| `unit_hash(text)` | A uniform number between 0 and 1 from a text, the same on every machine. |\n"


def _tables(stages: Sequence[Stage]) -> Iterator[str]:
    for stage in sorted(stages, key=lambda one: (LAYERS.index(one.key.split(".")[0]), one.key)):
        for table, contract in stage.tables.items():
            yield from _table(f"{table}/{stage.part}" if stage.part else table, contract, stage)


def _table(name: str, contract: Contract, stage: Stage) -> Iterator[str]:
    yield f"### {name}\n\n{contract.about}"
    facts = [f"grain: {', '.join(contract.grain) or 'none'}"]
    facts += [f"gate of: {contract.gate_of}"] if contract.gate_of else []
    facts += [f"once for each: {stage.for_each}"] if stage.for_each else []
    facts += [f"made only if {' or '.join(stage.only_if)} is on"] if stage.only_if else []
    facts += [f"selected with {stage.built_with}"] if stage.built_with else []
    facts += ["a view"] if stage.is_view else []
    facts += [f"made in Python by the stage {stage.key}"] if isinstance(stage, PythonStage) else []
    facts += [f"reads: {', '.join(stage.reads)}"] if stage.reads else []
    facts += [f"parameters: {', '.join(stage.parameters)}"] if stage.parameters else []
    yield f"\n{'; '.join(facts)}.{' ' + _sentence(contract.why) if contract.why else ''}\n"
    yield "| column | meaning |\n|---|---|"
    for column in contract.columns:
        yield f"| `{column.name}` | {column.comment} |"
    yield ""


def _sentence(text: str) -> str:
    first, rest = text[:1].upper(), text[1:]
    return first + rest if rest.endswith(".") else f"{first}{rest}."


def _meta() -> Iterator[str]:
    yield "## What a generation tells of itself\n"
    for table in meta_tables({}, {}, {}, {}, {}):
        yield f"### meta.{table.name}\n\n{table.about}\n\n| column | type | meaning |\n|---|---|---|"
        for name, sql_type, comment in table.columns:
            yield f"| `{name}` | {sql_type} | {comment} |"
        yield ""


def _contract() -> Iterator[str]:
    yield "## The staging contract\n\nWhat every kind gives. An id keeps the source's type, bigint or varchar.\n"
    yield "| table | columns |\n|---|---|"
    for table, columns in read_toml(SQL_FOLDER / "contract.toml").items():
        assert isinstance(columns, dict)
        yield f"| `{table}` | {', '.join(f'{name} {kind}' for name, kind in columns.items())} |"
    yield "\n## Parameters\n\n| parameter | type | default | meaning |\n|---|---|---|---|"
    for one in load_parameters(SQL_FOLDER / "parameters.toml").values():
        value = one.value(list(one.default) if isinstance(one.default, tuple) else one.default, where=one.name)
        unit = f", {one.unit}" if one.unit else ""
        yield f"| `{one.name}` | {one.type}{unit} | {value.text()} | {one.about} |"
    yield ""


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(dictionary(), encoding="utf-8")
