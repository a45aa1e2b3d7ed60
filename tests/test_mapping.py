"""Mapping: the files' own columns under our names, by flag and by recsys.toml, and what a wrong one is told."""

from pathlib import Path

import pytest
from projects import lay_out_events, load, run_build, write_parquet
from test_source import lay_out_csv, read_rows

from recsys_duck.errors import ProblemsError, ProjectError
from recsys_duck.events import Warned

LISTENS = "select 'ann' as listener, 'one' as track, 3 as plays, 'x' as user_id"
PAIR = (("", "user_id", "listener"), ("events", "item_id", "track"))


def refusal(folder: Path, **given: object) -> ProjectError:
    """Load a project that is refused for one reason."""
    with pytest.raises(ProjectError) as caught:
        load(folder, **given)
    assert not isinstance(caught.value, ProblemsError), caught.value
    return caught.value


def test_columns_are_mapped_by_flag(tmp_path: Path) -> None:
    lay_out_events(tmp_path, LISTENS)
    columns = (*PAIR, ("", "weight", "plays"))
    rows = read_rows(tmp_path, "events.user_id, events.item_id, cast(events.weight as bigint) as w", columns=columns)
    assert rows == [("ann", "one", 3)]


def test_columns_are_mapped_in_the_settings_file_and_the_flag_wins(tmp_path: Path) -> None:
    settings = '[files.events]\npaths = "events.parquet"\n[files.events.column]\nuser_id = "track"\nitem_id = "track"\n'
    lay_out_events(tmp_path, LISTENS, settings=settings)
    assert read_rows(tmp_path, "events.user_id, events.item_id") == [("one", "one")]
    assert read_rows(tmp_path, "events.user_id, events.item_id", columns=PAIR[:1]) == [("ann", "one")]


def test_a_mapping_wins_over_a_column_of_our_name(tmp_path: Path) -> None:
    rows = read_rows(lay_out_events(tmp_path, LISTENS), "events.user_id", columns=PAIR)
    assert rows == [("ann",)]


def test_one_column_may_stand_under_two_names(tmp_path: Path) -> None:
    columns = (*PAIR, ("", "basket_id", "listener"))
    rows = read_rows(lay_out_events(tmp_path, LISTENS), "events.user_id, events.basket_id", columns=columns)
    assert rows == [("ann", "ann")]


def test_columns_of_another_input_are_named_with_it(tmp_path: Path) -> None:
    write_parquet(tmp_path / "items.parquet", "select 'one' as track, 'One' as title")
    lay_out_events(tmp_path, LISTENS)
    columns = (*PAIR, ("items", "item_id", "track"), ("items", "item_name", "title"))
    assert read_rows(tmp_path, "items.item_id, items.item_name", of="items", columns=columns) == [("one", "One")]


def test_columns_without_names_are_given_by_place_in_the_settings_file(tmp_path: Path) -> None:
    settings = 'format = "csv"\nheader = false\ncolumn = { user_id = 3, item_id = "1" }\n'
    assert read_rows(lay_out_csv(tmp_path, "a,b,c\n", settings), "events.user_id, events.item_id") == [("c", "a")]


def test_names_that_are_said_can_be_mapped(tmp_path: Path) -> None:
    settings = 'header = false\nnames = ["who", "item_id"]\ncolumn = { user_id = "who" }\n'
    assert read_rows(lay_out_csv(tmp_path, "a,b\n", settings), "events.user_id, events.item_id") == [("a", "b")]


@pytest.mark.parametrize("own", ["//userID", "the user", 'say "user"', "it's", "filename", "größe", "user;id"])
def test_a_column_may_have_any_name(tmp_path: Path, own: str) -> None:
    quoted = own.replace('"', '""')
    lay_out_csv(tmp_path, f'"{quoted}",item_id\nann,one\n')
    assert read_rows(tmp_path, "events.user_id", columns=(("", "user_id", own),)) == [("ann",)]


def test_a_mapped_column_that_a_file_lacks_is_told_with_the_nearest_and_all_of_the_file(tmp_path: Path) -> None:
    lay_out_events(tmp_path, LISTENS)
    told = refusal(tmp_path, columns=(("", "user_id", "listenr"), PAIR[1]))
    assert told.what == "events.parquet has no column listenr"
    assert "user_id = listenr" in told.where
    assert told.fix == "did you mean listener?; its columns: listener, track, plays, user_id"


def test_a_mapped_column_must_be_in_every_file(tmp_path: Path) -> None:
    lay_out_events(tmp_path, LISTENS)
    write_parquet(tmp_path / "events2.parquet", "select 'bob' as listener, 'two' as track")
    told = refusal(tmp_path, columns=(*PAIR, ("", "weight", "plays")))
    assert told.what == "events2.parquet has no column plays"


def test_a_name_that_is_given_two_columns_is_refused(tmp_path: Path) -> None:
    told = refusal(lay_out_events(tmp_path, LISTENS), columns=(*PAIR, ("events", "user_id", "user_id")))
    assert told.what == "user_id of input events is given two columns, listener and user_id"
    assert told.where == "--column events.user_id=user_id"


@pytest.mark.parametrize(
    ("column", "what", "fix"),
    [
        (("", "usr_id", "listener"), "there is no column usr_id to give", "did you mean user_id?"),
        (("items", "title", "x"), "there is no column title to give", "item_id, item_name"),
        (("evnts", "user_id", "x"), "kind events has no input evnts", "did you mean events?"),
    ],
)
def test_a_name_that_no_input_knows_is_refused(
    tmp_path: Path, column: tuple[str, str, str], what: str, fix: str
) -> None:
    told = refusal(lay_out_events(tmp_path, LISTENS), columns=(*PAIR, column))
    assert told.what == what
    assert "--column" in told.where
    assert fix in told.fix


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ('column = "user"', "column is no table"),
        ("column = { user_id = true }", "column user_id can't be True"),
        ('column = { user_id = "" }', "column user_id can't be ''"),
        ('column = { usr_id = "x" }', "there is no column usr_id to give"),
    ],
)
def test_a_wrong_mapping_of_the_settings_file_is_refused(tmp_path: Path, written: str, what: str) -> None:
    settings = f'[files.events]\npaths = "events.parquet"\n{written}\n'
    told = refusal(lay_out_events(tmp_path, settings=settings))
    assert told.what == what
    assert "recsys.toml, [files.events]" in told.where


def test_a_file_without_header_that_is_not_said_to_have_none_is_told_so(tmp_path: Path) -> None:
    lay_out_csv(tmp_path, "196,242,3\n186,302,3\n")
    told = refusal(tmp_path, columns=(("", "user_id", "1"), ("", "item_id", "242")))
    assert told.what == "events.csv has no column 1"
    assert "its columns: 196, 242, 3; if its first line is data: --reader events.header=false" in told.fix


def test_a_wide_file_tells_a_few_of_the_columns_that_nothing_reads(tmp_path: Path) -> None:
    lay_out_csv(tmp_path, "user_id,item_id," + ",".join(f"c{i}" for i in range(20)) + "\n1,2" + ",0" * 20 + "\n")
    (told,) = load(tmp_path)[0].unread
    assert told == (
        "nothing reads the columns c0, c1, c2, c3, c4 and 15 more of input events; "
        "it also knows weight, occurred_at, basket_id, position"
    )


def test_a_mapped_column_is_read_and_one_of_our_name_beside_it_is_not(tmp_path: Path) -> None:
    lay_out_events(tmp_path, LISTENS)
    told = [
        event.message
        for event in run_build(tmp_path, columns=PAIR, select=("+core.events",))
        if isinstance(event, Warned)
    ]
    assert told[0].startswith("nothing reads the columns plays, user_id of input events; it also knows weight")


def test_mapped_times_are_times(tmp_path: Path) -> None:
    lay_out_events(tmp_path, "select 1 as user_id, 2 as item_id, timestamp '2020-01-01' as at")
    project, _ = load(tmp_path, columns=(("", "occurred_at", "at"),), parameters=(("split", "time"),))
    assert project.has_times()


def test_another_mapping_gives_another_table(tmp_path: Path) -> None:
    lay_out_events(tmp_path, "select 1 as user_id, 2 as item_id, 3 as other")
    project, _ = load(tmp_path)
    mapped, _ = load(tmp_path, columns=(("", "item_id", "other"),))
    assert project.sources["events"].reader_identity() != mapped.sources["events"].reader_identity()


def test_an_id_that_is_said_to_be_bigint_is_so_in_all_inputs(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,item_name\n7,seven\n")
    lay_out_csv(tmp_path, "user_id,item_id\n1,7\n", 'columns = { item_id = "bigint" }\n')
    files = (("items", str(tmp_path / "items.csv")),)
    project, _ = load(tmp_path, files=files)
    assert {name: project.sources[name].input.columns["item_id"] for name in ("events", "items", "item_tags")} == {
        "events": "bigint",
        "items": "bigint",
        "item_tags": "bigint",
    }
    assert project.sources["aliases"].input.columns["good_id"] == "bigint"
    assert project.sources["events"].input.columns["user_id"] == "varchar"


def test_an_id_is_said_to_have_one_type_that_ids_have(tmp_path: Path) -> None:
    settings = (
        '[files.events.columns]\nitem_id = "bigint"\nuser_id = "integer"\n[files.items.columns]\nitem_id = "varchar"\n'
    )
    with pytest.raises(ProblemsError) as caught:
        load(lay_out_events(tmp_path, settings=settings))
    assert [one.what for one in caught.value.problems] == [
        "user_id can't be integer",
        "item_id is said to be bigint and varchar",
    ]


def test_alias_ids_have_the_type_of_the_items(tmp_path: Path) -> None:
    write_parquet(tmp_path / "aliases.parquet", "select 'b' as bad_id, 10 as good_id")
    project, _ = load(lay_out_events(tmp_path, "select 1 as user_id, 10 as item_id"))
    assert project.sources["events"].input.columns["item_id"] == "varchar"
    assert project.sources["aliases"].input.columns == {"bad_id": "varchar", "good_id": "varchar"}
