"""Spellings: what Spark and Sail lack or read in another way, and what to write instead.

Each is measured on both: `there` is what the other engine does with it. Which node of a stage is one of
them, portable.py tells; where the function's name alone tells, it stands in FUNCTIONS.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spelling:
    """A construct of DuckDB's, what another engine does with it, and what to write instead."""

    construct: str
    there: str
    instead: str


UNKNOWN = "refused there"

# read in another way without a word
ORDERED_LIST = Spelling(
    "list(x order by y)",
    "the order is dropped there",
    "list_transform(list_sort(list({'o': y, 'v': x})), lambda s: s.v)",
)
BARE_LIST = Spelling(
    "list(x)",
    "nulls are dropped there",
    "list({'v': x}), or with nulls left out: list(x) filter (where x is not null)",
)
LEFT_UNNEST = Spelling(
    "left join unnest",
    "empty and null lists lose their row there",
    "cross join unnest(case when array_length(t) > 0 then t else [null] end)",
)
ORDINALITY = Spelling("with ordinality", "places count from 0 there", "a field of the data with the position")
QUANTILE = Spelling("a quantile", "approximate or interpolated there", "median(x), or a cume_dist() window")
STAR_QUALIFY = Spelling("select * … qualify", "a column too many there", "the columns by name")
BEST_OF_MANY = Spelling(
    "arg_max(x, y, n)", "n is dropped there", "row_number() over (order by y desc, id) <= $k in a CTE"
)
DATE_DIFF = Spelling(
    "date_diff", "elapsed time there, not boundaries", "cast(b as date) - cast(a as date): a number of days"
)
EPOCH = Spelling("epoch(x)", "whole seconds there", "epoch(date_trunc('second', x))")
WHOLE_CAST = Spelling(
    "a fraction cast to a whole number", "cut there, rounded here", "cast(floor(x) as bigint), or round for floor"
)
NATURAL_LOG = Spelling("log(x)", "natural there, or refused", "ln(x) / ln(10)")
WEEKDAY = Spelling(
    "a day's place in its week",
    "counts from another day there",
    "cast(x as date) - cast(date_trunc('week', x) as date): 0 is Monday",
)
HASH = Spelling("hash(x)", "another function there", "md5(x), or unit_hash(x) for a number between 0 and 1")
AVERAGE = Spelling("avg of what is not cast", "decimals keep few digits there", "avg(cast(x as double))")
DECIMAL_DIVISION = Spelling("a decimal in a division", "scale 6 there", "cast(x as double) / y")
POINT = Spelling("{0}", "a decimal there: division keeps few digits", "{0}e0")
REPLACE_FIRST = Spelling(
    "regexp_replace of the first match", "every match is replaced there", "regexp_replace(x, pattern, text, 'g')"
)
ANY_OF_LIST = Spelling("x = any(list)", "true of every row there", "list_contains(list, x)")

# refused there
LENGTH = Spelling("len(x)", UNKNOWN, "coalesce(array_length(x), 0), or length(x) for a text")
COMPUTED_PLACE = Spelling("a computed place in a list", UNKNOWN, "unnest, and a position field in the data")
PLACE_FROM_END = Spelling("a place from the end of a list", UNKNOWN, "list_sort in the other order, and place 1")
UNGUARDED_PLACE = Spelling(
    "a place in a list that may be empty", "an error there", "case when array_length(x) > 0 then x[1] end"
)
SLICE = Spelling("a slice of a list", UNKNOWN, "unnest, and a position field in the data")
BY_ZERO = Spelling("a division by zero", "an error there", "x / nullif(y, 0)")
STAR_CHANGES = Spelling("select * exclude, replace or rename, columns()", UNKNOWN, "the columns by name")
GROUP_BY_ALL = Spelling("group by all", UNKNOWN, "the keys by name")
ORDER_BY_ALL = Spelling("order by all", UNKNOWN, "the columns by name")
LATERAL_ALIAS = Spelling(
    "an alias read in its own select", UNKNOWN, "a CTE that names it; for a column of a table, table.column"
)
BY_NAME = Spelling("union by name", UNKNOWN, "union all with the columns in one order")
PIVOT = Spelling("pivot", UNKNOWN, "sum(x) filter (where …), a column each")
COMPREHENSION = Spelling("a list comprehension or list_apply", UNKNOWN, "list_transform(x, lambda y: …)")
ASOF = Spelling("asof join", UNKNOWN, "an inner join and row_number() over (… order by time desc)")
HISTOGRAM = Spelling("histogram(x)", UNKNOWN, "group by x and count(*)")
LARGEST = Spelling("max(x, n)", UNKNOWN, "row_number() over (order by x desc, id) <= $k in a CTE")
SUBSCRIPTS = Spelling("generate_subscripts", UNKNOWN, "a position field in the data")
EPOCH_PARTS = Spelling("epoch_ms and the like", "another function there", "epoch(date_trunc('second', x))")
INTERVAL = Spelling("an interval of a computed length", UNKNOWN, "interval 1 day * n")
MATERIALIZED = Spelling("materialized", UNKNOWN, "a plain CTE, or a table of its own")
HAS_ANY = Spelling("list_has_any, list_has_all", UNKNOWN, "unnest and a semi join")
SERIES_TABLE = Spelling("range() or generate_series() in from", UNKNOWN, "unnest(generate_series(1, n)) as t(i)")
RANGE = Spelling("range()", "its empty list has no type there", "generate_series(1, n - 1)")
DOWNWARDS = Spelling(
    "a series that may count down", "its end is guarded for counting up", "generate_series(1, n), and n - i of it"
)
UNNEST_JOINED = Spelling(
    "a join after an unnest", "the unnest comes last there", "unnest in a CTE of its own, then the join"
)
UNNESTED_FIELD = Spelling("unnest(x).field", UNKNOWN, "unnest in a CTE, then the field")
USING_COLUMN = Spelling("table.column of a join with using", UNKNOWN, "on left.key = right.key")
WIDE_SUM = Spelling("sum(x) as it comes", "bigint there, hugeint here", "cast(sum(x) as bigint)")
LOG2 = Spelling("log2(x)", "other last digits there", "ln(x) / ln(2)")
SPLIT = Spelling("string_split", UNKNOWN, "split_part(x, '|', n)")
RECURSIVE = Spelling("with recursive", "refused by Sail", "a bounded number of CTEs, or `engine: duckdb, why`")
ROW_NUMBER = Spelling("a rank as it comes", "integer there, bigint here", "cast(row_number() over (…) as bigint)")
CONCAT = Spelling("concat of what is no text", "types are not made equal there", "cast(x as varchar) in the concat")
FINITE = Spelling("isfinite(x)", UNKNOWN, "x between -1e300 and 1e300")
LIST_SUM = Spelling("list_sum and the like", UNKNOWN, "unnest, and sum(x) by group")
MAP = Spelling("map", UNKNOWN, "a struct, or a table of keys and values")

FUNCTIONS = {
    **dict.fromkeys(("quantile", "quantile_cont", "quantile_disc", "approx_quantile"), QUANTILE),
    **dict.fromkeys(("date_diff", "datediff", "date_sub", "datesub"), DATE_DIFF),
    **dict.fromkeys(("log", "log10"), NATURAL_LOG),
    **dict.fromkeys(("dayofweek", "weekday", "isodow", "dayname", "monthname"), WEEKDAY),
    "hash": HASH,
    "len": LENGTH,
    **dict.fromkeys(("list_extract", "list_element", "array_extract"), COMPUTED_PLACE),
    **dict.fromkeys(("list_slice", "array_slice"), SLICE),
    "list_apply": COMPREHENSION,
    "histogram": HISTOGRAM,
    "generate_subscripts": SUBSCRIPTS,
    **dict.fromkeys(("epoch_ms", "epoch_us", "epoch_ns"), EPOCH_PARTS),
    **dict.fromkeys(("list_has_any", "list_has_all", "array_has_any", "array_has_all"), HAS_ANY),
    "log2": LOG2,
    **dict.fromkeys(("string_split", "str_split", "string_to_array", "split"), SPLIT),
    "isfinite": FINITE,
    **dict.fromkeys(("list_sum", "list_avg", "list_min", "list_max", "list_count", "list_aggregate"), LIST_SUM),
    "map": MAP,
}
BEST_FUNCTIONS = {"arg_max", "arg_min", "argmax", "argmin", "max_by", "min_by"}
LIST_FUNCTIONS = {"list", "array_agg"}
INTERVAL_FUNCTIONS = {
    *("to_years", "to_months", "to_weeks", "to_days", "to_hours", "to_minutes", "to_seconds"),
    *("to_milliseconds", "to_microseconds"),
}
WEEKDAY_PARTS = {"dow", "dayofweek", "weekday", "isodow"}
RANKS = {"WINDOW_ROW_NUMBER", "WINDOW_RANK", "WINDOW_RANK_DENSE", "WINDOW_NTILE"}
# what the parser's tree does not place, told by its words
WORDS = {
    ("group", "by", "all"): GROUP_BY_ALL,
    ("order", "by", "all"): ORDER_BY_ALL,
    ("union", "by", "name"): BY_NAME,
    ("union", "all", "by", "name"): BY_NAME,
    ("materialized", "("): MATERIALIZED,
    ("with", "recursive"): RECURSIVE,
}
