"""Portable SQL: what a stage says that Spark and Sail refuse, or read in another way without a word.

Reads the tree of DuckDB's own parser. A build with DuckDB refuses nothing of this: the command
`portable`, the compile step to Spark and our own tests do. Types are not in a tree: a rule that hangs
on one speaks where the expression shows it, and keeps silent where it does not.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from recsys_duck.engines import spellings
from recsys_duck.engines.spellings import Spelling
from recsys_duck.engines.sqltext import SqlText, read_tokens
from recsys_duck.engines.tree import (
    WHOLE_TYPES,
    Spot,
    arguments,
    cast_type,
    column,
    literal,
    number_kind,
    own_spots,
    passes,
    selects,
    spots,
)
from recsys_duck.errors import ProjectError, raise_problems
from recsys_duck.stage import SqlStage


@dataclass(frozen=True, slots=True)
class Unportable:
    """A construct of a text, by line, with what another engine does and what to write instead."""

    line: int
    construct: str
    there: str
    instead: str

    def problem(self, where: str) -> ProjectError:
        """Say it as an error of the file at `where`."""
        return ProjectError(
            f"not portable: {self.construct}, {self.there}",
            where=f"{where}:{self.line}",
            fix=f"write {self.instead}",
        )


Found: TypeAlias = "Iterator[Spelling | tuple[int, Spelling]]"


def unportable(text: str, reader: SqlText, *, where: str) -> list[Unportable]:
    """List what is not portable in the text of one SELECT, in the order of the text.

    Raises:
        ProjectError: it is no SELECT.
    """
    data = text.encode()
    tree = reader.select_node(text, where)
    found = {*_by_words(data)}
    for spot in spots(tree):
        for rule in RULES:
            for one in rule(spot, data):
                found.add(one if isinstance(one, tuple) else (spot.at, one))
    found |= {(int(item["query_location"]), spellings.ROW_NUMBER) for item in _bare_ranks(tree)}
    return [
        Unportable(data[:at].count(b"\n") + 1, one.construct, one.there, one.instead)
        for at, one in sorted(found, key=lambda pair: (pair[0], pair[1].construct))
    ]


def refuse_unportable(text: str, reader: SqlText, *, where: str) -> None:
    """Let a text pass that another engine reads as DuckDB does.

    Raises:
        ProjectError: or several at once, one for each construct.
    """
    raise_problems([one.problem(where) for one in unportable(text, reader, where=where)])


def unportable_stages(stages: Iterable[SqlStage], reader: SqlText) -> list[tuple[SqlStage, Unportable]]:
    """List what is not portable in stages; one that says `engine: duckdb, why` may be as it likes."""
    return [
        (stage, one)
        for stage in stages
        if not stage.engine
        for one in unportable(stage.text, reader, where=stage.place)
    ]


def _by_words(data: bytes) -> Iterator[tuple[int, Spelling]]:
    """Find what has words but no place in the tree."""
    words = [(start, word.lower()) for start, word, is_comment in read_tokens(data) if not is_comment]
    for at, (start, _) in enumerate(words):
        for written, spelling in spellings.WORDS.items():
            if tuple(word for _, word in words[at : at + len(written)]) == written:
                yield start, spelling


def _by_name(spot: Spot, _: bytes) -> Found:
    if spot.name in spellings.FUNCTIONS:
        yield spellings.FUNCTIONS[spot.name]
    if spot.name == "date_part" and literal(arguments(spot.node)[0], "STRING").lower() in spellings.WEEKDAY_PARTS:
        yield spellings.WEEKDAY


def _aggregates(spot: Spot, _: bytes) -> Found:
    given = arguments(spot.node)
    if spot.name in spellings.LIST_FUNCTIONS:
        is_ordered = (spot.node.get("order_bys") or {}).get("orders") or spot.node.get("arg_orders")
        is_struct = given and given[0].get("function_name") in ("struct_pack", "row")
        if is_ordered:
            yield spellings.ORDERED_LIST
        elif not is_struct and not spot.node.get("filter") and not spot.node.get("filter_expr"):
            yield spellings.BARE_LIST
    elif spot.name in spellings.BEST_FUNCTIONS and len(given) > 2:
        yield spellings.BEST_OF_MANY
    elif spot.name in ("max", "min") and len(given) > 1:
        yield spellings.LARGEST
    elif spot.name in ("avg", "mean") and number_kind(given[0]) != "fraction":
        yield spellings.AVERAGE
    elif spot.name == "sum" and _is_selected(spot) and all(passes(one.node) for one in _expression(spot)):
        yield spellings.WIDE_SUM


def _expression(spot: Spot) -> Iterator[Spot]:
    """Walk what is above a node within its own expression."""
    for one in spot.over():
        if one.type.endswith("_NODE"):
            break
        yield one


def _is_selected(spot: Spot) -> bool:
    """Tell whether a node stands among the columns of its SELECT."""
    *_, top = (spot, *_expression(spot))
    select = next((one for one in spot.over() if one.type == "SELECT_NODE"), None)
    return select is not None and any(item is top.node for item in select.node["select_list"])


def _lists(spot: Spot, _: bytes) -> Found:
    if spot.type == "ARRAY_SLICE":
        yield spellings.SLICE
    elif spot.type == "ARRAY_EXTRACT" and not literal(arguments(spot.node)[1], "STRING"):
        place = literal(arguments(spot.node)[1], "INTEGER")
        if not place:
            yield spellings.COMPUTED_PLACE
        elif place.startswith("-"):
            yield spellings.PLACE_FROM_END
        elif not any(one.type == "CASE_EXPR" for one in spot.over()):
            yield spellings.UNGUARDED_PLACE
    elif spot.type == "STRUCT_EXTRACT" and arguments(spot.node)[0].get("function_name") == "unnest":
        yield spellings.UNNESTED_FIELD
    elif spot.type == "SUBQUERY" and spot.node.get("subquery_type") == "ANY":
        inner = spot.node["subquery"]["node"]
        if any(item.get("function_name") == "unnest" for item in inner.get("select_list", [])):
            yield spellings.ANY_OF_LIST


def _series(spot: Spot, _: bytes) -> Found:
    if spot.above is None or spot.above.type == "TABLE_FUNCTION":
        return
    if spot.name == "range":
        yield spellings.RANGE
    if spot.name == "generate_series" and len(arguments(spot.node)) > 2:
        step = literal(arguments(spot.node)[2], "INTEGER")
        if not step or step.startswith("-"):
            yield spellings.DOWNWARDS


def _numbers(spot: Spot, _: bytes) -> Found:
    text = literal(spot.node, "NUMERIC")
    is_cast = spot.above is not None and bool(cast_type(spot.above.node))
    if "." in text and "e" not in text.lower() and not is_cast:
        yield Spelling(spellings.POINT.construct.format(text), spellings.POINT.there, f"{text}e0")
    if spot.is_located and cast_type(spot.node) in WHOLE_TYPES and number_kind(spot.node["child"]):
        yield spellings.WHOLE_CAST
    if spot.name in ("/", "//", "%", "mod"):
        left, right = (arguments(spot.node) * 2)[:2]
        zero = literal(right, "INTEGER", "NUMERIC")
        if zero and float(zero) == 0:
            yield spellings.BY_ZERO
        kinds = {number_kind(left), number_kind(right)}
        if spot.name == "/" and "decimal" in kinds and "fraction" not in kinds:
            yield spellings.DECIMAL_DIVISION


def _times(spot: Spot, data: bytes) -> Found:
    if spot.name in spellings.INTERVAL_FUNCTIONS:
        is_written = data[spot.at :].lstrip().lower().startswith(b"interval")
        length = next((one for one in own_spots(arguments(spot.node)) if one.is_located), None)
        if not is_written or length is None or length.type != "VALUE_CONSTANT":
            yield spellings.INTERVAL
    elif spot.name == "epoch" or (
        spot.name == "date_part" and literal(arguments(spot.node)[0], "STRING").lower() == "epoch"
    ):
        cut = arguments(spot.node)[-1]
        if cut.get("function_name") != "date_trunc" or spot.name != "epoch":
            yield spellings.EPOCH


def _texts(spot: Spot, _: bytes) -> Found:
    given = arguments(spot.node)
    if spot.name == "regexp_replace" and (len(given) < 4 or "g" not in literal(given[3], "STRING")):
        yield spellings.REPLACE_FIRST
    if spot.name in ("concat", "concat_ws"):
        yield from (
            (int(one["query_location"]), spellings.CONCAT)
            for one in given
            if one.get("type") == "VALUE_PARAMETER"
            or literal(one, "INTEGER", "NUMERIC")
            or cast_type(one) in WHOLE_TYPES | {"DOUBLE", "FLOAT", "DECIMAL", "DATE", "TIMESTAMP"}
            or one.get("function_name") in ("+", "-", "*", "/", "//", "%", "sum", "count", "count_star", "length")
        )


def _tables(spot: Spot, _: bytes) -> Found:
    if spot.type == "PIVOT":
        yield spellings.PIVOT
    elif spot.type == "JOIN":
        if spot.node.get("ref_type") == "ASOF":
            yield spellings.ASOF
        if not _is_unnest(spot.node["right"]):
            left = own_spots(spot.node["left"])
            if any(one.type == "JOIN" and _is_unnest(one.node["right"]) for one in left):
                yield spellings.UNNEST_JOINED
        elif spot.node.get("join_type") in ("LEFT", "RIGHT", "FULL", "OUTER"):
            yield spellings.LEFT_UNNEST
    elif spot.type == "TABLE_FUNCTION":
        if spot.node.get("with_ordinality") == "WITH_ORDINALITY":
            yield spellings.ORDINALITY
        if spot.node["function"].get("function_name") in ("range", "generate_series"):
            yield spellings.SERIES_TABLE


def _is_unnest(table: dict[str, Any]) -> bool:
    return table.get("type") == "TABLE_FUNCTION" and table["function"].get("function_name") == "unnest"


def _columns(spot: Spot, _: bytes) -> Found:
    if spot.type == "STAR" and spot.is_located:
        changed = any(spot.node.get(key) for key in ("exclude_list", "replace_list", "rename_list", "columns"))
        select = next((one for one in spot.over() if one.type == "SELECT_NODE"), None)
        if changed or spot.node.get("qualified_exclude_list"):
            yield spellings.STAR_CHANGES
        elif select is not None and select.node.get("qualify"):
            yield spellings.STAR_QUALIFY
    if spot.type == "SELECT_NODE":
        yield from _using_columns(spot)
        yield from _lateral_aliases(spot)


def _using_columns(spot: Spot) -> Found:
    shared = {name for one in own_spots(spot.node["from_table"]) for name in one.node.get("using_columns") or []}
    for one in own_spots([value for key, value in spot.node.items() if key != "cte_map"]):
        name = column(one.node)
        if len(name) > 1 and name[-1] in shared:
            yield one.at, spellings.USING_COLUMN


def _lateral_aliases(spot: Spot) -> Found:
    known: set[str] = set()
    for item in [*spot.node["select_list"], spot.node.get("where_clause")]:
        bare = [one for one in own_spots(item) if len(column(one.node)) == 1]
        bound = {name for one in own_spots(item) if one.type == "LAMBDA" for name in column(one.node["lhs"])}
        for one in bare:
            if column(one.node)[0] in known - bound:
                yield one.at, spellings.LATERAL_ALIAS
        alias = (item or {}).get("alias")
        if alias and (alias,) not in {column(one.node) for one in bare}:
            known.add(str(alias))


def _bare_ranks(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Find the ranks that are columns of the result without a cast."""
    for select in selects(tree):
        for item in select.get("select_list", []):
            todo = [item]
            while todo:
                node = todo.pop()
                if node.get("type") in spellings.RANKS:
                    yield node
                elif node.get("function_name") in ("+", "-", "*"):
                    todo += arguments(node)


RULES: tuple[Callable[[Spot, bytes], Found], ...] = (
    _by_name,
    _aggregates,
    _lists,
    _series,
    _numbers,
    _times,
    _texts,
    _tables,
    _columns,
)
