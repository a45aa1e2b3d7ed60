"""Faults: what DuckDB, the system and Python raise where memory, disk or threads run out, told as ours.

The one home of that mapping: a build's session, a query and an export tell the same fault in the same
words. Each gives its own advice, and says itself what any other failure is.
"""

import errno
import os
import sqlite3
from dataclasses import dataclass

import duckdb

from recsys_duck.errors import InterruptedBuildError, RecsysDuckError, ResourceError
from recsys_duck.jobs import no_more_threads

# DuckDB wraps the system's own words, at times two layers deep.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL_WORDS = (*map(os.strerror, FULL), "max_temp_directory_size")
THREAD_WORDS = ("can't start new thread", "thread constructor failed", os.strerror(errno.EAGAIN))
# Others quote the data, which may hold the same words.
TELLING = (duckdb.OperationalError, duckdb.InternalError, duckdb.FatalException, OSError)


@dataclass(frozen=True, slots=True)
class Advice:
    """What helps where memory or disk runs out; `disk` says which one is meant."""

    memory: str
    disk: str


BUILDING = Advice(
    memory="give more with --memory-limit SIZE, or lower --threads N",
    disk="free some space on the disk of the warehouse, then build again: what was finished is kept",
)
ASKING = Advice(
    memory="give more with --memory-limit SIZE, or ask for less",
    disk="set TMPDIR=DIR to a folder with more space, or free some",
)
WRITING = Advice(
    memory="give more with --memory-limit SIZE",
    disk="free some space where the file is written, or set TMPDIR=DIR to a folder with more",
)


def shortage(error: BaseException, where: str, advice: Advice) -> RecsysDuckError | None:
    """Tell an error that says that memory, disk or threads ran out, or that a call was interrupted; None for others."""
    text = str(error)
    if isinstance(error, duckdb.InterruptException):
        return InterruptedBuildError("interrupted", where=where)
    if is_full(error):  # first: DuckDB calls a full disk out of memory, too
        return ResourceError("disk does not suffice", where=where, fix=advice.disk, cause=text)
    if lacks_threads(error):
        return no_more_threads(where, text)
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException):
        return ResourceError("memory does not suffice", where=where, fix=advice.memory, cause=text)
    return None


def is_full(error: BaseException) -> bool:
    """Tell whether an error says that a disk, a quota or a limit on a file's size is used up."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in FULL
    if isinstance(error, sqlite3.Error):  # it says of a limit on a file's size only that a write failed
        return getattr(error, "sqlite_errorname", "") in ("SQLITE_FULL", "SQLITE_IOERR_WRITE")
    return isinstance(error, TELLING) and any(word in str(error) for word in FULL_WORDS)


def lacks_threads(error: BaseException) -> bool:
    """Tell whether an error says that the system starts no more threads or processes."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno == errno.EAGAIN
    return isinstance(error, (*TELLING, RuntimeError)) and any(word in str(error) for word in THREAD_WORDS)
