"""Messages stand by themselves: a fix says what to do, and nothing points into the installation."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from building import lay_out, run, write_stage
from projects import command_here, lay_out_playlists, load

from recsys_duck.engines.sqltext import SqlText
from recsys_duck.errors import LONGEST_LINE, MOST_LINES, ProjectError, RecsysDuckError
from recsys_duck.events import Warned
from recsys_duck.kind import SQL_FOLDER, shown_path
from recsys_duck.project import read_stages

PACKAGE = Path(__file__).parents[1] / "recsys_duck"
ELSEWHERE = re.compile(r"\b(see|says?|named?|told|listed|shown|type) (below|above)\b|\b(below|above)\.?$")


def messages() -> Iterator[tuple[str, str]]:
    """Each text of the package that is no docstring, with where it stands."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield f"{path.name}:{node.lineno}", node.value


def test_no_text_points_elsewhere_for_the_way_out() -> None:
    found = list(messages())
    assert len(found) > 1000
    assert not [(place, text) for place, text in found if ELSEWHERE.search(text)]


def test_no_error_is_told_with_the_path_of_a_stage_or_a_kind() -> None:
    hidden = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg in ("where", "fix", "what"):
                written = ast.unparse(node.value)
                if re.search(r"SQL_FOLDER|kind\.folder|stage\.path|\.py\b", written) or "kind.toml" in written:
                    hidden.append(f"{path.name}:{node.value.lineno} {written}")
    assert hidden == []


def test_every_file_of_ours_is_named_by_what_it_is() -> None:
    for path in [*SQL_FOLDER.rglob("*.sql"), *SQL_FOLDER.rglob("*.toml")]:
        assert not re.search(r"\.sql|\.toml|kinds/|^/", shown_path(path)), path
    assert shown_path(SQL_FOLDER / "core/events.sql") == "stage core.events of recsys-duck"
    assert shown_path(SQL_FOLDER / "kinds/mpd/staging/events.sql") == "stage staging.events of kind mpd"
    assert shown_path(SQL_FOLDER / "kinds/mpd/kind.toml") == "kind mpd"
    assert shown_path(SQL_FOLDER / "kinds/mpd/exports/coco.sql") == "export coco of kind mpd"
    with SqlText() as reader:
        folders = [("shared", SQL_FOLDER), ("mpd", SQL_FOLDER / "kinds/mpd")]
        for stage in read_stages(folders, reader).values():
            assert stage.place == shown_path(stage.path)
    assert shown_path(Path("/home/me/sql/core/events.sql")) == "/home/me/sql/core/events.sql"


def refused(folder: Path, **given: object) -> str:
    with pytest.raises(RecsysDuckError) as caught:
        load(folder, **given)
    return str(caught.value)


def test_refusals_of_a_project_name_its_own_files_alone(tmp_path: Path) -> None:
    mine = "-- Mine.\n-- grain: user_id\n\nselect user_id from core.nothing\n"
    laid = lay_out(tmp_path / "a", sql={"core/users": mine})
    found = [
        refused(laid),
        refused(lay_out(tmp_path / "b", toml='[files.events]\npath = "x"\n')),
        refused(lay_out(tmp_path / "c", toml='[files]\nplays = "x"\n')),
        refused(lay_out(tmp_path / "d"), readers=[("events", "delimitr", ";")]),
        refused(lay_out(tmp_path / "e"), kind="mpd"),
        refused(lay_out(tmp_path / "f", sql={"staging/events": mine.replace("core.nothing", "files.events")})),
        refused(lay_out(tmp_path / "g"), files=[("events", "nothing/*.csv")]),
        refused(lay_out(tmp_path / "h"), kind="nothing"),
        refused(lay_out_playlists(tmp_path / "i")),
    ]
    for text in found:
        assert str(SQL_FOLDER) not in text, text
        assert re.search(r"fix: +\S", text), text
    assert str(tmp_path / "a/sql/core/users.sql") in found[0]


def test_a_stage_of_ours_that_fails_is_named_and_not_its_file(tmp_path: Path) -> None:
    lay_out(tmp_path)
    write_stage(
        tmp_path,
        "staging/tags",
        (SQL_FOLDER / "kinds/events/staging/tags.sql").read_text().replace("tag_id", "error('no') as tag_id", 1),
    )
    text = command_here(tmp_path, "build").stderr
    assert str(SQL_FOLDER) not in text


def test_another_program_s_text_is_shortened_to_what_says_what_is_wrong() -> None:
    long = "CSV Error on Line: 3\n\nOriginal Line: a,b\n" + "x" * 1000 + "\nPossible fixes:\n* Enable ignore errors\n"
    lines = str(ProjectError("what", where="where", fix="fix", cause=long)).splitlines()
    assert [line.strip()[:12] for line in lines[3:]] == ["CSV Error on", "Original Lin", "xxxxxxxxxxxx"]
    assert max(map(len, lines)) <= LONGEST_LINE + 5
    many = str(ProjectError("what", cause="\n".join(map(str, range(25))))).splitlines()
    assert len(many) == 1 + MOST_LINES


def test_a_query_that_fails_says_what_to_type(tmp_path: Path) -> None:
    run(lay_out(tmp_path), select=("+staging.items",))
    for question in ("select nothing from staging.items", "selec 1", "select error('no')"):
        done = command_here(tmp_path, "query", question)
        assert done.returncode == 2
        assert re.search(r"fix: +\S+ \S+", done.stderr)
        assert len(done.stderr.splitlines()) <= 3 + MOST_LINES


def test_what_select_leaves_out_is_told_in_one_line(tmp_path: Path) -> None:
    events = run(lay_out(tmp_path), select=("+staging.items",))
    told = [event.message for event in events if isinstance(event, Warned)]
    (line,) = [one for one in told if "--select" in one]
    n_left = int(line.split("leaves out ")[1].split()[0])
    assert n_left > 50
    assert line.endswith(f"and {n_left - 5} more")
    run(tmp_path)
    again = run(tmp_path, select=("+staging.items",))
    assert not [event for event in again if isinstance(event, Warned)]
