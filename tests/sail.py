"""A Sail server for tests, and its answers beside DuckDB's."""

import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from pyspark.sql import SparkSession

MEMORY = {"SAIL_RUNTIME__MEMORY_POOL__TYPE": "fair", "SAIL_RUNTIME__MEMORY_POOL__FAIR__MAX_SIZE": "500000000"}
START_S = 60


@contextmanager
def running_sail(log: Path) -> Iterator[SparkSession]:
    """Start a server on a free port and open a session; the server ends with the block, whatever happens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "pysail", "spark", "server", "--ip", "127.0.0.1", "--port", str(port)]
    with log.open("w") as out:
        server = subprocess.Popen(command, env={**os.environ, **MEMORY}, stdout=out, stderr=out)
    try:
        _wait_for(port, server, log)
        _be_no_doctest()
        session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
        session.conf.set("spark.sql.session.timeZone", "UTC")
        yield session
        session.stop()
    finally:
        server.kill()
        server.wait()


def _be_no_doctest() -> None:
    """Give the main module a file: pyspark takes a process without one, as pytest-xdist's are, for a doctest."""
    if not hasattr(sys.modules["__main__"], "__file__"):
        sys.modules["__main__"].__file__ = __file__


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the port answers: the client itself would try a dead one for ten minutes."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"Sail does not answer:\n{log.read_text()}")


class Answer:
    """What Sail answers: DuckDB's names of its types, and rows as texts, as `texts` turns each column into one."""

    def __init__(self, found: Any, texts: Mapping[str, str] | None = None) -> None:
        connection = duckdb.connect()
        connection.execute("set TimeZone = 'UTC'")
        self.types: dict[str, str] = {row[0]: row[1] for row in connection.sql("describe from found").fetchall()}
        shown = texts or {name: f"cast({name} as varchar)" for name in self.types}
        self._shown_types = [self.types[name] for name in shown]
        rows = connection.sql(f"select {', '.join(shown.values())} from found").fetchall()
        self.rows: list[tuple[str | None, ...]] = rows

    def differences(self, wanted: Sequence[tuple[str | None, ...]]) -> tuple[Any, Any]:
        """Give the rows that are missing and those too many; fractions are compared to 1e-12 of their size."""
        surplus = list(self.rows)
        missing = []
        for row in wanted:
            at = next((at for at, other in enumerate(surplus) if _same(row, other, self._shown_types)), None)
            if at is None:
                missing.append(row)
            else:
                del surplus[at]
        return missing, surplus


def _same(one: Sequence[str | None], other: Sequence[str | None], types: Sequence[str]) -> bool:
    return all(
        left == right or (kind in ("DOUBLE", "FLOAT") and left is not None and right is not None and _near(left, right))
        for left, right, kind in zip(one, other, types, strict=True)
    )


def _near(left: str, right: str) -> bool:
    return math.isclose(float(left), float(right), rel_tol=1e-12)
