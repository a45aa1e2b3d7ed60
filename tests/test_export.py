"""Exports: every format says what the tables say, files are put in place whole, and what is missing is told."""

import csv
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from building import lay_out, rows, run
from projects import command, command_here

from recsys_duck import export as exports
from recsys_duck.engines.copying import copying
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProjectError
from recsys_duck.export import Export, export_file, export_folder, read_exports
from recsys_duck.kind import SQL_FOLDER, kind_names
from recsys_duck.question import Limits

LIMITS = Limits(600_000_000, 2)
SIMILAR = "select item_id, rank, similar_item_id from recs.similar_items order by item_id, rank"
READS = ("recs.similar_items",)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("exports")
    run(lay_out(root, toml='[parameters]\nmodels = ["popular"]\nmeasures = ["cosine"]\n'))
    return root


def exported(project: Path, file: str, target: Path, *, select: str = SIMILAR, check: str = "") -> int:
    with copying(project / "warehouse/recsys.duckdb", LIMITS) as copier:
        return export_file(Export("mine", "Mine.", file, select, READS, check), copier, target / file).n_rows


def test_each_format_holds_the_rows_of_the_select_in_its_order(project: Path, tmp_path: Path) -> None:
    wanted = rows(project, SIMILAR)
    for file in ("similar.csv", "similar.jsonl", "similar.parquet", "similar.sqlite"):
        assert exported(project, file, tmp_path) == len(wanted)
    with (tmp_path / "similar.csv").open(newline="") as stream:
        assert [tuple(map(int, row)) for row in list(csv.reader(stream))[1:]] == wanted
    lines = (tmp_path / "similar.jsonl").read_text().splitlines()
    assert [tuple(json.loads(line).values()) for line in lines] == wanted
    assert rows(project, f"from '{tmp_path}/similar.parquet'") == wanted
    with sqlite3.connect(tmp_path / "similar.sqlite") as database:
        assert database.execute("select * from similar order by rowid").fetchall() == wanted
    assert sorted(os.listdir(tmp_path)) == ["similar.csv", "similar.jsonl", "similar.parquet", "similar.sqlite"]


def test_text_is_the_first_column_as_it_is(project: Path, tmp_path: Path) -> None:
    select = "select * from (values ('a, \"b\"', 1), ('Ärzte', 2), ('', 3)) as t(line, place) order by place"
    assert exported(project, "lines.txt", tmp_path, select=select) == 3
    assert (tmp_path / "lines.txt").read_text() == 'a, "b"\nÄrzte\n\n'


def test_redis_counts_bytes_and_takes_lists_as_json(project: Path, tmp_path: Path) -> None:
    select = "select * from (values ('ü:1', ['x', 'é']), ('ü:2', [])) as t(key, items) order by key"
    assert exported(project, "lists.resp", tmp_path, select=select) == 2
    first = b'*3\r\n$3\r\nSET\r\n$4\r\n\xc3\xbc:1\r\n$11\r\n["x", "\xc3\xa9"]\r\n'
    assert (tmp_path / "lists.resp").read_bytes() == first + b"*3\r\n$3\r\nSET\r\n$4\r\n\xc3\xbc:2\r\n$2\r\n[]\r\n"


def test_sqlite_keeps_lists_as_json_and_finds_by_its_first_column(project: Path, tmp_path: Path) -> None:
    select = "select 7 as user_id, ['a', 'b'] as items, cast(1.5 as decimal(18, 6)) as weight"
    exported(project, "lists.sqlite", tmp_path, select=select)
    with sqlite3.connect(tmp_path / "lists.sqlite") as database:
        assert database.execute("select * from lists where user_id = 7").fetchall() == [(7, '["a","b"]', "1.500000")]
        assert database.execute("select name from sqlite_master where type = 'index'").fetchall() == [("by_user_id",)]


def test_several_files_hold_all_rows_in_order_and_those_of_a_longer_export_go(project: Path, tmp_path: Path) -> None:
    parts = Export("numbers", "Numbers.", "numbers_{i}.csv", "select n from range(25) t(n) order by n desc", (), "", 10)
    (tmp_path / "numbers_7.csv").write_text("of an earlier export\n")
    (tmp_path / "numbers_all.csv").write_text("mine\n")
    with copying(project / "warehouse/recsys.duckdb", LIMITS) as copier:
        (made,) = export_folder([parts], copier, tmp_path)
    assert (made.n_rows, made.files) == (25, ("numbers_0.csv", "numbers_1.csv", "numbers_2.csv"))
    assert made.stale == ("numbers_7.csv",)
    found = [(tmp_path / name).read_text().split() for name in made.files]
    assert [len(lines) for lines in found] == [11, 11, 6]
    assert [int(line) for lines in found for line in lines[1:]] == list(range(24, -1, -1))
    assert (tmp_path / "numbers_all.csv").read_text() == "mine\n"
    with copying(project / "warehouse/recsys.duckdb", LIMITS) as copier, pytest.raises(ProjectError) as caught:
        export_file(parts, copier, tmp_path / "one")
    assert "several files" in caught.value.what
    with copying(project / "warehouse/recsys.duckdb", LIMITS) as copier:
        export_file(parts, copier, tmp_path / "one.csv")
    assert [int(line) for line in (tmp_path / "one.csv").read_text().split()[1:]] == list(range(24, -1, -1))


def test_an_export_without_rows_is_a_file_with_its_header(project: Path, tmp_path: Path) -> None:
    parts = Export("numbers", "Numbers.", "numbers_{i}.csv", "select n from range(0) t(n) order by n", (), "", 10)
    with copying(project / "warehouse/recsys.duckdb", LIMITS) as copier:
        (made,) = export_folder([parts], copier, tmp_path)
    assert made.files == ("numbers_0.csv",)
    assert (tmp_path / "numbers_0.csv").read_text() == "n\n"


def test_what_breaks_a_check_is_not_written(project: Path, tmp_path: Path) -> None:
    check = "rank < 2 -- a rank is too large; rank less"
    with pytest.raises(ProjectError) as caught:
        exported(project, "similar.csv", tmp_path, check=check)
    assert caught.value.what.startswith("a rank is too large (first: ")
    assert caught.value.fix == "rank less"
    assert os.listdir(tmp_path) == []


def test_one_that_fails_keeps_all_others_out_of_place(project: Path, tmp_path: Path) -> None:
    fine = Export("fine", "Fine.", "fine.csv", SIMILAR, READS)
    broken = Export("broken", "Broken.", "broken.csv", "select error('no') as n from recs.similar_items", READS)
    with copying(project / "warehouse/recsys.duckdb", LIMITS) as copier, pytest.raises(ProjectError):
        list(export_folder([fine, broken], copier, tmp_path))
    assert os.listdir(tmp_path) == []


def test_where_one_can_t_be_put_none_is(project: Path, tmp_path: Path) -> None:
    fine = Export("fine", "Fine.", "fine.csv", SIMILAR, READS)
    (tmp_path / "taken.csv").mkdir()
    taken = Export("taken", "Taken.", "taken.csv", SIMILAR, READS)
    with copying(project / "warehouse/recsys.duckdb", LIMITS) as copier, pytest.raises(ProjectError) as caught:
        export_folder([fine, taken], copier, tmp_path)
    assert caught.value.where == str(tmp_path / "taken.csv")
    assert os.listdir(tmp_path) == ["taken.csv"]


def test_a_full_disk_is_told(project: Path, tmp_path: Path) -> None:
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); import signal; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); sys.path[:0] = ['.']; "
        "from pathlib import Path; from recsys_duck.engines.copying import copying; "
        "from recsys_duck.question import Limits; from recsys_duck.export import Export, export_file; "
        "made = Export('m', 'M.', 'm.sqlite', 'select n from range(9999) t(n) order by n', ());\n"
        f"with copying(Path({str(project / 'warehouse/recsys.duckdb')!r}), Limits(600_000_000, 2)) as copier:\n"
        f"    export_file(made, copier, Path({str(tmp_path / 'm.sqlite')!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ResourceError" in done.stderr
    assert os.listdir(tmp_path) == []


def test_with_nothing_to_export_nothing_is_made(tmp_path: Path) -> None:
    run(lay_out(tmp_path), select=("+core.items",))
    done = command_here(tmp_path, "export", "all", "out")
    assert done.returncode == 2
    assert "no export has all its tables here" in done.stderr
    assert not (tmp_path / "out").exists()


def test_all_are_written_and_those_without_tables_are_named(project: Path, tmp_path: Path) -> None:
    done = command_here(project, "export", "all", str(tmp_path / "new" / "out"))
    assert done.returncode == 0, done.stderr
    assert "neighbours.txt" in os.listdir(tmp_path / "new" / "out")
    listed = command_here(project, "export")
    assert listed.returncode == 0
    assert "neighbours.txt" in listed.stdout


def test_an_unknown_export_is_told_with_the_nearest(project: Path, tmp_path: Path) -> None:
    done = command_here(project, "export", "neigbours", str(tmp_path / "x.txt"))
    assert done.returncode == 2
    assert "did you mean neighbours?" in done.stderr


def test_an_export_goes_to_stdout_as_bytes(project: Path, tmp_path: Path) -> None:
    assert command_here(project, "export", "neighbours", str(tmp_path)).returncode == 0
    assert command(project, "export", "neighbours", "-").stdout == (tmp_path / "neighbours.txt").read_text()


@pytest.mark.parametrize("kind", ["", *kind_names()])
def test_every_shipped_export_says_its_file_and_reads_tables(kind: str) -> None:
    with SqlText() as reader:
        found = read_exports(kind, reader)
    assert found
    files = [one.file for one in found]
    assert len(set(files)) == len(files)
    for one in found:
        assert one.reads
        assert "order by" in one.select.lower()


@pytest.mark.parametrize("header", ["", "-- file:  x_{i}.csv\n", "-- file:  x.csv\n-- rows per file:  5\n"])
def test_an_export_that_does_not_say_its_file_is_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "mine.sql"
    path.write_text(f"-- Mine.\n{header}\nselect 1 as n from core.items\n")
    with SqlText() as reader, pytest.raises(ProjectError) as caught:
        exports._parse(path, reader)
    assert "which file it makes" in caught.value.what


def test_an_ending_of_no_format_is_refused(project: Path, tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        exported(project, "similar.xlsx", tmp_path)
    assert ".parquet" in caught.value.fix


def test_exports_lie_beside_the_stages() -> None:
    assert list((SQL_FOLDER / "exports").glob("*.sql"))
