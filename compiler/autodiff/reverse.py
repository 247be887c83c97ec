"""Reverse mode: cotangents from outputs back to what they are made of."""

from __future__ import annotations

from collections.abc import Sequence

from symseq.graph import Apply, BodyOp, Variable
from symseq.span import deriving
from symseq.traverse import depends_on, sort_nodes


def differentiate(
    outputs: Sequence[Variable],
    cotangents: Sequence[Variable | None],
    wrt: Sequence[Variable],
) -> list[Variable | None]:
    """Σ over outputs of cotangent · ∂output/∂w, for each w; None where none flows.

    Nodes that do not read any of `wrt` are not walked; new nodes carry the lines of
    the nodes that they differentiate.
    """
    useful = depends_on(outputs, wrt)
    sums: dict[int, Variable] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if cotangent is not None:
            _accumulate(sums, output, cotangent)
    targets = {id(w) for w in wrt}
    for node in reversed(sort_nodes(outputs)):
        if any(id(v) in useful for v in node.inputs):
            _backward(node, sums, useful)
    return [sums.get(id(w)) if id(w) in targets else None for w in wrt]


def _backward(node: Apply, sums: dict[int, Variable], useful: set[int]) -> None:
    cotangents = [sums.get(id(v)) for v in node.outputs]
    if all(g is None for g in cotangents):
        return
    with deriving(node.spans, "gradient"):
        found = pull_back(node, cotangents)
        for variable, cotangent in zip(node.inputs, found, strict=True):
            if cotangent is not None and id(variable) in useful:
                _accumulate(sums, variable, cotangent)


def pull_back(
    node: Apply, cotangents: Sequence[Variable | None]
) -> Sequence[Variable | None]:
    """One node's rule: cotangents of its outputs to those of its inputs."""
    if isinstance(node.op, BodyOp):
        return node.op.vjp_body(node.inputs, node.outputs, cotangents, differentiate)
    return node.op.vjp(node.inputs, node.outputs, cotangents)


def _accumulate(sums: dict[int, Variable], variable: Variable, g: Variable) -> None:
    if not variable.type.is_float:
        return
    known = sums.get(id(variable))
    sums[id(variable)] = g if known is None else known + g
