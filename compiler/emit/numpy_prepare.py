"""What NumPy wants of a Program before memory is planned: fewer calls, blocks."""

from __future__ import annotations

from collections.abc import Callable

from symseq.ops.take import Put

from ..passes.bags import SumTaken
from ..passes.runs import PutRuns
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
        elif isinstance(step, Compute):
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
    """Room for rows: those of a scatter in order and their sums, or blocks of some."""
    assert step.node is not None
    if any(v.kind is Kind.DYNAMIC for v in (*step.inputs, *step.outs)):
        return
    like: tuple[tuple[Value, str, bool], ...] = ()
    match step.node.op:
        case Put() if step.overwrites and len(step.inputs) > 2:
            y = step.inputs[1]
            like = (y, f"{y.name}_ordered", False), (y, f"{y.name}_summed", False)
        case PutRuns():
            like = ((step.inputs[1], "part", True),)
        case SumTaken():
            (out,) = step.outs
            like = (out, "part", False), (out, "table", False)
    for value, name, cut in like:
        made = Value(fresh(name), value.variable, Kind.BUFFER, value.dtype, cut=cut)
        program.values.append(made)
        step.temps = (*step.temps, made)
