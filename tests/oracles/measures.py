"""What the papers say about the similarity of two items, from the baskets that hold them (recipe 4, steps 10 to 14).

Everything is counted exactly, by going through the baskets, and becomes a float in the formula. An item asked about is
`left`, its neighbour `right`; half of the measures would give another score the other way round.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

from oracles.baskets import Id

Pair = tuple[Id, Id]


@dataclass(frozen=True)
class Constants:
    """What the formulas take from the parameters."""

    asymmetric_alpha: float = 0.5
    rp3_beta: float = 0.6


class Counted(NamedTuple):
    """All that the formulas know of two items."""

    n: int  # baskets with both
    left: int  # baskets with the item asked about
    right: int  # baskets with its neighbour
    all: int  # baskets
    met_by_left: int  # other items in the baskets with the item asked about, one for each time
    met_by_right: int
    of_size: Mapping[int, int]  # how many of the baskets with both hold so many items

    @property
    def walked(self) -> Fraction:
        """Sum of 1 / size over the baskets with both."""
        return sum((Fraction(n, size) for size, n in self.of_size.items()), Fraction())


def lift(counted: Counted, _: Constants) -> float:
    """How much more often the two meet than if each went its own way."""
    return counted.n * counted.all / (counted.left * counted.right)


def pmi(counted: Counted, _: Constants) -> float:
    """Pointwise mutual information (Church & Hanks 1990), in natural logarithms."""
    return math.log(Fraction(counted.n * counted.all, counted.left * counted.right))


def npmi(counted: Counted, constants: Constants) -> float:
    """PMI beside its largest value, in -1 to 1 (Bouma 2009); 1 where every basket holds both."""
    if counted.n == counted.all:
        return 1.0
    return pmi(counted, constants) / math.log(Fraction(counted.all, counted.n))


def log_likelihood(counted: Counted, _: Constants) -> float:
    """Dunning's G² (1993): twice the surprise of the four counts beside what rows and columns lead one to expect."""
    cells = [
        (counted.n, counted.left, counted.right),
        (counted.left - counted.n, counted.left, counted.all - counted.right),
        (counted.right - counted.n, counted.all - counted.left, counted.right),
        (
            counted.all - counted.left - counted.right + counted.n,
            counted.all - counted.left,
            counted.all - counted.right,
        ),
    ]
    return 2 * math.fsum(k * math.log(Fraction(k * counted.all, row * column)) for k, row, column in cells if k)


def asymmetric_cosine(counted: Counted, constants: Constants) -> float:
    """Cosine with another share of the two lengths (Aiolli 2013)."""
    alpha = constants.asymmetric_alpha
    return counted.n / (float(counted.left) ** alpha * float(counted.right) ** (1 - alpha))


def p3alpha(counted: Counted, _: Constants) -> float:
    """Chance that a walk from the item to one of its baskets to one of its items ends here (Cooper et al. 2014)."""
    return float(counted.walked / counted.left)


def rp3beta(counted: Counted, constants: Constants) -> float:
    """The same walk, with a penalty for popular items (Paudel et al. 2017)."""
    return p3alpha(counted, constants) / float(counted.right) ** constants.rp3_beta


FORMULAS: dict[str, Callable[[Counted, Constants], float]] = {
    "count": lambda counted, _: float(counted.n),
    "cosine": lambda counted, _: math.sqrt(Fraction(counted.n**2, counted.left * counted.right)),
    "jaccard": lambda counted, _: counted.n / (counted.left + counted.right - counted.n),
    "dice": lambda counted, _: 2 * counted.n / (counted.left + counted.right),
    "overlap": lambda counted, _: counted.n / min(counted.left, counted.right),
    "lift": lift,
    "pmi": pmi,
    "npmi": npmi,
    "conditional": lambda counted, _: counted.n / counted.left,
    "conditional_reverse": lambda counted, _: counted.n / counted.right,
    "asymmetric_cosine": asymmetric_cosine,
    "log_likelihood": log_likelihood,
    "normalised_count": lambda counted, _: counted.n / (counted.met_by_left + counted.met_by_right),
    "p3alpha": p3alpha,
    "rp3beta": rp3beta,
}
MEASURES = tuple(FORMULAS)
SYMMETRIC = (
    "count",
    "cosine",
    "jaccard",
    "dice",
    "overlap",
    "lift",
    "pmi",
    "npmi",
    "log_likelihood",
    "normalised_count",
)
# The last digit that decides an order, and the last in which scores are added up; 12 where nothing is said.
DIGITS = {"count": 0, "lift": 6, "log_likelihood": 6, "p3alpha": 10, "rp3beta": 10}
SUM_DIGITS = {"count": 0, "lift": 6, "log_likelihood": 6, "p3alpha": 10, "rp3beta": 10}


def fixed(score: float, digits: int) -> int:
    """The score in units of its last digit, rounded; a half goes away from zero, as SQL's round has it."""
    scaled = abs(score) * 10**digits
    whole = math.floor(scaled)
    rounded = whole + 1 if scaled - whole >= 0.5 else whole
    return rounded if score > 0 else -rounded


class Similar(NamedTuple):
    """One neighbour in an item's list."""

    item_id: Id
    score: float
    n_baskets: int


class Counts:
    """What is counted in baskets, each the distinct items of a kept one, before any threshold."""

    def __init__(self, baskets: Iterable[Collection[Id]]) -> None:
        self.baskets = [sorted(items) for items in baskets]

    @cached_property
    def baskets_of(self) -> dict[Id, list[list[Id]]]:
        """The baskets that hold the item."""
        found: defaultdict[Id, list[list[Id]]] = defaultdict(list)
        for items in self.baskets:
            for item in items:
                found[item].append(items)
        return dict(found)

    @cached_property
    def met(self) -> dict[Id, int]:
        """Other items in the item's baskets, one for each time."""
        return {item: sum(len(items) - 1 for items in baskets) for item, baskets in self.baskets_of.items()}

    def pairs(self) -> Counter[Pair]:
        """Baskets that hold both items, for each pair, the smaller first."""
        found: Counter[Pair] = Counter()
        for items in self.baskets:
            found.update(combinations(items, 2))
        return found

    def neighbours(self, left: Id) -> dict[Id, Counted]:
        """All that there is to know of an item and each other that some basket holds with it."""
        sizes: defaultdict[Id, Counter[int]] = defaultdict(Counter)
        for items in self.baskets_of[left]:
            for right in items:
                if right != left:
                    sizes[right][len(items)] += 1
        return {
            right: Counted(
                n=of_size.total(),
                left=len(self.baskets_of[left]),
                right=len(self.baskets_of[right]),
                all=len(self.baskets),
                met_by_left=self.met[left],
                met_by_right=self.met[right],
                of_size=of_size,
            )
            for right, of_size in sizes.items()
        }


def similar_to(
    neighbours: Mapping[Id, Counted], measure: str, constants: Constants, *, pair_min_count: int, similar_k: int
) -> list[Similar]:
    """The best of an item's neighbours that share enough baskets with it, the smaller id first among equals."""
    found = [
        Similar(right, FORMULAS[measure](counted, constants), counted.n)
        for right, counted in neighbours.items()
        if counted.n >= pair_min_count
    ]
    digits = DIGITS.get(measure, 12)
    found.sort(key=lambda similar: (-fixed(similar.score, digits), similar.item_id))
    return found[:similar_k]
