"""Endings: which format a file's name asks for, and whether it is packed.

Owns the formats that exports are written in. An ending of no format is refused with those there are.
"""

from dataclasses import dataclass

from recsys_duck.errors import ProjectError

# what a name may end in, with the format; JSON is a record a line under each of its names
FORMATS = {
    ".csv": ".csv",
    ".tsv": ".tsv",
    ".parquet": ".parquet",
    ".jsonl": ".jsonl",
    ".ndjson": ".jsonl",
    ".json": ".jsonl",
    ".txt": ".txt",
    ".sqlite": ".sqlite",
    ".sqlite3": ".sqlite",
    ".db": ".sqlite",
    ".resp": ".resp",
}
PACKED = {".gz": "gzip", ".zst": "zstd"}
PACKABLE = (".csv", ".tsv", ".jsonl", ".txt")


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a file's name: its format, and how it is packed, empty where it is not."""

    text: str
    format: str
    packing: str = ""


def ending_of(name: str) -> Ending | None:
    """Read the format from a file's name; None where the name has no ending.

    Raises:
        ProjectError: the ending is of no format.
    """
    stem, dot, last = name.rpartition(".")
    if not dot or not stem:
        return None
    ending, packing = f".{last.lower()}", ""
    if ending in PACKED:
        packing = PACKED[ending]
        ending = f".{stem.rpartition('.')[2].lower()}" if "." in stem else ""
    found = FORMATS.get(ending)
    if found is None or (packing and found not in PACKABLE):
        raise ProjectError(
            f"the ending of {name} is of no format",
            where="export",
            fix=f"end the name in {', '.join(FORMATS)}; or pack a text format: x.csv.gz, x.jsonl.zst",
        )
    return Ending(name[len(name) - len(ending) - (len(last) + 1 if packing else 0) :], found, packing)
