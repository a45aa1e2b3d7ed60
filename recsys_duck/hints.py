"""Hints: the option that would read rejected values, told from the values themselves."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from recsys_duck.source import Input
from recsys_duck.traits import missing_spellings, numbers_of, present, times_of

DELIMITERS = (";", "\t", "|", ",")


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows that a gate rejects for one reason: their values as the files have them, and a file."""

    reason: str
    values: tuple[str, ...]
    file: str = ""


def hint(sample: Sample, declared: Input, *, delimiter: str = "") -> str:
    """Say what to type, so that values as these are read; `delimiter` is the one that they were split at."""
    kind, _, column = sample.reason.partition("_")
    if sample.reason == "bad_line":
        return _split(sample, declared, delimiter)
    if sample.reason == "bad_time":
        return _time(present(sample.values), declared.name)
    if kind in ("bad", "unfit"):
        # a row of several ids has one reason for all of them
        ids = [name for name in declared.columns if name in declared.ids and column in (name, "id")]
        if ids:
            return _id(sample, declared.name, ids)
        if column in declared.unfit.values():
            return _number(sample, declared.name, column)
    if column in declared.columns:
        return f"name the column that holds it: --column {declared.name}.{column}=COLUMN"
    return f"correct the files, or name other ones: --files {declared.name}=GLOB"


def _id(sample: Sample, input_name: str, columns: list[str]) -> str:
    """Say how values as these are ids, or that they are missing ones."""
    spelled = missing_spellings(sample.values)
    if spelled and not present(sample.values):
        return f"if it means that there is none: --reader '{input_name}.null={_listed(spelled)}'"
    texts = ", ".join(f'{column}="varchar"' for column in columns)
    return f"read it as text: --reader '{input_name}.columns={{{texts}}}'"


def _number(sample: Sample, input_name: str, column: str) -> str:
    """Say how values as these are numbers."""
    numbers = numbers_of(present(sample.values))
    if numbers and numbers.decimal == ",":
        return f"say that numbers have a decimal comma: --reader '{input_name}.decimal=\",\"'"
    return f"write numbers as 1234.5, or name another column: --column {input_name}.{column}=COLUMN"


def _time(values: list[str], input_name: str) -> str:
    """Say which unit or format reads times as these."""
    times = times_of(values)
    if times and times.unit:
        return f"say their unit: --reader {input_name}.time_unit={times.unit}"
    if times and times.formats:
        forms = f'"{times.formats[0]}"' if len(times.formats) == 1 else _listed(times.formats)
        return f"say how they are written: --reader '{input_name}.time_format={forms}'"
    return f"say how they are written: --reader '{input_name}.time_format=\"%d/%m/%Y\"', or name another column"


def _split(sample: Sample, declared: Input, delimiter: str) -> str:
    """Say what may separate the fields of lines, unless they are JSON."""
    input_name = declared.name
    if declared.format != "csv":
        other = f"or say where they are: {records_option(input_name)}"
        return f"give one JSON object a line, each key once, or an array of them; {other}"
    sign = delimiter_of(sample.values, but=delimiter)
    if not sign:
        return f"correct these lines; or leave out the first ones of each file: --reader {input_name}.skip=1"
    return f"say what separates the fields, and what quotes mean: {delimiter_option(input_name, sign)}"


def delimiter_of(lines: Sequence[str], *, but: str = "") -> str:
    """Tell what may separate the fields of lines, other than `but`; empty where nothing does."""
    counts = Counter({sign: min((line.count(sign) for line in lines), default=0) for sign in DELIMITERS if sign != but})
    return next((sign for sign, n in counts.most_common(1) if n), "")


def delimiter_option(input_name: str, sign: str) -> str:
    """Write the option that says what separates fields."""
    shown = sign.replace("\t", "\\t")
    return f"--reader '{input_name}.delimiter=\"{shown}\"'"


def records_option(input_name: str, key: str = "KEY") -> str:
    """Write the option that says where in a document its rows are."""
    return f"--reader '{input_name}.records=\"$.{key}[*]\"'"


def _listed(texts: list[str] | tuple[str, ...]) -> str:
    escaped = [text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
    return "[" + ", ".join(f'"{text}"' for text in escaped) + "]"
