"""Stable forms of what overflows or cancels where the exact value is finite."""

from __future__ import annotations

from symseq.ops import math

from ..rewrite.engine import RuleSet

STABILITY = RuleSet()
LOG, EXP, SUB = math.log.op, math.exp.op, math.sub.op
