"""Slices of slices, of joins, of what was written; joins of slices; takes of takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

from symseq import lengths
from symseq.graph import Apply, Constant, Variable, known_length
from symseq.lengths import Length, size_of
from symseq.ops.alloc import Alloc
from symseq.ops.convert import constant
from symseq.ops.dimshuffle import Axis, DimShuffle, dimshuffle
from symseq.ops.join import Join, Split
from symseq.ops.keys import INPUT, Input, Key, Range, bounds_of
from symseq.ops.subtensor import IncSubtensor, Subtensor
from symseq.ops.take import Take, gather

from ..rewrite.intervals import Interval, cut, is_whole, slice_of
from ..rewrite.patterns import counts_along, made_by, number_of, same_length
from ..rewrite.rules import Replacement, RuleSet

SLICES = RuleSet()
Entry = int | Input | Range
Bound = int | Input | None


@SLICES.rule(Subtensor, IncSubtensor)
def known_bounds(node: Apply) -> Replacement:
    """x[i:j] → x[2:5], where i and j are constants; written as x[:H], too"""
    op = node.op
    assert isinstance(op, (Subtensor, IncSubtensor))
    count = sum(b == INPUT for entry in op.key for b in bounds_of(entry))
    first = len(node.inputs) - count
    bounds = iter(node.inputs[first:])
    rest: list[Variable] = []

    def known(bound: Bound) -> Bound:
        if bound != INPUT:
            return bound
        found = next(bounds)
        if isinstance(found, Constant):
            return int(found.data)
        rest.append(found)
        return bound

    key: list[Entry] = []
    for entry in op.key:
        if isinstance(entry, Range):
            key.append(Range(*map(known, entry.bounds)))
        else:  # a wrong index raises when called, not here
            key.append(entry)
            rest += [next(bounds)] if entry == INPUT else []
    if len(rest) == count:
        return None
    return replace(op, key=tuple(key))(*node.inputs[:first], *rest)


@SLICES.rule(Subtensor)
def useless_slice(node: Apply) -> Replacement:
    """x[:, 0:n] → x, where n is the length of that axis"""
    op, x = node.op, node.inputs[0]
    assert isinstance(op, Subtensor)
    return x if is_whole(op.key, x, node.inputs[1:]) else None


@SLICES.rule(Subtensor)
def slice_of_slice(node: Apply) -> Replacement:
    """x[a:][b:] → x[a + b:]; x[::-1][::-1] → x; x[::-1][0] → x[-1]; and so on"""
    inner = made_by(node.inputs[0], Subtensor)
    if inner is None or len(inner.inputs) + len(node.inputs) > 2:
        return None
    assert isinstance(inner.op, Subtensor) and isinstance(node.op, Subtensor)
    x = inner.inputs[0]
    key: list[Entry] = []
    outer = iter(node.op.key)
    for axis in range(x.ndim):
        entry = inner.op.key[axis] if axis < len(inner.op.key) else Range()
        if isinstance(entry, Range):
            made = _compose(entry, next(outer, Range()), size_of(x.type.shape[axis]))
            if made is None:
                return None
            entry = made
        key.append(entry)
    while key and key[-1] == Range():
        key.pop()
    return Subtensor(tuple(key))(x) if key else x


def _compose(first: Range, second: Entry, size: int | None) -> Entry | None:
    """One entry for x[first][second]; None where that is not sure."""
    if INPUT in first.bounds or second == INPUT:
        return None
    if first.is_full:
        return second
    if isinstance(second, Range) and INPUT in second.bounds:
        return None
    if second == Range():
        return first
    if size is not None:
        return _compose_sized(first, second, size)
    return _compose_unsized(first, second)


def _compose_sized(first: Range, second: Entry, size: int) -> Entry | None:
    places = range(size)[_plain(first)]
    if isinstance(second, int):
        return places[second] if -len(places) <= second < len(places) else None
    assert isinstance(second, Range)
    left = places[_plain(second)]
    if not left:
        return Range(0, 0)
    stop = left[-1] + (1 if left.step > 0 else -1)
    if stop < 0:
        return Range(left.start, None, left.step)
    whole = left.start == 0 and stop == size and left.step == 1
    return Range() if whole else Range(left.start, stop, _step(left.step))


def _plain(entry: Range) -> slice:
    """The slice, whose bounds are known not to be inputs."""
    bounds: list[Any] = list(entry.bounds)
    return slice(*bounds)


def _step(step: int) -> int | None:
    return None if step == 1 else step


FLIP = Range(None, None, -1)


def _compose_unsized(first: Range, second: Entry) -> Entry | None:
    """What holds for every length, and fails where the two fail."""
    if first == FLIP and isinstance(second, int):
        return -1 - second
    ahead = _from(first)
    if isinstance(second, int):
        return None if ahead is None or second < 0 else ahead + second
    assert isinstance(second, Range)
    if first == FLIP and second == FLIP:
        return Range()
    skipped, left_out = _from(second), _until(second)
    if first == FLIP:
        if skipped is not None:
            return Range(-1 - skipped, None, -1)
        return None if left_out is None else Range(None, left_out - 1, -1)
    if ahead is not None and skipped is not None:
        return Range(ahead + skipped)
    behind = _until(first)
    if behind is not None and left_out is not None:
        return Range(None, -behind - left_out)
    if second == FLIP:
        if ahead is not None:
            return Range(None, ahead - 1, -1)
        return None if behind is None else Range(-1 - behind, None, -1)
    return None


def _from(entry: Range) -> int | None:
    """a of x[a:], a > 0."""
    start = entry.start
    plain = isinstance(start, int) and start > 0 and entry == Range(start)
    return start if plain and isinstance(start, int) else None


def _until(entry: Range) -> int | None:
    """b of x[:-b], b > 0."""
    stop = entry.stop
    plain = isinstance(stop, int) and stop < 0 and entry == Range(None, stop)
    return -stop if plain and isinstance(stop, int) else None


@SLICES.rule(Subtensor)
def index_of_new_axis(node: Apply) -> Replacement:
    """dimshuffle(x, 'x', 0)[0] → x: the new axis is dropped again"""
    op, inner = node.op, made_by(node.inputs[0], DimShuffle)
    assert isinstance(op, Subtensor)
    if inner is None or len(node.inputs) > 1:
        return None
    assert isinstance(inner.op, DimShuffle)
    order: list[Axis] = []
    for axis, one in enumerate(inner.op.order):
        entry = op.key[axis] if axis < len(op.key) else Range()
        if isinstance(entry, Range):
            if not entry.is_full:
                return None
            order.append(one)
        elif one != "x" or entry not in (0, -1):
            return None
    return dimshuffle(inner.inputs[0], order)


@SLICES.rule(Subtensor)
def slice_of_repeat(node: Apply) -> Replacement:
    """alloc(c, n)[a:b] → alloc(c, b − a), for one number c"""
    inner, output = made_by(node.inputs[0], Alloc), node.outputs[0]
    sizes = output.type.shape
    if inner is None or number_of(inner.inputs[0]) is None or inner.inputs[0].ndim:
        return None
    if not all(isinstance(n, int) or size_of(n) is not None for n in sizes):
        return None
    if len(node.inputs) > 1 or any(
        isinstance(e, int) and node.inputs[0].type.sizes[k] is None
        for k, e in enumerate(node.op.key)  # type: ignore[attr-defined]
    ):
        return None
    given = [constant(size_of(n), "int64") for n in sizes]
    return Alloc(len(given))(inner.inputs[0], *given)


def _parts(node: Apply) -> Iterator[tuple[Variable, Interval]]:
    """The inputs of a join, with where each lies in it."""
    assert isinstance(node.op, Join)
    axis = node.op.axis
    start: Length = 0
    for part in node.inputs:
        stop = lengths.add(start, part.type.shape[axis])
        if start is None or stop is None:
            return
        yield part, Interval(axis, start, stop)
        start = stop


@SLICES.rule(Subtensor)
def slice_of_join(node: Apply) -> Replacement:
    """join(a, b)[:len a] → a; a slice inside one part → a slice of that part"""
    parts = _asked_parts(node)
    return parts[0] if len(parts) == 1 else None


@SLICES.rule(Subtensor, sole=True)
def slice_of_some_parts(node: Apply) -> Replacement:
    """join(a, b, c)[:len a + len b] → join(a, b), where nobody reads the whole"""
    parts = _asked_parts(node)
    inner = node.inputs[0].owner
    return inner.op(*parts) if inner is not None and len(parts) > 1 else None


def _asked_parts(node: Apply) -> Sequence[Variable]:
    """The parts of a join that a slice of it consists of, if it is so."""
    inner = made_by(node.inputs[0], Join)
    asked = slice_of(node.outputs[0])
    if inner is None or asked is None or not isinstance(inner.op, Join):
        return ()
    where = asked[1]
    if where.axis != inner.op.axis:
        return ()
    parts = list(_parts(inner))
    firsts = [k for k, (_, i) in enumerate(parts) if same_length(i.start, where.start)]
    lasts = [k for k, (_, i) in enumerate(parts) if same_length(i.stop, where.stop)]
    if firsts and lasts and firsts[0] <= lasts[-1]:
        return [part for part, _ in parts[firsts[0] : lasts[-1] + 1]]
    found = _inside_part(parts, where)
    return () if found is None else (found,)


def _inside_part(
    parts: Sequence[tuple[Variable, Interval]], where: Interval
) -> Variable | None:
    for part, interval in parts:
        low = size_of(where.start - interval.start)
        high = size_of(where.stop - interval.start)
        room = size_of(interval.stop - where.stop)
        if low is None or high is None or room is None or low < 0 or room < 0:
            continue
        full: Key = (Range(),) * where.axis
        return Subtensor((*full, Range(low, high)))(part)
    return None


@SLICES.rule(Split)
def split_to_slices(node: Apply) -> Replacement:
    """split(x, sizes) → x[:a], x[a:a + b], ...: views, where the sizes are known"""
    op, (x, *given) = node.op, node.inputs
    assert isinstance(op, Split)
    sizes = [size_of(known_length(n)) for n in given]
    known = [n for n in sizes if n is not None]
    if len(known) != len(sizes) or sum(known) != size_of(x.type.shape[op.axis]):
        return None
    full: Key = (Range(),) * op.axis
    ends = accumulate(known, initial=0)
    return [Subtensor((*full, Range(a, b)))(x) for a, b in pairwise(ends)]


@SLICES.rule(Join)
def join_of_joins(node: Apply) -> Replacement:
    """join(x) → x; join(join(a, b), c) → join(a, b, c); empty parts are left out"""
    op = node.op
    assert isinstance(op, Join)
    parts: list[Variable] = []
    for part in node.inputs:
        inner = part.owner
        nested = inner is not None and inner.op == op
        parts += inner.inputs if nested and inner is not None else [part]
    full = [part for part in parts if size_of(part.type.shape[op.axis]) != 0]
    parts = full or parts[:1]
    if len(parts) == 1:
        return parts[0]
    return None if len(parts) == len(node.inputs) else op(*parts)


@SLICES.rule(Join)
def join_of_neighbours(node: Apply) -> Replacement:
    """join(x[:a], x[a:b], y) → join(x[:b], y): slices of one array in order"""
    op = node.op
    assert isinstance(op, Join)
    groups: list[list[Variable]] = []
    for part in node.inputs:
        if groups and _follows(groups[-1][-1], part, op.axis):
            groups[-1].append(part)
        else:
            groups.append([part])
    if len(groups) == len(node.inputs):
        return None
    parts = [_joined(group) for group in groups]
    return parts[0] if len(parts) == 1 else op(*parts)


def _follows(part: Variable, other: Variable, axis: int) -> bool:
    a, b = slice_of(part), slice_of(other)
    if a is None or b is None or a[0] is not b[0] or a[1].axis != axis:
        return False
    return a[1].is_before(b[1])


def _joined(group: Sequence[Variable]) -> Variable:
    """Neighbouring slices of one array as one slice."""
    first, last = slice_of(group[0]), slice_of(group[-1])
    if len(group) == 1 or first is None or last is None:
        return group[0]
    x, (a, b) = first[0], (first[1], last[1])
    return cut(x, Interval(a.axis, a.start, b.stop), group[0], group[-1])


@SLICES.rule(Take)
def take_all_in_order(node: Apply) -> Replacement:
    """take(x, (0, 1, ..., n − 1)) → x, for all n rows of x"""
    op, (x, ids) = node.op, node.inputs
    assert isinstance(op, Take)
    return x if ids.ndim == 1 and counts_along(ids, 0, x, op.axis) else None


@SLICES.rule(Take)
def take_of_take(node: Apply) -> Replacement:
    """take(take(x, i), j) → take(x, i[j]), for vectors i along one axis"""
    op, (inner_out, ids) = node.op, node.inputs
    inner = made_by(inner_out, Take)
    if inner is None or inner.op != op or inner.inputs[1].ndim != 1:
        return None
    assert isinstance(op, Take)
    return gather(inner.inputs[0], [Take(0)(inner.inputs[1], ids)], op.axis)


@SLICES.rule(Subtensor, sole=True)
def slice_of_take(node: Apply) -> Replacement:
    """take(x, ids)[key] → take(x, ids[key]), where the key is all in ids"""
    op, inner = node.op, made_by(node.inputs[0], Take)
    assert isinstance(op, Subtensor)
    if inner is None or not isinstance(inner.op, Take) or inner.op.axis != 0:
        return None
    x, ids = inner.inputs
    if len(op.key) > ids.ndim:
        return None
    return gather(x, [op(ids, *node.inputs[1:])], 0)
