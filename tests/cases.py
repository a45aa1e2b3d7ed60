"""Stage cases: small tables in, expected rows out, written as text in tests/sql/**/*.case.

A file holds one or more cases, each opened by comment lines that say what it promises:

    # Ties go to the smaller item_id.
    params popular_by = users
    given split.train
    user_id item_id occurred_at:timestamp
    1       10      2020-01-01T00:00:00
    expect
    item_id rank
    10      1

A column's type is that of its values (integer: bigint, else varchar) unless `name:type` says it.
`null` is NULL, `''` an empty text; a text with blanks stands in double quotes. `expect` lists columns
of the stage to compare, in any order of rows; a gate's rows carry their reject_reason. A line with
names only is an empty table (types must then be said). In `expect`, `name:round(9)` compares numbers at
9 digits behind the point.
`files.<input>` is given like any table. `each` gives the values of a planning row.
"""

import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from recsys_duck.engines import Query, splice
from recsys_duck.engines.duckdb import DuckdbEngine
from recsys_duck.engines.sqltext import SqlText
from recsys_duck.kind import SQL_FOLDER
from recsys_duck.parameters import Value, load_parameters, parse_assignment, quoted
from recsys_duck.relation import Relation

CASES = Path(__file__).parent / "sql"
# of a planning row's values, as the planning tables have them
EACH_TYPES = {int: "integer", float: "double", str: "varchar"}


@dataclass
class Table:
    """A table as text: names, types ("" where the values say), rows of texts."""

    names: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def select(self) -> str:
        """Write the table as a SELECT of typed literals."""
        types = [kind or self._guessed(at) for at, kind in enumerate(self.types)]
        lines = [
            "select "
            + ", ".join(
                f"cast({_sql(value)} as {kind}) as {name}"
                for name, kind, value in zip(self.names, types, row, strict=True)
            )
            for row in self.rows
        ]
        empty = (
            "select "
            + ", ".join(f"cast(null as {kind}) as {name}" for name, kind in zip(self.names, types, strict=True))
            + " where false"
        )
        return " union all ".join([*lines, empty])

    def _guessed(self, at: int) -> str:
        values = [row[at] for row in self.rows if row[at] != "null"]
        return "bigint" if values and all(re.fullmatch(r"-?\d+", value) for value in values) else "varchar"


@dataclass
class Case:
    """One idea: a stage, its parameters and inputs, and the rows it must give."""

    path: Path
    number: int
    why: str = ""
    parameters: list[tuple[str, object]] = field(default_factory=list)
    each: dict[str, str] = field(default_factory=dict)
    given: dict[str, Table] = field(default_factory=dict)
    expect: Table = field(default_factory=Table)

    @property
    def stage_path(self) -> Path:
        """The stage file that the case's own place names."""
        below = self.path.relative_to(CASES).with_suffix(".sql")
        return SQL_FOLDER / below


def _sql(text: str) -> str:
    if text == "null":
        return "null"
    return quoted("" if text == "''" else text)


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split = True
    lexer.quotes = '"'
    lexer.escape = ""
    lexer.commenters = ""
    return list(lexer)


def read_cases(path: Path) -> Iterator[Case]:
    """Read the cases of a file: comment lines open a case, an empty line ends a table."""
    case: Case | None = None
    table: Table | None = None
    number = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            if case is None or case.expect.names or case.given:
                if case is not None:
                    yield case
                number += 1
                case = Case(path, number)
            case.why = f"{case.why} {line[1:].strip()}".strip()
        elif line.strip():
            assert case is not None, f"{path}: a case opens with # why"
            table = _read_line(case, table, line)
            continue
        table = None
    if case is not None:
        yield case


def _read_line(case: Case, table: Table | None, line: str) -> Table | None:
    """Add a line to its case; returns the table that the next line goes on with."""
    if table is not None:
        words = _words(line)
        if not table.names:
            heads = [word.partition(":") for word in words]
            table.names, table.types = [head[0] for head in heads], [head[2] for head in heads]
        else:
            assert len(words) == len(table.names), f"{case.path}: {line!r} has {len(words)} values for {table.names}"
            table.rows.append(words)
        return table
    word, _, rest = line.partition(" ")
    if word == "given":
        return case.given.setdefault(rest.strip(), Table())
    if word == "expect":
        return case.expect
    if word == "params":
        case.parameters.append(parse_assignment(rest))
    elif word == "each":
        name, _, value = rest.partition("=")
        case.each[name.strip()] = value.strip()
    else:
        raise AssertionError(f"{case.path}: can't read {line!r}")
    return None


def all_cases() -> list[Case]:
    """Every case of every file."""
    return [case for path in sorted(CASES.rglob("*.case")) for case in read_cases(path)]


def case_parameters(case: Case) -> dict[str, Value]:
    """The values a case runs with: defaults, then its own."""
    declared = load_parameters(SQL_FOLDER / "parameters.toml")
    values = {
        name: one.value(list(one.default) if isinstance(one.default, tuple) else one.default, where=name)
        for name, one in declared.items()
    }
    for name, given in case.parameters:
        values[name] = declared[name].value(given, where=str(case.path))
    for name, text in case.each.items():
        data = tomllib.loads(f"v = {text}")["v"]
        values[name] = Value(EACH_TYPES[type(data)], data)
    return values


def case_query(case: Case, reader: SqlText) -> Query:
    """The case's stage as a query, its places still open."""
    text = case.stage_path.read_text(encoding="utf-8")
    facts = reader.facts(text, where=str(case.stage_path))
    assert set(case.given) == set(facts.reads), f"{case.path}:{case.number} gives other tables than its stage reads"
    return Query(text, facts.places, case_parameters(case), where=str(case.stage_path))


def run_case(case: Case, engine: DuckdbEngine) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
    """Run a case; returns the expected and the found rows, as texts."""
    with SqlText() as reader:
        text = filled_text(case, case_query(case, reader), engine)
    found = engine.fetch(Query(f"select {', '.join(found_texts(case).values())} from ({text}\n)"))
    return Counter(wanted_rows(case, engine)), Counter(found)


def filled_text(case: Case, query: Query, engine: DuckdbEngine) -> str:
    """The case's stage as DuckDB runs it: its tables defined, its values and files filled in."""
    for name, table in case.given.items():
        if not name.startswith("files."):
            engine.define(Relation(name, select=table.select()))
    return splice(query.text, query.places, lambda place: _replaced(place.kind, place.name, place.alias, case, query))


def found_texts(case: Case) -> dict[str, str]:
    """What turns each column that a case expects into the text to compare."""
    kinds = zip(case.expect.names, case.expect.types, strict=True)
    return {name: _rounded(name, kind) or f"cast({name} as varchar)" for name, kind in kinds}


def wanted_rows(case: Case, engine: DuckdbEngine) -> list[tuple[str, ...]]:
    """The rows a case expects, as texts."""
    types = [kind or "varchar" for kind in case.expect.types]
    shown = ", ".join(
        _rounded(name, kind) or f"cast(cast({name} as {kind}) as varchar)"
        for name, kind in zip(case.expect.names, types, strict=True)
    )
    as_text = Table(case.expect.names, ["varchar"] * len(types), case.expect.rows)
    return engine.fetch(Query(f"select {shown} from ({as_text.select()})"))


def _rounded(name: str, kind: str) -> str:
    """Write a column of type `round(n)` as text of n digits; empty for every other type."""
    match = re.fullmatch(r"round\((\d+)\)", kind)
    return f"cast(round(cast({name} as double), {match[1]}) as varchar)" if match else ""


def as_read(table: Table) -> str:
    """Give files the columns that a reader adds, where a case says nothing of them: every line is in order."""
    added = {"bad_line": "false", "bad_value": "cast(null as varchar)"}
    told = [f"{value} as {name}" for name, value in added.items() if name not in table.names]
    return f"select {', '.join(['rows.*', *told])} from ({table.select()}) as rows"


def _replaced(kind: str, name: str, alias: str, case: Case, query: Query) -> str:
    if kind == "parameter":
        return query.values[name].literal()
    if name.startswith("files."):
        inner = f"({as_read(case.given[name])})"
        return inner if alias else f"{inner} as {name.removeprefix('files.')}"
    return name
