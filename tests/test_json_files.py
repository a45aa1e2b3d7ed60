"""JSON files: lines, arrays, documents; what holds no row is counted, what is cut off is told, no key is lost."""

import json
from pathlib import Path
from typing import Any

import pytest
from projects import ask, run_build
from reading import read, write_files

from recsys_duck.errors import ProblemsError, ProjectError, StageError

ROWS: list[dict[str, Any]] = [{"user_id": 1, "item_id": "a"}, {"user_id": 2, "item_id": "b"}]
PAIRS = [("1", "a"), ("2", "b")]
ALL = (
    "cast(user_id as varchar) as u, cast(weight as double) as w, cast(occurred_at as varchar) as t, "
    "cast(basket_id as varchar) as b, position as p"
)


def lines_of(rows: list[Any]) -> str:
    """Write one value a line."""
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("name", ["e.json", "e.jsonl", "e.ndjson"])
@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        json.dumps(ROWS, indent=2).replace("\n", "\r\n"),
        "\n\n  " + json.dumps(ROWS) + "\n\n",
        "\ufeff" + json.dumps(ROWS),
        lines_of(ROWS),
        lines_of(ROWS).replace("\n", "\r\n"),
        lines_of(ROWS).replace("\n", "\n\n"),
        "\ufeff" + lines_of(ROWS),
        lines_of(ROWS).rstrip(),
    ],
)
def test_an_array_and_lines_are_read_under_any_name(tmp_path: Path, name: str, text: str) -> None:
    assert read(tmp_path, {name: text}).rows == PAIRS


def test_utf_16_lines_are_read_and_an_array_is_refused_with_the_command(tmp_path: Path) -> None:
    assert read(tmp_path, {"e.jsonl": lines_of(ROWS).encode("utf-16")}).rows == PAIRS
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, {"e.json": json.dumps(ROWS).encode("utf-16")})
    assert caught.value.fix == "convert: iconv -f utf-16 -t utf-8 e.json > utf8.json"


@pytest.mark.parametrize("strange", [7, "x", None, [1], [[1, 2]], True])
def test_an_element_of_an_array_that_is_no_object_is_a_bad_line(tmp_path: Path, strange: object) -> None:
    found = read(tmp_path, {"e.json": json.dumps([strange, *ROWS, strange])})
    assert found.rows == PAIRS
    assert [json.loads(one) for one in found.bad] == [strange, strange]


@pytest.mark.parametrize(
    "text", [json.dumps(ROWS)[:-5], json.dumps(ROWS)[:-1], '[{"user_id": 1, "item_id": "a"},\n', "[" + lines_of(ROWS)]
)
def test_an_array_that_is_cut_off_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(StageError) as caught:
        read(tmp_path, {"e.json": text})
    assert "e.json" in str(caught.value)


@pytest.mark.parametrize(
    "strange", ['{"user_id": 3, "item_', "hello", "7", "[1, 2]", '"x"', "null", "{'user_id': 3}", "{} {}"]
)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_line_that_is_no_object_costs_itself_alone(tmp_path: Path, strange: str, at: int) -> None:
    lines = lines_of(ROWS).splitlines()
    lines.insert(at, strange)
    found = read(tmp_path, {"e.jsonl": "\n".join(lines)})
    assert (found.rows, found.bad, found.n_promised) == (PAIRS, [strange], 3)


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("{'user_id': 'u', 'item_id': 'i'}\n", "ast.literal_eval"),
        (json.dumps(ROWS[0], indent=1), "jq -c . e.jsonl > rows.jsonl"),
        ("\n".join(json.dumps(row, indent=1) for row in ROWS), "jq -c . e.jsonl > rows.jsonl"),
        (json.dumps(ROWS) + "\n" + json.dumps(ROWS), "jq -c '.[]' e.jsonl > rows.jsonl"),
        ("user_id,item_id\n1,a\n", "--reader events.format=csv"),
    ],
)
def test_a_file_without_json_lines_is_refused_with_its_line_and_the_way_out(
    tmp_path: Path, text: str, fix: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, {"e.jsonl": text})
    assert caught.value.where == "e.jsonl, line 1"
    assert fix in caught.value.fix


def test_rows_under_a_key_are_told_and_read_by_an_option(tmp_path: Path) -> None:
    text = json.dumps({"total": 2, "plays": ROWS})
    with pytest.raises(ProblemsError) as caught:
        read(tmp_path, {"e.json": text})
    assert "--reader 'events.records=\"$.plays[*]\"'" in str(caught.value)
    found = read(tmp_path, {"e.json": text}, ("records", "$.plays[*]"), show=ALL)
    assert found.rows == [("1", 1.0, None, None, None), ("2", 1.0, None, None, None)]


@pytest.mark.parametrize("options", [(), (("format", "ndjson"),), (("format", "json_records"),), (("format", "json"),)])
def test_an_array_is_read_under_every_word_for_it(tmp_path: Path, options: tuple[tuple[str, str], ...]) -> None:
    rows = [{"ts": "2021-11-02T13:41:44Z", "who": "u", "track": "t"}, {"ts": "2021-11-03T13:41:44Z", "who": "v"}]
    columns = (("user_id", "who"), ("item_id", "track"), ("occurred_at", "ts"))
    shown = "user_id, item_id, cast(weight as integer) as w, cast(occurred_at as varchar) as t"
    found = read(tmp_path, {"e.json": json.dumps(rows)}, *options, columns=columns, show=shown)
    assert found.rows == [("u", "t", 1, "2021-11-02 13:41:44"), ("v", None, 1, "2021-11-03 13:41:44")]


def test_a_column_that_no_record_has_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError) as caught:
        read(tmp_path, {"e.json": '[{"x": 1}]'}, ("format", "json_records"))
    assert "input events has no column user_id" in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        ([{"user": {"id": 1}, "item_id": "a"}, {"user": {}, "item_id": "b"}], {"user_id": "user.id"}, ["1", None]),
        ([{"user": {"id": 1}, "item_id": "a"}, {"user": None, "item_id": "b"}], {"user_id": "user.id"}, ["1", None]),
        ([{"user": {"id": 1}, "item_id": "a"}, {"user": 5, "item_id": "b"}], {"user_id": "user.id"}, ["1", None]),
        ([{"u": [{"id": "x"}, {"id": "y"}], "item_id": "a"}], {"user_id": "u.1.id"}, ["y"]),
        ([{"a": {"b": {"c": {"d": "x"}}}, "item_id": "a"}], {"user_id": "a.b.c.d"}, ["x"]),
        ([{"user.id": "x", "item_id": "a"}], {"user_id": "user.id"}, ["x"]),
        ([{"user.id": "x", "user": {"id": "y"}, "item_id": "a"}], {"user_id": "user.id"}, ["x"]),
        ([{'u"x': "x", "item_id": "a"}], {"user_id": 'u"x'}, ["x"]),
        ([{"u/x~1": {"*": "x"}, "item_id": "a"}], {"user_id": "u/x~1.*"}, ["x"]),
        ([{"naïve": "x", "item_id": "a"}], {"user_id": "naïve"}, ["x"]),
    ],
)
def test_a_nested_key_is_read(
    tmp_path: Path, rows: list[Any], columns: dict[str, str], expected: list[str | None]
) -> None:
    for name, text in (("e.jsonl", lines_of(rows)), ("e.json", json.dumps(rows, indent=1))):
        found = read(tmp_path, {name: text}, columns=tuple(columns.items()))
        assert [row[0] for row in found.rows] == expected


@pytest.mark.parametrize(
    ("own", "value", "shown"),
    [
        ("weight", 5, ("0", 5.0, None, None, None)),
        ("occurred_at", "2020-01-02T03:04:05", ("0", 1.0, "2020-01-02 03:04:05", None, None)),
        ("basket_id", "q", ("0", 1.0, None, "q", None)),
        ("position", 3, ("0", 1.0, None, None, 3)),
    ],
)
@pytest.mark.parametrize("form", ["jsonl", "json", "utf-16"])
def test_a_key_that_first_stands_after_the_rows_that_are_looked_at_is_not_lost(
    tmp_path: Path, own: str, value: object, shown: tuple[Any, ...], form: str
) -> None:
    rows = [{"user_id": at, "item_id": "a"} for at in range(1, 1200)] + [{"user_id": 0, "item_id": "z", own: value}]
    text = json.dumps(rows) if form == "json" else lines_of(rows)
    found = read(tmp_path, {"e.json": text.encode("utf-16" if form == "utf-16" else "utf-8")}, show=ALL)
    assert found.rows[0] == shown
    assert set(found.rows[1:]) == {(str(at), 1.0, None, None, None) for at in range(1, 1200)}


def test_a_nested_key_that_comes_late_is_not_lost(tmp_path: Path) -> None:
    rows = [{"user_id": at, "item_id": "a"} for at in range(1, 1200)] + [{"user_id": 0, "m": {"w": 7}, "item_id": "z"}]
    found = read(tmp_path, {"e.jsonl": lines_of(rows)}, columns=(("weight", "m.w"),), show=ALL)
    assert found.rows[0][1] == 7.0


def test_times_that_come_late_are_enough_for_a_split_by_time(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"user_id": at % 3, "item_id": "a"} for at in range(1100)]
    rows += [{"user_id": at % 3, "item_id": "b", "occurred_at": f"2020-01-{at + 1:02}"} for at in range(10)]
    write_files(tmp_path, {"e.jsonl": lines_of(rows)})
    run_build(
        tmp_path,
        kind="events",
        files=[("", str(tmp_path / "e.jsonl"))],
        select=("+split.train_end",),
        parameters=[("split", "time")],
    )
    assert ask(tmp_path / "warehouse", "select count(occurred_at) from core.events") == [(10,)]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("spelling", ["NULL", "\\N", "-1"])
def test_a_spelling_of_missing_is_missing_in_every_column_and_format(tmp_path: Path, form: str, spelling: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = spelling == "-1"
    values: list[Any] = [int(spelling) if number else spelling, 7 if number else "7"]
    times = [spelling, "2020-01-01"]
    if form == "parquet":
        pq.write_table(pa.table({"user_id": values, "item_id": [1, 2], "occurred_at": times}), tmp_path / "e.parquet")
        content: dict[str, str] = {}
    elif form == "csv":
        text = "".join(f"{user},{at + 1},{times[at]}\n" for at, user in enumerate(values))
        content = {"e.csv": f"user_id,item_id,occurred_at\n{text}"}
    else:
        objects = [{"user_id": values[at], "item_id": at + 1, "occurred_at": times[at]} for at in range(2)]
        content = {"e.jsonl": lines_of(objects)}
    shown = "cast(user_id as varchar) as u, cast(occurred_at as date) is null as t, bad_user_id or bad_time as f"
    found = read(tmp_path, content, ("null", [spelling]), pattern=f"e.{form}", show=shown)
    assert sorted(found.rows, key=str) == [("7", False, False), (None, True, False)]


def test_a_double_is_missing_in_any_spelling_of_its_number(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"user_id": [1, 2], "item_id": [1, 2], "weight": [-1.0, 2.5]}), tmp_path / "e.parquet")
    shown = "cast(user_id as varchar) as u, cast(weight as double) as w"
    assert read(tmp_path, {}, ("null", "-1"), pattern="e.parquet", show=shown).rows == [("1", None), ("2", 2.5)]
