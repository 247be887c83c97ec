"""Which nodes of a loop's body move behind the loop, and what is stacked for them."""

from __future__ import annotations

from collections.abc import Iterable

from symseq.graph import Apply, Variable
from symseq.scan.op import Scan
from symseq.scan.varying_lengths import varying_lengths
from symseq.traverse import sort_nodes

from .accumulators import Accumulator, find_accumulators, largest_state, readers_of
from .costs import Cost, cost_of, is_bound, is_product, keeps_size, stacks_little
from .levels import Level, Levels
from .parts import Parts, elements, held_per_step, pieces
from .policy import Policy
from .sums import Sums


class Division:
    """The nodes of one body, divided; no state reads those in the `cone`.

    ``moved`` are ids of nodes that move, ``edges`` the values that the loop stacks for
    them, ``gone`` the places of mapped outputs that are then had outside, ``active``
    the states that become sums; ``joins`` are stacked, so that no part of one need be.
    """

    def __init__(self, parts: Parts, policy: Policy) -> None:
        self.parts, self.policy = parts, policy
        self.levels = Levels(parts)
        self.sums: dict[int, Sums] = {}
        self.finals: dict[int, Variable] = {}
        self.active = [a for a in find_accumulators(parts) if self._plan(a)]
        # Ids of nodes that must stay.
        self.stuck = {id(node) for node in self._bound()}
        self.held = held_per_step(parts)
        kept = [state for state in parts.states if not state.spec.last_only]
        self.free = {id(v) for state in kept for v in (state.new, *state.taps)}

    def _bound(self) -> list[Apply]:
        """The nodes that have no other form, and those that check lengths of a step.

        Rows of changing lengths do not stack; without steps nothing was to check.
        """
        varying = varying_lengths(self.parts.op, ())
        return [
            node
            for node in self.levels.nodes
            if is_bound(node) or any(id(v) in varying for v in node.inputs)
        ]

    def _plan(self, accumulator: Accumulator) -> bool:
        """Write down what the state comes to; whether it can be written."""
        sums = Sums(self.parts, self.levels)
        final = accumulator.final(sums)
        if final is None:
            return False
        self.sums[accumulator.place], self.finals[accumulator.place] = sums, final
        return True

    def settle(self) -> None:
        """Divide, and again without what turns out to need too much."""
        self._choose()
        while self._too_much():
            self._choose()

    def hold(self, nodes: Iterable[Apply]) -> None:
        """Keep these nodes inside; where there are none, the sums."""
        before = len(self.stuck)
        self.stuck.update(map(id, nodes))
        if len(self.stuck) == before:
            self.active = []

    @property
    def moving(self) -> list[Apply]:
        return [node for node in self.cone if id(node) in self.moved]

    # -- which nodes move ----------------------------------------------------------

    def _choose(self) -> None:
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
        return any(id(v.owner) in self.moved for v in node.inputs)

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
        cut = stacked | self.pieces  # but the joins are not made of their pieces
        joins = {id(v.owner) for v in self.joins}
        more: list[Apply] = []
        ids: set[int] = set()
        for node in self.cone:
            if id(node) in self.moved or not self._is_state(node):
                continue
            there = stacked if id(node) in joins else cut
            if self._may_follow(node) and all(
                self._is_there(v, there, ids) for v in node.inputs
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
        if self.levels[v] is not Level.STATE or id(v) in self.free or id(v) in stacked:
            return True
        return node is not None and (id(node) in self.moved or id(node) in more)

    def _is_behind(self, v: Variable) -> bool:
        """Whether a mapped output is had outside."""
        return id(v) in self.free or (v.owner is not None and id(v.owner) in self.moved)

    # -- what that needs -----------------------------------------------------------

    def _find_edges(self) -> None:
        """The values of the loop that must be stacked, `edges`."""
        read = [v for node in self.moving for v in node.inputs]
        found = self._need([*read, *self._leaves()])
        self.joins = self._stacked_joins(found)
        self.pieces = {id(v) for join in self.joins for v, _ in pieces(join)}
        self.stacked = {v: None for v in found if id(v) not in self.pieces}
        self.edges = [v for v in self.stacked if self.levels[v] is Level.STATE]

    def _stacked_joins(self, found: Iterable[Variable]) -> list[Variable]:
        """Joins of which there are stacks: those of their parts are slices."""
        kept = [s.new for s in self.parts.states if id(s.new) in self.free]
        joins = [
            v
            for v in dict.fromkeys([*found, *self.parts.mapped, *kept])
            if self.levels[v] is Level.STATE and id(v.owner) not in self.moved
        ]
        for join in joins:  # and joins that are pieces, each behind that around it
            joins += [v for v, _ in pieces(join) if pieces(v)]
        return [v for v in joins if pieces(v)]

    def _need(self, variables: Iterable[Variable]) -> dict[Variable, None]:
        """What is stacked anew for `variables`: by the loop, or of its rows outside."""
        stack, seen = list(variables), set()
        found: dict[Variable, None] = {}
        while stack:
            v = stack.pop()
            node = v.owner
            if id(v) in seen or id(v) in self.free or id(node) in self.moved:
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
        large: set[int] = set()
        if elements(new) > limit:
            large = {id(v) for v in new if elements([v]) * len(new) > limit}
        before = len(self.active), len(self.stuck)
        for node in self.moving:
            made = [v for v in node.outputs if id(v) not in mapped]
            if elements(made) > limit or self._reads(node.inputs, large):
                self.stuck.add(id(node))
        poor = self._poor()
        self.active = [
            a
            for a in self.active
            if a.place not in poor and not self._reads(self.sums[a.place].stacks, large)
        ]
        return before != (len(self.active), len(self.stuck))

    def _reads(self, variables: Iterable[Variable], ids: set[int]) -> bool:
        return bool(ids) and any(id(v) in ids for v in self._need(variables))

    def _poor(self) -> set[int]:
        """Sums that need stacks of their own and save no more than a call."""
        plain = [a for a in self.active if not self.sums[a.place].products]
        if not plain:
            return set()
        read = [v for node in self.moving for v in node.inputs]
        for a in self.active:
            if self.sums[a.place].products:
                read += self.sums[a.place].stacks
        shared = self._need(read)
        most = largest_state(self.parts) if self.policy.elementwise else 0
        poor = set()
        for a in plain:
            needed = self._need(self.sums[a.place].stacks)
            new = [v for v in needed if v not in shared and id(v) not in self.pieces]
            if new and elements(new) > most:
                poor.add(a.place)
        return poor
