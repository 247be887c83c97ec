"""What rules look for: numbers behind views, who made a value, what stretches."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from symseq import lengths
from symseq.graph import Apply, Constant, Op, Variable, known_length
from symseq.lengths import Length, size_of
from symseq.ops import math
from symseq.ops.alloc import Alloc
from symseq.ops.arange import ARange
from symseq.ops.convert import constant
from symseq.ops.dimshuffle import DimShuffle, dimshuffle, pad_left
from symseq.ops.keys import at_least
from symseq.ops.shape import ShapeOf
from symseq.ops.subtensor import Subtensor

FILL = math.fill.op
FEW = 64
# What `number_of` has found out about larger constants, which takes time.
LARGE: WeakKeyDictionary[Constant, float | None] = WeakKeyDictionary()


def made_by(variable: Variable, *ops: type[Op] | Op) -> Apply | None:
    """The node that made a variable, if it is of one of these ops."""
    node = variable.owner
    if node is not None and (type(node.op) in ops or node.op in ops):
        return node
    return None


def core_of(variable: Variable) -> Variable:
    """The variable behind views of rank, repeats and fills: its values, each once."""
    while variable.owner is not None:
        op, inputs = variable.owner.op, variable.owner.inputs
        if isinstance(op, (DimShuffle, Alloc)):
            variable = inputs[0]
        elif op is FILL:
            variable = inputs[1]
        else:
            break
    return variable


def number_of(variable: Variable) -> float | None:
    """The one number that a variable is everywhere, behind views and fills; or None."""
    core = core_of(variable)
    if not isinstance(core, Constant):
        return None
    if core.data.size <= FEW:
        return _same_everywhere(core)
    if core not in LARGE:
        LARGE[core] = _same_everywhere(core)
    return LARGE[core]


def _same_everywhere(constant: Constant) -> float | None:
    data = constant.data
    if data.size == 0:
        return None
    first = data.flat[0]
    if data.size > 1 and not (data.flat[-1] == first and bool(np.all(data == first))):
        return None
    number: float = first.item()
    return number


def spread(x: Variable, like: Variable) -> Variable | None:
    """x where it has all of `like`'s axes at full length; else None."""
    return x if x.broadcastable == like.broadcastable else None


def stretched(x: Variable, like: Variable) -> Variable:
    """x at the full length of `like`'s axes."""
    return x if x.broadcastable == like.broadcastable else math.fill(like, x)


def is_scalar(variable: Variable) -> bool:
    """Whether every axis has a static length of 1: one number, whatever the rank."""
    return all(variable.broadcastable)


def as_rank(scalar: Variable, rank: int) -> Variable:
    """One number (see `is_scalar`) with `rank` axes."""
    return pad_left(dimshuffle(scalar, ()), rank)


def number_like(value: float, like: Variable, rank: int | None = None) -> Variable:
    """A constant of `like`'s dtype and rank."""
    made = constant(np.asarray(value, dtype=like.dtype))
    return pad_left(made, like.ndim if rank is None else rank)


def same_length(a: Length, b: Length) -> bool:
    """Whether two lengths are sure to be equal."""
    if a is None or b is None:
        return False
    size = size_of(a)
    return a == b or (size is not None and size == size_of(b))


def same_lengths(a: Variable, b: Variable) -> bool:
    """Whether two variables are sure to have one shape."""
    pairs = zip(a.type.shape, b.type.shape, strict=False)
    return a.ndim == b.ndim and all(same_length(m, n) for m, n in pairs)


def positive(length: Length) -> bool:
    """Whether a length is sure to be at least 1."""
    return length is not None and at_least(length) >= 1


def is_length_of(variable: Variable, x: Variable, axis: int) -> bool:
    """Whether an integer scalar is sure to be the length of one of x's axes."""
    length = known_length(variable)
    if length is not None:
        return same_length(length, x.type.shape[axis])
    node = made_by(variable, Subtensor)
    if node is None or not isinstance(node.op, Subtensor):
        return False
    shape = made_by(node.inputs[0], ShapeOf)
    return shape is not None and shape.inputs[0] is x and node.op.key == (axis,)


def total_size(variable: Variable) -> int | None:
    """How many elements, where that is known."""
    return size_of(lengths.total(variable.type.shape))


def counts_along(ids: Variable, place: int, base: Variable, axis: int) -> bool:
    """Whether ids[..., i, ...] = i along `place`, for each i of the base's `axis`."""
    if isinstance(ids, Constant):
        wanted = [-1 if k == place else 1 for k in range(ids.ndim)]
        size = ids.data.size
        grid = np.arange(size).reshape(wanted)
        same_shape = ids.data.shape == grid.shape
        whole = same_length(size, base.type.shape[axis])
        return same_shape and whole and bool(np.array_equal(ids.data, grid))
    moved = made_by(ids, DimShuffle)
    if moved is not None and isinstance(moved.op, DimShuffle):
        order = moved.op.order
        if any((a == 0) != (k == place) for k, a in enumerate(order)):
            return False
        ids = moved.inputs[0]
    elif ids.ndim != 1:
        return False
    if isinstance(ids, Constant):
        return counts_along(ids, 0, base, axis)
    counted = made_by(ids, ARange)
    if counted is None:
        return False
    start, stop, step = counted.inputs
    return (start.held, step.held) == (0, 1) and (
        same_length(ids.type.shape[0], base.type.shape[axis])
        or is_length_of(stop, base, axis)
    )
