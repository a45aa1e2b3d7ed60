"""What recipe 1 says about play counts: catalog, filters, popularity, negatives; in standard-library Python.

Written from the recipe's text alone. Rows are walked one by one. What is drawn cannot be foretold; how likely each draw
is can, by walking through every order in which the items could come.
"""

import csv
import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from pathlib import Path

Weights = dict[str, float]


@dataclass(frozen=True)
class Play:
    """One row of the plays, as written; None where the field is blank."""

    user_id: str | None
    song_id: str | None
    freq: str | None


@dataclass(frozen=True)
class Song:
    """One row of the songs, as written; None where the field is blank."""

    track_id: str | None
    song_id: str | None
    artist: str | None
    title: str | None


Kept = tuple[str, str, int]
Named = tuple[str, str, int | None, str | None, str | None]


@dataclass(frozen=True)
class Settings:
    """The parameters of the recipe; 0 switches a filter off."""

    top_items: int = 2000
    min_items_per_user: int = 10


@dataclass(frozen=True)
class Answer:
    """All that the recipe says about some plays and songs, but for what is drawn."""

    catalog: dict[str, Song]
    song_ledger: Counter[str]
    play_ledger: Counter[str]
    event_ledger: Counter[str]
    top: list[str]
    merged: list[Named]
    filtered: list[Named]
    popularity: dict[str, Fraction]
    songs_of: dict[str, set[str]]


def read_csv(path: Path) -> list[dict[str, str | None]]:
    """Read a CSV with a header; a blank field is None."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]


def read_split(path: Path, mark: str, encoding: str = "utf-8") -> list[list[str | None]]:
    """Read lines of fields with a mark between them, without header and quotes; a blank field is None."""
    lines = path.read_bytes().decode(encoding).split("\n")
    return [[field or None for field in line.split(mark)] for line in lines if line]


def answer(plays: Iterable[Play], songs: Iterable[Song], settings: Settings) -> Answer:
    """Work out steps 1 to 8."""
    songs = list(songs)
    catalog, song_ledger = catalog_of(songs)
    reasons = [(play, play_reason(play, catalog)) for play in plays]
    kept = [kept_play(play) for play, reason in reasons if reason is None]
    top = top_songs(kept, settings.top_items)
    allowed = set(top)
    songs_of: defaultdict[str, set[str]] = defaultdict(set)
    for user_id, song_id, _ in kept:
        if song_id in allowed:
            songs_of[user_id].add(song_id)
    enough = {user_id for user_id, met in songs_of.items() if len(met) >= settings.min_items_per_user}
    event_ledger: Counter[str] = Counter({"in": len(kept)})
    filtered = []
    for row in kept:
        if row[1] not in allowed:
            event_ledger["item_below_top"] += 1
        elif settings.min_items_per_user and row[0] not in enough:
            event_ledger["user_below_minimum"] += 1
        else:
            event_ledger["kept"] += 1
            filtered.append(row)
    return Answer(
        catalog=catalog,
        song_ledger=song_ledger,
        play_ledger=Counter(["in" for _ in reasons] + [reason or "kept" for _, reason in reasons]),
        event_ledger=event_ledger,
        top=top,
        merged=[named(row, catalog) for row in kept],
        filtered=[named(row, catalog) for row in filtered],
        popularity=popularity_of(filtered),
        songs_of={user_id: songs_of[user_id] for user_id in {row[0] for row in filtered}},
    )


def catalog_of(songs: Collection[Song]) -> tuple[dict[str, Song], Counter[str]]:
    """One row for each song id, that of the smallest track id; what became of the rows."""
    ledger = Counter({"in": len(songs)})
    catalog: dict[str, Song] = {}
    for song in sorted(songs, key=lambda song: (song.track_id is None, song.track_id or "")):
        if song.song_id is None:
            ledger["missing_song_id"] += 1
        elif song.song_id in catalog:
            ledger["duplicate_song_id"] += 1
        else:
            ledger["kept"] += 1
            catalog[song.song_id] = song
    return catalog, ledger


def play_reason(play: Play, catalog: Mapping[str, Song]) -> str | None:
    """The first reason that rejects a row of the plays."""
    if play.user_id is None:
        return "missing_user_id"
    if play.song_id is None:
        return "missing_song_id"
    if play.freq is None or not re.fullmatch("[0-9]+", play.freq) or int(play.freq) == 0:
        return "bad_freq"
    return None if play.song_id in catalog else "song_not_in_catalog"


def kept_play(play: Play) -> Kept:
    """A row that no reason rejects, typed."""
    assert play.user_id is not None
    assert play.song_id is not None
    assert play.freq is not None
    return play.user_id, play.song_id, int(play.freq)


def top_songs(kept: Iterable[Kept], top_items: int) -> list[str]:
    """The songs with most distinct users, the smaller id first among equals; all of them when switched off."""
    n_users = Counter(song_id for _, song_id in {(user_id, song_id) for user_id, song_id, _ in kept})
    best_first = sorted(n_users, key=lambda song_id: (-n_users[song_id], song_id))
    return best_first[:top_items] if top_items else best_first


def named(row: Kept, catalog: Mapping[str, Song]) -> Named:
    """A row with the artist and the title of its song."""
    song = catalog[row[1]]
    return (*row, song.artist, song.title)


def popularity_of(filtered: Collection[Kept]) -> dict[str, Fraction]:
    """Rows of each song by all rows."""
    n_rows = Counter(song_id for _, song_id, _ in filtered)
    return {song_id: Fraction(number, len(filtered)) for song_id, number in n_rows.items()}


def n_negatives(n_songs: int, ratio: str, n_candidates: int) -> int:
    """How many negatives a user with so many songs gets; the ratio as it is written, not as a binary fraction."""
    return min(math.ceil(Fraction(ratio) * n_songs), n_candidates)


def draw_weights(popularity: Mapping[str, Fraction], sampling: str, alpha: float = 0.75) -> Weights:
    """The weight of each candidate; a song without rows is none."""
    powers = {"popularity": 1.0, "uniform": 0.0, "power": alpha}
    return {song_id: float(share) ** powers[sampling] for song_id, share in popularity.items() if share}


def set_shares(weights: Weights, n_drawn: int) -> dict[frozenset[str], float]:
    """How likely each set is, drawn one by one without replacement, renormalised draw by draw."""
    shares: defaultdict[frozenset[str], float] = defaultdict(float)
    for order in permutations(weights, n_drawn):
        share, remaining = 1.0, math.fsum(weights.values())
        for song_id in order:
            share *= weights[song_id] / remaining
            remaining -= weights[song_id]
        shares[frozenset(order)] += share
    return dict(shares)


def inclusion(shares: Mapping[frozenset[str], float]) -> Weights:
    """How likely each song is among those drawn."""
    found: defaultdict[str, float] = defaultdict(float)
    for drawn, share in shares.items():
        for song_id in drawn:
            found[song_id] += share
    return dict(found)
