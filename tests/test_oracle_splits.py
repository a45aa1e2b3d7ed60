"""The package and the oracle agree on every split that no hash draws: its sides, folds, judged pairs and manifest."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import lay_out, rows, run
from dividing import built, check, check_judged, check_sides, values
from oracles.splits import (
    MICROSECOND,
    Event,
    Fold,
    Sides,
    cut_by_share,
    divided_by_last_n,
    divided_by_time,
    on_side,
    ties_of_users,
    whole_users,
    windows,
)
from projects import command_here

START = datetime(2024, 1, 1)
FOLDS = "select fold, cut_at, end_at, is_chosen from split.folds order by fold"


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
    assert rows(tmp_path, FOLDS) == [(1, cut_at, None, True)], note


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
        told = [(*one, one == fold) for one in wanted_folds]
        assert rows(tmp_path, FOLDS) == told, note
        tested.update(event.number for event in on_side(events, found, "test"))
    assert set(tested.values()) == {1}
    if cutoff is None:
        last = max(event.occurred_at for event in events if event.occurred_at)
        assert any(event.occurred_at == last and event.number in tested for event in events)


def test_a_sweep_over_the_folds_judges_each_of_them_as_its_build_does(tmp_path: Path) -> None:
    chance = random.Random(5)
    events = [
        Event(at, chance.randrange(9), chance.randrange(9), START + timedelta(hours=chance.randrange(240)), None)
        for at in range(200)
    ]
    lay_out(tmp_path, events=values(events))
    common = {"split": "time", "folds": 3, "fold_days": 2, "models": '["popular"]', "ks": "[5]"}
    settings = [part for name, value in {**common, "fold": "1,2,3"}.items() for part in ("--set", f"{name}={value}")]
    done = command_here(tmp_path, "sweep", *settings)
    assert done.returncode == 0, done.stderr
    found = "metric, k, convention, value, n_users"
    for fold in (1, 2, 3):
        parameters = {**common, "models": ["popular"], "ks": [5], "fold": fold}
        run(tmp_path, {"parameters": list(parameters.items())})
        metrics = rows(tmp_path, f"select {found} from eval.metrics order by all")
        assert rows(tmp_path, f"select {found} from eval.sweep where fold = {fold} order by all", "sweep") == metrics
        assert metrics


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


def test_the_last_tracks_of_real_playlists_agree_with_the_oracle(slices_folder: Path, tmp_path: Path) -> None:
    """Playlists have no times but places: the last ones are test, repeats of their tracks included."""
    source = slices_folder / "mpd.slice.0-999.json"
    events = [
        Event(0, playlist["pid"], track["track_uri"].removeprefix("spotify:track:"), None, track.get("pos", at))
        for playlist in json.loads(source.read_text(encoding="utf-8"))["playlists"]
        for at, track in enumerate(playlist["tracks"])
    ]
    events = [event._replace(number=number) for number, event in enumerate(events)]
    chosen = {"item_entity": "track", "top_entities": 0, "min_playlist_tracks": 0, "split": "last_n", "last_n": 5}
    given = {"kind": "mpd", "files": [("", str(source))], "parameters": list(chosen.items())}
    run(tmp_path, given, select=("+split.manifest",), memory_limit=2_000_000_000)
    sides = divided_by_last_n(events, 5)
    wanted = Counter((event.user_id, event.item_id, event.position, sides[event.number]) for event in events)
    assert Counter(rows(tmp_path, "select user_id, item_id, position, side from split.events")) == wanted
    figures = rows(tmp_path, "select n_whole_users, n_ties_at_cut from split.manifest")
    assert figures == [(whole_users(events, 5), 0)]
    assert whole_users(events, 5) > 0
