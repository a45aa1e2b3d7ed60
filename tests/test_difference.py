"""A difference counts the rows that were added, are gone or changed, and reads nothing it knows is the same."""

import csv
import io
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from building import lay_out, run, write_stage
from projects import command_here, published_files

KEYED = """-- A table with a key.
-- grain:  key_a, key_b

select given.key_a, given.key_b, given.score, given.words
from (values {rows}) as given(key_a, key_b, score, words)
"""
LOOSE = """-- A table without a key.
-- grain: none
-- why:   rows may repeat

select given.score, given.words
from (values {rows}) as given(score, words)
"""
SCORES = (0.1 + 0.2, 0.3, None, float("nan"), -1.5)
WORDS = (["x"], ["x", "y"], [], None, ["it's"])


def literal(value: Any) -> str:
    if isinstance(value, list):
        return f"cast([{', '.join(map(literal, value))}] as varchar[])"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return "cast(null as {})" if value is None else f"cast('{value!r}' as double)"


def values(rows: list[tuple[Any, ...]]) -> str:
    """Write rows as VALUES: integer keys, then a double, then a list of texts."""
    lines = []
    for *keys, score, words in rows:
        shown = [*map(str, keys), literal(score).format("double"), literal(words).format("varchar[]")]
        lines.append(f"({', '.join(shown)})")
    return ", ".join(lines)


def publish(root: Path, environment: str, *, keyed: list[tuple[Any, ...]], loose: list[tuple[Any, ...]]) -> None:
    write_stage(root, "core/keyed", KEYED.format(rows=values(keyed)))
    write_stage(root, "core/loose", LOOSE.format(rows=values(loose)))
    run(root, environment=environment, select=("core.keyed", "core.loose"))


def diff(root: Path, *arguments: str) -> list[list[str]]:
    done = command_here(root, "diff", *arguments, "--format", "csv", "--memory-limit", "400MB", "--threads", "1")
    assert done.returncode == 0, done.stderr
    return list(csv.reader(io.StringIO(done.stdout)))[1:]


def same(left: Any, right: Any) -> bool:
    return repr(left) == repr(right)  # NaN is NaN here


@pytest.mark.parametrize("seed", range(6))
def test_counts_are_those_of_an_obvious_program(tmp_path: Path, seed: int) -> None:
    lay_out(tmp_path)
    dice = random.Random(seed)
    keyed: list[dict[tuple[int, int], tuple[Any, Any]]] = []
    loose: list[list[tuple[Any, Any]]] = []
    for _ in range(2):
        keys = dice.sample([(a, b) for a in range(6) for b in range(6)], dice.randint(1, 30))
        keyed.append({key: (dice.choice(SCORES), dice.choice(WORDS)) for key in keys})
        loose.append([(dice.choice(SCORES), dice.choice(WORDS)) for _ in range(dice.randint(1, 40))])
    for name, table, rows in zip("ab", keyed, loose, strict=True):
        publish(tmp_path, f"side_{name}", keyed=[(*key, *row) for key, row in table.items()], loose=rows)
    a, b = keyed
    bags = [Counter(map(repr, rows)) for rows in loose]
    found = {row[0]: row[1:] for row in diff(tmp_path, "side_a", "side_b", "--all")}
    changed = sum(not same(a[key], b[key]) for key in a.keys() & b.keys())
    wanted = [len(a), len(b), len(b.keys() - a.keys()), len(a.keys() - b.keys()), changed]
    assert found["core.keyed"] == [*map(str, wanted), ""], f"seed {seed}"
    wanted = [len(loose[0]), len(loose[1]), (bags[1] - bags[0]).total(), (bags[0] - bags[1]).total()]
    assert found["core.loose"] == [*map(str, wanted), "", ""], f"seed {seed}"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two generations of recsys and one of whatif, built whole."""
    root = lay_out(tmp_path_factory.mktemp("compared"), toml='[parameters]\nmodels = ["popular"]\n')
    run(root)
    run(root, {"parameters": [("popular_by", "users")]}, environment="whatif")
    run(root, {"parameters": [("popular_n", 5)]})
    return root


def test_only_tables_that_differ_are_shown_and_the_others_counted(project: Path) -> None:
    before = published_files(project / "warehouse")
    done = command_here(project, "diff", "recsys@1", "recsys")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].split() == [
        "table",
        "rows",
        "in",
        "A",
        "rows",
        "in",
        "B",
        "added",
        "gone",
        "changed",
        "note",
    ]
    assert [line.split() for line in done.stdout.splitlines()[1:]] == [["recs.popular", "11", "5", "0", "6", "0"]]
    n_tables = len(diff(project, "recsys@1", "recsys", "--all"))
    assert f"{n_tables - 1} of {n_tables} tables are the same" in done.stderr
    assert "A is recsys generation 1" in done.stderr
    assert "B is recsys generation 2" in done.stderr
    assert published_files(project / "warehouse") == before


def test_the_same_fingerprints_are_not_read(project: Path, tmp_path: Path) -> None:
    events = next((project / "warehouse/tables/core/events").glob("*/data.parquet"))
    aside = tmp_path / "events.parquet"
    events.rename(aside)
    try:
        rows = {row[0]: row[1:] for row in diff(project, "recsys", "whatif", "--all")}
    finally:
        aside.rename(events)
    n_events = str(sum((user * item) % 3 != 1 for user in range(1, 8) for item in range(1, 12)))
    assert rows["core.events"] == [n_events, n_events, "", "", "", "same fingerprint"]
    assert rows["core.events_rejected"] == ["0", "0", "", "", "", "same fingerprint"]
    assert rows["split.train"] == ["", "", "", "", "", "same fingerprint"]


def test_a_generation_is_the_same_as_itself(project: Path) -> None:
    assert diff(project, "recsys", "recsys@2") == []


def test_one_table_s_rows_are_shown_by_key(project: Path) -> None:
    done = command_here(project, "diff", "recsys@1", "recsys", "--table", "recs.popular", "-n", "2", "--format", "csv")
    assert [line.split(",")[:2] for line in done.stdout.splitlines()] == [["row", "rank"], ["gone", "6"], ["gone", "7"]]
    assert "recs.popular: 11 rows in A, 5 rows in B, 0 added, 6 gone, 0 changed" in done.stderr
    back = command_here(project, "diff", "recsys", "recsys@1", "--table", "recs.popular", "--format", "csv").stdout
    assert [line.split(",")[:2] for line in back.splitlines()[1:]] == [["added", str(n)] for n in range(6, 11)]


def test_a_changed_row_is_shown_as_it_was_and_as_it_is(tmp_path: Path) -> None:
    lay_out(tmp_path)
    publish(tmp_path, "old", keyed=[(1, 1, 0.5, None), (2, 1, 0.5, ["x"])], loose=[(0.5, None)] * 3 + [(1.5, [])])
    publish(tmp_path, "new", keyed=[(1, 1, 0.25, None), (2, 1, 0.5, ["x"])], loose=[(0.5, None), (2.5, [])])
    assert diff(tmp_path, "old", "new", "--table", "core.keyed") == [
        ["changed from", "1", "1", "0.5", ""],
        ["changed to", "1", "1", "0.25", ""],
    ]
    assert diff(tmp_path, "old", "new", "--table", "core.loose") == [
        ["added", "1", "2.5", "[]"],
        ["gone", "2", "0.5", ""],
        ["gone", "1", "1.5", "[]"],
    ]


def test_columns_and_types_of_one_side_are_named_and_the_common_ones_compared(tmp_path: Path) -> None:
    lay_out(tmp_path)
    spelled = "case when i = 3 then 'three' else cast(i as varchar) end"
    for environment, columns in (
        ("old", "cast(i as bigint) as key_a, 'x' as words, 1 as dropped"),
        ("new", f"{spelled} as key_a, case when i = 2 then 'y' else 'x' end as words, 2 as more"),
    ):
        text = f"-- A table.\n-- grain: key_a\n\nselect {columns} from range(4) as numbers(i)\n"
        write_stage(tmp_path, "core/keyed", text)
        run(tmp_path, environment=environment, select=("core.keyed",))
    note = "dropped only in A; more only in B; key_a is BIGINT in A, VARCHAR in B"
    assert diff(tmp_path, "old", "new") == [["core.keyed", "4", "4", "1", "1", "1", note]]


def test_a_table_of_one_side_is_shown_as_such_and_another_grain_counts_rows(tmp_path: Path) -> None:
    lay_out(tmp_path)
    publish(tmp_path, "old", keyed=[(1, 1, 0.5, None)], loose=[(0.5, None)])
    text = KEYED.format(rows=values([(1, 2, 0.5, None)])).replace("grain:  key_a, key_b", "grain:  key_b")
    write_stage(tmp_path, "core/keyed", text)
    (tmp_path / "sql/core/loose.sql").unlink()
    run(tmp_path, environment="new", select=("core.keyed",))
    assert diff(tmp_path, "old", "new") == [
        ["core.keyed", "1", "1", "1", "1", "", ""],
        ["core.loose", "1", "", "", "", "", "only in A"],
    ]
    assert diff(tmp_path, "new", "old")[1] == ["core.loose", "", "1", "", "", "", "only in B"]
    assert diff(tmp_path, "new", "old", "--table", "core.loose") == []


def test_sweeps_are_compared_as_counted_rows(tmp_path: Path) -> None:
    lay_out(tmp_path, toml='[parameters]\nsplit = "random"\ntest_share = 0.4\nmodels = ["popular"]\nks = [5]\n')
    for name, alphas in (("one", "0,1"), ("two", "0,1,2")):
        assert command_here(tmp_path, "sweep", "--set", f"seed={alphas}", "--as", name).returncode == 0
    [[table, rows_a, rows_b, added, gone, changed, note]] = diff(tmp_path, "one", "two")
    assert (table, gone, changed, note) == ("eval.sweep", "0", "", "")
    assert int(rows_b) - int(rows_a) == int(added) > 0


def test_what_can_t_be_compared_is_told(project: Path) -> None:
    for arguments, told in (
        (["recsys", "whatf"], "did you mean whatif?"),
        (["recsys@9", "whatif"], "recsys has no generation 9"),
        (["recsys@x", "whatif"], "recsys has no generation x"),
        (["recsys", "whatif", "--table", "recs.poplar"], "did you mean recs.popular?"),
        (["recsys", "whatif", "--memory-limit", "1MB"], "too little to work in"),
    ):
        done = command_here(project, "diff", *arguments)
        assert done.returncode in (2, 5)
        assert told in done.stderr
        assert done.stdout == ""


def test_tables_larger_than_memory_are_compared_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setenv("TMPDIR", str(spill))
    monkeypatch.setattr("tempfile.tempdir", None)
    lay_out(tmp_path)
    for environment, change in (("old", 7), ("new", 8)):
        changed = f"case when i % 1000000 = 999999 then i + {change} else i end"
        columns = f"i as key_a, md5(cast({changed} as varchar)) as words"
        text = f"-- A large table.\n-- grain: key_a\n\nselect {columns} from range(2000000) as numbers(i)\n"
        write_stage(tmp_path, "core/keyed", text)
        run(tmp_path, environment=environment, select=("core.keyed",))
    assert diff(tmp_path, "old", "new") == [["core.keyed", "2000000", "2000000", "0", "0", "2", ""]]
    assert list(spill.iterdir()) == []
