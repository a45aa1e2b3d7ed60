"""The package and the oracle agree on who is left out for a short history, and how the k-core got there."""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from building import lay_out, rows, run
from oracles.filters import REASONS, Limits, Round, filtered, items_of_users, k_core, users_of_items

SELECT = ("+core.events", "+core.users", "+core.items", "+meta.k_core")
MEMORY = 2_000_000_000
Row = tuple[Any, Any, int]  # user_id, item_id, weight; one with a null or a negative weight is not valid


# --- the oracle --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(40))
def test_the_oracles_core_is_the_largest_of_all_that_are_dense_enough(seed: int) -> None:
    chance = random.Random(seed)
    pairs = {(chance.randint(1, 8), chance.randint(1, 8)) for _ in range(chance.randint(5, 40))}
    of_users, of_items = chance.randint(0, 3), chance.randint(0, 3)
    largest: set[tuple[int, int]] = set()
    users = sorted(items_of_users(pairs))
    for size in range(len(users) + 1):
        for some in combinations(users, size):
            left = {pair for pair in pairs if pair[0] in some}
            items = {item for item, its_users in users_of_items(left).items() if len(its_users) >= of_items}
            left = {pair for pair in left if pair[1] in items}
            owned = items_of_users(left)
            if all(len(owned.get(user, ())) >= of_users for user in some):
                largest |= left
    assert k_core(pairs, of_users, of_items)[0] == largest, f"seed {seed}"


def test_the_oracles_steps_worked_by_hand() -> None:
    # user 1 has one event; of the items, e has the fewest users; user 5 has one item but two events of it
    events = [(1, "a"), (2, "a"), (2, "b"), (3, "a"), (3, "b"), (4, "b"), (4, "c"), (2, "e"), (5, "a"), (5, "a")]
    reasons, rounds = filtered(events, Limits(max_small_history=1, top_items=3, min_items_per_user=2, k_core_items=2))
    small, top, minimum, core = "user_small_history", "item_below_top", "user_below_minimum", "below_k_core"
    assert reasons == [small, None, None, None, None, None, core, top, minimum, minimum]
    assert rounds == [Round(1, n_users_dropped=0, n_items_dropped=1, n_users=3, n_items=2, n_pairs=5)]


# --- the package beside it ---------------------------------------------------------------------------------


def values(table: Sequence[Row], *, id_type: str) -> str:
    """Write rows as a SELECT, each with its number as its position."""

    def literal(value: Any) -> str:
        return "null" if value is None else f"'{value}'"

    lines = ", ".join(f"({literal(user)}, {literal(item)}, {weight})" for user, item, weight in table)
    return f"""
        select cast(user_id as {id_type}) as user_id, cast(item_id as {id_type}) as item_id,
            cast(weight as decimal(18, 6)) as weight, cast(row_number() over () as integer) - 1 as position
        from (values {lines}) as rows(user_id, item_id, weight)
    """


def is_valid(row: Row) -> bool:
    """Whether the filters look at a row at all."""
    return row[0] is not None and row[1] is not None and row[2] >= 0


def rounds_of(root: Path) -> list[Round]:
    """The trace that was published."""
    question = "select round, n_users_dropped, n_items_dropped, n_users, n_items, n_pairs from meta.k_core order by 1"
    return [Round(*(int(str(number)) for number in row)) for row in rows(root, question)]


def check(root: Path, table: Sequence[Row], limits: Limits, note: str) -> None:
    """Compare every row's reason, the ledger and the trace with the oracle's."""
    valid = [(number, row) for number, row in enumerate(table) if is_valid(row)]
    reasons, rounds = filtered([(row[0], row[1]) for _, row in valid], limits)
    wanted = {number: reason for (number, _), reason in zip(valid, reasons, strict=True)}
    found: dict[int, Any] = dict.fromkeys(
        (number for (number,) in rows(root, "select position from core.events")), None
    )  # type: ignore[arg-type]
    rejected = dict(rows(root, "select position, reject_reason from core.events_rejected"))
    assert not found.keys() & rejected.keys(), f"{note}: rows kept and rejected"
    found |= rejected  # type: ignore[arg-type]
    assert len(found) == len(table), f"{note}: rows lost"
    other = {number: reason for number, reason in found.items() if number not in wanted}
    assert not {*other.values()} & {None, *REASONS}, f"{note}: rows that are not valid have {set(other.values())}"
    apart = [
        (number, table[number], found[number], reason) for number, reason in wanted.items() if found[number] != reason
    ]
    assert not apart, f"{note}: {len(apart)} rows (number, row, found, wanted) such as {apart[:5]}"
    check_ledger(root, len(table), Counter(wanted.values()), note)
    assert rounds_of(root) == rounds, f"{note}: trace of the k-core"


def check_ledger(root: Path, n_rows: int, counts: Mapping[str | None, int], note: str) -> None:
    """The ledger of core.events adds up, and has each reason with its rows."""
    ledger = dict(rows(root, "select reason, n_rows from meta.row_ledger where stage = 'core.events'"))
    assert ledger.pop("in") == n_rows == sum(ledger.values()), f"{note}: {ledger} does not add up"  # type: ignore[arg-type]
    told = {reason: n for reason, n in ledger.items() if n and reason in ("kept", *REASONS)}
    assert told == {reason or "kept": n for reason, n in counts.items()}, f"{note}: ledger"


def random_limits(chance: random.Random) -> Limits:
    """Limits that bite on a few dozen rows, about half of them off."""
    return Limits(
        max_small_history=chance.choice([0, 0, 1, 2, 4]),
        top_items=chance.choice([0, 0, 1, 4, 8, 100]),
        min_users_per_item=chance.choice([0, 0, 1, 2, 3]),
        min_items_per_user=chance.choice([0, 0, 2, 3, 20]),
        k_core_users=chance.choice([0, 2, 2, 3, 4]),
        k_core_items=chance.choice([0, 1, 2, 2, 3]),
    )


def random_rows(chance: random.Random) -> list[Row]:
    """Rows of a few users and items, some far more often than others; a few are not valid."""
    ids: Sequence[Any] = chance.choice([range(1, 31), [f"{at}é" for at in range(2, 32)]])
    users, items = chance.sample(ids, chance.choice([1, 8, 14, 20])), chance.sample(ids, chance.choice([4, 12, 24]))

    def one_of(some: Sequence[Any]) -> Any:
        return some[min(chance.randrange(len(some)), chance.randrange(len(some)))]

    table: list[Row] = [(one_of(users), one_of(items), 1) for _ in range(chance.choice([1, 30, 60, 90, 120]))]
    for at in chance.sample(range(len(table)), len(table) // 20):
        user, item, _ = table[at]
        table[at] = chance.choice([(None, item, 1), (user, None, 1), (user, item, -1)])
    return table


@pytest.mark.parametrize("seed", range(16))
def test_random_events_agree_with_the_oracle(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    table, limits = random_rows(chance), random_limits(chance)
    id_type = "varchar" if any(isinstance(row[0], str) for row in table) else "bigint"
    lay_out(tmp_path, events=values(table, id_type=id_type))
    run(tmp_path, {"parameters": list(asdict(limits).items())}, select=SELECT)
    check(tmp_path, table, limits, f"seed {seed}, {limits}")


def test_a_core_that_falls_apart_item_by_item_is_traced_round_by_round(tmp_path: Path) -> None:
    # a chain: user n has the items n and n + 1, so that each round takes one from either end, till none is left
    chain: list[Row] = [(user, user + side, 1) for user in range(1, 8) for side in (0, 1)]
    lay_out(tmp_path, events=values(chain, id_type="bigint"))
    limits = Limits(k_core_users=2, k_core_items=2)
    run(tmp_path, {"parameters": list(asdict(limits).items())}, select=SELECT)
    assert rounds_of(tmp_path) == [
        Round(1, 0, 2, 7, 6, 12),
        Round(2, 2, 2, 5, 4, 8),
        Round(3, 2, 2, 3, 2, 4),
        Round(4, 2, 2, 0, 0, 0),
    ]
    check(tmp_path, chain, limits, "chain")


def test_a_core_that_drops_nobody_has_no_rounds(tmp_path: Path) -> None:
    full: list[Row] = [(user, item, 1) for user in range(3) for item in range(3)]
    lay_out(tmp_path, events=values(full, id_type="bigint"))
    run(tmp_path, {"parameters": [("k_core_users", 3), ("k_core_items", 3)]}, select=SELECT)
    assert rounds_of(tmp_path) == []
    check(tmp_path, full, Limits(k_core_users=3, k_core_items=3), "full")


def test_items_with_equally_many_users_are_kept_from_the_smallest_id(tmp_path: Path) -> None:
    # text, so that "10" is smaller than "9"; repeats do not count as users
    table: list[Row] = [("u", "9", 1), ("u", "9", 1), ("u", "10", 1), ("v", "é", 1), ("v", "é", 1), ("w", "B", 1)]
    lay_out(tmp_path, events=values(table, id_type="varchar"))
    run(tmp_path, {"parameters": [("top_items", 2)]}, select=SELECT)
    assert rows(tmp_path, "select distinct item_id from core.events order by all") == [("10",), ("9",)]
    check(tmp_path, table, Limits(top_items=2), "ties")


def test_users_and_items_stay_in_the_catalogues_when_their_events_leave(tmp_path: Path) -> None:
    table: list[Row] = [(1, 10, 1), (2, 10, 1), (2, 20, 1)]
    lay_out(tmp_path, events=values(table, id_type="bigint"))
    run(tmp_path, {"parameters": [("min_users_per_item", 5)]}, select=SELECT)
    assert rows(tmp_path, "select count(*) from core.events") == [(0,)]
    assert rows(tmp_path, "select user_id, user_idx from core.users order by all") == [(1, 0), (2, 1)]
    assert rows(tmp_path, "select item_id, item_idx from core.items order by all") == [(10, 0), (20, 1)]


def test_the_filters_of_a_real_slice_agree_with_the_oracle(slices_folder: Path, tmp_path: Path) -> None:
    source = slices_folder / "mpd.slice.0-999.json"
    limits = Limits(
        max_small_history=8,
        top_items=15000,
        min_users_per_item=2,
        min_items_per_user=8,
        k_core_users=10,
        k_core_items=4,
    )
    playlists = json.loads(source.read_text(encoding="utf-8"))["playlists"]
    events = [
        (playlist["pid"], track["track_uri"].removeprefix("spotify:track:"))
        for playlist in playlists
        for track in playlist["tracks"]
    ]
    chosen = [("item_entity", "track"), ("top_entities", 0), ("min_playlist_tracks", 0), *asdict(limits).items()]
    given = {"kind": "mpd", "files": [("", str(source))], "parameters": chosen}
    run(tmp_path, given, select=SELECT, memory_limit=MEMORY)

    reasons, rounds = filtered(events, limits)
    assert {*reasons} == {None, *REASONS}, "a limit that never bites tests nothing"
    assert len(rounds) > 2
    assert rounds_of(tmp_path) == rounds
    check_ledger(tmp_path, len(events), Counter(reasons), "real slice")
    kept = Counter(event for event, reason in zip(events, reasons, strict=True) if reason is None)
    assert Counter(rows(tmp_path, "select user_id, item_id from core.events")) == kept
