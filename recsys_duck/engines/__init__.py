"""The engine protocol: what runs a query and writes its rows as Parquet.

A `Query` is a stage's text with typed values and sources; an engine compiles it to its own dialect.
The relations that it is told are Parquet files or the text of a view: it reads them its own way.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from recsys_duck.parameters import Value
from recsys_duck.relation import Relation
from recsys_duck.source import Source
from recsys_duck.stage import Place


@dataclass(frozen=True, slots=True)
class Query:
    """A SELECT whose `$names` and `files.*` are still open, with what they stand for."""

    text: str
    places: tuple[Place, ...] = ()
    values: Mapping[str, Value] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    where: str = ""
    no_rows: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What a write left behind: rows, bytes and the (name, type) columns of one Parquet file."""

    n_rows: int
    n_bytes: int
    columns: tuple[tuple[str, str], ...]


class Engine(Protocol):
    """Runs queries over defined relations; each call may come from a thread of its own."""

    name: str

    def define(self, relation: Relation) -> None:
        """Make a relation readable under its name, in place of an older one."""

    def columns(self, query: Query) -> tuple[tuple[str, str], ...]:
        """Bind a query without running it: its (name, type) columns."""

    def text_of(self, query: Query) -> str:
        """Compile a query to text with its values as typed literals."""

    def write(self, query: Query, target: Path) -> Written:
        """Run a query and write its rows to one Parquet file."""

    def write_batches(self, batches: Iterable[Any], target: Path) -> Written:
        """Write Arrow batches to one Parquet file."""

    def fetch(self, query: Query) -> list[tuple[Any, ...]]:
        """Run a query with a small result and return its rows."""

    def sieve(self, query: Query) -> tuple[int, list[tuple[int, str, str]]]:
        """Count the records of a text file; the other lines come with their number, their text and why not."""

    def batches(self, query: Query, at_a_time: int) -> Iterator[Any]:
        """Run a query and hand out pyarrow.RecordBatches of so many rows at a time, at least one."""

    def lean(self, memory_bytes: int) -> AbstractContextManager[None]:
        """Keep to little memory, and hand out rows in the order they are stored, while Python works."""

    def progress(self) -> float | None:
        """Share of the running queries that is done, 0 to 1; None where unknown."""

    def interrupt(self) -> None:
        """Stop what runs, from another thread."""

    def close(self) -> None:
        """Give back memory, threads and temporary files."""


def splice(text: str, places: Sequence[Place], replacement: Callable[[Place], str]) -> str:
    """Replace places of a text by what `replacement` gives; offsets are bytes of UTF-8."""
    data = text.encode()
    pieces = []
    at = 0
    for place in sorted(places, key=lambda one: one.start):
        pieces += [data[at : place.start], replacement(place).encode()]
        at = place.end
    return b"".join([*pieces, data[at:]]).decode()
