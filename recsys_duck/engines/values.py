"""Values: the SQL that types one column's value, and that tells a value which does not fit its type.

A value is cast once, here. What is missing is NULL and fits; what does not fit is NULL and said to be
unfit. Ids, numbers and times have modules of their own; all else is cast.
"""

from recsys_duck.engines.ids import standing_id, typed_id
from recsys_duck.engines.numbers import is_numeric, typed_number
from recsys_duck.engines.texts import JSON, TEXT, standing_text, unquoted
from recsys_duck.engines.times import typed_time
from recsys_duck.source import Input


def typed(declared: Input, name: str, found: str | None, own: str) -> str:
    """Give the value of a column that the files hold as type `found` in the SQL `own`; None is a column they lack."""
    wanted = declared.columns[name]
    if found is None:
        return f"cast({declared.absent.get(name, 'null')} as {wanted})"
    decimal = str(declared.options.get("decimal", "."))
    if name in declared.ids:
        return typed_id(wanted, found, own, decimal=decimal)
    if wanted == "timestamp":
        return typed_time(declared.options, found, own)
    if is_numeric(wanted):
        return typed_number(wanted, found, own, decimal=decimal)
    return f"try_cast({_standing(wanted, found, own)} as {wanted})"


def unfit(declared: Input, name: str, found: str | None, own: str) -> str:
    """Tell whether a value stands there that does not fit the column's type."""
    wanted = declared.columns[name]
    if found is None or (wanted == "varchar" and name not in declared.ids):
        return "false"
    standing = standing_id(wanted, found, own) if name in declared.ids else _standing(wanted, found, own)
    return f"{standing} is not null and ({typed(declared, name, found, own)}) is null"


def _standing(wanted: str, found: str, own: str) -> str:
    """Give the value as it stands; a text is a value where it is more than blanks, a name where it is not empty."""
    if found not in (TEXT, JSON):
        return own
    if wanted != "varchar":
        return standing_text(found, own)
    return f"nullif({own if found == TEXT else unquoted(own)}, '')"
