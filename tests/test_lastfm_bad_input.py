"""Broken play counts and profiles: each row has an answer, counted or refused, and none is lost."""

from pathlib import Path
from typing import Any

import pytest
from building import rows, run

from recsys_duck.errors import ProjectError, RecsysDuckError
from recsys_duck.events import Warned

PLAYS, PROFILES = "usersha1-artmbid-artname-plays.tsv", "usersha1-profile.tsv"
GOOD_PLAYS = "a\tx\tX\t5\nb\tx\tX\t7\n"
GOOD_PROFILES = "a\tf\t22\tGermany\tFeb 1, 2007\nb\tm\t30\tKorea, Republic of\tFeb 2, 2007\n"


def lay_out(root: Path, plays: str | bytes = GOOD_PLAYS, profiles: str | bytes = GOOD_PROFILES) -> Path:
    for name, text in ((PLAYS, plays), (PROFILES, profiles)):
        (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    (root / "recsys.toml").write_text('kind = "lastfm_360k"\n', encoding="utf-8")
    return root


def build(root: Path, *parameters: tuple[str, object]) -> list[Any]:
    select = ("+core.events", "+core.profiles", "+staging.play_statistics", "+staging.spelling_report")
    return run(root, {"parameters": [("models", ["popular"]), *parameters]}, select=select)


def ledger(root: Path, stage: str) -> dict[object, object]:
    return dict(rows(root, f"select reason, n_rows from meta.row_ledger where stage = '{stage}'"))  # type: ignore[arg-type]


def test_every_broken_row_of_plays_has_its_reason(tmp_path: Path) -> None:
    broken = "\tx\tX\t5\na\t\tX\t5\na\tx\t\t5\na\tx\tX\t0\na\tx\tX\t-5\na\tx\tX\tmany\na\tx\tX\t\nz\tx\tX\t5\n"
    lay_out(tmp_path, GOOD_PLAYS + broken)
    build(tmp_path)
    assert ledger(tmp_path, "staging.plays") == {
        "in": 10,
        "kept": 2,
        "missing_user_id": 1,
        "missing_artist_id": 1,
        "missing_artist_name": 1,
        "bad_plays": 4,
        "user_not_in_profiles": 1,
    }
    assert rows(tmp_path, "select count(*) from core.events") == [(2,)]


def test_ages_that_are_none_are_replaced_and_told(tmp_path: Path) -> None:
    ages = ("-1337", "100", "0", "101", "old", "22.5", "", "99999999999999999999")
    lay_out(tmp_path, profiles="".join(f"u{place}\tf\t{age}\tPeru\t\n" for place, age in enumerate(ages)))
    events = build(tmp_path, ("age_mean", "valid"))
    assert rows(tmp_path, "select n_absurd_ages, n_missing_ages, n_bad_ages from core.profile_cleaning") == [(2, 4, 3)]
    assert rows(tmp_path, "select age from core.profiles order by user_id") == [
        (age,) for age in (50.0, 100.0, 0.0, 50.0, 50.0, 50.0, 50.0, 50.0)
    ]
    told = [event.message for event in events if isinstance(event, Warned) and event.stage == "staging.profiles"]
    assert len(told) == 1
    assert "3 rows break" in told[0]
    assert "counts as missing" in told[0]


def test_users_without_an_id_and_repeated_ones_are_rejected(tmp_path: Path) -> None:
    lay_out(tmp_path, profiles=GOOD_PROFILES + "\tf\t22\tPeru\t\n \tf\t22\tPeru\t\na\tm\t23\tPeru\t\n")
    build(tmp_path)
    assert ledger(tmp_path, "staging.profiles") == {
        "in": 5,
        "kept": 2,
        "missing_user_id": 2,
        "duplicate_user_id": 1,
    }


def test_rows_outside_the_asked_for_users_are_not_selected(tmp_path: Path) -> None:
    lay_out(tmp_path, GOOD_PLAYS + "z\tx\tX\t5\n")
    build(tmp_path, ("gender", "f"))
    assert ledger(tmp_path, "staging.profiles") == {"in": 2, "kept": 1, "not_selected": 1}
    assert ledger(tmp_path, "staging.selected_plays") == {"in": 3, "kept": 1, "not_selected": 2}
    assert rows(tmp_path, "select n_rows from staging.play_statistics where column_name = 'plays'") == [(1,)]


def test_quotes_commas_and_backslashes_are_parts_of_names(tmp_path: Path) -> None:
    names = ['"Weird Al" Yankovic', '"', "AC\\DC", "Earth, Wind & Fire", "'68", 'a""b']
    lay_out(tmp_path, "".join(f"a\tx{place}\t{name}\t1\n" for place, name in enumerate(names)))
    build(tmp_path)
    assert rows(tmp_path, "select item_name from core.items order by item_id") == [(name,) for name in names]


@pytest.mark.parametrize(
    ("plays", "profiles"),
    [
        (b"\xef\xbb\xbf" + GOOD_PLAYS.encode(), b"\xef\xbb\xbf" + GOOD_PROFILES.encode()),
        (GOOD_PLAYS.replace("\n", "\r\n"), GOOD_PROFILES.replace("\n", "\r\n")),
        (GOOD_PLAYS.rstrip("\n"), GOOD_PROFILES.rstrip("\n")),
    ],
    ids=["byte order mark", "carriage returns", "no last line end"],
)
def test_marks_and_line_ends_are_no_data(tmp_path: Path, plays: str | bytes, profiles: str | bytes) -> None:
    lay_out(tmp_path, plays, profiles)
    build(tmp_path)
    assert rows(tmp_path, "select user_id, item_id, weight from core.events order by all") == [
        ("a", "x", 5),
        ("b", "x", 7),
    ]
    assert rows(tmp_path, "select country, signup from staging.profiles order by all") == [
        ("Germany", "Feb 1, 2007"),
        ("Korea, Republic of", "Feb 2, 2007"),
    ]


@pytest.mark.parametrize(
    ("plays", "error", "what", "fix"),
    [
        ("a\tx\tX\n", ProjectError, "3 columns, names has 4", "name each column"),
        (GOOD_PLAYS.encode() + b"a\tx\t\xff\xfe\t5\n", RecsysDuckError, "", "encoding"),
    ],
    ids=["another layout", "another encoding"],
)
def test_files_of_another_layout_are_refused(
    tmp_path: Path, plays: str | bytes, error: type[RecsysDuckError], what: str, fix: str
) -> None:
    lay_out(tmp_path, plays)
    with pytest.raises(error) as caught:
        build(tmp_path)
    assert what in caught.value.what
    assert PLAYS in f"{caught.value.what}{caught.value.where}{caught.value.cause}" or "plays" in caught.value.where
    assert fix in caught.value.fix
    assert not (tmp_path / "warehouse" / "recsys.duckdb").exists()


@pytest.mark.parametrize("line", ["a\tx\tX", "a\tx\tX\t5\t6"])
def test_a_line_of_another_layout_is_rejected_with_its_text(tmp_path: Path, line: str) -> None:
    lay_out(tmp_path, f"{GOOD_PLAYS}{line}\n{GOOD_PLAYS}")
    build(tmp_path)
    rejected = "select rejected_value, reject_reason, source_file from staging.selected_plays_rejected"
    assert rows(tmp_path, rejected) == [(line, "bad_line", PLAYS)]
    counted = "select reason, n_rows from meta.row_ledger where stage = 'staging.selected_plays' and n_rows > 0"
    assert dict(rows(tmp_path, counted)) == {"in": 5, "kept": 4, "bad_line": 1}


def test_a_split_by_time_is_refused_where_nothing_has_a_time(tmp_path: Path) -> None:
    lay_out(tmp_path)
    with pytest.raises(ProjectError, match="split = time needs times"):
        build(tmp_path, ("split", "time"))
