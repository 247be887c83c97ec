"""Arrays end to end along an axis, and cut apart again; stacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

import numpy as np

from symseq import lengths
from symseq.errors import ShapeError, UsageError
from symseq.graph import MOST_HELD, Arg, Held, Op, Variable
from symseq.ops.axes import normal_axis
from symseq.ops.convert import as_tensor, common_dtype
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.registry import Case, register
from symseq.ops.shape import all_batched, length_of, zeros_of
from symseq.ops.sizes import as_lengths, held_length, refuse_batched
from symseq.types import Array, TensorType


def _join_cases(rng: np.random.Generator) -> Iterator[Case]:
    x, y = rng.normal(size=(2, 3)), rng.normal(size=(2, 1))
    yield Case(Join(1), (x, y, x))
    yield Case(Join(0), (x, rng.normal(size=(0, 3))))
    yield Case(Join(0), (x,))


@register("join", cases=_join_cases)
@dataclass(frozen=True)
class Join(Op):
    """y = the inputs end to end along `axis`."""

    axis: int
    name = "join"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        first = args[0].type
        if not args or {arg.type.ndim for arg in args} != {first.ndim}:
            ranks = ", ".join(str(arg.type.ndim) for arg in args)
            raise ShapeError(f"join needs arrays of one rank; got ranks {ranks}")
        columns = zip(*(arg.type.shape for arg in args), strict=True)
        shape = [
            reduce(lengths.add, column)
            if axis == self.axis
            else reduce(lambda a, b: _same(a, b, axis), column)
            for axis, column in enumerate(columns)
        ]
        return (first.with_shape(shape),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.concatenate(inputs, axis=self.axis),)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (g,) = cotangents
        assert g is not None
        if len(inputs) == 1:
            return (g,)
        sizes = [length_of(x, self.axis) for x in inputs]
        return Split(self.axis, len(inputs)).make(g, *sizes)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return (Join(self.axis + 1)(*all_batched(inputs, batched)),)

    def hold(self, args: Sequence[Arg]) -> tuple[Held, ...] | None:
        held: list[lengths.Length] = []
        for arg in args:
            if not isinstance(arg.held, tuple):
                return None
            held += arg.held
        return (tuple(held),) if len(held) <= MOST_HELD else None

    def __str__(self) -> str:
        return f"join(axis={self.axis})"


def _same(a: lengths.Length, b: lengths.Length, axis: int) -> lengths.Length:
    return lengths.meet(a, b, f"join: lengths of axis {axis}")


def _split_cases(rng: np.random.Generator) -> Iterator[Case]:
    x, sizes = rng.normal(size=(4, 3)), (np.array(1), np.array(0), np.array(3))
    yield Case(Split(0, 3), (x, *sizes))
    yield Case(Split(1, 1), (x, np.array(3)))


@register("split", cases=_split_cases)
@dataclass(frozen=True)
class Split(Op):
    """x = y0, y1, ... end to end along `axis`; inputs (x, each length)."""

    axis: int
    count: int
    name = "split"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        x, *given = args
        sizes = [held_length(arg) for arg in given]
        whole = x.type.shape[self.axis]
        lengths.meet(whole, reduce(lengths.add, sizes), "split: the sizes' sum and x")
        before, after = x.type.shape[: self.axis], x.type.shape[self.axis + 1 :]
        return tuple(x.type.with_shape([*before, n, *after]) for n in sizes)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        x, *sizes = inputs
        ends = np.cumsum([int(size) for size in sizes])
        return tuple(np.split(x, ends[:-1], axis=self.axis))

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        pairs = zip(outputs, cotangents, strict=True)
        parts = [zeros_of(y) if g is None else g for y, g in pairs]
        return (Join(self.axis)(*parts), *[None] * self.count)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        refuse_batched(self, batched, 1)
        return Split(self.axis + 1, self.count).make(*inputs)

    def hold(self, args: Sequence[Arg]) -> tuple[Held, ...] | None:
        held, sizes = args[0].held, [arg.held for arg in args[1:]]
        if not isinstance(held, tuple):
            return None
        ends = [0]
        for size in sizes:
            if not isinstance(size, int):
                return None
            ends.append(ends[-1] + size)
        return tuple(held[a:b] for a, b in pairwise(ends))

    def length_inputs(self) -> tuple[int, ...]:
        return tuple(range(1, self.count + 1))

    def __str__(self) -> str:
        return f"split(axis={self.axis})"


def join(axis: object, *tensors: object) -> Variable:
    """The arrays end to end along `axis`, in the dtype in which they meet.

    Raises: ShapeError for ranks or other lengths that differ.
    """
    if not tensors:
        raise UsageError("join needs at least one array; got none")
    dtype = common_dtype(tensors)
    arrays = [as_tensor(tensor, dtype) for tensor in tensors]
    if arrays[0].ndim == 0:
        raise ShapeError("join needs arrays with axes; got scalars", hint="use stack")
    return Join(normal_axis(axis, arrays[0].ndim))(*arrays)


def concatenate(tensor_list: Sequence[object] | Variable, axis: int = 0) -> Variable:
    """The arrays of a list end to end along `axis` (as ``join``)."""
    return join(axis, *tensor_list)


def stack(*tensors: object, axis: int = 0) -> Variable:
    """Arrays of one shape along a new `axis`: ``stack([a, b])`` or ``stack(a, b)``."""
    values: Sequence[object] = tensors
    if tensors and isinstance(tensors[0], (list, tuple)):
        if len(tensors) == 2 and isinstance(tensors[1], int):
            axis = tensors[1]
        values = tensors[0]
    if not values:
        raise UsageError("stack needs at least one array; got none")
    dtype = common_dtype(values)
    arrays = [as_tensor(value, dtype) for value in values]
    at = normal_axis(axis, arrays[0].ndim + 1)
    rows = [
        dimshuffle(x, [*range(min(at, x.ndim)), "x", *range(at, x.ndim)])
        for x in arrays
    ]
    return Join(at)(*rows)


def stack_list(values: Sequence[object]) -> Variable:
    """A list with variables in it, nested as deep as it likes, as one array."""
    return stack(list(values))


def split(
    x: object, splits_size: object, n_splits: int | None = None, axis: int = 0
) -> list[Variable]:
    """x cut along `axis` into parts of the given lengths.

    Raises: ShapeError where the lengths do not add up to x's.
    """
    variable, sizes = as_tensor(x), as_lengths(splits_size, n_splits)
    if n_splits is not None and n_splits != len(sizes):
        raise ShapeError(
            f"split needs one size per part; got {len(sizes)} for {n_splits}"
        )
    op = Split(normal_axis(axis, variable.ndim), len(sizes))
    return list(op.make(variable, *sizes))


def horizontal_stack(*tensors: object) -> Variable:
    """Matrices side by side."""
    return _stack_matrices(1, tensors)


def vertical_stack(*tensors: object) -> Variable:
    """Matrices on top of each other."""
    return _stack_matrices(0, tensors)


def _stack_matrices(axis: int, tensors: Sequence[object]) -> Variable:
    arrays = [as_tensor(tensor) for tensor in tensors]
    if len(arrays) < 2 or any(x.ndim != 2 for x in arrays):
        ranks = ", ".join(str(x.ndim) for x in arrays)
        raise ShapeError(f"this stack needs two matrices or more; got ranks {ranks}")
    return join(axis, *arrays)


stacklists = stack_list
