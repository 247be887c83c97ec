"""From a graph to a scene: a node per op and leaf, a frame per loop and group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from symseq.draw.homes import at_home
from symseq.draw.labels import (
    COMMUTATIVE,
    base_name,
    clean,
    inline,
    is_flip,
    is_padding,
    line_of,
    loop_mirrors,
    mirror_step,
    op_label,
    op_style,
    skips_initial,
    source,
    tooltip,
)
from symseq.draw.scene import WHOLE, Edge, Frame, Node, Scene
from symseq.draw.sheet import Sheet
from symseq.graph import Apply, SharedVariable, Variable, known_length
from symseq.printing.formula import Term, length_term
from symseq.printing.inside import Inside, Port, insides
from symseq.printing.pprint import (
    STEPS,
    Names,
    known_lengths,
    named_views,
    plain_name,
    wanted_name,
)
from symseq.printing.textbook import written_names
from symseq.scan.merge import merge_scans
from symseq.scan.op import Scan
from symseq.span import GRADIENT, Group, shared_groups
from symseq.traverse import sort_nodes


@dataclass
class Builder:
    """Adds one body (or the whole graph) to the sheet, in the frame `frame`."""

    sheet: Sheet
    frame: str = WHOLE
    depth: int = 0
    around: tuple[Group, ...] = ()  # the groups that the frame itself is in
    backwards: bool = False
    # How many initial rows a loop's history has, by the history's id.
    histories: dict[int, int] = field(default_factory=dict)
    # What a loop that runs backwards made: its mirror is what the loop's frame shows.
    mirrored: set[int] = field(default_factory=set)

    def build(self, outputs: Sequence[Variable], stop: Sequence[Variable] = ()) -> None:
        hidden = known_lengths(outputs, stop)
        shown = {id(v) for v in outputs}
        stop = [*stop, *(v for v in hidden if id(v) not in shown)]
        nodes = sort_nodes(outputs, stop)
        views, mirrors = named_views(nodes), loop_mirrors(nodes, outputs)
        for number, node in enumerate(nodes):
            bodies, key = insides(node), self.key(f"n{number}")
            if bodies:
                self.bodies(node, key, bodies, views)
            elif id(node) in mirrors or self.needs_no_node(node):
                continue
            elif self.shows_input(node):
                for table in (self.sheet.places, self.sheet.called):
                    table[id(node.outputs[0])] = table[id(node.inputs[0])]
            else:
                self.op(node, key)

    def key(self, own: str) -> str:
        """A key in this body: those of nested bodies begin with their frame's."""
        return f"{self.frame}.{own}" if self.frame else own

    def needs_no_node(self, node: Apply) -> bool:
        return is_padding(node) or inline(node.outputs[0]) is not None

    def shows_input(self, node: Apply) -> bool:
        """Whether a node only cuts or turns a loop's rows into what the loop shows."""
        (rows, *_), (made, *_) = node.inputs or (None,), node.outputs
        if skips_initial(node, self.histories.get(id(rows), -1)):
            if id(rows) in self.mirrored:
                self.mirrored.add(id(made))
            return True
        return id(rows) in self.mirrored and is_flip(made)

    def home(self, node: Apply) -> str:
        """The frame for a node: that of its groups beyond those around this body."""
        groups = shared_groups(node.spans)
        same = 0
        while groups[: same + 1] == self.around[: same + 1] and same < len(groups):
            same += 1
        at, gradient = self.frame, node.kind == GRADIENT
        for size in range(same + 1, len(groups) + 1):
            at = self.group(at, groups[same:size], gradient)
        return at

    def group(self, parent: str, path: tuple[Group, ...], gradient: bool) -> str:
        """The frame of a group, made at its first node."""
        known = (self.frame, gradient, path)
        if known not in self.sheet.groups:
            key = f"g{len(self.sheet.groups)}"
            label = clean(path[-1].label)
            text = f"gradient of {label}" if gradient else label
            tip = " › ".join(group.label for group in path)
            self.sheet.frames[key] = Frame(
                key, "group", text, tip, parent, gradient=gradient, depth=self.depth
            )
            self.sheet.groups[known] = key
        return self.sheet.groups[known]

    def op(self, node: Apply, key: str) -> None:
        texts = [self.text(v) for v in node.inputs]
        label, is_sign = op_label(node, texts)
        kind = "sign" if is_sign else op_style(node)
        if node.outputs[0].name:
            label = f"{clean(node.outputs[0].name)} = {label}"
            kind = "op" if kind == "view" else kind
        self.sheet.add(
            Node(
                key, kind, label, tooltip(node), self.home(node), node.outputs[0], node,
                gradient=node.kind == GRADIENT,
                ordered=node.op.name not in COMMUTATIVE and len(node.inputs) > 1,
            )
        )  # fmt: skip
        self.sheet.places.update({id(v): key for v in node.outputs})
        for variable, text in zip(node.inputs, texts, strict=True):
            if text is None:
                self.edge(variable, key, gradient=node.kind == GRADIENT)

    def text(self, variable: Variable) -> Term | None:
        """What is written in place of an edge, if anything."""
        variable = source(variable)
        return self.sheet.texts.get(id(variable)) or inline(variable)

    def edge(
        self, variable: Variable, to: str, role: str = "data", gradient: bool = False
    ) -> None:
        variable = source(variable)
        place, label = self.place(variable), str(variable.type)
        self.sheet.edges.append(
            Edge(place, to, label, variable, role, gradient=gradient)
        )

    def place(self, variable: Variable) -> str:
        """The node that shows a variable: a leaf is drawn at its first use."""
        place = self.sheet.places.get(id(variable))
        if place is None:
            place = self.sheet.places[id(variable)] = self.sheet.leaf(
                variable, self.frame
            )
        return place

    def bodies(
        self, node: Apply, key: str, bodies: Sequence[Inside], views: dict[int, str]
    ) -> None:
        """A frame per body, its inputs at the top, its results at the bottom."""
        home, many, ends = self.home(node), len(bodies) > 1, []
        for number, body in enumerate(bodies):
            frame = f"{key}.{number}" if many else key
            ends.append(self.body(node, frame, home, body, views))
        if many:
            self.choose(node, key, home, bodies, ends)

    def body(
        self,
        node: Apply,
        key: str,
        home: str,
        body: Inside,
        views: dict[int, str],
    ) -> list[str]:
        turned = runs_back(body)
        backwards = turned and all(is_flip(v) for v in rows_of(body))
        inner = Builder(
            self.sheet, key, self.depth + 1, shared_groups(node.spans), backwards
        )
        gradient = node.kind == GRADIENT
        kind = "branch" if body.trips is None else "loop"
        title = clean(body.title) + self.trips(body)
        if backwards:
            title += f"\nbackwards: {inner.step} = {self.last(body)} … 0"
        elif turned:
            title += "\nbackwards"
        self.sheet.frames[key] = Frame(
            key, kind, title, tooltip(node), home, node, gradient, turned,
            inner.depth,
        )  # fmt: skip
        names = self.result_names(body, views, inner)
        tops = [
            (port, self.port(port, key, number, inner, names))
            for number, port in enumerate(body.ports)
        ]
        self.counter(body, inner)
        inner.build(body.outputs, body.inputs)
        bottoms = inner.results(body, names)
        if isinstance(node.op, Scan):
            inner.carry(tops, bottoms)
            for spec, history in zip(node.op.states, node.outputs, strict=False):
                if not spec.last_only:
                    self.histories[id(history)] = spec.depth
        if backwards:
            self.mirrored.update(id(result.outer) for result in body.results)
        return bottoms

    def result_names(
        self, body: Inside, views: dict[int, str], inner: Builder
    ) -> list[str]:
        """What each result is called; none that has no name as a sequence is."""
        written = written_names(sort_nodes(body.outputs, body.inputs))
        rows = [self.rows_name(p, inner) for p in body.ports if p.role == "sequence"]
        names, fresh = [], Names().fresh
        for result in body.results:
            name = wanted_name(result, views)
            if result.role == "output" and name == "y":
                name = written.get(id(result.inner), "out" if "y" in rows else "y")
            names.append(clean(fresh(name)))
        return names

    def rows_name(self, port: Port, inner: Builder) -> str:
        """What the rows that a loop reads are called."""
        name = plain_name(port.inner.name)
        return clean(base_name(self.rows(port, inner), self.sheet.called, name))

    def rows(self, port: Port, inner: Builder) -> Variable:
        """What feeds a port: of a loop that runs backwards, rows as they were."""
        assert port.outer is not None
        outer = source(port.outer)
        if inner.backwards and port.role == "sequence":
            assert outer.owner is not None
            outer = source(outer.owner.inputs[0])
        return outer

    def choose(
        self,
        node: Apply,
        key: str,
        home: str,
        bodies: Sequence[Inside],
        ends: Sequence[Sequence[str]],
    ) -> None:
        """A node that takes one frame's results, and reads what decides."""
        gradient = node.kind == GRADIENT
        self.sheet.add(
            Node(
                key, "op", node.op.name, tooltip(node), home, node.outputs[0], node,
                gradient=gradient,
            )
        )  # fmt: skip
        for variable in node.inputs[: len(node.inputs) - len(bodies[0].ports)]:
            self.edge(variable, key, gradient=gradient)
        for body, bottoms in zip(bodies, ends, strict=True):
            for result, bottom in zip(body.results, bottoms, strict=True):
                label = str(result.inner.type)
                self.sheet.edges.append(
                    Edge(bottom, key, label, result.inner, gradient=gradient)
                )
        self.sheet.places.update({id(v): key for v in node.outputs})

    @property
    def step(self) -> str:
        """The letter that counts the steps here: t, in a nested loop s."""
        return STEPS[self.depth - 1] if self.depth <= len(STEPS) else f"t{self.depth}"

    def steps(self, body: Inside) -> Term | None:
        """How often a loop runs, where that has a name or a number."""
        if body.trips is None:
            return None
        held = known_length(body.trips)
        if held is not None:
            return length_term(held)
        return self.text(body.trips)

    def trips(self, body: Inside) -> str:
        if body.trips is None:
            return ""
        text = self.steps(body)
        return f" × {text.within(10) if text else clean(body.trips.name or 'n_steps')}"

    def last(self, body: Inside) -> str:
        """The number of the last step: T − 1."""
        held = body.trips.held if body.trips is not None else None
        if isinstance(held, int):
            return str(held - 1)
        text = self.steps(body)
        return f"{text.text if text else 'n_steps'} − 1"

    def counter(self, body: Inside, inner: Builder) -> None:
        """The port for a computed number of steps; none where it is known."""
        if body.trips is None or self.text(body.trips) is not None:
            return
        label = clean(body.trips.name or "n_steps")
        key = self.sheet.add(
            Node(inner.key("steps"), "port", label, "the number of steps", inner.frame,
                 body.trips, row="top")
        )  # fmt: skip
        self.edge(body.trips, key)

    def port(
        self, port: Port, frame: str, number: int, inner: Builder, names: Sequence[str]
    ) -> str:
        """A body's input and the edge from outside; nothing for what is inlined."""
        if port.outer is None:
            return ""
        text = self.text(port.outer)
        if text is not None and port.role in ("constant", "input"):
            self.sheet.texts[id(port.inner)] = text
            return ""
        outer = self.rows(port, inner)
        kind, label = "port", outer.name or port.inner.name or ""
        label = clean(label or base_name(outer, self.sheet.called))
        if port.role == "sequence":
            label = f"{self.rows_name(port, inner)}[{inner.step}]"
            if port.saved:
                label = f"{port.saved[0]}[{inner.step}{port.saved[1]:+d}]"
            kind, called = "sequence", self.sheet.called
            if not port.inner.name:
                called[id(port.inner)] = label
        elif port.role == "state":
            kind, label = "state", f"{names[port.state]}[{inner.before(port.tap)}]"
        tip = f"{port.role} {outer.label}: {port.inner.type} at each step"
        key = self.sheet.add(
            Node(f"{frame}.p{number}", kind, label, tip, frame, port.inner, row="top")
        )
        self.sheet.places[id(port.inner)] = key
        self.edge(outer, key, gradient=self.sheet.frames[frame].gradient)
        return key

    def before(self, tap: int) -> str:
        """The step that a tap reads: t-1; where steps run backwards, t+1."""
        return f"{self.step}{-tap if self.backwards else tap:+d}"

    def results(self, body: Inside, names: Sequence[str]) -> list[str]:
        """A node per result, at the bottom of the frame."""
        made, gradient = [], self.sheet.frames[self.frame].gradient
        for number, (result, name) in enumerate(zip(body.results, names, strict=True)):
            kind = "state" if result.role == "state" else "result"
            label = "until" if result.role == "until" else name
            if body.trips is not None and result.role != "until":
                label = f"{name}[{self.step}]"
            key = self.sheet.add(
                Node(f"{self.frame}.r{number}", kind, label, f"{result.role} {name}",
                     self.frame, result.inner, row="bottom")
            )  # fmt: skip
            self.edge(result.inner, key, gradient=gradient)
            if result.outer is not None:
                self.sheet.places[id(result.outer)] = key
                self.sheet.called[id(result.outer)] = name
            made.append(key)
        return made

    def carry(self, tops: Sequence[tuple[Port, str]], bottoms: Sequence[str]) -> None:
        """Dashed edges from each state's new value back to its taps."""
        for port, top in tops:
            if port.role == "state":
                label = self.before(port.tap).replace("-", "−")
                self.sheet.edges.append(
                    Edge(bottoms[port.state], top, label, port.inner, "carried")
                )


def rows_of(body: Inside) -> list[Variable | None]:
    """What a loop reads row by row."""
    return [port.outer for port in body.ports if port.role == "sequence"]


def runs_back(body: Inside) -> bool:
    """Whether a loop's steps go over its rows from the last to the first."""
    return bool(rows_of(body)) and all(mirror_step(v) for v in rows_of(body))


NONE: Mapping[SharedVariable, Variable] = {}


def build(
    outputs: Sequence[Variable],
    updates: Mapping[SharedVariable, Variable] = NONE,
    marks: Sequence[Variable] = (),
) -> Scene:
    """The scene of all that `outputs` and the new values of `updates` need.

    ``marks`` are variables to find: the scene's ``marks`` are the keys of the nodes
    that show them. Raises: UsageError for one that is not in the picture.
    """
    # A cost and its gradient are one loop forward: so they run, and so they are drawn.
    merged = list(merge_scans([*outputs, *updates.values(), *marks]))
    wanted = merged[: len(outputs) + len(updates)]
    marked = merged[len(wanted) :]
    outputs, news = wanted[: len(outputs)], wanted[len(outputs) :]
    sheet = Sheet()
    builder = Builder(sheet)
    builder.build(wanted)
    for number, output in enumerate(outputs):
        plain = "output" if len(outputs) == 1 else f"output {number}"
        label = clean(output.name or plain)
        key = f"out{number}"
        sheet.add(Node(key, "output", label, line_of(output), variable=output))
        builder.edge(output, key)
    for number, (shared, new) in enumerate(zip(updates, news, strict=True)):
        key, label = f"up{number}", f"new {clean(shared.label)}"
        sheet.add(Node(key, "update", label, line_of(new), variable=shared))
        builder.edge(new, key, "update")
    found = tuple(sheet.place(variable) for variable in marked)
    scene = Scene(
        tuple(sheet.nodes), tuple(sheet.edges), sheet.frames, marks=found,
        texts=sheet.texts,
    )  # fmt: skip
    return at_home(scene)
