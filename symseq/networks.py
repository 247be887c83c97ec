"""A graph as networkx has it, with types, lines, groups and costs: for questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import networkx as nx

from symseq.cost.given import Shapes
from symseq.cost.graph import CostedNode, costs
from symseq.cost.work import Cost
from symseq.graph import Apply, Constant, SharedVariable, Variable
from symseq.groups import group_of, labels, shared_in_groups
from symseq.lengths import Length, size_of
from symseq.printing.inside import Inside, insides, variables_of
from symseq.printing.pprint import constant_term
from symseq.span import GRADIENT, Span

# What a file of XML cannot hold, or would change.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

__all__ = ["loop_body", "to_networkx"]


def to_networkx(what: object, shapes: Shapes | None = None) -> nx.MultiDiGraph[str]:
    """The graph of `what`, its loops' bodies included, as one flat ``MultiDiGraph``.

    Nodes are operations (``kind`` "op"), leaves ("input", "shared", "constant"), what
    a body is given ("sequence", "state", "port") and "output"s. Each has ``label``,
    ``type``, ``dtype``, ``shape``, ``line``, ``text``, ``group`` ("encoder/lstm"),
    ``loop`` (the node whose body it is in, or "") and ``depth``; operations ``op``,
    ``gradient`` and their cost: ``flops``, ``transcendental``, ``bytes`` as numbers
    (absent where lengths have no size; see `shapes`) and as formulas
    (``flops_formula``, ...), of one run; ``runs`` is how often they run in a call. A
    loop's cost is that of all its steps. Shared variables have ``elements``.

    Edges carry a variable: ``label``, ``type``, ``dtype``, ``shape``, ``output`` and
    ``input`` (the places) and a ``role``: "data"; "enters" and "leaves" a body;
    "carried" from step to step, with its ``tap``; "update" of a shared variable.
    Without the last two it has no cycle.

    All attributes are strings, numbers and bools, so that ``nx.write_graphml`` and
    ``nx.node_link_data`` keep them; `loop_body` finds the body of a loop again.

    Args:
        what: a variable, several, a function, or an object with ``outputs``.
        shapes: lengths in numbers, such as ``{"T": 50}`` or ``{x: (50, 16)}``.
    Raises: UsageError, ShapeError for shapes that do not fit.

    >>> import symseq as ss
    >>> x = ss.tensor.vector("x")
    >>> graph = to_networkx(ss.tensor.exp(x), {x: (5,)})
    >>> [(data["label"], data.get("flops")) for _, data in graph.nodes(data=True)]
    [('x', None), ('exp', 5), ('output', None)]
    """
    outputs = variables_of(what)
    updates = getattr(what, "updates", None)
    pairs = list(updates.items()) if isinstance(updates, dict) else []
    made = _Network(shapes)
    made.add_graph(outputs, pairs)
    return made.graph


def loop_body(graph: nx.MultiDiGraph[str], loop: str) -> nx.MultiDiGraph[str]:
    """The part of `graph` inside of a node with a body, loops in it included.

    >>> import symseq as ss
    >>> h, _ = ss.scan(lambda h: h * 2, outputs_info=[ss.tensor.vector("h")], n_steps=3)
    >>> graph = to_networkx(h)
    >>> (loop,) = [name for name, data in graph.nodes(data=True) if data["body"]]
    >>> sorted(data["label"] for _, data in loop_body(graph, loop).nodes(data=True))
    ['2', 'dimshuffle(x)', 'h[t-1]', 'mul']
    """
    inside, size = {loop}, 0
    while size < len(inside):
        size = len(inside)
        inside |= {n for n, above in graph.nodes(data="loop") if above in inside}
    return graph.subgraph(inside - {loop}).copy()


@dataclass(slots=True)
class _Place:
    """Where nodes are added: the loop around, and who made which variable there."""

    loop: str = ""
    depth: int = 0
    makers: dict[Variable, str] = field(default_factory=dict)


class _Network:
    """A networkx graph under construction."""

    def __init__(self, shapes: Shapes | None) -> None:
        self.graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        self.shapes = shapes
        self.groups: dict[SharedVariable, tuple[str, ...]] = {}

    def add_graph(
        self,
        outputs: Sequence[Variable],
        updates: Sequence[tuple[SharedVariable, Variable]],
    ) -> None:
        wanted = [*outputs, *(new for _, new in updates)]
        self.groups = shared_in_groups(wanted)
        place = _Place()
        for node in costs(wanted, self.shapes).nodes:
            self.add_node(node, place)
        for k, v in enumerate(outputs):
            name = self.add("output", v.name or "output", place, v)
            self.connect(self.maker(v, place), name, v, "data", k)
        for variable, new in updates:
            shared = self.maker(variable, place)
            self.connect(self.maker(new, place), shared, new, "update", 0)

    def add(
        self, kind: str, label: str, place: _Place, *variables: Variable, **more: Any
    ) -> str:
        """A new node; its name."""
        name = f"n{len(self.graph)}"
        facts = {
            "kind": kind, "label": plain(label), "op": "",
            "type": "; ".join(str(v.type) for v in variables),
            "dtype": "; ".join(v.dtype for v in variables),
            "shape": "; ".join(map(_shape, variables)),
            "line": "", "text": "", "group": "", "loop": place.loop,
            "depth": place.depth, "gradient": False, "body": False,
        }  # fmt: skip
        if variables and kind != "op":
            facts |= _written(variables[0].span)
        self.graph.add_node(name, **(facts | more))
        return name

    def maker(self, variable: Variable, place: _Place) -> str:
        """The node that makes a variable; a leaf is added where it is first read."""
        found = place.makers.get(variable)
        if found is None:
            found = place.makers[variable] = self.add_leaf(variable, place)
        return found

    def add_leaf(self, variable: Variable, place: _Place) -> str:
        if isinstance(variable, Constant):
            label = variable.name or constant_term(variable).text
            return self.add("constant", label, place, variable, line="", text="")
        if isinstance(variable, SharedVariable):
            group = "/".join(map(plain, self.groups.get(variable, ())))
            elements = int(variable.storage.size)
            return self.add(
                "shared", variable.label, place, variable, group=group,
                elements=elements,
            )  # fmt: skip
        return self.add("input", variable.label, place, variable)

    def add_node(self, costed: CostedNode, place: _Place) -> None:
        node = costed.node
        bodies = insides(node)
        facts = _facts(node) | _said(costed.cost) | _runs(costed.runs)
        name = node.outputs[0].name if len(node.outputs) == 1 else None
        read = [(self.maker(v, place), v) for v in node.inputs]
        made = self.add(
            "op", name or str(node.op), place, *node.outputs,
            **facts, body=bool(bodies), **_trips(bodies),
        )  # fmt: skip
        for k, (maker, v) in enumerate(read):
            self.connect(maker, made, v, "data", k)
        for inside, inner in zip(bodies, costed.bodies, strict=True):
            self.add_body(inside, inner, made, place)
        place.makers.update(dict.fromkeys(node.outputs, made))

    def add_body(
        self, inside: Inside, nodes: Sequence[CostedNode], loop: str, around: _Place
    ) -> None:
        """What a body is given, its nodes, and what it hands out."""
        place = _Place(loop, around.depth + 1)
        states: dict[int, list[tuple[str, int]]] = {}
        for port in inside.ports:
            kind = port.role if port.role in ("sequence", "state") else "port"
            label = port.inner.name or (port.outer or port.inner).label
            name = place.makers[port.inner] = self.add(kind, label, place, port.inner)
            if port.role == "state":
                states.setdefault(port.state, []).append((name, port.tap))
            if port.outer is not None:
                made = self.maker(port.outer, around)
                self.connect(made, name, port.outer, "enters", 0)
        for node in nodes:
            self.add_node(node, place)
        for k, result in enumerate(inside.results):
            made = self.maker(result.inner, place)
            self.connect(made, loop, result.inner, "leaves", k)
            if result.role == "state":
                for name, tap in states.get(result.state, ()):
                    self.connect(made, name, result.inner, "carried", 0, tap=tap)

    def connect(
        self, start: str, end: str, v: Variable, role: str, place: int, **more: int
    ) -> None:
        self.graph.add_edge(
            start, end, label=plain(v.name or ""), type=str(v.type), dtype=v.dtype,
            shape=_shape(v), output=v.index, input=place, role=role, **more,
        )  # fmt: skip


def plain(text: str) -> str:
    """`text` without the control characters that XML cannot hold."""
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def _shape(v: Variable) -> str:
    return str(v.type).removeprefix(v.dtype)


def _written(span: Span) -> dict[str, Any]:
    return {"line": plain(str(span)), "text": plain(span.text)}


def _facts(node: Apply) -> dict[str, Any]:
    facts: dict[str, Any] = _written(node.spans[0]) if node.spans else {}
    path = "/".join(map(plain, labels(group_of(node))))
    facts |= {"op": plain(node.op.name), "group": path}
    return facts | {"gradient": node.kind == GRADIENT}


def _said(cost: Cost) -> dict[str, Any]:
    """Amounts as formulas, and as numbers where they are."""
    amounts = {
        "flops": cost.flops,
        "transcendental": cost.transcendental,
        "bytes": cost.bytes,
    }
    facts: dict[str, Any] = {"unknown": cost.unknown}
    for name, amount in amounts.items():
        facts[f"{name}_formula"] = str(amount)
        size = size_of(amount)
        if size is not None:
            facts[name] = int(size)
    return facts


def _runs(runs: Length) -> dict[str, Any]:
    size = size_of(runs)
    known = {} if size is None else {"runs": int(size)}
    return {"runs_formula": "?" if runs is None else str(runs), **known}


def _trips(bodies: Sequence[Inside]) -> dict[str, Any]:
    """How many steps a loop does, as a formula."""
    trips = bodies[0].trips if bodies else None
    if trips is None:
        return {}
    held = trips.held
    return {"steps": "?" if held is None else str(held)}
