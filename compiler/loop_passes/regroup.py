"""Sums and products in an order that lets what reads no state leave the loop.

    (x_t + h_t) + b    →  (x_t + b) + h_t
    (d_t * g_t) * s_t  →  d_t * (g_t * s_t), where g and s are bounded

Only rounding changes: a product is regrouped where at most one of the factors that go
together may be large.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from math import prod

from symseq.graph import Apply, Op, Variable
from symseq.ops import math
from symseq.span import deriving
from symseq.traverse import rebuild

from .accumulators import readers_of
from .bounds import Bounds
from .levels import Level, Levels
from .parts import Parts, stand_for, take_apart
from .walk import over_loops

ADD, MUL = math.add.op, math.mul.op
LARGEST = 1e4


def regroup(outputs: Sequence[Variable]) -> list[Variable]:
    """`outputs` with sums and products in the bodies of loops regrouped."""
    return over_loops(outputs, partial(regroup_one, bounds=Bounds()))


def regroup_one(node: Apply, bounds: Bounds) -> Sequence[Variable] | None:
    """The outputs of the loop with regrouped sums; None: nothing to regroup."""
    parts = take_apart(node)
    for outer, inner in [*parts.sequences, *parts.constants]:
        bounds.enter(inner, [outer])
    mapping = Regroup(parts, bounds).mapping()
    return parts.put_together(mapping).outputs if mapping else None


class Regroup:
    """The trees of sums and of products in one body."""

    def __init__(self, parts: Parts, bounds: Bounds) -> None:
        self.parts, self.bounds = parts, bounds
        self.levels = Levels(parts)
        self.readers = readers_of(self.levels.nodes)
        self.shown = {id(v) for v in parts.outputs}

    def mapping(self) -> dict[Variable, Variable]:
        """The body's outputs that change → what they become."""
        new: dict[int, Variable] = {}
        for node in self.levels.nodes:
            op, root = node.op, node.outputs[0]
            made = None
            if (op is ADD or op is MUL) and not self._is_inner(root, op):
                made = self._regrouped(root, op, new)
            if made is not None:
                new[id(root)] = made
            elif any(id(v) in new for v in node.inputs):
                rebuild(node, [new.get(id(v), v) for v in node.inputs], new)
        return {v: new[id(v)] for v in self.parts.outputs if id(v) in new}

    def _is_inner(self, v: Variable, op: Op) -> bool:
        """Whether v is only a term of one larger sum (a factor of one product)."""
        read = self.readers.get(id(v), [])
        return len(read) == 1 and read[0].op is op and id(v) not in self.shown

    def _leaves(self, root: Variable, op: Op) -> tuple[list[Variable], int]:
        """The terms from left to right; how many nodes of the tree read a state."""
        leaves, count, stack = [], 0, [root]
        while stack:
            v = stack.pop()
            node = v.owner
            inner = v is root or (node is not None and self._is_inner(v, op))
            if inner and node is not None and node.op is op:
                count += self.levels[v] is Level.STATE
                stack.extend(reversed(node.inputs))
            else:
                leaves.append(v)
        return leaves, count

    def _regrouped(
        self, root: Variable, op: Op, new: dict[int, Variable]
    ) -> Variable | None:
        if self.levels[root] is not Level.STATE:
            return None
        leaves, count = self._leaves(root, op)
        early = self._together([v for v in leaves if self.levels[v] < Level.STATE])
        chosen = set(map(id, early))
        late = [v for v in leaves if id(v) not in chosen]
        if len(early) < 2 or count <= len(late) or len(chosen) < len(early):
            return None
        if op is MUL and not self._is_safe(early):
            return None
        assert root.owner is not None
        with deriving(root.owner.spans, root.owner.kind):
            first = self._fold(early, op, new)
            made = reduce(op, [first, *(new.get(id(v), v) for v in late)])
        return stand_for(root, made)

    def _together(self, early: list[Variable]) -> list[Variable]:
        """Those that may go together: none stretches the largest stack among them."""
        rows = [v for v in early if self.levels[v] is Level.ROWS]
        if not rows:
            return early
        widest = min(rows, key=lambda v: sum(v.broadcastable))
        return [v for v in early if _covers(widest, v)]

    def _is_safe(self, factors: Sequence[Variable]) -> bool:
        """Whether at most one of the factors can be large."""
        bounds = [self.bounds[v] for v in factors]
        known = [bound for bound in bounds if bound is not None]
        return len(known) + 1 >= len(bounds) and prod(known) <= LARGEST

    def _fold(
        self, early: Sequence[Variable], op: Op, new: dict[int, Variable]
    ) -> Variable:
        """Fixed terms first, then these with the rows."""
        fixed = [v for v in early if self.levels[v] is Level.FIXED]
        rows = [v for v in early if self.levels[v] is Level.ROWS]
        rows.sort(key=lambda v: sum(v.broadcastable))
        rows = [new.get(id(v), v) for v in rows]
        return reduce(op, [*rows, *([reduce(op, fixed)] if fixed else [])])


def _covers(a: Variable, b: Variable) -> bool:
    """Whether b, broadcast against a, leaves a's lengths as they are."""
    return not any(
        one and not other
        for one, other in zip(a.broadcastable, b.broadcastable, strict=True)
    )
