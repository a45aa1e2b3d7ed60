"""Bad input to what makes, shows and judges lists: told with its exit code, nothing lost, nothing half-published."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from building import ran
from projects import ask, command_here, lay_out_events, published_files, run_build, write_parquet
from test_bad_input import errors_of, refused

LIMITS = ("--memory-limit", "600MB", "--threads", "2")
QUICK = '[parameters]\nsplit = "random"\niterations = 2\nfactors = 4\n'
MET = """
    select cast(u as bigint) as user_id, cast(100 + i as bigint) as item_id
    from range(8) as users(u), range(9) as items(i) where (u * i) % 5 <> 2
"""
NAMES = {
    100: "O'Brien",
    101: '100% "real"',
    102: "naïve ☃",
    103: "two\nlines",
    104: None,
    105: "101",
    106: "Same",
    107: "same",
    200: "nobody met it",
}


def lay_out(folder: Path, select: str = MET, *, settings: str = QUICK) -> Path:
    """Lay out a project whose items have awkward names, and a user who has met nothing."""
    shown = {item: "null" if name is None else "'" + name.replace("'", "''") + "'" for item, name in NAMES.items()}
    values = ", ".join(f"(cast({item} as bigint), {name})" for item, name in shown.items())
    write_parquet(folder / "items.parquet", f"from (values {values}) as items(item_id, item_name)")
    write_parquet(folder / "users.parquet", "select cast(99 as bigint) as user_id, 'newcomer' as user_name")
    files = '[files]\nitems = "items.parquet"\nusers = "users.parquet"\n'
    return lay_out_events(folder, select, settings=files + settings)


@pytest.fixture(name="published", scope="module")
def published_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with lists, built and published; tests only ask it."""
    folder = lay_out(tmp_path_factory.mktemp("published"))
    run_build(folder)
    return folder


@pytest.fixture(name="project")
def unchanged_project(published: Path) -> Iterator[Path]:
    """The published project; whatever the test does, catalogs and folder are the same afterwards."""
    before = published_files(published / "warehouse"), sorted(os.listdir(published))
    yield published
    assert (published_files(published / "warehouse"), sorted(os.listdir(published))) == before
    assert not (published / "warehouse" / "temporary").exists()


@pytest.mark.parametrize(
    ("name", "items"),
    [
        ("O'Brien", {"100"}),
        ("o'BRIEN", {"100"}),
        ('100% "real"', {"101"}),
        ("NAÏVE ☃", {"102"}),
        ("two\nlines", {"103"}),
        ("104", {"104"}),
        ("101", {"101", "105"}),  # the id of one, the name of another
        ("SAME", {"106", "107"}),
    ],
)
def test_an_awkward_name_finds_its_items(project: Path, name: str, items: set[str]) -> None:
    done = command_here(project, "similar", name, "-n", "1", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert {line.split(":")[1].split(",")[0].strip() for line in done.stdout.splitlines()} == items


@pytest.mark.parametrize(
    "name", ["", " ", "%", "_", "null", "0101", "x'; drop view core.items; --", "\x00", "a" * 5000]
)
def test_a_name_that_nobody_has_is_refused(project: Path, name: str) -> None:
    (told,) = refused(command_here(project, "similar", name), 2)
    assert told.what.startswith("no item is named ")


def test_an_item_that_nobody_met_has_no_list(project: Path) -> None:
    (told,) = refused(command_here(project, "similar", "Nobody met it"), 2)
    assert told.what == "nothing is similar to 'Nobody met it'"


@pytest.mark.parametrize(
    ("user", "what"),
    [
        ("01", "there is no user 01: the popular list is shown"),
        ("-1", "there is no user -1: the popular list is shown"),
        ("99", "user 99 has no events in train: the popular list is shown"),
    ],
)
def test_a_user_without_events_gets_the_popular_list_and_is_told(project: Path, user: str, what: str) -> None:
    done = command_here(project, "recommend", "--format", "json", "--", user)
    assert done.returncode == 0
    assert {json.loads(line)["model_name"] for line in done.stdout.splitlines()} == {"popular"}
    assert done.stderr.splitlines()[0] == what


@pytest.mark.parametrize("user", ["", "1.0", "1 ", "null", "*", "1' or '1' = '1", "\x00"])
def test_a_user_that_is_none_is_refused(project: Path, user: str) -> None:
    (told,) = refused(command_here(project, "recommend", "--", user), 2)
    assert told.what.startswith("there is no user ")


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["99", "--model", "als"], "leave out --model for the popular list"),
        (["1", "--model", "ALS"], "als"),
        (["1", "--model", "'"], "als, item_knn, popular"),
    ],
)
def test_a_list_that_is_not_there_says_which_there_are(project: Path, arguments: list[str], fix: str) -> None:
    (told,) = refused(command_here(project, "recommend", *arguments), 2)
    assert told.what.startswith("there is no list ")
    assert fix in told.fix


@pytest.mark.parametrize(
    "arguments",
    [
        ["similar"],
        ["similar", "Same", "-n", "0"],
        ["similar", "Same", "-n", "many"],
        ["similar", "Same", "--format", "xml"],
        ["recommend", "1", "-n", "-1"],
        ["export", "neighbours"],
        ["export", "neighbours", ""],
        ["sweep", "alpha=0,1"],
    ],
)
def test_a_wrong_usage_is_told(project: Path, arguments: list[str]) -> None:
    done = command_here(project, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("is_built", [False, True])
def test_without_lists_there_is_nothing_to_show_and_no_file_is_left(tmp_path: Path, is_built: bool) -> None:
    lay_out(tmp_path)
    if is_built:
        run_build(tmp_path, select=("+core.items",))
    before = sorted(os.listdir(tmp_path))
    for arguments in (["similar", "Same"], ["recommend", "1"], ["export", "neighbours", "out.txt"]):
        (told,) = refused(command_here(tmp_path, *arguments), 2)
        assert is_built or told.what == "nothing is published as recsys"
    assert sorted(os.listdir(tmp_path)) == before


def test_an_export_replaces_its_own_file_and_leaves_nothing_beside_it(tmp_path: Path, project: Path) -> None:
    target = tmp_path / "out.txt"
    for before in ("", "of another run\n" * 1000):
        target.write_text(before)
        assert command_here(project, "export", "neighbours", str(target)).returncode == 0
        assert len(target.read_text().splitlines()) == 9
    assert os.listdir(tmp_path) == ["out.txt"]


def test_an_export_into_a_folder_that_is_missing_is_refused(tmp_path: Path, project: Path) -> None:
    done = command_here(project, "export", "neighbours", str(tmp_path / "missing" / "out.txt"))
    (told,) = refused(done, 2 if done.returncode == 2 else 5)
    assert str(tmp_path / "missing") in told.where
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_an_export_without_the_right_to_write_is_refused(tmp_path: Path, project: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    done = command_here(project, "export", "neighbours", str(tmp_path / "closed" / "out.txt"))
    refused(done, 2 if done.returncode == 2 else 5)


def test_ids_with_blanks_are_shown_and_asked_for_but_not_exported(tmp_path: Path) -> None:
    select = "select 'u ' || u as user_id, 'i\t' || i as item_id from range(6) a(u), range(5) b(i)"
    settings = '[parameters]\nmodels = ["popular"]\ninclude_seen = true\n'
    run_build(lay_out_events(tmp_path, select, settings=settings))
    assert command_here(tmp_path, "recommend", "u 3").returncode == 0
    assert command_here(tmp_path, "similar", "i\t3").returncode == 0
    (told,) = refused(command_here(tmp_path, "export", "neighbours", "out.txt"), 2)
    assert "holds a blank" in told.what
    assert not list(tmp_path.glob("*out.txt*"))


@pytest.mark.parametrize(
    ("assignments", "what"),
    [
        (["alpah=1,2"], "there is no parameter alpah"),
        (["alpha"], "can't read 'alpha'"),
        (["=1,2"], "can't read '=1,2'"),
        (["alpha=1,x,2"], 'parameter alpha can\'t be "x"'),
        (["alpha=1,,2"], "can't read 'alpha=1,,2'"),
        (["alpha=1,null"], "parameter alpha can't be null"),
        (["alpha=0,1", "seed=0,x"], 'parameter seed can\'t be "x"'),
        (["models=als,popular"], 'parameter models can\'t be "als"'),
        (['models=["als"],["asl"]'], "models names asl, which is no part of recs.personal"),
        (["ks=5,10"], "parameter ks can't be 5"),
        (["ks=[5],[50]"], "ks asks for lists of 50, and top_n makes them 30 long"),
        (["split=none"], "split = none leaves nothing to judge by"),
        (["split=random,none"], "split = none leaves nothing to judge by"),
        (["split=random,time"], "split = time needs times"),
    ],
)
def test_an_alternative_that_is_unfit_stops_a_sweep_before_it_starts(
    project: Path, assignments: list[str], what: str
) -> None:
    sets = [text for one in assignments for text in ("--set", one)]
    done = command_here(project, "sweep", *sets, *LIMITS)
    (told,) = refused(done, 2)
    assert told.what.startswith(what)
    assert "tried" not in done.stderr


@pytest.mark.parametrize(
    ("name", "what"), [("recsys", "a sweep would take its tables away"), ("eval", "can't be named")]
)
def test_a_sweep_takes_no_name_that_is_taken(project: Path, name: str, what: str) -> None:
    (told,) = refused(command_here(project, "sweep", "--set", "popular_n=1,2", "--as", name, *LIMITS), 2)
    assert what in told.what


def test_sweeps_of_one_value_of_null_and_of_lists_are_kept_and_found_again(tmp_path: Path) -> None:
    lay_out(tmp_path, settings=QUICK + 'models = ["item_knn"]\n')
    for assignment, found in (
        ("similar_threshold=null,0.5", [(0.5,), (None,)]),
        ("ks=[1],[2,3]", [([1],), ([2, 3],)]),
    ):
        for ending in ("published  sweep", "unchanged  sweep"):
            done = command_here(tmp_path, "sweep", "--set", assignment, "--format", "csv", *LIMITS)
            assert done.returncode == 0, done.stderr
            assert ending in done.stderr
        name = assignment.partition("=")[0]
        question = f"select distinct {name} from eval.sweep order by {name} nulls last"
        assert ask(tmp_path / "warehouse", question, environment="sweep") == found
    done = command_here(tmp_path, "sweep", "--set", "ks=[5]", *LIMITS)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 16), done.stderr
    assert not (tmp_path / "warehouse" / "recsys.duckdb").exists()


@pytest.mark.parametrize(
    "assignment",
    [
        "ks=[0]",
        "ks=5",
        "ks=[1.5]",
        "ks=[31]",
        "top_n=4",
        "models=als",
        'models=[""]',
        "factors=0",
        "factors=2001",
        "iterations=0",
        "alpha=-1",
        "alpha=nan",
        "similar_k=0",
        "pair_min_count=0",
        "basket_min=-1",
        "basket_by=session",
        "similar_measure=cosin",
        "similar_threshold=nan",
        "weighting=log",
        "drop_unseen_test_items=1",
    ],
)
def test_a_parameter_of_lists_that_is_unfit_is_refused(project: Path, assignment: str) -> None:
    told = errors_of(command_here(project, "plan", "--set", assignment, *LIMITS).stderr)
    done = command_here(project, "build", "--set", assignment, *LIMITS)
    assert (done.returncode, done.stdout) == (2, "")
    assert errors_of(done.stderr) == told
    assert told[0].where
    assert "Traceback" not in done.stderr


def assert_sound(folder: Path) -> None:
    """Lists are finite, without gaps, and hold nothing that the user met."""
    warehouse = folder / "warehouse"
    assert ask(warehouse, "select count(*) from recs.personal where not isfinite(score)") == [(0,)]
    gaps = "select 1 from recs.personal group by model_name, user_id having max(rank) <> count(*) or min(rank) <> 1"
    assert ask(warehouse, gaps) == []
    assert ask(warehouse, "from recs.personal semi join split.train using (user_id, item_id)") == []
    assert (
        ask(
            warehouse,
            "from eval.metrics where value is null or metric <> 'novelty' and not value between 0 and 1.000001",
        )
        == []
    )


CARRIED = (
    "select u as user_id, i as item_id, {} as weight from range(8) as a(u), range(9) as b(i) where (u * i) % 5 <> 2"
)


@pytest.mark.parametrize(
    "select",
    [
        "select 1 as user_id, 2 as item_id",
        "select 1 as user_id, i as item_id from range(50) as t(i)",
        "select i as user_id, i as item_id from range(20) as t(i)",
        "select u as user_id, i as item_id from range(20) as a(u), range(6) as b(i)",
        "select -u as user_id, 9223372036854775807 - i as item_id from range(9) as a(u), range(9) as b(i)",
        CARRIED.format("0.0"),
        CARRIED.format("if(i % 3 = 0, -1.0, 1.0)"),
    ],
)
def test_events_of_any_shape_give_sound_lists(tmp_path: Path, select: str) -> None:
    run_build(lay_out_events(tmp_path, select, settings=QUICK + 'weighting = "raw"\n'))
    assert_sound(tmp_path)
    assert command_here(tmp_path, "export", "neighbours", "out.txt").returncode == 0


def test_parameters_at_their_edges_give_sound_lists(tmp_path: Path) -> None:
    lay_out(tmp_path)
    run_build(tmp_path)
    question = "select model_name, user_id, rank, item_id, score from recs.personal order by all"
    usual = ask(tmp_path / "warehouse", question)
    run_build(tmp_path, parameters=(("pairs_per_block", 1),))
    assert ask(tmp_path / "warehouse", question) == usual
    parameters = {"factors": 300, "alpha": 0.0, "similar_threshold": 1e300, "top_n": 1, "ks": [1]}
    run_build(tmp_path, parameters=tuple(parameters.items()))
    assert_sound(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [(["--set", "alpha=1e30"], 1, ""), (["--set", "alpha=2", "--memory-limit", "400MB"], 5, "models.als needs ")],
)
def test_a_fit_that_fails_publishes_nothing(project: Path, arguments: list[str], code: int, what: str) -> None:
    done = command_here(project, "build", *LIMITS, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    (told,) = errors_of(done.stderr)
    assert what in told.what
    assert told.where


@pytest.mark.parametrize(
    ("arguments", "sent", "code"),
    [
        (["build", "--set", "iterations=10000000"], signal.SIGINT, 130),
        (["build", "--set", "iterations=10000000"], signal.SIGTERM, 143),
        (["sweep", "--set", "iterations=1,10000000"], signal.SIGINT, 130),
    ],
)
def test_a_signal_in_a_fit_publishes_nothing_and_keeps_what_was_finished(
    project: Path, arguments: list[str], sent: signal.Signals, code: int
) -> None:
    command = [sys.executable, "-m", "recsys_duck", *arguments, *LIMITS]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        waited_for = "started    models.als" if arguments[0] == "build" else "tried      1 of 2"
        assert any(line.startswith(waited_for) for line in process.stderr)
        time.sleep(0.6)
        process.send_signal(sent)
        out, narrated = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, "")
    assert "what was finished is kept" in narrated
    assert "Traceback" not in narrated
    assert ran(run_build(project)) == set()
