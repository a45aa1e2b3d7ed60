"""Sail gives what DuckDB gives: every stage case, and what the compiled text takes care of."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cases import CASES, Case, all_cases, as_read, case_query, filled_text, found_texts, wanted_rows

from recsys_duck.engines import Query
from recsys_duck.engines.duckdb import DuckdbEngine
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProjectError
from recsys_duck.header import FIELDS, split_header
from recsys_duck.parameters import Value

for library in ("sqlglot", "pyspark", "pysail"):
    pytest.importorskip(library, reason=f"the Sail lane needs {library}: pip install -e '.[test]'")

from pyspark.sql import SparkSession  # noqa: E402 - not there where the lane is skipped
from sail import Answer, running_sail  # noqa: E402

from recsys_duck.engines.spark import spark_name, spark_text  # noqa: E402


@pytest.fixture(scope="session")
def sail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    with running_sail(tmp_path_factory.mktemp("sail") / "server.log") as session:
        yield session


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckdbEngine]:
    with DuckdbEngine(memory_bytes=500_000_000, threads=2, temporary=tmp_path_factory.mktemp("spill")) as engine:
        yield engine


@pytest.fixture(scope="module")
def reader() -> Iterator[SqlText]:
    with SqlText() as reader:
        yield reader


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: f"{case.path.relative_to(CASES)}:{case.number}")
def test_a_stage_gives_the_rows_of_its_case_on_sail(
    case: Case, sail: SparkSession, engine: DuckdbEngine, reader: SqlText, tmp_path: Path
) -> None:
    query = case_query(case, reader)
    exempt = dict(split_header(query.text, query.where, FIELDS)[1]).get("engine")
    if exempt:
        pytest.skip(f"engine: {exempt}")
    text = spark_text(query, reader)
    for name, table in case.given.items():
        path = tmp_path / f"{name}.parquet"
        engine.write(Query(as_read(table) if name.startswith("files.") else table.select()), path)
        sail.read.parquet(str(path)).createOrReplaceTempView(spark_name(name))
    answer = Answer(sail.sql(text).toArrow(), found_texts(case))
    missing, surplus = answer.differences(wanted_rows(case, engine))
    assert not [*missing, *surplus], f"{case.why}\nmissing: {missing}\nsurplus: {surplus}\n{text}"
    assert answer.types == dict(engine.columns(Query(filled_text(case, query, engine))))


# each of these Spark would answer otherwise, or not at all, were it not spelled or compiled so
EQUAL = {
    "a uniform number": "select unit_hash(concat('a|', x)) as u from (values ('a'), ('é'), (null)) as t(x)",
    "a uniform number of one": "select unit_hash(unit_hash(x)::varchar) as u from (values ('a')) as t(x)",
    "an empty series": (
        "select u.n, t.x from (values (0), (-3), (2)) as u(n) cross join unnest(generate_series(1, u.n)) as t(x)"
    ),
    "the best of rows with nulls": (
        "select arg_max(x, y) as a, arg_max(x, y) filter (where y < 6 or y is null) as b, arg_min(x, y) as c "
        "from (values (null, 5), (1, 2), (3, 0)) as t(x, y)"
    ),
    "seconds": ("select epoch(date_trunc('second', x)) as a from (values (timestamp '2020-01-01 00:00:01.7')) as t(x)"),
    "an ordered list": (
        "select list_transform(list_sort(list({'o': y, 'v': x})), lambda s: s.v) as a "
        "from (values ('a', 2), (null, 1), ('c', 3)) as t(x, y)"
    ),
    "left join unnest": (
        "select u.id, t.x from (values (1, [7, 8]), (2, cast([] as integer[])), (3, null)) as u(id, a) "
        "cross join unnest(case when array_length(u.a) > 0 then u.a else [null] end) as t(x)"
    ),
    "an unnest after a join": (
        "select u.id, t.x, w.z from (values (1, [7, 8]), (2, cast([] as integer[]))) as u(id, a) "
        "left join (values (8, 'b')) as v(x, y) on u.id = v.x cross join unnest(u.a) as t(x) "
        "cross join unnest([0, t.x]) as w(z)"
    ),
    "days between": "select cast(cast(b as date) - cast(a as date) as bigint) as n from (values "
    "(timestamp '2020-01-01 23:59:59', timestamp '2020-01-02 00:00:00')) as t(a, b)",
    "a day's place in its week": "select cast(cast(x as date) - cast(date_trunc('week', x) as date) as bigint) as n "
    "from (values (timestamp '2024-01-07 13:00:00'), (timestamp '2024-01-08 00:00:00')) as t(x)",
    "times so many minutes": (
        "select timestamp '2020-02-28 23:30:00' + interval 1 minute * n - interval 1 day * n + interval 1 microsecond "
        "as a from (values (31), (-31)) as t(n)"
    ),
    "a quotient": "select cast(floor(x / y) as bigint) as a, cast(round(x / y) as bigint) as b, x // y as c, "
    "x % y as d from (values (7, 2), (-7, 2), (5, 3)) as t(x, y)",
    # no fraction that ends in a 5 and lies just below it: Spark rounds what it prints, DuckDB 2.0.1 what it holds
    "rounded": "select round(x, 6) as a, round(x, 12) as b, round(x) as c from "
    "(values (2.5e0), (-2.5e0), (0.1234567890126e0), (1.0000005e0)) as t(x)",
    "powers": "select pow(x, 2.5e0) as a, exp(-x) as b, ln(x) / ln(2) as c, sqrt(x) as d from "
    "(values (0.3e0), (2e0), (1e-9)) as t(x)",
    "means": "select avg(cast(x as double)) as a, median(x) as b from "
    "(values (cast(1 as decimal(18, 6))), (2), (2)) as t(x)",
    "frames": "select x, lag(x) over (order by x) as a, count(*) over (order by x rows between unbounded preceding and "
    "1 preceding) as b, cast(sum(x) over (order by x) as bigint) as c from (values (1), (2), (2), (null)) as t(x)",
    "the least of nulls": "select least(x, 5) as a, greatest(x, 5) as b from (values (1), (null), (9)) as t(x)",
    "or of booleans": (
        "select bool_or(x > 1) as a, bool_and(x > 1) as b, count(distinct x) as c "
        "from (values (1), (2), (null)) as t(x)"
    ),
    "a 4-byte fraction": "select cast(x as float) as a from (values (0.1e0), (16777217e0)) as t(x)",
    "texts": r"select '\d''ä' as a, concat('a', null, 'b') as b, regexp_replace('aba', 'a', 'c', 'g') as c",
}


@pytest.mark.parametrize("what", EQUAL)
def test_the_compiled_text_keeps_duckdbs_answer(
    what: str, sail: SparkSession, engine: DuckdbEngine, reader: SqlText
) -> None:
    answer = Answer(sail.sql(spark_text(Query(EQUAL[what]), reader)).toArrow())
    shown = ", ".join(f"cast({name} as varchar)" for name in answer.types)
    wanted = engine.fetch(Query(f"select {shown} from ({EQUAL[what]})"))
    assert answer.differences(wanted) == ([], [])


def test_the_comparison_sees_a_row_too_many_and_a_fraction_that_is_off(sail: SparkSession) -> None:
    answer = Answer(sail.sql("select 1e0 + 1e-11 as a, 'x' as b union all select 2e0 as a, 'x' as b").toArrow())
    assert answer.differences([("1.0", "x"), ("2.0", "x")]) == ([("1.0", "x")], [("1.00000000001", "x")])
    assert answer.differences([("1.000000000010001", "x")]) == ([], [("2.0", "x")])
    assert answer.differences([("1.00000000001", "y"), ("2.0", "x")])[0] == [("1.00000000001", "y")]


def test_values_tables_and_files_stand_in_the_compiled_text(reader: SqlText) -> None:
    text = "select plays.x, e.y from files.plays inner join core.events as e on plays.x = e.x where e.y < $share"
    query = Query(text, reader.facts(text, where="").places, {"share": Value("double", 0.2)})
    assert spark_text(query, reader) == (
        "SELECT plays.x, e.y FROM files__plays AS plays INNER JOIN core__events AS e ON plays.x = e.x "
        "WHERE e.y < CAST('0.2' AS DOUBLE)"
    )
    assert spark_text(replace(query, no_rows=True), reader).endswith("WHERE e.y < CAST('0.2' AS DOUBLE)) where false")


def test_what_is_not_portable_is_not_compiled(reader: SqlText) -> None:
    with pytest.raises(ProjectError, match="len"):
        spark_text(Query("select len(t.a) as n from core.t", where="sql/core/t.sql"), reader)
