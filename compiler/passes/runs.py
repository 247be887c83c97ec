"""Adding rows at places that repeat, in steps that several scatters can share.

    order, places, steps = sort_places(lengths, ids)    of the indices alone
    rows = take(y, order)
    sums = sum_runs(rows, steps)                        the rows of a place added up
    put_runs(x, sums, places, steps)                    x[places] += sums

Runs of equal places are cut into chunks. ``order`` has the first rows of all chunks,
then all second rows, and so on, the longest chunks first: each sum is over the first
rows of the one before, and a few additions of large slices do for all runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from math import isqrt

import numpy as np

from symseq import lengths
from symseq.cost.work import Cost, cost_rule, elements, scatter, types_of, work
from symseq.graph import Arg, Op, no_gradient, not_batchable
from symseq.lengths import Length
from symseq.ops.registry import Case, Cases, register
from symseq.ops.scatter import linear_places, sorting
from symseq.ops.take import check_ids
from symseq.types import Array, TensorType

SHORTEST = 16  # chunks of fewer rows are not worth a second sum
HEADER = 2


def _cases(kind: str) -> Cases:
    """Rows for four places, some of which are met more than once."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        sizes = np.array(2), np.array(2)
        pair = np.array([[1], [-1]]), np.array([[1, 0, 1]])
        _, places, steps = SortPlaces(2).numpy(*sizes, *pair)
        if kind == "sort_places":
            yield Case(SortPlaces(1), (np.array(4), np.array([3, 0, 3, -1, 1])))
            yield Case(SortPlaces(2), (*sizes, *pair))
            return
        rows = rng.normal(size=(6, 3))
        if kind == "sum_runs":
            yield Case(SumRuns(), (rows, steps))
        else:
            x = rng.normal(size=(2, 2, 3))
            yield Case(PutRuns(), (x, rows, places, steps))

    return cases


@register("sort_places", cases=_cases("sort_places"))
@dataclass(frozen=True)
class SortPlaces(Op):
    """(order, places, steps) of `count` lengths and as many index arrays.

    ``places`` has the place of each chunk, ``steps`` the counts: how many sums and
    rounds, then the size of each sum, then where each round ends. The places of one
    round are all different.
    """

    count: int
    name = "sort_places"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        columns = zip(*(one.type.shape for one in args[self.count :]), strict=True)
        shape: list[Length] = [reduce(lengths.broadcast, each) for each in columns]
        n = lengths.total(shape)
        each = (n, n, lengths.add(n, HEADER + 2))
        return tuple(TensorType("int64", (length,)) for length in each)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        sizes = tuple(int(n) for n in inputs[: self.count])
        ids = inputs[self.count :]
        check_ids(np.broadcast_to(np.int8(0), sizes), ids, 0)
        wide = np.broadcast_arrays(*ids)
        where = linear_places(wide, sizes)
        n = where.size
        made = tuple(np.empty(m, np.int64) for m in (n, n, n + HEADER + 2))
        schedule(where, int(np.prod(sizes)), *made)
        return made

    vjp = no_gradient
    batch = not_batchable


@register("sum_runs", cases=_cases("sum_runs"))
@dataclass(frozen=True)
class SumRuns(Op):
    """The rows with each chunk's sum at its first row; (rows, steps)."""

    name = "sum_runs"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        return (args[0].type,)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        rows, steps = inputs
        out = rows.copy()
        sum_runs(out, steps)
        return (out,)

    vjp = no_gradient
    batch = not_batchable


@register("put_runs", cases=_cases("put_runs"))
@dataclass(frozen=True)
class PutRuns(Op):
    """x with x[places] += sums; (x, sums, places, steps)."""

    name = "put_runs"

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        return (args[0].type,)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        x, sums, places, steps = inputs
        out = np.array(x, order="C")
        put_runs(out, sums, places, steps, np.empty_like(sums))
        return (out,)

    def shape_inputs(self, count: int) -> tuple[int, ...]:
        return (0,)

    vjp = no_gradient
    batch = not_batchable


@cost_rule(SortPlaces)
def _cost_of_sorting(
    op: SortPlaces, args: Sequence[Arg], outputs: Sequence[TensorType]
) -> Cost:
    """n ⌈log2 n⌉ comparisons of places."""
    n = outputs[0].shape[0]
    size = lengths.size_of(n)
    rounds = None if size is None else max(size - 1, 0).bit_length()
    return work(lengths.multiply(n, rounds), types_of(args)[op.count :], outputs)


@cost_rule(SumRuns)
def _cost_of_summing(
    op: SumRuns, args: Sequence[Arg], outputs: Sequence[TensorType]
) -> Cost:
    """At most each row is added to another."""
    return work(elements(args[0].type), types_of(args), outputs)


@cost_rule(PutRuns)
def _cost_of_putting(
    op: PutRuns, args: Sequence[Arg], outputs: Sequence[TensorType]
) -> Cost:
    _, sums, places, _ = types_of(args)
    return scatter(sums, [sums, places], replace=False)


def schedule(
    where: Array, count: int, order: Array, places: Array, steps: Array
) -> None:
    """Fill (order, places, steps) for rows that belong at ``where``, below `count`.

    What is not needed of ``places`` and ``steps`` is 0.
    """
    places[:] = steps[:] = 0
    if not where.size:
        return
    by_place = sorting(where, count)
    there = where.take(by_place)
    edges = np.concatenate(([True], there[1:] != there[:-1], [True])).nonzero()[0]
    begins, counts = edges[:-1], edges[1:] - edges[:-1]
    most = int(counts.max())
    chunk = min(most, max(SHORTEST, isqrt(6 * most)))
    begins, sizes, ends = _chunks(begins, counts, chunk)
    places[: len(begins)] = there[begins]  # indices may be int32
    longer = len(begins) - np.bincount(sizes, minlength=chunk).cumsum()[:chunk]
    at = 0
    for k, size in enumerate(longer.tolist()):
        by_place[k:].take(begins[:size], None, order[at : at + size], "clip")
        at += size
    steps[:HEADER] = chunk, len(ends)
    steps[HEADER : HEADER + chunk] = longer
    steps[HEADER + chunk : HEADER + chunk + len(ends)] = ends


def _chunks(begins: Array, counts: Array, chunk: int) -> tuple[Array, Array, list[int]]:
    """Where chunks of runs begin, their sizes, the longest first; where rounds end.

    Full chunks go by their number in the run, then the rests, which are one a run.
    """
    rounds = -(-int(counts.max()) // chunk)
    if rounds == 1:
        by_size = sorting(chunk - counts, chunk)
        return begins[by_size], counts[by_size], [len(begins)]
    each = -(-counts // chunk)
    run = np.arange(len(counts)).repeat(each)
    nth = np.arange(len(run)) - (each.cumsum() - each).repeat(each)
    begins = begins[run] + chunk * nth
    sizes = np.minimum(counts[run] - chunk * nth, chunk)
    full = sizes == chunk
    by_size = sorting(np.where(full, nth, rounds + chunk - sizes), rounds + chunk)
    ends: list[int] = np.bincount(nth[full]).cumsum().tolist()
    if ends[-1] < len(run):
        ends.append(len(run))
    return begins[by_size], sizes[by_size], ends


def sum_runs(rows: Array, steps: Array) -> None:
    """rows[:m] += the next m rows, over the sizes m that fall; in place."""
    at = 0
    for k, size in enumerate(steps[2 : 2 + int(steps[0])].tolist()):
        if k:
            first = rows[:size]
            np.add(first, rows[at : at + size], first)
        at += size


def put_runs(out: Array, sums: Array, places: Array, steps: Array, part: Array) -> None:
    """out[places] += sums in place, a round after the other; ``part`` has some rows."""
    if not out.size:
        return
    width = sums[0].size if len(sums) else 1
    target, rows = out.reshape(-1, width), part.reshape(-1, width)
    sums = sums.reshape(-1, width)
    sums_, rounds = steps[:2].tolist()
    start = 0
    for end in steps[2 + sums_ : 2 + sums_ + rounds].tolist():
        for first in range(start, end, len(rows)):
            last = min(first + len(rows), end)
            where, piece = places[first:last], rows[: last - first]
            np.take(target, where, 0, piece, "clip")
            np.add(piece, sums[first:last], piece)
            target[where] = piece
        start = end
