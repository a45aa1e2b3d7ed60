"""The package and the oracle agree on every split of random events, its folds, its judged pairs and its manifest."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import lay_out, rows, run
from oracles.splits import (
    MICROSECOND,
    SIDES,
    Event,
    Fold,
    Sides,
    cut_by_share,
    divided_by_last_n,
    divided_by_time,
    is_likely,
    judged,
    manifest,
    on_side,
    pairs_of,
    sides_of_pairs,
    ties_of_users,
    whole_users,
    windows,
)

SELECT = ("+split.manifest", "+split.judged_pairs", "+split.folds", "+split.history", "+split.fold_in")
START = datetime(2024, 1, 1)
VIEWS = {"train": ["train"], "fold_in": ["fold_in"], "test": ["test"], "history": ["train", "fold_in"]}
FOLDS = "select fold, cut_at, end_at, n_train_events, n_test_events, is_chosen from split.folds order by fold"


# --- events and builds -------------------------------------------------------------------------------------


def values(events: Sequence[Event]) -> str:
    """Write events as a SELECT, each with its number as its weight, which the package carries along."""
    id_type = "varchar" if any(isinstance(event.user_id, str) for event in events) else "bigint"

    def literal(value: Any) -> str:
        return "null" if value is None else f"'{value}'"

    lines = ", ".join(f"({', '.join(literal(value) for value in event)})" for event in events)
    return f"""
        select cast(user_id as {id_type}) as user_id, cast(item_id as {id_type}) as item_id,
            cast(number as decimal(18, 6)) as weight, cast(occurred_at as timestamp) as occurred_at,
            cast(place as integer) as position
        from (values {lines}) as rows(number, user_id, item_id, occurred_at, place)
    """


def random_events(chance: random.Random) -> list[Event]:
    """Events of a few users, some with one: tied times and positions, or none, and pairs that repeat."""
    ids: Sequence[Any] = chance.choice([range(1, 31), [*"0123456789abcdeé", *(f"z {at}" for at in range(14))]])
    users, items = chance.sample(ids, chance.choice([1, 6, 14])), chance.sample(ids, chance.choice([3, 8, 20]))
    days, hours = chance.choice([(1, 2), (4, 3), (12, 24)])
    events = []
    for number in range(chance.choice([1, 30, 60, 100, 200])):
        time = START + timedelta(days=chance.randrange(days), hours=chance.randrange(hours))
        user = users[min(chance.randrange(len(users)), chance.randrange(len(users)))]
        place = chance.choice([None, 0, 1, 2])
        events.append(
            Event(number, user, chance.choice(items), None if number and chance.random() < 0.1 else time, place)
        )
    loner = Event(len(events), ids[-1], items[0], START, None)
    return [*events, loner]


def built(root: Path, events: Sequence[Event], parameters: Mapping[str, object]) -> Sides:
    """Build the splits of some events: the side of each, or why it has none."""
    if not (root / "recsys.toml").exists():
        lay_out(root, events=values(events))
    run(root, {"parameters": list(parameters.items())}, select=SELECT)
    question = """
        select cast(weight as bigint), side from split.events
        union all
        select cast(weight as bigint), reject_reason from split.events_rejected
    """
    found = rows(root, question)
    assert len(found) == len(dict(found)) == len(events), "rows lost, or on two sides"
    return dict(found)  # type: ignore[arg-type]


def row_of(root: Path, table: str) -> dict[str, Any]:
    """The one row of a table, by column."""
    (row,) = rows(root, f"from {table}")
    names = rows(root, f"select column_name from (describe {table})")
    return dict(zip((name for (name,) in names), row, strict=True))  # type: ignore[arg-type]


def check(root: Path, events: Sequence[Event], sides: Sides, note: str, **figures: object) -> None:
    """Compare the views, the manifest and the ledger with what the oracle makes of the sides."""
    for view, names in VIEWS.items():
        found = sorted(rows(root, f"select cast(weight as bigint) from split.{view}"))
        assert found == [(event.number,) for event in on_side(events, sides, *names)], f"{note}: split.{view}"
    found_figures, wanted = row_of(root, "split.manifest"), manifest(events, sides) | figures
    apart = {name: (found_figures[name], value) for name, value in wanted.items() if found_figures[name] != value}
    assert not apart, f"{note}: figures of the manifest (found, wanted): {apart}"
    counts = Counter("kept" if side in SIDES else side for side in sides.values())
    question = "select reason, n_rows from meta.row_ledger where stage = '{}' and n_rows > 0"
    assert dict(rows(root, question.format("split.events"))) == {"in": len(events), **counts}, f"{note}: ledger"


def check_judged(root: Path, events: Sequence[Event], sides: Sides, note: str, *, drop: bool = False) -> None:
    """Compare the judged pairs and their ledger."""
    pairs, ledger = judged(events, sides, drop_unseen_test_items=drop)
    found = rows(root, "select user_id, item_id from split.judged_pairs")
    assert sorted(found) == sorted(pairs), f"{note}: judged pairs"  # type: ignore[type-var]
    question = "select reason, n_rows from meta.row_ledger where stage = 'split.judged_pairs' and n_rows > 0"
    assert dict(rows(root, question)) == ledger, f"{note}: ledger of the judged pairs"


def check_sides(events: Sequence[Event], found: Sides, wanted: Sides, note: str) -> None:
    """Compare the side of each event."""
    told = [(event, found[event.number], wanted[event.number]) for event in events]
    apart = [one for one in told if one[1] != one[2]]
    assert not apart, f"{note}: {len(apart)} events (event, found, wanted) such as {apart[:5]}"


def train_and_test(sides: Sides) -> tuple[int, int]:
    """How many events are train and how many test."""
    return list(sides.values()).count("train"), list(sides.values()).count("test")


# --- none, and by time -------------------------------------------------------------------------------------


def test_without_a_split_all_is_train(tmp_path: Path) -> None:
    events = random_events(random.Random(1))
    sides = built(tmp_path, events, {"split": "none"})
    assert set(sides.values()) == {"train"}
    check(tmp_path, events, sides, "none", cut_at=None)
    check_judged(tmp_path, events, sides, "none")
    assert rows(tmp_path, "from split.folds") == []


@pytest.mark.parametrize("seed", range(8))
def test_a_split_by_time_agrees_with_the_oracle(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    events, share = random_events(chance), chance.choice(["0.05", "0.2", "0.29", "0.5", "0.9"])
    drop, cutoff = chance.random() < 0.5, START + timedelta(days=chance.randrange(5), hours=chance.randrange(3))
    with_cutoff = {"cutoff": str(cutoff)} if seed % 2 else {}
    cut_at = cutoff if seed % 2 else cut_by_share(events, share)
    parameters = {"split": "time", "test_share": float(share), "drop_unseen_test_items": drop, **with_cutoff}
    note = f"seed {seed}, {parameters}"
    found = built(tmp_path, events, parameters)
    wanted = divided_by_time(events, Fold(1, cut_at, None))
    check_sides(events, found, wanted, note)
    n_ties = sum(event.occurred_at == cut_at for event in events)
    check(tmp_path, events, wanted, note, cut_at=cut_at, n_ties_at_cut=n_ties)
    check_judged(tmp_path, events, wanted, note, drop=drop)
    assert rows(tmp_path, FOLDS) == [(1, cut_at, None, *train_and_test(wanted), True)], note


@pytest.mark.parametrize(("share", "n"), [("0.29", 100), ("0.07", 100), ("0.57", 100), ("0.3", 10)])
def test_a_share_is_the_decimal_that_was_written(tmp_path: Path, share: str, n: int) -> None:
    events = [Event(at, at, at, START + timedelta(hours=at), None) for at in range(n)]
    sides = built(tmp_path, events, {"split": "time", "test_share": float(share)})
    assert list(sides.values()).count("test") == round(float(share) * n)
    check_sides(events, sides, divided_by_time(events, Fold(1, cut_by_share(events, share), None)), share)


def test_no_test_is_left_where_the_last_moment_holds_more_than_the_share(tmp_path: Path) -> None:
    events = [Event(at, at % 3, at, START, None) for at in range(10)]
    sides = built(tmp_path, events, {"split": "time", "test_share": 0.5})
    assert set(sides.values()) == {"train"}
    check(tmp_path, events, sides, "one moment", cut_at=START + MICROSECOND, n_ties_at_cut=0)


@pytest.mark.parametrize("seed", range(4))
def test_each_fold_has_its_window_and_no_test_event_stands_in_two(tmp_path: Path, seed: int) -> None:
    chance = random.Random(100 + seed)
    n_folds, fold_days = chance.choice([2, 3]), chance.choice([1, 2])
    events = [
        Event(at, chance.randrange(9), chance.randrange(9), START + timedelta(hours=6 * chance.randrange(48)), None)
        for at in range(120)
    ]
    events[7] = events[7]._replace(occurred_at=None)
    cutoff = START + timedelta(days=4, hours=6) if seed % 2 else None
    chosen: dict[str, object] = {"split": "time", "folds": n_folds, "fold_days": fold_days}
    chosen |= {"cutoff": str(cutoff)} if cutoff else {}
    wanted_folds = windows(events, folds=n_folds, fold_days=fold_days, cutoff=cutoff)
    divided = {fold.fold: divided_by_time(events, fold) for fold in wanted_folds}
    tested: Counter[int] = Counter()
    for fold in wanted_folds:
        note, wanted = f"seed {seed}, fold {fold} of {chosen}", divided[fold.fold]
        found = built(tmp_path, events, {**chosen, "fold": fold.fold})
        check_sides(events, found, wanted, note)
        n_ties = sum(event.occurred_at == fold.cut_at for event in events)
        check(tmp_path, events, wanted, note, cut_at=fold.cut_at, n_ties_at_cut=n_ties)
        check_judged(tmp_path, events, wanted, note)
        told = [(*one, *train_and_test(divided[one.fold]), one == fold) for one in wanted_folds]
        assert rows(tmp_path, FOLDS) == told, note
        tested.update(event.number for event in on_side(events, found, "test"))
    assert set(tested.values()) == {1}
    if cutoff is None:
        last = max(event.occurred_at for event in events if event.occurred_at)
        assert any(event.occurred_at == last and event.number in tested for event in events)


# --- the last items of each user ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_the_last_items_of_each_user_agree_with_the_oracle(tmp_path: Path, seed: int) -> None:
    chance = random.Random(200 + seed)
    events, last_n, drop = random_events(chance), chance.choice([1, 1, 2, 3]), chance.random() < 0.5
    parameters = {"split": "last_n", "last_n": last_n, "drop_unseen_test_items": drop}
    note = f"seed {seed}, {parameters}"
    found = built(tmp_path, events, parameters)
    wanted = divided_by_last_n(events, last_n)
    check_sides(events, found, wanted, note)
    n_ties, n_whole = ties_of_users(events, last_n), whole_users(events, last_n)
    check(tmp_path, events, wanted, note, cut_at=None, n_ties_at_cut=n_ties, n_whole_users=n_whole)
    check_judged(tmp_path, events, wanted, note, drop=drop)


def test_the_last_items_worked_by_hand(tmp_path: Path) -> None:
    day = [START + timedelta(days=at) for at in range(5)]
    events = [
        Event(0, 1, 10, day[3], None),  # item 10 comes back: its latest event counts, and all its events are test
        Event(1, 1, 10, day[0], None),
        Event(2, 1, 20, day[2], None),
        Event(3, 2, 10, day[1], 5),  # one moment: the larger position is later, none is the earliest
        Event(4, 2, 20, day[1], 7),
        Event(5, 2, 30, day[1], None),
        Event(6, 3, 30, None, None),  # nothing to tell them apart: the smaller item is test
        Event(7, 3, 20, None, None),
        Event(8, 4, 10, day[4], None),  # one item, twice: the user stays whole
        Event(9, 4, 10, day[4], None),
        Event(10, 5, 10, None, 99),  # without a time is before any time, whatever its position
        Event(11, 5, 20, day[0], None),
    ]
    sides = built(tmp_path, events, {"split": "last_n", "last_n": 1})
    assert sorted(number for number, side in sides.items() if side == "test") == [0, 1, 4, 7, 11]
    check_sides(events, sides, divided_by_last_n(events, 1), "by hand")
    check(tmp_path, events, sides, "by hand", n_ties_at_cut=1, n_whole_users=1)


# --- what a hash draws -------------------------------------------------------------------------------------


def many_events(chance: random.Random) -> list[Event]:
    """Some thousand events, a tenth of them repeats of a pair at another time."""
    pairs = [(user, item) for user in range(150) for item in range(60) if chance.random() < 0.35]
    pairs += chance.sample(pairs, len(pairs) // 10)
    moments = [START + timedelta(minutes=chance.randrange(90_000)) for _ in pairs]
    return [Event(at, *pair, moment, None) for at, (pair, moment) in enumerate(zip(pairs, moments, strict=True))]


MANY = many_events(random.Random(0))
SHUFFLED = random.Random(1).sample(MANY, len(MANY))
DRAWN: dict[str, dict[str, object]] = {
    "random": {"split": "random", "test_share": 0.3},
    "new_users": {"split": "new_users", "test_share": 0.3, "held_out_share": 0.4},
    "train_sample": {"split": "random", "test_share": 0.3, "train_sample": 0.25},
}


@pytest.fixture(scope="module", params=sorted(DRAWN))
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Sides]:
    root = tmp_path_factory.mktemp(request.param)
    return request.param, root, built(root, MANY, {**DRAWN[request.param], "seed": 3})


Drawn = tuple[str, Path, Sides]


def assert_share(n_chosen: int, n: int, share: float, note: str) -> None:
    assert is_likely(n_chosen, n, share), f"{note}: {n_chosen} of {n} for a share of {share}"


def test_a_drawn_split_has_the_figures_of_its_sides(drawn: Drawn) -> None:
    name, root, sides = drawn
    n_learned = 0 if name == "new_users" else None
    check(root, MANY, sides, name, cut_at=None, n_ties_at_cut=0, n_whole_users=None, n_learned_new_users=n_learned)
    check_judged(root, MANY, sides, name)
    assert rows(root, "from split.folds") == []


def test_the_same_seed_draws_the_same_whatever_the_order_of_the_rows(drawn: Drawn, tmp_path: Path) -> None:
    name, _, sides = drawn
    assert built(tmp_path, SHUFFLED, {**DRAWN[name], "seed": 3}) == sides


def test_another_seed_draws_others_that_have_nothing_to_do_with_them(drawn: Drawn, tmp_path: Path) -> None:
    name, _, sides = drawn
    others = built(tmp_path, MANY, {**DRAWN[name], "seed": 4})
    if name == "new_users":
        new, also_new = ({event.user_id for event in on_side(MANY, one, "fold_in", "test")} for one in (sides, others))
        assert_share(len(new & also_new), 150, 0.3 * 0.3, name)
    else:
        test, also_test = (pairs_of(on_side(MANY, one, "test")) for one in (sides, others))
        assert_share(len(test & also_test), len(pairs_of(MANY)), 0.3 * 0.3, name)
    assert sides != others


def test_a_pair_stands_on_one_side(drawn: Drawn) -> None:
    _, _, sides = drawn
    for pair, its_sides in sides_of_pairs(MANY, sides).items():
        assert len(its_sides - {"not_selected"}) <= 1, pair
        assert its_sides <= {"train", "not_selected"} or len(its_sides) == 1, pair


def test_the_shares_are_those_that_were_asked_for(drawn: Drawn) -> None:
    name, _, sides = drawn
    if name == "new_users":
        new = {event.user_id for event in on_side(MANY, sides, "fold_in", "test")}
        assert not new & {event.user_id for event in on_side(MANY, sides, "train")}
        assert_share(len(new), 150, 0.3, "new users")
        pairs = pairs_of(event for event in MANY if event.user_id in new)
        assert_share(len(pairs_of(on_side(MANY, sides, "test"))), len(pairs), 0.4, "held out")
    else:
        assert_share(len(pairs_of(on_side(MANY, sides, "test"))), len(pairs_of(MANY)), 0.3, name)


def test_a_sample_of_train_leaves_test_alone(tmp_path: Path) -> None:
    whole = built(tmp_path, MANY, {**DRAWN["random"], "seed": 5})
    sample = built(tmp_path, MANY, {**DRAWN["random"], "seed": 5, "train_sample": 0.25})
    assert on_side(MANY, sample, "test") == on_side(MANY, whole, "test")
    train = on_side(MANY, whole, "train")
    assert {sample[event.number] for event in train} == {"train", "not_selected"}
    # of one key for the split and the sample, train would be 0 or 0.25 / 0.7 of it
    assert_share(len(on_side(train, sample, "train")), len(train), 0.25, "sample")


@pytest.mark.parametrize("split", ["none", "time", "last_n", "new_users"])
def test_a_sample_of_train_is_taken_of_every_split(tmp_path: Path, split: str) -> None:
    chosen = {"split": split, "test_share": 0.3, "seed": 1}
    whole = built(tmp_path, MANY, chosen)
    sample = built(tmp_path, MANY, {**chosen, "train_sample": 0.5})
    check(tmp_path, MANY, sample, split)
    train = on_side(MANY, whole, "train")
    assert_share(len(on_side(train, sample, "train")), len(train), 0.5, split)
    for event in MANY:
        allowed = {"train", "not_selected"} if whole[event.number] == "train" else {whole[event.number]}
        assert sample[event.number] in allowed, event
