"""The demo: a made-up year of listening, built whole, and what came out of it with names.

The data come from the SELECTs in `sql/demo`; a folder that has them already is left as it is.
"""

import tempfile
from pathlib import Path

from recsys_duck import memory
from recsys_duck.console import text_of
from recsys_duck.engines import Query
from recsys_duck.engines.duckdb import DuckdbEngine
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProjectError
from recsys_duck.graph import Graph, build_graph
from recsys_duck.kind import SQL_FOLDER
from recsys_duck.models import python_stages
from recsys_duck.parameters import load_parameters
from recsys_duck.project import Project, load_project
from recsys_duck.question import read_published
from recsys_duck.relation import Relation
from recsys_duck.run import How
from recsys_duck.settings import SETTINGS_FILE, Given
from recsys_duck.warehouse import DEFAULT_ENVIRONMENT, Warehouse

SETTINGS = """\
kind = "events"

[files]
events = "data/events.parquet"
items = "data/items.parquet"
tags = "data/tags.parquet"
item_tags = "data/item_tags.parquet"

[parameters]
split = "time"
"""
TABLES = ("items", "tags", "item_tags", "events")
ARTISTS = "artists"  # what the others are made of, and no file of the project
SIMILAR = """
select rank, similar_item_name as item_name, round(score, 4) as score
from similar_to('The Scarlet Trains')
where rank <= 5
order by rank
"""
LIKED = """
select personal.model_name, personal.rank, items.item_name, tags.tag_name as genre
from recs.personal
join core.items using (item_id)
join core.item_tags using (item_id)
join core.tags using (tag_type, tag_id)
where personal.user_id = 7 and personal.rank <= 3
order by personal.model_name, personal.rank
"""
JUDGED = """
select model_name, round(value, 4) as ndcg_at_10, n_users
from eval.metrics
where convention = 'ideal_test_items' and k = 10
order by model_name
"""
DIVIDED = """
select split, cut_at, n_train_events, n_test_events, n_repeated_pairs, n_items_not_in_train
from split.manifest
"""
QUESTIONS = (
    ("The most popular artists", "select rank, item_name, n_events, n_users from recs.popular order by rank limit 5"),
    ("Similar to The Scarlet Trains", SIMILAR),
    ("What listener 7 may like", LIKED),
    ("Where every row went", "from meta.row_ledger where stage in ('core.events', 'split.events')"),
    ("How events were divided", DIVIDED),
    ("How well the lists find what listeners played next", JUDGED),
)
NEXT = """\
Go on with
  {program} profile --project {folder}
  {program} similar "The Amber Atlas" --project {folder}
  {program} recommend 7 --project {folder}
  {program} build --project {folder} --set popular_by=users --as whatif
"""


def make_demo(folder: Path) -> tuple[Project, Graph, How]:
    """Lay out a demo project: its data, where they are missing, and its recsys.toml.

    Raises:
        ProjectError: the folder holds another project.
    """
    data = folder / "data"
    settings = folder / SETTINGS_FILE
    if settings.exists() and settings.read_text(encoding="utf-8") != SETTINGS:
        raise ProjectError(
            "this folder holds another project", where=str(settings), fix="give the demo a folder of its own"
        )
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProjectError(
            f"can't make the demo's folder: {error.strerror}", where=str(folder), fix="give it another"
        ) from None
    settings.write_text(SETTINGS, encoding="utf-8")
    if not all((data / f"{name}.parquet").exists() for name in TABLES):
        _generate(data)
    with SqlText() as reader:
        project = load_project(Given(root=folder), reader, python_stages())
    how = How(DEFAULT_ENVIRONMENT, memory.default_limit(), memory.default_threads())
    return project, build_graph(project), how


def tell_demo(folder: Path, program: str) -> str:
    """Say what the demo's warehouse holds, and three commands of `program` to go on with."""
    warehouse = Warehouse((folder / "warehouse").resolve())
    generation = warehouse.published(DEFAULT_ENVIRONMENT)
    if generation is None:
        raise ProjectError("the demo is not built", where=str(folder), fix="run recsys-duck demo")
    told = []
    for title, question in QUESTIONS:
        names, rows = read_published(generation.path, question, folder=warehouse.folder)
        told.append(f"{title}\n{text_of(rows, names)}")
    return "\n" + "\n".join([*told, NEXT.format(folder=folder, program=program)]).rstrip()


def _generate(data: Path) -> None:
    seed = load_parameters(SQL_FOLDER / "parameters.toml")["seed"]
    values = {"seed": seed.value(seed.default, where="demo")}
    engine = DuckdbEngine(memory_bytes=memory.LEAST_BYTES, threads=memory.default_threads(), temporary=data / ".spill")
    with SqlText() as reader, engine, tempfile.TemporaryDirectory(prefix=".artists-", dir=data) as scratch:
        for name in (ARTISTS, *TABLES):
            path = SQL_FOLDER / "demo" / f"{name}.sql"
            text = path.read_text(encoding="utf-8")
            query = Query(text, reader.facts(text, where=f"demo {name}").places, values, where=f"demo {name}")
            target = (Path(scratch) if name == ARTISTS else data) / f"{name}.parquet"
            beside = target.with_name(f".{name}.parquet")
            written = engine.write(query, beside)
            beside.replace(target)
            engine.define(Relation(f"demo.{name}", columns=written.columns, paths=(target,)))
