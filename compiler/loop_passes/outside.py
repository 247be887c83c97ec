"""Values of a loop's body computed outside it: once, or for all steps at once."""

from __future__ import annotations

from collections.abc import Iterable

from symseq.errors import NotBatchableError
from symseq.graph import Apply, Constant, Variable
from symseq.ops.indexing import getitem
from symseq.ops.shape import ShapeOf, broadcast_leading, shape, specify_shape
from symseq.scan.rows import first_rows, flipped, mirrored_rows
from symseq.span import Origin, deriving

from ..rewrite.unsure_lengths import contents_decide, follows_from_contents
from .parts import Parts, stand_for

KIND = "hoisted"


class Outside:
    """For values of the body, what they are outside.

    ``stacks``: values that differ from step to step, with a row per step. ``fixed``:
    values that are the same in every step. A node without a batching rule is missing
    in both, as is all that reads it.

    A gradient's loop reads mirrored sequences. What it computes outside is then in the
    order of the sequences themselves (``mirrored``), so that no mirror is in the way.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        mirrors = [mirrored_rows(outer) is not None for outer, _ in parts.sequences]
        self.mirrored = 2 * sum(mirrors) > len(mirrors)
        self.stacks: dict[int, Variable] = {}
        self.fixed: dict[int, Variable] = {}
        self.tried: set[int] = set()
        self._rows = {id(inner): outer for outer, inner in parts.sequences}
        self.fixed.update((id(inner), outer) for outer, inner in parts.constants)
        self._starts = {
            id(tap): state.initial for state in parts.states for tap in state.taps
        }

    def __contains__(self, variable: Variable) -> bool:
        return self.get(variable) is not None

    def get(self, variable: Variable) -> Variable | None:
        """The value outside: a stack, or what is the same in every step."""
        if isinstance(variable, Constant):
            return variable
        if id(variable) in self._rows and id(variable) not in self.stacks:
            outer = self._rows[id(variable)]
            with deriving(self.parts.node.spans, KIND):
                self.enter(variable, rows_read(outer, self.parts.n_steps))
        return self.stacks.get(id(variable), self.fixed.get(id(variable)))

    def is_stack(self, variable: Variable) -> bool:
        return id(variable) in self.stacks or id(variable) in self._rows

    def enter(self, variable: Variable, stack: Variable) -> None:
        """Let `stack` be the rows of `variable`, in the order of the steps."""
        self.stacks[id(variable)] = self.in_order(stack)

    def in_order(self, stack: Variable) -> Variable:
        """From the order of the steps to that of the stacks here, or back."""
        return flipped(stack) if self.mirrored else stack

    def rows(self, variable: Variable) -> Variable:
        """The stack of a variable in the order of the steps."""
        with deriving(self.parts.node.spans, KIND):
            return self.in_order(self.stacks[id(variable)])

    def compute(self, variable: Variable) -> Variable | None:
        """As `get`, after building the nodes that are missing."""
        for node in self._missing(variable):
            self._build(node)
        return self.get(variable)

    def has_failed(self, variable: Variable) -> bool:
        """Whether it was tried to build the variable, in vain."""
        return id(variable.owner) in self.tried and self.get(variable) is None

    def _missing(self, variable: Variable) -> list[Apply]:
        """The nodes that `variable` needs and that were not tried, inputs first."""
        ordered: list[Apply] = []
        stack = [(variable, False)]
        while stack:
            v, expanded = stack.pop()
            node = v.owner
            if node is None or self.get(v) is not None:
                continue
            if expanded:
                ordered.append(node)
            elif id(node) not in self.tried:
                self.tried.add(id(node))
                stack.append((v, True))
                stack += [(x, False) for x in node.inputs]
        return ordered

    def _build(self, node: Apply) -> None:
        if isinstance(node.op, ShapeOf):
            found = self._shape(node.inputs[0])
            if found is not None:
                self.fixed[id(node.outputs[0])] = found
            return
        inputs = [self.get(v) for v in node.inputs]
        flags = [self.is_stack(v) for v in node.inputs]
        known = [v for v in inputs if v is not None]
        if len(known) < len(inputs):
            return
        if not any(flags):
            made = node.op.make_node(known, Origin(node.spans, node.kind)).outputs
            self._name(node, made, self.fixed)
            return
        try:
            with deriving(node.spans, KIND):
                stacks = node.op.batch(known, flags)
        except NotBatchableError:
            return
        self._name(node, stacks, self.stacks)

    def _name(
        self, node: Apply, made: Iterable[Variable], table: dict[int, Variable]
    ) -> None:
        for old, new in zip(node.outputs, made, strict=True):
            if new.owner is not None and new.name is None:
                new.name = old.name
            table[id(old)] = new

    def _shape(self, inner: Variable) -> Variable | None:
        """The lengths of a value of the body: the same in every step."""
        spans = self.parts.node.spans
        with deriving(spans, KIND):
            for stacks in (self._rows, self._starts, self.stacks):
                if id(inner) in stacks:
                    return getitem(shape(stacks[id(inner)]), slice(1, None))
            fixed = self.fixed.get(id(inner))
            return None if fixed is None else shape(fixed)

    def stack_of(self, inner: Variable, old: Variable) -> Variable | None:
        """What stands for `old`, a stack of the rows of `inner`; None: not known."""
        found = self.get(inner)
        if found is None:
            return None
        with deriving(self.parts.node.spans, KIND):
            if self.is_stack(inner):
                found = self.in_order(found)
            else:
                found = broadcast_leading(found, self.parts.n_steps)
            return stand_for(old, found)


def rows_read(sequence: Variable, n_steps: Variable) -> Variable:
    """The rows of a sequence that a loop reads, one per step.

    The loop may go: where contents decide how many there are, nobody else would see
    that there are fewer than steps.
    """
    rows = first_rows(sequence, n_steps)
    if rows is sequence or not (
        contents_decide(sequence) or follows_from_contents(n_steps)
    ):
        return rows
    return specify_shape(rows, [n_steps, *[None] * (rows.ndim - 1)])
