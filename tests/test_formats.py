"""Formats: which one a file has, newline-delimited JSON, packed files, and CSV as people write it."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from projects import ask, lay_out_events, lay_out_playlists, load, playlists_text, run_build, write_parquet
from test_source import read_rows

from recsys_duck.errors import ProjectError, StageError
from recsys_duck.events import Warned

PAIRS = [("1", "10"), ("2", "20")]


def read_pairs(folder: Path, pattern: str, **given: Any) -> list[tuple[Any, ...]]:
    """Read users and items of the files that a pattern names, as texts."""
    columns = "cast(events.user_id as varchar) as u, cast(events.item_id as varchar) as i"
    return read_rows(folder, columns, files=(("", str(folder / pattern)),), kind="events", **given)


def lay_out_lines(folder: Path, *lines: str) -> Path:
    """Write events.ndjson with the given lines."""
    (folder / "events.ndjson").write_text("\n".join(lines), encoding="utf-8")
    return folder


def build_events(folder: Path, name: str, **given: Any) -> list[tuple[Any, ...]]:
    """Build the events of a file; gives the rejected values with their reasons, which must be all of its rows."""
    run_build(folder, kind="events", files=(("", str(folder / name)),), select=("+staging.events",), **given)
    ledger = "select reason, n_rows from meta.row_ledger where stage = 'staging.events'"
    counts = dict(ask(folder / "warehouse", ledger))
    assert counts.pop("in") == sum(counts.values())
    rejected = ask(folder / "warehouse", "select rejected_value, reject_reason from staging.events_rejected")
    assert len(rejected) == sum(n_rows for reason, n_rows in counts.items() if reason != "kept")
    return sorted(rejected)


def kept_pairs(folder: Path) -> list[tuple[Any, ...]]:
    """Give users and items of the events that were kept, as texts."""
    text = "select cast(user_id as varchar), cast(item_id as varchar) as item from staging.events order by item"
    return ask(folder / "warehouse", text)


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


@pytest.mark.parametrize(
    ("n_bytes", "what"),
    [(15, "can't read plays.csv.gz: Compressed file ended"), (5000, "plays.csv.gz can't be read to its end")],
)
def test_a_packed_file_that_is_cut_off_is_told_by_name(tmp_path: Path, n_bytes: int, what: str) -> None:
    text = "user_id,item_id\n" + "".join(f"{i * 7919},{i * 104729}\n" for i in range(5000))
    (tmp_path / "plays.csv.gz").write_bytes(gzip.compress(text.encode())[:n_bytes])
    with pytest.raises((ProjectError, StageError)) as caught:
        run_build(tmp_path, kind="events", files=(("", str(tmp_path / "plays.csv.gz")),))
    assert caught.value.what.startswith(what)
    assert "plays.csv.gz" in caught.value.where
    assert caught.value.fix
    assert not list((tmp_path / "warehouse").glob("*.duckdb"))


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


@pytest.mark.parametrize(
    ("content", "bad"),
    [
        ("user_id,item_id\n1,10\n2,20,30\n2,20\n", ["2,20,30"]),
        ("user_id,item_id\n1,10\n3\n2,20\n", ["3"]),
        ('user_id,item_id\n1,10\n3,"a"b\n2,20\n', ['3,"a"b']),
        ('user_id,item_id\n1,10\n2,20\n3,"30\n', ['3,"30']),
        ('user_id,item_id\n1,10\n"3,30\n2,20\n', ['"3,30']),
        ("user_id,item_id\n3\n1,10\n4,5,6,7\n2,20\nuser_id,item_id\n", ["3", "4,5,6,7", "user_id,item_id"]),
        ("user_id,item_id\r\n1,10\r\n2,20,30\r\n2,20\r\n", ["2,20,30"]),
    ],
)
def test_a_line_that_is_no_row_is_rejected_with_its_text_and_costs_no_other(
    tmp_path: Path, content: str, bad: list[str]
) -> None:
    (tmp_path / "plays.csv").write_bytes(content.encode())
    rejected = build_events(tmp_path, "plays.csv")
    assert kept_pairs(tmp_path) == PAIRS
    assert rejected == sorted((line, "bad_line") for line in bad)


@pytest.mark.parametrize("content", [b"user_id,item_id\r\n1,10\n2,20\r\n", b"user_id,item_id\r1,10\r2,20\r"])
def test_lines_may_end_in_several_ways(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plays.csv").write_bytes(content)
    assert build_events(tmp_path, "plays.csv") == []
    assert kept_pairs(tmp_path) == PAIRS


def test_blank_lines_above_the_table_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text("\nuser_id,item_id\n1,10\n2,20\n")
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


BROKEN = ["hello", "[1, 2]", "3", '"x"', '{"user_id": 1', '[{"user_id": 1, "item_id": 2}]']


@pytest.mark.parametrize("line", BROKEN)
def test_a_first_line_that_is_no_json_object_is_refused_with_its_place(tmp_path: Path, line: str) -> None:
    lay_out_lines(tmp_path, "", line, line, '{"user_id": 1, "item_id": 2}')  # more such lines than rows
    with pytest.raises(ProjectError) as caught:
        load(tmp_path, kind="events", files=(("", str(tmp_path / "events.ndjson")),))
    assert caught.value.what == "input events can't be read as JSON"
    assert caught.value.where == "events.ndjson, line 2"


@pytest.mark.parametrize("n_before", [1, 1200])
def test_a_later_line_that_is_no_json_object_is_rejected_with_its_text(tmp_path: Path, n_before: int) -> None:
    lines = [f'{{"user_id": {i}, "item_id": 2}}' for i in range(n_before)]
    lay_out_lines(tmp_path, *lines, *BROKEN, "null", "", '{"user_id": 9999, "item_id": 2}')
    assert build_events(tmp_path, "events.ndjson") == sorted((line, "bad_line") for line in [*BROKEN, "null"])
    users = ask(tmp_path / "warehouse", "select user_id from staging.events")
    assert sorted(users) == [(i,) for i in [*range(n_before), 9999]]


@pytest.mark.parametrize("form", ["lines", "array", "utf-16"])
def test_a_json_row_that_has_a_key_twice_is_rejected_where_the_key_is_read(tmp_path: Path, form: str) -> None:
    good = ['{"user_id": 1, "item_id": 10, "more": 1, "more": 2}', '{"user_id": 2, "item_id": 20, "position": null}']
    twice = [
        '{"user_id": 3, "user_id": 4, "item_id": 10}',
        '{"user_id": 3, "item_id": 10, "user_id": 3}',
        '{"user_id": 3, "item_id": 10, "position": 1, "more": 1, "position": 2}',
    ]
    text = "\n".join([*good, *twice]) if form != "array" else f"[{', '.join([*good, *twice])}]"
    (tmp_path / "plays.json").write_text(text, encoding="utf-16" if form == "utf-16" else "utf-8")
    assert build_events(tmp_path, "plays.json") == sorted((line, "bad_line") for line in twice)
    assert kept_pairs(tmp_path) == PAIRS


def test_a_nested_key_that_stands_twice_is_rejected_on_every_level(tmp_path: Path) -> None:
    twice = [
        '{"user": {"ids": [{"id": 3}]}, "user": {"ids": [{"id": 3}]}, "item_id": 10}',
        '{"user": {"ids": [{"id": 3}], "ids": []}, "item_id": 10}',
        '{"user": {"ids": [{"id": 3, "id": 4}]}, "item_id": 10}',
    ]
    good = [
        '{"user": {"ids": [{"id": 1}, {"id": 7, "id": 8}], "name": 1, "name": 2}, "item_id": 10}',
        '{"user": {"ids": [{"id": 2}]}, "item_id": 20}',
    ]
    lay_out_lines(tmp_path, *good, *twice, "{broken", '{"user": 5, "item_id": 30}', '{"item_id": 40}')
    rejected = build_events(tmp_path, "events.ndjson", columns=(("", "user_id", "user.ids.0.id"),))
    assert rejected == sorted((line, "bad_line") for line in [*twice, "{broken"])
    assert kept_pairs(tmp_path) == [*PAIRS, (None, "30"), (None, "40")]


def test_a_key_may_have_quotes_and_backslashes_in_its_name(tmp_path: Path) -> None:
    own = 'the "user\\'
    rows = [json.dumps({own: user, "item_id": item}) for user, item in PAIRS]
    twice = rows[0].replace("}", f", {json.dumps(own)}: 5}}")
    lay_out_lines(tmp_path, *rows, twice)
    columns = (("", "user_id", own),)
    assert build_events(tmp_path, "events.ndjson", columns=columns) == [(twice, "bad_line")]
    assert kept_pairs(tmp_path) == PAIRS


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


@pytest.mark.parametrize("empty", ["[]", " [ ] ", "", "\n"])
def test_an_array_of_nothing_is_told_by_name_and_the_rows_of_each_file_are_counted(tmp_path: Path, empty: str) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"user_id": user, "item_id": item} for user, item in PAIRS]))
    (tmp_path / "b.json").write_text(empty)
    files = (("", str(tmp_path / "*.json")),)
    told = run_build(tmp_path, kind="events", files=files, select=("+staging.events",))
    assert [event.message for event in told if isinstance(event, Warned) and event.stage] == ["b.json gave no row"]
    assert ask(tmp_path / "warehouse", "select source_file, n_records from meta.files order by 1") == [
        ("a.json", 2),
        ("b.json", 0),
    ]


def test_a_document_without_records_is_told_by_name(tmp_path: Path) -> None:
    good = {"plays": [{"user_id": user, "item_id": item} for user, item in PAIRS]}
    for name, document in (("a", good), ("b", {"plays": []}), ("c", {"other": 1})):
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    readers = (("events", "records", "$.plays[*]"),)
    files = (("", str(tmp_path / "*.json")),)
    told = run_build(tmp_path, kind="events", files=files, readers=readers, select=("+staging.events",))
    messages = [event.message for event in told if isinstance(event, Warned) and event.stage]
    assert messages == ["b.json gave no row", "c.json gave no row"]
    assert kept_pairs(tmp_path) == PAIRS


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_json_lines_of_another_encoding_are_told_with_the_first_such_line(tmp_path: Path, encoding: str) -> None:
    lines = [f'{{"user_id": {i}, "item_id": "x"}}\n' for i in range(20_000)]
    text = "".join([*lines, '{"user_id": 1, "item_id": "café"}\n', *lines])
    (tmp_path / "events.ndjson").write_text(text, encoding=encoding)
    if encoding == "utf-16":  # its first bytes tell
        assert build_events(tmp_path, "events.ndjson") == []
        return
    with pytest.raises(StageError) as caught:
        build_events(tmp_path, "events.ndjson")
    assert (caught.value.what, caught.value.where) == ("events.ndjson is not utf-8", "events.ndjson, line 20001")
    assert caught.value.fix.endswith("--reader events.encoding=cp1252")
    assert build_events(tmp_path, "events.ndjson", readers=(("events", "encoding", "cp1252"),)) == []
    assert ask(tmp_path / "warehouse", "select count(*) from staging.events where item_id = 'café'") == [(1,)]
