"""Elementwise steps over one index space become one loop nest.

    add(a, b, t); tanh(t, y); sum(y, s); multiply(y, c, z)

becomes the nest {t = a + b; y = tanh(t); z = y c}, which stores y and z, and the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from symseq.ops.gradient_ops import Identity
from symseq.ops.join import Join, Split
from symseq.ops.reduce import Reduction

from ..lower.places import APART, SAME, Places
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
    fresh_names,
    reads,
    walk,
    writes,
)
from .numba_rules import can_write
from .numba_scalars import can_compute
from .numpy_prepare import make_room

LOOK_BACK = 40  # how many earlier steps a step may be moved over, views included
Elementwise = (Kernel, Copy)


def fuse(program: Program) -> Program:
    """The Program with Fused steps; the values' kinds stay."""
    fresh = fresh_names(program)
    _spread(program, program.steps, fresh)
    _spread(program, program.updates, fresh)
    fusion = _Fusion(program, Places(program), fresh)
    program.steps = fusion.block(program.steps)
    program.updates = fusion.block(program.updates)
    fusion.settle()
    return program


# -- ops that only move elements ----------------------------------------------------


def _spread(program: Program, steps: list[Step], fresh: Callable[[str], str]) -> None:
    """Joins, splits and identities as copies, which fuse with what is around them."""
    made: list[Step] = []
    for step in steps:
        if isinstance(step, Loop):
            _spread(program, step.body, fresh)
        op = step.node.op if isinstance(step, Compute) and step.node else None
        if isinstance(step, Compute) and _is_static(step):
            if isinstance(op, Join):
                made += _parts(program, step, True, op.axis, fresh)
                continue
            if isinstance(op, Split):
                made += _parts(program, step, False, op.axis, fresh)
                continue
            if isinstance(op, Identity):
                made.append(Copy(step.outs[0], step.inputs[0], step.node))
                continue
        made.append(step)
    steps[:] = made


def _is_static(step: Compute) -> bool:
    return all(v.kind is not Kind.DYNAMIC for v in (*step.outs, *step.inputs))


def _parts(
    program: Program,
    step: Compute,
    joins: bool,
    axis: int,
    fresh: Callable[[str], str],
) -> list[Step]:
    """Copies between an array and its pieces end to end along an axis."""
    whole, pieces = step.inputs[0], step.outs
    if joins:
        whole, pieces = step.outs[0], step.inputs
    made: list[Step] = []
    start = "0"
    for k, piece in enumerate(pieces):
        end = f'{start} + shape["{piece.name}"][{axis}]'
        name = fresh(f"{whole.name}_{piece.name}")
        part = Value(name, piece.variable, Kind.VIEW, whole.dtype, whole)
        part.loop = whole.loop
        part.contiguous_from = max(whole.contiguous_from, axis)
        program.values.append(part)
        text = f"{{0}}[{':, ' * axis}{start}:{end}]"
        made.append(View(part, text, step.node, part=k if joins else None))
        out, source = (part, piece) if joins else (piece, part)
        made.append(Copy(out, source, step.node))
        start = end
    return made


# -- fusion -------------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class _Item:
    """A step, or elementwise steps that run together; what it touches, by root."""

    steps: list[Step]
    space: tuple[object, ...] | None  # of a nest that may still grow
    loads: dict[int, list[Value]] = field(default_factory=dict)
    stores: dict[int, list[Value]] = field(default_factory=dict)
    made: Step | None = None

    def add(self, step: Step) -> None:
        for value in touched(step):
            self.loads.setdefault(id(value.root), []).append(value)
        for value in changed(step):
            self.stores.setdefault(id(value.root), []).append(value)


def is_reduction(step: Compute) -> bool:
    return step.node is not None and isinstance(step.node.op, Reduction)


def touched(step: Step) -> Iterable[Value]:
    """What a step reads, its body included."""
    body = walk(step.body) if isinstance(step, Loop) else ()
    return (*reads(step), *(v for inner in body for v in reads(inner)))


def changed(step: Step) -> Iterable[Value]:
    """What a step writes, its body included."""
    body = walk(step.body) if isinstance(step, Loop) else ()
    return (*writes(step), *(v for inner in body for v in writes(inner)))


class _Fusion:
    def __init__(
        self, program: Program, places: Places, fresh: Callable[[str], str]
    ) -> None:
        self.program, self.places = program, places
        self.fresh = fresh
        self.items: list[_Item] = []

    def block(self, steps: Sequence[Step]) -> list[Step]:
        """The steps of a function or a loop's body, fused."""
        items: list[_Item] = []
        for step in steps:
            if isinstance(step, Loop):
                step.body = self.block(step.body)
            if isinstance(step, Kernel) and self.is_nest(step):
                step = replace(step, temps=())
            if isinstance(step, Compute):
                step = self._compute(step)
            home = self._home(step, items) if isinstance(step, Elementwise) else None
            if isinstance(step, Compute):
                home = self._home_of_sum(step, items)
            if home is None:
                space = None
                if isinstance(step, Elementwise) and self.is_nest(step):
                    space = self.places.axes(step.out)
                home = _Item([], space)
                items.append(home)
            home.steps.append(step)
            home.add(step)
        self.items += items
        return [self._close(item) for item in items]

    def _compute(self, step: Compute) -> Compute:
        """Without the temporaries that only NumPy needs, or with them."""
        if can_write(step):
            return replace(step, temps=())
        make_room(self.program, step, self.fresh)
        return step

    def is_nest(self, step: Kernel | Copy) -> bool:
        """Whether a step may be computed element by element, in any order."""
        if isinstance(step, Kernel) and not can_compute(step):
            return False
        if isinstance(step, Copy) and step.overwrites:
            return False  # it is nothing where memory is shared
        values = (*reads(step), step.out)
        if any(v.kind is Kind.DYNAMIC for v in values):
            return False
        return all(
            self.places.relation(v, step.out) in (SAME, APART) for v in reads(step)
        )

    def _home(self, step: Kernel | Copy, items: list[_Item]) -> _Item | None:
        """The latest nest that may take the step in, if nothing after it forbids."""
        if not self.is_nest(step):
            return None
        space = self.places.axes(step.out)
        for item in reversed(items[-LOOK_BACK:]):
            if item.space == space and self._fits(step, item):
                return item
            if not self._passes(step, item):
                return None
        return None

    def _home_of_sum(self, step: Compute, items: list[_Item]) -> _Item | None:
        """The nest that makes what a reduction reads, if it reduces no other axes."""
        if not (is_reduction(step) and can_write(step)):
            return None
        assert step.node is not None and isinstance(step.node.op, Reduction)
        path = self.places.path(step.inputs[0])
        for item in reversed(items[-LOOK_BACK:]):
            if item.space is not None and any(
                isinstance(s, Elementwise) and self.places.path(s.out) == path
                for s in item.steps
            ):
                nodes = (s.node for s in item.steps if isinstance(s, Compute))
                ops = (node.op for node in nodes if node is not None)
                axes = {op.axes for op in ops if isinstance(op, Reduction)}
                out = id(step.outs[0].root)
                free = out not in item.loads and out not in item.stores
                return item if free and axes <= {step.node.op.axes} else None
            if not self._passes(step, item):
                return None
        return None

    def _passes(self, step: Kernel | Copy | Compute, item: _Item) -> bool:
        """Whether the step may run before the item."""
        if all(isinstance(inner, View) for inner in item.steps):
            return True
        outs = {id(value.root) for value in writes(step)}
        if outs & item.stores.keys() or outs & item.loads.keys():
            return False
        return not any(id(value.root) in item.stores for value in reads(step))

    def _fits(self, step: Kernel | Copy, item: _Item) -> bool:
        """Whether element by element the step does after the item what it should."""

        def agree(value: Value, others: Iterable[Value]) -> bool:
            return all(self._agree(value, other, item) for other in others)

        out = id(step.out.root)
        sums = [s for s in item.steps if isinstance(s, Compute)]
        if any(id(v.root) == out for s in sums for v in reads(s)):
            return False  # sums come after all else: they would read the new elements
        if not agree(step.out, item.loads.get(out, ())):
            return False
        if not agree(step.out, item.stores.get(out, ())):
            return False
        return all(agree(v, item.stores.get(id(v.root), ())) for v in reads(step))

    def _agree(self, a: Value, b: Value, item: _Item) -> bool:
        relation = self.places.relation(a, b)
        if relation == SAME:  # the whole index space, not one row again and again
            return self.places.axes(a) == item.space == self.places.axes(b)
        return relation == APART

    # -- what is stored -----------------------------------------------------------

    def _close(self, item: _Item) -> Step:
        first = item.steps[0]
        if not isinstance(first, Elementwise) or not self.is_nest(first):
            item.made = first
            return first
        node = first.node
        steps = tuple(s for s in item.steps if isinstance(s, Elementwise))
        # All that it touches, until `settle` knows what nobody else reads.
        sums = tuple(s for s in item.steps if isinstance(s, Compute))
        outs = tuple(v for s in item.steps for v in writes(s))
        inputs = tuple(v for s in steps for v in reads(s))
        made = item.made = Fused(steps, outs, inputs, node, sums=sums)
        return made

    def settle(self) -> None:
        """Say of each nest what it loads and stores: what others read is stored."""
        readers: dict[int, set[int]] = {}
        for item in self.items:
            for step in item.steps:
                found = reads(step) if isinstance(step, (Loop, *Elementwise)) else (
                    *reads(step), *writes(step))  # fmt: skip
                if isinstance(step, View):
                    continue
                for value in found:
                    readers.setdefault(id(value.root), set()).add(id(item))
        for value in self.program.outputs:
            readers.setdefault(id(value.root), set()).add(0)
        for item in self.items:
            if isinstance(item.made, Fused):
                _fill(item.made, item, readers, self.places)


def _fill(
    fused: Fused, item: _Item, readers: dict[int, set[int]], places: Places
) -> None:
    """``inputs`` and ``outs``: nothing for a buffer that only the nest knows."""
    inside: dict[object, Value] = {}
    inputs: dict[object, Value] = {}
    outs: dict[object, Value] = {}
    for step in fused.steps:
        for value in reads(step):
            if places.path(value) not in inside:
                inputs.setdefault(places.path(value), value)
        path = places.path(step.out)
        inside[path] = step.out
        seen = readers.get(id(step.out.root), set()) - {id(item)}
        others = [v for v in item.stores[id(step.out.root)] if v is not step.out]
        others += [
            v for v in item.loads.get(id(step.out.root), ()) if v is not step.out
        ]
        private = step.out.kind is Kind.BUFFER and not seen and not others
        if private and places.path(step.out) not in inputs:
            outs.pop(path, None)
        else:
            outs[path] = step.out
    results = [v for step in fused.sums for v in step.outs]
    fused.inputs, fused.outs = tuple(inputs.values()), (*outs.values(), *results)
