"""All rules about a table's rows, as one set, for targets that call NumPy."""

from __future__ import annotations

from ..rewrite.rules import RuleSet
from .bags import BAGS
from .order_scatters import ORDER_SCATTERS

ROWS = RuleSet(BAGS, ORDER_SCATTERS)
