"""What a plan calls for an op that has no text of its own: its NumPy meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symseq.graph import Apply, BodyOp

from ..lower.function import VIEWS
from ..reference import Evaluator
from .nested import Nested

Meaning = Callable[..., Any]


def meaning(node: Apply, nested: Nested) -> Meaning:
    """The node's NumPy meaning, with results of their own: no view of a buffer."""
    op = node.op
    if isinstance(op, BodyOp):
        return nested.meaning(node)
    if isinstance(op, VIEWS):
        return lambda *inputs: tuple(np.array(x) for x in op.numpy(*inputs))
    return op.numpy


def checked_meaning(node: Apply, nested: Nested) -> Meaning:
    """The same for lengths that only the run knows: the type rule checks them."""
    if isinstance(node.op, BodyOp):
        made = nested.meaning(node)
        return lambda *inputs: tuple(np.array(x) for x in made(*inputs))
    evaluate = Evaluator()
    return lambda *inputs: tuple(
        made if made.base is None and made.flags.owndata else np.array(made)
        for made in evaluate.apply(node, inputs)
    )
