"""What set_subtensor and inc_subtensor wrote: read again, or put together."""

from __future__ import annotations

from collections.abc import Sequence

from symseq.graph import Apply, Variable
from symseq.lengths import Length
from symseq.ops.join import Join
from symseq.ops.keys import region
from symseq.ops.subtensor import IncSubtensor, Subtensor

from ..rewrite.intervals import Interval, interval_of, is_whole, written_to
from ..rewrite.patterns import made_by, number_of, same_length, same_lengths
from ..rewrite.rules import Replacement, RuleSet
from ..rewrite.unsure_lengths import contents_decide

WRITES = RuleSet()


@WRITES.rule(Subtensor)
def slice_of_written(node: Apply) -> Replacement:
    """set_subtensor(x[i], y)[i] → y; inc_subtensor(x[i], y)[i] → x[i] + y;
    inc_subtensor(x[i], y)[j] → x[j], where i and j are apart"""
    op, inner = node.op, made_by(node.inputs[0], IncSubtensor)
    assert isinstance(op, Subtensor)
    if inner is None:
        return None
    assert isinstance(inner.op, IncSubtensor)
    x, y, *indices = inner.inputs
    asked = node.inputs[1:]
    same = all(a is b for a, b in zip(indices, asked, strict=False))
    if inner.op.key == op.key and len(indices) == len(asked) and same:
        if not inner.op.replace:
            return None if x.dtype == "bool" else op(x, *asked) + y
        return y if y.broadcastable == node.outputs[0].broadcastable else None
    here, there = written_to(inner), interval_of(op.key, x, asked)
    if here is None or there is None or not here.is_apart(there):
        return None
    return op(x, *asked)


@WRITES.rule(IncSubtensor)
def set_into_zeros(node: Apply) -> Replacement:
    """inc_subtensor(zeros[i], y) → set_subtensor(zeros[i], y): nothing to add to"""
    op = node.op
    assert isinstance(op, IncSubtensor)
    if op.replace or number_of(node.inputs[0]) != 0:
        return None
    return IncSubtensor(op.key, True)(*node.inputs)


@WRITES.rule(IncSubtensor)
def write_of_everything(node: Apply) -> Replacement:
    """set_subtensor(x[:, 0:n], y) → y, and inc_subtensor → x + y, for all n columns"""
    op, (x, y, *indices) = node.op, node.inputs
    assert isinstance(op, IncSubtensor)
    if not is_whole(op.key, x, indices):
        return None
    if not op.replace:  # into zeros: see `set_into_zeros`
        return None if x.dtype == "bool" or number_of(x) == 0 else x + y
    fits = same_lengths(x, y) or not any(map(contents_decide, (x, y)))
    return y if fits and x.broadcastable == y.broadcastable else None


@WRITES.rule(IncSubtensor)
def parts_to_join(node: Apply) -> Replacement:
    """inc_subtensor(set_subtensor(zeros[:, :h], a)[:, h:], b) → join(a, b):
    parts that cover an axis"""
    written: list[tuple[Interval, Variable]] = []
    current: Variable = node.outputs[0]
    whole = current
    while (found := made_by(current, IncSubtensor)) is not None:
        where, part = written_to(found), found.inputs[1]
        if where is None or any(not i.is_apart(where) for i, _ in written):
            return None
        if not _is_full(found):
            return None
        written.append((where, part))
        current = found.inputs[0]
        if _covers(written, whole):
            break
    if not _covers(written, whole) or not _clean(node, written, current):
        return None
    ordered = _in_order(written)
    axis = ordered[0][0].axis
    return Join(axis)(*(part for _, part in ordered))


def _is_full(node: Apply) -> bool:
    """Whether the value written has every axis of its place at full length."""
    assert isinstance(node.op, IncSubtensor)
    x, y, *indices = node.inputs
    return y.broadcastable == region(node.op.key, x.type, indices).broadcastable


def _clean(
    node: Apply, written: Sequence[tuple[Interval, Variable]], base: Variable
) -> bool:
    """Whether nothing of what lay below is left: all set, or the base is zeros."""
    current, replaced = node, []
    for _ in written:
        assert isinstance(current.op, IncSubtensor)
        replaced.append(current.op.replace)
        below = current.inputs[0]
        if below is base:
            break
        assert below.owner is not None
        current = below.owner
    return all(replaced) or number_of(base) == 0


def _in_order(
    written: Sequence[tuple[Interval, Variable]],
) -> list[tuple[Interval, Variable]]:
    """The parts, each beginning where the one before ends, as far as that goes."""
    ordered: list[tuple[Interval, Variable]] = []
    end: Length = 0
    left = list(written)
    while left:
        after = [one for one in left if same_length(one[0].start, end)]
        if not after:
            break
        one = after[0]
        left.remove(one)
        ordered.append(one)
        end = one[0].stop
    return ordered


def _covers(written: Sequence[tuple[Interval, Variable]], whole: Variable) -> bool:
    ordered = _in_order(written)
    if len(ordered) < len(written) or len(ordered) < 2:
        return False
    last = ordered[-1][0]
    return same_length(last.stop, whole.type.shape[last.axis])
