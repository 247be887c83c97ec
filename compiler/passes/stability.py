"""Stable forms of what overflows or cancels where the exact value is finite."""

from __future__ import annotations

from symseq.graph import Apply, Op
from symseq.ops import math

from ..rewrite.engine import Replacement, RuleSet
from .algebra import ADD, number_of

STABILITY = RuleSet()
LOG, EXP, SUB = math.log.op, math.exp.op, math.sub.op
