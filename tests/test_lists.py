"""Lists by name: on the command line, in the shell's macros, and as a text of neighbours."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from building import lay_out, rows, run
from projects import command_here, write_parquet

NAMES = """
    select cast(item_id as bigint) as item_id,
        case when item_id < 3 then 'The Same' else 'Item ' || item_id end as item_name
    from range(1, 13) as items(item_id)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lists")
    write_parquet(root / "items.parquet", NAMES)
    write_parquet(root / "users.parquet", "select 50::bigint as user_id, 'Nobody' as user_name")
    lay_out(root, toml='[parameters]\nsplit = "random"\ntest_share = 0.3\npair_min_count = 1\n')
    run(root)
    return root


def test_similar_shows_the_list_of_every_item_of_the_name(project: Path) -> None:
    done = command_here(project, "similar", "the same", "-n", "2", "--format", "csv")
    assert done.returncode == 0, done.stderr
    wanted = rows(
        project,
        """select similar_items.item_id, 'The Same', rank, similar_item_id, items.item_name, score
        from recs.similar_items join core.items on items.item_id = similar_item_id
        where similar_items.item_id in (1, 2) and rank <= 2 order by 1, rank""",
    )
    assert done.stdout.splitlines()[1:] == [",".join(map(str, row)) for row in wanted]
    assert len(wanted) == 4
    by_id = command_here(project, "similar", "2", "-n", "2", "--format", "csv").stdout.splitlines()
    assert by_id[1:] == done.stdout.splitlines()[3:]


def test_an_unknown_name_is_told_with_the_nearest(project: Path) -> None:
    done = command_here(project, "similar", "Itm 7")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no item is named 'Itm 7'" in done.stderr
    assert "did you mean Item 7" in done.stderr
    for wanted in ("sme", " same", "the smae"):
        assert "did you mean The Same?" in command_here(project, "similar", wanted).stderr


def test_an_item_without_neighbours_is_told_apart_from_an_unknown_one(project: Path) -> None:
    done = command_here(project, "similar", "Item 12")  # nobody met it
    assert done.returncode == 2
    assert "nothing is similar to 'Item 12'" in done.stderr


def test_recommend_shows_each_models_list_or_one(project: Path) -> None:
    done = command_here(project, "recommend", "3", "-n", "1", "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert [line.split(",")[:2] for line in done.stdout.splitlines()[1:]] == [
        ["als", "1"],
        ["item_knn", "1"],
        ["popular", "1"],
    ]
    one = command_here(project, "recommend", "3", "--model", "als", "--format", "csv").stdout.splitlines()
    count = rows(project, "select count(*) from recs.personal where user_id = 3 and model_name = 'als' and rank <= 10")
    assert len(one) - 1 == count[0][0]
    assert {line.split(",")[0] for line in one[1:]} == {"als"}


def popular(project: Path, n: int) -> list[str]:
    found = rows(project, f"select rank, item_id from recs.popular where rank <= {n} order by rank")
    return [f"popular,{rank},{item_id}" for rank, item_id in found]


def test_a_user_without_events_gets_the_popular_list_and_is_told(project: Path) -> None:
    for arguments, told in (
        (("99",), "there is no user 99: the popular list is shown"),
        (("99", "--model", "popular"), "there is no user 99: the popular list is shown"),
        (("50",), "user 50 has no events in train: the popular list is shown"),
    ):
        done = command_here(project, "recommend", *arguments, "-n", "4", "--format", "csv")
        assert done.returncode == 0
        assert [",".join(line.split(",")[:3]) for line in done.stdout.splitlines()[1:]] == popular(project, 4)
        assert told in done.stderr.splitlines()
    done = command_here(project, "recommend", "99", "--model", "als")
    assert (done.returncode, done.stdout) == (2, "")
    assert "leave out --model for the popular list" in done.stderr


def test_an_unknown_model_and_an_id_of_another_type_are_told(project: Path) -> None:
    done = command_here(project, "recommend", "3", "--model", "asl")
    assert done.returncode == 2
    assert "no list of model asl for user 3" in done.stderr
    assert "did you mean als? models with lists: als, item_knn, popular" in done.stderr
    done = command_here(project, "recommend", "three")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no user three: user ids are whole numbers here" in done.stderr


def test_a_user_who_met_everything_gets_no_list_of_what_was_met(tmp_path: Path) -> None:
    lay_out(tmp_path, events="select user_id, item_id from range(4) u(user_id), range(5) i(item_id)")
    run(tmp_path, given={"parameters": [("models", ["popular"])]})
    done = command_here(tmp_path, "recommend", "3")
    assert (done.returncode, done.stdout) == (2, "")
    assert "include_seen" in done.stderr


def test_a_text_id_that_is_nearly_one_is_offered(tmp_path: Path) -> None:
    lay_out(tmp_path, events="select 'user ' || u as user_id, i as item_id from range(3) a(u), range(4) b(i)")
    run(tmp_path, select=("+recs.personal", "+recs.popular"), given={"parameters": [("models", ["popular"])]})
    done = command_here(tmp_path, "recommend", "User1")
    assert done.returncode == 0
    assert "there is no user User1 (did you mean user 1" in done.stderr
    assert "lists learned from all events" in done.stderr  # also without split.manifest


def test_recommend_says_what_its_lists_learned_from(project: Path, tmp_path: Path) -> None:
    (n_held_out,) = rows(project, "select count(*) from split.test")[0]
    told = command_here(project, "recommend", "3").stderr
    assert told.splitlines()[-1] == f"lists learned from train of split = random; {n_held_out} events held out"
    lay_out(tmp_path)
    for parameters, wanted in (
        ({}, "lists learned from all events, {n}"),
        ({"train_sample": 0.5}, "a sample of it: train_sample = 0.5"),
        ({"split": "time", "cutoff": "2024-01-02"}, "split = time, cutoff 2024-01-02 00:00:00; "),
    ):
        run(tmp_path, given={"parameters": [("models", ["popular"]), *parameters.items()]})
        ((n_events, n_test),) = rows(tmp_path, "select n_events, n_test_events from split.manifest")
        last = command_here(tmp_path, "recommend", "2").stderr.splitlines()[-1]
        assert wanted.format(n=n_events) in last
        assert "split" not in parameters or last.endswith(f"; {n_test} events held out")


def test_the_macro_says_what_the_command_says(project: Path) -> None:
    found = rows(project, "select item_id, rank, similar_item_id from similar_to('THE SAME')")
    wanted = "select item_id, rank, similar_item_id from recs.similar_items where item_id in (1, 2) order by 1, 2"
    assert found == rows(project, wanted)
    assert found


def test_neighbours_are_a_line_an_item_best_first(project: Path) -> None:
    done = command_here(project, "export", "neighbours", "coco.txt")
    assert done.returncode == 0, done.stderr
    lists: dict[object, list[object]] = defaultdict(list)
    for item, other in rows(project, "select item_id, similar_item_id from recs.similar_items order by item_id, rank"):
        lists[item].append(other)
    text = "".join(" ".join(map(str, [item, *others])) + "\n" for item, others in lists.items())
    assert (project / "coco.txt").read_text() == text
    assert f"{len(lists)} neighbours" in done.stderr
    assert command_here(project, "export", "neighbours", "-").stdout == text


def test_an_export_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    select = "select user_id, 'an item ' || item_id as item_id from range(3) u(user_id), range(4) i(item_id)"
    lay_out(tmp_path, events=select)
    run(tmp_path)
    (tmp_path / "coco.txt").write_text("as it was\n")
    done = command_here(tmp_path, "export", "neighbours", "coco.txt")
    assert done.returncode == 2
    assert "holds a blank" in done.stderr
    assert (tmp_path / "coco.txt").read_text() == "as it was\n"
    done = command_here(tmp_path, "export", "neighbours", "nowhere/coco.txt")
    assert done.returncode == 2
    assert [path.name for path in tmp_path.glob("*coco*")] == ["coco.txt"]


def test_a_pipe_is_written_to_and_a_link_stays_a_link(project: Path, tmp_path: Path) -> None:
    text = command_here(project, "export", "neighbours", "-").stdout
    fifo, link, target = tmp_path / "pipe", tmp_path / "link.txt", tmp_path / "target.txt"
    os.mkfifo(fifo)
    reader = subprocess.Popen(["cat", str(fifo)], stdout=subprocess.PIPE, text=True)
    assert command_here(project, "export", "neighbours", str(fifo)).returncode == 0
    assert reader.communicate(timeout=20)[0] == text
    assert fifo.is_fifo()
    link.symlink_to(target)
    assert command_here(project, "export", "neighbours", str(link)).returncode == 0
    assert link.is_symlink()
    assert target.read_text() == text


@pytest.mark.parametrize("name", ["nowhere/coco.txt", "x" * 300, ""])
def test_a_file_that_can_t_be_written_is_told(project: Path, name: str) -> None:
    done = command_here(project, "export", "neighbours", name)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_reader_that_stops_early_is_no_failure(project: Path) -> None:
    command = f"{sys.executable} -m recsys_duck query 'select unnest(range(200000)) as n' --format csv | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=project, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "n\n", "")


def test_lists_that_are_not_published_are_told(tmp_path: Path) -> None:
    lay_out(tmp_path)
    run(tmp_path, select=("+core.items",))
    for arguments in (("similar", "3"), ("recommend", "3"), ("export", "neighbours", "x.txt")):
        done = command_here(tmp_path, *arguments)
        assert done.returncode == 2
        assert "is not published here" in done.stderr
        assert "--select +recs." in done.stderr
