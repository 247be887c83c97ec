"""The same op on neighbouring slices becomes one op on the slice that joins them.

    σ(z[:, :H]), σ(z[:, H:2H])   →   s = σ(z[:, :2H]);  s[:, :H], s[:, H:]

Operands are all neighbouring slices, or one and the same that stretches along the axis.

What a loop has stacked is left alone: it is many rows, which a plan goes over in blocks
that stay in the cache, each slice with what is computed of it. There a call is little,
and the merged array would be memory for all steps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symseq import lengths
from symseq.graph import Apply, Variable
from symseq.lengths import size_of
from symseq.ops.elementwise import Elementwise
from symseq.ops.keys import Key, Range
from symseq.ops.reshape import Reshape
from symseq.ops.subtensor import Subtensor
from symseq.scan.op import Scan
from symseq.traverse import clients, sort_nodes

from ..rewrite.graphs import in_every_graph, rebuilt
from ..rewrite.intervals import Interval, Place, chains, cut, plain, slice_of
from ..rewrite.patterns import made_by, same_length

MOST_ROUNDS = 8
FEW_ROWS, LONG_RUN = 64, 16


@dataclass(slots=True)
class Part:
    """A node of which every operand is a slice, or stretches along the slices' axis."""

    node: Apply
    slices: dict[int, tuple[Variable, Interval]]  # by operand

    @property
    def axis(self) -> int:
        return next(iter(self.slices.values()))[1].axis

    @property
    def kind(self) -> tuple[object, ...]:
        """What neighbours have in common."""
        arrays = [
            id(self.slices[k][0]) if k in self.slices else (id(v),)
            for k, v in enumerate(self.node.inputs)
        ]
        return (self.node.op, self.axis, *arrays)

    @property
    def ends(self) -> tuple[Place, Place]:
        return self.start, self.stop

    @property
    def start(self) -> Place:
        return tuple(plain(where.start) for _, where in self.slices.values())

    @property
    def stop(self) -> Place:
        return tuple(plain(where.stop) for _, where in self.slices.values())


def merge_slices(outputs: Sequence[Variable]) -> list[Variable]:
    """f(x[:, :a]), f(x[:, a:b]) → y = f(x[:, :b]), y[:, :a], y[:, a:]"""
    return in_every_graph(outputs, _merge_all)


def _merge_all(outputs: Sequence[Variable]) -> list[Variable]:
    current = list(outputs)
    for _ in range(MOST_ROUNDS):
        groups = _groups(current)
        if not groups:
            break
        current = _merge(current, groups)
    return current


def _groups(outputs: Sequence[Variable]) -> list[list[Part]]:
    """Chains of neighbours that are worth merging."""
    by_kind: dict[tuple[object, ...], dict[Place, Part]] = {}
    for node in sort_nodes(outputs):
        part = _part(node)
        if part is not None:
            by_kind.setdefault(part.kind, {}).setdefault(part.start, part)
    found = [chain for starts in by_kind.values() for chain in _chains(starts)]
    if not found:
        return []
    readers, wanted = clients(outputs), {id(v) for v in outputs}
    return [chain for chain in found if _pays(chain, readers, wanted)]


def _part(node: Apply) -> Part | None:
    if not isinstance(node.op, Elementwise):
        return None
    cuts = {
        k: found
        for k, v in enumerate(node.inputs)
        if (found := slice_of(v)) is not None
    }
    if len({where.axis for _, where in cuts.values()}) != 1:
        return None
    if any(made_by(x, Scan) is not None for x, _ in cuts.values()):
        return None
    part = Part(node, cuts)
    stretched = all(
        v.broadcastable[part.axis]
        for k, v in enumerate(node.inputs)
        if k not in part.slices
    )
    # A slice of length 1 beside longer ones stretches: its neighbours do not follow.
    spans = [where.stop - where.start for _, where in cuts.values()]
    even = all(same_length(spans[0], span) for span in spans)
    return part if stretched and even else None


def _bounds(piece: Variable) -> Range | None:
    """The bounds of a slice, where they count from the front."""
    node = piece.owner
    assert node is not None and isinstance(node.op, Subtensor)
    entry = next(e for e in node.op.key if e != Range())
    assert isinstance(entry, Range)
    counted = [b for b in entry.bounds if isinstance(b, int)]
    return entry if all(b >= 0 for b in counted) else None


def _chains(starts: dict[Place, Part]) -> list[list[Part]]:
    """Parts in a row of which the places in the merged array can be written down."""
    rows = chains(starts, {start: part.stop for start, part in starts.items()})
    return [row for row in rows if all(_place(row, k) for k in range(len(row)))]


def _place(chain: Sequence[Part], k: int) -> tuple[Range, Sequence[Variable]] | None:
    """Where the k-th node's value lies in the merged array: bounds and their inputs.

    Numbers, or the bounds of an operand that is cut from its very beginning.
    """
    part, first = chain[k], chain[0]
    ends = [size_of(lengths.subtract(end[0], first.start[0])) for end in part.ends]
    if None not in ends:
        return Range(*ends), ()
    for operand in part.slices:
        piece = part.node.inputs[operand]
        bounds = _bounds(piece)
        if bounds is not None and first.slices[operand][1].start == 0:
            assert piece.owner is not None
            return bounds, piece.owner.inputs[1:]
    return None


def _pays(
    chain: Sequence[Part], readers: dict[int, list[Apply]], wanted: set[int]
) -> bool:
    """Whether the calls saved are more than the copies of pieces that must be apart."""
    pieces = [part.node.outputs[0] for part in chain]
    copied = sum(
        id(v) in wanted
        or any(isinstance(user.op, Reshape) for user in readers.get(id(v), ()))
        for v in pieces
    )
    saved = (len(chain) - 1) * _calls(chain[0].node.op)
    return saved > copied and _runs_are_long(pieces, chain[0].axis)


def _calls(op: object) -> int:
    """About how many calls of NumPy an elementwise op is."""
    assert isinstance(op, Elementwise)
    return max(1, len(re.findall(r"np\.\w+|[-+*/%<>=!&|~]+", op.text)))


def _runs_are_long(pieces: Sequence[Variable], axis: int) -> bool:
    """Whether pieces are few rows or long ones: going over strides costs little."""
    shape = pieces[0].type.shape
    rows = size_of(lengths.total(shape[:axis]))
    run = size_of(lengths.total(shape[axis:]))
    return (rows is not None and rows <= FEW_ROWS) or run is None or run >= LONG_RUN


def _merge(
    outputs: Sequence[Variable], groups: Sequence[Sequence[Part]]
) -> list[Variable]:
    place = {
        id(part.node): (chain, k) for chain in groups for k, part in enumerate(chain)
    }
    merged: dict[int, Variable] = {}

    def change(
        node: Apply, new: Callable[[Variable], Variable]
    ) -> Sequence[Variable] | None:
        if id(node) not in place:
            return None
        chain, k = place[id(node)]
        if id(chain) not in merged:
            merged[id(chain)] = _whole(chain, new)
        return (_piece(merged[id(chain)], chain, k, new),)

    return rebuilt(outputs, change)


def _whole(chain: Sequence[Part], new: Callable[[Variable], Variable]) -> Variable:
    """The op on the joined slices."""
    first, last = chain[0], chain[-1]
    inputs = []
    for k, v in enumerate(first.node.inputs):
        if k not in first.slices:
            inputs.append(new(v))
            continue
        x, where = first.slices[k]
        stop = last.slices[k][1].stop
        joined = Interval(where.axis, where.start, stop)
        inputs.append(cut(new(x), joined, v, last.node.inputs[k], new))
    return first.node.op(*inputs)


def _piece(
    merged: Variable,
    chain: Sequence[Part],
    k: int,
    new: Callable[[Variable], Variable],
) -> Variable:
    """The part of the merged array that stands for the k-th node."""
    found = _place(chain, k)
    assert found is not None
    bounds, indices = found
    full: Key = (Range(),) * chain[k].axis
    return Subtensor((*full, bounds))(merged, *map(new, indices))
