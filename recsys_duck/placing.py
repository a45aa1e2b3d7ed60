"""Placing: files that are written beside their place and put there whole.

Whatever stops a command, a reader sees the old file or the new one. A full disk and a refused right are told
as ours.
"""

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recsys_duck.engines.faults import is_full
from recsys_duck.errors import ProjectError, RecsysDuckError, ResourceError


@contextmanager
def placing(parent: Path) -> Iterator[Path]:
    """Give a folder inside the target's own, on the same disk, that is gone afterwards.

    Raises:
        ProjectError: nothing can be written there.
        ResourceError: the disk is full.
    """
    with _told(parent):
        folder = Path(tempfile.mkdtemp(prefix=".recsys-duck-", dir=parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def folder_at(target: Path) -> Path:
    """Make a folder and those above it, where they are missing.

    Raises:
        ProjectError: it can't be made, or a file stands there.
    """
    with _told(target):
        target.mkdir(parents=True, exist_ok=True)
    return target


def is_folder(target: Path) -> bool:
    """Tell whether a place is a folder.

    Raises:
        ProjectError: there can be no such place.
    """
    with _told(target):
        return target.is_dir()


def is_replaceable(target: Path) -> bool:
    """Tell whether a file is, or may be, put at a place: a pipe or a device there is written to instead.

    Raises:
        ProjectError: there can be no such file.
    """
    with _told(target):
        return target.is_file() or not target.exists()  # a link to nothing will be one to the file


def put(written: Path, target: Path) -> None:
    """Put a written file in place of what stands there, if anything does.

    Raises:
        ProjectError: it can't be put there.
        ResourceError: the disk is full.
    """
    with _told(target):
        _sync(written)
        os.replace(written, target)
        _sync(target.parent)


def put_new(written: Path, target: Path) -> None:
    """Put a written file where nothing stands.

    Raises:
        ProjectError: something stands there, or it can't be put there.
        ResourceError: the disk is full.
    """
    with _told(target):
        _sync(written)
        try:
            os.link(written, target)
        except FileExistsError:
            what = f"there is a {target.name} already"
            raise ProjectError(what, where=str(target), fix="give another folder") from None
        _sync(target.parent)


def _sync(path: Path) -> None:
    """Have a file, or the names in a folder, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def send(written: Path, target: Path | None) -> None:
    """Copy a written file to stdout (None), or into a pipe or a device, which is never replaced.

    Raises:
        ProjectError: the target can't be written.
    """
    if target is None and not hasattr(sys.stdout, "buffer"):
        sys.stdout.write(written.read_text(encoding="utf-8"))
        return
    with written.open("rb") as file:
        if target is None:
            sys.stdout.flush()
            shutil.copyfileobj(file, sys.stdout.buffer)
            return
        with _told(target), target.open("wb") as out:
            shutil.copyfileobj(file, out)


@contextmanager
def _told(target: Path) -> Iterator[None]:
    try:
        yield
    except (RecsysDuckError, BrokenPipeError):
        raise
    except OSError as error:
        what = f"can't write the file: {error.strerror}"
        if is_full(error):
            raise ResourceError(what, where=str(target), fix="free some space, or write to another disk") from None
        fix = f"make the folder first: mkdir -p {target}" if error.errno == errno.ENOENT else "give another place"
        raise ProjectError(what, where=str(target), fix=fix) from None
