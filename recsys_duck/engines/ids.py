"""Ids: the SQL that types an id, and that tells a value which is none.

A text id is trimmed, and none where it is blank. A number with a point is an id where it is whole and a double
still tells it from its neighbours; NaN is how tools write that there is none. Lists, objects and booleans are no ids.
"""

from recsys_duck.engines.numbers import number_text
from recsys_duck.engines.texts import JSON, TEXT, is_nested, standing_text
from recsys_duck.ids import BIGINT
from recsys_duck.times import FRACTIONS, NUMBERS

# From here on whole numbers of a type share one value.
_EXACT = {"FLOAT": 2**24, "DOUBLE": 2**53}


def typed_id(wanted: str, found: str, own: str, *, decimal: str = ".") -> str:
    """Give an id as a bigint or as text; NULL where there is none, or no such."""
    if found.startswith(NUMBERS):
        return f"try_cast({own} as {wanted})"
    if found.startswith(FRACTIONS):
        bound = f" and abs({own}) < {_EXACT[found]}" if found in _EXACT else ""
        whole = f"cast({own} as varchar)" if wanted != BIGINT else f"try_cast({own} as bigint)"
        return f"case when {own} = trunc({own}){bound} then {whole} end"
    text = standing_text(found, own)
    value = text if wanted != BIGINT else _whole(found, number_text(text, decimal))
    return f"case when {_is_no_nan(own)} and not {is_nested(own)} then {value} end" if found == JSON else value


def standing_id(wanted: str, found: str, own: str) -> str:
    """Give the id as it stands, of any type: NULL where there is none."""
    if found.startswith(FRACTIONS):
        return own if found.startswith("DECIMAL") else f"nullif({own}, cast('nan' as {found}))"
    if found.startswith(NUMBERS):
        return own
    text = standing_text(found, own)
    if wanted == BIGINT:
        return f"case when lower({text}) <> 'nan' then {text} end"
    return f"case when {_is_no_nan(own)} then {text} end" if found == JSON else text


def _is_no_nan(own: str) -> str:
    """Tell whether a JSON value is something other than NaN without quotes."""
    return f"cast({own} as varchar) <> 'NaN'"


def _whole(found: str, text: str) -> str:
    """Read a text as a whole number: 3.0 is how tools write an integer column that has a missing value."""
    fits = f"regexp_full_match({text}, '[+-]?[0-9]+([.]0*)?')"
    if found != TEXT:  # JSON hands on a number with a point as its double
        fits += f" and (not contains({text}, '.') or abs(try_cast({text} as double)) < {_EXACT['DOUBLE']})"
    return f"case when {fits} then try_cast({text} as bigint) end"
