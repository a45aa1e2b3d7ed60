"""Sources: which files a project names, how each is read, and what a bad one is told."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from projects import EVENTS, MEMORY, lay_out_events, lay_out_playlists, load, playlists_text, run_build, write_parquet

from recsys_duck.build import build
from recsys_duck.engines import Query
from recsys_duck.engines.duckdb import DuckdbEngine
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProblemsError, ProjectError, StageError
from recsys_duck.events import Warned
from recsys_duck.run import How
from recsys_duck.source import changed, declare_input, find_files

PAIRS = "select user_id, item_id from (values (1, 10), (2, 20)) as pairs(user_id, item_id)"


def declared(**fields: object) -> object:
    """Declare an input with a column and the given fields."""
    return declare_input("plays", {"columns": {"user_id": "id"}, **fields}, where="kind.toml, [inputs.plays]")


def read_rows(folder: Path, columns: str, /, *, of: str = "events", **given: Any) -> list[tuple[Any, ...]]:
    """Read columns of an input as a stage would, in the order of their values."""
    project, _ = load(folder, **given)
    text = f"select {columns} from files.{of} order by all"
    with SqlText() as reader:
        places = reader.facts(text, where="test").places
    with DuckdbEngine(memory_bytes=MEMORY, threads=2, temporary=folder / "spill") as engine:
        return engine.fetch(Query(text, places, {}, project.sources))


def lay_out_csv(folder: Path, content: str | bytes, settings: str = 'format = "csv"\n') -> Path:
    """Lay out a project of kind events whose events are one CSV file."""
    (folder / "events.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    text = f'kind = "events"\n[files.events]\npaths = "events.csv"\n{settings}'
    (folder / "recsys.toml").write_text(text, encoding="utf-8")
    return folder


def test_files_of_several_globs_come_once_and_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "c.txt", "deep/er/d.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "folder.csv").mkdir()
    found = find_files(["**/*.csv", "b.csv", "./a.csv"], root=tmp_path, base=tmp_path, content=False)
    assert [file.shown for file in found] == ["a.csv", "b.csv", "deep/er/d.csv"]
    assert [file.n_bytes for file in found] == [5, 5, len("deep/er/d.csv")]


def test_a_file_outside_the_project_is_shown_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "a.csv").write_text("x")
    (file,) = find_files([str(tmp_path / "a.csv")], root=tmp_path / "project", base=tmp_path, content=False)
    assert file.shown == os.path.join("..", "a.csv")
    assert file.path == tmp_path / "a.csv"


def test_a_glob_that_names_nothing_gives_no_file(tmp_path: Path) -> None:
    assert find_files(["*.csv"], root=tmp_path, base=tmp_path, content=False) == ()


def test_a_file_is_changed_when_its_size_its_time_or_itself_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("one")
    (file,) = find_files(["a.csv"], root=tmp_path, base=tmp_path, content=False)
    assert not changed(file)
    os.utime(path, ns=(file.modified_ns + 1, file.modified_ns + 1))
    assert changed(file)
    path.write_text("longer")
    os.utime(path, ns=(file.modified_ns, file.modified_ns))
    assert changed(file)
    path.unlink()
    assert changed(file)


def test_a_file_known_by_content_is_the_same_after_a_touch(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("one")
    before = find_files(["a.csv"], root=tmp_path, base=tmp_path, content=True)[0]
    os.utime(path, ns=(1, 1))
    touched = find_files(["a.csv"], root=tmp_path, base=tmp_path, content=True)[0]
    path.write_text("two")
    rewritten = find_files(["a.csv"], root=tmp_path, base=tmp_path, content=True)[0]
    assert before.identity() == touched.identity()
    assert before.identity() != rewritten.identity()


@pytest.mark.parametrize("select", [f"{EVENTS} where i < 5", PAIRS])
def test_a_file_that_changes_between_plan_and_read_stops_the_build_and_is_named(tmp_path: Path, select: str) -> None:
    project, graph = load(lay_out_events(tmp_path))
    write_parquet(tmp_path / "events.parquet", select)
    with pytest.raises(StageError) as caught:
        list(build(project, graph, How("recsys", MEMORY, threads=2)))
    assert caught.value.what == "events.parquet changed while it was read"
    assert not (tmp_path / "warehouse" / "recsys.duckdb").exists()


def test_a_file_that_goes_between_plan_and_read_stops_the_build_and_is_named(tmp_path: Path) -> None:
    project, graph = load(lay_out_events(tmp_path))
    (tmp_path / "events.parquet").unlink()
    with pytest.raises(StageError) as caught:
        list(build(project, graph, How("recsys", MEMORY, threads=2)))
    assert "events.parquet" in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "what", "fix"),
    [
        ({}, "input plays has no known format", "csv, json_records, ndjson, parquet"),
        ({"format": "xlsx"}, "input plays has no known format", "csv, json_records, ndjson, parquet"),
        ({"format": "paruqet"}, "input plays has no known format", "did you mean parquet?"),
        ({"format": "csv", "delimeter": ";"}, "input plays has no option delimeter", "did you mean delimiter?"),
        ({"format": "parquet", "delimiter": ";"}, "delimiter is no option of parquet", "time_unit"),
        ({"format": "csv", "records": "$[*]"}, "records is no option of csv", "encoding, header, names, quote"),
        ({"format": "json_records", "header": True}, "header is no option of json_records", "records"),
        ({"format": "csv", "delimiter": 3}, "option delimiter of input plays can't be 3", "give a"),
        ({"format": "csv", "header": "yes"}, "option header of input plays can't be 'yes'", "give a"),
        ({"format": "csv", "header": 1}, "option header of input plays can't be 1", "give a"),
        ({"format": "json_records", "max_document_mb": "big"}, "option max_document_mb of input plays", "give a"),
        ({"format": "json_records", "max_document_mb": True}, "option max_document_mb of input plays", "give a"),
        ({"format": "csv", "delimiter": ""}, "option delimiter of input plays can't be ''", "between two fields"),
        ({"format": "csv", "delimiter": "<SEP>", "quote": "'"}, "fields of input plays can't be quoted", "4 bytes"),
        ({"format": "csv", "quote": "''"}, "option quote of input plays can't be", "one character, or none"),
        ({"format": "csv", "columns": 3}, "input plays is not declared in full", "columns"),
        ({"format": "csv", "absent": "x"}, "input plays is not declared in full", "absent"),
        ({"format": "csv", "required": "user_id"}, "input plays is not declared in full", "required"),
    ],
)
def test_an_unfit_declaration_is_refused_with_its_place_and_what_fits(
    fields: dict[str, object], what: str, fix: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        declared(**fields)
    assert what in caught.value.what
    assert caught.value.where == "kind.toml, [inputs.plays]"
    assert fix in caught.value.fix


@pytest.mark.parametrize("value", [0, -1])
def test_a_document_size_is_at_least_one_megabyte(value: int) -> None:
    with pytest.raises(ProjectError):
        declared(format="json_records", max_document_mb=value)


def test_an_option_of_the_command_line_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        load(lay_out_events(tmp_path), readers=(("events", "delimeter", ";"),))
    assert "--reader" in caught.value.where


def test_an_option_of_the_settings_file_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        load(lay_out_csv(tmp_path, "user_id,item_id\n1,2\n", 'format = "csv"\ndelimeter = ";"\n'))
    assert "recsys.toml" in caught.value.where


def test_columns_that_are_no_table_are_refused_in_the_settings_file(tmp_path: Path) -> None:
    with pytest.raises(ProjectError):
        load(lay_out_events(tmp_path, settings='[files.events]\npaths = "events.parquet"\ncolumns = 3\n'))


def test_required_columns_that_are_missing_are_told_with_the_files_and_their_columns(tmp_path: Path) -> None:
    lay_out_events(tmp_path, "select 1 as listener, 2 as track")
    with pytest.raises(ProblemsError) as caught:
        load(tmp_path)
    assert [one.what for one in caught.value.problems] == [
        "input events has no column user_id",
        "input events has no column item_id",
    ]
    for one in caught.value.problems:
        assert one.where == "events.parquet"
        assert "listener, track" in one.fix


def test_a_missing_column_of_an_optional_input_is_told_once_it_has_files(tmp_path: Path) -> None:
    write_parquet(tmp_path / "items.parquet", "select 'x' as item_name")
    with pytest.raises(ProjectError) as caught:
        load(lay_out_events(tmp_path))
    assert (caught.value.what, caught.value.where) == ("input items has no column item_id", "items.parquet")


def test_an_optional_input_without_files_is_empty(tmp_path: Path) -> None:
    assert read_rows(lay_out_events(tmp_path), "items.item_id, items.item_name", of="items") == []


def test_an_optional_input_that_is_asked_for_must_have_files(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        load(lay_out_events(tmp_path, settings='[files]\nitems = "nothing*.parquet"\n'))
    assert (caught.value.what, caught.value.where) == ("no file for input items", "nothing*.parquet")


@pytest.mark.parametrize(
    ("user_id", "item_id", "types"),
    [
        ("cast(1 as bigint)", "cast(2 as bigint)", ("bigint", "bigint")),
        ("cast(1 as utinyint)", "cast(2 as integer)", ("bigint", "bigint")),
        ("'u1'", "cast(2 as bigint)", ("varchar", "bigint")),
        ("'1'", "'2'", ("varchar", "varchar")),
        ("cast('9' as varchar)", "uuid()", ("varchar", "varchar")),
    ],
)
def test_an_id_is_an_integer_only_where_the_source_has_integers(
    tmp_path: Path, user_id: str, item_id: str, types: tuple[str, str]
) -> None:
    project, _ = load(lay_out_events(tmp_path, f"select {user_id} as user_id, {item_id} as item_id"))
    columns = project.sources["events"].input.columns
    assert (columns["user_id"], columns["item_id"]) == types


def test_an_id_has_one_type_over_all_files_and_all_inputs(tmp_path: Path) -> None:
    write_parquet(tmp_path / "items.parquet", "select '10' as item_id, 'ten' as item_name")
    write_parquet(tmp_path / "item_tags.parquet", "select 10 as item_id, 'genre' as tag_type, 3 as tag_id")
    lay_out_events(tmp_path, PAIRS)
    project, _ = load(tmp_path)
    for name in ("events", "items", "item_tags"):
        assert project.sources[name].input.columns["item_id"] == "varchar"
    assert project.sources["events"].input.columns["user_id"] == "bigint"
    assert read_rows(tmp_path, "events.item_id") == [("10",), ("20",)]

    write_parquet(tmp_path / "events2.parquet", "select 'u3' as user_id, 'i3' as item_id")
    assert read_rows(tmp_path, "events.user_id, events.item_id") == [("1", "10"), ("2", "20"), ("u3", "i3")]


def test_an_unsigned_id_beyond_bigint_is_kept(tmp_path: Path) -> None:
    largest = 2**64 - 1
    lay_out_events(tmp_path, f"select cast('{largest}' as ubigint) as user_id, 1 as item_id")
    assert [str(value) for (value,) in read_rows(tmp_path, "events.user_id")] == [str(largest)]


def test_an_absent_column_is_null_or_what_the_kind_says(tmp_path: Path) -> None:
    rows = read_rows(
        lay_out_events(tmp_path, PAIRS), "events.user_id, events.weight, events.occurred_at, events.basket_id"
    )
    assert rows == [(1, 1, None, None), (2, 1, None, None)]


def test_a_column_that_only_some_files_have_is_what_the_kind_says_in_the_others(tmp_path: Path) -> None:
    lay_out_events(tmp_path, "select 1 as user_id, 10 as item_id, 5.5 as weight")
    write_parquet(tmp_path / "events2.parquet", "select 2 as user_id, 20 as item_id")
    assert read_rows(tmp_path, "events.user_id, cast(events.weight as double) as weight") == [
        (1, 5.5),
        (2, 1.0),
    ]


def test_each_row_carries_its_file_and_its_place(tmp_path: Path) -> None:
    write_parquet(tmp_path / "deep" / "events_b.parquet", PAIRS)
    lay_out_events(tmp_path, "select 3 as user_id, 30 as item_id", settings='[files]\nevents = "**/events*.parquet"\n')
    assert read_rows(tmp_path, "events.source_file, events.record_number, events.user_id") == [
        ("deep/events_b.parquet", 1, 1),
        ("deep/events_b.parquet", 2, 2),
        ("events.parquet", 1, 3),
    ]


def test_a_csv_is_read_with_its_delimiter_encoding_and_quote(tmp_path: Path) -> None:
    content = "user_id|item_id\n1|'caf\xe9|noir'\n2|th\xe9\n".encode("latin-1")
    settings = 'format = "csv"\ndelimiter = "|"\nencoding = "latin-1"\nquote = "\'"\n'
    rows = read_rows(lay_out_csv(tmp_path, content, settings), "events.user_id, events.item_id")
    assert rows == [("1", "café|noir"), ("2", "thé")]


def test_the_columns_of_a_csv_without_header_are_called_by_their_place(tmp_path: Path) -> None:
    lay_out_csv(tmp_path, "10,x,1\n", 'format = "csv"\nheader = false\n')
    with pytest.raises(ProblemsError) as caught:
        load(tmp_path)
    assert "--column events.user_id=COLUMN; its columns: 1, 2, 3" in caught.value.problems[0].fix
    columns = (("events", "user_id", "3"), ("", "item_id", "1"))
    assert read_rows(tmp_path, "events.user_id, events.item_id", columns=columns) == [("1", "10")]


def test_reader_options_of_the_command_line_win(tmp_path: Path) -> None:
    lay_out_csv(tmp_path, "user_id;item_id\n1;2,5\n", 'format = "csv"\ndelimiter = ","\n')
    readers = (("events", "delimiter", ";"),)
    assert read_rows(tmp_path, "events.user_id, events.item_id", readers=readers) == [("1", "2,5")]


def test_a_csv_value_that_does_not_fit_its_type_is_null_and_its_row_stays(tmp_path: Path) -> None:
    lay_out_csv(tmp_path, "user_id,item_id,weight,position\n1,2,heavy,first\n3,4,0.5,1\n")
    assert read_rows(tmp_path, "events.user_id, cast(events.weight as double) as weight, events.position") == [
        ("1", None, None),
        ("3", 0.5, 1),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "user_id,item_id\n" + "1,2\n" * 300 + "user_id,item_id,weight\n" + "3,4,1\n" * 300,
        "user_id,item_id\n1,2\nuser_id,item_id,weight\n3,4,1\n5,6,1\n",
    ],
)
def test_a_csv_whose_lines_grow_loses_no_row_in_silence(tmp_path: Path, content: str) -> None:
    lay_out_csv(tmp_path, content)
    try:
        n_rows = len(read_rows(tmp_path, "events.user_id"))
    except (ProjectError, StageError):
        n_rows = content.count("\n") - 1  # refused: nothing is lost in silence
    assert n_rows == content.count("\n") - 1


def test_a_column_that_stands_twice_in_a_csv_is_refused(tmp_path: Path) -> None:
    lay_out_csv(tmp_path, "user_id,item_id,user_id\n1,2,3\n")
    with pytest.raises(ProjectError):
        load(tmp_path)


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        (b"user_id,item_id\n1,caf\xe9\n", 'format = "csv"\n'),
        (b"user_id,item_id\n1,2\n", 'format = "csv"\ndelimiter = "|"\n'),
        (b"1,2\n", 'format = "csv"\nheader = false\n'),
        (b"user_id,item_id\n1,2\n", 'format = "parquet"\n'),
    ],
)
def test_a_file_that_its_options_do_not_fit_is_refused_by_name(tmp_path: Path, content: bytes, settings: str) -> None:
    lay_out_csv(tmp_path, content, settings)
    with pytest.raises(ProjectError) as caught:
        load(tmp_path)
    assert "events.csv" in str(caught.value)
    assert "events" in str(caught.value)
    assert caught.value.exit_code == 2


def write_times(path: Path, kind: pa.DataType, *nanoseconds: int | None) -> None:
    """Write events at the given nanoseconds since 1970, item by item."""
    items = list(range(len(nanoseconds)))
    times = pa.array(nanoseconds, type=pa.timestamp("ns", tz=kind.tz)).cast(kind)
    pq.write_table(pa.table({"user_id": items, "item_id": items, "occurred_at": times}), path)


MICROSECONDS = [(datetime(2020, 1, 1, 0, 0, 0, 123456),), (datetime(2020, 1, 1, 0, 0, 0, 999999),), (None,)]
NANOSECONDS = (1_577_836_800_123_456_789, 1_577_836_800_999_999_999, None)


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_nanoseconds_are_cut_and_not_rounded(tmp_path: Path, zone: str | None) -> None:
    lay_out_events(tmp_path)
    write_times(tmp_path / "events.parquet", pa.timestamp("ns", tz=zone), *NANOSECONDS)
    rows = read_rows(tmp_path, "events.item_id, events.occurred_at")
    assert [(moment,) for _, moment in rows] == MICROSECONDS


def test_nanoseconds_before_1970_are_cut_to_the_earlier_microsecond(tmp_path: Path) -> None:
    lay_out_events(tmp_path)
    write_times(tmp_path / "events.parquet", pa.timestamp("ns"), -1, -1001)
    assert read_rows(tmp_path, "events.occurred_at") == [
        (datetime(1969, 12, 31, 23, 59, 59, 999998),),
        (datetime(1969, 12, 31, 23, 59, 59, 999999),),
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_a_moment_is_the_same_in_every_unit_and_zone(tmp_path: Path, unit: str, zone: str | None) -> None:
    lay_out_events(tmp_path)
    write_times(tmp_path / "events.parquet", pa.timestamp(unit, tz=zone), 1_577_836_800_000_000_000)
    assert read_rows(tmp_path, "events.occurred_at") == [(datetime(2020, 1, 1),)]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2020-01-01T00:30:00+02:00", datetime(2019, 12, 31, 22, 30)),
        ("2020-01-01 00:30:00-05", datetime(2020, 1, 1, 5, 30)),
        ("2020-01-01T00:30:00Z", datetime(2020, 1, 1, 0, 30)),
        ("2020-01-01 00:30:00", datetime(2020, 1, 1, 0, 30)),
        ("2020-01-01", datetime(2020, 1, 1)),
        ("2020-01-01 00:30:00.123456789", datetime(2020, 1, 1, 0, 30, 0, 123456)),
        ("2020-01-01 00:30:00.9999999", datetime(2020, 1, 1, 0, 30, 0, 999999)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_text_becomes_a_moment_in_utc(tmp_path: Path, written: str, moment: datetime | None) -> None:
    lay_out_csv(tmp_path, f"user_id,item_id,occurred_at\n1,2,{written}\n")
    assert read_rows(tmp_path, "events.occurred_at") == [(moment,)]


def test_a_time_column_of_which_no_value_is_a_time_is_told(tmp_path: Path) -> None:
    lay_out_events(tmp_path, "select 1 as user_id, 2 as item_id, cast(1577836800 as bigint) as occurred_at")
    try:
        told = [event.message for event in run_build(tmp_path) if isinstance(event, Warned)]
    except (ProjectError, StageError) as refused:
        told = [str(refused)]
    assert any("occurred_at" in line for line in told)


def test_a_type_that_the_engine_lacks_is_refused_in_the_settings_file(tmp_path: Path) -> None:
    settings = '[files.events]\npaths = "events.parquet"\ncolumns = { weight = "decimall" }\n'
    with pytest.raises(ProjectError):
        load(lay_out_events(tmp_path, settings=settings))


def test_json_records_are_read_in_order_with_their_place(tmp_path: Path) -> None:
    lay_out_playlists(tmp_path, playlists_text(5, 3), playlists_text(9))
    columns = "slices.source_file, slices.record_number, slices.pid, array_length(slices.tracks) as n"
    assert read_rows(tmp_path, columns, of="slices") == [
        ("mpd.slice.0-0.json", 1, "5", 6),
        ("mpd.slice.0-0.json", 2, "3", 6),
        ("mpd.slice.1-1.json", 1, "9", 6),
    ]


def test_files_of_the_command_line_replace_those_of_the_settings_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parquet(tmp_path / "here" / "other.parquet", PAIRS)
    lay_out_events(tmp_path / "project", settings='[files]\nevents = "events.parquet"\n')
    monkeypatch.chdir(tmp_path / "here")
    project, _ = load(tmp_path / "project", files=(("", "*.parquet"),))
    assert [file.shown for file in project.sources["events"].files] == [os.path.join("..", "here", "other.parquet")]


def test_a_list_entry_without_a_position_gets_its_place_from_0(tmp_path: Path) -> None:
    tracks = '[{"track_uri": "a"}, 7, null, {"track_uri": "b", "pos": 9}, {"track_uri": "c", "pos": "x"}]'
    text = f'{{"playlists": [{{"pid": 1, "tracks": {tracks}}}, {{"pid": 2}}]}}'
    lay_out_playlists(tmp_path, text)
    columns = "slices.pid, list_transform(slices.tracks, lambda t: concat_ws(' ', t.pos, t.track_uri)) as shown"
    assert read_rows(tmp_path, columns, of="slices") == [("1", ["0 a", "1", "2", "9 b", "4 c"]), ("2", None)]


def test_a_file_without_header_is_read_by_the_names_that_are_said(tmp_path: Path) -> None:
    settings = 'format = "csv"\nheader = false\ndelimiter = "\\t"\nnames = ["item_id", "note", "user_id"]\n'
    lay_out_csv(tmp_path, "10\tx\tann\n20\ty\tbob\n", settings)
    assert read_rows(tmp_path, "events.user_id, events.item_id, events.weight") == [("ann", "10", 1), ("bob", "20", 1)]


def test_names_that_are_more_or_fewer_than_the_columns_are_refused(tmp_path: Path) -> None:
    lay_out_csv(tmp_path, "1,2\n", 'format = "csv"\nheader = false\nnames = ["user_id", "item_id", "weight"]\n')
    with pytest.raises(ProjectError, match="has 2 columns, names has 3"):
        load(tmp_path)
