"""From a graph to DOT text: a shape per op and kind of variable, a frame per loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import graphviz  # type: ignore[import-untyped]

from symseq.draw import style
from symseq.draw.labels import (
    COMMUTATIVE,
    base_name,
    inline,
    is_padding,
    op_label,
    op_style,
    skips_initial,
    source,
    tooltip,
)
from symseq.graph import Apply, Constant, SharedVariable, Variable
from symseq.printing.formula import Term, length_term
from symseq.printing.inside import Inside, Port, insides
from symseq.printing.pprint import (
    STEPS,
    Names,
    constant_term,
    known_lengths,
    named_views,
    wanted_name,
)
from symseq.scan.op import Scan
from symseq.traverse import sort_nodes

# From so many nodes on, a leaf is drawn anew at each use: one with a thousand long
# edges makes no layout.
LARGE = 300
# From so many on, types move from labels to tooltips: Graphviz lays out a label as one
# more row, and its WebAssembly build has a short stack.
HUGE = 1000


@dataclass
class Sheet:
    """The whole picture: counts the nodes and remembers which kinds there are."""

    size: int = 0  # of the graph outside its loops
    kinds: set[str] = field(default_factory=set)
    nodes: int = 0
    frames: int = 0
    # By a variable's id: its drawn node, a loop's name for it, its text in place.
    places: dict[int, str] = field(default_factory=dict)
    called: dict[int, str] = field(default_factory=dict)
    texts: dict[int, Term] = field(default_factory=dict)
    outer: graphviz.Digraph = field(default_factory=graphviz.Digraph)

    def node(
        self, into: graphviz.Digraph, kind: str, label: str, tip: str, **more: str
    ) -> str:
        self.kinds.add(kind)
        self.nodes += 1
        name = f"n{self.nodes}"
        look = {**style.STYLES[kind], **more, "tooltip": escape(tip or label)}
        into.node(name, escape(label), **look)
        return name


@dataclass
class Drawer:
    """Draws one body (or the whole graph) into `canvas`."""

    sheet: Sheet
    canvas: graphviz.Digraph
    depth: int = 0
    # How many initial rows a loop's history has, by the history's id.
    histories: dict[int, int] = field(default_factory=dict)

    def draw(self, outputs: Sequence[Variable], stop: Sequence[Variable] = ()) -> None:
        hidden = known_lengths(outputs, stop)
        shown = {id(v) for v in outputs}
        stop = [*stop, *(v for v in hidden if id(v) not in shown)]
        nodes = sort_nodes(outputs, stop)
        views = named_views(nodes)
        for node in nodes:
            bodies = insides(node)
            if bodies:
                self.frames(node, bodies, views)
            elif is_padding(node) or inline(node.outputs[0]) is not None:
                continue
            elif skips_initial(node, self.histories.get(id(node.inputs[0]), -1)):
                for table in (self.sheet.places, self.sheet.called):
                    table[id(node.outputs[0])] = table[id(node.inputs[0])]
            else:
                self.op(node)

    def op(self, node: Apply) -> None:
        texts = [self.text(v) for v in node.inputs]
        label, is_sign = op_label(node, texts)
        kind = "sign" if is_sign else op_style(node)
        if node.outputs[0].name:
            label = f"{node.outputs[0].name} = {label}"
            kind = "op" if kind == "view" else kind
        more = {}
        if node.op.name not in COMMUTATIVE and len(node.inputs) > 1:
            more["ordering"] = "in"
        name = self.sheet.node(self.canvas, kind, label, tooltip(node), **more)
        self.sheet.places.update({id(v): name for v in node.outputs})
        for variable, text in zip(node.inputs, texts, strict=True):
            if text is None:
                self.edge(variable, name)

    def text(self, variable: Variable) -> Term | None:
        """What is written in place of an edge, if anything."""
        variable = source(variable)
        return self.sheet.texts.get(id(variable)) or inline(variable)

    def edge(self, variable: Variable, to: str, **more: str) -> None:
        variable = source(variable)
        place, label = self.place(variable), escape(f" {variable.type} ")
        where = "label" if self.sheet.size <= HUGE else "tooltip"
        self.sheet.outer.edge(place, to, **{where: label, **more})

    def place(self, variable: Variable) -> str:
        """The node that shows a variable: a leaf is drawn at its first use."""
        variable = source(variable)
        place = self.sheet.places.get(id(variable))
        if place is None:
            place = self.leaf(variable)
            if self.sheet.size <= LARGE:
                self.sheet.places[id(variable)] = place
        return place

    def leaf(self, variable: Variable) -> str:
        tip = f"{variable.span}  {variable.span.text}".rstrip()
        if isinstance(variable, SharedVariable):
            return self.sheet.node(
                self.canvas, "shared", variable.name or "shared", tip
            )
        text = inline(variable)
        if isinstance(variable, Constant) or text is not None:
            if isinstance(variable, Constant):
                text = Term(variable.name or constant_term(variable).text)
            assert text is not None
            return self.sheet.node(self.canvas, "constant", text.text, tip)
        return self.sheet.node(self.canvas, "input", variable.name or "input", tip)

    def frames(
        self, node: Apply, bodies: Sequence[Inside], views: dict[int, str]
    ) -> None:
        """A frame per body, its inputs at the top, its results at the bottom."""
        ends = []
        for body in bodies:
            self.sheet.frames += 1
            frame = graphviz.Digraph(name=f"cluster{self.sheet.frames}")
            fresh = Names().fresh
            names = [fresh(wanted_name(result, views)) for result in body.results]
            inner = Drawer(self.sheet, frame, self.depth + 1)
            inner.label(body.title + self.trips(body), tooltip(node))
            tops = [(port, self.port(port, inner, names)) for port in body.ports]
            extra = self.counter(body, inner)
            inner.draw(body.outputs, body.inputs)
            bottoms = inner.results(body, names)
            inner.align([*(top for _, top in tops), extra])
            inner.align(bottoms)
            ends.append(bottoms)
            self.canvas.subgraph(frame)
            if isinstance(node.op, Scan):
                self.carry(tops, bottoms, inner.step)
                for spec, history in zip(node.op.states, node.outputs, strict=False):
                    if not spec.last_only:
                        self.histories[id(history)] = spec.depth

        if len(bodies) > 1:
            self.choose(node, bodies, ends)

    def choose(
        self, node: Apply, bodies: Sequence[Inside], ends: Sequence[Sequence[str]]
    ) -> None:
        """A node that takes one frame's results, and reads what decides."""
        name = self.sheet.node(self.canvas, "op", node.op.name, tooltip(node))
        for variable in node.inputs[: len(node.inputs) - len(bodies[0].ports)]:
            self.edge(variable, name)
        for bottoms in ends:
            for bottom in bottoms:
                self.sheet.outer.edge(bottom, name)
        self.sheet.places.update({id(v): name for v in node.outputs})

    @property
    def step(self) -> str:
        """The letter that counts the steps here: t, in a nested loop s."""
        return STEPS[self.depth - 1] if self.depth <= len(STEPS) else f"t{self.depth}"

    def align(self, names: Sequence[str]) -> None:
        """Put nodes into one row."""
        with self.canvas.subgraph() as row:
            row.attr(rank="same")
            for name in filter(None, names):
                row.node(name)

    def label(self, title: str, tip: str) -> None:
        look = {**style.CLUSTER, "fillcolor": style.DEPTHS[min(self.depth, 4) - 1]}
        self.canvas.attr(label=escape(title), tooltip=escape(tip), **look)

    def trips(self, body: Inside) -> str:
        if body.trips is None:
            return ""
        held = body.trips.held
        if held is not None and not isinstance(held, tuple):
            return f" × {length_term(held).within(10)}"
        text = self.text(body.trips)
        return f" × {text.text if text else body.trips.name or 'n_steps'}"

    def counter(self, body: Inside, inner: Drawer) -> str:
        """The port for a computed number of steps; '' where it is known."""
        if body.trips is None or self.text(body.trips) is not None:
            return ""
        label = body.trips.name or "n_steps"
        name = self.sheet.node(inner.canvas, "port", label, "the number of steps")
        self.edge(body.trips, name)
        return name

    def port(self, port: Port, inner: Drawer, names: Sequence[str]) -> str:
        """A body's input and the edge from outside; nothing for what is inlined."""
        if port.outer is None:
            return ""
        text = self.text(port.outer)
        if text is not None and port.role in ("constant", "input"):
            self.sheet.texts[id(port.inner)] = text
            return ""
        outer = source(port.outer)
        base, step = base_name(outer, self.sheet.called), inner.step
        kind, label = {
            "sequence": ("sequence", f"{base}[{step}]"),
            "state": (
                "state",
                f"{names[port.state]}[{step}{port.tap}]" if names else "",
            ),
        }.get(port.role, ("port", outer.name or port.inner.name or "constant"))
        tip = f"{port.role} {outer.label}: {port.inner.type} at each step"
        name = self.sheet.node(inner.canvas, kind, label, tip)
        self.sheet.places[id(port.inner)] = name
        self.edge(port.outer, name)
        return name

    def results(self, body: Inside, names: Sequence[str]) -> list[str]:
        """A node per result, at the bottom of the frame."""
        made = []
        for result, name in zip(body.results, names, strict=True):
            kind = "state" if result.role == "state" else "result"
            label = "until" if result.role == "until" else name
            if body.trips is not None and result.role != "until":
                label = f"{name}[{self.step}]"
            bottom = self.sheet.node(self.canvas, kind, label, f"{result.role} {name}")
            self.edge(result.inner, bottom)
            if result.outer is not None:
                self.sheet.places[id(result.outer)] = bottom
                self.sheet.called[id(result.outer)] = name
            made.append(bottom)
        return made

    def carry(
        self, tops: Sequence[tuple[Port, str]], bottoms: Sequence[str], step: str
    ) -> None:
        """Dashed edges from each state's new value back to its taps."""
        for port, top in tops:
            if port.role == "state":
                label = f" {step}{port.tap} ".replace("-", "−")
                self.sheet.outer.edge(bottoms[port.state], top, label, **style.CARRIED)


def escape(text: str) -> str:
    """Text as Graphviz wants it: no HTML, lines ended by its own mark."""
    escaped: str = graphviz.nohtml(graphviz.escape(text).replace("\n", "\\n"))
    return escaped


def dot_text(outputs: Sequence[Variable], legend: bool = True) -> str:
    """The picture of `outputs` in the DOT language; equal graphs give equal text."""
    sheet = Sheet(len(sort_nodes(outputs)))
    graph = sheet.outer
    graph.attr("graph", **style.GRAPH)
    graph.attr("node", **style.NODE)
    graph.attr("edge", **style.EDGE)
    drawer = Drawer(sheet, graphviz.Digraph())
    drawer.draw(outputs)
    ends = []
    for number, output in enumerate(outputs):
        plain = "output" if len(outputs) == 1 else f"output {number}"
        tip = f"{output.span}  {output.span.text}".rstrip()
        end = sheet.node(drawer.canvas, "output", output.name or plain, tip)
        drawer.edge(output, end)
        ends.append(end)
    edges, graph.body = graph.body[3:], [*graph.body[:3], *drawer.canvas.body]
    graph.body += edges
    if legend and ends:
        _legend(graph, sheet.kinds, ends)
    return str(graph.source)


def _legend(graph: graphviz.Digraph, kinds: set[str], ends: Sequence[str]) -> None:
    """A row of the kinds that are in the picture, under it."""
    with graph.subgraph(name="cluster_legend") as row:
        row.attr(style="rounded", color=style.FAINT, margin="6", label="", rank="same")
        shown = [(kind, text) for kind, text in style.LEGEND if kind in kinds]
        for kind, text in shown:
            look = {**style.STYLES[kind], "fontsize": "8", "height": "0.2"}
            row.node(f"legend_{kind}", text, **look)
    for end in ends:
        graph.edge(end, f"legend_{shown[len(shown) // 2][0]}", style="invis")
