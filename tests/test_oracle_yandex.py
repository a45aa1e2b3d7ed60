"""The package and the oracle agree on recipe 3: on the real files, and on random ones with every defect."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hearing import ALL, TO_SPLIT, Case, check_ledgers
from listeners import CUTOFF, DAY, INPUTS, random_files, random_parameters, write_files
from oracles.tracks import Listening, Name, Track

SELECT = ("+core.events", "+core.tracks_grouped", "+core.catalog_tracks", "+staging.unknown_tags")

# --- the real files ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(real_data: Callable[[str], Path]) -> Path:
    return real_data("yandex_music")


@pytest.fixture(scope="module")
def real(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Case:
    case = Case(tmp_path_factory.mktemp("real"), folder, {}, "the real files")
    case.every_item, case.every_user = 200, 20
    return case


@pytest.mark.parametrize("check", ALL)
def test_real_files_agree_with_the_oracle(real: Case, check: Callable[[Case], None]) -> None:
    check(real)


def test_the_first_of_several_reasons_is_told(real: Case) -> None:
    # 222 tracks have no album and 305 an unknown genre; some of them lack an artist, or an album, too
    ledger = real.ledger("staging.tracks")
    assert (ledger["no_artists"], ledger["no_albums"], ledger["no_genres"]) == (232, 221, 402)
    assert ledger["unknown_genre"] == 300


@pytest.mark.parametrize("types", [[], ["album"], ["artist", "genre"], ["genre", "artist", "album"]], ids=str)
def test_unknown_ids_reject_only_by_the_types_asked_for(folder: Path, tmp_path: Path, types: list[str]) -> None:
    parameters = {"reject_unknown_tags": types}
    case = Case(tmp_path, folder, parameters, f"reject {types}", select=("+core.events", "+staging.unknown_tags"))
    check_ledgers(case)


def sampled(root: Path, folder: Path, **parameters: object) -> Counter[tuple[object, ...]]:
    """The train rows of a build that samples them."""
    case = Case(root, folder, parameters, str(parameters), select=("+split.judged_pairs", "+split.manifest"))
    whole, test = case.sides
    assert case.rows("select count(*) from split.test") == [(len(test),)]
    train = Counter(case.rows("select user_id, item_id, position from split.train"))
    assert train <= Counter((row.user_id, row.track_id, row.track_seq) for row in whole)
    assert case.ledger("split.events")["not_selected"] == len(whole) - train.total()
    learned = {item_id for _, item_id, _ in train}
    unseen = sum(row.track_id not in learned for row in test)
    assert case.ledger("split.judged_pairs")["item_not_in_train"] == unseen, "judged after the sample is taken"
    # six standard deviations of a draw
    share = float(str(parameters["train_sample"]))
    assert abs(train.total() - share * len(whole)) < 6 * (len(whole) * share * (1 - share)) ** 0.5
    return train


def test_a_sample_of_train_has_its_share_and_is_the_same_for_the_same_seed(folder: Path, tmp_path: Path) -> None:
    first = sampled(tmp_path / "first", folder, train_sample=0.25)
    tracks, names, interactions = (pq.read_table(folder / f"{name}.parquet") for name in INPUTS)
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    backwards = list(range(len(interactions) - 1, -1, -1))
    for name, table in zip(INPUTS, (tracks, names, interactions.take(backwards)), strict=True):
        pq.write_table(table, shuffled / f"{name}.parquet")
    assert sampled(tmp_path / "again", shuffled, train_sample=0.25) == first
    other = sampled(tmp_path / "other", folder, train_sample=0.25, seed=1)
    n_both, n_whole = (first & other).total(), 139_650
    assert abs(n_both - n_whole / 16) < 6 * (n_whole / 16) ** 0.5, "another seed draws independently"
    assert first < sampled(tmp_path / "more", folder, train_sample=0.5), "a larger sample holds the smaller"


# --- worked by hand ----------------------------------------------------------------------------------------


def files_by_hand(folder: Path) -> Path:
    """Five tracks, three of them sound; ten events, of which the cutoff divides the nearest by a nanosecond."""
    tracks = [
        Track(1, [10], [20], [30, 31, 30]),
        Track(2, [10], [20], [30]),
        Track(3, [10, 99], [21, 99], [31]),
        Track(4, [], [], []),
        Track(5, [], [20], [99]),
    ]
    names = [
        *(Name(10, "album", "Album"), Name(20, "artist", "B"), Name(21, "artist", "A"), Name(30, "genre", "rock")),
        *(Name(31, "genre", "pop"), Name(32, "genre", "all"), Name(1, "track", "One"), Name(2, "track", "Two")),
        *(Name(4, "track", "Four"), Name(7, "track", "Seven")),
    ]
    heard = [
        *(Listening(1, 1, 1, CUTOFF - DAY), Listening(1, 1, 2, CUTOFF - 1), Listening(1, 1, 3, CUTOFF)),
        *(Listening(1, 2, 4, CUTOFF - 1000), Listening(1, 3, 5, CUTOFF + 1)),
        *(Listening(2, 2, 7, CUTOFF), Listening(2, 2, 7, CUTOFF), Listening(2, 4, 1, CUTOFF)),
        *(Listening(2, 2, None, CUTOFF - DAY), Listening(2, 1, 2, CUTOFF + DAY)),
    ]
    return write_files(folder, tracks, names, heard)


def test_a_case_worked_by_hand(tmp_path: Path) -> None:
    parameters = {"factors": 2, "iterations": 2, "ks": [1], "similar_k": 1}
    case = Case(tmp_path / "project", files_by_hand(tmp_path / "files"), parameters, "worked by hand")
    wanted = case.answer
    assert wanted.track_ledger == {"kept": 3, "no_artists": 1, "no_albums": 1}
    assert wanted.listening_ledger == {"kept": 9, "track_not_in_catalog": 1}
    assert wanted.unknown == {(3, "album", 99), (3, "artist", 99)}
    assert wanted.catalog_tracks() == {1: ("One", 4), 2: ("Two", 4), 4: ("Four", 0), 7: ("Seven", 0)}
    assert [row.track_seq for row in case.sides[0]] == [1, 2, 4, None]
    # user 1 hears track 1 again, user 2 track 2 twice; track 3 is new, and user 2 is not
    assert case.ledger("split.judged_pairs") == {"in": 5, "kept": 3, "item_not_in_train": 1, "repeat_of_pair": 1}
    assert case.rows("select item_id, n_events, rank from recs.popular order by rank") == [(1, 2, 1), (2, 2, 2)]
    assert case.rows("select tag_name, n_items from core.tag_counts where tag_type = 'genre' order by 1") == [
        *(("all", 0), ("pop", 2), ("rock", 2)),
    ]
    for check in ALL:
        check(case)


@pytest.mark.parametrize(("n_events", "is_kept"), [(3, False), (4, True)])
def test_a_history_of_three_events_is_small_and_one_of_four_is_not(
    tmp_path: Path, n_events: int, is_kept: bool
) -> None:
    names = [Name(1, one, one) for one in ("track", "album", "artist", "genre")]
    heard = [Listening(1, 1, at, CUTOFF - DAY) for at in range(n_events)] + [Listening(1, 2, 9, CUTOFF - DAY)] * 9
    folder = write_files(tmp_path / "files", [Track(1, [1], [1], [1])], names, heard)
    case = Case(tmp_path / "project", folder, {}, f"{n_events} events", select=SELECT)
    check_ledgers(case)
    assert case.rows("select count(*) from core.events") == [(n_events * is_kept,)]
    # counted before small histories leave
    assert case.rows("select item_id, n_events from core.tracks_grouped") == [(1, n_events)]
    assert case.rows("select item_id, n_events from core.catalog_tracks") == [(1, n_events)]


# --- random files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_random_files_agree_with_the_oracle(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    folder = write_files(tmp_path / "files", *random_files(chance))
    parameters = random_parameters(chance)
    case = Case(tmp_path / "project", folder, parameters, f"seed {seed}, {parameters}")
    for check in ALL:
        check(case)


@pytest.mark.parametrize("seed", [100, 102])
def test_ids_may_be_texts(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    tracks, names, heard = random_files(chance)

    def text(one: object) -> str | None:
        return None if one is None else f"id {one}"

    def texts(some: object) -> list[str | None] | None:
        return None if some is None else [text(one) for one in some]  # type: ignore[attr-defined]

    folder = write_files(
        tmp_path / "files",
        [Track(text(row[0]), *(texts(one) for one in row[1:])) for row in tracks],  # type: ignore[arg-type]
        [row._replace(id=text(row.id)) for row in names],
        [row._replace(user_id=text(row.user_id), track_id=text(row.track_id)) for row in heard],
        track_ids=pa.string(),
        user_ids=pa.string(),
    )
    parameters = random_parameters(chance)
    case = Case(tmp_path / "project", folder, parameters, f"texts, seed {seed}, {parameters}")
    for check in TO_SPLIT:
        check(case)
