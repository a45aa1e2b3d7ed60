"""Songs are drawn as negatives as often as drawing one by one, without replacement, by popularity would draw them."""

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from oracles.plays import draw_weights, inclusion, set_shares
from played import ALL, Built, lay_out, songs_named

# users alike, who are draws of their own: what they met, the rows of every song beside theirs, and how many are drawn
N_ALIKE = 3000
DRAWS = {
    "two of six": (["m1", "m2"], {"a": 1, "b": 2, "c": 4, "d": 8, "e": 16, "f": 32}, 2),
    "four of six": (["m1", "m2"], {"a": 1, "b": 2, "c": 4, "d": 8, "e": 16, "f": 32}, 4),
    "two of twenty": (["m1"], {f"s{at:02}": 1 + at * at for at in range(20)}, 2),
    "one of forty": (["m1"], {f"s{at:02}": 1 + at % 5 for at in range(40)}, 1),
}


def test_the_oracle_says_what_numpy_draws() -> None:
    _, n_rows, n_drawn = DRAWS["four of six"]
    weights = {song: float(number) for song, number in n_rows.items()}
    shares = np.array(list(weights.values())) / sum(weights.values())
    generator = np.random.default_rng(7)
    drawn = [frozenset(generator.choice(list(weights), n_drawn, replace=False, p=shares)) for _ in range(N_ALIKE)]
    assert_as_likely(Counter(drawn), set_shares(weights, n_drawn))


@pytest.mark.parametrize(
    ("name", "sampling"),
    [
        *((name, "popularity") for name in DRAWS),
        *((name, "power") for name in list(DRAWS)[1:3]),
        ("one of forty", "uniform"),
    ],
)
def test_songs_are_drawn_as_often_as_drawing_one_by_one_would(tmp_path: Path, name: str, sampling: str) -> None:
    met, n_rows, n_drawn = DRAWS[name]
    alike = [f"u{at}" for at in range(N_ALIKE)]
    # repeated rows of one user are popularity, too
    plays = [(user, song, 1) for user in alike for song in met]
    plays += [("crowd" if at % 2 else f"crowd {at}", song, 7) for song, rows in n_rows.items() for at in range(rows)]
    parameters = {**ALL, "negative_ratio": n_drawn / len(met), "negative_sampling": sampling, "negative_alpha": 0.5}
    built = Built(tmp_path, lay_out(tmp_path, plays, songs_named(*met, *n_rows)), parameters)
    assert all(len(built.negatives[user]) == n_drawn for user in alike)
    popularity = {song: Fraction(number, len(plays)) for song, number in n_rows.items()}
    wanted = set_shares(draw_weights(popularity, sampling, 0.5), n_drawn)
    sets = [frozenset(built.negatives[user]) for user in alike]
    assert_as_likely(Counter(sets), wanted)
    found = Counter(song for drawn in sets for song in drawn)
    for song, share in inclusion(wanted).items():
        spread = (share * (1 - share) / N_ALIKE) ** 0.5
        assert abs(found[song] / N_ALIKE - share) < 4.5 * spread + 1 / N_ALIKE, song
    # neighbours among the users draw alike no more often than any two
    n_alike = sum(one == other for one, other in pairwise(sets))
    share = sum(value * value for value in wanted.values())
    assert abs(n_alike / N_ALIKE - share) < 4.5 * (share * (1 - share) / N_ALIKE) ** 0.5 + 1 / N_ALIKE


def assert_as_likely(found: Mapping[frozenset[str], int], wanted: Mapping[frozenset[str], float]) -> None:
    """Test by chi-square, rare sets in one bin; the draws are seeded, so that it holds always or never."""
    n_draws = sum(found.values())
    assert found.keys() <= wanted.keys()
    common = [one for one, share in wanted.items() if share * n_draws >= 5]
    bins = [(found.get(one, 0), wanted[one] * n_draws) for one in common]
    rest = (n_draws - sum(one for one, _ in bins), n_draws - sum(expected for _, expected in bins))
    bins += [rest] if rest[1] >= 5 else []
    chi_square = sum((number - expected) ** 2 / expected for number, expected in bins)
    freedom = len(bins) - 1
    assert chi_square < freedom + 4.5 * (2 * freedom) ** 0.5 + 10, (chi_square, freedom)
