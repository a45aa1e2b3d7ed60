"""Ids: what type each id has, bigint where all files have integers, else text, the same in all inputs.

An `id of item_id` shares the type of item_id, and a `list of id of item_id` holds such. Refuses ids that
are fractions, unless they are said to be whole, lists where there is one id, one where there are lists, and
types that no id has: booleans and objects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from recsys_duck.errors import ProjectError
from recsys_duck.kind import Kind
from recsys_duck.source import Source
from recsys_duck.times import FRACTIONS

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}  # those that fit a bigint
BIGINT = "bigint"
ID_TYPES = (BIGINT, "varchar")
ID_OF = "id of "
LIST_OF = "list of "
LIST = "[]"
_NO_IDS = ("BOOLEAN", "STRUCT", "MAP", "UNION", "VARIANT", "JSON")


@dataclass(frozen=True, slots=True)
class Id:
    """An id column of an input; `domain` is the name whose type it has, its own or another's.

    `is_list` where each value is a list of ids.
    """

    source: Source
    column: str
    domain: str
    is_list: bool = False

    @property
    def said(self) -> str:
        """The type that the project says of one id, empty where it leaves it to the files."""
        written = self.source.input.columns[self.column]
        if is_id(written):
            return ""
        if self.is_list != written.endswith(LIST):
            return written + LIST  # no type that one id has
        return written.removesuffix(LIST)

    def found(self) -> Iterator[tuple[str, str]]:
        """Give each file that has the column, with the type of the column there."""
        for file in self.source.files:
            own = self.source.input.own_name(self.column)
            if own in file.present:
                yield file.shown, file.present[own]


def ids_of(kind: Kind, sources: Mapping[str, Source]) -> list[Id]:
    """List the id columns of all inputs."""
    return [
        _declared(source, column, str(sql_type))
        for name, source in sources.items()
        for column, sql_type in kind.inputs[name].get("columns", {}).items()
        if is_id(str(sql_type))
    ]


def is_id(written: str) -> bool:
    """Tell whether a column's type is left to the ids of the files."""
    one = written.removeprefix(LIST_OF)
    return one == "id" or one.startswith(ID_OF)


def _declared(source: Source, column: str, written: str) -> Id:
    one = written.removeprefix(LIST_OF)
    return Id(source, column, column if one == "id" else one.removeprefix(ID_OF), written.startswith(LIST_OF))


def id_problems(ids: list[Id]) -> Iterator[ProjectError]:
    """Tell of ids that are none, and of types that contradict each other."""
    said: dict[str, str] = {}
    for one in ids:
        where = f"columns of input {one.source.input.name}, {one.column}"
        if one.said and one.said not in ID_TYPES:
            written = one.source.input.columns[one.column]
            known = [sql_type + LIST if one.is_list else sql_type for sql_type in ID_TYPES]
            yield ProjectError(f"{one.column} can't be {written}", where=where, fix=f"use {' or '.join(known)}")
        elif one.said and said.setdefault(one.domain, one.said) != one.said:
            what = f"{one.domain} is said to be {said[one.domain]} and {one.said}"
            yield ProjectError(what, where=where, fix="an id has one type in all inputs")
    for one in ids:
        for shown, found in one.found():
            yield from _found_problems(one, shown, found, said.get(one.domain, ""))


def _found_problems(one: Id, shown: str, found: str, said: str) -> Iterator[ProjectError]:
    """Tell of a column whose values in a file are no ids."""
    own, name = one.source.input.own_name(one.column), one.source.input.name
    column = f"column {own} is {'lists or objects' if found == 'JSON' else found}"
    is_fraction = found.startswith(FRACTIONS)
    if found.startswith(_NO_IDS) or found.count(LIST) != one.is_list or (is_fraction and one.is_list):
        wanted, lists = ("list of ids", "lists of integers or of text") if one.is_list else ("id", "an integer or text")
        fix = f"write it as {lists}, or name another column: --column {name}.{one.column}=COLUMN"
        yield ProjectError(f"{column}, which is no {wanted}", where=shown, fix=fix)
    elif is_fraction and not (said == BIGINT or (said and found.endswith(",0)"))):
        option = f"--reader '{name}.columns={{{one.column}=\"bigint\"}}'"
        fix = f"whole numbers like 1.0 are read, and others rejected, with {option}"
        yield ProjectError(f"{column}, which is no id", where=shown, fix=fix)


def with_id_types(sources: Mapping[str, Source], ids: list[Id]) -> dict[str, Source]:
    """Settle the type of every id: what the project says, else what all files hold.

    An id that no file holds is bigint; in JSON, where a later row may have it, text.
    """
    said = {one.domain: one.said for one in ids if one.said}
    texts = {one.domain for one in ids for _, found in one.found() if found.removesuffix(LIST) not in INTEGERS}
    seen = {one.domain for one in ids for _ in one.found()}
    texts |= {one.domain for one in ids if one.source.input.format == "ndjson" and one.domain not in seen}
    typed = dict(sources)
    for one in ids:
        sql_type = said.get(one.domain, "varchar" if one.domain in texts else "bigint")
        source = typed[one.source.input.name]
        columns = {**source.input.columns, one.column: sql_type + LIST if one.is_list else sql_type}
        names = source.input.ids if one.is_list else source.input.ids | {one.column}
        typed[source.input.name] = replace(source, input=replace(source.input, columns=columns, ids=names))
    return typed
