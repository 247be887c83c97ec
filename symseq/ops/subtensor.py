"""Basic indexing by integers and slices, symbolic too; setting and adding there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from symseq.errors import BadIndexError, NotBatchableError
from symseq.graph import Arg, Held, Op, Variable
from symseq.lengths import Dim, Length, size_of
from symseq.ops.arange import arange
from symseq.ops.convert import constant
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.elementwise import unbroadcast
from symseq.ops.registry import Case, register
from symseq.ops.shape import all_batched, length_of, zeros_of
from symseq.ops.take import check_values, gather, put
from symseq.types import Array, TensorType

# An index that is the node's next input.
Input: TypeAlias = Literal["?"]
INPUT: Input = "?"


@dataclass(frozen=True, slots=True)
class Range:
    """A slice start:stop:step; a bound is an int, the next input ('?'), or left out."""

    start: int | Input | None = None
    stop: int | Input | None = None
    step: int | Input | None = None

    @property
    def bounds(self) -> tuple[int | Input | None, ...]:
        return (self.start, self.stop, self.step)

    @property
    def is_full(self) -> bool:
        return self == Range()

    def __str__(self) -> str:
        text = ["" if bound is None else str(bound) for bound in self.bounds]
        return ":".join(text if text[2] else text[:2])


Key: TypeAlias = "tuple[int | Input | Range, ...]"


def bind(key: Key, values: Iterator[Any]) -> list[Any]:
    """The key as Python ints and slices, with '?' filled in from `values`."""

    def value(bound: int | Input | None) -> Any:
        return next(values) if bound == INPUT else bound

    return [
        slice(*[value(bound) for bound in entry.bounds])
        if isinstance(entry, Range)
        else value(entry)
        for entry in key
    ]


def count_inputs(key: Key) -> int:
    return sum(bound == INPUT for entry in key for bound in _bounds(entry))


def _bounds(entry: int | Input | Range) -> tuple[int | Input | None, ...]:
    return entry.bounds if isinstance(entry, Range) else (entry,)


def check_index(index: int, length: int, axis: int) -> None:
    """Raises: BadIndexError where an index is outside -length .. length - 1."""
    if not -length <= index < length:
        raise BadIndexError(
            f"index {index} is out of bounds for axis {axis} of length {length}"
        )


def _known(args: Sequence[Arg]) -> Iterator[Length | Input]:
    for arg in args:
        held = arg.held
        yield INPUT if held is None or isinstance(held, tuple) else held


def region(key: Key, x: TensorType, indices: Sequence[Arg]) -> TensorType:
    """The type of x[key]: the rule of basic indexing.

    Raises: BadIndexError for too many indices, or one that is out of bounds.
    """
    if len(key) > x.ndim:
        raise BadIndexError(f"{x} takes at most {x.ndim} indices; got {len(key)}")
    shape: list[Length] = []
    for axis, entry in enumerate(bind(key, _known(indices))):
        length = x.shape[axis]
        if isinstance(entry, slice):
            shape.append(slice_length(length, entry))
        elif entry != INPUT and size_of(entry) is not None:
            size = size_of(length)
            if size is not None:
                check_index(size_of(entry) or 0, size, axis)
    return x.with_shape([*shape, *x.shape[len(key) :]])


def slice_length(length: Length, cut: slice) -> Length:
    """How many elements a slice keeps; None where that is not sure before a call."""
    bounds = (cut.start, cut.stop, cut.step)
    step = 1 if cut.step is None else cut.step
    if step == 0:
        raise BadIndexError("a slice's step must not be 0; got 0")
    if INPUT in bounds:
        return None
    if cut.start is None and cut.stop is None and step in (1, -1):
        return length
    named = _unclipped(length, cut) if step == 1 else None
    size = size_of(length)
    if named is not None or size is None:
        return named
    sizes = [size_of(bound) for bound in bounds]
    if any(s is None and b is not None for s, b in zip(sizes, bounds, strict=True)):
        return None
    return len(range(*slice(*sizes).indices(size)))


def _unclipped(length: Length, cut: slice) -> Length:
    """stop − start, where 0 ≤ start ≤ stop ≤ length is sure."""
    if length is None:
        return None
    start = 0 if cut.start is None else _from_front(cut.start, length)
    stop = length if cut.stop is None else _from_front(cut.stop, length)
    if start is None or stop is None:
        return None
    sure = at_least(start) >= 0 and at_least(stop - start) >= 0
    return stop - start if sure and at_least(length - stop) >= 0 else None


def _from_front(bound: int | Dim, length: int | Dim) -> Length:
    if isinstance(bound, Dim):
        return bound if at_least(bound) >= 0 else None
    return bound if bound >= 0 else length + bound


def at_least(length: int | Dim) -> float:
    """A lower bound: names without a size may be 0 and have no upper bound."""
    if isinstance(length, int):
        return length
    if length.size is not None:
        return length.size
    low = 0.0
    for monomial, coefficient in length.terms:
        sizes = [symbol.size for symbol in monomial]
        if all(size >= 0 for size in sizes):
            low += coefficient * int(np.prod(sizes, dtype=np.int64))
        elif coefficient < 0 and 0 not in sizes:
            return -np.inf
    return low


def numpy_key(key: Key, x: Array, indices: Sequence[Array]) -> tuple[Any, ...]:
    """The key for NumPy. Raises: BadIndexError, ShapeError."""
    bound = bind(key, (int(index) for index in indices))
    for axis, entry in enumerate(bound):
        if not isinstance(entry, slice):
            check_index(entry, x.shape[axis], axis)
        elif entry.step == 0:
            raise BadIndexError("a slice's step must not be 0; got 0")
    return tuple(bound)


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
        (entry,) = bind(self.key, _known(args[1:]))
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
            for bound in _bounds(entry)
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
        found = [next(given) for bound in _bounds(entry) if bound == INPUT]
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
