"""Where parameters and constants stand: in the innermost frame around their uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symseq.draw.scene import WHOLE, Node, Scene


def at_home(scene: Scene) -> Scene:
    """Parameters and constants stand in the innermost frame around all their uses."""
    uses: dict[str, list[Node]] = {}
    for edge in scene.edges:
        uses.setdefault(edge.source, []).append(scene.by_key[edge.target])
    found = []
    for node in scene.nodes:
        if node.kind in ("shared", "constant"):
            users = uses.get(node.key, [])
            # The gradient reads them too: they belong to what it is the gradient of.
            plain = [u for u in users if not _is_gradient(scene, u)] or users
            common = common_start([_path(scene, user) for user in plain])
            node = replace(node, frame=common[-1] if common else WHOLE)
        found.append(node)
    return replace(scene, nodes=tuple(found))


def _path(scene: Scene, user: Node) -> list[str]:
    """The frames around what reads a leaf; a loop reads it from outside its frame."""
    path = scene.around(user.key)
    return path[:-1] if user.row == "top" else path


def _is_gradient(scene: Scene, user: Node) -> bool:
    return user.gradient or any(
        scene.frames[f].gradient for f in scene.around(user.key)
    )


def common_start(paths: Sequence[Sequence[str]]) -> Sequence[str]:
    """The longest start that all have."""
    size = 0
    while paths and all(
        size < len(path) and path[size] == paths[0][size] for path in paths
    ):
        size += 1
    return paths[0][:size] if paths else ()
