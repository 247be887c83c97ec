"""Blocks of columns: which part of a joined kernel a node keeps."""

from __future__ import annotations

from collections.abc import Iterator

from symseq import lengths
from symseq.graph import Apply, Variable, known_length
from symseq.lengths import Dim, Length
from symseq.ops.subtensor import INPUT, Range, Subtensor
from symseq.printing.quantity import Cut


def cuts_columns(node: Apply) -> bool:
    return isinstance(node.op, Subtensor) and columns_of(node) is not None


def columns_of(node: Apply) -> Cut | None:
    """The columns that a node keeps, where it keeps all of the other axes."""
    assert isinstance(node.op, Subtensor)
    x, key = node.inputs[0], node.op.key
    if len(key) != x.ndim or not key or not isinstance(key[-1], Range):
        return None
    if not all(isinstance(entry, Range) and entry.is_full for entry in key[:-1]):
        return None
    if key[-1].step is not None:
        return None
    held = iter(node.inputs[1:])
    bounds = [_bound(b, held) for b in (key[-1].start, key[-1].stop)]
    total = x.type.shape[-1]
    start, stop = (
        _counted(bound, total, at) for bound, at in zip(bounds, (0, total), strict=True)
    )
    return None if start is None or stop is None else (start, stop)


def _bound(bound: object, inputs: Iterator[Variable]) -> Length | str:
    if bound is None:
        return ""
    if bound == INPUT:
        return known_length(next(inputs))
    assert isinstance(bound, int)
    return bound


def _counted(bound: Length | str, total: Length, default: Length) -> Length:
    if bound == "":
        return default
    assert not isinstance(bound, str)
    size = lengths.size_of(bound)
    return lengths.add(total, bound) if size is not None and size < 0 else bound


def within(own: Cut, cut: Cut | None) -> Cut:
    """The columns `cut` of the columns `own`."""
    if cut is None:
        return own
    return (lengths.add(own[0], cut[0]), lengths.add(own[0], cut[1]))


def split_columns(node: Apply, index: int) -> Cut | None:
    sizes = [v.held for v in node.inputs[1:]]
    if not all(isinstance(size, (int, Dim)) for size in sizes):
        return None
    ends: list[Length] = [0]
    for size in sizes:
        assert not isinstance(size, tuple)
        ends.append(lengths.add(ends[-1], size))
    return (ends[index], ends[index + 1])
