"""Of a log softmax that is only picked from, the picked elements alone.

The softmax of the same logits is made beside it from the same powers: one exp in all,
and one large array instead of two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.dimshuffle import pad_left
from symseq.ops.reduce import Max, Sum, keep_axes
from symseq.ops.softmax import LogSoftmax, Softmax
from symseq.ops.take import Gather, gather
from symseq.traverse import clients, sort_nodes

from ..rewrite.graphs import in_every_graph, rebuilt
from ..rewrite.patterns import positive

EXP = math.exp.op


@dataclass(slots=True)
class Parts:
    """What log softmax and softmax of x along an axis are made of."""

    axis: int
    x: Variable
    largest: Variable  # without the axis
    powers: Variable  # exp(x − m)
    total: Variable  # Σ powers, without the axis

    def softmax(self) -> Variable:
        return self.powers / keep_axes(self.total, (self.axis,), self.x.ndim)

    def pick(self, ids: Sequence[Variable]) -> Variable:
        """log softmax(x) at the places that the ids, one per axis, say."""
        rows = [one for k, one in enumerate(ids) if k != self.axis]
        rank = ids[0].ndim

        def picked(small: Variable) -> Variable:
            return gather(small, rows, 0) if rows else pad_left(small, rank)

        logits = gather(self.x, ids, 0)
        return (logits - picked(self.largest)) - picked(math.log(self.total))


def pick_logits(outputs: Sequence[Variable]) -> list[Variable]:
    """log_softmax(x)[i, y] → (x[i, y] − m[i]) − log s[i], for m = max x and
    s = Σ exp(x − m); softmax(x) → exp(x − m) / s beside it
    """
    return in_every_graph(outputs, _pick)


def _pick(outputs: Sequence[Variable]) -> list[Variable]:
    logs = _only_picked(outputs)
    if not logs:
        return list(outputs)
    keys = set(logs.values())
    made: dict[tuple[int, int], Parts] = {}

    def parts_of(key: tuple[int, int], x: Variable) -> Parts:
        if key not in made:
            made[key] = _parts(x, key[1])
        return made[key]

    def change(
        node: Apply, new: Callable[[Variable], Variable]
    ) -> Sequence[Variable] | None:
        if isinstance(node.op, Softmax):
            key = (id(node.inputs[0]), node.op.axis)
            if key not in keys:
                return None
            return (parts_of(key, new(node.inputs[0])).softmax(),)
        source = node.inputs[0] if node.inputs else None
        if source is None or source.owner is None or id(source) not in logs:
            return None
        parts = parts_of(logs[id(source)], new(source.owner.inputs[0]))
        if node.op is EXP:
            return (parts.softmax(),)
        return (parts.pick([new(one) for one in node.inputs[1:]]),)

    return rebuilt(outputs, change)


def _parts(x: Variable, axis: int) -> Parts:
    largest = Max((axis,))(x)
    powers = math.exp(x - keep_axes(largest, (axis,), x.ndim))
    return Parts(axis, x, largest, powers, Sum((axis,))(powers))


def _only_picked(outputs: Sequence[Variable]) -> dict[int, tuple[int, int]]:
    """The log softmaxes of which only picked elements and the exp are read."""
    wanted = {id(v) for v in outputs}
    nodes = [n for n in sort_nodes(outputs) if isinstance(n.op, LogSoftmax)]
    if not nodes:
        return {}
    readers = clients(outputs)
    found = {}
    for node in nodes:
        (x,), (log,) = node.inputs, node.outputs
        users = readers.get(id(log), [])
        picks = [user for user in users if _is_pick(user, log)]
        rest = [user for user in users if user.op is not EXP and user not in picks]
        assert isinstance(node.op, LogSoftmax)
        # A maximum over nothing has no value, the softmax of nothing has.
        some = positive(x.type.shape[node.op.axis])
        if picks and some and not rest and id(log) not in wanted:
            found[id(log)] = (id(x), node.op.axis)
    return found


def _is_pick(node: Apply, source: Variable) -> bool:
    """Whether the node picks single elements of `source`."""
    if not isinstance(node.op, Gather) or node.inputs[0] is not source:
        return False
    return node.op.axis == 0 and len(node.inputs) - 1 == source.ndim
