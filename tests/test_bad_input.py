"""Bad input, end to end: it is told with what, where and fix and an exit code, and what is published stays.

The builds of this module that must fail go into one warehouse, in which a good catalog stands.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from projects import (
    EVENTS,
    MEMORY,
    add_stage,
    ask,
    command,
    command_here,
    lay_out_events,
    lay_out_playlists,
    load,
    playlists_text,
    published_files,
    run_build,
    write_parquet,
)

from recsys_duck.build import build
from recsys_duck.errors import CheckError, RecsysDuckError, StageError
from recsys_duck.events import Built, Event, Published, Warned
from recsys_duck.kind import kind_names
from recsys_duck.lock import build_lock
from recsys_duck.run import How

LIMITS = ("--memory-limit", "600MB", "--threads", "2")


@dataclass(frozen=True)
class Told:
    """One error as the terminal shows it."""

    what: str
    where: str
    fix: str
    cause: str


def errors_of(stderr: str) -> list[Told]:
    """Take the errors out of what the terminal shows."""
    found = []
    for block in re.split(r"^error: ", stderr, flags=re.MULTILINE)[1:]:
        lines = block.splitlines()
        fields = {line[2:7]: line[9:] for line in lines if re.match(r"  (where|fix  )|  fix:", line)}
        cause = "\n".join(line[4:] for line in lines if line.startswith("    "))
        found.append(Told(lines[0], fields.get("where", ""), fields.get("fix: ", "").strip(), cause))
    return found


def refused(done: CompletedProcess[str], code: int) -> list[Told]:
    """Check the shape that every refusal has; returns its errors."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    told = errors_of(done.stderr)
    assert told, done.stderr
    for one in told:
        assert one.what
        assert one.where, one
        assert one.fix, one
    return told


@pytest.fixture(name="published", scope="module")
def published_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of kind events, built and published; tests only read it."""
    folder = lay_out_events(tmp_path_factory.mktemp("published"))
    run_build(folder)
    return folder


@pytest.fixture(name="warehouse")
def unchanged_warehouse(published: Path) -> Iterator[Path]:
    """The published warehouse; whatever the test does, its catalog is the same afterwards and answers."""
    warehouse = published / "warehouse"
    before = published_files(warehouse)
    yield warehouse
    assert published_files(warehouse) == before
    assert ask(warehouse, "select count(*) from core.events") == [(12,)]
    assert not (warehouse / "temporary").exists()


def build_in(folder: Path, warehouse: Path, *arguments: str) -> CompletedProcess[str]:
    """Build a folder into a warehouse by the command line; a limit of the arguments comes last and wins."""
    return command_here(folder, "build", "--warehouse", str(warehouse), *LIMITS, *arguments)


@pytest.mark.parametrize(
    ("arguments", "code", "what", "where", "fix"),
    [
        (["--kind", "evnts"], 2, "there is no kind evnts", "--kind", "did you mean events?"),
        (["--files", "none*.parquet"], 2, "no file for input events", "none*.parquet", "--files events=GLOB"),
        (["--files", "evnts=*.parquet"], 2, "kind events has no input evnts", "--files", "did you mean events?"),
        (["--set", "topn=3"], 2, "there is no parameter topn", "--set", "did you mean top_n?"),
        (["--set", "top_n"], 2, "can't read 'top_n'", "--set", "name=value"),
        (["--set", "top_n=many"], 2, 'parameter top_n can\'t be "many"', "--set", "type int"),
        (["--set", "test_share=2"], 2, "parameter test_share can't be 2", "--set", "0 to 1"),
        (["--set", "models=['asl']"], 2, "models names asl, which is no part", "command line", "did you mean als?"),
        (["--set", "split=tme"], 2, 'parameter split can\'t be "tme"', "--set", "none, random, time"),
        (["--reader", "events"], 2, "can't read 'events'", "--reader", "INPUT.OPTION=VALUE"),
        (["--reader", "events=csv"], 2, "can't read 'events=csv'", "--reader", "INPUT.OPTION=VALUE"),
        (["--reader", "evnts.format=csv"], 2, "kind events has no input evnts", "--reader", "did you mean events?"),
        (
            ["--reader", "events.format=xlsx"],
            2,
            "input events has no known format",
            "",
            "csv, json_records, ndjson, parquet",
        ),
        (
            ["--reader", "events.time_unit=h"],
            2,
            "option time_unit of input events can't be 'h'",
            "--reader",
            "s, ms, us",
        ),
        (
            ["--reader", "events.time_unit=s"],
            2,
            "column occurred_at is TIMESTAMP",
            "events.parquet",
            "leave time_unit out",
        ),
        (
            ["--reader", "events.time_format=%Q"],
            2,
            "time_format of input events can't be '%Q'",
            "time_format",
            "strptime",
        ),
        (["--column", "user_id"], 2, "can't read 'user_id'", "--column", "[INPUT.]NAME=COLUMN"),
        (["--column", "=user"], 2, "can't read '=user'", "--column", "[INPUT.]NAME=COLUMN"),
        (["--column", "user_id="], 2, "can't read 'user_id='", "--column", "[INPUT.]NAME=COLUMN"),
        (["--column", ".user_id=x"], 2, "can't read '.user_id=x'", "--column", "[INPUT.]NAME=COLUMN"),
        (["--column", "usr_id=x"], 2, "there is no column usr_id to give", "--column events.usr_id=x", "user_id?"),
        (["--column", "evnts.user_id=x"], 2, "kind events has no input evnts", "--column", "did you mean events?"),
        (["--column", "user_id=usr_id"], 2, "events.parquet has no column usr_id", "--column", "did you mean user_id?"),
        (["--column", "weight=w"], 2, "events.parquet has no column w", "--column", "user_id, item_id, occurred_at"),
        (
            ["--column", "user_id=a", "--column", "user_id=b"],
            2,
            "is given two columns, a and b",
            "--column",
            "one of them",
        ),
        (["--as", "main"], 2, "an environment can't be named 'main'", "--as", "lower-case"),
        (["--as", "temp"], 2, "an environment can't be named 'temp'", "--as", "lower-case"),
        (["--as", "staging"], 2, "an environment can't be named 'staging'", "--as", "lower-case"),
        (["--as", "../elsewhere"], 2, "an environment can't be named", "--as", "lower-case"),
        (["--memory-limit", "lots"], 2, "'lots' is no size", "memory limit", "2GB"),
        (["--memory-limit", "-1GB"], 2, "'-1GB' is no size", "memory limit", "2GB"),
        (["--memory-limit", "10MB"], 5, "10MB is too little", "memory limit", "400MB or more"),
        (["--select", "core.itms"], 2, "there is no table core.itms", "--select", "did you mean core.items?"),
        (["--project", "nowhere"], 2, "there is no such folder", "nowhere", "--project"),
    ],
)
def test_a_bad_argument_is_refused_before_anything_runs(
    published: Path, warehouse: Path, arguments: list[str], code: int, what: str, where: str, fix: str
) -> None:
    done = build_in(published, warehouse, *arguments)
    (told,) = refused(done, code)
    assert what in told.what
    assert where in told.where
    assert fix in told.fix
    assert "plan " not in done.stderr


@pytest.mark.parametrize("arguments", [["--threads", "0"], ["--threads", "two"], ["--nonsense"], ["stray"]])
def test_a_bad_option_is_a_wrong_usage(published: Path, warehouse: Path, arguments: list[str]) -> None:
    done = build_in(published, warehouse, *arguments)
    assert done.returncode == 2
    assert "Usage: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "what", "where", "fix"),
    [
        (b"", "no kind is given", "recsys.toml", ", ".join(kind_names())),
        (b'kind = "evnts"\n', "there is no kind evnts", "recsys.toml", "did you mean events?"),
        (b'kind = "events"\nfiles = [\n', "recsys.toml is no valid TOML", "recsys.toml", ""),
        (b'kind = "\xff"\n', "recsys.toml is not UTF-8", "recsys.toml", "UTF-8"),
        (b'kind = "events"\nparamters = 3\n', "recsys.toml has no setting paramters", "recsys.toml", "parameters?"),
        (b'kind = "events"\nparameters = 3\n', "parameters is no table", "parameters", "[name]"),
        (b'kind = "events"\nfiles = "x"\n', "files is no table", "files", "[name]"),
        (b'kind = "events"\n[parameters]\ntopn = 3\n', "there is no parameter topn", "recsys.toml", "top_n?"),
        (b'kind = "events"\n[parameters]\ntop_n = 0\n', "parameter top_n can't be 0", "recsys.toml", "1 to 10000"),
        (b'kind = "events"\n[files]\nevnts = "x"\n', "kind events has no input evnts", "recsys.toml", "events?"),
        (b'kind = "events"\nenvironment = "core"\n', "an environment can't be named 'core'", "recsys.toml", "lower"),
        (b'kind = "events"\nfingerprint = "contents"\n', "fingerprint", "recsys.toml", "content"),
    ],
)
def test_a_bad_settings_file_is_refused_with_its_place(
    tmp_path: Path, warehouse: Path, settings: bytes, what: str, where: str, fix: str
) -> None:
    lay_out_events(tmp_path)
    (tmp_path / "recsys.toml").write_bytes(settings)
    (told,) = refused(build_in(tmp_path, warehouse), 2)
    assert what in told.what
    assert where in told.where
    assert fix in told.fix


def test_files_without_a_kind_are_told_the_kind_that_reads_any(tmp_path: Path, warehouse: Path) -> None:
    (tmp_path / "plays.csv").write_text("user_id,item_id\n1,2\n")
    (told,) = refused(build_in(tmp_path, warehouse, "--files", "plays.csv"), 2)
    assert told.what == "no kind is given"
    assert told.fix == f"--kind events reads any file of users and items; known: {', '.join(kind_names())}"


def test_ids_times_and_names_of_a_file_are_refused_together(tmp_path: Path, warehouse: Path) -> None:
    lay_out_events(tmp_path, "select 1.5 as user_id, 2 as track, 881250949 as occurred_at")
    write_parquet(tmp_path / "items.parquet", "select 'x' as title")
    told = refused(build_in(tmp_path, warehouse), 2)
    assert {one.what for one in told} == {
        "column occurred_at is INTEGER, which is no time without a unit",
        "input items has no column item_id",
    }


@pytest.mark.parametrize("setting", ['threads = "many"', "threads = 0", "threads = -3", "memory_limit = 'lots'"])
def test_a_bad_limit_of_the_settings_file_is_refused(tmp_path: Path, warehouse: Path, setting: str) -> None:
    lay_out_events(tmp_path, settings=f"{setting}\n")
    limits = LIMITS[2:] if setting.startswith("memory") else LIMITS[:2]
    refused(command_here(tmp_path, "build", "--warehouse", str(warehouse), *limits), 2)


def test_several_problems_are_told_together(tmp_path: Path, warehouse: Path) -> None:
    lay_out_events(tmp_path, settings="[parameters]\ntop_n = 0\nsplt = 'time'\n")
    told = refused(build_in(tmp_path, warehouse, "--set", "seeed=1", "--set", "test_share=7"), 2)
    assert {one.what for one in told} == {
        "parameter top_n can't be 0",
        "there is no parameter splt",
        "there is no parameter seeed",
        "parameter test_share can't be 7",
    }


def test_a_split_by_time_of_a_source_without_times_is_refused(tmp_path: Path, warehouse: Path) -> None:
    lay_out_playlists(tmp_path, playlists_text(1, 2))
    (told,) = refused(build_in(tmp_path, warehouse, "--set", "split=time"), 2)
    assert "kind mpd has none" in told.what
    assert "split" in told.where
    assert "random" in told.fix


def test_a_split_by_time_of_events_without_times_is_refused(tmp_path: Path, warehouse: Path) -> None:
    lay_out_events(tmp_path, "select 1 as user_id, 2 as item_id", settings='[parameters]\nsplit = "time"\n')
    (told,) = refused(build_in(tmp_path, warehouse), 2)
    assert "needs times" in told.what
    assert "recsys.toml" in told.where


def test_a_split_by_time_of_which_no_event_has_one_fails_its_check(tmp_path: Path, warehouse: Path) -> None:
    lay_out_events(tmp_path, "select 1 as user_id, 2 as item_id, cast(null as timestamp) as occurred_at")
    (told,) = refused(build_in(tmp_path, warehouse, "--set", "split=time"), 4)
    assert "split.cut" in told.what
    assert "split = random or last_n" in told.fix


@pytest.mark.parametrize("content", [b"hello", b"PAR1" + b"\0" * 100 + b"PAR1", b"user_id,item_id\n1,2\n"])
def test_a_parquet_file_that_is_none_is_refused_by_name(tmp_path: Path, warehouse: Path, content: bytes) -> None:
    lay_out_events(tmp_path)
    (tmp_path / "events.parquet").write_bytes(content)
    (told,) = refused(build_in(tmp_path, warehouse), 2)
    assert told.what == "input events can't be read as parquet"
    assert told.where == "events.parquet"
    assert "format" in told.fix
    assert told.cause


def test_a_broken_file_among_good_ones_is_named(tmp_path: Path, warehouse: Path) -> None:
    lay_out_events(tmp_path)
    write_parquet(tmp_path / "events2.parquet")
    (tmp_path / "events3.parquet").write_bytes((tmp_path / "events.parquet").read_bytes()[:-20])
    done = build_in(tmp_path, warehouse)
    assert done.returncode in (1, 2)
    assert "events3.parquet" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("n_good_lines", [1, 25_000])
def test_a_broken_line_of_a_csv_is_rejected_with_its_text_and_file(tmp_path: Path, n_good_lines: int) -> None:
    (tmp_path / "events.csv").write_text("user_id,item_id\n" + "1,2\n" * n_good_lines + "3,4,5\n")
    told = run_build(tmp_path, kind="events", files=(("", str(tmp_path / "events.csv")),), select=("+staging.events",))
    rejected = "select rejected_value, reject_reason, source_file from staging.events_rejected"
    assert ask(tmp_path / "warehouse", rejected) == [("3,4,5", "bad_line", "events.csv")]
    assert ask(tmp_path / "warehouse", "select count(*) from staging.events") == [(n_good_lines,)]
    messages = [event.message for event in told if isinstance(event, Warned) and event.stage == "staging.events"]
    if n_good_lines > 1:
        assert messages == []
    else:
        (message,) = messages
        assert message.startswith("rejects 1 of 2 rows (50.00 %): 1 bad_line, as '3,4,5' in events.csv")
        assert message.endswith('recsys-duck query "from staging.events_rejected limit 20"')


@pytest.mark.parametrize(
    "broken", [playlists_text(2, 3)[:500], playlists_text(2, 3)[:-1], "hello", '{"playlists": [}', "[1, 2"]
)
def test_a_truncated_json_document_stops_the_build_and_is_named(tmp_path: Path, warehouse: Path, broken: str) -> None:
    lay_out_playlists(tmp_path, playlists_text(1), broken)
    (told,) = refused(build_in(tmp_path, warehouse), 1)
    assert "mpd.slice.1-1.json" in told.where
    assert "mpd.slice.1-1.json" in told.cause


@pytest.mark.parametrize("document", ['{"info": {}}', '{"playlists": []}', '{"playlists": null}', "[]", "3", ""])
def test_a_json_document_without_playlists_is_warned_of_by_name(tmp_path: Path, document: str) -> None:
    told = run_build(lay_out_playlists(tmp_path, playlists_text(1), document), select=("staging.playlist_records",))
    assert Warned("staging.playlist_records", "mpd.slice.1-1.json gave no row") in told
    assert [event.n_rows for event in told if hasattr(event, "n_rows")] == [1]


def test_playlists_of_wrong_shapes_are_rejected_with_a_reason_and_counted(tmp_path: Path) -> None:
    good = json.loads(playlists_text(1))["playlists"][0]
    strange = [good, 3, None, "x", {}, {"pid": "x", "tracks": 3}, {**good, "pid": 1.5}, {**good, "tracks": [None, 4]}]
    folder = lay_out_playlists(tmp_path, json.dumps({"playlists": strange}))
    run_build(folder, parameters=(("min_playlist_tracks", 0),))
    ledger = "select reason, n_rows from meta.row_ledger where stage = 'staging.playlists'"
    rows = dict(ask(folder / "warehouse", ledger))
    assert rows["in"] == len(strange)
    assert rows["kept"] == 1
    assert sum(n_rows for reason, n_rows in rows.items() if reason != "in") == len(strange)


@pytest.mark.parametrize("content", [b"", None])
def test_events_of_zero_rows_end_the_build_and_are_told_by_name(
    tmp_path: Path, warehouse: Path, content: bytes | None
) -> None:
    lay_out_events(tmp_path, f"{EVENTS} where i < 0")
    if content is not None:
        (tmp_path / "events.parquet").write_bytes(content)
    done = build_in(tmp_path, warehouse)
    assert "staging.events: events.parquet gave no row" in done.stderr
    (told,) = refused(done, 4)
    assert told.what == "the files of input events hold no row, nothing is published"
    assert told.where == "events.parquet"
    assert told.fix.endswith("--files events=GLOB")


@pytest.mark.parametrize("content", [b"", None])
def test_names_of_zero_rows_are_warned_of_and_the_events_are_published(tmp_path: Path, content: bytes | None) -> None:
    path = write_parquet(tmp_path / "items.parquet", "select 1 as item_id, 'x' as item_name where false")
    if content is not None:
        path.write_bytes(content)
    told = run_build(lay_out_events(tmp_path), select=("+core.items",))
    assert Warned("staging.catalog_items", "items.parquet gave no row") in told
    assert isinstance(told[-1], Published)
    assert ask(tmp_path / "warehouse", "select count(*), count(item_name) from core.items") == [(5, 0)]


def test_a_source_of_which_every_row_is_rejected_ends_the_build_with_the_reasons(
    tmp_path: Path, warehouse: Path
) -> None:
    select = """
    select * from (values (1, 10, -1.0), (2, 20, null), (null, 30, 1.0), (4, null, 1.0))
    as rows(user_id, item_id, weight)
    """
    (told,) = refused(build_in(lay_out_events(tmp_path, select), warehouse), 4)
    assert told.what == "core.events keeps none of 4 rows, nothing is published"
    for count in ("2 bad_weight", "1 missing_item_id", "1 missing_user_id"):
        assert count in told.where
    assert "--column events.weight=COLUMN" in told.fix


def test_a_filter_that_leaves_nobody_is_published_with_the_sentence_of_its_check(tmp_path: Path) -> None:
    told = run_build(lay_out_events(tmp_path), parameters=(("min_items_per_user", 99),))
    assert any("every list will be empty" in event.message for event in told if isinstance(event, Warned))
    assert any("n_train_events > 0" in event.message for event in told if isinstance(event, Warned))
    assert isinstance(told[-1], Published)
    assert ask(tmp_path / "warehouse", "select count(*) from recs.popular") == [(0,)]


@pytest.mark.parametrize("place", ["taken", "taken/warehouse"])
def test_a_warehouse_that_cannot_be_made_is_refused(tmp_path: Path, place: str) -> None:
    lay_out_events(tmp_path)
    (tmp_path / "taken").write_text("a file of somebody")
    done = build_in(tmp_path, tmp_path / place)
    (told,) = refused(done, 2 if done.returncode == 2 else 5)
    assert str(tmp_path / "taken") in told.where
    assert (tmp_path / "taken").read_text() == "a file of somebody"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_warehouse_without_the_right_to_write_is_refused(tmp_path: Path) -> None:
    lay_out_events(tmp_path)
    (tmp_path / "warehouse").mkdir(mode=0o500)
    done = build_in(tmp_path, tmp_path / "warehouse")
    (told,) = refused(done, 2 if done.returncode == 2 else 5)
    assert str(tmp_path / "warehouse") in told.where


def test_a_second_builder_is_told_who_builds(published: Path, warehouse: Path) -> None:
    with build_lock(warehouse):
        done = command(published, "build", "--warehouse", str(warehouse), *LIMITS)
        (told,) = refused(done, 3)
    assert "another build holds this warehouse" in told.what
    assert str(warehouse) in told.where
    assert f"pid {os.getpid()} " in told.where
    assert "wait" in told.fix


@pytest.mark.parametrize(
    ("arguments", "stage", "code"),
    [
        (["--as", "whatif"], "", 0),
        ([], "-- Items.\n-- grain: item_id\n\nselect null as item_id\n", 1),
        (["--set", "topn=3"], "", 2),
        ([], "-- Items.\n-- grain: item_id\n\nselect unnest([1, 1]) as item_id\n", 4),
        (["--memory-limit", "1MB"], "", 5),
    ],
)
def test_the_process_ends_with_the_code_of_what_happened(
    tmp_path: Path, arguments: list[str], stage: str, code: int
) -> None:
    lay_out_events(tmp_path)
    if stage:
        add_stage(tmp_path, "core.mine", stage)
    done = command(tmp_path, "build", *LIMITS, *arguments)
    assert done.returncode == code, done.stderr
    assert ("error: " in done.stderr) == (code != 0)
    assert "Traceback" not in done.stderr


HEADER = "-- Items, for a test.\n-- grain: item_id\n"


@pytest.mark.parametrize(
    ("text", "code", "what", "line"),
    [
        (f"{HEADER}\nselect\n    items.item_id,,\nfrom core.items\n", 2, "syntax error", 5),
        (f"{HEADER}\nselect items.item_id\nfrom core.itms\n", 2, "reads core.itms, which nothing makes", 5),
        (f"{HEADER}\nselect items.item_id\nfrom core.items\nwhere $topn > 3\n", 2, "uses $topn", 6),
        ("-- No grain.\n\nselect items.item_id\nfrom core.items\n", 2, "the header has no grain", None),
        (f"{HEADER}\nselect null as item_id\n", 1, "column item_id has type NULL", None),
        (
            f"{HEADER}\nselect sum(items.item_id) as item_id from core.items\n",
            1,
            "column item_id has type HUGEINT",
            None,
        ),
        (f"{HEADER}\nselect cast(word as bigint) as item_id from (values ('x')) as words(word)\n", 1, "failed", None),
        (f"{HEADER}\nselect items.item_id from core.items cross join core.users\n", 4, "repeated or null key", None),
        (f"{HEADER}-- check: item_id < 0\n\nselect items.item_id from core.items\n", 4, "break a check", None),
    ],
)
def test_a_stage_of_the_project_that_is_wrong_is_told_with_its_file(
    tmp_path: Path, warehouse: Path, text: str, code: int, what: str, line: int | None
) -> None:
    path = add_stage(lay_out_events(tmp_path), "core.mine", text)
    (told,) = refused(build_in(tmp_path, warehouse), code)
    assert what in told.what
    assert told.where.startswith(f"{path}:{line}" if line else str(path))


def test_an_unknown_column_is_told_with_its_file_and_line(tmp_path: Path, warehouse: Path) -> None:
    path = add_stage(
        lay_out_events(tmp_path), "core.mine", f"{HEADER}\nselect\n    items.item_idd as item_id\nfrom core.items\n"
    )
    (told,) = refused(build_in(tmp_path, warehouse), 1)
    assert told.where.startswith(str(path))
    assert "item_idd" in told.cause
    assert "LINE 5" in told.cause


def test_a_check_of_an_unknown_column_is_told_with_its_file(tmp_path: Path, warehouse: Path) -> None:
    text = f"{HEADER}-- check: itemid > 0\n\nselect items.item_id\nfrom core.items\n"
    path = add_stage(lay_out_events(tmp_path), "core.mine", text)
    done = build_in(tmp_path, warehouse)
    (told,) = refused(done, done.returncode if done.returncode in (1, 2) else 1)
    assert "itemid" in done.stderr
    assert str(path) in told.where


def test_problems_of_several_stages_are_told_together(tmp_path: Path, warehouse: Path) -> None:
    lay_out_events(tmp_path)
    first = add_stage(tmp_path, "core.one", f"{HEADER}\nselect items.item_id\nfrom core.itms\n")
    second = add_stage(tmp_path, "features.two", f"{HEADER}\nselect test.item_id\nfrom split.test\n")
    told = refused(build_in(tmp_path, warehouse), 2)
    assert [one.where for one in told] == [f"{first}:5", f"{second}:5"]


def test_a_file_that_names_no_table_is_refused(tmp_path: Path, warehouse: Path) -> None:
    path = add_stage(lay_out_events(tmp_path), "cor.mine", f"{HEADER}\nselect 1 as item_id\n")
    (told,) = refused(build_in(tmp_path, warehouse), 2)
    assert told.where == str(path)
    assert "core" in told.fix


def test_a_failed_build_keeps_what_was_finished_and_the_next_goes_on(tmp_path: Path) -> None:
    lay_out_events(tmp_path)
    path = add_stage(tmp_path, "recs.mine", f"{HEADER}\nselect items.item_id from core.items cross join core.users\n")
    project, graph = load(tmp_path)
    told: list[Event] = []
    with pytest.raises(CheckError, match=r"recs\.mine has"):
        told.extend(build(project, graph, How("recsys", MEMORY, threads=2)))
    finished = {event.stage for event in told if isinstance(event, Built) and event.made_as == "table"}
    assert finished
    assert not (tmp_path / "warehouse" / "recsys.duckdb").exists()
    path.unlink()
    again = run_build(tmp_path)
    assert isinstance(again[-1], Published)
    assert not {event.stage for event in again if isinstance(event, Built)} & finished


def test_json_lines_end_with_the_failure_and_its_exit_code(tmp_path: Path, warehouse: Path) -> None:
    add_stage(lay_out_events(tmp_path), "core.mine", f"{HEADER}\nselect null as item_id\n")
    done = build_in(tmp_path, warehouse, "--json")
    last = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 1
    assert last["event"] == "failed"
    assert last["exit_code"] == 1
    assert last["what"] == "column item_id has type NULL"
    assert last["where"]
    assert last["fix"]


@pytest.mark.parametrize(
    "question",
    [
        "select 1; select 2",
        "insert into meta.files values (1)",
        "create table mine as select 1",
        "drop view core.events",
        "copy (select 1) to 'stolen.csv'",
        "attach 'stolen.duckdb' as stolen",
        "set memory_limit = '1GB'",
        "pragma database_list",
        "",
        "select 1; drop view core.events",
        "with rows as (select 1) insert into meta.files select * from rows",
    ],
)
def test_a_question_is_one_select_and_nothing_else(published: Path, warehouse: Path, question: str) -> None:
    done = command_here(published, "query", question)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert errors_of(done.stderr)[0].what in ("only one SELECT can be asked", "the query failed")
    assert errors_of(done.stderr)[0].fix
    assert not list(published.glob("stolen*"))


@pytest.mark.parametrize(
    "question",
    [
        "from 'events.parquet'",
        "select nothing from core.events",
        "from core.itms",
        "selec 1",
    ],
)
def test_a_question_that_fails_or_reaches_outside_is_refused(published: Path, warehouse: Path, question: str) -> None:
    (told,) = refused(command_here(published, "query", question), 2)
    assert told.what == "the query failed"
    assert told.where == question
    assert told.cause


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        ("read_csv", "/etc/passwd"),
        ("read_text", "recsys.toml"),
        ("read_parquet", "events.parquet"),
        ("glob", "/etc/*"),
        ("sniff_csv", "/etc/passwd"),
    ],
)
def test_a_question_calls_no_function_that_reads_files(
    published: Path, warehouse: Path, function: str, argument: str
) -> None:
    (told,) = refused(command_here(published, "query", f"from {function}('{argument}')"), 2)
    assert told.what == f"{function}() is out of reach of a question"
    assert "duckdb_views()" in told.fix


def test_a_question_before_any_build_is_told_to_build(tmp_path: Path) -> None:
    lay_out_events(tmp_path)
    (told,) = refused(command_here(tmp_path, "query", "select 1"), 2)
    assert told.what == "nothing is published as recsys"
    assert "build first" in told.fix
    assert not (tmp_path / "warehouse").exists()


def test_a_question_to_an_unknown_environment_offers_those_there_are(published: Path, warehouse: Path) -> None:
    (told,) = refused(command_here(published, "query", "select 1", "--as", "recsis"), 2)
    assert told.what == "nothing is published as recsis"
    assert "did you mean recsys?" in told.fix


@pytest.mark.parametrize(("question", "what"), [("funel", "there is no example funel"), ("x.sql", "can't read x.sql")])
def test_an_unknown_example_or_file_is_told(published: Path, warehouse: Path, question: str, what: str) -> None:
    (told,) = refused(command_here(published, "query", question), 2)
    assert told.what == what


def test_an_unknown_stage_is_not_printed(published: Path, warehouse: Path) -> None:
    (told,) = refused(command_here(published, "sql", "core.itms"), 2)
    assert told.what == "there is no SQL stage core.itms"
    assert told.fix == "did you mean core.items?"


def test_a_demo_does_not_touch_a_folder_that_is_no_demo(published: Path, warehouse: Path) -> None:
    (told,) = refused(command_here(published, "demo", "."), 2)
    assert told.what == "this folder holds another project"


def test_a_demo_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file of somebody")
    (told,) = refused(command_here(tmp_path, "demo", "taken"), 2)
    assert "taken" in told.where


@pytest.mark.parametrize("error", [StageError, CheckError, RecsysDuckError])
def test_an_error_shows_what_where_fix_and_the_engines_text_below(error: type[RecsysDuckError]) -> None:
    shown = str(error("it broke", where="here", fix="mend it", cause="two\nlines"))
    assert shown == "error: it broke\n  where: here\n  fix:   mend it\n    two\n    lines"
