"""Reverse mode: from cotangents of outputs to cotangents of variables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from symseq.errors import SymseqError, UsageError
from symseq.graph import Apply, BodyOp, Constant, Variable, operands
from symseq.lengths import differ
from symseq.span import GRADIENT, deriving
from symseq.traverse import sort_nodes

from .ends import end_gradient
from .logarithms import log_gradient

MOST_COMPARED = 64  # elements: larger constants are equal only to themselves


def differentiate(
    outputs: Sequence[Variable],
    cotangents: Sequence[Variable | None],
    wrt: Sequence[Variable],
) -> list[Variable | None]:
    """∂(Σ cotangents · outputs)/∂wrt, each of its variable's type; None: unconnected.

    Only nodes between `wrt` and `outputs` are visited. The new nodes carry the lines of
    the nodes that they are gradients of.

    Raises: NullTypeGradError where the path crosses an op whose gradient is unknown.
    """
    sweep = pull_back(outputs, cotangents, wrt)
    return [sweep.sums.get(id(variable)) for variable in wrt]


@dataclass(slots=True)
class Sweep:
    """One way back through a graph.

    ``nodes`` read ``wrt`` on the way to the outputs, ``reached`` has the ids of all
    they touch, ``sums`` what each variable received, by its id; ``known`` ones
    receive nothing more. ``same`` has the ids of equal values that receive for others.
    """

    nodes: list[Apply]
    reached: set[int]
    known: set[int]
    same: dict[int, int] = field(default_factory=dict)
    sums: dict[int, Variable] = field(default_factory=dict)

    def key(self, variable: Variable) -> int:
        """The id under which `sums` has what the variable received."""
        return self.same.get(id(variable), id(variable))

    def receive(
        self, variable: Variable, g: Variable | None, node: Apply | None = None
    ) -> None:
        """Add `g` to what `variable` has received, if it counts at all."""
        key = self.key(variable)
        if g is None or key not in self.reached or not variable.type.is_float:
            return
        check_type(variable, g, node)
        if key not in self.known:
            before = self.sums.get(key)
            self.sums[key] = g if before is None else before + g


def pull_back(
    outputs: Sequence[Variable],
    cotangents: Sequence[Variable | None],
    wrt: Sequence[Variable],
    *,
    constant: Iterable[Variable] = (),
    known: Mapping[Variable, Variable] | None = None,
) -> Sweep:
    """Send `cotangents` back to `wrt`, not past what is `constant`.

    The gradient of a `known` variable is what is said there, whatever else reads it.
    """
    known, constant = known or {}, list(constant)
    wanted = {id(v) for v in (*wrt, *constant, *known)}
    sweep = between([*outputs, *known], wrt, constant)
    sweep.same = equals(sort_nodes([*outputs, *known]), wanted)
    for variable, said in known.items():
        sweep.receive(variable, said)
        sweep.known.add(id(variable))
    for output, cotangent in zip(outputs, cotangents, strict=True):
        sweep.receive(output, cotangent)
    for node in reversed(sweep.nodes):
        received = [
            sweep.sums.get(id(v)) if v.type.is_float else None for v in node.outputs
        ]
        if all(g is None for g in received):
            continue
        with deriving(node.spans, GRADIENT):
            for variable, g in pulled(node, received, wanted):
                sweep.receive(variable, g, node)
    return sweep


def between(
    outputs: Sequence[Variable],
    wrt: Sequence[Variable],
    constant: Iterable[Variable] = (),
) -> Sweep:
    """The nodes that read `wrt` on the way to `outputs`, not through `constant`."""
    reached = {id(variable) for variable in wrt}
    blocked = {id(variable) for variable in constant} - reached
    nodes = []
    for node in sort_nodes(outputs):
        if any(id(v) in reached for v in node.inputs):
            nodes.append(node)
            reached.update(id(v) for v in node.outputs if id(v) not in blocked)
    return Sweep(nodes, reached, set())


def equals(nodes: Iterable[Apply], apart: Collection[int]) -> dict[int, int]:
    """Which values are made twice: their ids, each with the id of the first equal one.

    An expression that was written twice so gets one gradient, as if it had a name:
    g·e + h·e is ∞ − ∞ where (g + h)·e is finite. Those `apart` (ids) equal no other.
    """
    same: dict[int, int] = {}
    first: dict[object, Apply] = {}

    def key(variable: Variable) -> object:
        small = isinstance(variable, Constant) and variable.data.size <= MOST_COMPARED
        if not small or id(variable) in apart:
            return same.get(id(variable), id(variable))
        data = variable.data
        return data.dtype.str, data.shape, data.tobytes()

    for node in nodes:
        if any(id(v) in apart for v in node.outputs):
            continue
        twin = first.setdefault((node.op, *map(key, node.inputs)), node)
        if twin is not node:
            pairs = zip(node.outputs, twin.outputs, strict=True)
            same.update((id(v), id(other)) for v, other in pairs)
    return same


def pulled(
    node: Apply, received: Sequence[Variable | None], wanted: Collection[int]
) -> list[tuple[Variable, Variable | None]]:
    """What the node sends back, and to whom: to its inputs, or past them."""
    g = received[0]
    past = None
    if g is not None:
        past = log_gradient(node, g, wanted) or end_gradient(node, g)
    if past is not None:
        return [past]
    return list(zip(node.inputs, node_gradient(node, received), strict=True))


def node_gradient(
    node: Apply, received: Sequence[Variable | None]
) -> Sequence[Variable | None]:
    """One cotangent per input of `node`, from those of its outputs."""
    try:
        if isinstance(node.op, BodyOp):
            return node.op.vjp_body(node.inputs, node.outputs, received, differentiate)
        return node.op.vjp(node.inputs, node.outputs, received)
    except SymseqError as error:
        raise error.at(node.spans[0], operands(node.inputs)) from None


def check_type(variable: Variable, g: Variable, node: Apply | None) -> None:
    """A cotangent has the dtype, the rank and the lengths of its variable.

    Raises: UsageError, at the line of the op whose gradient rule is wrong.
    """
    pairs = zip(g.type.shape, variable.type.shape, strict=False)
    if (
        g.dtype != variable.dtype
        or g.ndim != variable.ndim
        or any(differ(a, b) for a, b in pairs)
    ):
        who = "a cotangent" if node is None else f"the gradient of {node.op}"
        raise UsageError(
            f"{who} must have the type {variable.type} of {variable.label}; "
            f"got {g.type}"
        ).at(variable.span if node is None else node.spans[0])
