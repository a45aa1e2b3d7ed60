"""The recipe files of kind events, each over the files of its data set by their original names.

Three run on real data; the clicks are made up in the layout of the real ones.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from projects import ask, command_here

from recsys_duck.kind import SQL_FOLDER

RECIPES = SQL_FOLDER / "kinds" / "events" / "recipes"
LIMITS = ("--memory-limit", "1GB", "--threads", "2")
# commented settings that are no options of a reader
FREE = ("occurred_at", "weight", "basket_id", "position", "split", "test_share", "weighting")
RealData = Callable[[str], Path]


def build_recipe(name: str, folder: Path, *arguments: str) -> Path:
    """Build a folder as a recipe file says; returns its warehouse."""
    (folder / "recsys.toml").write_bytes((RECIPES / f"{name}.toml").read_bytes())
    done = command_here(folder, "build", *LIMITS, *arguments)
    assert done.returncode == 0, done.stderr
    return folder / "warehouse"


def lay_out(folder: Path, source: Path, names: Mapping[str, str], heads: Mapping[str, str] | None = None) -> None:
    """Lay files out under their original names; `heads` are first lines that our copies lack or changed."""
    for original, copied in names.items():
        content = (source / copied).read_bytes()
        if original in (heads or {}):
            head = (heads or {})[original].encode() + b"\n"
            content = head + content.removeprefix(b"//" + head)
        (folder / original).write_bytes(content)


def lines_of(path: Path, delimiter: str, encoding: str = "utf-8") -> list[list[str]]:
    """Read a file in plain Python: no quotes, no header, nothing skipped."""
    return [line.split(delimiter) for line in path.read_bytes().decode(encoding).splitlines() if line]


def ledger(warehouse: Path, stage: str) -> dict[str, int]:
    """The rows of a gate by reason."""
    return dict(ask(warehouse, f"select reason, n_rows from meta.row_ledger where stage = '{stage}'"))


def judged_models(warehouse: Path) -> list[str]:
    """The models that found anything of what users did next."""
    question = "select distinct model_name from eval.metrics where metric = 'recall' and value > 0 order by all"
    return [str(name) for (name,) in ask(warehouse, question)]


def test_every_example_has_a_test_here() -> None:
    tests = [name for name in globals() if name.startswith("test_")]
    for path in RECIPES.glob("*.toml"):
        assert any(name.startswith(f"test_{path.stem}_") for name in tests), path.name


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_an_example_opens_with_what_to_put_beside_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    toml = tomllib.loads(text)
    intro = text.split("\n\n", 1)[0]
    assert "Put this beside" in intro
    for said in toml["files"].values():
        assert said["paths"].split("/")[0] in intro or ".dat files" in intro


def test_movielens_100k_is_split_by_time_and_judged(tmp_path: Path, real_data: RealData) -> None:
    lay_out(tmp_path, real_data("events"), {"u.data": "u.data", "u.item": "u.item"})
    warehouse = build_recipe("movielens_100k", tmp_path)
    ratings = lines_of(tmp_path / "u.data", "\t")
    assert ask(warehouse, "select count(*), min(occurred_at), max(user_id) from core.events") == [
        (
            100_000,
            min(datetime.fromtimestamp(int(at), UTC).replace(tzinfo=None) for *_, at in ratings),
            max(int(user) for user, *_ in ratings),
        )
    ]
    assert ask(warehouse, "select item_name from core.items where item_id = 1") == [("Toy Story (1995)",)]
    assert ask(
        warehouse, "select max(train.occurred_at) < (select min(occurred_at) from split.test) from split.train"
    ) == [(True,)]
    assert judged_models(warehouse) == ["als", "item_knn", "popular"]


def test_hetrec_lastfm_keeps_its_plays_names_and_tags(tmp_path: Path, real_data: RealData) -> None:
    files = ("user_artists.dat", "artists.dat", "tags.dat", "user_taggedartists.dat")
    heads = {"user_artists.dat": "userID\tartistID\tweight", "artists.dat": "id\tname\turl\tpictureURL"}
    lay_out(tmp_path, real_data("events"), {name: f"hetrec_{name}" for name in files}, heads)
    warehouse = build_recipe("hetrec_lastfm", tmp_path)
    plays = lines_of(tmp_path / "user_artists.dat", "\t")[1:]
    question = "select count(*), count(distinct user_id), cast(sum(weight) as bigint) from core.events"
    assert ask(warehouse, question) == [(92_834, 1_892, sum(int(n) for *_, n in plays))]
    listeners = Counter(int(artist) for _, artist, _ in plays)
    best = max(listeners.values())
    assert ask(warehouse, "select n_users from core.item_counts order by n_users desc limit 1") == [(best,)]
    assert ask(warehouse, "select item_name from core.items where item_id = 1") == [("MALICE MIZER",)]
    assert ledger(warehouse, "core.tags") == {"in": 11_946, "kept": 11_946}
    assert ledger(warehouse, "staging.events") == {"in": 92_834, "kept": 92_834}
    assert judged_models(warehouse) == ["als", "item_knn", "popular"]


def test_audioscrobbler_adds_up_the_plays_of_misspelt_artists(tmp_path: Path, real_data: RealData) -> None:
    names = {
        "user_artist_data.txt": "audioscrobbler_user_artist_data.txt",
        "artist_alias.txt": "audioscrobbler_artist_alias.txt",
    }
    lay_out(tmp_path, real_data("events"), names)
    warehouse = build_recipe("audioscrobbler", tmp_path)
    plays = lines_of(tmp_path / "user_artist_data.txt", " ")
    aliases = {int(bad): int(good) for bad, good in lines_of(tmp_path / "artist_alias.txt", "\t") if bad and good}
    pairs: Counter[tuple[int, int]] = Counter()
    for user, artist, n_plays in plays:
        meant = int(artist)
        while aliases.get(meant, meant) != meant:
            meant = aliases[meant]
        pairs[int(user), meant] += int(n_plays)
    found = ask(warehouse, "select user_id, item_id, cast(weight as bigint) from core.interactions")
    assert {(user, item): weight for user, item, weight in found} == pairs
    assert len(pairs) < len(plays), "no plays became those of one artist"


CLICKS = """user_id,session_id,session_start,session_size,click_article_id,click_timestamp,click_environment,\
click_deviceGroup,click_os,click_country,click_region,click_referrer_type
"""
ARTICLES = """article_id,category_id,created_at_ts,publisher_id,words_count
10,1,1513144419000,0,168
11,1,1405341936000,0,189
12,2,1408667706000,0,250
13,2,1408468313000,0,230
14,3,1407071171000,0,162
"""
FIRST_CLICK_MS = 1_506_826_800_026


def lay_out_clicks(folder: Path) -> list[tuple[int, int, int, int]]:
    """Lay out made-up clicks in the files of two hours, and articles; returns (user, session, article, ms)."""
    clicks = [
        (
            user,
            1_506_825_423_271_000 + 10 * user + hour,
            10 + (user + at) % 4,
            FIRST_CLICK_MS + hour * 3_600_000 + user * 60_000 + at,
        )
        for hour in range(2)
        for user in range(1, 7)
        for at in range(3)
    ]
    inner = folder / "clicks" / "clicks"
    inner.mkdir(parents=True)
    for hour in range(2):
        lines = [
            f"{user},{session},{session // 1000},3,{article},{moment},4,1,17,1,25,2\n"
            for user, session, article, moment in clicks
            if session % 10 == hour
        ]
        (inner / f"clicks_hour_{hour:03}.csv").write_text(CLICKS + "".join(lines))
    (folder / "articles_metadata.csv").write_text(ARTICLES)
    return clicks


def test_globo_clicks_are_baskets_of_sessions_with_categories_as_tags(tmp_path: Path) -> None:
    clicks = lay_out_clicks(tmp_path)
    warehouse = build_recipe("globo_clicks", tmp_path, "--set", "k_core_users=0")
    found = ask(warehouse, "select user_id, basket_id, item_id, epoch_ms(occurred_at) from core.events order by all")
    assert found == sorted(clicks)
    assert ask(warehouse, "select count(*), count(distinct source_file) from core.events") == [(len(clicks), 2)]
    assert ask(warehouse, "select item_id, tag_id from core.item_tags order by all") == [
        (10, 1),
        (11, 1),
        (12, 2),
        (13, 2),
        (14, 3),
    ]
    assert ledger(warehouse, "core.tags") == {"in": 5, "kept": 3, "duplicate_tag_id": 2}
    assert ask(warehouse, "select count(*) from core.items where item_id = 14") == [(1,)], "nobody clicked it"
    baskets = ask(warehouse, "select count(distinct basket_id) from split.train")
    assert ask(warehouse, "select count(*) from features.baskets") == baskets


def test_globo_clicks_that_do_not_fit_are_rejected_with_a_reason(tmp_path: Path) -> None:
    clicks = lay_out_clicks(tmp_path)
    broken = ["x,1,1,2,10,1506826800026", "1,1,1,2,10,soon", "1,1,1,2,,1506826800026", "1,y,1,2,10,1506826800026"]
    rest = ",4,1,17,1,25,2\n"
    (tmp_path / "clicks" / "clicks" / "clicks_hour_002.csv").write_text(
        CLICKS + "".join(line + rest for line in broken)
    )
    warehouse = build_recipe("globo_clicks", tmp_path)
    assert ledger(warehouse, "staging.events") == {
        "in": len(clicks) + 4,
        "kept": len(clicks) + 1,
        "bad_user_id": 1,
        "bad_time": 1,
        "bad_basket_id": 1,
    }
    assert ledger(warehouse, "core.events")["missing_item_id"] == 1


SHOP = {
    "events.csv": (
        "user_id;item_id;date;quantity;order_id;line\n"
        "1;old;31/12/2024 23:59;2;7;1\n"
        '1;12" mix;31/12/2024 23:59;1;7;2\n'
        "2;new;01/01/2025 00:00;3;8;1\n"
    ),
    "items.csv": "sku,title\nnew,Café\n",
    "users.csv": "customer_id,customer_name\n1,Ann\n2,Bob\n",
    "categories.csv": "category_id,category\nc,Cups\n",
    "item_categories.csv": "sku,category_id\nnew,c\n",
    "aliases.csv": "old_sku,new_sku\nold,new\n",
}


def test_events_of_ones_own_are_read_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user_id,item_id\n1,10\n2,20\n2,10\n", encoding="utf-8")
    warehouse = build_recipe("events", tmp_path, "--select", "+core.events")
    found = ask(warehouse, "select user_id, item_id from core.events order by all")
    assert found == [("1", "10"), ("2", "10"), ("2", "20")]


def test_events_settings_may_all_be_asked_for(tmp_path: Path) -> None:
    # of two ways to write times only one can be, ids are no integers here, and there is a header
    left_out = ("header", "time_unit", "columns")
    text = (RECIPES / "events.toml").read_text(encoding="utf-8")
    names = "|".join(["paths", "delimiter", "quote", "encoding", "column", "time_format", *FREE])
    asked = re.sub(rf"(?m)^# (?=\[files|({names}) = )", "", text)
    left = re.findall(r"(?m)^# (\w+) = (?!what)", asked)
    assert sorted(left) == sorted(left_out)
    for name, content in SHOP.items():
        (tmp_path / name).write_text(content, encoding="cp1252" if name == "events.csv" else "utf-8")
    (tmp_path / "recsys.toml").write_text(asked, encoding="utf-8")
    done = command_here(tmp_path, "build", *LIMITS, "--select", "+core.events", "--select", "+core.item_tags")
    assert done.returncode == 0, done.stderr
    question = """
    select users.user_name, items.item_name, events.item_id, events.weight, events.occurred_at, events.basket_id,
        events.position
    from core.events join core.users using (user_id) join core.items on events.item_id = items.item_id order by all
    """
    eve, day = datetime(2024, 12, 31, 23, 59), datetime(2025, 1, 1)
    assert ask(tmp_path / "warehouse", question) == [
        ("Ann", "Café", "new", 2, eve, "7", 1),
        ("Ann", None, '12" mix', 1, eve, "7", 2),
        ("Bob", "Café", "new", 3, day, "8", 1),
    ]
    tags = "select item_tags.item_id, tags.tag_name from core.item_tags join core.tags using (tag_type, tag_id)"
    assert ask(tmp_path / "warehouse", tags) == [("new", "Cups")]
