"""Reductions over axes: sum, max, min, all, any; keepdims is a view of the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from symseq import lengths
from symseq.errors import DTypeError, ShapeError
from symseq.graph import Arg, Held, Op, Variable, no_gradient
from symseq.ops.cast import cast
from symseq.ops.compare import eq
from symseq.ops.convert import as_tensor
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.math import fill
from symseq.ops.registry import Case, Cases, register
from symseq.ops.reshape import product
from symseq.ops.shape import length_of
from symseq.types import Array, TensorType, is_float

AxisLike = int | Sequence[int] | None


def _cases(name: str) -> Cases:
    def cases(rng: np.random.Generator) -> Iterator[Case]:
        cls = KINDS[name]
        for shape, axes in [((2, 3), (0, 1)), ((2, 3, 4), (1,)), ((3, 1), (0,))]:
            x = rng.normal(size=shape)
            yield Case(cls(axes), (x > 0 if issubclass(cls, Truth) else x,))
        if not issubclass(cls, Truth):
            yield Case(cls((0,)), (rng.integers(0, 9, (3, 2)),))

    return cases


@dataclass(frozen=True)
class Reduction(Op):
    """y[kept] = the reduction of x over `axes` (sorted, not negative)."""

    axes: tuple[int, ...]
    ufunc: ClassVar[str]  # the NumPy function whose `reduce` this is

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        (x,) = args
        kept = [n for k, n in enumerate(x.type.shape) if k not in self.axes]
        return (TensorType(self.dtype(x.type.dtype), tuple(kept)),)

    def dtype(self, dtype: str) -> str:
        return dtype

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        (x,) = inputs
        function = getattr(np, self.ufunc).reduce
        return (
            np.asarray(function(x, axis=self.axes, dtype=self.dtype(x.dtype.name))),
        )

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return (type(self)(tuple(axis + 1 for axis in self.axes))(inputs[0]),)

    def expand(self, y: Variable, ndim: int) -> Variable:
        """The reduced value with axes of length 1 where it was reduced."""
        return keep_axes(y, self.axes, ndim)

    def __str__(self) -> str:
        return f"{self.name}(axis={', '.join(map(str, self.axes))})"


@register("sum", cases=_cases("sum"))
@dataclass(frozen=True)
class Sum(Reduction):
    """y = Σ x over `axes`; integers and bools are summed as int64."""

    name = "sum"
    ufunc = "add"

    def dtype(self, dtype: str) -> str:
        return dtype if is_float(dtype) else "int64"

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (x,), (g,) = inputs, cotangents
        assert g is not None
        if not x.type.is_float:
            return (None,)
        return (fill(x, self.expand(g, x.ndim)),)

    def hold(self, args: Sequence[Arg]) -> tuple[Held, ...] | None:
        held = args[0].held
        if not isinstance(held, tuple) or self.axes != (0,):
            return None
        total: lengths.Length = 0
        for length in held:
            total = lengths.add(total, length)
        return (total,)


@dataclass(frozen=True)
class Extremum(Reduction):
    """The largest or smallest of x over `axes`; equals share the gradient evenly."""

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        (x,) = args
        for axis in self.axes:
            if lengths.size_of(x.type.shape[axis]) == 0:
                raise ShapeError(
                    f"{self.name} needs at least one element; axis {axis} has length 0"
                )
        return super().infer(args)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (x,), (y,), (g,) = inputs, outputs, cotangents
        assert g is not None
        if not x.type.is_float:
            return (None,)
        chosen = cast(eq(x, self.expand(y, x.ndim)), x.dtype)
        count = sum(chosen, axis=self.axes, keepdims=True)
        return (self.expand(g, x.ndim) * (chosen / count),)


@register("max", cases=_cases("max"))
@dataclass(frozen=True)
class Max(Extremum):
    """y = max x over `axes`; NaN where one is NaN."""

    name = "max"
    ufunc = "maximum"


@register("min", cases=_cases("min"))
@dataclass(frozen=True)
class Min(Extremum):
    """y = min x over `axes`; NaN where one is NaN."""

    name = "min"
    ufunc = "minimum"


@dataclass(frozen=True)
class Truth(Reduction):
    """Reductions of bools, which have no gradient."""

    def dtype(self, dtype: str) -> str:
        if dtype != "bool":
            raise DTypeError(f"{self.name} needs bools; got {dtype}")
        return dtype

    vjp = no_gradient


@register("all", cases=_cases("all"))
@dataclass(frozen=True)
class All(Truth):
    """y = whether all of x over `axes` are true."""

    name = "all"
    ufunc = "logical_and"


@register("any", cases=_cases("any"))
@dataclass(frozen=True)
class Any(Truth):
    """y = whether one of x over `axes` is true."""

    name = "any"
    ufunc = "logical_or"


KINDS: dict[str, type[Reduction]] = {
    "sum": Sum, "max": Max, "min": Min, "all": All, "any": Any,
}  # fmt: skip


def normal_axes(axis: AxisLike, ndim: int) -> tuple[int, ...]:
    """`axis` as sorted axes of a rank `ndim` variable; None is all of them.

    Raises: ShapeError for an axis out of range or named twice, DTypeError for no int.
    """
    if axis is None:
        return tuple(range(ndim))
    listed = isinstance(axis, Sequence) and not isinstance(axis, str)
    given: Sequence[object] = axis if listed else (axis,)  # type: ignore[assignment]
    axes = sorted(_normal_axis(one, ndim) for one in given)
    if len(set(axes)) != len(axes):
        raise ShapeError(f"axes must be distinct; got {tuple(given)}")
    return tuple(axes)


def _normal_axis(axis: object, ndim: int) -> int:
    if not isinstance(axis, (int, np.integer)):
        raise DTypeError(f"an axis must be an int; got {axis!r}")
    if not -ndim <= axis < ndim:
        raise ShapeError(
            f"an axis of a rank {ndim} variable lies in [{-ndim}, {ndim}); got {axis}"
        )
    return int(axis) % ndim


def keep_axes(y: Variable, axes: Sequence[int], ndim: int) -> Variable:
    """y with an axis of length 1 at each of `axes`, up to rank `ndim`."""
    kept = iter(range(y.ndim))
    return dimshuffle(y, ["x" if axis in axes else next(kept) for axis in range(ndim)])


def reduced(op: type[Reduction], x: Variable, axis: AxisLike, keep: bool) -> Variable:
    """`op` over `axis` of x; x itself (in the op's dtype) over no axes."""
    axes = normal_axes(axis, x.ndim)
    if not axes and op(axes).dtype(x.dtype) == x.dtype:
        return x
    y = op(axes)(x)
    return keep_axes(y, axes, x.ndim) if keep else y


def sum(
    x: object,
    axis: AxisLike = None,
    dtype: object = None,
    keepdims: bool = False,
    acc_dtype: object = None,
) -> Variable:
    """y = Σ x over `axis` (all without one); integers and bools are summed as int64.

    ``acc_dtype`` is that of the additions, where not the result's.
    """
    variable = as_tensor(x) if dtype is None else cast(x, dtype)
    if acc_dtype is None:
        return reduced(Sum, variable, axis, keepdims)
    wide = reduced(Sum, cast(variable, acc_dtype), axis, keepdims)
    return cast(wide, whole(variable.dtype))


def whole(dtype: str) -> str:
    """The dtype of a sum or product without a word about it: integers become int64."""
    return dtype if is_float(dtype) else "int64"


def max(x: object, axis: AxisLike = None, keepdims: bool = False) -> Variable:
    """The largest of x over `axis`; equal ones share the gradient evenly.

    Raises: ShapeError over no elements.
    """
    return reduced(Max, as_tensor(x), axis, keepdims)


def min(x: object, axis: AxisLike = None, keepdims: bool = False) -> Variable:
    """The smallest of x over `axis`; equal ones share the gradient evenly.

    Raises: ShapeError over no elements.
    """
    return reduced(Min, as_tensor(x), axis, keepdims)


def mean(
    x: object,
    axis: AxisLike = None,
    dtype: object = None,
    keepdims: bool = False,
    acc_dtype: object = None,
) -> Variable:
    """y = Σ x / n over `axis`; integers become floatX.

    ``acc_dtype`` is that of the work, where not the result's.
    """
    variable = as_tensor(x) if dtype is None else cast(x, dtype)
    if not variable.type.is_float:
        variable = cast(variable, "floatX")
    if acc_dtype is not None:
        wide = mean(cast(variable, acc_dtype), axis, keepdims=keepdims)
        return cast(wide, variable.dtype)
    axes = normal_axes(axis, variable.ndim)
    total = sum(variable, axis=axes, keepdims=keepdims)
    return total / cast(count(variable, axes), variable.dtype)


def count(x: Variable, axes: Sequence[int]) -> Variable:
    """How many elements there are over `axes`, as an int64 scalar."""
    return product([length_of(x, axis) for axis in axes])


def all(x: object, axis: AxisLike = None, keepdims: bool = False) -> Variable:
    """Whether all of x over `axis` are not 0; True over no elements."""
    return reduced(All, cast(x, "bool"), axis, keepdims)


def any(x: object, axis: AxisLike = None, keepdims: bool = False) -> Variable:
    """Whether one of x over `axis` is not 0; False over no elements."""
    return reduced(Any, cast(x, "bool"), axis, keepdims)
