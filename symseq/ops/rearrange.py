"""Elements repeated, laid side by side or rolled; which axes broadcast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq import lengths
from symseq.errors import DTypeError, ShapeError
from symseq.graph import Arg, Op, Variable, no_gradient, not_batchable
from symseq.ops.alloc import Alloc
from symseq.ops.arange import arange
from symseq.ops.axes import normal_axis
from symseq.ops.convert import as_tensor, constant
from symseq.ops.dimshuffle import Axis, dimshuffle, pad_left
from symseq.ops.indexing import getitem
from symseq.ops.math import maximum
from symseq.ops.registry import Case, register
from symseq.ops.reshape import Reshape, flatten
from symseq.ops.rounding import mod
from symseq.ops.shape import length_of, lengths_of, specify_shape
from symseq.ops.sizes import as_length, as_lengths
from symseq.ops.take import gather
from symseq.types import Array, TensorType, is_integer, is_static_one


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(RepeatedIndex(), (np.array([2, 0, 1]),))
    yield Case(RepeatedIndex(), (np.array([], dtype=np.int64),))


@register("repeated_index", cases=_cases)
@dataclass(frozen=True)
class RepeatedIndex(Op):
    """y = 0, 0, ..., 1, ...: each position i counts[i] times; int64."""

    name = "repeated_index"
    dynamic = True

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        (counts,) = (arg.type for arg in args)
        if counts.ndim != 1 or not is_integer(counts.dtype):
            raise ShapeError(f"repeat needs a vector of integer counts; got {counts}")
        return (TensorType("int64", (None,)),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        (counts,) = inputs
        if counts.size and counts.min() < 0:
            raise ShapeError(f"repeat counts must be at least 0; got {counts.min()}")
        return (np.repeat(np.arange(counts.size), counts),)

    vjp = no_gradient
    batch = not_batchable


def repeat(x: object, repeats: object, axis: int | None = None) -> Variable:
    """Each element (or each slice along `axis`) `repeats` times, one after the other.

    Args: repeats: one count (an int or integer scalar), or a vector with one per slice.
    """
    variable, counts = as_tensor(x), as_tensor(repeats)
    if axis is None:
        variable, axis = flatten(variable), 0
    at = normal_axis(axis, variable.ndim)
    if not is_integer(counts.dtype) or counts.ndim > 1:
        raise DTypeError(f"repeat needs integer counts; got {counts.type}")
    if counts.ndim == 1:
        if is_static_one(counts.type.shape[0]):
            return repeat(variable, getitem(counts, 0), at)
        counts = specify_shape(counts, [length_of(variable, at)])
        return gather(variable, [RepeatedIndex()(counts)], at)
    count, each = as_length(repeats), lengths_of(variable)
    row: list[Axis] = [*range(at + 1), "x", *range(at + 1, variable.ndim)]
    full = [*each[: at + 1], count, *each[at + 1 :]]
    wide = Alloc(variable.ndim + 1)(dimshuffle(variable, row), *full)
    merged = [*each[:at], each[at] * count, *each[at + 1 :]]
    return Reshape(variable.ndim)(wide, *merged)


def tile(x: object, reps: object, ndim: int | None = None) -> Variable:
    """x laid side by side reps[k] times along each axis k, as NumPy's tile."""
    variable, counts = as_tensor(x), as_lengths(reps)
    rank = max(variable.ndim, len(counts), ndim or 0)
    counts = [constant(1, "int64")] * (rank - len(counts)) + counts
    variable = pad_left(variable, rank)
    each = lengths_of(variable)
    order: list[Axis] = []
    for axis in range(rank):
        order += ["x", axis]
    pairs = list(zip(counts, each, strict=True))
    wide = Alloc(2 * rank)(dimshuffle(variable, order), *[n for p in pairs for n in p])
    return Reshape(rank)(wide, *[count * length for count, length in pairs])


def roll(x: object, shift: object, axis: int | None = None) -> Variable:
    """x with its elements moved on by `shift` along `axis`, the last coming first."""
    variable, by = as_tensor(x), as_length(shift, "roll's shift")
    if axis is None:
        flat = roll(flatten(variable), by, 0)
        return Reshape(variable.ndim)(flat, *lengths_of(variable))
    at = normal_axis(axis, variable.ndim)
    length = length_of(variable, at)
    positions = arange(length) - by
    # Of an axis of length 0 nothing is taken, whatever the remainder is of.
    where = mod(positions, maximum(length, constant(1, "int64")))
    return gather(variable, [where], at)


def unbroadcast(x: object, *axes: int) -> Variable:
    """x with the given axes not declared of length 1, so they do not broadcast."""
    variable = as_tensor(x)
    chosen = {normal_axis(axis, variable.ndim) for axis in axes}
    if not any(variable.broadcastable[axis] for axis in chosen):
        return variable
    return Unbroadcast(tuple(sorted(chosen)))(variable)


def patternbroadcast(x: object, broadcastable: Sequence[bool]) -> Variable:
    """x, declared of length 1 along exactly the axes that are marked.

    Raises: ShapeError where a marked axis has another length.
    """
    variable = as_tensor(x)
    if len(broadcastable) != variable.ndim:
        raise ShapeError(
            f"patternbroadcast needs one flag per axis; got {len(broadcastable)} "
            f"for {variable.type}"
        )
    stated = specify_shape(variable, [1 if flag else None for flag in broadcastable])
    return unbroadcast(stated, *[k for k, flag in enumerate(broadcastable) if not flag])


def _unbroadcast_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(Unbroadcast((0,)), (rng.normal(size=(1, 3)),))


@register("unbroadcast", cases=_unbroadcast_cases)
@dataclass(frozen=True)
class Unbroadcast(Op):
    """y = x, where lengths of 1 along `axes` do not broadcast."""

    axes: tuple[int, ...]
    name = "unbroadcast"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        x = args[0].type
        return (
            x.with_shape(
                [
                    lengths.ONE if axis in self.axes and is_static_one(n) else n
                    for axis, n in enumerate(x.shape)
                ]
            ),
        )

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        return (inputs[0],)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (x,), (g,) = inputs, cotangents
        assert g is not None
        stated = [1 if is_static_one(n) else None for n in x.type.shape]
        return (specify_shape(g, stated),)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return (Unbroadcast(tuple(axis + 1 for axis in self.axes))(*inputs),)


def take(x: object, indices: object, axis: int | None = None) -> Variable:
    """The slices of x along `axis` (its elements, without one) that integers name."""
    variable, ids = as_tensor(x), as_tensor(indices)
    if axis is None:
        variable, axis = flatten(variable), 0
    at = normal_axis(axis, variable.ndim)
    key = (*[slice(None)] * at, ids)
    return getitem(variable, key)
