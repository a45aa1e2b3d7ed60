"""Gates: one that keeps nothing ends the build and publishes nothing; one that rejects much is told, with examples."""

import csv
from pathlib import Path
from typing import Any

import pytest
from projects import ask, command_here, run_build
from reading import write_files

from recsys_duck.errors import CheckError
from recsys_duck.events import Event, Warned
from recsys_duck.intake import Porter

CORE = ("+core.events",)
TIMES = "user_id,item_id,occurred_at\n"


def build_text(
    folder: Path, text: str | bytes, *readers: tuple[str, object], name: str = "e.csv", **given: Any
) -> list[Event]:
    """Build the core events of one file."""
    write_files(folder, {name: text})
    options = [("events", option, value) for option, value in readers]
    given = {"select": CORE, **given}
    return run_build(folder, kind="events", files=[("", str(folder / name))], readers=options, **given)


def told(events: list[Event]) -> list[str]:
    """The warnings of a build."""
    return [one.message for one in events if isinstance(one, Warned)]


def is_published(folder: Path) -> bool:
    """Tell whether a warehouse has a catalog."""
    return any((folder / "warehouse").glob("*.duckdb"))


@pytest.mark.parametrize(
    ("text", "readers", "where", "fix"),
    [
        (
            TIMES + "".join(f"{at},a,{at + 13}/02/2020\n" for at in range(5)),
            (),
            "5 bad_time, as '13/02/2020'",
            '.time_format="%d/%m/%Y"',
        ),
        (
            TIMES + "1,a,soon\n2,b,1262304000\n",
            (),
            "2 bad_time, as '1262304000', 'soon' in e.csv",
            "--reader 'events.time_",
        ),
        (
            "user_id;item_id;weight\n1;a;1,5\n2;b;2,5\n",
            (("delimiter", ";"),),
            "2 bad_weight, as '1,5', '2,5'",
            'events.decimal=","',
        ),
        (
            "user_id,item_id\nu1,a\nu2,b\n",
            (("columns", {"user_id": "bigint"}),),
            "2 bad_user_id, as 'u1', 'u2'",
            '.columns={user_id="varchar"}',
        ),
        ("user_id,item_id,x\n,a,1\n ,b,2\n", (), "2 missing_user_id", "--column events.user_id=COLUMN"),
        (
            "user_id,item_id\n1,NULL\n2,NULL\n",
            (("null", "NULL"),),
            "2 missing_item_id",
            "--column events.item_id=COLUMN",
        ),
        (
            "user_id,item_id\nuser_id,item_id\n",
            (),
            "1 bad_line, as 'user_id,item_id' in e.csv",
            "--reader events.skip=1",
        ),
        ('user_id,item_id,note\n1,a,"x\n', (), "1 bad_line, as '1,a,\"x'", "--reader"),
    ],
)
def test_a_gate_that_keeps_nothing_ends_the_build_with_a_sample_and_what_to_type(
    tmp_path: Path, text: str, readers: tuple[tuple[str, object], ...], where: str, fix: str
) -> None:
    with pytest.raises(CheckError) as caught:
        build_text(tmp_path, text, *readers)
    assert caught.value.exit_code == 4
    assert "keeps none of" in caught.value.what
    assert where in caught.value.where
    assert fix in caught.value.fix
    assert not is_published(tmp_path)


@pytest.mark.parametrize("text", ["", "user_id,item_id\n", "user_id,item_id", "\n\n", "\ufeffuser_id,item_id\r\n"])
def test_files_without_a_row_end_the_build(tmp_path: Path, text: str) -> None:
    with pytest.raises(CheckError) as caught:
        build_text(tmp_path, text)
    assert caught.value.what == "the files of input events hold no row, nothing is published"
    assert caught.value.where == "e.csv"
    assert not is_published(tmp_path)


def test_documents_in_which_no_row_is_found_end_the_build_with_the_option(tmp_path: Path) -> None:
    with pytest.raises(CheckError) as caught:
        build_text(tmp_path, '{"plays": [{"user_id": 1, "item_id": 2}]}', ("records", "$.rows[*]"), name="e.json")
    assert "--reader 'events.records=" in caught.value.fix


def test_what_was_published_stays_where_a_gate_keeps_nothing(tmp_path: Path) -> None:
    build_text(tmp_path, TIMES + "1,a,2020-01-01\n")
    with pytest.raises(CheckError):
        build_text(tmp_path, TIMES + "1,a,never\n")
    assert ask(tmp_path / "warehouse", "select user_id from core.events") == [("1",)]


def test_the_command_ends_with_4_and_says_all_of_it(tmp_path: Path) -> None:
    write_files(tmp_path, {"e.csv": TIMES + "1,a,13/02/2020\n"})
    done = command_here(tmp_path, "build", "--kind", "events", "--files", "e.csv", "--select", "+core.events")
    assert done.returncode == 4
    assert "1 bad_time, as '13/02/2020' in e.csv" in done.stderr
    assert "--reader 'events.time_format=\"%d/%m/%Y\"'" in done.stderr
    assert "Traceback" not in done.stderr


def test_filters_that_leave_nobody_publish_and_are_no_fault(tmp_path: Path) -> None:
    events = build_text(tmp_path, "user_id,item_id\n1,a\n2,b\n", parameters=[("min_items_per_user", 50)])
    assert is_published(tmp_path)
    assert ask(tmp_path / "warehouse", "select count(*) from core.events") == [(0,)]
    assert not [one for one in told(events) if "rejects" in one]


@pytest.mark.parametrize(("n_bad", "is_told"), [(2, False), (3, True)])
def test_more_than_a_fifth_rejected_is_told_with_a_sample_and_the_query(
    tmp_path: Path, n_bad: int, is_told: bool
) -> None:
    rows = [f"{at},a,2020-01-0{at + 1}\n" for at in range(8)] + [f"9,b,0{at + 1}.02.2020\n" for at in range(n_bad)]
    events = build_text(tmp_path, TIMES + "".join(rows))
    expected = (
        f"rejects 3 of 11 rows ({3 / 11:.2%}): 3 bad_time, as '01.02.2020', '02.02.2020', '03.02.2020' "
        'in e.csv; see them: recsys-duck query "from staging.events_rejected limit 20"'
    ).replace("%)", " %)")
    assert [one for one in told(events) if "rejects" in one] == ([expected] if is_told else [])
    rejected = ask(
        tmp_path / "warehouse", "select rejected_value, reject_reason from staging.events_rejected order by 1"
    )
    assert rejected == [(f"0{at + 1}.02.2020", "bad_time") for at in range(n_bad)]
    again = build_text(tmp_path, TIMES + "".join(rows))
    assert [one for one in told(again) if "rejects" in one] == ([expected] if is_told else [])  # as long as it is so


def test_the_query_of_a_warning_runs(tmp_path: Path) -> None:
    write_files(tmp_path, {"e.csv": TIMES + "1,a,2020-01-01\n2,b,never\n"})
    arguments = ("--kind", "events", "--files", "e.csv", "--select", "+staging.events")
    assert command_here(tmp_path, "build", *arguments).returncode == 0
    done = command_here(tmp_path, "query", "from staging.events_rejected limit 20", "--format", "csv")
    assert done.returncode == 0
    assert [(row["user_id"], row["rejected_value"]) for row in csv.DictReader(done.stdout.splitlines())] == [
        ("2", "never")
    ]


@pytest.mark.parametrize(
    ("name", "text", "reason", "value"),
    [
        ("e.csv", "user_id,item_id,weight\n1,a,1\n2,b,two\n", "bad_weight", "two"),
        ("e.csv", "user_id,item_id,position\n1,a,1\n2,b,1.5\n", "bad_position", "1.5"),
        ("e.csv", "user_id,item_id\n1,a\n2,b,c,d\n", "bad_line", "2,b,c,d"),
        ("e.csv", "user_id,item_id\r\n1,a\n2,b,c,d\n", "bad_line", "2,b,c,d"),
        ("e.jsonl", '{"user_id":1,"item_id":2}\n{"user_id":[1],"item_id":2}\n', "bad_user_id", "[1]"),
        ("e.jsonl", '{"user_id":1,"item_id":2}\n{"user_id"\n', "bad_line", '{"user_id"'),
        ("e.json", '[{"user_id":1,"item_id":2},\n7]\n', "bad_line", "7"),
    ],
)
def test_the_rejected_value_is_kept_as_the_file_has_it(
    tmp_path: Path, name: str, text: str, reason: str, value: str
) -> None:
    build_text(tmp_path, text, name=name)
    found = ask(tmp_path / "warehouse", "select reject_reason, rejected_value from staging.events_rejected")
    assert found == [(reason, value)]
    ledger = "select reason, n_rows from meta.row_ledger where stage = 'staging.events'"
    assert dict(ask(tmp_path / "warehouse", ledger)) == {"in": 2, "kept": 1, reason: 1}


def test_the_check_of_lines_fails_where_a_reader_loses_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB would merge two of these lines to one row; here nobody compares files before they are read."""
    monkeypatch.setattr(Porter, "_swallowing", lambda *_, **__: [])
    with pytest.raises(CheckError) as caught:
        build_text(tmp_path, 'user_id,item_id\n1,"a\n2,b"\n3,c\n')
    assert "3 in, 2 kept, 0 rejected" in caught.value.what
    assert not is_published(tmp_path)


def test_the_check_of_lines_is_recorded_as_one_of_lines(tmp_path: Path) -> None:
    build_text(tmp_path, "user_id,item_id\n1,a\n2,b\n", select=("+staging.events",))
    found = ask(
        tmp_path / "warehouse",
        "select n_failed, method from meta.checks where kind = 'ledger' and stage = 'staging.events'",
    )
    assert found == [(0, "counted on the files")]
