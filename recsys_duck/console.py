"""The console: how events, tables and errors look. stdout is data, stderr is narration.

With rich on a terminal, plain lines where it is piped, JSON lines with `--json`.
"""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console as RichConsole
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from recsys_duck.errors import ProblemsError, RecsysDuckError
from recsys_duck.escapes import Shown, visible
from recsys_duck.events import Built, Event, Failed, Gated, Noted, Planned, Progress, Published, Started, Tried, Warned
from recsys_duck.funnel import brief_lines, funnel_lines

PIPED_WIDTH = 100


class Narrator:
    """Shows a build's events: bars and lines on a terminal, lines elsewhere, or JSON lines on stdout."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._rich = RichConsole(stderr=True, highlight=False)
        self._is_live = not as_json and self._rich.is_terminal
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[told]}"),
            TimeElapsedColumn(),
            console=self._rich,
            transient=True,
            disable=not self._is_live,
        )
        self._task = self._bars.add_task("", told="", visible=False)
        self._gates: list[Gated] = []
        self._notes: list[str] = []

    def __enter__(self) -> "Narrator":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, event: Event) -> None:
        """Show one event."""
        if self._as_json:
            print(json.dumps(event.record(), default=str), flush=True)
        else:
            self._move_bar(event)
            line = visible(told(event), kept="\n")
            if line:
                self._rich.print(line, markup=False, soft_wrap=True)
            if isinstance(event, Gated):
                self._gates.append(event)
            elif isinstance(event, Noted):
                self._notes.append(event.message)
            elif isinstance(event, Published):
                self._show_funnel(is_new=event.is_new)

    def _show_funnel(self, *, is_new: bool) -> None:
        """Show where rows went, last of all: a table where something is new, else a line a gate."""
        gates = funnel_lines(self._gates) if is_new else brief_lines(self._gates)
        lines = [*gates, *self._notes]
        for line in ["", *lines] if is_new and lines else [f"{'':11}{line}" for line in lines]:
            self._rich.print(visible(line), markup=False, soft_wrap=True)

    def _move_bar(self, event: Event) -> None:
        if isinstance(event, Started):
            self._bars.reset(self._task, description=visible(event.stage), total=None, visible=True, told="")
        elif isinstance(event, Progress):
            share = event.n_parts_done / event.n_parts if event.n_parts > 1 else event.done_share
            parts = f"{event.n_parts_done} of {event.n_parts} parts" if event.n_parts > 1 else ""
            self._bars.update(self._task, total=None if share is None else 1.0, completed=share or 0.0, told=parts)
        elif isinstance(event, Built | Failed | Published):
            self._bars.update(self._task, visible=False)


def told(event: Event) -> str:
    """Say an event in one line, or nothing."""
    teller = TELLERS.get(type(event))
    return teller(event) if teller else ""


def _planned(event: Planned) -> str:
    counts = f"{event.n_run} stages to run, {event.n_check} to check, {event.n_reused} reused"
    return f"plan       {counts}; {event.memory_mb:,} MB, {event.threads} threads"


def _started(event: Started) -> str:
    return "" if event.need_mb is None else f"started    {event.stage:<28} its arrays take {event.need_mb:,} MB"


def _built(event: Built) -> str:
    rejected = f"\n{' ' * 11}{event.n_rejected:,} of them rejected" if event.n_rejected else ""  # 80 cells have no room
    rows = f"{event.n_rows:>11,} rows {size(event.n_bytes):>9}" if event.made_as != "view" else f"{'view':>16} {'':>9}"
    return f"{event.made:<10} {event.stage:<28} {rows} {event.elapsed_s:>7.1f} s{rejected}"


def _warned(event: Warned) -> str:
    return f"warning    {event.stage + ': ' if event.stage else ''}{event.message}"


def _tried(event: Tried) -> str:
    combination = ", ".join(f"{name} = {value}" for name, value in event.combination.items()) or "as given"
    return f"tried      {event.n_done} of {event.n_combinations}: {combination}  {event.elapsed_s:.1f} s"


def _published(event: Published) -> str:
    what = "published " if event.is_new else "unchanged "
    shared = (
        f", {size(event.n_bytes - event.n_bytes_own)} of it shared with {event.shared_with}"
        if event.shared_with
        else ""
    )
    return (
        f"{what} {event.environment} generation {event.generation}: {event.n_tables} tables, "
        f"{size(event.n_bytes)}{shared}\n           {event.catalog}"
    )


# the others are seen in the bar, or as an error's own text
TELLERS: Mapping[type[Event], Callable[[Any], str]] = {
    Planned: _planned,
    Started: _started,
    Built: _built,
    Warned: _warned,
    Tried: _tried,
    Published: _published,
}


def failed(error: RecsysDuckError) -> Failed:
    """Make the event of an error."""
    return Failed(type(error).__name__, error.what, error.where, error.fix, error.exit_code)


def failures(error: RecsysDuckError) -> list[Failed]:
    """Make the events of an error, one for each of its problems."""
    return [failed(one) for one in error.problems] if isinstance(error, ProblemsError) else [failed(error)]


def size(n_bytes: int) -> str:
    """Write bytes as people read them."""
    amount = float(n_bytes)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def show_rows(names: Sequence[str], rows: Iterable[Sequence[Any]], *, style: str, out: TextIO | None = None) -> None:
    """Write rows to stdout as a table, as CSV, or as JSON lines."""
    stream = out or sys.stdout
    if style == "json":
        for row in rows:
            stream.write(json.dumps(dict(zip(names, row, strict=True)), default=str) + "\n")
    elif style == "csv":
        buffer = csv.writer(Shown(stream) if stream.isatty() else stream, lineterminator="\n")
        buffer.writerow(names)
        buffer.writerows([_cell(value) for value in row] for row in rows)
    else:
        _show_table(names, rows, stream)


def _show_table(names: Sequence[str], rows: Iterable[Sequence[Any]], stream: TextIO) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    listed = [list(row) for row in rows]
    for at, name in enumerate(names):
        is_number = bool(listed) and all(isinstance(row[at], int | float) or row[at] is None for row in listed)
        table.add_column(visible(name), justify="right" if is_number else "left", overflow="fold")
    for row in listed:
        table.add_row(*(_shown(value) for value in row))
    target = RichConsole(file=stream, highlight=False)
    if not target.is_terminal:
        target = RichConsole(file=stream, highlight=False, width=_width(names, listed))
    target.print(table, markup=False)


def _width(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    widths = [
        max([cell_len(visible(name)), *(cell_len(_shown(row[at])) for row in rows)]) for at, name in enumerate(names)
    ]
    return sum(widths) + 2 * len(widths) + 8


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _shown(value: Any) -> str:
    return visible(_cell(value))


def text_of(rows: Iterable[Sequence[Any]], names: Sequence[str]) -> str:
    """Write rows as the plain table that a pipe gets."""
    stream = io.StringIO()
    show_rows(names, rows, style="table", out=stream)
    return stream.getvalue()


def page_width() -> int:
    """Give the width of the terminal, or a fixed one where stdout is piped."""
    console = RichConsole(file=sys.stdout)
    return console.width if console.is_terminal else PIPED_WIDTH


def show_page(title: str, lines: Iterable[str], *, is_first: bool) -> None:
    """Write lines below a title to stdout, after an empty one where something stands above."""
    console = RichConsole(file=sys.stdout, highlight=False)
    if not is_first:
        console.print()
    console.print(Text(visible(title), style="bold"), soft_wrap=True)
    for line in lines:
        console.print(Text(visible(line)), soft_wrap=True)


def cell_width(text: str) -> int:
    """Count the cells that a terminal gives a text: two for a wide character."""
    return cell_len(text)


def fitted(text: str, width: int, *, is_right: bool = False) -> str:
    """Cut a text to a width, ending in an ellipsis where it is cut, and fill it up with blanks."""
    if cell_len(text) > width:
        text = set_cell_size(text, max(0, width - 1)).rstrip() + "…"
    blanks = " " * max(0, width - cell_len(text))
    return blanks + text if is_right else text + blanks
