"""Negatives are what drawing one by one gives: how many, of what, and how likely each; on builds of small data.

Users whose histories are alike are drawn for independently, so that one build with many of them is many draws.
Bounds on chance are five standard deviations; seeds are fixed, so that what passes once passes always.
"""

import math
from collections import Counter
from collections.abc import Mapping
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from building import lay_out, rows, run, steps
from numpy.typing import NDArray

from recsys_duck.errors import ProjectError
from recsys_duck.events import Warned

BOUND = 5.0
PAIRS = "select user_id, item_id, n_draws from training.negatives order by all"


def varied(n_items: int) -> str:
    """30 users of 1 to 30 items each, of at most n_items, some of them met twice."""
    return f"""
        select user_id, 1 + (item_id * 7 + user_id) % {n_items} as item_id
        from range(1, 31) as users(user_id), range(30) as items(item_id)
        where item_id < user_id or (item_id = 3 and user_id % 3 = 0)
        union all select 30, 38
    """


def alike(n_items: int, n_times: int) -> str:
    """Users of one item each: item 1 is met by n_times users, item i by i times as many."""
    return f"""
        select row_number() over () as user_id, item_id
        from range(1, {n_items} + 1) as items(item_id), range(1, {n_items} + 1) as turns(turn), range({n_times})
        where turn <= item_id
    """


def built(root: Path, events: str, **parameters: object) -> Path:
    """Build a project up to its examples; returns its folder."""
    if not (root / "recsys.toml").exists():
        root.mkdir(exist_ok=True)
        lay_out(root, events=events, toml='[parameters]\nmodels = ["popular"]\nnegative_ratio = 3.0\n')
    run(root, {"parameters": list(parameters.items())}, select=("+training.examples",))
    return root


def counted(root: Path, question: str) -> int:
    return int(str(rows(root, question)[0][0]))


def z_score(found: float, wanted: float, variance: float) -> float:
    return (found - wanted) / math.sqrt(variance)


def chi_square_z(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    """How many standard deviations a chi-square is above its mean, by the cube root (Wilson and Hilferty)."""
    degrees = found.size - 1
    chi_square = float((((found - wanted) ** 2) / wanted).sum())
    return float((np.cbrt(chi_square / degrees) - (1 - 2 / (9 * degrees))) / math.sqrt(2 / (9 * degrees)))


def drawn_one_by_one(weights: Mapping[int, float], n_drawn: int) -> dict[frozenset[int], float]:
    """How likely each set is, drawn one by one without replacement, renormalised draw by draw."""
    shares: Counter[frozenset[int]] = Counter()
    total = math.fsum(weights.values())
    for order in permutations(weights, n_drawn):
        share, left = 1.0, total
        for item in order:
            share *= weights[item] / left
            left -= weights[item]
        shares[frozenset(order)] += share  # type: ignore[assignment]
    return dict(shares)  # type: ignore[arg-type]


def simulated(weights: Mapping[int, float], n_drawn: int, n_times: int) -> dict[int, float]:
    """How often each item is among those drawn one by one, by drawing in numpy."""
    generator = np.random.default_rng(11)
    items = np.array(list(weights))
    shares = np.array([weights[int(item)] for item in items]) / math.fsum(weights.values())
    found: Counter[int] = Counter()
    for _ in range(n_times):
        found.update(generator.choice(items, n_drawn, replace=False, p=shares).tolist())
    return {int(item): found[int(item)] / n_times for item in items}


def weights_of(sampling: str, n_items: int) -> dict[int, float]:
    """What each item weighs where users are alike."""
    power = {"popularity": 1.0, "uniform": 0.0, "power": 0.75}[sampling]
    return {item: item**power for item in range(1, n_items + 1)}


@pytest.mark.parametrize(
    ("sampling", "ratio", "n_items"), [("popularity", 3.0, 40), ("popularity", 2.0, 400), ("uniform", 0.3, 40)]
)
def test_each_user_gets_the_ratio_rounded_up_of_items_never_met_each_once(
    tmp_path: Path, sampling: str, ratio: float, n_items: int
) -> None:
    root = built(tmp_path / "p", varied(n_items), negative_sampling=sampling, negative_ratio=ratio)
    met = {(int(str(user)), int(str(item))) for user, item in rows(root, "select user_id, item_id from core.events")}
    n_met = Counter(user for user, _ in met)
    found = [(int(str(user)), int(str(item))) for user, item, _ in rows(root, PAIRS)]
    assert not met & set(found)
    assert len(found) == len(set(found))
    n_known = len({item for _, item in met})
    wanted = {user: min(math.ceil(round(ratio * n, 9)), n_known - n) for user, n in n_met.items()}
    assert Counter(user for user, _ in found) == wanted
    assert {item for _, item in found} <= {item for _, item in met}


def test_a_user_with_too_few_items_left_gets_them_all_and_is_warned_of(tmp_path: Path) -> None:
    lay_out(tmp_path, events=varied(40), toml="[parameters]\nnegative_ratio = 3.0\n")
    told = [event for event in run(tmp_path, select=("+training.examples",)) if isinstance(event, Warned)]
    asked = [event.message for event in told if event.stage == "training.negative_quotas"]
    n_short = sum(1 for user in range(1, 31) if 3 * user > 40 - user)
    assert len(asked) == 1
    assert f"{n_short} rows" in asked[0]
    assert counted(tmp_path, "select count(*) from training.negatives where user_id = 30") == 10


def test_nothing_is_drawn_where_no_ratio_asks_for_it(tmp_path: Path) -> None:
    lay_out(tmp_path, events=varied(40))
    assert not [key for key in steps(tmp_path) if "negative" in key or key == "training.examples"]
    with pytest.raises(ProjectError) as caught:
        steps(tmp_path, select=("+training.examples",))
    assert caught.value.fix == "it is made only if negative_ratio is on"


@pytest.mark.parametrize(
    ("events", "settings"),
    [
        (varied(40), {"negative_ratio": 0.5}),
        (varied(40), {"negative_ratio": 3.0, "negative_repeats": True}),
        (varied(40), {"negative_ratio": 0.5, "negative_scope": "all"}),
        (alike(80, 1), {"negative_scope": "all", "negative_ratio": 0.1}),
        (alike(80, 1), {"negative_scope": "all", "negative_ratio": 0.1, "negative_repeats": True}),
    ],
)
def test_a_seed_gives_the_same_negatives_in_any_order_of_rows_and_blocks_and_another_gives_others(
    tmp_path: Path, events: str, settings: dict[str, Any]
) -> None:
    root = tmp_path / "p"
    first = rows(built(root, events, **settings), PAIRS)
    n_rest = counted(root, "select count(*) from training.negative_rest")
    assert (n_rest > 0) == (events == varied(40))
    again = rows(built(root, events, **settings, pairs_per_block=50), PAIRS)
    blocks = "(select count(*) from training.negative_blocks) + (select count(*) from training.negative_rest_blocks)"
    assert counted(root, f"select {blocks}") > 2
    other_order = f"select * from ({events}) order by md5(concat(user_id, item_id))"
    shuffled = rows(built(tmp_path / "shuffled", other_order, **settings), PAIRS)
    other = rows(built(root, events, **settings, seed=1), PAIRS)
    assert first == again == shuffled
    assert len(set(other) & set(first)) < 0.9 * len(first)


@pytest.mark.parametrize(
    ("sampling", "ratio", "is_drawn"),
    [("popularity", 3.0, True), ("power", 3.0, True), ("popularity", 9.0, False), ("power", 9.0, False)],
)
def test_items_come_as_often_as_drawing_one_by_one_gives_them(
    tmp_path: Path, sampling: str, ratio: float, is_drawn: bool
) -> None:
    root = built(tmp_path / "p", alike(40, 20), negative_sampling=sampling, negative_ratio=ratio)
    assert (counted(root, "select min(n_draws) from training.negative_quotas") > 0) == is_drawn
    n_users, n_times = 40 * 20, 20_000
    weights = {item: weight for item, weight in weights_of(sampling, 40).items() if item != 40}
    if ratio == 3.0:
        sets = drawn_one_by_one(weights, 3)
        wanted = {item: math.fsum(share for one, share in sets.items() if item in one) for item in weights}
        n_times = 10**9
    else:
        wanted = simulated(weights, 9, n_times)
    question = """
        select negatives.item_id, count(*) from training.negatives
        inner join core.events using (user_id) where events.item_id = 40 group by all
    """
    found = {int(str(item)): int(str(n)) for item, n in rows(root, question)}
    assert sum(found.values()) == n_users * round(ratio)
    scores = [
        z_score(found.get(item, 0) / n_users, share, share * (1 - share) * (1 / n_users + 1 / n_times))
        for item, share in wanted.items()
    ]
    assert max(map(abs, scores)) < BOUND
    assert 0.5 < np.std(scores) < 1.5


@pytest.mark.parametrize("n_items", [12, 60])
def test_every_set_of_two_comes_as_often_where_items_weigh_alike(tmp_path: Path, n_items: int) -> None:
    events = f"select i as user_id, 1 + i % {n_items} as item_id from range({n_items} * 400) as numbers(i)"
    root = built(tmp_path / "p", events, negative_ratio=2.0)
    assert (counted(root, "select min(n_draws) from training.negative_quotas") > 0) == (n_items == 60)
    question = """
        select (a.item_id - e.item_id + {n}) % {n} as left_step,
            (b.item_id - e.item_id + {n}) % {n} as right_step,
            count(*)
        from training.negatives as a inner join training.negatives as b using (user_id)
        inner join core.events as e using (user_id)
        where left_step < right_step group by all
    """
    found = {(int(str(a)), int(str(b))): int(str(n)) for a, b, n in rows(root, question.format(n=n_items))}
    pairs = list(combinations(range(1, n_items), 2))
    assert set(found) <= set(pairs)
    counts = np.array([found.get(pair, 0) for pair in pairs], float)
    assert counts.sum() == n_items * 400
    assert abs(chi_square_z(counts, np.full(len(pairs), counts.sum() / len(pairs)))) < BOUND


def test_two_numbers_of_a_draw_are_uniform_and_know_nothing_of_their_neighbours(tmp_path: Path) -> None:
    events = "select i as user_id, i % 100 as item_id from range(200) as numbers(i)"
    root = built(
        tmp_path / "p", f"{events} union all select i, i from range(100, 40000) as numbers(i)", negative_ratio=9.0
    )
    where = "where user_idx < 12000 and draw <= 20"
    found = np.array(rows(root, f"select place, pause from training.negative_numbers {where} order by user_idx, draw"))
    places, pauses = found[:, 0].reshape(12000, 20), found[:, 1].reshape(12000, 20)

    def uneven(*numbers: NDArray[Any], n: int) -> float:
        cells = np.zeros(numbers[0].size, int)
        for one in numbers:
            cells = cells * n + (one.reshape(-1) * n).astype(int)
        n_cells = n ** len(numbers)
        counts = np.bincount(cells, minlength=n_cells).astype(float)
        return abs(chi_square_z(counts, np.full(n_cells, cells.size / n_cells)))

    low = places * 2**30 % 1
    scores = {
        "place": uneven(places, n=1000),
        "pause": uneven(pauses, n=1000),
        "low digits": uneven(low, n=1000),
        "place and pause": uneven(places, pauses, n=40),
        "place and low digits": uneven(places, low, n=40),
        **{f"draw and {lag} on": uneven(places[:, lag:], places[:, :-lag], n=40) for lag in (1, 2, 3, 7)},
        **{f"user and {lag} on": uneven(places[lag:], places[:-lag], n=40) for lag in (1, 2, 10)},
        "pauses of draws": uneven(pauses[:, 1:], pauses[:, :-1], n=40),
        "pauses of users": uneven(pauses[1:], pauses[:-1], n=40),
        "three draws": uneven(places[:, 2:], places[:, 1:-1], places[:, :-2], n=12),
        "square of draws and users": uneven(places[1:, 1:], places[1:, :-1], places[:-1, 1:], places[:-1, :-1], n=6),
    }
    assert max(scores.values()) < BOUND, scores
    assert len(np.unique(places)) == places.size


@pytest.mark.parametrize(
    ("sampling", "n_items", "n_times", "ratio", "is_drawn"),
    [
        ("popularity", 200, 1, 0.2, True),
        ("popularity", 200, 1, 8.0, True),
        ("uniform", 200, 1, 8.0, True),
        ("popularity", 40, 20, 20.0, False),
    ],
)
def test_drawn_over_all_pairs_are_as_many_as_the_ratio_and_none_is_favoured(
    tmp_path: Path, sampling: str, n_items: int, n_times: int, ratio: float, is_drawn: bool
) -> None:
    settings = {"negative_scope": "all", "negative_sampling": sampling, "negative_ratio": ratio}
    root = built(tmp_path / "p", alike(n_items, n_times), **settings)
    assert (counted(root, "select min(n_draws) from training.negative_quotas") > 0) == is_drawn
    n_users = n_items * (n_items + 1) // 2 * n_times
    found = [(int(str(user)), int(str(item))) for user, item, _ in rows(root, PAIRS)]
    met = {int(str(user)): int(str(item)) for user, item in rows(root, "select user_id, item_id from core.events")}
    assert len(found) == len(set(found)) == round(ratio * n_users)
    assert all(met[user] != item for user, item in found)
    # each pair (u, i) is in with 1 - exp(-weight * t), for the t that makes them as many as are wanted
    n_met = Counter(met.values())
    weights = weights_of(sampling, n_items)
    total = math.fsum(weights.values())

    def expected(t: float) -> dict[int, float]:
        return {item: (n_users - n_met[item]) * -math.expm1(-t * weights[item] / total) for item in weights}

    low, high = 0.0, 1e4
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(expected(middle).values()) < len(found) else (low, middle)
    counts = Counter(item for _, item in found)
    scores = [
        z_score(counts[item], wanted, wanted * (1 - wanted / (n_users - n_met[item])))
        for item, wanted in expected(low).items()
    ]
    assert max(map(abs, scores)) < BOUND
    assert np.std(scores) > 0.4  # drawn, not dealt out
    per_user = Counter(user for user, _ in found)
    numbers = np.array([per_user[user] for user in met])
    variance = numbers.var() / sum(n / n_users * (1 - n / n_users) for n in expected(low).values())
    assert 0.9 < variance < 1.1


@pytest.mark.parametrize("scope", ["user", "all"])
def test_with_repeats_each_draw_is_by_weight_among_items_never_met(tmp_path: Path, scope: str) -> None:
    root = built(tmp_path / "p", alike(40, 20), negative_scope=scope, negative_repeats=True)
    n_users = 820 * 20
    question = """
        select events.item_id, negatives.item_id, sum(n_draws) from training.negatives
        inner join core.events using (user_id) group by all
    """
    found = {(int(str(met)), int(str(item))): int(str(n)) for met, item, n in rows(root, question)}
    assert sum(found.values()) == 3 * n_users
    assert counted(root, "select max(n_draws) from training.negatives") > 1
    weights = weights_of("popularity", 40)
    of_40 = math.fsum(weights.values()) - weights[40]
    n_draws = sum(n for (met, _), n in found.items() if met == 40)
    if scope == "user":
        assert n_draws == 3 * 800
    counts = np.array([found.get((40, item), 0) for item in range(1, 40)], float)
    assert abs(chi_square_z(counts, np.array([n_draws * weights[item] / of_40 for item in range(1, 40)]))) < BOUND


def test_with_repeats_one_who_met_nearly_all_draws_among_the_few_left(tmp_path: Path) -> None:
    many = "select user_id, item_id from range(400) as users(user_id), range(39) as items(item_id)"
    rare = "select 1000 + i, 100 + i % 3 from range(6) as numbers(i) where i <> 5"
    root = built(tmp_path / "p", f"{many} union all {rare}", negative_repeats=True, negative_ratio=2.0)
    assert counted(root, "select count(*) from training.negative_quotas where n_draws = 0") == 400
    question = "select item_id, sum(n_draws) from training.negatives where user_id < 400 group by all order by all"
    found = {int(str(item)): int(str(n)) for item, n in rows(root, question)}
    n_draws = 400 * 39 * 2
    assert sum(found.values()) == n_draws
    counts = np.array([found[100], found[101], found[102]], float)
    assert abs(chi_square_z(counts, np.array([2, 2, 1]) * n_draws / 5)) < BOUND
    per_user = rows(root, "select distinct sum(n_draws) from training.negatives where user_id < 400 group by user_id")
    assert per_user == [(78,)]


@pytest.mark.parametrize("split", ["random", "new_users"])
def test_examples_are_made_of_train_alone(tmp_path: Path, split: str) -> None:
    root = built(tmp_path / "p", varied(40), split=split, test_share=0.3)
    positives = "select user_id, item_id from training.examples where rating = 1"
    train = "select user_id, item_id from split.train"
    assert rows(root, f"({positives}) except ({train})") == []
    assert rows(root, f"({train}) except ({positives})") == []
    negatives = "select user_id, item_id from training.examples where rating = 0"
    assert rows(root, f"({negatives}) intersect ({train})") == []
    assert rows(root, "select item_id from training.negatives except select item_id from split.train") == []
    assert rows(root, "select user_id from training.examples except select user_id from split.train") == []
    if split == "random":  # who learns can't know what is judged
        assert (
            rows(root, f"({negatives}) intersect (select user_id, item_id from split.events where side = 'test')") != []
        )


def test_examples_weigh_the_plays_of_train_and_negatives_nothing(tmp_path: Path) -> None:
    events = (
        "select 1 as user_id, i % 3 as item_id, i + 1 as weight from range(4) as numbers(i) union all select 2, 7, 5"
    )
    root = built(tmp_path / "p", events, negative_ratio=1.0)
    question = "select user_id, item_id, rating, cast(weight as double), n_draws from training.examples order by all"
    found = rows(root, question)
    assert found[:4] == [(1, 0, 1, 1.0 + 4.0, 1), (1, 1, 1, 2.0, 1), (1, 2, 1, 3.0, 1), (1, 7, 0, None, 1)]
    assert found[5] == (2, 7, 1, 5.0, 1)
    assert found[4][0] == 2
    assert found[4][1] in (0, 1, 2)
    assert found[4][2:] == (0, None, 1)


def test_baskets_of_the_training_size_alone_give_positives(tmp_path: Path) -> None:
    events = """
        select user_id, user_id * 10 + basket as basket_id, (user_id + basket * place) % 17 as item_id
        from range(1, 12) as users(user_id), range(4) as baskets(basket), range(8) as places(place)
        where place <= (user_id + basket) % 8
    """
    sized = {"basket_by": "basket_id", "basket_min": 3, "training_basket_max": 5, "negative_scope": "all"}
    root = built(tmp_path / "p", events, negative_ratio=1.0, **sized)
    baskets: dict[int, list[tuple[int, int]]] = {}
    for user, basket, item in rows(root, "select user_id, basket_id, item_id from core.events"):
        baskets.setdefault(int(str(basket)), []).append((int(str(user)), int(str(item))))
    wanted = {pair for basket in baskets.values() if 3 <= len(basket) <= 5 for pair in basket}
    found = {
        (int(str(user)), int(str(item)))
        for user, item in rows(root, "select user_id, item_id from training.examples where rating = 1")
    }
    assert found == wanted
    met = {pair for basket in baskets.values() for pair in basket}
    negatives = {(int(str(user)), int(str(item))) for user, item, _ in rows(root, PAIRS)}
    assert len(negatives) == len(wanted)
    assert not negatives & met
    assert {user for user, _ in negatives} <= {user for user, _ in wanted}
    assert {item for _, item in negatives} <= {item for _, item in wanted}


def test_baskets_too_large_for_the_training_size_are_a_contradiction(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        built(tmp_path / "p", varied(40), basket_min=5, training_basket_max=4)
    assert "basket_min = 5 and training_basket_max = 4" in caught.value.what
    assert "training_basket_max" in caught.value.fix
