"""Work that no state reads leaves the loop, to behind it.

    p_t = softmax(dot(h_t, V))             →  P = softmax(dot(h, V))
    acc_t = acc_{t-1} + dot(a_t.T, b_t)    →  acc + dot(A.T, B)

The loop then stacks what that work reads, unless it does so anyway; it is moved
where the new stacks are not larger than what the loop holds per step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as replace_fields
from functools import partial

from symseq.graph import Apply, Variable
from symseq.ops.keys import Range
from symseq.ops.subtensor import Subtensor
from symseq.scan.rows import final_rows, history_rows
from symseq.span import deriving
from symseq.traverse import replace

from .accumulators import Accumulator
from .division import Division
from .outside import KIND, Outside
from .parts import Parts, State, pieces, stand_for, take_apart
from .policy import Policy
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
    """One loop without what moves behind it."""

    def __init__(self, parts: Parts, policy: Policy) -> None:
        self.parts, self.division = parts, Division(parts, policy)

    def result(self) -> Sequence[Variable] | None:
        while True:
            self.division.settle()
            if not self.division.active and not self.division.gone:
                return None
            found = self._rebuilt()
            if found is not None:
                return found

    def _rebuilt(self) -> Sequence[Variable] | None:
        """What stands for the outputs; None where a node turns out to be bound."""
        outside = Outside(self.parts)
        made = self._loop(outside)
        wanted = [self.parts.mapped[k] for k in self.division.gone]
        wanted += [v for a in self.division.active for v in self._read_by(a)]
        for v in wanted:
            if outside.compute(v) is None:
                moved = self.division.moving
                self.division.hold(
                    n for n in moved if any(map(outside.has_failed, n.outputs))
                )
                return None
        found = dict(made)
        stacks = self.parts.op.mapped_outputs(self.parts.node.outputs)
        for k in self.division.gone:
            stack = outside.stack_of(self.parts.mapped[k], stacks[k])
            assert stack is not None
            found[id(stacks[k])] = stack
        for a in self.division.active:
            old = self.parts.node.outputs[a.place]
            found[id(old)] = stand_for(old, self._final(a, outside))
        return [found[id(v)] for v in self.parts.node.outputs]

    def _read_by(self, a: Accumulator) -> list[Variable]:
        return [*self.division.sums[a.place].stacks, *self.division.sums[a.place].fixed]

    def _final(self, a: Accumulator, outside: Outside) -> Variable:
        sums = self.division.sums[a.place]
        mapping: dict[Variable, Variable] = {}
        for inner, placeholder in [*sums.stacks.items(), *sums.fixed.items()]:
            value = outside.get(inner)
            assert value is not None
            mapping[placeholder] = value
        (final,) = replace([self.division.finals[a.place]], mapping)
        return final

    def _loop(self, outside: Outside) -> dict[int, Variable]:
        """Build the loop that is left; its stacks enter `outside`."""
        parts = take_apart(self.parts.node)
        places = {a.place for a in self.division.active}
        left = [k for k in range(len(parts.states)) if k not in places]
        stay = [k for k in range(len(parts.mapped)) if k not in self.division.gone]
        inside = {id(parts.mapped[k]): n for n, k in enumerate(stay)}
        states = [parts.states[k] for k in left]
        new: list[Variable] = []
        for v in self.division.edges:
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
                found[id(old[k])] = final_rows(history, depth, None)
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
        for join in self.division.joins:
            if join in outside:
                self._enter_pieces(join, outside)
        return found

    def _enter_pieces(self, join: Variable, outside: Outside) -> None:
        """The rows of what is a part of a stacked join: a slice of its stack."""
        for v, key in pieces(join):
            if v not in outside:
                cut = Subtensor((Range(), *key))
                outside.stacks[id(v)] = cut(outside.stacks[id(join)])
