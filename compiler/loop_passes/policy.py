"""What a target gains by moving out of a loop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Products, draws and reductions leave a loop on every target.

    ``elementwise``: so does what costs one call per step and no more (elementwise
    work, gathers, copies). A target that fuses a step into one kernel keeps it inside.
    """

    elementwise: bool = True


CALLS = Policy(elementwise=True)  # every node of a step costs a call
FUSED = Policy(elementwise=False)  # a step is one kernel
