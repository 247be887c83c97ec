"""A picture as data: nodes, edges and nested frames, between a graph and its drawing.

What draws reads a `Scene` and nothing else; what changes a picture maps a scene to a
scene. Everything has a stable *key*, its place in the sorted graph:

    n7          the seventh application; of a loop, its frame
    n7.n2       the second application in the body of the loop n7
    n7.0.n2     ... in the first body of an op with several (`ifelse`)
    n7.p0, n7.r0    its first port and its first result
    g3          the third group; v4 the fourth leaf; out0 an output; up0 an update

Equal graphs have equal keys. A frame that is closed becomes one box under the frame's
own key, so a key means the same thing open and closed:

    scene = build(variables)
    scene.frames["n7"].parent           # "g3": frames know the frame around them
    scene.shown(["n7"])                 # n7 and those around it open, others closed
    scene.close(["n7"])                 # n7 is a box, all else is as it was
    scene.around("n7.n2")               # ["g3", "n7"]: the frames that hold it

Nodes keep their `variable` and `apply`, so that a reader can ask for types, lines and
values; only `label`, `tip` and an edge's `label` are made to be read by people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from symseq.graph import Apply, Variable
from symseq.printing.formula import Term

# What a node can be. A closed frame is a node of the frame's kind.
NODE_KINDS = (
    "input", "shared", "constant", "output", "update", "op", "step", "sign", "view",
    "random", "sequence", "state", "result", "port", "fused",
)  # fmt: skip
FRAME_KINDS = ("loop", "branch", "group", "line")
ROLES = ("data", "carried", "update", "order")  # order: not seen, only laid out
WHOLE = ""  # the key of what is around all frames
MOST_TYPES = 2  # on an edge that stands for several


@dataclass(frozen=True, slots=True)
class Node:
    """One thing that is drawn, in the frame `frame`.

    ``row``: "top" for what enters its frame, "bottom" for what leaves it.
    ``ordered``: whether the order of its inputs matters. ``hides``: how many nodes of
    the full picture it stands for besides itself. ``stress``: "strong" or "pale" where
    a path is stressed.
    """

    key: str
    kind: str
    label: str
    tip: str = ""
    frame: str = WHOLE
    variable: Variable | None = None
    apply: Apply | None = None
    gradient: bool = False
    row: str = ""
    ordered: bool = False
    hides: int = 0
    stress: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """What flows from one node to another; its label is the variable's type.

    ``operand`` is what the target's formula calls it, ``count`` how many edges of the
    full picture it stands for.
    """

    source: str
    target: str
    label: str
    variable: Variable | None = None
    role: str = "data"
    operand: str = ""
    gradient: bool = False
    count: int = 1
    stress: str = ""

    @property
    def ends(self) -> tuple[str, str]:
        return self.source, self.target


@dataclass(frozen=True, slots=True)
class Frame:
    """A loop, a branch, a group or a user's line, with a part of the scene inside."""

    key: str
    kind: str
    label: str
    tip: str = ""
    parent: str = WHOLE
    apply: Apply | None = None
    gradient: bool = False
    backwards: bool = False  # a loop whose steps run T − 1 … 0
    depth: int = 0  # how many loops and branches are around and at it


@dataclass(frozen=True)
class Scene:
    """Nodes in drawing order, edges, and frames by key, those outside first."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    frames: Mapping[str, Frame] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # sentences to write under the picture
    marks: tuple[str, ...] = ()  # the nodes that were asked for
    # By a variable's id, what is written in place of an edge from it.
    texts: Mapping[int, Term] = field(default_factory=dict)

    @cached_property
    def by_key(self) -> dict[str, Node]:
        """Every node by its key."""
        return {node.key: node for node in self.nodes}

    @cached_property
    def entering(self) -> dict[str, list[Edge]]:
        """The edges into each node, by the node's key."""
        found: dict[str, list[Edge]] = {node.key: [] for node in self.nodes}
        for edge in self.edges:
            found[edge.target].append(edge)
        return found

    def around(self, key: str) -> list[str]:
        """The frames that hold a node or a frame, outermost first, itself left out."""
        node = self.by_key.get(key)
        at = node.frame if node is not None else self.frames[key].parent
        found: list[str] = []
        while at != WHOLE:
            found.append(at)
            at = self.frames[at].parent
        return found[::-1]

    @cached_property
    def inside(self) -> dict[str, list[str]]:
        """For each frame (and WHOLE) the keys of the nodes that stand right in it."""
        found: dict[str, list[str]] = {WHOLE: [], **{key: [] for key in self.frames}}
        for node in self.nodes:
            found[node.frame].append(node.key)
        return found

    @cached_property
    def parts(self) -> dict[str, list[str]]:
        """For each frame (and WHOLE) the keys of the frames that stand right in it."""
        found: dict[str, list[str]] = {WHOLE: [], **{key: [] for key in self.frames}}
        for frame in self.frames.values():
            found[frame.parent].append(frame.key)
        return found

    def shown(self, frames: Iterable[str]) -> Scene:
        """The scene with `frames` and those around them open and all others closed."""
        opened = set(frames)
        for key in list(opened):
            opened.update(self.around(key))
        return self.close(key for key in self.frames if key not in opened)

    def close(self, frames: Iterable[str]) -> Scene:
        """The scene with each of `frames` as one box, under the frame's own key.

        Edges to what is inside go to the box, those between the same two boxes as one.
        """
        closed = set(frames)
        if not closed:
            return self
        box = self._boxes(closed)
        home = {node.key: box.get(node.frame, node.key) for node in self.nodes}
        hides: dict[str, int] = {}
        stress: dict[str, set[str]] = {}
        for node in self.nodes:
            at = home[node.key]
            hides[at] = hides.get(at, 0) + 1 + node.hides
            stress.setdefault(at, set()).add(node.stress)
        nodes, done = [], set()
        for node in self.nodes:
            at = home[node.key]
            if at == node.key:
                nodes.append(node)
            elif at not in done:
                done.add(at)
                made = self._box(self.frames[at], hides[at])
                nodes.append(replace(made, stress=_strongest(stress[at])))
        open_frames = {key: f for key, f in self.frames.items() if key not in box}
        edges = merge_edges(self.edges, home)
        return replace(self, nodes=tuple(nodes), edges=edges, frames=open_frames)

    def _boxes(self, closed: set[str]) -> dict[str, str]:
        """For each frame that vanishes the outermost closed frame at or around it."""
        box: dict[str, str] = {}
        for key, frame in self.frames.items():
            if frame.parent in box:
                box[key] = box[frame.parent]
            elif key in closed:
                box[key] = key
        return box

    def _box(self, frame: Frame, hides: int) -> Node:
        return Node(
            frame.key, frame.kind, frame.label, frame.tip, frame.parent,
            apply=frame.apply, gradient=frame.gradient, hides=hides,
        )  # fmt: skip


def _strongest(found: set[str]) -> str:
    return next((stress for stress in ("strong", "") if stress in found), "pale")


def merge_edges(edges: Iterable[Edge], home: Mapping[str, str]) -> tuple[Edge, ...]:
    """The edges between the homes of their ends; those within one home are dropped."""
    groups: list[list[Edge]] = []
    merged: dict[tuple[str, str, str], list[Edge]] = {}
    for edge in edges:
        ends = home[edge.source], home[edge.target]
        if ends == (edge.source, edge.target):
            groups.append([edge])
        elif ends[0] != ends[1]:
            if (*ends, edge.role) not in merged:
                groups.append(merged.setdefault((*ends, edge.role), []))
            merged[*ends, edge.role].append(edge)
    return tuple(_merged(home, group) for group in groups)


def _merged(home: Mapping[str, str], edges: list[Edge]) -> Edge:
    first = edges[0]
    made = first if len(edges) == 1 else as_one(edges)
    return replace(made, source=home[first.source], target=home[first.target])


def as_one(edges: list[Edge]) -> Edge:
    """Edges between two nodes as one, which says what flows by the first of them."""
    first = edges[0]
    if len(edges) == 1:
        return first
    flows = {
        id(edge if edge.variable is None else edge.variable): edge.label
        for edge in edges
    }
    labels = list(dict.fromkeys(flows.values()))
    if len(labels) > MOST_TYPES:
        labels[MOST_TYPES:] = [f"+ {len(labels) - MOST_TYPES} more"]
    return replace(
        first,
        label="\n".join(labels),
        variable=first.variable if len(flows) == 1 else None,
        operand="",
        gradient=all(edge.gradient for edge in edges),
        count=sum(edge.count for edge in edges),
        stress=_strongest({edge.stress for edge in edges}),
    )
