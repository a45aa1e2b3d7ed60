"""Text: how the bytes of a file become lines of text: unpacked, and in which encoding.

Refuses files of another encoding, and files that are no text.
"""

import codecs
import io
import shlex
import zlib
from pathlib import Path
from typing import IO

from recsys_duck.errors import ProjectError
from recsys_duck.formats import QUOTED_DELIMITER_BYTES
from recsys_duck.packing import opened, packing_of
from recsys_duck.source import Input, SourceFile, TextForm

MOST_CHARACTERS = 16_000_000  # of one line, as DuckDB has it, and of all lines that are looked at
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def form_of(declared: Input, file: SourceFile) -> TextForm:
    """Say how a text file is read before a line of it is: what is said, and what its first bytes tell."""
    packing = packing_of(file.path, file.shown)
    delimiter = str(declared.options.get("delimiter", ","))
    default = '"' if len(delimiter.encode()) <= QUOTED_DELIMITER_BYTES else ""
    encoding = str(declared.options.get("encoding", ""))
    if not encoding:
        with opened(file.path, packing) as stream:
            head = stream.read(4)
        encoding = next((name for mark, name in MARKS.items() if head.startswith(mark)), "utf-8")
    name = codecs.lookup(encoding).name
    return TextForm(
        packing=packing,
        encoding={"utf-8-sig": "utf-8", "iso8859-1": "latin-1"}.get(name, name),
        delimiter=delimiter,
        quote=str(declared.options.get("quote", default)),
    )


def first_lines(declared: Input, file: SourceFile, n_lines: int) -> tuple[TextForm, list[str]]:
    """Read the first lines of a file, packed or not."""
    lines: list[str] = []
    try:
        form = form_of(declared, file)
        with text_of(file.path, form) as stream:
            left = MOST_CHARACTERS
            while len(lines) < n_lines and left > 0 and (line := stream.readline(left)):
                lines.append(line)
                left -= len(line)
    except UnicodeError as error:
        raise not_encoded(declared.name, file, form.encoding, str(error)) from None
    except (OSError, EOFError, zlib.error) as error:
        told = getattr(error, "strerror", None) or str(error)
        fix = f"check it, or unpack it: ls -l {shlex.quote(str(file.path))}"
        raise ProjectError(f"can't read {file.shown}: {told}", where=str(file.path), fix=fix) from None
    if any("\0" in line for line in lines):
        fix = f"give its encoding, --reader {declared.name}.encoding=utf-16, or a text file"
        raise ProjectError(f"{file.shown} is no text: it has bytes of zero", where=file.shown, fix=fix)
    return form, lines


def text_of(path: Path, form: TextForm) -> IO[str]:
    """Open a file's text, unpacked and decoded; lines keep their ends. What Latin-1 has no sign for is Windows-1252."""
    encoding = {"utf-8": "utf-8-sig", "latin-1": "cp1252"}.get(form.encoding, form.encoding)
    return io.TextIOWrapper(opened(path, form.packing), encoding=encoding, newline="")


def not_encoded(name: str, file: SourceFile, encoding: str, cause: str) -> ProjectError:
    """Say that a file is of another encoding, and which it is likely to be."""
    likely = "cp1252" if encoding == "utf-8" else "utf-8"
    return ProjectError(
        f"{file.shown} is not {encoding}",
        where=file.shown,
        fix=f"say its encoding, which is likely {likely}: --reader {name}.encoding={likely}",
        cause=cause,
    )
