"""Sorting along an axis, and taking elements by place along it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq.errors import BadIndexError, DTypeError, ShapeError
from symseq.graph import Arg, Op, Variable, no_gradient
from symseq.lengths import Length, meet
from symseq.ops.convert import as_tensor
from symseq.ops.reduce import normal_axes
from symseq.ops.registry import Case, register
from symseq.ops.reshape import flatten
from symseq.ops.shape import all_batched
from symseq.types import Array, TensorType, is_integer


def _sort_cases(rng: np.random.Generator) -> Iterator[Case]:
    for shape, axis in [((5,), 0), ((2, 4), 1), ((3, 2), 0)]:
        yield Case(Sort(axis), (rng.permutation(np.prod(shape)).reshape(shape) * 0.5,))


@register("sort", cases=_sort_cases)
@dataclass(frozen=True)
class Sort(Op):
    """y = x in rising order along `axis`, NaN last."""

    axis: int
    name = "sort"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        return (args[0].type,)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.sort(inputs[0], axis=self.axis, kind="stable"),)

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
        order = ArgSort(self.axis)
        return (TakeAlong(self.axis)(g, order(order(x))),)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return (Sort(self.axis + 1)(inputs[0]),)


def _argsort_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(ArgSort(1), (rng.normal(size=(2, 4)),))
    yield Case(ArgSort(0), (rng.integers(0, 3, (5,)),))


@register("argsort", cases=_argsort_cases)
@dataclass(frozen=True)
class ArgSort(Op):
    """y = the places of x in rising order along `axis`; equals keep their order."""

    axis: int
    name = "argsort"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        return (args[0].type.with_dtype("int64"),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        order = np.argsort(inputs[0], axis=self.axis, kind="stable")
        return (order.astype(np.int64, copy=False),)

    vjp = no_gradient

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return (ArgSort(self.axis + 1)(inputs[0]),)


def _shape_along(x: TensorType, places: TensorType, axis: int) -> tuple[Length, ...]:
    """The lengths of places, which must be those of x but along `axis`."""
    if not is_integer(places.dtype):
        raise DTypeError(f"places must be integers; got {places.dtype}")
    if x.ndim != places.ndim:
        raise ShapeError(f"places must have the rank of x; got {places} for {x}")
    return tuple(
        n if k == axis else meet(m, n, f"places and x: lengths of axis {k}")
        for k, (m, n) in enumerate(zip(x.shape, places.shape, strict=True))
    )


def _check_places(places: Array, length: int) -> None:
    if places.size and not (-length <= places.min() and places.max() < length):
        raise BadIndexError(
            f"places must be in [{-length}, {length}); "
            f"got {places.min()} to {places.max()}"
        )


def _take_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(TakeAlong(1), (rng.normal(size=(2, 3)), np.array([[0, 0], [2, -1]])))
    yield Case(TakeAlong(0), (rng.normal(size=(3,)), np.array([1, 1, 0, 2])))


@register("take_along", cases=_take_cases)
@dataclass(frozen=True)
class TakeAlong(Op):
    """y[i, ..., j] = x[i, ..., places[i, ..., j]] along `axis`."""

    axis: int
    name = "take_along"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        x, places = args
        return (x.type.with_shape(_shape_along(x.type, places.type, self.axis)),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        x, places = inputs
        _check_places(places, x.shape[self.axis])
        return (np.take_along_axis(x, places, self.axis),)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (x, places), (g,) = inputs, cotangents
        assert g is not None
        return (AddAlong(self.axis)(x, places, g) if x.type.is_float else None, None)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return (TakeAlong(self.axis + 1)(*all_batched(inputs, batched)),)


def _add_cases(rng: np.random.Generator) -> Iterator[Case]:
    places = np.array([[0, 0], [2, -1]])
    yield Case(
        AddAlong(1), (rng.normal(size=(2, 3)), places, rng.normal(size=(2, 2))), (2,)
    )


@register("add_along", cases=_add_cases)
@dataclass(frozen=True)
class AddAlong(Op):
    """y[i, ..., k] = Σ g[i, ..., j] over places[i, ..., j] = k, of the shape of x."""

    axis: int
    name = "add_along"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        x, places, g = args
        shape = _shape_along(x.type, places.type, self.axis)
        for k, (m, n) in enumerate(zip(shape, g.type.shape, strict=True)):
            meet(m, n, f"places and values: lengths of axis {k}")
        return (x.type.with_dtype(g.type.dtype),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        x, places, g = inputs
        _check_places(places, x.shape[self.axis])
        y = np.zeros(x.shape, g.dtype)
        index: list[Array] = list(np.indices(places.shape, sparse=True))
        index[self.axis] = places
        np.add.at(y, tuple(index), g)
        return (y,)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        places, (g,) = inputs[1], cotangents
        assert g is not None
        return (None, None, TakeAlong(self.axis)(g, places))

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        return (AddAlong(self.axis + 1)(*all_batched(inputs, batched)),)


def _flat(x: object, axis: int | None) -> tuple[Variable, int]:
    variable = as_tensor(x)
    if axis is None:
        return flatten(variable), 0
    return variable, normal_axes(axis, variable.ndim)[0]


def sort(
    x: object, axis: int | None = -1, kind: str = "stable", order: None = None
) -> Variable:
    """x in rising order along `axis` (flattened first where None), NaN last.

    ``kind`` and ``order`` are accepted and change nothing: sorting is always stable.
    """
    variable, one = _flat(x, axis)
    return Sort(one)(variable)


def argsort(
    x: object, axis: int | None = -1, kind: str = "stable", order: None = None
) -> Variable:
    """The places of x in rising order along `axis`; equals keep their order."""
    variable, one = _flat(x, axis)
    return ArgSort(one)(variable)


def take_along_axis(x: object, places: object, axis: int | None = -1) -> Variable:
    """y[..., j] = x[..., places[..., j]] along `axis`.

    Raises: ShapeError, DTypeError, BadIndexError for places that do not fit.
    """
    variable, one = _flat(x, axis)
    return TakeAlong(one)(variable, as_tensor(places))


def topk(x: object, k: int, axis: int = -1) -> Variable:
    """The `k` largest of x along `axis`, the largest first; -k: the smallest."""
    return take_along_axis(x, argtopk(x, k, axis), axis)


def argtopk(x: object, k: int, axis: int = -1) -> Variable:
    """The places of the `k` largest of x along `axis`; -k: of the smallest."""
    variable, one = _flat(x, axis)
    order = ArgSort(one)(variable)
    kept = slice(None, -k) if k < 0 else slice(None, -k - 1, -1)
    made: Variable = order[(slice(None),) * one + (kept,)]
    return made


def topk_and_argtopk(x: object, k: int, axis: int = -1) -> tuple[Variable, Variable]:
    """(topk(x), argtopk(x))"""
    return topk(x, k, axis), argtopk(x, k, axis)
