"""What each pass changed: the nodes that went and those that came, with their lines."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symseq.compiler.pipeline import passes_of
from symseq.explore.heat import Sign, every_node, sign_of
from symseq.graph import Apply, Variable

LISTED = 60  # nodes that a step names


@dataclass(frozen=True, slots=True)
class Step:
    """One pass: its name, the graph after it, and what is only before or after it."""

    name: str
    outputs: list[Variable]
    gone: tuple[Apply, ...] = ()
    new: tuple[Apply, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.gone or self.new)

    def data(self) -> dict[str, Any]:
        """The step as the page lists it."""
        return {
            "name": self.name.replace("_", " "),
            "gone": [len(self.gone), rows(self.gone)],
            "new": [len(self.new), rows(self.new)],
        }


def steps_of(outputs: Sequence[Variable], target: str) -> list[Step]:
    """The graph as written, then a step for each pass of the target's."""
    if target == "reference":
        return [Step("", list(outputs))]
    (_, first), *others = passes_of(outputs, target)
    steps, before, known = [Step("", first)], first, tally(first)
    for name, after in others:
        same = len(after) == len(before) and all(
            map(lambda a, b: a is b, after, before)
        )
        if same:
            steps.append(Step(name, after))
            continue
        now = tally(after)
        steps.append(Step(name, after, only_in(known, now), only_in(now, known)))
        before, known = after, now
    return steps


def tally(outputs: Sequence[Variable]) -> dict[Sign, list[Apply]]:
    """The nodes of a graph by what they are known by."""
    found: dict[Sign, list[Apply]] = defaultdict(list)
    for node, depth in every_node(outputs):
        found[sign_of(node, depth)].append(node)
    return found


def only_in(
    here: dict[Sign, list[Apply]], there: dict[Sign, list[Apply]]
) -> tuple[Apply, ...]:
    """The nodes that one graph has more of: a node that was rebuilt is no new one."""
    kept = {id(node) for nodes in there.values() for node in nodes}
    found: list[Apply] = []
    for sign, nodes in here.items():
        more = len(nodes) - len(there.get(sign, ()))
        if more > 0:
            # Those that the other graph holds too are surely not what changed.
            found += sorted(nodes, key=lambda node: id(node) in kept)[:more]
    return tuple(found)


def rows(nodes: Sequence[Apply]) -> list[list[Any]]:
    """[[how many, op, line, text], ...], equal ones as one."""
    counted = Counter(
        (str(node.op), str(node.spans[0]), node.spans[0].text) for node in nodes
    )
    return [[count, *row] for row, count in list(counted.items())[:LISTED]]
