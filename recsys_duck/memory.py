"""Memory: one limit for the whole process, and its split between DuckDB's buffers and the rest."""

import ctypes
import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recsys_duck.errors import ProjectError, ResourceError

DEFAULT_SHARE = 0.6
# What Python, its libraries and DuckDB's own code and parsers hold beside its buffers, and the share by
# which those run over their own limit, measured on real builds.
OVERHEAD_BYTES = 210_000_000
OVERHEAD_SHARE = 0.1
# What the libraries of models keep once they have run: BLAS holds a buffer a thread.
MODELS_BYTES = 90_000_000
LEAST_BYTES = 400_000_000
# What DuckDB needs to hand rows to a Python stage, whose arrays have the rest.
LENT_SQL_BYTES = 100_000_000
# Parsing a JSON document takes 300 MB of fixed buffers, and up to sixteen times its size where it is
# written without white space: two of 25 MB failed within 750 MB, one of them went through.
DOCUMENT_FACTOR = 16
DOCUMENT_LEAST_BYTES = 400_000_000
# Where an allocation is refused: addresses that are reserved and never touched count there too.
CAP_FACTOR = 1.5
THREAD_BYTES = 16_000_000
THREADS_PER_PROCESSOR = 8
LEAST_MOST_THREADS = 64  # a setting of a large machine works on a small one
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


def parse_size(text: str) -> int:
    """Read a size such as 2GB or 512MiB as bytes.

    Raises:
        ProjectError: it is no size.
        ResourceError: it is less than a build or a question can run in.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if not found or found.group(2).upper() not in _UNITS:
        raise ProjectError(f"{text!r} is no size", where="memory limit", fix="write it as 2GB or 512MB")
    n_bytes = int(float(found.group(1)) * _UNITS[found.group(2).upper()])
    if n_bytes < LEAST_BYTES:
        raise ResourceError(
            f"{text} is too little to work in", where="memory limit", fix=f"give {LEAST_BYTES // 10**6}MB or more"
        )
    return n_bytes


def default_limit() -> int:
    """Take 60 % of what the control group or the machine has, in bytes."""
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            has = min(has, int(Path(name).read_text()))
        except (OSError, ValueError):
            continue
    return max(LEAST_BYTES, int(has * DEFAULT_SHARE))


def default_threads() -> int:
    """Count the processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def most_threads() -> int:
    """Give the most threads that are of any use: more only wait for each other, and each takes memory."""
    return max(LEAST_MOST_THREADS, THREADS_PER_PROCESSOR * default_threads())


def sql_share(limit: int, *, has_models: bool = False) -> int:
    """Give DuckDB's part of the limit while SQL runs, in bytes; less where models run in the same build."""
    return int(limit * (1 - OVERHEAD_SHARE)) - OVERHEAD_BYTES - (MODELS_BYTES if has_models else 0)


def arrays_share(limit: int, *, is_model: bool = True) -> int:
    """Give the part of the limit that a Python stage's arrays may take, in bytes; less beside a model's libraries."""
    return sql_share(limit, has_models=is_model) - LENT_SQL_BYTES


def give_back() -> None:
    """Return what Python freed to the system, where the C library can: it keeps 80 MB after a fit of 5 M pairs."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)


@contextmanager
def capped(limit: int, threads: int) -> Iterator[None]:
    """Refuse this process allocations far beyond a limit, on Linux: one huge value is outside DuckDB's own limit."""
    try:
        held = int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = held + int(CAP_FACTOR * limit) + threads * THREAD_BYTES
    known = [one for one in (wanted, soft, hard) if one != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(known), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def refuse_need(stage: str, need: int, limit: int, *, is_model: bool = True) -> None:
    """Refuse a Python stage whose arrays do not fit, before it starts.

    Raises:
        ResourceError: says what it needs.
    """
    if need > arrays_share(limit, is_model=is_model):
        beside = LENT_SQL_BYTES + OVERHEAD_BYTES + (MODELS_BYTES if is_model else 0)
        whole = int((need + beside) / (1 - OVERHEAD_SHARE)) + 1
        raise ResourceError(
            f"{stage} needs {-(-whole // 10**6):,} MB, the limit is {limit // 10**6:,} MB",
            where="memory limit",
            fix=f"give --memory-limit {-(-whole // 10**6)}MB{', or leave its model out of models' if is_model else ''}",
        )


def parts_at_a_time(limit: int, threads: int, document_bytes: int) -> int:
    """Count the source documents that are parsed side by side: as many as threads and limit allow."""
    if not document_bytes:
        return 1
    need = max(DOCUMENT_LEAST_BYTES, DOCUMENT_FACTOR * document_bytes)
    return max(1, min(threads, sql_share(limit) // need))
