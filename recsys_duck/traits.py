"""Traits: what the values of a column are: times and how they are written, numbers with a point or a comma, ids.

A column is what most of its values are, so that some bad ones hide nothing. Refuses nothing: what is neither
time nor number is text.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

MOST_SHARE = 0.8  # of the values, for a column to be of a kind
# numbers since 1970 that are times, by unit: the years 1980 to 2100
UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_FIRST_S, _LAST_S = 315_532_800, 4_102_444_800
_SPELLINGS = r"\N NULL null Null NaN nan NAN None none NA N/A n/a #N/A <NA> NaT nil (null) #NV #N/D"
MISSING = frozenset(_SPELLINGS.split())
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")  # or three decimals
_DATE = (
    re.compile(r"(?P<Y>\d{4})(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})"),
    re.compile(r"(?P<one>\d{1,2})(?P<sep>[-/. ])(?P<two>\d{1,2})(?P=sep)(?P<year>\d{4}|\d{2})"),
    re.compile(r"(?P<packed>(19|20)\d{6})"),
    re.compile(
        r"((?P<a>[A-Z][a-z]{2}),? )?(?P<d>\d{1,2})(?P<sep>[- /]?)(?P<month>[A-Za-z]{3,9})(?P=sep)(?P<year>\d{4}|\d{2})"
    ),
    re.compile(r"(?P<month>[A-Z][a-z]{2,8}) (?P<d>\d{1,2})(?P<comma>,?) (?P<Y>\d{4})"),
)
_CTIME = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d (?P<zone>[+-]\d{4} )?\d{4}")
_CLOCK = re.compile(
    r"(?P<gap>T| |, )(?P<hour>\d{1,2}):\d{2}(?P<seconds>:\d{2}(?P<fine>\.\d{1,9})?)?(?P<half>( ?)[AaPp][Mm])?"
    r"(?P<zone>( ?)(Z|[+-]\d{2}:?\d{2}))?(?P<utc> UTC)?"
)
_ISO = re.compile(r"%Y([-/])%m\1%d([T ]%H:%M(:%S(\.%[fn])?)?(%z| UTC)?)?")  # what is read without a format


@dataclass(frozen=True, slots=True)
class Times:
    """How times are written: a unit of numbers, or formats, the most frequent first; neither for ISO.

    `other` has the formats with day and month the other way round, where no value tells which comes first.
    """

    unit: str = ""
    formats: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Numbers:
    """How numbers are written: their decimal sign, whether all are whole, how many are below 0.

    The decimal sign is empty where each comma has three digits behind it, which may be thousands.
    """

    decimal: str
    is_whole: bool
    n_negative: int


def present(values: Iterable[str]) -> list[str]:
    """Leave out what is blank or a spelling of missing."""
    return [value for value in values if value and value not in MISSING]


def missing_spellings(values: Iterable[str]) -> list[str]:
    """List the spellings of missing that occur, the most frequent first."""
    return [value for value, _ in Counter(value for value in values if value in MISSING).most_common()]


def numbers_of(values: Sequence[str], *, has_commas: bool = False) -> Numbers | None:
    """Tell how numbers are written; None where most of the values are none.

    `has_commas` says that a comma with three digits behind it is a decimal one.
    """
    points = [value for value in values if _NUMBER.fullmatch(value)]
    commas = [value for value in values if _COMMA.fullmatch(value)]
    thousands = {value for value in values if _THOUSANDS.fullmatch(value)}
    is_decimal = any("," in value and (has_commas or value not in thousands) for value in commas)
    decimal, found = (",", commas) if is_decimal and len(commas) >= len(points) else (".", points)
    if decimal == "." and thousands:
        decimal, found = "", [value for value in values if value in thousands or _NUMBER.fullmatch(value)]
    if not found or len(found) < MOST_SHARE * len(values):
        return None
    fraction = re.compile(r"\.\d*[1-9]|[eE]-" if decimal != "," else r",\d*[1-9]")
    is_whole = not any(fraction.search(value) for value in found)
    return Numbers(decimal, is_whole, sum(value.startswith("-") for value in found))


def times_of(values: Sequence[str], *, day_first: bool = False) -> Times | None:
    """Tell how times are written; None where most of the values are none.

    Where no value tells whether days or months come first, `day_first` decides, and points and dashes do.
    """
    if not values:
        return None
    unit = unit_of(values)
    if unit:
        return Times(unit=unit)
    forms = [form for form in map(_form, values) if form]
    if len(forms) < MOST_SHARE * len(values):
        return None
    counts = Counter(form for form, _, _ in forms)
    if all(_ISO.fullmatch(form) for form in counts):
        return Times()
    loose = [one for one in forms if "%1" in one[0]]
    n_day, n_month = sum(one > 12 for _, one, _ in loose), sum(two > 12 for _, _, two in loose)
    is_open = bool(loose) and n_day == n_month == 0
    days = n_day > n_month or (is_open and (day_first or not any("/" in form for form, _, _ in loose)))
    ordered = [form for form, _ in counts.most_common()]
    other = tuple(_ordered(form, day_first=not days) for form in ordered) if is_open else ()
    return Times(formats=tuple(dict.fromkeys(_ordered(form, day_first=days) for form in ordered)), other=other)


def unit_of(values: Sequence[str]) -> str:
    """Tell the unit of numbers since 1970 by their size; empty where they are none, or in no likely year."""
    numbers = sorted(float(value) for value in values if _NUMBER.fullmatch(value))
    if len(numbers) < MOST_SHARE * len(values) or not numbers:
        return ""
    for name, factor in UNITS.items():
        low, high = _FIRST_S * factor, _LAST_S * factor
        if sum(low <= number < high for number in numbers) >= MOST_SHARE * len(numbers):
            return name
    return ""


def _ordered(form: str, *, day_first: bool) -> str:
    one, two = ("%d", "%m") if day_first else ("%m", "%d")
    return form.replace("%1", one).replace("%2", two)


def _form(value: str) -> tuple[str, int, int] | None:
    """Write a value's format, with %1 and %2 for days and months that could be either, and those two numbers."""
    ctime = _CTIME.fullmatch(value)
    if ctime:
        return f"%a %b %d %H:%M:%S {'%z ' if ctime['zone'] else ''}%Y", 0, 0
    for pattern in _DATE:
        date = pattern.match(value)
        if date is None:
            continue
        rest = value[date.end() :]
        clock = _CLOCK.fullmatch(rest) if rest else None
        form = _date_form(date.groupdict())
        if clock or not rest:
            one, two = (int(date["one"]), int(date["two"])) if "one" in date.groupdict() else (0, 0)
            if _is_date(form, date[0], one, two):
                return form + (_clock_form(clock) if clock else ""), one, two
    return None


def _date_form(parts: dict[str, str | None]) -> str:
    """Write the format of a date's parts."""
    sep = parts.get("sep") or ""
    year = "%Y" if len(parts.get("year") or "") != 2 else "%y"
    if "packed" in parts:
        return "%Y%m%d"
    if "one" in parts:
        return f"%1{sep}%2{sep}{year}"
    if "month" not in parts:
        return f"%Y{sep}%m{sep}%d"
    name = "%b" if len(str(parts["month"])) == 3 else "%B"  # what is no month is refused as no date
    if "comma" in parts:
        return f"{name} %d{parts['comma']} %Y"
    week = "%a, " if parts.get("a") else ""
    return f"{week}%d{sep}{name}{sep}{year}"


def _is_date(form: str, text: str, one: int, two: int) -> bool:
    """Tell whether there is such a day."""
    if one:
        return (0 < two <= 31 and one <= 12) or (one <= 31 and 0 < two <= 12)
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def _clock_form(clock: re.Match[str]) -> str:
    hour = "%I" if clock["half"] else "%H"
    fine = ".%n" if len(clock["fine"] or "") > 7 else ".%f" if clock["fine"] else ""
    half = ("" if clock["half"][0] != " " else " ") + "%p" if clock["half"] else ""
    zone = (" " if clock["zone"].startswith(" ") else "") + "%z" if clock["zone"] else ""
    return f"{clock['gap']}{hour}:%M{':%S' if clock['seconds'] else ''}{fine}{half}{zone}{clock['utc'] or ''}"


def plain_id(value: str) -> str:
    """Write an id as the whole number that it may stand for: 00016 and 16.0 are 16; others as they are."""
    found = re.fullmatch(r"([+-]?)0*(\d+)(\.0*)?", value)
    return f"{found[1].strip('+')}{found[2]}" if found else value


def are_digits(values: Iterable[str]) -> bool:
    """Tell whether all ids are whole numbers that fit a bigint."""
    return all(re.fullmatch(r"[+-]?\d{1,18}(\.0*)?", value) for value in values)
