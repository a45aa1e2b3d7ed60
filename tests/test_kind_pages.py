"""The pages of kinds tell everything a kind has: recipe files, exports, reasons, defaults."""

import re
import tomllib
from pathlib import Path

import pytest

from recsys_duck.kind import SQL_FOLDER, kind_names, load_kind

KINDS = SQL_FOLDER / "kinds"
TEXT = (KINDS / "README.md").read_text(encoding="utf-8")
PAGES = {page.split("\n", 1)[0]: page for page in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]}


def reasons_of(path: Path) -> set[str]:
    """The reject reasons of a stage: what its last CASE before reject_reason gives."""
    before, found, _ = path.read_text(encoding="utf-8").partition("end as reject_reason")
    return set(re.findall(r"then '([a-z_]+)'", before.rpartition("\n    case\n")[2])) if found else set()


@pytest.mark.parametrize("kind", kind_names())
def test_every_kind_has_a_page_and_a_line(kind: str) -> None:
    assert kind in PAGES
    assert f"| [`{kind}`](#{kind}) |" in TEXT


@pytest.mark.parametrize("path", sorted(KINDS.glob("*/recipes/*.toml")), ids=lambda path: path.stem)
def test_every_recipe_file_is_on_its_kinds_page_and_is_of_that_kind(path: Path) -> None:
    kind = path.parts[-3]
    assert path.name in PAGES[kind]
    assert tomllib.loads(path.read_text(encoding="utf-8"))["kind"] == kind


@pytest.mark.parametrize("path", sorted(KINDS.glob("*/exports/*.sql")), ids=lambda path: "/".join(path.parts[-3::2]))
def test_every_export_is_on_its_kinds_page_by_the_file_it_writes(path: Path) -> None:
    file = re.search(r"^-- file: +(\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert file is not None
    assert f"`{file[1]}`" in PAGES[path.parts[-3]]


@pytest.mark.parametrize("kind", kind_names())
def test_every_reason_of_a_kinds_gates_is_on_its_page(kind: str) -> None:
    found = {reason for path in (KINDS / kind).rglob("*.sql") for reason in reasons_of(path)}
    assert found
    assert not {reason for reason in found if f"`{reason}`" not in PAGES[kind]}


@pytest.mark.parametrize("kind", kind_names())
def test_every_default_of_a_kind_is_on_its_page(kind: str) -> None:
    told = set(re.findall(r"`([a-z_]+)(?: = [^`]*)?`", PAGES[kind]))
    assert set(load_kind(kind).defaults) <= told


@pytest.mark.parametrize("kind", kind_names())
def test_every_input_of_a_kind_is_on_its_page(kind: str) -> None:
    for name in load_kind(kind).inputs:
        assert re.search(rf"^\| `{name}`", PAGES[kind], re.MULTILINE), name
