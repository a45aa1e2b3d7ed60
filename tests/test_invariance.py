"""The same input gives the same tables, whatever memory, threads or order of records it is built with."""

import json
import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from building import checksums, run

GIVEN: Mapping[str, object] = {
    "kind": "mpd",
    "files": [("", "slices/*.json")],
    "parameters": [("item_entity", "artist"), ("split", "random")],
}


def build(root: Path, monkeypatch: pytest.MonkeyPatch, **options: object) -> dict[str, tuple[int, int]]:
    monkeypatch.chdir(root)
    run(root, GIVEN, **options)
    return checksums(root)


def copied(slices_folder: Path, root: Path, *, shuffle: bool) -> Path:
    """Copy the slices into a project's own folder, the playlists of each file in another order."""
    (root / "slices").mkdir(parents=True)
    for path in slices_folder.glob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        if shuffle:
            random.Random(7).shuffle(document["playlists"])
        (root / "slices" / path.name).write_text(json.dumps(document), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def expected(slices_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, int]]:
    root = copied(slices_folder, tmp_path_factory.mktemp("plain"), shuffle=False)
    with pytest.MonkeyPatch.context() as monkeypatch:
        return build(root, monkeypatch, memory_limit=4_000_000_000, threads=2)


@pytest.mark.parametrize(
    ("memory_limit", "threads", "shuffle"),
    [(1_000_000_000, 1, False), (1_000_000_000, 2, True), (4_000_000_000, 1, False)],
)
def test_tables_are_equal(
    slices_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    expected: dict[str, tuple[int, int]],
    memory_limit: int,
    threads: int,
    shuffle: bool,
) -> None:
    root = copied(slices_folder, tmp_path, shuffle=shuffle)
    found = build(root, monkeypatch, memory_limit=memory_limit, threads=threads)
    assert found.keys() == expected.keys()
    assert {name for name in found if found[name] != expected[name]} == set()
    assert found["core.events"][0] > 100_000
    assert found["models.user_factors"][0] > 2_000
    assert found["recs.personal"][0] > 200_000
    assert found["eval.metrics"][0] == 3 * 3 * 15
