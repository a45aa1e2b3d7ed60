"""The package and the oracle agree on what recipes 4 and 5 make of playlists beyond pairs and their measures.

Training pairs, neighbours by factors, text exports, audio features and the words of titles.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isclose
from pathlib import Path
from typing import Any

import pytest
from building import rows, run
from comparing import assert_close, assert_same
from exporting import csv_rows, export_all, lines
from listing import Case as ListCase
from listing import check_all, with_parameters
from oracles.baskets import Event, Rule
from oracles.examples import candidates, n_wanted, positives, unevenness
from oracles.factors import neighbours, text_lines
from oracles.lists import Settings as ListSettings
from oracles.playlists import Settings, id_from_uri, read_records, row_reason, rows_of, top_items
from oracles.titles import AUDIO, read_features, title_tokens
from test_oracle_playlists import playlist, track, write_slices

MEMORY = 2_000_000_000
ONE_SLICE, ALL_SLICES = "mpd.slice.0-999.json", "mpd.slice.*.json"
TRAINING = Rule(basket_by="basket_id", basket_min=5, basket_max=40)  # the kind's training_basket_max


def build(
    root: Path, slices: str, parameters: Mapping[str, object], select: tuple[str, ...], features: str | None = None
) -> None:
    """Build playlists, with the files of audio features where there are some."""
    files = [("slices", slices), *([("audio_features", features)] if features else [])]
    root.mkdir(exist_ok=True)
    given = {"kind": "mpd", "files": files, "parameters": list(parameters.items())}
    run(root, given, memory_limit=MEMORY, select=select)


# --- recipe 4, step 6: training pairs ----------------------------------------------------------------------

EXAMPLES = ("+training.examples", "+training.negatives")


def train_of(root: Path) -> list[Event]:
    found = rows(root, "select user_id, item_id, basket_id, occurred_at, position from split.train")
    return [Event(*row) for row in found]  # type: ignore[arg-type]


def examples_of(root: Path) -> tuple[dict[Any, int], dict[Any, int]]:
    """Number of train rows of each positive, and draws of each negative."""
    found = rows(root, "select user_id, item_id, rating, weight, n_draws from training.examples")
    assert len({row[:2] for row in found}) == len(found), "a pair is there twice"
    assert {row[2] for row in found} <= {0, 1}
    assert all((row[3] is None) == (row[2] == 0) for row in found), "negatives alone have no weight"
    loved = {(row[0], row[1]): int(float(str(row[3]))) for row in found if row[2] == 1}
    return loved, {(row[0], row[1]): int(str(row[4])) for row in found if row[2] == 0}


def check_examples(root: Path, rule: Rule, ratio: str, note: str, *, repeats: bool = False) -> dict[Any, int]:
    """Positives are the pairs of the kept baskets; negatives are as many as wanted, new, and each once."""
    train = train_of(root)
    loved, unloved = examples_of(root)
    met = positives(train, rule)
    n_rows = Counter((event.user_id, event.item_id) for event in train)
    assert_same(note, "positives", list(loved.items()), [(pair, n_rows[pair]) for pair in met])
    free = candidates(met)
    assert unloved.keys() <= free, f"{note}: a negative has met, or is of no positive's user and item"
    n = n_wanted(len(met), ratio)
    if repeats:
        assert sum(unloved.values()) == (n if free else 0), f"{note}: number of draws"
    else:
        assert len(unloved) == min(n, len(free)), f"{note}: number of negatives"
        assert set(unloved.values()) <= {1}, f"{note}: a negative is drawn twice"
    negatives = rows(root, "select user_id, item_id, n_draws from training.negatives")
    assert_same(note, "negatives", negatives, [(*pair, n_draws) for pair, n_draws in unloved.items()])
    return unloved


@pytest.mark.parametrize("seed", [0, 1])
def test_negatives_of_real_playlists_are_drawn_evenly_over_everything(
    slices_folder: Path, tmp_path: Path, seed: int
) -> None:
    build(tmp_path, str(slices_folder / ALL_SLICES), {"item_entity": "artist", "seed": seed}, EXAMPLES)
    unloved = check_examples(tmp_path, TRAINING, "2", f"artists, seed {seed}")
    met = positives(train_of(tmp_path), TRAINING)
    for side, name in enumerate(("users", "items")):
        assert abs(unevenness(unloved, met, side)) < 5, f"{name} are drawn unevenly"


FOLLOWED: list[dict[str, object]] = [
    {"item_entity": "album", "negative_ratio": 1.37},
    {"item_entity": "artist", "basket_count": "distinct"},
    {"item_entity": "artist", "training_basket_max": 0, "negative_ratio": 0.5},
    {"item_entity": "track", "top_entities": 0, "split": "random", "training_basket_max": 12},
]


@pytest.mark.parametrize("parameters", FOLLOWED, ids=str)
def test_training_pairs_follow_the_parameters(slices_folder: Path, tmp_path: Path, parameters: dict[str, Any]) -> None:
    build(tmp_path, str(slices_folder / ONE_SLICE), parameters, EXAMPLES)
    rule = replace(
        TRAINING,
        basket_count=parameters.get("basket_count", "rows"),
        basket_max=parameters.get("training_basket_max", TRAINING.basket_max),
    )
    check_examples(tmp_path, rule, str(parameters.get("negative_ratio", 2)), str(parameters))


def test_the_same_seed_draws_the_same_negatives_whatever_the_order_of_files(tmp_path: Path) -> None:
    chance = random.Random(5)
    lists = [playlist(pid, [track(f"t{chance.randrange(40)}") for _ in range(6)]) for pid in range(30)]
    found = []
    for name, seed, records in (("a", 0, lists), ("b", 0, lists[::-1]), ("c", 1, lists)):
        write_slices(tmp_path / name, {"s1.json": records[:10], "s2.json": records[10:]})
        parameters = {"item_entity": "track", "min_playlist_tracks": 0, "seed": seed}
        build(tmp_path / f"project {name}", str(tmp_path / name / "*.json"), parameters, EXAMPLES)
        found.append(check_examples(tmp_path / f"project {name}", TRAINING, "2", name))
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_where_too_few_pairs_have_not_met_all_of_them_are_taken(tmp_path: Path) -> None:
    # 3 playlists of 4 tracks each among 5 tracks: 3 pairs are free, 24 are wanted
    lists = [playlist(pid, [track(f"t{(pid + at) % 5}") for at in range(4)]) for pid in range(3)]
    write_slices(tmp_path / "slices", {"s.json": lists})
    parameters = {"item_entity": "track", "min_playlist_tracks": 0, "basket_min": 1}
    build(tmp_path, str(tmp_path / "slices" / "*.json"), parameters, EXAMPLES)
    unloved = check_examples(tmp_path, replace(TRAINING, basket_min=1), "2", "few")
    assert set(unloved) == {(0, "t4"), (1, "t0"), (2, "t1")}


def test_repeats_are_counted_where_they_are_asked_for(tmp_path: Path) -> None:
    lists = [playlist(pid, [track(f"t{(pid + at) % 8}") for at in range(6)]) for pid in range(8)]
    write_slices(tmp_path / "slices", {"s.json": lists})
    parameters = {"item_entity": "track", "min_playlist_tracks": 0, "negative_repeats": True}
    build(tmp_path, str(tmp_path / "slices" / "*.json"), parameters, EXAMPLES)
    unloved = check_examples(tmp_path, TRAINING, "2", "repeats", repeats=True)
    assert max(unloved.values()) > 1  # 96 draws of 16 pairs


# --- recipe 4, steps 8, 9 and 15: neighbours and their files -----------------------------------------------

ARTISTS: dict[str, object] = {"item_entity": "artist", "factors": 16, "iterations": 3, "models": ["als"]}
LISTS = ("+recs.similar_items", "+models.item_neighbours", "+core.item_counts")


@pytest.fixture(scope="module")
def artists(slices_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("artists")
    build(root, str(slices_folder / ALL_SLICES), ARTISTS, LISTS)
    export_all(root)
    return root


def lists_of(root: Path, table: str) -> dict[Any, list[Any]]:
    lists: dict[Any, list[Any]] = {}
    for item_id, similar_item_id in rows(root, f"select item_id, similar_item_id from {table} order by item_id, rank"):
        lists.setdefault(item_id, []).append(similar_item_id)
    return lists


def check_neighbours(root: Path, metric: str, k: int, every: int) -> None:
    vectors: Any = dict(rows(root, "select item_id, factors from models.item_factors where model_name = 'als'"))
    chosen = set(sorted(vectors)[::every])
    wanted = {
        (item_id, rank, other): score
        for item_id, listed in neighbours(vectors, metric, k, chosen).items()
        for rank, (other, score) in enumerate(listed, 1)
    }
    found = rows(root, "select item_id, rank, similar_item_id, score from models.item_neighbours")
    assert {row[0] for row in found} == set(vectors), "every item of train has neighbours"
    assert_close(metric, "neighbours", [row for row in found if row[0] in chosen], wanted, tolerance=1e-9)


def test_neighbours_are_the_nearest_factors_by_cosine(artists: Path) -> None:
    check_neighbours(artists, "cosine", 20, every=50)


def test_neighbours_are_the_nearest_factors_by_distance(slices_folder: Path, tmp_path: Path) -> None:
    parameters = {**ARTISTS, "neighbour_metric": "euclidean", "similar_k": 7}
    build(tmp_path, str(slices_folder / ONE_SLICE), parameters, LISTS)
    check_neighbours(tmp_path, "euclidean", 7, every=20)


@pytest.mark.parametrize(
    ("file", "table"), [("coco.txt", "recs.similar_items"), ("neighbours_als.txt", "models.item_neighbours")]
)
def test_a_text_file_has_a_line_an_item(artists: Path, file: str, table: str) -> None:
    lists = lists_of(artists, table)
    assert lists
    assert lines(artists / "exports" / file) == text_lines(lists)


def test_the_most_mentioned_artists_are_written_with_their_mentions(artists: Path, slices_folder: Path) -> None:
    mentions = mentions_of(slices_folder, ALL_SLICES)
    kept = top_items(mentions, 10_000)
    wanted = sorted(((one, mentions[one]) for one in kept), key=lambda row: (-row[1], row[0]))
    found = csv_rows(artists / "exports" / "common_artist_uri.csv", "artist_uri", "count")
    assert found == [(one, str(number)) for one, number in wanted]


def mentions_of(folder: Path, pattern: str) -> Counter[str]:
    """Track rows of each artist over all playlists."""
    return Counter(
        artist
        for record in read_records(folder.glob(pattern))
        if record.reject_reason is None
        for row in rows_of(record)
        if (artist := id_from_uri(row.content, "artist")) is not None
    )


def test_track_rows_of_kept_artists_are_written_in_their_order(artists: Path, slices_folder: Path) -> None:
    top = top_items(mentions_of(slices_folder, ALL_SLICES), 10_000)
    settings = Settings("artist", top_entities=10_000, min_playlist_tracks=5)
    wanted = [
        (
            str(record.pid),
            row.content["artist_name"],
            id_from_uri(row.content, "artist"),
            row.content["track_name"],
            id_from_uri(row.content, "track"),
        )
        for record in sorted(read_records(slices_folder.glob(ALL_SLICES)), key=lambda record: record.pid or 0)
        for row in rows_of(record)
        if row_reason(row, settings, top, top) is None
    ]
    columns = ("pid", "artist_name", "artist_uri", "track_name", "track_uri")
    found = csv_rows(artists / "exports" / "playlist_0.csv", *columns)
    assert Counter(found) == Counter(wanted)
    assert found == wanted
    assert not (artists / "exports" / "playlist_1.csv").exists()  # fewer than 500,000 rows


def test_albums_may_be_the_items(slices_folder: Path, tmp_path: Path) -> None:
    settings = ListSettings(
        basket_by="basket_id", basket_min=5, basket_max=30, pair_min_count=1, similar_measure="normalised_count"
    )
    parameters: dict[str, object] = {"item_entity": "album"}
    files = [("slices", str(slices_folder / ONE_SLICE))]
    case = ListCase(tmp_path, parameters, with_parameters(settings, parameters), "albums", kind="mpd", files=files)
    case.every = 50
    check_all(case)


# --- recipe 5 ----------------------------------------------------------------------------------------------

RECIPE_5: dict[str, object] = {
    "item_entity": "track",
    "top_entities": 0,
    "min_playlist_tracks": 0,
    "popular_n": 30,
    "models": ["popular"],
}
TOKENS = ("+core.title_tokens", "+core.playlist_tokens")
FEATURES = (*TOKENS, "+core.audio_features", "+recs.popular", "+core.interactions")


@pytest.fixture(scope="module")
def features_folder(real_data: Callable[[str], Path]) -> Path:
    return real_data("audio_features") / "api_download"


@pytest.fixture(scope="module")
def recipe_5(slices_folder: Path, features_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recipe_5")
    chunks = str(features_folder / "chunck_*.json")
    build(root, str(slices_folder / ONE_SLICE), RECIPE_5, FEATURES, chunks)
    return root


def test_recipe_5_has_its_published_figures(recipe_5: Path) -> None:
    question = """
        select (select count(*) from core.users), (select count(*) from core.items),
            (select count(*) from core.interactions), (select count(*) from core.audio_features)
    """
    assert rows(recipe_5, question) == [(1_000, 34_443, 66_721, 33_754)]
    top = [n_users for (n_users,) in rows(recipe_5, "select n_users from recs.popular order by rank")]
    assert (len(top), top[:10]) == (30, [52, 50, 49, 45, 44, 41, 39, 39, 38, 38])


def test_audio_features_are_those_of_the_files(recipe_5: Path, features_folder: Path) -> None:
    wanted, ledger = read_features(features_folder.glob("*.json"))
    found_ledger = rows(recipe_5, "select reason, n_rows from meta.row_ledger where stage = 'staging.audio_features'")
    assert {reason: number for reason, number in found_ledger if number} == dict(ledger)
    assert ledger == {"in": 34_443, "kept": 33_754, "no_features": 689}
    found = rows(recipe_5, f"select item_id, {', '.join(AUDIO)} from core.audio_features")
    assert_same("features", "rows", found, [(track_id, *values) for track_id, values in wanted.items()])


def test_track_features_are_written_for_every_track_that_has_them(recipe_5: Path, features_folder: Path) -> None:
    wanted, _ = read_features(features_folder.glob("*.json"))
    found = csv_rows(export_all(recipe_5) / "track_features.csv", "track_uri", *AUDIO)
    numbers = [(row[0], *(float(value) for value in row[1:])) for row in found]
    assert_same("track_features.csv", "rows", numbers, [(track_id, *values) for track_id, values in wanted.items()])
    assert len(found) == 33_754


def check_tokens(root: Path, titles: dict[Any, str | None]) -> None:
    """Words and emoji of each title, and of all titles."""
    wanted = title_tokens(titles)
    found = rows(root, "select user_id, token, n from core.playlist_tokens")
    assert_same("tokens", "of playlists", found, [(*key, n) for key, n in wanted.items()])
    n_playlists, n = Counter(token for _, token in wanted), Counter[str]()
    for (_, token), number in wanted.items():
        n[token] += number
    found = rows(root, "select token, n_playlists, n from core.title_tokens")
    assert_same("tokens", "of all titles", found, [(token, n_playlists[token], n[token]) for token in n])


def test_words_of_real_titles_are_those_of_the_oracle(recipe_5: Path) -> None:
    check_tokens(recipe_5, dict(rows(recipe_5, "select user_id, user_name from core.users")))  # type: ignore[arg-type]


TITLES = (
    *("Don't STOP 90's", "🔥🔥 lit ❤️", "👌🏼x", "🇲🇽 Viva", "ÑO_x", "", None, "!!!", "Straße", "İstanbul", "東京2020"),
    *("हिन्दी", "a-b a_b a.b", "x²", "½ off", "1️⃣", "♡ ♥ °", "ΟΔΟΣ", "e\u0301te"),
)


@pytest.mark.parametrize("title", TITLES)
def test_words_of_strange_titles_are_those_of_the_oracle(tmp_path: Path, title: str | None) -> None:
    write_slices(tmp_path / "slices", {"s.json": [playlist(7, [track()], name=title)]})
    build(tmp_path, str(tmp_path / "slices" / "s.json"), RECIPE_5, TOKENS)
    check_tokens(tmp_path, {7: title})


def test_loudness_and_tempo_keep_all_their_digits(recipe_5: Path, features_folder: Path) -> None:
    wanted, _ = read_features(features_folder.glob("*.json"))
    loudness, tempo = (AUDIO.index(name) for name in ("loudness", "tempo"))
    sums = [sum(values[at] for values in wanted.values()) for at in (loudness, tempo)]
    ((loud, fast),) = rows(recipe_5, "select sum(loudness), sum(tempo) from core.audio_features")
    assert isclose(float(str(loud)), sums[0], rel_tol=1e-9)
    assert isclose(float(str(fast)), sums[1], rel_tol=1e-9)
