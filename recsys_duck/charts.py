"""Charts: tables, bars and histograms as lines of text, as wide as they may be.

Knows nothing of a terminal: the same rows and width give the same lines. Text is measured in the cells
that a terminal gives it, so that names in any script line up.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from recsys_duck.console import cell_width, fitted
from recsys_duck.escapes import printable

ACROSS = " ▏▎▍▌▋▊▉█"
UPWARDS = " ▁▂▃▄▅▆▇█"
GAP = "  "
HEIGHT = 8
LEAST_WIDTH = 40
LEAST_TEXT = 8


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: numbers to the right with thousands separators, texts cut where they do not fit."""

    names: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar for each label, its number beside it."""

    labels: Sequence[str]
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Histogram:
    """A column for each bin, from left to right; `ends` are told below the first and the last."""

    values: Sequence[int]
    ends: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Lines:
    """Text that is laid out already."""

    lines: Sequence[str]


Chart: TypeAlias = "Grid | Bars | Histogram | Lines"


def drawn(chart: Chart, width: int, *, is_log: bool = False) -> list[str]:
    """Draw a chart in lines of at most `width` cells; `is_log` scales bars and columns by logarithm."""
    width = max(width, LEAST_WIDTH)
    match chart:
        case Grid():
            lines = _grid(chart, width)
        case Bars():
            lines = _bars(chart, width, is_log=is_log)
        case Histogram():
            lines = _histogram(chart, width, is_log=is_log)
        case Lines():
            lines = list(chart.lines)
    return [line.rstrip() for line in lines]


def figures(values: Sequence[Any]) -> list[str]:
    """Write a column of values as people read them, fractions with the same number of digits, 3 at most."""
    fractions = [one for one in values if isinstance(one, float) and math.isfinite(one)]
    n_digits = next(n for n in range(4) if n == 3 or all(round(one, n) == round(one, 3) for one in fractions))
    return [_figure(value, n_digits) for value in values]


def _figure(value: Any, n_digits: int) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        is_lost = value != 0 and round(value, 3) == 0
        return f"{value:.3g}" if is_lost else f"{value:,.{n_digits}f}"
    return f"{value:,}" if isinstance(value, int) else printable(str(value))


def _grid(grid: Grid, width: int) -> list[str]:
    columns = list(zip(*grid.rows, strict=True)) or [() for _ in grid.names]
    are_numbers = [any(_is_number(one) for one in column) for column in columns]
    cells = [figures(column) for column in columns]
    widths = [max(map(cell_width, [name, *column])) for name, column in zip(grid.names, cells, strict=True)]
    _shrink(widths, [not one for one in are_numbers], width - len(GAP) * (len(widths) - 1))
    lines = []
    for row in [*([grid.names] if any(grid.names) else []), *zip(*cells, strict=True)]:
        placed = zip(row, widths, are_numbers, strict=True)
        lines.append(GAP.join(fitted(cell, size, is_right=is_number) for cell, size, is_number in placed))
    return lines


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shrink(widths: list[int], may_shrink: Sequence[bool], total: int) -> None:
    """Take the cells that are too many from the widest texts, as long as they can be read."""
    while sum(widths) > total:
        wide = [at for at, size in enumerate(widths) if may_shrink[at] and size > LEAST_TEXT]
        if not wide:
            return
        widths[max(wide, key=lambda at: widths[at])] -= 1


def _share(value: float, largest: float, *, is_log: bool) -> float:
    """How long a bar is, 0 to 1."""
    if value <= 0 or largest <= 0:
        return 0.0
    return math.log1p(value) / math.log1p(largest) if is_log else value / largest


def _eighths(share: float, n_cells: int) -> int:
    """Round a share of a bar's cells to eighths of a cell; what is not 0 is seen."""
    return max(1, round(share * n_cells * 8)) if share > 0 else 0


def _bars(bars: Bars, width: int, *, is_log: bool) -> list[str]:
    labels = [printable(label) for label in bars.labels]
    numbers = figures(bars.values)
    label_width = min(max(map(cell_width, labels), default=0), width * 2 // 5)
    number_width = max(map(len, numbers), default=0)
    n_cells = max(1, width - label_width - number_width - 2 * len(GAP))
    largest = max(bars.values, default=0)
    lines = []
    for label, number, value in zip(labels, numbers, bars.values, strict=True):
        full, part = divmod(_eighths(_share(value, largest, is_log=is_log), n_cells), 8)
        bar = ACROSS[8] * full + (ACROSS[part] if part else "")
        lines.append(f"{fitted(label, label_width)}{GAP}{number:>{number_width}}{GAP}{bar}")
    return lines


def _histogram(chart: Histogram, width: int, *, is_log: bool) -> list[str]:
    room = width - len(f"{sum(chart.values):,}") - 2
    together = -(-len(chart.values) // room) or 1
    merged = [sum(chart.values[at : at + together]) for at in range(0, len(chart.values), together)]
    largest = max(merged, default=0)
    top = f"{largest:,}"
    n_cells = max(1, room // max(1, len(merged)))
    levels = [_eighths(_share(value, largest, is_log=is_log), HEIGHT) for value in merged]
    lines = []
    for row in range(HEIGHT - 1, -1, -1):
        columns = "".join(UPWARDS[min(8, max(0, level - 8 * row))] * n_cells for level in levels)
        told = top if row == HEIGHT - 1 else "0" if row == 0 else ""
        lines.append(f"{told:>{len(top)}} │{columns}")
    indent = " " * len(top)
    lines.append(f"{indent} └{'─' * (len(merged) * n_cells)}")
    lines.append(f"{indent}  {_ends(chart.ends, len(merged) * n_cells, together)}")
    return lines


def _ends(ends: tuple[str, str], width: int, together: int) -> str:
    """Write what stands below a histogram: its ends, and between them how many bins a column adds up."""
    first, last = ends
    told = f"{together} bins a column" if together > 1 else ""
    room = max(width - len(first) - len(last), len(GAP))
    return f"{first}{told if len(told) + 2 <= room else '':^{room}}{last}"
