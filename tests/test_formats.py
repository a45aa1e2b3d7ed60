"""Formats: which one a file has, newline-delimited JSON, packed files, and CSV as people write it."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from projects import ask, lay_out_events, lay_out_playlists, load, playlists_text, run_build, write_parquet
from test_source import read_rows

from recsys_duck.errors import ProjectError, StageError

PAIRS = [("1", "10"), ("2", "20")]


def read_pairs(folder: Path, pattern: str, **given: Any) -> list[tuple[Any, ...]]:
    """Read users and items of the files that a pattern names, as texts."""
    columns = "cast(events.user_id as varchar) as u, cast(events.item_id as varchar) as i"
    return read_rows(folder, columns, files=(("", str(folder / pattern)),), kind="events", **given)


def lay_out_lines(folder: Path, *lines: str) -> Path:
    """Write events.ndjson with the given lines."""
    (folder / "events.ndjson").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["plays.csv", "plays.tsv", "plays.ndjson", "plays.jsonl", "plays.parquet"])
def test_the_ending_of_a_file_tells_its_format(tmp_path: Path, name: str) -> None:
    rows = [{"user_id": 1, "item_id": 10}, {"user_id": 2, "item_id": 20}]
    mark = "\t" if name.endswith("tsv") else ","
    text = "".join(f"{mark.join(map(str, row))}\n" for row in [rows[0].keys(), *(row.values() for row in rows)])
    if "json" in name:
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
    if name.endswith("parquet"):
        write_parquet(tmp_path / name, "select i as user_id, i * 10 as item_id from range(1, 3) as numbers(i)")
        assert read_pairs(tmp_path, name) == PAIRS
        return
    (tmp_path / name).write_text(text)
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    assert read_pairs(tmp_path, name) == PAIRS
    assert read_pairs(tmp_path, f"{name}.gz") == PAIRS


def test_a_format_that_is_said_wins_over_the_ending(tmp_path: Path) -> None:
    (tmp_path / "plays.parquet").write_text("user_id,item_id\n1,10\n2,20\n")
    assert read_pairs(tmp_path, "plays.parquet", readers=(("events", "format", "csv"),)) == PAIRS


def test_an_option_of_csv_alone_tells_the_format_where_the_ending_does_not(tmp_path: Path) -> None:
    (tmp_path / "plays.dat").write_text("user_id item_id\n1 10\n2 20\n")
    assert read_pairs(tmp_path, "plays.dat", readers=(("events", "delimiter", " "),)) == PAIRS


def test_a_file_whose_ending_tells_nothing_is_of_the_default_format(tmp_path: Path) -> None:
    (tmp_path / "plays.dat").write_text("user_id,item_id\n1,10\n")
    with pytest.raises(ProjectError) as caught:
        read_pairs(tmp_path, "plays.dat")
    assert caught.value.what == "input events can't be read as parquet"
    assert "--reader events.format=csv" in caught.value.fix


def test_files_of_several_endings_are_refused_unless_the_format_is_said(tmp_path: Path) -> None:
    for name in ("plays.csv", "plays.tsv", "plays.txt"):
        (tmp_path / name).write_text("user_id,item_id\n1,10\n2,20\n")
    with pytest.raises(ProjectError) as caught:
        read_pairs(tmp_path, "plays.*")
    assert caught.value.what == "the files of input events have several endings: .csv, .tsv, another"
    assert "--reader events.format=csv" in caught.value.fix
    readers = (("events", "format", "csv"),)
    assert read_pairs(tmp_path, "plays.*", readers=readers) == sorted(PAIRS * 3)


def test_a_packed_parquet_is_no_parquet(tmp_path: Path) -> None:
    write_parquet(tmp_path / "plays.parquet.gz")
    assert load(tmp_path, kind="events", files=(("", str(tmp_path / "plays.parquet.gz")),))[0]


@pytest.mark.parametrize("n_bytes", [15, 5000])
def test_a_packed_file_that_is_cut_off_is_told_by_name(tmp_path: Path, n_bytes: int) -> None:
    text = "user_id,item_id\n" + "".join(f"{i * 7919},{i * 104729}\n" for i in range(5000))
    (tmp_path / "plays.csv.gz").write_bytes(gzip.compress(text.encode())[:n_bytes])
    with pytest.raises((ProjectError, StageError)) as caught:
        run_build(tmp_path, kind="events", files=(("", str(tmp_path / "plays.csv.gz")),))
    assert caught.value.what.startswith("can't read plays.csv.gz") or caught.value.what.startswith("plays.csv.gz can't")
    assert "gunzip -t" in caught.value.fix


@pytest.mark.parametrize(
    ("content", "readers", "rows"),
    [
        (b"user_id,item_id\r\n1,10\r\n2,20", (), PAIRS),
        (b"user_id,item_id\n1,10\n\n2,20\n\n", (), PAIRS),
        (b"\xef\xbb\xbfuser_id,item_id\n1,10\n2,20\n", (), PAIRS),
        (b"user_id item_id\n1 10\n2 20\n", (("delimiter", " "),), PAIRS),
        (b'user_id,item_id\n1,"a,b"\n2,"c ""d"""\n', (), [("1", "a,b"), ("2", 'c "d"')]),
        (b'user_id,item_id\n1,12" mix\n2,"so\n', (("quote", ""),), [("1", '12" mix'), ("2", '"so')]),
        ("user_id,item_id\n1,café\n".encode("latin-1"), (("encoding", "latin-1"),), [("1", "café")]),
        (b"user_id,item_id\n#1,10\n//2,20\n", (), [("#1", "10"), ("//2", "20")]),
    ],
)
def test_a_csv_is_read_as_people_write_it(tmp_path: Path, content: bytes, readers: Any, rows: list[Any]) -> None:
    (tmp_path / "plays.csv").write_bytes(content)
    assert read_pairs(tmp_path, "plays.csv", readers=[("events", *one) for one in readers]) == rows


def test_blank_lines_above_a_table_are_no_header(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text("\n\nuser_id,item_id\n1,10\n2,20\n")
    assert read_pairs(tmp_path, "plays.csv") == PAIRS
    (tmp_path / "plays.csv").write_text("\n\n1,10\n2,20\n")
    readers = (("events", "header", False), ("events", "names", ["user_id", "item_id"]))
    assert read_pairs(tmp_path, "plays.csv", readers=readers) == PAIRS


def test_a_long_value_in_a_first_row_is_no_reason_to_refuse_a_file(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text(f"user_id,item_id,about\n1,10,{'x' * 200_000}\n2,20,\n")
    assert read_pairs(tmp_path, "plays.csv") == PAIRS


def test_keys_that_a_row_lacks_are_null_and_their_order_means_nothing(tmp_path: Path) -> None:
    lay_out_lines(
        tmp_path,
        '{"user_id": 1, "item_id": 10, "weight": 2.5, "position": 1}',
        "",
        '{"item_id": 20, "user_id": 2}',
        '{"weight": null, "user_id": 3, "item_id": null, "more": [1]}',
    )
    rows = read_rows(
        tmp_path,
        "events.user_id, events.item_id, cast(events.weight as double) as w, events.position, events.bad_weight",
        kind="events",
        files=(("", str(tmp_path / "events.ndjson")),),
    )
    assert rows == [(1, 10, 2.5, 1, False), (2, 20, None, None, False), (3, None, None, None, False)]


def test_a_key_that_none_of_the_first_rows_has_counts_as_absent_until_a_row_has_it(tmp_path: Path) -> None:
    lines = [f'{{"user_id": {i}, "item_id": 1}}' for i in range(1500)]
    lay_out_lines(tmp_path, *lines, '{"user_id": 1500, "item_id": 1, "weight": 7, "basket_id": "b"}')
    files = (("", str(tmp_path / "events.ndjson")),)
    rows = read_rows(tmp_path, "cast(events.weight as integer) as w, events.basket_id", kind="events", files=files)
    assert rows == [*[(1, None)] * 1500, (7, "b")]


@pytest.mark.parametrize(
    ("lines", "sql_type", "rows"),
    [
        (['{"user_id": 1, "item_id": 1}', '{"user_id": -5, "item_id": 1}'], "bigint", [(-5,), (1,)]),
        (['{"user_id": "1", "item_id": 1}', '{"user_id": "x", "item_id": 1}'], "varchar", [("1",), ("x",)]),
        (['{"user_id": 1, "item_id": 1}', '{"user_id": "x", "item_id": 1}'], "varchar", [("1",), ("x",)]),
        (['{"user_id": 9223372036854775808, "item_id": 1}'], "varchar", [("9223372036854775808",)]),
        (['{"user_id": null, "item_id": 1}'], "varchar", [(None,)]),
        (['{"user_id": 1, "item_id": 1}', '{"user_id": true, "item_id": 1}'], "bigint", [(1,), (None,)]),
        (['{"user_id": [1], "item_id": 1}', '{"user_id": "x", "item_id": 1}'], "varchar", [("x",), (None,)]),
        (['{"user_id": NaN, "item_id": 1}', '{"user_id": 1, "item_id": 1}'], "bigint", [(1,), (None,)]),
    ],
)
def test_a_json_id_is_bigint_where_the_first_rows_of_all_files_have_integers(
    tmp_path: Path, lines: list[str], sql_type: str, rows: list[Any]
) -> None:
    files = (("", str(lay_out_lines(tmp_path, *lines) / "events.ndjson")),)
    project, _ = load(tmp_path, kind="events", files=files)
    assert project.sources["events"].input.columns["user_id"] == sql_type
    assert read_rows(tmp_path, "events.user_id", kind="events", files=files) == rows


def test_a_later_row_with_text_for_an_integer_id_is_rejected_and_counted(tmp_path: Path) -> None:
    lines = [f'{{"user_id": {i}, "item_id": {i % 7}}}' for i in range(1000)]
    strange = [
        '{"user_id": "x", "item_id": 1}',
        '{"user_id": 1, "item_id": 1.5}',
        '{"user_id": "12", "item_id": {"a": 1}}',
    ]
    lay_out_lines(tmp_path, *lines, *strange, '{"user_id": "12", "item_id": 3}')
    run_build(tmp_path, kind="events", files=(("", str(tmp_path / "events.ndjson")),), select=("+core.events",))
    ledger = "select reason, n_rows from meta.row_ledger where stage = 'staging.events'"
    assert dict(ask(tmp_path / "warehouse", ledger)) == {
        "in": 1004,
        "kept": 1001,
        "bad_item_id": 2,
        "bad_user_id": 1,
    }


@pytest.mark.parametrize("value", ["1.5", "1e3"])
def test_a_json_fraction_is_no_id(tmp_path: Path, value: str) -> None:
    lay_out_lines(tmp_path, f'{{"user_id": {value}, "item_id": 1}}')
    with pytest.raises(ProjectError) as caught:
        load(tmp_path, kind="events", files=(("", str(tmp_path / "events.ndjson")),))
    assert caught.value.what == "column user_id is DOUBLE, which is no id"


@pytest.mark.parametrize("line", ["hello", "[1, 2]", "3", '{"user_id": 1', "null"])
def test_a_later_line_that_is_no_json_object_is_rejected_and_counted(tmp_path: Path, line: str) -> None:
    lay_out_lines(tmp_path, *['{"user_id": 1, "item_id": 2}'] * 1200, line)
    run_build(tmp_path, kind="events", files=(("", str(tmp_path / "events.ndjson")),), select=("+staging.events",))
    rejected = "select reject_reason, rejected_value from staging.events_rejected"
    assert ask(tmp_path / "warehouse", rejected) == [("bad_line", line)]


def test_a_mapped_json_key_that_no_first_row_has_is_told_with_those_there_are(tmp_path: Path) -> None:
    lay_out_lines(tmp_path, '{"user": 1, "item": 2}')
    columns = (("", "user_id", "usr"), ("", "item_id", "item"))
    with pytest.raises(ProjectError) as caught:
        load(tmp_path, kind="events", files=(("", str(tmp_path / "events.ndjson")),), columns=columns)
    assert caught.value.what == "events.ndjson has no column usr"
    assert "did you mean user?; its columns: user, item" in caught.value.fix


def test_columns_of_documents_are_not_mapped(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="the columns of input slices can't be mapped"):
        load(lay_out_playlists(tmp_path, playlists_text(1)), columns=(("", "pid", "id"),))


def test_options_of_the_kind_stay_out_of_another_format(tmp_path: Path) -> None:
    settings = '[files.events]\npaths = "events.parquet"\ndelimiter = ";"\n'
    with pytest.raises(ProjectError, match="delimiter is no option of parquet"):
        load(lay_out_events(tmp_path, settings=settings))
