"""Anyone's own data in one command: the README's three public data sets against plain Python, and alias tables.

The commands are the README's own, so that what it says is true.
"""

import random
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import PREPARE
from projects import ask, command_here, lay_out_events, run_build, write_parquet

from recsys_duck.events import Warned

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
FEW = ("--set", 'models=["popular"]', "--memory-limit", "1GB", "--threads", "2")


@pytest.fixture(name="folder", scope="module")
def real_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of three public data sets in their original layouts."""
    if not PREPARE.is_file():
        pytest.skip("no public data sets: ../shared/data/prepare.py is not beside the project")
    folder = tmp_path_factory.mktemp("own")
    done = subprocess.run(
        [sys.executable, str(PREPARE), str(folder), "events"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, f"the public data sets cannot be prepared: {done.stderr}"
    return folder / "events"


def build_as_documented(folder: Path, file: str, warehouse: Path) -> list[str]:
    """Run the README's command for a file in the folder of the data; returns what it warned of."""
    blocks = [block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if f" {file} " in block]
    assert len(blocks) == 1
    program, *arguments = shlex.split(blocks[0].replace("\\\n", " "))
    assert program == "recsys-duck"
    done = command_here(folder, *arguments, *FEW, "--warehouse", str(warehouse))
    assert done.returncode == 0, done.stderr
    assert "published" in done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith("warning")]


def lines_of(path: Path, delimiter: str, encoding: str = "utf-8") -> list[list[str]]:
    """Read a file in plain Python: no quotes, no header, nothing skipped."""
    text = path.read_bytes().decode(encoding)
    return [line.rstrip("\r").split(delimiter) for line in text.removesuffix("\n").split("\n")]


def ledger(warehouse: Path, stage: str) -> dict[str, int]:
    """The rows of a gate by reason."""
    return dict(ask(warehouse, f"select reason, n_rows from meta.row_ledger where stage = '{stage}'"))


def test_movielens_is_built_as_it_is(folder: Path, tmp_path: Path) -> None:
    build_as_documented(folder, "u.data", tmp_path)
    events = lines_of(folder / "u.data", "\t")
    films = lines_of(folder / "u.item", "|", "latin-1")
    times = [int(moment) for *_, moment in events]
    assert ask(
        tmp_path,
        """
        select count(*), count(distinct user_id), count(distinct item_id), cast(sum(weight) as bigint),
            min(occurred_at), max(occurred_at)
        from core.events
        """,
    ) == [
        (
            len(events),
            len({user for user, *_ in events}),
            len({film for _, film, *_ in events}),
            sum(int(rating) for _, _, rating, _ in events),
            *(datetime.fromtimestamp(moment, UTC).replace(tzinfo=None) for moment in (min(times), max(times))),
        )
    ]
    assert dict(ask(tmp_path, "select item_id, item_name from core.items")) == {film[0]: film[1] for film in films}
    assert "Misérables, Les (1995)" in {film[1] for film in films}
    assert ledger(tmp_path, "staging.events") == {"in": len(events), "kept": len(events)}
    moments = "select user_id, item_id, cast(epoch(occurred_at) as bigint) from core.events"
    assert Counter(ask(tmp_path, moments)) == Counter((user, film, int(at)) for user, film, _, at in events)


def test_hetrec_is_built_as_it_is(folder: Path, tmp_path: Path) -> None:
    told = build_as_documented(folder, "hetrec_user_artists.dat", tmp_path)
    plays = lines_of(folder / "hetrec_user_artists.dat", "\t")[1:]
    artists = {artist: name for artist, name, *_ in lines_of(folder / "hetrec_artists.dat", "\t")}
    tags = dict(lines_of(folder / "hetrec_tags.dat", "\t", "latin-1")[1:])
    links = [(artist, tag) for _, artist, tag, *_ in lines_of(folder / "hetrec_user_taggedartists.dat", "\t")[1:]]
    question = "select count(*), count(distinct user_id), cast(sum(weight) as bigint) from core.events"
    assert ask(tmp_path, question) == [(len(plays), len({user for user, *_ in plays}), sum(int(n) for *_, n in plays))]
    known = {**dict.fromkeys(artist for _, artist, _ in plays), **artists}
    assert dict(ask(tmp_path, "select item_id, item_name from core.items")) == known
    assert any('"' in name for name in artists.values())
    assert dict(ask(tmp_path, "select tag_id, tag_name from core.tags where tag_type = 'tag'")) == tags
    kept = {(artist, tag) for artist, tag in links if artist in known and tag in tags}
    assert set(ask(tmp_path, "select item_id, tag_id from core.item_tags")) == kept
    rejected = Counter(
        "item_not_in_catalog" if artist not in known else "tag_not_in_catalog"
        for artist, tag in links
        if (artist, tag) not in kept
    )
    counts = {"in": len(links), "kept": len(kept), **rejected}
    counts["duplicate_item_tag"] = len(links) - len(kept) - rejected.total()
    assert ledger(tmp_path, "core.item_tags") == counts
    assert any("nothing reads the columns userID, day, month, year of input item_tags" in line for line in told)


def test_audioscrobbler_is_built_as_it_is_and_its_aliases_are_applied(folder: Path, tmp_path: Path) -> None:
    build_as_documented(folder, "audioscrobbler_user_artist_data.txt", tmp_path)
    plays = lines_of(folder / "audioscrobbler_user_artist_data.txt", " ")
    aliases = lines_of(folder / "audioscrobbler_artist_alias.txt", "\t")
    complete = [(bad, good) for bad, good in aliases if bad and good]
    resolved = resolve(complete)
    pairs: Counter[tuple[str, str]] = Counter()
    for user, artist, n_plays in plays:
        pairs[user, resolved.get(artist, (artist, False))[0]] += int(n_plays)
    found = ask(tmp_path, "select user_id, item_id, cast(weight as bigint) from core.interactions")
    assert {(user, item): weight for user, item, weight in found} == pairs
    assert len(pairs) < len(plays), "no plays became those of one artist"
    assert ask(tmp_path, "select cast(sum(n_events) as bigint) from core.interactions") == [(len(plays),)]
    assert ledger(tmp_path, "staging.aliases")["in"] == len(aliases)
    assert ledger(tmp_path, "staging.aliases")["kept"] == len({bad for bad, _ in complete})


def resolve(aliases: Sequence[tuple[Any, Any]]) -> dict[Any, tuple[Any, bool]]:
    """Follow each bad id one step at a time, to its end or round its circle: the item, and whether it is a circle."""
    targets: dict[Any, Any] = {}
    for bad, good in aliases:
        targets[bad] = min(good, targets.get(bad, good))
    found = {}
    for bad in targets:
        path = [bad]
        while path[-1] in targets and targets[path[-1]] not in path:
            path.append(targets[path[-1]])
        last = path[-1]
        circle = path[path.index(targets[last]) :] if last in targets else [last]
        found[bad] = (min(circle), len(circle) > 1)
    return found


def lay_out_aliases(folder: Path, aliases: Sequence[tuple[Any, Any]]) -> Path:
    """Lay out events with an alias table of integers as Parquet."""
    rows = ", ".join(f"({bad}, {good})" for bad, good in aliases)
    write_parquet(folder / "aliases.parquet", f"select * from (values {rows}) as rows(bad_id, good_id)")
    return lay_out_events(folder, f"select 1 as user_id, {aliases[0][0]} as item_id")


def tables_of_aliases(folder: Path) -> dict[Any, tuple[Any, bool]]:
    """Build the alias table and read what each id means."""
    run_build(folder, select=("+staging.item_aliases",))
    found = ask(folder / "warehouse", "select bad_id, item_id, is_cycle from staging.item_aliases")
    return {bad: (item, is_cycle) for bad, item, is_cycle in found}


@pytest.mark.parametrize("seed", range(4))
def test_random_aliases_mean_what_following_them_finds(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    n_ids = chance.choice([5, 40, 400])
    aliases = [(chance.randrange(n_ids), chance.randrange(n_ids)) for _ in range(n_ids)]
    assert tables_of_aliases(lay_out_aliases(tmp_path, aliases)) == resolve(aliases), f"seed {seed}"


@pytest.mark.parametrize("is_circle", [False, True])
def test_ten_thousand_aliases_in_a_row_come_to_their_end(tmp_path: Path, is_circle: bool) -> None:
    n_ids = 10_000
    aliases = [(one, one + 1) for one in range(1, n_ids)] + ([(n_ids, n_ids // 2)] if is_circle else [])
    found = tables_of_aliases(lay_out_aliases(tmp_path, aliases))
    assert set(found.values()) == {(n_ids // 2 if is_circle else n_ids, is_circle)}
    assert len(found) == len(aliases)


def test_a_circle_of_aliases_is_told_with_its_ids(tmp_path: Path) -> None:
    told = run_build(lay_out_aliases(tmp_path, [(4, 7), (7, 4), (1, 2)]), select=("+staging.item_aliases",))
    (warning,) = [one.message for one in told if isinstance(one, Warned) and one.stage == "staging.item_aliases"]
    assert warning == (
        "2 rows break the check not is_cycle: aliases go round in a circle: its smallest id is the item (first: 4; 7)"
    )


@pytest.fixture(name="aliased", scope="module")
def aliased_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built project of text files with every defect an alias table may have."""
    folder = tmp_path_factory.mktemp("aliased")
    (folder / "plays.txt").write_text("u1 a 1\nu1 a1 2\nu1 a2 4\nu2 b 8\nu2 c2 16\nu2 s 32\nu3 lone 64")
    (folder / "aliases.tsv").write_text("a1\ta\r\na2\ta1\r\nc1\tc2\r\nc2\tc1\r\ns\ts\r\n\ta\r\nb\t\r\nd\tz\r\nd\ty\r\n")
    (folder / "names.csv").write_text('item_id,item_name\na,"Own, name"\na1,Alias\nc2,Only alias\ns,Self\nd,Via d\n')
    (folder / "links.csv").write_text("item_id,tag_id\na2,7\na,7\nd,7\n")
    (folder / "tags.csv").write_text("tag_id,tag_name\n7,seven\n")
    (folder / "recsys.toml").write_text(
        """
        kind = "events"
        [files.events]
        paths = "plays.txt"
        delimiter = " "
        header = false
        column = { user_id = "1", item_id = "2", weight = "3" }
        [files.aliases]
        paths = "aliases.tsv"
        header = false
        names = ["bad_id", "good_id"]
        [files]
        items = "names.csv"
        item_tags = "links.csv"
        tags = "tags.csv"
        """
    )
    run_build(folder, select=("+core.interactions", "+core.item_tags"))
    return folder / "warehouse"


def test_plays_of_ids_that_mean_one_item_add_up(aliased: Path) -> None:
    found = ask(
        aliased, "select user_id, item_id, n_events, cast(weight as bigint) from core.interactions order by all"
    )
    assert found == [
        ("u1", "a", 3, 7),
        ("u2", "b", 1, 8),
        ("u2", "c1", 1, 16),
        ("u2", "s", 1, 32),
        ("u3", "lone", 1, 64),
    ]


def test_an_item_has_its_own_name_or_else_that_of_an_alias(aliased: Path) -> None:
    assert dict(ask(aliased, "select item_id, item_name from core.items")) == {
        "a": "Own, name",
        "b": None,
        "c1": "Only alias",
        "lone": None,
        "s": "Self",
        "y": "Via d",
    }
    assert ledger(aliased, "staging.catalog_items") == {"in": 5, "kept": 4, "alias_of_item": 1}


def test_tags_of_ids_that_mean_one_item_are_one(aliased: Path) -> None:
    assert sorted(ask(aliased, "select item_id, tag_id from core.item_tags")) == [("a", "7"), ("y", "7")]
    assert ledger(aliased, "core.item_tags") == {"in": 3, "kept": 2, "duplicate_item_tag": 1}


def test_every_row_of_an_alias_table_is_accounted_for(aliased: Path) -> None:
    assert ledger(aliased, "staging.aliases") == {"in": 9, "kept": 6, "missing_id": 2, "duplicate_bad_id": 1}
    assert sorted(ask(aliased, "select bad_id, item_id, is_cycle, n_steps from staging.item_aliases")) == [
        ("a1", "a", False, 1),
        ("a2", "a", False, 2),
        ("c1", "c1", True, None),
        ("c2", "c1", True, None),
        ("d", "y", False, 1),
        ("s", "s", False, 0),
    ]


def test_one_command_in_a_fresh_folder_publishes_everything(tmp_path: Path) -> None:
    lines = "".join(f"{i % 6};{i % 9};{1_600_000_000 + i}\n" for i in range(60))
    (tmp_path / "plays.csv").write_text(f"who;what;when\n{lines}")
    columns = ["--column", "user_id=who", "--column", "item_id=what", "--column", "occurred_at=when"]
    options = ["--reader", 'events.delimiter=";"', "--reader", "events.time_unit=s", "--set", "split=time"]
    done = command_here(tmp_path, "build", "--kind", "events", "--files", "plays.csv", *columns, *options, *FEW)
    assert done.returncode == 0, done.stderr
    assert any(line.startswith("published") for line in done.stderr.splitlines())
    assert ask(tmp_path / "warehouse", "select count(*), count(distinct user_id) from core.events") == [(60, 6)]
    assert ask(tmp_path / "warehouse", "select count(*) > 0 from recs.popular") == [(True,)]
    assert "warning" not in done.stderr
