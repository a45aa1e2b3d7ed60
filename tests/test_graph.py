"""The graph: unknown names, cycles, layers, contracts and selections, each told with its place."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from projects import add_stage, lay_out_events, load

from recsys_duck import settings
from recsys_duck.errors import ProblemsError, ProjectError
from recsys_duck.graph import Graph
from recsys_duck.kind import load_kind


def counting(*reads: str, name: str = "n_rows") -> str:
    """Write a stage that counts the rows of tables; the first stands in line 7."""
    return (
        f"-- Rows, for a test.\n-- grain: none\n-- why: only what it reads matters.\n\nselect\n    count(*) as {name}\n"
        f"from {' cross join '.join(reads)}\n"
    )


@pytest.fixture(name="project")
def project_folder(tmp_path: Path) -> Path:
    """A folder with a project of kind events."""
    return lay_out_events(tmp_path)


@pytest.fixture(name="graph", scope="module")
def shipped_graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """The graph of kind events as it ships."""
    return load(lay_out_events(tmp_path_factory.mktemp("shipped")))[1]


def problem(folder: Path) -> ProjectError:
    """Load a project that must not pass."""
    with pytest.raises(ProjectError) as caught:
        load(folder)
    assert caught.value.exit_code == 2
    return caught.value


def test_every_stage_comes_after_all_that_it_reads(graph: Graph) -> None:
    order = list(graph.stages)
    for key, inputs in graph.upstream.items():
        assert all(order.index(one) < order.index(key) for one in inputs)


def test_the_order_is_the_same_every_time(graph: Graph, tmp_path: Path) -> None:
    assert list(load(lay_out_events(tmp_path))[1].stages) == list(graph.stages)


def test_an_unknown_table_is_told_with_its_line_and_a_near_miss(project: Path) -> None:
    path = add_stage(project, "core.mine", counting("core.itms"))
    error = problem(project)
    assert error.what == "core.mine reads core.itms, which nothing makes"
    assert error.where == f"{path}:7"
    assert error.fix == "did you mean core.items?"


def test_an_unknown_input_is_told_with_the_inputs_there_are(project: Path) -> None:
    path = add_stage(project, "staging.mine", counting("files.evnts"))
    error = problem(project)
    assert error.where == f"{path}:7"
    assert error.fix == "did you mean files.events?"


def test_an_unknown_planning_table_is_told(project: Path) -> None:
    add_stage(
        project, "features.mine", counting("split.train").replace("-- why:", "-- for each: features.blocks\n-- why:")
    )
    assert "features.mine reads features.blocks, which nothing makes" in problem(project).what


def test_an_undeclared_parameter_is_told_with_its_line_and_a_near_miss(project: Path) -> None:
    path = add_stage(project, "core.mine", counting("core.items") + "where $topn = 3\n")
    error = problem(project)
    assert error.what == "core.mine uses $topn, which is not declared"
    assert error.where == f"{path}:8"
    assert error.fix == "did you mean top_n?"


def test_a_column_of_the_planning_table_is_a_declared_parameter(project: Path) -> None:
    add_stage(project, "features.blocks", counting("split.train", name="block"))
    each = counting("split.train").replace("-- why:", "-- for each: features.blocks\n-- why:")
    add_stage(project, "features.mine", each + "where $block > 0\n")
    assert "features.blocks" in load(project)[1].upstream["features.mine"]
    add_stage(project, "features.mine", each + "where $blok > 0\n")
    assert problem(project).fix == "did you mean block?"


def test_stages_that_read_each_other_are_named_in_a_circle(project: Path) -> None:
    add_stage(project, "core.one", counting("core.three"))
    add_stage(project, "core.two", counting("core.one"))
    add_stage(project, "core.three", counting("core.two"))
    error = problem(project)
    assert error.what == "stages read each other in a circle"
    named = error.where.split(" → ")
    assert named[0] == named[-1]
    assert set(named) == {"core.one", "core.two", "core.three"}
    reads = {"core.one": "core.three", "core.two": "core.one", "core.three": "core.two"}
    steps = list(pairwise(named))
    assert all(reads[left] == right for left, right in steps) or all(reads[right] == left for left, right in steps)


def test_a_stage_that_reads_itself_is_a_circle(project: Path) -> None:
    add_stage(project, "core.mine", counting("core.mine"))
    assert problem(project).where == "core.mine → core.mine"


@pytest.mark.parametrize(
    ("layer", "read"),
    [
        ("staging", "core.items"),
        ("core", "files.events"),
        ("core", "split.train"),
        ("core", "recs.popular"),
        ("split", "staging.events"),
        ("split", "files.events"),
        ("split", "features.item_popularity"),
        ("features", "staging.events"),
        ("features", "core.events"),
        ("features", "core.interactions"),
        ("features", "core.item_counts"),
        ("features", "split.events"),
        ("features", "split.test"),
        ("features", "recs.popular"),
        ("training", "core.interactions"),
        ("training", "split.test"),
        ("models", "core.daily_counts"),
        ("models", "split.manifest"),
        ("recs", "core.events"),
        ("recs", "split.test"),
        ("eval", "core.events"),
        ("eval", "staging.items"),
        ("eval", "split.events"),
        ("eval", "files.items"),
    ],
)
def test_a_layer_never_reads_what_would_leak_or_run_backwards(project: Path, layer: str, read: str) -> None:
    path = add_stage(project, f"{layer}.mine", counting(read))
    error = problem(project)
    assert error.what == f"{layer}.mine may not read {read}"
    assert error.where == f"{path}:7"
    assert ("split.train" in error.fix) == (layer not in ("staging", "core", "split"))


@pytest.mark.parametrize(
    ("layer", "read"),
    [
        ("staging", "files.events"),
        ("staging", "staging.items"),
        ("core", "staging.events"),
        ("split", "core.interactions"),
        ("features", "split.train"),
        ("features", "core.item_tags"),
        ("training", "features.item_popularity"),
        ("models", "core.users"),
        ("recs", "core.tags"),
        ("recs", "recs.popular"),
        ("eval", "split.test"),
        ("eval", "recs.personal"),
        ("eval", "core.items"),
    ],
)
def test_a_layer_reads_what_lies_before_it(project: Path, layer: str, read: str) -> None:
    add_stage(project, f"{layer}.mine", counting(read))
    _, graph = load(project)
    assert graph.upstream[f"{layer}.mine"] == graph.producers.get(read, ())


def test_all_problems_of_all_stages_are_told_at_once(project: Path) -> None:
    add_stage(project, "core.one", counting("core.itms") + "where $topn = 3\n")
    add_stage(project, "features.two", counting("split.test"))
    error = problem(project)
    assert isinstance(error, ProblemsError)
    assert {one.what for one in error.problems} == {
        "core.one reads core.itms, which nothing makes",
        "core.one uses $topn, which is not declared",
        "features.two may not read split.test",
    }


def test_problems_of_several_files_headers_and_sql_are_told_at_once(project: Path) -> None:
    first = add_stage(project, "core.one", "-- No grain.\n\nselect 1 as one\n")
    second = add_stage(project, "core.two", "-- No SQL.\n-- grain: one\n\nselect from\n")
    error = problem(project)
    assert isinstance(error, ProblemsError)
    assert [one.where.split(":")[0] for one in error.problems] == [str(first), str(second)]


def test_a_gate_reads_what_it_judges(project: Path) -> None:
    text = (
        "-- A gate, for a test.\n-- grain: user_id\n-- gate of: staging.users\n\n"
        "select users.user_id, cast(null as varchar) as reject_reason\nfrom core.users\n"
    )
    path = add_stage(project, "core.mine", text)
    error = problem(project)
    assert error.what == "core.mine is a gate of staging.users but does not read it"
    assert error.where.startswith(str(path))


def test_a_view_over_source_files_is_refused(project: Path) -> None:
    path = add_stage(project, "staging.mine", counting("files.events").replace("-- why:", "-- as: view\n-- why:"))
    error = problem(project)
    assert error.what == "staging.mine is a view over source files"
    assert error.where.startswith(str(path))


@pytest.mark.parametrize(
    "columns", ["items.item_id", "items.item_id, items.item_name, items.item_id as extra", "items.item_id, 1 as name"]
)
def test_a_staging_table_that_breaks_the_contract_is_refused_with_its_columns(project: Path, columns: str) -> None:
    text = f"-- Items, for a test.\n-- grain: none\n-- why: a test.\n\nselect {columns}\nfrom files.items\n"
    path = add_stage(project, "staging.items", text)
    error = problem(project)
    assert error.what == "staging.items is not what the staging contract asks for"
    assert error.where.startswith(str(path))
    assert error.fix == "give the columns item_id, item_name"


def test_a_stage_of_the_project_hides_ours_of_the_same_name(project: Path) -> None:
    path = add_stage(project, "core.daily_counts", counting("core.events"))
    loaded, graph = load(project)
    assert loaded.stages["core.daily_counts"].origin == "project"
    assert getattr(graph.stages["core.daily_counts"], "path", None) == path.resolve()


def test_a_name_selects_its_own_stages_only(graph: Graph) -> None:
    assert graph.select("core.items") == {"core.items"}
    assert graph.select("recs.personal") == {"recs.personal/popular", "recs.personal/als", "recs.personal/item_knn"}
    assert graph.select("models.fits") == graph.select("models.als") == {"models.als"}
    assert graph.select("recs.personal/popular") == {"recs.personal/popular"}


def test_a_plus_in_front_adds_all_it_needs(graph: Graph) -> None:
    staged = {f"staging.{name}" for name in ("events", "aliases", "item_aliases")}
    assert graph.select("+staging.events") == staged
    assert graph.select("+core.items") == {"core.items", "staging.items", "staging.catalog_items", *staged}


def test_a_plus_behind_adds_all_that_needs_it(graph: Graph) -> None:
    chosen = graph.select("core.item_tags+")
    assert chosen == {"core.item_tags"} | {key for key, inputs in graph.upstream.items() if chosen & set(inputs)}
    assert "core.tag_counts" in chosen
    assert "core.tags" not in chosen


def test_a_plus_on_both_sides_adds_both(graph: Graph) -> None:
    both = graph.select("+split.cut+")
    assert both == graph.select("+split.cut") | graph.select("split.cut+")
    assert {"staging.events", "split.cut", "recs.popular"} <= both
    assert "core.daily_counts" not in both


@pytest.mark.parametrize("pattern", ["core.itms", "+core.itms", "core.itms+", "+core.itms+"])
def test_a_selection_that_names_nothing_is_refused_with_a_near_miss(graph: Graph, pattern: str) -> None:
    with pytest.raises(ProjectError) as caught:
        graph.select(pattern)
    assert caught.value.what == "there is no table core.itms"
    assert caught.value.where == "--select"
    assert caught.value.fix == "did you mean core.items?"


SIDE = "-- What is known of users, for a test.\n-- grain: user_id\n\nselect users.user_id\nfrom {}\n"


def with_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let kind events name a side table, as a kind with profiles does."""
    kind = load_kind("events")
    monkeypatch.setattr(settings, "load_kind", lambda *_, **__: replace(kind, side=("core.profiles",)))


def test_a_side_table_is_read_after_the_split(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_stage(project, "core.profiles", SIDE.format("core.users"))
    add_stage(project, "features.mine", counting("core.profiles"))
    assert problem(project).what == "features.mine may not read core.profiles"
    with_side(monkeypatch)
    assert "features.mine" in load(project)[1].stages


def test_a_side_table_is_not_made_of_events(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_side(monkeypatch)
    add_stage(project, "core.met_users", SIDE.format("core.events as users").replace("users.user_id", "user_id"))
    add_stage(project, "core.profiles", SIDE.format("core.met_users as users"))
    error = problem(project)
    assert error.what == "core.met_users may not read core.events"
    assert "describe users and items whatever they met" in error.fix


def test_a_stage_that_is_off_is_left_out_and_who_reads_it_is_told_how_to_switch_it_on(project: Path) -> None:
    header = "-- only if: max_small_history\n-- why:"
    add_stage(project, "core.mine", counting("core.items").replace("-- why:", header))
    assert "core.mine" not in load(project)[1].stages
    assert "core.mine" in load(project, parameters=[("max_small_history", 1)])[1].stages
    add_stage(project, "core.other", counting("core.mine"))
    assert problem(project).fix == "it is made only if max_small_history is on"
    add_stage(project, "core.mine", counting("core.items").replace("-- why:", header.replace("_history", "_histry")))
    assert problem(project).fix == "did you mean max_small_history?"
