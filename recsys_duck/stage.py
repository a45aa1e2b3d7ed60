"""Stages: one table's SELECT with its header, or one Python function with the tables it makes.

A stage knows its name, contract and text, not where its inputs lie.
What the SQL itself says (reads, parameters, columns) comes from the engine as `SqlFacts`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from recsys_duck.errors import ProjectError
from recsys_duck.header import CHECKS, split_header

LAYERS = ("staging", "core", "split", "features", "training", "models", "recs", "eval")
# columns of a gate that only its rejected rows show
TOLD = ("rejected_value", "reject_reason")
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result: its name and the comment above it, empty where there is none."""

    name: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table or a parameter stands in a text: byte offsets, end excluded."""

    start: int
    end: int
    kind: str  # "table" or "parameter"
    name: str
    alias: str = ""


@dataclass(frozen=True, slots=True)
class SqlFacts:
    """What a SELECT says of itself, read by the engine's parser.

    `refusals` say what no stage may do: read files by itself, or give other rows at each run.
    """

    tokens: str
    reads: tuple[str, ...]
    parameters: tuple[str, ...]
    columns: tuple[Column, ...]
    group_keys: tuple[str, ...]
    places: tuple[Place, ...]
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A predicate that is true for every row; its severity is fail, warn, or note, a line at the end of a build."""

    predicate: str
    severity: str = "fail"
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Contract:
    """What a table promises: its meaning, grain, checks and the comments of its columns.

    `harmless` are the reasons of a gate that are no fault of the data: a filter that a parameter asks for, or a repeat.
    """

    about: str
    grain: tuple[str, ...] = ()
    why: str = ""
    source: str = ""
    checks: tuple[Check, ...] = ()
    gate_of: str = ""
    harmless: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class SqlStage:
    """One SQL file: it makes one table, or one named part of a table."""

    key: str
    table: str
    part: str
    contract: Contract
    text: str
    facts: SqlFacts
    path: Path
    origin: str
    for_each: str = ""
    is_view: bool = False
    engine: str = ""
    only_if: tuple[str, ...] = ()
    built_with: str = ""

    @property
    def reads(self) -> tuple[str, ...]:
        """Tables and `files.*` inputs that the SELECT or its planning reads."""
        extra = (self.for_each,) if self.for_each and self.for_each not in self.facts.reads else ()
        return self.facts.reads + extra

    @property
    def place(self) -> str:
        """Where it stands, as people are told: a project's own file, or the name of one of ours."""
        return _place(self.path, self.key, self.origin)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The `$names` it uses, those of a planning table included."""
        return self.facts.parameters

    @property
    def tables(self) -> Mapping[str, Contract]:
        """The one table it makes."""
        return {self.table: self.contract}


class Inputs(Protocol):
    """What a Python stage is handed: its parameters, its tables as Arrow batches, memory and threads."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Values of the declared parameters."""

    @property
    def memory_bytes(self) -> int:
        """What its arrays may take; no row may depend on it."""

    @property
    def threads(self) -> int:
        """Threads it may use; no row may depend on them."""

    @property
    def loaded(self) -> Any:
        """What the stage's `load` gave, once for all blocks of a run."""

    def n_rows(self, table: str) -> int:
        """Count the rows of a declared table."""

    def batches(self, table: str, *columns: str, at_a_time: int = 100_000) -> Iterator[Any]:
        """Read columns of a declared table as pyarrow.RecordBatches, at least one, in the order rows are stored."""

    def refuse_stop(self) -> None:
        """Raise where the build was told to stop; call it wherever there is a good place to."""


Stage: TypeAlias = "SqlStage | PythonStage"


@dataclass(frozen=True, slots=True)
class PythonStage:
    """A Python function in the graph.

    `run(inputs)` returns, for each table, an iterable of pyarrow batches or tables in the declared
    columns. `need(inputs)` counts the bytes that its arrays will take, from row counts, before it runs.
    `source` is the text its fingerprint covers: its module and what that imports from here. `versions`
    names the libraries whose release may change its result.
    With `for_each`, a planning table that is among its reads, `run` is called once per row of it, whose
    values are among the parameters; all null stand for a table without rows. `load(inputs)`, called
    before the first of them, gives what they share as `inputs.loaded`.
    """

    key: str
    tables: Mapping[str, Contract]
    reads: tuple[str, ...]
    parameters: tuple[str, ...]
    run: Callable[[Inputs], Mapping[str, Iterable[Any]]]
    source: str
    need: Callable[[Inputs], int] = lambda _: 0
    load: Callable[[Inputs], Any] = lambda _: None
    part: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    origin: str = "shared"  # or the kind that it is for
    for_each: str = ""
    is_view: bool = False
    only_if: tuple[str, ...] = ()
    built_with: str = ""

    @property
    def is_model(self) -> bool:
        """Tell whether `models` chooses it: it is a named part, and loads a model's libraries."""
        return bool(self.part)


def stage_name(path: Path, root: Path) -> tuple[str, str, str]:
    """Name a stage file below an `sql` folder: its key, its table and its part.

    Raises:
        ProjectError: the path is not <layer>/<table>.sql or <layer>/<table>/<part>.sql.
    """
    pieces = path.relative_to(root).with_suffix("").parts
    if len(pieces) not in (2, 3) or pieces[0] not in LAYERS or not all(_NAME.match(piece) for piece in pieces):
        raise ProjectError(
            "this file's place names no table",
            where=str(path),
            fix=f"move it to <layer>/<table>.sql or <layer>/<table>/<part>.sql; layers: {', '.join(LAYERS)}",
        )
    table = f"{pieces[0]}.{pieces[1]}"
    part = pieces[2] if len(pieces) == 3 else ""
    return (f"{table}/{part}" if part else table), table, part


def parse_stage(path: Path, root: Path, facts: SqlFacts, text: str, *, origin: str) -> SqlStage:
    """Make a stage of a file's text and what the engine read in it.

    Raises:
        ProjectError: a header field is missing, unknown or contradicts another.
    """
    key, table, part = stage_name(path, root)
    where = _place(path, key, origin)
    about, fields = split_header(text, where)
    single = {name: value for name, value in fields if not name.startswith("check")}
    contract = Contract(
        about=about,
        grain=_grain(single, where),
        why=single.get("why", ""),
        source=single.get("source", ""),
        checks=tuple(_check(name, value) for name, value in fields if name.startswith("check")),
        gate_of=single.get("gate of", ""),
        harmless=_names(single.get("harmless", "")),
        columns=facts.columns,
    )
    stage = SqlStage(
        key=key,
        table=table,
        part=part,
        contract=contract,
        text=text,
        facts=facts,
        path=path,
        origin=origin,
        for_each=single.get("for each", ""),
        is_view=single.get("as") == "view",
        engine=single.get("engine", ""),
        only_if=_names(single.get("only if", "")),
        built_with=single.get("built with", ""),
    )
    _refuse_contradictions(stage, single)
    return stage


def _place(path: Path, key: str, origin: str) -> str:
    """Name a project's own file by its path, one of ours by its stage: where we are installed is nobody's matter."""
    if origin == "project":
        return str(path)
    return f"stage {key} of {'recsys-duck' if origin == 'shared' else f'kind {origin}'}"


def _grain(fields: Mapping[str, str], where: str) -> tuple[str, ...]:
    written = fields.get("grain", "")
    if not written:
        fix = "add `-- grain: key columns`, or none with a why:"
        raise ProjectError("the header has no grain", where=where, fix=fix)
    if written == "none":
        if not fields.get("why"):
            raise ProjectError("grain: none has no why:", where=where, fix="say why a row has no key")
        return ()
    return _names(written)


def _names(written: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in written.split(",")) if written else ()


def _check(name: str, written: str) -> Check:
    predicate, _, sentence = written.partition(" -- ")
    return Check(predicate.strip(), CHECKS[name], sentence.strip())


def _refuse_contradictions(stage: SqlStage, fields: Mapping[str, str]) -> None:
    names = [column.name for column in stage.facts.columns]
    where = stage.place
    if stage.facts.refusals:
        what, _, fix = stage.facts.refusals[0].partition(": ")
        raise ProjectError(f"{stage.key} is refused: {what}", where=where, fix=fix)
    empty = [check for check in stage.contract.checks if not check.predicate]
    if empty:
        raise ProjectError("a check says nothing", where=where, fix="write `-- check:  predicate true for every row`")
    unknown = [name for name in stage.contract.grain if name not in names]
    if unknown:
        what = f"grain names no column: {', '.join(unknown)}"
        raise ProjectError(what, where=where, fix=f"columns: {', '.join(names)}")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        what = f"two columns are named {', '.join(repeated)}"
        raise ProjectError(what, where=where, fix="give each column its own alias")
    if "as" in fields and fields["as"] != "view":
        raise ProjectError(f"as: {fields['as']} means nothing", where=where, fix="write `as: view` or leave it out")
    has_reason = "reject_reason" in names
    if has_reason != bool(stage.contract.gate_of):
        what = "a gate has both a column reject_reason and a line gate of:"
        raise ProjectError(what, where=where, fix="add the one that is missing")
    if stage.is_view and (stage.for_each or stage.contract.gate_of or stage.part):
        raise ProjectError("a view is no gate, no part and runs once", where=where, fix="leave out `as: view`")
    if stage.engine and re.split(r"[,: ]", stage.engine)[0] != "duckdb":
        raise ProjectError(f"engine: {stage.engine} names no engine", where=where, fix="write `engine: duckdb, why`")
