"""Stage files: the header's grammar, what contradicts itself, and the comments of columns."""

from pathlib import Path

import pytest

from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProjectError
from recsys_duck.stage import Check, SqlStage, parse_stage, stage_name

READER = SqlText()
ROOT = Path("sql")
BODY = "select\n    users.user_id,\n    users.user_name\nfrom core.users\n"
GATE = "select\n    users.user_id,\n    cast(null as varchar) as reject_reason\nfrom staging.users\n"


def parsed(header: str, body: str = BODY, *, path: str = "core/listeners.sql") -> SqlStage:
    """Parse a stage of header lines, a blank line and a SELECT."""
    text = f"{header}\n\n{body}"
    return parse_stage(ROOT / path, ROOT, READER.facts(text, where=str(ROOT / path)), text, origin="project")


def refused(header: str, body: str = BODY, *, path: str = "core/listeners.sql") -> ProjectError:
    """Parse a stage that must not pass; returns the error, which names the file and a fix."""
    with pytest.raises(ProjectError) as caught:
        parsed(header, body, path=path)
    assert str(ROOT / path) in caught.value.where
    assert caught.value.fix
    assert caught.value.exit_code == 2
    return caught.value


def test_a_header_gives_the_whole_contract() -> None:
    stage = parsed(
        "-- Everyone who listens,\n-- named or not.\n-- grain:  user_id, user_name\n"
        "-- why:    ties\n--         go to the smaller id.\n-- source: A Paper 2002, (3)\n"
        "-- check:  user_id > 0 -- ids count from 1\n"
        "-- check (warn): user_name is not null\n-- check:  user_id <> 7"
    )
    assert (stage.key, stage.table, stage.part) == ("core.listeners", "core.listeners", "")
    assert stage.contract.about == "Everyone who listens, named or not."
    assert stage.contract.grain == ("user_id", "user_name")
    assert stage.contract.why == "ties go to the smaller id."
    assert stage.contract.source == "A Paper 2002, (3)"
    assert stage.contract.checks == (
        Check("user_id > 0", sentence="ids count from 1"),
        Check("user_name is not null", "warn"),
        Check("user_id <> 7"),
    )
    assert not stage.engine
    assert not stage.is_view
    assert not stage.contract.gate_of


def test_an_indented_line_goes_on_with_the_field_above() -> None:
    stage = parsed(
        "-- Listeners.\n-- check:  user_id > 0\n--         and user_id < 9\n-- grain:  user_id,\n--  user_name"
    )
    assert stage.contract.checks == (Check("user_id > 0 and user_id < 9"),)
    assert stage.contract.grain == ("user_id", "user_name")


@pytest.mark.parametrize("header", ["-- Listeners.\n-- grain: user_id", "-- Listeners.\n-- grain: user_id\n-- why: so"])
def test_a_field_where_it_would_be_prose_is_refused(header: str) -> None:
    assert "is read as prose" in refused(header, f"-- check: false\n{BODY}").what
    assert "is read as prose" in refused(f"{header}\n--   check: false").what


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("-- Listeners.", "the header has no grain"),
        ("-- Listeners.\n-- why: no reason", "the header has no grain"),
        ("-- Listeners.\n-- grain:", "the header has no grain"),
        ("-- grain: user_id", "the file does not say what it holds"),
        ("-- Listeners.\n-- grain: none", "grain: none has no why:"),
        ("-- Listeners.\n-- grain: none\n-- why:", "grain: none has no why:"),
        ("--\n-- grain: user_id", "does not say what it holds"),
        ("-- Listeners.\n-- grian: user_id", "unknown header line '-- grian: user_id'"),
        ("-- Listeners.\n-- grain: user_id\n-- checks: user_id > 0", "unknown header line '-- checks: user_id > 0'"),
        ("-- Listeners.\n-- grain: user_id\n-- check (fail): true", "unknown header line"),
        ("-- Listeners.\n-- grain: user_id\n-- a stray sentence", "unknown header line '-- a stray sentence'"),
        ("-- Listeners.\n-- grain: user_id\n-- grain: user_name", "grain: stands twice"),
        ("-- Listeners.\n-- why: a\n-- grain: user_id\n-- why: b", "why: stands twice"),
        ("-- Listeners.\n-- grain: user_id\n-- as: view\n-- as: view", "as: stands twice"),
        ("-- Listeners.\n-- grain: listener_id", "grain names no column: listener_id"),
        ("-- Listeners.\n-- grain: user_id, item_id", "grain names no column: item_id"),
        ("-- Listeners.\n-- grain: user_id,", "grain names no column"),
        ("-- Listeners.\n-- grain: user_id user_name", "grain names no column: user_id user_name"),
        ("-- Listeners.\n-- grain: user_id\n-- as: table", "as: table means nothing"),
        ("-- Listeners.\n-- grain: user_id\n-- engine: sparkle, fast", "engine: sparkle, fast names no engine"),
        (
            "-- Listeners.\n-- grain: user_id\n-- gate of: staging.users",
            "both a column reject_reason and a line gate of",
        ),
        ("-- Listeners.\n-- grain: user_id\n-- as: view\n-- for each: core.users", "a view is no gate, no part"),
    ],
)
def test_a_header_that_is_not_in_order_is_refused(header: str, what: str) -> None:
    assert what in refused(header).what


@pytest.mark.parametrize("line", ["-- Check: user_id > 0", "-- check(warn): user_id > 0", "--check: user_id > 0"])
def test_a_misspelt_field_is_never_read_as_prose(line: str) -> None:
    refused(f"-- Listeners.\n{line}\n-- grain: user_id")


def test_a_check_without_a_predicate_is_refused() -> None:
    refused("-- Listeners.\n-- grain: user_id\n-- check:")


def test_a_file_without_a_first_sentence_is_refused() -> None:
    path = "core/listeners.sql"
    with pytest.raises(ProjectError) as caught:
        parse_stage(ROOT / path, ROOT, READER.facts(BODY, where=str(ROOT / path)), BODY, origin="project")
    assert "does not say what it holds" in caught.value.what
    assert caught.value.where == str(ROOT / path)


@pytest.mark.parametrize("engine", ["duckdb", "duckdb, it needs pivots", "duckdb: it needs pivots"])
def test_an_engine_may_carry_its_reason(engine: str) -> None:
    assert parsed(f"-- Listeners.\n-- grain: user_id\n-- engine: {engine}").engine == engine


def test_an_unknown_field_is_told_with_the_fields_there_are() -> None:
    fix = refused("-- Listeners.\n-- grain: user_id\n-- foreach: files.users").fix
    assert "for each" in fix
    assert "gate of" in fix


def test_an_unknown_grain_column_is_told_with_the_columns_there_are() -> None:
    assert "user_id, user_name" in refused("-- Listeners.\n-- grain: usr_id").fix


def test_a_gate_has_a_reject_reason_and_the_line_gate_of() -> None:
    gate = parsed("-- Listeners.\n-- grain: user_id\n-- gate of: staging.users", GATE)
    assert gate.contract.gate_of == "staging.users"
    assert "reject_reason" in refused("-- Listeners.\n-- grain: user_id", GATE).what


def test_a_gate_is_no_view() -> None:
    error = refused("-- Listeners.\n-- grain: user_id\n-- gate of: staging.users\n-- as: view", GATE)
    assert "a view is no gate" in error.what


def test_a_named_part_is_no_view() -> None:
    header = "-- Listeners.\n-- grain: user_id"
    part = parsed(header, path="recs/personal/mine.sql")
    assert (part.key, part.table, part.part) == ("recs.personal/mine", "recs.personal", "mine")
    assert "no part" in refused(f"{header}\n-- as: view", path="recs/personal/mine.sql").what


def test_two_columns_of_one_name_are_refused() -> None:
    body = "select\n    a.user_id,\n    b.user_id\nfrom core.users as a\ncross join core.users as b\n"
    assert "two columns are named user_id" in refused("-- Listeners.\n-- grain: user_id", body).what


@pytest.mark.parametrize(
    "path",
    ["listeners.sql", "cores/listeners.sql", "core/a/b/c.sql", "core/Listeners.sql", "core/top-10.sql", "core/1st.sql"],
)
def test_a_file_whose_place_names_no_table_is_refused_with_the_layers_there_are(path: str) -> None:
    with pytest.raises(ProjectError) as caught:
        stage_name(ROOT / path, ROOT)
    assert caught.value.where == str(ROOT / path)
    assert "staging, core, split" in caught.value.fix


def test_the_comment_above_a_column_is_the_columns_own() -> None:
    body = """\
with
-- one row per user
named_users as (
    select
        -- not this one
        users.user_id,
        users.user_name
    from core.users
)

select
    -- the key
    named_users.user_id,
    named_users.user_name,
    -- a share,
    -- 0 to 1
    case
        -- inside an expression
        when named_users.user_id > 0 then round(0.5, 2)
    end as a_share,
    'text -- no comment, (' as word,
    -- the last
    (1 + 2) as sum_of_two
    -- before from
from named_users
-- after from
where named_users.user_id > 0
"""
    columns = parsed("-- Listeners.\n-- grain: user_id", body).contract.columns
    assert [(column.name, column.comment) for column in columns] == [
        ("user_id", "the key"),
        ("user_name", ""),
        ("a_share", "a share, 0 to 1"),
        ("word", ""),
        ("sum_of_two", "the last"),
    ]


def test_a_union_takes_names_and_comments_of_its_first_select() -> None:
    body = "select\n    -- first\n    1 as one\nunion all\nselect\n    -- second\n    2 as two\n"
    columns = parsed("-- Numbers.\n-- grain: one", body).contract.columns
    assert [(column.name, column.comment) for column in columns] == [("one", "first")]


@pytest.mark.parametrize(
    ("body", "what", "line"),
    [
        ("select\n    user_id,,\nfrom core.users\n", "syntax error", 5),
        ("selec user_id from core.users\n", "syntax error", 4),
        ("select 1 as user_id; select 2 as user_id\n", "2 statements", None),
        ("delete from core.users\n", "Only SELECT", None),
        ("", "0 statements", None),
        ("select * from core.users\n", "a column has no name", None),
        ("select user_id, count(*) from core.users group by user_id\n", "a column has no name", None),
        ('select user_id from "core"."users"\n', "can't find core.users in the text", None),
    ],
)
def test_what_is_no_single_plain_select_is_refused_with_its_place(body: str, what: str, line: int | None) -> None:
    error = refused("-- Listeners.\n-- grain: user_id", body)
    assert what in error.what
    if line:
        assert error.where == f"{ROOT / 'core/listeners.sql'}:{line}"


@pytest.mark.parametrize(
    "reader", ["read_csv('users.csv')", "read_parquet('users.parquet')", "'users.parquet'", "read_text('users.txt')"]
)
def test_a_stage_reads_files_only_as_declared_inputs(reader: str) -> None:
    refused("-- Listeners.\n-- grain: user_id", f"select\n    source.user_id\nfrom {reader} as source\n")


def test_tables_parameters_and_group_keys_are_found_where_they_stand() -> None:
    body = """\
with
-- one row per item
popular_items as (
    select events.item_id, count(*) as n_events
    from split.train as events
    where $popular_by = 'é' and events.item_id in (select items.item_id from core.items)
    group by events.item_id
)

select
    popular_items.item_id as key,
    count(*) as n_rows
from popular_items
where popular_items.n_events > $top_n
group by popular_items.item_id
"""
    stage = parsed("-- Items, é.\n-- grain: key", body)
    assert set(stage.reads) == {"split.train", "core.items"}
    assert stage.parameters == ("popular_by", "top_n")
    assert stage.facts.group_keys == ("key",)
    data = stage.text.encode()
    shown = {"table": "", "parameter": "$"}
    for place in stage.facts.places:
        assert data[place.start : place.end].decode() == shown[place.kind] + place.name
