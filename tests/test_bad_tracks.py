"""Bad input of kinds yandex_music and mpd: told with the file and the fix, or counted by reason; nothing is lost.

The builds of yandex_music that must fail go into one warehouse, in which a good catalog stands.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from listeners import CUTOFF, DAY, INPUTS, write_files
from oracles.tracks import Listening, Name, Track
from projects import ask, lay_out_playlists, playlists_text, published_files, run_build
from test_bad_input import build_in, refused

from recsys_duck.errors import RecsysDuckError
from recsys_duck.events import Warned

QUICK = 'kind = "yandex_music"\n[parameters]\nfactors = 2\niterations = 2\nks = [1]\nmax_small_history = 0\n'
TRACKS = [Track(1, [10], [20], [30]), Track(2, [10, 11], [20], [30, 31]), Track(3, [11], [21], [31])]
NAMES = [
    *(Name(10, "album", "Ten"), Name(11, "album", "Eleven"), Name(20, "artist", "B"), Name(21, "artist", "A")),
    *(Name(30, "genre", "rock"), Name(31, "genre", "pop"), *(Name(at, "track", f"Track {at}") for at in (1, 2, 3))),
]
HEARD = [
    Listening(user, track, track, CUTOFF - DAY * user) for user in (1, 2, 3) for track in (1, 2, 3) if user != track
]


def lay_out(
    folder: Path, tracks: Sequence[Track] = TRACKS, names: Sequence[Name] = NAMES, heard: Sequence[Listening] = HEARD
) -> Path:
    """Lay out a project of kind yandex_music under the files' own names; returns its folder."""
    write_files(folder, tracks, names, heard)
    (folder / "recsys.toml").write_text(QUICK, encoding="utf-8")
    return folder


def ledger(folder: Path, stage: str) -> dict[str, int]:
    """Rows of a gate by reason; the reasons without rows are left out."""
    question = f"select reason, n_rows from meta.row_ledger where stage = '{stage}' and n_rows > 0"
    found = dict(ask(folder / "warehouse", question))
    assert found.get("in", 0) == sum(number for reason, number in found.items() if reason != "in")
    return found


def change(path: Path, name: str, column: Any) -> None:
    """Put a column in place of one of a Parquet file; None takes it out."""
    table = pq.read_table(path)
    at = table.column_names.index(name)
    pq.write_table(table.remove_column(at) if column is None else table.set_column(at, name, column), path)


@pytest.fixture(name="published", scope="module")
def published_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay_out(tmp_path_factory.mktemp("published"))
    run_build(folder)
    return folder


@pytest.fixture(name="warehouse")
def unchanged_warehouse(published: Path) -> Iterator[Path]:
    """The published warehouse; whatever the test does, its catalog is the same afterwards and answers."""
    warehouse = published / "warehouse"
    before = published_files(warehouse)
    yield warehouse
    assert published_files(warehouse) == before
    assert ask(warehouse, "select count(*) from core.events") == [(len(HEARD),)]
    assert not (warehouse / "temporary").exists()


# --- yandex_music: files that can't be read ----------------------------------------------------------------


@pytest.mark.parametrize("name", INPUTS)
def test_a_missing_file_is_told_with_its_input_and_pattern(tmp_path: Path, warehouse: Path, name: str) -> None:
    (lay_out(tmp_path) / f"{name}.parquet").unlink()
    (told,) = refused(build_in(tmp_path, warehouse), 2)
    assert told.what == f"no file for input {name}"
    assert name in told.where
    assert f"--files {name}=GLOB" in told.fix


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("content", [b"track_id,albums\n", b"PAR1" + b"\0" * 100 + b"PAR1"], ids=["csv", "0"])
def test_a_file_that_is_no_parquet_is_told_by_name(tmp_path: Path, warehouse: Path, name: str, content: bytes) -> None:
    (lay_out(tmp_path) / f"{name}.parquet").write_bytes(content)
    (told,) = refused(build_in(tmp_path, warehouse), 2)
    assert told.what == f"input {name} can't be read as parquet"
    assert told.where == f"{name}.parquet"
    assert "format" in told.fix


@pytest.mark.parametrize("name", INPUTS)
def test_a_file_cut_short_is_told_by_name(tmp_path: Path, warehouse: Path, name: str) -> None:
    path = lay_out(tmp_path) / f"{name}.parquet"
    path.write_bytes(path.read_bytes()[:-200])
    (told,) = refused(build_in(tmp_path, warehouse), 2)
    assert f"{name}.parquet" in told.where


@pytest.mark.parametrize("name", INPUTS)
def test_a_file_whose_pages_are_spoilt_stops_the_build_and_publishes_nothing(
    tmp_path: Path, warehouse: Path, name: str
) -> None:
    path = lay_out(tmp_path) / f"{name}.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * 60 + content[64:])
    (told,) = refused(build_in(tmp_path, warehouse), 1)
    assert ("events" if name == "interactions" else name) in told.where
    assert told.cause


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("tracks", "track_id"),
        ("tracks", "albums"),
        ("tracks", "artists"),
        ("tracks", "genres"),
        ("catalog_names", "id"),
        ("catalog_names", "type"),
        ("catalog_names", "name"),
        ("interactions", "user_id"),
        ("interactions", "track_id"),
        ("interactions", "started_at"),
    ],
)
def test_a_file_without_one_of_its_columns_is_refused(tmp_path: Path, warehouse: Path, name: str, column: str) -> None:
    change(lay_out(tmp_path) / f"{name}.parquet", column, None)
    told = refused(build_in(tmp_path, warehouse), 2)
    assert any(name in one.what and column in one.what for one in told), told
    assert any("--column" in one.fix or column in one.fix for one in told), told


def test_a_file_without_places_has_none(tmp_path: Path) -> None:
    change(lay_out(tmp_path) / "interactions.parquet", "track_seq", None)
    run_build(tmp_path)
    assert ask(tmp_path / "warehouse", "select distinct position from core.events") == [(None,)]


def test_all_that_is_wrong_with_the_files_is_told_at_once(tmp_path: Path, warehouse: Path) -> None:
    lay_out(tmp_path)
    change(tmp_path / "tracks.parquet", "genres", None)
    change(tmp_path / "catalog_names.parquet", "type", None)
    told = refused(build_in(tmp_path, warehouse), 2)
    assert {"tracks", "catalog_names"} <= {name for name in INPUTS for one in told if name in one.what}


# --- yandex_music: rows that do not fit --------------------------------------------------------------------


def test_ids_that_are_texts_in_one_file_meet_the_numbers_of_the_others(tmp_path: Path) -> None:
    path = lay_out(tmp_path) / "interactions.parquet"
    change(path, "track_id", pc.cast(pq.read_table(path)["track_id"], pa.string()))
    run_build(tmp_path)
    assert ledger(tmp_path, "core.events") == {"in": len(HEARD), "kept": len(HEARD)}
    assert ask(tmp_path / "warehouse", "select distinct typeof(item_id) from core.events") == [("VARCHAR",)]


def test_ids_that_are_texts_are_added_up_only_where_all_are_numbers(tmp_path: Path) -> None:
    path = lay_out(tmp_path) / "interactions.parquet"
    change(path, "track_id", pc.cast(pq.read_table(path)["track_id"], pa.string()))
    run_build(tmp_path, select=("+core.users_grouped",))
    sums = ask(tmp_path / "warehouse", "select user_id, track_id_sum from core.users_grouped order by user_id")
    users = sorted({row.user_id for row in HEARD})
    assert sums == [(user, sum(row.track_id for row in HEARD if row.user_id == user)) for user in users]


@pytest.mark.parametrize("name", ["albums", "artists", "genres"])
@pytest.mark.parametrize("shape", ["number", "text"])
def test_lists_of_another_shape_are_refused(tmp_path: Path, warehouse: Path, name: str, shape: str) -> None:
    column = pa.array([10, 11, 12]) if shape == "number" else pa.array(["[10]", "10 11", ""])
    change(lay_out(tmp_path) / "tracks.parquet", name, column)
    told = refused(build_in(tmp_path, warehouse), 2)
    assert any(name in one.what for one in told), told


def test_lists_of_texts_meet_a_catalog_of_numbers(tmp_path: Path) -> None:
    column = pa.array([[str(one) for one in track.genres or ()] for track in TRACKS])
    change(lay_out(tmp_path) / "tracks.parquet", "genres", column)
    run_build(tmp_path)
    assert ledger(tmp_path, "staging.tracks") == {"in": 3, "kept": 3}
    assert len(ask(tmp_path / "warehouse", "select * from core.item_tags where tag_type = 'genre'")) == 4


def test_lists_that_are_missing_empty_or_of_nothing_name_nothing(tmp_path: Path) -> None:
    strange = [
        *(Track(4, [10], None, [30]), Track(5, [10], [], [30]), Track(6, None, [20], [30]), Track(7, [], [], [])),
        *(Track(8, [10], [20], None), Track(9, [10], [None], [30]), Track(None, None, None, None)),
    ]
    run_build(lay_out(tmp_path, [*TRACKS, *strange]))
    found = ledger(tmp_path, "staging.tracks")
    # a list that holds nothing but null names no artist
    assert found == {"in": 10, "kept": 3, "missing_track_id": 1, "no_artists": 4, "no_albums": 1, "no_genres": 1}


def test_a_null_among_ids_is_no_unknown_one(tmp_path: Path) -> None:
    run_build(lay_out(tmp_path, [*TRACKS, Track(4, [10, None], [20, None], [30, None])]))
    assert ledger(tmp_path, "staging.tracks") == {"in": 4, "kept": 4}
    assert ask(tmp_path / "warehouse", "select count(*) from staging.unknown_tags") == [(0,)]


@pytest.mark.parametrize("seed", [1, 2])
def test_of_a_track_that_is_there_twice_the_same_row_stays_in_any_order(tmp_path: Path, seed: int) -> None:
    twice = [*TRACKS, Track(1, [11], [21], [31]), Track(1, [], [], []), Track(2, [10], [20], [30])]
    again = [*NAMES, Name(1, "track", "Another"), Name(30, "genre", None), Name(30, "genre", "Rock")]
    found = []
    for name in ("as it is", "shuffled"):
        run_build(lay_out(tmp_path / name, twice, again))
        assert ledger(tmp_path / name, "staging.tracks")["duplicate_track_id"] == 3
        assert ledger(tmp_path / name, "staging.catalog_names") == {"in": 12, "kept": 9, "duplicate_id": 3}
        links = ask(tmp_path / name / "warehouse", "select item_id, tag_type, tag_id from core.item_tags order by all")
        names = ask(tmp_path / name / "warehouse", "select tag_id, tag_name from core.tags order by all")
        found.append((links, names, ask(tmp_path / name / "warehouse", "from core.catalog_tracks order by all")))
        for table in (twice, again):
            random.Random(seed).shuffle(table)  # type: ignore[arg-type]
    assert found[0] == found[1]


def test_a_catalog_row_that_can_not_be_used_is_counted(tmp_path: Path) -> None:
    strange = [Name(None, "track", "x"), Name(5, "label", "x"), Name(6, None, "x"), Name(7, "Track", "x")]
    run_build(lay_out(tmp_path, names=[*NAMES, *strange]))
    assert ledger(tmp_path, "staging.catalog_names") == {"in": 13, "kept": 9, "missing_id": 1, "bad_type": 3}


def test_events_that_can_not_be_used_have_the_first_reason_that_applies(tmp_path: Path) -> None:
    strange = [
        *(Listening(None, None, None, None), Listening(1, None, 1, None), Listening(1, 1, 1, None)),
        *(Listening(1, 99, 1, None), Listening(1, 99, 1, CUTOFF)),
    ]
    run_build(lay_out(tmp_path, heard=[*HEARD, *strange]))
    assert ledger(tmp_path, "staging.events") == {
        **{"in": len(HEARD) + 5, "kept": len(HEARD), "missing_user_id": 1, "missing_track_id": 1},
        **{"bad_time": 2, "track_not_in_catalog": 1},
    }


def test_events_of_the_future_are_kept_and_warned_of(tmp_path: Path) -> None:
    future = Listening(1, 2, 1, 7_000_000_000 * 10**9)  # 2191
    told = run_build(lay_out(tmp_path, heard=[*HEARD, future]))
    assert any("from the future" in event.message for event in told if isinstance(event, Warned))
    assert ledger(tmp_path, "core.events")["kept"] == len(HEARD) + 1


def test_times_as_texts_are_read_and_those_that_are_none_are_bad(tmp_path: Path) -> None:
    path = lay_out(tmp_path) / "interactions.parquet"
    texts = ["2022-12-01 10:00:00", "yesterday", "", None, *["2022-12-02"] * (len(HEARD) - 4)]
    change(path, "started_at", pa.array(texts))
    run_build(tmp_path)
    assert ledger(tmp_path, "staging.events") == {"in": len(HEARD), "kept": len(HEARD) - 3, "bad_time": 3}


def test_times_as_numbers_without_a_unit_are_refused(tmp_path: Path, warehouse: Path) -> None:
    path = lay_out(tmp_path) / "interactions.parquet"
    change(path, "started_at", pa.array([1_671_000_000] * len(HEARD)))
    (told,) = refused(build_in(tmp_path, warehouse), 2)
    assert "started_at" in told.what
    assert "time_unit" in told.fix


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("is_parquet", [True, False])
def test_a_file_without_rows_is_warned_of_and_publishes_nothing(
    tmp_path: Path, warehouse: Path, name: str, *, is_parquet: bool
) -> None:
    path = lay_out(tmp_path) / f"{name}.parquet"
    if is_parquet:
        pq.write_table(pq.read_table(path).slice(0, 0), path)
    else:
        path.write_bytes(b"")
    done = build_in(tmp_path, warehouse)
    assert f"{name}.parquet gave no row" in done.stderr
    (told,) = refused(done, 4)
    assert told.what == f"the files of input {name} hold no row, nothing is published"
    assert told.where == f"{name}.parquet"


@pytest.mark.parametrize("content", [b"", None])
def test_a_file_without_rows_among_good_ones_is_warned_of_and_costs_nothing(
    tmp_path: Path, content: bytes | None
) -> None:
    path = lay_out(tmp_path) / "interactions.parquet"
    pq.write_table(pq.read_table(path).slice(0, 0), tmp_path / "interactions_2.parquet")
    if content is not None:
        (tmp_path / "interactions_2.parquet").write_bytes(content)
    told = run_build(tmp_path, select=("+staging.events",))
    assert Warned("staging.events", "interactions_2.parquet gave no row") in told
    assert ledger(tmp_path, "staging.events") == {"in": len(HEARD), "kept": len(HEARD)}


def test_files_of_which_no_event_is_kept_publish_nothing(tmp_path: Path, warehouse: Path) -> None:
    lay_out(tmp_path, heard=[row._replace(track_id=99) for row in HEARD])
    (told,) = refused(build_in(tmp_path, warehouse), 4)
    assert told.what == f"staging.events keeps none of {len(HEARD)} rows, nothing is published"
    assert told.where.startswith(f"{len(HEARD)} track_not_in_catalog")
    assert told.fix.endswith("--files interactions=GLOB")


# --- mpd: audio features and documents without playlists ---------------------------------------------------

SOUND = {
    **{"danceability": 0.5, "energy": 0.5, "key": 1, "loudness": -4.5, "mode": 0, "speechiness": 0.1, "tempo": 120.5},
    **{"acousticness": 0.2, "instrumentalness": 0.3, "liveness": 0.4, "valence": 0.6, "duration_ms": 1000},
    **{"time_signature": 4},
}
TRACK_ITEMS = (("item_entity", "track"), ("min_playlist_tracks", 0))


def lay_out_sounds(folder: Path, *chunks: str) -> Path:
    """Lay out a playlist of the tracks t0 to t5 and chunks of audio features."""
    lay_out_playlists(folder, playlists_text(1))
    for at, chunk in enumerate(chunks):
        (folder / f"chunck_{at}.json").write_text(chunk, encoding="utf-8")
    return folder


def chunk(*entries: Any) -> str:
    """Write a chunk as the service gives it."""
    return json.dumps({"audio_features": entries})


def sound(track_id: Any, **features: Any) -> Mapping[str, Any]:
    """The features of a track; those given replace its own."""
    return {**SOUND, "id": track_id, **features}


def build_sounds(folder: Path, *chunks: str) -> list[Any]:
    """Build the features of the chunks; returns what was told."""
    return run_build(lay_out_sounds(folder, *chunks), select=("+core.audio_features",), parameters=TRACK_ITEMS)


@pytest.mark.parametrize("broken", [chunk(sound("t1"))[:40], chunk(sound("t1"))[:-1], "hello", "[1,"])
def test_a_chunk_of_features_that_is_cut_short_stops_the_build_and_is_named(tmp_path: Path, broken: str) -> None:
    with pytest.raises(RecsysDuckError) as told:
        build_sounds(tmp_path, chunk(sound("t0")), broken)
    assert told.value.exit_code in (1, 2)
    assert "chunck_1.json" in told.value.where
    assert told.value.fix
    assert not (tmp_path / "warehouse" / "recsys.duckdb").exists()


@pytest.mark.parametrize("document", ["{}", '{"audio_features": []}', '{"audio_features": null}', "[]", ""])
def test_a_chunk_without_features_is_warned_of_by_name(tmp_path: Path, document: str) -> None:
    told = build_sounds(tmp_path, chunk(sound("t0")), document)
    assert "chunck_1.json gave no row" in [event.message for event in told if isinstance(event, Warned)]
    assert ask(tmp_path / "warehouse", "select item_id from core.audio_features") == [("t0",)]


def test_entries_that_are_no_features_are_counted(tmp_path: Path) -> None:
    entries = [None, sound("t0"), sound(None), {}, 3, "t1", [], sound("t0"), sound("elsewhere")]
    build_sounds(tmp_path, chunk(*entries))
    found = ledger(tmp_path, "staging.audio_features")
    assert found["in"] == len(entries)
    assert found["duplicate_id"] == 1
    assert found["kept"] == 2, "of t0 one, and one of a track that no playlist has"
    assert set(found) <= {"in", "kept", "no_features", "missing_id", "duplicate_id"}
    assert ask(tmp_path / "warehouse", "select item_id from core.audio_features") == [("t0",)]


def test_of_two_entries_of_a_track_the_same_one_stays_in_any_order_of_files(tmp_path: Path) -> None:
    chunks = [
        chunk(sound("t0", tempo=90.0), sound("t1")),
        chunk(sound("t0", tempo=80.0)),
        chunk(sound("t0", tempo=None)),
    ]
    found = []
    for name, given in (("one", chunks), ("two", chunks[::-1]), ("three", [chunks[1], chunks[2], chunks[0]])):
        build_sounds(tmp_path / name, *given)
        assert ledger(tmp_path / name, "staging.audio_features") == {"in": 4, "kept": 2, "duplicate_id": 2}
        found.append(ask(tmp_path / name / "warehouse", "select item_id, tempo from core.audio_features order by 1"))
    assert found[0] == found[1] == found[2]


def test_a_feature_that_is_no_number_is_missing_and_the_others_stay(tmp_path: Path) -> None:
    strange = sound("t0", loudness="loud", tempo=None, key=1.5, energy=True)
    del strange["valence"]  # type: ignore[attr-defined]
    build_sounds(tmp_path, chunk(strange))
    question = "select loudness, tempo, valence, danceability, duration_ms from core.audio_features"
    assert ask(tmp_path / "warehouse", question) == [(None, None, None, 0.5, 1000)]


def test_features_of_tracks_are_of_no_use_to_artists(tmp_path: Path) -> None:
    lay_out_sounds(tmp_path, chunk(sound("t0"), sound("a0")))
    run_build(tmp_path, select=("+core.audio_features",), parameters=(("item_entity", "artist"),))
    assert ask(tmp_path / "warehouse", "select count(*) from core.audio_features") == [(0,)]


def test_features_that_are_asked_for_and_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecsysDuckError) as told:
        run_build(lay_out_sounds(tmp_path), files=[("audio_features", str(tmp_path / "chunck_*.json"))])
    assert told.value.what == "no file for input audio_features"


def test_documents_none_of_which_has_a_playlist_give_empty_tables(tmp_path: Path) -> None:
    lay_out_playlists(tmp_path, '{"info": {}, "playlists": []}', '{"info": {}, "playlists": []}')
    told = [event.message for event in run_build(tmp_path) if isinstance(event, Warned)]
    assert {"mpd.slice.0-0.json gave no row", "mpd.slice.1-1.json gave no row"} <= set(told)
    for table in ("core.events", "core.items", "core.users", "recs.popular", "recs.personal", "recs.similar_items"):
        assert ask(tmp_path / "warehouse", f"select count(*) from {table}") == [(0,)]
