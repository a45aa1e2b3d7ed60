"""Keys: the SQL that finds in rows of JSON the keys that are asked for, each by its path.

A row that is no object, or that has one of these keys twice, has none of them: either value might be meant.
Ids are read with their quotes, since a list is no id; all else as text.
"""

from collections.abc import Sequence

from recsys_duck.parameters import quoted
from recsys_duck.source import Input, Source


def keyed_rows(source: Source, rows: str) -> str:
    """Give the FROM item of rows with `found_ids` and `found_values`, out of one with `line` and `filename`.

    The keys of a row are listed once and counted, which costs half a microsecond a row.
    """
    declared = source.input
    ids, others = (
        f"[{', '.join(quoted(_path(_parts(source, own))) for own in names)}]"
        for names in (_ids(declared), _others(declared))
    )
    keys = "case when json_valid(line) and json_type(line) = 'OBJECT' then json_keys(line) end"
    return (
        f"(select line, filename, is_object, "
        f"case when is_object then json_extract(line, {ids}) end as found_ids, "
        f"case when is_object then json_extract_string(line, {others}) end as found_values "
        f"from (select line, filename, coalesce({_has_keys_once(source)}, false) as is_object "
        f"from (select line, filename, {keys} as keys from {rows} where line is not null)))"
    )


def found_key(declared: Input, name: str) -> tuple[str, str]:
    """Give the type and the SQL of a column as `keyed_rows` has it."""
    own = declared.own_name(name)
    if name in declared.ids:
        return "JSON", f"found_ids[{_ids(declared).index(own) + 1}]"
    return "VARCHAR", f"found_values[{_others(declared).index(own) + 1}]"


def _ids(declared: Input) -> list[str]:
    return list(dict.fromkeys(declared.own_name(name) for name in declared.columns if name in declared.ids))


def _others(declared: Input) -> list[str]:
    return list(dict.fromkeys(declared.own_name(name) for name in declared.columns if name not in declared.ids))


def _parts(source: Source, own: str) -> list[str]:
    """Give the steps to a key: one, or one for each part of a nested one."""
    return own.split(".") if own in source.files[0].nested else [own]


def _has_keys_once(source: Source) -> str:
    """Tell whether a row has no step to a key twice; NULL where it is no object."""
    owns = [*_ids(source.input), *_others(source.input)]
    steps = dict.fromkeys(
        (_path(parts[:depth]), part)
        for parts in (_parts(source, own) for own in owns)
        for depth, part in enumerate(parts)
        if depth == 0 or not part.isdigit()
    )
    found = {
        (parent, key): f"len(list_filter({_keys_of(parent)}, lambda key: key = {quoted(key)}))" for parent, key in steps
    }
    once = [f"{n} <= 1" if not parent else f"coalesce({n}, 0) <= 1" for (parent, _), n in found.items()]
    return " and ".join(once)


def _keys_of(parent: str) -> str:
    """Name the list of a row's keys, or list those of an object in it."""
    return "keys" if not parent else f"case when keys is not null then json_keys(line, {quoted(parent)}) end"


def _path(parts: Sequence[str]) -> str:
    """Write a JSON pointer, in which a key may have any sign; a number is a place in a list, too."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
