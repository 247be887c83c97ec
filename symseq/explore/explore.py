"""One HTML page to look around in a graph: zoom, search, open, compare, profile."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symseq.compiler.function import Function
from symseq.cost.given import Shapes
from symseq.draw.build import build
from symseq.draw.render import write_whole
from symseq.draw.scene import Frame, Node, Scene
from symseq.draw.style import LEGEND, LEGEND_LOOKS
from symseq.errors import UsageError
from symseq.explore.divide import divide
from symseq.explore.drawings import Budget, draw_states, drawing
from symseq.explore.facts import Facts
from symseq.explore.heat import Heat, heat_of
from symseq.explore.page import Parts, page
from symseq.explore.sources import emitted
from symseq.explore.steps import Step, steps_of
from symseq.explore.values import Values, summaries
from symseq.graph import Apply, SharedVariable, Variable
from symseq.printing.inside import variables_of

__all__ = ["explore"]

# Nodes and edges over all drawings: what a page of 5 MB and a minute hold.
MOST_DRAWN = 60_000
# The graphs between two passes are drawn where they have no more nodes than that.
MOST_BETWEEN = 400
# Up to so many nodes there is a drawing with everything open.
MOST_AT_ONCE = 300
EVERYTHING = "*"


def explore(
    what: object,
    to: str | os.PathLike[str],
    *,
    values: Values | None = None,
    shapes: Shapes | None = None,
    title: str | None = None,
) -> Path:
    """Write one HTML file in which a graph can be looked around in; its path.

    The page needs no network, no server and nothing beside it. Groups and loops open
    at a click; the pointer shows types, lines, docstrings, costs and values; `/`
    searches, `?` lists the keys. For a compiled function it has besides the graph that
    runs, what each pass changed, the emitted program and, where it was compiled with
    ``profile=True`` and called, where the time goes. A click in one pane marks the same
    user's line in all.

    Args:
        what: a variable, several, a function, or an object with ``outputs``.
        to: the file, ending in .html.
        values: arrays of the inputs, by variable, by name or in order: the reference
            target runs once, and each node says what it held.
        shapes: lengths in numbers for the costs, such as ``{"T": 50, x: (50, 16)}``.
        title: what the page is called; else the function's or the output's name.
    Raises: UsageError for another ending or nothing to show, TargetError where Graphviz
        is missing, MissingInputError for an input without a value.
    """
    path = Path(to)
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"explore writes an .html file; got {path.name!r}")
    outputs = variables_of(what)
    updates = getattr(what, "updates", None)
    updates = dict(updates) if isinstance(what, Function) and updates else {}
    if not outputs and not updates:
        raise UsageError("explore shows a graph; got nothing that is computed")
    name = title or getattr(what, "name", None) or outputs[0].label
    book = Book(outputs, updates, shapes, values)
    book.write(what)
    write_whole(path, page(str(name), book.head(str(name)), book.parts).encode())
    return path


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
    scenes: list[Scene] = field(default_factory=list)  # of the chapters
    steps: list[dict[str, Any]] = field(default_factory=list)
    program: dict[str, Any] | None = None
    assumed: bool = False
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
        """First and last of all, since drawings are many; then those between."""
        first, *others = steps
        changing = [step for step in others if step.changed]
        self.chapter("as written", first.outputs)
        chapters = {id(first): 0}
        if changing:
            last = changing[-1]
            new = summaries(last.outputs, what.inputs, self.values)
            self.facts.values = self.facts.values | new
            chapters[id(last)] = self.chapter("rewritten", last.outputs, what)
        between = changing[:-1] if len(self.scenes[0].nodes) <= MOST_BETWEEN else []
        for step in between:
            chapters[id(step)] = self.chapter(f"after {step.name}", step.outputs)
        before = 0
        for number, step in enumerate(others, 1):
            after = chapters.get(id(step), -1) if step.changed else before
            self.steps.append(
                step.data() | {
                    "number": number, "before": before, "after": after,
                    "goneKeys": self.keys(before, step.gone),
                    "newKeys": self.keys(after, step.new),
                }
            )  # fmt: skip
            before = after

    def chapter(
        self, name: str, wanted: Sequence[Variable], what: Function | None = None
    ) -> int:
        """One graph: its facts and drawings; its number."""
        outputs = list(wanted[: len(self.outputs)])
        news = dict(zip(self.updates, wanted[len(outputs) :], strict=True))
        full = build(outputs, news)
        scene = divide(full)
        profile = what.profile if what is not None else None
        heat = heat_of(wanted, self.shapes, profile)
        self.note(heat)
        self.budget.missing = []
        drawn = draw_states(scene, self.budget)
        if len(full.nodes) <= MOST_AT_ONCE and self.budget.take(full):
            drawn[EVERYTHING] = drawing(scene)
        drawings = {key: self.parts.add(data) for key, data in drawn.items()}
        self.chapters.append({
            "name": name, "facts": self.parts.add(self.facts.of(scene, heat)),
            "nodes": len(full.nodes), "drawings": drawings,
            "missing": len(self.budget.missing),
        })  # fmt: skip
        self.scenes.append(scene)
        return len(self.chapters) - 1

    def note(self, heat: Heat) -> None:
        self.assumed |= heat.assumed
        self.timed |= bool(heat.seconds)

    def keys(self, chapter: int, nodes: Sequence[Apply]) -> list[str]:
        """The keys of nodes in a chapter."""
        if chapter < 0:
            return []
        wanted = {id(node) for node in nodes}
        scene = self.scenes[chapter]
        parts: list[Node | Frame] = [*scene.nodes, *scene.frames.values()]
        return [part.key for part in parts if id(part.apply) in wanted]

    def head(self, title: str) -> dict[str, Any]:
        """What the page reads first."""
        lines = self.facts.lines
        return {
            "title": title, "chapters": self.chapters, "steps": self.steps,
            "docs": self.facts.docs.texts, "lines": lines.data(),
            "files": lines.texts(), "program": self.program, "legend": legend(),
            "assumed": self.assumed, "timed": self.timed,
        }  # fmt: skip


def legend() -> list[list[str]]:
    """[[what it means, its fill, its border], ...]."""
    plain = {"fillcolor": "#FAFAFA", "color": "#555555"}
    looks = [
        (text, plain | LEGEND_LOOKS[kind])
        for kind, text in LEGEND
        if kind in LEGEND_LOOKS
    ]
    return [[text, look["fillcolor"], look["color"]] for text, look in looks]
