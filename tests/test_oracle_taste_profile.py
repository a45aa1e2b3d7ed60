"""The package and the plain-Python oracle agree on play counts: catalog, filters, popularity, negatives, exports.

What is drawn is compared by what must hold of every draw, and by how often each song is drawn for users alike.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from comparing import assert_same
from exported import exported
from oracles.plays import (
    Answer,
    Play,
    Settings,
    Song,
    answer,
    n_negatives,
    read_csv,
    read_split,
)
from played import ALL, CSV_FILES, KIND, LAYOUTS, Built, lay_out, songs_named

from recsys_duck.events import Warned


def read_answer(files: tuple[Path, Path], settings: Settings) -> Answer:
    """Ask the oracle, in either layout."""
    plays, songs = files
    if plays.suffix == ".csv":
        return answer((Play(**row) for row in read_csv(plays)), (Song(**row) for row in read_csv(songs)), settings)
    tracks = read_split(songs, "<SEP>", "latin-1")
    return answer((Play(*row) for row in read_split(plays, "\t")), (Song(*row) for row in tracks), settings)


def assert_equal_bags(what: str, found: Iterable[Any], wanted: Iterable[Any]) -> None:
    """Compare rows of which some may stand twice."""
    assert_same("", what, list(Counter(found).items()), list(Counter(wanted).items()))


def assert_as_the_recipe_says(built: Built, wanted: Answer) -> None:
    """Compare catalog, ledgers, merged and filtered rows, and popularity."""
    assert built.ledger("staging.songs") == wanted.song_ledger
    assert built.ledger("staging.events") == wanted.play_ledger
    assert built.ledger("core.events") == wanted.event_ledger
    catalog = [(song.song_id, song.track_id, song.artist, song.title) for song in wanted.catalog.values()]
    songs = built.rows("select song_id, track_id, artist, title from staging.songs")
    assert_same("", "songs", songs, catalog)
    n_items = built.rows("select item_id, item_name from core.items")
    assert_same("", "items", n_items, [(song_id, title) for song_id, _, _, title in catalog])
    assert_equal_bags(
        "merged rows",
        built.rows("select user_id, item_id, cast(weight as bigint) from staging.events"),
        [row[:3] for row in wanted.merged],
    )
    filtered = built.rows("select user_id, item_id, cast(weight as bigint) from core.events")
    assert_equal_bags("filtered rows", filtered, [row[:3] for row in wanted.filtered])
    popularity = dict(built.rows("select item_id, n_events from features.item_popularity where n_events > 0"))
    n_rows = sum(popularity.values())
    assert {song_id: Fraction(number, n_rows) for song_id, number in popularity.items()} == wanted.popularity


def assert_negatives_are_fit(built: Built, wanted: Answer, ratio: str) -> None:
    """Compare what holds of every draw: how many, none met, none twice, candidates alone; examples are both."""
    candidates = set(wanted.popularity)
    for user_id, met in wanted.songs_of.items():
        drawn = built.negatives.get(user_id, [])
        assert len(drawn) == n_negatives(len(met), ratio, len(candidates - met)), user_id
        assert len(set(drawn)) == len(drawn), user_id
        assert set(drawn) <= candidates - met, user_id
    assert built.negatives.keys() <= wanted.songs_of.keys()
    plays: Counter[tuple[str, str]] = Counter()
    for user_id, song_id, freq, *_ in wanted.filtered:
        plays[user_id, song_id] += freq or 0
    negatives = [(user, song, 0, None, 1) for user, drawn in built.negatives.items() for song in drawn]
    question = "select user_id, item_id, rating, cast(weight as bigint), n_draws from training.examples"
    # what n_draws is of a positive, nothing says
    found = [(*row[:4], row[4] if row[2] == 0 else None) for row in built.rows(question)]
    assert_same("", "examples", found, [(*pair, 1, freq, None) for pair, freq in plays.items()] + negatives)


@pytest.fixture(name="real", scope="module")
def real_builds(
    real_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Built, Answer]]:
    """Build the real plays in a layout, once for all tests, and ask the oracle."""
    made: dict[str, tuple[Built, Answer]] = {}

    def real(layout: str) -> tuple[Built, Answer]:
        if layout not in made:
            names, readers = LAYOUTS[layout]
            files = (real_data(KIND) / names[0], real_data(KIND) / names[1])
            built = Built(tmp_path_factory.mktemp(layout), files, readers=readers)
            made[layout] = built, read_answer(files, Settings())
        return made[layout]

    return real


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_real_plays_are_filtered_as_the_recipe_says_in_both_layouts(
    real: Callable[[str], tuple[Built, Answer]], layout: str
) -> None:
    built, wanted = real(layout)
    assert_as_the_recipe_says(built, wanted)
    below_top = {song_id for (song_id,) in built.rows("select distinct item_id from core.events")}
    assert below_top <= set(wanted.top)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_negatives_of_the_real_plays_are_songs_not_met_and_enough(
    real: Callable[[str], tuple[Built, Answer]], layout: str
) -> None:
    built, wanted = real(layout)
    assert_negatives_are_fit(built, wanted, "3")
    assert sum(map(len, built.negatives.values())) == 3 * len({row[:2] for row in wanted.filtered})


def test_both_layouts_of_the_same_plays_draw_the_same_negatives(real: Callable[[str], tuple[Built, Answer]]) -> None:
    drawn = [{user: sorted(songs) for user, songs in real(layout)[0].negatives.items()} for layout in LAYOUTS]
    assert drawn[0] == drawn[1]


def test_the_exports_of_the_real_plays_are_merged_filtered_and_augmented(
    real: Callable[[str], tuple[Built, Answer]],
) -> None:
    built, wanted = real("csv")
    columns = ["user_id", "song_id", "freq", "artist", "title"]
    for name, table in (("merged_data", wanted.merged), ("filtered_data", wanted.filtered)):
        found = exported(built.root, KIND, f"{name}.csv")
        assert list(found[0]) == columns
        assert_equal_bags(name, [tuple(row.values()) for row in found], table)
    augmented = exported(built.root, KIND, "augmented_data.csv")
    assert list(augmented[0]) == [*columns, "interaction"]
    songs = {song_id: (song.artist, song.title) for song_id, song in wanted.catalog.items()}
    negatives = [(user, song, None, *songs[song], 0) for user, drawn in built.negatives.items() for song in drawn]
    found = [tuple(row.values()) for row in augmented]
    assert_equal_bags("augmented_data", found, [*((*row, 1) for row in wanted.filtered), *negatives])
    assert [row["interaction"] for row in augmented] == [1] * len(wanted.filtered) + [0] * len(negatives)


@pytest.mark.parametrize(
    ("top_items", "min_items_per_user", "ratio"), [(50, 5, "1"), (333, 2, "0.5"), (0, 60, "1.1"), (7, 1, "2")]
)
def test_other_filters_and_ratios_give_what_the_recipe_says(
    real_data: Callable[[str], Path], tmp_path: Path, top_items: int, min_items_per_user: int, ratio: str
) -> None:
    files = (real_data(KIND) / CSV_FILES[0], real_data(KIND) / CSV_FILES[1])
    filters = {"top_items": top_items, "min_items_per_user": min_items_per_user}
    built = Built(tmp_path, files, {**filters, "negative_ratio": float(ratio)})
    wanted = read_answer(files, Settings(**filters))
    assert wanted.filtered
    assert_as_the_recipe_says(built, wanted)
    assert_negatives_are_fit(built, wanted, ratio)


DEFECTS = [
    ("u1", "A", "1"), ("u1", "B", "2"), ("u1", "B", "3"), ("u2", "A", "1"), ("u2", "C", "0"), ("u2", "D", "-4"),
    ("u2", "D", "x"), ("u2", "D", "1.5"), ("u2", "D", ""), ("", "A", "1"), ("u3", "", "1"), ("", "", "x"),
    ("u3", "Z", "x"), ("u3", "Z", "5"), ("u3", "D", "1000000"), ("u4", "E", "2"), ("u4", "B", "2"),
]  # fmt: skip
DEFECT_SONGS = [
    ("T9", "A", "late", "late"), ("T1", "A", "early", "early"), ("T5", "A", "middle", "middle"), ("T2", "B", "b", ""),
    ("T3", "C", "", "c"), ("T4", "D", "d", "d"), ("T6", "", "nobody", "nothing"), ("T7", "E", "e", "e"),
]  # fmt: skip


@pytest.mark.parametrize("filters", [ALL, {"top_items": 2, "min_items_per_user": 1}, {**ALL, "min_items_per_user": 2}])
def test_defects_are_counted_by_the_first_reason_that_applies(tmp_path: Path, filters: dict[str, int]) -> None:
    files = lay_out(tmp_path, DEFECTS, DEFECT_SONGS)
    built, wanted = Built(tmp_path, files, filters), read_answer(files, Settings(**filters))
    assert_as_the_recipe_says(built, wanted)
    assert_negatives_are_fit(built, wanted, "3")


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    found = []
    for turned in (False, True):
        folder = tmp_path / str(turned)
        files = lay_out(folder, DEFECTS[::-1] if turned else DEFECTS, DEFECT_SONGS[::-1] if turned else DEFECT_SONGS)
        built = Built(folder, files, ALL)
        songs = sorted(built.rows("select * from staging.songs"))
        found.append((songs, {user: sorted(drawn) for user, drawn in built.negatives.items()}))
    assert found[0] == found[1]


def test_a_song_below_the_top_by_its_id_alone_is_left_out(tmp_path: Path) -> None:
    plays = [(f"u{at}", song, 1) for song in ("s9", "s10", "S2", "b") for at in range(2)] + [("u0", "top", 1)] * 5
    files = lay_out(tmp_path, plays, songs_named("s9", "s10", "S2", "b", "top"))
    built = Built(tmp_path, files, {**ALL, "top_items": 2})
    assert {song_id for (song_id,) in built.rows("select item_id from core.events")} == {"S2", "b"}


def test_a_user_with_few_songs_left_gets_all_of_them_and_is_counted(tmp_path: Path) -> None:
    songs = [f"s{at}" for at in range(10)]
    plays = [("all", song, 1) for song in songs] + [("nearly", song, 1) for song in songs[:9]]
    plays += [("three", song, 1) for song in songs[:3]] + [("two", song, 1) for song in songs[:2]]
    built = Built(tmp_path, lay_out(tmp_path, plays, songs_named(*songs, "never met")), ALL)
    assert {user: len(drawn) for user, drawn in built.negatives.items()} == {"nearly": 1, "three": 7, "two": 6}
    warned = [event for event in built.told if isinstance(event, Warned) and "negative" in f"{event}"]
    assert warned, built.told
    assert any("3 " in event.message for event in warned), warned


def test_a_ratio_means_what_is_written_and_not_its_binary_fraction(tmp_path: Path) -> None:
    songs = [f"s{at:02}" for at in range(40)]
    plays = [("crowd", song, 1) for song in songs] + [("ten", song, 1) for song in songs[:10]]
    built = Built(tmp_path, lay_out(tmp_path, plays, songs_named(*songs)), {**ALL, "negative_ratio": 1.1})
    assert len(built.negatives["ten"]) == 11


def test_another_seed_draws_others_and_the_same_seed_the_same(
    real: Callable[[str], tuple[Built, Answer]], real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    files = (real_data(KIND) / CSV_FILES[0], real_data(KIND) / CSV_FILES[1])
    first = {user: set(drawn) for user, drawn in real("csv")[0].negatives.items()}
    again = Built(tmp_path / "again", files)
    other = Built(tmp_path / "other", files, {"seed": 1})
    assert {user: set(drawn) for user, drawn in again.negatives.items()} == first
    n_same = sum(len(first[user] & set(drawn)) for user, drawn in other.negatives.items())
    assert n_same < 0.2 * sum(map(len, first.values()))
