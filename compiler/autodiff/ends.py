"""A loop of which only the last rows are read sends nothing to its first segments.

h = join(a, b);  cost(h[-1])   →   the cotangent of b alone, of b's rows

b is a loop that goes on where that of a ended. Slice by slice, all of h would get a
cotangent that is zero but for its end.
"""

from __future__ import annotations

from symseq.graph import Apply, Constant, Variable
from symseq.ops import math
from symseq.ops.alloc import Alloc, alloc
from symseq.ops.convert import constant
from symseq.ops.join import Join
from symseq.ops.keys import INPUT, Range, bounds_of
from symseq.ops.math import add, maximum, sub
from symseq.ops.reshape import Reshape
from symseq.ops.shape import length_of
from symseq.ops.subtensor import IncSubtensor, Subtensor
from symseq.scan.op import Scan
from symseq.scan.rows import least_rows
from symseq.types import is_static_one

ADD = math.add.op
FAR = 2**62  # rows: reaches past the end of any part


def end_gradient(node: Apply, g: Variable) -> tuple[Variable, Variable] | None:
    """(the last part, its cotangent), where g is zero in all rows that come before."""
    if node.op != Join(0) or len(node.inputs) == 1:
        return None
    *others, last = node.inputs
    if reach(g) > least_rows(last) or not all(_goes_on(part, last) for part in others):
        return None
    skipped, *rest = (length_of(part, 0) for part in others)
    for count in rest:
        skipped = add(skipped, count)
    return last, without_first(g, skipped, length_of(last, 0))


def _goes_on(part: Variable, last: Variable) -> bool:
    """Whether `last` is of a loop that begins with what the loop of `part` ended with.

    So all that is behind `part` gets its gradient through `last`, be it zero.
    """
    before, loop = _source(part), last.owner
    if before is None or loop is None or not isinstance(loop.op, Scan):
        return False
    return any(_source(v) is before for v in loop.op.initial_inputs(loop.inputs))


def _source(v: Variable) -> Apply | None:
    """The loop that made v, or what v is a view of."""
    while v.owner is not None and isinstance(v.owner.op, (Reshape, Subtensor)):
        v = v.owner.inputs[0]
    return v.owner if v.owner is not None and isinstance(v.owner.op, Scan) else None


def reach(g: Variable) -> int:
    """From which row on, counted from the end, g may be other than zero."""
    node = g.owner
    if node is None or g.ndim == 0:
        return FAR
    if _is_zeros(node):
        return 0
    if node.op is ADD:
        return FAR if _stretches(node) else max(map(reach, node.inputs))
    if isinstance(node.op, IncSubtensor) and not node.op.replace:
        return max(reach(node.inputs[0]), _reach_of_write(node, node.op))
    return FAR


def _reach_of_write(node: Apply, op: IncSubtensor) -> int:
    first = op.key[0] if op.key else Range()
    if any(bound == INPUT for bound in bounds_of(first)):
        return FAR
    if isinstance(first, int):
        return -first if first < 0 else FAR
    assert isinstance(first, Range)
    if first.step not in (None, 1):
        return FAR
    start, stop = first.start or 0, first.stop
    assert isinstance(start, int)
    if start < 0:
        return -start
    whole = stop is None and not is_static_one(node.inputs[1].type.shape[0])
    return reach(node.inputs[1]) if whole else FAR


def without_first(g: Variable, skipped: Variable, rows: Variable) -> Variable:
    """g[skipped:], which are `rows` rows, where g reaches no further (see `reach`)."""
    node = g.owner
    assert node is not None
    if _is_zeros(node):
        return alloc(constant(0, g.dtype), rows, *node.inputs[2:])
    if node.op is ADD:
        return add(*(without_first(x, skipped, rows) for x in node.inputs))
    assert isinstance(node.op, IncSubtensor)
    x, y, *bounds = node.inputs
    below = without_first(x, skipped, rows)
    first, *rest = node.op.key
    start = first.start or 0 if isinstance(first, Range) else first
    assert isinstance(start, int)
    if start < 0:
        return node.op(below, y, *bounds)
    start_now = maximum(sub(start, skipped), 0)
    left_out = maximum(sub(skipped, start), 0)
    part = without_first(y, left_out, sub(rows, start_now))
    return IncSubtensor((Range(INPUT), *rest))(below, part, start_now, *bounds)


def _is_zeros(node: Apply) -> bool:
    """Whether the node repeats a 0 over given lengths."""
    value = node.inputs[0] if isinstance(node.op, Alloc) else None
    scalar = isinstance(value, Constant) and value.ndim == 0
    return scalar and isinstance(value, Constant) and not value.data.any()


def _stretches(node: Apply) -> bool:
    like = node.outputs[0].type.shape[0]
    rows = (v.type.shape[0] for v in node.inputs)
    return any(is_static_one(n) for n in rows) and not is_static_one(like)
