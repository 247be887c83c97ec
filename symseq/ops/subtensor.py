"""Basic indexing by integers and slices, symbolic too; setting and adding there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq.errors import NotBatchableError
from symseq.graph import Arg, Held, Op, Variable
from symseq.ops.arange import arange
from symseq.ops.convert import constant
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.elementwise import unbroadcast
from symseq.ops.keys import (
    INPUT,
    Input,
    Key,
    Range,
    bind,
    bounds_of,
    known,
    numpy_key,
    region,
)
from symseq.ops.registry import Case, register
from symseq.ops.shape import all_batched, length_of, zeros_of
from symseq.ops.take import check_values, gather, put
from symseq.types import Array, TensorType

__all__ = ["INPUT", "IncSubtensor", "Key", "Range", "Subtensor"]


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.normal(size=(4, 3, 2))
    yield Case(Subtensor((0,)), (x,))
    yield Case(Subtensor((INPUT, -1)), (x, np.array(-2)))
    yield Case(Subtensor((Range(1), Range(None, None, -1))), (x,))
    yield Case(Subtensor((Range(INPUT, INPUT),)), (x, np.array(1), np.array(9)))
    yield Case(Subtensor((Range(3, None, -2), INPUT)), (x, np.array(1)))
    yield Case(Subtensor((Range(2, 2),)), (x,))


@register("subtensor", cases=_cases)
@dataclass(frozen=True)
class Subtensor(Op):
    """y = x[key], a view; inputs (x, index, ...), an int64 scalar per '?' in it."""

    key: Key
    name = "subtensor"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        return (region(self.key, args[0].type, args[1:]),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        x, *indices = inputs
        return (np.asarray(x[numpy_key(self.key, x, indices)]),)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        x, *indices = inputs
        (g,) = cotangents
        assert g is not None
        spread = IncSubtensor(self.key)(zeros_of(x), g, *indices)
        return (spread, *[None] * len(indices))

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        x, *indices = inputs
        if not any(batched[1:]):
            return (Subtensor((Range(), *self.key))(x, *indices),)
        plain, axes, ids = split_key(self, self.key, indices, batched[1:])
        if not batched[0]:
            part = plain.apply(x)
            order = [*axes, *(a for a in range(part.ndim) if a not in axes)]
            return (gather(dimshuffle(part, order), ids, 0),)
        part = plain.under_batch().apply(x)
        taken = [0, *(a + 1 for a in axes)]
        order = [*taken, *(a for a in range(part.ndim) if a not in taken)]
        rows = arange(length_of(x, 0))
        return (gather(dimshuffle(part, order), [rows, *ids], 0),)

    def hold(self, args: Sequence[Arg]) -> tuple[Held, ...] | None:
        held = args[0].held
        if not isinstance(held, tuple):
            return (held,) if not self.key else None
        if not self.key:
            return (held,)
        (entry,) = bind(self.key, known(args[1:]))
        if isinstance(entry, slice):
            bounds = (entry.start, entry.stop, entry.step)
            if all(bound is None or isinstance(bound, int) for bound in bounds):
                return (held[entry],)
            return None
        return (held[entry],) if isinstance(entry, int) else None

    def length_inputs(self) -> tuple[int, ...]:
        bounds = [
            isinstance(entry, Range)
            for entry in self.key
            for bound in bounds_of(entry)
            if bound == INPUT
        ]
        return tuple(k for k, is_bound in enumerate(bounds, 1) if is_bound)

    def __str__(self) -> str:
        return f"subtensor[{', '.join(map(str, self.key))}]"


@dataclass(frozen=True, slots=True)
class BoundKey:
    """A key with the variables that stand for its '?'."""

    key: Key
    indices: tuple[Variable, ...]

    def apply(self, x: Variable) -> Variable:
        return x if self.is_full else Subtensor(self.key)(x, *self.indices)

    def under_batch(self) -> BoundKey:
        return BoundKey((Range(), *self.key), self.indices)

    @property
    def is_full(self) -> bool:
        return all(isinstance(entry, Range) and entry.is_full for entry in self.key)


def split_key(
    op: Op, key: Key, indices: Sequence[Variable], batched: Sequence[bool]
) -> tuple[BoundKey, list[int], list[Variable]]:
    """The key without its batched integers, where those stand after it, and they.

    Raises: NotBatchableError for a slice whose bounds are batched.
    """
    given = iter(zip(indices, batched, strict=True))
    plain: list[int | Input | Range] = []
    kept: list[Variable] = []
    axes: list[int] = []
    ids: list[Variable] = []
    for entry in key:
        found = [next(given) for bound in bounds_of(entry) if bound == INPUT]
        if not any(is_batched for _, is_batched in found):
            plain.append(entry)
            kept += [index for index, _ in found]
        elif isinstance(entry, Range):
            raise NotBatchableError(
                f"{op.name} needs one slice for all examples; got a batch of bounds",
                hint="index with an array of positions instead: x[start + T.arange(n)]",
            )
        else:
            axes.append(sum(isinstance(one, Range) for one in plain))
            plain.append(Range())
            ids.append(found[0][0])
    return BoundKey(tuple(plain), tuple(kept)), axes, ids


def _put_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.normal(size=(4, 3, 2))
    for replace in (False, True):
        y = rng.normal(size=(3, 2))
        yield Case(IncSubtensor((INPUT,), replace), (x, y, np.array(-2)))
        y = rng.normal(size=(2, 3, 1))
        yield Case(IncSubtensor((Range(None, None, 2),), replace), (x, y))
        y = rng.normal(size=(2, 2))
        yield Case(IncSubtensor((Range(INPUT, 3), 1), replace), (x, y, np.array(1)))


@register("inc_subtensor", cases=_put_cases)
@dataclass(frozen=True)
class IncSubtensor(Op):
    """x with y added to x[key], or set there with `replace`; inputs (x, y, index, ...).

    y has the rank of x[key]; its static 1s broadcast.
    """

    key: Key
    replace: bool = False
    name = "inc_subtensor"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        x, y, *indices = args
        check_values(self, region(self.key, x.type, indices), y.type)
        return (x.type,)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        x, y, *indices = inputs
        key = numpy_key(self.key, x, indices)
        out = x.copy()
        if self.replace:
            out[key] = y
        else:
            out[key] += y
        return (out,)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        _, y, *indices = inputs
        (g,) = cotangents
        assert g is not None
        into_y = unbroadcast(Subtensor(self.key)(g, *indices), y)
        if self.replace:
            zero = constant(np.zeros((1,) * y.ndim), g.dtype)
            g = IncSubtensor(self.key, True)(g, zero, *indices)
        return (g, into_y, *[None] * len(indices))

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        x, y = all_batched(inputs, batched)[:2]
        indices = inputs[2:]
        if not any(batched[2:]):
            return (IncSubtensor((Range(), *self.key), self.replace)(x, y, *indices),)
        plain, axes, ids = split_key(self, self.key, indices, batched[2:])
        plain = plain.under_batch()
        part = plain.apply(x)
        taken = [0, *(a + 1 for a in axes)]
        order = [*taken, *(a for a in range(part.ndim) if a not in taken)]
        rows = arange(length_of(x, 0))
        made = put(dimshuffle(part, order), y, [rows, *ids], 0, self.replace)
        made = dimshuffle(made, [order.index(a) for a in range(part.ndim)])
        if plain.is_full:
            return (made,)
        return (IncSubtensor(plain.key, True)(x, made, *plain.indices),)

    def shape_inputs(self, count: int) -> tuple[int, ...]:
        return (0,)

    def __str__(self) -> str:
        sign = "=" if self.replace else "+="
        return f"{self.name}[{', '.join(map(str, self.key))} {sign}]"
