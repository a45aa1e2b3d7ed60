"""Ids below zero on the command line: a name is no option, and another option is still refused."""

from pathlib import Path

import pytest
from building import lay_out, run
from projects import command_here

EVENTS = "select u as user_id, i as item_id from (values (-5), (7), (8)) as a(u), (values (-10), (20), (30)) as b(i)"


@pytest.fixture(scope="module", name="project")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build lists of users and items of whom one is below zero."""
    root = lay_out(tmp_path_factory.mktemp("negative"), events=f"{EVENTS} where (u, i) <> (-5, 30)")
    run(root, {"parameters": [("models", ["popular"])]})
    return root


@pytest.mark.parametrize(
    "arguments", [("-5",), ("-5", "-n", "1"), ("-n", "1", "-5"), ("--", "-5"), ("--format", "csv", "-5")]
)
def test_a_user_below_zero_is_no_option(project: Path, arguments: tuple[str, ...]) -> None:
    done = command_here(project, "recommend", *arguments, *(() if "--" in arguments else ("--format", "csv")))
    assert done.returncode == 0, done.stderr
    assert "30" in done.stdout


def test_an_item_below_zero_is_no_option(project: Path) -> None:
    done = command_here(project, "similar", "-10", "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert [line.split(",")[0] for line in done.stdout.splitlines()[1:]] == ["-10", "-10"]


@pytest.mark.parametrize("name", ["-x7", "-", "-.5"])
def test_a_name_with_a_dash_that_nobody_has_is_unknown_or_told_how_to_be_asked_about(project: Path, name: str) -> None:
    done = command_here(project, "recommend", name)
    assert done.returncode == 2
    assert name in done.stderr
    if name == "-x7":
        assert "recommend -- -x7" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--modle", "als", "7"), "--model"),
        (("-n", "-1", "7"), "-1 is not in the range"),
        (("-5", "-7"), "unexpected extra argument"),
        ((), "Missing argument"),
    ],
)
def test_what_is_no_name_is_refused_as_before(project: Path, arguments: tuple[str, ...], told: str) -> None:
    done = command_here(project, "recommend", *arguments)
    assert done.returncode == 2
    assert told in done.stderr
