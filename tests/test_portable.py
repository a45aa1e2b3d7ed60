"""What another engine refuses, or reads in another way, is told by line, with what to write instead."""

import json
import re
from pathlib import Path

import pytest
from building import lay_out, rows, run
from click.testing import CliRunner, Result

from recsys_duck.cli import cli
from recsys_duck.engines.portable import refuse_unportable, unportable
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProblemsError, ProjectError
from recsys_duck.header import FIELDS, split_header
from recsys_duck.kind import SQL_FOLDER

STAGES = sorted(path for path in SQL_FOLDER.rglob("*.sql") if not set(path.parts) & {"macros", "exports", "generate"})

# a text with the construct on its second line, what its fix names, and the same question asked portably
READ_OTHERWISE = {
    "an ordered list": (
        "select\n list(t.x order by t.y) as a from s.t",
        "list_transform(list_sort(list({'o': y, 'v': x})), lambda s: s.v)",
        "select list_transform(list_sort(list({'o': t.y, 'v': t.x})), lambda s: s.v) as a from s.t",
    ),
    "a list that may hold nulls": (
        "select\n list(t.x) as a from s.t",
        "filter (where x is not null)",
        "select list(t.x) filter (where t.x is not null) as a from s.t",
    ),
    "left join unnest": (
        "select u.x from s.t\n left join unnest(t.a) as u(x) on true",
        "case when array_length(t) > 0 then t else [null] end",
        "select u.x from s.t cross join unnest(case when array_length(t.a) > 0 then t.a else [null] end) as u(x)",
    ),
    "with ordinality": (
        "select u.x, u.i from s.t\n cross join unnest(t.a) with ordinality as u(x, i)",
        "a field of the data",
        "select u.x.v, u.x.position from s.t cross join unnest(t.a) as u(x)",
    ),
    "percentile_cont": (
        "select\n percentile_cont(0.5e0) within group (order by t.x) as a from s.t",
        "median(x)",
        "select median(t.x) as a from s.t",
    ),
    "quantile": (
        "select\n quantile(t.x, 0.9e0) as a from s.t",
        "cume_dist()",
        "select cume_dist() over (order by t.x) as a from s.t",
    ),
    "a star with qualify": (
        "select\n * from s.t qualify row_number() over (order by t.x) = 1",
        "the columns by name",
        "select t.x from s.t qualify row_number() over (order by t.x) = 1",
    ),
    "the n best of arg_max": (
        "select\n arg_max(t.x, t.y, 3) as a from s.t",
        "row_number()",
        "select arg_max(t.x, t.y) as a from s.t",
    ),
    "date_diff": (
        "select\n date_diff('day', t.a, t.b) as n from s.t",
        "cast(b as date) - cast(a as date)",
        "select cast(t.b as date) - cast(t.a as date) as n from s.t",
    ),
    "epoch of a time with parts of a second": (
        "select\n epoch(t.b) - epoch(date_trunc('second', t.a)) as n from s.t",
        "epoch(date_trunc('second', x))",
        "select epoch(date_trunc('second', t.b)) - epoch(date_trunc('second', t.a)) as n from s.t",
    ),
    "extract epoch": (
        "select\n extract(epoch from t.b) as n from s.t",
        "epoch(date_trunc('second', x))",
        "select epoch(date_trunc('second', t.b)) as n from s.t",
    ),
    "a quotient cast to a whole number": (
        "select\n cast(t.x / t.y as bigint) as n from s.t",
        "cast(floor(x) as bigint)",
        "select cast(floor(t.x / t.y) as bigint) as n, cast(t.x // t.y as integer) as m from s.t",
    ),
    "a root in a sum cast with two colons": (
        "select\n (2 + sqrt(t.x))::int as n from s.t",
        "cast(floor(x) as bigint)",
        "select round(2 + sqrt(t.x))::int as n from s.t",
    ),
    "a branch of a case cast to a whole number": (
        "select\n try_cast(case when t.x > 0 then 1e3 else t.x end as integer) as n from s.t",
        "cast(floor(x) as bigint)",
        "select try_cast(case when t.x > 1e3 then t.x else 0 end as integer) as n from s.t",
    ),
    "log": (
        "select\n log(t.x) as a from s.t",
        "ln(x)",
        "select ln(t.x) / ln(10) as a from s.t",
    ),
    "dayofweek": (
        "select\n dayofweek(t.x) as a from s.t",
        "date_trunc('week', x)",
        "select cast(t.x as date) - cast(date_trunc('week', t.x) as date) as a from s.t",
    ),
    "extract dow": (
        "select\n extract(dow from t.x) as a from s.t",
        "date_trunc('week', x)",
        "select extract(hour from t.x) as a from s.t",
    ),
    "hash": (
        "select\n hash(t.x) as a from s.t",
        "md5(x)",
        "select md5(t.x) as a, unit_hash(t.x) as b from s.t",
    ),
    "avg of a column": (
        "select\n avg(t.x) as a from s.t",
        "avg(cast(x as double))",
        "select avg(cast(t.x as double)) as a, avg(t.x / t.y) as b from s.t",
    ),
    "a decimal divided": (
        "select\n cast(t.x as decimal(18, 6)) / t.y as a from s.t",
        "cast(x as double)",
        "select cast(t.x as double) / t.y as a, cast(t.x as decimal(18, 6)) / 2e0 as b from s.t",
    ),
    "a literal with a point": (
        "select\n t.x / 86400.0 as a from s.t",
        "86400.0e0",
        "select t.x / 86400e0 as a, cast(0.5 as decimal(18, 6)) as b from s.t",
    ),
    "regexp_replace of the first match": (
        "select\n regexp_replace(t.x, 'a', 'b') as a from s.t",
        "'g'",
        "select regexp_replace(t.x, 'a', 'b', 'g') as a from s.t",
    ),
    "any of a list": (
        "select t.x from s.t where\n t.x = any([1, 2])",
        "list_contains(list, x)",
        "select t.x from s.t where list_contains([1, 2], t.x) and t.x in (select u.x from s.u)",
    ),
}
REFUSED_THERE = {
    "len": (
        "select\n len(t.a) as n from s.t",
        "coalesce(array_length(x), 0)",
        "select coalesce(array_length(t.a), 0) as n, length(t.x) as m from s.t",
    ),
    "the first element of a list that may be empty": (
        "select\n t.a[1] as x from s.t",
        "case when array_length(x) > 0",
        "select case when array_length(t.a) > 0 then t.a[1] end as x from s.t",
    ),
    "an element from the end": (
        "select case when array_length(t.a) > 0 then\n t.a[-1] end as x from s.t",
        "in the other order",
        "select case when array_length(t.a) > 0 then list_sort(t.a, 'desc')[1] end as x from s.t",
    ),
    "an element at a computed place": (
        "select case when array_length(t.a) > 0 then\n t.a[t.i] end as x from s.t",
        "a position field",
        "select u.x.v as x from s.t cross join unnest(t.a) as u(x) where u.x.position = t.i",
    ),
    "an element at a parameter's place": (
        "select case when array_length(t.a) > 0 then\n t.a[$k] end as x from s.t",
        "a position field",
        "select u.x.v as x from s.t cross join unnest(t.a) as u(x) where u.x.position = $k",
    ),
    "list_extract": (
        "select\n list_extract(t.a, 1) as x from s.t",
        "a position field",
        "select t.a.x as x from s.t",
    ),
    "a slice": (
        "select\n t.a[1:2] as x from s.t",
        "a position field",
        "select u.x.v as x from s.t cross join unnest(t.a) as u(x) where u.x.position <= 2",
    ),
    "a division by zero": (
        "select t.x,\n t.x / 0 as a from s.t",
        "nullif(y, 0)",
        "select t.x / nullif(t.y, 0) as a from s.t",
    ),
    "exclude": ("select\n * exclude (x) from s.t", "the columns by name", "select t.y from s.t"),
    "replace": ("select\n * replace (1 as x) from s.t", "the columns by name", "select 1 as x, t.y from s.t"),
    "rename": ("select\n * rename (x as z) from s.t", "the columns by name", "select t.x as z, t.y from s.t"),
    "columns": ("select\n columns('x.*') from s.t", "the columns by name", "select t.x1, t.x2 from s.t"),
    "group by all": (
        "select t.x, count(*) as n from s.t\n group by all",
        "the keys by name",
        "select t.x, count(*) as n from s.t group by t.x",
    ),
    "order by all": (
        "select t.x from s.t\n order by all",
        "the columns by name",
        "select t.x from s.t order by t.x",
    ),
    "an alias of the same select": (
        "select t.x + 1 as y,\n y * 2 as z from s.t",
        "a CTE that names it",
        "with named as (select t.x + 1 as y from s.t) "
        "select named.y as y, named.y * 2 as z, list_transform([1], lambda y: y + 1) as a from named",
    ),
    "an alias in where": (
        "select t.x + 1 as y from s.t where\n y > 2",
        "a CTE that names it",
        "select t.x + 1 as y from s.t where t.x + 1 > 2",
    ),
    "union by name": (
        "select t.x from s.t\n union all by name select u.x from s.u",
        "union all with the columns",
        "select t.x from s.t union all select u.x from s.u order by name",
    ),
    "pivot": (
        "select p.a from s.t\n pivot (sum(y) for x in ('a')) as p",
        "sum(x) filter (where …)",
        "select cast(sum(t.y) filter (where t.x = 'a') as bigint) as a from s.t",
    ),
    "a list comprehension": (
        "select\n [x + 1 for x in t.a] as a from s.t",
        "list_transform(x, lambda y: …)",
        "select list_transform(t.a, lambda x: x + 1) as a from s.t",
    ),
    "asof": (
        "select t.x from s.t\n asof join s.u on t.x >= u.x",
        "row_number()",
        "select t.x from s.t inner join s.u on t.x >= u.x",
    ),
    "histogram": (
        "select\n histogram(t.x) as a from s.t",
        "group by x",
        "select t.x, count(*) as n from s.t group by t.x",
    ),
    "the n largest": ("select\n max(t.x, 3) as a from s.t", "row_number()", "select max(t.x) as a from s.t"),
    "generate_subscripts": (
        "select\n generate_subscripts(t.a, 1) as i from s.t",
        "a position field",
        "select u.x.position as i from s.t cross join unnest(t.a) as u(x)",
    ),
    "epoch_ms": (
        "select\n epoch_ms(t.x) as a from s.t",
        "epoch(date_trunc('second', x))",
        "select epoch(date_trunc('second', t.x)) * 1000 as a from s.t",
    ),
    "to_days": (
        "select t.x +\n to_days(t.n) as a from s.t",
        "interval 1 day * n",
        "select t.x + interval 1 day * t.n as a from s.t",
    ),
    "an interval of a computed length": (
        "select t.x +\n interval (t.n) day as a from s.t",
        "interval 1 day * n",
        "select t.x + interval 1 microsecond - interval '3' hour * t.n as a from s.t",
    ),
    "materialized": (
        "with\n a as materialized (select t.x from s.t) select a.x from a",
        "a plain CTE",
        "with a as (select t.x as materialized from s.t) select a.materialized from a",
    ),
    "list_has_any": (
        "select\n list_has_any(t.a, [1]) as b from s.t",
        "a semi join",
        "select list_contains(t.a, 1) as b from s.t",
    ),
    "range as a table": (
        "select t.i from\n range(3) as t(i)",
        "unnest(generate_series(1, n)) as t(i)",
        "select t.i from unnest(generate_series(1, 3)) as t(i)",
    ),
    "range as a list": (
        "select t.i from unnest(\n range(1, 3)) as t(i)",
        "generate_series(1, n - 1)",
        "select t.i from unnest(generate_series(1, 3 - 1)) as t(i)",
    ),
    "a series downwards": (
        "select t.i from unnest(\n generate_series(3, 1, -1)) as t(i)",
        "generate_series(1, n)",
        "select 3 - t.i as i from unnest(generate_series(0, 2, 1)) as t(i)",
    ),
    "a join after an unnest": (
        "select v.y from s.t cross join unnest(t.a) as u(x)\n left join s.v on u.x = v.x",
        "unnest in a CTE of its own",
        "with w as (select u.x from s.t cross join unnest(t.a) as u(x)) select v.y from w left join s.v on w.x = v.x",
    ),
    "a field of unnest": (
        "select\n unnest(t.a).x as x from s.t",
        "unnest in a CTE",
        "with e as (select unnest(t.a) as u from s.t) select e.u.x as x from e",
    ),
    "a qualified column of using": (
        "select\n u.x from s.t left join s.u using (x)",
        "on left.key = right.key",
        "select u.x from s.t left join s.u on t.x = u.x",
    ),
    "a sum as it comes": (
        "select\n sum(t.x) as n from s.t",
        "cast(sum(x) as bigint)",
        "select cast(sum(t.x) as bigint) as n, sum(t.x) > 3 as b from s.t having sum(t.x) > 1",
    ),
    "a window's sum in a sum": (
        "select t.x,\n sum(t.x) over (order by t.x) - t.x as n from s.t",
        "cast(sum(x) as bigint)",
        "select t.x, cast(sum(t.x) over (order by t.x) as bigint) - t.x as n from s.t",
    ),
    "log2": ("select\n log2(t.x) as a from s.t", "ln(x) / ln(2)", "select ln(t.x) / ln(2) as a from s.t"),
    "string_split": (
        "select\n string_split(t.x, '|') as a from s.t",
        "split_part",
        "select split_part(t.x, '|', 1) as a from s.t",
    ),
    "a recursion": (
        "\nwith recursive a as (select 1 as n union all select a.n + 1 from a) select a.n from a",
        "engine: duckdb",
        "with a as (select 1 as n), b as (select a.n + 1 as n from a) select b.n from b",
    ),
    "a rank as it comes": (
        "select t.x,\n row_number() over (order by t.x) - 1 as a from s.t",
        "cast(row_number() over (…) as bigint)",
        "select cast(rank() over (order by t.x) as bigint) as a, row_number() over (order by t.x) = 1 as b from s.t",
    ),
    "an integer in a concat": (
        "select concat('a|',\n $seed, cast(t.x as varchar)) as a from s.t",
        "cast(x as varchar)",
        "select concat('a|', cast($seed as varchar), t.x) as a from s.t",
    ),
    "isfinite": (
        "select\n isfinite(t.x) as a from s.t",
        "between -1e300 and 1e300",
        "select t.x between -1e300 and 1e300 as a from s.t",
    ),
    "list_sum": (
        "select\n list_sum(t.a) as a from s.t",
        "unnest, and sum(x)",
        "select cast(sum(u.x) as bigint) as a from s.t cross join unnest(t.a) as u(x)",
    ),
    "map": ("select\n map {'a': t.x} as a from s.t", "a struct", "select {'a': t.x} as a from s.t"),
}
RULES = {**READ_OTHERWISE, **REFUSED_THERE}


@pytest.mark.parametrize("construct", RULES)
def test_a_construct_is_refused_at_its_line_with_what_to_write(construct: str) -> None:
    text, instead, _ = RULES[construct]
    with SqlText() as reader, pytest.raises(ProjectError) as caught:
        refuse_unportable(text, reader, where="sql/core/x.sql")
    assert not isinstance(caught.value, ProblemsError), str(caught.value)
    assert caught.value.where == "sql/core/x.sql:2"
    assert instead in caught.value.fix


@pytest.mark.parametrize("construct", RULES)
def test_what_to_write_instead_passes(construct: str) -> None:
    with SqlText() as reader:
        assert unportable(RULES[construct][2], reader, where="x.sql") == []


def test_a_construct_in_a_text_or_a_comment_is_none() -> None:
    text = "-- group by all, len(x)\nselect 'with recursive range() order by all 1.5' as x from s.t"
    with SqlText() as reader:
        assert unportable(text, reader, where="x.sql") == []


def test_all_problems_are_told_at_once_in_the_order_of_the_text() -> None:
    text = "-- é\nselect\n len(t.a) as n,\n avg(t.x) as m\nfrom s.t\ngroup by all"
    with SqlText() as reader:
        found = unportable(text, reader, where="x.sql")
    assert [(one.line, one.construct) for one in found] == [
        (3, "len(x)"),
        (4, "avg of what is not cast"),
        (6, "group by all"),
    ]


@pytest.mark.parametrize("path", STAGES, ids=lambda path: str(path.relative_to(SQL_FOLDER)))
def test_our_stages_are_portable_or_say_why_not(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    _, fields = split_header(text, str(path), FIELDS)
    with SqlText() as reader:
        assert "engine" in dict(fields) or unportable(text, reader, where=str(path)) == []


def called(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["portable", *map(str, arguments)])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "recsys.toml").write_text('kind = "events"\n')
    (tmp_path / "sql" / "core").mkdir(parents=True)
    return tmp_path


def add_stage(project: Path, *, header: str = "") -> Path:
    path = project / "sql" / "core" / "tag_sizes.sql"
    path.write_text(
        f"-- Items of each tag.\n-- grain:  tag_type\n{header}\n"
        "select\n    item_tags.tag_type,\n    len(list(item_tags.item_id)) as n_items\n"
        "from core.item_tags\ngroup by all\n"
    )
    return path


def test_a_project_of_our_stages_alone_is_portable(project: Path) -> None:
    result = called("--project", project)
    assert (result.exit_code, result.stdout.split()) == (0, ["where", "construct", "there", "write"])
    assert re.search(r"^\d+ stages are portable$", result.stderr, re.MULTILINE)


def test_a_stage_of_the_project_is_told_by_file_and_line(project: Path) -> None:
    path = add_stage(project)
    result = called("--project", project, "--json")
    assert [(row["where"], row["construct"]) for row in map(json.loads, result.stdout.splitlines())] == [
        (f"{path}:6", "len(x)"),
        (f"{path}:6", "list(x)"),
        (f"{path}:8", "group by all"),
    ]
    assert isinstance(result.exception, ProjectError)
    assert (result.exception.exit_code, result.exception.what) == (2, "3 places are not portable")
    assert result.exception.where == "core.tag_sizes"
    assert result.exception.fix == "write them as the table says, or in the header `engine: duckdb, why`"


def test_a_stage_for_duckdb_alone_is_let_be_and_told_with_its_reason(project: Path) -> None:
    add_stage(project, header="-- engine: duckdb, as an example\n")
    result = called("--project", project)
    assert result.exit_code == 0
    assert "not checked: core.tag_sizes, engine: duckdb, as an example" in result.stderr


def test_a_build_refuses_nothing_that_is_not_portable(tmp_path: Path) -> None:
    root = lay_out(tmp_path)
    (root / "sql" / "core").mkdir(parents=True)
    add_stage(root)
    run(root)
    assert rows(root, "select count(*) from core.tag_sizes") == [(0,)]
