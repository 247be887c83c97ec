"""Plans within a budget of memory: rows computed again, then checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from math import ceil, sqrt

from symseq.errors import UsageError
from symseq.types import Array

from .runtime.plan import Plan


class Budget:
    """Which plan serves a call of given lengths, so that its arena fits.

    ``plan_tight(0)`` is the plan whose gradients' loops compute again what is light.
    ``plan_tight(k)`` moreover keeps the states of every k-th step alone and computes
    all others again; k is about the root of the number of steps, where what is kept
    and what one segment needs are least together.
    """

    def __init__(self, nbytes: int, plan_tight: Callable[[int], Plan]) -> None:
        self.nbytes, self.plan_tight = nbytes, plan_tight
        self.chosen: dict[Hashable, Plan] = {}  # by signature
        self.made: dict[int, Plan] = {}

    def choose(self, signature: Hashable, plan: Plan, arrays: dict[int, Array]) -> Plan:
        """The plan for calls of this signature.

        Raises: UsageError where checkpoints are not enough.
        """
        if signature not in self.chosen:
            self.chosen[signature] = self._fitting(plan, arrays)
        return self.chosen[signature]

    def _fitting(self, plan: Plan, arrays: dict[int, Array]) -> Plan:
        needed, steps = plan.needs(arrays)
        if needed <= self.nbytes:
            return plan
        least = needed
        for every in (0, 2 ** ceil(sqrt(steps) - 1).bit_length()):
            small = self._plan(every)
            least, _ = small.needs(arrays)
            if least <= self.nbytes:
                return small
        raise UsageError(
            f"memory_budget is {self.nbytes:,} bytes; a call of these lengths needs "
            f"{needed:,}, with checkpoints {least:,}",
            hint="a larger budget, or smaller minibatches",
        )

    def _plan(self, every: int) -> Plan:
        if every not in self.made:
            made = self.made[every] = self.plan_tight(every)
            kept = f"checkpoints every {every} steps" if every else "no checkpoints"
            made.remarks = (
                f"memory budget {self.nbytes} bytes: light rows computed again, {kept}",
            )
        return self.made[every]
