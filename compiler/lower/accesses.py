"""Which steps touch which memory, in the order of the source; views see through."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass

from ..program import Loop, Program, Row, Step, Value, View
from ..program import reads as reads_of
from ..program import writes as writes_of


@dataclass(eq=False, slots=True)
class Access:
    """One step reads or writes one value."""

    position: int
    step: Step
    value: Value
    writes: bool


@dataclass(frozen=True, slots=True)
class Span:
    """The first and last position of a loop's steps."""

    first: int
    last: int


class Accesses:
    """Every access by the root of the memory that it touches, in order.

    A position is a step's number in the source. Views are made at bind: to make one is
    no access. Outputs are read behind the last step of `run`, before the updates.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.spans: dict[int, Span] = {}  # by id of the loop
        self.inner: dict[int, list[Span]] = {}  # loops by id of the one around (None)
        self.position: dict[int, int] = {}  # by id of the step
        self.rows: dict[int, Row] = {}  # by id of the row's value
        self.views: dict[int, View] = {}  # by id of the view's value
        self.children: dict[int, list[Value]] = {}  # views and rows by id of the source
        self.table: dict[int, list[Access]] = {}  # by id of the root, in order
        self._next = 0
        self._walk(program.steps, None)
        self.end_of_run = self._next
        for value in program.outputs:
            self._enter(View(value, ""), value, False)
        self._next += 1
        self._walk(program.updates, None)
        self.end = self._next

    def _walk(self, steps: list[Step], around: Loop | None) -> None:
        for step in steps:
            self.position[id(step)] = self._next
            if isinstance(step, View):
                self.views[id(step.out)] = step
                if step.out.source is not None:
                    self.children.setdefault(id(step.out.source), []).append(step.out)
                for value in step.uses:
                    self._enter(step, value, False)
            else:
                for value in writes_of(step):
                    self._enter(step, value, True)
                for value in own_reads(step):
                    self._enter(step, value, False)
            self._next += 1
            if isinstance(step, Loop):
                first = self._next
                for row in step.rows:
                    self.rows[id(row.out)] = row
                    self.children.setdefault(id(row.source), []).append(row.out)
                self._walk(step.body, step)
                if step.stop is not None:
                    self._enter(step, step.stop, False)
                self._next += 1
                span = self.spans[id(step)] = Span(first, self._next - 1)
                self.inner.setdefault(id(around), []).append(span)

    def _enter(self, step: Step, value: Value, writes: bool) -> None:
        access = Access(self._next, step, value, writes)
        self.table.setdefault(id(value.root), []).append(access)

    def of(self, value: Value) -> list[Access]:
        """The accesses of the memory that `value` looks into."""
        return self.table.get(id(value.root), [])

    def between(self, value: Value, first: int, last: int) -> list[Access]:
        """Those of them from position `first` to `last`."""
        found = self.of(value)
        low = bisect_left(found, first, key=_position)
        return found[low : bisect_right(found, last, key=_position)]

    def widest(self, position: int, around: Loop | None) -> Span | None:
        """The outermost loop inside `around` that holds a position, if there is one."""
        for span in self.inner.get(id(around), ()):
            if span.first <= position <= span.last:
                return span
        return None

    def insert(self, access: Access) -> None:
        """Enter an access of a step that was made later."""
        insort(self.table.setdefault(id(access.value.root), []), access, key=_position)

    def forget(self, step: Step, value: Value) -> None:
        """The step does not touch `value`'s memory any more."""
        kept = [a for a in self.of(value) if a.step is not step]
        self.table[id(value.root)] = kept

    def merge(self, gone: Value, into: Value) -> None:
        """The accesses of `gone`'s memory are now of `into`'s."""
        moved = self.table.pop(id(gone), [])
        both = [*self.of(into), *moved]
        self.table[id(into.root)] = sorted(both, key=_position)


def _position(access: Access) -> int:
    return access.position


def own_reads(step: Step) -> tuple[Value, ...]:
    """What a step reads itself; a loop: its count (its rows are read by its body)."""
    return (step.n_steps,) if isinstance(step, Loop) else reads_of(step)


def disjoint(a: Value, b: Value, found: Accesses) -> bool:
    """Whether two views of one root surely share no element, in one step of a loop."""
    above: dict[int, Value] = {}
    x: Value | None = a
    while x is not None and x.source is not None:
        above[id(x.source)] = x
        x = x.source
    y: Value | None = b
    while y is not None and y.source is not None:
        x = above.get(id(y.source))
        if x is not None and x is not y:
            return _apart(x, y, found) or _apart(y, x, found)
        y = y.source
    return False


def _apart(x: Value, y: Value, found: Accesses) -> bool:
    """The same for two views or rows of one source."""
    row, other = found.rows.get(id(x)), found.rows.get(id(y))
    if row and other:
        return x.loop is y.loop and row.offset != other.offset
    view, beside = found.views.get(id(x)), found.views.get(id(y))
    if view is None or view.part is None:
        return False
    if other:
        return view.part < 0 and other.offset >= -view.part
    parts = None if beside is None else beside.part
    return parts is not None and 0 <= view.part != parts >= 0


def same_place(a: Value, b: Value, found: Accesses) -> bool:
    """Whether two values are the same elements in the same order."""
    if a is b:
        return True
    if a.source is not b.source or a.source is None:
        return False
    row, beside = found.rows.get(id(a)), found.rows.get(id(b))
    if row and beside:
        return a.loop is b.loop and row.offset == beside.offset
    one, other = found.views.get(id(a)), found.views.get(id(b))
    return (
        one is not None
        and other is not None
        and one.text == other.text
        and one.uses == other.uses
    )
