"""Sentences: what a check says of a row that breaks it, with the values of the row's columns in it.

`{column}` stands for a value as it is, `{column:,}` for a number in groups of three digits, `{column:%}` for
a share as a percentage. A sentence without any speaks of all rows at once.
"""

import re
from collections.abc import Mapping

from recsys_duck.store import CheckRecord

_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)(?::([,%]))?\}")
# a sentence a line, in the record of a check
MOST_TOLD = 5


def columns_of(sentence: str) -> tuple[str, ...]:
    """Name the columns that a sentence speaks of, each once."""
    return tuple(dict.fromkeys(found.group(1) for found in _FIELD.finditer(sentence)))


def filled(sentence: str, values: Mapping[str, object]) -> str:
    """Put the values of a row in the place of the columns; the result is one line."""
    told = _FIELD.sub(lambda found: _shown(values[found.group(1)], found.group(2)), sentence)
    return " ".join(told.split())


def messages(check: CheckRecord, sentence: str) -> list[str]:
    """Say what a broken check has to say: a line for each row, or one for all."""
    if columns_of(sentence):
        return check.examples.splitlines()
    if check.severity == "note" and sentence:
        return [sentence]
    told = f": {sentence}" if sentence else ""
    told += f" (first: {check.examples})" if check.examples else ""
    broken = "1 row breaks" if check.n_failed == 1 else f"{check.n_failed} rows break"
    return [f"{broken} the check {check.text}{told}"]


def percent(share: float) -> str:
    """Write a share of 1 as a percentage; what is not nothing or all is never written so."""
    shown = f"{100 * share:.1f} %"
    if shown == "0.0 %" and share > 0:
        return "<0.1 %"
    return ">99.9 %" if shown == "100.0 %" and share < 1 else shown


def _shown(value: object, style: str | None) -> str:
    if style == "," and isinstance(value, int):
        return f"{value:,}"
    if style == "%" and isinstance(value, int | float):
        return percent(value)
    return "nothing" if value is None else str(value)
