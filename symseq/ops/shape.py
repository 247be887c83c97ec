"""Lengths as values: x.shape, integer scalars for lengths, and stated shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq import lengths
from symseq.errors import ShapeError
from symseq.graph import MOST_HELD, Arg, Held, Op, Variable, no_gradient
from symseq.operators import METHODS
from symseq.ops.alloc import alloc
from symseq.ops.convert import as_tensor, constant
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.registry import Case, register
from symseq.ops.sizes import as_length, as_lengths, held_length, refuse_batched
from symseq.types import Array, TensorType


def _shape_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(ShapeOf(), (rng.normal(size=(2, 3, 1)),), wrt=())
    yield Case(ShapeOf(), (rng.normal(size=()),), wrt=())


@register("shape", cases=_shape_cases)
@dataclass(frozen=True)
class ShapeOf(Op):
    """y = (length of axis 0, length of axis 1, ...), an int64 vector."""

    name = "shape"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        return (TensorType("int64", (args[0].type.ndim,)),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        return (np.array(inputs[0].shape, dtype=np.int64),)

    vjp = no_gradient

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        (x,) = inputs
        one = METHODS["getitem"](shape(x), slice(1, None))
        return (alloc(one, length_of(x, 0), x.ndim - 1),)

    def hold(self, args: Sequence[Arg]) -> tuple[Held, ...] | None:
        known = args[0].type.shape
        return (known,) if len(known) <= MOST_HELD else None


def shape(x: object) -> Variable:
    """The lengths of x as an int64 vector; ``shape(x)[0]`` keeps its length's name."""
    return ShapeOf()(as_tensor(x))


def length_of(x: Variable, axis: int) -> Variable:
    """The length of one axis as an int64 scalar: a constant where it is a plain int."""
    known = x.type.shape[axis]
    if isinstance(known, int):
        return constant(known, "int64")
    made: Variable = METHODS["getitem"](shape(x), axis % x.ndim)
    return made


def lengths_of(x: Variable) -> list[Variable]:
    """All lengths of x, each as an int64 scalar."""
    return [length_of(x, axis) for axis in range(x.ndim)]


def zeros_of(x: Variable) -> Variable:
    """Zeros of x's type, reading only x's lengths."""
    return alloc(constant(0, x.dtype), *lengths_of(x))


def broadcast_leading(x: Variable, count: Variable) -> Variable:
    """`count` copies of x along a new leading axis."""
    return alloc(dimshuffle(x, ["x", *range(x.ndim)]), count, *lengths_of(x))


def leading(inputs: Sequence[Variable], batched: Sequence[bool]) -> Variable:
    """How many examples a batch has: the length in front of a batched input."""
    return length_of(inputs[list(batched).index(True)], 0)


def all_batched(inputs: Sequence[Variable], batched: Sequence[bool]) -> list[Variable]:
    """`inputs`, the unbatched ones repeated along a new leading axis."""
    count = leading(inputs, batched)
    return [
        x if is_batched else broadcast_leading(x, count)
        for x, is_batched in zip(inputs, batched, strict=True)
    ]


def _specify_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.normal(size=(2, 3))
    yield Case(SpecifyShape((True, True)), (x, np.array(2), np.array(3)))
    yield Case(SpecifyShape((False, True)), (x, np.array(3)))


@register("specify_shape", cases=_specify_cases)
@dataclass(frozen=True)
class SpecifyShape(Op):
    """y = x, whose lengths along the `stated` axes must be the given ones."""

    stated: tuple[bool, ...]
    name = "specify_shape"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        x, *given = args
        if len(self.stated) != x.type.ndim:
            raise ShapeError(
                f"specify_shape needs one length per axis; got {len(self.stated)} "
                f"for {x.type}"
            )
        known = iter([held_length(arg) for arg in given])
        shape = [
            lengths.meet(length, next(known), f"specify_shape: lengths of axis {axis}")
            if stated
            else length
            for axis, (length, stated) in enumerate(
                zip(x.type.shape, self.stated, strict=True)
            )
        ]
        return (x.type.with_shape(shape),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        x, *given = inputs
        wanted = iter(given)
        for axis, stated in enumerate(self.stated):
            length = int(next(wanted)) if stated else x.shape[axis]
            if x.shape[axis] != length:
                raise ShapeError(
                    f"specify_shape: lengths of axis {axis} must be equal; "
                    f"got {x.shape[axis]} and {length}"
                )
        return (x,)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        return (cotangents[0], *[None] * (len(inputs) - 1))

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        refuse_batched(self, batched, 1)
        return (SpecifyShape((False, *self.stated))(*inputs),)

    def hold(self, args: Sequence[Arg]) -> tuple[Held, ...] | None:
        return (args[0].held,)

    def length_inputs(self) -> tuple[int, ...]:
        return tuple(range(1, sum(self.stated) + 1))


def specify_shape(x: object, shape: Sequence[object] | Variable) -> Variable:
    """x, stated to have the lengths of `shape`; None leaves an axis free.

    Raises: ShapeError when built or when called, where a length differs.
    """
    x = as_tensor(x)
    if isinstance(shape, (Variable, np.ndarray)):
        wanted: list[object] = list(as_lengths(shape, x.ndim))
    else:
        wanted = list(shape)
    stated = tuple(length is not None for length in wanted)
    return SpecifyShape(stated)(x, *[as_length(n) for n in wanted if n is not None])
