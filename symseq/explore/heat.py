"""What each node costs: seconds as measured, operations and bytes as forecast."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from symseq.compiler.profile import Entry, Profile
from symseq.cost.given import Shapes
from symseq.cost.graph import costs
from symseq.cost.work import Amount
from symseq.errors import SymseqError
from symseq.graph import Apply, Variable
from symseq.lengths import Dim
from symseq.printing.inside import insides
from symseq.traverse import sort_nodes

# A length without a size counts as so much, for the forecast's colours alone.
ASSUMED = 32
# Two nodes of one kind by the same lines: what passes rebuilt is known by this.
Sign = tuple[str, tuple[str, ...], int]


@dataclass(slots=True)
class Heat:
    """By a node's id: operations and bytes of a call, as numbers and in words."""

    flops: dict[int, float] = field(default_factory=dict)
    bytes: dict[int, float] = field(default_factory=dict)
    words: dict[int, str] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    assumed: bool = False
    partial: bool = False  # whether some of it depends on lengths that nobody named


def heat_of(
    outputs: Sequence[Variable], shapes: Shapes | None, profile: Profile | None
) -> Heat:
    """The forecast for each node, those in bodies too, and what was measured."""
    heat = Heat()
    try:
        found = costs(list(outputs), shapes)
    except SymseqError:
        if shapes is not None:
            raise
        return heat
    for costed in found.everything():
        if costed.bodies:
            continue  # its frame is the sum of what is inside
        key, total = id(costed.node), costed.total
        heat.flops[key] = heat.flops.get(key, 0) + size(total.flops, heat)
        heat.bytes[key] = heat.bytes.get(key, 0) + size(total.bytes, heat)
        least = "at least " if total.unknown else ""
        heat.partial |= bool(total.unknown)
        heat.words[key] = f"{least}{total.flops} operations, {total.bytes} bytes"
    if profile is not None:
        heat.seconds = seconds_of(outputs, profile)
    return heat


def size(amount: Amount, heat: Heat) -> float:
    """An amount in numbers, with a size for each name that has none."""
    if not isinstance(amount, Dim):
        return amount
    if amount.size is not None:
        return amount.size
    heat.assumed = True
    names = {symbol for monomial, _ in amount.terms for symbol in monomial}
    return max(amount.evaluate(dict.fromkeys(names, ASSUMED)) or 0, 0)


def seconds_of(outputs: Sequence[Variable], profile: Profile) -> dict[int, float]:
    """Measured seconds for the nodes of a graph that passes made once more.

    What ran is matched by op, lines and depth, in order where there are as many, else
    shared evenly.
    """
    ran: dict[Sign, list[Entry]] = defaultdict(list)
    for entry in profile.entries():
        ran[sign_of(entry.node, len(entry.loops))].append(entry)
    here: dict[Sign, list[Apply]] = defaultdict(list)
    for node, depth in every_node(outputs):
        here[sign_of(node, depth)].append(node)
    found: dict[int, float] = {}
    for sign, entries in ran.items():
        nodes = here.get(sign, [])
        if len(nodes) == len(entries):
            for node, entry in zip(nodes, entries, strict=True):
                found[id(node)] = entry.seconds
        elif nodes:
            even = sum(entry.seconds for entry in entries) / len(nodes)
            found.update((id(node), even) for node in nodes)
    return found


def sign_of(node: Apply, depth: int) -> Sign:
    """How a node is known again in a graph that was rebuilt."""
    return str(node.op), tuple(map(str, node.spans)), depth


def every_node(outputs: Sequence[Variable]) -> list[tuple[Apply, int]]:
    """(node, how many loops are around it), the nodes of bodies too."""
    found: list[tuple[Apply, int]] = []
    stack: list[tuple[Sequence[Variable], Sequence[Variable], int]] = [(outputs, (), 0)]
    while stack:
        wanted, stop, depth = stack.pop()
        for node in sort_nodes(wanted, stop):
            found.append((node, depth))
            stack += [(b.outputs, b.inputs, depth + 1) for b in insides(node)]
    return found
