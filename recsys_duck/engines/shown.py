"""Shown names: the SQL that tells each row which file it comes from, as the project shows it.

A path is relative to the project, whatever the current folder is, and a copy of a file shows the file.
"""

import re

from recsys_duck.parameters import quoted
from recsys_duck.source import Source, SourceFile


def shown_name(source: Source) -> str:
    """Show a file's path relative to the project, whatever the current folder is."""
    if len(source.files) == 1:
        return f"cast({quoted(source.files[0].shown)} as varchar)"
    if source.files[0].text.copy:
        return each_shown(source)
    put, cut = shift_of(source.files[0])
    return f"concat({quoted(put)}, substr(filename, {cut + 1}))" if put else f"substr(filename, {cut + 1})"


def shift_of(file: SourceFile) -> tuple[str, int]:
    """Say what to put before, and to cut from, a file's path to show it: the same for all files of a folder."""
    path, shown = str(file.path), file.shown
    ups = re.match(r"(?:\.\./)*", shown)
    put = ups.group() if ups else ""
    return (put, len(path) - (len(shown) - len(put))) if path.endswith(shown[len(put) :]) else (shown, len(path))


def each_shown(source: Source) -> str:
    """Show the path of each file as written down here: for a few files that share no folder."""
    paths = ", ".join(quoted(str(file.text.copy or file.path)) for file in source.files)
    shown = ", ".join(quoted(file.shown) for file in source.files)
    return f"map([{paths}], [{shown}])[filename]"
