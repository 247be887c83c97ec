"""Slices of a sum become sums of slices, where nobody reads the sum as a whole.

    z = x + b;  f(z[:, :H]), g(z[:, H:])  →  f(x[:, :H] + b[:H]), g(x[:, H:] + b[H:])

A target that fuses elementwise work then reads x once, and never writes z.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.subtensor import Subtensor
from symseq.traverse import clients, sort_nodes

from ..rewrite.graphs import in_every_graph, made_anew, rebuilt
from ..rewrite.intervals import Interval, slice_of
from ..rewrite.patterns import same_length

CHEAP = (math.add.op, math.sub.op)
MOST_SLICES = 8


def split_sums(outputs: Sequence[Variable]) -> list[Variable]:
    """(x + b)[:, :H] → x[:, :H] + b[:, :H]"""
    return in_every_graph(outputs, _split_all)


def _split_all(outputs: Sequence[Variable]) -> list[Variable]:
    sums = _sums(outputs)
    if not sums:
        return list(outputs)

    def sliced(
        node: Apply, x: Variable, new: Callable[[Variable], Variable]
    ) -> Variable:
        """The slice that `node` takes, of x."""
        inner = x.owner
        if id(x) not in sums or inner is None:
            inputs = [new(x), *map(new, node.inputs[1:])]
            return made_anew(node, node.op, inputs)[0]
        axis = sums[id(x)][0].axis
        parts = [
            new(v) if v.broadcastable[axis] else sliced(node, v, new)
            for v in inner.inputs
        ]
        return made_anew(inner, inner.op, parts)[0]

    def change(
        node: Apply, new: Callable[[Variable], Variable]
    ) -> Sequence[Variable] | None:
        if not isinstance(node.op, Subtensor) or id(node.inputs[0]) not in sums:
            return None
        return (sliced(node, node.inputs[0], new),)

    return rebuilt(outputs, change)


def _sums(outputs: Sequence[Variable]) -> dict[int, list[Interval]]:
    """By id the sums that are read in slices only, and these, which are apart."""
    readers, wanted = clients(outputs), {id(v) for v in outputs}
    found: dict[int, list[Interval]] = {}
    for node in reversed(list(sort_nodes(outputs))):
        if node.op not in CHEAP or id(node.outputs[0]) in wanted:
            continue
        slices = _slices(node.outputs[0], readers, found)
        if slices is not None and _even(node, slices[0].axis):
            found[id(node.outputs[0])] = slices
    return found


def _slices(
    x: Variable, readers: dict[int, list[Apply]], sums: dict[int, list[Interval]]
) -> list[Interval] | None:
    """Where x is read, if that is in few slices that are equal or apart."""
    slices: list[Interval] = []
    for node in readers.get(id(x), ()):
        (read,) = node.outputs[:1]
        if id(read) in sums:
            slices += sums[id(read)]
            continue
        found = slice_of(read)
        if found is None or found[0] is not x:
            return None
        slices.append(found[1])
    distinct = list(dict.fromkeys(slices))
    apart = all(a.is_apart(b) for a, b in combinations(distinct, 2))
    return distinct if apart and 1 < len(distinct) <= MOST_SLICES else None


def _even(node: Apply, axis: int) -> bool:
    """Whether every term is as long as the sum along the axis, or stretches."""
    length = node.outputs[0].type.shape[axis]
    return length is not None and all(
        v.broadcastable[axis] or same_length(v.type.shape[axis], length)
        for v in node.inputs
    )
