"""Builds whose baskets, pairs and lists are compared with the oracle: one function for each table."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from building import lay_out, rows, run
from comparing import assert_close, assert_same, values
from oracles.baskets import Event, basket_ledger, basket_sizes, kept_baskets, remaining
from oracles.lists import Settings, above_threshold, items_by_user, personal_list, short_lists
from oracles.measures import MEASURES, Counts, Similar, similar_to

MEMORY = 2_000_000_000
# what is compared, and no more: a build of everything takes twice as long
SELECT = ("+features.short_lists", "+recs.similar_items", "+recs.personal/item_knn", "+features.item_pairs")
TEXT_IDS = ("1", "2", "10", "9", "B", "a", "é", "Z:z", "it's", " ", "aa", "ab", *(f"item {at}" for at in range(20)))
INTEGER_IDS = (1, 2, 10, 9, 100, -1, 5, 6, 7, 2**40, 3, 4, *range(200, 220))


def with_parameters(defaults: Settings, parameters: Mapping[str, Any]) -> Settings:
    """The defaults with what the parameters say, as far as the oracle knows them."""
    known = {name: value for name, value in parameters.items() if name in Settings.__dataclass_fields__}
    return replace(defaults, **known)


class Case:
    """One build: its published rows, and what the oracle makes of its train rows."""

    def __init__(
        self, root: Path, parameters: Mapping[str, object], settings: Settings, note: str, **given: object
    ) -> None:
        """Build the project; `settings` say in the oracle's words what the parameters and the kind's defaults mean."""
        self.root, self.settings, self.note = root, settings, note
        self.every = 1  # of so many items, the lists of one are compared under each measure
        both = [("models", ["item_knn"]), *parameters.items()]
        run(root, {"parameters": both, **given}, memory_limit=MEMORY, select=SELECT)

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """All rows of a query on the published generation."""
        return rows(self.root, question)

    def ledger(self, stage: str) -> dict[str, int]:
        """Rows of a gate by reason; reasons without rows are left out."""
        found = self.rows(f"select reason, n_rows from meta.row_ledger where stage = '{stage}'")
        assert len(found) == len(dict(found)), f"{self.note}: a reason of {stage} has two ledger rows"
        return {reason: n_rows for reason, n_rows in found if n_rows}

    def events(self, table: str) -> list[Event]:
        """The rows of one side of the split."""
        question = f"select user_id, item_id, basket_id, occurred_at, position from {table}"
        return [Event(*row) for row in self.rows(question)]

    @cached_property
    def train(self) -> list[Event]:
        """The events that everything is made of."""
        return self.events("split.train")

    @cached_property
    def baskets(self) -> dict[Any, list[Any]]:
        """The items of each basket of train, one for every row that counts."""
        return remaining(self.train, self.settings)

    @cached_property
    def kept(self) -> dict[Any, set[Any]]:
        """The distinct items of each kept basket."""
        return kept_baskets(self.baskets, self.settings)

    @cached_property
    def counts(self) -> Counts:
        """What is counted in the kept baskets."""
        return Counts(self.kept.values())

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """The measures that are made."""
        return MEASURES if self.settings.measures is None else tuple(self.settings.measures)

    def similarity(self, items: Iterable[Any], measures: Iterable[str]) -> dict[str, dict[Any, list[Similar]]]:
        """The lists of some items under each measure; those without neighbours have none."""
        lists: dict[str, dict[Any, list[Similar]]] = {measure: {} for measure in measures}
        for item in items:
            neighbours = self.counts.neighbours(item)
            for measure, of_item in lists.items():
                of_item[item] = similar_to(
                    neighbours,
                    measure,
                    self.settings,
                    pair_min_count=self.settings.pair_min_count,
                    similar_k=self.settings.similar_k,
                )
        return lists

    @cached_property
    def sampled(self) -> dict[str, dict[Any, list[Similar]]]:
        """The lists under every measure of one in so many items."""
        items = sorted(self.counts.baskets_of)
        return self.similarity(items[:: self.every], self.measures)

    @cached_property
    def similar_items(self) -> dict[Any, list[Similar]]:
        """The lists that people read, and that item_knn adds up."""
        measure = self.settings.similar_measure
        lists = self.similarity(self.counts.baskets_of, [measure])[measure]
        return {item_id: above_threshold(lists[item_id], self.settings.similar_threshold) for item_id in lists}


# --- the tables, one check each ----------------------------------------------------------------------------


def check_baskets(case: Case) -> None:
    """Every basket of train is there with its size, kept or not, under an index from 0 without holes."""
    found = case.rows("select basket_key, n_rows, n_items from features.baskets")
    wanted = basket_sizes(case.baskets)
    assert Counter(row[1:] for row in found) == Counter(wanted.values()), f"{case.note}: sizes of baskets"
    if case.settings.basket_by != "session":  # whose key is its own
        assert_same(case.note, "baskets", found, [(key, *size) for key, size in wanted.items()])
    indices = sorted(index for (index,) in case.rows("select basket_idx from features.baskets"))
    assert indices == list(range(len(wanted))), f"{case.note}: basket_idx is not dense"


def check_basket_items(case: Case) -> None:
    """The items of each kept basket, once."""
    found: dict[str, list[Any]] = {}
    question = """
        select baskets.basket_key, items.item_id
        from features.basket_items
        left join features.baskets using (basket_idx)
        left join core.items using (item_idx)
    """
    for key, item_id in case.rows(question):
        found.setdefault(key, []).append(item_id)
    if case.settings.basket_by != "session":
        wanted = {key: sorted(items) for key, items in case.kept.items() if items}
        assert {key: sorted(items) for key, items in found.items()} == wanted, f"{case.note}: items of baskets"
    contents = Counter(tuple(sorted(items)) for items in found.values())
    assert contents == Counter(tuple(sorted(items)) for items in case.kept.values()), f"{case.note}: items of baskets"


def check_basket_ledger(case: Case) -> None:
    """Every row of train is kept or has the first reason that applies."""
    wanted = basket_ledger(case.train, case.settings)
    found = case.ledger("features.basket_items")
    assert found == {reason: n for reason, n in wanted.items() if n}, f"{case.note}: ledger of baskets"
    reasons = {row[0] for row in case.rows("select distinct reject_reason from features.basket_items_rejected")}
    assert reasons == found.keys() - {"in", "kept"}, f"{case.note}: reasons of rejected rows"


def check_pairs(case: Case) -> None:
    """Each pair of items that a kept basket holds, once, with the number of such baskets."""
    question = """
        select left_items.item_id, right_items.item_id, n_baskets
        from features.item_pairs
        left join core.items as left_items using (item_idx)
        left join core.items as right_items on right_items.item_idx = other_item_idx
    """
    wanted = [(*pair, n_both) for pair, n_both in case.counts.pairs().items()]
    assert_same(case.note, "pairs", case.rows(question), wanted)


def check_similarity(case: Case) -> None:
    """The best neighbours of each item under every measure."""
    made = {measure for (measure,) in case.rows("select distinct measure from features.item_similarity")}
    assert made <= set(case.measures), f"{case.note}: measures that nobody asked for"
    for measure, lists in case.sampled.items():
        found = case.rows(
            f"""
            select item_id, similar_item_id, rank, n_baskets, score
            from features.item_similarity
            where measure = '{measure}'
            """
        )
        wanted = {
            (item_id, similar.item_id, rank, similar.n_baskets): similar.score
            for item_id, similar_items in lists.items()
            for rank, similar in enumerate(similar_items, 1)
        }
        assert_close(case.note, f"neighbours by {measure}", [row for row in found if row[0] in lists], wanted)


def check_short_lists(case: Case) -> None:
    """The items of kept baskets with fewer neighbours than asked for, none of them included, under each measure."""
    for measure, lists in case.sampled.items():
        found = case.rows(f"select item_id, n_similar from features.short_lists where measure = '{measure}'")
        wanted = short_lists(lists, lists, case.settings.similar_k)
        assert_same(case.note, f"short lists by {measure}", [row for row in found if row[0] in lists], wanted.items())
    strange = case.rows("select distinct item_id from features.short_lists")
    assert {row[0] for row in strange} <= set(case.counts.baskets_of), f"{case.note}: short lists of uncounted items"


def check_similar_items(case: Case) -> None:
    """The neighbours that people read: one measure, and only those above the threshold."""
    found = case.rows("select item_id, rank, similar_item_id, source, score from recs.similar_items")
    wanted = {
        (item_id, rank, similar.item_id, "pairs"): similar.score
        for item_id, similar_items in case.similar_items.items()
        for rank, similar in enumerate(similar_items, 1)
    }
    assert_close(case.note, "similar items", found, wanted)


def check_personal(case: Case) -> None:
    """The list of each known user by the neighbours of what the user has."""
    found = case.rows("select user_id, rank, item_id, score from recs.personal where model_name = 'item_knn'")
    wanted = {
        (user_id, rank, item_id): score
        for user_id, owned in items_by_user(case.events("split.history")).items()
        for rank, (item_id, score) in enumerate(personal_list(owned, case.similar_items, case.settings), 1)
    }
    assert_close(case.note, "lists of item_knn", found, wanted)


CHECKS: list[Callable[[Case], None]] = [
    check_baskets,
    check_basket_items,
    check_basket_ledger,
    check_pairs,
    check_similarity,
    check_short_lists,
    check_similar_items,
    check_personal,
]


def check_all(case: Case) -> None:
    """Compare every table."""
    for check in CHECKS:
        check(case)


def events_case(root: Path, events: str, parameters: Mapping[str, object], note: str) -> Case:
    """Build a project of kind events."""
    lay_out(root, events=events)
    return Case(root, parameters, with_parameters(Settings(), parameters), note)


def baskets_of_users(*baskets: Sequence[int]) -> str:
    """Write one user for each basket, numbered from 1."""
    return values(
        "user_id bigint, item_id bigint", [(user, item) for user, items in enumerate(baskets, 1) for item in items]
    )


def random_events(chance: random.Random) -> str:
    """Rows of a few users and items, some far more often than others; baskets are shared or missing, moments too."""
    kind = chance.choice(["bigint", "varchar"])
    ids: Sequence[Any] = TEXT_IDS if kind == "varchar" else INTEGER_IDS
    users, items = ids[: chance.randint(1, 12)], chance.sample(ids, chance.choice([2, 6, 12, 20, 30]))
    users_of_day = {day: chance.sample(users, (len(users) + 1) // 2) for day in range(1, 10)}
    everywhere = chance.choice([None, None, items[0]])  # an item that every user has
    table = [(user, everywhere, None, "2024-01-01 00:00:00", 0) for user in users if everywhere is not None]
    for _ in range(chance.choice([1, 40, 40, 80, 80, 150, 150, 250])):
        day = chance.randint(1, 9)
        user = chance.choice(users_of_day[day])
        item = items[min(chance.randrange(len(items)), chance.randrange(len(items)))]
        basket = chance.choice([*ids[:12], None])
        moment = f"2024-01-0{day} {chance.randint(0, 9):02}:{chance.choice([0, 0, 30, 59]):02}:00"
        position = chance.choice([None, 0, 1, 2])
        table.append((user, item, basket, moment if chance.random() < 0.9 else None, position))
    columns = f"user_id {kind}, item_id {kind}, basket_id {kind}, occurred_at timestamp, position integer"
    return values(columns, table)
