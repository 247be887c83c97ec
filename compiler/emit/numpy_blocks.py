"""Elementwise steps on large arrays, a block of rows at a time: NumPy's way to fuse.

multiply(g, g, square)                        for g_b, acc_b, t_b in update_0:
multiply(rho, square, square)            →        multiply(g_b, g_b, t_b)
add(acc, square, acc)                             multiply(rho, t_b, t_b)
                                                  add(acc_b, t_b, acc_b)

What a block computes is still in the cache when it is read, and what no other step
reads needs only the memory of one block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from ..memory import BLOCK_BYTES
from ..program import (
    Copy,
    Fused,
    Kernel,
    Kind,
    Program,
    Step,
    Value,
    View,
    reads,
    walk,
    writes,
)

FEWEST = 2  # steps that are worth a table of blocks
MOST = 64  # steps in one: more would not find each other's values in the cache
Elementwise = Kernel | Copy


def cut_into_blocks(program: Program, fresh: Callable[[str], str]) -> None:
    """Fuse runs of elementwise steps outside loops, in place."""
    readers = _count_accesses(program)
    for steps in (program.steps, program.updates):
        steps[:] = _fused(steps, readers, program, fresh)


def _count_accesses(program: Program) -> dict[int, int]:
    """How often each root is touched."""
    found: dict[int, int] = {}
    for step in (*walk(program.steps), *walk(program.updates)):
        if not isinstance(step, View):
            for value in (*reads(step), *writes(step)):
                found[id(value.root)] = found.get(id(value.root), 0) + 1
    for value in program.outputs:
        found[id(value.root)] = found.get(id(value.root), 0) + 1
    return found


def _fused(
    steps: Sequence[Step],
    readers: dict[int, int],
    program: Program,
    fresh: Callable[[str], str],
) -> list[Step]:
    made: list[Step] = []
    waiting: list[Elementwise] = []

    def flush() -> None:
        for run in _runs(waiting):
            fused = None
            if len(run.steps) >= FEWEST and run.is_large():
                fused = Block(run, readers, program, fresh).fused()
            made.extend([fused] if fused and fused.parts else run.steps)
        waiting.clear()

    for step in steps:
        if isinstance(step, View):
            made.append(step)  # made at bind: it may stand before the run
        elif isinstance(step, Kernel | Copy) and may_be_cut(step):
            if waiting and _flags(step) != _flags(waiting[0]):
                flush()
            waiting.append(step)
        else:
            flush()
            made.append(step)
    flush()
    return made


def _flags(step: Elementwise) -> tuple[bool, ...]:
    return step.out.variable.broadcastable


def may_be_cut(step: Elementwise) -> bool:
    """Whether the step may go along its first axis by blocks at all."""
    flags = _flags(step)
    if not flags or flags[0] or not _one_view_each(step):
        return False
    if isinstance(step, Copy):
        return not step.overwrites and step.source.variable.ndim == len(flags)
    values = (*step.inputs, *step.temps)
    return all(
        v.kind is not Kind.DYNAMIC and v.variable.ndim == len(flags) for v in values
    )


def _runs(steps: Sequence[Elementwise]) -> list[Run]:
    """Those of one shape that belong together, each in the order of the steps.

    Steps that share an array of the full shape have one shape. Steps that touch memory
    which one of them writes stay in their order.
    """
    written = {id(v.root) for step in steps for v in writes(step)}
    full = [
        [id(v) for v in _values(step) if v.variable.broadcastable == _flags(step)]
        for step in steps
    ]
    touched = [
        [id(v.root) for v in _values(step) if id(v.root) in written] for step in steps
    ]
    shapes = _classes(full)
    both = [[*a, *b] for a, b in zip(full, touched, strict=True)]
    groups: dict[int, list[int]] = {}
    for n, group in enumerate(_classes(both)):
        groups.setdefault(group, []).append(n)
    made: list[Run] = []
    for group_ in groups.values():
        run = Run()
        for n in group_:
            if len(run.steps) == MOST or not run.takes(steps[n], shapes[n]):
                made.append(run)
                run = Run()
            run.add(steps[n], shapes[n])
        made.append(run)
    return made


def _classes(keys: Sequence[Sequence[int]]) -> list[int]:
    """A number for each item: equal where items share a key, or share with others."""
    parent = list(range(len(keys)))

    def first(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    seen: dict[int, int] = {}
    for n, mine in enumerate(keys):
        for key in mine:
            one, other = first(seen.setdefault(key, n)), first(n)
            parent[max(one, other)] = min(one, other)
    return [first(n) for n in range(len(keys))]


@dataclass(eq=False)
class Run:
    """Elementwise steps, one behind the other, over the same rows."""

    steps: list[Elementwise] = field(default_factory=list)
    shape: int = -1  # the class of its steps' shapes
    cut: dict[int, set[int]] = field(default_factory=dict)  # ids of values, by root
    written: set[int] = field(default_factory=set)  # ids of roots

    def takes(self, step: Elementwise, shape: int) -> bool:
        """Whether the step goes over the same rows, and reads no others."""
        if not self.steps:
            return True
        values = _values(step)
        sizes = self.steps[0].out.variable.type.sizes
        static = None not in sizes and sizes == step.out.variable.type.sizes
        if shape != self.shape and not static:
            return False
        # Rows of other views of what is written would be other rows of it.
        written = self.written | {id(v.root) for v in writes(step)}
        mixed = any(
            id(v.root) in written and self.cut.get(id(v.root), {id(v)}) != {id(v)}
            for v in values
        )
        return not mixed and _one_view_each(step)

    def add(self, step: Elementwise, shape: int) -> None:
        self.steps.append(step)
        self.shape = shape
        for value in _values(step):
            self.cut.setdefault(id(value.root), set()).add(id(value))
        self.written.update(id(v.root) for v in writes(step))

    def is_large(self) -> bool:
        """Whether an array has more than a block, as far as is known."""
        known = [s.out for s in self.steps if None not in s.out.variable.type.sizes]
        if not known:
            return len(self.steps) > FEWEST
        out = known[0]
        sizes = out.variable.type.sizes
        size = prod(n for n in sizes if n is not None)
        return size * np.dtype(out.dtype).itemsize > 2 * BLOCK_BYTES


def _values(step: Elementwise) -> tuple[Value, ...]:
    return (*reads(step), *writes(step))


def _is_cut(value: Value) -> bool:
    """Whether a value has every row, so that a block takes a part of it."""
    return not value.variable.broadcastable[0]


def _one_view_each(step: Elementwise) -> bool:
    """Whether what the step writes is read, if at all, under the same name."""
    written = {id(v.root): v for v in writes(step)}
    return all(written.get(id(v.root), v) is v for v in reads(step))


class Block:
    """The steps of a run over blocks: names for the parts, few temporaries."""

    def __init__(
        self,
        run: Run,
        accesses: dict[int, int],
        program: Program,
        fresh: Callable[[str], str],
    ) -> None:
        self.run, self.program, self.fresh = run, program, fresh
        self.parts: dict[int, Value] = {}  # of values that live outside, by id
        self.slots: dict[int, Value] = {}  # where inner values are now, by id
        self.free: dict[str, list[Value]] = {}  # temporaries by dtype
        self.temps: list[Value] = []
        self.last = self._inner(accesses)

    def _inner(self, accesses: dict[int, int]) -> dict[int, int]:
        """The last step that touches each buffer that no other step touches, by id."""
        counts: dict[int, int] = {}
        last: dict[int, int] = {}
        for n, step in enumerate(self.run.steps):
            for value in _values(step):
                if value.kind is Kind.BUFFER and _is_cut(value):
                    counts[id(value)] = counts.get(id(value), 0) + 1
                    last[id(value)] = n
        return {key: n for key, n in last.items() if counts[key] == accesses[key]}

    def fused(self) -> Fused:
        """The run as one step."""
        steps = tuple(self._step(n, step) for n, step in enumerate(self.run.steps))
        read = [v for step in self.run.steps for v in reads(step)]
        wrote = [v for step in self.run.steps for v in writes(step)]
        return Fused(
            steps,
            _unique(v for v in wrote if id(v) not in self.last),
            _unique(v for v in read if id(v) not in self.last),
            self.run.steps[-1].node,
            tuple(self.temps),
            tuple(self.parts.values()),
        )

    def _step(self, n: int, step: Elementwise) -> Elementwise:
        made: Elementwise
        if isinstance(step, Copy):
            source = self._place(step.source)
            made = Copy(self._place(step.out), source, step.node)
        else:
            inputs = tuple(map(self._place, step.inputs))
            temps = tuple(map(self._place, step.temps))
            self._lie_over(n, step)
            made = Kernel(self._place(step.out), inputs, step.recipe, temps, step.node)
        for value in _unique(_values(step)):
            if self.last.get(id(value)) == n and id(value) in self.slots:
                slot = self.slots.pop(id(value))
                self.free.setdefault(slot.dtype, []).append(slot)
        return made

    def _lie_over(self, n: int, step: Kernel) -> None:
        """Let the output have the slot of an input that is read for the last time."""
        if id(step.out) not in self.last or id(step.out) in self.slots:
            return
        for index, value in enumerate(step.inputs):
            if (
                self.last.get(id(value)) == n
                and value.dtype == step.out.dtype
                and step.inputs.count(value) == 1
                and step.recipe.may_share(index)
            ):
                self.slots[id(step.out)] = self.slots.pop(id(value))
                return

    def _place(self, value: Value) -> Value:
        """Where a step finds or leaves the value's rows of a block."""
        if not _is_cut(value):
            return value
        if id(value) in self.last:
            if id(value) not in self.slots:
                waiting = self.free.get(value.dtype)
                self.slots[id(value)] = waiting.pop() if waiting else self._temp(value)
            return self.slots[id(value)]
        if id(value) not in self.parts:
            self.parts[id(value)] = Value(
                self.fresh(f"{value.name}_b"), value.variable, Kind.VIEW, value.dtype,
                source=value,
            )  # fmt: skip
        return self.parts[id(value)]

    def _temp(self, value: Value) -> Value:
        made = Value(self.fresh("tmp_b"), value.variable, Kind.BUFFER, value.dtype)
        made.cut = True
        self.program.values.append(made)
        self.temps.append(made)
        return made


def _unique(values: Iterable[Value]) -> tuple[Value, ...]:
    return tuple({id(v): v for v in values}.values())
