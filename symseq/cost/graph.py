"""The cost of each node of a graph, those inside of loops too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from symseq import lengths
from symseq.cost import table
from symseq.cost.given import Shapes, read_shapes
from symseq.cost.work import Amount, Cost, cost_of_op
from symseq.errors import SymseqError
from symseq.graph import Apply, Arg, BodyOp, Variable, known_length
from symseq.lengths import Length
from symseq.printing.inside import variables_of
from symseq.scan.body import Body, infer_body
from symseq.scan.control import IfElse
from symseq.scan.op import Scan
from symseq.traverse import leaves, sort_nodes
from symseq.types import TensorType

__all__ = ["CostedNode", "Costs", "costs", "number", "table"]


@dataclass(frozen=True, slots=True)
class CostedNode:
    """A node and what it takes: a loop's cost is that of all its steps.

    ``runs`` is how often it is run in a call (None: not known); ``around`` are the
    nodes whose bodies it is in, outermost first; ``bodies`` has what its own bodies do.
    """

    node: Apply
    cost: Cost
    types: tuple[TensorType, ...]
    runs: Length = 1
    around: tuple[Apply, ...] = ()
    bodies: tuple[tuple[CostedNode, ...], ...] = ()

    @property
    def total(self) -> Cost:
        """The cost in a call."""
        return self.cost.times(self.runs)

    def everything(self) -> Iterator[CostedNode]:
        """The node and those in its bodies, at any depth."""
        yield self
        for body in self.bodies:
            for inner in body:
                yield from inner.everything()


@dataclass(frozen=True)
class Costs:
    """What a graph takes, by node."""

    nodes: tuple[CostedNode, ...]

    @cached_property
    def total(self) -> Cost:
        return _sum(self.nodes)

    def everything(self) -> Iterator[CostedNode]:
        """All nodes, those in bodies too."""
        for node in self.nodes:
            yield from node.everything()


def costs(what: object, shapes: Shapes | None = None) -> Costs:
    """What each node of the graph of `what` takes, as polynomials of named lengths.

    A loop takes its steps times what its body does (an until-loop at most that), an
    ifelse what covers both branches. With `shapes`, such as ``{"T": 50}`` or
    ``{x: (50, 16)}``, in numbers.

    Raises: UsageError, ShapeError for shapes that do not fit.

    >>> import symseq as ss
    >>> B, D, H = ss.dims("B D H")
    >>> x, w = (ss.TensorType("float32", s)() for s in ((B, D), (D, H)))
    >>> costs(x @ w).total.flops, costs(x @ w, {"B": 2, "D": 3, "H": 4}).total.flops
    (2B*D*H, 48)
    """
    outputs = variables_of(what)
    if shapes is None:
        return Costs(_scope(sort_nodes(outputs), {}))
    given, read = read_shapes(shapes, outputs), leaves(outputs)
    known: dict[Variable, Arg] = {v: given.known(v) for v in read}
    inferred = infer_body(Body(tuple(read), tuple(outputs)), list(known.values()))
    return Costs(_scope(sort_nodes(outputs), known | inferred))


def number(amount: Amount) -> int | None:
    """An amount as a number, where it is one."""
    return lengths.size_of(amount)


def _sum(nodes: Sequence[CostedNode]) -> Cost:
    total = Cost()
    for node in nodes:
        total += node.cost
    return total


Table = dict[Variable, Arg]


def _scope(
    nodes: Sequence[Apply],
    known: Table,
    runs: Length = 1,
    around: tuple[Apply, ...] = (),
) -> tuple[CostedNode, ...]:
    """The nodes of one body; ``known`` has what is known beyond their types."""
    return tuple(_node(node, known, runs, around) for node in nodes)


def _node(
    node: Apply, known: Table, runs: Length, around: tuple[Apply, ...]
) -> CostedNode:
    args = [known.get(v, v) for v in node.inputs]
    types = tuple(known.get(v, v).type for v in node.outputs)
    if not isinstance(node.op, BodyOp):
        cost = _said(cost_of_op(node.op, args, types), known)
        return CostedNode(node, cost, types, runs, around)
    trips = _trips(node.op, args)
    inside = (*around, node)
    times = lengths.multiply(runs, trips)
    bodies, cost = [], Cost()
    for body, inner in _bodies(node.op, args, bool(known)):
        bodies.append(_scope(body.nodes, inner or {}, times, inside))
        if inner is not None:
            one = _sum(bodies[-1])
            cost = cost.cover(one) if isinstance(node.op, IfElse) else cost + one
    cost = _said(cost.times(trips), known)
    return CostedNode(node, cost, types, runs, around, tuple(bodies))


def _said(cost: Cost, known: Table) -> Cost:
    """In numbers where shapes are given."""
    return cost.in_numbers() if known else cost


def _trips(op: BodyOp, args: Sequence[Arg]) -> Length:
    """How often a body is run: an until-loop at most so often."""
    if not isinstance(op, Scan):
        return 1
    return known_length(args[0])


def _bodies(
    op: BodyOp, args: Sequence[Arg], refine: bool
) -> Iterator[tuple[Body, Table | None]]:
    """Each body, and what is known in it; None for a branch that cannot be taken."""
    for inputs, outputs in op.bodies():
        body = Body(tuple(inputs), tuple(outputs))
        if not refine:
            yield body, {}
            continue
        first = len(args) - len(inputs)
        rows = op.row_args(args) if isinstance(op, Scan) else args[first:]
        try:
            yield body, infer_body(body, rows)
        except SymseqError:
            yield body, None
