"""Values: the SQL that types one column's value, and that tells a value which does not fit its type.

A value is cast once, here. What is missing is NULL and fits; what does not fit is NULL and said to be
unfit. Fractions are no integers, though a cast would round them; of times finer than a microsecond the
rest is cut; times outside of the years 1 to 9999 do not fit.
"""

import re

from recsys_duck.engines.ids import standing_id, typed_id
from recsys_duck.engines.texts import JSON, TEXT
from recsys_duck.parameters import quoted
from recsys_duck.source import Input
from recsys_duck.times import FRACTIONS, NUMBERS

FIRST_TIME = "timestamp '0001-01-01 00:00:00'"
LAST_TIME = "timestamp '9999-12-31 23:59:59.999999'"
# microseconds of the first and the last time
_LEAST_US, _MOST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def typed(declared: Input, name: str, found: str | None, own: str) -> str:
    """Give the value of a column that the files hold as type `found` in the SQL `own`; None is a column they lack."""
    wanted = declared.columns[name]
    if found is None:
        return f"cast({declared.absent.get(name, 'null')} as {wanted})"
    if name in declared.ids:
        return typed_id(wanted, found, own)
    found, own = _unwrapped(found, own)
    if wanted == "timestamp":
        return _time(declared, found, own)
    value = _standing(wanted, found, own)
    if wanted in ("bigint", "integer") and found == "VARCHAR":
        # 3.0 is how tools write an integer column that has a missing value
        return f"case when regexp_full_match({value}, '[+-]?[0-9]+([.]0*)?') then try_cast({value} as {wanted}) end"
    if wanted in ("bigint", "integer") and found.startswith(FRACTIONS):
        return f"case when {value} = trunc({value}) then try_cast({value} as {wanted}) end"
    return f"try_cast({value} as {wanted})"


def unfit(declared: Input, name: str, found: str | None, own: str) -> str:
    """Tell whether a value stands there that does not fit the column's type."""
    wanted = declared.columns[name]
    if found is not None and name in declared.ids:
        return f"{standing_id(wanted, found, own)} is not null and ({typed_id(wanted, found, own)}) is null"
    if found is None or wanted == "varchar":
        return "false"
    found, own = _unwrapped(found, own)
    return f"{_standing(wanted, found, own)} is not null and ({typed(declared, name, found, own)}) is null"


def _unwrapped(found: str, own: str) -> tuple[str, str]:
    """Take a value out of its JSON: a text without its quotes, all else as it is written."""
    return (TEXT, f"({own} ->> '$')") if found == JSON else (found, own)


def _standing(wanted: str, found: str, own: str) -> str:
    """Give the value as it stands: a blank text is none.

    The nullif also keeps DuckDB from moving the cast of a text into the CSV reader, where it raises.
    """
    if found != "VARCHAR":
        return own
    return f"nullif({own}, '')" if wanted == "varchar" else f"nullif(trim({own}), '')"


def _time(declared: Input, found: str, own: str) -> str:
    options = declared.options
    value = _standing("timestamp", found, own)
    unit = str(options.get("time_unit", "text"))
    if "time_format" in options:
        form = str(options["time_format"])
        moment = f"try_strptime({value if found == 'VARCHAR' else f'cast({value} as varchar)'}, {quoted(form)})"
        is_fine = re.search(r"%n", form.replace("%%", ""))
        return _from_us(_cut(f"epoch_ns({moment})", 1000) if is_fine else f"epoch_us({moment})")
    if unit != "text":
        return _from_us(_epoch_us(found, value, unit))
    if found in ("TIMESTAMP_NS", "TIMESTAMPTZ_NS"):
        return _from_us(_cut(f"epoch_ns({value})", 1000))  # a cast would round
    if found in ("VARCHAR", "TIMESTAMP WITH TIME ZONE"):
        moment = f"try_cast({value} as timestamptz) at time zone 'UTC'"  # a cast to timestamp drops the offset
    else:
        moment = f"try_cast({value} as timestamp)"
    return f"case when {moment} between {FIRST_TIME} and {LAST_TIME} then {moment} end"


def _epoch_us(found: str, value: str, unit: str) -> str:
    """Turn numbers since 1970 into microseconds, NULL where they are none; a fraction of one is cut."""
    if found.startswith(NUMBERS):
        return _whole_us(f"try_cast({value} as bigint)", unit)
    # the shortest text of a double has the fraction that was meant
    text = value if found == "VARCHAR" else f"cast({value} as varchar)"
    whole = f"case when regexp_full_match({text}, '[+-]?[0-9]{{1,18}}') then try_cast({text} as bigint) end"
    exact = f"try_cast({text} as decimal(28, 9))"
    if unit == "ns":
        fine = _cut(f"try_cast(floor({exact}) as bigint)", 1000)
    else:
        fine = f"try_cast(floor({exact} * {1_000_000 // _PER_SECOND[unit]}) as bigint)"
    return f"coalesce({_whole_us(whole, unit)}, {fine})"


def _whole_us(number: str, unit: str) -> str:
    if unit == "ns":
        return _cut(number, 1000)
    factor = 1_000_000 // _PER_SECOND[unit]
    bounded = f"case when {number} between {-(-_LEAST_US // factor)} and {_MOST_US // factor} then {number} end"
    return f"({bounded}) * {factor}"


def _cut(number: str, by: int) -> str:
    """Divide and cut towards the past, which `//` alone does for numbers from 0 on only."""
    return f"(({number}) - ((({number}) % {by} + {by}) % {by})) // {by}"


def _from_us(us: str) -> str:
    return f"make_timestamp(case when {us} between {_LEAST_US} and {_MOST_US} then {us} end)"
