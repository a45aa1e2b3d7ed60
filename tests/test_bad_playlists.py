"""Bad playlists and bad audio features, end to end: refused by file and place, or kept out with a reason and counted.

Reduced copies of the data lack whole fields; what can be built of them is built.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from projects import ask, lay_out_playlists, playlists_text, run_build

from recsys_duck.errors import CheckError, StageError
from recsys_duck.events import Event, Warned

PLAYLIST = json.loads(playlists_text(1))["playlists"][0]
TRACKS = PLAYLIST["tracks"]
CORE = ("+core.events", "+core.audio_features", "+staging.entity_coverage")
SMALL = (("min_playlist_tracks", 0), ("top_entities", 0))


def build_core(folder: Path, **parameters: Any) -> list[Event]:
    """Build the kept events of playlists, whatever their length."""
    given = (*SMALL, *parameters.items())
    return run_build(folder, select=CORE, parameters=given)


def ledger(folder: Path, stage: str) -> dict[str, int]:
    """The rows of a gate by reason."""
    question = f"select reason, n_rows from meta.row_ledger where stage = '{stage}' and n_rows > 0"
    return dict(ask(folder / "warehouse", question))


def lay_out_features(folder: Path, *files: str | bytes) -> Path:
    """Lay out one slice of a playlist with tracks t0 to t5, and files of audio features beside it."""
    lay_out_playlists(folder, playlists_text(1))
    for at, content in enumerate(files):
        (folder / f"chunck_{at}.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def features_text(*entries: Mapping[str, Any] | None) -> str:
    """Write a file of audio features, as they are downloaded."""
    return json.dumps({"audio_features": entries})


@pytest.mark.parametrize(
    ("content", "place", "fix"),
    [
        (playlists_text(2, 3)[:700].encode(), "byte 701", "cut off"),
        (playlists_text(2, 3).replace("list 2", "Café").encode("latin-1"), "byte 66", "UTF-8"),
        (playlists_text(2, 3).encode("utf-16"), "byte 1", "UTF-8"),
        (playlists_text(2, 3).encode().replace(b"list 2", b"li\0st"), "byte 65", "mend the file"),
        (playlists_text(2, 3).encode() + b"x", "byte 1", "mend the file"),
    ],
    ids=["truncated", "latin-1", "utf-16", "nul", "text behind it"],
)
def test_a_slice_that_is_no_json_is_refused_by_file_and_place(
    tmp_path: Path, content: bytes, place: str, fix: str
) -> None:
    lay_out_playlists(tmp_path, playlists_text(1))
    (tmp_path / "mpd.slice.9-9.json").write_bytes(content)
    with pytest.raises(StageError, match="can't be read to its end") as refused:
        build_core(tmp_path)
    assert refused.value.where.endswith(f"mpd.slice.9-9.json, {place}")
    assert fix in refused.value.fix
    assert not (tmp_path / "warehouse" / "recsys.duckdb").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + playlists_text(2, 3).encode(),
        json.dumps(json.loads(playlists_text(2, 3)), indent=2).replace("\n", "\r\n").encode(),
        playlists_text(2, 3).replace('"list 2"', '"list \\ud83d\\udd25"').encode() + b"\n \n",
    ],
    ids=["byte order mark", "crlf", "escaped emoji and blank lines"],
)
def test_a_slice_that_is_written_in_another_way_is_read_whole(tmp_path: Path, content: bytes) -> None:
    lay_out_playlists(tmp_path, playlists_text(1))
    (tmp_path / "mpd.slice.9-9.json").write_bytes(content)
    assert not [event for event in build_core(tmp_path) if isinstance(event, Warned) and "gave no" in event.message]
    assert ask(tmp_path / "warehouse", "select user_id from core.users order by all") == [(1,), (2,), (3,)]
    assert ask(tmp_path / "warehouse", "select count(*) from core.events") == [(18,)]


@pytest.mark.parametrize(
    "document",
    [
        json.dumps(json.loads(playlists_text(2))["playlists"]),
        "\n".join(json.dumps(one) for one in json.loads(playlists_text(2, 3))["playlists"]),
        json.dumps({"playlists": {"0": PLAYLIST}}),
        json.dumps({"Playlists": [PLAYLIST]}),
        "\ufeff",
    ],
    ids=["a bare list", "a playlist a line", "an object of playlists", "another name", "a byte order mark alone"],
)
def test_a_slice_of_another_layout_is_warned_of_by_name(tmp_path: Path, document: str) -> None:
    told = build_core(lay_out_playlists(tmp_path, playlists_text(1), document))
    assert Warned("staging.playlist_records", "mpd.slice.1-1.json gave no row") in told
    assert ledger(tmp_path, "staging.playlists") == {"in": 1, "kept": 1}


def test_two_documents_in_a_slice_are_refused(tmp_path: Path) -> None:
    lay_out_playlists(tmp_path, playlists_text(1) + "\n" + playlists_text(2))
    with pytest.raises(CheckError, match="repeated or null key") as refused:
        build_core(tmp_path)
    assert "mpd.slice.0-0.json, 1" in refused.value.where
    assert "two documents in one file" in refused.value.fix


def test_a_pid_as_text_is_its_number_and_any_other_text_is_a_bad_playlist(tmp_path: Path) -> None:
    pids = ["7", 7.0, "seven", " 8", "", True, None, [9]]
    lay_out_playlists(tmp_path, json.dumps({"playlists": [{**PLAYLIST, "pid": pid} for pid in pids]}))
    build_core(tmp_path)
    assert ask(tmp_path / "warehouse", "select user_id from core.users") == [(7,)]
    assert ledger(tmp_path, "staging.playlists") == {"in": 8, "kept": 1, "bad_playlist": 7}


def test_a_pid_of_two_files_is_kept_from_the_first_by_name(tmp_path: Path) -> None:
    first, second = (json.dumps({"playlists": [{**PLAYLIST, "name": name}]}) for name in ("first", "second"))
    lay_out_playlists(tmp_path, second)
    (tmp_path / "mpd.slice.0-0.json").rename(tmp_path / "mpd.slice.5-5.json")
    (tmp_path / "mpd.slice.10-10.json").write_text(first)
    build_core(tmp_path)
    assert ask(tmp_path / "warehouse", "select user_id, user_name from core.users") == [(1, "first")]
    assert ledger(tmp_path, "staging.playlists") == {"in": 2, "kept": 1, "duplicate_pid": 1}
    assert ledger(tmp_path, "staging.events") == {"in": 12, "kept": 6, "duplicate_pid": 6}


def without(field: str, *, of: str = "tracks") -> str:
    """Write a slice of two playlists that lack a field, of their own or of their tracks."""
    lists = json.loads(playlists_text(1, 2))["playlists"]
    for one in lists:
        for row in one["tracks"] if of == "tracks" else [one]:
            del row[field]
    return json.dumps({"playlists": lists})


def test_without_pos_a_tracks_place_is_that_in_the_list(tmp_path: Path) -> None:
    build_core(lay_out_playlists(tmp_path, without("pos")))
    found = ask(tmp_path / "warehouse", "select position, item_id from core.events where user_id = 2 order by all")
    assert found == [(at, f"t{at}") for at in range(6)]


def test_without_num_tracks_the_list_says_how_long_a_playlist_is(tmp_path: Path) -> None:
    lay_out_playlists(tmp_path, without("num_tracks", of="playlists"))
    short = json.dumps({"playlists": [{"pid": 3, "name": "short", "tracks": TRACKS[:5]}]})
    (tmp_path / "mpd.slice.3-3.json").write_text(short)
    build_core(tmp_path, min_playlist_tracks=5)
    assert ask(tmp_path / "warehouse", "select user_id from core.users order by all") == [(1,), (2,)]
    assert ledger(tmp_path, "staging.users") == {"in": 3, "kept": 2, "playlist_too_short": 1}


@pytest.mark.parametrize("field", ["track_name", "artist_name", "album_name"])
def test_without_names_items_have_none(tmp_path: Path, field: str) -> None:
    entity = field.removesuffix("_name")
    build_core(lay_out_playlists(tmp_path, without(field)), item_entity=entity)
    assert ask(tmp_path / "warehouse", "select count(*) > 1, count(item_name) from core.items") == [(True, 0)]


@pytest.mark.parametrize("entity", ["track", "artist", "album"])
def test_items_whose_key_is_missing_everywhere_are_refused_with_a_sentence(tmp_path: Path, entity: str) -> None:
    lay_out_playlists(tmp_path, without(f"{entity}_uri"))
    with pytest.raises(CheckError, match=r"staging\.entity_coverage") as refused:
        build_core(tmp_path, item_entity=entity)
    assert "no track row has a key of this entity" in refused.value.what
    assert refused.value.fix == "choose another item_entity"
    other = {"track": "artist", "artist": "album", "album": "track"}[entity]
    build_core(tmp_path, item_entity=other)
    assert ask(tmp_path / "warehouse", "select count(*) from core.events") == [(12,)]


def test_features_are_of_the_tracks_of_the_build_and_nulls_are_counted(tmp_path: Path) -> None:
    first = features_text(None, {"id": "t1", "tempo": 90.5, "key": 0}, {"id": "other", "tempo": 60})
    second = features_text({"id": "t2"}, {"id": "t1", "tempo": 90.5, "key": 0}, {"tempo": 60})
    build_core(lay_out_features(tmp_path, first, second))
    assert ask(tmp_path / "warehouse", "select item_id, tempo, key, mode from core.audio_features") == [
        ("t1", 90.5, 0, None)
    ]
    assert ledger(tmp_path, "staging.audio_features") == {
        "in": 6,
        "kept": 2,
        "no_features": 2,
        "missing_id": 1,
        "duplicate_id": 1,
    }


def test_features_do_not_depend_on_the_names_and_order_of_their_files(tmp_path: Path) -> None:
    slow, fast = ({"id": "t1", "tempo": tempo} for tempo in (60.0, 120.0))
    kept = []
    for at, files in enumerate([(slow, fast), (fast, slow)]):
        folder = lay_out_features(tmp_path / str(at), *map(features_text, files))
        build_core(folder)
        kept += ask(folder / "warehouse", "select item_id, tempo from core.audio_features")
    assert kept == [("t1", 60.0), ("t1", 60.0)]


@pytest.mark.parametrize("content", ['{"audio_features": []}', '{"audio_features": null}', "{}", ""])
def test_a_file_without_any_features_is_fine(tmp_path: Path, content: str) -> None:
    build_core(lay_out_features(tmp_path, content, features_text({"id": "t1", "tempo": 60})))
    assert ledger(tmp_path, "staging.audio_features") == {"in": 1, "kept": 1}


def test_entries_that_are_no_objects_have_no_features(tmp_path: Path) -> None:
    text = json.dumps({"audio_features": [3, "t1", [], {}, {"id": "t1", "tempo": "fast"}, {"id": "t2", "tempo": 0}]})
    build_core(lay_out_features(tmp_path, text))
    assert ledger(tmp_path, "staging.audio_features") == {"in": 6, "kept": 1, "no_features": 5}


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (features_text({"id": "t1", "tempo": 60})[:-3].encode(), "chunck_1.json, byte 45"),
        (b'{"audio_features": [{"id": "caf\xe9"}]}', "chunck_1.json, byte 32"),
    ],
    ids=["truncated", "latin-1"],
)
def test_a_broken_file_of_features_is_refused_by_name_and_place(tmp_path: Path, content: bytes, place: str) -> None:
    with pytest.raises(StageError, match="can't be read to its end") as refused:
        build_core(lay_out_features(tmp_path, features_text(None), content))
    assert refused.value.where.endswith(place)


def test_playlists_without_features_build(tmp_path: Path) -> None:
    build_core(lay_out_playlists(tmp_path, playlists_text(1)))
    assert ask(tmp_path / "warehouse", "select count(*) from core.audio_features") == [(0,)]


def test_what_a_limit_leaves_out_is_counted_and_is_no_warning(tmp_path: Path) -> None:
    folder = lay_out_playlists(tmp_path, playlists_text(1, 2, n_tracks=6))
    limits = (("item_entity", "track"), ("min_playlist_tracks", 0), ("top_entities", 2))
    told = run_build(folder, parameters=limits, select=("+staging.events",))
    ledger = "select reason, n_rows from meta.row_ledger where stage = 'staging.events' and n_rows > 0"
    assert dict(ask(folder / "warehouse", ledger)) == {"in": 12, "kept": 4, "entity_below_top": 8}
    assert not [event.message for event in told if isinstance(event, Warned) and "rejects" in event.message]
