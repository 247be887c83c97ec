"""Lengths of values are those of what they are made of; the values are not needed."""

from __future__ import annotations

from collections.abc import Sequence

from symseq.graph import Apply, Variable, known_length
from symseq.ops import math
from symseq.ops.alloc import Alloc
from symseq.ops.cast import cast
from symseq.ops.convert import constant
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.keys import INPUT, Range, at_least
from symseq.ops.reshape import Reshape
from symseq.ops.rounding import floor_div
from symseq.ops.shape import ShapeOf, length_of
from symseq.ops.subtensor import Subtensor
from symseq.scan.known_lengths import same_length
from symseq.scan.roles import Roles

from ..rewrite.patterns import made_by
from ..rewrite.rules import Replacement, RuleSet
from ..rewrite.unsure_lengths import compares_lengths

SHAPES = RuleSet()
MAXIMUM = math.maximum.op
GROWING = (math.add.op, math.mul.op, math.minimum.op, floor_div.op)


@SHAPES.rule(Subtensor)
def length_of_result(node: Apply) -> Replacement:
    """length of f(x) → length of x; of a · b → of a; of reshape(x, n) → n;
    of a loop's rows → n_steps; and so on"""
    op, inner = node.op, made_by(node.inputs[0], ShapeOf)
    assert isinstance(op, Subtensor)
    if inner is None or len(op.key) != 1 or not isinstance(op.key[0], int):
        return None
    (x,) = inner.inputs
    if x.owner is None or compares_lengths(x.owner):
        return None
    return _length(x, x.owner, op.key[0] % x.ndim)


def _length(x: Variable, node: Apply, axis: int) -> Variable | None:
    """The length of x, which `node` makes, along `axis`, from the node's inputs."""
    op = node.op
    if isinstance(op, Roles):
        return _of_loop(x, op, node.inputs, axis)
    if isinstance(op, Subtensor) and any(entry == INPUT for entry in op.key):
        return None  # an index that may be out of bounds raises when called
    if isinstance(op, Subtensor) and axis == 0 and (skipped := rows_skipped(node)):
        return math.maximum(math.sub(length_of(node.inputs[0], 0), skipped), 0)
    if same := same_length(node, axis):
        return length_of(*same[0])
    if isinstance(op, DimShuffle):
        return constant(1, "int64")
    if isinstance(op, (Reshape, Alloc)):
        given = node.inputs[1 + axis]
        return given if isinstance(op, Alloc) or _is_length(given) else None
    return None


def _of_loop(
    x: Variable, op: Roles, inputs: Sequence[Variable], axis: int
) -> Variable | None:
    """The rows of a loop's output, one of every step, and the lengths of a state."""
    is_state = x.index < len(op.states)
    if axis:
        return length_of(op.initial_inputs(inputs)[x.index], axis) if is_state else None
    if is_state and op.states[x.index].last_only:
        return constant(op.states[x.index].depth, "int64")
    if op.until or not _is_length(inputs[0]):
        return None  # fewer than no steps raise when called
    count = cast(inputs[0], "int64")
    return math.add(count, op.states[x.index].depth) if is_state else count


def rows_skipped(node: Apply) -> int:
    """d of x[d:] and of x[d:, ...]; 0 for other slices."""
    assert isinstance(node.op, Subtensor)
    first = node.op.key[0] if node.op.key else None
    start = first.start if isinstance(first, Range) else None
    plain = isinstance(start, int) and start > 0 and first == Range(start)
    return start if plain and isinstance(start, int) else 0


def _is_length(given: Variable) -> bool:
    """Whether a length of a reshape is surely no -1."""
    shape = made_by(given, Subtensor)
    if shape is not None and made_by(shape.inputs[0], ShapeOf):
        return True
    held, node = known_length(given), given.owner
    if held is not None and at_least(held) >= 0:
        return True
    if node is None:
        return False
    if node.op is MAXIMUM:
        return any(map(_is_length, node.inputs))
    return node.op in GROWING and all(map(_is_length, node.inputs))
