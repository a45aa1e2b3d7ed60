"""What is shown moves no cursor and turns no direction; what goes into a pipe or a file is the data."""

import io
import json
from pathlib import Path

import pytest
from building import lay_out, run
from projects import command_here

from recsys_duck.console import show_page, show_rows
from recsys_duck.escapes import visible

ACTED_ON = {
    "\x1b[2J": r"\x1b[2J",
    "\x1b]0;title\x07": r"\x1b]0;title\x07",
    "\x9b31m": r"\x9b31m",
    "\x00": r"\x00",
    "\x08": r"\x08",
    "\r": r"\r",
    "\n": r"\n",
    "\x7f": r"\x7f",
    "\u202e": r"\u202e",
    "\u2066": r"\u2066",
    "\u200b": r"\u200b",
    "\u2028": r"\u2028",
    "\ufeff": r"\ufeff",
    "\U000e0041": r"\U000e0041",
}


class Terminal(io.StringIO):
    """A terminal that keeps what was written to it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("sign", sorted(ACTED_ON))
def test_a_sign_that_a_terminal_acts_on_is_written_out(sign: str) -> None:
    assert visible(f"a{sign}b") == f"a{ACTED_ON[sign]}b"
    for stream, style in ((io.StringIO(), "table"), (Terminal(), "table"), (Terminal(), "csv")):
        show_rows([f"name{sign}"], [(f"a{sign}b",)], style=style, out=stream)
        shown = stream.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")  # our own bold
        assert (style == "csv" and sign == "\n") or sign.strip("\n") == "" or sign not in shown
    piped = io.StringIO()
    show_rows(["name"], [(f"a{sign}b",)], style="json", out=piped)
    assert json.loads(piped.getvalue()) == {"name": f"a{sign}b"}


@pytest.mark.parametrize("name", ["Sigur Rós", "東京事変", "👩\u200d🎤 x", "می\u200cخواهم", "a\\x1b", "tab [31m"])
def test_other_names_stay_as_they_are(name: str) -> None:
    assert visible(name) == name


def test_a_csv_in_a_pipe_is_the_data() -> None:
    piped = io.StringIO()
    show_rows(["name"], [("a\x1b[2Jb",)], style="csv", out=piped)
    assert piped.getvalue() == "name\na\x1b[2Jb\n"


def test_a_page_is_shown_so_too(capsys: pytest.CaptureFixture[str]) -> None:
    show_page("a\x1b[2J", ["b\x1b[2J"], is_first=True)
    assert capsys.readouterr().out == "a\\x1b[2J\nb\\x1b[2J\n"


def test_no_command_shows_a_name_raw(tmp_path: Path) -> None:
    lay_out(tmp_path, events="select 1 as user_id, concat('a', chr(27), '[2J', i) as item_id from range(3) t(i)")
    run(tmp_path, select=("+recs.popular",))
    for command in (
        ["query", "from core.items"],
        ["query", "select cast(item_id as int) from core.items"],
        ["query", "from recs.popular", "--format", "json"],
        ["similar", "\x1b[2J"],
        ["recommend", "\x1b[2J"],
        ["profile", "items"],
        ["export", "\x1b[2J", "x.csv"],
        ["diff", "recsys", "\x1b[2J"],
        ["build", "--set", "\x1b[2J=1"],
    ):
        done = command_here(tmp_path, *command)
        assert "\x1b" not in done.stdout + done.stderr, command
