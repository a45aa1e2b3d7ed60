"""A table file, a record or a catalog that is damaged is named, and the next build makes it again."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from building import lay_out, ran, rows, run, steps
from projects import command_here

from recsys_duck.errors import ProjectError
from recsys_duck.events import Event, Warned
from recsys_duck.question import read_published

SELECTED = ("+recs.popular",)
TABLE = "features.item_popularity"


def overwrite(path: Path, start: float, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * start))
        file.write(data[: max(0, path.stat().st_size - file.tell())])


def in_the_past(path: Path) -> None:
    overwrite(path, 0.1, bytes(100))
    os.utime(path, ns=(0, 0))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut in half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "missing": Path.unlink,
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "another file": lambda path: path.write_bytes(b"no Parquet".ljust(path.stat().st_size)),
    "zeros in its pages": lambda path: overwrite(path, 0.1, bytes(100)),
    "zeros in its footer": lambda path: overwrite(path, 0.7, bytes(60)),
    "zeros in its pages, an old time": in_the_past,
}


@pytest.fixture(scope="module", name="built")
def built_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = lay_out(tmp_path_factory.mktemp("damage"))
    run(root, select=SELECTED)
    return root


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    run(tmp_path, select=SELECTED)
    return tmp_path


def table_file(project: Path, table: str) -> Path:
    return next((project / "warehouse/tables" / table.replace(".", "/")).glob("*/data.parquet"))


def warned(events: list[Event], text: str) -> list[str]:
    return [event.message for event in events if isinstance(event, Warned) and text in event.message]


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_a_damaged_table_is_built_again_and_told(project: Path, damage: str) -> None:
    before = rows(project, f"from {TABLE} order by all"), rows(project, "from recs.popular order by all")
    path = table_file(project, TABLE)
    DAMAGES[damage](path)
    # one row more to rank, so that what is damaged is read
    events = run(project, {"parameters": [("popular_n", 50)]}, select=SELECTED)
    told = warned(events, "is missing or damaged, and is built again")
    assert [one.split()[3] for one in told] == [str(path.relative_to(project / "warehouse"))]
    assert TABLE in ran(events)
    after = rows(project, f"from {TABLE} order by all"), rows(project, "from recs.popular order by all")
    assert after == before
    assert ran(run(project, {"parameters": [("popular_n", 50)]}, select=SELECTED)) == set()


@pytest.mark.parametrize("damage", sorted(set(DAMAGES) - {"zeros in its pages, an old time"}))
def test_a_plan_sees_a_damaged_table_and_changes_nothing(project: Path, damage: str) -> None:
    path = table_file(project, TABLE)
    DAMAGES[damage](path)
    before = sorted((project / "warehouse").rglob("*"))
    planned = steps(project, select=SELECTED)
    assert [key for key, step in planned.items() if step.action == "run"] == [TABLE]
    assert planned[TABLE].reason == "its table is missing or damaged"
    assert sorted((project / "warehouse").rglob("*")) == before


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_a_query_names_the_damaged_table_and_the_command_that_helps(project: Path, damage: str) -> None:
    DAMAGES[damage](table_file(project, TABLE))
    question = f"select sum(hash(rows)) from {TABLE} as rows"
    with pytest.raises(ProjectError, match=r"a file of features\.item_popularity is missing or damaged") as told:
        read_published(project / "warehouse/recsys.duckdb", question, folder=project / "warehouse")
    assert told.value.fix.startswith("recsys-duck build")
    words = told.value.fix.split()[2:]
    run(project, select=(words[2],) if words else SELECTED, force=bool(words))
    assert rows(project, f"select count(*) from {TABLE}") == [(11,)]


def test_files_that_a_copy_made_younger_are_read_once_and_kept(project: Path) -> None:
    for path in (project / "warehouse/tables").rglob("data.parquet"):
        os.utime(path)
    assert ran(run(project, select=SELECTED)) == set()
    part = table_file(project, TABLE).with_name("part.json")
    read_at = part.stat().st_mtime_ns
    assert ran(run(project, select=SELECTED)) == set()
    assert part.stat().st_mtime_ns == read_at


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '"x"', "\0" * 100, '{"ingredients": 3, "parts": [], "checks": []}']
)
@pytest.mark.parametrize("which", ["records/*/*.json", "tables/*/*/*/part.json", "generations/*.json"])
def test_what_is_told_of_tables_may_be_damaged_too(project: Path, which: str, text: str) -> None:
    before = rows(project, "from recs.popular order by all")
    for path in (project / "warehouse").glob(which):
        path.write_text(text)
    command_here(project, "status")
    run(project, select=SELECTED)
    assert rows(project, "from recs.popular order by all") == before
    assert ran(run(project, select=SELECTED)) == set()
    done = command_here(project, "clean")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


def test_a_record_of_other_ingredients_is_none(project: Path) -> None:
    path = next((project / "warehouse/records/core.items").glob("*.json"))
    fields = json.loads(path.read_text())
    path.write_text(json.dumps({**fields, "ingredients": {**fields["ingredients"], "code": ["x"]}}))
    assert steps(project, select=SELECTED)["core.items"].action == "run"


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_damaged_catalog_is_told_and_published_again(project: Path, size: int) -> None:
    catalog = project / "warehouse/recsys.duckdb"
    catalog.chmod(0o644)
    os.truncate(catalog, size)
    done = command_here(project, "query", "from recs.popular")
    assert done.returncode == 2
    assert "recsys-duck build" in done.stderr
    assert ran(run(project, select=SELECTED)) == set()
    assert rows(project, "select count(*) from recs.popular") == [(11,)]
