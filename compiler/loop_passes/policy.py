"""What a target gains by moving out of a loop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Products, draws and reductions leave a loop on every target.

    ``elementwise``: so does what costs one call per step and no more (elementwise
    work, gathers, copies). A target that fuses a step into one kernel keeps it inside.
    ``recompute``: loops read the lightest rows and compute the others from them, which
    is calls more in a step and memory less.
    """

    elementwise: bool = True
    recompute: bool = False


CALLS = Policy(elementwise=True)  # every node of a step costs a call
TIGHT = Policy(elementwise=True, recompute=True)  # the same with a memory budget
FUSED = Policy(elementwise=False, recompute=True)  # a step is one kernel
