"""Holders: which processes hold a lock on a file, as every reader of a DuckDB file does.

Asked without taking a lock, which would make a reader that opens the file meanwhile fail, and in a
process of its own, which this file is the script of: a process that closes any descriptor of a file loses
its locks on it.
"""

import fcntl
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


def holders(paths: Iterable[Path]) -> dict[Path, int]:
    """Map each file that a process reads or writes to that process's id, 0 where the kernel does not tell it.

    Raises:
        OSError: no process can be started.
    """
    asked = [str(path) for path in paths]
    if not asked:
        return {}
    done = subprocess.run(
        [sys.executable, "-I", __file__], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise OSError(0, f"can't ask who reads: {done.stderr.strip()[-200:]}", asked[0])
    return {Path(path): int(pid) for path, pid in json.loads(done.stdout).items()}


def _holder(path: str) -> int | None:
    """Tell the process that would stand in the way of a write lock; None for nobody, or no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except PermissionError:
        return 0  # someone else's, and not to be asked: as if it were read
    try:
        if sys.platform == "darwin":
            asked = struct.pack("qqihh", 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)
            _, _, pid, kind, _ = struct.unpack("qqihh", fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        else:
            asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack("hhqqi4x", fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else max(0, pid)


if __name__ == "__main__":
    found = {path: _holder(path) for path in json.load(sys.stdin)}
    sys.stdout.write(json.dumps({path: pid for path, pid in found.items() if pid is not None}))
