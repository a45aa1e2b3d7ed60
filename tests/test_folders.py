"""Folders named key=value: data only where somebody asks for the key, in every format, and never for our own files."""

import gzip
import io
import json
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from projects import ask, run_build
from reading import read, write_files

from recsys_duck.errors import ProblemsError, ProjectError

USER_AND_WEIGHT = "cast(user_id as varchar) as u, cast(weight as double) as w"


def table(form: str, rows: list[dict[str, object]]) -> bytes:
    """Write rows in a format."""
    if form == "parquet":
        stream = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), stream)
        return stream.getvalue()
    if form == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    text = "\r\n" if form == "copied" else "\n"  # a copy is made where line ends differ
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    csv = (text.join(lines) + "\n").encode()
    return gzip.compress(csv) if form == "packed" else csv


FORMS = {"csv": "e.csv", "copied": "e.csv", "packed": "e.csv.gz", "jsonl": "e.jsonl", "parquet": "e.parquet"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("folder", ["weight=3", "user_id=9", "dt=2026-01-01", "user_id=9/weight=3"])
def test_a_column_of_the_file_is_never_that_of_a_folder(tmp_path: Path, form: str, folder: str) -> None:
    rows: list[dict[str, object]] = [{"user_id": f"u{at}", "item_id": at, "weight": 2**at} for at in range(3)]
    files = {f"{folder}/{FORMS[form]}": table(form, rows)}
    for columns in ((), (("user_id", "user_id"), ("weight", "weight"))):  # even where somebody names it
        found = read(
            tmp_path, files, columns=columns, pattern=f"{'*/' * (folder.count('/') + 1)}e.*", show=USER_AND_WEIGHT
        )
        assert found.rows == [("u0", 1.0), ("u1", 2.0), ("u2", 4.0)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pattern", ["*/e.*", "**/e.*"])
def test_a_folder_gives_a_column_that_is_asked_for(tmp_path: Path, form: str, pattern: str) -> None:
    users = ["9", "a/b c", "ü=1", "10%"]
    content = table(form, [{"item_id": 1, "x": 2}, {"item_id": 3, "x": 4}])
    files = {f"user_id={quote(user, safe='')}/{FORMS[form]}": content for user in users}
    files[f"user_id=__HIVE_DEFAULT_PARTITION__/{FORMS[form]}"] = content
    found = read(tmp_path, files, columns=(("user_id", "user_id"),), pattern=pattern)
    assert {row[0] for row in found.rows} == {*users, None}
    assert sorted(found.rows, key=str) == sorted([(user, item) for user in [*users, None] for item in "13"], key=str)


@pytest.mark.parametrize("form", FORMS)
def test_folders_give_numbers_and_times(tmp_path: Path, form: str) -> None:
    content = table(form, [{"user_id": "u", "item_id": 1}])
    files = {f"day=2026-01-0{day}/w={day}.5/{FORMS[form]}": content for day in (1, 2)}
    shown = "cast(occurred_at as varchar) as t, cast(weight as double) as w"
    columns = (("occurred_at", "day"), ("weight", "w"))
    found = read(tmp_path, files, columns=columns, pattern="*/*/e.*", show=shown)
    assert found.rows == [(f"2026-01-0{day} 00:00:00", day + 0.5) for day in (1, 2)]


def test_a_folder_gives_nothing_that_nobody_asks_for_and_is_offered(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, {"user_id=9/e.csv": "item_id,x\n1,2\n"}, pattern="*/e.csv")
    assert "--column events.user_id=user_id" in caught.value.fix


def test_a_file_without_the_folder_among_others_is_told(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"user_id=9/e.csv": "item_id,x\n1,2\n", "other/e.csv": "item_id,x\n1,2\n"}
    with pytest.raises((ProjectError, ProblemsError)) as caught:
        read(tmp_path, files, columns=(("user_id", "user_id"),), pattern="*/e.csv")
    assert "other/e.csv has no column user_id" in str(caught.value)


def test_the_innermost_of_two_folders_with_one_key_counts(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"user_id=1/user_id=2/e.csv": "item_id,x\n1,2\n"}
    assert read(tmp_path, files, columns=(("user_id", "user_id"),), pattern="*/*/e.csv").rows == [("2", "1")]


@pytest.mark.parametrize(
    ("project", "warehouse"), [("run=5/weight=3", "warehouse"), ("plain", "../env=prod/user_id=1")]
)
def test_a_project_and_a_warehouse_may_lie_under_such_folders(tmp_path: Path, project: str, warehouse: str) -> None:
    root = tmp_path / project
    write_files(root, {"e.csv": "user_id,item_id,weight\nu1,a,1\nu2,b,4\n"})
    files = [("", str(root / "e.csv"))]
    run_build(root, kind="events", files=files, select=("+core.events",), warehouse=root / warehouse)
    found = ask((root / warehouse).resolve(), "select user_id, cast(weight as double) from core.events order by all")
    assert found == [("u1", 1.0), ("u2", 4.0)]


def test_files_outside_of_the_project_are_read_and_shown_relative_to_it(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    files: dict[str, str | bytes] = {
        "../out/user_id=1/e[1].csv": "item_id,x\na,1\n",
        "../out/user_id=2/it's.csv": "item_id,x\r\nb,1\n",
    }
    shown = "cast(user_id as varchar) as u, source_file as f"
    found = read(root, files, columns=(("user_id", "user_id"),), pattern="../out/*/*.csv", show=shown)
    assert found.rows == [(name.split("=")[1][0], name) for name in files]
