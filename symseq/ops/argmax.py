"""Where the largest and smallest elements are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq.errors import ShapeError
from symseq.graph import Arg, Op, Variable, no_gradient
from symseq.lengths import size_of
from symseq.ops.convert import as_tensor
from symseq.ops.reduce import AxisLike, keep_axes, max, normal_axes
from symseq.ops.registry import Case, Cases, register
from symseq.types import Array, TensorType


def _cases(name: str) -> Cases:
    def cases(rng: np.random.Generator) -> Iterator[Case]:
        for shape, axes in [((2, 3), (1,)), ((2, 3), (0, 1)), ((3, 2, 2), (0, 2))]:
            yield Case(KINDS[name](axes), (rng.normal(size=shape),))
        yield Case(KINDS[name]((0,)), (rng.integers(0, 3, (4, 2)),))

    return cases


@dataclass(frozen=True)
class ArgExtremum(Op):
    """y = the place, counted row by row over `axes`, of the first extreme (or NaN)."""

    axes: tuple[int, ...]

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        shape = args[0].type.shape
        for axis in self.axes:
            if size_of(shape[axis]) == 0:
                raise ShapeError(
                    f"{self.name} needs at least one element; axis {axis} has length 0"
                )
        kept = [n for k, n in enumerate(shape) if k not in self.axes]
        return (TensorType("int64", tuple(kept)),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        kept = [axis for axis in range(x.ndim) if axis not in self.axes]
        rows = x.transpose([*kept, *self.axes])
        width = int(np.prod([x.shape[axis] for axis in self.axes]))
        flat = rows.reshape(*(x.shape[axis] for axis in kept), width)
        return (np.asarray(getattr(np, self.name)(flat, axis=-1), dtype=np.int64),)

    vjp = no_gradient

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return (type(self)(tuple(axis + 1 for axis in self.axes))(inputs[0]),)


@register("argmax", cases=_cases("argmax"))
@dataclass(frozen=True)
class ArgMax(ArgExtremum):
    """y = the place of the first largest element over `axes`."""

    name = "argmax"


@register("argmin", cases=_cases("argmin"))
@dataclass(frozen=True)
class ArgMin(ArgExtremum):
    """y = the place of the first smallest element over `axes`."""

    name = "argmin"


KINDS: dict[str, type[ArgExtremum]] = {"argmax": ArgMax, "argmin": ArgMin}


def _placed(
    kind: type[ArgExtremum], x: object, axis: AxisLike, keepdims: bool
) -> Variable:
    variable = as_tensor(x)
    axes = normal_axes(axis, variable.ndim)
    y = kind(axes)(variable)
    return keep_axes(y, axes, variable.ndim) if keepdims else y


def argmax(x: object, axis: AxisLike = None, keepdims: bool = False) -> Variable:
    """The place of the first largest of x along `axis` (of the flattened x without).

    Raises: ShapeError over no elements.
    """
    return _placed(ArgMax, x, axis, keepdims)


def argmin(x: object, axis: AxisLike = None, keepdims: bool = False) -> Variable:
    """The place of the first smallest of x along `axis` (of the flattened x without).

    Raises: ShapeError over no elements.
    """
    return _placed(ArgMin, x, axis, keepdims)


def max_and_argmax(
    x: object, axis: AxisLike = None, keepdims: bool = False
) -> tuple[Variable, Variable]:
    """(max(x, axis), argmax(x, axis))"""
    return max(x, axis, keepdims), argmax(x, axis, keepdims)
