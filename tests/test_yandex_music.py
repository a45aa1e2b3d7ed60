"""Kind yandex_music: the real files read as an obvious program reads them, and an answer to every bad file."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from building import rows, run, write_parquet

from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import CheckError, ProjectError, RecsysDuckError
from recsys_duck.events import Event, Warned
from recsys_duck.kind import SQL_FOLDER
from recsys_duck.models import python_stages
from recsys_duck.project import load_project
from recsys_duck.settings import Given

KIND = {"kind": "yandex_music"}
TRACKS = """select unnest([1, 2, 3, 4]) as track_id, [10] as albums, unnest([[20], [20, 21], [20], []]) as artists,
    unnest([[30], [30, 31], [99], [30]]) as genres"""
NAMES = """select * from (values (10, 'album', 'A'), (20, 'artist', 'B'), (21, 'artist', 'C'), (30, 'genre', 'g'),
    (31, 'genre', 'h'), (1, 'track', 'One'), (2, 'track', 'Two'), (5, 'track', 'Five')) as t(id, type, name)"""
EVENTS = """select user_id, 1 + (user_id + n) % 4 as track_id, cast(n as smallint) as track_seq,
    cast(timestamp '2022-12-12' + interval 1 day * n as timestamp_ns) as started_at, n as __index_level_0__
    from range(1, 6) as users(user_id), range(8) as numbers(n)"""
SELECT = ("+core.events", "+core.item_tags", "+staging.unknown_tags", "+core.users_grouped", "+core.catalog_tracks")


def lay_out(root: Path, *, tracks: str = TRACKS, names: str = NAMES, events: str = EVENTS) -> Path:
    for name, select in (("tracks", tracks), ("catalog_names", names), ("interactions", events)):
        write_parquet(root / f"{name}.parquet", select)
    return root


def build(root: Path, *, select: tuple[str, ...] = SELECT, **parameters: object) -> list[Event]:
    return run(root, {**KIND, "parameters": list(parameters.items())}, select=select)


def ledger(root: Path, stage: str) -> dict[str, int]:
    found = rows(root, f"select reason, n_rows from meta.row_ledger where stage = '{stage}' and n_rows > 0")
    return {str(reason): int(str(n_rows)) for reason, n_rows in found}


def warnings(events: list[Event]) -> list[str]:
    """What broke a check that warns; a build of some tables tells of all others, too."""
    return [event.message for event in events if isinstance(event, Warned) and "the check" in event.message]


class Read:
    """What the real files say, by the rules of the recipe, one row at a time."""

    def __init__(self, folder: Path) -> None:
        self.names: dict[tuple[str, int], str] = {}
        for row in pq.read_table(folder / "catalog_names.parquet").to_pylist():
            self.names[row["type"], row["id"]] = row["name"]
        self.tracks: dict[int, dict[str, Any]] = {}
        self.reasons: Counter[str] = Counter()
        for row in pq.read_table(folder / "tracks.parquet").to_pylist():
            reason = next((f"no_{name}" for name in ("artists", "albums", "genres") if not row[name]), None)
            if reason is None and any(("genre", genre) not in self.names for genre in row["genres"]):
                reason = "unknown_genre"
            self.reasons[reason or "kept"] += 1
            if reason is None:
                self.tracks[row["track_id"]] = row
        table = pq.read_table(folder / "interactions.parquet", columns=["user_id", "track_id", "started_at"])
        times = table["started_at"].cast("timestamp[us]", safe=False).to_pylist()
        every = list(zip(table["user_id"].to_pylist(), table["track_id"].to_pylist(), times, strict=True))
        self.events = [event for event in every if event[1] in self.tracks]
        self.n_lost = len(every) - len(self.events)
        per_user = Counter(user for user, _, _ in self.events)
        self.kept = [event for event in self.events if per_user[event[0]] > 3]
        self.train = [event for event in self.kept if event[2] < datetime(2022, 12, 16)]


@pytest.fixture(scope="module")
def real(real_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Read]:
    folder, root = real_data("yandex_music"), tmp_path_factory.mktemp("yandex")
    (root / "recsys.toml").write_text((SQL_FOLDER / "kinds/yandex_music/recipes/yandex_music.toml").read_text())
    for path in folder.glob("*.parquet"):
        (root / path.name).symlink_to(path)
    build(
        root,
        select=(*SELECT, "+recs.similar_items", "+recs.popular", "+recs.personal/als", "+core.tag_counts"),
        factors=8,
        iterations=2,
    )
    return root, Read(folder)


def test_every_row_of_the_real_files_is_kept_or_has_its_reason(real: tuple[Path, Read]) -> None:
    root, read = real
    assert ledger(root, "staging.tracks") == {"in": sum(read.reasons.values()), **read.reasons}
    n_events = len(read.events)
    wanted = {"in": n_events + read.n_lost, "kept": n_events, "track_not_in_catalog": read.n_lost}
    assert ledger(root, "staging.events") == wanted
    n_small = n_events - len(read.kept)
    assert ledger(root, "core.events") == {"in": n_events, "kept": len(read.kept), "user_small_history": n_small}
    unknown = {
        (track, tag_type, tag)
        for track, row in read.tracks.items()
        for tag_type in ("album", "artist")
        for tag in row[f"{tag_type}s"]
        if (tag_type, tag) not in read.names
    }
    assert set(rows(root, "select track_id, tag_type, tag_id from staging.unknown_tags")) == unknown


def test_real_users_and_tracks_are_added_up_before_small_users_leave(real: tuple[Path, Read]) -> None:
    root, read = real
    sums: dict[int, list[int]] = {}
    for user, track, _ in read.events:
        sums.setdefault(user, []).append(track)
    wanted = {(user, len(tracks), sum(tracks), max(tracks)) for user, tracks in sums.items()}
    found = set(rows(root, "select user_id, n_events, track_id_sum, track_id_max from core.users_grouped"))
    assert found == wanted
    met = Counter(track for _, track, _ in read.events)
    names = {(track, name, met[track]) for (tag_type, track), name in read.names.items() if tag_type == "track"}
    assert set(rows(root, "select item_id, item_name, n_events from core.catalog_tracks")) == names


def test_real_tags_count_their_kept_tracks_and_all_is_0(real: tuple[Path, Read]) -> None:
    root, read = real
    carried = Counter(
        (tag_type, tag)
        for row in read.tracks.values()
        for tag_type in ("album", "artist", "genre")
        for tag in set(row[f"{tag_type}s"])
    )
    wanted = {(*key, name, carried[key]) for key, name in read.names.items() if key[0] != "track"}
    assert set(rows(root, "select tag_type, tag_id, tag_name, n_items from core.tag_counts")) == wanted
    assert ("genre", 0, "all", 0) in wanted


def test_real_popularity_is_that_of_the_days_before_the_cutoff(real: tuple[Path, Read]) -> None:
    root, read = real
    counts = Counter(track for _, track, _ in read.train)
    best = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:100]
    assert rows(root, "select item_id, n_events, rank from recs.popular order by rank") == [
        (track, n_events, rank) for rank, (track, n_events) in enumerate(best, 1)
    ]


def test_real_tracks_of_train_each_have_ten_similar_ones_and_users_their_lists(real: tuple[Path, Read]) -> None:
    root, read = real
    tracks, users = {track for _, track, _ in read.train}, {user for user, _, _ in read.train}
    question = "select item_id from recs.similar_items group by 1 having count(*) = 10 and max(rank) = 10"
    assert {item for (item,) in rows(root, question)} == tracks
    assert rows(root, "select count(*) from recs.similar_items where source <> 'factors' or item_id = similar_item_id")[
        0
    ] == (0,)
    assert {user for (user,) in rows(root, "select distinct user_id from recs.personal")} == users
    factors = {
        item: np.array(vector, dtype=np.float64)
        for item, vector in rows(root, "select item_id, factors from models.item_factors")
    }
    keys = sorted(factors)
    every = np.array([factors[key] for key in keys])
    every /= np.linalg.norm(every, axis=1)[:, None]
    for item in keys[:: len(keys) // 20]:
        cosines = np.round(every @ every[keys.index(item)], 12)
        order = [key for _, key in sorted(zip(-cosines, keys, strict=True)) if key != item][:10]
        found = rows(root, f"select similar_item_id from recs.similar_items where item_id = {item} order by rank")
        assert [other for (other,) in found] == order


def test_the_recipe_says_no_more_than_the_kinds_defaults(tmp_path: Path) -> None:
    recipe = (SQL_FOLDER / "kinds/yandex_music/recipes/yandex_music.toml").read_text(encoding="utf-8")
    (lay_out(tmp_path) / "recsys.toml").write_text(recipe, encoding="utf-8")
    with SqlText() as reader:
        told = load_project(Given(root=tmp_path), reader, python_stages())
        (tmp_path / "recsys.toml").unlink()
        plain = load_project(Given(root=tmp_path, kind="yandex_music"), reader, python_stages())
    assert {name: one.value for name, one in told.settings.items()} == {
        name: one.value for name, one in plain.settings.items()
    }
    assert told.unread == ()


def test_each_row_of_small_files_has_its_place(tmp_path: Path) -> None:
    events = build(lay_out(tmp_path))
    assert ledger(tmp_path, "staging.tracks") == {"in": 4, "kept": 2, "no_artists": 1, "unknown_genre": 1}
    assert ledger(tmp_path, "staging.events") == {"in": 40, "kept": 20, "track_not_in_catalog": 20}
    assert rows(tmp_path, "select count(*), max(position) from core.events") == [(20, 7)]
    assert rows(tmp_path, "from core.catalog_tracks order by all") == [(1, "One", 10), (2, "Two", 10), (5, "Five", 0)]
    assert warnings(events) == []


def test_an_artist_that_the_catalog_lacks_is_a_warning_unless_it_rejects(tmp_path: Path) -> None:
    lay_out(tmp_path, names=f"from ({NAMES}) where id <> 21")
    told = warnings(build(tmp_path))
    assert len(told) == 1
    assert "a kept track names an id that the catalog lacks" in told[0]
    assert rows(tmp_path, "from staging.unknown_tags") == [(2, "artist", 21)]
    assert ledger(tmp_path, "core.item_tags")["tag_not_in_catalog"] == 1
    build(tmp_path, reject_unknown_tags=["artist", "genre"])
    assert ledger(tmp_path, "staging.tracks")["unknown_artist"] == 1
    assert rows(tmp_path, "from staging.unknown_tags") == []


def test_ids_that_are_text_are_read_and_have_no_sums(tmp_path: Path) -> None:
    texts = {
        "tracks": """select concat('t', track_id) as track_id,
            list_transform(albums, lambda x: concat('a', x)) as albums,
            list_transform(artists, lambda x: concat('a', x)) as artists,
            list_transform(genres, lambda x: concat('a', x)) as genres""",
        "names": "select concat(case when type = 'track' then 't' else 'a' end, id) as id, type, name",
        "events": "select user_id, concat('t', track_id) as track_id, track_seq, started_at",
    }
    given = {"tracks": TRACKS, "names": NAMES, "events": EVENTS}
    lay_out(tmp_path, **{name: f"{select} from ({given[name]})" for name, select in texts.items()})
    build(tmp_path)
    assert ledger(tmp_path, "staging.tracks") == {"in": 4, "kept": 2, "no_artists": 1, "unknown_genre": 1}
    assert ledger(tmp_path, "staging.events") == {"in": 40, "kept": 20, "track_not_in_catalog": 20}
    assert rows(tmp_path, "select distinct typeof(tag_id) from core.item_tags") == [("VARCHAR",)]
    found = rows(tmp_path, "select track_id_sum, track_id_max, track_seq_sum is null from core.users_grouped")
    assert set(found) == {(None, None, False)}


def test_text_in_one_file_makes_text_of_the_ids_in_all(tmp_path: Path) -> None:
    lay_out(tmp_path, names=f"select * replace (cast(id as varchar) as id) from ({NAMES})")
    build(tmp_path)
    assert ledger(tmp_path, "staging.events")["kept"] == 20
    assert rows(tmp_path, "select distinct typeof(item_id) from core.events") == [("VARCHAR",)]


@pytest.mark.parametrize(
    ("files", "what", "fix"),
    [
        ({"tracks": f"select * exclude (genres) from ({TRACKS})"}, "input tracks has no column genres", "--column"),
        ({"events": f"select * exclude (started_at) from ({EVENTS})"}, "no column started_at", "--column"),
        ({"names": f"select * exclude (type) from ({NAMES})"}, "no column type", "--column"),
        (
            {"tracks": f"select * replace (1 as albums) from ({TRACKS})"},
            "column albums is INTEGER, which is no list of ids",
            "lists of integers or of text",
        ),
        (
            {"tracks": f"select * replace ([1.5e0] as albums) from ({TRACKS})"},
            r"column albums is DOUBLE\[\], which is no list of ids",
            "lists of integers or of text",
        ),
        (
            {"tracks": f"select * replace ([[1]] as albums) from ({TRACKS})"},
            r"column albums is INTEGER\[\]\[\], which is no list of ids",
            "lists of integers or of text",
        ),
        (
            {"tracks": f"select * replace ([1] as track_id) from ({TRACKS})"},
            r"column track_id is INTEGER\[\], which is no id",
            "an integer or text",
        ),
    ],
)
def test_a_file_of_another_layout_is_refused(tmp_path: Path, files: dict[str, str], what: str, fix: str) -> None:
    lay_out(tmp_path, **files)
    with pytest.raises(ProjectError, match=what) as caught:
        build(tmp_path)
    assert fix in caught.value.fix
    assert caught.value.where.endswith(".parquet")


def test_a_type_that_the_project_says_of_a_list_must_be_one(tmp_path: Path) -> None:
    lay_out(tmp_path)
    toml = 'kind = "yandex_music"\n[files.tracks]\npaths = "tracks.parquet"\ncolumns = {{ albums = "{}" }}\n'
    (tmp_path / "recsys.toml").write_text(toml.format("bigint"), encoding="utf-8")
    with pytest.raises(ProjectError, match="albums can't be bigint") as caught:
        build(tmp_path)
    assert caught.value.fix == "use bigint[] or varchar[]"
    (tmp_path / "recsys.toml").write_text(toml.format("varchar[]"), encoding="utf-8")
    build(tmp_path)
    assert rows(tmp_path, "select distinct typeof(albums) from staging.tracks") == [("VARCHAR[]",)]


def test_a_missing_file_is_refused_by_its_input(tmp_path: Path) -> None:
    (lay_out(tmp_path) / "catalog_names.parquet").unlink()
    with pytest.raises(ProjectError, match="no file for input catalog_names") as caught:
        build(tmp_path)
    assert caught.value.where == "catalog_names*.parquet"


@pytest.mark.parametrize(
    ("empty", "name"), [("tracks", "tracks"), ("names", "catalog_names"), ("events", "interactions")]
)
def test_a_file_without_rows_ends_the_build_by_the_name_of_its_input(tmp_path: Path, empty: str, name: str) -> None:
    given = {"tracks": TRACKS, "names": NAMES, "events": EVENTS}
    lay_out(tmp_path, **{empty: f"from ({given[empty]}) limit 0"})
    for split in ("time", "none"):
        with pytest.raises(CheckError, match=f"the files of input {name} hold no row, nothing is published"):
            build(tmp_path, select=(), split=split)
    assert not (tmp_path / "warehouse" / "recsys.duckdb").exists()


def test_times_beyond_the_build_are_kept_and_told_and_times_that_are_none_rejected(tmp_path: Path) -> None:
    late = f"select * replace (timestamp_ns '2199-01-01 00:00:00' as started_at) from ({EVENTS}) where n = 0"
    none = f"select * replace (null as started_at) from ({EVENTS}) where n = 1"
    columns = "user_id, track_id, track_seq, started_at"
    made = EVENTS.replace("n as __index_level_0__", "n")
    both = [one.replace("n as __index_level_0__", "n") for one in (late, none)]
    union = " union all ".join(f"select {columns} from ({one})" for one in (made, *both))
    told = warnings(build(lay_out(tmp_path, events=union)))
    assert ["events from the future" in text for text in told] == [True]
    assert ledger(tmp_path, "staging.events")["bad_time"] == 5


def test_nanoseconds_are_cut_and_never_round_an_event_into_the_test(tmp_path: Path) -> None:
    at = "timestamp_ns '2022-12-15 23:59:59.999999999'"
    events = f"select 1 as user_id, 1 as track_id, n as track_seq, {at} as started_at from range(5) as t(n)"
    build(lay_out(tmp_path, events=events), select=("+split.manifest",))
    assert rows(tmp_path, "select n_train_events, n_test_events from split.manifest") == [(5, 0)]


def test_a_number_that_does_not_fit_has_a_reason_and_a_missing_one_none(tmp_path: Path) -> None:
    odd = f"select * replace (case n when 0 then null when 1 then 3000000000 else n end as track_seq) from ({EVENTS})"
    odd = odd.replace("n as __index_level_0__", "n").replace("cast(n as smallint)", "n")
    build(lay_out(tmp_path, events=odd, names=NAMES, tracks=TRACKS))
    wanted = ledger(tmp_path, "staging.events")
    assert wanted["bad_track_seq"] + wanted["kept"] == 20
    assert 0 < wanted["bad_track_seq"] < 5


def test_a_tag_type_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecsysDuckError, match="reject_unknown_tags") as caught:
        build(lay_out(tmp_path), reject_unknown_tags=["genres"])
    assert "genre" in f"{caught.value.what} {caught.value.fix}"


def test_a_user_is_seen_with_the_last_events_and_the_next_ones(tmp_path: Path) -> None:
    many = EVENTS.replace("range(8)", "range(20)").replace("2022-12-12", "2022-11-12")
    build(lay_out(tmp_path, events=many), select=(), include_seen=True)
    found = rows(tmp_path, "select shown, model_name, rank, item_name, genres from user_view(3)")
    last = [row for row in found if row[0] == "last events"]
    assert [row[2] for row in last] == list(range(1, 11))
    latest = "select item_id from core.events where user_id = 3 order by occurred_at desc limit 10"
    names = {1: ("One", "g"), 2: ("Two", "g, h")}
    assert [row[3:] for row in last] == [names[int(str(item))] for (item,) in rows(tmp_path, latest)]
    assert {row[1] for row in found if row[0] == "recommendations"} == {"als", "popular"}
    assert rows(tmp_path, "select count(*) from user_view('nobody')") == [(0,)]
