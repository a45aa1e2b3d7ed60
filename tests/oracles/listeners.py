"""What recipe 2 says about listeners: selection, spellings, profiles, neighbours, lists; in pandas and numpy.

Written from the recipe's text alone. Every user stands in one dense matrix, every distance is made of differences.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

PLAYS = ("user_id", "artist_id", "artist_name", "plays")
PROFILES = ("user_id", "gender", "age", "country", "signup")
OLDEST = 100
NEAR_ZERO = 1e-12


@dataclass(frozen=True)
class Settings:
    """The parameters of the recipe that decide here."""

    gender: str | None = None
    age_mean: str = "raw"
    spelling_min: int = 2
    n_neighbors: int = 100
    top_n: int = 20


@dataclass(frozen=True)
class Answer:
    """All that the recipe says about some plays and profiles."""

    profile_ledger: Counter[str]
    selection_ledger: Counter[str]
    play_ledger: Counter[str]
    selected_plays: pd.DataFrame
    profiles: pd.DataFrame
    kept: pd.DataFrame
    spellings: dict[str, dict[str, int]]
    names: dict[str, str]
    ages: pd.Series
    age_shares: pd.Series
    space: "Space" = field(repr=False)


@dataclass(frozen=True)
class Space:
    """Users by features: where everybody stands, in the order of the sorted user ids."""

    user_ids: list[str]
    artist_ids: list[str]
    plays: np.ndarray
    is_silent: np.ndarray
    x: np.ndarray


@dataclass(frozen=True)
class Neighbours:
    """Of each user, the nearest ones best first, and how far they are; the user itself is the first."""

    places: np.ndarray
    distances: np.ndarray


def read_tab_separated(path: Path, columns: Collection[str]) -> pd.DataFrame:
    """Read lines without header and without quotes; every field is a text, a blank one is missing."""
    lines = path.read_bytes().decode("utf-8").split("\n")
    rows = [[text or None for text in line.split("\t")] for line in lines if line]
    return pd.DataFrame(rows, columns=list(columns), dtype=object)


def whole_number(text: Any) -> int | None:
    """The integer that a field spells, or None."""
    try:
        return int(text)
    except (TypeError, ValueError):
        return None


def answer(plays: pd.DataFrame, profiles: pd.DataFrame, settings: Settings, users: Collection[str]) -> Answer:
    """Work out steps 1 to 8; `users` are those that user_sample keeps, since the recipe leaves the hash open."""
    profile_reasons = [profile_reason(row, settings, set(users)) for row in profiles.to_dict("records")]
    selected_profiles = profiles[[reason is None for reason in profile_reasons]].sort_values("user_id")
    known = set(selected_profiles["user_id"])
    subset = known if settings.gender else set(users)
    is_selected = plays["user_id"].isin(subset) | (plays["user_id"].isna() & (settings.gender is None))
    selected = plays[is_selected]
    play_reasons = [play_reason(row, known) for row in selected.to_dict("records")]
    kept = selected[[reason is None for reason in play_reasons]].assign(plays=lambda rows: rows["plays"].map(int))
    ages = clean_ages(selected_profiles["age"].map(whole_number).astype(float), settings.age_mean)
    age_shares = scaled(ages)
    spellings = spellings_of(selected)
    return Answer(
        profile_ledger=ledger(profile_reasons),
        selection_ledger=ledger(None if one else "not_selected" for one in is_selected),
        play_ledger=ledger(play_reasons),
        selected_plays=selected,
        profiles=selected_profiles,
        kept=kept,
        spellings={artist: names for artist, names in spellings.items() if len(names) > settings.spelling_min},
        names={artist: most_frequent(names) for artist, names in spellings_of(kept).items()},
        ages=ages.set_axis(selected_profiles["user_id"]),
        age_shares=age_shares.set_axis(selected_profiles["user_id"]),
        space=space_of(kept, selected_profiles, age_shares.to_numpy()),
    )


def profile_reason(row: Mapping[Any, Any], settings: Settings, users: Collection[str]) -> str | None:
    """The reason that rejects a profile; repeated users do not stand in the data of this oracle."""
    if row["user_id"] is None:
        return "missing_user_id"
    is_other = settings.gender is not None and row["gender"] != settings.gender
    return "not_selected" if is_other or row["user_id"] not in users else None


def play_reason(row: Mapping[Any, Any], known: Collection[str]) -> str | None:
    """The first reason that rejects a selected row of the plays."""
    if row["user_id"] is None:
        return "missing_user_id"
    if row["artist_id"] is None:
        return "missing_artist_id"
    if row["artist_name"] is None:
        return "missing_artist_name"
    number = whole_number(row["plays"])
    if number is None or number <= 0:
        return "bad_plays"
    return None if row["user_id"] in known else "user_not_in_profiles"


def ledger(reasons: Iterable[str | None]) -> Counter[str]:
    """Rows in, kept, and rejected by reason."""
    counted = Counter(reason or "kept" for reason in reasons)
    counted["in"] = counted.total()
    return +counted


def spellings_of(rows: pd.DataFrame) -> dict[str, dict[str, int]]:
    """How often each artist id bears each name, of rows that have both."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for artist, name in rows[["artist_id", "artist_name"]].dropna().itertuples(index=False):
        found[artist][name] += 1
    return {artist: dict(names) for artist, names in found.items()}


def most_frequent(names: Mapping[str, int]) -> str:
    """The most frequent name, the smaller text among equals."""
    return min(names, key=lambda name: (-names[name], name))


def clean_ages(ages: pd.Series, age_mean: str) -> pd.Series:
    """Ages with a mean in the place of those that are missing or not of 0 to 100."""
    is_absurd = ages.notna() & ~ages.between(0, OLDEST)
    if age_mean == "valid":
        return ages.mask(is_absurd).fillna(ages.mask(is_absurd).mean())
    with_mean = ages.mask(is_absurd, ages.mean())
    return with_mean.fillna(with_mean.mean())


def scaled(numbers: pd.Series) -> pd.Series:
    """Numbers from 0 to 1 by their smallest and largest; 0 where all are alike, which part nobody."""
    reach = numbers.max() - numbers.min()
    return (numbers - numbers.min()) / reach if reach > 0 else pd.Series(0.0, index=numbers.index)


def described(rows: pd.DataFrame, number_column: str) -> dict[str, dict[str, Any]]:
    """What pandas says of each column: of texts the distinct ones and the most frequent, of numbers the spread."""
    found: dict[str, dict[str, Any]] = {}
    for column in rows.columns:
        texts = rows[column].dropna()
        counts = sorted(texts.value_counts().items(), key=lambda one: (-one[1], one[0]))
        found[column] = {
            "n_missing": len(rows) - len(texts),
            "n_distinct": texts.nunique(),
            "top_value": counts[0][0] if counts else None,
            "n_top": counts[0][1] if counts else None,
        }
    numbers = rows[number_column].map(whole_number).dropna().astype(float).describe()
    found[number_column] = {
        "n_missing": found[number_column]["n_missing"],
        "mean": numbers["mean"],
        "standard_deviation": numbers["std"],
        "smallest": numbers["min"],
        "lower_quartile": numbers["25%"],
        "median": numbers["50%"],
        "upper_quartile": numbers["75%"],
        "largest": numbers["max"],
    }
    return found


def space_of(kept: pd.DataFrame, profiles: pd.DataFrame, age_shares: np.ndarray) -> Space:
    """Users without plays get the mean plays; plays add up to 1 for every user; then age, then countries.

    Where nobody has plays all of them are 0, and where nobody has an age all ages are.
    """
    user_ids, artist_ids = sorted(profiles["user_id"]), sorted(set(kept["artist_id"]))
    assert user_ids == list(profiles["user_id"])
    place_of_user = {user: at for at, user in enumerate(user_ids)}
    place_of_artist = {artist: at for at, artist in enumerate(artist_ids)}
    raw = np.zeros((len(user_ids), len(artist_ids)))
    for user, artist, plays in kept[["user_id", "artist_id", "plays"]].itertuples(index=False):
        raw[place_of_user[user], place_of_artist[artist]] += plays
    is_silent = raw.sum(axis=1) == 0
    if not is_silent.all():
        raw[is_silent] = raw[~is_silent].mean(axis=0)
    totals = raw.sum(axis=1, keepdims=True)
    plays_share = raw / np.where(totals == 0, 1, totals)
    countries = sorted(set(profiles["country"].dropna()))
    one_hot = np.array([[float(own == country) for country in countries] for own in profiles["country"]])
    return Space(user_ids, artist_ids, plays_share, is_silent, np.hstack([plays_share, age_shares[:, None], one_hot]))


def neighbours_of(space: Space, n_neighbors: int) -> Neighbours:
    """Every user's nearest, by round(distance, 9), then place; the user itself always first."""
    squares = cdist(space.x, space.x, "sqeuclidean")
    distances = np.sqrt(np.where(squares < NEAR_ZERO, 0.0, squares))
    places = []
    for user, row in enumerate(distances):
        rounded = np.round(row, 9)
        places.append(sorted(range(len(row)), key=lambda at: (at != user, rounded[at], at))[:n_neighbors])
    chosen = np.array(places)
    return Neighbours(chosen, np.take_along_axis(distances, chosen, axis=1))


def lists_of(space: Space, neighbours: Neighbours, top_n: int) -> dict[str, list[tuple[str, float]]]:
    """Every user's best artists with their scores: the mean over the others of weight × their share of plays."""
    largest = neighbours.distances.max()
    lists = {}
    for user, (places, distances) in enumerate(zip(neighbours.places, neighbours.distances, strict=True)):
        others, weights = places[1:], 1 - distances[1:] / largest if largest else np.ones(len(places) - 1)
        if not len(others):
            lists[space.user_ids[user]] = []
            continue
        scores = (weights[:, None] * space.plays[others]).mean(axis=0)
        has_played = (space.plays[user] > 0) & ~space.is_silent[user]
        rounded = np.round(scores, 12)
        best_first = sorted(np.flatnonzero((rounded > 0) & ~has_played), key=lambda item: (-rounded[item], item))
        lists[space.user_ids[user]] = [(space.artist_ids[item], float(scores[item])) for item in best_first[:top_n]]
    return lists
