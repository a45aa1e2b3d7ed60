"""The difference of two generations, table by table: rows added, gone, and changed under the same key.

A table whose stages have the same fingerprints in both is the same, and not read. The others are compared
in one DuckDB that has both catalogs attached, as `a` and `b`: by the key of their grain, or, where a table
has none, as counted whole rows. NULL equals NULL; nothing is rounded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recsys_duck.errors import ProjectError, near_miss
from recsys_duck.question import Reader
from recsys_duck.stage import LAYERS
from recsys_duck.warehouse import Generation, Warehouse

SAME = "same fingerprint"
STAGES = """
select table_name, max(grain), string_agg(concat(stage, ' ', fingerprint), ' ' order by stage),
    case when bool_or(made_as = 'view') then null else sum(n_rows) end
from {name}.meta.stages
group by table_name
"""
LEDGER = """
select split_part(stage, '/', 1), sum(n_rows) filter (where reason = 'kept'),
    sum(n_rows) filter (where reason not in ('in', 'kept'))
from {name}.meta.row_ledger
group by 1
"""
COLUMNS = """
select concat(schema_name, '.', table_name), column_name, data_type
from duckdb_columns()
where database_name = '{name}' and schema_name not in ('meta', 'main')
order by 1, column_index
"""


@dataclass(frozen=True, slots=True)
class Side:
    """What a generation says of its tables: columns with types, grain, stages with fingerprints, rows where known."""

    columns: Mapping[str, Mapping[str, str]]
    grains: Mapping[str, tuple[str, ...]]
    fingerprints: Mapping[str, str]
    n_rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one table differs; None is what was not counted. `note` says what the numbers do not."""

    table: str
    rows_a: int | None = None
    rows_b: int | None = None
    added: int | None = None
    gone: int | None = None
    changed: int | None = None
    note: str = ""

    @property
    def is_same(self) -> bool:
        """Tell whether the table is the same in both."""
        return self.note == SAME or not (self.added or self.gone or self.changed or self.note)


def find_generation(warehouse: Warehouse, text: str) -> Generation:
    """Find what `NAME` shows, or the generation `NAME@N`.

    Raises:
        ProjectError: there is none.
    """
    environment, _, number = text.partition("@")
    shown = warehouse.shown(environment)
    known = {str(one.number): one for one in warehouse.generations(environment)}
    if number and number not in known:
        raise ProjectError(
            f"{environment} has no generation {number}",
            where=str(warehouse.history),
            fix=f"there is {', '.join(known)}",
        )
    return warehouse.readable(known[number] if number else shown)


class Difference:
    """Compares the tables of generations `a` and `b`, which a reader has open; both may be the same one."""

    def __init__(self, reader: Reader, *, is_one: bool) -> None:
        self._reader = reader
        self._a = _side(reader, "a")
        self._b = self._a if is_one else _side(reader, "b")
        self.tables = tuple(sorted({*self._a.columns, *self._b.columns}, key=_place))

    def compare(self, table: str) -> Comparison:
        """Compare one table, without reading it where its stages have the same fingerprints.

        Raises:
            ProjectError: neither generation has it.
            ResourceError: memory or disk does not suffice.
        """
        if table not in self.tables:
            raise ProjectError(f"there is no table {table}", where="--table", fix=near_miss(table, self.tables))
        if table not in self._b.columns:
            return Comparison(table, rows_a=self._count(f"a.{table}"), note="only in A")
        if table not in self._a.columns:
            return Comparison(table, rows_b=self._count(f"b.{table}"), note="only in B")
        if self._is_known_same(table):
            return Comparison(table, self._a.n_rows.get(table), self._b.n_rows.get(table), note=SAME)
        pair = _pair(table, self._a, self._b)
        [counts] = self._reader.rows(pair.counts())[1]
        rows_a, rows_b, added, gone, *changed = (int(count or 0) for count in counts)
        return Comparison(table, rows_a, rows_b, added, gone, changed[0] if changed else None, pair.note)

    def rows(self, table: str, n: int) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """Give the first n rows of each sort, by key: added, changed (as they were, as they are), gone.

        Raises:
            ResourceError: memory or disk does not suffice.
        """
        if table not in self._a.columns or table not in self._b.columns or self._is_known_same(table):
            return ["row"], iter(())
        pair = _pair(table, self._a, self._b)
        names = ["row", *pair.names] if pair.n_keys else ["row", "n", *pair.names]
        return names, pair.told_rows(self._reader.rows(pair.first_rows(n))[1])

    def _is_known_same(self, table: str) -> bool:
        made = table if table in self._a.fingerprints else table.removesuffix("_rejected")
        known = self._a.fingerprints.get(made)
        return self._a is self._b or (known is not None and known == self._b.fingerprints.get(made))

    def _count(self, name: str) -> int:
        [[count]] = self._reader.rows(f"select count(*) from {name}")[1]
        return int(count)


@dataclass(frozen=True, slots=True)
class Pair:
    """A table of both generations as SQL: its common columns are c0, c1 … there, those of the key first."""

    names: tuple[str, ...]
    n_keys: int
    rows_a: str
    rows_b: str
    note: str

    def counts(self) -> str:
        """Write the SELECT of rows in A and B, added, gone and, under a key, changed."""
        if not self.n_keys:
            differences = "sum(greatest(n_b - n_a, 0)), sum(greatest(n_a - n_b, 0))"
            return f"select sum(n_a), sum(n_b), {differences} from ({self._counted()})"
        return (
            "select count(a_rows.is_there), count(b_rows.is_there), count(*) filter (where a_rows.is_there is null), "
            f"count(*) filter (where b_rows.is_there is null), count(*) filter (where {self._is_changed()}) "
            f"from {self._joined()}"
        )

    def first_rows(self, n: int) -> str:
        """Write the SELECT of the first n rows of each sort."""
        first = "qualify row_number() over (partition by sort order by {keys}) <= {n} order by sort, {keys}"
        if not self.n_keys:
            columns = ", ".join(["n", *self._columns()][bool(self.names) :])
            return (
                "select case when n_b > n_a then 'added' else 'gone' end as sort, abs(n_b - n_a) as n, "
                f"{', '.join(self._columns())} from ({self._counted()}) where n_a <> n_b "
                + first.format(keys=columns, n=n)
            )
        keys = [f"coalesce(a_rows.{column}, b_rows.{column})" for column in self._columns()[: self.n_keys]]
        values = [f"{side}.{column}" for side in ("a_rows", "b_rows") for column in self._columns()]
        return (
            "select case when a_rows.is_there is null then 'added' when b_rows.is_there is null then 'gone' "
            f"else 'changed' end as sort, {', '.join(values)} from {self._joined()} "
            f"where a_rows.is_there is null or b_rows.is_there is null or {self._is_changed()} "
            + first.format(keys=", ".join(keys), n=n)
        )

    def told_rows(self, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Tell a changed row twice, as it was and as it is, any other once."""
        width = len(self.names)
        for sort, *values in rows:
            if not self.n_keys:
                yield sort, *values
            elif sort == "changed":
                yield "changed from", *values[:width]
                yield "changed to", *values[width:]
            else:
                yield sort, *(values[width:] if sort == "added" else values[:width])

    def _columns(self) -> list[str]:
        return [f"c{at}" for at in range(len(self.names))]

    def _joined(self) -> str:
        keys = self._columns()[: self.n_keys]
        met = " and ".join(f"a_rows.{column} is not distinct from b_rows.{column}" for column in keys)
        return f"({self.rows_a}) as a_rows full outer join ({self.rows_b}) as b_rows on {met}"

    def _is_changed(self) -> str:
        values = self._columns()[self.n_keys :]
        differs = " or ".join(f"a_rows.{column} is distinct from b_rows.{column}" for column in values)
        return f"(a_rows.is_there and b_rows.is_there and ({differs or 'false'}))"

    def _counted(self) -> str:
        columns = "".join(f"{column}, " for column in self._columns())
        return (
            f"select {columns}count(*) filter (where is_a) as n_a, count(*) filter (where not is_a) as n_b from "
            f"(select *, true as is_a from ({self.rows_a}) union all select *, false as is_a from ({self.rows_b})) "
            "group by all"
        )


def _pair(table: str, a: Side, b: Side) -> Pair:
    columns_a, columns_b = a.columns[table], b.columns[table]
    common = [name for name in columns_a if name in columns_b]
    grain = a.grains.get(table, ())
    keys = grain if grain == b.grains.get(table) and set(grain) <= set(common) else ()
    names = (*keys, *(name for name in common if name not in keys))
    retyped = {name for name in common if columns_a[name] != columns_b[name]}
    notes = [f"{name} only in A" for name in columns_a if name not in columns_b]
    notes += [f"{name} only in B" for name in columns_b if name not in columns_a]
    notes += [f"{name} is {columns_a[name]} in A, {columns_b[name]} in B" for name in common if name in retyped]

    def rows(side: str) -> str:
        shown = ['"' + name.replace('"', '""') + '"' for name in names]
        read = [f"cast({one} as varchar)" if name in retyped else one for name, one in zip(names, shown, strict=True)]
        columns = [f"{one} as c{at}" for at, one in enumerate(read)]
        return f"select {', '.join([*columns, 'true as is_there'])} from {side}.{table}"

    return Pair(names, len(keys), rows("a"), rows("b"), "; ".join(notes))


def _side(reader: Reader, name: str) -> Side:
    columns: dict[str, dict[str, str]] = {}
    for table, column, data_type in reader.rows(COLUMNS.format(name=name))[1]:
        columns.setdefault(table, {})[column] = data_type
    has_stages = f"select 1 from duckdb_tables() where database_name = '{name}' and table_name = 'stages'"
    if not list(reader.rows(has_stages)[1]):
        return Side(columns, {}, {}, {})  # a sweep's
    grains, fingerprints, n_rows = {}, {}, {}
    for table, grain, made_by, count in reader.rows(STAGES.format(name=name))[1]:
        grains[table] = tuple(grain.split(", ")) if grain else ()
        fingerprints[table] = made_by
        if count is not None:
            n_rows[table] = int(count)
    for table, kept, rejected in reader.rows(LEDGER.format(name=name))[1]:
        n_rows |= {table: int(kept or 0), f"{table}_rejected": int(rejected or 0)}
    return Side(columns, grains, fingerprints, n_rows)


def _place(table: str) -> tuple[int, str]:
    """Order tables as a build does, layer by layer."""
    layer = table.partition(".")[0]
    return (LAYERS.index(layer) if layer in LAYERS else len(LAYERS)), table
