"""The memory plan: when each buffer lives, which share memory, where they lie.

Positions count the steps of the Program, loop bodies included, in the order of the
source. A buffer that is read in a loop it was not made in lives until the loop ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .program import (
    Compute,
    Copy,
    Kernel,
    Kind,
    Loop,
    Program,
    Step,
    Value,
    reads,
    writes,
)

ALIGNMENT = 64


@dataclass(eq=False, slots=True)
class Storage:
    """Memory shared by values that never live at once: from ``born`` to ``dies``."""

    owner: Value
    born: int
    dies: int


class Lifetimes:
    """When the arena's buffers live, and which of them are one storage."""

    def __init__(self, program: Program) -> None:
        self.storage: dict[int, Storage] = {}
        self._position = 0
        self._spans: list[tuple[int, int]] = []  # first and last position of each loop
        self._walk(program.steps)
        self._walk(program.updates)
        for value in program.outputs:  # read after the last step: nothing may lie there
            self._touch(value, self._position + 1)
        self._share(program.steps)

    def of(self, value: Value) -> Storage | None:
        """The storage of the buffer that `value` looks into; None outside the arena."""
        return self.storage.get(id(value.root))

    def same(self, a: Value, b: Value) -> bool:
        """Whether two values are the same elements: whole buffers of one storage."""
        if a is b or a.source is not None or b.source is not None:
            return a is b  # two views of a buffer may be two rows of it
        storage = self.of(a)
        return storage is not None and storage is self.of(b)

    def _touch(self, value: Value, position: int) -> None:
        root = value.root
        if root.kind is not Kind.BUFFER:
            return
        storage = self.storage.get(id(root))
        if storage is None:
            storage = self.storage[id(root)] = Storage(root, position, position)
        storage.dies = max(storage.dies, position)
        for first, last in self._spans:
            # Made before the loop, used in it: needed again at the next step.
            if storage.born < first <= position <= last:
                storage.dies = max(storage.dies, last)

    def _walk(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self._position += 1
            for value in (*reads(step), *writes(step)):
                self._touch(value, self._position)
            if isinstance(step, Loop):
                self._enter(step)

    def _enter(self, loop: Loop) -> None:
        span = (self._position + 1, self._position + _count(loop.body) + 1)
        self._spans.append(span)
        # Rows are touched for the loop's whole length: another iteration may read them.
        for row in loop.rows:
            self._touch(row.source, span[0])
            self._touch(row.source, span[1])
        self._walk(loop.body)
        self._position += 1
        for value in reads(loop) + writes(loop):
            self._touch(value, self._position)
        self._spans.pop()

    # -- sharing ------------------------------------------------------------------

    def _share(self, steps: Sequence[Step]) -> None:
        """Let an output lie over an input that dies at the same step."""
        position = 0

        def visit(steps: Sequence[Step]) -> None:
            nonlocal position
            for step in steps:
                position += 1
                if isinstance(step, (Kernel, Compute, Copy)):
                    self._share_at(step, position)
                if isinstance(step, Loop):
                    visit(step.body)
                    position += 1

        visit(steps)

    def _share_at(self, step: Kernel | Compute | Copy, position: int) -> None:
        out = step.outs[0] if isinstance(step, Compute) else step.out
        mine = self.storage.get(id(out))
        if mine is None or mine.born != position or mine.owner is not out:
            return
        for index, value in enumerate(reads(step)):
            theirs = self.storage.get(id(value))
            if theirs is None or theirs.dies != position or theirs is mine:
                continue
            if _may_lie_over(step, index, out):
                theirs.dies = mine.dies
                self.storage[id(out)] = theirs
                return


def _may_lie_over(step: Kernel | Compute | Copy, index: int, out: Value) -> bool:
    inputs = reads(step)
    value = inputs[index]
    if value.kind is not Kind.BUFFER or [v.root for v in inputs].count(value) != 1:
        return False
    if not isinstance(step, Kernel):
        return step.overwrites and index == 0
    same_shape = value.variable.broadcastable == out.variable.broadcastable
    return same_shape and value.dtype == out.dtype and step.recipe.may_share(index)


def _count(steps: Sequence[Step]) -> int:
    return sum(
        1 + (_count(step.body) + 1 if isinstance(step, Loop) else 0) for step in steps
    )


@dataclass(frozen=True, slots=True)
class Layout:
    """The arena's storages and, for each, which others live at the same time."""

    storages: tuple[Storage, ...]
    conflicts: tuple[tuple[int, ...], ...]


def layout(lifetimes: Lifetimes) -> Layout:
    """Everything about the arena that does not depend on lengths."""
    unique = {id(storage): storage for storage in lifetimes.storage.values()}
    storages = tuple(unique.values())
    conflicts = tuple(
        tuple(
            j
            for j, b in enumerate(storages)
            if j != k and b.born <= a.dies and a.born <= b.dies
        )
        for k, a in enumerate(storages)
    )
    return Layout(storages, conflicts)


def place(plan: Layout, sizes: Sequence[int]) -> tuple[list[int], int]:
    """Offsets for storages of `sizes` bytes such that living ones never overlap.

    Largest first, each at the lowest offset that is free while it lives. Returns the
    offsets and the bytes of the arena.
    """
    rounded = [-(-size // ALIGNMENT) * ALIGNMENT for size in sizes]
    offsets = [-1] * len(sizes)
    top = 0
    for k in sorted(range(len(sizes)), key=lambda k: -rounded[k]):
        taken = sorted(
            (offsets[j], offsets[j] + rounded[j])
            for j in plan.conflicts[k]
            if offsets[j] >= 0
        )
        at = 0
        for start, end in taken:
            if at + rounded[k] <= start:
                break
            at = max(at, end)
        offsets[k] = at
        top = max(top, at + rounded[k])
    return offsets, top
