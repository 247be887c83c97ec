"""Products of one value with several weights become one product in each step.

    dot(h, U) + b, dot(h, V) + c   →   z = dot(h, [U V]) + [b c];  z[:, :n], z[:, n:]

So gates that are written one by one are computed side by side: the sums that follow are
joined with the products, and what is applied to the pieces can be merged. The weights
are joined once, before the loop (`hoist`), so they must be small: a step saves calls
and their overhead, not the work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from operator import is_

from symseq.graph import Apply, Variable
from symseq.ops import math
from symseq.ops.join import Join
from symseq.ops.linalg import Dot
from symseq.ops.subtensor import Range, Subtensor
from symseq.span import Span, deriving
from symseq.traverse import rebuild, sort_nodes

from .accumulators import next_states, readers_of
from .levels import Level, Levels
from .parts import Parts, elements, stand_for, take_apart
from .walk import over_loops

ADD, KIND = math.add.op, "joined"
MOST_JOINED = 1 << 15  # elements; beyond, a call's overhead is small beside its work


def join_products(outputs: Sequence[Variable]) -> list[Variable]:
    """`outputs` with the products in bodies of loops joined."""
    return over_loops(outputs, _join_in_one)


def _join_in_one(node: Apply) -> Sequence[Variable] | None:
    parts = take_apart(node)
    joins = Joins(parts)
    if not joins.groups:
        return None
    joins.sweep()
    new = joins.new
    mapping = {v: new[id(v)] for v in parts.outputs if id(v) in new}
    return parts.put_together(mapping).outputs


@dataclass(eq=False, slots=True)
class Row:
    """Values side by side: member k is ``whole[..., ends[k]:ends[k + 1]]``."""

    members: list[Variable]
    whole: Variable
    ends: list[int]

    def columns(self, first: int, last: int) -> Variable:
        """Members first ... last, side by side."""
        start, stop = self.ends[first], self.ends[last + 1]
        if (start, stop) == (self.ends[0], self.ends[-1]):
            return self.whole
        cut: list[Range] = [Range()] * (self.whole.ndim - 1)
        return Subtensor((*cut, Range(start, stop)))(self.whole)


class Joins:
    """One body: which products go together, and the sums that do so after them."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.levels = parts, Levels(parts)
        self.readers = readers_of(self.levels.nodes)
        self.new: dict[int, Variable] = {}
        self.rows: dict[int, tuple[Row, int]] = {}  # a member → its row and place
        self.groups = self._groups()

    def _groups(self) -> dict[int, list[Apply]]:
        """For a product's id those that go together with it, in order."""
        by_left: dict[int, list[Apply]] = {}
        # What no state reads will move behind the loop.
        for node in sort_nodes(next_states(self.parts), stop=self.parts.body_inputs):
            if _may_join(node, self.levels):
                by_left.setdefault(id(node.inputs[0]), []).append(node)
        groups = sorted((g for g in by_left.values() if _pays(g)), key=len)
        place: dict[int, int] = {}
        for group in groups:
            # In the order of products that are already in one, where sums meet them.
            order = {id(node): k for k, node in enumerate(group)}
            group.sort(key=lambda n: (self._met(n, place), order[id(n)]))
            place.update((id(n.outputs[0]), k) for k, n in enumerate(group))
        return {id(node): group for group in groups for node in group}

    def _met(self, node: Apply, place: dict[int, int]) -> int:
        for reader in self.readers.get(id(node.outputs[0]), []):
            for v in reader.inputs:
                if reader.op is ADD and id(v) in place:
                    return place[id(v)]
        return len(place) + len(self.levels.nodes)

    def sweep(self) -> None:
        """Build the body anew, inputs before users."""
        for node in self.levels.nodes:
            if id(node.outputs[0]) in self.new:
                continue
            if id(node) in self.groups:
                self._products(self.groups[id(node)])
            elif node.op is not ADD or not self._sums(node):
                inputs = [self.new.get(id(v), v) for v in node.inputs]
                if any(id(v) in self.new for v in node.inputs):
                    rebuild(node, inputs, self.new)

    def _products(self, group: Sequence[Apply]) -> None:
        """One product for the group."""
        left = group[0].inputs[0]
        rights = [node.inputs[1] for node in group]
        with deriving(_spans(group), KIND):
            whole = Dot()(self.new.get(id(left), left), Join(1)(*rights))
        self._enter(group, whole, [_width(right) for right in rights])

    def _enter(
        self, nodes: Sequence[Apply], whole: Variable, widths: list[int]
    ) -> None:
        """Let columns of `whole` stand for what the nodes make."""
        row = Row([node.outputs[0] for node in nodes], whole, [0])
        for k, (node, width) in enumerate(zip(nodes, widths, strict=True)):
            row.ends.append(row.ends[-1] + width)
            self.rows[id(node.outputs[0])] = row, k
        for k, node in enumerate(nodes):
            with deriving(node.spans, node.kind):
                part = row.columns(k, k)
            self.new[id(node.outputs[0])] = stand_for(node.outputs[0], part)

    def _sums(self, node: Apply) -> bool:
        """Join the node, a sum, with like sums of the neighbours, if there are any."""
        for a, b in (node.inputs, node.inputs[::-1]):
            if id(a) not in self.rows:
                continue
            if id(b) in self.rows:
                if self._sums_of_rows(a, b):
                    return True
            elif self._sums_with_fixed(a):
                return True
        return False

    def _sums_of_rows(self, a: Variable, b: Variable) -> bool:
        """a + b, where both are members of rows: so all members of the shorter row."""
        (left, i), (right, j) = self.rows[id(a)], self.rows[id(b)]
        if len(left.members) < len(right.members) or left is right:
            return False
        shift, count = i - j, len(right.members)
        if shift < 0 or shift + count > len(left.members):
            return False
        found = []
        for k, other in enumerate(right.members):
            sums = self._readers(other, partial(is_, left.members[k + shift]))
            if not sums:
                return False
            found.append(sums[0])
        widths = [end - start for start, end in pairwise(right.ends)]
        there = [left.ends[k + shift + 1] - left.ends[k + shift] for k in range(count)]
        if widths != there:
            return False
        with deriving(_spans(found), KIND):
            whole = ADD(left.columns(shift, shift + count - 1), right.whole)
        self._enter(found, whole, widths)
        return True

    def _sums_with_fixed(self, a: Variable) -> bool:
        """a + b, b fixed, where a is a member of a row: so all members."""
        row, _ = self.rows[id(a)]
        found, fixed = [], []
        widths = [end - start for start, end in pairwise(row.ends)]
        for member, width in zip(row.members, widths, strict=True):
            sums = self._readers(member, partial(self._is_bias, width))
            if not sums:
                return False
            found.append(sums[0])
            fixed.append(next(v for v in sums[0].inputs if v is not member))
        with deriving(_spans(found), KIND):
            whole = ADD(row.whole, Join(row.whole.ndim - 1)(*fixed))
        self._enter(found, whole, widths)
        return True

    def _readers(
        self, member: Variable, wanted: Callable[[Variable], bool]
    ) -> list[Apply]:
        """The sums of `member` and a term that is wanted."""
        return [
            node
            for node in self.readers.get(id(member), [])
            if node.op is ADD
            and id(node.outputs[0]) not in self.new
            and node.inputs[0] is not node.inputs[1]
            and any(v is not member and wanted(v) for v in node.inputs)
        ]

    def _is_bias(self, width: int, v: Variable) -> bool:
        """Whether v is a fixed row of that width, the same for all examples."""
        fixed = self.levels[v] is Level.FIXED and _width(v) == width
        return fixed and all(v.broadcastable[:-1]) and not v.broadcastable[-1]


def _may_join(node: Apply, levels: Levels) -> bool:
    """Whether the node is a product of a changing value with a fixed matrix."""
    if node.op != Dot():
        return False
    left, right = node.inputs
    known = None not in right.type.sizes
    changes = levels[left] is not Level.FIXED and levels[right] is Level.FIXED
    return changes and known and right.ndim == 2


def _pays(group: Sequence[Apply]) -> bool:
    return len(group) > 1 and elements([n.inputs[1] for n in group]) <= MOST_JOINED


def _width(v: Variable) -> int:
    """The length of the last axis; -1 where it is not known."""
    size = v.type.sizes[-1]
    return -1 if size is None else size


def _spans(nodes: Sequence[Apply]) -> tuple[Span, ...]:
    return tuple(dict.fromkeys(span for node in nodes for span in node.spans))
