"""The first minutes: init looks at files, shows what it would read, and writes a recsys.toml that builds."""

import random
import tomllib
from pathlib import Path
from unittest import mock

import duckdb
import pytest
from projects import ask, command_here

from recsys_duck.cli import start

ORDERS = "customer id,sku,order date,qty\n" + "".join(
    f"c{i % 5},s{i % 7},{i % 28 + 1:02d}/{i % 12 + 1:02d}/2024,{i % 3 + 1}\n" for i in range(90)
)
PRODUCTS = "sku,title\n" + "".join(f"s{i},Thing {i}\n" for i in range(5))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with orders and with names of five of their seven products."""
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="utf-8")
    (tmp_path / "products.csv").write_text(PRODUCTS, encoding="utf-8")
    return tmp_path


def settings(folder: Path) -> dict[str, object]:
    """Read the recsys.toml of a folder."""
    return tomllib.loads((folder / "recsys.toml").read_text(encoding="utf-8"))


def test_two_commands_give_lists_by_name(shop: Path) -> None:
    done = command_here(shop, "init", "orders.csv", "products.csv", "--yes")
    assert done.returncode == 0, done.stderr
    assert "5 of 7 items have a name" in done.stderr
    built = command_here(shop, "build", "--select", "+recs.popular")
    assert built.returncode == 0, built.stderr
    assert ask(shop / "warehouse", "select count(*), min(occurred_at)::date::text from core.events") == [
        (90, "2024-01-01")
    ]
    named = ask(
        shop / "warehouse", "select distinct item_name from recs.popular where item_name is not null order by 1"
    )
    assert named == [(f"Thing {i}",) for i in range(5)]


def test_the_rows_shown_are_those_that_are_read(shop: Path) -> None:
    shown = command_here(shop, "init", "orders.csv", "--yes").stderr
    first = next(line.split() for line in shown.splitlines() if line.startswith("c1"))
    assert first == ["c1", "s1", "2024-02-02", "00:00:00", "2.000000"]
    assert "no file has the names of the items" in shown


def test_rows_that_will_be_rejected_are_counted_by_reason(shop: Path) -> None:
    odd = ',s1,01/01/2024,1\nc1,s1,soon,1\nc1,s1,01/01/2024,many\nc1,s1,01/01/2024,-1\nc1,"s1,01/01/2024,1\nc1,s1\n'
    (shop / "orders.csv").write_text(ORDERS + odd, encoding="utf-8")
    shown = command_here(shop, "init", "orders.csv", "--yes").stderr
    told = [line for line in shown.splitlines() if " of 96 events: " in line]
    reasons = {line.partition(": ")[2]: int(line.split()[0]) for line in told}
    assert reasons == {"missing_user_id": 1, "bad_time": 1, "bad_weight": 1, "weight below 0": 1, "bad_line": 2}


def test_names_show_beside_the_rows_and_ids_that_match_none_beside_each_other(shop: Path) -> None:
    shown = command_here(shop, "init", "orders.csv", "products.csv", "--yes").stderr
    assert "s1" in shown
    assert "Thing 1" in shown
    (shop / "products.csv").write_text(PRODUCTS.replace("\ns", "\nS-"), encoding="utf-8")
    shown = command_here(shop, "init", "orders.csv", "products.csv", "--yes", "--force").stderr
    assert "0 of 7 items have a name\nids of the events: 's0', 's1', 's2'; of the names: 'S-0', 'S-1', 'S-2'" in shown


def test_names_of_files_and_columns_may_hold_anything(tmp_path: Path) -> None:
    name = 'my "orders"\n[x] #1\t.csv'
    (tmp_path / name).write_text('"user ""id""\t",it\\em\n1,2\n2,3\n', encoding="utf-8")
    (tmp_path / "left\nout.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    done = command_here(tmp_path, "init", ".", "--yes", "--column", "item_id=it\\em")
    assert done.returncode == 0, done.stderr
    column = settings(tmp_path)["files"]["events"]["column"]  # type: ignore[index]
    assert column == {"user_id": 'user "id"\t', "item_id": "it\\em"}
    assert command_here(tmp_path, "plan").returncode == 0


def test_every_guess_is_a_line_to_change(shop: Path) -> None:
    assert command_here(shop, "init", "orders.csv", "products.csv", "--yes").returncode == 0
    said = settings(shop)
    assert said["files"] == {
        "events": {
            "paths": "orders.csv",
            "format": "csv",
            "time_format": "%d/%m/%Y",
            "column": {"user_id": "customer id", "item_id": "sku", "occurred_at": "order date", "weight": "qty"},
        },
        "items": {"paths": "products.csv", "format": "csv", "column": {"item_id": "sku", "item_name": "title"}},
    }
    assert not said["parameters"]


def test_nothing_is_written_without_an_answer(shop: Path) -> None:
    done = command_here(shop, "init", "orders.csv", "products.csv")
    assert done.returncode == 2
    assert "take the guess with --yes" in done.stderr
    assert not (shop / "recsys.toml").exists()
    assert tomllib.loads(done.stdout)["kind"] == "events"  # stdout is the text that would be written


@pytest.mark.parametrize(("answer", "code"), [(True, 0), (False, 130)])
def test_a_terminal_is_asked(shop: Path, answer: bool, code: int) -> None:
    with mock.patch.object(start, "can_ask", return_value=True), mock.patch("click.confirm", return_value=answer):
        done = command_here(shop, "init", "orders.csv")
    assert done.returncode == code
    assert (shop / "recsys.toml").exists() is answer


def test_a_recsys_toml_is_written_over_with_force_only(shop: Path) -> None:
    (shop / "recsys.toml").write_text('kind = "mpd"\n', encoding="utf-8")
    done = command_here(shop, "init", "orders.csv", "--yes")
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert settings(shop) == {"kind": "mpd"}
    assert command_here(shop, "init", "orders.csv", "--yes", "--force").returncode == 0
    assert settings(shop)["kind"] == "events"


def test_files_are_named_by_folder_pattern_and_place(shop: Path, tmp_path: Path) -> None:
    (shop / "notes.md").write_text("no data", encoding="utf-8")
    for argument in ("*.csv", "."):
        assert command_here(shop, "init", argument, "--yes", "--force").returncode == 0
        assert list(settings(shop)["files"]) == ["events", "items"]  # type: ignore[call-overload]
    elsewhere = tmp_path / "elsewhere"
    assert command_here(shop, "init", "orders.csv", "--project", str(elsewhere), "--yes").returncode == 0
    said = settings(elsewhere)["files"]["events"]["paths"]  # type: ignore[index]
    assert said == str(shop / "orders.csv")
    assert command_here(shop, "plan", "--project", str(elsewhere)).returncode == 0


def test_many_files_are_named_by_a_pattern_that_fits_no_other(shop: Path) -> None:
    for at in range(6):
        (shop / f"part-[{at}].csv").write_text(ORDERS, encoding="utf-8")
    (shop / "orders.csv").unlink()
    assert command_here(shop, "init", ".", "--yes").returncode == 0
    assert settings(shop)["files"]["events"]["paths"] == "part-[[]*].csv"  # type: ignore[index]


@pytest.mark.parametrize(
    ("arguments", "told", "fix"),
    [
        (["order.csv"], "there is no file order.csv", "did you mean orders.csv?"),
        (["nothing/*.csv"], "there is no file nothing/*.csv", "recsys-duck init"),
        (["products.csv"], "no column tells the user", "--column user_id=COLUMN"),
        (["orders.csv", "--column", "user_id=customr"], "no file has a column customr", "did you mean customer id?"),
        (["orders.csv", "--column", "user=sku"], "there is no column user to give", "did you mean user_id?"),
        (["orders.csv", "--kind", "mpd"], "recipe mpd_artists has its own files", "recsys-duck init --recipe"),
        (["data.zip"], "data.zip is a zip archive", "unzip data.zip"),
        (["cut.parquet"], "cut.parquet can't be read as Parquet", "write it again"),
    ],
)
def test_what_can_not_be_guessed_is_told_with_a_way_out(shop: Path, arguments: list[str], told: str, fix: str) -> None:
    (shop / "data.zip").write_bytes(b"PK\x03\x04rest")
    (shop / "cut.parquet").write_bytes(b"PAR1rest")
    before = sorted(shop.iterdir())
    done = command_here(shop, "init", *arguments, "--yes")
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert fix in done.stderr.partition("fix:")[2]
    assert sorted(shop.iterdir()) == before


def test_an_asked_column_is_written(shop: Path) -> None:
    arguments = ["--column", "user_id=sku", "--column", "item_id=customer id"]
    assert command_here(shop, "init", "orders.csv", *arguments, "--yes").returncode == 0
    column = settings(shop)["files"]["events"]["column"]  # type: ignore[index]
    assert (column["user_id"], column["item_id"]) == ("sku", "customer id")


def test_kind_events_writes_general_settings_without_a_split(tmp_path: Path) -> None:
    done = command_here(tmp_path, "init", "--kind", "events")
    assert done.returncode == 0
    text = (tmp_path / "recsys.toml").read_text(encoding="utf-8")
    assert "Audioscrobbler" not in text
    assert not settings(tmp_path)["parameters"]
    (tmp_path / "events.csv").write_text("user_id,item_id\n1,2\n", encoding="utf-8")
    assert command_here(tmp_path, "plan").returncode == 0


def test_parquet_is_looked_at(tmp_path: Path) -> None:
    select = (
        "select i % 5 as user_id, 'a' || i % 7 as track, make_timestamp(i * 3600000000) as at from range(90) as r(i)"
    )
    with duckdb.connect() as connection:
        connection.execute(f"copy ({select}) to '{tmp_path / 'plays.parquet'}' (format parquet)")
    done = command_here(tmp_path, "init", "plays.parquet", "--yes")
    assert done.returncode == 0, done.stderr
    assert settings(tmp_path)["files"]["events"] == {  # type: ignore[index]
        "paths": "plays.parquet",
        "format": "parquet",
        "column": {"user_id": "user_id", "item_id": "track", "occurred_at": "at"},
    }


def messy(folder: Path) -> dict[str, int]:
    """Write the export of a shop in which everything is wrong that often is; says how many lines are what."""
    drawn = random.Random(3)
    lines, told = [], {"rows": 300, "returns": 0}
    for at in range(300):
        day, month = drawn.randint(1, 28), drawn.randint(1, 12)
        clock = f" {drawn.randint(0, 23):02d}:{drawn.randint(0, 59):02d}" if drawn.random() < 0.5 else ""
        sku, customer = f"{drawn.randint(1, 40):05d}", f"K{drawn.randint(1, 30):03d}"
        blanks = " " if drawn.random() < 0.2 else ""
        amount = drawn.choice(["1,0", "2,5", "3,0"])
        if drawn.random() < 0.1:
            amount = f"-{amount}"
            told["returns"] += 1
        lines.append(f"{customer}{blanks};{blanks}{sku};{day:02d}/{month:02d}/2024{clock};{amount};{at},99;{at // 3}")
    lines.insert(100, 'K001;"00007;05/03/2024;1,0;2,50;99')
    header = "Customer Number;SKU;Order Date;Quantity;Price;Order ID"
    (folder / "orders.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join([header, *lines, ""]).encode())
    for name, ids in (("products.csv", [f"{i:05d}" for i in range(1, 21)]), ("more_products.csv", range(21, 41))):
        names = [f"{one};Käse „{int(one)}“ für 2 €;B" for one in ids]
        (folder / name).write_bytes("\r\n".join(["SKU;Product Name;Category", *names, ""]).encode("cp1252"))
    return told


def test_what_a_messy_shop_exports_is_guessed(tmp_path: Path) -> None:
    told = messy(tmp_path)
    text = command_here(tmp_path, "init", ".").stdout or (tmp_path / "recsys.toml").read_text(encoding="utf-8")
    said = tomllib.loads(text)["files"]
    assert said["events"] == {
        "paths": "orders.csv",
        "format": "csv",
        "delimiter": ";",
        "decimal": ",",
        "time_format": said["events"]["time_format"],
        "columns": {"item_id": "bigint"},
        "column": {
            "user_id": "Customer Number",
            "item_id": "SKU",
            "occurred_at": "Order Date",
            "weight": "Quantity",
            "basket_id": "Order ID",
        },
    }
    assert sorted(said["events"]["time_format"]) == ["%d/%m/%Y", "%d/%m/%Y %H:%M"]
    assert said["items"] == {
        "paths": ["more_products.csv", "products.csv"],
        "format": "csv",
        "delimiter": ";",
        "encoding": "cp1252",
        "columns": {"item_id": "bigint"},
        "column": {"item_id": "SKU", "item_name": "Product Name"},
    }
    assert f"{told['returns']} in the rows that were looked at" in text
    assert '# negative_weight = "net"' in text


def test_a_messy_shop_is_built_with_names_and_every_row_is_accounted_for(tmp_path: Path) -> None:
    told = messy(tmp_path)
    done = command_here(tmp_path, "init", ".", "--yes")
    assert done.returncode == 0, done.stderr
    built = command_here(tmp_path, "build")
    assert built.returncode == 0, built.stderr
    warehouse = tmp_path / "warehouse"
    kept = told["rows"] - told["returns"]
    assert ask(warehouse, "select count(*) from core.events") == [(kept,)]
    rejected = ask(warehouse, "select reason, n_rows from meta.row_ledger where reason like 'bad%' order by reason")
    assert rejected == [("bad_line", 1), ("bad_weight", told["returns"])]
    named = ask(warehouse, "select count(*), count(item_name) from recs.popular")
    assert named[0][0] == named[0][1] > 0
    assert ask(warehouse, "select item_name from core.items where item_id = 7") == [("Käse „7“ für 2 €",)]
    by_name = command_here(tmp_path, "recommend", "K001", "-n", "3")
    assert "Käse" in by_name.stdout
