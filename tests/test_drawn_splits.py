"""What a hash draws for a split: each pair on one side, the shares that were asked for, the same on every machine."""

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from building import rows
from dividing import built, check, check_judged
from oracles.splits import Event, Sides, is_likely, on_side, pairs_of, sides_of_pairs

START = datetime(2024, 1, 1)


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
