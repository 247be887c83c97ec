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

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from .lower.accesses import Access, Accesses, disjoint
from .lower.arrange import arrange_views
from .lower.flip import REVERSED
from .lower.forward import put
from .lower.places import Places
from .memory import Lifetimes, layout
from .program import (
    Compute,
    Copy,
    Kernel,
    Kind,
    Loop,
    Program,
    Row,
    Step,
    Value,
    View,
    reads,
    walk,
    writes,
)

UNKNOWN = 32  # what a length that only a call knows is taken for
MOST_TRIED = 32  # stacks: each is a look at the whole Program
SLICES = re.compile(r"\{0\}\[[^,\]]*:[^,\]]*(, [^,\]]*:[^,\]]*)*\]")


def overlay(program: Program) -> Program:
    """The Program with stacks laid over others, where it then needs less memory."""
    if not any(isinstance(step, Loop) for step in program.steps):
        return program
    _Overlay(program).run()
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


@dataclass(eq=False, slots=True)
class Stack:
    """A buffer whose rows, first to last or last to first, a loop goes over."""

    root: Value
    row: Row
    is_reversed: bool


@dataclass(eq=False, slots=True)
class Place:
    """A part of a row, or the row, that a step of the loop's body writes first.

    ``view`` is how it looks into the row; None: it is the row.
    """

    value: Value
    step: Step
    position: int
    view: View | None


@dataclass(eq=False)
class Changes:
    """What was changed, to be taken back."""

    kept: list[tuple[Any, str, Any]] = field(default_factory=list)

    def set(self, thing: Any, name: str, value: Any) -> None:
        """Change an attribute."""
        self.keep(thing, name)
        setattr(thing, name, value)

    def keep(self, thing: Any, *names: str) -> None:
        """Remember attributes that are about to change."""
        self.kept += [(thing, name, getattr(thing, name)) for name in names]

    def take_back(self) -> None:
        for thing, name, value in reversed(self.kept):
            setattr(thing, name, value)


class _Overlay:
    def __init__(self, program: Program) -> None:
        self.program = program
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
        changes, views = Changes(), list(self.views)
        laid = Filling(self, root, loop, changes).done()
        if laid:
            self.tried += 1
            changes.keep(self.program, "steps", "updates", "values")
            for step in self._steps():
                if isinstance(step, Loop):
                    changes.keep(step, "body", "within")
            arrange_views(self.program, self.views)
            living = Living(self.program)
            if living.most([root]) < self.living.most([root, *laid]):
                self.living = living
                return True
        changes.take_back()
        self.views = views
        return False


class LoopStacks:
    """The buffers whose rows a loop reads and writes, one at every step."""

    def __init__(self, program: Program, loop: Loop) -> None:
        self.program, self.loop = program, loop
        self.found = Accesses(program)
        self.span = self.found.spans[id(loop)]
        self.outputs = {id(value.root) for value in program.outputs}
        self.stacks = [s for s in map(self._stack, loop.rows) if s is not None]

    def _stack(self, row: Row) -> Stack | None:
        source, is_reversed = row.source, False
        while source.source is not None:
            view = self.found.views.get(id(source))
            if view is None or view.text != REVERSED:
                return None
            source, is_reversed = source.source, not is_reversed
        if source.kind is not Kind.BUFFER or row.offset:
            return None
        return Stack(source, row, is_reversed)

    def read(self) -> list[Stack]:
        """The stacks that are read in the loop for the last time."""
        return [stack for stack in self.stacks if self.is_read_last(stack)]

    def is_new(self, stack: Stack) -> bool:
        """Whether nothing touches it before the loop, or in it but by its row."""
        accesses = self.found.of(stack.root)
        return (
            bool(accesses)
            and self.span.first <= accesses[0].position
            and self._only_by_row(stack)
            and self.within_block(accesses)
        )

    def is_read_last(self, stack: Stack) -> bool:
        """Whether the loop only reads the stack's rows, and nothing does after it."""
        accesses = self.found.of(stack.root)
        inside = [a for a in accesses if a.position >= self.span.first]
        return (
            0 < len(inside) < len(accesses)
            and inside[-1].position <= self.span.last
            and not any(a.writes for a in inside)
            and id(stack.root) not in self.outputs
            and self._only_by_row(stack)
            and self.within_block(accesses)
        )

    def inside(self, value: Value) -> list[Access]:
        """The accesses of a value's memory in the loop."""
        return self.found.between(value, self.span.first, self.span.last)

    def last_read(self, stack: Stack) -> int:
        return self.inside(stack.root)[-1].position

    def _only_by_row(self, stack: Stack) -> bool:
        inside = self.inside(stack.root)
        return all(_is_below(a.value, stack.row.out) for a in inside)

    def within_block(self, accesses: list[Access]) -> bool:
        """Whether all accesses are in the body that the loop is in, or all in none."""
        first, last = 0, self.found.end_of_run
        if self.loop.parent is not None:
            span = self.found.spans[id(self.loop.parent)]
            first, last = span.first, span.last
        return all(first <= a.position <= last for a in accesses)

    def below(self, value: Value) -> Iterator[Value]:
        """The views and rows of a value, and theirs."""
        waiting = [value]
        while waiting:
            children = self.found.children.get(id(waiting.pop()), [])
            yield from children
            waiting += children

    def places(self, stack: Stack) -> list[Place]:
        """The parts of the stack's row that a step of the body writes before all."""
        accesses = self.inside(stack.root)
        body = {id(step) for step in self.loop.body}
        made: dict[int, Place] = {}
        for access in accesses:
            value, step = access.value, access.step
            if not access.writes or id(step) not in body or id(value) in made:
                continue
            view = self.found.views.get(id(value))
            if value is not stack.row.out and not _is_part(view, stack.row.out):
                continue
            others = [a for a in accesses if a.position <= access.position]
            if all(a is access or disjoint(a.value, value, self.found) for a in others):
                made[id(value)] = Place(value, step, access.position, view)
        return sorted(made.values(), key=lambda place: place.position)


class Filling:
    """One stack that a loop writes, and what is laid into it."""

    def __init__(
        self, overlay: _Overlay, root: Value, loop: Loop, changes: Changes
    ) -> None:
        self.overlay, self.root, self.loop = overlay, root, loop
        self.changes = changes
        self.now = LoopStacks(overlay.program, loop)

    def done(self) -> list[Value]:
        """Lay what fits into the stack: the buffers that were."""
        stack = next((s for s in self.now.stacks if s.root is self.root), None)
        if stack is None:
            return []
        places = self.now.places(stack)
        pairs = self._pairs(stack, places)
        if len(pairs) < len(places) and self._write_late(stack, places):
            self.now = LoopStacks(self.overlay.program, self.loop)
            places = self.now.places(stack)
            pairs = self._pairs(stack, places)
        for spot, chosen in pairs:
            self._lie(chosen, stack, spot)
        return [chosen.root for _, chosen in pairs]

    # -- what goes where ----------------------------------------------------------

    def _pairs(self, stack: Stack, places: list[Place]) -> list[tuple[Place, Stack]]:
        read, pairs = self.now.read(), list[tuple[Place, Stack]]()
        for spot in places:
            able = [other for other in read if self._may_lie(other, stack, spot)]
            if able:
                chosen = max(able, key=self.now.last_read)
                read.remove(chosen)
                pairs.append((spot, chosen))
        return pairs

    def _may_lie(self, other: Stack, stack: Stack, spot: Place) -> bool:
        """Whether the row is read when the place is written, and has its lengths."""
        row, last = other.row.out, self.now.last_read(other)
        if last > spot.position:
            return False
        if last == spot.position and not _over_itself(spot, row):
            return False
        mine, theirs = spot.value.variable, row.variable
        if (spot.value.dtype, mine.broadcastable) != (row.dtype, theirs.broadcastable):
            return False
        axes = self.overlay.places.axes
        if axes(other.root) != (axes(stack.root)[0], *axes(spot.value)):
            return False
        return spot.view is None or self._bears_strides(other.root)

    def _bears_strides(self, root: Value) -> bool:
        """Whether all that touches a buffer copes with strided memory at no cost."""
        found = self.now.found
        views = (found.views.get(id(v)) for v in self.now.below(root))
        return all(
            isinstance(a.step, (Kernel, Copy)) for a in found.of(root)
        ) and not any(view and "reshape" in view.text for view in views)

    def _write_late(self, stack: Stack, places: list[Place]) -> bool:
        """Move the steps that write places right before the first that reads them."""
        late = {id(spot.step) for spot in places}
        readers = [
            a.position for a in self.now.inside(stack.root) if id(a.step) not in late
        ]
        if not readers:
            return False
        body, found = self.loop.body, self.now.found
        before = [
            s for s in body
            if found.position[id(s)] + _inner(s, found) < min(readers)
        ]  # fmt: skip
        moved: list[Step] = []
        stay: list[Step] = []
        for step in before[::-1]:
            if id(step) in late and not any(_meet(step, other) for other in stay):
                moved.insert(0, step)
            else:
                stay.insert(0, step)
        made = [*stay, *moved, *body[len(before) :]]
        if all(a is b for a, b in zip(made, body, strict=True)):
            return False
        self.changes.set(self.loop, "body", made)
        return True

    # -- the change ---------------------------------------------------------------

    def _lie(self, other: Stack, stack: Stack, spot: Place) -> None:
        """Make a stack a view of another, and its row the place in the other's row."""
        changes, found = self.changes, self.now.found
        root, row = other.root, other.row.out
        for access in found.of(row):
            if access.value is row:
                _keep(access.step, changes)
                put(access.step, row, spot.value)
        for child in found.children.get(id(row), []):
            changes.set(child, "source", spot.value)
        rows = [one for one in self.loop.rows if one is not other.row]
        changes.set(self.loop, "rows", rows)
        first = "::-1" if other.is_reversed != stack.is_reversed else ":"
        rest = "" if spot.view is None else f", {spot.view.text[4:-1]}"
        part = None if spot.view is None else spot.view.part
        view = View(root, f"{{0}}[{first}{rest}]", None, (), part)
        found.views[id(root)] = view
        changes.set(root, "kind", Kind.VIEW)
        changes.set(root, "source", stack.root)
        whole = spot.view is None and first == ":"
        changes.set(
            root, "contiguous_from", 0 if whole else spot.value.contiguous_from + 1
        )
        for below in self.now.below(root):
            changes.set(below, "transposed", False)
            changes.set(below, "contiguous_from", self._contiguous_from(below))
        self.overlay.views.append(view)

    def _contiguous_from(self, value: Value) -> int:
        """From which axis on the elements of a view of what has moved lie in order."""
        assert value.source is not None
        above = value.source.contiguous_from
        view = self.now.found.views.get(id(value))
        if id(value) in self.now.found.rows:
            return max(above - 1, 0)
        if view is not None and view.text == REVERSED:
            return max(above, 1)
        return value.variable.ndim


def _keep(step: Step, changes: Changes) -> None:
    """Remember what a step names."""
    match step:
        case Kernel():
            changes.keep(step, "inputs", "temps", "out")
        case Compute():
            changes.keep(step, "inputs", "temps", "outs")
        case Copy():
            changes.keep(step, "out", "source")
        case Loop():
            changes.keep(step, "n_steps", "stop", "done")
        case View():
            changes.keep(step, "uses")


def _inner(step: Step, found: Accesses) -> int:
    """How many positions there are in a step's body."""
    if not isinstance(step, Loop):
        return 0
    span = found.spans[id(step)]
    return span.last - span.first + 1


def _meet(a: Step, b: Step) -> bool:
    """Whether two steps touch memory that one of them writes."""

    def roots(step: Step) -> tuple[set[int], set[int]]:
        steps: Sequence[Step] = list(walk([step]))
        real = [one for one in steps if not isinstance(one, View)]
        read = {id(v.root) for one in real for v in reads(one)}
        return read, {id(v.root) for one in real for v in writes(one)}

    (read, written), (other_read, other_written) = roots(a), roots(b)
    return bool(written & (other_read | other_written) or read & other_written)


def _is_below(value: Value, above: Value) -> bool:
    found: Value | None = value
    while found is not None and found is not above:
        found = found.source
    return found is not None


def _is_part(view: View | None, row: Value) -> bool:
    """Whether a view is slices, known when compiled, of a row."""
    return (
        view is not None
        and view.out.source is row
        and view.part is not None
        and view.part >= 0
        and not view.uses
        and SLICES.fullmatch(view.text) is not None
    )


def _over_itself(spot: Place, value: Value) -> bool:
    """Whether the step that writes a place may find a value in it."""
    step = spot.step
    return (
        isinstance(step, Kernel)
        and step.out is spot.value
        and step.inputs.count(value) == 1
        and step.recipe.may_share(step.inputs.index(value))
    )
