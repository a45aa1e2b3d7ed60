"""Every stage file does what its cases say, and has some."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cases import CASES, Case, all_cases, run_case

from recsys_duck.engines.duckdb import DuckdbEngine
from recsys_duck.kind import SQL_FOLDER


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckdbEngine]:
    with DuckdbEngine(memory_bytes=500_000_000, threads=2, temporary=tmp_path_factory.mktemp("spill")) as engine:
        yield engine


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: f"{case.path.relative_to(CASES)}:{case.number}")
def test_a_stage_gives_the_rows_of_its_case(case: Case, engine: DuckdbEngine) -> None:
    wanted, found = run_case(case, engine)
    assert found == wanted, f"{case.why}\nmissing: {wanted - found}\nsurplus: {found - wanted}"


def test_every_stage_file_has_a_case() -> None:
    stages = [path.relative_to(SQL_FOLDER) for path in SQL_FOLDER.rglob("*.sql")]
    bare = [
        path
        for path in stages
        if not set(path.parts) & {"macros", "demo", "exports", "generate"}
        and not (CASES / path).with_suffix(".case").exists()
    ]
    assert not bare, f"no case for {', '.join(map(str, bare))}"


def test_every_case_file_names_a_stage() -> None:
    lost = [
        path
        for path in CASES.rglob("*.case")
        if not (SQL_FOLDER / Path(path).relative_to(CASES)).with_suffix(".sql").exists()
    ]
    assert not lost
