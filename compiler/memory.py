"""The memory plan: when each buffer lives, which share memory, where they lie.

Positions count the steps of the Program, loop bodies included, in the order of the
source. A buffer that is read in a loop it was not made in lives until the loop ends.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import prod

import numpy as np

from .program import (
    Compute,
    Copy,
    Fused,
    Kernel,
    Kind,
    Loop,
    Program,
    Step,
    Value,
    View,
    reads,
    writes,
)

ALIGNMENT = 64
BLOCK_BYTES = 128 * 1024  # of one array in a block of rows: stays in the cache
WORTHWHILE = 1.02  # bytes over what lives at once for which another way is tried
MOST_BY_SIZE = 400  # storages that are also placed by size: quadratic


def block_rows(shape: Sequence[int], dtype: str) -> int:
    """How many rows of an array of such lengths a block has."""
    row = prod(shape[1:]) * np.dtype(dtype).itemsize
    return max(1, min(shape[0], BLOCK_BYTES // max(row, 1)))


def shape_of(value: Value, lengths: tuple[int, ...]) -> tuple[int, ...]:
    """The lengths of a buffer, from those of its variable."""
    if value.cut and lengths:
        return (min(lengths[0], block_rows(lengths, value.dtype)), *lengths[1:])
    return lengths


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
        self._views: dict[int, View] = {}
        self._position = 0
        self._spans: list[tuple[int, int]] = []  # first and last position of each loop
        self._walk(program.steps)
        self._position += 1
        self._end_of_run = self._position
        for value in program.outputs:  # returned before the updates
            self._touch(value, self._position)
        self._walk(program.updates)
        self._returned = [value.root for value in program.outputs]
        self._share(program)

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
            if isinstance(step, View):  # made at bind: to look is not to touch
                self._views[id(step.out)] = step
                continue
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

    def _share(self, program: Program) -> None:
        """Let an output lie over an input that dies at the same step."""
        position = 0

        def visit(steps: Sequence[Step]) -> None:
            nonlocal position
            for step in steps:
                position += 1
                if isinstance(step, (Kernel, Compute, Copy)):
                    self._share_at(step, position)
                elif isinstance(step, Fused):
                    self._share_nest(step, position)
                if isinstance(step, Loop):
                    visit(step.body)
                    position += 1

        visit(program.steps)
        position += 1
        visit(program.updates)

    def _share_at(self, step: Kernel | Compute | Copy, position: int) -> None:
        outs = step.outs if isinstance(step, Compute) else (step.out,)
        if not outs:
            return
        out = outs[0]
        mine = self.storage.get(id(out))
        if mine is None or mine.born != position or mine.owner is not out:
            return
        for index, value in enumerate(reads(step)):
            theirs = self._free_at(position, self._whole(value))
            if theirs is None or theirs is mine:
                continue
            if _may_lie_over(step, index, out):
                theirs.dies = mine.dies
                self.storage[id(out)] = theirs
                return

    def _free_at(self, position: int, value: Value) -> Storage | None:
        """The storage of a buffer that is touched at `position` for the last time."""
        found = self.storage.get(id(value))
        if found is None or found.dies != position:
            return None
        if position > self._end_of_run and any(
            self.storage.get(id(root)) is found for root in self._returned
        ):
            return None  # a borrowed output is the caller's from then on
        return found

    def _whole(self, value: Value) -> Value:
        """The buffer that a value is all of, in the same order: a reshape's source."""
        while value.source is not None:
            view = self._views.get(id(value))
            if view is None or view.text != "{0}.reshape({shape})":
                break
            value = value.source
        return value

    def _share_nest(self, step: Fused, position: int) -> None:
        """The same for a nest, which reads all of an element before it writes any.

        And for blocks of rows, where that is so for each block.
        """
        roots = [v.root for v in (*step.inputs, *step.outs)]
        dying = [v for v in step.inputs if v.source is None and roots.count(v) == 1]
        for out in step.outs:
            mine = self.storage.get(id(out))
            if mine is None or mine.born != position or mine.owner is not out:
                continue
            for value in dying:
                theirs = self._free_at(position, value)
                if theirs is None or theirs is mine:
                    continue
                if _is_like(value, out) and _is_read_first(step, value, out):
                    theirs.dies = mine.dies
                    self.storage[id(out)] = theirs
                    break


def _is_read_first(step: Fused, value: Value, out: Value) -> bool:
    """Whether a nest, or each block, is done with `value` when it writes `out`."""
    parts = {id(part.source): part for part in step.parts}
    if not parts:
        return True
    mine, theirs = parts.get(id(out)), parts.get(id(value))
    if mine is None or theirs is None:
        return False
    first = next(n for n, one in enumerate(step.steps) if mine in writes(one))
    last = max(n for n, one in enumerate(step.steps) if theirs in reads(one))
    one = step.steps[last]
    if last != first:
        return last < first
    return (
        isinstance(one, Kernel)
        and one.inputs.count(theirs) == 1
        and one.recipe.may_share(one.inputs.index(theirs))
    )


def _is_like(a: Value, b: Value) -> bool:
    """Whether two values of one index space have elements of one size and number."""
    same_shape = a.variable.broadcastable == b.variable.broadcastable
    return same_shape and a.dtype == b.dtype and a.kind is Kind.BUFFER


def _may_lie_over(step: Kernel | Compute | Copy, index: int, out: Value) -> bool:
    inputs = reads(step)
    value = inputs[index]
    if [v.root for v in inputs].count(value.root) != 1:
        return False
    if not isinstance(step, Kernel):
        return step.overwrites and index == 0 and value.kind is Kind.BUFFER
    same_shape = value.variable.broadcastable == out.variable.broadcastable
    return same_shape and value.dtype == out.dtype and step.recipe.may_share(index)


def _count(steps: Sequence[Step]) -> int:
    return sum(
        1 + (_count(step.body) + 1 if isinstance(step, Loop) else 0) for step in steps
    )


@dataclass(frozen=True, slots=True)
class Layout:
    """The arena's storages, and their numbers in the order in which they are born."""

    storages: tuple[Storage, ...]
    order: tuple[int, ...]


def layout(lifetimes: Lifetimes) -> Layout:
    """Everything about the arena that does not depend on lengths."""
    return layout_of(lifetimes.storage.values())


def layout_of(storages: Iterable[Storage]) -> Layout:
    """The layout of some storages, each counted once."""
    unique = tuple({id(storage): storage for storage in storages}.values())
    order = sorted(range(len(unique)), key=lambda k: unique[k].born)
    return Layout(unique, tuple(order))


def place(plan: Layout, sizes: Sequence[int]) -> tuple[list[int], int]:
    """Offsets for storages of `sizes` bytes such that living ones never overlap.

    In the order of birth, each in the smallest gap that it fits. Where that takes more
    than what lives at once, and there are few, also the largest first. Returns the
    offsets and the bytes of the arena.
    """
    rounded = [-(-size // ALIGNMENT) * ALIGNMENT for size in sizes]
    offsets, top, least = _place_by_birth(plan, rounded)
    if top > WORTHWHILE * least and len(rounded) <= MOST_BY_SIZE:
        others, other_top = _place_by_size(plan, rounded)
        if other_top < top:
            return others, other_top
    return offsets, top


def _place_by_birth(plan: Layout, sizes: Sequence[int]) -> tuple[list[int], int, int]:
    """Best fit along time; also the most bytes that live at once."""
    gaps, offsets = _Gaps(), [0] * len(sizes)
    living: list[tuple[int, int]] = []  # (dies, number), a heap
    now = most = 0
    for k in plan.order:
        if not sizes[k]:
            continue
        storage = plan.storages[k]
        while living and living[0][0] < storage.born:
            _, gone = heappop(living)
            gaps.free(offsets[gone], sizes[gone])
            now -= sizes[gone]
        offsets[k] = gaps.take(sizes[k])
        heappush(living, (storage.dies, k))
        now += sizes[k]
        most = max(most, now)
    return offsets, gaps.top, most


class _Gaps:
    """The free parts of a block that grows at its end."""

    def __init__(self) -> None:
        self.top = 0
        self.starts: dict[int, int] = {}  # start of a gap → its end
        self.ends: dict[int, int] = {}
        self.by_size: list[tuple[int, int]] = []  # (size, start), sorted

    def take(self, size: int) -> int:
        """The start of a part of `size` bytes: of the smallest gap, or at the end."""
        at = bisect_left(self.by_size, (size, -1))
        if at < len(self.by_size):
            found, start = self.by_size[at]
            self._remove(start, start + found)
            if found > size:
                self._add(start + size, start + found)
            return start
        start = self.ends.get(self.top, self.top)
        if start < self.top:
            self._remove(start, self.top)
        self.top = start + size
        return start

    def free(self, start: int, size: int) -> None:
        """Give a part back; it grows together with the gaps beside it."""
        end = start + size
        before, behind = self.ends.get(start), self.starts.get(end)
        if before is not None:
            self._remove(before, start)
            start = before
        if behind is not None:
            self._remove(end, behind)
            end = behind
        self._add(start, end)

    def _add(self, start: int, end: int) -> None:
        self.starts[start], self.ends[end] = end, start
        insort(self.by_size, (end - start, start))

    def _remove(self, start: int, end: int) -> None:
        del self.starts[start], self.ends[end]
        del self.by_size[bisect_left(self.by_size, (end - start, start))]


def _place_by_size(plan: Layout, sizes: Sequence[int]) -> tuple[list[int], int]:
    """Largest first, each at the lowest offset that is free while it lives."""
    offsets, top = [0] * len(sizes), 0
    placed: list[int] = []
    for k in sorted(range(len(sizes)), key=lambda k: -sizes[k]):
        if not sizes[k]:
            break
        mine, at = plan.storages[k], 0
        taken = sorted(
            (offsets[j], offsets[j] + sizes[j])
            for j in placed
            if plan.storages[j].born <= mine.dies and mine.born <= plan.storages[j].dies
        )
        for start, end in taken:
            if at + sizes[k] <= start:
                break
            at = max(at, end)
        offsets[k] = at
        placed.append(k)
        top = max(top, at + sizes[k])
    return offsets, top
