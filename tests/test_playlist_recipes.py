"""The recipe files of kind mpd on real slices, their exports, and albums as items: what is published of each.

What is counted here in plain Python is counted from the slices themselves.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from projects import ask, command_here, lay_out_playlists, playlists_text, run_build

from recsys_duck.kind import SQL_FOLDER

MPD = SQL_FOLDER / "kinds" / "mpd"
LIMITS = ("--memory-limit", "2GB", "--threads", "2")
RealData = Callable[[str], Path]


def build_recipe(name: str, folder: Path, *arguments: str) -> Path:
    """Build a folder as a recipe file says; returns its warehouse."""
    (folder / "recsys.toml").write_bytes((MPD / "recipes" / f"{name}.toml").read_bytes())
    done = command_here(folder, "build", *LIMITS, *arguments)
    assert done.returncode == 0, done.stderr
    return folder / "warehouse"


def exported(warehouse: Path, name: str) -> list[tuple[Any, ...]]:
    """Run an export's SELECT over a published catalog."""
    return ask(warehouse, (MPD / "exports" / f"{name}.sql").read_text(encoding="utf-8"))


def ledger(warehouse: Path, stage: str) -> dict[str, int]:
    """The rows of a gate by reason."""
    question = f"select reason, n_rows from meta.row_ledger where stage = '{stage}' and n_rows > 0"
    return dict(ask(warehouse, question))


def playlists_of(folder: Path, pattern: str = "*.json") -> Iterator[dict[str, Any]]:
    """Read the playlists of slices in plain Python."""
    for path in sorted(folder.glob(pattern)):
        yield from json.loads(path.read_text(encoding="utf-8"))["playlists"]


@pytest.fixture(name="tracks", scope="module")
def built_tracks(real_data: RealData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of the recipe of tracks."""
    slices, features = real_data("mpd"), real_data("audio_features")
    folder = tmp_path_factory.mktemp("tracks")
    (folder / "mpd.slice.0-999.json").symlink_to(slices / "mpd.slice.0-999.json")
    (folder / "api_download").symlink_to(features / "api_download")
    return build_recipe("mpd_tracks", folder)


@pytest.fixture(name="artists", scope="module")
def built_artists(real_data: RealData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of the recipe of artists."""
    folder = tmp_path_factory.mktemp("artists")
    for path in real_data("mpd").glob("*.json"):
        (folder / path.name).symlink_to(path)
    return build_recipe("mpd_artists", folder)


def test_the_recipe_of_tracks_keeps_every_row_and_gives_the_published_figures(tracks: Path) -> None:
    question = "select count(*), count(distinct user_id), count(distinct item_id) from core.interactions"
    assert ask(tracks, question) == [(66_721, 1_000, 34_443)]
    popular = [
        n_users for (n_users,) in ask(tracks, "select n_users from core.item_counts order by n_users desc limit 10")
    ]
    assert popular == [52, 50, 49, 45, 44, 41, 39, 39, 38, 38]
    assert ask(tracks, "select count(*) from recs.popular") == [(30,)]
    ((precision,),) = ask(
        tracks,
        """
        select value from eval.metrics
        where model_name = 'als' and metric = 'precision' and k = 100 and convention = 'hits_over_attainable'
        """,
    )
    assert precision == pytest.approx(0.1817, abs=0.006), "published; the splits of six seeds differ by 0.0018"


def test_audio_features_are_counted_as_published(tracks: Path, real_data: RealData) -> None:
    assert ledger(tracks, "staging.audio_features") == {"in": 34_443, "kept": 33_754, "no_features": 689}
    entries = [
        entry
        for path in (real_data("audio_features") / "api_download").glob("*.json")
        for entry in json.loads(path.read_text())["audio_features"]
        if entry
    ]
    names = [row[0] for row in ask(tracks, "select column_name from (describe core.audio_features)")][1:]
    wanted = {(entry["id"], *(entry[name] for name in names)) for entry in entries}
    assert set(ask(tracks, "from core.audio_features")) == wanted
    assert exported(tracks, "track_features") == sorted(wanted)


def plain_tokens(title: str) -> list[str]:
    """Cut a title by the categories of its characters: letters and digits, else one symbol a token."""
    tokens: list[str] = []
    word = ""
    for character in f"{title.lower()} ":
        category = unicodedata.category(character)
        if category.startswith("L") or category == "Nd" or (word and category.startswith("M")):
            word += character
            continue
        tokens += [word] if word else []
        word = ""
        if category in ("So", "Po", "Sk") and ord(character) > 0x2000 and character != "\ufffd":
            tokens.append(character)
    return tokens


def test_title_tokens_are_those_of_the_titles(artists: Path, real_data: RealData) -> None:
    kept = {user_id for (user_id,) in ask(artists, "select user_id from core.users")}
    joined = "\u200d\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff\ufe0f\U0001f1f2"
    titles = {
        one["pid"]: one["name"]
        for one in playlists_of(real_data("mpd"))
        if one["pid"] in kept and not set(one["name"]) & (set(joined) - {"\ufe0f"})
    }
    wanted = {
        (pid, token, n)
        for pid, title in titles.items()
        for token, n in Counter(plain_tokens(title.replace("\ufe0f", ""))).items()
    }
    found = [row for row in ask(artists, "select user_id, token, n from core.playlist_tokens") if row[0] in titles]
    assert set(found) == wanted
    assert len(found) == len(wanted)
    totals = "select count(*), cast(sum(n) as bigint) from core.playlist_tokens"
    assert ask(artists, totals) == ask(artists, "select sum(n_playlists), sum(n) from core.title_tokens")
    assert exported(artists, "title_tokens")[0][0] == "country"


def test_the_recipe_of_artists_keeps_the_most_mentioned(artists: Path, real_data: RealData) -> None:
    mentions = Counter(
        row["artist_uri"].removeprefix("spotify:artist:")
        for one in playlists_of(real_data("mpd"))
        for row in one["tracks"]
    )
    wanted = sorted(mentions.items(), key=lambda pair: (-pair[1], pair[0]))[:10_000]
    assert exported(artists, "common_artist_uri") == wanted


def test_the_track_rows_of_an_export_are_those_that_count(artists: Path, real_data: RealData) -> None:
    top = {uri for uri, _ in exported(artists, "common_artist_uri")}
    wanted = [
        tuple(row[key].rsplit(":", maxsplit=1)[-1] if key.endswith("uri") else row[key] for key in keys)
        for one in playlists_of(real_data("mpd"))
        if one["num_tracks"] > 5
        for keys in [("artist_name", "artist_uri", "track_name", "track_uri")]
        for row in one["tracks"]
        if row["artist_uri"].removeprefix("spotify:artist:") in top
    ]
    found = exported(artists, "playlist")
    assert [row[1:] for row in found if row[0] == 0] == wanted[: sum(row[0] == 0 for row in found)]
    assert Counter(row[1:] for row in found) == Counter(wanted)


def test_a_line_of_neighbours_is_an_item_and_its_list_best_first(artists: Path) -> None:
    lines = [line.split(" ") for (line,) in exported(artists, "coco")]
    lists: dict[str, list[str]] = {}
    for item, neighbour in ask(
        artists, "select item_id, similar_item_id from recs.similar_items where source = 'pairs' order by item_id, rank"
    ):
        lists.setdefault(item, []).append(neighbour)
    assert lines == [[item, *neighbours] for item, neighbours in sorted(lists.items())]
    assert max(map(len, lines)) == 21


def test_neighbours_by_factors_are_lines_of_the_same_form() -> None:
    text = (MPD / "exports" / "neighbours_als.sql").read_text(encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute("create schema models")
        connection.execute(
            """
            create table models.item_neighbours as
            from (values ('als', 'b', 2, 'c', 0.1), ('als', 'b', 1, 'a', 0.9), ('als', 'a', 1, 'b', 0.9),
                ('other', 'a', 1, 'z', 0.9)) as rows(model_name, item_id, rank, similar_item_id, score)
            """
        )
        assert connection.execute(text).fetchall() == [("a b",), ("b a c",)]


def test_exports_of_artists_are_empty_where_items_are_tracks(tracks: Path) -> None:
    assert exported(tracks, "common_artist_uri") == []
    assert len(exported(tracks, "playlist")) == 67_503


def test_albums_are_items_through_every_table(tmp_path: Path, real_data: RealData) -> None:
    (tmp_path / "mpd.slice.0-999.json").symlink_to(real_data("mpd") / "mpd.slice.0-999.json")
    (tmp_path / "recsys.toml").write_text('kind = "mpd"\n[parameters]\nitem_entity = "album"\nsplit = "random"\n')
    done = command_here(tmp_path, "build", *LIMITS, "--set", "min_playlist_tracks=0", "--set", "top_entities=0")
    assert done.returncode == 0, done.stderr
    warehouse = tmp_path / "warehouse"
    rows = [(one["pid"], row) for one in playlists_of(tmp_path) for row in one["tracks"]]
    albums = {row["album_uri"].removeprefix("spotify:album:"): row["artist_uri"] for _, row in rows}
    pairs = {(pid, row["album_uri"].removeprefix("spotify:album:")) for pid, row in rows}
    assert set(ask(warehouse, "select user_id, item_id from core.interactions")) == pairs
    assert ask(warehouse, "select count(*), count(item_name) from core.items") == [(len(albums), len(albums))]
    links = {(row["album_uri"].rsplit(":")[-1], row["artist_uri"].rsplit(":")[-1]) for _, row in rows}
    tags = ask(warehouse, "select item_id, tag_id from core.item_tags where tag_type = 'artist'")
    assert set(tags) == links
    assert ask(warehouse, "select distinct tag_type from core.tags") == [("artist",)]
    for table in ("recs.similar_items", "recs.popular", "recs.personal"):
        strange = f"select count(*) from {table} where item_id not in (select item_id from core.items)"
        assert ask(warehouse, strange) == [(0,)]
    models = "select distinct model_name from eval.metrics where metric = 'ndcg' and value > 0 order by all"
    assert ask(warehouse, models) == [("als",), ("item_knn",), ("popular",)]
    assert len(exported(warehouse, "playlist")) == len(rows)


def test_features_lie_beside_the_slices_or_in_their_own_folder(tmp_path: Path) -> None:
    entry = {"audio_features": [{"id": "t1", "tempo": 60}]}
    lay_out_playlists(tmp_path, playlists_text(1))
    (tmp_path / "chunck_0.json").write_text(json.dumps(entry))
    entry["audio_features"][0]["id"] = "t2"
    (tmp_path / "api_download").mkdir()
    (tmp_path / "api_download" / "chunck_1.json").write_text(json.dumps(entry))
    run_build(tmp_path, select=("+core.audio_features",))
    assert ask(tmp_path / "warehouse", "select item_id from core.audio_features order by all") == [("t1",), ("t2",)]
