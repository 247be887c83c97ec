"""A model alone as a scene: its modules as frames, in them the parameters they hold."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from symseq.draw.labels import clean
from symseq.draw.scene import WHOLE, Edge, Frame, Node, Scene
from symseq.graph import SharedVariable

ABREAST = 4  # parameters in a row


def tree(parameters: Mapping[str, SharedVariable], name: str = "") -> Scene:
    """The scene of parameters by their paths: "lstm.cell.U" is in frame "lstm.cell"."""
    nodes: list[Node] = []
    frames: dict[str, Frame] = {}
    paths: dict[tuple[str, ...], str] = {}
    parts = [(*([name] if name else []), *path.split(".")) for path in parameters]
    for path, variable in zip(parts, parameters.values(), strict=True):
        home = _frame(path[:-1], frames, paths)
        label = f"{clean(path[-1])}\n{variable.type}"
        tip = f"{'.'.join(path)}: {variable.storage.size:,} numbers"
        nodes.append(Node(f"v{len(nodes)}", "shared", label, tip, home, variable))
    total = sum(variable.storage.size for variable in parameters.values())
    notes = (f"{len(nodes):,} parameters, {total:,} numbers",)
    return Scene(tuple(nodes), tuple(_below(nodes)), frames, notes)


def _frame(
    path: tuple[str, ...], frames: dict[str, Frame], paths: dict[tuple[str, ...], str]
) -> str:
    """The frame of a module, made with those around it when it is first met."""
    if not path:
        return WHOLE
    if path not in paths:
        parent = _frame(path[:-1], frames, paths)
        key = paths[path] = f"g{len(frames)}"
        frames[key] = Frame(key, "group", clean(path[-1]), ".".join(path), parent)
    return paths[path]


def _below(nodes: list[Node]) -> list[Edge]:
    """Unseen edges that put modules, and rows of many parameters, below each other."""
    rows: list[list[Node]] = []
    for node in nodes:
        last = rows[-1] if rows else []
        if last and last[0].frame == node.frame and len(last) < ABREAST:
            last.append(node)
        else:
            rows.append([node])
    return [
        Edge(upper.key, lower.key, "", role="order")
        for above, below in pairwise(rows)
        for upper in above
        for lower in below
    ]
