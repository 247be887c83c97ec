"""What only computes lengths, left out: the types at the edges say them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from symseq.draw.labels import clean, uncast
from symseq.draw.scene import Edge, Node, Scene
from symseq.graph import Constant
from symseq.ops.alloc import Alloc
from symseq.ops.reshape import Reshape
from symseq.ops.shape import ShapeOf
from symseq.printing.pprint import constant_term


def without_lengths(scene: Scene) -> Scene:
    """The scene where zeros, and what is reshaped, read no lengths.

    Nodes go that nothing else reads; `alloc(0, T, B)` becomes the constant 0.
    """
    lengths = length_nodes(scene)
    edges = [edge for edge in scene.edges if not _is_length(scene, edge, lengths)]
    readers = Counter([*(edge.source for edge in edges), *scene.marks])
    gone = set()
    for node in reversed(scene.nodes):
        if node.key in lengths and not readers[node.key]:
            gone.add(node.key)
            readers.subtract(edge.source for edge in scene.entering[node.key])
    edges = [edge for edge in edges if edge.target not in gone]
    entered = {edge.target for edge in edges}
    nodes = [
        node if node.key in entered else as_constant(node)
        for node in scene.nodes
        if node.key not in gone
    ]
    return replace(scene, nodes=tuple(nodes), edges=tuple(edges))


def length_nodes(scene: Scene) -> set[str]:
    """What is computed from shapes alone, as integers."""
    found: set[str] = set()
    for node in scene.nodes:
        if node.apply is None or node.row:
            continue
        reads = scene.entering[node.key]
        counts = not node.apply.outputs[0].type.is_float
        if isinstance(node.apply.op, ShapeOf) or (
            counts and reads and all(edge.source in found for edge in reads)
        ):
            found.add(node.key)
    return found


def _is_length(scene: Scene, edge: Edge, lengths: set[str]) -> bool:
    """Whether an edge only says how long what its target makes shall be."""
    node = scene.by_key[edge.target].apply
    if edge.source not in lengths or node is None:
        return False
    return isinstance(node.op, (Alloc, Reshape)) and edge.variable is not node.inputs[0]


def as_constant(node: Node) -> Node:
    """0 of alloc(0, T, B); any other node as it is."""
    apply = node.apply
    if apply is None or not isinstance(apply.op, Alloc):
        return node
    value = uncast(apply.inputs[0])
    if not isinstance(value, Constant) or value.ndim or apply.outputs[0].name:
        return node
    return replace(node, kind="constant", label=clean(constant_term(value).text))
