"""The tree of a SELECT as DuckDB's parser gives it: where each node stands and what it can be told by.

Owns the shape of `json_serialize_sql` as far as portable.py reads it. Types are not in the tree: what
kind of number an expression is, is told by what stands in it, and None where that does not tell.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# what the parser writes for "nowhere in the text"
NOWHERE = 2**64 - 1
# as the parser writes a type's name: its own keywords by one name, the others as they are written
WHOLE_TYPES = {
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
    *("INT1", "INT2", "INT4", "INT8", "INT16", "INT32", "INT64", "SHORT", "SIGNED", "LONG", "UHUGEINT"),
}
FRACTION_TYPES = {"DOUBLE", "FLOAT", "FLOAT4", "FLOAT8"}
FRACTION_FUNCTIONS = {
    *("/", "sqrt", "cbrt", "exp", "ln", "log", "log2", "log10", "pow", "power", "**", "^", "unit_hash"),
    *("avg", "mean", "median", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp", "corr"),
}
ROUNDING_FUNCTIONS = {"floor", "ceil", "ceiling", "trunc"}
# what gives a number of the kind of its arguments
PASSING_FUNCTIONS = {
    *("+", "-", "*", "%", "mod", "abs", "sum", "min", "max", "least", "greatest", "coalesce", "nullif", "ifnull"),
    *("lag", "lead", "first_value", "last_value", "any_value", "arg_max", "arg_min"),
}


@dataclass(frozen=True, slots=True)
class Spot:
    """A node of the tree, the one above it, and its place in the text: a byte."""

    node: dict[str, Any]
    above: "Spot | None"
    at: int

    @property
    def type(self) -> str:
        """What the parser calls it."""
        return str(self.node["type"])

    @property
    def name(self) -> str:
        """The function it calls, lower case; empty where it calls none."""
        return str(self.node.get("function_name", "")).lower()

    @property
    def is_located(self) -> bool:
        """Tell whether it stands in the text itself: DuckDB adds nodes of its own."""
        return 0 <= int(self.node.get("query_location", NOWHERE)) < NOWHERE

    def over(self) -> Iterator["Spot"]:
        """Walk the nodes above it, the nearest first."""
        spot = self.above
        while spot is not None:
            yield spot
            spot = spot.above


def spots(node: Any, above: Spot | None = None) -> Iterator[Spot]:
    """Walk a tree from the top; a node that stands nowhere takes the place of the one above it."""
    if isinstance(node, list):
        for value in node:
            yield from spots(value, above)
    elif isinstance(node, dict):
        if isinstance(node.get("type"), str):
            at = int(node.get("query_location", NOWHERE))
            above = Spot(node, above, at if at < NOWHERE else above.at if above else 0)
            yield above
        for value in node.values():
            yield from spots(value, above)


def own_spots(node: Any) -> Iterator[Spot]:
    """Walk a tree, but not the SELECTs inside of it."""
    for spot in spots(node):
        if not any(one.type.endswith("_NODE") for one in (spot, *spot.over())):
            yield spot


def selects(node: dict[str, Any]) -> list[dict[str, Any]]:
    """List the SELECTs whose rows a query gives: one, or those of a UNION."""
    if node.get("type") != "SET_OPERATION_NODE":
        return [node]
    inner = node.get("children") or [node["left"], node["right"]]
    return [one for child in inner for one in selects(child)]


def arguments(node: dict[str, Any]) -> list[dict[str, Any]]:
    """List what a function, an operator or a list of children is given."""
    given = node.get("arguments", node.get("children", []))
    return [one.get("expression", one) for one in given]


def cast_type(node: dict[str, Any]) -> str:
    """Name the type that a node casts to, upper case; empty where it is no cast."""
    return str(node["type_expr"].get("type_name", "")).upper() if node.get("type") == "OPERATOR_CAST" else ""


def literal(node: dict[str, Any], *kinds: str) -> str:
    """Give the text of a constant of some kind; empty where it is none."""
    written = node.get("literal", {}) if node.get("type") == "VALUE_CONSTANT" else {}
    return str(written.get("text", "")) if written.get("kind") in kinds else ""


def column(node: dict[str, Any]) -> tuple[str, ...]:
    """Give the parts of a column's name; empty where a node is no column."""
    return tuple(node["column_names"]) if node.get("type") == "COLUMN_REF" else ()


def number_kind(node: dict[str, Any]) -> str | None:
    """Tell "fraction" or "decimal" where the expression shows it; None for whole numbers and where it does not."""
    if node.get("type") == "OPERATOR_CAST":
        kind = cast_type(node)
        return "fraction" if kind in FRACTION_TYPES else "decimal" if kind == "DECIMAL" else None
    if node.get("type") == "CASE_EXPR":
        return _widest([*(check["then_expr"] for check in node["case_checks"]), node["else_expr"]])
    if literal(node, "NUMERIC"):
        return "fraction"
    name = str(node.get("function_name", "")).lower()
    if name in FRACTION_FUNCTIONS or (name == "round" and len(arguments(node)) > 1):
        return "fraction"
    return _widest(arguments(node)) if passes(node) else None


def passes(node: dict[str, Any]) -> bool:
    """Tell whether a node's value is of the kind of its arguments or branches."""
    name = str(node.get("function_name", "")).lower()
    return name in PASSING_FUNCTIONS or node.get("type") in ("OPERATOR_COALESCE", "CASE_EXPR")


def _widest(nodes: list[dict[str, Any]]) -> str | None:
    kinds = {number_kind(node) for node in nodes}
    return "fraction" if "fraction" in kinds else "decimal" if "decimal" in kinds else None
