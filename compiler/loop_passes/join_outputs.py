"""Neighbouring slices of one value leave a loop as one stack.

    i, f = s[:, :H], s[:, H:]   stacked   →   s stacked;  S[:, :, :H], S[:, :, H:]

So what merge_slices has merged inside the step is written once, where it is computed.
"""

from __future__ import annotations

from collections.abc import Sequence

from symseq.graph import Apply, Variable
from symseq.lengths import size_of
from symseq.ops.keys import Key, Range
from symseq.ops.subtensor import Subtensor
from symseq.span import deriving

from ..rewrite.intervals import Interval, Place, chains, cut, slice_of
from .parts import Parts, stand_for, take_apart
from .walk import over_loops


def join_outputs(outputs: Sequence[Variable]) -> list[Variable]:
    """The graph with outputs of its loops joined where they are neighbours."""
    return over_loops(outputs, _join)


def _join(node: Apply) -> Sequence[Variable] | None:
    parts = take_apart(node)
    rows = _rows(parts)
    if not rows:
        return None
    mapped = list(parts.mapped)
    joined: dict[int, tuple[Variable, int]] = {}  # by mapped output: (whole, offset)
    for row in rows:
        first, last = (slice_of(mapped[row[k]]) for k in (0, -1))
        assert first is not None and last is not None
        (x, a), b = first, last[1]
        whole = cut(
            x, Interval(a.axis, a.start, b.stop), mapped[row[0]], mapped[row[-1]]
        )
        for k in row:
            joined[k] = (whole, size_of(a.start) or 0)
    kept = [v for k, v in enumerate(mapped) if k not in joined]
    wholes = list(dict.fromkeys(whole for whole, _ in joined.values()))
    parts.mapped = [*kept, *(v for v in wholes if not any(v is one for one in kept))]
    with deriving(node.spans, node.kind):
        made = parts.put_together({}).outputs
        stacks = parts.op.mapped_outputs(node.outputs)
        return _outputs(parts, made, mapped, joined, stacks)


def _outputs(
    parts: Parts,
    made: Sequence[Variable],
    mapped: Sequence[Variable],
    joined: dict[int, tuple[Variable, int]],
    stacks: Sequence[Variable],
) -> list[Variable]:
    """What stands for the old outputs: the pieces are slices of the new stacks."""
    states = len(parts.states)
    place = {id(v): made[states + k] for k, v in enumerate(parts.mapped)}
    found = list(made[:states])
    for k, (v, old) in enumerate(zip(mapped, stacks, strict=True)):
        if k not in joined:
            found.append(place[id(v)])
            continue
        whole, offset = joined[k]
        piece = slice_of(v)
        assert piece is not None
        ends = [size_of(end) for end in (piece[1].start, piece[1].stop)]
        full: Key = (Range(),) * (piece[1].axis + 1)
        bounds = Range(*(end - offset for end in ends if end is not None))
        found.append(stand_for(old, Subtensor((*full, bounds))(place[id(whole)])))
    return [*found, *made[states + len(parts.mapped) :]]


def _rows(parts: Parts) -> list[list[int]]:
    """Positions of mapped outputs that are neighbouring slices, in order."""
    starts: dict[tuple[int, int], dict[Place, int]] = {}
    stops: dict[tuple[int, int], dict[Place, Place]] = {}
    for k, v in enumerate(parts.mapped):
        found = slice_of(v)
        if found is None or found[0].owner is None:
            continue
        x, where = found
        ends = size_of(where.start), size_of(where.stop)
        if ends[0] is None or ends[1] is None or ends[0] == ends[1]:
            continue
        key = (id(x), where.axis)
        starts.setdefault(key, {})[(ends[0],)] = k
        stops.setdefault(key, {})[(ends[0],)] = (ends[1],)
    return [row for key, items in starts.items() for row in chains(items, stops[key])]
