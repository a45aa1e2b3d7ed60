"""Bad files of the kinds taste_profile and lastfm_360k: a refusal that names file and cure, or rows that are counted.

Whatever is refused leaves the catalog that was published before as it was.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from played import ORIGINAL_READERS
from projects import ask, command_here, published_files, write_parquet
from test_bad_input import Told, refused

ORIGINALS = "the originals of taste_profile"
SONGS_HEADER = "track_id,song_id,artist,title\n"
SONGS = SONGS_HEADER + "T1,A,Björk,Undo\nT2,B,Air,Alpha\nT3,C,Air,Beta\n"
PLAYS_HEADER = "user_id,song_id,freq\n"
SONG_PLAYS = PLAYS_HEADER + "".join(f"u{at},{song},{at + 1}\n" for at in range(3) for song in "ABC"[: at + 1])
PROFILES = "".join(f"u{at}\t{'fm'[at % 2]}\t{20 + at}\tCôte d'Ivoire\tJan 1, 2007\n" for at in range(4))
ARTIST_PLAYS = "".join(f"u{at}\tid{artist}\tArtist {artist}\t{at + 1}\n" for at in range(3) for artist in range(at + 1))
GOOD = {
    "taste_profile": {"plays": ("plays.csv", SONG_PLAYS), "songs": ("songs.csv", SONGS)},
    ORIGINALS: {
        "plays": ("triplets.txt", SONG_PLAYS.removeprefix(PLAYS_HEADER).replace(",", "\t")),
        "songs": ("tracks.txt", SONGS.removeprefix(SONGS_HEADER).replace(",", "<SEP>")),
    },
    "lastfm_360k": {"plays": ("plays.tsv", ARTIST_PLAYS), "profiles": ("profiles.tsv", PROFILES)},
}
KIND_OF = {ORIGINALS: "taste_profile"}
KINDS = ("taste_profile", "lastfm_360k")
READERS = {
    ORIGINALS: [
        word
        for name, option, value in ORIGINAL_READERS
        for word in ("--reader", f"{name}.{option}={json.dumps(value)}")
        if option != "encoding"
    ]
}
N_PLAYS = 6
# the gate that reads an input
GATES = {
    ("taste_profile", "plays"): "staging.events",
    ("taste_profile", "songs"): "staging.songs",
    ("lastfm_360k", "plays"): "staging.selected_plays",
    ("lastfm_360k", "profiles"): "staging.profiles",
}
QUICK = ("--memory-limit", "600MB", "--threads", "2", "--set", "models=['popular']", "--set", "ks=[1]")
NO_FILTERS = ("--set", "min_items_per_user=0")
FAR = 30_000  # rows; more than one buffer of the reader


def lay_out(folder: Path, kind: str, **contents: str | bytes) -> Path:
    """Lay out the good files of a kind, some of them with another content."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recsys.toml").write_text(f'kind = "{KIND_OF.get(kind, kind)}"\n', encoding="utf-8")
    for name, (file, good) in GOOD[kind].items():
        content = contents.get(name, good)
        (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def build(folder: Path, kind: str, *arguments: str, without: str = "") -> CompletedProcess[str]:
    """Build a folder by the command line; `without` is an input that is not given."""
    files = [("--files", f"{name}={file}") for name, (file, _) in GOOD[kind].items() if name != without]
    words = [word for pair in files for word in pair] + READERS.get(kind, [])
    few = () if kind == "lastfm_360k" else NO_FILTERS
    return command_here(folder, "build", *words, *QUICK, *few, *arguments)


def ledger(folder: Path, stage: str) -> Counter[str]:
    """Rows of a gate by reason; checks that none is lost."""
    counted = Counter(
        dict(ask(folder / "warehouse", f"select reason, n_rows from meta.row_ledger where stage = '{stage}'"))
    )
    assert 2 * counted["in"] == counted.total(), counted
    return +counted


def built(folder: Path, kind: str, *arguments: str) -> Path:
    """Build a folder that must build."""
    done = build(folder, kind, *arguments)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(name="published", scope="module")
def published_projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A good project of each kind, built and published."""
    return {kind: built(lay_out(tmp_path_factory.mktemp(kind), kind), kind) for kind in GOOD}


@pytest.fixture(name="kept_warehouses", autouse=True)
def unchanged_warehouses(published: dict[str, Path]) -> Iterator[None]:
    """Whatever a test does, what was published before stays and answers."""
    before = {kind: published_files(folder / "warehouse") for kind, folder in published.items()}
    yield
    for kind, folder in published.items():
        assert published_files(folder / "warehouse") == before[kind]
        assert ask(folder / "warehouse", "select count(*) from core.events") == [(N_PLAYS,)]


def refusal(published: dict[str, Path], folder: Path, kind: str, *arguments: str, without: str = "") -> list[Told]:
    """Build a bad folder into the good one's warehouse; returns what is told."""
    warehouse = str(published[kind] / "warehouse")
    done = build(folder, kind, "--warehouse", warehouse, *arguments, without=without)
    assert done.returncode in (1, 2, 4), done.stderr
    return refused(done, done.returncode)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, inputs in GOOD.items() for name in inputs])
def test_a_file_that_is_not_there_is_told_by_its_input(
    published: dict[str, Path], tmp_path: Path, kind: str, name: str
) -> None:
    lay_out(tmp_path, kind)
    (tmp_path / GOOD[kind][name][0]).unlink()
    told = refusal(published, tmp_path, kind)
    assert any(f"no file for input {name}" in one.what and GOOD[kind][name][0] in one.where for one in told)
    assert all("--files" in one.fix for one in told)
    assert any(f"input {name}" in one.what for one in refusal(published, tmp_path, kind, without=name))


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        ("taste_profile", "plays", ""),
        ("taste_profile", "songs", ""),
        ("taste_profile", "plays", PLAYS_HEADER),
        ("taste_profile", "songs", SONGS_HEADER.rstrip()),
        (ORIGINALS, "songs", ""),
        ("lastfm_360k", "plays", ""),
        ("lastfm_360k", "profiles", "\n\n"),
    ],
)
def test_files_without_a_row_end_the_build_and_are_told_by_name(
    published: dict[str, Path], tmp_path: Path, kind: str, name: str, content: str
) -> None:
    (told,) = refusal(published, lay_out(tmp_path, kind, **{name: content}), kind)
    assert told.what == f"the files of input {name} hold no row, nothing is published"
    assert told.where == GOOD[kind][name][0]
    assert told.fix.endswith(f"--files {name}=GLOB")


@pytest.mark.parametrize(
    ("name", "header", "lost"),
    [
        ("plays", "user_id,song_id,freq", "freq"),
        ("songs", "track_id,song_id,artist,title", "song_id"),
        ("songs", "track_id,song_id,artist,title", "artist"),
    ],
)
def test_a_column_that_is_not_there_is_named_with_the_file(
    published: dict[str, Path], tmp_path: Path, name: str, header: str, lost: str
) -> None:
    text = str(GOOD["taste_profile"][name][1]).replace(header, header.replace(lost, "other"))
    told = refusal(published, lay_out(tmp_path, "taste_profile", **{name: text}), "taste_profile")
    assert any(lost in one.what and f"{name}.csv" in one.what + one.where for one in told), told
    assert any("--column" in one.fix or lost in one.fix for one in told), told


@pytest.mark.parametrize("name", ["plays", "songs"])
def test_a_csv_without_its_header_is_refused(published: dict[str, Path], tmp_path: Path, name: str) -> None:
    headless = str(GOOD["taste_profile"][name][1]).split("\n", 1)[1]
    told = refusal(published, lay_out(tmp_path, "taste_profile", **{name: headless}), "taste_profile")
    assert any(f"{name}.csv" in one.what + one.where for one in told)
    if name == "plays":  # of a catalog, whose fields are all texts, only the columns can be shown
        assert any("header=false" in one.fix for one in told), told


@pytest.mark.parametrize("n_before", [0, FAR])
@pytest.mark.parametrize(
    ("kind", "name", "line", "bad"),
    [
        ("taste_profile", "plays", "u1,A,1\n", "u1,A\n"),
        ("taste_profile", "plays", "u1,A,1\n", "u1,A,1,2\n"),
        ("taste_profile", "songs", "T9,D,artist,title\n", "T9,D,artist,title,more\n"),
        ("taste_profile", "songs", "T9,D,artist,title\n", 'T9,D,"artist" x,title\n'),
        (ORIGINALS, "plays", "u1\tA\t1\n", "u1\tA\n"),
        (ORIGINALS, "songs", "T9<SEP>D<SEP>a<SEP>b\n", "T9<SEP>D<SEP>a\n"),
        (ORIGINALS, "songs", "T9<SEP>D<SEP>a<SEP>b\n", "T9<SEP>D<SEP>a<SEP>b<SEP>c\n"),
        ("lastfm_360k", "plays", "u1\ta\tb\t1\n", "u1\ta\tb\n"),
        ("lastfm_360k", "plays", "u1\ta\tb\t1\n", "u1\ta\tb\tc\t1\n"),
        ("lastfm_360k", "profiles", "u9\tf\t20\tPeru\tJan 1, 2007\n", "u9\tf\t20\tPeru\n"),
        ("lastfm_360k", "profiles", "u9\tf\t20\tPeru\tJan 1, 2007\n", "u9\tf\t20\tPeru\tJan 1\t2007\n"),
    ],
)
def test_a_line_of_too_few_or_many_fields_is_rejected_with_its_text_and_costs_no_other(
    tmp_path: Path, kind: str, name: str, line: str, bad: str, n_before: int
) -> None:
    _, good = GOOD[kind][name]
    text = good + line * n_before + bad + line
    stage = GATES[KIND_OF.get(kind, kind), name]
    built(lay_out(tmp_path, kind, **{name: text}), kind, "--select", f"+{stage}")
    counted = ledger(tmp_path, stage)
    assert counted["bad_line"] == 1
    assert counted["in"] == text.count("\n") - good.startswith((SONGS_HEADER, PLAYS_HEADER))
    rejected = f"select rejected_value from {stage}_rejected where reject_reason = 'bad_line'"
    assert ask(tmp_path / "warehouse", rejected) == [(bad.rstrip("\n"),)]


@pytest.mark.parametrize("n_before", [0, FAR])
@pytest.mark.parametrize(
    ("kind", "name", "line"),
    [
        ("taste_profile", "songs", "T{at},S{at},Björk,Jóga\n"),
        ("taste_profile", "plays", "Zoë{at},A,1\n"),
        (ORIGINALS, "songs", "T{at}<SEP>S{at}<SEP>Björk<SEP>Jóga\n"),
        ("lastfm_360k", "plays", "u1\ta{at}\tBjörk\t1\n"),
        ("lastfm_360k", "profiles", "v{at}\tf\t20\tCôte d'Ivoire\t\n"),
    ],
)
def test_latin_1_that_is_read_as_utf_8_is_refused_with_the_option_to_give(
    published: dict[str, Path], tmp_path: Path, kind: str, name: str, line: str, n_before: int
) -> None:
    file, good = GOOD[kind][name]
    number = good.count("\n") + n_before + 1
    plain = "".join(line.format(at=at) for at in range(n_before)).translate(str.maketrans("öóëô", "oocc"))
    content = (good + plain).encode() + line.format(at=FAR).encode("latin-1")
    told = refusal(published, lay_out(tmp_path, kind, **{name: content}), kind)
    assert [(one.what, one.where) for one in told] == [
        (f"{file} is not utf-8", f"{file}, line {number}" if n_before else file)
    ]
    assert told[0].fix.endswith(f"--reader {name}.encoding=cp1252")


def test_the_encoding_that_a_refusal_says_reads_the_file(published: dict[str, Path], tmp_path: Path) -> None:
    lay_out(tmp_path, "taste_profile", songs=SONGS.encode("cp1252"))
    (told,) = refusal(published, tmp_path, "taste_profile")
    option = told.fix.rpartition("--reader ")[2]
    built(tmp_path, "taste_profile", "--select", "+staging.songs", "--reader", option)
    artists = ask(tmp_path / "warehouse", "select song_id, artist from staging.songs order by song_id")
    assert artists == [("A", "Björk"), ("B", "Air"), ("C", "Air")]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        *((kind, change) for kind in GOOD for change in ("byte-order mark", "CRLF", "no final newline")),
        *((kind, "final blank lines") for kind in (*KINDS, ORIGINALS)),
    ],
)
def test_files_as_windows_and_editors_write_them_give_the_same_rows(
    published: dict[str, Path], tmp_path: Path, kind: str, change: str
) -> None:
    changed = {
        "byte-order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
        "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
        "no final newline": lambda text: text.rstrip("\n").encode(),
        "final blank lines": lambda text: (text + "\n\n").encode(),
    }[change]
    contents = {name: changed(text) for name, (_, text) in GOOD[kind].items()}
    built(lay_out(tmp_path, kind, **contents), kind)
    for table in ("core.users", "core.items", "core.tags", "core.interactions"):
        question = f"select * from {table} order by all"
        assert ask(tmp_path / "warehouse", question) == ask(published[kind] / "warehouse", question), table


# written plays, and the number they are; None: they are none, or none that can be held
NUMBERS = {
    "1": 1, "007": 7, "999999999999": 999_999_999_999, "0": None, "-3": None, "x": None, "": None, "1.5": None,
    "1e3": None, "0x10": None, "1_000": None, "1,5": None, "NaN": None, "inf": None, "true": None,
    "1000000000000000000000": None, "9223372036854775808": None, "٣": None,
}  # fmt: skip
UNSURE = ("1.0", "+4", " 5", "1000000000000")  # may be numbers; never others than they look like


@pytest.mark.parametrize("kind", KINDS)
def test_plays_that_are_no_number_are_rejected_and_counted(tmp_path: Path, kind: str) -> None:
    good = GOOD[kind]["plays"][1]
    texts = [text for text in (*NUMBERS, *UNSURE) if kind == "lastfm_360k" or "," not in text]
    line = "v{at},A,{text}\n" if kind == "taste_profile" else "v{at}\tida\tname\t{text}\n"
    people = "".join(f"v{at}\tf\t20\tPeru\t\n" for at in range(len(texts)))
    lines = "".join(line.format(at=at, text=text) for at, text in enumerate(texts))
    more = {"profiles": PROFILES + people} if kind == "lastfm_360k" else {}
    built(lay_out(tmp_path, kind, plays=good + lines, **more), kind)
    stage, reason = {"taste_profile": ("staging.events", "bad_freq"), "lastfm_360k": ("staging.plays", "bad_plays")}[
        kind
    ]
    rows = dict(ask(tmp_path / "warehouse", "select user_id, cast(weight as bigint) from core.events"))
    for at, text in enumerate(texts):
        if text in NUMBERS:
            assert rows.get(f"v{at}") == NUMBERS[text], text
        elif f"v{at}" in rows:
            assert rows[f"v{at}"] == int(float(text)), text
    n_kept = sum(f"v{at}" in rows for at in range(len(texts)))
    assert ledger(tmp_path, stage)[reason] == len(texts) - n_kept


def test_ages_that_cannot_be_are_replaced_and_counted(tmp_path: Path) -> None:
    ages = ("-1337", "101", "999999999999999999999999", "x", "", "22.5", "0", "100", "-0")
    people = "".join(f"w{at}\tm\t{age}\t\t\n" for at, age in enumerate(ages))
    built(lay_out(tmp_path, "lastfm_360k", profiles=PROFILES + people), "lastfm_360k", "--set", "age_mean=valid")
    assert ledger(tmp_path, "staging.profiles") == {"in": 4 + len(ages), "kept": 4 + len(ages)}
    found = dict(ask(tmp_path / "warehouse", "select user_id, cast(age as double) from core.profiles"))
    mean = (20 + 21 + 22 + 23 + 0 + 100 + 0) / 7
    wanted = {"0": 0, "100": 100, "-0": 0}
    assert [found[f"w{at}"] for at in range(len(ages))] == pytest.approx([wanted.get(age, mean) for age in ages])
    ((n_absurd, n_missing),) = ask(
        tmp_path / "warehouse", "select n_absurd_ages, n_missing_ages from core.profile_cleaning"
    )
    assert n_absurd + n_missing == len(ages) - len(wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_ids_of_digits_stay_the_text_they_are(tmp_path: Path, kind: str) -> None:
    renamed = {
        name: re.sub(r"\bu(\d)", r"00\1", text.replace("user_id", "user_key")).replace("user_key", "user_id")
        for name, (_, text) in GOOD[kind].items()
    }
    built(lay_out(tmp_path, kind, **renamed), kind)
    users = ask(tmp_path / "warehouse", "select distinct user_id from core.events order by 1")
    assert users == [("000",), ("001",), ("002",)]


def test_a_parquet_of_integer_ids_meets_a_catalog_of_texts(tmp_path: Path) -> None:
    songs = "track_id,song_id,artist,title\nT1,1,a,b\nT2,2,a,c\n"
    lay_out(tmp_path, "taste_profile", songs=songs)
    (tmp_path / "plays.csv").unlink()
    path = tmp_path / "plays.parquet"
    write_parquet(path, "select 7 as user_id, i as song_id, cast(i as double) as freq from range(1, 4) as r(i)")
    done = build(tmp_path, "taste_profile", "--files", "plays=plays.parquet", without="plays")
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or "plays.parquet" in done.stderr
    if done.returncode == 0:
        assert ask(tmp_path / "warehouse", "select user_id, item_id, cast(weight as bigint) from core.events") == [
            ("7", "1", 1),
            ("7", "2", 2),
        ]


@pytest.mark.parametrize(
    ("kind", "stage", "reason", "header"),
    [
        ("taste_profile", "staging.events", "bad_line", ""),
        ("lastfm_360k", "staging.selected_plays", "bad_line", "user\tid\tname\tplays\n"),
    ],
)
def test_a_header_that_is_read_as_a_row_is_rejected_and_counted(
    tmp_path: Path, kind: str, stage: str, reason: str, header: str
) -> None:
    lay_out(tmp_path, kind, plays=header + GOOD[kind]["plays"][1])
    names = "plays.names=['user_id', 'song_id', 'freq']"
    told_so = () if header else ("--reader", "plays.header=false", "--reader", names)
    built(tmp_path, kind, *told_so)
    assert ledger(tmp_path, stage) == {"in": N_PLAYS + 1, "kept": N_PLAYS, reason: 1}


def test_a_bad_file_among_good_ones_is_named(published: dict[str, Path], tmp_path: Path) -> None:
    folder = lay_out(tmp_path, "lastfm_360k")
    (folder / "more.tsv").write_text("u1\ta\tb\n")
    told = refusal(published, folder, "lastfm_360k", "--files", "plays=more.tsv")
    assert any("more.tsv" in one.what + one.where for one in told)
    assert not any("plays.tsv" in one.where for one in told)


def test_a_bad_line_of_one_file_among_good_ones_is_rejected_with_its_file(tmp_path: Path) -> None:
    folder = lay_out(tmp_path, "taste_profile")
    (folder / "more.csv").write_text(f"{PLAYS_HEADER}u1,A,1,9\nu9,A,1\n")
    built(folder, "taste_profile", "--files", "plays=more.csv", "--select", "+staging.events")
    assert ledger(folder, "staging.events") == {"in": N_PLAYS + 2, "kept": N_PLAYS + 1, "bad_line": 1}
    rejected = "select rejected_value, source_file from staging.events_rejected"
    assert ask(folder / "warehouse", rejected) == [("u1,A,1,9", "more.csv")]
