"""Spark SQL: a query of ours compiled for Spark and Sail, which speak it over Spark Connect.

Refuses what another engine reads in another way (portable.py). What differs at the edges only, the
compiled text mends: a series that ends before it starts, null arguments, a table's dot.
"""

import sqlglot
from sqlglot import exp

from recsys_duck.engines import Query, splice
from recsys_duck.engines.portable import refuse_unportable
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.stage import Place

# the number that DuckDB's macro gives: 52 bits of md5, and a half that keeps ln safe
UNIT_HASH = "(cast(conv(substr(md5(key), 1, 13), 16, 10) as bigint) + 0.5e0) / 4503599627370496e0"


def spark_name(table: str) -> str:
    """Name a table as a Spark session knows it: a temporary view has no dot in its name."""
    return table.replace(".", "__")


def spark_text(query: Query, reader: SqlText) -> str:
    """Compile a query to Spark SQL: its values as typed literals, its tables and files by `spark_name`.

    Raises:
        ProjectError: or several at once, one for each construct that is not portable.
    """
    refuse_unportable(query.text, reader, where=query.where)
    text = splice(query.text, query.places, lambda place: _place_text(place, query))
    tree = sqlglot.parse_one(text, dialect="duckdb")
    _mend_edges(tree)
    compiled = tree.sql(dialect="spark", comments=False)
    return f"select * from ({compiled}) where false" if query.no_rows else compiled


def _place_text(place: Place, query: Query) -> str:
    if place.kind == "parameter":
        return query.values[place.name].literal()
    name = spark_name(place.name)
    return name if place.alias else f"{name} as {place.name.split('.')[1]}"


def _mend_edges(tree: exp.Expr) -> None:
    """Rewrite, innermost first, what Spark takes but reads differently at the edges."""
    for node in reversed(list(tree.find_all(*MENDED))):
        if isinstance(node, exp.GenerateSeries):
            node.replace(_never_downwards(node))
        elif isinstance(node, exp.ArgMax | exp.ArgMin):
            _skip_nulls(node)
        elif isinstance(node, exp.TimeToUnix):
            node.replace(exp.cast(node.copy(), "double"))
        elif node.name.lower() == "unit_hash":
            node.replace(_unit_hash(node.expressions[0]))


def _unit_hash(key: exp.Expr) -> exp.Expr:
    number = sqlglot.parse_one(UNIT_HASH, dialect="spark")
    return exp.Paren(this=exp.replace_tree(number, lambda node: key if node.name == "key" else node))


def _never_downwards(series: exp.Expr) -> exp.Expr:
    """Make a list empty whose end lies before its start: Spark would count down."""
    start, end = series.args["start"], series.args["end"]
    alone = exp.GenerateSeries(start=start.copy(), end=start.copy())
    nothing = exp.ArrayFilter(
        this=alone, expression=exp.Lambda(this=exp.false(), expressions=[exp.to_identifier("place")])
    )
    return exp.case().when(exp.GTE(this=end.copy(), expression=start.copy()), series.copy()).else_(nothing)


def _skip_nulls(best: exp.Expr) -> None:
    """Leave out the rows whose value is null, as DuckDB does."""
    known = exp.Not(this=exp.Is(this=exp.Paren(this=best.this.copy()), expression=exp.Null()))
    if isinstance(best.parent, exp.Filter):
        condition = best.parent.expression
        condition.set("this", exp.and_(condition.this, known))
    else:
        best.replace(exp.Filter(this=best.copy(), expression=exp.Where(this=known)))


MENDED = (exp.Anonymous, exp.GenerateSeries, exp.ArgMax, exp.ArgMin, exp.TimeToUnix)
