"""Sources: a kind's typed inputs and the files that a project gives them.

Owns how an input is declared, which files a glob names and how a file is recognised again.
Refuses unknown inputs, formats and options, and inputs without files.
"""

import glob
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from recsys_duck.errors import ProjectError, near_miss

OPTIONS: Mapping[str, Mapping[str, type]] = {
    "parquet": {},
    "csv": {"delimiter": str, "encoding": str, "header": bool, "quote": str},
    "json_records": {"records": str, "max_document_mb": int},
}
FIELDS = {"format", "files", "optional", "required", "columns", "absent"}


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
            sorted((name, str(value)) for name, value in declared.options.items()),
        ]


def declare_input(name: str, fields: Mapping[str, object], *, where: str) -> Input:
    """Make an input of its table in kind.toml, laid over by recsys.toml.

    Raises:
        ProjectError: an unknown format, option or type of option.
    """
    format_name = str(fields.get("format", ""))
    if format_name not in OPTIONS:
        raise ProjectError(f"input {name} has no known format", where=where, fix=near_miss(format_name, OPTIONS))
    options = {key: value for key, value in fields.items() if key not in FIELDS}
    for key, value in options.items():
        known = {option for options_of in OPTIONS.values() for option in options_of}
        if key not in known:
            raise ProjectError(f"input {name} has no option {key}", where=where, fix=near_miss(key, known | FIELDS))
        if key not in OPTIONS[format_name]:
            raise ProjectError(
                f"{key} is no option of {format_name}",
                where=where,
                fix=f"options: {', '.join(OPTIONS[format_name]) or 'none'}",
            )
        if not isinstance(value, OPTIONS[format_name][key]):
            raise ProjectError(
                f"option {key} of input {name} can't be {value!r}",
                where=where,
                fix=f"give a {OPTIONS[format_name][key].__name__}",
            )
    columns, absent, required = fields.get("columns"), fields.get("absent", {}), fields.get("required", [])
    if not isinstance(columns, Mapping) or not isinstance(absent, Mapping) or not isinstance(required, list):
        raise ProjectError(
            f"input {name} is not declared in full",
            where=where,
            fix="give columns, absent and required as TOML tables and a list",
        )
    return Input(
        name=name,
        format=format_name,
        columns={str(key): str(value) for key, value in columns.items()},
        files=str(fields.get("files", "")),
        optional=bool(fields.get("optional", False)),
        required=tuple(str(key) for key in required),
        absent={str(key): str(value) for key, value in absent.items()},
        options=options,
    )


def find_files(patterns: Sequence[str], *, root: Path, base: Path, content: bool) -> tuple[SourceFile, ...]:
    """List the files that the patterns name, each once, in the order of their shown names.

    A pattern is relative to `base`; a name is shown relative to `root`. With `content` each file is hashed.
    """
    paths = {
        os.path.abspath(found)
        for pattern in patterns
        for found in glob.glob(os.path.join(base, os.path.expanduser(pattern)), recursive=True)
        if os.path.isfile(found)
    }
    files = []
    for path in paths:
        state = os.stat(path)
        digest = _digest(Path(path)) if content else ""
        files.append(SourceFile(Path(path), os.path.relpath(path, root), state.st_size, state.st_mtime_ns, digest))
    return tuple(sorted(files, key=lambda file: file.shown))


def changed(file: SourceFile) -> bool:
    """Tell whether a file is no longer what the plan saw."""
    try:
        state = os.stat(file.path)
    except OSError:
        return True
    return (state.st_size, state.st_mtime_ns) != (file.n_bytes, file.modified_ns)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
