"""Generated data: the original layout, as many rows as asked for, the stated defects, tails and tastes.

Files are read by Python's own csv and json, and by DuckDB where they are Parquet: never by the SQL that made them.
"""

import csv
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise
from math import log
from pathlib import Path
from typing import Any

import duckdb
import pytest
from building import rows, run
from click.testing import CliRunner, Result

from recsys_duck.cli import cli
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProjectError, ResourceError
from recsys_duck.events import Built
from recsys_duck.generate import FOLDER, Generator, generate, load_generator
from recsys_duck.parameters import Value

KINDS = ("lastfm_360k", "mpd", "taste_profile", "yandex_music")
ROWS = 30_000


def make(folder: Path, generator: Generator, *, rows: int = ROWS, seed: int = 1, **how: Any) -> Path:
    """Generate into a folder and return it."""
    for _ in generate(generator, folder, rows=rows, seed=seed, **{"threads": 2, **how}):
        pass
    return folder


def with_shares(kind: str, share: float) -> Generator:
    """A kind's generator with all its defects at one share."""
    generator = load_generator(kind)
    shares = {one.name: Value("double", share) for one in generator.defects}
    return replace(generator, shape={**generator.shape, **shares})


@pytest.fixture(scope="module", name="made")
def made_folders(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give the folder of a kind with all its defects at a share, made once."""

    @cache
    def folder(kind: str, share: float | None = None) -> Path:
        generator = load_generator(kind) if share is None else with_shares(kind, share)
        return make(tmp_path_factory.mktemp(kind), generator)

    return folder


# What is in the files


def lines_of(path: Path, delimiter: str, encoding: str = "utf-8") -> list[list[str]]:
    """Split the lines of a text without quoting into fields."""
    return [line.split(delimiter) for line in path.read_bytes().decode(encoding).removesuffix("\n").split("\n")]


def csv_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def parquet_of(folder: Path, name: str, columns: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"select {columns} from read_parquet('{folder / name}.parquet')").fetchall()


def playlists_of(folder: Path) -> list[dict[str, Any]]:
    """Read the playlists of all slices, in the order of their first."""
    paths = sorted(folder.glob("mpd.slice.*-*.json"), key=lambda path: int(path.name.split(".")[2].split("-")[0]))
    return [one for path in paths for one in json.loads(path.read_text(encoding="utf-8"))["playlists"]]


def events_of(kind: str, folder: Path) -> list[tuple[Any, Any]]:
    """Read the user and the item of each event."""
    if kind == "taste_profile":
        return [(row["user_id"], row["song_id"]) for row in csv_of(folder / "interactions.csv")]
    if kind == "lastfm_360k":
        return [(row[0], row[1]) for row in lines_of(folder / "usersha1-artmbid-artname-plays.tsv", "\t")]
    if kind == "yandex_music":
        return [(row[0], row[1]) for row in parquet_of(folder, "interactions", "user_id, track_id")]
    return [(at, track["track_uri"]) for at, one in enumerate(playlists_of(folder)) for track in one["tracks"]]


# The same files for the same seed


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_bytes_on_any_number_of_threads_and_another_seed_gives_others(
    tmp_path: Path, kind: str
) -> None:
    generator = load_generator(kind)
    # 70,000 rows of playlists are two slices, which are made side by side
    rows = {"mpd": 70_000, "yandex_music": 300_000}.get(kind, 5_000)
    first, again, other = (
        make(tmp_path / name, generator, rows=rows, seed=seed, threads=threads)
        for name, seed, threads in (("first", 5, 1), ("again", 5, 2), ("other", 6, 2))
    )
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in again.iterdir())
    for name in names:
        assert (first / name).read_bytes() == (again / name).read_bytes()
        assert (first / name).read_bytes() != (other / name).read_bytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 2, 47, 1_000])
def test_there_are_as_many_events_as_asked_for(tmp_path: Path, kind: str, rows: int) -> None:
    assert len(events_of(kind, make(tmp_path, load_generator(kind), rows=rows))) == rows


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_told_is_what_was_made(tmp_path: Path, kind: str) -> None:
    told = [
        event
        for event in generate(load_generator(kind), tmp_path, rows=500, seed=0, threads=2)
        if isinstance(event, Built)
    ]
    for event in told:
        assert event.n_bytes == sum(path.stat().st_size for path in tmp_path.glob(event.stage))
        assert event.n_rows > 0
    assert len(list(tmp_path.iterdir())) == len(told)


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_of_a_shape_is_read_by_its_selects(kind: str) -> None:
    texts = [path.read_text(encoding="utf-8") for path in [*FOLDER.glob("*.sql"), *(FOLDER / kind).glob("*.sql")]]
    with SqlText() as reader:
        selects = [text for text in texts if "create or replace" not in text]
        read = {name for text in selects for name in reader.facts(text, where=kind).parameters}
    assert set(load_generator(kind).shape) <= read


# The original layouts


def test_songs_and_interactions_are_csv_files_with_a_header(made: Any) -> None:
    folder = made("taste_profile")
    assert sorted(path.name for path in folder.iterdir()) == ["interactions.csv", "songs.csv"]
    assert list(csv_of(folder / "songs.csv")[0]) == ["track_id", "song_id", "artist", "title"]
    plays = csv_of(folder / "interactions.csv")
    assert list(plays[0]) == ["user_id", "song_id", "freq"]
    for row in plays:
        assert re.fullmatch("[0-9a-f]{40}", row["user_id"])
        assert re.fullmatch("SO[A-Z]{5}12[0-9A-F]{9}", row["song_id"])


def test_triplets_say_the_same_as_the_csv_files_in_tabs_and_latin_1(tmp_path: Path, made: Any) -> None:
    folder = make(tmp_path, load_generator("taste_profile"), layout="triplets")
    plays = lines_of(folder / "train_triplets.txt", "\t")
    assert plays == [list(row.values()) for row in csv_of(made("taste_profile") / "interactions.csv")]
    songs = lines_of(folder / "unique_tracks.txt", "<SEP>", "latin-1")
    assert songs == [list(row.values()) for row in csv_of(made("taste_profile") / "songs.csv")]
    assert any("ü" in row[2] for row in songs)
    assert not (folder / "unique_tracks.txt").read_bytes().endswith(b"\n")


def test_plays_and_profiles_are_tabs_without_header_or_quotes(made: Any) -> None:
    folder = made("lastfm_360k")
    plays = lines_of(folder / "usersha1-artmbid-artname-plays.tsv", "\t")
    assert {len(row) for row in plays} == {4}
    assert any(row[2].count('"') == 2 and not row[2].startswith('"') for row in plays)
    assert {len(row[1]) for row in plays} == {0, 36}
    profiles = lines_of(folder / "usersha1-profile.tsv", "\t")
    assert {len(row) for row in profiles} == {5}
    assert any("," in row[3] for row in profiles)
    for row in profiles:
        assert time.strptime(row[4], "%b %d, %Y").tm_year >= 2002
    assert not (folder / "usersha1-profile.tsv").read_bytes().endswith(b"\n")


def test_the_most_played_artist_of_a_user_stands_first(made: Any) -> None:
    plays = lines_of(made("lastfm_360k", 0.0) / "usersha1-artmbid-artname-plays.tsv", "\t")
    for row, after in pairwise(plays):
        assert row[0] != after[0] or int(row[3]) >= int(after[3])


def test_tracks_names_and_interactions_have_the_types_of_the_originals(made: Any) -> None:
    folder = made("yandex_music")
    types = {
        name: [row[:2] for row in duckdb.connect().execute(f"describe from '{folder / name}.parquet'").fetchall()]
        for name in ("tracks", "catalog_names", "interactions")
    }
    lists = [(name, "BIGINT[]") for name in ("albums", "artists", "genres")]
    assert types["tracks"] == [("track_id", "BIGINT"), *lists]
    assert types["catalog_names"] == [("id", "BIGINT"), ("type", "VARCHAR"), ("name", "VARCHAR")]
    assert types["interactions"] == [
        ("user_id", "INTEGER"),
        ("track_id", "INTEGER"),
        ("track_seq", "SMALLINT"),
        ("started_at", "TIMESTAMP_NS"),
        ("__index_level_0__", "BIGINT"),
    ]


def test_events_of_a_user_are_numbered_in_the_order_of_their_times(made: Any) -> None:
    rows = parquet_of(made("yandex_music"), "interactions", "user_id, track_seq, epoch_ns(started_at)")
    assert rows == sorted(rows)
    assert {row[2] // (86_400 * 10**9) for row in rows} <= set(range(18_993, 18_993 + 365))  # the days of 2022


def test_a_slice_is_the_text_that_json_dump_wrote(made: Any) -> None:
    (path,) = made("mpd").glob("*.json")
    text = path.read_text(encoding="utf-8")
    document = json.loads(text)
    again = json.dumps(document, indent=4, ensure_ascii=False, separators=(", ", ": "))
    assert text == again.replace(", \n", ", \n")
    assert document["info"]["slice"] == "0-999"
    assert path.name == "mpd.slice.0-999.json"
    for playlist in document["playlists"]:
        tracks = playlist["tracks"]
        assert [track["pos"] for track in tracks] == list(range(len(tracks)))
        assert playlist["num_tracks"] == len(tracks)
        assert playlist["duration_ms"] == sum(track["duration_ms"] for track in tracks)


def test_slices_have_a_thousand_playlists_and_the_last_the_rest(tmp_path: Path) -> None:
    folder = make(tmp_path, load_generator("mpd"), rows=70_000)
    assert sorted(path.name for path in folder.iterdir()) == ["mpd.slice.0-999.json", "mpd.slice.1000-1999.json"]
    counts = [
        len(json.loads((folder / f"mpd.slice.{name}.json").read_text(encoding="utf-8"))["playlists"])
        for name in ("0-999", "1000-1999")
    ]
    assert counts[0] == 1000
    assert 0 < counts[1] < 1000


def test_generated_playlists_build_whole(tmp_path: Path) -> None:
    folder = make(tmp_path / "data", with_shares("mpd", 0.05), rows=5_000)
    run(tmp_path, {"kind": "mpd", "files": [("", str(folder / "*.json"))]})
    ledger = {(stage, reason): n for stage, reason, n in rows(tmp_path, "from meta.row_ledger")}
    assert ledger["staging.playlists", "in"] == len(playlists_of(folder))
    for stage, reason in (
        ("staging.playlists", "bad_playlist"),
        ("staging.playlists", "no_tracks"),
        ("staging.playlists", "duplicate_pid"),
        ("staging.events", "bad_uri"),
    ):
        assert ledger[stage, reason] > 0


# Defects: what is wrong on purpose, counted in what


def defects_of_taste_profile(folder: Path) -> Iterator[tuple[str, int, int]]:
    plays, songs = csv_of(folder / "interactions.csv"), csv_of(folder / "songs.csv")
    n_plays = Counter(row["user_id"] for row in plays)
    yield "few_rows", sum(n < 10 for n in n_plays.values()), len(n_plays)
    named = Counter(row["song_id"] for row in songs)
    played = {row["song_id"] for row in plays}
    yield "songs_missing", len(played - set(named)), len(played)
    yield "songs_repeated", sum(n > 1 for n in named.values()), len(named)
    yield "counts_bad", sum(int(row["freq"]) < 1 for row in plays), len(plays)


def defects_of_lastfm_360k(folder: Path) -> Iterator[tuple[str, int, int]]:
    plays = lines_of(folder / "usersha1-artmbid-artname-plays.tsv", "\t")
    profiles = lines_of(folder / "usersha1-profile.tsv", "\t")
    n_plays = Counter(row[0] for row in plays)
    told = {row[0] for row in profiles}
    yield "no_rows", len(told - set(n_plays)), len(told)
    yield "few_rows", sum(n <= 3 for n in n_plays.values()), len(n_plays)
    yield "profiles_missing", len(set(n_plays) - told), len(n_plays)
    yield "artist_ids_blank", sum(not row[1] for row in plays), len(plays)
    yield "artist_names_blank", sum(not row[2] for row in plays), len(plays)
    yield "counts_bad", sum(int(row[3]) < 1 for row in plays), len(plays)
    names = defaultdict(list)
    for row in plays:
        if row[1] and row[2]:
            names[row[1]].append(row[2])
    often = [spelled for spelled in names.values() if len(spelled) >= 12]
    yield "artists_respelled", sum(len(set(spelled)) > 1 for spelled in often), len(often)
    yield "genders_blank", sum(not row[1] for row in profiles), len(profiles)
    yield "ages_blank", sum(not row[2] for row in profiles), len(profiles)
    absurd = [row for row in profiles if row[2] and not 0 <= int(row[2]) <= 100]
    yield "ages_absurd", len(absurd), len(profiles)
    yield "countries_blank", sum(not row[3] for row in profiles), len(profiles)


def defects_of_yandex_music(folder: Path) -> Iterator[tuple[str, int, int]]:
    tracks = parquet_of(folder, "tracks", "track_id, artists, albums, genres")
    events = parquet_of(folder, "interactions", "user_id, track_id, epoch_ns(started_at)")
    names = parquet_of(folder, "catalog_names", "type, id")
    n_events = Counter(user_id for user_id, *_ in events)
    yield "few_rows", sum(n <= 3 for n in n_events.values()), len(n_events)
    for at, tag_type in ((1, "artist"), (2, "album"), (3, "genre")):
        known = {tag_id for one, tag_id in names if one == tag_type}
        yield f"tracks_without_{tag_type}s", sum(row[at] == [] for row in tracks), len(tracks)
        yield f"{tag_type}s_unknown", sum(not known.issuperset(row[at]) for row in tracks), len(tracks)
        if tag_type == "genre":
            yield "genres_unused", len(known.difference(*(row[at] for row in tracks))), len(known)
    known = {row[0] for row in tracks}
    yield "tracks_unknown", sum(track_id not in known for _, track_id, _ in events), len(events)
    repeated = Counter(names)
    yield "names_repeated", sum(n > 1 for n in repeated.values()), len(tracks)
    yield "times_in_nanoseconds", sum(at % 1000 == 999 for *_, at in events), len(events)


def defects_of_mpd(folder: Path) -> Iterator[tuple[str, int, int]]:
    playlists = playlists_of(folder)
    uris = [[track["track_uri"] for track in one["tracks"]] for one in playlists]
    n_tracks = sum(map(len, uris))
    yield "few_rows", sum(0 < len(one) <= 5 for one in uris), len(uris)
    yield "no_rows", sum(one == [] for one in uris), len(uris)
    yield "pids_repeated", sum(one["pid"] == at - 1 for at, one in enumerate(playlists)), len(uris)
    yield "pids_broken", sum(one["pid"] is None for one in playlists), len(uris)
    plain = [[uri.replace("local:", "") for uri in one] for one in uris]
    yield "repeats", n_tracks - sum(len(set(one)) for one in plain), n_tracks
    bad = [uri for one in uris for uri in one if not re.fullmatch("spotify:track:[0-9A-Za-z]{22}", uri)]
    yield "uris_bad", len(bad), n_tracks
    emoji = [one for one in playlists if re.search("[\u2600-\u27bf\U0001f300-\U0001faff]", one["name"])]
    yield "titles_with_emoji", len(emoji), len(uris)


def test_chunks_of_audio_features_speak_of_the_tracks_of_the_slices(tmp_path: Path) -> None:
    generator = with_shares("mpd", 0.1)
    make(tmp_path, generator, rows=2_000)
    make(tmp_path, generator, rows=2_000, layout="audio_features")
    chunks = [json.loads(path.read_text(encoding="utf-8"))["audio_features"] for path in tmp_path.glob("chunck_*.json")]
    assert sorted(len(chunk) for chunk in chunks)[1:] == [100] * (len(chunks) - 1)
    features = [one for chunk in chunks for one in chunk]
    found = {one["uri"] for one in features if one}
    played = {track["track_uri"] for one in playlists_of(tmp_path) for track in one["tracks"]}
    lacking = {uri for uri in played - found if "local" not in uri}
    assert 0.05 < len(lacking) / len(played) < 0.15
    assert features.count(None) / len(features) == pytest.approx(0.1, abs=0.05)
    assert {round(one["energy"], 4) for one in features if one} <= {at / 10_000 for at in range(10_001)}


def defects_of(kind: str, folder: Path) -> list[tuple[str, int, int]]:
    counted = {
        "taste_profile": defects_of_taste_profile,
        "lastfm_360k": defects_of_lastfm_360k,
        "yandex_music": defects_of_yandex_music,
        "mpd": defects_of_mpd,
    }
    return list(counted[kind](folder))


@pytest.mark.parametrize("kind", KINDS)
def test_every_defect_is_there_at_its_share(made: Any, kind: str) -> None:
    share = 0.1
    counted = defects_of(kind, made(kind, share))
    elsewhere = {"features_missing"}
    assert {name for name, *_ in counted} | elsewhere >= {one.name for one in load_generator(kind).defects}
    for name, n, of in counted:
        deviation = (of * share * (1 - share)) ** 0.5
        # one defect may hide another, as a repeated pick that of what it repeats: a fifth fewer will do
        assert 0.8 * of * share - 4 * deviation <= n <= of * share + 4 * deviation, (name, n, of)
        assert n > 0, name


@pytest.mark.parametrize("kind", KINDS)
def test_without_defects_there_are_none(made: Any, kind: str) -> None:
    for name, n, _ in defects_of(kind, made(kind, 0.0)):
        assert n == 0, name


# Tails and tastes


def head_share(counts: Sequence[int]) -> float:
    """The share that the largest tenth has of all."""
    return sum(sorted(counts, reverse=True)[: max(1, len(counts) // 10)]) / sum(counts)


@pytest.mark.parametrize("kind", KINDS)
def test_few_users_and_few_items_have_much_of_the_events(made: Any, kind: str) -> None:
    events = events_of(kind, made(kind, 0.0))
    flatness = float(str(load_generator(kind).shape["user_flatness"].data))
    by_zipf = log(1 + 0.1 / flatness) / log(1 + 1 / flatness)
    assert head_share(list(Counter(user for user, _ in events).values())) == pytest.approx(by_zipf, abs=0.02)
    n_events = Counter(item for _, item in events)
    by_chance = Counter(random.Random(0).choices(list(n_events), k=len(events)))
    assert head_share(list(n_events.values())) > 1.4 * head_share(list(by_chance.values()))


@pytest.mark.parametrize("kind", ["taste_profile", "lastfm_360k"])
def test_a_user_meets_an_item_once(made: Any, kind: str) -> None:
    events = events_of(kind, made(kind, 0.0))
    assert len(set(events)) == len(events)


def test_tracks_come_again_where_people_listen_again(made: Any) -> None:
    events = events_of("yandex_music", made("yandex_music", 0.0))
    assert len(set(events)) / len(events) == pytest.approx(1 - 0.2, abs=0.06)


def groups_of(kind: str, folder: Path) -> dict[Any, Any]:
    """Read what group of like items each item is of: an artist's songs, a genre's tracks."""
    if kind == "taste_profile":
        return {row["song_id"]: row["artist"] for row in csv_of(folder / "songs.csv")}
    if kind == "yandex_music":
        tracks = parquet_of(folder, "tracks", "track_id, genres")
        return {track_id: genres[0] for track_id, genres in tracks if len(genres) == 1}
    return {track["track_uri"]: track["artist_uri"] for one in playlists_of(folder) for track in one["tracks"]}


@pytest.mark.parametrize("kind", ["taste_profile", "yandex_music", "mpd"])
def test_items_of_a_cluster_share_more_users_than_chance(made: Any, kind: str) -> None:
    folder = made(kind, 0.0)
    users = defaultdict(set)
    for user, item in events_of(kind, folder):
        users[item].add(user)
    n_users = len(set().union(*users.values()))
    groups = groups_of(kind, folder)
    popular = sorted((item for item in users if item in groups), key=lambda item: (-len(users[item]), str(item)))[:300]
    lifts: dict[bool, list[float]] = {True: [], False: []}
    for one, other in combinations(popular, 2):
        expected = len(users[one]) * len(users[other]) / n_users
        lifts[groups[one] == groups[other]].append(len(users[one] & users[other]) / expected)
    alike, unlike = (sum(lifts[is_alike]) / len(lifts[is_alike]) for is_alike in (True, False))
    assert alike > 1.3 * unlike, (alike, unlike)


def test_draws_of_two_users_have_nothing_in_common() -> None:
    # hash(seed, salt, user, turn), hashed once, differs by the same bits for two users at every turn
    with duckdb.connect() as connection:
        connection.execute((FOLDER / "macros.sql").read_text(encoding="utf-8"))
        drawn = connection.execute(
            "select list(draw(7, 'place', user_number, turn) order by turn) from range(300) as users(user_number), "
            "range(40) as turns(turn) group by user_number"
        ).fetchall()
    values = [value for (row,) in drawn for value in row]
    counts = Counter(int(value * 20) for value in values)
    expected = len(values) / 20
    assert sum((counts[at] - expected) ** 2 / expected for at in range(20)) < 45  # chi², 19 degrees, p = 0.0007
    nearest = min(
        sum(abs(a - b) for a, b in zip(one, other, strict=True)) / 40 for (one,), (other,) in combinations(drawn, 2)
    )
    assert nearest > 0.12  # the mean of 40 differences is 1/3 with a deviation of 0.037


# The command, and what stops it


def call(*arguments: str | Path | int) -> Result:
    return CliRunner().invoke(cli, ["generate", *(str(argument) for argument in arguments)])


def test_the_command_prints_the_defects_and_their_shares(tmp_path: Path) -> None:
    result = call("taste_profile", "--rows", 100, "--seed", 3, tmp_path / "data")
    assert result.exit_code == 0, result.output
    assert re.search(r"^songs_missing +0.01 +songs +are missing from the catalogue", result.stdout, re.MULTILINE)
    assert re.search(r"made +interactions.csv +100 rows", result.stderr)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["interactions.csv", "songs.csv"]


@pytest.mark.parametrize("rows", ["0", "-5", "many", "1e6"])
def test_a_number_of_rows_that_is_none_is_refused(tmp_path: Path, rows: str) -> None:
    result = call("mpd", "--rows", rows, tmp_path / "data")
    assert result.exit_code == 2
    assert "--rows" in result.stderr
    assert not (tmp_path / "data").exists()


def test_a_folder_that_has_such_files_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    taken = tmp_path / "mpd.slice.5000-5999.json"
    taken.write_text("{}", encoding="utf-8")
    with pytest.raises(ProjectError) as refusal:
        make(tmp_path, load_generator("mpd"))
    assert refusal.value.what == "the folder has mpd.slice.5000-5999.json"
    assert refusal.value.where == str(tmp_path)
    assert refusal.value.fix == "give another folder, or remove them"
    assert taken.read_text(encoding="utf-8") == "{}"
    assert list(tmp_path.iterdir()) == [taken]


def test_another_layout_goes_beside_the_first(tmp_path: Path) -> None:
    make(tmp_path, load_generator("taste_profile"), rows=10)
    make(tmp_path, load_generator("taste_profile"), rows=10, layout="triplets")
    assert len(list(tmp_path.iterdir())) == 4


def test_unknown_kinds_and_layouts_are_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as refusal:
        load_generator("yandex")
    assert refusal.value.what == "there is no generator of kind yandex"
    assert "yandex_music" in refusal.value.fix
    with pytest.raises(ProjectError) as refusal:
        make(tmp_path / "data", load_generator("taste_profile"), layout="triplet")
    assert refusal.value.what == "taste_profile has no layout triplet"
    assert refusal.value.fix == "did you mean triplets?"
    assert not (tmp_path / "data").exists()


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("", encoding="utf-8")
    with pytest.raises(ProjectError) as refusal:
        make(tmp_path / "data", load_generator("mpd"), rows=10)
    assert refusal.value.what == "can't write the file: File exists"
    assert refusal.value.where == str(tmp_path / "data")
    assert (tmp_path / "data").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_is_told_and_nothing_is_left(tmp_path: Path, kind: str) -> None:
    generator = load_generator(kind)
    full = "../" * 40 + "dev/full"
    last = replace(generator.files[-1], name=full, copy=f"{generator.files[-1].copy}, use_tmp_file false")
    layout = last.layout or None
    with pytest.raises(ResourceError) as told:
        make(tmp_path / "data", replace(generator, files=(*generator.files[:-1], last)), rows=1_000, layout=layout)
    assert told.value.exit_code == 5
    assert told.value.what == "disk does not suffice"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_generator_leaves_no_file(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    folder = tmp_path / "data"
    command = [sys.executable, "-m", "recsys_duck", "generate", "yandex_music", "--rows", "1000000000", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not list(tmp_path.glob("data/.recsys-duck-*/*.parquet")) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(random.Random(code).random())
    process.send_signal(sent)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    assert "nothing was left behind" in stderr
    assert not folder.exists()
