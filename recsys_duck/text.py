"""Text: the first lines of a text file, and how it is to be read, as its own bytes show.

Refuses files of another encoding, and files that are no text.
"""

import shlex
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from recsys_duck.encoding import encoding_of, not_encoded, settled_encoding, text_of
from recsys_duck.errors import ProjectError
from recsys_duck.formats import QUOTED_DELIMITER_BYTES
from recsys_duck.packing import HEAD_BYTES, PARQUET, broken_fix, opened, packing_of
from recsys_duck.source import Input, SourceFile, TextForm

MOST_CHARACTERS = 16_000_000  # of one line, as DuckDB has it, and of all lines that are looked at


def form_of(declared: Input, file: SourceFile) -> TextForm:
    """Say how a text file is read before a line of it is: what is said, and what its first bytes tell."""
    packing = packing_of(file.path, file.shown)
    delimiter = str(declared.options.get("delimiter", ","))
    default = '"' if len(delimiter.encode()) <= QUOTED_DELIMITER_BYTES else ""
    with opened(file.path, packing) as stream:
        head = stream.read(HEAD_BYTES)
    if head.startswith(PARQUET):
        fix = f"say so: --reader {declared.name}.format=parquet"
        raise ProjectError(f"{file.shown} is a Parquet file", where=file.shown, fix=fix)
    return TextForm(
        packing=packing,
        encoding=settled_encoding(str(declared.options.get("encoding", "")), head),
        delimiter=delimiter,
        quote=str(declared.options.get("quote", default)),
    )


def first_lines(declared: Input, file: SourceFile, n_lines: int) -> tuple[TextForm, list[str]]:
    """Read the first lines of a file, packed or not."""
    lines: list[str] = []
    with readable(file):
        form = form_of(declared, file)
        try:
            with text_of(file.path, form) as stream:
                left = MOST_CHARACTERS
                while len(lines) < n_lines and left > 0 and (line := stream.readline(left)):
                    lines.append(line)
                    left -= len(line)
        except UnicodeError as error:
            raise not_encoded(declared.name, file, form, str(error)) from None
    if any("\0" in line for line in lines):
        raise _refusal_of_zeros(declared, file, "".join(lines).encode(form.encoding, errors="ignore"))
    return form, lines


@contextmanager
def readable(file: SourceFile) -> Iterator[None]:
    """Tell of a file that can't be read to its end.

    Raises:
        ProjectError: it is cut off, or broken.
    """
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        told = getattr(error, "strerror", None) or str(error)
        fix = broken_fix(file.path, packing_of(file.path, file.shown), told)
        raise ProjectError(f"can't read {file.shown} to its end", where=file.shown, fix=fix) from None


def _refusal_of_zeros(declared: Input, file: SourceFile, data: bytes) -> ProjectError:
    likely = encoding_of(data)
    fix = f"see what it is: file {shlex.quote(str(file.path))}"
    if likely.startswith("utf-16"):
        fix = f"say its encoding, which is likely {likely}: --reader {declared.name}.encoding={likely}"
    return ProjectError(f"{file.shown} is no text: it has bytes of zero", where=file.shown, fix=fix)
