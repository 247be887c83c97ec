"""A graph opened for lowering: loops' bodies cloned, what lengths depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from symseq.graph import Apply, BodyOp, Constant, Variable
from symseq.lengths import size_of
from symseq.ops.shape import ShapeOf
from symseq.scan.control import IfElse
from symseq.scan.op import Scan
from symseq.traverse import clone, sort_nodes
from symseq.types import is_integer


@dataclass(eq=False, slots=True)
class Scope:
    """The nodes of a graph or a loop's body, in order, and the scopes of its loops."""

    inputs: list[Variable]
    outputs: list[Variable]
    nodes: list[Apply]
    bodies: dict[int, Scope] = field(default_factory=dict)
    unsettled: list[Apply] = field(init=False)  # nodes whose lengths a call decides

    def __post_init__(self) -> None:
        self.unsettled = unsettled(self.nodes)

    def body(self, node: Apply) -> Scope:
        return self.bodies[id(node)]


def unsettled(nodes: Sequence[Apply]) -> list[Apply]:
    """The nodes without those whose lengths were all known, and fit, when built."""
    return [node for node in nodes if not _is_settled(node)]


def _is_settled(node: Apply) -> bool:
    if isinstance(node.op, BodyOp) or node.op.dynamic:
        return False
    for variable in node.inputs:
        if not isinstance(variable, Constant) and (
            None in variable.type.sizes or _may_be_index(variable)
        ):
            return False
    return all(None not in v.type.sizes for v in node.outputs)


def _may_be_index(variable: Variable) -> bool:
    return variable.ndim <= 1 and is_integer(variable.dtype)


def open_scope(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> Scope:
    """The scope of a graph; every loop gets body variables of its own."""
    scope = Scope(list(inputs), list(outputs), sort_nodes(outputs, stop=inputs))
    for node in scope.nodes:
        if isinstance(node.op, Scan):
            fresh, variables = clone(node.op.body.outputs, node.op.body.inputs)
            scope.bodies[id(node)] = open_scope(variables, fresh)
    return scope


@dataclass(eq=False, slots=True)
class Lengths:
    """What is known before a run, by variable id.

    ``dynamic``: a length depends on the contents of an array. ``early``: the value can
    be computed before the run; ``by_value`` are those early ones that read a value of
    an input (not only lengths). ``deciders``: outer nodes whose lengths depend on such.
    ``branches_differ``: no branch of an ifelse is known to have the other's lengths.
    """

    dynamic: set[int] = field(default_factory=set)
    early: set[int] = field(default_factory=set)
    by_value: set[int] = field(default_factory=set)
    branches_differ: bool = False
    deciders: list[Apply] = field(default_factory=list)


def analyse(
    scope: Scope, sources: Sequence[Variable], branches_differ: bool = False
) -> Lengths:
    """Which lengths are known before a run, and which values decide them."""
    found = Lengths(branches_differ=branches_differ)
    for variable in sources:
        found.early.add(id(variable))
        found.by_value.add(id(variable))
    _forward(scope, found, outermost=True)
    return found


def _forward(scope: Scope, found: Lengths, outermost: bool) -> None:
    for node in scope.nodes:
        for variable in node.inputs:
            if isinstance(variable, Constant):
                found.early.add(id(variable))
        deciding = [node.inputs[k] for k in node.op.length_inputs()]
        unknown = any(id(v) not in found.early and v.held is None for v in deciding)
        shaping = [node.inputs[k] for k in node.op.shape_inputs(len(node.inputs))]
        dynamic = node.op.dynamic or unknown or _any(shaping, found.dynamic)
        dynamic |= found.branches_differ and isinstance(node.op, IfElse)
        if isinstance(node.op, Scan):
            body = scope.body(node)
            _enter_body(node, body, found)
            dynamic = dynamic or _any(body.outputs, found.dynamic)
        for variable in node.outputs:
            fixed = all(size_of(n) is not None for n in variable.type.shape)
            if dynamic and not (fixed and not isinstance(node.op, BodyOp)):
                found.dynamic.add(id(variable))
        _mark_early(node, found)
        if outermost and _any(deciding, found.by_value):
            found.deciders.append(node)


def _any(variables: Sequence[Variable], marked: set[int]) -> bool:
    return any(id(v) in marked for v in variables)


def _mark_early(node: Apply, found: Lengths) -> None:
    if isinstance(node.op, ShapeOf):
        if not _any(node.inputs, found.dynamic):
            found.early.update(id(v) for v in node.outputs)
        return
    if isinstance(node.op, BodyOp) or node.op.dynamic:
        return
    if all(id(v) in found.early for v in node.inputs):
        found.early.update(id(v) for v in node.outputs)
        if _any(node.inputs, found.by_value):
            found.by_value.update(id(v) for v in node.outputs)


def body_constants(node: Apply, body: Scope) -> list[tuple[Variable, Variable]]:
    """(outer variable, inner variable) of a loop's constants."""
    op = node.op
    assert isinstance(op, Scan)
    outer = op.constant_inputs(node.inputs)
    return list(zip(outer, body.inputs[len(body.inputs) - len(outer) :], strict=True))


def _enter_body(node: Apply, body: Scope, found: Lengths) -> None:
    for outer, inner in body_constants(node, body):
        for marked in (found.early, found.by_value, found.dynamic):
            if id(outer) in marked:
                marked.add(id(inner))
    _forward(body, found, outermost=False)


def shaping_nodes(scope: Scope, found: Lengths) -> list[Apply]:
    """The outer nodes whose lengths must be known to know the deciders', in order."""
    shapes: set[int] = set()
    needed = {id(node) for node in found.deciders}
    kept: list[Apply] = []
    for node in reversed(scope.nodes):
        if id(node) in needed or any(id(v) in shapes for v in node.outputs):
            kept.append(node)
            shapes.update(id(v) for v in node.inputs)
    return kept[::-1]
