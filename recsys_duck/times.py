"""Times: how a source writes its times, as dates, text or numbers, and what it must say of them.

Refuses columns that are no time as they are read; a single value that is none is judged by a gate.
"""

from collections.abc import Iterator, Mapping
from statistics import median_low

from recsys_duck.errors import ProjectError
from recsys_duck.source import Source

NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
FRACTIONS = ("FLOAT", "DOUBLE", "DECIMAL")
SECONDS_A_YEAR = 31_556_952
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def formats_of(options: Mapping[str, object]) -> list[str]:
    """List the formats that times of an input may have, in the order they are tried; none where none is said."""
    said = options.get("time_format", [])
    return [str(form) for form in said] if isinstance(said, list) else [str(said)]


def time_problems(source: Source) -> Iterator[ProjectError]:
    """Tell of the time columns of a source's files that can't be read as its options say."""
    declared = source.input
    said = declared.options.get("time_format") or str(declared.options.get("time_unit", "text")) != "text"
    names = [name for name, kind in declared.columns.items() if kind == "timestamp"]
    if said and source.files and not any(source.has(name) for name in names):
        option = "time_format" if "time_format" in declared.options else "time_unit"
        yield ProjectError(
            f"{option} is given, and no column of input {declared.name} holds times",
            where=source.files[0].shown,
            fix=f"say --column {declared.name}.{names[0]}=COLUMN; its columns: {', '.join(source.present)}"
            if names
            else f"leave {option} out: no column of this input is a time",
        )
    for file in source.files:
        for name in names:
            own = declared.own_name(name)
            if own in file.present:
                yield from _column_problems(source, file.shown, own, file.present[own], is_numeric=own in file.numeric)


def unit_doubts(sources: Mapping[str, Source]) -> Iterator[str]:
    """Tell of times whose unit is likely another: they fall outside of 1990 to 2100, and with that one they do not."""
    for name, source in sources.items():
        unit = str(source.input.options.get("time_unit", "text"))
        columns = [
            source.input.own_name(column) for column, kind in source.input.columns.items() if kind == "timestamp"
        ]
        numbers = [file.typical[own] for file in source.files for own in columns if own in file.typical]
        if unit in PER_SECOND and numbers:
            number = median_low(numbers)
            likely = [one for one in PER_SECOND if 1990 <= _year(number, one) < 2100]
            if likely and unit not in likely:
                year, other = _year(number, unit), likely[0]
                yield (
                    f"the first times of input {name} are in the year {year:,.0f} with time_unit = {unit}, "
                    f"and in {_year(number, other):.0f} with {other}: say --reader {name}.time_unit={other}"
                )


def _year(number: float, unit: str) -> float:
    return 1970 + number / PER_SECOND[unit] // SECONDS_A_YEAR


def _column_problems(source: Source, shown: str, own: str, found: str, *, is_numeric: bool) -> Iterator[ProjectError]:
    options, name = source.input.options, source.input.name
    unit = str(options.get("time_unit", "text"))
    if found.startswith(("TIMESTAMP", "DATE")):
        if unit != "text" or "time_format" in options:
            option = "time_unit" if unit != "text" else "time_format"
            yield ProjectError(
                f"column {own} is {found}, which needs no {option}", where=shown, fix=f"leave {option} out"
            )
    elif found.startswith((*NUMBERS, *FRACTIONS)) or (found == "VARCHAR" and is_numeric):
        what = f"column {own} is {found}" if found != "VARCHAR" else f"the first values of column {own} are numbers"
        if unit == "text" and ("time_format" not in options or found.startswith(FRACTIONS)):
            yield ProjectError(
                f"{what}, which is no time without a unit",
                where=shown,
                fix=f"say --reader {name}.time_unit=s (or ms, us, ns), or write it as timestamp, date or ISO text",
            )
    elif found != "VARCHAR":
        yield ProjectError(
            f"column {own} is {found}, which is no time", where=shown, fix="write it as timestamp, date or ISO text"
        )
