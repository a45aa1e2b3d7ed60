"""The stage files keep to one hand: short lines, fields in order, every parameter in use."""

import re
from pathlib import Path

import pytest

from recsys_duck.engines.sqltext import SqlText
from recsys_duck.header import FIELDS, split_header
from recsys_duck.kind import SQL_FOLDER, kind_names, load_kind
from recsys_duck.models import python_stages
from recsys_duck.parameters import load_parameters
from recsys_duck.project import read_stages
from recsys_duck.stage import SqlStage

FILES = sorted(SQL_FOLDER.rglob("*.sql"))


def all_stages() -> list[SqlStage]:
    with SqlText() as reader:
        folders = [("shared", SQL_FOLDER), *((name, SQL_FOLDER / "kinds" / name) for name in kind_names())]
        return [stage for folder in folders for stage in read_stages([folder], reader).values()]


STAGES = all_stages()
# gates of files that may have lines: all but those of documents
GATES = [
    stage
    for stage in STAGES
    for kind, _, name in [(stage.origin, *stage.contract.gate_of.partition("files.")[1:])]
    if name and load_kind(kind).inputs[name]["format"] != "json_records"
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SQL_FOLDER)))
def test_lines_are_short_and_plain(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert max(len(line) for line in text.splitlines()) <= 100
    assert not re.search(r"\t| \n", text)
    assert text.endswith("\n")
    assert not re.search(r"\b(SELECT|FROM|WHERE|JOIN|AS|CASE|WHEN)\b", re.sub(r"--.*|'[^']*'", "", text))


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{stage.origin} {stage.key}")
def test_header_fields_stand_in_order(stage: SqlStage) -> None:
    _, fields = split_header(stage.text, str(stage.path), FIELDS)
    places = [FIELDS.index(name) for name, _ in fields]
    assert places == sorted(places)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{stage.origin} {stage.key}")
def test_every_cte_says_which_rows_it_holds(stage: SqlStage) -> None:
    body = stage.text.split("\n\n", 1)[1]
    for found in re.finditer(r"(?m)^([a-z_]+) as \($", body):
        above = body[: found.start()].rstrip("\n").splitlines()
        assert above[-1].startswith("-- one row"), found.group(1)
        assert found.group(1) not in {"joined", "final", "tmp", "tmp2", "result"}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{stage.origin} {stage.key}")
def test_no_stage_is_random_or_reads_a_shell_variable(stage: SqlStage) -> None:
    assert not re.search(r"\brandom\(|\bgetvariable\(|using sample|\bpivot\b", stage.text.lower())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SQL_FOLDER)))
def test_columns_are_named_and_casts_are_spelled_out(path: Path) -> None:
    if "macros" in path.parts:
        pytest.skip("macros are for the DuckDB shell")
    text = re.sub(r"--.*|'[^']*'", "", path.read_text(encoding="utf-8"))
    assert not re.search(r"select \*|\.\*|::", text)


def test_every_declared_parameter_is_read() -> None:
    read = {name for stage in STAGES for name in stage.parameters}
    read |= {name for stage in python_stages() for name in stage.parameters}
    assert set(load_parameters(SQL_FOLDER / "parameters.toml")) <= read


@pytest.mark.parametrize("stage", GATES, ids=lambda stage: f"{stage.origin} {stage.key}")
def test_a_gate_of_files_rejects_lines_that_hold_no_record_and_shows_what_it_rejects(stage: SqlStage) -> None:
    judged = stage.text.rsplit("\nselect\n", 1)[1]
    assert re.search(r"case\n +when \w+\.bad_line then 'bad_line'\n", judged), "bad_line is the first reason"
    assert [column.name for column in stage.facts.columns][-2:] == ["rejected_value", "reject_reason"]
