"""Drafts: the recsys.toml that says what was guessed of some files, a line for each guess, to check and to change.

Owns how options of the reader are guessed from the values of the columns that are read.
"""

import glob
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from recsys_duck.formats import ENDINGS
from recsys_duck.roles import DOMAINS, INPUTS, Cast, Role
from recsys_duck.traits import Numbers, Times, missing_spellings, numbers_of, times_of

HEAD = """\
# Written by recsys-duck init, which looked at the files: each line is a guess that you can change.
# Then: recsys-duck build

kind = "events"
"""
ABOUT = {
    "events": "events: one row for each time that a user bought, played, rated or saw an item",
    "items": "items: the names of the items, by the ids that the events have",
    "users": "users: the names of the users, by the ids that the events have",
    "tags": "tags: the names of categories, artists or genres",
    "item_tags": "item_tags: which item has which tag",
    "aliases": "aliases: ids of items that stand for another id",
}
MEANINGS = {
    "user_id": "who",
    "item_id": "what",
    "occurred_at": "when; without it there is no split by time",
    "weight": "how much; without it each row counts 1",
    "basket_id": "bought together; without it items go together by user",
    "position": "place within the basket",
}
ENCODINGS = 'others: "cp1250" Central Europe, "cp1251" Cyrillic, "shift_jis" Japanese, "gb18030" Chinese'
MANY_FILES = 4
PARAMETERS = """\

[parameters]
# To see how good the lists are, hold the last fifth of all events out, and ask: recsys-duck query leaderboard
# split = "{split}"
# test_share = 0.2
"""
NEGATIVE = """\
# Weights below 0, as returns have: {n} in the rows that were looked at. Each such row is rejected and counted;
# "net" takes it off what the same user bought of the same item instead.
# negative_weight = "net"
"""
WEIGHTED = """\
# 1 for each user and item, whatever the weights are; "log1p" or "raw" lets them count
# weighting = "log1p"
"""


def draft_text(cast: Cast, root: Path) -> str:
    """Write the recsys.toml of what was guessed, for the folder `root`."""
    parts = [HEAD]
    parts += ["\n".join(_input_lines(role, cast, root)) + "\n" for role in cast.roles]
    parts += [_plain(f"# not used: {shown}: {why}") + "\n" for shown, why in cast.left_out]
    return "\n".join(parts) + _parameters(cast)


def _input_lines(role: Role, cast: Cast, root: Path) -> Iterator[str]:
    yield f"# {ABOUT[role.input]}"
    yield f"[files.{role.input}]"
    yield f"paths = {_value(_paths(role, root))}"
    yield from _format_lines(role)
    yield from _missing_lines(role)
    if role.input == "events":
        yield from _number_lines(role)
        yield from _time_lines(role)
    yield from _id_lines(role, cast)
    yield ""
    yield f"[files.{role.input}.column]"
    yield from _column_lines(role, cast)


def _paths(role: Role, root: Path) -> str | list[str]:
    """Name the files, relative to the project where they are inside of it; many by a pattern that fits no others."""
    paths = [look.path for look in role.looks]
    if len(paths) > MANY_FILES:
        folder, names = paths[0].parent, [path.name for path in paths]
        start = os.path.commonprefix(names)  # noqa: RUF071 - letter by letter
        end = os.path.commonprefix([name[::-1] for name in names])[::-1]  # noqa: RUF071
        pattern = glob.escape(start) + "*" + glob.escape(end)
        if {path.parent for path in paths} == {folder} and set(folder.glob(pattern)) == set(paths):
            return os.path.join(*_shown_in(folder, root), pattern)
    shown = [glob.escape(os.path.join(*_shown_in(path, root))) for path in paths]
    return shown[0] if len(shown) == 1 else shown


def _shown_in(path: Path, root: Path) -> tuple[str, ...]:
    inside = path.relative_to(root) if path.is_relative_to(root) else path
    return inside.parts or ("",)


def _format_lines(role: Role) -> Iterator[str]:
    """Say the format, and what splits lines and fields; the usual ones only as comments."""
    look = role.looks[0]
    yield f"format = {_value(look.format)}"
    if look.format == "csv":
        delimiter = look.options.get("delimiter", ",")
        implied = {ENDINGS.get(PurePath(one.shown).suffix, {}).get("delimiter", ",") for one in role.looks}
        if implied != {delimiter}:
            yield f"delimiter = {_value(delimiter)}"
        has_quotes = bool(look.options.get("quote"))
        comments = {
            "quote": "a value may stand between two of these" if has_quotes else "quotes mean nothing here",
            "escape": "stands before a quote inside of a value",
            "skip": "lines above the header" if look.has_names else "lines above the first row",
            "comment": "lines that begin so are left out",
            "header": "the first line is data; columns are called by their place: 1, 2, …",
            "names": "the header has a name twice",
        }
        for key, comment in comments.items():
            if key in look.options:
                yield _line(f"{key} = {_value(look.options[key])}", comment)
    if "records" in look.options:
        yield _line(f"records = {_value(look.options['records'])}", "where the rows are in the document")
    if "encoding" in look.options:
        yield _line(f"encoding = {_value(look.options['encoding'])}", ENCODINGS)


def _missing_lines(role: Role) -> Iterator[str]:
    """Say the spellings of missing that occur in columns that are no names."""
    values = [
        value
        for look in role.looks
        for ours, own in role.column.items()
        if not ours.endswith("_name")
        for value in look.column(own).values
    ]
    found = missing_spellings(values)
    if found:
        yield _line(f"null = {_value(found)}", "texts that stand for a missing value")


def _number_lines(role: Role) -> Iterator[str]:
    numbers = weights_of(role) if role.looks[0].format == "csv" else None
    if numbers and numbers.decimal == ",":
        yield _line('decimal = ","', "12,50 is twelve and a half")
    elif numbers and not numbers.decimal:
        yield "# CHECK: a weight as 1,250 is rejected and counted. If it is one and a quarter, take away the first #:"
        yield '# decimal = ","'


def weights_of(role: Role) -> Numbers | None:
    """Tell how the weights of the events are written; None where there are none."""
    if "weight" not in role.column:
        return None
    return numbers_of(role.values("weight"), has_commas=_has_semicolons(role))


def _has_semicolons(role: Role) -> bool:
    """Tell whether semicolons split the fields, as they do where commas split whole numbers from their fractions."""
    return role.looks[0].options.get("delimiter") == ";"


def times_read(role: Role) -> Times | None:
    """Tell how the times of the events are written, None where there are none or where the files have a type for them.

    Semicolons and decimal commas speak for days before months.
    """
    own = role.column.get("occurred_at")
    if own is None or any(look.column(own).sql_type.startswith(("TIMESTAMP", "DATE")) for look in role.looks):
        return None
    has_comma = any(
        (numbers := numbers_of(one.values)) is not None and numbers.decimal == ","
        for look in role.looks
        for one in look.columns
        if look.format == "csv"
    )
    return times_of(role.values("occurred_at"), day_first=has_comma or _has_semicolons(role))


def _time_lines(role: Role) -> Iterator[str]:
    times = times_read(role)
    if times is None:
        return
    if times.unit:
        names = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
        yield _line(f"time_unit = {_value(times.unit)}", f"{names[times.unit]} since 1970")
    elif times.formats:
        if times.other:
            first = ("the day", "the month") if _is_day_first(times.formats) else ("the month", "the day")
            yield f"# CHECK: no value tells whether the day or the month comes first. This reads {first[0]} first;"
            yield f"# {first[1]} first is time_format = {_value(_one(times.other))}"
        yield f"time_format = {_value(_one(times.formats))}"


def _is_day_first(formats: Sequence[str]) -> bool:
    return any(re.match(r"%d.%m", form) for form in formats)


def _one(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


def _id_lines(role: Role, cast: Cast) -> Iterator[str]:
    ids = [ours for ours in role.column if ours in DOMAINS and DOMAINS[ours] in cast.bigint]
    if ids:
        types = ", ".join(f'{ours} = "bigint"' for ours in ids)
        yield _line(f"columns = {{ {types} }}", "ids are whole numbers: 00016 and 16 and 16.0 are one")


def _column_lines(role: Role, cast: Cast) -> Iterator[str]:
    """Name the column of each of ours; those that could be it, too, beside it, those that are not there as comments."""
    for ours in INPUTS[role.input]:
        own = role.column.get(ours)
        if own is None:
            if ours in MEANINGS:
                yield _line(f'# {ours} = "…"', MEANINGS[ours])
            continue
        told = [MEANINGS[ours]] if role.input == "events" else []
        if role.others.get(ours):
            told.append("or " + ", ".join(_value(other) for other in role.others[ours]))
        if ours in role.unsure:
            told.append("CHECK: no name tells it")
        if ours == "item_name" and role.looks == cast.roles[0].looks:
            told.append("in the events' own file: repeats are counted as duplicate_item_id")
        yield _line(f"{ours} = {_value(own)}", "; ".join(told))


def _parameters(cast: Cast) -> str:
    events = cast.roles[0]
    text = PARAMETERS.format(split="time" if "occurred_at" in events.column else "random")
    weights = weights_of(events)
    if weights:
        text += WEIGHTED
    if weights and weights.n_negative:
        text += NEGATIVE.format(n=weights.n_negative)
    return text


def _line(text: str, comment: str) -> str:
    return f"{text:<40} # {_plain(comment)}" if comment else text


def _plain(text: str) -> str:
    """Write a comment's text in one line."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _value(value: object) -> str:
    """Write a value in TOML, whose texts, lists, numbers and booleans are those of JSON."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def told_roles(cast: Cast) -> Iterator[str]:
    """Say each role in a line, and what has none."""
    for role in cast.roles:
        names = role.looks[0].shown + (f" and {len(role.looks) - 1} more" if len(role.looks) > 1 else "")
        columns = ", ".join(f"{ours} = {own}" for ours, own in role.column.items())
        yield f"{role.input:<10} {names}: {columns}"
    for shown, why in cast.left_out:
        yield f"not used   {shown}: {why}"


def mapped(role: Role) -> Mapping[str, str]:
    """Give the columns that are read, in our order."""
    return {ours: role.column[ours] for ours in INPUTS[role.input] if ours in role.column}
