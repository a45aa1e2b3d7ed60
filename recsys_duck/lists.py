"""Lists by name: what is similar to an item, and what a user may like.

Reads a published generation, nothing else.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from recsys_duck.errors import ProjectError, near_miss
from recsys_duck.parameters import quoted
from recsys_duck.question import read_published

Answer: TypeAlias = tuple[Sequence[str], list[tuple[Any, ...]]]
POPULAR = "popular"
POPULAR_LIST = f"select '{POPULAR}' as model_name, rank, item_id, item_name, score from recs.popular"


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
        near = _nearest(generation, folder, ("item_name", "item_id"), "core.items", name)
        raise ProjectError(f"no item is named {name!r}", where="core.items", fix=near)
    return names, rows


def recommendations(generation: Path, folder: Path, user: str, n: int, *, model: str | None) -> tuple[Answer, str]:
    """List what each model, or one, recommends to a user, n items each; with a note, if there is something to say.

    A user of whom no event is known gets the popular list, and the note says so.

    Raises:
        ProjectError: there is no list for the user, or the name can't be a user's.
    """
    _refuse_missing(generation, folder, "recs.personal")
    chosen = f" and model_name = {quoted(model)}" if model is not None else ""
    question = f"from recommend_for({quoted(user)}) where rank <= {n}{chosen}"
    names, rows = read_published(generation, question, folder=folder)
    if rows:
        return (names, rows), ""
    unheard = _unheard(generation, folder, user)
    if unheard and model in (None, POPULAR) and _is_published(generation, folder, "recs.popular"):
        return read_published(generation, f"{POPULAR_LIST} where rank <= {n} order by rank", folder=folder), (
            f"{unheard}: the popular list is shown"
        )
    listed = "select distinct model_name from recs.personal order by 1"
    models = [str(row[0]) for row in read_published(generation, listed, folder=folder)[1]]
    fix = f"models with lists: {', '.join(models) or 'none'}; who has met everything has none, see include_seen"
    if model is not None and model not in models:
        fix = f"{near_miss(model, models)} models with lists: {', '.join(models) or 'none'}"
    elif unheard:
        fix = f"{unheard}; leave out --model for the popular list"
        fix += "" if _is_published(generation, folder, "recs.popular") else ", and build --select +recs.popular"
    what = f"there is no list{f' of model {model}' if model else ''} for user {user}"
    raise ProjectError(what, where="recs.personal", fix=fix)


def learned_from(generation: Path, folder: Path) -> str:
    """Say which events the lists learned from, and how many were held out."""
    has_counts = _is_published(generation, folder, "split.manifest")
    if not has_counts and not _is_published(generation, folder, "split.cut"):
        return "lists learned from train; which split made it is not published"
    counts = "n_train_events, n_fold_in_events, n_test_events" if has_counts else "null, null, null"
    table = "split.manifest" if has_counts else "split.cut"
    sampled = "select value from meta.parameters where parameter = 'train_sample'"
    question = f"select split, cut_at, {counts}, ({sampled}) from {table}"
    split, cut_at, n_train, n_fold_in, n_test, sample = read_published(generation, question, folder=folder)[1][0]
    sampled = f", a sample of it: train_sample = {sample}" if sample is not None and float(sample) < 1 else ""
    if split == "none":
        return f"lists learned from all events{f', {n_train:,}' if has_counts else ''}{sampled}"
    said = f"lists learned from train of split = {split}"
    said += f", cutoff {cut_at}" if cut_at is not None else ""
    said += sampled
    said += f"; {n_test:,} events held out" if has_counts else ""
    said += f", {n_fold_in:,} of new users known to their lists alone" if n_fold_in else ""
    return said


def split_notes(generation: Path, folder: Path) -> list[str]:
    """Say what is odd about the split that metrics are of; nothing where no split is published, as beside a sweep."""
    if not _is_published(generation, folder, "split.manifest"):
        return []
    question = "select severity, told from meta.checks where stage = 'split.manifest' and n_failed > 0"
    rows = read_published(generation, question, folder=folder)[1]
    return [f"{'warning' if severity == 'warn' else severity:<10} {told}" for severity, told in rows]


def _unheard(generation: Path, folder: Path, user: str) -> str:
    """Say why no event of a user is known to the lists; empty where some are.

    Raises:
        ProjectError: ids are numbers, and this is none.
    """
    same = f"cast(user_id as varchar) = {quoted(user)}"
    heard = f"select 1 from split.history where {same} limit 1"
    if _is_published(generation, folder, "split.history") and read_published(generation, heard, folder=folder)[1]:
        return ""
    if read_published(generation, f"select 1 from core.users where {same}", folder=folder)[1]:
        return f"user {user} has no events in train"
    typed = "select data_type from duckdb_columns() where schema_name = 'core' and table_name = 'users'"
    is_text = read_published(generation, f"{typed} and column_name = 'user_id'", folder=folder)[1][0][0] == "VARCHAR"
    if not is_text and not re.fullmatch(r"-?\d+", user):
        fix = 'choose from: query "from core.users limit 10"'
        raise ProjectError(f"there is no user {user}: user ids are whole numbers here", where="core.users", fix=fix)
    near = _nearest(generation, folder, ("user_id",), "core.users", user) if is_text else ""
    return f"there is no user {user}" + (f" ({near})" if near.startswith("did you mean") else "")


def _is_published(generation: Path, folder: Path, table: str) -> bool:
    known = f"select 1 from duckdb_views() where concat(schema_name, '.', view_name) = {quoted(table)}"
    return bool(read_published(generation, known, folder=folder)[1])


def _refuse_missing(generation: Path, folder: Path, table: str) -> None:
    if not _is_published(generation, folder, table):
        raise ProjectError(f"{table} is not published here", where=str(generation), fix=f"build --select +{table}")


def _nearest(generation: Path, folder: Path, columns: Sequence[str], table: str, wanted: str) -> str:
    selects = " union all ".join(f"select cast({column} as varchar) as name from {table}" for column in columns)
    asked = f"lower({quoted(wanted.strip())})"
    words = f"list_transform(string_split(lower(name), ' '), lambda word: jaro_winkler_similarity(word, {asked}))"
    whole, one = f"jaro_winkler_similarity(lower(name), {asked})", f"list_max({words}) - 0.15"  # a word counts less
    near = f"select name, greatest({whole}, {one}) as nearness from ({selects}) where name is not null"
    question = f"select name from ({near}) where nearness >= 0.75 group by 1 order by max(nearness) desc, 1 limit 3"
    names = [str(row[0]) for row in read_published(generation, question, folder=folder)[1]]
    return f"did you mean {', '.join(names)}?" if names else f'choose from: query "from {table} limit 10"'
