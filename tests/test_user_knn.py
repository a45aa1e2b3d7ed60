"""User-kNN against a slow oracle: every neighbour and every list, whatever the shape of blocks."""

import csv
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from building import checksums, rows, run, started
from oracles.neighbours import cleaned_ages, nearest, points_of, recommended, taste_rows
from scipy.sparse import csr_matrix

from recsys_duck import tastes as kernel
from recsys_duck.errors import InterruptedBuildError, ProjectError, ResourceError
from recsys_duck.models import user_knn
from recsys_duck.tastes import BLANK, Search, Tastes

KNN_ALONE: tuple[str, object] = ("models", ["user_knn"])
PLAYS, PROFILES = "usersha1-artmbid-artname-plays.tsv", "usersha1-profile.tsv"


def made_up(seed: int, n_users: int, n_items: int = 12, n_countries: int = 3) -> tuple[np.ndarray, list, list]:
    """Users with few items and small counts, so that many are equally near; some play nothing, some tell nothing."""
    draw = np.random.default_rng(seed)
    plays = draw.integers(1, 4, size=(n_users, n_items)) * (draw.random((n_users, n_items)) < 0.3)
    plays[draw.random(n_users) < 0.15] = 0
    ages = [None if draw.random() < 0.2 else int(draw.choice([15, 20, 20, 60, -7, 999])) for _ in range(n_users)]
    countries = [None if one == 0 else f"c{one}" for one in draw.integers(0, n_countries + 1, size=n_users)]
    return plays, ages, countries


def tastes_of(plays: np.ndarray, ages: list[float], countries: list[str | None]) -> Tastes:
    totals = plays.sum(axis=1, keepdims=True)
    shares = csr_matrix(np.divide(plays, totals, out=np.zeros(plays.shape), where=totals > 0))
    mean = plays.sum(axis=0) / max(plays.sum(), 1)
    names = sorted({country for country in countries if country is not None})
    codes = [BLANK if country is None else names.index(country) for country in countries]
    return Tastes(shares, mean, np.array(ages, dtype=float), np.array(codes, dtype=np.int32))


def found_by(search: Search, n_users: int, n_neighbors: int, **shape: int) -> list[list[tuple[int, float]]]:
    lists: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for block in search.nearest(np.arange(n_users), n_neighbors, **shape):
        assert (np.diff(np.flatnonzero(block.rank == 1)) <= n_neighbors).all()
        for user, other, distance in zip(block.users, block.neighbours, block.distances, strict=True):
            lists[int(user)].append((int(other), float(distance)))
    return [lists[user] for user in range(n_users)]


def ids_only(lists: list[list[tuple[int, float]]]) -> list[list[int]]:
    return [[one for one, _ in listed] for listed in lists]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("n_neighbors", [2, 5, 100])
def test_neighbours_are_those_of_all_pairs_compared(seed: int, n_neighbors: int) -> None:
    n_users = [1, 2, 7, 60][seed % 4]
    plays, ages, countries = made_up(seed, n_users)
    scaled = cleaned_ages(ages, "raw")
    wanted = nearest(points_of(taste_rows(plays), scaled, countries), n_neighbors)
    found = found_by(Search(tastes_of(plays, scaled, countries), candidates_per_run=8), n_users, n_neighbors)
    assert ids_only(found) == ids_only(wanted), f"seed {seed}"
    for left, right in zip(found, wanted, strict=True):
        assert [distance for _, distance in left] == pytest.approx([distance for _, distance in right], abs=1e-12)


def test_no_shape_of_blocks_changes_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    plays, ages, countries = made_up(3, 300)
    tastes = tastes_of(plays, cleaned_ages(ages, "valid"), countries)
    wanted = found_by(Search(tastes), 300, 10)
    for run_size, at_a_time in ((1, 300), (7, 1), (64, 13), (300, 100)):
        assert found_by(Search(tastes, candidates_per_run=run_size), 300, 10, at_a_time=at_a_time) == wanted
    monkeypatch.setattr(kernel, "ROOM", 400)  # ties crowd it: blocks are halved
    monkeypatch.setattr(kernel, "CROWD", 0)
    monkeypatch.setattr(kernel, "ENTRIES_AT_A_TIME", 5)
    assert found_by(Search(tastes), 300, 10) == wanted


def test_users_who_can_not_come_near_are_never_multiplied() -> None:
    plays, ages, countries = made_up(5, 400, n_items=40, n_countries=8)
    search = Search(tastes_of(plays, cleaned_ages(ages, "valid"), countries), candidates_per_run=50)
    n_compared = sum(block.n_compared for block in search.nearest(np.arange(400), 5))
    assert 400 * 4 < n_compared < 400 * 400 / 4
    one_country: list[str | None] = ["c"] * 400
    search = Search(tastes_of(plays, [0.0] * 400, one_country), candidates_per_run=50)
    assert sum(block.n_compared for block in search.nearest(np.arange(400), 400)) == 400 * 400


def test_two_users_who_differ_by_nothing_that_counts_are_at_distance_0() -> None:
    plays = np.array([[1000, 0], [1000, 0], [0, 1]])
    tastes = tastes_of(plays, [0.5, 0.5 + 9e-7, 0.5], [None, None, None])
    found = found_by(Search(tastes), 3, 3)
    assert found[0][:2] == [(0, 0.0), (1, 0.0)]
    assert found[1][:2] == [(1, 0.0), (0, 0.0)]
    assert found[2][1][1] > 1.4


def lay_out(root: Path, plays: np.ndarray, ages: list[int | None], countries: list[str | None], toml: str = "") -> Path:
    """Write users and their plays in the original layout; ids sort as their numbers do."""
    root.mkdir(parents=True, exist_ok=True)
    lines = [
        f"u{user:04}\ta{item:04}\tArtist {item}\t{plays[user, item]}\n"
        for user, item in np.argwhere(plays).tolist()[::-1]
    ]
    profiles = [
        f"u{user:04}\tf\t{'' if age is None else age}\t{country or ''}\tFeb 1, 2007\n"
        for user, (age, country) in enumerate(zip(ages, countries, strict=True))
    ]
    (root / PLAYS).write_text("".join(lines), encoding="utf-8")
    (root / PROFILES).write_text("".join(profiles), encoding="utf-8")
    (root / "recsys.toml").write_text(f'kind = "lastfm_360k"\n{toml}', encoding="utf-8")
    return root


def build(root: Path, *parameters: tuple[str, object], **options: object) -> list[Any]:
    given = {"parameters": [KNN_ALONE, *parameters]}
    return run(root, given, select=("+recs.user_knn",), **options)


def published_neighbours(root: Path) -> list[list[tuple[int, float]]]:
    lists: dict[int, list[tuple[int, float]]] = defaultdict(list)
    question = "select user_idx, rank, neighbour_user_idx, distance from features.user_neighbours order by all"
    for user, rank, other, distance in rows(root, question):
        lists[user].append((other, distance))  # type: ignore[index, arg-type]
        assert rank == len(lists[user])  # type: ignore[index]
    return [lists[user] for user in range(len(lists))]


def published_lists(root: Path, n_users: int) -> list[list[tuple[int, float]]]:
    lists: dict[int, list[tuple[int, float]]] = defaultdict(list)
    question = """
        select user_idx, rank, item_idx, score from recs.user_knn
        join core.users using (user_id) join core.items using (item_id) order by all
    """
    for user, rank, item, score in rows(root, question):
        lists[user].append((item, score))  # type: ignore[index, arg-type]
        assert rank == len(lists[user])  # type: ignore[index]
    return [lists[user] for user in range(n_users)]


def assert_published(root: Path, plays: np.ndarray, scaled: list[float], countries: list, **sizes: int) -> None:
    """Hold the published neighbours and lists against the oracle; items without plays are no columns of it."""
    plays = plays[:, plays.sum(axis=0) > 0]
    wanted_near = nearest(points_of(taste_rows(plays), scaled, countries), sizes["n_neighbors"])
    assert ids_only(published_neighbours(root)) == ids_only(wanted_near)
    met = [set() if sizes.get("include_seen") else set(np.flatnonzero(row).tolist()) for row in plays]
    wanted = recommended(wanted_near, taste_rows(plays), met, sizes["top_n"])
    found = published_lists(root, len(plays))
    assert ids_only(found) == ids_only(wanted)
    for left, right in zip(found, wanted, strict=True):
        assert [score for _, score in left] == pytest.approx([score for _, score in right], abs=1e-12)


@pytest.mark.parametrize("age_mean", ["raw", "valid"])
@pytest.mark.parametrize("include_seen", [False, True])
def test_a_build_gives_the_neighbours_and_lists_of_the_recipe(
    tmp_path: Path, age_mean: str, include_seen: bool
) -> None:
    plays, ages, countries = made_up(21, 50)
    lay_out(tmp_path, plays, ages, countries)
    chosen = {"n_neighbors": 9, "top_n": 6}
    build(tmp_path, *chosen.items(), ("ks", [5]), ("age_mean", age_mean), ("include_seen", include_seen))
    scaled = cleaned_ages(ages, age_mean)
    assert_published(tmp_path, plays, scaled, countries, **chosen, include_seen=int(include_seen))
    shown = [share for (share,) in rows(tmp_path, "select age_share from core.profiles order by user_idx")]
    assert shown == pytest.approx(scaled, abs=1e-12)


EDGES: Mapping[str, tuple[list[list[int]], list[int | None], list[str | None]]] = {
    "all at one point": ([[1, 1], [2, 2], [3, 3]], [None, None, None], [None, None, None]),
    "fewer users than neighbours": ([[1, 0], [0, 2]], [20, 30], ["c", None]),
    "one user": ([[1, 2]], [20], ["c"]),
    "one of two plays": ([[1, 2], [0, 0]], [20, None], ["c", "c"]),
    "most play nothing": ([[1, 2, 0], [0, 0, 0], [0, 0, 0], [0, 1, 1]], [20, 20, 20, 20], ["c", "c", "d", None]),
}


@pytest.mark.parametrize("name", EDGES)
def test_edges_follow_the_recipe(tmp_path: Path, name: str) -> None:
    plays, ages, countries = np.array(EDGES[name][0]), EDGES[name][1], EDGES[name][2]
    lay_out(tmp_path, plays, ages, countries)
    build(tmp_path, ("n_neighbors", 100), ("ks", [5]))
    assert_published(tmp_path, plays, cleaned_ages(ages, "raw"), countries, n_neighbors=100, top_n=20)


def test_nobody_and_nothing_give_empty_tables(tmp_path: Path) -> None:
    lay_out(tmp_path, np.array([[1, 1]]), [20], ["c"])
    build(tmp_path, ("user_sample", 0.0))
    assert rows(tmp_path, "select count(*) from features.user_neighbours") == [(0,)]
    assert rows(tmp_path, "select count(*) from recs.user_knn") == [(0,)]
    assert rows(tmp_path, "select n_rows from meta.row_ledger where reason = 'not_selected' order by all") == [
        (1,),
        (2,),
    ]


def test_blocks_memory_and_threads_change_no_row(tmp_path: Path) -> None:
    plays, ages, countries = made_up(8, 60)
    wanted = None
    for name, per_block, options in (
        ("whole", 10_000, {"threads": 1}),
        ("parted", 7, {"threads": 2}),
        ("tight", 25, {"memory_limit": 800_000_000}),
    ):
        root = lay_out(tmp_path / name, plays, ages, countries)
        events = build(root, ("users_per_block", per_block), ("n_neighbors", 9), **options)
        assert started(events, "features.user_neighbours").n_parts == -(-60 // per_block)
        found = checksums(root, ("recs", "features"))
        del found["features.neighbour_blocks"]
        wanted = wanted or found
        assert found == wanted


def test_neighbours_learn_nothing_from_test(tmp_path: Path) -> None:
    plays, ages, countries = made_up(4, 40)
    lay_out(tmp_path, plays, ages, countries)
    build(tmp_path, ("split", "random"), ("test_share", 0.4), ("n_neighbors", 9), ("top_n", 20))
    question = (
        "select user_idx, item_idx from split.train join core.users using (user_id) join core.items using (item_id)"
    )
    n_items = rows(tmp_path, "select count(*) from core.items")[0][0]
    train = np.zeros((40, n_items), dtype=int)  # type: ignore[arg-type]
    for user, item in rows(tmp_path, question):
        train[user, item] = plays[:, plays.sum(axis=0) > 0][user, item]
    assert 0 < train.sum() < plays.sum()
    wanted = nearest(points_of(taste_rows(train), cleaned_ages(ages, "raw"), countries), 9)
    assert ids_only(published_neighbours(tmp_path)) == ids_only(wanted)


KILLED_AT_THE_THIRD_BLOCK = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from recsys_duck.tastes import Search
from test_user_knn import build
nearest, calls = Search.nearest, []
def counted(*arguments, **options):
    calls.append(1)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return nearest(*arguments, **options)
Search.nearest = counted
build(Path(sys.argv[3]), ("users_per_block", 10))
"""


def test_a_killed_build_keeps_the_blocks_it_finished(tmp_path: Path) -> None:
    plays, ages, countries = made_up(6, 50)
    whole, killed = (lay_out(tmp_path / name, plays, ages, countries) for name in ("whole", "killed"))
    here = Path(__file__).parent
    command = [sys.executable, "-c", KILLED_AT_THE_THIRD_BLOCK, str(here), str(here.parent), str(killed)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    folder = killed / "warehouse" / "tables" / "features" / "user_neighbours"
    kept = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("*/data.parquet")}
    assert len(kept) == 2
    events = build(killed, ("users_per_block", 10))
    assert started(events, "features.user_neighbours").n_parts == 3
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in kept} == kept
    assert len(list(folder.glob("*/data.parquet"))) == 5
    build(whole, ("users_per_block", 10))
    assert checksums(killed) == checksums(whole)


def test_only_a_kind_with_profiles_has_user_knn(tmp_path: Path) -> None:
    from building import lay_out as lay_out_events

    lay_out_events(tmp_path)
    with pytest.raises(ProjectError, match="models names user_knn, which is no part"):
        run(tmp_path, {"parameters": [KNN_ALONE]})


def test_without_user_knn_nobody_looks_for_neighbours(tmp_path: Path) -> None:
    plays, ages, countries = made_up(6, 20)
    lay_out(tmp_path, plays, ages, countries)
    run(tmp_path, {"parameters": [("models", ["popular"])]})
    assert not rows(tmp_path, "select 1 from duckdb_views() where view_name = 'user_neighbours'")
    assert rows(tmp_path, "select count(*) from recs.user_knn") == [(0,)]


def test_what_does_not_fit_in_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    sizes = {"core.users": 359_347, "core.items": 294_000, "features.play_shares": 17_500_000}
    inputs: Any = SimpleNamespace(parameters={"include_seen": True}, n_rows=sizes.__getitem__)
    assert 400e6 < user_knn.neighbour_bytes(inputs) < 700e6  # fits in a limit of 2 GB with room
    plays, ages, countries = made_up(6, 20)
    lay_out(tmp_path, plays, ages, countries)
    with pytest.raises(ResourceError, match="needs"):
        build(tmp_path, memory_limit=400_000_000)


def test_a_search_stops_when_it_is_told(tmp_path: Path) -> None:
    def refuse() -> None:
        raise InterruptedBuildError("interrupted")

    plays, ages, countries = made_up(6, 20)
    search = Search(tastes_of(plays, cleaned_ages(ages, "raw"), countries))
    import polars

    inputs: Any = SimpleNamespace(
        parameters={"n_neighbors": 5, "first_user_idx": 0, "last_user_idx": 19},
        loaded=(search, polars.Series("user_id", [str(user) for user in range(20)])),
        refuse_stop=refuse,
    )
    batches = user_knn.find_neighbours(inputs)["features.user_neighbours"]
    with pytest.raises(InterruptedBuildError):
        list(batches)


def test_the_real_users_have_the_neighbours_and_lists_of_the_recipe(
    tmp_path: Path, real_data: Callable[[str], Path]
) -> None:
    folder = real_data("lastfm_360k")
    for name in (PLAYS, PROFILES):
        (tmp_path / name).symlink_to(folder / name)
    (tmp_path / "recsys.toml").write_text('kind = "lastfm_360k"\n', encoding="utf-8")
    build(tmp_path, ("users_per_block", 300))
    with (tmp_path / PROFILES).open(encoding="utf-8", newline="") as stream:
        profiles = sorted(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    places = {profile[0]: place for place, profile in enumerate(profiles)}
    with (tmp_path / PLAYS).open(encoding="utf-8", newline="") as stream:
        lines = [line for line in csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE) if line[1] and line[2]]
    known = [line for line in lines if line[0] in places]
    items = {item: place for place, item in enumerate(sorted({line[1] for line in known}))}
    plays = np.zeros((len(places), len(items)), dtype=np.int64)
    for user, item, _, n_plays in known:
        plays[places[user], items[item]] += int(n_plays)
    ages = [int(profile[2]) if profile[2] else None for profile in profiles]
    countries = [profile[3] or None for profile in profiles]
    assert_published(tmp_path, plays, cleaned_ages(ages, "raw"), countries, n_neighbors=100, top_n=20)
