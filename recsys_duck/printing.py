"""Printing: a stage as text that pastes into a DuckDB shell and runs on the published catalog."""

from recsys_duck.engines import Query
from recsys_duck.engines.duckdb import literal_text
from recsys_duck.errors import ProjectError, near_miss
from recsys_duck.graph import Graph
from recsys_duck.parameters import Value
from recsys_duck.project import Project
from recsys_duck.question import read_published
from recsys_duck.stage import PythonStage, SqlStage
from recsys_duck.warehouse import DEFAULT_ENVIRONMENT, Warehouse


def printed_stage(project: Project, graph: Graph, key: str) -> str:
    """Print a stage's file with its parameters as typed literals and its files as readers.

    A stage that runs once for each row of a planning table is printed with the first row of the
    published one.

    Raises:
        ProjectError: there is no such SQL stage, or its planning table is not published.
    """
    stage = graph.stages.get(key) or next((graph.stages[one] for one in graph.producers.get(key, ())), None)
    if isinstance(stage, PythonStage):
        what_goes_in = " and ".join(stage.reads[:2])
        raise ProjectError(f"{stage.key} is Python, not SQL", where="sql STAGE", fix=f"read {what_goes_in}")
    if stage is None:
        raise ProjectError(f"there is no SQL stage {key}", where="sql STAGE", fix=near_miss(key, graph.stages))
    values = {name: setting.value for name, setting in project.settings.items()}
    if stage.for_each and not stage.for_each.startswith("files."):
        values |= _first_row(project, stage)
    query = Query(stage.text, stage.facts.places, values, project.sources, stage.place)
    return literal_text(query).rstrip() + "\n;"


def _first_row(project: Project, stage: SqlStage) -> dict[str, Value]:
    warehouse = Warehouse(project.warehouse)
    generation = warehouse.published(DEFAULT_ENVIRONMENT)
    if generation is None:
        raise ProjectError(
            f"{stage.for_each} is not published",
            where=stage.place,
            fix="build first: its rows are this stage's parameters",
        )
    names, rows = read_published(
        generation.path, f"from {stage.for_each} order by all limit 1", folder=warehouse.folder
    )
    types = read_published(generation.path, f"describe {stage.for_each}", folder=warehouse.folder)[1]
    if not rows:
        raise ProjectError(f"{stage.for_each} has no row", where=stage.place, fix="there is nothing to run")
    return {name: Value(str(kind[1]), data) for name, kind, data in zip(names, types, rows[0], strict=True)}
