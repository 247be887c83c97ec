"""One graph on every target that is installed: results compared, calls timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from symseq.compiler.function import Function, function
from symseq.compiler.targets import LIBRARIES, TARGETS
from symseq.cost.given import Given, Shapes, read_shapes
from symseq.errors import UsageError
from symseq.graph import SharedVariable, Variable
from symseq.lengths import size_of
from symseq.printing.inside import variables_of
from symseq.traverse import free_inputs
from symseq.types import Array

LONGEST = 5.0  # seconds of timed calls, after which a target is called no more


@dataclass(frozen=True, slots=True)
class Timing:
    """Of one target; ``error``: how far it is from the first one, relatively."""

    target: str
    compile_seconds: float
    first_call_seconds: float
    call_seconds: float  # the median
    error: float


@dataclass(frozen=True, slots=True)
class Timings:
    """A row for each target, the fastest call being 1."""

    rows: Sequence[Timing]

    def data(self) -> list[dict[str, Any]]:
        return [asdict(row) for row in self.rows]

    def __rich__(self) -> Table:
        table = Table("target", box=SIMPLE_HEAD, pad_edge=False)
        titles = ("compile s", "first call s", "ms a call", "ratio", "difference")
        for title in titles:
            table.add_column(title, justify="right", no_wrap=True)
        best = min(row.call_seconds for row in self.rows)
        for k, row in enumerate(self.rows):
            table.add_row(
                row.target,
                f"{row.compile_seconds:.2f}",
                f"{row.first_call_seconds:.3f}",
                f"{1e3 * row.call_seconds:.3f}",
                f"{row.call_seconds / best:.2f}",
                f"{row.error:.0e}" if k else "",
            )
        return table


@dataclass(frozen=True, slots=True)
class Job:
    """What is timed: a graph, or a function with its updates."""

    inputs: list[Variable]
    outputs: list[Variable]
    updates: dict[SharedVariable, Variable]

    @classmethod
    def of(cls, what: object) -> Job:
        if isinstance(what, Function):
            return cls(what.inputs, what.outputs, what.updates)
        outputs = variables_of(what)
        return cls(free_inputs(outputs), outputs, {})

    def compiled(self, target: str) -> Function:
        """The graph on a target."""
        return function(
            self.inputs, self.outputs, updates=self.updates, target=target,
            on_unused_input="ignore",
        )  # fmt: skip


def installed_targets() -> list[str]:
    """The targets that can run here, `reference` first."""
    return [t for t in TARGETS if t not in LIBRARIES or find_spec(LIBRARIES[t])]


def bench(
    what: object, shapes: Shapes, *, targets: Sequence[str], rounds: int
) -> Timings:
    """Compile `what` for each target, compare what the first calls give, and time more.

    Calls are timed in turns, so that what else the machine does strikes all alike.
    Floats are drawn from [0, 1), integers from {0, 1}, the same for all. A function's
    updates run too; what it updates begins anew on each target, and is at last as it
    was.
    Raises: UsageError where a length is not given, or for rounds below 1.
    """
    if rounds < 1:
        raise UsageError(f"rounds must be at least 1; got {rounds}")
    job = Job.of(what)
    given = read_shapes(shapes, [*job.outputs, *job.updates.values()])
    rng = np.random.default_rng(0)
    arrays = [_sample(v, given, rng) for v in job.inputs]
    before = {v: v.get_value() for v in job.updates}
    try:
        return _timed(job, arrays, before, targets, rounds)
    finally:
        _restore(before)


def _timed(
    job: Job,
    arrays: Sequence[Array],
    before: Mapping[SharedVariable, Array],
    targets: Sequence[str],
    rounds: int,
) -> Timings:
    compiled: dict[str, Function] = {}
    starts: dict[str, tuple[float, float]] = {}
    found: dict[str, list[Array]] = {}
    for target in targets:
        _restore(before)
        began = perf_counter()
        run = compiled[target] = job.compiled(target)
        made = perf_counter()
        results = run(*arrays)
        starts[target] = (made - began, perf_counter() - made)
        found[target] = [*results, *(v.get_value() for v in before)]
    calls: dict[str, list[float]] = {target: [] for target in compiled}
    for _ in range(rounds):
        for target, run in compiled.items():
            if sum(calls[target]) > LONGEST:
                continue
            began = perf_counter()
            run(*arrays)
            calls[target].append(perf_counter() - began)
    wanted = found[targets[0]]
    return Timings([
        Timing(t, *starts[t], median(calls[t]), _difference(found[t], wanted))
        for t in compiled
    ])  # fmt: skip


def _restore(values: Mapping[SharedVariable, Array]) -> None:
    for variable, value in values.items():
        variable.set_value(value)


def _sample(variable: Variable, given: Given, rng: np.random.Generator) -> Array:
    """A value for an input. Raises: UsageError where a length is not known."""
    known = given.known(variable)
    if variable.ndim == 0 and isinstance(known.held, int):
        return np.asarray(known.held, variable.dtype)
    sizes = [size_of(length) for length in known.type.shape]
    if not all(isinstance(size, int) for size in sizes):
        raise UsageError(
            f"all lengths of {variable.label} must be known; it is {variable.type}",
            hint=f"--shape gives a length by its name, or {variable.label}=50x16",
        )
    lengths = [int(size) for size in sizes if size is not None]
    if variable.type.is_float:
        return np.asarray(rng.random(lengths), variable.dtype)
    return np.asarray(rng.integers(0, 2, lengths), variable.dtype)


def _difference(found: Sequence[Array], wanted: Sequence[Array]) -> float:
    """The largest distance between arrays, relative to the largest value of each."""
    gaps = [0.0]
    for one, other in zip(found, wanted, strict=True):
        a, b = (np.asarray(array, "float64") for array in (one, other))
        if a.size:
            scale = float(np.nanmax(np.abs(b), initial=0.0)) or 1.0
            same = (a == b) | (np.isnan(a) & np.isnan(b))
            gaps.append(float(np.where(same, 0.0, np.abs(a - b)).max()) / scale)
    return max(gaps)
