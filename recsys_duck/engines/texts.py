"""Texts: the SQL that takes a text as it stands in a file: blanks around it cut off, none where nothing is left.

Blanks are what Unicode calls so: tabs, no-break spaces and marks that nobody sees, as a byte order mark inside a file.
"""

TEXT = "VARCHAR"
# A value of newline-delimited JSON that is read with its quotes, so that a list is no text that looks like one.
JSON = "JSON"
_BLANK = r"[\p{Cc}\p{Cf}\p{Z}]"


def standing_text(found: str, own: str) -> str:
    """Give a value's text, trimmed; NULL for none.

    The nullif also keeps DuckDB from moving the cast of a text into the CSV reader, where it raises.
    """
    text = {TEXT: own, JSON: unquoted(own)}.get(found, f"cast({own} as varchar)")
    cut = f"regexp_replace({text}, '^{_BLANK}+|{_BLANK}+$', '', 'g')"  # costs twice as much as to look for one
    return f"nullif(case when regexp_matches({text}, '^{_BLANK}|{_BLANK}$') then {cut} else {text} end, '')"


def unquoted(own: str) -> str:
    """Take a value out of its JSON: a text without its quotes, all else as it is written."""
    return f"({own} ->> '$')"


def is_nested(own: str) -> str:
    """Tell whether a JSON value is a list, an object or a boolean."""
    return f"coalesce(substr(cast({own} as varchar), 1, 1) in ('[', '{{', 't', 'f'), false)"
