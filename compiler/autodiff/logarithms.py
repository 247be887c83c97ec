"""Gradients of logarithms of what may underflow or overflow, in one step.

Op by op they divide by what was rounded to 0 (``g / p · p``) and give NaN.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from symseq.graph import Apply, Constant, Variable
from symseq.ops import math
from symseq.ops.dimshuffle import DimShuffle, dimshuffle
from symseq.ops.reduce import Sum
from symseq.ops.reshape import Reshape
from symseq.ops.softmax import Softmax, finite_max
from symseq.ops.subtensor import Subtensor
from symseq.ops.take import Gather, Take

ADD, SUB, EXP, SIGMOID = math.add.op, math.sub.op, math.exp.op, math.sigmoid.op
LOG, LOG1P = math.log.op, math.log1p.op
MOVES = (DimShuffle, Gather, Reshape, Subtensor, Take)  # entries of x at other places
Pulled = tuple[Variable, Variable] | None


def log_gradient(node: Apply, g: Variable, wanted: Collection[int]) -> Pulled:
    """(x, its cotangent) where the node is the logarithm of one of

        softmax(x)   σ(x)   1 − σ(x)   1 + exp(x)   Σ exp(x),

    the first four also behind an index, or log1p of exp(x); else None. What lies
    between x and the node gets no cotangent: none of that may be `wanted` (ids).
    """
    if node.op not in (LOG, LOG1P):
        return None
    (p,) = node.inputs
    moves: list[Apply] = []
    while p.owner is not None and isinstance(p.owner.op, MOVES) and id(p) not in wanted:
        moves.append(p.owner)
        p = p.owner.inputs[0]
    made = p.owner
    if made is None or id(p) in wanted:
        return None
    if node.op == LOG1P:
        if made.op != EXP:
            return None
        return made.inputs[0], _moved(g, moves) * math.sigmoid(made.inputs[0])
    if isinstance(made.op, Softmax):
        g = _moved(g, moves)
        return made.inputs[0], g - p * g.sum(axis=made.op.axis, keepdims=True)
    if made.op == SIGMOID:
        return made.inputs[0], _moved(g, moves) * (1 - p)
    if isinstance(made.op, Sum):
        return None if moves else _of_sum(made, g, wanted)
    return _beside_one(made, g, moves, wanted)


def _moved(g: Variable, moves: Sequence[Apply]) -> Variable:
    """The cotangent of what the moves read, from that of the last one's output."""
    for move in moves:
        back = move.op.vjp(move.inputs, move.outputs, (g,))[0]
        assert back is not None
        g = back
    return g


def _of_sum(total: Apply, g: Variable, wanted: Collection[int]) -> Pulled:
    """log Σ exp(x): g softmax(x), over several axes at once where Σ is.

    exp(x − log Σ exp(x)) would be wrong for large x, by what rounding the log loses.
    """
    assert isinstance(total.op, Sum)
    (e,), axes = total.inputs, total.op.axes
    if e.owner is None or e.owner.op != EXP or id(e) in wanted:
        return None
    (x,) = e.owner.inputs
    kept = iter(range(g.ndim))
    wide = dimshuffle(g, ["x" if a in axes else next(kept) for a in range(x.ndim)])
    if len(axes) == 1:
        return x, wide * Softmax(axes[0])(x)
    shifted = math.exp(x - finite_max(x, axes))
    return x, wide * (shifted / shifted.sum(axis=axes, keepdims=True))


def _beside_one(
    made: Apply, g: Variable, moves: Sequence[Apply], wanted: Collection[int]
) -> Pulled:
    """log(1 − σ(x)): −g σ(x); log(1 + exp(x)): g σ(x)."""
    if made.op not in (ADD, SUB):
        return None
    for one, other in (made.inputs, made.inputs[::-1])[: 2 if made.op == ADD else 1]:
        inner = other.owner
        stays = other.type.broadcastable == made.outputs[0].type.broadcastable
        if inner is None or not stays or not _is_one(one) or id(other) in wanted:
            continue
        if made.op == SUB and inner.op == SIGMOID:
            return inner.inputs[0], -_moved(g, moves) * other
        if made.op == ADD and inner.op == EXP:
            return inner.inputs[0], _moved(g, moves) * math.sigmoid(inner.inputs[0])
    return None


def _is_one(variable: Variable) -> bool:
    while variable.owner is not None and isinstance(variable.owner.op, DimShuffle):
        (variable,) = variable.owner.inputs
    return isinstance(variable, Constant) and bool((variable.data == 1).all())
