"""Lists by name: what is similar to an item, and what a user may like.

Reads a published generation, nothing else.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from recsys_duck.errors import ProjectError
from recsys_duck.parameters import quoted
from recsys_duck.question import read_published

Answer: TypeAlias = tuple[Sequence[str], list[tuple[Any, ...]]]


def similar_items(generation: Path, folder: Path, name: str, n: int) -> Answer:
    """List what is similar to the items of a name, or of an item_id, n for each.

    Raises:
        ProjectError: no item has the name; the nearest names are told.
    """
    _refuse_missing(generation, folder, "recs.similar_items")
    question = f"from similar_to({quoted(name)}) where rank <= {n}"
    names, rows = read_published(generation, question, folder=folder)
    if not rows:
        matches = f"lower(item_name) = lower({quoted(name)}) or cast(item_id as varchar) = {quoted(name)}"
        if read_published(generation, f"select 1 from core.items where {matches} limit 1", folder=folder)[1]:
            raise ProjectError(
                f"nothing is similar to {name!r}",
                where="recs.similar_items",
                fix="it has no event, or shares too few baskets: see pair_min_count, basket_max, similar_threshold",
            )
        near = _nearest(generation, folder, "core.items", "coalesce(item_name, cast(item_id as varchar))", name)
        raise ProjectError(f"no item is named {name!r}", where="core.items", fix=near)
    return names, rows


def recommendations(generation: Path, folder: Path, user: str, n: int, *, model: str | None) -> Answer:
    """List what each model, or one, recommends to a user, n items each.

    Raises:
        ProjectError: there is no such user, or no list for it.
    """
    _refuse_missing(generation, folder, "recs.personal")
    chosen = f" and model_name = {quoted(model)}" if model is not None else ""
    question = f"from recommend_for({quoted(user)}) where rank <= {n}{chosen}"
    names, rows = read_published(generation, question, folder=folder)
    if not rows:
        known = f"select 1 from core.users where cast(user_id as varchar) = {quoted(user)}"
        if not read_published(generation, known, folder=folder)[1]:
            near = _nearest(generation, folder, "core.users", "user_id", user)
            raise ProjectError(f"there is no user {user}", where="core.users", fix=near)
        models = [
            row[0]
            for row in read_published(
                generation, "select distinct model_name from recs.personal order by 1", folder=folder
            )[1]
        ]
        raise ProjectError(
            f"there is no list{f' of model {model}' if model else ''} for user {user}",
            where="recs.personal",
            fix=f"models with lists: {', '.join(models) or 'none'}; users without train events, or who have met "
            "everything (see include_seen), have none",
        )
    return names, rows


def _refuse_missing(generation: Path, folder: Path, table: str) -> None:
    known = f"select 1 from duckdb_views() where concat(schema_name, '.', view_name) = {quoted(table)}"
    if not read_published(generation, known, folder=folder)[1]:
        raise ProjectError(f"{table} is not published here", where=str(generation), fix=f"build --select +{table}")


def _nearest(generation: Path, folder: Path, table: str, column: str, wanted: str) -> str:
    near = f"jaro_winkler_similarity(lower(cast({column} as varchar)), lower({quoted(wanted)}))"
    question = f"select {column} from {table} where {near} >= 0.75 group by 1 order by {near} desc, 1 limit 3"
    names = [str(row[0]) for row in read_published(generation, question, folder=folder)[1]]
    return f"did you mean {', '.join(names)}?" if names else f'choose from: query "from {table} limit 10"'
