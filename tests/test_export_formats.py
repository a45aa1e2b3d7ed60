"""Exports by the ending of their target: every published table, every value, every place that can't be written."""

import csv
import gzip
import io
import json
import math
import os
import sqlite3
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from building import lay_out, rows, run, write_stage
from projects import command, command_here

from recsys_duck.ending import FORMATS, ending_of
from recsys_duck.errors import ProjectError

EXPORT = (
    "-- Items with their events.\n-- file:  counted.csv\n\nselect item_id, n_events from core.item_counts order by 1\n"
)
# one row per kind of value, the second row all null, the third empty
VALUES = """
select
    1 as n,
    9223372036854775807 as id,
    cast(0.1 as decimal(18, 6)) as weight,
    timestamp '2024-02-29 23:59:59.5' as at,
    ['a', 'b, "c"'] as names,
    {'k': 1, 'l': [2.5]} as record,
    cast(170141183460469231 as hugeint) * 1000000000000000000 as total,
    'x, "y"' || chr(9) || 'ü' as word,
    true as is_so,
    1e308 as score
union all
select 2, null, null, null, null, null, null, null, null, null
union all
select 3, -1, -1.5, timestamp '1969-12-31 00:00:00', [], {'k': null, 'l': null}, -1, '', false, 'nan'::double
order by n
"""
TOTAL = 170141183460469231 * 10**18
NAMES = ["a", 'b, "c"']


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("formats")
    lay_out(root, toml='[parameters]\nmodels = ["popular"]\nmeasures = ["cosine"]\n', sql={"exports/counted": EXPORT})
    write_stage(root, "exports/values", f"-- Values.\n-- file:  values.jsonl\n\n{VALUES}")
    run(root)
    return root


def read_csv(path: Path, delimiter: str = ",") -> list[dict[str, Any]]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), delimiter=delimiter))


def read_sqlite(path: Path) -> list[dict[str, Any]]:
    with sqlite3.connect(path) as database:
        ((table,),) = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        found = database.execute(f'select * from "{table}" order by rowid')
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


READERS: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    "x.csv": read_csv,
    "x.CSV": read_csv,
    "x.csv.gz": read_csv,
    "x.tsv": lambda path: read_csv(path, "\t"),
    "x.tsv.gz": lambda path: read_csv(path, "\t"),
    "x.parquet": lambda path: pq.read_table(path).to_pylist(),
    "x.jsonl": lambda path: [json.loads(line) for line in path.read_text().splitlines()],
    "x.ndjson": lambda path: [json.loads(line) for line in path.read_text().splitlines()],
    "x.json": lambda path: [json.loads(line) for line in path.read_text().splitlines()],
    "x.jsonl.gz": lambda path: [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()],
    "x.sqlite": read_sqlite,
    "x.sqlite3": read_sqlite,
    "x.db": read_sqlite,
}


@pytest.mark.parametrize("file", list(READERS))
@pytest.mark.parametrize("name", ["recs.personal", "counted", "meta.parameters", "core.events_rejected"])
def test_every_table_and_export_is_written_as_the_ending_says(
    project: Path, tmp_path: Path, name: str, file: str
) -> None:
    done = command_here(project, "export", name, str(tmp_path / file))
    assert done.returncode == 0, done.stderr
    wanted = rows(project, "from core.item_counts" if name == "counted" else f"from {name}")
    found = READERS[file](tmp_path / file)
    assert len(found) == len(wanted)
    assert f"{len(wanted):,} {name} rows written to" in done.stderr
    if name == "recs.personal":
        keys = rows(project, "select model_name, user_id, rank, item_id from recs.personal")
        columns = ("model_name", "user_id", "rank", "item_id")
        assert [tuple(str(row[column]) for column in columns) for row in found] == [
            tuple(map(str, row)) for row in keys
        ]
    assert os.listdir(tmp_path) == [file]


def values(project: Path, target: Path) -> list[dict[str, Any]]:
    done = command_here(project, "export", "values", str(target))
    assert done.returncode == 0, done.stderr
    return READERS[f"x{target.suffix}"](target)


@pytest.mark.parametrize("file", ["x.csv", "x.tsv"])
def test_text_keeps_every_value_and_tells_null_from_empty(project: Path, tmp_path: Path, file: str) -> None:
    full, null, empty = values(project, tmp_path / file)
    assert (full["id"], full["weight"], full["at"]) == ("9223372036854775807", "0.100000", "2024-02-29 23:59:59.5")
    assert (json.loads(full["names"]), json.loads(full["record"])) == (NAMES, {"k": 1, "l": [2.5]})
    assert (full["total"], full["word"], full["is_so"], float(full["score"])) == (
        str(TOTAL),
        'x, "y"\tü',
        "true",
        1e308,
    )
    assert list(null.values()) == ["2", *[""] * 9]
    assert (empty["names"], empty["word"], empty["score"]) == ("[]", "", "nan")
    third = (tmp_path / file).read_text().splitlines()[3]
    assert '""' in third  # an empty text, where null is nothing at all


def test_parquet_keeps_types_and_rounds_no_large_number(project: Path, tmp_path: Path) -> None:
    full, null, empty = values(project, tmp_path / "x.parquet")
    assert (full["id"], full["weight"], full["total"]) == (2**63 - 1, Decimal("0.100000"), Decimal(TOTAL))
    assert (full["names"], full["record"]) == (NAMES, {"k": 1, "l": [Decimal("2.5")]})
    assert (full["at"], full["is_so"]) == (datetime(2024, 2, 29, 23, 59, 59, 500_000), True)
    assert list(null.values()) == [2, *[None] * 9]
    assert (empty["names"], empty["word"]) == ([], "")
    assert math.isnan(empty["score"])


def test_json_lines_are_json(project: Path, tmp_path: Path) -> None:
    full, null, empty = values(project, tmp_path / "x.json")
    assert (full["id"], full["names"], full["record"]) == (2**63 - 1, NAMES, {"k": 1, "l": [2.5]})
    assert (full["total"], full["at"], full["is_so"]) == (TOTAL, "2024-02-29 23:59:59.5", True)
    assert list(null.values()) == [2, *[None] * 9]
    assert (empty["names"], empty["word"], empty["score"]) == ([], "", None)  # JSON has no word for NaN
    assert "NaN" not in (tmp_path / "x.json").read_text()


def test_sqlite_keeps_every_digit(project: Path, tmp_path: Path) -> None:
    full, null, empty = values(project, tmp_path / "x.db")
    assert (full["id"], full["weight"], full["total"]) == (2**63 - 1, "0.100000", str(TOTAL))
    assert (full["at"], full["is_so"], full["score"]) == ("2024-02-29 23:59:59.5", 1, 1e308)
    assert (json.loads(full["names"]), json.loads(full["record"])) == (NAMES, {"k": 1, "l": [2.5]})
    assert list(null.values()) == [2, *[None] * 9]
    assert (empty["total"], empty["names"], empty["word"], empty["score"]) == (-1, "[]", "", "nan")


def test_a_database_holds_one_table_named_as_the_published_one(project: Path, tmp_path: Path) -> None:
    assert command_here(project, "export", "recs.personal", str(tmp_path / "lists.db")).returncode == 0
    with sqlite3.connect(tmp_path / "lists.db") as database:
        found = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        assert found == [("personal",)]
        assert database.execute("select typeof(user_id), typeof(score) from personal limit 1").fetchall() == [
            ("integer", "real")
        ]


@pytest.mark.parametrize(
    "name", ["x.xlsx", "x.parquet.gz", "x.gz", "x.csv.bz2", "x.", "lists.v2", "x.duckdb", "x.tar.gz"]
)
@pytest.mark.parametrize("what", ["recs.personal", "neighbours"])
def test_an_ending_of_no_format_is_refused_with_the_list(project: Path, tmp_path: Path, name: str, what: str) -> None:
    done = command_here(project, "export", what, str(tmp_path / name))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"the ending of {name} is of no format" in done.stderr
    assert ", ".join(FORMATS) in done.stderr
    assert os.listdir(tmp_path) == []


def test_without_an_ending_the_own_format_stays(project: Path, tmp_path: Path) -> None:
    for name, file in (("neighbours", "neighbours.txt"), ("recs.popular", "recs.popular.csv")):
        assert command_here(project, "export", name, str(tmp_path / "x")).returncode == 0
        assert command_here(project, "export", name, f"{tmp_path}/made/").returncode == 0  # a folder by its slash
        assert (tmp_path / "made" / file).read_bytes() == (tmp_path / "x").read_bytes()
        assert command_here(project, "export", name, "-").stdout == (tmp_path / "x").read_text()
    for name in ("lists", ".csv"):
        assert ending_of(name) is None


def test_text_of_one_column_takes_no_more(project: Path, tmp_path: Path) -> None:
    for file, held in (("x.txt", ".txt holds 1 column"), ("x.resp", ".resp holds 2 columns")):
        done = command_here(project, "export", "recs.personal", str(tmp_path / file))
        assert done.returncode == 2
        assert f"{held}, and recs.personal has 5" in done.stderr
    assert os.listdir(tmp_path) == []
    assert command_here(project, "export", "neighbours", str(tmp_path / "x.csv")).returncode == 0
    assert (tmp_path / "x.csv").read_text().splitlines()[0] == "line"  # the check's own column is left out


def test_the_table_of_a_sweep_is_an_export_too(tmp_path: Path) -> None:
    lay_out(tmp_path)
    swept = ("sweep", "--set", "split=random", "--set", "seed=0,1", "--set", 'models=["popular"]')
    assert command_here(tmp_path, *swept).returncode == 0
    done = command_here(tmp_path, "export", "eval.sweep", "x.csv", "--as", "sweep")
    assert done.returncode == 0, done.stderr
    assert {row["seed"] for row in read_csv(tmp_path / "x.csv")} == {"0", "1"}


def test_a_folder_named_key_is_value_adds_no_column(project: Path, tmp_path: Path) -> None:
    write_stage(project, "exports/parts", EXPORT.replace("counted.csv", "part_{i}.csv\n-- rows per file: 4"))
    try:
        done = command_here(project, "export", "parts", f"{tmp_path}/item_id=5/run=1/")
    finally:
        (project / "sql/exports/parts.sql").unlink()
    assert done.returncode == 0, done.stderr
    found = [row for at in range(3) for row in read_csv(tmp_path / f"item_id=5/run=1/part_{at}.csv")]
    wanted = rows(project, "select item_id, n_events from core.item_counts order by 1")
    assert [tuple(map(int, row.values())) for row in found] == wanted
    assert list(found[0]) == ["item_id", "n_events"]


def test_a_table_name_is_read_whatever_its_case_and_a_wrong_one_told(project: Path, tmp_path: Path) -> None:
    assert command_here(project, "export", "RECS.Personal", str(tmp_path / "x.csv")).returncode == 0
    done = command_here(project, "export", "recs.persnal", str(tmp_path / "y.csv"))
    assert done.returncode == 2
    assert "there is no export or published table recs.persnal" in done.stderr
    assert "did you mean recs.personal?" in done.stderr


def test_the_list_says_that_tables_are_exports_too_and_how_to_find_them(project: Path) -> None:
    done = command_here(project, "export")
    assert done.returncode == 0
    assert "counted.csv" in done.stdout
    question = done.stderr.split('recsys-duck query "')[1].split('"')[0]
    listed = command_here(project, "query", question, "--format", "csv")
    assert "recs,personal" in listed.stdout.splitlines()


def test_a_file_is_replaced_whole_or_stays(project: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.csv"
    target.write_text("as it was\n")
    failing = "-- Fails.\n-- file:  failing.csv\n\nselect error('no') as n from core.items order by 1\n"
    write_stage(project, "exports/failing", failing)
    try:
        done = command_here(project, "export", "failing", str(target))
    finally:
        (project / "sql/exports/failing.sql").unlink()
    assert done.returncode == 2
    assert target.read_text() == "as it was\n"
    assert command_here(project, "export", "counted", str(target)).returncode == 0
    assert len(read_csv(target)) == len(rows(project, "from core.item_counts"))
    assert os.listdir(tmp_path) == ["x.csv"]


def test_a_place_that_can_t_be_written_is_told_with_what_to_do(project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for target, told in (
        (tmp_path / "nowhere/x.csv", f"mkdir -p {tmp_path}/nowhere"),
        (tmp_path / "file/x.csv", "Not a directory"),
        (project / "warehouse/tables/x.csv", "the warehouse keeps its own files there"),
        (project / "warehouse/generations", "the warehouse keeps its own files there"),
    ):
        done = command_here(project, "export", "recs.personal", str(target))
        assert done.returncode == 2
        assert told in done.stderr
    assert os.listdir(tmp_path) == ["file"]


def test_a_device_is_written_to(project: Path) -> None:
    done = command(project, "export", "core.items", "/dev/stdout")
    assert done.stdout == command_here(project, "export", "core.items", "-").stdout


def test_a_project_s_export_is_listed_hides_ours_and_is_no_stage(tmp_path: Path) -> None:
    mine = EXPORT.replace("counted.csv", "near.csv")
    lay_out(tmp_path, sql={"exports/neighbours": mine})
    assert run(tmp_path, select=("+core.item_counts",))
    listed = command_here(tmp_path, "export").stdout
    assert "near.csv" in listed
    assert "neighbours.txt" not in listed
    assert command_here(tmp_path, "export", "all", "out").returncode == 0
    assert os.listdir(tmp_path / "out") == ["near.csv"]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("mine", "select item_id from core.items\n", "sql/exports/mine.sql"),
        ("mine", EXPORT.replace("counted.csv", "mine.xlsx"), "the ending of mine.xlsx is of no format"),
        ("mine", EXPORT.replace("counted.csv", "../mine.csv"), "does not say which file it makes"),
        ("mine", EXPORT.replace("order by 1", "where n_events > $basket_min"), "takes no parameters"),
        ("all", EXPORT, "an export can't be named all"),
        ("mine", EXPORT.replace("item_counts", "item_count"), "did you mean core.item_counts?"),
        ("mine", EXPORT.replace("counted.csv", "neighbours.txt"), "write the same file"),
    ],
)
def test_a_project_s_export_that_is_not_in_order_is_told(
    project: Path, tmp_path: Path, name: str, text: str, told: str
) -> None:
    os.symlink(project / "warehouse", tmp_path / "warehouse")
    write_stage(tmp_path, f"exports/{name}", text)
    chosen = "all" if "same file" in told else name
    done = command_here(tmp_path, "export", chosen, "out/" if chosen == "all" else "x.csv")
    assert done.returncode == 2
    assert told in done.stderr


def test_a_folder_below_a_project_s_exports_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, sql={"exports/more/counted": EXPORT})
    with pytest.raises(ProjectError) as caught:
        run(tmp_path)
    assert "names no table" in caught.value.what
