"""Reverse mode: from cotangents of outputs to cotangents of variables."""

from __future__ import annotations

from collections.abc import Sequence

from symseq.errors import NullTypeGradError, UsageError
from symseq.graph import Apply, BodyOp, Op, Variable, no_gradient
from symseq.lengths import differ
from symseq.span import deriving
from symseq.traverse import sort_nodes


def differentiate(
    outputs: Sequence[Variable],
    cotangents: Sequence[Variable | None],
    wrt: Sequence[Variable],
) -> list[Variable | None]:
    """∂(Σ cotangents · outputs)/∂wrt, each of its variable's type; None: unconnected.

    Only nodes between `wrt` and `outputs` are visited. The new nodes carry the lines of
    the nodes that they are gradients of.

    Raises: NullTypeGradError where the path crosses a float op without a gradient.
    """
    nodes, reached = between(outputs, wrt)
    sums: dict[int, Variable] = {}
    for output, g in zip(outputs, cotangents, strict=True):
        if g is not None and output.type.is_float and id(output) in reached:
            accumulate(sums, output, g)
    for node in reversed(nodes):
        received = [sums.get(id(v)) for v in node.outputs]
        if all(g is None for g in received):
            continue
        with deriving(node.spans, "gradient"):
            for variable, g in zip(
                node.inputs, pull_back(node, received, reached), strict=True
            ):
                if g is not None and id(variable) in reached and variable.type.is_float:
                    accumulate(sums, variable, g, node)
    return [sums.get(id(variable)) for variable in wrt]


def between(
    outputs: Sequence[Variable], wrt: Sequence[Variable]
) -> tuple[list[Apply], set[int]]:
    """The nodes that read `wrt` on the way to `outputs`, and the ids they touch."""
    reached = {id(variable) for variable in wrt}
    nodes = []
    for node in sort_nodes(outputs):
        if any(id(v) in reached for v in node.inputs):
            nodes.append(node)
            reached.update(id(v) for v in node.outputs)
    return nodes, reached


def pull_back(
    node: Apply, received: Sequence[Variable | None], reached: set[int]
) -> Sequence[Variable | None]:
    """One cotangent per input of `node`, from those of its outputs."""
    if isinstance(node.op, BodyOp):
        return node.op.vjp_body(node.inputs, node.outputs, received, differentiate)
    if lacks_gradient(node.op) and any(
        v.type.is_float and id(v) in reached for v in node.inputs
    ):
        raise NullTypeGradError(
            f"{node.op} has no gradient, and the cost depends on it",
            hint="wrap its input in disconnected_grad if it should count as constant",
        ).at(node.spans[0])
    return node.op.vjp(node.inputs, node.outputs, received)


def lacks_gradient(op: Op) -> bool:
    """Whether an op declares that it has no gradient."""
    return type(op).vjp is no_gradient


def accumulate(
    sums: dict[int, Variable],
    variable: Variable,
    g: Variable,
    node: Apply | None = None,
) -> None:
    """Add `g` to what `variable` has received."""
    if g.dtype != variable.dtype or g.ndim != variable.ndim or _apart(g, variable):
        who = f"the gradient of {node.op}" if node is not None else "a cotangent"
        raise UsageError(
            f"{who} must have its variable's type {variable.type}; got {g.type}"
        ).at(node.spans[0] if node is not None else variable.span)
    before = sums.get(id(variable))
    sums[id(variable)] = g if before is None else before + g


def _apart(g: Variable, variable: Variable) -> bool:
    pairs = zip(g.type.shape, variable.type.shape, strict=True)
    return any(differ(a, b) for a, b in pairs)
