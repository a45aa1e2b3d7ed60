"""Parameters: what a value may be, how it is written, and what a bad one is told."""

from datetime import date, datetime, time
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_duck.errors import ProblemsError, ProjectError
from recsys_duck.kind import SQL_FOLDER
from recsys_duck.parameters import (
    Parameter,
    Value,
    load_parameters,
    parse_assignment,
    read_toml,
    settle,
    table_of,
)

SHARE = Parameter("share", "real", 0.2, "a share", minimum=0, maximum=1)
LENGTH = Parameter("length", "int", 30, "a length", minimum=1)
SEED = Parameter("seed", "int", 0, "a seed")
MODE = Parameter("mode", "text", "none", "a mode", choices=("none", "random", "time"))
FLAG = Parameter("flag", "bool", False, "a flag")
CUTOFF = Parameter("cutoff", "timestamp", None, "a moment")
MODELS = Parameter("models", "list of text", ("popular",), "models", choices=("popular", "als"))
ALL = {one.name: one for one in (SHARE, LENGTH, SEED, MODE, FLAG, CUTOFF, MODELS)}


@pytest.mark.parametrize(
    ("parameter", "value", "fix"),
    [
        (LENGTH, "many", "type int"),
        (LENGTH, 1.5, "type int"),
        (LENGTH, 3.0, "type int"),
        (LENGTH, True, "type int"),
        (LENGTH, [3], "type int"),
        (LENGTH, 0, "1 or more"),
        (LENGTH, -3, "1 or more"),
        (SEED, 2**63, "64-bit"),
        (SEED, -(2**63) - 1, "64-bit"),
        (SHARE, "0.2", "type real"),
        (SHARE, False, "type real"),
        (SHARE, 1.0000001, "0 to 1"),
        (SHARE, -0.1, "0 to 1"),
        (SHARE, float("nan"), "0 to 1"),
        (SHARE, float("inf"), "0 to 1"),
        (MODE, "tme", "none, random, time"),
        (MODE, "", "none, random, time"),
        (MODE, 3, "type text"),
        (MODE, True, "type text"),
        (FLAG, "yes", "type bool"),
        (FLAG, 1, "type bool"),
        (CUTOFF, "yesterday", "2022-12-16"),
        (CUTOFF, 20221216, "2022-12-16"),
        (CUTOFF, time(8), "2022-12-16"),
        (MODELS, "popular", "list of text"),
        (MODELS, ["popular", 3], "list of text"),
        (MODELS, ["popular", "asl"], "popular, als"),
        (MODELS, {"popular": True}, "list of text"),
    ],
)
def test_an_unfit_value_is_refused_with_its_name_its_place_and_what_fits(
    parameter: Parameter, value: object, fix: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        parameter.value(value, where="the place")
    assert caught.value.what.startswith(f"parameter {parameter.name} can't be ")
    assert caught.value.where == "the place"
    assert fix in caught.value.fix
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("parameter", "edge"), [(LENGTH, 1), (SHARE, 0), (SHARE, 1), (SEED, -(2**63)), (SEED, 2**63 - 1)]
)
def test_the_edge_of_a_range_belongs_to_it(parameter: Parameter, edge: int) -> None:
    assert parameter.value(edge, where="").data == edge


def test_a_whole_number_is_a_real_one_where_a_real_is_asked() -> None:
    found = SHARE.value(1, where="")
    assert found == Value("double", 1.0)
    assert isinstance(found.data, float)


def test_null_is_a_value_only_where_the_default_is_null() -> None:
    assert CUTOFF.value(None, where="") == Value("timestamp", None)
    with pytest.raises(ProjectError, match="length can't be null") as caught:
        LENGTH.value(None, where="")
    assert "30" in caught.value.fix


def test_a_list_keeps_its_order_and_drops_repeats() -> None:
    assert MODELS.value(["als", "popular", "als"], where="").data == ("als", "popular")
    assert MODELS.value([], where="").data == ()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("cutoff=2022-12-16", datetime(2022, 12, 16)),
        ('cutoff="2022-12-16"', datetime(2022, 12, 16)),
        ("cutoff=2022-12-16T08:00:00", datetime(2022, 12, 16, 8)),
        ("cutoff=2022-12-16 08:00:00", datetime(2022, 12, 16, 8)),
        ("cutoff=2022-12-16T08:00:00.123456", datetime(2022, 12, 16, 8, 0, 0, 123456)),
        ("cutoff=null", None),
    ],
)
def test_a_moment_is_a_date_or_a_time_in_utc(written: str, meant: datetime | None) -> None:
    _, value = parse_assignment(written)
    assert CUTOFF.value(value, where="").data == meant


@pytest.mark.parametrize("written", ["cutoff=2022-12-16T08:00:00Z", 'cutoff="2022-12-16T08:00:00+02:00"'])
def test_a_moment_with_an_offset_is_refused_and_told_why(written: str) -> None:
    _, value = parse_assignment(written)
    with pytest.raises(ProjectError) as caught:
        CUTOFF.value(value, where="")
    assert "UTC" in caught.value.fix


@pytest.mark.parametrize(
    ("written", "name", "value"),
    [
        ("mode=time", "mode", "time"),
        ('mode="time"', "mode", "time"),
        ("mode='time'", "mode", "time"),
        (" mode = time ", "mode", "time"),
        ("mode=two words", "mode", "two words"),
        ("mode=a=b", "mode", "a=b"),
        ("mode=", "mode", ""),
        ('mode="null"', "mode", "null"),
        ("length=12", "length", 12),
        ("length=1_000", "length", 1000),
        ("share=0.5", "share", 0.5),
        ("flag=true", "flag", True),
        ("flag=null", "flag", None),
        ("cutoff=2022-12-16", "cutoff", date(2022, 12, 16)),
        ('models=["popular", "als"]', "models", ["popular", "als"]),
    ],
)
def test_an_assignment_is_toml_and_a_bare_word_is_text(written: str, name: str, value: object) -> None:
    assert parse_assignment(written) == (name, value)


@pytest.mark.parametrize("written", ["length", "=3", "", "  = 3"])
def test_an_assignment_without_name_or_equals_is_refused(written: str) -> None:
    with pytest.raises(ProjectError) as caught:
        parse_assignment(written)
    assert (caught.value.where, caught.value.fix) == ("--set", "write --set name=value")


def test_the_last_layer_that_names_a_parameter_wins_and_is_told() -> None:
    settings = settle(
        ALL, {"kind": ("k", {"length": 1, "seed": 1}), "recsys.toml": ("t", {"length": 2}), "command line": ("c", {})}
    )
    assert {name: (settings[name].value.data, settings[name].source) for name in ("length", "seed", "share")} == {
        "length": (2, "recsys.toml"),
        "seed": (1, "kind"),
        "share": (0.2, "default"),
    }


def test_all_problems_of_all_layers_are_told_at_once_each_with_its_place() -> None:
    with pytest.raises(ProblemsError) as caught:
        settle(
            ALL,
            {
                "kind": ("kind.toml", {"lenght": 3}),
                "recsys.toml": ("recsys.toml", {"share": 2, "mode": "random"}),
                "command line": ("--set", {"flag": "yes", "zebra": 1}),
            },
        )
    assert [(one.what, one.where) for one in caught.value.problems] == [
        ("there is no parameter lenght", "kind.toml"),
        ("parameter share can't be 2", "recsys.toml"),
        ('parameter flag can\'t be "yes"', "--set"),
        ("there is no parameter zebra", "--set"),
    ]
    assert str(caught.value).count("error: ") == 4
    assert caught.value.exit_code == 2


def test_a_near_miss_is_offered_and_else_all_there_are() -> None:
    for name, fix in (("lenght", "did you mean length?"), ("zebra", "known: cutoff, flag, length")):
        with pytest.raises(ProjectError) as caught:
            settle(ALL, {"command line": ("--set", {name: 3})})
        assert caught.value.fix.startswith(fix)


def test_a_default_that_a_kind_gives_is_checked_like_any_value() -> None:
    with pytest.raises(ProjectError) as caught:
        settle(ALL, {"kind": ("kind.toml", {"length": 0})})
    assert caught.value.where == "kind.toml"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[x]\ntype = 'int'\ndefault = 1\n", "not declared in full"),
        ("[x]\nabout = 'x'\n", "not declared in full"),
        ("[x]\nabout = 'x'\ntype = 'integer'\n", "not declared in full"),
        ("x = 3\n", "not declared in full"),
        ("[x]\nabout = 'x'\ntype = 'int'\ndefault = 1\nmin = 2\n", "x can't be 1"),
        ("[x]\nabout = 'x'\ntype = 'text'\ndefault = 'a'\nchoices = ['b']\n", 'x can\'t be "a"'),
        ("[x\n", "no valid TOML"),
    ],
)
def test_a_declaration_that_is_not_in_order_is_refused_with_its_file(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "parameters.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError) as caught:
        load_parameters(path)
    assert what in caught.value.what
    assert str(path) in caught.value.where


def test_every_parameter_of_ours_has_a_sentence_and_its_default_fits() -> None:
    for name, one in load_parameters(SQL_FOLDER / "parameters.toml").items():
        assert one.about.endswith("."), name
        default = list(one.default) if isinstance(one.default, tuple) else one.default
        assert one.value(default, where=name).data == one.default


def test_a_file_that_is_no_readable_toml_is_told_with_its_path(tmp_path: Path) -> None:
    missing, binary, folder = tmp_path / "missing.toml", tmp_path / "binary.toml", tmp_path / "folder.toml"
    binary.write_bytes(b'kind = "\xff"')
    folder.mkdir()
    for path, what in ((missing, "can't read"), (binary, "is not UTF-8"), (folder, "can't read")):
        with pytest.raises(ProjectError) as caught:
            read_toml(path)
        assert what in caught.value.what
        assert caught.value.where == str(path)
        assert caught.value.fix


def test_a_value_where_a_table_belongs_is_refused() -> None:
    assert table_of({}, "files") == {}
    with pytest.raises(ProjectError, match="files is no table"):
        table_of({"files": "x"}, "files")


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (Value("varchar", "it's"), "cast('it''s' as varchar)"),
        (Value("varchar", "null"), "cast('null' as varchar)"),
        (Value("varchar", None), "cast(null as varchar)"),
        (Value("varchar[]", ("a", "o'c")), "cast(['a', 'o''c'] as varchar[])"),
        (Value("varchar[]", ()), "cast([] as varchar[])"),
        (Value("boolean", True), "cast(true as boolean)"),
        (Value("double", 0.2), "cast('0.2' as double)"),
        (Value("bigint", -7), "cast('-7' as bigint)"),
        (Value("timestamp", datetime(2022, 12, 16, 8)), "cast('2022-12-16 08:00:00' as timestamp)"),
    ],
)
def test_a_literal_carries_its_type_and_its_quotes(value: Value, literal: str) -> None:
    assert value.literal() == literal


texts = st.text(st.characters(codec="utf-8"))
values = st.one_of(
    st.builds(Value, st.just("varchar"), texts),
    st.builds(Value, st.just("bigint"), st.integers(-(2**63), 2**63 - 1)),
    st.builds(Value, st.just("double"), st.floats()),
    st.builds(Value, st.just("boolean"), st.booleans()),
    st.builds(Value, st.just("timestamp"), st.datetimes()),
    st.builds(Value, st.just("varchar[]"), st.lists(texts).map(tuple)),
    st.builds(Value, st.sampled_from(["varchar", "bigint", "double", "timestamp", "varchar[]"]), st.none()),
)


@given(value=values)
def test_a_literal_is_the_bound_value_for_the_engine(value: Value) -> None:
    bound = list(value.data) if isinstance(value.data, tuple) else value.data
    question = (
        "select literal is not distinct from bound, typeof(literal) = typeof(bound) "
        f"from (select {value.literal()} as literal, cast($value as {value.sql_type}) as bound)"
    )
    assert duckdb.connect().execute(question, {"value": bound}).fetchone() == (True, True)
