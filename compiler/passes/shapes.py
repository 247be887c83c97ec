"""Lengths of values are those of what they are made of; the values are not needed."""

from __future__ import annotations

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.alloc import Alloc
from symseq.ops.convert import constant
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.keys import INPUT, at_least
from symseq.ops.reshape import Reshape
from symseq.ops.rounding import floor_div
from symseq.ops.shape import ShapeOf, length_of
from symseq.ops.subtensor import Subtensor
from symseq.scan.known_lengths import same_length

from ..rewrite.patterns import held_int, made_by
from ..rewrite.rules import Replacement, RuleSet
from ..rewrite.unsure_lengths import compares_lengths

SHAPES = RuleSet()
MAXIMUM = math.maximum.op
GROWING = (math.add.op, math.mul.op, math.minimum.op, floor_div.op)


@SHAPES.rule(Subtensor)
def length_of_result(node: Apply) -> Replacement:
    """length of f(x) → length of x; of a · b → of a; of reshape(x, n) → n; and so on"""
    op, inner = node.op, made_by(node.inputs[0], ShapeOf)
    assert isinstance(op, Subtensor)
    if inner is None or len(op.key) != 1 or not isinstance(op.key[0], int):
        return None
    (x,) = inner.inputs
    if x.owner is None or compares_lengths(x.owner):
        return None
    return _length(x.owner, op.key[0] % x.ndim)


def _length(node: Apply, axis: int) -> Variable | None:
    """The length of the node's one output along `axis`, from its inputs."""
    op = node.op
    if isinstance(op, Subtensor) and any(entry == INPUT for entry in op.key):
        return None  # an index that may be out of bounds raises when called
    if same := same_length(node, axis):
        return length_of(*same[0])
    if isinstance(op, DimShuffle):
        return constant(1, "int64")
    if isinstance(op, (Reshape, Alloc)):
        given = node.inputs[1 + axis]
        return given if isinstance(op, Alloc) or _is_length(given) else None
    return None


def _is_length(given: Variable) -> bool:
    """Whether a length of a reshape is surely no -1."""
    shape = made_by(given, Subtensor)
    if shape is not None and made_by(shape.inputs[0], ShapeOf):
        return True
    held, node = held_int(given), given.owner
    if held is not None and at_least(held) >= 0:
        return True
    if node is None:
        return False
    if node.op is MAXIMUM:
        return any(map(_is_length, node.inputs))
    return node.op in GROWING and all(map(_is_length, node.inputs))
