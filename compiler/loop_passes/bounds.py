"""How large values can be, where their ops say it: gates, masks, slopes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from symseq.graph import Constant, Variable
from symseq.ops.elementwise import Elementwise
from symseq.ops.softmax import Softmax
from symseq.ops.subtensor import Subtensor
from symseq.scan.op import Scan

from .costs import VIEWS

Bound = float | None
MOST_LOOKED_AT = 64
ONE_AT_MOST = {"sigmoid", "tanh", "sin", "cos", "erf", "hard_sigmoid", "sgn"}
RULES: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: a,
    "maximum": max,
    "minimum": max,
    "switch": lambda c, a, b: max(a, b),
}


class Bounds:
    """For a variable of any loop the largest absolute value it may take, or None."""

    def __init__(self) -> None:
        self.known: dict[int, Bound] = {}
        self.alive: list[Variable] = []  # keeps the ids unique
        self.outer: dict[int, list[Variable]] = {}  # a body's input → what it reads

    def __getitem__(self, variable: Variable) -> Bound:
        stack = [(variable, False)]
        while stack:
            v, expanded = stack.pop()
            if expanded:
                self.known[id(v)] = self._rule(v)
            elif id(v) not in self.known:
                self.alive.append(v)
                self.known[id(v)] = None  # while it is under way: a loop's state
                stack.append((v, True))
                stack += [(x, False) for x in self._reads(v)]
        return self.known[id(variable)]

    def enter(self, inner: Variable, outer: Sequence[Variable]) -> None:
        """A body's input takes values of these variables of the outside."""
        self.alive.append(inner)
        self.outer[id(inner)] = list(outer)

    def _reads(self, v: Variable) -> Sequence[Variable]:
        """What v's bound follows from."""
        node = v.owner
        if id(v) in self.outer:
            return self.outer[id(v)]
        if node is None:
            return ()
        if isinstance(node.op, Scan):
            return self._loop_reads(v, node.op)
        if isinstance(node.op, (*VIEWS, Subtensor)):
            return node.inputs[:1]
        return node.inputs if isinstance(node.op, Elementwise) else ()

    def _loop_reads(self, v: Variable, op: Scan) -> Sequence[Variable]:
        assert v.owner is not None
        inputs = v.owner.inputs
        pairs = [*zip(op.body_sequences, op.sequence_inputs(inputs), strict=True)]
        pairs += zip(op.body_constants, op.constant_inputs(inputs), strict=True)
        for inner, outer in pairs:
            self.enter(inner, [outer])
        if v.index >= len(op.body.outputs):
            return ()
        new = op.body.outputs[v.index]
        if v.index < len(op.states):
            return (new, op.initial_inputs(inputs)[v.index])
        return (new,)

    def _rule(self, v: Variable) -> Bound:
        if isinstance(v, Constant):
            return (
                float(np.max(np.abs(v.data), initial=0)) if v.data.size < 64 else None
            )
        if v.dtype == "bool":
            return 1.0
        node = v.owner
        if node is not None and isinstance(node.op, Elementwise):
            return self._elementwise(v)
        if node is not None and isinstance(node.op, Softmax):
            return 1.0
        found = [self.known.get(id(x)) for x in self._reads(v)]
        known = [bound for bound in found if bound is not None]
        return max(known) if known and len(known) == len(found) else None

    def _elementwise(self, v: Variable) -> Bound:
        node = v.owner
        assert node is not None
        if node.op.name in ONE_AT_MOST:
            return 1.0
        known = [self.known.get(id(x)) for x in node.inputs]
        if node.op.name.startswith("cast"):
            return known[0]
        rule = RULES.get(node.op.name)
        if rule is None or (node.op.name != "switch" and None in known):
            return None
        return None if None in known[1:] else rule(*known)
