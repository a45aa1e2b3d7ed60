"""The package and the pandas oracle agree on listeners: selection, statistics, profiles, neighbours, lists, exports."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from building import rows, run
from comparing import assert_close, assert_same
from exported import exported
from oracles.listeners import (
    PLAYS,
    PROFILES,
    Answer,
    Neighbours,
    Settings,
    Space,
    answer,
    described,
    lists_of,
    neighbours_of,
    read_tab_separated,
    space_of,
    whole_number,
)
from sklearn.neighbors import NearestNeighbors

KIND = "lastfm_360k"
FILES = ("usersha1-artmbid-artname-plays.tsv", "usersha1-profile.tsv")
SELECT = (
    "+recs.user_knn",
    "+staging.play_statistics",
    "+staging.profile_statistics",
    "+staging.spelling_report",
    "+core.profiles",
)


class Built:
    """The published tables of one build, and what the oracle says about the same files."""

    def __init__(self, root: Path, files: tuple[Path, Path], parameters: Mapping[str, object] | None = None) -> None:
        self.root, self.files = root, files
        root.mkdir(parents=True, exist_ok=True)
        self.parameters = {"models": ["user_knn"], "ks": [1], **(parameters or {})}
        known = {name: self.parameters[name] for name in Settings.__dataclass_fields__ if name in self.parameters}
        self.settings = Settings(**known)  # type: ignore[arg-type]
        given = {
            "kind": KIND,
            "files": [("plays", str(files[0])), ("profiles", str(files[1]))],
            "parameters": list(self.parameters.items()),
        }
        self.told = run(root, given, select=SELECT, memory_limit=2_000_000_000)

    @cached_property
    def wanted(self) -> Answer:
        """What the oracle says; whom user_sample keeps is the build's to say."""
        plays, profiles = read_tab_separated(self.files[0], PLAYS), read_tab_separated(self.files[1], PROFILES)
        users = {user for user in [*plays["user_id"], *profiles["user_id"]] if user is not None}
        if "user_sample" in self.parameters:
            question = "select user_id from staging.profiles union select user_id from staging.selected_plays"
            users &= {user for (user,) in self.rows(question)}
        return answer(plays, profiles, self.settings, users)

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """All rows of a query on the published generation."""
        return rows(self.root, question)

    def ledger(self, stage: str) -> Counter[str]:
        """Rows of a gate by reason."""
        found = self.rows(f"select reason, n_rows from meta.row_ledger where stage = '{stage}'")
        assert len(found) == len(dict(found)), f"a reason of {stage} has two ledger rows"
        return +Counter(dict(found))


def assert_rows_as_the_recipe_says(built: Built) -> None:
    """Compare the ledgers, the kept rows, names, spellings and profiles."""
    wanted = built.wanted
    assert built.ledger("staging.profiles") == wanted.profile_ledger
    assert built.ledger("staging.selected_plays") == wanted.selection_ledger
    assert built.ledger("staging.plays") == wanted.play_ledger
    events = built.rows("select user_id, item_id, cast(weight as bigint) from core.events")
    kept = wanted.kept[["user_id", "artist_id", "plays"]].itertuples(index=False, name=None)
    assert Counter(events) == Counter(kept)
    assert_same("", "names", built.rows("select item_id, item_name from core.items"), wanted.names.items())
    users = [user for (user,) in built.rows("select user_id from core.users")]
    assert_same("", "users", users, list(wanted.profiles["user_id"]))
    question = "select artist_id, n_names, names, n_rows from staging.spelling_report"
    report = [(artist, n_names, tuple(names), n_rows) for artist, n_names, names, n_rows in built.rows(question)]
    spellings = [
        (artist, len(names), tuple(sorted(names, key=lambda name: (-names[name], name))), sum(names.values()))
        for artist, names in wanted.spellings.items()
    ]
    assert_same("", "spellings", report, spellings)
    countries = zip(wanted.profiles["user_id"], wanted.profiles["country"], strict=True)
    assert_same("", "countries", built.rows("select user_id, country from core.profiles"), list(countries))
    for column, numbers in (("age", wanted.ages), ("age_share", wanted.age_shares)):
        found = built.rows(f"select user_id, cast({column} as double) from core.profiles")
        assert_close("", column, found, {(user,): number for user, number in numbers.items()})


def assert_described(built: Built) -> None:
    """Compare both tables of statistics with pandas; an age that is no integer is null in staging already."""
    profiles = built.wanted.profiles.assign(age=lambda rows: rows["age"].map(whole_number).astype(object))
    profiles["age"] = profiles["age"].where(profiles["age"].notna(), None)
    for table, number_column, described_rows in (
        ("staging.play_statistics", "plays", built.wanted.selected_plays),
        ("staging.profile_statistics", "age", profiles),
    ):
        wanted = described(described_rows, number_column)
        found = built.rows(f"select column_name, n_rows from {table}")
        assert dict(found) == dict.fromkeys(wanted, len(described_rows)), table
        for column, figures in wanted.items():
            for figure, value in figures.items():
                ((shown,),) = built.rows(f"select {figure} from {table} where column_name = '{column}'")
                if isinstance(value, float):
                    assert math.isclose(shown, value, rel_tol=1e-12), (table, column, figure, shown, value)
                else:
                    assert shown == value, (table, column, figure)
            if column != number_column:
                question = f"select mean, median, largest from {table} where column_name = '{column}'"
                assert built.rows(question) == [(None, None, None)]


def assert_neighbours(built: Built, space: Space, neighbours: Neighbours) -> None:
    """Compare every list of neighbours by user and rank, and every distance."""
    wanted = {
        (space.user_ids[user], rank, space.user_ids[place]): float(distance)
        for user, (places, distances) in enumerate(zip(neighbours.places, neighbours.distances, strict=True))
        for rank, (place, distance) in enumerate(zip(places, distances, strict=True), start=1)
    }
    found = built.rows("select user_id, rank, neighbour_user_id, distance from features.user_neighbours")
    assert_close("", "neighbours", found, wanted)


def assert_lists(built: Built, space: Space, neighbours: Neighbours) -> None:
    """Compare every list by user, rank, artist and name, and every score."""
    names = built.wanted.names
    wanted = {
        (user, rank, artist, names[artist]): score
        for user, best in lists_of(space, neighbours, built.settings.top_n).items()
        for rank, (artist, score) in enumerate(best, start=1)
    }
    assert_close("", "lists", built.rows("select user_id, rank, item_id, item_name, score from recs.user_knn"), wanted)


def assert_placed_as_the_recipe_says(built: Built) -> None:
    """Compare neighbours and lists alone."""
    space = built.wanted.space
    neighbours = neighbours_of(space, built.settings.n_neighbors)
    assert_neighbours(built, space, neighbours)
    assert_lists(built, space, neighbours)


def assert_as_the_recipe_says(built: Built) -> None:
    """Compare everything from the files to the lists."""
    assert_rows_as_the_recipe_says(built)
    assert_described(built)
    assert_placed_as_the_recipe_says(built)


@pytest.fixture(name="real", scope="module")
def real_builds(real_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Built]:
    """Build the real rows with some parameters, once for all tests."""
    made: dict[str, Built] = {}

    def real(**parameters: object) -> Built:
        key = repr(sorted(parameters.items()))
        if key not in made:
            folder = real_data(KIND)
            made[key] = Built(tmp_path_factory.mktemp("lastfm"), (folder / FILES[0], folder / FILES[1]), parameters)
        return made[key]

    return real


@pytest.mark.parametrize(
    "parameters",
    [
        {"gender": "f"},
        {"gender": "m", "age_mean": "valid", "n_neighbors": 12, "top_n": 7, "spelling_min": 1},
        {"gender": "f", "weighting": "raw", "n_neighbors": 1000, "age_mean": "valid"},
        {"user_sample": 0.25, "spelling_min": 1},
    ],
)
def test_some_of_the_real_listeners_are_treated_as_the_recipe_says(
    real: Callable[..., Built], parameters: dict[str, object]
) -> None:
    assert_as_the_recipe_says(real(**parameters))


def test_all_the_real_listeners_are_treated_as_the_recipe_says(real: Callable[..., Built]) -> None:
    built = real(spelling_min=1)
    assert built.wanted.play_ledger == {
        "in": 92_834,
        "missing_artist_id": 1_317,
        "user_not_in_profiles": 45_467,
        "kept": 46_050,
    }
    assert built.wanted.space.is_silent.sum() == 50
    assert_as_the_recipe_says(built)


def test_sklearn_finds_the_same_distances_as_the_oracle(real: Callable[..., Built]) -> None:
    space = real(gender="f").wanted.space
    found, _ = NearestNeighbors(n_neighbors=100, algorithm="brute", metric="euclidean").fit(space.x).kneighbors(space.x)
    assert np.abs(found - neighbours_of(space, 100).distances).max() < 1e-7


def test_a_sample_keeps_whole_users_by_their_ids_alone(real: Callable[..., Built]) -> None:
    sampled, women, both = real(user_sample=0.25, spelling_min=1), real(gender="f"), real(gender="f", user_sample=0.25)
    chosen, of_women, of_both = (set(built.wanted.profiles["user_id"]) for built in (sampled, women, both))
    assert of_both == chosen & of_women
    assert abs(len(chosen) - 250) < 4.5 * math.sqrt(1000 * 0.25 * 0.75)
    plays = sampled.rows("select user_id, count(*) from staging.selected_plays group by all")
    all_plays = Counter(read_tab_separated(sampled.files[0], PLAYS)["user_id"])
    assert all(all_plays[user] == number for user, number in plays)
    assert chosen & all_plays.keys() <= dict(plays).keys()


def test_lists_are_made_of_train_alone(real: Callable[..., Built]) -> None:
    built = real(gender="f", split="random", test_share=0.3, models=["user_knn", "popular"])
    train = built.rows("select user_id, item_id, cast(weight as double) from split.train")
    space = space_of(
        pd.DataFrame(train, columns=["user_id", "artist_id", "plays"]),
        built.wanted.profiles,
        built.wanted.age_shares.to_numpy(),
    )
    neighbours = neighbours_of(space, 100)
    assert_neighbours(built, space, neighbours)
    assert_lists(built, space, neighbours)


def test_the_exports_hold_the_lists_and_the_spellings(real: Callable[..., Built]) -> None:
    built = real(gender="m", age_mean="valid", n_neighbors=12, top_n=7, spelling_min=1)
    wanted = defaultdict(list)
    for user, artist in built.rows("select user_id, item_id from recs.user_knn order by user_id, rank"):
        wanted[user].append(artist)
    records = exported(built.root, KIND, "user_knn.jsonl")
    assert list(records[0]) == ["user_id", "items"]
    assert {record["user_id"]: list(record["items"]) for record in records} == wanted
    keys = [tuple(record.values())[:2] for record in exported(built.root, KIND, "user_knn.resp")]
    assert {str(key).rsplit(":", 1)[-1]: json.loads(value) for key, value in keys} == wanted
    assert len(exported(built.root, KIND, "user_knn.sqlite")) == len(wanted)
    table = exported(built.root, KIND, "user_knn.csv")
    assert list(table[0]) == ["user_id", "rank", "artist_id", "name", "score"]
    lists = built.rows("select user_id, rank, item_id, item_name, score from recs.user_knn")
    assert_same("", "user_knn.csv", [tuple(row.values()) for row in table], lists)
    everybody = real(spelling_min=1)
    report = exported(everybody.root, KIND, "spelling_report.csv")
    spellings = [(artist, *name) for artist, names in everybody.wanted.spellings.items() for name in names.items()]
    assert_same(
        "", "spelling_report.csv", [(row["artist_id"], row["artist_name"], row["n_rows"]) for row in report], spellings
    )
    assert len(spellings) == 4


def lay_out(root: Path, plays: Iterable[Sequence[object]], profiles: Iterable[Sequence[object]]) -> tuple[Path, Path]:
    """Write plays and profiles as the original files are: tabs, no header, no quotes."""
    root.mkdir(parents=True, exist_ok=True)
    for name, table in zip(FILES, (plays, profiles), strict=True):
        (root / name).write_text("\n".join("\t".join(map(str, row)) for row in table), encoding="utf-8")
    return root / FILES[0], root / FILES[1]


def signed_up(user: str, gender: str = "f", age: object = 20, country: str = "Norway") -> tuple[object, ...]:
    return user, gender, age, country, "Jan 1, 2008"


NAMED = [("u1", "a1", name, 3) for name in ("Die Ärzte", "die ärzte", "Die Ärzte", 'die "ärzte"', "die ärzte")]
DEFECTS = [
    *NAMED, ("u2", "a1", "zz", "0"), ("u2", "a2", "b", "x"), ("u2", "a2", "b", "-7"), ("u2", "a2", "b", "2.5"),
    ("u2", "a2", "b", ""), ("", "a2", "b", "1"), ("u2", "", "b", "1"), ("u2", "a2", "", "1"), ("u2", "", "", "x"),
    ("u2", "a9", "only bad", "x"), ("u9", "a2", "b", "0"), ("u9", "a2", "b", "5"), ("u2", "a2", "b", "4"),
    ("u2", "a3", "c, \"d", "6"), ("u4", "a3", "C", "1000000"), ("u4", "a2", "b", "1"), ("u4", "a2", "b", "2"),
]  # fmt: skip
DEFECT_PROFILES = [
    signed_up("u1", age=30), signed_up("u2", "", -1337, ""), signed_up("u3", "m", "", "Korea, Republic of"),
    signed_up("u4", age=101), signed_up("u5", age=0), signed_up("u6", age=100, country=""), ("", "f", 9, "Peru", ""),
    signed_up("u7", age="x"), signed_up("u8", age="22.5"),
]  # fmt: skip


@pytest.mark.parametrize("parameters", [{}, {"age_mean": "valid"}, {"gender": "f", "spelling_min": 1}])
def test_defects_are_counted_by_the_first_reason_that_applies(tmp_path: Path, parameters: dict[str, object]) -> None:
    # of nobody's row the recipe does not say whether it is a woman's
    plays = [row for row in DEFECTS if row[0] or "gender" not in parameters]
    assert_as_the_recipe_says(Built(tmp_path, lay_out(tmp_path, plays, DEFECT_PROFILES), parameters))


def test_users_who_stand_at_one_place_weigh_one_and_silent_ones_are_shown_everything(tmp_path: Path) -> None:
    plays = [(user, artist, artist.upper(), 2) for user in ("u1", "u2") for artist in ("a1", "a2", "a3")]
    built = Built(tmp_path, lay_out(tmp_path, plays, map(signed_up, ("u1", "u2", "silent"))))
    assert_as_the_recipe_says(built)
    assert built.rows("select user_id, item_id, score from recs.user_knn order by rank") == [
        ("silent", artist, pytest.approx(1 / 3)) for artist in ("a1", "a2", "a3")
    ]


LITTLE_KNOWN = {
    "no ages": [signed_up("u1", age=""), signed_up("u2", age=""), signed_up("u3", age="", country="")],
    "absurd ages alone": [signed_up("u1", age=500), signed_up("u2", age=700), signed_up("u3", age="")],
    "no countries": [signed_up(user, age=age, country="") for user, age in (("u1", 20), ("u2", 30), ("u3", 25))],
}
TWO_PLAYS = [("u1", "a", "n", 3), ("u2", "b", "n", 4)]


@pytest.mark.parametrize("name", LITTLE_KNOWN)
def test_listeners_of_whom_little_is_known_have_neighbours_all_the_same(tmp_path: Path, name: str) -> None:
    assert_placed_as_the_recipe_says(Built(tmp_path, lay_out(tmp_path, TWO_PLAYS, LITTLE_KNOWN[name])))


@pytest.mark.parametrize("user", ["u2", "without plays"])
def test_a_listener_who_is_alone_is_its_own_neighbour_and_has_no_list(tmp_path: Path, user: str) -> None:
    assert_placed_as_the_recipe_says(Built(tmp_path, lay_out(tmp_path, TWO_PLAYS, [signed_up(user)])))


@pytest.mark.parametrize("name", LITTLE_KNOWN)
def test_where_nobody_has_plays_there_are_neighbours_and_no_lists(tmp_path: Path, name: str) -> None:
    built = Built(tmp_path, lay_out(tmp_path, [("u1", "a", "n", "x")], LITTLE_KNOWN[name]))
    assert_placed_as_the_recipe_says(built)
    assert built.rows("select count(*) from recs.user_knn") == [(0,)]


def test_equal_distances_go_by_the_place_of_the_user_and_equal_scores_by_the_artist(tmp_path: Path) -> None:
    plays = [(f"u{at}", f"a{at}", "name", at) for at in range(9)] + [("u7", "a0", "name", 7)]
    for at, n_neighbors in enumerate((2, 4, 50)):
        files = lay_out(tmp_path / str(at), plays, [signed_up(f"u{9 - at}", age=20 + at // 5) for at in range(10)])
        assert_as_the_recipe_says(Built(tmp_path / str(at), files, {"n_neighbors": n_neighbors, "top_n": 3}))


def test_a_repeated_profile_counts_once_whatever_the_order_of_rows(tmp_path: Path) -> None:
    profiles = [signed_up("u1", "f", 20), signed_up("u1", "m", 60), signed_up("u2", "f", 40), signed_up("u1", "", 20)]
    found = []
    for turned in (False, True):
        folder = tmp_path / str(turned)
        plays = [("u1", "a1", "x", 1), ("u2", "a2", "y", 1)]
        built = Built(folder, lay_out(folder, plays, profiles[::-1] if turned else profiles))
        assert built.ledger("staging.profiles") == {"in": 4, "kept": 2, "duplicate_user_id": 2}
        found.append(sorted(built.rows("select user_id, gender, age from staging.profiles")))
    assert found[0] == found[1]
