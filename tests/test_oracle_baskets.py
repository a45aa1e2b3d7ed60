"""Sessions and the items met last, worked by hand; random ones are compared in test_oracle_lists."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from comparing import values
from listing import Case, check_all, events_case

A, B, C, D, E = range(1, 6)


def timed(*rows: tuple[int, int, str | None], day: str = "2024-03-01") -> str:
    """Write events of a user, an item and a time of day, or none."""
    table = [(user, item, moment and f"{day} {moment}") for user, item, moment in rows]
    return values("user_id bigint, item_id bigint, occurred_at timestamp", table)


def contents(case: Case) -> list[list[Any]]:
    """The items of each kept basket."""
    question = """
        select list(item_id order by item_id) as item_ids
        from features.basket_items
        inner join core.items using (item_idx)
        group by basket_idx
    """
    return sorted(items for (items,) in case.rows(question))


def sizes(case: Case) -> list[tuple[int, int]]:
    """Rows and distinct items of every basket, kept or not."""
    return case.rows("select n_rows, n_items from features.baskets order by all")  # type: ignore[return-value]


def test_a_gap_of_exactly_the_limit_does_not_end_a_session(tmp_path: Path) -> None:
    events = timed(
        (1, A, "10:00:00"),
        (1, B, "10:30:00"),  # 30 minutes later: the same session
        (1, C, "11:00:00.000001"),  # a microsecond more: another one
        (1, A, "11:00:00.000001"),
        (2, D, "11:00:00"),  # another user's session
        (2, E, None),  # in none
        (2, A, "00:00:00"),  # rows are not in order of time
        (2, B, "00:29:59.999999"),
    )
    parameters = {"basket_by": "session", "pair_min_count": 1, "similar_measure": "count"}
    case = events_case(tmp_path, events, parameters, "sessions by hand")
    assert sizes(case) == [(1, 1), (2, 2), (2, 2), (2, 2)]
    assert contents(case) == [[A, B], [A, B], [A, C]]
    assert case.ledger("features.basket_items") == {"in": 8, "kept": 6, "missing_basket": 1, "basket_too_small": 1}
    check_all(case)


def test_a_session_goes_on_over_midnight_and_its_length_does_not_count(tmp_path: Path) -> None:
    rows = [
        (1, 1 + minute % 3, f"2024-02-29 {(23 * 60 + minute) // 60 % 24:02}:{minute % 60:02}") for minute in (0, 59)
    ]
    rows += [(1, 7, "2024-03-01 00:40"), (1, 8, "2024-03-01 01:30"), (1, 9, "2024-03-01 03:00")]
    events = values("user_id bigint, item_id bigint, occurred_at timestamp", rows)
    parameters = {"basket_by": "session", "session_gap_minutes": 60, "basket_min": 1}
    case = events_case(tmp_path, events, parameters, "a long session")
    assert contents(case) == [[1, 3, 7, 8], [9]]
    check_all(case)


def test_without_a_gap_only_one_moment_is_a_session(tmp_path: Path) -> None:
    events = timed((1, A, "10:00:00"), (1, B, "10:00:00"), (1, C, "10:00:00.000001"))
    case = events_case(tmp_path, events, {"basket_by": "session", "session_gap_minutes": 0, "basket_min": 1}, "no gap")
    assert contents(case) == [[A, B], [C]]
    check_all(case)


def test_events_without_any_time_have_no_session(tmp_path: Path) -> None:
    events = timed((1, A, None), (1, B, None))
    case = events_case(tmp_path, events, {"basket_by": "session"}, "no times")
    assert case.ledger("features.basket_items") == {"in": 2, "missing_basket": 2}
    check_all(case)


def test_sessions_of_users_with_alike_names_stay_apart(tmp_path: Path) -> None:
    """User 1 has sessions up to the 12th; users 11, 1|1 and 1|0 have a few."""
    rows = [("1", "x", f"2024-03-01 {hour:02}:00") for hour in range(12)]
    rows += [(user, "y", f"2024-03-01 {hour:02}:00") for user in ("11", "1|1", "1|0") for hour in range(3)]
    events = values("user_id varchar, item_id varchar, occurred_at timestamp", rows)
    case = events_case(tmp_path, events, {"basket_by": "session", "basket_min": 1}, "alike names")
    assert contents(case) == [["x"]] * 12 + [["y"]] * 9
    check_all(case)


# a user's items, each with time and position; which of them remain by basket_last_n
PLACED = [
    (E, "10:00", 9),
    (D, "10:05", 1),
    (D, "09:00", 9),  # its latest event decides
    (C, "10:05", 2),
    (B, None, 9),  # no time is before any
    (A, "10:05", None),  # no position is before any
    (A, None, None),
]
LAST: Mapping[int, Sequence[int]] = {
    1: [C],
    2: [C, D],
    3: [A, C, D],
    4: [A, C, D, E],
    5: [A, B, C, D, E],
    9: [A, B, C, D, E],
}


@pytest.mark.parametrize("n", LAST)
def test_the_items_met_last_remain(tmp_path: Path, n: int) -> None:
    table = [(1, item, moment and f"2024-03-01 {moment}", position) for item, moment, position in PLACED]
    events = values("user_id bigint, item_id bigint, occurred_at timestamp, position integer", table)
    case = events_case(tmp_path, events, {"basket_last_n": n, "basket_min": 1}, f"the last {n}")
    assert contents(case) == [LAST[n]]
    n_left = len([item for item, _, _ in PLACED if item in LAST[n]])
    ledger = {"in": 7, "kept": len(LAST[n]), "beyond_last_n": 7 - n_left, "repeat_in_basket": n_left - len(LAST[n])}
    assert case.ledger("features.basket_items") == {reason: n_rows for reason, n_rows in ledger.items() if n_rows}
    check_all(case)


def test_of_items_met_at_one_moment_the_smaller_remains(tmp_path: Path) -> None:
    events = timed(*[(1, item, "10:00") for item in (30, 4, 100, 7)])
    case = events_case(tmp_path, events, {"basket_last_n": 2}, "at one moment")
    assert contents(case) == [[4, 7]]
    check_all(case)


@pytest.mark.parametrize("basket_count", ["rows", "distinct"])
def test_a_basket_is_sized_by_what_remains_of_it(tmp_path: Path, basket_count: str) -> None:
    """User 1 has five events of three items, of which the last two items hold three events."""
    events = timed(
        *[(1, A, "08:00"), (1, A, "08:01"), (1, B, "09:00"), (1, B, "09:01"), (1, C, "10:00")],
        *[(2, A, "10:00"), (2, B, "10:01")],
    )
    parameters = {"basket_last_n": 2, "basket_max": 2, "basket_count": basket_count}
    case = events_case(tmp_path, events, parameters, f"sized by {basket_count}")
    kept = {"rows": [[A, B]], "distinct": [[A, B], [B, C]]}
    assert contents(case) == kept[basket_count]
    assert sizes(case) == [(2, 2), (3, 2)]
    rejected = {"rows": {"kept": 2, "basket_too_large": 3}, "distinct": {"kept": 4, "repeat_in_basket": 1}}
    assert case.ledger("features.basket_items") == {"in": 7, "beyond_last_n": 2, **rejected[basket_count]}
    check_all(case)
