"""The profile: what each of its sections asks the published tables, and how the answer is shown.

A section reads small tables that a build has made, never the events. It is left out, with a word why,
where a table of it is not published or has nothing to show.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from recsys_duck.charts import Bars, Chart, Grid, Histogram, Lines
from recsys_duck.errors import ProjectError
from recsys_duck.examples import question_text
from recsys_duck.funnel import funnel_lines, gated
from recsys_duck.question import Reader

Rows: TypeAlias = list[tuple[Any, ...]]
Answer: TypeAlias = tuple[list[str], Rows]

STATISTICS_COLUMNS = (
    *("column_name", "n_rows", "n_missing", "n_distinct", "top_value", "n_top", "mean", "standard_deviation"),
    *("smallest", "lower_quartile", "median", "upper_quartile", "largest"),
)
# what a person calls each figure of the numbers
FIGURES = (
    ("mean", "mean"),
    ("standard deviation", "standard_deviation"),
    ("smallest", "smallest"),
    ("lower quartile", "lower_quartile"),
    ("median", "median"),
    ("upper quartile", "upper_quartile"),
    ("largest", "largest"),
)
MOST_WEEKS = 60
TOP_N = 10
PUBLISHED = """
select table_schema || '.' || table_name from information_schema.tables where table_catalog = current_database()
"""
# A kind, or a project, may describe tables of its own: what has this name and these columns is shown.
STATISTICS_TABLES = f"""
select table_schema || '.' || table_name
from information_schema.columns
where table_catalog = current_database()
    and table_schema in ('core', 'staging')
    and ends_with(table_name, '_statistics')
    and column_name in {STATISTICS_COLUMNS}
group by table_schema, table_name
having count(*) = {len(STATISTICS_COLUMNS)}
order by table_schema, table_name
"""
TOP_ITEMS = f"""
select coalesce(item_name, cast(item_id as varchar)) as label, n_events
from core.item_counts
where n_events > 0
order by n_events desc, item_id
limit {TOP_N}
"""
TOP_TAGS = f"""
select
    tag_type,
    tag_id,
    tag_name,
    n_items,
    n_events,
    row_number() over (partition by tag_type order by n_items desc, tag_id) as rank_by_items,
    row_number() over (partition by tag_type order by n_events desc, tag_id) as rank_by_events
from core.tag_counts
qualify (rank_by_items <= {TOP_N} and n_items > 0) or (rank_by_events <= {TOP_N} and n_events > 0)
order by tag_type, rank_by_items
"""
WEEKS = f"""
with span as (
    select min(event_date) as first_date, max(event_date) as last_date
    from core.daily_counts, core.time_span
    where event_date between cast(bulk_first_at as date) and cast(bulk_last_at as date)
),
weeks as (
    select cast(unnest(generate_series(min(week_start), max(week_start), interval 7 day)) as date) as week_start
    from core.weekly_counts, core.time_span
    where week_start + 6 >= cast(bulk_first_at as date) and week_start <= cast(bulk_last_at as date)
),
counted as (
    select
        weeks.week_start,
        coalesce(weekly_counts.n_events, 0) as n_events,
        least(weeks.week_start + 6, span.last_date) - greatest(weeks.week_start, span.first_date) + 1 as n_days,
        count(*) over () as n_weeks
    from weeks
    cross join span
    left join core.weekly_counts using (week_start)
)
select cast(week_start as varchar) as label, round(n_events / n_days, 1) as events_per_day, n_weeks
from counted
order by week_start desc
limit {MOST_WEEKS}
"""


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart below its title."""

    title: str
    chart: Chart

    @property
    def has_scale(self) -> bool:
        """Tell whether its chart has lengths, which a logarithm would change."""
        return isinstance(self.chart, Bars | Histogram)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the profile: the tables it reads, its rows as data, and its panels made of them."""

    reads: tuple[str, ...]
    question: str
    panels: Callable[[Answer, Reader], Iterator[Panel]]
    empty: str


class Profile:
    """The profile of one published catalog, on an open reader."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._published = {str(name) for (name,) in _asked(reader, PUBLISHED)[1]}

    def rows(self, section: str) -> Answer:
        """Give the rows of a section as data.

        Raises:
            ProjectError: a table of it is not published.
        """
        why = self._lack(section)
        if why:
            raise ProjectError(why, where=f"profile {section}", fix="build again: recsys-duck build")
        return self._answer(section)

    def panels(self, section: str) -> Iterator[Panel | str]:
        """Give the panels of a section, or say why there are none."""
        why = self._lack(section)
        if why:
            yield f"{section}: {why}"
            return
        answer = self._answer(section)
        panels = list(SECTIONS[section].panels(answer, self._reader)) if answer[1] else []
        yield from panels
        if not panels:
            yield f"{section}: {SECTIONS[section].empty}"

    def _lack(self, section: str) -> str:
        """Say which tables of a section are not published; empty where all are."""
        lacking = [table for table in SECTIONS[section].reads if table not in self._published]
        return f"{' and '.join(lacking)} {'are' if len(lacking) > 1 else 'is'} not published" if lacking else ""

    def _answer(self, section: str) -> Answer:
        question = SECTIONS[section].question or _statistics_question(self._reader, section)
        return _asked(self._reader, question_text(question))


def _asked(reader: Reader, question: str) -> Answer:
    names, rows = reader.rows(question)
    return names, list(rows)


def _statistics_question(reader: Reader, section: str) -> str:
    """Write the SELECT over every table of statistics: describe has all of their columns, missing its own."""
    tables = [table for (table,) in _asked(reader, STATISTICS_TABLES)[1]]
    shown = ", ".join(STATISTICS_COLUMNS)
    if section == "missing":
        shown = "column_name, n_rows, n_missing, round(100.0 * n_missing / nullif(n_rows, 0), 2) as percent"
    selects = [f"select '{table}' as table_name, {shown} from {table}" for table in tables]
    return "\nunion all\n".join(selects)


def _by_first(answer: Answer) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Give the rows of each value of the first column, by name, in the order they come."""
    names, rows = answer
    for key in dict.fromkeys(str(row[0]) for row in rows):
        yield key, [dict(zip(names, row, strict=True)) for row in rows if str(row[0]) == key]


def _described(answer: Answer, _: Reader) -> Iterator[Panel]:
    for table, columns in _by_first(answer):
        numbers = [one for one in columns if one["mean"] is not None]
        if numbers:
            names = ["", *(str(one["column_name"]) for one in numbers)]
            counts = ("values", *(one["n_rows"] - one["n_missing"] for one in numbers))
            figures = [(told, *(one[name] for one in numbers)) for told, name in FIGURES]
            yield Panel(f"Numbers, from {table}", Grid(names, [counts, *figures]))
        texts = [
            (one["column_name"], one["n_rows"] - one["n_missing"], one["n_distinct"], one["top_value"], one["n_top"])
            for one in columns
            if one["n_top"] is not None
        ]
        if texts:
            yield Panel(
                f"Ids and texts, from {table}", Grid(("", "values", "different", "most frequent", "its rows"), texts)
            )


def _missing_values(answer: Answer, _: Reader) -> Iterator[Panel]:
    for table, columns in _by_first(answer):
        rows = [(one["column_name"], one["n_rows"], one["n_missing"], one["percent"]) for one in columns]
        yield Panel(f"Missing values, from {table}", Grid(("", "rows", "missing", "percent"), rows))


def _items(answer: Answer, reader: Reader) -> Iterator[Panel]:
    yield from _counted("items", answer)
    top = _asked(reader, TOP_ITEMS)[1]
    if top:
        yield Panel(
            "Ten items with most events" if len(top) == TOP_N else "Items with most events",
            Bars([str(label) for label, _ in top], [n_events for _, n_events in top]),
        )


def _users(answer: Answer, _: Reader) -> Iterator[Panel]:
    yield from _counted("users", answer)


def _counted(whom: str, answer: Answer) -> Iterator[Panel]:
    """Show a histogram of numbers of events: the bins of 1 to 100 as columns, head and tail as a table."""
    bins = [tuple(int(one or 0) for one in row) for row in answer[1]]
    n_all, n_events = sum(row[2] for row in bins), sum(row[3] for row in bins)
    small = [row for row in bins if 1 <= row[0] <= 100]
    if any(row[2] for row in small):
        title = f"{whom.capitalize()} by their number of events, 1 to 100"
        yield Panel(title, Histogram([row[2] for row in small], ("1", "100")))
    groups = (
        ("none", [row for row in bins if row[0] == 0]),
        ("1 to 100", small),
        ("101 to 19,999", [row for row in bins if row[0] == 101]),
        ("20,000 and more", [row for row in bins if row[0] == 20000]),
    )
    shown = [
        (told, n, _percent(n, n_all), n_of, _percent(n_of, n_events))
        for told, rows in groups
        for n, n_of in [(sum(row[2] for row in rows), sum(row[3] for row in rows))]
    ]
    names = ("events each", whom, "percent", "their events", "percent")
    yield Panel(f"{whom.capitalize()} and how much they have", Grid(names, shown))


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def _time(answer: Answer, reader: Reader) -> Iterator[Panel]:
    bins = answer[1]
    first, last = bins[0][1], bins[-1][2]
    bins_told = f"{len(bins)} bin{'s' if len(bins) > 1 else ''} of {_length((last - first) / len(bins))}"
    chart = Histogram([int(row[3]) for row in bins], (_minute(first), _minute(last)))
    n_outside = int(_asked(reader, OUTSIDE)[1][0][0])
    told = f", without {n_outside:,} far before or after" if n_outside else ""
    yield Panel(f"Events over time, {bins_told}{told}", chart)
    weeks = _asked(reader, WEEKS)[1][::-1]
    n_weeks = weeks[0][2] if weeks else 0
    which = f", the last {MOST_WEEKS} of {n_weeks:,} weeks" if n_weeks > MOST_WEEKS else ""
    yield Panel(
        f"Events a day, by week from Monday{which}", Bars([str(row[0]) for row in weeks], [row[1] for row in weeks])
    )


def _minute(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="minutes")


def _length(span: timedelta) -> str:
    seconds = span.total_seconds()
    for unit, n_seconds in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * n_seconds:
            return f"{seconds / n_seconds:.2f} {unit}"
    return f"{seconds:.2f} seconds"


def _tags(answer: Answer, _: Reader) -> Iterator[Panel]:
    for tag_type, tags in _by_first(answer):
        for what, rank, value in (("items", "rank_by_items", "n_items"), ("events", "rank_by_events", "n_events")):
            listed = sorted((one for one in tags if one[rank] <= TOP_N and one[value]), key=lambda one: int(one[rank]))
            if listed:
                labels = [str(one["tag_id"] if one["tag_name"] is None else one["tag_name"]) for one in listed]
                yield Panel(f"Tags of type {tag_type} with most {what}", Bars(labels, [one[value] for one in listed]))


def _density(answer: Answer, _: Reader) -> Iterator[Panel]:
    figures = dict(zip(answer[0], answer[1][0], strict=True))
    density, length = figures.pop("density_percent"), figures.pop("items_per_user")
    told = {name.removeprefix("n_"): f"{n:,}" for name, n in figures.items()}
    if density is not None:
        told |= {"filled": f"{density:.6f} %", "items a user": f"{length:,.2f}"}
    width = max(map(len, told.values()))
    yield Panel(
        "Users × items, those that met", Lines([f"{name:<12}  {value:>{width}}" for name, value in told.items()])
    )


def _funnel(answer: Answer, reader: Reader) -> Iterator[Panel]:
    ledgers: dict[str, dict[str, int]] = {}
    for stage, reason, n_rows in _asked(reader, "select stage, reason, n_rows from meta.row_ledger")[1]:
        ledgers.setdefault(str(stage), {})[str(reason)] = int(n_rows)
    notes = [str(told) for (told,) in _asked(reader, NOTES)[1]]
    yield Panel("Where every row went", Lines([*funnel_lines(list(gated(ledgers.items()))), *notes]))


OUTSIDE = "select n_earlier_events + n_later_events from core.time_span"
NOTES = "select told from meta.checks where severity = 'note' and n_failed > 0"
COUNTED = "select * from core.{0}_histogram order by first_n_events"
SECTIONS: Mapping[str, Section] = {
    "describe": Section(("core.column_statistics",), "", _described, "no column has a value"),
    "missing": Section(("core.column_statistics",), "", _missing_values, "there are no columns"),
    "items": Section(("core.item_histogram", "core.item_counts"), COUNTED.format("item"), _items, "no items"),
    "users": Section(("core.user_histogram",), COUNTED.format("user"), _users, "no users"),
    "time": Section(
        ("core.time_histogram", "core.time_span", "core.weekly_counts", "core.daily_counts"),
        "select * from core.time_histogram order by bin",
        _time,
        "no event has a time",
    ),
    "tags": Section(("core.tag_counts",), TOP_TAGS, _tags, "no item carries a tag"),
    "density": Section(("core.user_counts", "core.item_counts"), "density", _density, "no events"),
    "funnel": Section(("meta.row_ledger",), "funnel", _funnel, "no gate stands in this catalog"),
}


def sections_of(asked: Sequence[str]) -> list[str]:
    """Give the sections asked for, each once, or all of them."""
    return list(dict.fromkeys(asked)) or list(SECTIONS)
