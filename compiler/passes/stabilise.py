"""All stable forms as one set, tried before the graph is made smaller."""

from __future__ import annotations

from ..rewrite.rules import RuleSet
from .crossentropy import CROSSENTROPY
from .stability import STABILITY

STABILISE = RuleSet(STABILITY, CROSSENTROPY)
