"""The profile shows what is published, for any kind, in text that is the same wherever it is piped."""

import csv
import io
import json
from pathlib import Path

import pytest
from building import lay_out, rows, run
from projects import command_here, lay_out_playlists, playlists_text, write_parquet

from recsys_duck.cli.show import SECTIONS as NAMED
from recsys_duck.profile import SECTIONS, STATISTICS_COLUMNS

TABLES = "column_statistics item_histogram user_histogram time_histogram daily_counts weekly_counts tag_counts"
SELECT = tuple(f"+core.{table}" for table in TABLES.split())
# item i has i events, one a user; item 1 lacks its user; item 0 has none; the times are in two weeks, a week apart
EVENTS = """
    select
        case when i > 1 then u end as user_id,
        i as item_id,
        cast(i / 2 as decimal(18, 6)) as weight,
        timestamp '2024-01-01' + interval 1 day * case when i = 5 then 14 + u else u end as occurred_at
    from range(1, 6) as items(i), range(1, 6) as users(u)
    where u <= i
"""
ITEMS = """
    select *
    from (values (0, 'nobody''s'), (1, 'one'), (2, null), (3, '東京事変'), (4, E'four\\x1b[31m'), (5, '🎸 five'))
        as items(item_id, item_name)
"""
TAGS = "select 'genre' as tag_type, * from (values (1, 'pop'), (2, 'rap'), (3, 'unused')) as tags(tag_id, tag_name)"
ITEM_TAGS = "select * from (values (0, 'genre', 1), (2, 'genre', 1), (5, 'genre', 2)) as t(item_id, tag_type, tag_id)"
SHOWN = """\
Numbers, from core.column_statistics
                    weight
values                  14
mean                 1.929
standard deviation   0.550
smallest             1.000
lower quartile       1.500
median               2.000
upper quartile       2.500
largest              2.500

Ids and texts, from core.column_statistics
             values  different  most frequent   its rows
user_id          14          5  1                      4
item_id          14          4  5                      5
source_file      14          1  events.parquet        14

Missing values, from core.column_statistics
             rows  missing  percent
user_id        14        0        0
item_id        14        0        0
weight         14        0        0
occurred_at    14        0        0
basket_id      14       14      100
position       14       14      100
source_file    14        0        0

Items by their number of events, 1 to 100
2 │ █
  │ █
  │ █
  │ █
  │███
  │███
  │███
0 │███
  └──────────────────────────────────────────────────
   1               2 bins a column                100

Items and how much they have
events each      items  percent  their events  percent
none                 2    33.33             0        0
1 to 100             4    66.67            14      100
101 to 19,999        0     0.00             0        0
20,000 and more      0     0.00             0        0

Items with most events
🎸 five    5  ██████████████████████████████████████████████████████████████████████████████████████
four [31m  4  ████████████████████████████████████████████████████████████████████▊
東京事変   3  ███████████████████████████████████████████████████▋
2          2  ██████████████████████████████████▍
"""


@pytest.fixture(scope="module", name="project")
def built_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("profiled")
    for name, select in (("items", ITEMS), ("tags", TAGS), ("item_tags", ITEM_TAGS)):
        write_parquet(root / f"{name}.parquet", select)
    files = "".join(f'{name} = "{name}.parquet"\n' for name in ("events", "items", "tags", "item_tags"))
    lay_out(root, events=EVENTS, toml=f"[files]\n{files}")
    run(root, select=SELECT)
    return root


def shown(folder: Path, *arguments: str) -> tuple[str, str]:
    """What the profile prints, and what it says beside it."""
    done = command_here(folder, "profile", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_the_profile_of_a_small_data_set_is_this_text(project: Path) -> None:
    assert shown(project, "describe", "missing", "items") == (SHOWN, "")


def test_weeks_without_events_are_shown_and_a_week_that_begins_late_is_averaged_over_its_days(project: Path) -> None:
    lines = shown(project, "time")[0].splitlines()
    weeks = [line.split()[:2] for line in lines[lines.index("Events a day, by week from Monday") + 1 :] if line]
    # Tuesday 2 January to Sunday: 9 events in 6 days; 15 to 20 January: 5 in the 6 days to the last one
    assert weeks == [["2024-01-01", "1.5"], ["2024-01-08", "0.0"], ["2024-01-15", "0.8"]]
    assert lines[0] == "Events over time, 100 bins of 4.32 hours"


def test_tags_and_density_and_funnel_are_shown(project: Path) -> None:
    text = shown(project, "tags", "density", "funnel")[0]
    tags = [line.split()[:2] for line in text.split("\n\n")[0].splitlines()[1:]]
    assert tags == [["pop", "2"], ["rap", "1"]]  # what no item carries is not listed
    assert ["filled", "70.000000", "%"] in [line.split() for line in text.splitlines()]
    assert "missing_user_id" in text


def test_all_sections_are_shown_in_one_order_and_each_has_a_name_on_the_command_line(project: Path) -> None:
    assert tuple(SECTIONS) == NAMED
    whole = shown(project)[0]
    assert whole == "\n".join(shown(project, name)[0] for name in NAMED)
    assert shown(project, "items", "items")[0] == shown(project, "items")[0]


@pytest.mark.parametrize("section", NAMED)
def test_a_section_s_rows_are_given_as_data(project: Path, section: str) -> None:
    table = list(csv.DictReader(io.StringIO(shown(project, section, "--format", "csv")[0])))
    lines = [json.loads(line) for line in shown(project, section, "--format", "json")[0].splitlines()]
    assert len(table) == len(lines) > 0
    assert [list(row) for row in table] == [list(line) for line in lines]


def test_data_of_no_or_two_sections_is_refused(project: Path) -> None:
    for sections in ((), ("items", "users")):
        done = command_here(project, "profile", *sections, "--format", "csv")
        assert (done.returncode, done.stdout) == (2, "")
        assert "csv has the rows of one section" in done.stderr


def test_a_logarithm_is_said_in_the_title(project: Path) -> None:
    titles = [line for line in shown(project, "items", "--log")[0].splitlines() if "Items" in line]
    assert titles == [
        "Items by their number of events, 1 to 100, log scale",
        "Items and how much they have",
        "Items with most events, log scale",
    ]


def test_a_table_that_is_not_published_is_told_and_skipped(tmp_path: Path) -> None:
    lay_out(tmp_path)
    run(tmp_path, select=("+core.user_histogram",))
    out, told = shown(tmp_path)
    assert out.startswith("Users by their number of events")
    assert "items: core.item_histogram and core.item_counts are not published\n" in told
    assert "describe: core.column_statistics is not published\n" in told
    done = command_here(tmp_path, "profile", "describe", "--format", "csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert "core.column_statistics is not published" in done.stderr
    assert "recsys-duck build" in done.stderr


def test_a_source_without_times_or_events_is_told(tmp_path: Path) -> None:
    lay_out_playlists(tmp_path, playlists_text(1, 2))
    run(tmp_path, select=SELECT)
    out, told = shown(tmp_path, "time", "describe")
    assert told == "time: no event has a time\n"
    assert "position" in out
    (tmp_path / "none").mkdir()
    lay_out(tmp_path / "none", events="select 1 as user_id, 1 as item_id")
    run(tmp_path / "none", {"parameters": (("min_items_per_user", 9),)}, select=SELECT)
    assert rows(tmp_path / "none", "select count(*) from core.events") == [(0,)]
    out, told = shown(tmp_path / "none")
    assert "time: no event has a time\n" in told
    assert "tags: no item carries a tag\n" in told
    assert "Missing values" in out


def test_tables_of_statistics_of_a_kind_or_project_are_described_too(tmp_path: Path) -> None:
    columns = ",\n    ".join(f"column_statistics.{name}" for name in STATISTICS_COLUMNS if name != "column_name")
    text = f"""-- Statistics of the project's own.
-- grain:  column_name

select
    concat('my ', column_statistics.column_name) as column_name,
    {columns}
from core.column_statistics
"""
    other = "-- Another table.\n-- grain:  item_id\n\nselect\n    items.item_id\nfrom core.items\n"
    lay_out(tmp_path, sql={"core/play_statistics": text, "core/other_statistics": other})
    run(tmp_path, select=("+core.play_statistics", "+core.other_statistics"))
    out = shown(tmp_path, "describe", "missing")[0]
    assert "Numbers, from core.column_statistics" in out
    assert "Numbers, from core.play_statistics" in out
    assert "Missing values, from core.play_statistics" in out
    assert "my weight" in out
    assert "other_statistics" not in out


def test_nothing_published_is_an_error(tmp_path: Path) -> None:
    lay_out(tmp_path)
    done = command_here(tmp_path, "profile")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
