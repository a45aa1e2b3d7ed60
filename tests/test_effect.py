"""Settings that change nothing: refused where no stage of the kind reads them, told where others switch them off."""

from pathlib import Path

import pytest
from building import lay_out, run, write_stage
from projects import command_here, load

from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import ProblemsError, ProjectError
from recsys_duck.events import Warned
from recsys_duck.kind import SQL_FOLDER, kind_names, load_kind
from recsys_duck.models import python_stages
from recsys_duck.parameters import load_parameters, read_toml, table_of
from recsys_duck.project import read_stages, stage_folders
from recsys_duck.recipe import recipes

DECLARED = load_parameters(SQL_FOLDER / "parameters.toml")


def read_by(kind: str) -> set[str]:
    """Which parameters the texts of a kind's stages name, and what switches stages on."""
    with SqlText() as reader:
        stages = list(read_stages(stage_folders(Path("/nowhere"), load_kind(kind)), reader).values())
    shipped = [one for one in python_stages() if one.origin in ("shared", kind)]
    sql = {name for one in stages for name in DECLARED if f"${name}" in one.text or one.only_if == name}
    return sql | {name for one in shipped for name in one.parameters} | {"models"}


@pytest.fixture(scope="module")
def unread() -> dict[str, list[str]]:
    return {kind: sorted(set(DECLARED) - read_by(kind)) for kind in kind_names()}


def told(folder: Path, **parameters: object) -> list[str]:
    project, _ = load(folder, parameters=list(parameters.items()))
    return [one for one in project.unread if "no effect" in one]


def test_each_parameter_that_a_kind_does_not_read_is_refused_and_all_at_once(
    tmp_path: Path, unread: dict[str, list[str]]
) -> None:
    assert "min_mentions" in unread["events"]
    assert "min_mentions" not in unread["mpd"]
    lay_out(tmp_path)
    values = {name: DECLARED[name].default for name in unread["events"]}
    given = [(name, list(one) if isinstance(one, tuple) else one) for name, one in values.items()]
    with pytest.raises(ProblemsError) as caught:
        load(tmp_path, parameters=given)
    assert sorted(problem.what.split()[1] for problem in caught.value.problems) == unread["events"]


def test_a_refused_parameter_is_told_with_what_the_kind_reads(tmp_path: Path) -> None:
    lay_out(tmp_path)
    for arguments in (("build",), ("plan",), ("sweep", "--set", "split=random"), ("sql", "core.items")):
        done = command_here(tmp_path, *arguments, "--set", "min_mentions=3")
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert "parameter min_mentions is set, but no stage of kind events reads it" in done.stderr
        assert "where: --set min_mentions=3" in done.stderr
        assert "kind events reads alpha, asymmetric_alpha, basket_by" in done.stderr
    assert not (tmp_path / "warehouse").exists()


def test_one_in_recsys_toml_is_refused_with_its_file_and_a_near_name_comes_first(tmp_path: Path) -> None:
    lay_out(tmp_path, toml="[parameters]\nmin_playlist_tracks = 3\n")
    with pytest.raises(ProjectError) as caught:
        load(tmp_path)
    assert caught.value.where == f"{tmp_path / 'recsys.toml'}, [parameters]"
    write_stage(tmp_path, "core/mine", "-- Mine.\n-- grain: n\n\nselect $min_mentions as n\n")
    (tmp_path / "recsys.toml").write_text('kind = "events"\n[parameters]\nmin_mentions = 3\n')
    load(tmp_path)  # a stage of the project's own reads it
    (tmp_path / "recsys.toml").write_text('kind = "events"\n[parameters]\nn_neighbors = 3\n')
    with pytest.raises(ProjectError) as caught:
        load(tmp_path)
    assert "known" not in caught.value.fix


def test_no_recipe_and_no_default_of_a_kind_is_refused(unread: dict[str, list[str]]) -> None:
    for kind in kind_names():
        assert not set(load_kind(kind).defaults) & set(unread[kind])
    for recipe in recipes():
        assert not set(table_of(read_toml(recipe.path), "parameters")) & set(unread[recipe.kind]), recipe.name


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        ({"negative_alpha": 0.5}, ["negative_sampling = popularity", "negative_ratio = 0.0", "--set negative_ratio=1"]),
        ({"negative_alpha": 0.5, "negative_ratio": 2}, ["--set negative_sampling=power"]),
        ({"negative_alpha": 0.5, "negative_sampling": "power", "negative_ratio": 2}, []),
        ({"training_basket_max": 9}, ["negative_ratio = 0.0"]),
        ({"models": ["popular"], "factors": 8}, ['models = ["popular"]', "add als to models"]),
        ({"models": ["als"], "factors": 8}, []),
        ({"cutoff": "2024-01-02"}, ["split = none", "--set split=time"]),
        ({"cutoff": "2024-01-02", "split": "time"}, []),
        ({"test_share": 0.3}, ["split = none", "--set split=random"]),
        ({"test_share": 0.2}, []),  # the default, set
        ({"last_n": 3, "split": "time"}, ["split = time", "--set split=last_n"]),
        ({"held_out_share": 0.3, "split": "random"}, ["--set split=new_users"]),
        ({"session_gap_minutes": 5}, ["basket_by = user", "--set basket_by=session"]),
        ({"bm25_k1": 3.0}, ["weighting = binary", "--set weighting=bm25"]),
        ({"neighbour_metric": "euclidean"}, ["similar_source = pairs", "--set similar_source=factors"]),
        ({"neighbour_metric": "euclidean", "factor_neighbours": True}, []),
    ],
)
def test_a_setting_that_others_switch_off_is_told_with_what_switches_it_on(
    tmp_path: Path, parameters: dict[str, object], wanted: list[str]
) -> None:
    lay_out(tmp_path)
    found = told(tmp_path, **parameters)
    if not wanted:
        assert found == []
        return
    (one,) = [line for line in found if line.split()[0] == next(name for name in parameters if name != "models")]
    for words in wanted:
        assert words in one


def test_what_the_command_line_switches_off_for_once_is_no_mistake_of_the_file(tmp_path: Path) -> None:
    lay_out(tmp_path, toml='[parameters]\nsplit = "time"\ncutoff = "2024-01-02"\nlast_n = 3\n')
    assert told(tmp_path, split="none") == []
    assert told(tmp_path) != []  # last_n, beside split = time in the same file
    assert [line.split()[0] for line in told(tmp_path, last_n=4)] == ["last_n"]


def test_a_build_warns_of_a_setting_without_effect(tmp_path: Path) -> None:
    lay_out(tmp_path)
    events = run(tmp_path, given={"parameters": [("last_n", 3)]}, select=("+staging.items",))
    messages = [event.message for event in events if isinstance(event, Warned)]
    assert "last_n = 3 has no effect with split = none: --set split=last_n" in messages


def test_what_a_declaration_is_used_with_is_a_value_of_another_parameter() -> None:
    for name, one in DECLARED.items():
        for other, values in one.used_if.items():
            assert other != name
            for value in values:
                DECLARED[other].value(value, where=name)
