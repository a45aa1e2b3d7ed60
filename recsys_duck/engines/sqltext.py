"""SQL text read by DuckDB's own parser: what a SELECT reads, binds, groups by and returns.

Refuses what is no single SELECT. Offsets are bytes, as the parser counts them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from statistics import median_low
from typing import Any

import duckdb

from recsys_duck.engines.readers import schema_select
from recsys_duck.errors import ProjectError, raise_problems
from recsys_duck.heads import csv_head
from recsys_duck.ids import is_id
from recsys_duck.jsonhead import json_head
from recsys_duck.packing import HEAD_BYTES, opened, packing_of
from recsys_duck.parameters import quoted
from recsys_duck.source import Source, SourceFile, folder_values
from recsys_duck.stage import Column, Place, SqlFacts
from recsys_duck.times import FRACTIONS, NUMBERS, formats_of, time_problems

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
# Of a Parquet file of numbers that are times.
FIRST_ROWS = 1000
# Table functions that make rows of their arguments alone.
ROW_FUNCTIONS = {"unnest", "range", "generate_series"}
# What gives other rows at each run: chance, identity, the clock, the session.
UNSTABLE_FUNCTIONS = {
    *("random", "setseed", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "nextval", "currval", "txid_current"),
    *("now", "today", "get_current_timestamp", "transaction_timestamp", "current_localtime", "current_localtimestamp"),
    *("getvariable", "current_setting", "getenv", "version"),
}
UNSTABLE_WORDS = {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}

# What texts said of themselves, by text and place: a process that builds more than once reads each once.
_FACTS: dict[tuple[str, str], SqlFacts] = {}
_PREDICATE_COLUMNS: dict[str, frozenset[str]] = {}


class SqlText:
    """Reads stage texts and file schemas on one connection, which holds no data; use it in a `with`."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()

    def __enter__(self) -> "SqlText":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def facts(self, text: str, *, where: str) -> SqlFacts:
        """Read what one SELECT says of itself.

        Raises:
            ProjectError: a syntax error, several statements, or something that is no SELECT.
        """
        known = _FACTS.get((text, where))
        return known or _FACTS.setdefault((text, where), self._facts(text, where))

    def _facts(self, text: str, where: str) -> SqlFacts:
        node = self.select_node(text, where)
        data = text.encode()
        tokens = read_tokens(data)
        tables = [_table_place(found, data, where) for found in _walk(node) if _is_table(found)]
        bound = [_parameter_place(found) for found in _walk(node) if found.get("type") == "VALUE_PARAMETER"]
        return SqlFacts(
            tokens="\x1f".join(token for _, token, is_comment in tokens if not is_comment),
            reads=tuple(dict.fromkeys(place.name for place in tables)),
            parameters=tuple(sorted({place.name for place in bound})),
            columns=tuple(_with_comments(_column_names(node, where), tokens)),
            group_keys=_group_keys(node),
            refusals=tuple(dict.fromkeys(_refusals(node))),
            # `case $x when` holds its operand once for each branch, all at one place of the text
            places=tuple(sorted({*tables, *bound}, key=lambda place: place.start)),
        )

    def predicate_columns(self, predicate: str, *, where: str) -> frozenset[str]:
        """Name the columns that a check's predicate speaks of.

        Raises:
            ProjectError: it is no predicate.
        """
        if predicate in _PREDICATE_COLUMNS:
            return _PREDICATE_COLUMNS[predicate]
        node = self.select_node(f"select {predicate}", where)
        bound = {parameter for found in _walk(node) for parameter in _lambda_names(found)}
        names = {str(found["column_names"][-1]) for found in _walk(node) if found.get("type") == "COLUMN_REF"}
        return _PREDICATE_COLUMNS.setdefault(predicate, frozenset(names - bound))

    def look_into(self, source: Source) -> Source:
        """Read which columns each file of a source has itself, with their types.

        Raises:
            ProjectError: a file is not of the input's format, a declared type is none, a column can't be its type.
        """
        for name, sql_type in source.input.columns.items():
            self._refuse_type(source, name, sql_type)
        if source.input.format == "json_records":
            return replace(source, files=tuple(replace(file, is_empty=not file.n_bytes) for file in source.files))
        self._refuse_time_format(source)
        found = replace(source, files=tuple(self._seen(source, file) for file in source.files))
        raise_problems(list(time_problems(found)))
        return found

    def _refuse_time_format(self, source: Source) -> None:
        for form in formats_of(source.input.options):
            try:
                self._connection.execute(f"select try_strptime('', {quoted(form)})").fetchall()
            except duckdb.Error as error:
                raise ProjectError(
                    f"time_format of input {source.input.name} can't be {form!r}",
                    where=f"option time_format of input {source.input.name}",
                    fix="write it as strptime does, %Y-%m-%d %H:%M:%S",
                    cause=str(error),
                ) from None

    def _refuse_type(self, source: Source, name: str, sql_type: str) -> None:
        if is_id(sql_type):
            return
        try:
            self._connection.execute(f"select cast(null as {sql_type})").fetchall()
        except duckdb.Error:
            raise ProjectError(
                f"{sql_type} is no type",
                where=f"columns of input {source.input.name}, {name}",
                fix="give an SQL type, or id",
            ) from None

    def _seen(self, source: Source, file: SourceFile) -> SourceFile:
        """Look into one file; a folder key=value is a column if somebody asks for it and the file has none."""
        found = self._own_columns(source, file)
        folders = {
            key: value
            for key, value in folder_values(file.shown).items()
            if key in source.input.folder_keys and key not in found.present
        }
        if found.is_empty or not folders:
            return found
        types = {key: "BIGINT" if _INTEGER.fullmatch(value) else "VARCHAR" for key, value in folders.items()}
        return replace(found, present={**found.present, **types}, folders=folders)

    def _own_columns(self, source: Source, file: SourceFile) -> SourceFile:
        if not file.n_bytes:
            return replace(file, is_empty=True)
        if source.input.format == "csv":
            return csv_head(source.input, file)
        if source.input.format == "ndjson":
            return json_head(source.input, file)
        packing_of(file.path, file.shown)  # refuses what is an archive
        try:
            rows = self._connection.execute(f"describe {schema_select(source.only(file))}").fetchall()
        except duckdb.Error as error:
            raise ProjectError(
                f"input {source.input.name} can't be read as {source.input.format}",
                where=file.shown,
                fix=f"give files of this format, or say another: --reader {source.input.name}.format={_likely(file)}",
                cause=str(error).partition("\nLINE ")[0],
            ) from None
        names = {str(row[0]): str(row[1]) for row in rows if row[0] not in ("filename", "file_row_number")}
        return replace(file, present=names, typical=self._typical(source.only(file), names))

    def _typical(self, source: Source, found: Mapping[str, str]) -> dict[str, float]:
        """Take the middle one of the first times of a Parquet file, where they are numbers."""
        declared = source.input
        own_names = [declared.own_name(name) for name, kind in declared.columns.items() if kind == "timestamp"]
        numbers = [own for own in own_names if found.get(own, "").startswith((*NUMBERS, *FRACTIONS))]
        if not numbers or "time_unit" not in declared.options:
            return {}
        columns = ", ".join('"' + own.replace('"', '""') + '"' for own in numbers)
        rows = self._connection.execute(
            f"select {columns} from ({schema_select(source)}) limit {FIRST_ROWS}"
        ).fetchall()
        return {
            own: float(median_low(values))
            for own, column in zip(numbers, zip(*rows, strict=True), strict=False)
            if (values := [value for value in column if value is not None])
        }

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def select_node(self, text: str, where: str) -> dict[str, Any]:
        """Give the tree of one SELECT, as `json_serialize_sql` writes it.

        Raises:
            ProjectError: a syntax error, several statements, or something that is no SELECT.
        """
        row = self._connection.execute("select json_serialize_sql($text)", {"text": text}).fetchone()
        answer = json.loads(row[0]) if row else {}
        if answer.get("error"):
            line = text.encode()[: int(answer.get("position") or 0)].count(b"\n") + 1
            message = str(answer.get("error_message", ""))
            raise ProjectError(
                f"can't read the SQL: {message}", where=f"{where}:{line}", fix="write one SELECT in DuckDB's dialect"
            )
        statements = answer.get("statements", [])
        if text.rstrip().endswith(";"):
            raise ProjectError(
                "the SELECT ends in a semicolon", where=where, fix="leave it out: the engine adds the rest"
            )
        if len(statements) != 1:
            raise ProjectError(f"{len(statements)} statements, not one", where=where, fix="keep one SELECT in a file")
        node: dict[str, Any] = statements[0]["node"]
        return node


def _likely(file: SourceFile) -> str:
    """Tell the format of a text by its first sign."""
    with opened(file.path, packing_of(file.path, file.shown)) as stream:
        head = stream.read(HEAD_BYTES).lstrip(b"\xef\xbb\xbf \t\r\n")
    return "ndjson" if head.startswith((b"{", b"[")) else "csv"


def _lambda_names(node: dict[str, Any]) -> Iterator[str]:
    if node.get("type") == "LAMBDA":
        for found in _walk(node.get("lhs")):
            yield from found.get("column_names", [])


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def _refusals(node: dict[str, Any]) -> Iterator[str]:
    """Say what no stage may do: read behind the graph's back, or give other rows at each run."""
    ctes = {entry["key"] for found in _walk(node) for entry in (found.get("cte_map") or {}).get("map", [])}
    for found in _walk(node):
        kind, name = found.get("type"), str(found.get("function_name", "")).lower()
        if kind == "TABLE_FUNCTION":
            function = str(found.get("function", {}).get("function_name", ""))
            if function not in ROW_FUNCTIONS:
                yield f"it reads {function}(), which is no table: read layer.table, or files.<input> of kind.toml"
        elif kind == "BASE_TABLE" and not found.get("schema_name") and found["table_name"] not in ctes:
            yield f"it reads {found['table_name']}, which is no CTE: read layer.table, or files.<input> of kind.toml"
        elif kind == "COLUMN_REF" and found["column_names"][-1] in UNSTABLE_WORDS and len(found["column_names"]) == 1:
            yield f"it uses {found['column_names'][0]}, which gives other rows at each run: give a parameter"
        elif name in UNSTABLE_FUNCTIONS:
            yield f"it uses {name}(), which gives other rows at each run: use unit_hash(concat('salt|', $seed, …))"
        if found.get("sample"):
            yield "it uses a sample, which gives other rows at each run: filter by unit_hash(…) < $share"


def _is_table(node: dict[str, Any]) -> bool:
    return node.get("type") == "BASE_TABLE" and bool(node.get("schema_name"))


def _table_place(node: dict[str, Any], data: bytes, where: str) -> Place:
    name = f"{node['schema_name']}.{node['table_name']}"
    start = int(node["query_location"])
    end = start + len(name.encode())
    if data[start:end].decode(errors="replace") != name:
        raise ProjectError(
            f"can't find {name} in the text", where=where, fix="write it plainly, lower case, no quotes: layer.table"
        )
    return Place(start, end, "table", name, node.get("alias") or "")


def _parameter_place(node: dict[str, Any]) -> Place:
    start = int(node["query_location"])
    name = str(node["identifier"])
    return Place(start, start + 1 + len(name.encode()), "parameter", name)


def _leftmost(node: dict[str, Any]) -> dict[str, Any]:
    while node.get("type") == "SET_OPERATION_NODE":
        node = node["children"][0] if node.get("children") else node["left"]
    return node


def _column_names(node: dict[str, Any], where: str) -> list[str]:
    names = []
    for item in _leftmost(node).get("select_list", []):
        name = item.get("alias") or (item.get("column_names") or [""])[-1]
        if not name:
            raise ProjectError(
                "a column has no name",
                where=where,
                fix="give each column of the last SELECT a name with `as`, and no `*`",
            )
        names.append(str(name))
    return names


def _group_keys(node: dict[str, Any]) -> tuple[str, ...]:
    """Name the outer GROUP BY's keys as the result shows them; empty where they are not all shown."""
    if node.get("type") != "SELECT_NODE":
        return ()
    shown = {
        tuple(item["column_names"]): item.get("alias") or item["column_names"][-1]
        for item in node.get("select_list", [])
        if item.get("type") == "COLUMN_REF"
    }
    if any(found.get("function_name") == "unnest" for found in _walk(node.get("select_list"))):
        return ()  # one group gives many rows
    keys = [expression.get("column_names") for expression in node.get("group_expressions", [])]
    names = [shown.get(tuple(key or ())) for key in keys]
    if len(node.get("group_sets", [])) > 1 or not all(names):
        return ()
    return tuple(str(name) for name in names)


def read_tokens(data: bytes) -> list[tuple[int, str, bool]]:
    """List (offset, text, is comment) of each token; white space between tokens is dropped."""
    starts = duckdb.tokenize(data.decode())
    ends = [start for start, _ in starts[1:]] + [len(data)]
    return [
        (start, data[start:end].decode().strip(), kind == duckdb.token_type.comment)
        for (start, kind), end in zip(starts, ends, strict=True)
    ]


def _with_comments(names: list[str], tokens: list[tuple[int, str, bool]]) -> Iterator[Column]:
    """Give each column of the first outer SELECT the comment that stands above its expression."""
    depth, index, inside = 0, 0, False
    comments: list[list[str]] = [[] for _ in names]
    is_open = True
    for _, token, is_comment in tokens:
        if is_comment:
            if inside and is_open and index < len(names):
                comments[index].append(token.removeprefix("--").strip())
            continue
        depth += (
            sum(token.count(mark) for mark in "([{") - sum(token.count(mark) for mark in ")]}")
            if token[0] not in "'\""
            else 0
        )
        if depth == 0 and not inside and token.lower() == "select":
            inside = True
        elif depth == 0 and inside and token == ",":
            index, is_open = index + 1, True
        elif depth == 0 and inside and token.lower() == "from":
            break
        elif inside:
            is_open = False
    for name, lines in zip(names, comments, strict=True):
        yield Column(name, " ".join(lines))
