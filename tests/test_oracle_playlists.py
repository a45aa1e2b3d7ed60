"""The package and the plain-Python oracle agree on playlists: on the real slices and on random broken ones."""

import json
import random
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from oracles.playlists import ENTITIES, Answer, Popular, Settings, answer, lists_of_popular

from recsys_duck.build import build
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import RecsysDuckError
from recsys_duck.graph import build_graph
from recsys_duck.models import python_stages
from recsys_duck.project import load_project
from recsys_duck.run import How
from recsys_duck.settings import Given

POPULAR_N = 100
RECORD_GATE = "staging.playlists"
USER_GATE = "staging.users"
ROW_GATES = ("staging.events", "core.events")


@dataclass(frozen=True)
class Case:
    """Slices, the package's parameters for them, and the same settings in the oracle's words."""

    paths: list[Path]
    pattern: str
    parameters: dict[str, object]
    settings: Settings
    popular_by: str = "users"
    top_n: int = 30


class Built:
    """The published tables of one build, read back as plain Python."""

    def __init__(self, root: Path, case: Case) -> None:
        given = Given(
            root=root,
            kind="mpd",
            files=[("", case.pattern)],
            parameters=[("models", ["popular"]), ("ks", [1]), *case.parameters.items()],
        )
        with SqlText() as reader:
            project = load_project(given, reader, python_stages())
        for _ in build(project, build_graph(project), How("recsys", memory_limit=2_000_000_000, threads=2)):
            pass
        self._connection = duckdb.connect(str(root / "warehouse" / "recsys.duckdb"), read_only=True)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query on the published catalog."""
        return self._connection.execute(query).fetchall()

    def ledger(self) -> dict[str, dict[str, int]]:
        """Rows by stage and reason; reasons without rows are left out, in and kept stay."""
        stages: dict[str, dict[str, int]] = {}
        for stage, reason, n_rows in self.rows("SELECT stage, reason, n_rows FROM meta.row_ledger"):
            reasons = stages.setdefault(stage, {})
            assert reason not in reasons, f"{stage} has two ledger rows for {reason}"
            if n_rows or reason in ("in", "kept"):
                reasons[reason] = n_rows
        return stages


@dataclass(frozen=True)
class Pair:
    """A build, what the oracle says about the same slices, and how to find the case again."""

    case: Case
    built: Built
    wanted: Answer
    note: str


def make_pair(root: Path, case: Case, note: str) -> Pair:
    """Build the case and ask the oracle."""
    return Pair(case, Built(root, case), answer(case.paths, case.settings), note)


def assert_same(what: str, found: Iterable[Hashable], wanted: Iterable[Hashable], note: str) -> None:
    """Compare two multisets of rows and show a few that differ."""
    found_rows, wanted_rows = Counter(found), Counter(wanted)
    missing, surplus = wanted_rows - found_rows, found_rows - wanted_rows
    assert missing == surplus == Counter(), (
        f"{note}: {what} differ: {missing.total()} missing such as {sorted(missing.items(), key=repr)[:5]}, "
        f"{surplus.total()} surplus such as {sorted(surplus.items(), key=repr)[:5]}"
    )


def flat(mapping: Mapping[Any, tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Each key with its values as one row."""
    return [(key, *values) for key, values in mapping.items()]


def check_ledger(pair: Pair) -> None:
    """Every gate of records, playlists and track rows counts as the oracle does."""
    ledger = pair.built.ledger()
    for stage, wanted in ((RECORD_GATE, pair.wanted.record_ledger), (USER_GATE, pair.wanted.user_ledger)):
        expected = {"in": wanted.n_in, "kept": wanted.n_kept, **wanted.rejected}
        assert ledger[stage] == expected, f"{pair.note}: ledger of {stage}"

    first, last = (ledger[stage] for stage in ROW_GATES)
    assert last["in"] == first["kept"], f"{pair.note}: {ROW_GATES[1]} does not read what {ROW_GATES[0]} keeps"
    rejected = Counter(first) + Counter(last)
    del rejected["in"], rejected["kept"]
    wanted_rows = pair.wanted.row_ledger
    found = {"in": first["in"], "kept": last["kept"], **rejected}
    assert found == {"in": wanted_rows.n_in, "kept": wanted_rows.n_kept, **wanted_rows.rejected}, (
        f"{pair.note}: ledger of track rows"
    )
    assert wanted_rows.n_in == wanted_rows.n_kept + sum(wanted_rows.rejected.values())


def check_events(pair: Pair) -> None:
    """Events are the same multiset of user, item, position and file."""
    rows = pair.built.rows("SELECT user_id, item_id, position, source_file FROM core.events")
    found = [(user_id, item_id, position, Path(source).name) for user_id, item_id, position, source in rows]
    assert_same("events", found, pair.wanted.events.elements(), pair.note)


def check_interactions(pair: Pair) -> None:
    """One row per user and item with the number of its events."""
    found = pair.built.rows("SELECT user_id, item_id, n_events FROM core.interactions")
    wanted = [(*user_item, n_events) for user_item, n_events in pair.wanted.interactions.items()]
    assert_same("interactions", found, wanted, pair.note)


def check_users_and_items(pair: Pair) -> None:
    """Users, items, their names and the counts of items."""
    users = pair.built.rows("SELECT user_id, user_name FROM core.users")
    assert_same("users", users, pair.wanted.users.items(), pair.note)
    items = pair.built.rows("SELECT item_id, item_name FROM core.items")
    assert_same("items", items, pair.wanted.items.items(), pair.note)
    counts = pair.built.rows("SELECT item_id, n_events, n_users FROM core.item_counts")
    assert_same("item counts", counts, flat(pair.wanted.item_counts), pair.note)


def check_tags(pair: Pair) -> None:
    """Links of items to tags, and the names of the linked tags."""
    links = pair.built.rows("SELECT item_id, tag_type, tag_id FROM core.item_tags")
    assert_same("item tags", links, pair.wanted.item_tags, pair.note)
    tags = pair.built.rows("SELECT tag_type, tag_id, tag_name FROM core.tags")
    linked = [row for row in tags if row[:2] in pair.wanted.tags]
    assert_same("tags", linked, [(*tag, name) for tag, name in pair.wanted.tags.items()], pair.note)


def check_popularity(pair: Pair) -> None:
    """The ranking, and the list that people read."""
    wanted = pair.wanted.popularity(pair.case.popular_by)
    ranking = pair.built.rows("SELECT rank, item_id, n_events, n_users FROM features.item_popularity")
    assert_same("item popularity", ranking, numbered(wanted), pair.note)
    popular = pair.built.rows("SELECT rank, item_id, item_name, n_events, n_users FROM recs.popular")
    named = [
        (rank, item_id, pair.wanted.items[item_id], n_events, n_users)
        for rank, item_id, n_events, n_users in numbered(wanted[:POPULAR_N])
    ]
    assert_same("popular items", popular, named, pair.note)


def check_personal(pair: Pair) -> None:
    """Each user's list of popular items that the user does not have."""
    lists = lists_of_popular(pair.wanted.popularity(pair.case.popular_by), pair.wanted.interactions, pair.case.top_n)
    wanted = [(user_id, rank, item_id) for user_id, chosen in lists.items() for rank, item_id in enumerate(chosen, 1)]
    query = "SELECT user_id, rank, item_id FROM recs.personal WHERE model_name = 'popular'"
    assert_same("personal lists", pair.built.rows(query), wanted, pair.note)


def numbered(popular: Sequence[Popular]) -> list[tuple[int, str, int, int]]:
    """The ranking with ranks from 1."""
    return [(rank, *item) for rank, item in enumerate(popular, 1)]


CHECKS = [
    check_ledger,
    check_events,
    check_interactions,
    check_users_and_items,
    check_tags,
    check_popularity,
    check_personal,
]


# --- the real slices ---------------------------------------------------------------------------------------

ONE_SLICE, ALL_SLICES = "mpd.slice.0-999.json", "mpd.slice.*.json"
MPD_TOP_ENTITIES, MPD_MIN_PLAYLIST_TRACKS = 10_000, 5


def real_case(folder: Path, pattern: str, parameters: dict[str, object]) -> Case:
    """A case over real slices; what is not set here has the kind's default."""
    settings = Settings(
        item_entity=str(parameters["item_entity"]),
        top_entities=int(str(parameters.get("top_entities", MPD_TOP_ENTITIES))),
        min_playlist_tracks=int(str(parameters.get("min_playlist_tracks", MPD_MIN_PLAYLIST_TRACKS))),
        min_mentions=int(str(parameters.get("min_mentions", 0))),
    )
    popular_by = str(parameters.get("popular_by", "users"))
    return Case(sorted(folder.glob(pattern)), str(folder / pattern), parameters, settings, popular_by)


RECIPE_5: dict[str, object] = {"item_entity": "track", "top_entities": 0, "min_playlist_tracks": 0}
REAL_CASES: dict[str, tuple[str, dict[str, object]]] = {
    "artist": (ALL_SLICES, {"item_entity": "artist"}),
    "track": (ALL_SLICES, {"item_entity": "track"}),
    "artist_mentions": (ALL_SLICES, {"item_entity": "artist", "min_mentions": 20, "popular_by": "events"}),
    "album": (ONE_SLICE, {"item_entity": "album"}),
}


@pytest.fixture(scope="module")
def recipe_5(slices_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    case = real_case(slices_folder, ONE_SLICE, RECIPE_5)
    return make_pair(tmp_path_factory.mktemp("recipe_5"), case, "recipe 5")


@pytest.fixture(scope="module", params=REAL_CASES)
def real(request: pytest.FixtureRequest, slices_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    name = request.param
    return make_pair(tmp_path_factory.mktemp(name), real_case(slices_folder, *REAL_CASES[name]), name)


def test_recipe_5_gives_its_published_figures(recipe_5: Pair) -> None:
    query = "SELECT (SELECT count(*) FROM core.items), (SELECT count(*) FROM core.interactions)"
    assert recipe_5.built.rows(query) == [(34_443, 66_721)]
    assert (len(recipe_5.wanted.items), len(recipe_5.wanted.interactions)) == (34_443, 66_721)
    top = recipe_5.built.rows("SELECT n_users FROM recs.popular ORDER BY rank LIMIT 10")
    assert [n_users for (n_users,) in top] == [52, 50, 49, 45, 44, 41, 39, 39, 38, 38]


@pytest.mark.parametrize("check", CHECKS)
def test_recipe_5_agrees_with_the_oracle(recipe_5: Pair, check: Any) -> None:
    check(recipe_5)


@pytest.mark.parametrize("check", CHECKS)
def test_real_slices_agree_with_the_oracle(real: Pair, check: Any) -> None:
    check(real)


# --- made-up slices ----------------------------------------------------------------------------------------


def write_slices(folder: Path, slices: Mapping[str, Sequence[Any]]) -> list[Path]:
    """Write each list of records as a slice."""
    folder.mkdir()
    for name, records in slices.items():
        document = {"info": {"slice": name}, "playlists": records}
        (folder / name).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return [folder / name for name in slices]


def made_up_case(root: Path, slices: Mapping[str, Sequence[Any]], parameters: dict[str, object]) -> Case:
    """A case over made-up slices, with every parameter given."""
    paths = write_slices(root / "slices", slices)
    settings = Settings(**{name: parameters[name] for name in Settings.__dataclass_fields__})  # type: ignore[arg-type]
    popular_by, top_n = str(parameters["popular_by"]), int(str(parameters["top_n"]))
    return Case(paths, str(root / "slices" / "*.json"), parameters, settings, popular_by, top_n)


OFF: dict[str, object] = {
    "item_entity": "track",
    "top_entities": 0,
    "min_playlist_tracks": 0,
    "min_mentions": 0,
    "popular_by": "users",
    "top_n": 30,
}


def track(track_id: str = "t1", artist_id: str = "a1", album_id: str = "b1", **fields: Any) -> dict[str, Any]:
    """A sound track row; fields given replace or add to its own."""
    return {
        "artist_name": artist_id.upper(),
        "track_uri": f"spotify:track:{track_id}",
        "artist_uri": f"spotify:artist:{artist_id}",
        "track_name": track_id.upper(),
        "album_uri": f"spotify:album:{album_id}",
        "duration_ms": 1000,
        "album_name": album_id.upper(),
        **fields,
    }


def playlist(pid: Any, tracks: Any, **fields: Any) -> dict[str, Any]:
    """A playlist without num_tracks; fields given add to it."""
    return {"name": f"list {pid}", "collaborative": "false", "pid": pid, "modified_at": 1, "tracks": tracks, **fields}


def test_a_case_worked_by_hand(tmp_path: Path) -> None:
    slices: dict[str, list[Any]] = {
        "mpd.slice.0-9.json": [
            playlist(1, [track("t1"), track("t2"), track("t1", pos=7), 5], num_tracks=4),
            playlist(1, [track("t1", track_name="again"), track("t1", track_name="again")]),
            playlist(2, []),
            playlist(1, []),
            "no playlist",
        ],
        "mpd.slice.10-19.json": [
            playlist(2, [track("t3")]),
            playlist(1.5, [track("t3"), track("t4", track_uri="spotify:artist:t4")]),
            playlist("3", [track("t2", track_name="T2"), track("t2", track_name="S2"), track("t4")], name=None),
            playlist(4, [track("t5")]),
            playlist(5, [track("t6"), track("t2")], num_tracks=3),
        ],
    }
    parameters = {**OFF, "top_entities": 4, "min_playlist_tracks": 2, "min_mentions": 1}
    pair = make_pair(tmp_path, made_up_case(tmp_path, slices, parameters), "worked by hand")
    wanted = pair.wanted
    # Mentions over lists 1, 3, 4, 5: t2 4, t1 2, t4 1, t5 1, t6 1; the four most mentioned leave t6 out.
    assert wanted.record_ledger.rejected == {"bad_playlist": 2, "no_tracks": 2, "duplicate_pid": 2}
    assert wanted.user_ledger.rejected == {"playlist_too_short": 1}
    assert (wanted.row_ledger.n_in, wanted.row_ledger.n_kept) == (15, 6)
    assert wanted.row_ledger.rejected == {
        "bad_uri": 2,
        "bad_playlist": 1,
        "duplicate_pid": 3,
        "entity_below_top": 1,
        "playlist_too_short": 1,
        "entity_below_mentions": 1,
    }
    first, second = slices
    assert wanted.events == Counter(
        [
            *((1, "t1", 0, first), (1, "t2", 1, first), (1, "t1", 7, first)),
            *((3, "t2", 0, second), (3, "t2", 1, second), (5, "t2", 1, second)),
        ]
    )
    assert wanted.users == {1: "list 1", 3: None, 5: "list 5"}
    assert wanted.items == {"t1": "T1", "t2": "T2"}
    assert wanted.popular_by_users == [("t2", 4, 3), ("t1", 2, 1)]
    assert lists_of_popular(wanted.popular_by_users, wanted.interactions, 1) == {1: [], 3: ["t1"], 5: ["t1"]}
    for check in CHECKS:
        check(pair)


def test_a_playlist_minimum_of_zero_is_off(tmp_path: Path) -> None:
    slices = {"a.json": [playlist(1, [track("t1")], num_tracks=0), playlist(2, [track("t2")])]}
    pair = make_pair(tmp_path, made_up_case(tmp_path, slices, OFF), "min_playlist_tracks 0 is off")
    for check in CHECKS:
        check(pair)


@pytest.mark.parametrize("entity", ENTITIES)
def test_an_item_whose_key_is_missing_everywhere_is_refused(tmp_path: Path, entity: str) -> None:
    row = {key: value for key, value in track().items() if key != f"{entity}_uri"}
    case = made_up_case(tmp_path, {"a.json": [playlist(1, [row])]}, {**OFF, "item_entity": entity})
    with pytest.raises(RecsysDuckError, match="item_entity"):
        Built(tmp_path, case)


SEEDS = range(27)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_slices_agree_with_the_oracle(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    entity = ENTITIES[seed % len(ENTITIES)]
    slices, parameters = RandomSlices(chance, entity).make(), random_parameters(chance, entity)
    pair = make_pair(tmp_path, made_up_case(tmp_path, slices, parameters), f"seed {seed}, {parameters}")
    for check in CHECKS:
        check(pair)


def random_parameters(chance: random.Random, entity: str) -> dict[str, object]:
    """Settings that bite on a few dozen rows."""
    return {
        "item_entity": entity,
        "top_entities": chance.choice([0, 0, 0, 1, 5, 8, 20]),
        "min_playlist_tracks": chance.choice([0, 1, 2, 4]),
        "min_mentions": chance.choice([0, 0, 0, 1, 2, 4]),
        "popular_by": chance.choice(["users", "events"]),
        "top_n": chance.choice([1, 2, 30]),
    }


class RandomSlices:
    """Small slices with every defect the recipe names, some of them rare."""

    FILES = ("mpd.slice.0-9.json", "mpd.slice.10-19.json", "mpd.slice.2-3.json", "mpd.slice.100-109.json")
    BAD_PIDS: tuple[Any, ...] = (None, 1.5, 2.5, 0.5, "abc", "", "1.5", "x1", "1x", [1], [], {"pid": 1}, True)
    NO_PLAYLISTS: tuple[Any, ...] = (None, 3, 1.5, "x", "", [], ["pid", 1], True)
    NO_TRACK_ROWS: tuple[Any, ...] = (None, 5, 0.5, "spotify:track:t1", "", [], ["spotify:track:t1"], False)
    IDS = ("1", "2", "10", "9", "B", "a", "é", "Z:z")
    RARE_IDS = tuple(f"rare{number}" for number in range(30))
    NAMELESS = ("2", "é", *RARE_IDS[:10])
    FIELDS = ("name", "num_tracks", "pos", "track_uri", "artist_uri", "album_uri", "artist_name", "album_name")

    def __init__(self, chance: random.Random, entity: str) -> None:
        self.chance = chance
        self.defects = chance.choice([0.0, 0.05, 0.25])
        absent = chance.choice([None, None, None, *self.FIELDS])
        self.absent = None if absent == f"{entity}_uri" else absent

    def make(self) -> dict[str, list[Any]]:
        """Some slices, written in any order; two records are sound, one of them short."""
        names = self.chance.sample(self.FILES, self.chance.randint(1, len(self.FILES)))
        slices: dict[str, list[Any]] = {
            name: [self.record() for _ in range(self.chance.choice([0, 2, 6, 12]))] for name in names
        }
        place = self.chance.choice(names)
        slices[place].insert(self.chance.randint(0, len(slices[place])), playlist(999, [track("1", "1", "1")] * 5))
        slices[self.chance.choice(names)].append(playlist(998, [track("lone", "lone", "lone")]))
        return slices

    def is_defect(self) -> bool:
        """Whether to break something here."""
        return self.chance.random() < self.defects

    def record(self) -> Any:
        """A playlist, or something in its place."""
        if self.is_defect():
            return self.chance.choice(self.NO_PLAYLISTS)
        tracks: Any = [self.row(place) for place in range(self.chance.choice([1, 1, 2, 3, 5, 8, 13]))]
        pid: Any = self.chance.randint(-2, 30) if self.defects else self.chance.randrange(10**6)
        if pid >= 0 and self.is_defect():
            pid = str(pid)
        record: dict[str, Any] = {"name": self.name("p"), "pid": pid, "tracks": tracks, "num_tracks": len(tracks)}
        if self.is_defect():
            record["pid"] = self.chance.choice(self.BAD_PIDS)
        if self.is_defect():
            record["tracks"] = self.chance.choice([None, []])
        if self.is_defect():
            record["num_tracks"] = self.chance.choice([None, 1, 2, 3, 5, 100])
        if self.is_defect():
            record["description"] = 'a "quoted"\ttext 🎧'
        return self.without_some_fields(record)

    def row(self, place: int) -> Any:
        """A track row, or something in its place."""
        if self.is_defect():
            return self.chance.choice(self.NO_TRACK_ROWS)
        row: dict[str, Any] = {"pos": place}
        for entity in ENTITIES:
            ids = self.RARE_IDS if self.chance.random() < 0.25 else self.IDS[: self.chance.choice([3, 5, 8])]
            entity_id = self.chance.choice(ids)
            row[f"{entity}_uri"] = self.uri(entity, entity_id)
            row[f"{entity}_name"] = None if entity_id in self.NAMELESS else self.name(entity)
        if self.is_defect():
            row["pos"] = self.chance.choice([None, 0, 1, 40])
        return self.without_some_fields(row)

    def without_some_fields(self, content: dict[str, Any]) -> dict[str, Any]:
        """The same without the field that this copy lacks, and now and then without another."""
        return {
            key: value
            for key, value in content.items()
            if key != self.absent and not (self.is_defect() and self.is_defect())
        }

    def uri(self, entity: str, entity_id: str) -> Any:
        """The URI of this entity, or one of another form."""
        if not self.is_defect():
            return f"spotify:{entity}:{entity_id}"
        other = {"track": "artist", "artist": "album", "album": "track"}[entity]
        prefix = f"spotify:{entity}:"
        wrong = [f"spotify:{other}:{entity_id}", prefix, prefix[:-1], f"x{prefix}{entity_id}", f" {prefix}{entity_id}"]
        return self.chance.choice([*wrong, prefix.title() + entity_id, entity_id, "", None, 7, [prefix + entity_id]])

    def name(self, about: str) -> str | None:
        """One of a few spellings, sometimes none."""
        spellings = [about, about, about.upper(), about.title(), f"{about} é", f"{about} 🎧", f"{about} \uffee", ""]
        return self.chance.choice([*spellings, None, None])
