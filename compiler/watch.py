"""What looks at every step while a function runs: a profile's clock, a guard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symseq.errors import NanGuardError, Operand
from symseq.graph import Apply, Constant, Variable, operands
from symseq.span import HOISTED, UNKNOWN
from symseq.types import Array

from .profile import Entry, Profile

# Ops whose domain excludes zeros or negative numbers.
DELICATE = {"log", "log2", "log10", "log1p", "sqrt", "true_div", "pow", "reciprocal"}


@dataclass(frozen=True, slots=True)
class NanGuard:
    """Which values of floating-point arrays are errors; ``big`` is a magnitude."""

    nan: bool = True
    inf: bool = False
    big: float | None = None

    def bad(self, array: Array) -> Array:
        """A mask of the values that are errors."""
        found = np.zeros(array.shape, bool)
        if self.nan:
            found |= np.isnan(array)
        if self.inf:
            found |= np.isinf(array)
        if self.big is not None:
            found |= np.isfinite(array) & (np.abs(array) > self.big)
        return found

    def offends(self, array: Array) -> bool:
        """Whether any value is an error."""
        if array.dtype.kind != "f" or array.size == 0:
            return False
        return bool(self.bad(array).any())

    def check_leaf(self, variable: Variable, array: Array, what: str) -> None:
        """Raises: NanGuardError where an input or a shared variable is bad."""
        if self.offends(array):
            raise NanGuardError(
                f"{what} {variable.label} holds {self.describe(array)}"
            ).at(variable.span)

    def check(
        self,
        node: Apply,
        path: Sequence[tuple[str, int]],
        inputs: Sequence[Array],
        outputs: Sequence[Array],
    ) -> None:
        """Raises: NanGuardError naming the op, its loops' steps and the user's line."""
        for array in outputs:
            if self.offends(array):
                place = "".join(f", at step {t} of loop {name}" for name, t in path)
                if node.kind == HOISTED:
                    step = int(np.argwhere(self.bad(array))[0][0])
                    place += f", at step {step} of the loop that it was written in"
                raise NanGuardError(
                    f"{node.op} made {self.describe(array)}{place}",
                    hint=self._hint(node, inputs, outputs),
                ).at(node.spans[0] if node.spans else UNKNOWN, _rows(node, inputs))

    def describe(self, array: Array) -> str:
        """'NaN in 3 of 64 elements, first at [0, 5]'."""
        bad = self.bad(array)
        first = tuple(int(n) for n in np.argwhere(bad)[0])
        value = array[first]
        shown = "NaN" if np.isnan(value) else f"{value:.3g}"
        if not array.ndim:
            return shown
        where = f"first at {list(first)}"
        return f"{shown} in {bad.sum()} of {array.size} elements, {where}"

    def _hint(
        self, node: Apply, inputs: Sequence[Array], outputs: Sequence[Array]
    ) -> str:
        """What is unusual about the operands that still stand."""
        if len(inputs) != len(node.inputs):
            return ""
        found = []
        for variable, array in zip(node.inputs, inputs, strict=True):
            if any(np.may_share_memory(array, out) for out in outputs):
                continue  # written over by now
            what = _unusual(array, str(node.op) in DELICATE)
            if what:
                found.append(f"{variable.label} holds {what}")
        return "; ".join(found)


def _unusual(array: Array, delicate: bool) -> str:
    """What may have made a NaN: numbers outside an op's domain count if `delicate`."""
    if array.dtype.kind != "f" or array.size == 0:
        return ""
    parts = []
    if np.isnan(array).any():
        parts.append("NaN")
    if np.isinf(array).any():
        parts.append("infinities")
    if delicate and (array == 0).any():
        parts.append("zeros")
    if delicate and (array < 0).any():
        parts.append(f"numbers down to {np.nanmin(array):.3g}")
    return ", ".join(parts)


def _rows(node: Apply, inputs: Sequence[Array]) -> tuple[Operand, ...]:
    """The operands with the lengths of this call, where all are known."""
    if len(inputs) != len(node.inputs):
        return operands(node.inputs)
    return tuple(
        Operand(
            v.label,
            f"{v.dtype}{list(array.shape)}",
            None if isinstance(v, Constant) else v.span,
        )
        for v, array in zip(node.inputs, inputs, strict=True)
    )


class Watch:
    """The profile and the guard of one function; either may be None."""

    def __init__(self, profile: Profile | None, guard: NanGuard | None) -> None:
        self.profile, self.guard = profile, guard

    def begin(self) -> None:
        """A call begins."""
        if self.profile is not None:
            self.profile.resume()

    def entry(self, node: Apply, loops: tuple[str, ...]) -> Entry:
        """Where the cost of a node is counted."""
        if self.profile is None:
            return Entry(node, loops)
        return self.profile.entry(node, loops)

    def see(
        self,
        entry: Entry,
        path: Sequence[tuple[str, int]],
        inputs: Sequence[Array],
        outputs: Sequence[Array],
    ) -> None:
        """A node has run.

        Raises: NanGuardError.
        """
        if self.profile is not None:
            self.profile.add(entry, outputs)
        if self.guard is not None:
            self.guard.check(entry.node, path, inputs, outputs)
        if self.profile is not None:
            self.profile.resume()


class StepWatch:
    """The watch of a plan: steps are known by number, loops by name."""

    def __init__(
        self, watch: Watch, steps: Sequence[tuple[Apply, tuple[str, ...]]]
    ) -> None:
        self.watch = watch
        self.entries = [watch.entry(node, loops) for node, loops in steps]

    def __call__(
        self,
        number: int,
        at: tuple[int, ...],
        outputs: Sequence[Array],
        inputs: Sequence[Array],
    ) -> None:
        entry = self.entries[number]
        path = tuple(zip(entry.loops, at, strict=True))
        self.watch.see(entry, path, inputs, outputs)

    def only_time(self, number: int, outputs: Sequence[Array]) -> None:
        """Of a step that writes a shared variable: nothing may raise any more."""
        if self.watch.profile is not None:
            self.watch.profile.add(self.entries[number], outputs)
            self.watch.profile.resume()
