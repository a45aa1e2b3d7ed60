"""What a file looks like: the shapes in which people have their files, and what is told of each."""

import gzip
import json
from pathlib import Path

import pytest

from recsys_duck import sample
from recsys_duck.errors import ProjectError
from recsys_duck.sniff import Look, look_at

# the text of a file, and the options that read it
SHAPES = {
    "comma": ("user,item\n1,2\n2,3\n", {}),
    "semicolon": ("user;item;price\n1;2;3,5\n2;3;4,0\n", {"delimiter": ";"}),
    "commas_in_names": ("user;item;name\n1;2;a, b\n2;3;c, d\n", {"delimiter": ";"}),
    "tab": ("user\titem\n1\t2\n", {"delimiter": "\t"}),
    "two_colons": ("1::1193::5::978300760\n1::661::3::978302109\n", {"delimiter": "::", "header": False}),
    "blanks": ("1000002 1 55\n1000003 6 33\n", {"delimiter": " ", "header": False}),
    "separator_word": ("user<SEP>item\n1<SEP>2\n", {"delimiter": "<SEP>"}),
    "control_character": ("user\x01item\n1\x012\n2\x013\n", {"delimiter": "\x01"}),
    "said_separator": ("sep=;\nuser;item\n1;2\n", {"delimiter": ";", "skip": 1}),
    "title": ("Report of sales\n\nuser,item,qty\n1,2,3\n2,3,4\n", {"skip": 2}),
    "comments": ("# exported\nuser,item\n1,2\n# end\n2,3\n", {"comment": "#"}),
    "comment_and_title": ("# exported\n\nSales\nuser,item,qty\n1,2,3\n2,3,4\n", {"comment": "#", "skip": 3}),
    "header_like_a_comment": ("#user,item\n1,2\n2,3\n", {}),
    "stray_quotes": ('user\titem\tname\n1\t2\t"Heroes\n2\t3\tb\n3\t4\tc\n', {"delimiter": "\t", "quote": ""}),
    "quoted": ('user,item,name\n1,2,"a, b"\n2,3,c\n', {}),
    "quoted_tab": ('user\tname\n1\t"a"\n2\t"b"\n', {"delimiter": "\t", "quote": '"'}),
    "one_open_quote": ("user;item;n\n" + "1;2;3\n" * 60 + '1;"2;3\n' + "1;2;3\n" * 60, {"delimiter": ";"}),
    "single_quotes": ("user,item\n'a,b','x'\n'c,d','y'\n", {"quote": "'"}),
    "backslash": ('user,name\n1,"say \\"hi\\", you"\n2,"b, c"\n', {"quote": '"', "escape": "\\"}),
    "values_that_span_lines": ('user,item,name\n1,2,"one\ntwo"\n2,3,"b, c"\n3,4,d\n', {}),
    "name_twice": ("user,item,item\n1,2,9\n", {"names": ["user", "item", "item_3"]}),
    "no_header": ("196\t242\t3\n186\t302\t3\n", {"delimiter": "\t", "header": False}),
    "old_mac": ("user|item\r1|2\r2|3\r", {"delimiter": "|"}),
    "pandas_index": (",user,item\n0,1,2\n1,2,3\n", {}),
}


def looked(path: Path, data: str | bytes) -> Look:
    """Write a file and look at it."""
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    look = look_at(path, path.name)
    assert look is not None
    return look


@pytest.mark.parametrize("name", SHAPES)
def test_a_text_file_is_told_by_its_lines(name: str, tmp_path: Path) -> None:
    text, options = SHAPES[name]
    assert looked(tmp_path / "x.csv", text).options == options


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("user,item\nMüller,é\n".encode(), None),
        (b"\xef\xbb\xbf" + "user,item\nMüller,1\n".encode(), None),
        ("user,item\n“Müller”,€\n".encode("cp1252"), "cp1252"),
        ("user,item\nM\x81ller,1\n".encode("latin-1"), "latin-1"),
        ("user,item\nMüller,1\n".encode("utf-16"), "utf-16"),
        ("user,item\nMuller,1\n".encode("utf-16-le"), "utf-16-le"),
    ],
)
def test_an_encoding_is_told_by_the_bytes(data: bytes, encoding: str | None, tmp_path: Path) -> None:
    look = looked(tmp_path / "x.csv", data)
    assert look.options.get("encoding") == encoding
    assert [column.name for column in look.columns] == ["user", "item"]


def test_the_end_of_a_large_file_tells_its_encoding_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "HEAD_BYTES", 1000)
    monkeypatch.setattr(sample, "PIECE_BYTES", 200)
    lines = b"user,item\n" + b"12345678,1\n" * 1000
    look = looked(tmp_path / "x.csv", lines + "Müller,1\n".encode("cp1252"))
    assert look.options == {"encoding": "cp1252"}
    assert look.n_rows < 200


def test_packed_files_are_looked_at(tmp_path: Path) -> None:
    assert looked(tmp_path / "x.csv", gzip.compress(b"user;item\n1;2\n")).options == {"delimiter": ";"}


ROWS = [{"user": {"id": 1}, "item": "a", "tags": ["x"]}, {"user": {"id": 2}, "item": None}]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("\n".join(map(json.dumps, ROWS)), {}),
        (json.dumps(ROWS), {}),
        (json.dumps(ROWS, indent=2), {}),
        (json.dumps({"n": [1], "data": ROWS}, indent=2), {"records": "$.data[*]"}),
        (json.dumps({"the data": ROWS}), {"records": '$."the data"[*]'}),
    ],
)
def test_rows_of_json_are_found_wherever_they_are(text: str, options: dict[str, str], tmp_path: Path) -> None:
    look = looked(tmp_path / "x.json", text)
    assert (look.format, look.options) == ("ndjson", options)
    assert [(column.name, column.values) for column in look.columns] == [("user.id", ("1", "2")), ("item", ("a", ""))]


@pytest.mark.parametrize(
    ("data", "told", "fix"),
    [
        (b"", "x.csv is empty", "give a file with rows"),
        (b"\xef\xbb\xbf\r\n", "x.csv is empty", "give a file with rows"),
        (b"user,item\n", "x.csv has a header and no rows", "give a file with rows"),
        (b"PK\x03\x04rest", "x.csv is a zip archive", "unzip x.csv"),
        (bytes(range(256)) * 10, "x.csv is no text file", "file x.csv"),
    ],
)
def test_what_holds_no_table_is_refused(data: bytes, told: str, fix: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as refused:
        looked(tmp_path / "x.csv", data)
    assert refused.value.what.startswith(told)
    assert fix in refused.value.fix
