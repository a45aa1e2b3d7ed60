"""Which file is what: files of public data sets and of shops, in the layouts that they have."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from recsys_duck.errors import ProjectError
from recsys_duck.preview import looks_at
from recsys_duck.roles import Cast, cast_files

DRAWN = random.Random(7)
N = range(60)


def rows(line: Callable[[int], str], header: str = "") -> str:
    """Write a file of some rows."""
    return "".join([header + "\n" if header else "", *(line(i) + "\n" for i in N)])


def n(most: int) -> int:
    """Draw a number from 1."""
    return DRAWN.randint(1, most)


PRODUCTS = rows(lambda i: f"{i},Prod {i},3", "product_id,product_name,aisle_id")
# files by name, then what is read of each: our columns and the files'
LAYOUTS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "one row a click, times in milliseconds": (
        {
            "events.csv": rows(
                lambda i: f"1433221{n(999999):06d},{n(9)},{n(30)},", "timestamp,visitorid,itemid,transactionid"
            )
        },
        {"events": "user_id=visitorid, item_id=itemid, occurred_at=timestamp, basket_id=transactionid"},
    ),
    "ratings, films, what users wrote, links": (
        {
            "links.csv": rows(lambda i: f"{i},{i + 100:07d},{i + 7}", "movieId,imdbId,tmdbId"),
            "movies.csv": rows(lambda i: f'{i},"Movie, The ({i})",Comedy|War', "movieId,title,genres"),
            "ratings.csv": rows(
                lambda i: f"{n(20)},{n(50)},{n(9) / 2},964981{n(89) + 10}0", "userId,movieId,rating,timestamp"
            ),
            "tags.csv": rows(
                lambda i: f"{n(20)},{n(50)},funny {i},1445710{n(89) + 10}", "userId,movieId,tag,timestamp"
            ),
        },
        {
            "events": "user_id=userId, item_id=movieId, occurred_at=timestamp, weight=rating",
            "items": "item_id=movieId, item_name=title",
        },
    ),
    "no header anywhere": (
        {
            "ratings.dat": rows(lambda i: f"{n(20)}::{n(50)}::{n(5)}::97830{n(8999) + 1000}"),
            "movies.dat": rows(lambda i: f"{i}::Movie: {i} (1995)::Animation|War"),
            "users.dat": rows(lambda i: f"{i}::{'FM'[i % 2]}::{n(50)}::{n(20)}::48067"),
        },
        {
            "events": "user_id=1, item_id=2, occurred_at=4, weight=3",
            "items": "item_id=1, item_name=2",
        },
    ),
    "plays, artists under other names, tags and links": (
        {
            "user_artists.dat": rows(lambda i: f"{n(20)}\t{n(50)}\t{n(5000)}", "userID\tartistID\tweight"),
            "artists.dat": rows(lambda i: f'{i}\tArt "{i}\thttp', "id\tname\turl"),
            "tags.dat": rows(lambda i: f"{i}\ttag {i}", "tagID\ttagValue"),
            "user_taggedartists.dat": rows(lambda i: f"{n(20)}\t{n(50)}\t{n(50)}\t4", "userID\tartistID\ttagID\tmonth"),
        },
        {
            "events": "user_id=userID, item_id=artistID, weight=weight",
            "items": "item_id=id, item_name=name",
            "tags": "tag_id=tagID, tag_name=tagValue",
            "item_tags": "item_id=artistID, tag_id=tagID",
        },
    ),
    "a table of aliases": (
        {
            "user_artist_data.txt": rows(lambda i: f"100000{n(20) + 10} {n(50)} {n(500)}"),
            "artist_alias.txt": rows(lambda i: f"{i + 2}\t{i + 1}"),
        },
        {"events": "user_id=1, item_id=2, weight=3", "aliases": "bad_id=1, good_id=2"},
    ),
    "coordinates are no weights": (
        {
            "checkins.txt": rows(
                lambda i: f"{n(30)}\t4a{n(40):x}\tX\t40.7{n(899) + 100}\t-74.002\t-240\tTue Apr 03 18:00:09 +0000 2012"
            )
        },
        {"events": "user_id=1, item_id=2, occurred_at=7"},
    ),
    "names within the orders": (
        {
            "data.csv": rows(
                lambda i: f'53{n(90)},8{n(40)}A,"HEART, {n(40)}",{n(12)},12/{n(28)}/2010 8:26,2.55,17{n(50)}',
                "InvoiceNo,StockCode,Description,Qty,InvoiceDate,UnitPrice,CustomerID",
            )
        },
        {
            "events": "user_id=CustomerID, item_id=StockCode, occurred_at=InvoiceDate, weight=Qty, basket_id=InvoiceNo",
            "items": "item_id=StockCode, item_name=Description",
        },
    ),
    "sessions are the users": (
        {"clicks.csv": rows(lambda i: f"{i // 3},2014-04-07T10:51:09Z,2145{n(40)}", "session_id,timestamp,item_id")},
        {"events": "user_id=session_id, item_id=item_id, occurred_at=timestamp"},
    ),
    "a member count is no user": (
        {
            "rating.csv": rows(lambda i: f"{n(20)},{n(50)},{n(10)}", "user_id,anime_id,rating"),
            "anime.csv": rows(lambda i: f'{i},Name {i},"Action, War",{i + 700}', "anime_id,name,genre,members"),
        },
        {
            "events": "user_id=user_id, item_id=anime_id, weight=rating",
            "items": "item_id=anime_id, item_name=name",
        },
    ),
    "a date of an odd name": (
        {
            "sales.csv": rows(
                lambda i: f"2018-09-{n(28):02d},c{n(40)},0{n(40)},0.05", "t_dat,customer_id,article_id,price"
            )
        },
        {"events": "user_id=customer_id, item_id=article_id, occurred_at=t_dat"},
    ),
    "German": (
        {
            "bestellungen.csv": rows(
                lambda i: f"{n(50)};{n(40):05d};0{n(9)}.0{n(9)}.2024;{n(3)}",
                "Kunden-Nr.;Artikel-Nr.;Bestelldatum;Menge",
            ),
            "artikel.csv": rows(lambda i: f"{i:05d};Größe {i}", "Artikel-Nr.;Bezeichnung"),
            "kunden.csv": rows(lambda i: f"{i};Frau {i}", "Kunden-Nr.;Name"),
        },
        {
            "events": "user_id=Kunden-Nr., item_id=Artikel-Nr., occurred_at=Bestelldatum, weight=Menge",
            "items": "item_id=Artikel-Nr., item_name=Bezeichnung",
            "users": "user_id=Kunden-Nr., user_name=Name",
        },
    ),
    "the names' file calls the ids something else": (
        {
            "orders.csv": rows(lambda i: f"{n(20)},S-{n(40)}", "customer,sku"),
            "x.csv": rows(lambda i: f"{i},S-{i},Thing {i}", "row,article number in the shop,what it is"),
        },
        {
            "events": "user_id=customer, item_id=sku",
            "items": "item_id=article number in the shop, item_name=what it is",
        },
    ),
}


def cast(folder: Path, files: dict[str, str], asked: Sequence[tuple[str, str, str]] = ()) -> Cast:
    """Write files and say which is what."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return cast_files(looks_at([(folder / name, name) for name in files]), asked)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_recognised(name: str, tmp_path: Path) -> None:
    files, wanted = LAYOUTS[name]
    found = cast(tmp_path, files)
    told = {role.input: ", ".join(f"{ours}={own}" for ours, own in role.column.items()) for role in found.roles}
    assert told == wanted
    used = {look.shown for role in found.roles for look in role.looks}
    assert used | {shown for shown, _ in found.left_out} == set(files)


def test_orders_and_their_lines_are_to_be_joined(tmp_path: Path) -> None:
    lines = rows(lambda i: f"{i},{n(50)},1", "order_id,product_id,add_to_cart_order")
    heads = rows(lambda i: f"{i},{n(20)}", "order_id,user_id")
    with pytest.raises(ProjectError) as refused:
        cast(tmp_path, {"orders.csv": heads, "lines.csv": lines, "products.csv": PRODUCTS})
    assert "lines.csv has items and orders.csv has users" in refused.value.what
    assert "copy (from 'lines.csv' join 'orders.csv' using (order_id)) to 'events.parquet'" in refused.value.fix


def test_files_of_the_same_columns_are_one_input(tmp_path: Path) -> None:
    orders = rows(lambda i: f"{n(20)},{n(50)}", "user,product")
    found = cast(tmp_path, {"one.csv": orders, "names.csv": PRODUCTS, "two.csv": orders})
    assert [look.shown for look in found.roles[0].looks] == ["one.csv", "two.csv"]


def test_a_second_file_of_names_that_is_written_otherwise_is_left_out_with_the_difference(tmp_path: Path) -> None:
    orders = rows(lambda i: f"{n(20)},{n(50)}", "user,product")
    names = rows(lambda i: f"{i},Thing {i}", "product,title")
    found = cast(tmp_path, {"orders.csv": orders, "a.csv": names, "b.csv": names.replace(",", ";")})
    assert found.left_out == (("b.csv", "its delimiter is ';', that of a.csv is 'the default'"),)


@pytest.mark.parametrize(
    ("ids", "names", "whole"),
    [
        ([f"{i:05d}" for i in N], [str(i) for i in N], True),
        ([str(i) for i in N], [f"{i}.0" for i in N], True),
        ([f"{i:05d}" for i in N], [f"{i:05d}" for i in N], False),
        ([f"A{i:05d}" for i in N], [f"A{i}" for i in N], False),
    ],
)
def test_ids_that_lost_their_zeros_are_whole_numbers(
    ids: list[str], names: list[str], whole: bool, tmp_path: Path
) -> None:
    orders = rows(lambda i: f"u{n(9)},{ids[i]}", "user,sku")
    products = rows(lambda i: f"{names[i]},Thing {i}", "sku,title")
    found = cast(tmp_path, {"orders.csv": orders, "products.csv": products})
    assert ("item_id" in found.bigint) is whole


def test_an_asked_column_goes_before_the_guess(tmp_path: Path) -> None:
    orders = rows(lambda i: f"{n(20)},h{n(5)},{n(50)}", "customer_id,household,sku")
    found = cast(tmp_path, {"orders.csv": orders}, [("", "user_id", "household")])
    assert found.roles[0].column["user_id"] == "household"
    with pytest.raises(ProjectError) as refused:
        cast(tmp_path, {"orders.csv": orders}, [("", "user_id", "househld")])
    assert "did you mean household?" in refused.value.fix


def test_without_users_it_is_asked_which_column_they_are(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as refused:
        cast(tmp_path, {"products.csv": PRODUCTS})
    assert "--column user_id=COLUMN" in refused.value.fix
    assert "product_id, product_name, aisle_id" in refused.value.where
