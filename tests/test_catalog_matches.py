"""A file beside the events whose ids match few of theirs is told, with both counts and an id of each side."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from building import rows, run
from projects import command_here

from recsys_duck.events import Event, Noted, Warned

EVENTS = "user_id,item_id\n" + "".join(f"U{at % 4},{at % 10 + 1}\n" for at in range(40))
SELECT = ("+core.item_counts",)
MATCHES = "staging.catalog_matches"


def lay_out(root: Path, files: Mapping[str, str], *, events: str = EVENTS) -> Path:
    """Lay out a project of CSV files, events.csv and one for each other input."""
    lines = ['kind = "events"', "[files]"]
    for name, text in {"events": events, **files}.items():
        (root / f"{name}.csv").write_text(text, encoding="utf-8")
        lines.append(f'{name} = "{name}.csv"')
    (root / "recsys.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def column(head: str, ids: Sequence[str], rest: str = "") -> str:
    """Write a CSV file of ids."""
    return f"{head}\n" + "".join(f"{one}{rest}\n" for one in ids)


def warned(events: Sequence[Event]) -> list[str]:
    """What a build warned of for the ids."""
    return [event.message for event in events if isinstance(event, Warned) and event.stage == MATCHES]


TEN = [str(at) for at in range(1, 11)]
LOST = {
    "zeros": ({"items": column("item_id,item_name", [f"{one:0>5}" for one in TEN], ",x")}, '"00001" ~ "1"'),
    "floats": ({"items": column("item_id,item_name", [f"{one}.0" for one in TEN], ",x")}, '"1.0" ~ "1"'),
    "case": ({"users": column("user_id,user_name", ["u0", "u1", "u2", "u3"], ",x")}, '"u0" ~ "U0"'),
    "tags": (
        {"tags": column("tag_id,tag_name", ["ROCK"], ",Rock"), "item_tags": column("item_id,tag_id", TEN, ",rock")},
        '"ROCK" ~ "rock"',
    ),
    "links": ({"item_tags": column("item_id,tag_id", [f"{one:0>5}" for one in TEN], ",rock")}, '"00001" ~ "1"'),
    "aliases": ({"aliases": column("bad_id,good_id", ["0099"], ",0001")}, '"0001" ~ "1"'),
    "others": ({"items": column("item_id,item_name", ["apple", "pear"], ",x")}, 'items has for example "apple"'),
}


@pytest.mark.parametrize("name", LOST)
def test_ids_that_match_nothing_are_told_with_both_counts_and_an_example(tmp_path: Path, name: str) -> None:
    files, example = LOST[name]
    (message,) = warned(run(lay_out(tmp_path, files), select=SELECT))
    n_file = 2 if name == "aliases" else len(next(iter(files.values())).splitlines()) - 1
    n_other = {"case": 4, "tags": 1}.get(name, 10)
    other = "item_tags" if name == "tags" else "events"
    assert message.startswith(f"0 of {n_file} ids in {next(iter(files))} match the {n_other} ids in {other} by ")
    assert example in message
    assert "--reader '" in message or "--column items.NAME=COLUMN" in message


def test_a_twentieth_of_the_shorter_list_is_enough_and_less_is_not(tmp_path: Path) -> None:
    many = "user_id,item_id\n" + "".join(f"u,{at}\n" for at in range(21))
    wide = [f"x{at}" for at in range(100)]
    lay_out(tmp_path, {"items": column("item_id", ["5", *wide[:20]])}, events=many)
    (message,) = warned(run(tmp_path, select=SELECT))
    assert message.startswith("1 of 21 ids in items match the 21 ids in events by item_id;")
    lay_out(tmp_path, {"items": column("item_id", ["5", "6", *wide])}, events=many)
    assert not warned(run(tmp_path, select=SELECT))


def test_part_of_the_ids_that_lost_their_zeros_are_told_though_the_others_match(tmp_path: Path) -> None:
    lay_out(tmp_path, {"items": column("item_id", [*TEN[:8], "09", "010"])})
    (message,) = warned(run(tmp_path, select=SELECT))
    assert message.startswith("8 of 10 ids in items match the 10 ids in events by item_id, and 2 miss by little:")


def test_a_catalogue_that_fits_is_no_news_and_without_files_there_is_no_table(tmp_path: Path) -> None:
    lay_out(tmp_path, {"items": column("item_id,item_name", [*TEN, "11", "12"], ",x")})
    events = run(tmp_path, select=SELECT)
    assert not warned(events)
    assert not [event for event in events if isinstance(event, Noted)]
    assert rows(tmp_path, f"select n_file_ids, n_other_ids, n_matched from {MATCHES}") == [(12, 10, 10)]
    other = tmp_path / "bare"
    other.mkdir()
    run(lay_out(other, {}), select=SELECT)
    published = {name for (name,) in rows(other, "select distinct table_name from duckdb_columns() where not internal")}
    assert not published & {"catalog_matches", "named_events"}
    refused = command_here(other, "build", "--select", MATCHES)
    assert refused.returncode == 2
    assert "it is made only if files.items or files.users or files.tags" in refused.stderr


def test_events_of_items_without_a_name_are_counted_below_the_funnel(tmp_path: Path) -> None:
    lay_out(tmp_path, {"items": column("item_id,item_name", TEN[:7], ",x")})
    told = "12 of 40 events are of items without a name (30.0 %)"
    for _ in range(2):
        lines = command_here(tmp_path, "build", "--select", "+core.item_counts").stderr.splitlines()
        assert lines[-1].strip() == told
    assert command_here(tmp_path, "profile", "funnel").stdout.splitlines()[-1] == told
