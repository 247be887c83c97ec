"""Loops of a graph, visited from the innermost to the outermost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

from symseq.graph import Apply, BodyOp, Op, Variable
from symseq.scan.op import Scan
from symseq.span import Origin
from symseq.traverse import remember, sort_nodes

# What stands for the outputs of a loop's node; None: nothing changes.
Change = Callable[[Apply], Sequence[Variable] | None]


def over_loops(outputs: Sequence[Variable], change: Change) -> list[Variable]:
    """`outputs` with every loop changed, those in bodies before the loops around them.

    The same variables where nothing changed.
    """
    new: dict[int, Variable] = {}
    for node in sort_nodes(outputs):
        made = _anew(node, [new.get(id(v), v) for v in node.inputs], change)
        found = change(made) if isinstance(made.op, Scan) else None
        for old, fresh in zip(node.outputs, found or made.outputs, strict=True):
            if fresh is not old:
                new[id(old)] = fresh
                fresh.name = fresh.name or old.name
    return [new.get(id(v), v) for v in outputs]


def _anew(node: Apply, inputs: Sequence[Variable], change: Change) -> Apply:
    """The node over other inputs, the loops in its bodies changed."""
    op = inside(node.op, partial(over_loops, change=change))
    pairs = zip(inputs, node.inputs, strict=True)
    if op is node.op and all(a is b for a, b in pairs):
        return node
    return anew(node, op, inputs)


def anew(node: Apply, op: Op, inputs: Sequence[Variable]) -> Apply:
    """The node with another op of the same outputs, or over other inputs."""
    made = op.make_node(inputs, Origin(node.spans, node.kind))
    for old, fresh in zip(node.outputs, made.outputs, strict=True):
        fresh.name = old.name
        remember(old, fresh)
    return made


def inside(op: Op, rewrite: Callable[[Sequence[Variable]], Sequence[Variable]]) -> Op:
    """The op with its bodies rewritten; the same op where nothing changed."""
    if not isinstance(op, BodyOp):
        return op
    old = [outputs for _, outputs in op.bodies()]
    new = [rewrite(outputs) for outputs in old]
    before, after = (list(chain.from_iterable(graphs)) for graphs in (old, new))
    same = all(a is b for a, b in zip(before, after, strict=True))
    return op if same else op.with_bodies(new)
