"""A question reads the published tables and nothing else, within its time and memory, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars
import pytest
from building import lay_out, run, write_parquet
from projects import command_here, published_files

ENDLESS = "select count(*) from range(3000000) a(i), range(3000000) b(j) where (i * j) % 7 = 3"
OUTSIDE = {
    "a file": "from '{outside}/secret.csv'",
    "a file by a function": "from read_csv('{outside}/secret.csv')",
    "a file in a function in a subquery": "select (select count(*) from read_text('{outside}/secret.csv'))",
    "a file by a qualified function": "from system.main.read_blob('{outside}/secret.csv')",
    "a file in an upper-case function": "from READ_TEXT('{outside}/secret.csv')",
    "a file's layout": "from sniff_csv('{outside}/secret.csv')",
    "a file beside the tables": "from '{warehouse}/tables/../records/x.json'",
    "another database": "from read_duckdb('{warehouse}/recsys.duckdb')",
    "a list of files": "from glob('{outside}/*')",
    "the environment of this process": "from read_text('/proc/self/environ')",
    "the environment": "select getenv('HOME')",
    "another process": "from read_blob('/proc/1/cmdline')",
    "the internet": "from 'https://example.com/x.parquet'",
    "a table being read by hand": "from read_parquet('{warehouse}/tables/core/items/*/data.parquet')",
    "secrets": "from duckdb_secrets()",
    "logs": "from duckdb_logs()",
    "a log file": "from enable_logging('QueryLog', storage = 'file', storage_config = {{'path': '{outside}/log'}})",
    "a profile": "from enable_profiling(save_location = '{outside}/profile.json')",
    "SQL inside JSON": "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "SQL inside text": "from query('select 1')",
    "a checkpoint": "from force_checkpoint()",
    "a resource": "from create_external_resource('x')",
    "copy": "copy (select 1) to '{outside}/new.csv'",
    "copy in a CTE": "with x as (copy (select 1 as a) to '{warehouse}/tables/new.csv') from x",
    "copy in a CTE over a table": "with x as (copy (select 1 as a) to '{part}') from x",
    "copy in a described CTE": "describe with x as (copy (select 1 as a) to '{warehouse}/tables/new.csv') from x",
    "copy in JSON": "from json_execute_serialized_sql(json_serialize_sql("
    "'with x as (copy (select 1 as a) to ''{warehouse}/tables/new.csv'') from x'))",
    "insert": "insert into meta.files select * from meta.files",
    "insert in a CTE": "with x as (insert into meta.files select * from meta.files returning *) from x",
    "delete in a CTE": "with x as (delete from meta.files returning *) from x",
    "update in a CTE": "with x as (update meta.files set input = 'x' returning *) from x",
    "create": "create table mine as select 1",
    "create for a moment": "create temp table mine as select 1",
    "drop": "drop view recs.popular",
    "attach": "attach '{outside}/new.duckdb'",
    "detach": "detach recsys",
    "install": "install httpfs",
    "load": "load httpfs",
    "a setting": "set memory_limit = '100GB'",
    "a pragma": "pragma database_list",
    "a call": "call enable_logging()",
    "export": "export database '{outside}/exported'",
    "a secret": "create secret s (type http, bearer_token 'x')",
    "two statements": "select 1; drop view recs.popular",
    "nothing": "",
    "a comment": "-- select 1",
    "no SQL": "how many?",
    "a prepared statement": "prepare p as select 1",
    "depth": "select " + "+".join(["1"] * 950),
}


@pytest.fixture(scope="module", name="built")
def built_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = lay_out(tmp_path_factory.mktemp("asked"))
    run(root)
    return root


@pytest.fixture(name="project")
def unchanged_project(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The built project; whatever is asked, no file of it or of the temporary folder is changed, added or gone."""
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setenv("TMPDIR", str(spill))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = published_files(built / "warehouse"), tables_of(built)
    yield built
    assert (published_files(built / "warehouse"), tables_of(built)) == before
    assert list(spill.iterdir()) == []


def tables_of(root: Path) -> dict[str, tuple[int, int]]:
    files = [path for path in (root / "warehouse").rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


@pytest.mark.parametrize("name", sorted(OUTSIDE))
def test_a_question_reaches_nothing_but_the_tables(project: Path, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text("word\nhunter2\n")
    before = sorted(outside.iterdir())
    part = next((project / "warehouse/tables/core/items").glob("*/data.parquet"))
    question = OUTSIDE[name].format(outside=outside, warehouse=project / "warehouse", part=part)
    done = command_here(project, "query", "--", question)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
    assert sorted(outside.iterdir()) == before


@pytest.mark.parametrize(
    "question",
    [
        "from recs.popular limit 1",
        "with x as (select 1 as a) from x",
        "with recursive x as (select 1 as i union all select i + 1 from x where i < 3) from x",
        "select 1 union select 2",
        "values (1)",
        "describe core.items",
        "summarize core.items",
        "show all tables",
        "from duckdb_views()",
        "from information_schema.tables",
        "from explain('core.items')",
        "from recsys.core.items",
        "pivot core.interactions on item_id in (1, 2) using count(*)",
        "select unnest([1, 2]), x from RANGE(3) as numbers(x)",
        "from core.items;",
    ],
)
def test_whatever_only_reads_is_answered(project: Path, question: str) -> None:
    done = command_here(project, "query", question, "--format", "csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > 1


def test_python_s_variables_are_out_of_reach(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys_duck.question.secret", polars.DataFrame({"word": ["hunter2"]}), raising=False)
    done = command_here(project, "query", "from secret")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_proxy_s_password_is_not_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:hunter2@localhost:1")
    for question in ("select current_setting('http_proxy')", "from pg_settings where name ilike '%proxy%'"):
        assert "hunter2" not in command_here(project, "query", question).stdout


@pytest.mark.parametrize(
    "question",
    [ENDLESS, "select sleep_ms(100000)", "select count(*) from (from range(9000000000000) offset 8000000000000)"],
)
def test_work_without_end_is_stopped(project: Path, question: str) -> None:
    done = command_here(project, "query", question, "--timeout", "0.5")
    assert (done.returncode, done.stdout) == (5, "")
    assert "took longer than 0.5 s" in done.stderr
    assert "--timeout" in done.stderr


def test_rows_without_end_are_stopped_too(project: Path) -> None:
    done = command_here(project, "query", "from range(1000000000000)", "--format", "csv", "--timeout", "0.5")
    assert done.returncode == 5
    assert done.stdout.startswith("range\n0\n1\n")


def test_a_value_that_heeds_no_interrupt_is_left_behind(project: Path) -> None:
    question = "select len(list_sort(list_transform(range(40000000), lambda x: hash(x))))"
    command = [sys.executable, "-m", "recsys_duck", "query", question, "--timeout", "0.2", "--memory-limit", "4GB"]
    code = "import recsys_duck.question as q; q.GRACE_S = 0.2; from recsys_duck.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *command[3:]], cwd=project, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.splitlines()[0] == "error: the question took longer than 0.2 s"
    assert len(done.stderr.splitlines()) == 3


@pytest.mark.parametrize(
    "question",
    [
        "select list(i) from range(200000000) t(i)",
        "select string_agg(repeat('x', 1000), '') from range(1000000)",
        pytest.param(
            "select length(repeat('x', 3000000000))",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what a process allocates"),
        ),
    ],
)
def test_more_memory_than_the_limit_is_told(project: Path, question: str) -> None:
    done = command_here(project, "query", question, "--memory-limit", "400MB")
    assert (done.returncode, done.stdout) == (5, "")
    assert "memory does not suffice" in done.stderr
    assert "--memory-limit" in done.stderr


def test_a_sort_larger_than_the_limit_is_spilled_and_answered(project: Path) -> None:
    question = "select i, repeat('y', 100) from range(4000000) t(i) order by 2 desc, 1 desc limit 1 offset 3999999"
    done = command_here(project, "query", question, "--memory-limit", "400MB", "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].startswith("0,yyy")


def test_limits_are_given_back(project: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    command_here(project, "query", "select 1")
    command_here(project, "query", "select list(i) from range(200000000) t(i)", "--memory-limit", "400MB")
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_question(project: Path, tmp_path: Path, sent: signal.Signals, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "recsys_duck", "query", ENDLESS],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(200):
        if list((tmp_path / "spill").iterdir()):
            break
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(sent)
    out, told = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, "")
    assert "Traceback" not in told


def test_too_many_rows_for_a_table_are_told_and_written_as_csv(project: Path) -> None:
    done = command_here(project, "query", "from range(100001)")
    assert (done.returncode, done.stdout) == (5, "")
    assert "--format csv" in done.stderr
    done = command_here(project, "query", "from range(100001)", "--format", "csv")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 100_002)


def test_limits_come_from_recsys_toml_too(tmp_path: Path) -> None:
    lay_out(tmp_path, toml='memory_limit = "400MB"\nthreads = 1\n')
    run(tmp_path, select=("+core.items",))
    done = command_here(tmp_path, "query", "select list(i) from range(200000000) t(i)")
    assert done.returncode == 5
    done = command_here(tmp_path, "query", "select current_setting('threads') as threads", "--format", "csv")
    assert done.stdout == "threads\n1\n"


def test_a_question_is_answered_while_another_connection_of_the_process_is_open(project: Path) -> None:
    import duckdb

    with duckdb.connect(str(project / "warehouse/recsys.duckdb"), read_only=True) as connection:
        assert command_here(project, "query", "select 1").returncode == 0
        connection.execute("set threads = 1")  # not locked by the question
        assert connection.execute("select count(*) from recs.popular").fetchall() == [(11,)]


def test_a_catalog_that_is_none_is_told(tmp_path: Path) -> None:
    lay_out(tmp_path)
    run(tmp_path, select=("+core.items",))
    catalog = tmp_path / "warehouse/recsys.duckdb"
    catalog.chmod(0o644)
    os.truncate(catalog, 100)
    done = command_here(tmp_path, "query", "from core.items")
    assert done.returncode == 2
    assert "can't open the catalog" in done.stderr


def test_a_missing_table_of_the_catalog_is_told(tmp_path: Path) -> None:
    write_parquet(tmp_path / "items.parquet", "select 1 as item_id, 'The One' as item_name")
    lay_out(tmp_path)
    run(tmp_path, select=("+core.items",))
    for path in (tmp_path / "warehouse/tables/core/items").glob("*/data.parquet"):
        path.unlink()
    done = command_here(tmp_path, "query", "from core.items")
    assert done.returncode == 2
    assert "the query failed" in done.stderr
