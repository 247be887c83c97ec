"""The sum of all elements of a product is a dot product of flat arrays.

multiply(a, b, t); add.reduce(t, all axes, s)  →  dot(flat a, flat b, s)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from symseq.ops.reduce import Sum

from ..program import (
    Compute,
    Kernel,
    Kind,
    Program,
    Step,
    Value,
    View,
    blocks_of,
    reads,
    walk,
    writes,
)


def dot_for_sums(program: Program, fresh: Callable[[str], str]) -> None:
    """Leave such sums to BLAS, where both factors lie in C order."""
    every = [*walk(program.steps), *walk(program.updates)]
    left = Counter(
        id(v.root) for s in every if not isinstance(s, View) for v in reads(s)
    )
    left.update(id(v.root) for v in program.outputs)
    for steps in blocks_of(program):
        steps[:] = _with_dots(steps, left, program, fresh)


def _with_dots(
    steps: Sequence[Step],
    left: Mapping[int, int],
    program: Program,
    fresh: Callable[[str], str],
) -> list[Step]:
    makers = {id(s.out): n for n, s in enumerate(steps) if isinstance(s, Kernel)}
    made: dict[int, list[Step]] = {}
    for n, step in enumerate(steps):
        if not (isinstance(step, Compute) and _is_whole_sum(step)):
            continue
        at = makers.get(id(step.inputs[0]), n)
        factors = _factors(steps[at], left)
        if factors is None or _are_written(factors, steps[at + 1 : n]):
            continue
        flat = [_flat(program, value, fresh) for value in factors]
        step.inputs = (flat[0].out, flat[-1].out)
        made[at], made[n] = [], [*flat, step]
    return [one for n, step in enumerate(steps) for one in made.get(n, [step])]


def _is_whole_sum(step: Compute) -> bool:
    """Whether the step sums an array over all of its axes."""
    node = step.node
    if node is None or not isinstance(node.op, Sum) or len(step.inputs) != 1:
        return False
    return step.outs[0].kind is not Kind.DYNAMIC and (
        len(node.op.axes) == node.inputs[0].ndim > 0
    )


def _factors(maker: Step, left: Mapping[int, int]) -> tuple[Value, ...] | None:
    """What the step multiplies, if nothing but the sum reads the product."""
    if not isinstance(maker, Kernel):
        return None
    (call, *others), out = maker.recipe.calls, maker.out
    if others or call.function not in ("multiply", "square"):
        return None
    if any(arg.kind != "in" for arg in call.args):
        return None
    factors = {arg.index: maker.inputs[arg.index] for arg in call.args}
    fits = (
        out.kind is Kind.BUFFER
        and left[id(out)] == 1
        and out.dtype in ("float32", "float64")
        and all(v.is_contiguous and v.dtype == out.dtype for v in factors.values())
        and all(
            v.variable.broadcastable == out.variable.broadcastable
            for v in factors.values()
        )
    )
    return tuple(factors.values()) if fits else None


def _are_written(values: Sequence[Value], steps: Sequence[Step]) -> bool:
    """Whether any of the steps writes to the values' memory."""
    roots = {id(value.root) for value in values}
    return any(id(v.root) in roots for s in walk(list(steps)) for v in writes(s))


def _flat(program: Program, value: Value, fresh: Callable[[str], str]) -> View:
    """A view of all elements in a row."""
    made = Value(fresh(f"{value.name}_flat"), value.variable, Kind.VIEW, value.dtype,
                 source=value, loop=value.loop)  # fmt: skip
    program.values.append(made)
    return View(made, "{0}.reshape(-1)")
