"""All stable forms as one set, tried before the graph is made smaller."""

from __future__ import annotations

from collections.abc import Mapping

from ..rewrite.rules import RuleSet
from .crossentropy import CROSSENTROPY
from .stability import STABILITY
from .written_softmax import WRITTEN_SOFTMAX

STABLE: Mapping[str, RuleSet] = {
    "stable forms": STABILITY,
    "softmax by hand": WRITTEN_SOFTMAX,
    "cross-entropy": CROSSENTROPY,
}
STABILISE = RuleSet(*STABLE.values())
