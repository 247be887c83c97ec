"""All rules that make a graph smaller, as one set: they are tried together."""

from __future__ import annotations

from collections.abc import Mapping

from ..rewrite.rules import RuleSet
from .algebra import ALGEBRA
from .constants import CONSTANTS
from .products import PRODUCTS
from .repeats import REPEATS
from .scatters import SCATTERS
from .shapes import SHAPES
from .slices import SLICES
from .sums import SUMS
from .views import VIEWS
from .writes import WRITES

SMALLER: Mapping[str, RuleSet] = {
    "constants": CONSTANTS,
    "algebra": ALGEBRA,
    "repeats": REPEATS,
    "views and casts": VIEWS,
    "lengths": SHAPES,
    "slices": SLICES,
    "writes": WRITES,
    "sums": SUMS,
    "products": PRODUCTS,
    "scattered rows": SCATTERS,
}
SIMPLIFY = RuleSet(*SMALLER.values())
