"""From a scene to text in Graphviz's language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import graphviz

from symseq.draw import style
from symseq.draw.scene import FRAME_KINDS, WHOLE, Edge, Frame, Node, Scene

# From so many nodes on, types move from labels to tooltips: Graphviz lays out a label
# as one more row, and its WebAssembly build has a short stack.
HUGE = 1000
_ENTITY = re.compile(r"&(?=#?\w+;)")  # what Graphviz would read as one character
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")  # no XML may hold these
COLUMN = "20"  # how much straighter than others what joins closed frames shall be
LINES = ("fused", "step")  # what these say begins at the left


def dot_text(scene: Scene, legend: bool = True) -> str:
    """The scene in the DOT language; equal scenes give equal text."""
    graph = graphviz.Digraph()
    graph.attr("graph", **{**style.GRAPH, **_notes(scene)})
    graph.attr("node", **style.NODE)
    graph.attr("edge", **style.EDGE)
    _frame(graph, scene, WHOLE)
    typed = len(scene.nodes) <= HUGE
    for edge in scene.edges:
        look = _edge_look(edge, typed)
        if all(scene.by_key[end].kind in FRAME_KINDS for end in edge.ends):
            look["weight"] = COLUMN
        if edge.role == "carried":  # laid out downwards like all others: no detours
            graph.edge(edge.target, edge.source, dir="back", **look)
        else:
            graph.edge(edge.source, edge.target, **look)
    if legend and scene.nodes:
        _legend(graph, scene)
    return str(graph.source)


def escape(text: str) -> str:
    """Text as Graphviz wants it: no HTML, no entities, lines ended by its own mark."""
    text = _ENTITY.sub("&amp;", text)
    escaped: str = graphviz.nohtml(
        graphviz.escape(CONTROL.sub("�", text)).replace("\n", "\\n")
    )
    return escaped


def _notes(scene: Scene) -> dict[str, str]:
    if not scene.notes:
        return {}
    return {"label": escape("\n".join(scene.notes)), **style.NOTES}


def _frame(into: graphviz.Digraph, scene: Scene, frame: str) -> None:
    """Everything in one frame, in the scene's order."""
    for key in scene.inside[frame]:
        _node(into, scene.by_key[key])
    for part in scene.parts[frame]:
        _cluster(into, scene, scene.frames[part])
    for row in ("top", "bottom"):
        keys = [k for k in scene.inside[frame] if scene.by_key[k].row == row]
        if keys and frame != WHOLE:
            _align(into, keys)


def _cluster(into: graphviz.Digraph, scene: Scene, frame: Frame) -> None:
    with into.subgraph(name=f"cluster_{frame.key}") as cluster:
        look = style.frame_look(frame.kind, frame.depth, frame.gradient)
        tip = escape(frame.tip or frame.label)
        cluster.attr(label=escape(frame.label), tooltip=tip, **look)
        _frame(cluster, scene, frame.key)


def _align(into: graphviz.Digraph, keys: Sequence[str]) -> None:
    """Put nodes into one row."""
    with into.subgraph() as row:
        row.attr(rank="same")
        for key in keys:
            row.node(key)


def _node(into: graphviz.Digraph, node: Node) -> None:
    look = style.node_look(node.kind, node.gradient, node.stress)
    if node.ordered:
        look["ordering"] = "in"
    label = escape(node.label)
    if node.kind in LINES and "\n" in node.label:
        label = label.replace("\\n", "\\l") + "\\l"
    into.node(node.key, label, **look, tooltip=escape(node.tip or node.label))


def _edge_look(edge: Edge, typed: bool) -> style.Style:
    label = escape("\n".join(f" {line} " for line in edge.label.split("\n")))
    where = "label" if typed or edge.role == "carried" else "tooltip"
    return {where: label, **style.edge_look(edge.role, edge.gradient, edge.stress)}


def _legend(graph: graphviz.Digraph, scene: Scene) -> None:
    """A row of the kinds that are in the picture, under it."""
    kinds = {n.kind for n in scene.nodes}
    if any(n.gradient and n.kind in style.TINTED for n in scene.nodes):
        kinds.add("gradient")
    shown = [(kind, text) for kind, text in style.LEGEND if kind in kinds]
    if not shown:
        return
    names = [f"legend_{kind}" for kind, _ in shown]
    with graph.subgraph(name="cluster_legend") as row:
        row.attr(style="rounded", color=style.FAINT, margin="6", label="", rank="same")
        for name, (kind, text) in zip(names, shown, strict=True):
            look = {**style.LEGEND_LOOKS[kind], "fontsize": "8", "height": "0.2"}
            row.node(name, text, **look)
        for pair in pairwise(names):  # in this order
            row.edge(*pair, style="invis")
    for end in _ends(scene):
        graph.edge(end, names[len(names) // 2], style="invis")


def _ends(scene: Scene) -> list[str]:
    """What the legend stands under: outputs, or else all that nothing reads."""
    read = {edge.source for edge in scene.edges}
    ends = [n.key for n in scene.nodes if n.kind in ("output", "update")]
    return ends or [n.key for n in scene.nodes if n.key not in read][:1]
