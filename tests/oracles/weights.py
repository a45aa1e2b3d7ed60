"""What the recipes and Robertson & Zaragoza (2009) say about the values of the training matrix, in plain Python.

An item is a document, a user a term: how often the term stands in it is the sum of the events' weights.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from oracles.baskets import Id

Cell = tuple[Id, Id]


@dataclass(frozen=True)
class Settings:
    """The parameters that decide here."""

    weighting: str = "binary"
    bm25_k1: float = 100
    bm25_b: float = 0.8


def summed(rows: Iterable[tuple[Id, Id, Decimal]]) -> dict[Cell, Decimal]:
    """The weights of each user and item of train, added up."""
    cells: defaultdict[Cell, Decimal] = defaultdict(Decimal)
    for user_id, item_id, weight in rows:
        cells[user_id, item_id] += weight
    return dict(cells)


def rarity(cells: Iterable[Cell]) -> dict[Id, float]:
    """For each user the logarithm of all items beside the user's own and one more, and never less than 0."""
    pairs = list(cells)
    n_items = len({item_id for _, item_id in pairs})
    of_user = Counter(user_id for user_id, _ in pairs)
    return {user_id: max(0.0, math.log(n_items) - math.log(1 + n)) for user_id, n in of_user.items()}


def matrix(rows: Iterable[tuple[Id, Id, Decimal]], settings: Settings) -> dict[Cell, float]:
    """The value of each user and item of train."""
    cells = summed(rows)
    if settings.weighting == "binary":
        return dict.fromkeys(cells, 1.0)
    if settings.weighting == "raw":
        return {cell: float(weight) for cell, weight in cells.items()}
    if settings.weighting == "log1p":
        return {cell: math.log1p(weight) for cell, weight in cells.items()}
    if settings.weighting == "tfidf":
        rare = rarity(cells)
        return {(user_id, item_id): math.sqrt(weight) * rare[user_id] for (user_id, item_id), weight in cells.items()}
    if settings.weighting == "bm25":
        return bm25(cells, settings)
    raise ValueError(settings.weighting)


def bm25(cells: Mapping[Cell, Decimal], settings: Settings) -> dict[Cell, float]:
    """Weights that saturate, the sooner the shorter the item's own column is beside the mean one."""
    rare = rarity(cells)
    length: defaultdict[Id, float] = defaultdict(float)
    for (_, item_id), weight in cells.items():
        length[item_id] += float(weight)
    mean = sum(length.values()) / len(length) if length else 0.0
    k1, b = settings.bm25_k1, settings.bm25_b
    found = {}
    for (user_id, item_id), weight in cells.items():
        w = float(weight)
        found[user_id, item_id] = 0.0
        if w:  # what weighs nothing is worth nothing, 0 / 0 or not
            found[user_id, item_id] = w * (k1 + 1) / (k1 * (1 - b + b * length[item_id] / mean) + w) * rare[user_id]
    return found
