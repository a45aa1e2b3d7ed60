"""Encodings: how the bytes of a text file become text, as its mark says, its option, or else its bytes.

Bytes that Latin-1 has no sign for are read as Windows-1252, which is what such files are written in.
Refuses what is of another encoding than said, and names the likely one.
"""

import codecs
import io
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from recsys_duck.errors import ProjectError
from recsys_duck.packing import opened
from recsys_duck.source import SourceFile, TextForm

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
UNMAPPED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")  # bytes that cp1252 has no letter for
SEEN_BYTES = 4_000_000
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a]")
_WIDE = ("utf-16", "utf-32")  # their mark says which way round
_WINDOWS = {byte: bytes([byte]).decode("cp1252") for byte in range(0x80, 0xA0) if not UNMAPPED.match(bytes([byte]))}


class _Latin(io.TextIOWrapper):
    """Text of Latin-1, its unused places read as those of Windows-1252."""

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        return super().readline(size).translate(_WINDOWS)

    def __next__(self) -> str:  # type: ignore[override]
        return super().__next__().translate(_WINDOWS)


def settled_encoding(said: str, head: bytes) -> str:
    """Name the encoding of a file: its mark wins over what is said; by Python's name, UTF-8 if nothing tells."""
    found = marked(head) or said or "utf-8"
    name = codecs.lookup(found).name
    if name == "utf-16" and not marked(head):
        name = encoding_of(head)
        name = name if name.startswith("utf-16") else "utf-16-le"
    return {"utf-8-sig": "utf-8", "iso8859-1": "latin-1"}.get(name, name)


def marked(head: bytes) -> str:
    """Tell the encoding by a file's byte order mark; empty without one."""
    return next((name for mark, name in MARKS.items() if head.startswith(mark)), "")


def encoding_of(data: bytes) -> str:
    """Tell the encoding from the first bytes of a file."""
    start = data[:10_000]
    if marked(data):
        return marked(data)
    if start[1::2].count(0) > len(start) / 5:
        return "utf-16-le"
    if start[::2].count(0) > len(start) / 5:
        return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)  # the last letter may be cut off
    except UnicodeDecodeError:
        return "latin-1" if UNMAPPED.search(data) else "cp1252"
    return "utf-8"


def text_of(path: Path, form: TextForm) -> IO[str]:
    """Open a file's text, unpacked and decoded; lines keep their ends."""
    stream = opened(path, form.packing)
    if form.encoding == "latin-1":
        return _Latin(stream, encoding="latin-1", newline="")
    return io.TextIOWrapper(stream, encoding={"utf-8": "utf-8-sig"}.get(form.encoding, form.encoding), newline="")


def undecodable_line(path: Path, form: TextForm) -> int:
    """Find the first line that is not encoded as said, counted from 1; 0 where lines don't end in one byte."""
    if form.encoding in _WIDE or form.encoding.startswith(("utf-16", "utf-32")):
        return 0
    with opened(path, form.packing) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode(form.encoding)
            except UnicodeError:
                return number
    return 0


def has_text(file: SourceFile, form: TextForm, text: str) -> bool:
    """Tell whether a text stands anywhere in a file."""
    wide = [f"{form.encoding}-{way}" for way in ("le", "be")] if form.encoding in _WIDE else [form.encoding]
    signs = [text.encode(encoding, errors="ignore") for encoding in wide]
    return any(
        sign and sign in chunk for chunk in _overlapping(file.path, form, max(map(len, signs))) for sign in signs
    )


def _overlapping(path: Path, form: TextForm, n_bytes: int) -> Iterator[bytes]:
    last = b""
    with opened(path, form.packing) as stream:
        while chunk := stream.read(SEEN_BYTES):
            yield last + chunk
            last = chunk[-n_bytes:]


def not_encoded(name: str, file: SourceFile, form: TextForm, cause: str) -> ProjectError:
    """Say that a file is of another encoding, and which it is likely to be."""
    with opened(file.path, form.packing) as stream:
        data = stream.read(SEEN_BYTES)
    likely = encoding_of(data)
    if data.isascii() and form.encoding == "utf-8":
        likely = "cp1252"  # what is wrong comes later
    if _CONTROLS.search(data.decode(likely, errors="replace")):
        fix = f"it is no text; see what it is: file {shlex.quote(str(file.path))}"
    elif likely == form.encoding or form.encoding.startswith(likely):
        plain = shlex.quote(os.path.basename(file.path))
        fix = f"it is cut off, or mixed; leave out what is none: iconv -c -f {likely} -t utf-8 {plain} > utf8.txt"
    else:
        fix = f"say its encoding, which is likely {likely}: --reader {name}.encoding={likely}"
    return ProjectError(f"{file.shown} is not {form.encoding}", where=file.shown, fix=fix, cause=cause)
