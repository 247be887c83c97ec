"""Long frames get frames of runs inside: no drawing is longer than people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from math import ceil

from symseq.draw.homes import common_start
from symseq.draw.labels import clean
from symseq.draw.scene import WHOLE, Frame, Node, Scene
from symseq.explore.islands import islands, only_for
from symseq.span import Span

MOST = 40  # parts of a frame
# What stays where it is, as long as it is few: a graph's and a body's ends.
ENDS = ("input", "shared", "output", "update")
FEW = 4  # updates that need no frame around them all
NAMED = 3  # parameters in the title of their updates


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

    def __post_init__(self) -> None:
        for number, node in enumerate(self.scene.nodes):
            self.place[node.key] = number
            for frame in self.scene.around(node.key):
                self.place.setdefault(frame, number)

    def divide(self, key: str) -> None:
        """Everything inside of a frame, at any depth."""
        parts: list[str | Run] = [k for k in self.scene.parts[key] if k in self.place]
        loose = [k for k in self.scene.inside[key] if not self.scene.by_key[k].row]
        if len(parts) + len(loose) > self.most:
            found = islands(self.scene, key)
            gathered = {node for island in found for node in island}
            # One that is nearly all says nothing: its runs stand in its place.
            if len(found) > 1:
                rest = [node for node in loose if node not in gathered]
                together, loose = self.with_updates(key, rest, found)
                parts += together
        self.settle(key, self.runs([*parts, *self.moving(loose)]))

    def with_updates(
        self, key: str, loose: Sequence[str], found: Sequence[Sequence[str]]
    ) -> tuple[list[Run], list[str]]:
        """The islands, and what is in none; the updates as one where they are many."""
        ends = {
            k for k in self.scene.inside[key] if self.scene.by_key[k].kind == "update"
        }
        updates = [one for one in found if ends.intersection(one)]
        others = [one for one in found if not ends.intersection(one)]
        if len(updates) <= FEW:
            return [Run(one) for one in found], list(loose)
        gathered = only_for(self.scene, key, ends.union(*updates))
        inner = [*updates, *(one for one in others if gathered.issuperset(one))]
        parts: list[str | Run] = [k for k in loose if k in gathered]
        parts = sorted([*parts, *(Run(one) for one in inner)], key=self.first)
        left = [Run(one) for one in others if not gathered.issuperset(one)]
        return [*left, Run(parts)], [k for k in loose if k not in gathered]

    def moving(self, loose: Sequence[str]) -> list[str | Run]:
        """What may go into runs: ends stay if they are few, else as one of a kind."""
        found = {kind: self.of_kind(loose, kind) for kind in ENDS}
        stay = {key for ends in found.values() for key in ends}
        parts: list[str | Run] = []
        for ends in sorted(found.values(), key=len, reverse=True):
            if len(stay) > self.most:
                stay -= set(ends)
                parts.append(Run(ends))
        gathered = {key for ends in found.values() for key in ends}
        return [*parts, *(key for key in loose if key not in gathered)]

    def of_kind(self, loose: Sequence[str], kind: str) -> list[str]:
        return [key for key in loose if self.scene.by_key[key].kind == kind]

    def runs(self, parts: Sequence[str | Run]) -> Sequence[str | Run]:
        """`parts` in drawing order; as at most `most` runs where they are more."""
        parts = sorted(parts, key=self.first)
        if len(parts) > self.most:
            lines = self.by_line(parts)
            if len(lines) > 1:
                parts = [run[0] if len(run) == 1 else Run(run) for run in lines]
        return runs_of(parts, self.most)

    def first(self, part: str | Run) -> int:
        """Where in drawing order a part begins."""
        while isinstance(part, Run):
            part = part.parts[0]
        return self.place[part]

    def by_line(self, parts: Sequence[str | Run]) -> list[list[str | Run]]:
        """Neighbours that one of the user's lines wrote, together."""
        grouped = groupby(parts, key=self.line)
        return [list(run) for line, run in grouped]

    def line(self, part: str | Run) -> object:
        """The one line of a node; anything else is a line of its own."""
        if isinstance(part, Run) or part in self.scene.frames:
            return part if isinstance(part, str) else id(part)
        node = self.scene.by_key[part]
        span = next(iter(spans_of(node)), None)
        return part if span is None else (span.file, span.line, node.gradient)

    def settle(self, key: str, parts: Sequence[str | Run]) -> None:
        """Give each part its frame; runs become frames."""
        for part in parts:
            if isinstance(part, Run):
                self.settle(self.open_run(key, part), runs_of(part.parts, self.most))
            elif part in self.scene.frames:
                frame = self.scene.frames[part]
                self.frames[part] = replace(frame, parent=key)
                self.divide(part)
            else:
                self.homes[part] = key

    def open_run(self, parent: str, run: Run) -> str:
        key = f"run{len(self.frames)}"
        nodes = [self.scene.by_key[k] for k in self.nodes_in(run)]
        label, tip = run_label(nodes)
        gradient = bool(nodes) and all(node.gradient for node in nodes)
        self.frames[key] = Frame(key, "line", label, tip, parent, gradient=gradient)
        return key

    def nodes_in(self, part: str | Run) -> list[str]:
        """The nodes of a run, those in its frames too."""
        if isinstance(part, Run):
            return [key for one in part.parts for key in self.nodes_in(one)]
        if part not in self.scene.frames:
            return [part]
        deeper = [key for one in self.scene.parts[part] for key in self.nodes_in(one)]
        return [*self.scene.inside[part], *deeper]


def divide(scene: Scene, most: int = MOST) -> Scene:
    """The scene with frames of at most `most` parts; equal where all are short.

    Loose nodes go into islands (`islands`), and what is then still long into runs of
    neighbours in the sorted graph: what flows between two of them flows one way. Their
    frames are of the kind "line" and say which lines wrote them, or what they update.
    """
    scene = at_home(scene)
    divider = Divider(scene, most)
    divider.divide(WHOLE)
    homes: Mapping[str, str] = divider.homes
    nodes = [
        replace(n, frame=homes[n.key]) if homes.get(n.key, n.frame) != n.frame else n
        for n in scene.nodes
    ]
    return replace(scene, nodes=tuple(nodes), frames=divider.frames)


def at_home(scene: Scene) -> Scene:
    """The scene with each parameter that is updated in the frame that else reads it."""
    if not any(node.kind == "update" for node in scene.nodes):
        return scene
    paths: dict[str, list[list[str]]] = {
        key: [] for key in scene.inside[WHOLE] if scene.by_key[key].kind == "shared"
    }
    for edge in scene.edges:
        if edge.source in paths:
            path = scene.around(edge.target)
            if scene.by_key[edge.target].row == "top":  # a loop reads it from outside
                path = path[:-1]
            if path and not any(scene.frames[frame].gradient for frame in path):
                paths[edge.source].append(path)
    homes = {
        key: common[-1] for key, some in paths.items() if (common := common_start(some))
    }
    nodes = [replace(n, frame=homes.get(n.key, n.frame)) for n in scene.nodes]
    return replace(scene, nodes=tuple(nodes))


def runs_of(parts: Sequence[str | Run], most: int) -> Sequence[str | Run]:
    """`parts` as at most `most` runs of runs of neighbours, each about as long."""
    while len(parts) > most:
        count = ceil(len(parts) / most)
        ends = [len(parts) * k // count for k in range(count + 1)]
        pairs = pairwise(ends)
        parts = [Run(parts[start:end]) for start, end in pairs]
    return parts


def run_label(nodes: Sequence[Node]) -> tuple[str, str]:
    """What a run updates, or else its line; the lines and how many nodes it has."""
    spans = list(dict.fromkeys(span for node in nodes for span in spans_of(node)[:1]))
    ends = [node for node in nodes if node.kind == "update"]
    names = [end.label.removeprefix("new ") for end in ends]
    # W and not W.mean, which an optimizer keeps of it.
    updated = [n for n in names if not any(n.startswith(f"{m}.") for m in names)]
    plural = "s" if len(updated) > 1 else ""
    heads = [f"update{plural} of {some(updated)}"] if updated else []
    if len(spans) == 1 and spans[0].text and not updated:
        heads.append(clean(spans[0].text))
    label = "\n".join([*heads, f"{lines_label(spans)}, {len(nodes)} nodes"])
    return label, "\n".join(f"{span}  {span.text}".rstrip() for span in spans[:6])


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" + {more} more" if more > 0 else "")


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
