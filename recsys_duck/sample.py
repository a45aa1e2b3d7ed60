"""Samples: some megabytes of a text file's lines, decoded: all of a small file, three pieces of a large one.

Owns how an encoding is told from bytes. Refuses what is empty and what is no text.
"""

import io
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from recsys_duck.encoding import encoding_of
from recsys_duck.errors import ProjectError
from recsys_duck.packing import opened, packing_of

HEAD_BYTES = 6_000_000
PIECE_BYTES = 1_000_000  # of the middle and of the end
_CONTROLS = re.compile("[\x00\x02-\x08\x0e-\x1b\x7f]")  # \x01 splits fields in files of Hive


@dataclass(frozen=True, slots=True)
class Sample:
    """Lines with their ends, the encoding, and whether it is all there is; `is_ascii` where any encoding would do."""

    lines: tuple[str, ...]
    encoding: str
    is_ascii: bool
    is_whole: bool
    packing: str


def sample_of(path: Path, shown: str) -> Sample:
    """Read a text file's sample.

    Raises:
        ProjectError: the file can't be read, is empty, packed in another way than gzip or zstd, or is no text.
    """
    packing = packing_of(path, shown)
    try:
        with opened(path, packing) as stream:
            head = stream.read(HEAD_BYTES + 1)
    except (OSError, EOFError) as error:
        fix = f"pack it again: {error}"
        raise ProjectError(f"can't read {shown}", where=str(path), fix=fix) from None
    is_whole = len(head) <= HEAD_BYTES
    if not head.strip(b"\x00\r\n\t \xef\xbb\xbf\xff\xfe"):
        raise ProjectError(f"{shown} is empty", where=str(path), fix="give a file with rows")
    encoding = encoding_of(head)
    pieces = [head if is_whole else head[: _last_end(head)]]
    if not is_whole and not packing and not encoding.startswith("utf-16"):
        pieces += _further(path)
    data = b"".join(pieces)
    encoding = encoding_of(data)
    text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="replace")
    if len(_CONTROLS.findall(text[:100_000])) > len(text[:100_000]) / 100:
        name = shlex.quote(os.path.basename(path))
        raise ProjectError(f"{shown} is no text file", where=str(path), fix=f"see what it is: file {name}")
    lines = tuple(io.StringIO(text, newline=""))
    return Sample(lines, encoding, data.isascii(), is_whole, packing)


def _further(path: Path) -> list[bytes]:
    """Read whole lines of the middle and of the end of a file."""
    size = path.stat().st_size
    pieces = []
    with path.open("rb") as stream:
        for start in (max(HEAD_BYTES, size // 2), max(HEAD_BYTES, size - PIECE_BYTES)):
            stream.seek(start)
            piece = stream.read(PIECE_BYTES)
            pieces.append(piece[piece.find(b"\n") + 1 : _last_end(piece)])
    return pieces


def _last_end(data: bytes) -> int:
    return max(data.rfind(b"\n"), data.rfind(b"\r")) + 1 or len(data)
