"""Where an array is not zero: positions whose number depends on the contents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq.errors import ShapeError
from symseq.graph import Arg, Op, Variable, no_gradient, not_batchable
from symseq.ops.convert import as_tensor
from symseq.ops.registry import Case, register
from symseq.ops.reshape import flatten
from symseq.ops.take import gather
from symseq.types import Array, TensorType


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(Nonzero(2), (np.array([[True, False], [False, True]]),))
    yield Case(Nonzero(1), (np.zeros(3),), wrt=())


@register("nonzero", cases=_cases)
@dataclass(frozen=True)
class Nonzero(Op):
    """(i, j, ...): the positions along each axis where x is not 0, row by row."""

    ndim: int
    name = "nonzero"
    dynamic = True

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        if args[0].type.ndim != self.ndim or self.ndim == 0:
            raise ShapeError(f"nonzero needs an array with axes; got {args[0].type}")
        return (TensorType("int64", (None,)),) * self.ndim

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        return tuple(np.nonzero(inputs[0]))

    vjp = no_gradient
    batch = not_batchable


def nonzero(x: object) -> tuple[Variable, ...]:
    """The positions where x is not 0: one int64 vector per axis."""
    variable = as_tensor(x)
    return Nonzero(variable.ndim).make(variable)


def flatnonzero(x: object) -> Variable:
    """The positions in the flattened x where it is not 0."""
    return nonzero(flatten(x))[0]


def nonzero_values(x: object) -> Variable:
    """The elements of x that are not 0, row by row."""
    variable = as_tensor(x)
    return gather(variable, nonzero(variable), 0)
