"""Sources: a kind's typed inputs and the files that a project gives them.

Owns how an input is declared, which files a glob names and how a file is recognised again.
Refuses declarations that are not in full.
"""

import glob
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recsys_duck.errors import ProjectError
from recsys_duck.formats import FIELDS, refuse_options


@dataclass(frozen=True, slots=True)
class Input:
    """One declared input: its format, columns by type, and the reader's options.

    `column` names the files' own columns that are called otherwise, by our names; `unfit` names a
    boolean for each column of which a gate judges the values that do not fit their type; `ids` names
    the columns that hold one id each. `folder_keys`
    are names that somebody asked for: a folder key=value gives the column where a file has none.
    """

    name: str
    format: str
    columns: Mapping[str, str]
    optional: bool = False
    required: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    unfit: Mapping[str, str] = field(default_factory=dict)
    column: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()
    folder_keys: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Tell whether its files have lines, which are counted beside their rows."""
        return self.format == "csv" or (self.format == "ndjson" and "records" not in self.options)

    @property
    def missing(self) -> tuple[str, ...]:
        """The texts that mean a missing value."""
        said = self.options.get("null", [])
        return tuple(str(one) for one in said) if isinstance(said, list) else (str(said),)

    def own_name(self, name: str) -> str:
        """Say what the files call a column."""
        return self.column.get(name, name)


@dataclass(frozen=True, slots=True)
class TextForm:
    """How a text file is to be read, as its own bytes show: what nobody had to say.

    `skip` counts the lines before the first record, blank and comment ones included. `header` has the names of
    a first line that looks like a header, though the file is said to have none. `copy` is a Parquet file of its
    records, where DuckDB can't read the text itself; `is_lenient` leaves out the lines that are no records,
    which then are in a copy beside it.
    """

    packing: str = ""
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    skip: int = 0
    header: tuple[str, ...] = ()
    is_array: bool = False
    is_lenient: bool = False
    copy: Path | None = None


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as the build saw it: its path, how it is shown (relative to the project), size and time.

    `present` has the columns that it has itself with their types, of newline-delimited JSON those of its
    first rows; empty for documents. `numeric` names the text columns whose first values are all numbers,
    `nested` those that are paths into objects, `late` those that no looked-at row
    has and a later one may, `folders` the values that its folders' names give.
    `text` says how a text file is read, `is_empty` that there is nothing in it.
    `typical` has the middle one of the first numbers of a column.
    """

    path: Path
    shown: str
    n_bytes: int
    modified_ns: int
    digest: str = ""
    present: Mapping[str, str] = field(default_factory=dict)
    numeric: frozenset[str] = frozenset()
    nested: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    folders: Mapping[str, str] = field(default_factory=dict)
    text: TextForm = TextForm()
    is_empty: bool = False
    typical: Mapping[str, float] = field(default_factory=dict)

    def identity(self) -> list[object]:
        """What its fingerprint covers: the content where it was hashed, else size and time."""
        return [self.shown, self.digest] if self.digest else [self.shown, self.n_bytes, self.modified_ns]


@dataclass(frozen=True, slots=True)
class Source:
    """An input with its files, in the order of their shown names."""

    input: Input
    files: tuple[SourceFile, ...]

    @property
    def present(self) -> dict[str, str]:
        """The columns that any of the files has, with a type of theirs."""
        return {name: found for file in self.files for name, found in file.present.items()}

    def has(self, name: str) -> bool:
        """Tell whether any of the files has a column, under its own name for it."""
        return self.input.own_name(name) in self.present

    def only(self, file: SourceFile) -> "Source":
        """The same source with one file."""
        return replace(self, files=(file,))

    def reader_identity(self) -> list[object]:
        """What a fingerprint covers of the reader: format, columns and options."""
        declared = self.input
        return [
            declared.format,
            sorted(declared.columns.items()),
            sorted(declared.absent.items()),
            sorted(declared.places.items()),
            sorted(declared.unfit.items()),
            sorted(declared.column.items()),
            sorted((name, str(value)) for name, value in declared.options.items()),
            sorted(declared.folder_keys),
        ]


def declare_input(name: str, fields: Mapping[str, object], *, where: str) -> Input:
    """Make an input of its table in kind.toml, laid over by recsys.toml and the command line.

    Raises:
        ProjectError: an unknown format, option or type of option.
    """
    format_name = str(fields.get("format", ""))
    options = {key: value for key, value in fields.items() if key not in FIELDS}
    refuse_options(name, format_name, options, where)
    tables = {key: fields.get(key, {}) for key in ("columns", "absent", "places", "unfit", "column")}
    required = fields.get("required", [])
    if not all(isinstance(table, Mapping) for table in tables.values()) or not isinstance(required, list):
        raise ProjectError(
            f"input {name} is not declared in full",
            where=where,
            fix=f"give {', '.join(tables)} as TOML tables, required as a list",
        )
    texts: dict[str, Any] = {
        key: {str(one): str(value) for one, value in table.items()}
        for key, table in tables.items()
        if isinstance(table, Mapping)
    }
    return Input(
        name=name,
        format=format_name,
        optional=bool(fields.get("optional", False)),
        required=tuple(str(key) for key in required),
        columns=texts["columns"],
        absent=texts["absent"],
        places=texts["places"],
        unfit=texts["unfit"],
        column=texts["column"],
        options=options,
    )


def find_files(patterns: Sequence[str], *, root: Path, base: Path, content: bool) -> tuple[SourceFile, ...]:
    """List the files that the patterns name, each once, in the order of their shown names.

    A pattern is relative to `base`; a name is shown relative to `root`. With `content` each file is hashed.
    """
    found = {
        os.path.abspath(one): pattern
        for pattern in patterns
        for one in glob.glob(os.path.join(glob.escape(str(base)), os.path.expanduser(pattern)), recursive=True)
    }
    paths = {path for path in found if os.path.isfile(path)}
    if found and not paths:
        _refuse_others(found)
    files = []
    for path in paths:
        if not is_utf8(path):
            raise ProjectError("a file's name is not UTF-8", where=repr(path), fix="rename it")
        state = os.stat(path)
        digest = _digest(Path(path)) if content else ""
        files.append(SourceFile(Path(path), os.path.relpath(path, root), state.st_size, state.st_mtime_ns, digest))
    return tuple(sorted(files, key=lambda file: file.shown))


def _refuse_others(found: Mapping[str, str]) -> None:
    """Refuse patterns that name folders or devices alone.

    Raises:
        ProjectError: says what one of them is.
    """
    path, pattern = next(iter(found.items()))
    if os.path.isdir(path):
        endings = {os.path.splitext(name)[1] for name in os.listdir(path)} - {""}
        files = os.path.join(pattern, f"*{min(endings, default='.csv')}")
        raise ProjectError(f"{pattern} is a folder", where=path, fix=f"name its files: --files '{files}'")
    raise ProjectError(f"{pattern} is no regular file", where=path, fix="write it to a file first, and give that")


def folder_values(shown: str) -> dict[str, str]:
    """Give what the folders of a path say, those that are named key=value."""
    return dict(part.split("=", 1) for part in shown.split(os.sep)[:-1] if "=" in part)


def changed(file: SourceFile) -> bool:
    """Tell whether a file is no longer what the plan saw."""
    try:
        state = os.stat(file.path)
    except OSError:
        return True
    return (state.st_size, state.st_mtime_ns) != (file.n_bytes, file.modified_ns)


def is_utf8(path: str) -> bool:
    """Tell whether a file's name can be written down."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
