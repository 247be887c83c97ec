"""Passes that need a whole graph at once, taken into the bodies of loops as well."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symseq.graph import Apply, BodyOp, Op, Variable
from symseq.span import Origin, deriving
from symseq.traverse import remember, sort_nodes

Pass = Callable[[Sequence[Variable]], list[Variable]]
# What stands for a node's outputs, made from its new inputs; None: nothing special.
Change = Callable[[Apply, Callable[[Variable], Variable]], "Sequence[Variable] | None"]


def in_every_graph(outputs: Sequence[Variable], pass_: Pass) -> list[Variable]:
    """`pass_` of the bodies inside, and then of the graph itself."""
    if any(isinstance(node.op, BodyOp) for node in sort_nodes(outputs)):
        outputs = rebuilt(outputs, lambda node, new: _inside(node, new, pass_))
    return pass_(outputs)


def _inside(
    node: Apply, new: Callable[[Variable], Variable], pass_: Pass
) -> Sequence[Variable] | None:
    if not isinstance(node.op, BodyOp):
        return None
    old = [list(outputs) for _, outputs in node.op.bodies()]
    made = [in_every_graph(outputs, pass_) for outputs in old]
    if made == old:
        return None
    return made_anew(node, node.op.with_bodies(made), [new(v) for v in node.inputs])


def made_anew(node: Apply, op: Op, inputs: Sequence[Variable]) -> Sequence[Variable]:
    """The outputs of another op in a node's place; they know what the old ones knew."""
    made = op.make_node(inputs, Origin(node.spans, node.kind))
    for old, fresh in zip(node.outputs, made.outputs, strict=True):
        fresh.name = old.name
        remember(old, fresh)
    return made.outputs


def rebuilt(outputs: Sequence[Variable], change: Change) -> list[Variable]:
    """The graph with each node as `change` says; the same variables where it is silent.

    `change` is asked in order, inputs first, with a function from old to new variables.
    """
    new: dict[int, Variable] = {}

    def look_up(variable: Variable) -> Variable:
        return new.get(id(variable), variable)

    for node in sort_nodes(outputs):
        with deriving(node.spans, node.kind):
            found = change(node, look_up)
        if found is None:
            inputs = [look_up(v) for v in node.inputs]
            if all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
                continue
            found = made_anew(node, node.op, inputs)
        for old, fresh in zip(node.outputs, found, strict=True):
            new[id(old)] = fresh
            if fresh.owner is not None and fresh.name is None:
                fresh.name = old.name
    return [look_up(v) for v in outputs]
