"""Projects whose train, test and lists a test gives by hand, judged as any other.

Nothing here asserts.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from building import lay_out, rows, run
from projects import write_parquet

JUDGED = ("+eval.metrics", "+eval.user_metrics", "+recs.personal", "+split.manifest")


@dataclass(frozen=True)
class Told:
    """Who met what in train, what each user met in test, and the lists that are judged."""

    train: frozenset[tuple[int, int]]
    wanted: Mapping[int, set[int]]
    lists: Mapping[int, Sequence[int]]
    n_items: int
    ks: tuple[int, ...]


def own_lists(lists: Mapping[int, Sequence[int]]) -> str:
    """Write a stage that gives these lists, in the place of those by popularity."""
    header = "-- Lists of the test's own.\n-- grain: model_name, user_id, rank\n\n"
    places = [(user, rank, item) for user, chosen in lists.items() for rank, item in enumerate(chosen, 1)]
    lines = ", ".join(str(place) for place in places) or "(0, 0, 0)"
    return f"""{header}select
    'popular' as model_name,
    cast(user_id as bigint) as user_id,
    cast(rank as bigint) as rank,
    cast(item_id as bigint) as item_id,
    cast(1 as double) / greatest(rank, 1) as score
from (values {lines}) as places(user_id, rank, item_id)
where rank > 0
"""


def build(root: Path, told: Told) -> None:
    """Build a project whose train, test and lists are the ones told; items that nobody met are in the catalogue."""
    rows_of = [(user, item, 1) for user, item in sorted(told.train)]
    rows_of += [(user, item, 2) for user, items in told.wanted.items() for item in sorted(items)]
    lines = ", ".join(f"({user}, {item}, timestamp '2024-01-0{day}')" for user, item, day in rows_of)
    events = f"""
        select cast(user_id as bigint) as user_id, cast(item_id as bigint) as item_id, occurred_at
        from (values {lines}) as rows(user_id, item_id, occurred_at)
    """
    lay_out(root, events=events, sql={"recs/personal/popular": own_lists(told.lists)})
    write_parquet(root / "items.parquet", f"select item_id, 'x' as item_name from range({told.n_items}) as t(item_id)")
    parameters = [("split", "time"), ("cutoff", "2024-01-02"), ("models", ["popular"])]
    parameters += [("ks", list(told.ks)), ("top_n", max(told.ks))]
    run(root, {"parameters": parameters}, select=JUDGED)


def random_told(chance: random.Random, *, is_full: bool) -> Told:
    """Lists of a few users, empty or short but for full ones; some users have no test items, some no list."""
    n_users, n_items = chance.choice([2, 8, 15]), chance.choice([6, 12, 25])
    ks = chance.choice([(1, 3, 5), (2,), (4, 5)])
    train = {(user, chance.randrange(n_items)) for user in range(n_users) for _ in range(4)}
    train_items = sorted({item for _, item in train})
    train |= {(0, item) for item in range(n_items) if is_full}
    if is_full:
        train_items = list(range(n_items))
    wanted = {user: {chance.randrange(n_items) for _ in range(chance.randint(1, 7))} for user in range(n_users)}
    length = max(ks) if is_full else 0
    lists = {
        user: chance.sample(train_items, length or chance.randint(0, min(max(ks), len(train_items))))
        for user in range(n_users)
    }
    if not is_full:
        wanted = {user: items for user, items in wanted.items() if user == 0 or chance.random() < 0.8}
    return Told(frozenset(train), wanted, {user: chosen for user, chosen in lists.items() if chosen}, n_items, ks)


def published(root: Path, model: str = "popular") -> dict[tuple[Any, ...], Any]:
    """The metrics of a model, by metric, k and convention."""
    question = f"select metric, k, convention, value from eval.metrics where model_name = '{model}'"
    return {row[:-1]: row[-1] for row in rows(root, question)}
