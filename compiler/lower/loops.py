"""A scan becomes a loop: rows of sequences and histories, and the body's steps."""

from __future__ import annotations

from collections.abc import Sequence

from symseq.graph import Apply, Variable
from symseq.scan.op import Scan
from symseq.scan.roles import StateSpec

from ..program import Copy, Kind, Loop, Row, Value, View
from .lowering import LOOP_RULE, Lowering
from .scope import Scope, body_constants


class LoopLowering:
    """One loop: names for its rows, where each new value goes, and the body's steps."""

    def __init__(self, lowering: Lowering, node: Apply, body: Scope) -> None:
        assert isinstance(node.op, Scan)
        self.lowering, self.node, self.body, self.op = lowering, node, body, node.op
        wanted = lowering.name(self.op.name or "loop")
        n_steps = lowering.read(node.inputs[0])
        self.loop = Loop(wanted, n_steps, node, parent=lowering.loop)
        # (target, variable) to copy after the body's steps, in order.
        self.finish: list[tuple[Value, Variable]] = []
        self.keep: list[Variable] = []
        self.shifted: set[int] = set()  # rows that only move up within their state

    def lower(self) -> None:
        """Emit the copies before the loop, the loop, and name its outputs."""
        lowering, loop = self.lowering, self.loop
        self._sequences()
        self._constants()
        self._states()
        self._mapped()
        self._until()
        outer_steps, outer_loop = lowering.steps, lowering.loop
        lowering.steps, lowering.loop = loop.body, loop
        lowering.nodes(self.body, skip=set())
        if loop.done is not None:
            loop.stop = self._condition(lowering.read(self.body.outputs[-1]))
        self._settle()
        lowering.steps, lowering.loop = outer_steps, outer_loop
        loop.within = deepest([row.source.loop for row in loop.rows])
        lowering.add(loop)

    # -- what the body reads ------------------------------------------------------

    def row(self, inner: Variable, source: Value, offset: int, wanted: str) -> Value:
        """Row t + offset of `source`, as the value of `inner`."""
        made = self.lowering.value(inner, Kind.VIEW, wanted)
        made.source, made.loop = source, self.loop
        made.contiguous_from = max(source.contiguous_from - 1, 0)
        self.loop.rows.append(Row(made, source, offset))
        return made

    def _sequences(self) -> None:
        outer = self.op.sequence_inputs(self.node.inputs)
        inner = self.body.inputs[: len(outer)]
        for sequence, variable in zip(outer, inner, strict=True):
            source = self.lowering.read(sequence)
            wanted = _own(variable) or f"{source.name}_t"
            self.lowering.env[id(variable)] = self.row(variable, source, 0, wanted)

    def _constants(self) -> None:
        for outer, inner in body_constants(self.node, self.body):
            self.lowering.env[id(inner)] = self.lowering.read(outer)

    def _states(self) -> None:
        taps = iter(self.body.inputs[self.op.sequences :])
        initials = self.op.initial_inputs(self.node.inputs)
        for k, (spec, initial) in enumerate(zip(self.op.states, initials, strict=True)):
            output, new = self.node.outputs[k], self.body.outputs[k]
            tap_variables = [next(taps) for _ in spec.taps]
            if spec.last_only:
                self._carried(spec, initial, output, new, tap_variables)
            else:
                self._history(spec, initial, output, new, tap_variables)

    def _history(
        self,
        spec: StateSpec,
        initial: Variable,
        output: Variable,
        new: Variable,
        taps: Sequence[Variable],
    ) -> None:
        """A state whose rows are all kept: step t writes row t + d."""
        history = self.lowering.new(output)
        wanted = _own(new) or history.name
        text, part = f"[:{spec.depth}]", -spec.depth
        start = self._slice(history, text, f"{wanted}_0", initial, part)
        self.lowering.add(Copy(start, self.lowering.read(initial), self.node))
        for tap, variable in zip(spec.taps, taps, strict=True):
            name = f"{wanted}_tm{-tap}"
            value = self.row(variable, history, spec.depth + tap, name)
            self.lowering.env[id(variable)] = value
        target = self.row(new, history, spec.depth, f"{wanted}_t")
        self.finish.append((target, new))

    def _carried(
        self,
        spec: StateSpec,
        initial: Variable,
        output: Variable,
        new: Variable,
        taps: Sequence[Variable],
    ) -> None:
        """A state of which only the last rows are kept, moved up after each step."""
        carried = self.lowering.new(output)
        self.lowering.add(Copy(carried, self.lowering.read(initial), self.node))
        wanted = _own(new) or carried.name

        def row(k: int, variable: Variable) -> Value:
            back = spec.depth - k
            return self._slice(
                carried, f"[{k}, ...]", f"{wanted}_tm{back}", variable, k
            )

        for tap, variable in zip(spec.taps, taps, strict=True):
            self.lowering.env[id(variable)] = row(spec.depth + tap, variable)
        for k in range(spec.depth - 1):
            moved = Variable(new.type)
            self.keep.append(moved)
            self.shifted.add(id(moved))
            self.lowering.env[id(moved)] = row(k + 1, moved)
            self.finish.append((row(k, new), moved))
        text = f"[{spec.depth - 1}, ...]"
        last = self._slice(carried, text, f"{wanted}_t", new, spec.depth - 1)
        self.finish.append((last, new))

    # -- where the body writes ----------------------------------------------------

    def _mapped(self) -> None:
        first = len(self.op.states)
        outputs = self.node.outputs[first : first + self.op.mapped]
        inner = self.body.outputs[first : first + self.op.mapped]
        for output, variable in zip(outputs, inner, strict=True):
            stack = self.lowering.new(output)
            wanted = f"{_own(variable) or output.name or _made_by(variable)}_t"
            self.finish.append((self.row(variable, stack, 0, wanted), variable))

    def _until(self) -> None:
        if self.op.until:
            self.loop.done = self.lowering.new(self.node.outputs[-1])

    def _condition(self, found: Value) -> Value:
        """The condition of this step, beside a carried value that moves up."""
        if found.kind is not Kind.VIEW or self._is_row(found):
            return found
        kept = self.lowering.temp(found.variable, found.dtype)
        self.lowering.add(Copy(kept, found, self.node))
        return kept

    def _slice(
        self,
        source: Value,
        text: str,
        wanted: str,
        variable: Variable,
        part: int | None = None,
    ) -> Value:
        made = self.lowering.value(variable, Kind.VIEW, wanted)
        made.source, made.loop = source, source.loop
        self.lowering.add(View(made, f"{{0}}{text}", self.node, part=part))
        return made

    def _settle(self) -> None:
        """After the body: copy the new values to their rows, each old value first.

        Most are then computed there in the first place (`forward_copies`).
        """
        lowering = self.lowering
        carried = {
            id(target.root) for target, _ in self.finish if not self._is_row(target)
        }
        staged: list[tuple[Value, Value]] = []
        for target, variable in self.finish:
            source = lowering.read(variable)
            shifted = variable.owner is None and id(variable) in self.shifted
            if len(self.finish) > 1 and id(source.root) in carried and not shifted:
                kept = lowering.temp(variable, variable.dtype)
                lowering.add(Copy(kept, source, variable.owner))
                source = kept
            staged.append((target, source))
        for target, source in staged:
            lowering.add(Copy(target, source, self.node))

    def _is_row(self, target: Value) -> bool:
        return target.loop is self.loop


def _own(variable: Variable) -> str:
    """The user's name; not one that `scan` made, as h[t-1]."""
    name = variable.name or ""
    return name if name.isidentifier() else ""


def _made_by(variable: Variable) -> str:
    """The op's name, without what numbers its outputs."""
    return "out" if variable.owner is None else variable.owner.op.name


def deepest(loops: Sequence[Loop | None]) -> Loop | None:
    """The innermost of nested loops."""
    found = [loop for loop in loops if loop is not None]
    return max(found, key=lambda loop: loop.depth, default=None)


def lower_loop(lowering: Lowering, node: Apply, body: Scope) -> None:
    """Lower a scan node."""
    LoopLowering(lowering, node, body).lower()


LOOP_RULE[:] = [lower_loop]
