"""The build lock: one builder at a time in a warehouse, readers need none.

The kernel's lock on the warehouse's own folder is the truth: it has no name that could be removed, and
dies with its holder. The file build.lock only tells who holds it. It is locked too, for file systems that
lock no folder and for older releases, which lock nothing else.
"""

import errno
import fcntl
import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from recsys_duck.errors import BusyError, ProjectError

# What a file system says that can't lock a folder, as NFS.
NO_FOLDERS = (errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOTSUP)


@contextmanager
def build_lock(warehouse: Path) -> Iterator[None]:
    """Hold the warehouse for one build.

    Raises:
        ProjectError: the folder can't be made or written.
        BusyError: another process holds it; says which one, since when and with what command.
    """
    path = warehouse / "build.lock"
    opened: list[int] = []
    try:
        try:
            warehouse.mkdir(parents=True, exist_ok=True)
            opened.append(os.open(warehouse, os.O_RDONLY | os.O_DIRECTORY))
            opened.append(os.open(path, os.O_RDWR | os.O_CREAT, 0o666))
        except OSError as error:
            raise ProjectError(
                f"can't write to the warehouse: {error.strerror}",
                where=str(path),
                fix="give a folder that you may write: --warehouse DIR",
            ) from None
        if not all(map(_taken, opened)):
            told = _shown(path)
            raise BusyError("another build holds this warehouse", where=f"{path}: {told}", fix=_way_out(told))
        started = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
        held = {"pid": os.getpid(), "started": started, "command": shlex.join(sys.argv)}
        os.truncate(opened[-1], 0)
        os.write(opened[-1], json.dumps(held).encode())
        try:
            yield
        finally:
            os.truncate(opened[-1], 0)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _taken(descriptor: int) -> bool:
    """Try for a second: whoever asks for the holder holds the lock for a moment too."""
    for _ in range(20):
        if _is_free(descriptor, fcntl.LOCK_EX):
            return True
        time.sleep(0.05)
    return False


def _is_free(descriptor: int, operation: int) -> bool:
    """Take a lock unless another process has it; of a folder that can't be locked, the file's lock decides."""
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in NO_FOLDERS
    return True


def holder(warehouse: Path) -> str:
    """Tell who holds the lock, empty for nobody."""
    path = warehouse / "build.lock"
    for one in (warehouse, path):
        with suppress(FileNotFoundError, PermissionError):
            descriptor = os.open(one, os.O_RDONLY)
            try:
                if not _is_free(descriptor, fcntl.LOCK_SH):
                    return _shown(path)
            finally:
                os.close(descriptor)
    return ""


def _shown(path: Path) -> str:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return f"pid {held['pid']} since {held['started']}: {held['command']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that its build.lock no longer names"


def _way_out(told: str) -> str:
    pid = told.split()[1] if told.startswith("pid ") else ""
    return f"wait for it, or stop it: kill {pid}" if pid else "wait for it: recsys-duck status tells when nobody builds"
