"""What a page holds: graphs, each drawn and with its facts, the passes, the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symseq.compiler.function import Function
from symseq.cost.given import Shapes
from symseq.draw.build import build
from symseq.draw.scene import WHOLE, Scene
from symseq.draw.style import LEGEND, LEGEND_LOOKS
from symseq.explore.divide import divide
from symseq.explore.drawings import Budget, draw_all, draw_states, drawing, touching
from symseq.explore.facts import Facts
from symseq.explore.heat import Heat, heat_of
from symseq.explore.page import Parts
from symseq.explore.sources import emitted
from symseq.explore.steps import Step, steps_of
from symseq.explore.values import Values, summaries
from symseq.graph import Apply, SharedVariable, Variable

# Nodes and edges over all drawings: what a page of 5 MB and a minute hold.
MOST_DRAWN = 60_000
# A pass is drawn by what changed and its neighbours, of so many nodes that changed; by
# its whole graph where that is as small as this.
MOST_CHANGED, MOST_WHOLE = 40, 80
# What a pass changed is drawn in graphs of so many nodes.
MOST_STEPPED = 3000
# Up to so many nodes there is a drawing with everything open.
MOST_AT_ONCE = 300
EVERYTHING = "*"


@dataclass
class Book:
    """The graphs of a page, each a chapter, and what they share."""

    outputs: list[Variable]
    updates: Mapping[SharedVariable, Variable]
    shapes: Shapes | None
    values: Values | None
    facts: Facts = field(default_factory=Facts)
    parts: Parts = field(default_factory=Parts)
    budget: Budget = field(default_factory=lambda: Budget(MOST_DRAWN))
    chapters: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    program: dict[str, Any] | None = None
    assumed: bool = False
    partial: bool = False
    timed: bool = False

    @property
    def wanted(self) -> list[Variable]:
        return [*self.outputs, *self.updates.values()]

    def write(self, what: object) -> None:
        """The graph as written; for a function what became of it."""
        inputs = what.inputs if isinstance(what, Function) else []
        self.facts.values = summaries(self.wanted, inputs, self.values)
        if not isinstance(what, Function):
            self.chapter("as written", self.wanted)
            return
        steps = steps_of(self.wanted, what.spec.target)
        self.add_graphs(steps, what)
        self.program = emitted(what, self.facts.lines)

    def add_graphs(self, steps: Sequence[Step], what: Function) -> None:
        """The first and the last, which are whole; then what each pass changed."""
        first, *others = steps
        self.chapter("as written", first.outputs)
        changing = [step for step in others if step.changed]
        if changing:
            last = changing[-1].outputs
            new = summaries(last, what.inputs, self.values)
            self.facts.values = self.facts.values | new
            self.chapter("rewritten", last, what)
        drawn = self.chapters[0]["nodes"] <= MOST_STEPPED
        full = self.scene(first.outputs) if drawn else Scene()
        for number, step in enumerate(others, 1):
            old, data = full, step.data() | {"number": number}
            if drawn and step.changed:
                full = self.scene(step.outputs)
            sides = ("before", old, step.gone), ("after", full, step.new)
            for name, scene, nodes in sides:
                data |= {name: self.side(f"{name} {step.name}", scene, nodes)}
            self.steps.append(data)

    def side(self, name: str, scene: Scene, nodes: Sequence[Apply]) -> list[Any]:
        """[number of a chapter or -1, keys there] of what one side of a pass alone has.

        A small graph is drawn whole, of others what changed and its neighbours.
        """
        keys = keys_of(scene, nodes)[:MOST_CHANGED]
        if len(scene.nodes) > MOST_WHOLE:
            scene = touching(scene, set(keys))
        if not keys or not self.budget.take(scene):
            return [-1, []]
        (drawn,) = draw_all([scene])
        facts = self.facts.of(scene, Heat())
        return [self.add(name.replace("_", " "), scene, facts, {WHOLE: drawn}), keys]

    def scene(self, wanted: Sequence[Variable]) -> Scene:
        """The picture of a graph between two passes."""
        outputs = list(wanted[: len(self.outputs)])
        news = zip(self.updates, wanted[len(outputs) :], strict=True)
        return build(outputs, dict(news))

    def chapter(
        self, name: str, wanted: Sequence[Variable], what: Function | None = None
    ) -> int:
        """One graph: its facts and drawings; its number."""
        scene = divide(self.scene(wanted))
        heat = heat_of(wanted, self.shapes, what.profile if what else None)
        self.assumed |= heat.assumed
        self.partial |= heat.partial
        self.timed |= bool(heat.seconds)
        self.budget.missing = []
        drawn = draw_states(scene, self.budget)
        if len(scene.nodes) <= MOST_AT_ONCE and self.budget.take(scene):
            drawn[EVERYTHING] = drawing(scene)
        number = self.add(name, scene, self.facts.of(scene, heat), drawn)
        self.chapters[number]["timed"] = bool(heat.seconds)
        return number

    def add(
        self,
        name: str,
        scene: Scene,
        facts: Mapping[str, Any],
        drawn: Mapping[str, Any],
    ) -> int:
        self.chapters.append({
            "name": name, "nodes": len(scene.nodes), "facts": self.parts.add(facts),
            "drawings": {key: self.parts.add(data) for key, data in drawn.items()},
            "missing": len(self.budget.missing),
        })  # fmt: skip
        return len(self.chapters) - 1

    def head(self, title: str) -> dict[str, Any]:
        """What the page reads first."""
        lines = self.facts.lines
        return {
            "title": title, "chapters": self.chapters, "steps": self.steps,
            "docs": self.facts.docs.texts, "lines": lines.data(),
            "files": lines.texts(), "program": self.program, "legend": legend(),
            "assumed": self.assumed, "partial": self.partial, "timed": self.timed,
        }  # fmt: skip


def keys_of(scene: Scene, nodes: Sequence[Apply]) -> list[str]:
    """The keys of applications in a scene."""
    wanted = {id(node) for node in nodes}
    found = [node.key for node in scene.nodes if id(node.apply) in wanted]
    return found + [f.key for f in scene.frames.values() if id(f.apply) in wanted]


def legend() -> list[list[str]]:
    """[[kind, what it means, its fill, its border], ...]."""
    plain = {"fillcolor": "#FAFAFA", "color": "#555555"}
    looks = {kind: plain | look for kind, look in LEGEND_LOOKS.items()}
    return [
        [kind, text, looks[kind]["fillcolor"], looks[kind]["color"]]
        for kind, text in LEGEND
        if kind in looks
    ]
