"""Parameters: declared once with type, unit and range; a value is checked here and nowhere else.

A `Value` is a typed SQL value: what a stage's `$name` stands for. Refuses unknown names, wrong types
and values out of range, all at once.
"""

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, TypeAlias

from recsys_duck.errors import ProjectError, RecsysDuckError, near_miss, raise_problems

Scalar: TypeAlias = bool | int | float | str | datetime | None
Data: TypeAlias = Scalar | tuple[Scalar, ...]

SQL_TYPES = {
    "int": "bigint",
    "real": "double",
    "text": "varchar",
    "bool": "boolean",
    "timestamp": "timestamp",
    "list of text": "varchar[]",
    "list of int": "bigint[]",
}


@dataclass(frozen=True, slots=True)
class Value:
    """A value of an SQL type; `data` is None for a typed null."""

    sql_type: str
    data: Data

    def literal(self) -> str:
        """Write the value as a typed SQL literal that pastes into any shell."""
        if self.data is None:
            inner = "null"
        elif isinstance(self.data, tuple):
            inner = "[" + ", ".join(str(item) if type(item) is int else quoted(str(item)) for item in self.data) + "]"
        elif isinstance(self.data, bool):
            inner = "true" if self.data else "false"
        else:
            inner = quoted(self.text())
        return f"cast({inner} as {self.sql_type})"

    def text(self) -> str:
        """Write the value as people read it; `null` for none."""
        if self.data is None:
            return "null"
        if isinstance(self.data, bool):
            return "true" if self.data else "false"
        if isinstance(self.data, tuple):
            return json.dumps(list(self.data))
        if isinstance(self.data, datetime):
            return self.data.isoformat(sep=" ")
        return str(self.data)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter; `default` None means that null, which is off, is allowed.

    `used_if` names values of other parameters: unless one of them is set so, this one has no effect.
    """

    name: str
    type: str
    default: Data
    about: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    used_if: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)

    def value(self, given: object, *, where: str) -> Value:
        """Check a given TOML value and return it typed.

        Raises:
            ProjectError: wrong type, out of range, or null where null is no value.
        """
        data = self._typed(given, where)
        items = data if isinstance(data, tuple) else (data,)
        for item in items:
            if self.choices and item is not None and item not in self.choices:
                raise self._error(given, where, "use one of " + ", ".join(self.choices))
            if isinstance(item, int | float) and not self._in_range(item):
                raise self._error(given, where, f"use {self.range_text() or 'a finite number'}")
        return Value(SQL_TYPES[self.type], data)

    def range_text(self) -> str:
        """Say what values are allowed, in words."""
        if self.choices:
            return ", ".join(self.choices)
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"{self.minimum:g} or more"
        return ""

    def _in_range(self, number: float) -> bool:
        if isinstance(number, float) and not math.isfinite(number):
            return False
        return not (
            (self.minimum is not None and number < self.minimum) or (self.maximum is not None and number > self.maximum)
        )

    def _error(self, given: object, where: str, fix: str) -> ProjectError:
        shown = "null" if given is None else json.dumps(given, default=str)
        return ProjectError(f"parameter {self.name} can't be {shown}", where=where, fix=fix)

    def _typed(self, given: object, where: str) -> Data:
        if given is None:
            if self.default is None:
                return None
            raise self._error(given, where, f"leave it out for the default, {Value('', self.default).text()}")
        if self.type == "timestamp":
            return self._timestamp(given, where)
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        if self.type == "real" and is_number:
            try:
                return float(given)  # type: ignore[arg-type]
            except OverflowError:
                raise self._error("a number of hundreds of digits", where, "use a smaller one") from None
        if self.type == "int" and is_number and isinstance(given, int) and not -(2**63) <= given < 2**63:
            raise self._error(given, where, "use a 64-bit integer")
        fits = {
            "bool": isinstance(given, bool),
            "int": is_number and isinstance(given, int),
            "text": isinstance(given, str),
        }
        if fits.get(self.type):
            return given  # type: ignore[return-value]
        item_type = {"list of text": str, "list of int": int}.get(self.type)
        if item_type and isinstance(given, list) and all(type(item) is item_type for item in given):
            return tuple(sorted(set(given)))  # their order means nothing
        raise self._error(given, where, f"give a value of type {self.type}")

    def _timestamp(self, given: object, where: str) -> datetime:
        if isinstance(given, str):
            try:
                given = datetime.fromisoformat(given)
            except ValueError:
                raise self._error(given, where, "write it as 2022-12-16 or 2022-12-16T08:00:00") from None
        if isinstance(given, datetime):
            if given.tzinfo is not None:
                raise self._error(given, where, "leave out the offset: times are UTC")
            return given
        if isinstance(given, date):
            return datetime.combine(given, time())
        raise self._error(given, where, "write it as 2022-12-16 or 2022-12-16T08:00:00")


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter's value in a project and where it comes from: default, kind, recsys.toml, command line."""

    parameter: Parameter
    value: Value
    source: str


def quoted(text: str) -> str:
    """Quote a text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def load_parameters(path: Path) -> dict[str, Parameter]:
    """Read the declarations of a parameters.toml.

    Raises:
        ProjectError: the file is no TOML, or a declaration is incomplete or has an unfit default.
    """
    declarations = read_toml(path)
    parameters = {}
    for name, fields in declarations.items():
        where = f"{path}, [{name}]"
        if not isinstance(fields, dict) or fields.get("type") not in SQL_TYPES or not fields.get("about"):
            raise ProjectError(
                f"parameter {name} is not declared in full",
                where=where,
                fix=f"give about and type: {', '.join(SQL_TYPES)}",
            )
        default = fields.get("default")
        parameter = Parameter(
            name=name,
            type=fields["type"],
            default=tuple(default) if isinstance(default, list) else default,
            about=fields["about"],
            unit=fields.get("unit", ""),
            minimum=fields.get("min"),
            maximum=fields.get("max"),
            choices=tuple(fields.get("choices", ())),
            used_if={name: tuple(values) for name, values in table_of(fields, "used_if").items()},
        )
        parameter.value(default, where=where)
        parameters[name] = parameter
    return parameters


def settle(
    parameters: Mapping[str, Parameter], layers: Mapping[str, tuple[str, Mapping[str, object]]]
) -> dict[str, Setting]:
    """Choose each parameter's value: the last layer that names it wins.

    `layers` maps a source ("kind", "recsys.toml", "command line") to where it stands and its values.

    Raises:
        ProjectError: unknown names and unfit values of all layers.
    """
    problems: list[RecsysDuckError] = []
    settings = {
        name: Setting(parameter, parameter.value(_as_given(parameter.default), where=name), "default")
        for name, parameter in parameters.items()
    }
    for source, (where, values) in layers.items():
        for name, given in values.items():
            if name not in parameters:
                problems.append(
                    ProjectError(f"there is no parameter {name}", where=where, fix=near_miss(name, parameters))
                )
                continue
            try:
                settings[name] = Setting(parameters[name], parameters[name].value(given, where=where), source)
            except ProjectError as problem:
                problems.append(problem)
    raise_problems(problems)
    return settings


def _as_given(default: Data) -> object:
    return list(default) if isinstance(default, tuple) else default


def parse_assignment(text: str, *, option: str = "--set", form: str = "name=value") -> tuple[str, object]:
    """Split `name=value`: the value is TOML, bare words are text, `null` is None.

    Raises:
        ProjectError: there is no `=` or no name.
    """
    name, equals, written = text.partition("=")
    name, written = name.strip(), written.strip()
    if not equals or not name:
        raise ProjectError(f"can't read {text!r}", where=option, fix=f"write {option} {form}")
    if written == "null":
        return name, None
    try:
        return name, tomllib.loads(f"value = {written}")["value"]
    except tomllib.TOMLDecodeError:
        return name, written


def read_toml(path: Path) -> dict[str, object]:
    """Read a TOML file.

    Raises:
        ProjectError: the file can't be read or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ProjectError(f"can't read {path.name}", where=str(path), fix=error.strerror or "") from None
    except UnicodeDecodeError:
        raise ProjectError(f"{path.name} is not UTF-8", where=str(path), fix="save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{path.name} is no valid TOML", where=str(path), fix=str(error)) from None


def table_of(fields: Mapping[str, object], name: str) -> Mapping[str, Any]:
    """Take a table out of a TOML file; empty where it is missing.

    Raises:
        ProjectError: the name is there, but no table.
    """
    value = fields.get(name, {})
    if not isinstance(value, Mapping):
        raise ProjectError(f"{name} is no table", where=f"[{name}]", fix="write [name] and a line for each")
    return value
