"""Packing: whether a file is packed, told by its first bytes and never by its name.

Owns how packed text is opened. Refuses what is no text, with the command that makes it one.
"""

import gzip
import io
import os
import shlex
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

from recsys_duck.errors import ProjectError

READ = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
UNPACK = {"gzip": "gunzip", "zstd": "unzstd"}
# First bytes of what nobody here reads: its name, and the command that gives a file that is read.
REFUSED = {
    b"BZh": ("packed by bzip2", "unpack it: bunzip2 --keep {}"),
    b"PK\x03\x04": ("a zip archive", "unpack it: unzip {}"),
    b"PK\x05\x06": ("an empty zip archive", "unpack it: unzip {}"),
    b"\xfd7zXZ\x00": ("packed by xz", "unpack it: unxz --keep {}"),
    b"\x04\x22\x4d\x18": ("packed by lz4", "unpack it: unlz4 {}"),
    b"\x5d\x00\x00": ("packed by lzma", "unpack it: unlzma --keep {}"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "unpack it: 7z x {}"),
    b"Rar!\x1a\x07": ("a rar archive", "unpack it: unrar x {}"),
    b"\x1f\x9d": ("packed by compress", "unpack it: uncompress {}"),
    b"SQLite format 3\x00": ("an SQLite database", "export it: sqlite3 -csv -header {} 'select * from T' > t.csv"),
    b"%PDF-": ("a PDF document", "save {} as CSV"),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an Excel workbook", "save {} as CSV"),
    b"ARROW1\x00\x00": ("an Arrow file", "write {} as Parquet"),
    b"Obj\x01": ("an Avro file", "write {} as Parquet"),
    b"\x80\x04\x95": ("a pickle of Python", "write {} as Parquet"),
    b"\x80\x05\x95": ("a pickle of Python", "write {} as Parquet"),
    b"\x89HDF\r\n": ("an HDF5 file", "write {} as Parquet"),
    b"version https://git-lfs": ("a pointer of Git LFS, not the file itself", "fetch it: git lfs pull"),
    b"<!DOCTYPE html": ("a web page", "see what the server says in it, and fetch it again: head {}"),
    b"<!doctype html": ("a web page", "see what the server says in it, and fetch it again: head {}"),
    b"<html": ("a web page", "see what the server says in it, and fetch it again: head {}"),
}
PARQUET = b"PAR1\x15"
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")  # what follows BZh and a digit; a text that begins with BZh has neither
_WORKBOOKS = (".xlsx", ".xlsm", ".ods")
_IN_WORKBOOKS = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/", b"mimetype")
_FIRST_NAME = slice(30, 60)  # of a zip archive: the name of its first file
_TAR = slice(257, 262)
HEAD_BYTES = 512


def packing_of(path: Path, shown: str) -> str:
    """Tell how a text file is packed: gzip, zstd, or empty for not at all.

    Raises:
        ProjectError: it is an archive, a database, or packed in a way that is not read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError as error:
        raise ProjectError(
            f"can't read {shown}: {error.strerror}", where=str(path), fix=f"check it: ls -l {shlex.quote(str(path))}"
        ) from None
    _refuse(head, path, shown)
    packing = _read_as(head)
    if packing:
        try:
            with opened(path, packing) as stream:
                inside = stream.read(HEAD_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise ProjectError(
                f"can't read {shown}: {error}", where=shown, fix=broken_fix(path, packing, str(error))
            ) from None
        _refuse(inside, path, shown)
        if _read_as(inside) or inside.startswith(PARQUET):
            what = "a packed Parquet file" if inside.startswith(PARQUET) else "packed twice"
            raise _refusal(shown, what, f"unpack it: {_unpacking(path, packing)}")
    return packing


def broken_fix(path: Path, packing: str, told: str) -> str:
    """Say how to see that a file is cut off or broken."""
    test = {"gzip": "gunzip -t", "zstd": "unzstd -t"}.get(packing, "ls -l")
    return f"it is cut off or broken ({told}): fetch or write it again; check it: {test} {shlex.quote(str(path))}"


def _refuse(head: bytes, path: Path, shown: str) -> None:
    """Refuse what is no text, by its first bytes.

    Raises:
        ProjectError: with the command that makes it one.
    """
    name = shlex.quote(os.path.basename(path))
    if head[_TAR] == b"ustar":
        raise _refusal(shown, "a tar archive", f"unpack it: tar xf {name}")
    is_workbook = shown.lower().endswith(_WORKBOOKS) or head[_FIRST_NAME].startswith(_IN_WORKBOOKS)
    if head.startswith(b"PK\x03\x04") and is_workbook:
        raise _refusal(shown, "a workbook", f"save {name} as CSV")
    for sign, (what, command) in REFUSED.items():
        if head.startswith(sign) and not (sign == b"BZh" and head[4:10] not in _BZIP2_BLOCKS):
            raise _refusal(shown, what, command.format(name))


def _read_as(head: bytes) -> str:
    return next((packing for sign, packing in READ.items() if head.startswith(sign)), "")


def _unpacking(path: Path, packing: str) -> str:
    """Say the command that unpacks a file once, under a name without its last ending."""
    plain = path.name.removesuffix(".gz").removesuffix(".zst")
    return f"{UNPACK[packing]} < {shlex.quote(path.name)} > {shlex.quote('unpacked-' + plain)}"


def opened(path: Path, packing: str) -> BinaryIO:
    """Open a file's bytes, unpacked."""
    if packing == "gzip":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if packing == "zstd":
        import pyarrow as pa

        stream: Any = pa.input_stream(str(path), compression="zstd")
        return io.BufferedReader(stream)
    return path.open("rb")


def _refusal(shown: str, what: str, command: str) -> ProjectError:
    return ProjectError(f"{shown} is {what}, which is not read", where=shown, fix=command)
