"""Permute axes, drop axes of static length 1, insert axes of length 1: a view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from symseq.errors import ShapeError
from symseq.graph import Arg, Held, Op, Variable
from symseq.lengths import size_of
from symseq.ops.registry import Case, register
from symseq.types import Array, TensorType

Axis = int | Literal["x"]


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.normal(size=(2, 3, 1))
    yield Case(DimShuffle((1, 0, 2)), (x,))
    yield Case(DimShuffle(("x", 1, 0)), (x,))
    yield Case(DimShuffle(("x",)), (rng.normal(size=()),))


@register("dimshuffle", cases=_cases)
@dataclass(frozen=True)
class DimShuffle(Op):
    """y[i, j, ...] = x[permuted]; 'x' is a new axis; an axis left out has length 1."""

    order: tuple[Axis, ...]
    name = "dimshuffle"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        (x,) = args
        kept = [axis for axis in self.order if axis != "x"]
        if len(set(kept)) != len(kept) or any(not 0 <= a < x.type.ndim for a in kept):
            raise ShapeError(
                f"dimshuffle needs distinct axes of a rank {x.type.ndim} variable; "
                f"got {self.order}"
            )
        for axis in set(range(x.type.ndim)) - set(kept):
            if size_of(x.type.shape[axis]) != 1:
                raise ShapeError(
                    f"dimshuffle may only drop an axis of length 1; axis {axis} of "
                    f"{x.type} is not known to be 1",
                    hint="sum or index the axis instead, or declare its length as 1",
                )
        shape = [1 if axis == "x" else x.type.shape[axis] for axis in self.order]
        return (x.type.with_shape(shape),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        kept = [axis for axis in self.order if axis != "x"]
        dropped = [axis for axis in range(x.ndim) if axis not in kept]
        core = x.transpose([*kept, *dropped])
        new = [np.newaxis if axis == "x" else slice(None) for axis in self.order]
        return (core[(*new, *[0] * len(dropped))],)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (x,), (g,) = inputs, cotangents
        assert g is not None
        back: list[Axis] = [
            self.order.index(axis) if axis in self.order else "x"
            for axis in range(x.ndim)
        ]
        return (dimshuffle(g, back),)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        order: list[Axis] = [
            0,
            *("x" if axis == "x" else axis + 1 for axis in self.order),
        ]
        return (dimshuffle(inputs[0], order),)

    def hold(self, args: Sequence[Arg]) -> tuple[Held, ...] | None:
        held = args[0].held
        if isinstance(held, tuple) and self.order == ():
            return (held[0],)
        if self.order == ("x",) and not isinstance(held, tuple) and held is not None:
            return ((held,),)
        return (held,) if self.order in ((), (0,)) else None

    def __str__(self) -> str:
        return f"dimshuffle({', '.join(map(str, self.order))})"


def dimshuffle(x: Variable, order: Sequence[Axis]) -> Variable:
    """x with its axes in `order`; x itself where nothing moves."""
    if tuple(order) == tuple(range(x.ndim)):
        return x
    return DimShuffle(tuple(order))(x)


def pad_left(x: Variable, ndim: int) -> Variable:
    """x with axes of length 1 in front, up to rank `ndim`."""
    new: list[Axis] = ["x"] * (ndim - x.ndim)
    return dimshuffle(x, [*new, *range(x.ndim)])
