"""One softmax where the log and the plain form of the same logits are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.softmax import LogSoftmax, Normalized, Softmax
from symseq.traverse import clients, sort_nodes

from ..rewrite.graphs import in_every_graph, rebuilt

EXP = math.exp.op
Logits = tuple[int, int]  # the id of x, the axis


def share_softmax(outputs: Sequence[Variable]) -> list[Variable]:
    """log_softmax(x), softmax(x) → y = log_softmax(x), exp(y); exp(log_softmax(x)) →
    softmax(x), where nobody else reads the log
    """
    return in_every_graph(outputs, _share)


def _share(outputs: Sequence[Variable]) -> list[Variable]:
    logs = {
        _logits(node): node
        for node in sort_nodes(outputs)
        if isinstance(node.op, LogSoftmax)
    }
    if not logs:
        return list(outputs)
    needed = _read_as_logs(logs, outputs)
    both = {_logits(n) for n in sort_nodes(outputs) if isinstance(n.op, Softmax)}
    both &= needed
    made: dict[Logits, Variable] = {}

    def change(
        node: Apply, new: Callable[[Variable], Variable]
    ) -> Sequence[Variable] | None:
        inner = node.inputs[0].owner if node.op is EXP else None
        if inner is not None and isinstance(inner.op, LogSoftmax):
            if _logits(inner) in needed:
                return None
            return (Softmax(inner.op.axis)(new(inner.inputs[0])),)
        if not isinstance(node.op, Normalized) or _logits(node) not in both:
            return None
        # The first of the two makes the log, wherever the other one stands.
        x, key = new(node.inputs[0]), _logits(node)
        log = made.setdefault(key, LogSoftmax(node.op.axis)(x))
        return (log if isinstance(node.op, LogSoftmax) else math.exp(log),)

    return rebuilt(outputs, change)


def _logits(node: Apply) -> Logits:
    assert isinstance(node.op, Normalized)
    return id(node.inputs[0]), node.op.axis


def _read_as_logs(
    logs: Mapping[Logits, Apply], outputs: Sequence[Variable]
) -> set[Logits]:
    """Those whose log is read by more than an exp."""
    readers, wanted = clients(outputs), {id(v) for v in outputs}
    found = set()
    for key, node in logs.items():
        (log,) = node.outputs
        users = [user.op for user in readers.get(id(log), ())]
        others = [op for op in users if op is not EXP]
        if id(log) in wanted or others:
            found.add(key)
    return found
