"""Which values of a step have a length that changes from step to step.

Such values (``tanh(x[:t])``, an inner loop of t steps) do not stack.
"""

from __future__ import annotations

from collections.abc import Sequence

from symseq.graph import Apply, Variable
from symseq.ops.shape import ShapeOf
from symseq.ops.subtensor import Subtensor
from symseq.scan.control import IfElse
from symseq.scan.known_lengths import same_length
from symseq.scan.roles import Roles
from symseq.traverse import sort_nodes

Axes = set[tuple[int, int]]  # (id of a variable, axis)


def varying_lengths(op: Roles, outputs: Sequence[Variable]) -> set[int]:
    """The ids of those variables that `outputs` and the body of the loop need."""
    constants = {id(v) for v in op.body_constants}
    changing = {id(v) for v in op.body.inputs if id(v) not in constants}
    axes: Axes = set()
    for node in sort_nodes([*op.body.outputs, *outputs]):
        if _changes(node, changing, axes):
            changing.update(id(v) for v in node.outputs)
        for v in node.outputs:
            for axis, known in enumerate(v.type.shape):
                if known is None and _varies(v, node, axis, changing, axes):
                    axes.add((id(v), axis))
    return {one for one, _ in axes}


def _changes(node: Apply, changing: set[int], axes: Axes) -> bool:
    """Whether the node's value changes from step to step."""
    if isinstance(node.op, ShapeOf):
        return any(one == id(node.inputs[0]) for one, _ in axes)
    source = node.inputs[0].owner if node.inputs else None
    if (
        isinstance(node.op, Subtensor)
        and source is not None
        and isinstance(source.op, ShapeOf)
        and len(node.op.key) == 1
        and isinstance(entry := node.op.key[0], int)
    ):
        x = source.inputs[0]
        return (id(x), entry % x.ndim) in axes
    return any(id(v) in changing for v in node.inputs)


def _varies(
    v: Variable, node: Apply, axis: int, changing: set[int], axes: Axes
) -> bool:
    """Whether this unknown length of an output of the node changes."""
    same = same_length(node, axis)
    if same:
        return all((id(x), of) in axes for x, of in same)
    inputs = node.inputs
    deciding = [inputs[k] for k in node.op.length_inputs()]
    if isinstance(node.op, IfElse) and not _same_in_both(node.op, v.index, axis):
        deciding.append(inputs[0])
    shaping = [inputs[k] for k in node.op.shape_inputs(len(inputs))]
    if any(id(v) in changing for v in (inputs if node.op.dynamic else deciding)):
        return True
    return any((id(x), of) in axes for x in shaping for of in range(x.ndim))


def _same_in_both(op: IfElse, index: int, axis: int) -> bool:
    """Whether both branches take this length from the same of their inputs."""
    found = []
    for body in (op.then, op.other):
        v, at = body.outputs[index], axis
        while v.owner is not None and (same := same_length(v.owner, at)):
            v, at = same[0]
        found.append((body.inputs.index(v), at) if v in body.inputs else None)
    return found[0] is not None and found[0] == found[1]
