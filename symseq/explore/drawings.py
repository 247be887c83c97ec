"""Graphviz's drawing of each state that a reader can open, as data without markup."""

from __future__ import annotations

import os
import re
import shutil
import xml.etree.ElementTree as ET
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from symseq.draw.render import render
from symseq.draw.scene import WHOLE, Node, Scene
from symseq.draw.write import dot_text
from symseq.errors import TargetError
from symseq.explore.islands import LEAVES

OPEN, CLOSED = "▾ ", "▸ "
# From so many edges on, types are left to what the pointer shows: a label is a row.
TYPED = 90
# From so many nodes on, only the neighbours of what is open are drawn around it.
MOST_AROUND = 70
# What more nodes than that read is drawn at each of them.
MOST_READERS, COPY = 5, "~"
# Graphviz looks for the best picture for so long; a drawing must not take a minute.
HURRY = "\tgraph [nslimit=3 nslimit1=3 mclimit=0.6]\n"
SHAPES = ("polygon", "polyline", "ellipse", "path", "text")
KEPT = (
    "fill", "stroke", "stroke-width", "stroke-dasharray", "points", "d", "cx", "cy",
    "rx", "ry", "x", "y", "text-anchor", "font-size",
)  # fmt: skip
PAIR = re.compile(r"(-?[\d.]+)[ ,](-?[\d.]+)")


@dataclass(slots=True)
class Budget:
    """How much may still be drawn: nodes and edges, over all drawings of a page."""

    left: int
    missing: list[str] = field(default_factory=list)  # states that were not drawn

    def take(self, scene: Scene) -> bool:
        """Whether a scene fits; if so it is paid for."""
        price = len(scene.nodes) + len(scene.edges)
        fits = price <= self.left
        self.left -= price if fits else 0
        return fits


def states(scene: Scene) -> Iterator[tuple[str, Scene]]:
    """(frame, the scene with it and those around it open), those outside first."""
    queue = deque([(WHOLE, scene)])
    while queue:
        key, opened = queue.popleft()
        parts = opened.parts[key]
        yield key, opened.close(parts)
        for part in parts:
            # All others are closed once, not again for each frame inside.
            others = [other for other in parts if other != part]
            queue.append((part, opened.close(others)))


def near(scene: Scene, frame: str) -> Scene:
    """What is in a frame, and around it all there is; if that is much, its neighbours.

    So a drawing is no larger than what people read, however deep the frame stands.
    """
    if frame == WHOLE or len(scene.nodes) <= MOST_AROUND:
        return scene
    return touching(scene, set(scene.inside[frame]))


def touching(scene: Scene, keys: set[str]) -> Scene:
    """The scene of some nodes, of loops' ends, and of what an edge joins to them."""
    frames = [key for key in keys if key in scene.frames]
    keys |= {k for f in frames for k in scene.inside[f] if scene.by_key[k].row}
    ends = [(edge.source, edge.target) for edge in scene.edges]
    kept = keys | {k for pair in ends if keys.intersection(pair) for k in pair}
    nodes = tuple(node for node in scene.nodes if node.key in kept)
    edges = [e for e in scene.edges if e.source in kept and e.target in kept]
    around = {frame for node in nodes for frame in scene.around(node.key)}
    opened = {key: frame for key, frame in scene.frames.items() if key in around}
    return replace(scene, nodes=nodes, edges=tuple(edges), frames=opened)


def split(scene: Scene) -> Scene:
    """The scene with a leaf that many read drawn at each of its readers.

    One node with forty long edges takes Graphviz longer than all the rest, and people
    cannot follow them. The page knows the copies by what is in front of COPY.
    """
    counts = Counter(edge.source for edge in scene.edges)
    many = {
        node.key: node
        for node in scene.nodes
        if node.kind in LEAVES and counts[node.key] > MOST_READERS
    }
    copies: dict[str, Node] = {}
    edges = []
    for edge in scene.edges:
        node = many.get(edge.source)
        if node is not None:
            key = f"{node.key}{COPY}{edge.target}"
            frame = scene.around(edge.target)[-1:]
            copies[key] = replace(node, key=key, frame=frame[0] if frame else WHOLE)
            edge = replace(edge, source=key)
        edges.append(edge)
    nodes = [node for node in scene.nodes if node.key not in many]
    return replace(scene, nodes=(*nodes, *copies.values()), edges=tuple(edges))


def draw_states(scene: Scene, budget: Budget) -> dict[str, Any]:
    """The drawing of each state by its frame, as far as the budget goes.

    Raises: TargetError where Graphviz is missing.
    """
    wanted: dict[str, Scene] = {}
    for key, state in states(scene):
        shown = near(state, key)
        if budget.take(shown):
            wanted[key] = shown
        else:
            budget.missing.append(key)
    found = dict(zip(wanted, draw_all(list(wanted.values())), strict=True))
    budget.missing += [key for key, data in found.items() if data is None]
    return {key: data for key, data in found.items() if data is not None}


def draw_all(scenes: Sequence[Scene]) -> list[Any]:
    """The drawings of scenes; None for one that is too big for Graphviz here.

    The program `dot` runs as often beside itself as there are processors.
    """
    first = [drawing(scene) for scene in scenes[:1]]  # where it fails, all would
    processors = (os.cpu_count() or 1) if shutil.which("dot") else 1
    with ThreadPoolExecutor(processors) as pool:
        return [*first, *pool.map(drawing_or_none, scenes[1:])]


def drawing_or_none(scene: Scene) -> dict[str, Any] | None:
    try:
        return drawing(scene)
    except TargetError:
        return None


def drawing(scene: Scene) -> dict[str, Any]:
    """{"size": [width, height, right, down], "items": [item, ...]}."""
    scene = split(scene)
    text = dot_text(marked(scene), legend=False)
    head, _, rest = text.partition("{\n")
    image = render(f"{head}{{\n{HURRY}{rest}", "svg")
    found = read_svg(image)
    if len(scene.edges) > TYPED:
        types = {f"{e.source}->{e.target}": e.label for e in scene.edges}
        for one in found["items"]:
            if one[0] == "e" and types.get(one[1]):
                one.append(types[one[1]])
    return found


def marked(scene: Scene) -> Scene:
    """What opens and closes says so; what only the pointer shows is left out."""
    frames = {
        key: replace(frame, label=OPEN + frame.label, tip=" ")
        for key, frame in scene.frames.items()
    }
    nodes = [
        replace(node, label=CLOSED + node.label if node.hides else node.label, tip=" ")
        for node in scene.nodes
    ]
    typed = len(scene.edges) <= TYPED
    edges = [
        edge if typed or edge.role == "carried" else replace(edge, label="")
        for edge in scene.edges
    ]
    return Scene(tuple(nodes), tuple(edges), frames)


def read_svg(image: bytes) -> dict[str, Any]:
    """Graphviz's groups as data; names come out of it as plain text."""
    root = ET.fromstring(image)
    graph = next(one for one in root if one.get("class") == "graph")
    *_, width, height = map(float, root.get("viewBox", "0 0 0 0").split())
    moved = re.search(
        r"translate\(([-\d.]+)[ ,]([-\d.]+)\)", graph.get("transform", "")
    )
    right, down = map(float, moved.groups()) if moved else (0.0, 0.0)
    items = [item(group) for group in graph if tag(group) == "g"]
    return {"size": [width, height, right, down], "items": items}


def item(group: ET.Element) -> list[Any]:
    """[class, key, x, y, shapes]: "c" for a frame, "n" for a node, "e" for an edge,
    which has its type besides where it is not written at it.

    The shapes are seen from (x, y): those of equal nodes are then equal text, of which
    a deflated page holds one.
    """
    title = next((e.text or "" for e in group if tag(e) == "title"), "")
    kind = group.get("class", "n")[0]
    shapes = [one for one in group.iter() if tag(one) in SHAPES]
    x, y = origin(shapes[0]) if shapes else (0.0, 0.0)
    seen = [shape(one, x, y) for one in shapes]
    return [kind, title.removeprefix("cluster_"), tidy(x), tidy(y), seen]


def origin(element: ET.Element) -> tuple[float, float]:
    """The first point of a shape."""
    for name in ("points", "d"):
        found = PAIR.search(element.get(name, ""))
        if found:
            return float(found[1]), float(found[2])
    places = (
        element.get("cx") or element.get("x"),
        element.get("cy") or element.get("y"),
    )
    return float(places[0] or 0), float(places[1] or 0)


def shape(element: ET.Element, x: float, y: float) -> list[Any]:
    """[tag, attributes] seen from (x, y), and, of text, what it says."""
    kept = {
        name: moved(name, value, x, y)
        for name in KEPT
        if (value := element.get(name)) is not None
    }
    found: list[Any] = [tag(element), kept]
    return [*found, element.text or ""] if tag(element) == "text" else found


def moved(name: str, value: str, x: float, y: float) -> str | float:
    """An attribute with its coordinates seen from (x, y), rounded."""
    if name in ("points", "d"):
        return PAIR.sub(
            lambda pair: f"{tidy(float(pair[1]) - x)},{tidy(float(pair[2]) - y)}", value
        )
    if name in ("x", "cx", "rx"):
        return tidy(float(value) - (0 if name == "rx" else x))
    if name in ("y", "cy", "ry"):
        return tidy(float(value) - (0 if name == "ry" else y))
    return value


def tidy(number: float) -> float:
    """Rounded to what can be seen."""
    short = round(number, 1)
    return int(short) if short == int(short) else short


def tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
