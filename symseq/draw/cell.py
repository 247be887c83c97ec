"""One cell as textbooks draw it: values are nodes, what is done to one is an edge."""

from __future__ import annotations

from dataclasses import dataclass, field

import graphviz

from symseq.draw import style
from symseq.draw import textbook_style as look
from symseq.draw.write import escape
from symseq.printing.equations import called, lines_of, write_terms
from symseq.printing.formula import Term, term_of
from symseq.printing.quantity import Quantity, walk
from symseq.printing.step import Line, Step, steps_of

# Longer labels on an edge give way to the name of the op.
LONGEST = 18


@dataclass(frozen=True, slots=True)
class Deed:
    """What an edge does to the one value that comes in: a product, a function."""

    part: Quantity
    kind: str  # 'weight' or 'function'
    label: str


@dataclass(eq=False)
class CellDrawer:
    """Draws one step: entries and exits into `around`, the rest into `frame`."""

    step: Step
    prefix: str
    around: graphviz.Digraph
    frame: graphviz.Digraph
    places: dict[int, str] = field(default_factory=dict)
    entries: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.terms: dict[int, Term] = write_terms(self.step)
        self.bound = self.step.bound()
        made = [line.quantity for line in self.step.lines]
        self.read = {id(part) for q in walk(made) for part in q.parts}

    def draw(self) -> None:
        for q in walk([line.quantity for line in self.step.lines]):
            lies = q.is_symbol or id(q) in self.bound or not self.deed(q)
            if q.moving and lies and not self.is_only_result(q):
                self.place(q)
        exits = [self.exit(line) for line in self.step.results]
        self.align(list(self.entries.values()), "source")
        self.align(exits, "sink")

    def is_only_result(self, q: Quantity) -> bool:
        """Whether a value leaves by one exit and nothing inside reads it."""
        leaving = [line for line in self.step.results if line.quantity is q]
        return len(leaving) == 1 and id(q) not in self.read and not q.is_symbol

    def exit(self, line: Line) -> str:
        label = "until" if line.result == "until" else called(line)
        name = self.node(self.around, "exit", label)
        if self.is_only_result(line.quantity):
            self.define(line.quantity, name)
        else:
            self.edge(self.place(line.quantity), name)
        return name

    def place(self, q: Quantity) -> str:
        """The node where a value lies."""
        if id(q) not in self.places:
            line = self.bound.get(id(q))
            if q.is_symbol and q.moving:
                self.places[id(q)] = self.entry(q)
            elif not q.moving:
                self.places[id(q)] = self.node(self.frame, "given", self.text(q))
            elif line is not None and not line.result:
                self.places[id(q)] = name = self.node(self.frame, "named", called(line))
                self.define(q, name)
            elif self.deed(q) is None:
                self.places[id(q)] = self.joint(q)
            else:
                self.places[id(q)] = name = self.node(self.frame, "point", "")
                self.define(q, name)
        return self.places[id(q)]

    def entry(self, q: Quantity) -> str:
        text = self.text(q)
        if text not in self.entries:
            states = {line.name for line in self.step.results if line.result == "state"}
            kind = "carried" if q.text in states else "entry"
            self.entries[text] = self.node(self.around, kind, text)
        return self.entries[text]

    def define(self, q: Quantity, name: str) -> None:
        """Edges that make the value of the node `name`."""
        deed = self.deed(q)
        if deed is None:
            self.edge(self.joint(q), name)
        else:
            self.edge(self.place(deed.part), name, deed)

    def feed(self, q: Quantity, joint: str, sign: str) -> None:
        deed = self.deed(q)
        if deed is None or id(q) in self.bound:
            self.edge(self.place(q), joint, sign=sign)
        else:
            self.edge(self.place(deed.part), joint, deed, sign)

    def joint(self, q: Quantity) -> str:
        """A node where several values meet."""
        sign = {"sum": "+", "hadamard": "⊙", "product": "·"}.get(q.kind)
        signs = q.signs or (False,) * len(q.parts)
        steady = [
            f"{'−' if minus else sign} {self.text(part)}"
            for part, minus in zip(q.parts, signs, strict=True)
            if not part.moving
        ]
        if sign and steady:
            name = self.node(self.frame, "biased", " ".join(steady))
        elif sign:
            name = self.node(self.frame, "joint", sign)
        else:
            label = "[ ; ]" if q.kind == "concat" else q.text or "op"
            name = self.node(self.frame, "box", label)
        for part, minus in zip(
            q.parts, q.signs or (False,) * len(q.parts), strict=True
        ):
            if part.moving:
                self.feed(part, name, "−" if minus else "")
        return name

    def deed(self, q: Quantity) -> Deed | None:
        """What makes `q` of one moving value, where there is just one."""
        moving = [part for part in q.parts if part.moving]
        if q.is_symbol or len(moving) != 1:
            return None
        (part,) = moving
        steady = [self.text(other) for other in q.parts if other is not part]
        if q.kind == "product":
            return Deed(part, "weight", steady[0])
        if q.kind == "hadamard":
            arrays = any(p.rank > 0 for p in q.parts if not p.moving)
            sign = "⊙" if arrays else "·"
            return Deed(part, "weight", f"{sign} {f' {sign} '.join(steady)}")
        if q.kind == "sum":
            return self.shift(q, part)
        if q.kind == "concat":
            return None
        return Deed(part, "function", self.function(q, part))

    def shift(self, q: Quantity, part: Quantity) -> Deed | None:
        """1 − z as a function of z; the sum of a product and a bias is a joint."""
        if part.kind == "product" and id(part) not in self.bound:
            return None
        label = ""
        for other, minus in zip(q.parts, q.signs, strict=True):
            text = "" if other is part else self.text(other)
            label += f" {'−' if minus else '+'} {text}"
        return Deed(part, "function", label.strip().removeprefix("+ ").strip())

    def function(self, q: Quantity, part: Quantity) -> str:
        if q.kind == "function":
            return q.text
        if q.node is None:
            return q.text
        terms = [Term("·") if p is part else Term(self.text(p)) for p in q.parts]
        text = term_of(q.node, terms).text
        return text if len(text) <= LONGEST else q.text

    def text(self, q: Quantity) -> str:
        line = self.bound.get(id(q))
        if line is not None:
            return called(line)
        text = self.terms[id(q)].text
        return text if len(text) <= 2 * LONGEST else text[: 2 * LONGEST - 1] + "…"

    # What is written.
    def node(self, into: graphviz.Digraph, kind: str, label: str) -> str:
        self.count += 1
        name = f"{self.prefix}n{self.count}"
        into.node(name, escape(label), **look.CELL[kind], tooltip=escape(label))
        return name

    def edge(
        self, source: str, target: str, deed: Deed | None = None, sign: str = ""
    ) -> None:
        shown = dict(look.DEEDS[deed.kind if deed else "plain"])
        label = " ".join(filter(None, [sign, deed.label if deed else ""]))
        if label:
            shown["label"] = escape(f" {label} ")
        self.around.edge(source, target, **shown)

    def align(self, names: list[str], rank: str) -> None:
        with self.around.subgraph() as row:
            row.attr(rank="same")
            for name in names:
                row.node(name)


def heading(step: Step) -> str:
    """The loop's name, where it has one, and its direction, where it runs back."""
    name = "" if step.title == "scan" else step.title
    return ", ".join(filter(None, [name, "t = T, …, 1" if step.backwards else ""]))


def cell_dot(what: object) -> str:
    """The cells of the scans that `what` needs, in the DOT language, equations below.

    Raises: UsageError where no scan is needed.
    """
    graph = graphviz.Digraph()
    graph.attr("graph", **{**style.GRAPH, **look.CELL_GRAPH})
    graph.attr("node", **style.NODE)
    graph.attr("edge", **style.EDGE)
    for number, step in enumerate(steps_of(what)):
        prefix = f"c{number}"
        with graph.subgraph(name=f"cluster_{prefix}_all") as around:
            lines = [heading(step), *lines_of(step)]
            label = "".join(escape(line) + "\\l" for line in lines if line)
            around.attr(label=label, **look.CELL_AROUND)
            frame = graphviz.Digraph(name=f"cluster_{prefix}")
            frame.attr(tooltip=escape(step.title), **look.CELL_FRAME)
            CellDrawer(step, prefix, around, frame).draw()
            around.subgraph(frame)
    return str(graph.source)
