"""Stacks that a loop reads for the last time lie where the loop writes its own.

    for coeff_t, dz_t in zip(coeff[::-1], dz[::-1]):        coeff = dz[:, :, 0:128]
        multiply(coeff_t, g, dz_t[:, 0:128])            →   for dz_t in dz[::-1]:
                                                                part = dz_t[:, 0:128]
                                                                multiply(part, g, part)

A gradient's loop reads each row of what the forward loop saved once, and stacks rows of
its own. What is saved can be a part of the stack that comes: step t writes the place of
a row when it has read it. The reader then names the place that is written, so that
whoever fuses or orders steps sees one name for one place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import prod

import numpy as np

from .lower.arrange import arrange_views
from .lower.lay_over import Changes, Filling
from .lower.places import Places
from .lower.stacks import LoopStacks
from .memory import Lifetimes, layout
from .program import Loop, Program, Step, Value, View, walk

UNKNOWN = 64  # what a length that only a call knows is taken for
MOST_TRIED = 32  # stacks: each is a look at the whole Program


def overlay(program: Program, shortest: int = 1) -> Program:
    """The Program with stacks laid over others, where it then needs less memory.

    ``shortest``: the elements side by side that a part of a row must have, for targets
    to which every end of such a run costs time.
    """
    if not any(isinstance(step, Loop) for step in program.steps):
        return program
    _Overlay(program, shortest).run()
    return program


class Living:
    """The bytes that live at each position, for lengths that are alike if not known."""

    def __init__(self, program: Program) -> None:
        self.lifetimes = Lifetimes(program)
        plan = layout(self.lifetimes)
        change = [0] * (2 + max((s.dies for s in plan.storages), default=0))
        for storage in plan.storages:
            nbytes = _nbytes(storage.owner)
            change[storage.born] += nbytes
            change[storage.dies + 1] -= nbytes
        self.nbytes = list(accumulate(change))

    def most(self, values: Sequence[Value]) -> int:
        """The most of them while any of some buffers lives."""
        found = [s for s in map(self.lifetimes.of, values) if s is not None]
        first = min(storage.born for storage in found)
        last = max(storage.dies for storage in found)
        return max(self.nbytes[first : last + 1])


def _nbytes(value: Value) -> int:
    lengths = (UNKNOWN if n is None else n for n in value.variable.type.sizes)
    return prod(lengths) * np.dtype(value.dtype).itemsize


class _Overlay:
    def __init__(self, program: Program, shortest: int) -> None:
        self.program, self.shortest = program, shortest
        self.views = [step for step in self._steps() if isinstance(step, View)]
        self.places = Places(program)
        self.living = Living(program)
        self.tried = 0

    def _steps(self) -> Iterator[Step]:
        yield from walk(self.program.steps)
        yield from walk(self.program.updates)

    def run(self) -> None:
        """Every loop, and again as long as it helps: other stacks are in the way."""
        helped = True
        while helped and self.tried < MOST_TRIED:
            helped = False
            for loop in [s for s in self._steps() if isinstance(s, Loop)]:
                helped = (loop.stop is None and self._loop(loop)) or helped

    def _loop(self, loop: Loop) -> bool:
        found, helped = LoopStacks(self.program, loop), False
        if found.read():
            for stack in found.stacks:
                helped = (found.is_new(stack) and self._try(stack.root, loop)) or helped
        return helped

    def _try(self, root: Value, loop: Loop) -> bool:
        """Lay what a loop reads over what it writes, if less memory is needed then."""
        if self.tried >= MOST_TRIED:
            return False
        return any(self._helps(root, loop, under) for under in (True, False))

    def _helps(self, root: Value, loop: Loop, under: bool) -> bool:
        changes, views = Changes(), list(self.views)
        filling = Filling(self.program, self.places, views, root, loop, changes)
        filling.shortest = self.shortest
        if filling.fill():
            self.tried += 1
            self._arrange(views, changes)
            if not under or filling.under():
                self._arrange(views, changes)
                living = Living(self.program)
                if living.most([root]) < self.living.most([root, *filling.laid]):
                    self.living, self.views = living, views
                    return True
        changes.take_back()
        return False

    def _arrange(self, views: Sequence[View], changes: Changes) -> None:
        changes.keep(self.program, "steps", "updates", "values")
        for step in self._steps():
            if isinstance(step, Loop):
                changes.keep(step, "body", "within")
        arrange_views(self.program, views)
