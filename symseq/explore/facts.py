"""What the page says about each node and frame of a scene."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from symseq.draw.scene import Frame, Node, Scene
from symseq.explore.divide import spans_of
from symseq.explore.heat import Heat
from symseq.explore.sources import Lines, Strings
from symseq.graph import Apply, Op, Variable
from symseq.ops.elementwise import Elementwise

LETTERS = "xyzuvwabcdefgh"


@dataclass(slots=True)
class Facts:
    """Makes the facts of scenes that share lines and docstrings."""

    lines: Lines = field(default_factory=Lines)
    docs: Strings = field(default_factory=Strings)
    values: dict[int, str] = field(default_factory=dict)

    def of(self, scene: Scene, heat: Heat) -> dict[str, dict[str, Any]]:
        """By key; what is empty is left out. The letters:

        k kind, n label, p frame around, t type, l lines, o op, d number of its
        docstring, v value, c cost in words, h [seconds, operations, bytes],
        f 1 of a frame, g 1 of the gradient's.
        """
        found: dict[str, dict[str, Any]] = {}
        for frame in scene.frames.values():
            found[frame.key] = packed(
                **self.common(frame), p=frame.parent, f=1, v=self.made(frame.apply),
                h=heat_at(frame.apply, heat),
            )  # fmt: skip
        for node in scene.nodes:
            found[node.key] = packed(
                **self.common(node), p=node.frame, t=type_of(node),
                v=self.value(node), c=words(node, heat), h=heat_at(node.apply, heat),
            )  # fmt: skip
        return found

    def common(self, part: Node | Frame) -> dict[str, Any]:
        apply = part.apply
        return {
            "k": part.kind,
            "n": part.label,
            "l": self.lines.numbers(spans_of(part)),
            "o": "" if apply is None else str(apply.op),
            "d": None if apply is None else self.docs.number(doc_of(apply.op)),
            "g": int(part.gradient),
        }

    def value(self, node: Node) -> str:
        if node.apply is not None:
            return self.made(node.apply)
        return "" if node.variable is None else self.values.get(id(node.variable), "")

    def made(self, apply: Apply | None) -> str:
        """What a node's outputs held, a line for each."""
        outputs: tuple[Variable, ...] = () if apply is None else tuple(apply.outputs)
        seen = [self.values[id(v)] for v in outputs if id(v) in self.values]
        return "\n".join(seen)


def packed(**facts: Any) -> dict[str, Any]:
    return {name: fact for name, fact in facts.items() if fact not in (None, "", 0, [])}


def type_of(node: Node) -> str:
    """The types of what a node makes."""
    made = node.apply.outputs if node.apply is not None else [node.variable]
    return "; ".join(str(v.type) for v in made if v is not None)


def heat_at(apply: Apply | None, heat: Heat) -> list[float]:
    """[seconds, operations, bytes] of one node; nothing where all is zero."""
    key = id(apply)
    found = [table.get(key, 0) for table in (heat.seconds, heat.flops, heat.bytes)]
    return [float(f"{n:.4g}") for n in found] if any(found) else []


def words(node: Node, heat: Heat) -> str:
    return heat.words.get(id(node.apply), "")


def doc_of(op: Op) -> str:
    """The first paragraph of an op's docstring; of an elementwise op, its formula."""
    if isinstance(op, Elementwise):
        text = op.text.format(*LETTERS[: op.arity])
        return f"{op.name}: {text} of each element"
    first = (type(op).__doc__ or "").strip().split("\n\n")[0]
    return " ".join(first.split())
