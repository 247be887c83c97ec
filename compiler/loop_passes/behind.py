"""Work that no state reads leaves the loop, to behind it.

    p_t = softmax(dot(h_t, V))             →  P = softmax(dot(h, V))
    acc_t = acc_{t-1} + dot(a_t.T, b_t)    →  acc + dot(A.T, B)

The loop then stacks what that work reads, unless it does so anyway; it is moved
where the new stacks are not larger than what the loop holds per step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace as replace_fields
from functools import partial

from symseq.graph import Apply, Variable
from symseq.ops.indexing import getitem
from symseq.scan.op import Scan
from symseq.scan.rows import history_rows
from symseq.span import deriving
from symseq.traverse import replace, sort_nodes

from .accumulators import (
    Accumulator,
    find_accumulators,
    largest_state,
    readers_of,
)
from .costs import Cost, cost_of, is_bound, is_product, keeps_size, stacks_little
from .levels import Level, Levels
from .outside import KIND, Outside
from .parts import Parts, State, elements, held_per_step, stand_for, take_apart
from .policy import Policy
from .sums import Sums
from .walk import over_loops


def move_behind(outputs: Sequence[Variable], policy: Policy) -> list[Variable]:
    """`outputs` with that work done after the loops, in bodies of loops too."""
    return over_loops(outputs, partial(move_one_behind, policy=policy))


def move_one_behind(node: Apply, policy: Policy) -> Sequence[Variable] | None:
    """What stands for the outputs of one loop; None: nothing leaves it."""
    parts = take_apart(node)
    if parts.until is not None or parts.is_tight:
        return None
    return Behind(parts, policy).result()


class Behind:
    """One loop: which nodes move behind it, and which values it stacks for them."""

    def __init__(self, parts: Parts, policy: Policy) -> None:
        self.parts, self.policy = parts, policy
        self.levels = Levels(parts)
        self.sums: dict[int, Sums] = {}
        self.finals: dict[int, Variable] = {}
        self.active = [a for a in find_accumulators(parts) if self._plan(a)]
        self.stuck: set[int] = set()  # ids of nodes that must stay
        self.held = held_per_step(parts)

    def _plan(self, accumulator: Accumulator) -> bool:
        """Write down what the state comes to; whether it can be written."""
        sums = Sums(self.parts, self.levels)
        final = accumulator.final(sums)
        if final is None:
            return False
        self.sums[accumulator.place], self.finals[accumulator.place] = sums, final
        return True

    def result(self) -> Sequence[Variable] | None:
        while True:
            self._choose()
            if self._too_much():
                continue
            if not self.active and not self.gone:
                return None
            found = self._rebuilt()
            if found is not None:
                return found

    # -- which nodes move ----------------------------------------------------------

    def _choose(self) -> None:
        """Divide the nodes; fills `moved`, `edges` and `gone`."""
        parts = self.parts
        places = {a.place for a in self.active}
        real = [s.new for k, s in enumerate(parts.states) if k not in places]
        stops = parts.body_inputs
        core = sort_nodes(real, stop=stops)
        self.core = {id(node) for node in core} | self.stuck
        roots = [*real, *parts.mapped, *self._leaves()]
        nodes = sort_nodes(roots, stop=stops)
        for node in reversed(nodes):  # what a stuck node reads is needed inside
            if id(node) in self.core:
                self.core.update(id(v.owner) for v in node.inputs if v.owner)
        self.cone = [node for node in nodes if id(node) not in self.core]
        self.readers = readers_of(nodes)
        self.moved: set[int] = set()
        for node in self.cone:
            if self._is_state(node) and (self._pays(node) or self._reads_moved(node)):
                self.moved.add(id(node))
        self._add_views()
        self._find_edges()
        self._add_ready()
        self._find_edges()
        self.gone = [k for k, v in enumerate(parts.mapped) if self._is_behind(v)]

    def _leaves(self) -> list[Variable]:
        """The values whose stacks the sums read."""
        return [v for a in self.active for v in self.sums[a.place].stacks]

    def _is_state(self, node: Apply) -> bool:
        return self.levels[node.outputs[0]] is Level.STATE

    def _pays(self, node: Apply) -> bool:
        """Whether doing the node for all steps at once is worth new stacks."""
        return is_product(node) or (isinstance(node.op, Scan) and stacks_little(node))

    def _reads_moved(self, node: Apply) -> bool:
        return any(
            v.owner is not None and id(v.owner) in self.moved for v in node.inputs
        )

    def _add_views(self) -> None:
        """Views that only moved nodes read move with them."""
        mapped = {id(v) for v in self.parts.mapped}
        for node in reversed(self.cone):
            if cost_of(node) is Cost.NOTHING and not is_bound(node):
                read = [r for v in node.outputs for r in self.readers.get(id(v), [])]
                shown = any(id(v) in mapped for v in node.outputs)
                if read and not shown and all(id(r) in self.moved for r in read):
                    self.moved.add(id(node))

    def _add_ready(self) -> None:
        """Nodes whose operands are stacked anyway move where all their readers do."""
        stacked = {id(v) for v in self.edges}
        more: list[Apply] = []
        ids: set[int] = set()
        for node in self.cone:
            if id(node) in self.moved or not self._is_state(node):
                continue
            if self._may_follow(node) and all(
                self._is_there(v, stacked, ids) for v in node.inputs
            ):
                more.append(node)
                ids.add(id(node))
        for node in reversed(more):
            read = [r for v in node.outputs for r in self.readers.get(id(v), [])]
            if all(id(r) in ids or id(r) in self.moved for r in read):
                self.moved.add(id(node))
            else:
                ids.discard(id(node))

    def _may_follow(self, node: Apply) -> bool:
        if is_bound(node) or not stacks_little(node):
            return False
        if cost_of(node) is Cost.CALL and not self.policy.elementwise:
            return False
        return keeps_size(node, {id(v) for v in node.inputs})

    def _is_there(self, v: Variable, stacked: set[int], more: set[int]) -> bool:
        node = v.owner
        if self.levels[v] is not Level.STATE or self._is_free(v) or id(v) in stacked:
            return True
        return node is not None and (id(node) in self.moved or id(node) in more)

    def _is_free(self, v: Variable) -> bool:
        """Whether the loop keeps the rows of v anyway."""
        return any(
            not state.spec.last_only and (v is state.new or v in state.taps)
            for state in self.parts.states
        )

    def _is_behind(self, v: Variable) -> bool:
        """Whether a mapped output is had outside."""
        return self._is_free(v) or (v.owner is not None and id(v.owner) in self.moved)

    # -- what that needs -----------------------------------------------------------

    def _find_edges(self) -> None:
        """The values of the loop that must be stacked, `edges`."""
        moved = [node for node in self.cone if id(node) in self.moved]
        read = [v for node in moved for v in node.inputs]
        self.stacked = self._need([*read, *self._leaves()])
        self.edges = [v for v in self.stacked if self.levels[v] is Level.STATE]

    def _need(self, variables: Iterable[Variable]) -> dict[Variable, None]:
        """What is stacked anew for `variables`: by the loop, or of its rows outside."""
        stack, seen = list(variables), set()
        found: dict[Variable, None] = {}
        while stack:
            v = stack.pop()
            node = v.owner
            if id(v) in seen or self._is_free(v) or id(node) in self.moved:
                continue
            seen.add(id(v))
            if self.levels[v] is Level.STATE and not self._looks(v):
                found[v] = None
            elif node is not None and id(v) not in self.levels.inputs:
                if self.levels[v] is Level.ROWS and self._grows(node):
                    found[v] = None
                stack.extend(node.inputs)
        return found

    def _grows(self, node: Apply) -> bool:
        return not keeps_size(node, {id(v) for v in node.inputs})

    def _looks(self, v: Variable) -> bool:
        """Whether v is a view of another value, which is rather stacked."""
        node = v.owner
        if node is None or id(v) in self.levels.inputs or is_bound(node):
            return False
        views = cost_of(node) is Cost.NOTHING and keeps_size(node, {id(node.inputs[0])})
        return views and elements([node.inputs[0]]) <= elements([v])

    def _too_much(self) -> bool:
        """Whether new stacks are too large; those that cause it then stay inside."""
        limit = 2 * self.held
        mapped = {id(v) for v in self.parts.mapped}
        new = [v for v in self.stacked if id(v) not in mapped]
        large = {id(v) for v in new if elements([v]) * len(new) > limit}
        if elements(new) <= limit:
            large = set()
        before = len(self.active), len(self.stuck)
        for node in self.cone:
            if id(node) in self.moved:
                made = [v for v in node.outputs if id(v) not in mapped]
                if elements(made) > limit or self._reads(node.inputs, large):
                    self.stuck.add(id(node))
        self.active = [a for a in self.active if not self._is_poor(a, large)]
        return before != (len(self.active), len(self.stuck))

    def _reads(self, variables: Iterable[Variable], ids: set[int]) -> bool:
        return any(id(v) in ids for v in self._need(variables))

    def _is_poor(self, a: Accumulator, large: set[int]) -> bool:
        """Whether a sum does not pay: its stacks are large, or save one call only."""
        sums = self.sums[a.place]
        if self._reads(sums.stacks, large):
            return True
        if sums.products:
            return False
        needed = self._need(sums.stacks)
        others = [node for node in self.cone if id(node) in self.moved]
        read = [v for node in others for v in node.inputs]
        read += [
            v
            for other in self.active
            if self.sums[other.place].products
            for v in self.sums[other.place].stacks
        ]
        shared = self._need(read)
        new = [v for v in needed if v not in shared]
        small = elements(new) <= largest_state(self.parts)
        return bool(new) and not (self.policy.elementwise and small)

    # -- the loop that is left ------------------------------------------------------

    def _rebuilt(self) -> Sequence[Variable] | None:
        """What stands for the outputs; None where a node turns out to be bound."""
        outside = Outside(self.parts)
        made = self._loop(outside)
        wanted = [self.parts.mapped[k] for k in self.gone]
        wanted += [v for a in self.active for v in self._read_by(a)]
        for v in wanted:
            if outside.compute(v) is None:
                self._hold(outside)
                return None
        found = dict(made)
        stacks = self.parts.op.mapped_outputs(self.parts.node.outputs)
        for k in self.gone:
            stack = outside.stack_of(self.parts.mapped[k], stacks[k])
            assert stack is not None
            found[id(stacks[k])] = stack
        for a in self.active:
            old = self.parts.node.outputs[a.place]
            found[id(old)] = stand_for(old, self._final(a, outside))
        return [found[id(v)] for v in self.parts.node.outputs]

    def _read_by(self, a: Accumulator) -> list[Variable]:
        return [*self.sums[a.place].stacks, *self.sums[a.place].fixed]

    def _final(self, a: Accumulator, outside: Outside) -> Variable:
        sums = self.sums[a.place]
        mapping: dict[Variable, Variable] = {}
        for inner, placeholder in [*sums.stacks.items(), *sums.fixed.items()]:
            value = outside.get(inner)
            assert value is not None
            mapping[placeholder] = value
        (final,) = replace([self.finals[a.place]], mapping)
        return final

    def _hold(self, outside: Outside) -> None:
        """Keep inside the moved nodes that could not be built outside."""
        moved = [node for node in self.cone if id(node) in self.moved]
        missing = [n for n in moved if any(outside.get(v) is None for v in n.outputs)]
        failed = set(map(id, missing))
        before = len(self.stuck)
        self.stuck |= failed
        if len(self.stuck) == before:
            self.active = []

    def _loop(self, outside: Outside) -> dict[int, Variable]:
        """Build the loop that is left; its stacks enter `outside`."""
        parts = take_apart(self.parts.node)
        places = {a.place for a in self.active}
        left = [k for k in range(len(parts.states)) if k not in places]
        stay = [k for k in range(len(parts.mapped)) if k not in self.gone]
        inside = {id(parts.mapped[k]): n for n, k in enumerate(stay)}
        states = [parts.states[k] for k in left]
        new: list[Variable] = []
        for v in self.edges:
            if not self._keep_rows(v, states) and id(v) not in inside:
                inside[id(v)] = len(stay) + len(new)
                new.append(v)
        parts.states = states
        parts.mapped = [*(parts.mapped[k] for k in stay), *new]
        if not states and not parts.mapped:
            return {}
        made = parts.put_together({})
        with deriving(parts.node.spans, KIND):
            return self._enter(parts, made, left, stay, outside)

    @staticmethod
    def _keep_rows(v: Variable, states: list[State]) -> bool:
        """Let the state that v is a row of keep its rows; False: v is no such row."""
        for state in states:
            if v is state.new or v in state.taps:
                state.spec = replace_fields(state.spec, last_only=False)
                return True
        return False

    def _enter(
        self,
        parts: Parts,
        made: Apply,
        left: Sequence[int],
        stay: Sequence[int],
        outside: Outside,
    ) -> dict[int, Variable]:
        """The old outputs that the loop still has; rows of states and stacks enter."""
        old, found = self.parts.node.outputs, {}
        for n, k in enumerate(left):
            state, before = parts.states[n], self.parts.states[k].spec
            history, depth = made.outputs[n], state.spec.depth
            if before.last_only and not state.spec.last_only:
                found[id(old[k])] = getitem(history, slice(-depth, None))
            else:
                found[id(old[k])] = history
            if state.spec.last_only:
                continue
            taps = zip(state.taps, state.spec.taps, strict=True)
            offsets = [(tap, depth + at) for tap, at in taps]
            for v, offset in [(state.new, depth), *offsets]:
                rows = history_rows(history, offset, depth, parts.n_steps, False)
                outside.enter(v, rows)
        first = len(left)
        for n, k in enumerate(stay):
            found[id(old[len(self.parts.states) + k])] = made.outputs[first + n]
        for n, v in enumerate(parts.mapped):
            outside.enter(v, made.outputs[first + n])
        return found
