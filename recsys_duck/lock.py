"""The build lock: one builder at a time in a warehouse, readers need none.

The kernel's lock on the file is the truth and dies with its holder; the text in it only tells who.
"""

import fcntl
import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from recsys_duck.errors import BusyError, ProjectError


@contextmanager
def build_lock(warehouse: Path) -> Iterator[None]:
    """Hold the warehouse for one build.

    Raises:
        ProjectError: the folder can't be made or written.
        BusyError: another process holds it; says which one, since when and with what command.
    """
    path = warehouse / "build.lock"
    try:
        warehouse.mkdir(parents=True, exist_ok=True)
        opened = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise ProjectError(
            f"can't write to the warehouse: {error.strerror}",
            where=str(path),
            fix="give --warehouse a folder you may write",
        ) from None
    with opened as stream:
        if not _taken(stream):
            raise BusyError(
                "another build holds this warehouse", where=f"{path}: {_shown(path)}", fix="wait for it, or stop it"
            )
        stream.truncate(0)
        started = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
        json.dump({"pid": os.getpid(), "started": started, "command": shlex.join(sys.argv)}, stream)
        stream.flush()
        try:
            yield
        finally:
            stream.truncate(0)


def _taken(stream: TextIO) -> bool:
    """Try for a second: whoever asks for the holder holds the lock for a moment too."""
    for _ in range(20):
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def holder(warehouse: Path) -> str:
    """Tell who holds the lock, empty for nobody."""
    path = warehouse / "build.lock"
    try:
        with path.open(encoding="utf-8") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return ""
    except OSError:
        return _shown(path)
    return ""


def _shown(path: Path) -> str:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return f"pid {held['pid']} since {held['started']}: {held['command']}"
    except (OSError, ValueError, KeyError):
        return "unknown holder"
