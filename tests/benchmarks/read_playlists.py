"""How playlists are best read from JSON slices: ours beside DuckDB's own typed reader and Python's json with Arrow.

Run `python tests/benchmarks/read_playlists.py 'slices/*.json'`: seconds, the ratio to ours, and peak memory,
each way in a process of its own, two threads and a limit of 1.7 GB for DuckDB, rows written as Parquet.
"""

import glob
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from recsys_duck.engines.duckdb import structure_of
from recsys_duck.engines.readers import reader_select
from recsys_duck.kind import load_kind
from recsys_duck.source import Source, declare_input, find_files

WAYS = ("ours", "typed", "python")


def select_of(way: str, pattern: str) -> str:
    declared = declare_input("slices", load_kind("mpd").inputs["slices"], where="kind.toml")
    if way == "ours":
        files = find_files([pattern], root=Path.cwd(), base=Path.cwd(), content=False)
        return reader_select(Source(declared, files), structure_of)
    fields = ", ".join(f"{name} {sql_type}" for name, sql_type in declared.columns.items())
    return (
        f"select unnest(playlists, max_depth := 2) from read_json('{pattern}', "
        f"columns = {{'playlists': 'struct({fields})[]'}}, maximum_object_size = 48000000)"
    )


def read(way: str, pattern: str) -> None:
    if way == "python":
        for path in glob.glob(pattern):
            playlists = json.loads(Path(path).read_bytes())["playlists"]
            with tempfile.TemporaryFile() as rows:
                pq.write_table(pa.Table.from_pylist(playlists), rows, compression="zstd")
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        duckdb.connect(
            config={"threads": 2, "memory_limit": "1700MB", "preserve_insertion_order": False}
        ) as connection,
    ):
        connection.execute(f"copy ({select_of(way, pattern)}) to '{folder}/rows.parquet' (compression zstd)")


def main(pattern: str) -> None:
    n_bytes = sum(Path(path).stat().st_size for path in glob.glob(pattern))
    print(f"{n_bytes / 1e6:.0f} MB\n{'way':<8}{'seconds':>9}{'to ours':>9}{'peak MB':>9}")
    ours = 0.0
    for way in WAYS:
        runs = []
        for _ in range(3):
            done = subprocess.run([sys.executable, __file__, pattern, way], capture_output=True, text=True, check=True)
            runs.append(tuple(float(figure) for figure in done.stdout.split()))
        elapsed, peak = sorted(runs)[1]
        ours = ours or elapsed
        print(f"{way:<8}{elapsed:>9.2f}{elapsed / ours:>9.1f}{peak:>9.0f}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        started = time.monotonic()
        read(sys.argv[2], sys.argv[1])
        print(time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    else:
        main(sys.argv[1])
