"""What NumPy wants of a Program before memory is planned: fewer calls, blocks."""

from __future__ import annotations

from ..program import Kernel, Program, walk
from ..recipe import flatten
from .numpy_blocks import cut_into_blocks


def prepare_numpy(program: Program) -> Program:
    """The same steps as NumPy does them best."""
    for step in (*walk(program.steps), *walk(program.updates)):
        if isinstance(step, Kernel):
            square_itself(step)
    cut_into_blocks(program)
    return program


def square_itself(step: Kernel) -> None:
    """multiply(x, x) → square(x), which may write over x."""
    calls = step.recipe.calls
    if len(calls) == 1 and calls[0].function == "multiply":
        inputs = step.inputs
        if len(inputs) == 2 and inputs[0] is inputs[1]:
            step.inputs, step.recipe = inputs[:1], flatten("np.square({0})", 1)
