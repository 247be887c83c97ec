"""Plans within a budget of memory: with checkpoints where a call would need more."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from math import ceil, sqrt

from symseq.errors import UsageError
from symseq.types import Array

from .runtime.plan import Plan


class Budget:
    """Which plan serves a call of given lengths, so that its arena fits.

    ``plan_every(k)`` is the plan that keeps the states of every k-th step and computes
    the others again in the gradient; k is about the root of the number of steps, where
    what is kept and what one segment needs are least together.
    """

    def __init__(self, nbytes: int, plan_every: Callable[[int], Plan]) -> None:
        self.nbytes, self.plan_every = nbytes, plan_every
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
        every = 2 ** ceil(sqrt(steps) - 1).bit_length()
        if every not in self.made:
            self.made[every] = self.plan_every(every)
        small = self.made[every]
        least, _ = small.needs(arrays)
        if least <= self.nbytes:
            return small
        raise UsageError(
            f"memory_budget is {self.nbytes:,} bytes; a call of these lengths needs "
            f"{needed:,}, with checkpoints {least:,}",
            hint="a larger budget, or smaller minibatches",
        )
