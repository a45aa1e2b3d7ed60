"""Charts are text that fits its width: bars in eighths of a cell, numbers to the right, wide characters counted."""

import pytest

from recsys_duck.charts import Bars, Grid, Histogram, Lines, drawn
from recsys_duck.console import cell_width
from recsys_duck.escapes import printable

FAMILY = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
HEART = "\N{HEAVY BLACK HEART}\ufe0f"
NAMES = ["Amber", "東京事変", f"{FAMILY} {HEART}", "x" * 200, "東京事変" * 30, "\x1b[31mred\nline", ""]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("is_log", [False, True])
def test_no_line_is_wider_than_it_may_be(width: int, is_log: bool) -> None:
    values = [10**at for at in range(len(NAMES))]
    charts = [
        Bars(NAMES, values),
        Grid(("name", "n"), list(zip(NAMES, values, strict=True))),
        Histogram(list(range(100)), ("first", "last")),
    ]
    for chart in charts:
        lines = drawn(chart, width, is_log=is_log)
        assert max(map(cell_width, lines)) <= width
        assert all(line == printable(line) or not line[0].strip() for line in lines if line)


def test_a_bar_is_as_long_as_its_number_and_what_is_not_nothing_is_seen() -> None:
    assert drawn(Bars(["all", "half", "sixteenth", "one", "none"], [64_000, 32_000, 4_000, 1, 0]), 40) == [
        "all        64,000  " + "█" * 21,
        "half       32,000  " + "█" * 10 + "▌",
        "sixteenth   4,000  █▎",  # 21 / 16 cells are 1 and 2.5 eighths, the even one of 2 and 3
        "one             1  ▏",
        "none            0",
    ]


def test_a_log_scale_makes_equal_steps_of_equal_factors() -> None:
    lines = drawn(Bars(["a", "b", "c"], [9, 99, 999]), 40, is_log=True)
    lengths = [line.count("█") + (0 if line[-1] == "█" else 0.5) for line in lines]
    assert lengths == pytest.approx([32 / 3, 32 * 2 / 3, 32], abs=0.5)


def test_wide_characters_line_up() -> None:
    lines = drawn(Bars(["ab", "東京", "🎸"], [3, 2, 1]), 40)
    assert {cell_width(line.split("█")[0]) for line in lines} == {len("東京") * 2 + 2 + 1 + 2}


def test_a_histogram_has_a_column_a_bin_and_says_where_it_begins_and_ends() -> None:
    assert drawn(Histogram([0, 1, 4, 8], ("1", "4")), 40) == [
        "8 │                           █████████",
        "  │                           █████████",
        "  │                           █████████",
        "  │                           █████████",
        "  │                  ██████████████████",
        "  │                  ██████████████████",
        "  │                  ██████████████████",
        "0 │         ███████████████████████████",
        "  └────────────────────────────────────",
        "   1                                  4",
    ]


def test_bins_without_a_cell_of_their_own_are_added_up_and_told() -> None:
    lines = drawn(Histogram([1] * 99 + [5], ("first", "last")), 60)
    assert lines[0].startswith("6 │")  # the last two bins
    assert len(lines[-2]) == len("6 │") + 50
    assert lines[-1].split() == ["first", "2", "bins", "a", "column", "last"]


def test_numbers_stand_to_the_right_with_digits_that_line_up() -> None:
    grid = Grid(
        ("column", "rows", "mean", "percent"),
        [("weight", 1_234_567, 191.3312, 50.0), ("place", None, 32.0, 0.25), ("share", 3, 0.00002, None)],
    )
    assert drawn(grid, 80) == [
        "column       rows     mean  percent",
        "weight  1,234,567  191.331    50.00",
        "place               32.000     0.25",
        "share           3    2e-05",
    ]


def test_a_long_text_is_cut_and_its_neighbours_are_not() -> None:
    lines = drawn(Grid(("file", "rows"), [("a/" * 60, 7), ("b", 1_000_000)]), 40)
    assert [cell_width(line) for line in lines] == [40, 40, 40]
    assert lines[1].split() == ["a/" * 14 + "…", "7"]


@pytest.mark.parametrize("chart", [Grid(("a", "b"), []), Bars([], []), Lines([])])
def test_nothing_is_drawn_of_nothing(chart: Grid | Bars | Lines) -> None:
    assert drawn(chart, 40) in ([], ["a  b"])


def test_a_name_moves_no_cursor() -> None:
    assert printable("\x1b[31mred\nline\u202e\u200bx\ufe0f ") == "[31mred linex"
