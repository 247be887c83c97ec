"""``walk``: a run of the reference target, value by value, for people to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from rich.console import RenderableType

from symseq.errors import MissingInputError, UsageError
from symseq.graph import Constant, SharedVariable, Variable
from symseq.printing.inside import variables_of
from symseq.traverse import free_inputs, leaves
from symseq.types import Array

from ..arguments import coerce
from .record import Entered, Value, Walker
from .show import html, table, text

Inputs = Mapping[Any, object] | Sequence[object]


class Walk:
    """The values of a run: printed, in a notebook, or as data in `rows`.

    ``error`` is what stopped the run, if something did; ``outputs`` are the results.
    """

    def __init__(
        self,
        items: Sequence[Value | Entered],
        outputs: list[Array] | None,
        error: Exception | None,
    ) -> None:
        self.items, self.outputs, self.error = list(items), outputs, error

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One record a value: line, text, loops, name, made, type, shape, value, ..."""
        return [item.row() for item in self.items if isinstance(item, Value)]

    def __getitem__(self, name: str) -> Array:
        """The value of that name (the first, where there are several).

        Raises: KeyError where nothing has the name.
        """
        for row in self.rows:
            if row["name"] == name and row["value"] is not None:
                return np.asarray(row["value"])
        raise KeyError(name)

    def __str__(self) -> str:
        return text(self.items, self.error)

    __repr__ = __str__

    def __rich__(self) -> RenderableType:
        return table(self.items, self.error)

    def _repr_html_(self) -> str:
        return html(self.items, self.error)


def walk(
    outputs: object,
    inputs: Inputs = (),
    step: int | tuple[int, ...] = 0,
) -> Walk:
    """Run `outputs` on the reference target and show every value on the way.

    User line by user line: name, dtype, named shape, values, and where NaN or infinite
    ones are. Of a loop the given step is shown. An operation that fails ends the walk:
    it shows all up to there, and what went wrong. Shared variables stay as they are.

    Args:
        outputs: a variable, several, or a function.
        inputs: values by variable or by name, or in order: that of a function's
            inputs, else from left to right as the formula names them.
        step: of loops; ``(t, s)`` is step s of the loops in loops, at step t of those
            around; -1 is the last. Loops further in show step 0.
    Raises: UsageError where no loop has the step or inputs do not fit,
        MissingInputError where one has no value.

    >>> import symseq as ss
    >>> x = ss.tensor.vector("x")
    >>> y, _ = ss.scan(lambda row, h: h + row, [x], [ss.tensor.zeros(())])
    >>> walk(y, {x: [1.0, 2.0, 3.0]}, step=2).rows[-1]["value"].tolist()
    [1.0, 3.0, 6.0]
    """
    wanted = variables_of(outputs) or [*getattr(outputs, "updates", {}).values()]
    given = _values(wanted, inputs, getattr(outputs, "inputs", None))
    steps = tuple(step) if isinstance(step, (tuple, list)) else (step,)
    walker = Walker(_checked(steps))
    for v, array in given.items():
        walker.record.add(v, array)
    for v in leaves(wanted, given):
        if isinstance(v, SharedVariable):
            walker.record.add(v, v.storage)
    made, error = None, None
    try:
        made = walker(wanted, list(given), list(given.values()))
    except Exception as problem:
        error = problem
    if error is None:
        _check_steps(walker)
    return Walk(walker.record.items, made, error)


def _checked(steps: tuple[Any, ...]) -> tuple[int, ...]:
    for one in steps:
        if isinstance(one, bool) or not isinstance(one, (int, np.integer)):
            raise UsageError(f"a step is a whole number; got {one!r}")
    return tuple(map(int, steps))


def _check_steps(walker: Walker) -> None:
    """Raises: UsageError where a step was asked for that no loop has."""
    loops = [
        one for one in walker.record.items if isinstance(one, Entered) and one.is_loop
    ]
    for level, step in enumerate(walker.steps):
        if step == 0:
            continue  # also what stands for no wish
        here = [one for one in loops if len(one.around) == level]
        if not here:
            raise UsageError(
                f"step names {len(walker.steps)} loops in one another; "
                f"the graph nests {level}"
            )
        if not any(one.reached for one in here):
            ran = "; ".join(
                f"{one.op.name} ran {one.ran} step" + "s" * (one.ran != 1)
                for one in here
            )
            raise UsageError(
                f"step {step} is beyond the end of every loop: {ran}",
                hint="steps count from 0; -1 is the last one",
            )


def _values(
    outputs: Sequence[Variable], inputs: Inputs, order: Sequence[Variable] | None
) -> dict[Variable, Array]:
    """An array for each input.

    Raises: UsageError, MissingInputError.
    """
    order = _in_order(outputs) if order is None else list(order)
    if isinstance(inputs, Mapping):
        pairs = [(_found(key, outputs, order), v) for key, v in inputs.items()]
    else:
        values = list(inputs)
        if len(values) > len(order):
            raise UsageError(
                f"the graph reads {len(order)} inputs; got {len(values)} values",
                hint="give them by name: {x: ...}",
            )
        pairs = list(zip(order, values, strict=False))
    given = {v: coerce(value, v, allow_downcast=True) for v, value in pairs}
    for v in free_inputs(outputs, stop=given):
        if v not in given:
            raise MissingInputError(
                f"the graph reads {v!r}, which has no value",
                hint="give it among the inputs: {x: ...}",
            ).at(v.span)
    return given


def _in_order(outputs: Sequence[Variable]) -> list[Variable]:
    """The inputs, from left to right as the formula of the outputs has them."""
    wanted, found = set(free_inputs(outputs)), dict[Variable, None]()
    stack, seen = list(reversed(outputs)), set[Variable]()
    while stack:
        v = stack.pop()
        if v in wanted:
            found[v] = None
        elif v.owner is not None and v not in seen:
            seen.add(v)
            stack += reversed(v.owner.inputs)
    return list(found)


def _found(
    key: object, outputs: Sequence[Variable], order: Sequence[Variable]
) -> Variable:
    if isinstance(key, Variable) and not isinstance(key, Constant):
        return key
    named = [v for v in (*order, *leaves(outputs)) if v.name == key]
    if not named or not isinstance(key, str):
        known = ", ".join(v.name for v in order if v.name) or "none has a name"
        raise UsageError(f"no input is {key!r}; there are: {known}")
    return named[0]
