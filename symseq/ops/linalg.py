"""Matrix products: one, and a batch of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq import lengths
from symseq.errors import DTypeError, ShapeError
from symseq.graph import Arg, Op, Variable
from symseq.lengths import Length
from symseq.ops.axes import swapaxes
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.registry import Case, register
from symseq.ops.reshape import Reshape
from symseq.ops.shape import lengths_of
from symseq.types import Array, TensorType


def _dot_cases(rng: np.random.Generator) -> Iterator[Case]:
    for x, y in [((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,))]:
        yield Case(Dot(), (rng.normal(size=x), rng.normal(size=y)))
    yield Case(Dot(), (rng.normal(size=(2, 0)), rng.normal(size=(0, 3))))
    yield Case(Dot(), (rng.normal(size=(1, 1)), rng.normal(size=(1, 3))))


@register("dot", cases=_dot_cases)
@dataclass(frozen=True)
class Dot(Op):
    """y = Σ_k a[..., k] b[k, ...], for a and b of rank 1 or 2."""

    name = "dot"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        a, b = (arg.type for arg in args)
        if not (1 <= a.ndim <= 2 and 1 <= b.ndim <= 2):
            raise ShapeError(f"dot needs ranks 1 or 2; got {a.ndim} and {b.ndim}")
        check_factors("dot", a, b, a.shape[-1], b.shape[0])
        return (a.with_shape([*a.shape[:-1], *b.shape[1:]]),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.asarray(np.dot(*inputs)),)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (a, b), (g,) = inputs, cotangents
        assert g is not None
        if a.ndim == 1:
            into_a = g * b if b.ndim == 1 else self(b, g)
            into_b = g * a if b.ndim == 1 else outer_product(a, g)
            return (into_a, into_b)
        into_a = self(g, _t(b)) if b.ndim == 2 else outer_product(g, b)
        return (into_a, self(_t(a), g) if b.ndim == 2 else self(g, a))

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        a, b = inputs
        if batched[0] and batched[1]:
            return (_dot_pairs(a, b),)
        if batched[0]:
            return (_merge_rows(a, b),)
        if b.ndim == 3:
            b = swapaxes(b, 1, 2)
        made = _merge_rows(b, _t(a) if a.ndim == 2 else a)
        return (swapaxes(made, 1, 2) if made.ndim == 3 else made,)


def _t(x: Variable) -> Variable:
    return dimshuffle(x, (1, 0))


def outer_product(a: Variable, b: Variable) -> Variable:
    """y[i, j] = a[i] b[j]."""
    return dimshuffle(a, (0, "x")) * dimshuffle(b, ("x", 0))


def check_factors(
    name: str, a: TensorType, b: TensorType, left: Length, right: Length
) -> None:
    """Raises: ShapeError, DTypeError where inner lengths or dtypes differ."""
    if lengths.differ(left, right):
        raise ShapeError(
            f"{name} needs equal inner lengths; got {lengths.show(left)} and "
            f"{lengths.show(right)}",
            hint="the last axis of the first meets the "
            f"{'first' if b.ndim == 1 else 'last but one'} of the second; "
            "look for a missing .T or a weight of another size",
        )
    if a.dtype != b.dtype:
        raise DTypeError(f"{name} needs factors of one dtype; got {a.dtype}, {b.dtype}")


def _merge_rows(a: Variable, b: Variable) -> Variable:
    """a[N, m, k] · b as one product of N·m rows; a[N, k] · b as it is."""
    if a.ndim == 2:
        return Dot()(a, b)
    count, rows, inner = lengths_of(a)
    flat = Dot()(Reshape(2)(a, count * rows, inner), b)
    return Reshape(b.ndim + 1)(flat, count, rows, *lengths_of(b)[1:])


def _dot_pairs(a: Variable, b: Variable) -> Variable:
    """y[n] = a[n] · b[n]."""
    left = dimshuffle(a, (0, "x", 1)) if a.ndim == 2 else a
    right = dimshuffle(b, (0, 1, "x")) if b.ndim == 2 else b
    made = BatchedDot()(left, right)
    kept = [0, *([1] if a.ndim == 3 else []), *([2] if b.ndim == 3 else [])]
    return dimshuffle(made, kept)


def _batched_cases(rng: np.random.Generator) -> Iterator[Case]:
    for n, m, k, o in [(2, 3, 4, 2), (0, 2, 2, 2), (3, 1, 2, 1), (1, 2, 0, 3)]:
        a, b = rng.normal(size=(n, m, k)), rng.normal(size=(n, k, o))
        yield Case(BatchedDot(), (a, b))


@register("batched_dot", cases=_batched_cases)
@dataclass(frozen=True)
class BatchedDot(Op):
    """y[n] = a[n] · b[n], matrices a[n] and b[n]."""

    name = "batched_dot"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        a, b = (arg.type for arg in args)
        if a.ndim != 3 or b.ndim != 3:
            raise ShapeError(f"batched_dot needs rank 3 twice; got {a.ndim}, {b.ndim}")
        check_factors("batched_dot", a, b, a.shape[2], b.shape[1])
        count = lengths.meet(a.shape[0], b.shape[0], "batched_dot: leading lengths")
        return (a.with_shape([count, a.shape[1], b.shape[2]]),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.matmul(*inputs),)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        (a, b), (g,) = inputs, cotangents
        assert g is not None
        return (self(g, dimshuffle(b, (0, 2, 1))), self(dimshuffle(a, (0, 2, 1)), g))

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        a, b = inputs
        if batched[0] and batched[1]:
            return (self._merge_batches(a, b),)
        if batched[0]:  # [L, N, m, k] → [N, L·m, k]
            outer, count, rows, inner = lengths_of(a)
            wide = dimshuffle(a, (1, 0, 2, 3))
            flat = self(Reshape(3)(wide, count, outer * rows, inner), b)
            full = Reshape(4)(flat, count, outer, rows, lengths_of(b)[2])
            return (dimshuffle(full, (1, 0, 2, 3)),)
        outer, count, inner, columns = lengths_of(b)  # [L, N, k, n] → [N, k, L·n]
        wide = dimshuffle(b, (1, 2, 0, 3))
        flat = self(a, Reshape(3)(wide, count, inner, outer * columns))
        full = Reshape(4)(flat, count, lengths_of(a)[1], outer, columns)
        return (dimshuffle(full, (2, 0, 1, 3)),)

    def _merge_batches(self, a: Variable, b: Variable) -> Variable:
        outer, count, rows, inner = lengths_of(a)
        columns = lengths_of(b)[3]
        both = outer * count
        left = Reshape(3)(a, both, rows, inner)
        made = self(left, Reshape(3)(b, both, inner, columns))
        return Reshape(4)(made, outer, count, rows, columns)
