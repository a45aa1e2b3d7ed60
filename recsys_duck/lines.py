"""Lines: how many lines a text file has, counted on its bytes, beside and without any reader of its rows.

What a reader gives is held against these counts, so that no line is swallowed in silence.
"""

from dataclasses import dataclass
from pathlib import Path

from recsys_duck.packing import opened

CHUNK_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class LineCounts:
    """Lines of a file by its bytes alone: all of them, empty ones, those of comments; and its quotes.

    `is_even` is false where lines end in several ways.
    """

    n_lines: int = 0
    n_blank: int = 0
    n_comment: int = 0
    n_quotes: int = 0
    is_even: bool = True


def last_sign(path: Path, packing: str) -> bytes:
    """Give the last byte of a file that is no blank; empty where there is none."""
    last = b""
    with opened(path, packing) as stream:
        if not packing:
            stream.seek(max(0, path.stat().st_size - CHUNK_BYTES))
        while chunk := stream.read(CHUNK_BYTES):
            last = chunk.rstrip()[-1:] or last
    return last


def count_lines(path: Path, packing: str, *, quote: str = "", comment: str = "") -> LineCounts:
    """Count a file's lines; a comment begins with `comment` at the start of its line.

    For encodings in which a line feed is one byte and no part of another character, as UTF-8 and Latin-1.
    """
    n_lines = n_blank = n_comment = n_quotes = n_feeds = n_returns = n_pairs = 0
    mark = b"\n" + comment.encode() if comment else b""
    with opened(path, packing) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            lines = b"\n" + chunk + stream.readline()  # whole lines
            feeds = lines.count(b"\n") - 1
            n_feeds += feeds
            n_lines += feeds + (not lines.endswith(b"\n"))
            if b"\r" in lines:
                n_returns += lines.count(b"\r")
                n_pairs += lines.count(b"\r\n")
            if b"\n\n" in lines or b"\n\r" in lines:
                n_blank += sum(not line.strip(b"\r") for line in lines[1:].split(b"\n")) - lines.endswith(b"\n")
            n_comment += lines.count(mark) if mark else 0
            n_quotes += lines.count(quote.encode()) if quote else 0
    is_even = n_returns == 0 or (n_returns == n_pairs == n_feeds)
    return LineCounts(n_lines, n_blank, n_comment, n_quotes, is_even)
