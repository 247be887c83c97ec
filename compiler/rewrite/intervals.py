"""Slices along one axis as intervals [start, stop) whose ends may be named lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from symseq.graph import Apply, Variable
from symseq.lengths import Dim, Length, size_of
from symseq.ops.keys import INPUT, Input, Key, Range, at_least, bind, known
from symseq.ops.subtensor import IncSubtensor, Subtensor

from .patterns import same_length


@dataclass(frozen=True, slots=True)
class Interval:
    """x[..., start:stop] along `axis`, all of it inside x."""

    axis: int
    start: int | Dim
    stop: int | Dim

    def is_before(self, other: Interval) -> bool:
        """Whether `other` begins where this one ends."""
        return self.axis == other.axis and same_length(self.stop, other.start)

    def is_apart(self, other: Interval) -> bool:
        """Whether the two surely share no place."""
        if self.axis != other.axis:
            return False
        return any(
            at_least(b.start - a.stop) >= 0 for a, b in ((self, other), (other, self))
        )


def interval_of(key: Key, x: Variable, indices: Sequence[Variable]) -> Interval | None:
    """Where x[key] lies, if it is one slice of step 1 that is surely not clipped."""
    cuts = [k for k, e in enumerate(key) if not (isinstance(e, Range) and e.is_full)]
    if len(cuts) != 1:
        return None
    (axis,) = cuts
    entry, length = bind(key, known(indices))[axis], x.type.shape[axis]
    if not isinstance(entry, slice) or entry.step not in (None, 1) or length is None:
        return None
    start = 0 if entry.start is None else _from_front(entry.start, length)
    stop = length if entry.stop is None else _from_front(entry.stop, length)
    if start is None or stop is None:
        return None
    inside = (start, stop - start, length - stop)
    sure = all(at_least(gap) >= 0 for gap in inside)
    return Interval(axis, start, stop) if sure else None


def is_whole(key: Key, x: Variable, indices: Sequence[Variable]) -> bool:
    """Whether x[key] is surely all of x: of slices [:], or one [0:n] of n."""
    if all(isinstance(e, Range) and e.is_full for e in key):
        return True
    found = interval_of(key, x, indices)
    if found is None or found.start != 0:
        return False
    return same_length(found.stop, x.type.shape[found.axis])


def _from_front(bound: Length | Input, length: int | Dim) -> int | Dim | None:
    if bound is None or isinstance(bound, str):
        return None
    if isinstance(bound, Dim):
        return bound if at_least(bound) >= 0 else None
    return bound if bound >= 0 else length + bound


def slice_of(variable: Variable) -> tuple[Variable, Interval] | None:
    """(x, where) of a slice x[..., a:b]."""
    node = variable.owner
    if node is None or not isinstance(node.op, Subtensor):
        return None
    found = interval_of(node.op.key, node.inputs[0], node.inputs[1:])
    return None if found is None else (node.inputs[0], found)


def written_to(node: Apply) -> Interval | None:
    """Where a set_subtensor or inc_subtensor writes."""
    assert isinstance(node.op, IncSubtensor)
    return interval_of(node.op.key, node.inputs[0], node.inputs[2:])


def cut(
    x: Variable,
    whole: Interval,
    first: Variable,
    last: Variable,
    new: Callable[[Variable], Variable] = lambda index: index,
) -> Variable:
    """x[..., start:stop], its ends written as those of two slices of x.

    Neighbours from `first` to `last` make one slice without new integers; `new` says
    what stands for the integers that the two name.
    """
    if whole.start == 0 and same_length(whole.stop, x.type.shape[whole.axis]):
        return x
    (start, before), (stop, after) = _end(first, 0), _end(last, 1)
    full: tuple[Range, ...] = (Range(),) * whole.axis
    return Subtensor((*full, Range(start, stop)))(
        x, *map(new, before), *map(new, after)
    )


def _end(part: Variable, which: int) -> tuple[int | Input | None, list[Variable]]:
    """The first or the last bound of a slice, with the input that it names."""
    node = part.owner
    assert node is not None and isinstance(node.op, Subtensor)
    (entry,) = [e for e in node.op.key if not (isinstance(e, Range) and e.is_full)]
    assert isinstance(entry, Range)
    given = iter(node.inputs[1:])
    bounds = [
        (bound, [next(given)] if bound == INPUT else []) for bound in entry.bounds
    ]
    return bounds[which]


Place = tuple[int | Dim, ...]
Item = TypeVar("Item")


def chains(
    items: Mapping[Place, Item], stops: Mapping[Place, Place]
) -> list[list[Item]]:
    """Items by where they start, in rows: each begins where the one before stops."""
    found = []
    ends = set(stops.values())
    for start in items:
        if start in ends:
            continue
        row, at = [items[start]], stops[start]
        while at in items and len(row) < len(items):
            row.append(items[at])
            at = stops[at]
        if len(row) > 1:
            found.append(row)
    return found


def plain(length: int | Dim) -> int | Dim:
    """A length in the one form in which equal lengths are equal."""
    size = size_of(length)
    return length if size is None else size
