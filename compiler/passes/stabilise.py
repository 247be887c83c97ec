"""All stable forms as one set, tried before the graph is made smaller."""

from __future__ import annotations

from ..rewrite.rules import RuleSet
from .crossentropy import CROSSENTROPY
from .stability import STABILITY
from .written_softmax import WRITTEN_SOFTMAX

STABILISE = RuleSet(STABILITY, WRITTEN_SOFTMAX, CROSSENTROPY)
