"""What NumPy wants of a Program before memory is planned: fewer calls, blocks."""

from __future__ import annotations

from collections.abc import Callable

from symseq.ops.take import Put

from ..program import Compute, Kernel, Kind, Program, Value, fresh_names, walk
from ..recipe import flatten
from .numpy_blocks import cut_into_blocks
from .numpy_sums import dot_for_sums


def prepare_numpy(program: Program) -> Program:
    """The same steps as NumPy does them best."""
    fresh = fresh_names(program)
    dot_for_sums(program, fresh)
    for step in (*walk(program.steps), *walk(program.updates)):
        if isinstance(step, Kernel):
            square_itself(step)
        elif isinstance(step, Compute) and step.overwrites:
            make_room(program, step, fresh)
    cut_into_blocks(program, fresh)
    return program


def square_itself(step: Kernel) -> None:
    """multiply(x, x) → square(x), which may write over x."""
    calls = step.recipe.calls
    if len(calls) == 1 and calls[0].function == "multiply":
        inputs = step.inputs
        if len(inputs) == 2 and inputs[0] is inputs[1]:
            step.inputs, step.recipe = inputs[:1], flatten("np.square({0})", 1)


def make_room(program: Program, step: Compute, fresh: Callable[[str], str]) -> None:
    """Two buffers like y for a scatter: its rows in order, and their sums."""
    assert step.node is not None
    if isinstance(step.node.op, Put) and len(step.inputs) > 2:
        y = step.inputs[1]
        made = [
            Value(fresh(f"{y.name}_{what}"), y.variable, Kind.BUFFER, y.dtype)
            for what in ("ordered", "summed")
        ]
        program.values += made
        step.temps = tuple(made)
