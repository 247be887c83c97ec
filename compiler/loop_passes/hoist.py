"""Work that does not read the states leaves the loop, to the front.

    h_t = tanh(dot(x_t, W) + dot(h_{t-1}, U))
    →  P = dot(x, W);  h_t = tanh(P_t + dot(h_{t-1}, U))

What reads constants alone is computed once; what reads rows of sequences is computed
for all steps at once, by the batching rules of the ops. Views, repeated values and what
would make a stack larger than those that are there stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from symseq.graph import Apply, Constant, Variable

from .accumulators import find_accumulators, largest_state
from .costs import (
    Cost,
    cost_of,
    is_cast,
    is_plain_alloc,
    is_product,
    keeps_size,
    stacks_little,
)
from .levels import Level, Levels
from .outside import Outside
from .parts import Parts, elements, held_per_step, take_apart
from .policy import Policy
from .walk import over_loops


def hoist(outputs: Sequence[Variable], policy: Policy) -> list[Variable]:
    """`outputs` with that work done before the loops, in bodies of loops too."""
    return over_loops(outputs, partial(hoist_one, policy=policy))


def hoist_one(node: Apply, policy: Policy) -> Sequence[Variable] | None:
    """What stands for the outputs of one loop; None: nothing leaves it."""
    return Hoist(take_apart(node), policy).result()


class Hoist:
    """One loop: what crosses its border, and the loop that is left."""

    def __init__(self, parts: Parts, policy: Policy) -> None:
        self.parts, self.policy = parts, policy
        self.levels = Levels(parts)
        self.outside = Outside(parts)
        self.rows = {k for k, level in self.levels.of.items() if level is Level.ROWS}
        self.may_stack = parts.until is None and not parts.is_tight
        # What is only added up over the steps is no row to stack: see move_behind.
        self.sums = (
            {a.place for a in find_accumulators(parts)} if self.may_stack else set()
        )
        # What is large beside the states is no matter of calls.
        self.large = 4 * largest_state(parts)
        # And what is large beside all that is there per step is a matter of memory.
        self.most = 16 * held_per_step(parts)
        self.wanted: set[int] = set()  # ids of what is computed outside
        self.crossing: dict[int, Variable] = {}  # what the loop reads of it
        self.gone: list[int] = []  # mapped outputs that leave

    def result(self) -> Sequence[Variable] | None:
        tried = False
        while not tried:  # again without what turns out to have no batching rule
            self._ask()
            gone = [self.parts.mapped[k] for k in self.gone]
            found = [self.outside.compute(v) for v in (*self.crossing.values(), *gone)]
            tried = all(value is not None for value in found)
        if not self.crossing and not self.gone:
            return None
        return self._rebuilt()

    def _ask(self) -> None:
        """From the body's outputs back: what is needed inside, what outside."""
        parts = self.parts
        inside = {id(s.new) for k, s in enumerate(parts.states) if k not in self.sums}
        if parts.until is not None:
            inside.add(id(parts.until))
        self.crossing, self.gone = {}, []
        for k, v in enumerate(parts.mapped):
            there = not self.outside.has_failed(v)
            if self.may_stack and self.levels[v] < Level.STATE and there:
                self.gone.append(k)
                self.wanted.add(id(v))
            else:
                inside.add(id(v))
        for node in reversed(self.levels.nodes):
            self._ask_node(node, inside)

    def _ask_node(self, node: Apply, inside: set[int]) -> None:
        needed = [v for v in node.outputs if id(v) in inside]
        leaves = bool(needed) and self._leaves(node)
        if leaves:
            self.crossing.update((id(v), v) for v in needed)
            self.wanted.update(id(v) for v in needed)
        elif needed:
            inside.update(id(v) for v in node.inputs)
        if any(id(v) in self.wanted for v in node.outputs):
            self.wanted.update(id(v) for v in node.inputs)

    def _leaves(self, node: Apply) -> bool:
        """Whether the loop rather reads the node's values than computes them."""
        level = self.levels[node.outputs[0]]
        if level is Level.STATE or any(map(self.outside.has_failed, node.outputs)):
            return False
        if level is Level.FIXED:
            return not is_plain_alloc(node)
        if not self.may_stack or any(v.held is not None for v in node.outputs):
            return False
        if not is_product(node) and elements(node.outputs) > self.most:
            return False
        cost = cost_of(node)
        if cost > Cost.NOTHING and any(id(v) in self.wanted for v in node.outputs):
            return True  # it is computed outside anyway
        if cost is Cost.WORK:
            return stacks_little(node)
        if not self.policy.elementwise or not self._is_small(node):
            return False
        return cost is Cost.CALL or (is_cast(node) and self._is_made(node.inputs[0]))

    def _is_small(self, node: Apply) -> bool:
        """Whether calls are what the node costs: its rows are not large themselves.

        A large row is faster made where it is read, in the cache.
        """
        large = self.large and elements(node.outputs) > self.large
        return keeps_size(node, self.rows) and not large

    def _is_made(self, v: Variable) -> bool:
        """Whether v would leave the loop: no row of a sequence, nor a view of one."""
        return (
            v.owner is not None
            and id(v) not in self.levels.inputs
            and cost_of(v.owner) > Cost.NOTHING
            and self._leaves(v.owner)
        )

    def _rebuilt(self) -> Sequence[Variable]:
        parts, outside = self.parts, self.outside
        mapping: dict[Variable, Variable] = {}
        for v in self.crossing.values():
            value = outside.get(v)
            assert value is not None
            if isinstance(value, Constant):
                mapping[v] = value
                continue
            inner = mapping[v] = Variable(v.type, name=v.name, held=v.held)
            if outside.is_stack(v):
                parts.sequences.append((outside.rows(v), inner))
            else:
                parts.constants.append((value, inner))
        stacks = parts.op.mapped_outputs(parts.node.outputs)
        found: dict[int, Variable] = {}
        for k in self.gone:
            stack = outside.stack_of(parts.mapped[k], stacks[k])
            assert stack is not None
            found[id(stacks[k])] = stack
        kept = [k for k in range(len(stacks)) if k not in self.gone]
        left = [v for v in parts.node.outputs if id(v) not in found]
        parts.mapped = [parts.mapped[k] for k in kept]
        if left:
            made = parts.put_together(mapping).outputs
            found.update((id(old), new) for old, new in zip(left, made, strict=True))
        return [found[id(v)] for v in parts.node.outputs]
