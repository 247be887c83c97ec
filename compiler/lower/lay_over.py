"""Make what a loop reads for the last time a part of what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..program import (
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
    blocks_of,
    reads,
    walk,
    writes,
)
from .accesses import Access, Accesses
from .flip import REVERSED
from .forward import put
from .places import Places
from .stacks import LoopStacks, Place, Stack


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


class Filling:
    """One stack that a loop writes, and what is laid into it."""

    def __init__(
        self,
        program: Program,
        known: Places,
        views: list[View],
        root: Value,
        loop: Loop,
        changes: Changes,
    ) -> None:
        self.program, self.known, self.views = program, known, views
        self.root, self.loop = root, loop
        self.changes = changes
        self.laid: list[Value] = []
        self.shortest = 1  # elements side by side in a part of a row
        self.now = LoopStacks(program, loop)

    def fill(self) -> bool:
        """Lay what fits into the stack; whether anything did."""
        stack = next((s for s in self.now.stacks if s.root is self.root), None)
        if stack is None:
            return False
        places = self.now.places(stack)
        pairs = self._pairs(stack, places)
        if len(pairs) < len(places) and self._write_late(stack, places):
            self.now = LoopStacks(self.program, self.loop)
            places = self.now.places(stack)
            pairs = self._pairs(stack, places)
        for spot, chosen in pairs:
            self._lie(chosen, stack, spot)
        return bool(pairs)

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
        axes = self.known.axes
        if axes(other.root) != (axes(stack.root)[0], *axes(spot.value)):
            return False
        if spot.view is None:
            return True
        return self._is_long(spot.value) and self._bears_strides(other.root)

    def _is_long(self, part: Value) -> bool:
        size = part.variable.type.sizes[-1]
        return self.shortest == 1 or (size is not None and size >= self.shortest)

    def _bears_strides(self, root: Value) -> bool:
        """Whether all that touches a buffer copes with strided memory at no cost."""
        found = self.now.found
        views = (found.views.get(id(v)) for v in self.now.below(root))
        return all(
            isinstance(a.step, (Kernel, Copy, Fused)) for a in found.of(root)
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
        root = other.root
        self._name(other.row.out, spot.value)
        rows = [one for one in self.loop.rows if one is not other.row]
        self.changes.set(self.loop, "rows", rows)
        first = "::-1" if other.is_reversed != stack.is_reversed else ":"
        rest = "" if spot.view is None else f", {spot.view.text[4:-1]}"
        part = None if spot.view is None else spot.view.part
        whole = spot.view is None and first == ":"
        inner = 0 if whole else spot.value.contiguous_from + 1
        view = View(root, f"{{0}}[{first}{rest}]", None, (), part)
        self._become(view, stack.root, inner)
        self.laid.append(root)
        before = None if whole else self._computed_over(root)
        while before is not None:
            earlier = self._computed_over(before)
            self._name(before, root)
            self.laid.append(before)
            before = earlier

    def _name(self, gone: Value, kept: Value) -> None:
        """Read and write `kept` wherever a step names `gone`."""
        found, changes = self.now.found, self.changes
        for access in found.of(gone):
            if access.value is gone:
                _keep(access.step, changes)
                put(access.step, gone, kept)
        for child in found.children.get(id(gone), []):
            changes.set(child, "source", kept)
            if id(child) in found.rows:
                changes.set(found.rows[id(child)], "source", kept)
            changes.set(child, "contiguous_from", child.variable.ndim)
            changes.set(child, "transposed", False)

    def _become(self, view: View, source: Value, contiguous_from: int) -> None:
        """Make a buffer a view of another."""
        changes, root = self.changes, view.out
        self.now.found.views[id(root)] = view
        changes.set(root, "kind", Kind.VIEW)
        changes.set(root, "source", source)
        changes.set(root, "contiguous_from", contiguous_from)
        if contiguous_from:
            for below in self.now.below(root):
                changes.set(below, "transposed", False)
                changes.set(below, "contiguous_from", self._contiguous_from(below))
        self.views.append(view)

    def _computed_over(self, root: Value) -> Value | None:
        """A buffer that is read last where `root` is made, which may lie over it.

        Only what lives outside of loops: else the stack would live longer for it.
        """
        found = self.now.found
        step = found.of(root)[0].step
        if not isinstance(step, Kernel) or step.out is not root:
            return None
        for index, value in enumerate(step.inputs):
            if (
                value.kind is Kind.BUFFER
                and found.of(value)[-1].step is step
                and all(self._is_outside(a) for a in found.of(value))
                and step.inputs.count(value) == 1
                and step.recipe.may_share(index)
                and value.dtype == root.dtype
                and self.known.axes(value) == self.known.axes(root)
                and self._bears_strides(value)
            ):
                return value
        return None

    def _is_outside(self, access: Access) -> bool:
        """Whether an access is in no loop but those around this one."""
        found, around = self.now.found, self.loop.parent
        return found.widest(access.position, around) is None and (
            self.now.within_block([access])
        )

    # -- what an earlier loop reads -----------------------------------------------

    def under(self) -> bool:
        """Lay a whole stack under all that an earlier loop writes into this one.

        What the earlier loop reads at a step must be read before anything is written.
        """
        found = Accesses(self.program)
        first = found.of(self.root)[0].position
        for block in blocks_of(self.program):
            for step in block:
                if isinstance(step, Loop) and step.parent is self.loop.parent:
                    span = found.spans[id(step)]
                    if step.stop is None and span.first <= first <= span.last:
                        return self._under(LoopStacks(self.program, step))
        return False

    def _under(self, earlier: LoopStacks) -> bool:
        written = earlier.inside(self.root)
        if not all(_goes_forward(a.value, self.root, earlier) for a in written):
            return False
        axes = self.known.axes
        for row in earlier.loop.rows:
            root = row.source.root
            accesses = earlier.found.of(root)
            if (
                root.kind is Kind.BUFFER
                and root is not self.root
                and root.dtype == self.root.dtype
                and axes(row.source) == axes(self.root)
                and earlier.is_read_last(Stack(root, row, False))
                and earlier.inside(root)[-1].position < written[0].position
                and _is_reshaped(row.source, earlier.found)
                and row.offset == 0
                and accesses
            ):
                self.now = earlier
                text = "{0}" if row.source is root else "{0}.reshape({shape})"
                self._become(View(root, text), self.root, 0)
                self.laid.append(root)
                return True
        return False

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


def _is_reshaped(value: Value, found: Accesses) -> bool:
    """Whether a value is all of a buffer, in the same order."""
    while value.source is not None:
        view = found.views.get(id(value))
        if view is None or "reshape" not in view.text:
            return False
        value = value.source
    return True


def _goes_forward(value: Value, root: Value, stacks: LoopStacks) -> bool:
    """Whether a value is in row t of a stack at step t of a loop."""
    rows, forward, above = 0, True, value
    while above is not root:
        row = stacks.found.rows.get(id(above))
        view = stacks.found.views.get(id(above))
        if row is not None and above.loop is stacks.loop:
            rows += 1
            if row.offset:
                return False
        elif rows:
            if view is None or not view.text.startswith(("{0}[:", "{0}[::-1")):
                return False
            forward = forward != view.text.startswith("{0}[::-1")
        assert above.source is not None
        above = above.source
    return rows == 1 and forward


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


def _over_itself(spot: Place, value: Value) -> bool:
    """Whether the step that writes a place may find a value in it."""
    step = spot.step
    return (
        isinstance(step, Kernel)
        and step.out is spot.value
        and step.inputs.count(value) == 1
        and step.recipe.may_share(step.inputs.index(value))
    )
