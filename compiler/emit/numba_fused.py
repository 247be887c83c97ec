"""Elementwise steps, and reductions of what they make, as one nest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from symseq.ops.prod import Prod
from symseq.ops.reduce import All, Any, Max, Min, Reduction, Sum
from symseq.types import is_float

from ..program import Compute, Copy, Fused, Kernel, Value, reads
from .numba_nests import Elements, broadcast, nest_over
from .numba_reduce import combine, fill, kept, start_of
from .numba_rules import writes
from .numba_scalars import Scalar, Scalars
from .numba_writer import Writer

CHUNK = 1024  # elements added up in their own dtype before the sum goes on in float64
LONGEST_AT_ONCE = 8 * CHUNK  # a row known to be no longer is added up at once


def write_fused(writer: Writer, step: Fused) -> None:
    """The nest: loads, scalars, stores, and sums of scalars."""
    whole = step.steps[0].out if step.steps else step.sums[0].inputs[0]
    stored = [v for v in step.outs if not any(v in s.outs for s in step.sums)]
    values = _distinct(writer, [*step.inputs, *stored])
    operands = broadcast(writer, whole, values)
    reduced: list[bool] = []
    for one in step.sums:
        reduced = _reduced(one)
        operands.append(kept(writer, one.outs[0], reduced))
    nest = nest_over(writer, whole, operands, reduced)
    body = _Body(writer, step, Elements.of(nest), stored, values)
    if not step.sums:
        with nest.open():
            body.write()
        return
    body.sum_up(reduced)


@writes(Sum, Max, Min, Prod, All, Any)
def write_reduction(writer: Writer, step: Compute) -> None:
    """out[kept] = x over the other axes: a nest of nothing else."""
    alone = Fused((), step.outs, step.inputs, step.node, sums=(step,))
    write_fused(writer, alone)


def _reduced(step: Compute) -> list[bool]:
    """For each axis of what is reduced, if it goes."""
    assert step.node is not None and isinstance(step.node.op, Reduction)
    return [k in step.node.op.axes for k in range(step.inputs[0].variable.ndim)]


@dataclass(eq=False)
class _Body:
    """What happens for each element of a nest."""

    writer: Writer
    step: Fused
    elements: Elements
    stored: Sequence[Value]
    values: Sequence[Value]
    known: dict[object, Scalar] = field(default_factory=dict)

    def write(self) -> None:
        """Loads and scalars of every step, then the stores."""
        writer, path = self.writer, self.writer.places.path
        scalars = Scalars(writer.fresh, writer.call)
        # By place, so that what is written is then read as the scalar.
        self.known = known = {}
        first = {path(v): v for v in self.values}
        for inner in self.step.steps:
            given = []
            for value in reads(inner):
                if path(value) not in known:
                    name = writer.scalar(value)
                    text = self.elements.load(first[path(value)])
                    writer.add(f"{name} = {text}", inner.node)
                    known[path(value)] = Scalar(name, value.dtype)
                given.append(known[path(value)])
            name = self._name(inner.out)
            known[path(inner.out)] = _compute(writer, scalars, inner, given, name)
        for value in self.stored:
            text = known[path(value)].text
            writer.add(self.elements.store(first[path(value)], text), None)

    def _name(self, value: Value) -> str:
        """The name for a new element of a value: an old one may still be needed."""
        name = self.writer.scalar(value)
        taken = any(scalar.text == name for scalar in self.known.values())
        return self.writer.fresh(name) if taken else name

    def _term(self, one: Compute) -> str:
        """The element that a reduction takes in, in its dtype."""
        scalars, (x,) = Scalars(self.writer.fresh, self.writer.call), one.inputs
        found = self.known.get(self.writer.places.path(x))
        if found is None:
            found = Scalar(self.elements.load(x), x.dtype)
        return scalars.cast(found, one.outs[0].dtype).text

    def sum_up(self, reduced: list[bool]) -> None:
        """The nest with its reductions: in a local number by row, or in memory."""
        writer, nest, elements = self.writer, self.elements.nest, self.elements
        sums = [_Sum.of(writer, one) for one in self.step.sums]
        rows = bool(nest.groups) and reduced[nest.groups[-1][0]]
        before = any(reduced[g[0]] for g in nest.groups[: -1 if rows else None])
        if before or not rows:
            for one in sums:
                fill(writer, one.step, one.out, one.start)
        if not rows:
            with nest.open():
                self.write()
                for one in sums:
                    made = one.combine(elements.load(one.out), self._term(one.step))
                    writer.add(elements.store(one.out, made), one.step.node)
            return
        with nest.open(len(nest.groups) - 1):
            self._rows(sums)
            for one in sums:
                total = one.result()
                if before:
                    total = one.combine(elements.load(one.out), total)
                writer.add(elements.store(one.out, total), one.step.node)

    def _rows(self, sums: list[_Sum]) -> None:
        """The innermost loop, over parts of a row where floats are added up."""
        writer, nest = self.writer, self.elements.nest
        count = nest.lengths[-1]

        def part(first: str, last: str) -> None:
            for one in sums:
                writer.add(f"{one.part} = {one.start}", one.step.node)
            with nest.inner(first, last):
                self.write()
                for one in sums:
                    made = one.combine(one.part, self._term(one.step))
                    writer.add(f"{one.part} = {made}", one.step.node)

        if not any(one.in_parts for one in sums) or nest.is_short(LONGEST_AT_ONCE):
            part("0", count)
            return
        for one in sums:
            start = "0.0" if one.in_parts else one.start
            writer.add(f"{one.total} = {start}", one.step.node)
        first = writer.fresh("first")
        with writer.under(f"for {first} in range(0, {count}, {CHUNK}):"):
            least = writer.call("minimum")
            part(first, f"{least}({first} + {CHUNK}, {count})")
            for one in sums:
                made = f"{one.total} + {one.part}"
                if not one.in_parts:
                    made = one.combine(one.total, one.part)
                writer.add(f"{one.total} = {made}", one.step.node)
        for one in sums:
            one.over_parts = True


@dataclass(eq=False)
class _Sum:
    """One reduction of a nest: names of its result so far."""

    step: Compute
    out: Value
    start: str
    part: str
    total: str
    in_parts: bool  # rows of floats are added up by parts, the parts in float64
    combine: Callable[[str, str], str]
    cast: Callable[[str], str]
    over_parts: bool = False

    @classmethod
    def of(cls, writer: Writer, step: Compute) -> _Sum:
        assert step.node is not None and isinstance(step.node.op, Reduction)
        op, (out,) = step.node.op, step.outs
        scalars = Scalars(writer.fresh, writer.call)
        dtype = out.dtype

        def both(a: str, b: str) -> str:
            return combine(writer, op, dtype, a, b)

        return cls(
            step,
            out,
            start_of(op, dtype, scalars),
            writer.fresh("part"),
            writer.fresh("total"),
            isinstance(op, Sum) and is_float(dtype),
            both,
            lambda text: f"{writer.call(dtype)}({text})",
        )

    def result(self) -> str:
        """The row's result, in the dtype of the reduction."""
        if not self.over_parts:
            return self.part
        return self.cast(self.total) if self.in_parts else self.total


def _distinct(writer: Writer, values: Sequence[Value]) -> list[Value]:
    """One value per place."""
    found: dict[object, Value] = {}
    for value in values:
        found.setdefault(writer.places.path(value), value)
    return list(found.values())


def _compute(
    writer: Writer,
    scalars: Scalars,
    step: Kernel | Copy,
    given: Sequence[Scalar],
    name: str,
) -> Scalar:
    """Lines for one step; the scalar that holds its result."""
    if isinstance(step, Copy):
        made = scalars.cast(given[0], step.out.dtype)
        if made is given[0]:
            return made
        writer.add(f"{name} = {made.text}", step.node)
        return Scalar(name, step.out.dtype)
    lines = list(scalars.kernel(step, given))
    for part, made in lines[:-1]:
        writer.add(f"{part} = {made.text}", step.node)
    made = lines[-1][1]
    writer.add(f"{name} = {made.text}", step.node)
    return Scalar(name, made.dtype)
