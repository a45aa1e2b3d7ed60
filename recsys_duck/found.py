"""Found files: those that a path, a folder or a pattern names, to look at.

Refuses what names nothing, with the nearest name that there is.
"""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from recsys_duck.errors import ProjectError, RecsysDuckError, near_miss, raise_problems
from recsys_duck.source import is_utf8

# endings of files that a folder is searched for; a file that is named itself may end as it likes
DATA = (".csv", ".tsv", ".txt", ".dat", ".data", ".json", ".jsonl", ".ndjson", ".parquet")
PACKED = (".gz", ".zst")


def data_files(paths: Sequence[str]) -> list[tuple[Path, str]]:
    """List the files that paths name, each once, with the name that it is shown by.

    Raises:
        ProjectError: or several at once: a path names nothing.
    """
    problems: list[RecsysDuckError] = []
    found: dict[Path, str] = {}
    for path in paths:
        listed = list(_of(os.path.expanduser(path)))
        if not listed:
            problems.append(_nothing(path))
        for one in listed:
            if not is_utf8(one):
                problems.append(ProjectError("a file's name is not UTF-8", where=repr(one), fix="rename it"))
            found.setdefault(Path(os.path.abspath(one)), one)
    raise_problems(problems)
    return list(found.items())


def _of(path: str) -> Iterator[str]:
    if os.path.isfile(path) or _is_pipe(path):
        yield path
    elif os.path.isdir(path):
        for name in sorted(os.listdir(path)):
            if _plain(name).endswith(DATA) and os.path.isfile(os.path.join(path, name)) and not name.startswith("."):
                yield os.path.normpath(os.path.join(path, name))
    else:
        yield from (one for one in sorted(glob.glob(path, recursive=True)) if os.path.isfile(one))


def _is_pipe(path: str) -> bool:
    if os.path.exists(path) and not os.path.isdir(path) and not os.path.isfile(path):
        raise ProjectError(f"{path} is no file", where=path, fix="save it to a file: a build reads it more than once")
    return False


def _plain(name: str) -> str:
    lower = name.lower()
    return next((lower.removesuffix(end) for end in PACKED if lower.endswith(end)), lower)


def _nothing(path: str) -> ProjectError:
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path):
        endings = ", ".join(DATA)
        return ProjectError(f"no data file is in {path}", where=path, fix=f"name the files; in a folder: {endings}")
    names = sorted(os.listdir(folder))[:1000] if os.path.isdir(folder) else []
    close = near_miss(os.path.basename(path), names) if names else ""
    hint = close if close.startswith("did you") else "give files, or list the recipes: recsys-duck init"
    return ProjectError(f"there is no file {path}", where=os.path.abspath(folder), fix=hint)
