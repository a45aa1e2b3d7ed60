"""Packed files are told by their first bytes; what is no text, or no whole one, is refused by what it is."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from reading import read

from recsys_duck.errors import ProjectError, StageError

CSV = b"user_id,item_id\n1,a\n2,b\n"
PAIRS = [("1", "a"), ("2", "b")]
JSON_LINES = b'{"user_id": 1, "item_id": "a"}\n{"user_id": 2, "item_id": "b"}\n'
ARRAY = b'[{"user_id": 1, "item_id": "a"}, {"user_id": 2, "item_id": "b"}]'
DOCUMENT = b'{"rows": ' + ARRAY + b"}"


def zstd(data: bytes) -> bytes:
    """Pack by zstd."""
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


def archive(mode: str) -> bytes:
    """Make a tar archive of one CSV file."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as tar:  # type: ignore[call-overload]
        member = tarfile.TarInfo("e.csv")
        member.size = len(CSV)
        tar.addfile(member, io.BytesIO(CSV))
    return stream.getvalue()


def zipped(name: str) -> bytes:
    """Make a zip archive of one file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive_:
        archive_.writestr(name, CSV)
    return stream.getvalue()


def parquet() -> bytes:
    """Make a Parquet file of the two events."""
    stream = io.BytesIO()
    pq.write_table(pa.table({"user_id": [1, 2], "item_id": ["a", "b"]}), stream)
    return stream.getvalue()


def feather() -> bytes:
    """Make an Arrow file."""
    stream = io.BytesIO()
    pyarrow.feather.write_feather(pa.table({"user_id": [1]}), stream)
    return stream.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("e.csv", CSV),
        ("e.tsv", CSV.replace(b",", b"\t")),
        ("e.jsonl", JSON_LINES),
        ("e.json", ARRAY),
        ("e.csv", CSV.replace(b"\n", b"\r\n").replace(b"b\r\n", b"b\n")),
    ],
)
def test_every_text_format_may_be_packed_whatever_its_name(
    tmp_path: Path, pack: object, name: str, content: bytes
) -> None:
    packed = pack(content)  # type: ignore[operator]
    for given in (name, f"{name}.gz", f"{name}.zst"):
        assert read(tmp_path, {given: packed}).rows == PAIRS
    assert read(tmp_path, {f"{name}.gz": content}).rows == PAIRS  # called packed and not


def test_a_packed_document_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, {"e.json": gzip.compress(DOCUMENT)}, ("records", "$.rows[*]")).rows == PAIRS


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_pieces_that_were_packed_one_by_one_are_one_file(tmp_path: Path, pack: object) -> None:
    packed = pack(CSV) + pack(b"3,c\n")  # type: ignore[operator]
    found = read(tmp_path, {"e.csv.gz": packed})
    assert (found.rows, found.n_promised) == ([*PAIRS, ("3", "c")], 3)


@pytest.mark.parametrize(
    ("name", "content", "what", "fix"),
    [
        ("e.csv.bz2", bz2.compress(CSV), "packed by bzip2", "bunzip2 --keep e.csv.bz2"),
        ("e.csv", bz2.compress(CSV), "packed by bzip2", "bunzip2 --keep e.csv"),
        ("e.csv.xz", lzma.compress(CSV), "packed by xz", "unxz --keep e.csv.xz"),
        ("e.csv.lzma", lzma.compress(CSV, format=lzma.FORMAT_ALONE), "packed by lzma", "unlzma --keep e.csv.lzma"),
        ("e.csv.zip", zipped("e.csv"), "a zip archive", "unzip e.csv.zip"),
        ("my e.csv", zipped("e.csv"), "a zip archive", "unzip 'my e.csv'"),
        ("e.xlsx", zipped("[Content_Types].xml"), "a workbook", "save e.xlsx as CSV"),
        ("e.csv", zipped("xl/workbook.xml"), "a workbook", "save e.csv as CSV"),
        ("e.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "an Excel workbook", "save e.xls as CSV"),
        ("e.csv", archive("w"), "a tar archive", "tar xf e.csv"),
        ("e.tar.gz", archive("w:gz"), "a tar archive", "tar xf e.tar.gz"),
        ("e.csv.gz", gzip.compress(gzip.compress(CSV)), "packed twice", "gunzip < e.csv.gz > unpacked-e.csv"),
        ("e.parquet.gz", gzip.compress(parquet()), "a packed Parquet file", "gunzip < e.parquet.gz"),
        ("e.csv", feather(), "an Arrow file", "write e.csv as Parquet"),
        ("e.csv", b"<!DOCTYPE html>\n<html>Sign in</html>\n", "a web page", "head e.csv"),
        ("e.csv", b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS", "git lfs pull"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_packed_otherwise_is_refused_by_name_with_the_command(
    tmp_path: Path, name: str, content: bytes, what: str, fix: str
) -> None:
    for options in ((), (("format", "csv"),), (("format", "parquet"),)):
        with pytest.raises(ProjectError) as caught:
            read(tmp_path, {name: content}, *options)
        assert what in caught.value.what
        assert name in caught.value.what
        assert fix in caught.value.fix
        assert "latin-1" not in str(caught.value)
        assert "encoding" not in str(caught.value)


@pytest.mark.parametrize("text", [b"BZh,item_id\n1,a\n2,b\n", b"PAR1,item_id\n1,a\n2,b\n", b"PK,item_id\n1,a\n2,b\n"])
def test_text_that_begins_as_a_packed_file_is_text(tmp_path: Path, text: bytes) -> None:
    column = text.partition(b",")[0].decode()
    assert read(tmp_path, {"e.csv": text}, columns=(("user_id", column),)).rows == PAIRS


@pytest.mark.parametrize("name", ["e.csv", "e.jsonl", "e.tsv"])
def test_parquet_under_the_name_of_a_text_is_told_with_the_option_that_reads_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, {name: parquet()})
    assert caught.value.what == f"{name} is a Parquet file"
    assert caught.value.fix == "say so: --reader events.format=parquet"
    assert read(tmp_path, {name: parquet()}, ("format", "parquet")).rows == PAIRS


@pytest.mark.parametrize(
    ("content", "likely"),
    [(CSV, "csv"), (gzip.compress(CSV), "csv"), (JSON_LINES, "ndjson"), (ARRAY, "ndjson"), (zstd(ARRAY), "ndjson")],
    ids=["csv", "packed csv", "lines", "array", "packed array"],
)
def test_text_under_the_name_of_parquet_is_told_with_the_option_that_reads_it(
    tmp_path: Path, content: bytes, likely: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, {"e.parquet": content})
    assert caught.value.fix.endswith(f"--reader events.format={likely}")
    assert read(tmp_path, {"e.parquet": content}, ("format", likely)).rows == PAIRS


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
@pytest.mark.parametrize("left", [0.02, 0.5, 0.99])
@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
def test_a_packed_file_that_is_cut_off_is_told_and_no_row_of_it_is_read(
    tmp_path: Path, pack: object, left: float, form: str
) -> None:
    rows = [(at * 7919, at * 104729) for at in range(5000)]
    text = "user_id,item_id\n" + "".join(f"{user},{item}\n" for user, item in rows)
    if form != "csv":
        objects = [f'{{"user_id": {user}, "item_id": {item}}}' for user, item in rows]
        text = "\n".join(objects) if form == "jsonl" else "[" + ",\n".join(objects) + "]"
    packed = pack(text.encode())  # type: ignore[operator]
    with pytest.raises((ProjectError, StageError)) as caught:
        read(tmp_path, {f"e.{form}": packed[: int(left * len(packed))]})
    assert f"e.{form}" in caught.value.what
    assert "cut off or broken" in caught.value.fix
    assert "-t " in caught.value.fix


def test_a_packed_file_with_something_behind_it_is_told(tmp_path: Path) -> None:
    with pytest.raises((ProjectError, StageError)) as caught:
        read(tmp_path, {"e.csv.gz": gzip.compress(CSV) + b"garbage"})
    assert "e.csv.gz" in caught.value.what
    assert "gunzip -t" in caught.value.fix
    assert read(tmp_path, {"e.csv.gz": gzip.compress(CSV) + bytes(512)}).rows == PAIRS  # as tapes pad it


def test_a_folder_is_told_as_one(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, {"d/e.csv": CSV}, pattern="d")
    assert caught.value.what.endswith("d is a folder")
    assert caught.value.fix.endswith("d/*.csv'")


def test_a_named_pipe_is_no_file(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "e.csv")
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, {}, pattern="e.csv")
    assert "is no regular file" in caught.value.what
