"""Products over axes; their gradient divides by nothing, so that zeros are fine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq import lengths
from symseq.graph import Arg, Held, Variable
from symseq.ops.cast import cast
from symseq.ops.convert import as_tensor
from symseq.ops.cumulative import CumProd, Shift
from symseq.ops.reduce import AxisLike, Reduction, keep_axes, normal_axes, whole
from symseq.ops.registry import Case, register


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape, axis in [((2, 3), 1), ((2, 3, 2), 0), ((4,), 0)]:
        yield Case(Prod((axis,)), (rng.normal(size=shape),))
    yield Case(Prod((1,)), (np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 3.0]]),))
    yield Case(Prod((0,)), (rng.integers(0, 9, (3, 2)),))


@register("prod", cases=_cases)
@dataclass(frozen=True)
class Prod(Reduction):
    """y = Π x over one axis; integers are multiplied as int64."""

    name = "prod"
    ufunc = "multiply"

    def dtype(self, dtype: str) -> str:
        return whole(dtype)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (x,), (g,), (axis,) = inputs, cotangents, self.axes
        assert g is not None
        if not x.type.is_float:
            return (None,)
        before = Shift(axis, 1, 1.0)(CumProd(axis)(x))
        after = Shift(axis, -1, 1.0)(CumProd(axis, reverse=True)(x))
        return (self.expand(g, x.ndim) * (before * after),)

    def hold(self, args: Sequence[Arg]) -> tuple[Held, ...] | None:
        held = args[0].held
        return (lengths.total(held),) if isinstance(held, tuple) else None


def prod(
    x: object,
    axis: AxisLike = None,
    dtype: object = None,
    keepdims: bool = False,
    acc_dtype: object = None,
) -> Variable:
    """y = Π x over `axis` (all without one); integers are multiplied as int64.

    ``acc_dtype`` is that of the work, where not the result's.
    """
    y = as_tensor(x) if dtype is None else cast(x, dtype)
    if acc_dtype is not None:
        wide = prod(cast(y, acc_dtype), axis, keepdims=keepdims)
        return cast(wide, whole(y.dtype))
    axes, ndim = normal_axes(axis, y.ndim), y.ndim
    for one in reversed(axes):
        y = Prod((one,))(y)
    return keep_axes(y, axes, ndim) if keepdims else y
