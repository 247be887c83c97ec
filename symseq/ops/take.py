"""Indexing with integer arrays: take rows of a table, add to them, set them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from symseq import lengths
from symseq.errors import BadIndexError, DTypeError, ShapeError
from symseq.graph import Arg, Op, Variable
from symseq.lengths import Length
from symseq.ops.alloc import alloc
from symseq.ops.arange import arange
from symseq.ops.compare import eq, switch
from symseq.ops.convert import constant
from symseq.ops.dimshuffle import Axis, dimshuffle, pad_left
from symseq.ops.elementwise import unbroadcast
from symseq.ops.registry import Case, Cases, register
from symseq.ops.reshape import Reshape, product
from symseq.ops.scatter import scatter
from symseq.ops.shape import all_batched, leading, lengths_of, zeros_of
from symseq.types import Array, TensorType, is_integer


def _take_cases(rng: np.random.Generator) -> Iterator[Case]:
    x, ids = rng.normal(size=(4, 3, 2)), np.array([[0, 3, 3], [-1, 1, 0]])
    yield Case(Take(0), (x, ids))
    yield Case(Take(1), (x, np.array([2, -1, 2])))
    yield Case(Take(2), (x, np.array([], dtype=np.int64)))
    yield Case(Take(0), (x, np.array(2)))


def _gather_cases(rng: np.random.Generator) -> Iterator[Case]:
    x, rows = rng.normal(size=(4, 3, 2)), np.array([0, 3, -1, 0])
    yield Case(Gather(0), (x, rows, np.array([1, 2, 2, 1])))
    yield Case(Gather(1), (x, np.array([[0], [2]]), np.array([[1, 0, -1]])))
    yield Case(Gather(0), (x, rows[:3], rows[:3] * 0, rows[:3] * 0 + 1))


@register("gather", cases=_gather_cases)
@dataclass(frozen=True)
class Gather(Op):
    """y[a, i, b] = x[a, ids0[i], ids1[i], ..., b], the ids at `axis` and after.

    All ids have one rank; a static 1 broadcasts. Negative ids count from the end.
    """

    axis: int
    name = "gather"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        x, *ids = (arg.type for arg in args)
        return (gathered(self, x, ids, self.axis),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        x, *ids = inputs
        check_ids(x, ids, self.axis)
        return (x[(slice(None),) * self.axis + tuple(ids)],)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        x, *ids = inputs
        (g,) = cotangents
        assert g is not None
        spread = put(zeros_of(x), g, ids, self.axis)
        return (spread, *[None] * len(ids))

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        x, *ids = inputs
        if not any(batched[1:]):
            return (gather(x, ids, self.axis + 1),)
        ids = _batched_ids(ids, batched[1:])
        if batched[0]:
            front = _to_front(x, self.axis, len(ids))
            rows = _rows(leading(inputs, batched), ids[0].ndim)
            made = gather(front, [rows, *ids], 0)
            return (_from_front(made, self.axis, ids[0].ndim, lead=1),)
        made = gather(x, ids, self.axis)
        axes = [a for a in range(made.ndim) if a != self.axis]
        return (dimshuffle(made, [self.axis, *axes]),)

    def __str__(self) -> str:
        return f"{self.name}(axis={self.axis})"


@register("take", cases=_take_cases)
@dataclass(frozen=True)
class Take(Gather):
    """y[a, i, b] = x[a, ids[i], b], ids at `axis`: rows of a table by number."""

    name = "take"

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        x, ids = inputs
        check_ids(x, [ids], self.axis)
        return (np.asarray(np.take(x, ids, axis=self.axis)),)

    __str__ = Gather.__str__


def gathered(op: Op, x: TensorType, ids: Sequence[TensorType], axis: int) -> TensorType:
    """The type of x indexed by `ids` at `axis` and after."""
    if x.ndim < axis + len(ids) or len({one.ndim for one in ids}) != 1:
        raise ShapeError(f"{op.name} has more index arrays than {x} has axes, or ranks")
    for one in ids:
        if not is_integer(one.dtype):
            raise BadIndexError(
                f"an index must be an integer; got {one.dtype}",
                hint="cast it: ids.astype('int64')",
            )
    columns = zip(*(one.shape for one in ids), strict=True)
    middle: list[Length] = [reduce(lengths.broadcast, column) for column in columns]
    return x.with_shape([*x.shape[:axis], *middle, *x.shape[axis + len(ids) :]])


def check_ids(x: Array, ids: Sequence[Array], axis: int) -> None:
    """Raises: BadIndexError with the first index out of bounds and the axis' length."""
    for k, one in enumerate(ids, axis):
        length = x.shape[k]
        if one.size and (one.min() < -length or one.max() >= length):
            bad = int(one[(one < -length) | (one >= length)][0])
            raise BadIndexError(
                f"index {bad} is out of bounds for axis {k} of length {length}"
            )


def gather(x: Variable, ids: Sequence[Variable], axis: int) -> Variable:
    """x[..., ids0, ids1, ...] with the ids at `axis` and after, in the simplest op."""
    rank = max(one.ndim for one in ids)
    full = [pad_left(one, rank) for one in ids]
    return Take(axis)(x, *full) if len(full) == 1 else Gather(axis)(x, *full)


def put(
    x: Variable, y: Variable, ids: Sequence[Variable], axis: int, replace: bool = False
) -> Variable:
    """x with y added to (or with `replace` set at) the elements that `gather` takes."""
    rank = max(one.ndim for one in ids)
    full = [pad_left(one, rank) for one in ids]
    op = PutRows(axis, replace) if len(full) == 1 else Put(axis, replace)
    return op(x, y, *full)


def _batched_ids(ids: Sequence[Variable], batched: Sequence[bool]) -> list[Variable]:
    return [
        one if is_batched else dimshuffle(one, ["x", *range(one.ndim)])
        for one, is_batched in zip(ids, batched, strict=True)
    ]


def _rows(count: Variable, ndim: int) -> Variable:
    """Each example's own position, along the first of `ndim` axes."""
    return dimshuffle(arange(count), [0, *new_axes(ndim - 1)])


def new_axes(count: int) -> list[Axis]:
    """`count` axes of length 1, for dimshuffle."""
    return ["x"] * count


def _to_front(x: Variable, axis: int, count: int) -> Variable:
    """[N, a, indexed, b] → [N, indexed, a, b]; `axis` counts without N."""
    moved = range(axis + 1, axis + 1 + count)
    return dimshuffle(x, [0, *moved, *(a for a in range(1, x.ndim) if a not in moved)])


def _from_front(y: Variable, axis: int, rank: int, lead: int) -> Variable:
    """[i..., a..., b] → [i0, a..., i1..., b], where `rank` axes i stand in front."""
    before = range(rank, rank + axis)
    after = range(rank + axis, y.ndim)
    return dimshuffle(y, [*range(lead), *before, *range(lead, rank), *after])


def _put_cases(kind: str) -> Cases:
    def cases(rng: np.random.Generator) -> Iterator[Case]:
        x = rng.normal(size=(4, 3, 2))
        for replace in (False, True):
            if kind == "put_rows":
                ids = np.array([3, -1, 0])
                yield Case(PutRows(0, replace), (x, rng.normal(size=(3, 3, 2)), ids))
                y = rng.normal(size=(1, 2, 2))
                yield Case(PutRows(1, replace), (x, y, np.array([1, 1])))
            else:
                pair = np.array([[0], [2]]), np.array([[1, 0, 0]])
                yield Case(Put(1, replace), (x, rng.normal(size=(4, 2, 3)), *pair))

    return cases


@register("put", cases=_put_cases("put"))
@dataclass(frozen=True)
class Put(Op):
    """x with x[a, ids0[i], ..., b] += y[a, i, b], repeats adding up; (x, y, *ids).

    With `replace` the elements are set instead; of repeated ids the last one counts.
    """

    axis: int
    replace: bool = False
    name = "put"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        x, y, *ids = (arg.type for arg in args)
        check_values(self, gathered(self, x, ids, self.axis), y)
        return (x,)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        x, y, *ids = inputs
        check_ids(x, ids, self.axis)
        return (scatter(x, y, ids, self.axis, self.replace),)

    def vjp(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable | None],
    ) -> Sequence[Variable | None]:
        _, y, *ids = inputs
        (g,) = cotangents
        assert g is not None
        read = gather(g, ids, self.axis)
        none = [None] * len(ids)
        if not self.replace:
            return (g, unbroadcast(read, y), *none)
        zero = constant(np.zeros((1,) * read.ndim), g.dtype)
        kept = put(g, zero, ids, self.axis, replace=True)
        read = switch(_is_last(g, ids, self.axis, read.ndim), read, zero)
        return (kept, unbroadcast(read, y), *none)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        x, y, *ids = inputs
        x, y = all_batched([x, y, *ids], batched)[:2]
        if not any(batched[2:]):
            return (put(x, y, ids, self.axis + 1, self.replace),)
        ids = _batched_ids(ids, batched[2:])
        rank, a = ids[0].ndim, self.axis
        rows = _rows(leading(inputs, batched), rank)
        before, middle = range(1, a + 1), range(a + 1, a + rank)
        values = dimshuffle(y, [0, *middle, *before, *range(a + rank, y.ndim)])
        front = _to_front(x, a, len(ids))
        made = put(front, values, [rows, *ids], 0, self.replace)
        return (_from_front(made, a, len(ids) + 1, lead=1),)

    def shape_inputs(self, count: int) -> tuple[int, ...]:
        return (0,)

    def __str__(self) -> str:
        return f"{self.name}(axis={self.axis}{', set' if self.replace else ''})"


@register("put_rows", cases=_put_cases("put_rows"))
@dataclass(frozen=True)
class PutRows(Put):
    """x with x[a, ids[i], b] += y[a, i, b]: the gradient of `take`."""

    name = "put_rows"
    __str__ = Put.__str__


def check_values(op: Op, place: TensorType, y: TensorType) -> None:
    """Raises: ShapeError, DTypeError where y cannot be written to `place`."""
    if y.ndim != place.ndim:
        raise ShapeError(
            f"{op.name} needs a value of rank {place.ndim}; got rank {y.ndim}"
        )
    if y.dtype != place.dtype:
        raise DTypeError(f"{op.name} needs a {place.dtype} value; got {y.dtype}")
    for axis, (length, given) in enumerate(zip(place.shape, y.shape, strict=True)):
        if not (isinstance(given, int) and given == 1):
            lengths.meet(length, given, f"{op.name}: lengths of axis {axis}")


def _is_last(x: Variable, ids: Sequence[Variable], axis: int, ndim: int) -> Variable:
    """Whether an index is the last of its equals: the one whose value is kept."""
    each = lengths_of(x)[axis : axis + len(ids)]
    like = gather(alloc(constant(0, "int64"), *each), ids, 0)
    sizes = lengths_of(like)
    places = Reshape(like.ndim)(arange(product(sizes)), *sizes)
    last = put(alloc(constant(0, "int64"), *each), places, ids, 0, replace=True)
    kept = eq(gather(last, ids, 0), places)
    after = ndim - axis - kept.ndim
    return dimshuffle(kept, [*new_axes(axis), *range(kept.ndim), *new_axes(after)])
