"""Bundles: which source files are read together as one part of a stage.

A large file is a part by itself. Small ones are read together, since each part costs some 25 ms. Each file
keeps a fingerprint of its own, so that parts that are there are used again and a new file is read alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recsys_duck.source import Source, SourceFile
from recsys_duck.store import digest

LARGE_BYTES = 16_000_000
BUNDLE_BYTES = 64_000_000
BUNDLE_FILES = 2_000


@dataclass(frozen=True, slots=True)
class Bundle:
    """Files that are read together: the fingerprint of the part, its label, and the fingerprint of each file."""

    fingerprint: str
    label: str
    files: tuple[SourceFile, ...]
    members: Mapping[str, str]


def bundles(source: Source, ingredients: Mapping[str, Any], known: Mapping[str, frozenset[str]]) -> list[Bundle]:
    """Divide the files of a source; `known` maps parts that are there to the fingerprints of their files."""
    name = source.input.name
    base = digest({**ingredients, "files": {**ingredients["files"], name: []}})
    left = {digest([base, file.identity()]): file for file in source.files}
    made = []
    for fingerprint, members in sorted(known.items(), key=lambda one: (-len(one[1]), one[0])):
        if members and members <= left.keys():
            made.append(_bundle([(member, left.pop(member)) for member in sorted(members)], fingerprint))
    made += [_bundle(files) for files in _divided(left, is_alone=source.input.format == "json_records")]
    return sorted(made, key=lambda one: one.files[0].shown)


def _bundle(files: list[tuple[str, SourceFile]], fingerprint: str = "") -> Bundle:
    files = sorted(files, key=lambda one: one[1].shown)
    members = [member for member, _ in files]
    first, last = files[0][1].shown, files[-1][1].shown
    return Bundle(
        fingerprint=fingerprint or (members[0] if len(members) == 1 else digest(members)),
        label=first if len(files) == 1 else f"{len(files)} files, {first} to {last}",
        files=tuple(file for _, file in files),
        members={file.shown: member for member, file in files},
    )


def _divided(files: Mapping[str, SourceFile], *, is_alone: bool) -> Iterator[list[tuple[str, SourceFile]]]:
    """Gather small files in the order of their names, up to a size and a number."""
    some: list[tuple[str, SourceFile]] = []
    n_bytes = 0
    for member, file in files.items():
        if is_alone or file.n_bytes >= LARGE_BYTES:
            yield [(member, file)]
            continue
        if some and (n_bytes + file.n_bytes > BUNDLE_BYTES or len(some) == BUNDLE_FILES):
            yield some
            some, n_bytes = [], 0
        some.append((member, file))
        n_bytes += file.n_bytes
    if some:
        yield some
