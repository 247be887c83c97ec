"""What every variable of a graph holds, from one run of the reference target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from symseq.compiler.profile import Entry
from symseq.compiler.reference import Evaluator
from symseq.compiler.watch import Watch
from symseq.errors import MissingInputError
from symseq.graph import Variable
from symseq.traverse import free_inputs
from symseq.types import Array

SHOWN = 4  # elements of an array

Values = Mapping[Any, Any] | Sequence[Any]
Path = tuple[tuple[str, int], ...]


class Recorder(Watch):
    """Keeps the last value of each variable, and at which steps of loops it was."""

    def __init__(self) -> None:
        super().__init__(None, None)
        self.seen: dict[int, tuple[Array, Path]] = {}

    def see(
        self,
        entry: Entry,
        path: Sequence[tuple[str, int]],
        inputs: Sequence[Array],
        outputs: Sequence[Array],
    ) -> None:
        for variable, array in zip(entry.node.inputs, inputs, strict=True):
            self.seen[id(variable)] = array, tuple(path)
        for variable, array in zip(entry.node.outputs, outputs, strict=True):
            self.seen[id(variable)] = array, tuple(path)


def summaries(
    outputs: Sequence[Variable], inputs: Sequence[Variable], values: Values | None
) -> dict[int, str]:
    """A line for each variable, by its id; of a loop's, at its last step.

    Raises: MissingInputError for an input without a value; what the ops raise.
    """
    if values is None:
        return {}
    given = given_values(free_inputs(outputs), inputs, values)
    recorder = Recorder()
    Evaluator(recorder)(outputs, list(given), list(given.values()))
    return {key: summary(*seen) for key, seen in recorder.seen.items()}


def given_values(
    needed: Sequence[Variable], inputs: Sequence[Variable], values: Values
) -> dict[Variable, Array]:
    """Arrays of the inputs' dtypes, from a mapping by variable or name, or in order."""
    if not isinstance(values, Mapping):
        values = dict(zip(inputs or needed, values, strict=True))
    found = {}
    for variable in needed:
        value = values.get(variable, values.get(variable.name))
        if value is None:
            raise MissingInputError(
                f"values= has none for the input {variable.label}",
                hint="values={x: array} gives them by variable or by name",
            ).at(variable.span)
        found[variable] = np.asarray(value, dtype=variable.dtype)
    return found


def summary(array: Array, path: Path = ()) -> str:
    """'float32[2, 3]  min −1 · mean 0.2 · max 3  [−1, 0.5, …]  at t = 4 of scan'."""
    where = "".join(f"  at step {step} of {name}" for name, step in path)
    if array.ndim == 0:
        return f"{array.dtype} {number(array)}{where}"
    parts = [f"{array.dtype}{list(array.shape)}"]
    if array.size:
        parts += [statistics(array), first_elements(array)]
    return "  ".join(part for part in parts if part) + where


def statistics(array: Array) -> str:
    """The range and the mean of what is finite, and how much is not."""
    if array.dtype.kind not in "fiu":
        return f"{np.count_nonzero(array)} of {array.size} are true"
    fine = array[np.isfinite(array)]
    parts = []
    if fine.size:
        low, mean, high = fine.min(), fine.mean(dtype="float64"), fine.max()
        parts.append(f"min {number(low)} · mean {number(mean)} · max {number(high)}")
    if np.isnan(array).any():
        parts.append(f"{np.isnan(array).sum()} NaN")
    if np.isinf(array).any():
        parts.append(f"{np.isinf(array).sum()} infinite")
    return " · ".join(parts)


def first_elements(array: Array) -> str:
    shown = ", ".join(number(value) for value in array.ravel()[:SHOWN])
    return f"[{shown}{', …' if array.size > SHOWN else ''}]"


def number(value: Any) -> str:
    return f"{value:.4g}" if np.asarray(value).dtype.kind == "f" else str(value)
