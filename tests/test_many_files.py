"""Many small files: read together into few parts; each known by itself, so that one more file is read alone."""

import io
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from projects import ask, run_build
from reading import write_files

from recsys_duck.bundles import BUNDLE_BYTES, BUNDLE_FILES, LARGE_BYTES, bundles
from recsys_duck.errors import StageError
from recsys_duck.events import Event, Warned
from recsys_duck.source import Input, Source, SourceFile

HEADER = "user_id,item_id\n"


def build_files(folder: Path, pattern: str, **given: Any) -> list[Event]:
    """Build the staged events of the files of a pattern."""
    return run_build(folder, kind="events", files=[("", str(folder / pattern))], select=("+staging.events",), **given)


def parts(folder: Path) -> dict[str, int]:
    """The table files of the staged events, by name, with their inode."""
    place = folder / "warehouse" / "tables" / "staging" / "events"
    return {path.parent.name: path.stat().st_ino for path in place.glob("*/*.parquet")}


def counted(folder: Path) -> tuple[int, int]:
    """Rows and files of the published staged events."""
    found = ask(folder / "warehouse", "select count(*), count(distinct source_file) from staging.events")[0]
    return int(found[0]), int(found[1])


@pytest.fixture(name="many", scope="module")
def many_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 files of 20 rows, built once; each test adds to them and looks at what the next build reads."""
    folder = tmp_path_factory.mktemp("many")
    write_files(folder, {f"p{at:03}.csv": HEADER + "".join(f"{at},{row}\n" for row in range(20)) for at in range(300)})
    build_files(folder, "*.csv")
    return folder


def test_small_files_are_one_part_with_every_row_and_file(many: Path) -> None:
    assert len(parts(many)) == 1
    assert counted(many) == (6000, 300)
    sums = ask(many / "warehouse", "select count(*), sum(n_lines), sum(n_records) from meta.files")
    assert sums == [(300, 300 * 21, 300 * 20)]


def test_one_more_file_is_read_alone_and_a_changed_one_again(many: Path) -> None:
    before = parts(many)
    write_files(many, {"p300.csv": f"{HEADER}7,7\n"})
    build_files(many, "*.csv")
    more = parts(many)
    assert counted(many) == (6001, 301)
    assert before.items() < more.items()
    assert len(more) == 2
    write_files(many, {"p300.csv": f"{HEADER}7,7\n7,8\n"})
    build_files(many, "*.csv")
    assert counted(many) == (6002, 301)
    assert more.items() < parts(many).items()
    (many / "p300.csv").unlink()
    build_files(many, "*.csv")
    assert counted(many) == (6000, 300)
    assert len(parts(many)) == 3  # that of the first build is there to be used again


def test_a_file_that_was_only_touched_is_read_again_unless_files_are_known_by_content(tmp_path: Path) -> None:
    write_files(tmp_path, {f"p{at}.csv": f"{HEADER}{at},1\n" for at in range(3)})
    build_files(tmp_path, "*.csv", fingerprint="content")
    before = parts(tmp_path)
    os.utime(tmp_path / "p1.csv", (1, 1))
    build_files(tmp_path, "*.csv", fingerprint="content")
    assert parts(tmp_path) == before
    write_files(tmp_path, {"p1.csv": f"{HEADER}9,1\n"})
    build_files(tmp_path, "*.csv", fingerprint="content")
    assert len(parts(tmp_path)) > len(before)
    assert ask(tmp_path / "warehouse", "select user_id from staging.events order by all") == [("0",), ("2",), ("9",)]


def parquet(n_rows: int) -> bytes:
    """Write a Parquet file of some rows."""
    stream = io.BytesIO()
    rows = pa.table({"user_id": pa.array(range(n_rows), pa.int64()), "item_id": pa.array(range(n_rows), pa.int64())})
    pq.write_table(rows, stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("form", "good", "empty"),
    [
        ("csv", f"{HEADER}1,2\n", ["", HEADER, HEADER.strip(), "\n\n", "\ufeff", "\ufeffuser_id,item_id\r\n"]),
        ("tsv", "user_id\titem_id\n1\t2\n", ["", "user_id\titem_id\n"]),
        ("jsonl", '{"user_id": 1, "item_id": 2}\n', ["", "\n\n", "[]", " [ ] \n", "\ufeff"]),
        ("parquet", parquet(1), [b"", parquet(0)]),
    ],
)
def test_each_file_without_a_row_among_good_ones_is_warned_of_by_name(
    tmp_path: Path, form: str, good: str | bytes, empty: list[str | bytes]
) -> None:
    names = [f"empty{at}.{form}" for at in range(len(empty))]
    write_files(tmp_path, {f"good.{form}": good, **dict(zip(names, empty, strict=True))})
    told = [one.message for one in build_files(tmp_path, f"*.{form}") if isinstance(one, Warned)]
    assert [one for one in told if "gave no row" in one] == [f"{name} gave no row" for name in names]
    assert counted(tmp_path) == (1, 1)


def test_files_of_several_shapes_are_read_together(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "a.csv": f"{HEADER}1,a\n",
            "b.csv": "item_id,weight,user_id\r\nb,5,2\r\n",
            "c.csv": "user_id,item_id\n3,c\r\n",
            "d.csv": b"\xff\xfe" + f"{HEADER}4,\u00e9\n".encode("utf-16-le"),
            "e.csv": f'{HEADER}5,"e\n6,f\n',
            "f.csv": f"sep=,\n{HEADER}7,g\n",
        },
    )
    build_files(tmp_path, "*.csv")
    found = ask(
        tmp_path / "warehouse", "select user_id, item_id, cast(weight as double) from staging.events order by 1"
    )
    rows = [("1", "a"), ("2", "b"), ("3", "c"), ("4", "\u00e9"), ("6", "f"), ("7", "g")]
    assert found == [(user, item, 5.0 if user == "2" else 1.0) for user, item in rows]
    rejected = ask(
        tmp_path / "warehouse", "select rejected_value, reject_reason, source_file from staging.events_rejected"
    )
    assert rejected == [('5,"e', "bad_line", "e.csv")]
    assert len(parts(tmp_path)) == 1


def test_a_broken_file_among_many_is_named_and_nothing_is_published(tmp_path: Path) -> None:
    import gzip

    rows = "".join(f"{at},{at * 7919}\n" for at in range(5000))
    write_files(tmp_path, {f"p{at}.csv.gz": gzip.compress(f"{HEADER}1,{at}\n".encode()) for at in range(5)})
    write_files(tmp_path, {"p3.csv.gz": gzip.compress((HEADER + rows).encode())[:-9]})
    with pytest.raises(StageError) as caught:
        build_files(tmp_path, "*.csv.gz")
    assert caught.value.what == "p3.csv.gz can't be read to its end"
    assert not (tmp_path / "warehouse" / "recsys.duckdb").exists()


def source_of(sizes: list[int], form: str = "csv") -> Source:
    """Make a source of files that are not there, by their sizes."""
    declared = Input(name="events", format=form, columns={"user_id": "id"})
    return Source(declared, tuple(SourceFile(Path(f"/x/{at:05}"), f"{at:05}", n, at) for at, n in enumerate(sizes)))


@pytest.mark.parametrize(
    ("sizes", "n_files"),
    [
        ([10] * 5, [5]),
        ([10, LARGE_BYTES, 10], [2, 1]),
        ([LARGE_BYTES - 1] * 9, [BUNDLE_BYTES // (LARGE_BYTES - 1)] * 2 + [1]),
        ([1] * (BUNDLE_FILES + 1), [BUNDLE_FILES, 1]),
    ],
)
def test_a_part_has_so_many_small_files_and_bytes_at_most(sizes: list[int], n_files: list[int]) -> None:
    made = bundles(source_of(sizes), {"files": {"events": []}}, {})
    assert [len(one.files) for one in made] == n_files
    assert sorted(file.shown for one in made for file in one.files) == [f"{at:05}" for at in range(len(sizes))]
    assert len({one.fingerprint for one in made}) == len(made)


def test_documents_are_parts_of_their_own() -> None:
    made = bundles(source_of([10] * 3, "json_records"), {"files": {"events": []}}, {})
    assert [len(one.files) for one in made] == [1, 1, 1]
