"""Nodes that compare lengths which only the run knows: nobody else would.

Lengths that follow from the inputs' are checked before the run, whatever the rewrites
have made of a node; what contents decide (`nonzero`) is checked by the node alone.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from symseq.graph import Apply, Variable
from symseq.ops.elementwise import Elementwise
from symseq.scan.known_lengths import same_length
from symseq.span import GRADIENT
from symseq.traverse import sort_nodes

DECIDED: WeakKeyDictionary[Variable, bool] = WeakKeyDictionary()


def compares_lengths(node: Apply) -> bool:
    """Whether an elementwise node the user wrote checks such lengths of its operands.

    Lengths that come from one place are equal: of x[m] and of 2 * x[m].
    """
    if not isinstance(node.op, Elementwise) or len(node.inputs) < 2:
        return False
    if node.kind == GRADIENT:
        return False
    for axis, length in enumerate(node.outputs[0].type.shape):
        full = [v for v in node.inputs if not v.broadcastable[axis]]
        if length is None and len(full) > 1 and any(map(contents_decide, full)):
            origins = [_origin(v, axis) for v in full]
            if any(origin != origins[0] for origin in origins):
                return True
    return False


def contents_decide(variable: Variable) -> bool:
    """Whether the contents of an array decide a length of the variable."""
    stack = [variable]
    while stack:
        v = stack[-1]
        if v in DECIDED:
            stack.pop()
            continue
        node = v.owner
        if node is None or None not in v.type.sizes or node.op.dynamic:
            DECIDED[v] = node is not None and node.op.dynamic
            continue
        shaping = [node.inputs[k] for k in node.op.shape_inputs(len(node.inputs))]
        waiting = [x for x in shaping if x not in DECIDED]
        if waiting:
            stack += waiting
        else:
            DECIDED[v] = any(DECIDED[x] for x in shaping)
    return DECIDED[variable]


def follows_from_contents(count: Variable) -> bool:
    """Whether a number was made of lengths that contents decide."""
    return any(node.op.dynamic for node in sort_nodes([count]))


def _origin(v: Variable, axis: int) -> tuple[int, int]:
    """(id of a variable or a node, axis): where the length of an axis comes from."""
    while v.owner is not None and (same := same_length(v.owner, axis)):
        v, axis = same[0]
    node = v.owner
    return id(node if node is not None and node.op.dynamic else v), axis
