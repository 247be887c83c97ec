"""Running sums and products along an axis, and what their gradients are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from symseq.errors import ShapeError
from symseq.graph import Arg, Op, Variable
from symseq.lengths import meet
from symseq.ops.cast import cast
from symseq.ops.convert import as_tensor
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.math import fill
from symseq.ops.reduce import normal_axes
from symseq.ops.registry import Case, Cases, register
from symseq.ops.reshape import flatten
from symseq.types import Array, TensorType, is_float


def _along(x: Array, axis: int, rows: slice) -> Array:
    return x[(slice(None),) * axis + (rows,)]


def _cases(name: str) -> Cases:
    def cases(rng: np.random.Generator) -> Iterator[Case]:
        for shape, axis in [((4,), 0), ((2, 3), 1), ((3, 2), 0), ((1, 2), 0)]:
            for reverse in (False, True):
                yield Case(KINDS[name](axis, reverse), (rng.normal(size=shape),))
        yield Case(KINDS[name](0, False), (np.array([2.0, 0.0, 3.0, 0.0]),))

    return cases


@dataclass(frozen=True)
class Cumulative(Op):
    """y[t] = x[0] ∘ ... ∘ x[t] along `axis`; ``reverse``: x[t] ∘ ... ∘ x[-1]."""

    axis: int
    reverse: bool = False
    ufunc: ClassVar[str]

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        kind = args[0].type
        return (kind if is_float(kind.dtype) else kind.with_dtype("int64"),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        rows = slice(None, None, -1 if self.reverse else 1)
        dtype = x.dtype if x.dtype.kind == "f" else np.int64
        function = getattr(np, self.ufunc).accumulate
        made = function(_along(x, self.axis, rows), axis=self.axis, dtype=dtype)
        return (_along(made, self.axis, rows),)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return (type(self)(self.axis + 1, self.reverse)(inputs[0]),)


@register("cumsum", cases=_cases("cumsum"))
@dataclass(frozen=True)
class CumSum(Cumulative):
    """y[t] = Σ x[s] over s <= t; integers are summed as int64."""

    name = "cumsum"
    ufunc = "add"

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (x,), (g,) = inputs, cotangents
        assert g is not None
        return (CumSum(self.axis, not self.reverse)(g) if x.type.is_float else None,)


@register("cumprod", cases=_cases("cumprod"))
@dataclass(frozen=True)
class CumProd(Cumulative):
    """y[t] = Π x[s] over s <= t; its gradient divides by nothing, so zeros are fine."""

    name = "cumprod"
    ufunc = "multiply"

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        # dx[t] = y[t-1] s[t], where s[t] = g[t] + x[t+1] s[t+1].
        (x,), (y,), (g,) = inputs, outputs, cotangents
        assert g is not None
        if not x.type.is_float:
            return (None,)
        step = -1 if self.reverse else 1
        rest = Recurrence(self.axis, not self.reverse)(Shift(self.axis, -step)(x), g)
        return (Shift(self.axis, step, 1.0)(y) * rest,)


KINDS: dict[str, type[Cumulative]] = {"cumsum": CumSum, "cumprod": CumProd}


def _shift_cases(rng: np.random.Generator) -> Iterator[Case]:
    for step in (1, -1):
        yield Case(Shift(1, step, 1.0), (rng.normal(size=(2, 3)),))
        yield Case(Shift(0, step), (rng.normal(size=(1, 3)),))


@register("shift", cases=_shift_cases)
@dataclass(frozen=True)
class Shift(Op):
    """y[t] = x[t - step] along `axis`, step 1 or -1; `value` where there is none."""

    axis: int
    step: int
    value: float = 0.0
    name = "shift"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        return (args[0].type,)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        to, source = slice(1, None), slice(None, -1)
        if self.step < 0:
            to, source = source, to
        y = np.full_like(x, self.value)
        _along(y, self.axis, to)[...] = _along(x, self.axis, source)
        return (y,)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (g,) = cotangents
        assert g is not None
        return (Shift(self.axis, -self.step)(g),)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return (Shift(self.axis + 1, self.step, self.value)(inputs[0]),)


def _recurrence_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape, axis in [((4,), 0), ((2, 3), 1), ((3, 2), 0)]:
        for reverse in (False, True):
            pair = (rng.normal(size=shape), rng.normal(size=shape))
            yield Case(Recurrence(axis, reverse), pair)


@register("recurrence", cases=_recurrence_cases)
@dataclass(frozen=True)
class Recurrence(Op):
    """y[t] = b[t] + a[t] y[t-1] along `axis`; ``reverse``: with y[t+1]."""

    axis: int
    reverse: bool = False
    name = "recurrence"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        a, b = args
        if a.type.ndim != b.type.ndim or a.type.dtype != b.type.dtype:
            raise ShapeError(f"recurrence needs one type; got {a.type} and {b.type}")
        shape = [
            meet(m, n, f"recurrence: lengths of axis {axis}")
            for axis, (m, n) in enumerate(zip(a.type.shape, b.type.shape, strict=True))
        ]
        return (b.type.with_shape(shape),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        y = inputs[1].copy()
        a, rows = (np.moveaxis(x, self.axis, 0) for x in (inputs[0], y))
        if self.reverse:
            a, rows = a[::-1], rows[::-1]
        for t in range(1, len(rows)):
            rows[t] += a[t] * rows[t - 1]
        return (y,)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (a, _), (y,), (g,) = inputs, outputs, cotangents
        assert g is not None
        step = -1 if self.reverse else 1
        back = Recurrence(self.axis, not self.reverse)(Shift(self.axis, -step)(a), g)
        return back * Shift(self.axis, step)(y), back

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        like = inputs[list(batched).index(True)]
        full = [
            x if is_batched else fill(like, dimshuffle(x, ["x", *range(x.ndim)]))
            for x, is_batched in zip(inputs, batched, strict=True)
        ]
        return (Recurrence(self.axis + 1, self.reverse)(*full),)


def _cumulative(kind: type[Cumulative], x: object, axis: int | None) -> Variable:
    variable = as_tensor(x)
    if axis is None:
        variable, axis = flatten(variable), 0
    (axis,) = normal_axes(axis, variable.ndim)
    return kind(axis)(variable)


def cumsum(x: object, axis: int | None = None) -> Variable:
    """y[t] = Σ x[s] over s <= t along `axis` (of the flattened x without one)."""
    return _cumulative(CumSum, x, axis)


def cumprod(x: object, axis: int | None = None) -> Variable:
    """y[t] = Π x[s] over s <= t along `axis` (of the flattened x without one)."""
    return _cumulative(CumProd, x, axis)


def diff(x: object, n: int = 1, axis: int = -1) -> Variable:
    """y[t] = x[t + 1] - x[t] along `axis`, `n` times."""
    y = as_tensor(x)
    (axis,) = normal_axes(axis, y.ndim)
    if y.dtype == "bool":
        y = cast(y, "int8")
    front = (slice(None),) * axis
    for _ in range(n):
        y = y[(*front, slice(1, None))] - y[(*front, slice(None, -1))]
    return y
