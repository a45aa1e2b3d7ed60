"""Sources: a kind's typed inputs and the files that a project gives them.

Owns how an input is declared, which files a glob names and how a file is recognised again.
Refuses unknown inputs, formats and options, and inputs without files.
"""

import csv
import glob
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from recsys_duck.errors import ProjectError, near_miss

OPTIONS: Mapping[str, Mapping[str, type]] = {
    "parquet": {},
    "csv": {"delimiter": str, "encoding": str, "header": bool, "names": list, "quote": str},
    "json_records": {"records": str, "max_document_mb": int},
}
FIELDS = {"format", "files", "optional", "required", "columns", "absent", "places"}


@dataclass(frozen=True, slots=True)
class Input:
    """One declared input: its format, columns by type, and the reader's options."""

    name: str
    format: str
    columns: Mapping[str, str]
    files: str = ""
    optional: bool = False
    required: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as the build saw it: its path, how it is shown (relative to the project), size and time.

    `present` has the columns that it has itself with their types; empty for formats without a schema.
    """

    path: Path
    shown: str
    n_bytes: int
    modified_ns: int
    digest: str = ""
    present: Mapping[str, str] = field(default_factory=dict)

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
            sorted((name, str(value)) for name, value in declared.options.items()),
        ]


def declare_input(name: str, fields: Mapping[str, object], *, where: str) -> Input:
    """Make an input of its table in kind.toml, laid over by recsys.toml and the command line.

    Raises:
        ProjectError: an unknown format, option or type of option.
    """
    format_name = str(fields.get("format", ""))
    if format_name not in OPTIONS:
        raise ProjectError(f"input {name} has no known format", where=where, fix=near_miss(format_name, OPTIONS))
    options = {key: value for key, value in fields.items() if key not in FIELDS}
    for key, value in options.items():
        _refuse_option(name, format_name, key, value, where)
    columns, required = fields.get("columns"), fields.get("required", [])
    absent, places = fields.get("absent", {}), fields.get("places", {})
    tables = [dict(table) for table in (columns, absent, places) if isinstance(table, Mapping)]
    if len(tables) != 3 or not isinstance(required, list):
        raise ProjectError(
            f"input {name} is not declared in full",
            where=where,
            fix="give columns, absent and places as TOML tables, required as a list",
        )
    return Input(
        name=name,
        format=format_name,
        columns={str(key): str(value) for key, value in tables[0].items()},
        files=str(fields.get("files", "")),
        optional=bool(fields.get("optional", False)),
        required=tuple(str(key) for key in required),
        absent={str(key): str(value) for key, value in tables[1].items()},
        places={str(key): str(value) for key, value in tables[2].items()},
        options=options,
    )


def _refuse_option(name: str, format_name: str, key: str, value: object, where: str) -> None:
    known = {option for options in OPTIONS.values() for option in options}
    if key not in known:
        raise ProjectError(f"input {name} has no option {key}", where=where, fix=near_miss(key, known | FIELDS))
    wanted = OPTIONS[format_name].get(key)
    if wanted is None:
        options = ", ".join(OPTIONS[format_name]) or "none"
        raise ProjectError(f"{key} is no option of {format_name}", where=where, fix=f"options: {options}")
    if type(value) is not wanted or (isinstance(value, int) and wanted is int and value < 1):
        kind = {str: "a text", bool: "a boolean, true or false", int: "a number, 1 or more", list: "a list of texts"}[
            wanted
        ]
        raise ProjectError(f"option {key} of input {name} can't be {value!r}", where=where, fix=f"give {kind}")


def find_files(patterns: Sequence[str], *, root: Path, base: Path, content: bool) -> tuple[SourceFile, ...]:
    """List the files that the patterns name, each once, in the order of their shown names.

    A pattern is relative to `base`; a name is shown relative to `root`. With `content` each file is hashed.
    """
    paths = {
        os.path.abspath(found)
        for pattern in patterns
        for found in glob.glob(os.path.join(glob.escape(str(base)), os.path.expanduser(pattern)), recursive=True)
        if os.path.isfile(found)
    }
    files = []
    for path in paths:
        if not _is_text(path):
            raise ProjectError("a file's name is not UTF-8", where=repr(path), fix="rename it")
        state = os.stat(path)
        digest = _digest(Path(path)) if content else ""
        files.append(SourceFile(Path(path), os.path.relpath(path, root), state.st_size, state.st_mtime_ns, digest))
    return tuple(sorted(files, key=lambda file: file.shown))


def csv_names(declared: Input, file: SourceFile) -> list[str]:
    """Name a CSV file's columns: `names` says them, in the order of the file, or its first line.

    Raises:
        ProjectError: a name stands twice, `names` has more or fewer than the file, or nothing names them.
    """
    delimiter = str(declared.options.get("delimiter", ","))
    quote = str(declared.options.get("quote", '"'))
    encoding = str(declared.options.get("encoding", "utf-8"))
    try:
        with file.path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as stream:
            line = stream.readline().rstrip("\r\n")
    except OSError as error:
        raise ProjectError(f"can't read {file.shown}", where=str(file.path), fix=error.strerror or "") from None
    except (UnicodeError, LookupError) as error:
        raise ProjectError(
            f"{file.shown} is not {encoding}", where=f"input {declared.name}", fix=f"say its encoding: {error}"
        ) from None
    if len(delimiter) == 1 and len(quote) == 1:
        fields = next(csv.reader([line], delimiter=delimiter, quotechar=quote), [])
    else:
        fields = line.split(delimiter)
    named = declared.options.get("names")
    if isinstance(named, list):
        if len(fields) != len(named):
            what = f"{file.shown} has {len(fields)} columns, names has {len(named)}"
            raise ProjectError(what, where=f"input {declared.name}", fix="name each column of the file, in its order")
        fields = [str(name) for name in named]
    elif declared.options.get("header", True) is False:
        raise ProjectError(
            f"{file.shown} has no header", where=f"input {declared.name}", fix='say names = ["user_id", "item_id", …]'
        )
    repeated = sorted({name for name in fields if fields.count(name) > 1})
    if repeated:
        raise ProjectError(
            f"column {repeated[0]} stands twice", where=file.shown, fix="rename one of them in the first line"
        )
    return fields


def changed(file: SourceFile) -> bool:
    """Tell whether a file is no longer what the plan saw."""
    try:
        state = os.stat(file.path)
    except OSError:
        return True
    return (state.st_size, state.st_mtime_ns) != (file.n_bytes, file.modified_ns)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
