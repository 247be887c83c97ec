"""Graphs that a plan runs as it goes: a branch of an ifelse, a loop of unknown length.

Each gets a plan of its own, compiled when it is first met and bound to the lengths that
it then finds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from symseq.errors import SymseqError
from symseq.graph import Apply, BodyOp, Op, Variable
from symseq.scan.op import Scan
from symseq.span import Origin
from symseq.types import Array

from ..reference import Evaluator

if TYPE_CHECKING:
    from .plan import Plan

Variables = Sequence[Variable]
# (outputs, inputs, what is inside, whether branches may differ in their lengths) → plan
PlanOf = Callable[[Variables, Variables, "Nested", bool], "Plan"]
Meaning = Callable[..., tuple[Array, ...]]
# Inputs of so many bytes are read where they lie, at the price of a binding each.
HELD = 2**20


class Nested:
    """The plans inside one plan; a call evaluates a graph, as `Evaluator` does.

    ``differ`` is what a plan raises at bind where branches differ in their lengths.
    ``around`` is the op that the plan around stands for: a loop that not even its own
    plan can size is evaluated node by node.
    """

    def __init__(
        self, plan_of: PlanOf, differ: type[Exception], around: Op | None = None
    ) -> None:
        self.plan_of, self.differ, self.around = plan_of, differ, around
        self.plans: dict[tuple[Variable, ...], Plan] = {}

    def __call__(
        self,
        outputs: Variables,
        inputs: Variables,
        values: Sequence[Array],
    ) -> list[Array]:
        """The values of `outputs`, valid until the next call of the same graph."""
        key, arrays = (*outputs, *inputs), [np.asarray(value) for value in values]
        plan = self.plans.get(key) or self._plan(outputs, inputs, False)
        try:
            return run(plan, inputs, arrays)
        except self.differ:
            return run(self._plan(outputs, inputs, True), inputs, arrays)

    def _plan(self, outputs: Variables, inputs: Variables, differ: bool) -> Plan:
        """The plan of a graph, made anew."""
        owners = {id(v.owner): v.owner for v in outputs if v.owner is not None}
        around = next(iter(owners.values())).op if len(owners) == 1 else None
        inside = Nested(self.plan_of, self.differ, around)
        made = self.plan_of(outputs, inputs, inside, differ)
        self.plans[(*outputs, *inputs)] = made
        return made

    def meaning(self, node: Apply) -> Meaning:
        """What runs a node with a body, its results valid until the next call."""
        op = node.op
        assert isinstance(op, BodyOp)
        if op == self.around:
            evaluate = Evaluator()
            return lambda *arrays: evaluate.enter(op, arrays)
        if not isinstance(op, Scan):
            return lambda *arrays: op.evaluate_body(self, *arrays)
        inputs = [Variable(v.type, name=v.name, held=v.held) for v in node.inputs]
        outputs = op.make_node(inputs, Origin(node.spans, node.kind)).outputs
        return lambda *arrays: tuple(self(outputs, inputs, arrays))


def run(plan: Plan, inputs: Variables, values: Sequence[Array]) -> list[Array]:
    """The outputs of a plan without shared variables, in its own memory.

    Raises: SymseqError at the user's line.
    """
    by_id = {id(v): array for v, array in zip(inputs, values, strict=True)}
    held = {
        id(v): array
        for v, array in zip(inputs, values, strict=True)
        if array.nbytes >= HELD and array.flags.c_contiguous
    }
    places = tuple([array.ctypes.data for array in held.values()])
    binding = plan.bind((plan.signature(by_id, []), places), by_id, held)
    for buffer, array in zip(binding.inputs, values, strict=True):
        if buffer is not array:
            np.copyto(buffer, array)
    try:
        binding.run()
    except SymseqError as error:
        raise plan.blame(error) from None
    except Exception as error:
        plan.blame(error)
        raise
    return binding.outputs()
