"""Kind taste_profile: both layouts of plays and songs, and what becomes of rows and bytes that are none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from projects import ask, run_build

from recsys_duck.errors import ProjectError, StageError

PLAYS = [("u1", "s1", "3"), ("u1", "s2", "1"), ("u2", "s1", "1"), ("u2", "s9", "2"), ("u3", "s2", "0")]
SONGS = [("t2", "s1", "Björk", "Jóga"), ("t1", "s1", "Björk", "Jóga (live)"), ("t3", "s2", 'The "Quotes"', "a, b")]
FEW = (("models", ["popular"]), ("top_items", 0), ("min_items_per_user", 0), ("negative_ratio", 0.0))
ORIGINALS = """
kind = "taste_profile"
[files.plays]
paths = "triplets.txt"
delimiter = "\\t"
header = false
quote = ""
names = ["user_id", "song_id", "freq"]
[files.songs]
paths = "unique_tracks.txt"
delimiter = "<SEP>"
header = false
encoding = "{encoding}"
names = ["track_id", "song_id", "artist", "title"]
"""
LEDGER = "select stage, reason, n_rows from meta.row_ledger where stage like 'staging.%' order by all"


def lines(rows: list[tuple[str, ...]], delimiter: str) -> str:
    return "".join(f"{delimiter.join(row)}\n" for row in rows)


def quoted_csv(rows: list[tuple[str, ...]]) -> str:
    return lines([tuple('"' + value.replace('"', '""') + '"' for value in row) for row in rows], ",")


def lay_out_csv(folder: Path) -> None:
    (folder / "recsys.toml").write_text('kind = "taste_profile"\n')
    (folder / "interactions.csv").write_text("user_id,song_id,freq\n" + quoted_csv(PLAYS), encoding="utf-8")
    (folder / "songs.csv").write_text("track_id,song_id,artist,title\n" + quoted_csv(SONGS), encoding="utf-8")


def lay_out_originals(folder: Path, songs: bytes | None = None, *, encoding: str = "latin-1") -> None:
    (folder / "recsys.toml").write_text(ORIGINALS.format(encoding=encoding))
    (folder / "triplets.txt").write_text(lines(PLAYS, "\t"))
    (folder / "unique_tracks.txt").write_bytes(lines(SONGS, "<SEP>").encode(encoding) if songs is None else songs)


def names(folder: Path) -> list[tuple[Any, ...]]:
    return ask(folder / "warehouse", "select song_id, track_id, artist, title from staging.songs order by all")


def test_both_layouts_give_the_same_tables(tmp_path: Path) -> None:
    found = []
    for name, lay_out in (("csv", lay_out_csv), ("originals", lay_out_originals)):
        folder = tmp_path / name
        folder.mkdir()
        lay_out(folder)
        run_build(folder, parameters=FEW)
        found.append((names(folder), ask(folder / "warehouse", LEDGER)))
    assert found[0] == found[1]
    assert found[0][0] == [("s1", "t1", "Björk", "Jóga (live)"), ("s2", "t3", 'The "Quotes"', "a, b")]
    assert found[0][1] == [
        ("staging.events", "bad_freq", 1),
        ("staging.events", "in", 5),
        ("staging.events", "kept", 3),
        ("staging.events", "song_not_in_catalog", 1),
        ("staging.songs", "duplicate_song_id", 1),
        ("staging.songs", "in", 3),
        ("staging.songs", "kept", 2),
    ]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("last", [True, False])
def test_marks_line_endings_and_a_missing_last_one_change_nothing(
    tmp_path: Path, ending: str, mark: bytes, last: bool
) -> None:
    text = lines(SONGS, "<SEP>").replace("\n", ending)
    content = mark + (text if last else text.removesuffix(ending)).encode()
    lay_out_originals(tmp_path, content, encoding="utf-8")
    plays = mark + lines(PLAYS, "\t").replace("\n", ending).encode()
    (tmp_path / "triplets.txt").write_bytes(plays if last else plays.removesuffix(ending.encode()))
    run_build(tmp_path, parameters=FEW)
    assert names(tmp_path) == [("s1", "t1", "Björk", "Jóga (live)"), ("s2", "t3", 'The "Quotes"', "a, b")]
    assert ask(tmp_path / "warehouse", "select count(*), cast(sum(weight) as bigint) from core.events") == [(3, 5)]


@pytest.mark.parametrize("n_good", [0, 150, 30_000])
def test_a_byte_that_is_no_utf8_is_refused_with_the_file_and_the_encoding_to_say(tmp_path: Path, n_good: int) -> None:
    good = "".join(f"t{at}<SEP>x{at}<SEP>artist<SEP>title\n" for at in range(n_good)).encode()
    lay_out_originals(tmp_path, good + "t0<SEP>s0<SEP>Björk<SEP>Jóga\n".encode("latin-1"), encoding="utf-8")
    with pytest.raises((ProjectError, StageError)) as caught:
        run_build(tmp_path, parameters=FEW)
    told = caught.value
    assert told.what == "unique_tracks.txt is not utf-8"
    assert told.where in ("unique_tracks.txt", f"unique_tracks.txt, line {n_good + 1}")
    assert told.where.endswith(str(n_good + 1)) or n_good < 1000  # a line far down is named
    assert told.fix.endswith("--reader songs.encoding=cp1252")


@pytest.mark.parametrize("line", ["t2<SEP>s2<SEP>a<SEP>b<SEP>c", "t2<SEP>s2<SEP>a", "t2\ts2\ta\tb"])
def test_a_line_of_other_fields_is_rejected_with_its_text(tmp_path: Path, line: str) -> None:
    lay_out_originals(tmp_path, f"t1<SEP>s1<SEP>artist<SEP>title\n{line}\n\nt3<SEP>s3<SEP>a<SEP>b\n".encode())
    run_build(tmp_path, parameters=FEW, select=("+staging.songs",))
    rejected = "select rejected_value, reject_reason from staging.songs_rejected"
    assert ask(tmp_path / "warehouse", rejected) == [(line, "bad_line")]
    assert ask(tmp_path / "warehouse", "select song_id from staging.songs order by song_id") == [("s1",), ("s3",)]


def test_the_originals_and_the_csv_files_of_the_real_plays_agree(
    real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    data = real_data("taste_profile")
    found = []
    for layout in ("csv", "originals"):
        folder = tmp_path / layout
        folder.mkdir()
        if layout == "csv":
            (folder / "recsys.toml").write_text('kind = "taste_profile"\n')
            (folder / "interactions.csv").symlink_to(data / "interactions_10000.csv")
            (folder / "songs.csv").symlink_to(data / "songs.csv")
        else:
            lay_out_originals(folder)
            for name, real in (("triplets.txt", "10000.txt"), ("unique_tracks.txt", "unique_tracks.latin1.txt")):
                (folder / name).unlink()
                (folder / name).symlink_to(data / real)
        run_build(folder, parameters=(("models", ["popular"]), ("negative_ratio", 0.0)))
        question = "select count(*), sum(hash(user_id, item_id, weight)::hugeint) from core.events"
        found.append((names(folder), ask(folder / "warehouse", question)))
    assert found[0] == found[1]
    assert len(found[0][0]) == 20_001
    assert found[0][1][0][0] == 11_906
