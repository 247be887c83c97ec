"""The stacks whose rows a loop reads or writes, one at every step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..program import Kind, Loop, Program, Row, Step, Value, View
from .accesses import Access, Accesses, disjoint
from .flip import REVERSED

SLICES = re.compile(r"\{0\}\[[^,\]]*:[^,\]]*(, [^,\]]*:[^,\]]*)*\]")


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
