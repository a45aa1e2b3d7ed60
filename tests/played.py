"""Builds of play counts: the kind taste_profile on its files, and small made-up ones; read back as plain Python."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from building import rows, run

KIND = "taste_profile"
CSV_FILES = ("interactions_10000.csv", "songs.csv")
ORIGINAL_FILES = ("10000.txt", "unique_tracks.latin1.txt")
ORIGINAL_READERS = (
    ("plays", "format", "csv"),
    ("plays", "delimiter", "\t"),
    ("plays", "header", False),
    ("plays", "quote", ""),
    ("plays", "names", ["user_id", "song_id", "freq"]),
    ("songs", "format", "csv"),
    ("songs", "delimiter", "<SEP>"),
    ("songs", "header", False),
    ("songs", "quote", ""),
    ("songs", "encoding", "latin-1"),
    ("songs", "names", ["track_id", "song_id", "artist", "title"]),
)
LAYOUTS = {"csv": (CSV_FILES, ()), "original": (ORIGINAL_FILES, ORIGINAL_READERS)}
# negatives and what they need; the models of the kind take longer
SELECT = ("+training.examples", "+training.negative_quotas", "+features.item_popularity")
ALL = {"top_items": 0, "min_items_per_user": 0}


class Built:
    """The published tables of one build, read back as plain Python."""

    def __init__(
        self,
        root: Path,
        files: tuple[Path, Path],
        parameters: Mapping[str, object] | None = None,
        readers: Sequence[tuple[str, str, object]] = (),
        **options: object,
    ) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        given = {
            "kind": KIND,
            "files": [("plays", str(files[0])), ("songs", str(files[1]))],
            "readers": readers,
            "parameters": list((parameters or {}).items()),
        }
        self.told = run(root, given, **{"select": SELECT, **options})

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """All rows of a query on the published generation."""
        return rows(self.root, question)

    def ledger(self, stage: str) -> Counter[str]:
        """Rows of a gate by reason."""
        found = self.rows(f"select reason, n_rows from meta.row_ledger where stage = '{stage}'")
        assert len(found) == len(dict(found)), f"a reason of {stage} has two ledger rows"
        return +Counter(dict(found))

    @cached_property
    def negatives(self) -> dict[str, list[str]]:
        """The songs drawn for each user."""
        found = defaultdict(list)
        for user_id, song_id, n_draws in self.rows("select user_id, item_id, n_draws from training.negatives"):
            assert n_draws == 1
            found[user_id].append(song_id)
        return dict(found)


def lay_out(root: Path, plays: Iterable[Sequence[object]], songs: Iterable[Sequence[object]]) -> tuple[Path, Path]:
    """Write plays and songs as the two CSVs with header."""
    root.mkdir(parents=True, exist_ok=True)
    for name, header, table in (
        ("plays.csv", "user_id,song_id,freq", plays),
        ("songs.csv", "track_id,song_id,artist,title", songs),
    ):
        text = "".join(",".join(map(str, row)) + "\n" for row in table)
        (root / name).write_text(f"{header}\n{text}", encoding="utf-8")
    return root / "plays.csv", root / "songs.csv"


def songs_named(*song_ids: str) -> list[tuple[str, str, str, str]]:
    """One row of the catalog for each song."""
    return [(f"T{song_id}", song_id, f"artist of {song_id}", f"title of {song_id}") for song_id in song_ids]
