"""Numbers: the SQL that types a number, NULL where a value is none.

A value is kept or rejected, never changed: no hexadecimal digits, no digits with underscores, no fractions in integers,
and nothing so small that its type would hold 0. Exponents are read. true and false are weights of 1 and 0, no integers.
"""

import re

from recsys_duck.engines.texts import standing_text
from recsys_duck.times import FRACTIONS, NUMBERS

_INTEGER = "[+-]?[0-9]+([.]0*)?"  # 3.0 is how tools write an integer column that has a missing value
_NUMBER = "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?"
# Below this a cast to a decimal changes no digit of a type; above it the digits behind the last are made up.
_EXACT = {"FLOAT": 0, "DOUBLE": 1_000_000_000}
_NUMERIC = re.compile(r"(u?(tiny|small|big|huge)int|u?integer|int|decimal|numeric|float|real|double)\b.*(?<!\])")


def is_numeric(sql_type: str) -> bool:
    """Tell whether a type holds one number."""
    return bool(_NUMERIC.fullmatch(sql_type.lower()))


def typed_number(wanted: str, found: str, own: str, *, decimal: str = ".") -> str:
    """Give a number as the wanted type."""
    cast, is_integer = f"try_cast({own} as {wanted})", "int" in wanted.lower()
    if found == "BOOLEAN" and is_integer:
        return f"cast(null as {wanted})"
    if found.startswith(NUMBERS) or found == "BOOLEAN":
        return cast
    if found.startswith(FRACTIONS):
        if found in _EXACT and not is_integer:
            exact = f"try_cast(cast({own} as varchar) as {wanted})"  # the shortest text has the digits that were meant
            cast = f"case when abs({own}) < {_EXACT[found]} then {cast} else {exact} end"
        return f"case when {f'{own} = trunc({own})' if is_integer else f'{cast} <> 0 or {own} = 0'} then {cast} end"
    text = number_text(standing_text(found, own), decimal)
    cast = f"try_cast({text} as {wanted})"
    if is_integer:
        return f"case when {is_number(text, is_integer=True)} then {cast} end"
    cast = f"case when {cast} <> 0 or not regexp_matches({text}, '^[^eE]*[1-9]') then {cast} end"
    truth = f"cast(case lower({text}) when 'true' then 1 when 'false' then 0 end as {wanted})"
    return f"case when {is_number(text)} then {cast} else {truth} end"


def is_number(text: str, *, is_integer: bool = False) -> str:
    """Tell whether a text is written as a number."""
    return f"regexp_full_match({text}, '{_INTEGER if is_integer else _NUMBER}')"


def number_text(text: str, decimal: str) -> str:
    """Write a text's number with a point: where a comma stands for it, a point is none, nor a thousands separator."""
    return text if decimal == "." else f"case when not contains({text}, '.') then replace({text}, ',', '.') end"
