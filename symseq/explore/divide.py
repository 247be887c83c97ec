"""Long frames get frames of runs inside: no drawing is longer than people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import ceil

from symseq.draw.scene import WHOLE, Frame, Node, Scene
from symseq.span import Span

MOST = 40  # parts of a frame
# What stays where it is, as long as it is few: a graph's and a body's ends.
ENDS = ("input", "shared", "output", "update")


@dataclass(slots=True)
class Run:
    """Parts of a frame that become a frame of their own."""

    parts: Sequence[str | Run]


@dataclass(slots=True)
class Divider:
    """Makes the frames of runs; ``place`` is where in drawing order a part begins."""

    scene: Scene
    most: int
    place: dict[str, int] = field(default_factory=dict)
    frames: dict[str, Frame] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    ordinals: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, node in enumerate(self.scene.nodes):
            self.place[node.key] = number
            for frame in self.scene.around(node.key):
                self.place.setdefault(frame, number)
            if node.apply is not None:
                self.ordinals[node.key] = len(self.ordinals) + 1

    def divide(self, key: str) -> None:
        """Everything inside of a frame, at any depth."""
        parts = self.parts(key)
        self.settle(key, runs_of(parts, self.most))

    def parts(self, key: str) -> list[str]:
        """What stands right in a frame and may move into a run, in drawing order."""
        nodes = [self.scene.by_key[k] for k in self.scene.inside[key]]
        ends = [node.key for node in nodes if node.row or node.kind in ENDS]
        stay = set(ends) if len(ends) <= self.most else set()
        found = [node.key for node in nodes if node.key not in stay]
        found += [k for k in self.scene.parts[key] if k in self.place]
        return sorted(found, key=self.place.__getitem__)

    def settle(self, key: str, parts: Sequence[str | Run]) -> None:
        """Give each part its frame; runs become frames."""
        for part in parts:
            if isinstance(part, Run):
                self.settle(self.open_run(key, part), part.parts)
            elif part in self.scene.frames:
                frame = self.scene.frames[part]
                self.frames[part] = replace(frame, parent=key)
                self.divide(part)
            else:
                self.homes[part] = key

    def open_run(self, parent: str, run: Run) -> str:
        key = f"run{len(self.frames)}"
        nodes = [self.scene.by_key[k] for k in self.nodes_in(run)]
        label, tip = run_label(nodes, self.ordinals)
        gradient = bool(nodes) and all(node.gradient for node in nodes)
        self.frames[key] = Frame(key, "line", label, tip, parent, gradient=gradient)
        return key

    def nodes_in(self, part: str | Run) -> list[str]:
        """The nodes of a run; of a frame in it, its own."""
        if isinstance(part, Run):
            return [key for one in part.parts for key in self.nodes_in(one)]
        return self.scene.inside[part] if part in self.scene.frames else [part]


def divide(scene: Scene, most: int = MOST) -> Scene:
    """The scene with frames of at most `most` parts; equal where all are short.

    Runs are of neighbours in the sorted graph: what flows between two of them flows
    one way. Their frames are of the kind "line" and say which lines wrote them.
    """
    divider = Divider(scene, most)
    divider.divide(WHOLE)
    homes: Mapping[str, str] = divider.homes
    nodes = [
        replace(n, frame=homes[n.key]) if homes.get(n.key, n.frame) != n.frame else n
        for n in scene.nodes
    ]
    return replace(scene, nodes=tuple(nodes), frames=divider.frames)


def runs_of(parts: Sequence[str | Run], most: int) -> Sequence[str | Run]:
    """`parts` as at most `most` runs of runs of neighbours, each about as long."""
    while len(parts) > most:
        count = ceil(len(parts) / most)
        ends = [len(parts) * k // count for k in range(count + 1)]
        pairs = pairwise(ends)
        parts = [Run(parts[start:end]) for start, end in pairs]
    return parts


def run_label(nodes: Sequence[Node], ordinals: Mapping[str, int]) -> tuple[str, str]:
    """Which lines a run is of, and which operations."""
    spans = list(dict.fromkeys(span for node in nodes for span in spans_of(node)[:1]))
    numbers = [ordinals[node.key] for node in nodes if node.key in ordinals]
    label = lines_label(spans)
    if numbers:
        label += f"\noperations {numbers[0]}–{numbers[-1]}"
    return label, "\n".join(f"{span}  {span.text}".rstrip() for span in spans[:6])


def lines_label(spans: Sequence[Span]) -> str:
    """'model.py:3', 'model.py:3–9', or the first and the last of several files."""
    if not spans:
        return "constants"
    if len({span.file for span in spans}) > 1:
        return f"{spans[0]} … {spans[-1]}"
    first, last = min(s.line for s in spans), max(s.line for s in spans)
    return str(spans[0]) if first == last else f"{replace(spans[0], line=first)}–{last}"


def spans_of(node: Node | Frame) -> tuple[Span, ...]:
    """The user's lines that a node stands for."""
    if node.apply is not None:
        return node.apply.spans
    variable = node.variable if isinstance(node, Node) else None
    return () if variable is None else (variable.span,)
