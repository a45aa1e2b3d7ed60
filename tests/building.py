"""Building small projects in tests, and fingerprints of what was built that forget the order of rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
from projects import write_parquet

from recsys_duck.build import build, plan_build
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.events import Built, Event, Published, Started
from recsys_duck.graph import build_graph
from recsys_duck.models import python_stages as shipped_stages
from recsys_duck.plan import Step
from recsys_duck.project import load_project
from recsys_duck.run import How
from recsys_duck.settings import Given
from recsys_duck.stage import LAYERS, PythonStage

MEMORY = 1_000_000_000
EVENTS = """
    select user_id, item_id, cast(1 as decimal(18, 6)) as weight,
        timestamp '2024-01-01' + interval 1 hour * (user_id * 7 + item_id) as occurred_at
    from range(1, 8) as users(user_id), range(1, 12) as items(item_id)
    where (user_id * item_id) % 3 <> 1
"""


def lay_out(root: Path, *, events: str = EVENTS, toml: str = "", sql: Mapping[str, str] | None = None) -> Path:
    """Lay out a project of kind events: its Parquet file, recsys.toml and stages of its own."""
    write_parquet(root / "events.parquet", events)
    (root / "recsys.toml").write_text(f'kind = "events"\n{toml}', encoding="utf-8")
    for name, text in (sql or {}).items():
        write_stage(root, name, text)
    return root


def write_stage(root: Path, name: str, text: str) -> None:
    """Write a stage of the project's own, `name` as layer/table."""
    path = root / "sql" / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def how(**options: object) -> How:
    """How a test builds, unless it says otherwise."""
    return How(**{"environment": "recsys", "memory_limit": MEMORY, "threads": 2, **options})  # type: ignore[arg-type]


def run(
    root: Path, given: Mapping[str, object] | None = None, python_stages: Sequence[PythonStage] = (), **options: object
) -> list[Event]:
    """Build a project and return what happened; `given` are the fields of Given, the rest those of How."""
    with SqlText() as reader:
        project = load_project(Given(root=root, **(given or {})), reader, [*shipped_stages(), *python_stages])  # type: ignore[arg-type]
    return list(build(project, build_graph(project), how(**options)))


def steps(root: Path, given: Mapping[str, object] | None = None, **options: object) -> dict[str, Step]:
    """Plan a project's build: steps by stage."""
    with SqlText() as reader:
        project = load_project(Given(root=root, **(given or {})), reader, shipped_stages())  # type: ignore[arg-type]
    return {step.stage.key: step for step in plan_build(project, build_graph(project), how(**options)).steps}


def ran(events: Sequence[Event]) -> set[str]:
    """The stages that a build made or checked."""
    return {event.stage for event in events if isinstance(event, Built)}


def started(events: Sequence[Event], stage: str) -> Started:
    """How a stage was started."""
    return next(event for event in events if isinstance(event, Started) and event.stage == stage)


def published(events: Sequence[Event]) -> Published:
    """What a build published."""
    return next(event for event in events if isinstance(event, Published))


def rows(root: Path, question: str, environment: str = "recsys") -> list[tuple[object, ...]]:
    """Ask the published generation."""
    catalog = root / "warehouse" / f"{environment}.duckdb"
    inode = catalog.stat().st_ino
    path = next(one for one in (root / "warehouse" / "generations").glob("*.duckdb") if one.stat().st_ino == inode)
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(question).fetchall()


def checksums(root: Path, layers: Sequence[str] = LAYERS[1:]) -> dict[str, tuple[int, int]]:
    """Rows and an order-free sum of row hashes of every published table from core to eval, doubles to 9 digits."""
    listed = rows(
        root, "select schema_name, table_name, column_name, data_type from duckdb_columns() where not internal"
    )
    columns: dict[str, list[str]] = {}
    for schema, table, column, data_type in listed:
        if schema in layers:
            shown = f'round("{column}", 9)' if data_type == "DOUBLE" else f'"{column}"'
            columns.setdefault(f"{schema}.{table}", []).append(shown)
    found = {}
    for table, names in columns.items():
        question = f"select count(*), coalesce(sum(hash({', '.join(names)})::hugeint), 0) from {table}"
        n_rows, total = rows(root, question)[0]
        found[table] = (int(str(n_rows)), int(str(total)))
    return found
