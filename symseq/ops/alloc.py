"""Alloc: a value repeated to fill an array of given lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq import lengths
from symseq.errors import ShapeError
from symseq.graph import MOST_HELD, Arg, Held, Op, Variable
from symseq.lengths import size_of
from symseq.operators import METHODS, PROPERTIES
from symseq.ops.convert import as_tensor
from symseq.ops.dimshuffle import Axis, dimshuffle
from symseq.ops.registry import Case, register
from symseq.ops.sizes import as_length, as_lengths, held_length, refuse_batched
from symseq.types import Array, TensorType, is_static_one


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(Alloc(2), (rng.normal(size=()), np.array(2), np.array(3)))
    yield Case(Alloc(2), (rng.normal(size=3), np.array(2), np.array(3)))
    yield Case(Alloc(2), (rng.normal(size=(2, 1)), np.array(2), np.array(3)))
    yield Case(Alloc(1), (rng.normal(size=()), np.array(0)))
    yield Case(Alloc(0), (rng.normal(size=()),))


@register("alloc", cases=_cases)
@dataclass(frozen=True)
class Alloc(Op):
    """y[i, ...] = value, over `ndim` given lengths; value broadcasts as in NumPy."""

    ndim: int
    name = "alloc"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        value, *given = args
        kind = value.type
        if kind.ndim > self.ndim:
            raise ShapeError(
                f"alloc needs at least as many lengths as the value has axes; "
                f"got {self.ndim} for {kind}"
            )
        shape = [held_length(arg) for arg in given]
        for axis, length in enumerate(kind.shape, self.ndim - kind.ndim):
            if not is_static_one(length):
                what = f"alloc: lengths of axis {axis}"
                shape[axis] = lengths.meet(shape[axis], length, what)
        return (kind.with_shape(shape),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        value, *given = inputs
        return (np.broadcast_to(value, [int(n) for n in given]).copy(),)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        value, (g,) = inputs[0], cotangents
        assert g is not None
        nothing = [None] * self.ndim
        new = self.ndim - value.ndim
        stretched = [
            axis + new for axis, n in enumerate(value.type.shape) if is_static_one(n)
        ]
        kept: list[Axis] = [
            "x" if axis in stretched else axis - sum(s < axis for s in stretched) - new
            for axis in range(new, self.ndim)
        ]
        axes = [*range(new), *stretched]
        summed = METHODS["sum"](g, axis=axes) if axes else g
        return (dimshuffle(summed, kept), *nothing)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        refuse_batched(self, batched, 1)
        value, *given = inputs
        new: list[Axis] = ["x"] * (self.ndim + 1 - value.ndim)
        padded = dimshuffle(value, [0, *new, *range(1, value.ndim)])
        count = METHODS["getitem"](PROPERTIES["shape"](value), 0)
        return (Alloc(self.ndim + 1)(padded, count, *given),)

    def hold(self, args: Sequence[Arg]) -> tuple[Held, ...] | None:
        held = args[0].held
        if held is None or isinstance(held, tuple) or self.ndim > 1:
            return None
        if self.ndim == 0:
            return (held,)
        count = args[1].held
        size = None if isinstance(count, tuple) else size_of(count)
        return None if size is None or size > MOST_HELD else ((held,) * size,)

    def length_inputs(self) -> tuple[int, ...]:
        return tuple(range(1, self.ndim + 1))

    def shape_inputs(self, count: int) -> tuple[int, ...]:
        return ()


def alloc(value: object, *shape: object) -> Variable:
    """`value` repeated over the given lengths (ints or integer scalars).

    Raises: ShapeError where the value's own lengths do not fit.
    """
    given = as_lengths(shape[0]) if len(shape) == 1 else [as_length(n) for n in shape]
    return Alloc(len(given))(as_tensor(value), *given)
