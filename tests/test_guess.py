"""Names of columns: what people call users, items, times, weights and baskets is recognised, and nothing else is."""

import subprocess
import sys

import pytest

from recsys_duck.guess import known_name

OURS = {
    "user_id": "Customer Number|userId|reviewerID|visitorid|Kunden-Nr.|id_cliente|N° client|customer_unique_id|Käufer",
    "item_id": "SKU|StockCode|asin|ISBN13|movieId|Art.-Nr.|Código de producto|Réf. article|Lineitem sku|Product code",
    "occurred_at": "Order Date|InvoiceDate|timestamp|unixReviewTime|Bestelldatum|Fecha del pedido|Data do pedido",
    "weight": "Quantity|Book-Rating|play count|Stückzahl|Quantité|Qtd|Lineitem quantity|stars",
    "basket_id": "Order ID|InvoiceNo|transactionid|session_id|Bestell-Nr.|Nº pedido|Numéro de commande",
    "item_name": "title|Book-Title|Artikelbezeichnung|ProductName|artist_name|Description",
    "user_name": "Customer Name|user_name|Username",
    "tag_id": "genres|category|brand|tagID",
    "position": "add_to_cart_order|order_item_id|pos",
    "bad_id": "old_sku|bad_id",
    "good_id": "new_sku|canonical_id",
}
NOBODYS = (
    "first name|Delivery Date|Ship Date|LAST_NAME|price|UnitPrice|Country|updated_at|average_rating|num_ratings||-"
)


@pytest.mark.parametrize(
    ("name", "column"), [(name, ours) for ours, names in OURS.items() for name in names.split("|")]
)
def test_a_name_that_people_use_is_recognised(name: str, column: str) -> None:
    assert known_name(name) == column


@pytest.mark.parametrize("name", NOBODYS.split("|"))
def test_a_name_that_says_something_else_is_not_guessed(name: str) -> None:
    assert known_name(name) is None


def test_names_are_recognised_without_duckdb() -> None:
    code = "import sys; from recsys_duck.guess import known_name; known_name('SKU'); print('duckdb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
