"""Times: the SQL that types a moment, in UTC, NULL where a value is none.

A text is an ISO date or time, or what its format says. Its zone is Z, UTC, GMT or an offset of at most 14 hours:
other names mean several zones. What is finer than a microsecond is cut.
Times outside of the years 1 to 9999 do not fit.
"""

import re
from collections.abc import Mapping

from recsys_duck.engines.numbers import is_number, number_text
from recsys_duck.engines.texts import JSON, TEXT, standing_text
from recsys_duck.parameters import quoted
from recsys_duck.times import NUMBERS, PER_SECOND, formats_of

FIRST_TIME = "timestamp '0001-01-01 00:00:00'"
LAST_TIME = "timestamp '9999-12-31 23:59:59.999999'"
# microseconds of the first and the last time, and of the year 1000, before which years are written with zeros
_LEAST_US, _MOST_US, _YEAR_1000_US = -62_135_596_800_000_000, 253_402_300_799_999_999, -30_610_224_000_000_000
_OFFSET = "[+-]((0[0-9]|1[0-3])(:?[0-5][0-9])?|14(:?00)?)"
_NAME = "UTC|utc|GMT|gmt|[Zz]"
_ISO = (
    "[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
    f"((T| +)[0-9]{{1,2}}:[0-9]{{2}}(:[0-9]{{2}}([.,][0-9]+)?)?( *({_NAME}|{_OFFSET}))?)?"
)
# Texts that can't have another zone than Z: nine in ten, told faster than by the expression.
_USUAL = ("____-__-__", "____-__-_____:__:__", "____-__-_____:__:__Z")
_DIRECTIVE = re.compile(r"%-?([a-zA-Z%])|(\s+)|(.)", re.DOTALL)
_DIRECTIVES = {"Y": "[0-9]{4}", "z": f"({_OFFSET}|[Zz])", "%": "%", **dict.fromkeys("aAbBp", "[A-Za-z]+")}


def typed_time(options: Mapping[str, object], found: str, own: str) -> str:
    """Give a time as the options of its input say."""
    text = standing_text(found, own)
    forms = formats_of(options)
    unit = str(options.get("time_unit", "text"))
    if forms:
        moments = [_formed(text, form) for form in forms]
        return _from_us(moments[0] if len(moments) == 1 else f"coalesce({', '.join(moments)})")
    if unit != "text":
        return _from_us(_epoch_us(found, own, number_text(text, str(options.get("decimal", "."))), unit))
    if found in ("TIMESTAMP_NS", "TIMESTAMPTZ_NS"):
        return _from_us(_cut(f"epoch_ns({own})", 1000))  # a cast would round
    if found in (TEXT, JSON):
        moment = _iso(text)
    elif found == "TIMESTAMP WITH TIME ZONE":
        moment = f"try_cast({own} as timestamptz) at time zone 'UTC'"  # a cast to timestamp drops the offset
    else:
        moment = f"try_cast({own} as timestamp)"
    return f"case when {moment} between {FIRST_TIME} and {LAST_TIME} then {moment} end"


def _iso(text: str) -> str:
    """Read an ISO text; DuckDB takes any name of a zone, any offset, and no blank before it."""
    usual = " or ".join(f"{text} like '{form}'" for form in _USUAL)
    tight = f"replace(regexp_replace(upper({text}), ' *(UTC|GMT|Z|[-+][0-9:]+)$', '\\1'), ',', '.')"
    tight = f"regexp_replace({tight}, '(UTC|GMT)$', 'Z')"
    known = f"case when {usual} then {text} when regexp_full_match({text}, '{_ISO}') then {tight} end"
    return f"try_cast({known} as timestamptz) at time zone 'UTC'"


def _formed(text: str, form: str) -> str:
    """Read a text by one format, as microseconds since 1970.

    DuckDB takes any offset, any name of a zone, and fewer than four digits of a year.
    """
    names = [told.group(1) for told in _DIRECTIVE.finditer(form) if told.group(1)]
    written = f"regexp_replace({text}, '[Zz]$', '+00:00')" if names[-1:] == ["z"] and form.endswith("z") else text
    moment = f"try_strptime({written}, {quoted(form)})"
    us = _cut(f"epoch_ns({moment})", 1000) if "n" in names else f"epoch_us({moment})"
    is_so = f"regexp_full_match({text}, {quoted(_pattern(form, names))})"
    fits = is_so if {"z", "Z"} & set(names) else f"{us} >= {_YEAR_1000_US} or {is_so}"
    return f"case when {fits} then {us} end"


def _pattern(form: str, names: list[str]) -> str:
    """Write a format as an expression that holds its zone and its year to what they may be."""
    zone = "[A-Za-z]+" if "z" in names else f"({_NAME})"  # beside an offset a name says nothing
    known = {**_DIRECTIVES, "Z": zone, **dict.fromkeys("cxX", ".+")}
    return "".join(
        known.get(told.group(1), "[0-9]+") if told.group(1) else r"\s*" if told.group(2) else re.escape(told.group(3))
        for told in _DIRECTIVE.finditer(form)
    )


def _epoch_us(found: str, own: str, text: str, unit: str) -> str:
    """Turn numbers since 1970 into microseconds, NULL where they are none; a fraction of one is cut."""
    if found.startswith(NUMBERS):
        return _whole_us(f"try_cast({own} as bigint)", unit)
    # the shortest text of a double has the fraction that was meant
    whole = f"case when regexp_full_match({text}, '[+-]?[0-9]{{1,18}}') then try_cast({text} as bigint) end"
    exact = f"case when {is_number(text)} then try_cast({text} as decimal(28, 9)) end"
    if unit == "ns":
        fine = _cut(f"try_cast(floor({exact}) as bigint)", 1000)
    else:
        fine = f"try_cast(floor({exact} * {1_000_000 // PER_SECOND[unit]}) as bigint)"
    return f"coalesce({_whole_us(whole, unit)}, {fine})"


def _whole_us(number: str, unit: str) -> str:
    if unit == "ns":
        return _cut(number, 1000)
    factor = 1_000_000 // PER_SECOND[unit]
    bounded = f"case when {number} between {-(-_LEAST_US // factor)} and {_MOST_US // factor} then {number} end"
    return f"({bounded}) * {factor}"


def _cut(number: str, by: int) -> str:
    """Divide and cut towards the past, which `//` alone does for numbers from 0 on only."""
    return f"(({number}) - ((({number}) % {by} + {by}) % {by})) // {by}"


def _from_us(us: str) -> str:
    return f"make_timestamp(case when {us} between {_LEAST_US} and {_MOST_US} then {us} end)"
