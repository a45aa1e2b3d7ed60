"""Lines of CSV: each is a row, part of one, or counted as a bad one; none is swallowed, and no value is changed."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from reading import read

from recsys_duck.errors import ProjectError, StageError
from recsys_duck.intake import Porter
from recsys_duck.lines import count_lines
from recsys_duck.records import Dialect, Tally, csv_records

HEADER = "user_id,item_id\n"
PAIRS = [("1", "a"), ("2", "b")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "end"])
def test_lines_may_end_in_any_way(tmp_path: Path, end: str, last: str) -> None:
    text = f"user_id,item_id{end}1,a{end}2,b" + (end if last else "")
    assert read(tmp_path, {"e.csv": text}).rows == PAIRS


def test_lines_of_one_file_may_end_in_several_ways(tmp_path: Path) -> None:
    found = read(tmp_path, {"e.csv": "user_id,item_id\r\n1,a\n2,b\r3,c\r\r\n4,d"})
    assert found.rows == [*PAIRS, ("3", "c"), ("4", "d")]
    assert found.n_promised == 4


@pytest.mark.parametrize("inner", ["\n", "\r\n", "\r", "\n\n", '""\n""'])
def test_a_quoted_value_may_span_lines_and_is_kept_as_it_is(tmp_path: Path, inner: str) -> None:
    text = f'user_id,item_id,note\n1,"a{inner}z",x\n2,b,y\n'
    found = read(tmp_path, {"e.csv": text})
    expected = [tuple(row[:2]) for row in csv.reader(io.StringIO(text, newline=""))][1:]
    assert found.rows == expected
    assert found.bad == []
    assert any("spans lines in e.csv, first from line 2" in told for told in found.warnings)


def test_quoted_values_on_one_line_are_no_reason_to_warn(tmp_path: Path) -> None:
    text = 'user_id,item_id\n1,"a, ""so"" called"\n2,"b"\n'
    found = read(tmp_path, {"e.csv": text})
    assert found.rows == [tuple(row) for row in csv.reader(io.StringIO(text))][1:]
    assert found.warnings == []


@pytest.mark.parametrize(
    ("lines", "bad"),
    [
        (['1,"a', "2,b", "3,c"], ['1,"a']),
        (["1,a", '2,"b'], ['2,"b']),
        (["1,a", '2,b"', '3,"c"x', "4,d"], ['3,"c"x']),
        (["1,a", "2", "3,c,x", "4,d"], ["2", "3,c,x"]),
        (["1,a", "2,b,", '3,"c,', "4,d"], ['3,"c,']),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_that_can_not_be_split_costs_itself_alone(
    tmp_path: Path, lines: list[str], bad: list[str], end: str
) -> None:
    found = read(tmp_path, {"e.csv": end.join(["user_id,item_id", *lines, ""])})
    assert sorted(found.bad) == sorted(bad)
    assert len(found.rows) == len(lines) - len(bad) == (found.n_promised or 0) - len(bad)


@pytest.mark.parametrize("other", ["3,c", '3,"c'])
def test_a_delimiter_at_the_end_of_a_line_stands_for_no_field(tmp_path: Path, other: str) -> None:
    found = read(tmp_path, {"e.csv": f"{HEADER}1,a,\n2,b,\n{other}\n"})
    assert found.rows[:2] == PAIRS
    assert len(found.rows) + len(found.bad) == 3


def test_a_tab_separated_file_with_stray_quotes_is_read_line_by_line(tmp_path: Path) -> None:
    lines = ['1\t"Weird Band', "2\tPlain", '3\tBand"', '4\t7" mix']
    found = read(tmp_path, {"e.tsv": "\n".join(["user_id\titem_id", *lines, ""])})
    assert found.rows == [tuple(line.split("\t")) for line in lines]
    assert found.bad == []


def test_stray_quotes_far_down_in_a_tab_separated_file_swallow_nothing(tmp_path: Path) -> None:
    lines = [f"{at:04}\ti" for at in range(500)]
    lines[300], lines[302] = '0300\t"open', '0302\tclosed"'
    found = read(tmp_path, {"e.tsv": "\n".join(["user_id\titem_id", *lines, ""])})
    assert found.rows == [tuple(line.split("\t")) for line in lines]


def test_a_tab_separated_file_that_is_quoted_is_read_as_such(tmp_path: Path) -> None:
    assert read(tmp_path, {"e.tsv": 'user_id\titem_id\n1\t"a\tb"\n2\tc\n'}).rows == [("1", "a\tb"), ("2", "c")]


def test_a_name_that_spans_lines_with_rows_within_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, {"e.csv": 'user_id,item_id,name\n1,a,"Weird\n2,b,Plain\n3,c,Band"\n4,d,X\n'})
    assert len(found.rows) + len(found.bad) == 4 or any("line 2" in told for told in found.warnings)


@pytest.mark.parametrize(
    ("text", "options", "rows"),
    [
        ("user_id,item_id\n1,'a,b'\n2,'it''s'\n", {"quote": "'"}, [("1", "a,b"), ("2", "it's")]),
        ('user_id;item_id\n1;"a\\"b"\n2;b\n', {"delimiter": ";", "escape": "\\"}, [("1", 'a"b'), ("2", "b")]),
        ("user_id,item_id\n1,'a\\'b'\n2,b\n", {"quote": "'", "escape": "\\"}, [("1", "a'b"), ("2", "b")]),
        ('user_id::item_id\n1::a"\n2::b\n', {"delimiter": "::", "quote": ""}, [("1", 'a"'), ("2", "b")]),
        ('user_id<SEP>>item_id\n1<SEP>>a"\n2<SEP>>b\n', {"delimiter": "<SEP>>"}, [("1", 'a"'), ("2", "b")]),
        ("user_id\x01item_id\n1\x01a\n2\x01b\n", {"delimiter": "\x01"}, PAIRS),
        ("# one\nuser_id,item_id\n1,a\n# two, and\n\n2,b\n# three", {"comment": "#"}, PAIRS),
        ("// one\nuser_id,item_id\n1,a\n// two\n2,b\n", {"comment": "//"}, PAIRS),
        ("A title\nmade by, x, y\nuser_id,item_id\n1,a\n2,b\n", {"skip": 2}, PAIRS),
        ("sep=;\nuser_id;item_id\n1;a\n2;b\n", {}, PAIRS),
        ("\ufeffsep=;\r\nuser_id;item_id\r\n1;a\r\n2;b\r\n", {}, PAIRS),
        ('\ufeff"user_id";"item_id"\n1;a\n2;b\n', {"delimiter": ";"}, PAIRS),
        ("\n\nuser_id,item_id\n1,a\n\n2,b\n\n", {}, PAIRS),
        ("user_id,item_id\n1,a", {}, PAIRS[:1]),
    ],
)
def test_a_file_is_read_as_its_options_say(
    tmp_path: Path, text: str, options: dict[str, Any], rows: list[tuple[str, str]]
) -> None:
    found = read(tmp_path, {"e.csv": text}, *options.items())
    assert found.rows == rows
    assert found.bad == []
    assert found.n_promised == len(rows)


def test_lines_with_a_long_delimiter_that_have_other_fields_are_bad(tmp_path: Path) -> None:
    lines = ["1<SEP>>a", "2", "3<SEP>>b<SEP>>c", "4<SEP>>d"]
    found = read(tmp_path, {"e.csv": "\n".join(["user_id<SEP>>item_id", *lines])}, ("delimiter", "<SEP>>"))
    assert (found.rows, sorted(found.bad)) == ([("1", "a"), ("4", "d")], sorted(lines[1:3]))


def test_a_comment_that_nobody_speaks_of_is_a_bad_line(tmp_path: Path) -> None:
    found = read(tmp_path, {"e.csv": f"{HEADER}1,a\n# note\n2,b\n"})
    assert (found.rows, found.bad) == (PAIRS, ["# note"])


@pytest.mark.parametrize(
    "again", ["user_id,item_id", '"user_id","item_id"', "USER_ID,Item_ID", "user_id, item_id", "\ufeffuser_id,item_id"]
)
def test_the_header_once_more_is_no_event(tmp_path: Path, again: str) -> None:
    found = read(tmp_path, {"e.csv": f"{HEADER}1,a\n{again}\n2,b\n"})
    assert found.rows == PAIRS
    assert len(found.bad) == 1


@pytest.mark.parametrize("header", ["user_id,item_id", "userId,movieId", "Customer No.,SKU"])
def test_the_header_of_a_part_that_is_said_to_have_none_is_no_event(tmp_path: Path, header: str) -> None:
    files = {"xaa.csv": f"{header}\n1,10\n", "xab.csv": "2,20\n"}
    columns = (("user_id", "1"), ("item_id", "2"))
    found = read(tmp_path, files, ("header", False), columns=columns, pattern="*.csv")
    assert (found.rows, found.bad) == ([("1", "10"), ("2", "20")], [header])


@pytest.mark.parametrize("first", ["1,10", "anna,x1", "7,seven"])
def test_a_first_row_that_may_be_data_is_kept(tmp_path: Path, first: str) -> None:
    columns = (("user_id", "1"), ("item_id", "2"))
    found = read(tmp_path, {"e.csv": f"{first}\nbert,x2\ncarl,30\n"}, ("header", False), columns=columns)
    assert (len(found.rows), found.bad) == (3, [])


def test_an_item_that_is_called_as_its_column_is_no_header(tmp_path: Path) -> None:
    assert read(tmp_path, {"e.csv": f"{HEADER}1,item_id\nuser_id,b\n"}).rows == [("1", "item_id"), ("user_id", "b")]


@pytest.mark.parametrize(
    ("text", "options", "fix"),
    [
        ("A title\nuser_id,item_id\n1,a\n2,b\n", {}, "--reader events.skip=1"),
        ("# a, b, c\nuser_id,item_id\n1,a\n2,b\n", {}, "--reader 'events.comment=\"#\"'"),
        ("user_id;item_id\n1;a\n2;b\n", {}, "--reader 'events.delimiter=\";\"'"),
        ("user_id\titem_id\n1\ta\n2\tb\n", {}, "--reader 'events.delimiter=\"\\t\"'"),
        ("1;a;5\n2;b;6,5\n3;c;7,5\n", {"header": False}, "--reader 'events.delimiter=\";\"'"),
        ("1|a\n2|b\n", {"header": False, "names": ["user_id", "item_id"]}, "--reader 'events.delimiter=\"|\"'"),
        ('[{"user_id": 1, "item_id": 2}]\n', {}, "--reader events.format=ndjson"),
        ('{"user_id": 1, "item_id": 2}\n', {}, "--reader events.format=ndjson"),
    ],
)
def test_a_table_that_is_not_read_so_is_refused_with_what_to_type(
    tmp_path: Path, text: str, options: dict[str, Any], fix: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, {"e.csv": text}, *options.items())
    assert fix in str(caught.value)
    assert "e.csv" in str(caught.value) or "input events" in str(caught.value)


def test_a_backslash_before_quotes_is_refused_with_the_line_and_the_option(tmp_path: Path) -> None:
    text = 'user_id;item_id\n"1";"a"\n"2";"The \\"Good\\" Book"\n'
    with pytest.raises(StageError) as caught:
        read(tmp_path, {"e.csv": text}, ("delimiter", ";"))
    assert caught.value.where == "e.csv, line 3"
    assert caught.value.fix == "say so: --reader 'events.escape=\"\\\\\"'"
    assert read(tmp_path, {"e.csv": text}, ("delimiter", ";"), ("escape", "\\")).rows[1] == ("2", 'The "Good" Book')


@pytest.mark.parametrize(
    ("encoding", "mark", "said"),
    [
        ("utf-8", b"\xef\xbb\xbf", ""),
        ("utf-16-le", b"\xff\xfe", ""),
        ("utf-16-be", b"\xfe\xff", ""),
        ("utf-16-le", b"\xff\xfe", "utf-16-le"),
        ("utf-16-le", b"", "utf-16-le"),
        ("utf-16-be", b"", "utf-16-be"),
        ("utf-16-be", b"", "utf-16"),
        ("utf-16-le", b"", "utf-16"),
        ("utf-32-le", b"\xff\xfe\x00\x00", ""),
        ("utf-8", b"\xef\xbb\xbf", "latin-1"),
        ("cp1252", b"", "cp1252"),
        ("cp1252", b"", "windows-1252"),
        ("cp1252", b"", "latin-1"),
        ("cp1250", b"", "cp1250"),
    ],
)
def test_text_of_any_encoding_is_read(tmp_path: Path, encoding: str, mark: bytes, said: str) -> None:
    name = "Łódź" if encoding == "cp1250" else "caf\u00e9 \u2019n\u2013"
    content = mark + f"user_id,item_id\r\n1,{name}\r\n".encode(encoding)
    found = read(tmp_path, {"e.csv": content}, *([("encoding", said)] if said else []))
    assert found.rows == [("1", name)]


def test_latin_1_has_a_sign_for_every_byte(tmp_path: Path) -> None:
    content = HEADER.encode() + b"1,a\x81\xe9\n2,b\n"
    assert read(tmp_path, {"e.csv": content}, ("encoding", "latin-1")).rows == [("1", "a\x81\xe9"), ("2", "b")]


@pytest.mark.parametrize(
    ("content", "said", "likely"),
    [
        (HEADER.encode() + "1,caf\xe9\n".encode("cp1252"), "", "cp1252"),
        (HEADER.encode() + b"1,\x81\xe9\n", "", "latin-1"),
        (HEADER.encode() + b"1,\x81\xe9\n", "cp1252", "latin-1"),
        (f"{HEADER}1,\xe9\n".encode("utf-16-le"), "", "utf-16-le"),
        (f"{HEADER}1,a\n".encode("utf-16-be"), "", "utf-16-be"),
        (f"{HEADER}1,caf\xe9\n".encode(), "ascii", "utf-8"),
    ],
)
def test_text_of_another_encoding_is_refused_with_the_likely_one(
    tmp_path: Path, content: bytes, said: str, likely: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, {"e.csv": content}, *([("encoding", said)] if said else []))
    assert caught.value.where == "e.csv"
    assert caught.value.fix.endswith(f"--reader events.encoding={likely}")
    assert len(read(tmp_path, {"e.csv": content}, ("encoding", likely)).rows) == 1


def test_text_of_another_encoding_far_down_is_refused_with_its_line(tmp_path: Path) -> None:
    content = (HEADER + "1,a\n" * 5000).encode() + b"2,caf\xe9\n"
    with pytest.raises(StageError) as caught:
        read(tmp_path, {"e.csv": content})
    assert caught.value.where.startswith("e.csv, line ")
    assert caught.value.fix.endswith("--reader events.encoding=cp1252")


@pytest.mark.parametrize(
    "content", [b"", b"a", b"a\n", b"a\nb", b"\n\n", b"\r\n\r\na\r\n", b'#x\na"\n#y"', b"\xef\xbb\xbfa\n"]
)
def test_lines_are_counted_as_python_counts_them(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "e.csv").write_bytes(content)
    lines = content.decode().split("\n")
    lines = lines[:-1] if lines[-1] == "" else lines
    counts = count_lines(tmp_path / "e.csv", "", quote='"', comment="#")
    assert counts.n_lines == len(lines)
    assert counts.n_blank == sum(not line.strip("\r") for line in lines)
    assert counts.n_comment == sum(line.startswith("#") for line in lines)
    assert counts.n_quotes == content.count(b'"')


def test_a_reader_that_loses_a_row_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB would merge these two rows; with nobody who compares, the count shows it."""
    monkeypatch.setattr(Porter, "_swallowing", lambda *_, **__: [])
    found = read(tmp_path, {"e.csv": 'user_id,item_id\n1,"a\n2,b"\n3,c\n'})
    assert found.n_promised == 3 != len(found.rows) + len(found.bad)


def test_every_line_is_a_row_a_part_of_one_or_left_out_for_a_reason() -> None:
    lines = ["title\n", "# c\n", "u,i\n", "\n", '1,"a\n', 'b"\n', "2\n", "# d\n", '3,"c\n', "4,d\n"]
    tally = Tally()
    records = list(csv_records(lines, Dialect(",", '"', '"', comment="#", skip=1), 2, tally))
    assert [(record.line, record.problem) for record in records if record.problem] == [
        (7, "1 fields instead of 2"),
        (9, "an open quote"),
    ]
    assert (tally.n_rows, tally.n_bad) == (len(records), 2)
    parts = tally.n_header + tally.n_blank + tally.n_comment + tally.n_skipped + tally.n_continued
    assert tally.n_lines == len(lines) == parts + tally.n_rows
