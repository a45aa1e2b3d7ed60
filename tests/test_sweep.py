"""A sweep judges every combination, publishes only its own table, and agrees with the published figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from building import lay_out, ran, rows, run
from projects import command_here, published_files

from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProjectError
from recsys_duck.events import Event, Published, Tried, Warned
from recsys_duck.graph import build_graph
from recsys_duck.models import python_stages
from recsys_duck.project import load_project
from recsys_duck.run import How
from recsys_duck.settings import Given
from recsys_duck.sweep import load_combinations, parse_alternatives, sweep

SPLIT = ["split=random", "test_share=0.4"]
# alpha: implicit's precision at 100, as recipe 5.4 prints it
PUBLISHED = {1.0: 0.1440, 5.0: 0.1795, 9.0: 0.1817}


def swept(
    root: Path, assignments: Sequence[str], given: Mapping[str, object] | None = None, environment: str = "sweep"
) -> list[Event]:
    with SqlText() as reader:

        def load(chosen: list[tuple[str, object]]):  # type: ignore[no-untyped-def]  # noqa: ANN202
            project = load_project(Given(root=root, parameters=chosen, **(given or {})), reader, python_stages())  # type: ignore[arg-type]
            return project, build_graph(project)

        combinations = load_combinations(assignments, load)
    return list(sweep(combinations, How(environment, 1_000_000_000, 2)))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("alpha=0,1,5.5", [0, 1, 5.5]),
        ("alpha=1", [1]),
        ("split=random,time", ["random", "time"]),
        ("similar_threshold=null,0.004", [None, 0.004]),
        ('models=["als"]', [["als"]]),
        ('models=["als"],["als","popular"]', [["als"], ["als", "popular"]]),
        ("ks=[5],[10,20]", [[5], [10, 20]]),
    ],
)
def test_alternatives_are_read_as_set_reads_one_value(text: str, values: list[object]) -> None:
    assert parse_alternatives(text) == (text.partition("=")[0], values)


def test_each_combination_gives_what_a_build_of_it_publishes(tmp_path: Path) -> None:
    lay_out(tmp_path)
    events = swept(tmp_path, [*SPLIT, "alpha=1,5", "seed=0,1,2"])
    tried = [event for event in events if isinstance(event, Tried)]
    assert [event.combination for event in tried] == [
        {"alpha": alpha, "seed": seed} for alpha in ("1.0", "5.0") for seed in ("0", "1", "2")
    ]
    assert not (tmp_path / "warehouse" / "recsys.duckdb").exists()
    found = "model_name, metric, k, convention, value, n_users"
    for alpha, seed in ((1.0, 2), (5.0, 0)):
        given = {"parameters": [("split", "random"), ("test_share", 0.4), ("alpha", alpha), ("seed", seed)]}
        built = run(tmp_path, given)
        assert not {stage for stage in ran(built) if stage.startswith(("models.als", "recs.personal", "eval.metrics"))}
        one = f"select {found} from eval.sweep where alpha = {alpha} and seed = {seed} order by all"
        assert rows(tmp_path, one, "sweep") == rows(tmp_path, f"select {found} from eval.metrics order by all")


def test_a_sweep_that_is_there_is_published_once(tmp_path: Path) -> None:
    lay_out(tmp_path)
    swept(tmp_path, [*SPLIT, "similar_measure=cosine,count", 'models=["item_knn"]'])
    before = published_files(tmp_path / "warehouse")
    again = swept(tmp_path, [*SPLIT, "similar_measure=cosine,count", 'models=["item_knn"]'])
    assert [event.is_new for event in again if isinstance(event, Published)] == [False]
    assert published_files(tmp_path / "warehouse") == before
    assert rows(tmp_path, "select distinct similar_measure from eval.sweep order by 1", "sweep") == [
        ("cosine",),
        ("count",),
    ]
    comment = "select comment from duckdb_columns() where column_name = 'similar_measure'"
    assert "Measure of" in str(rows(tmp_path, comment, "sweep"))
    assert rows(tmp_path, "select value from meta.parameters where parameter = 'test_share'", "sweep") == [("0.4",)]


def test_an_environment_of_a_build_is_not_taken_away(tmp_path: Path) -> None:
    lay_out(tmp_path)
    run(tmp_path, {"parameters": [("models", ["popular"])]})
    before = published_files(tmp_path / "warehouse")
    with pytest.raises(ProjectError, match="recsys is what a build publishes"):
        swept(tmp_path, [*SPLIT, "seed=0,1"], environment="recsys")
    assert published_files(tmp_path / "warehouse") == before


def test_without_a_split_there_is_nothing_to_sweep_for(tmp_path: Path) -> None:
    lay_out(tmp_path)
    done = command_here(tmp_path, "sweep", "--set", "alpha=1,2")
    assert done.returncode == 2
    assert "split = none leaves nothing to judge by" in done.stderr
    assert not (tmp_path / "warehouse" / "tables").exists()


def test_an_unfit_value_is_refused_before_anything_runs(tmp_path: Path) -> None:
    lay_out(tmp_path)
    done = command_here(tmp_path, "sweep", "--set", "split=random", "--set", "alpha=1,-2")
    assert done.returncode == 2
    assert "parameter alpha can't be -2" in done.stderr
    assert not (tmp_path / "warehouse" / "tables").exists()


def test_the_table_is_printed_and_narration_is_kept_apart(tmp_path: Path) -> None:
    lay_out(tmp_path)
    arguments = [*SPLIT, "seed=0,1", "models=['popular']"]
    command = ["sweep", "--format", "csv", *(word for one in arguments for word in ("--set", one))]
    done = command_here(tmp_path, *command)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "seed,model_name,metric,k,convention,value,n_users"
    assert len(lines) == 1 + 2 * 3 * 15
    assert "tried      2 of 2: seed = 1" in done.stderr


def test_recipe_5_4_comes_out_as_published(slices_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mpd.slice.0-999.json").symlink_to(slices_folder / "mpd.slice.0-999.json")
    chosen = ["item_entity=track", "top_entities=0", "min_playlist_tracks=0", "split=random", "seed=0"]
    lists = ['models=["als"]', "top_n=100", "ks=[100]"]
    swept(tmp_path, [*chosen, *lists, "alpha=0,1,5,9"], {"kind": "mpd"})
    precision = "select alpha, value from eval.sweep where convention = 'hits_over_attainable'"
    found = dict(rows(tmp_path, precision, "sweep"))
    assert float(str(found.pop(0.0))) < 0.006
    assert found == pytest.approx(PUBLISHED, abs=0.008)
    assert rows(tmp_path, "select distinct n_users from eval.sweep where metric = 'precision'", "sweep") == [(983,)]


def test_equal_values_are_one_combination(tmp_path: Path) -> None:
    lay_out(tmp_path)
    events = swept(tmp_path, [*SPLIT, "alpha=1,1.0,2", 'models=["popular"]'])
    assert len([event for event in events if isinstance(event, Tried)]) == 2


def test_a_build_takes_no_sweep_away(tmp_path: Path) -> None:
    lay_out(tmp_path)
    swept(tmp_path, [*SPLIT, "seed=0,1", 'models=["popular"]'])
    with pytest.raises(ProjectError, match="sweep is what a sweep publishes"):
        run(tmp_path, environment="sweep")


def test_a_combination_that_fails_is_named_and_nothing_is_published(tmp_path: Path) -> None:
    lay_out(tmp_path)
    arguments = [*SPLIT, "alpha=1,1e30", 'models=["als"]']
    done = command_here(tmp_path, "sweep", *(word for one in arguments for word in ("--set", one)))
    assert done.returncode == 1
    assert "the factors of als are not finite" in done.stderr
    assert "alpha = 1e+30" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "warehouse" / "sweep.duckdb").exists()


def test_a_sweep_in_which_nothing_is_judged_says_so(tmp_path: Path) -> None:
    lay_out(tmp_path)
    events = swept(tmp_path, ["split=random", "test_share=0", "seed=0,1", 'models=["popular"]'])
    assert any("test is empty" in event.message for event in events if isinstance(event, Warned))


def test_a_damaged_table_of_a_sweep_is_made_again(tmp_path: Path) -> None:
    lay_out(tmp_path)
    arguments = [*SPLIT, "seed=0,1", 'models=["popular"]']
    swept(tmp_path, arguments)
    count = rows(tmp_path, "select count(*) from eval.sweep", "sweep")
    [path] = (tmp_path / "warehouse/tables/eval/sweep").glob("*/data.parquet")
    path.write_bytes(path.read_bytes()[:100])
    swept(tmp_path, arguments)
    assert rows(tmp_path, "select count(*) from eval.sweep", "sweep") == count


def test_a_parameter_given_twice_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path)
    with pytest.raises(ProjectError, match="given twice"):
        swept(tmp_path, [*SPLIT, "seed=1", "seed=2"])
