"""Which values are the same elements, which share none, and how long axes are."""

from __future__ import annotations

from typing import Any, TypeAlias

from symseq.graph import Variable
from symseq.lengths import Length
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.keys import region
from symseq.ops.linalg import BatchedDot, Dot
from symseq.ops.reduce import Reduction
from symseq.ops.softmax import Normalized
from symseq.ops.subtensor import IncSubtensor, Range, Subtensor
from symseq.scan.op import Scan
from symseq.types import TensorType, is_static_one

from ..program import (
    Compute,
    Copy,
    Fused,
    Kernel,
    Loop,
    Program,
    Row,
    Value,
    View,
    walk,
)
from .flip import REVERSED

Path: TypeAlias = tuple[Any, ...]
Axis: TypeAlias = Any  # a hashable name of an axis' length; ONE for a static 1
ONE = 1
SAME, APART, UNSURE = "same", "apart", "unsure"


class Places:
    """The way from a root to each value, and the class of each of its axes."""

    def __init__(self, program: Program) -> None:
        self.rows: dict[int, tuple[Loop, Row]] = {}
        self.views: dict[int, View] = {}
        self.parent: dict[Axis, Axis] = {}
        self._paths: dict[int, Path] = {}
        steps = [*walk(program.steps), *walk(program.updates)]
        for step in steps:
            if isinstance(step, View):
                self.views[id(step.out)] = step
            elif isinstance(step, Loop):
                self.rows.update((id(row.out), (step, row)) for row in step.rows)
        for step in steps:
            self._learn(step)

    # -- memory -------------------------------------------------------------------

    def path(self, value: Value) -> Path:
        """The root and what leads from it to `value`."""
        found = self._paths.get(id(value))
        if found is None:
            found = self._paths[id(value)] = self._path(value)
        return found

    def _path(self, value: Value) -> Path:
        if value.source is None:
            return (id(value),)
        above = self.path(value.source)
        if id(value) in self.rows:
            loop, row = self.rows[id(value)]
            return (*above, ("row", id(loop), row.offset))
        view = self.views[id(value)]
        uses = tuple(id(used) for used in view.uses)
        shape = ()
        if "{shape}" in view.text:
            shape = tuple(map(self.find, self.axes(value)))
        return (*above, ("view", view.text, uses, shape, view.part))

    def relation(self, a: Value, b: Value) -> str:
        """SAME elements in the same order, no element of both (APART), or UNSURE."""
        one, other = self.path(a), self.path(b)
        if one == other:
            return SAME
        for x, y in zip(one, other, strict=False):
            if x != y:
                return APART if x == one[0] or _apart(x, y) else UNSURE
        return UNSURE

    # -- lengths ------------------------------------------------------------------

    def type(self, value: Value) -> TensorType:
        """The type of what a value looks at, where its variable's may be narrower."""
        view = self.views.get(id(value))
        if view is not None and view.node is not None:
            op, node = view.node.op, view.node
            if isinstance(op, IncSubtensor) and value.variable is node.inputs[1]:
                return region(op.key, node.inputs[0].type, node.inputs[2:])
        return value.variable.type

    def is_sure(self, value: Value) -> bool:
        """Whether the variable's lengths are those of the value."""
        view = self.views.get(id(value))
        if view is None or view.node is None or value.source is None:
            return True
        is_part = isinstance(view.node.op, IncSubtensor)
        return not is_part and value.variable is not value.source.variable

    def axes(self, value: Value) -> tuple[Axis, ...]:
        """A name per axis, equal for axes of one length; ONE for a static 1."""
        shape = self.type(value).shape
        if not self.is_sure(value):
            return tuple(
                ONE if is_static_one(n) else ("of", id(value), k)
                for k, n in enumerate(shape)
            )
        return self._axes(value.variable)

    def _axes(self, variable: Variable) -> tuple[Axis, ...]:
        return tuple(
            ONE if is_static_one(n) else self.find(self._axis(variable, k, n))
            for k, n in enumerate(variable.type.shape)
        )

    def _axis(self, variable: Variable, k: int, length: Length) -> Axis:
        axis = (id(variable), k)
        if length is not None and axis not in self.parent:
            self.parent[axis] = ("length", length)
        return axis

    def find(self, axis: Axis) -> Axis:
        while axis in self.parent:
            above = self.parent[axis]
            if above in self.parent:
                self.parent[axis] = self.parent[above]
            axis = above
        return axis

    def _equal(self, a: Axis, b: Axis) -> None:
        a, b = self.find(a), self.find(b)
        if a != b and ONE not in (a, b):
            self.parent[a] = b

    def _match(self, a: Value, b: Value, first: int = 0) -> None:
        """Axes of a are those of b from `first` on, where neither is a static 1."""
        if not (self.is_sure(a) and self.is_sure(b)):
            return
        for x, y in zip(self.axes(a), self.axes(b)[first:], strict=False):
            self._equal(x, y)

    def _learn(self, step: Any) -> None:
        match step:
            case Kernel():
                for value in step.inputs:
                    self._match(value, step.out)
            case Copy() if step.out.variable.ndim == step.source.variable.ndim:
                self._match(step.out, step.source)
            case Loop():
                self._learn_loop(step)
            case Fused() if step.parts:
                for one in step.steps:
                    self._learn(one)
            case View() if step.text == REVERSED and step.out.source is not None:
                self._match(step.out, step.out.source)
            case View() if step.node is not None:
                self._learn_view(step)
            case Compute() if step.node is not None and step.outs:
                self._learn_compute(step)

    def _learn_loop(self, step: Loop) -> None:
        """Rows are alike, and what is stacked is as long as the loop."""
        for row in step.rows:
            self._match(row.out, row.source, 1)
        op = step.node.op
        assert isinstance(op, Scan)
        first = len(op.states)
        stacked = {id(v) for v in step.node.outputs[first : first + op.mapped]}
        if not op.until:
            for row in step.rows:
                if id(row.source.variable) in stacked:
                    axis = self.axes(row.source)[0]
                    self._equal(axis, ("steps", id(step.n_steps)))

    def _learn_view(self, step: View) -> None:
        assert step.node is not None
        op = step.node.op
        out, source = step.out, step.out.source
        if source is None or not (self.is_sure(out) and self.is_sure(source)):
            return
        if isinstance(op, DimShuffle) and out.variable in step.node.outputs:
            for place, axis in enumerate(op.order):
                if axis != "x":
                    self._equal(self.axes(out)[place], self.axes(source)[axis])
        if isinstance(op, Subtensor) and out.variable in step.node.outputs:
            place = 0
            for axis in range(source.variable.ndim):
                entry = op.key[axis] if axis < len(op.key) else Range()
                if isinstance(entry, Range):
                    if entry.is_full:
                        self._equal(self.axes(out)[place], self.axes(source)[axis])
                    place += 1

    def _learn_compute(self, step: Compute) -> None:
        assert step.node is not None
        op = step.node.op
        first = self.axes(step.inputs[0]) if step.inputs else ()
        out = self.axes(step.outs[0])
        if isinstance(op, Normalized):
            self._match(step.outs[0], step.inputs[0])
        elif isinstance(op, Reduction):
            kept = [k for k in range(len(first)) if k not in op.axes]
            for x, k in zip(out, kept, strict=True):
                self._equal(x, first[k])
        elif isinstance(op, (Dot, BatchedDot)):
            last = self.axes(step.inputs[1])
            for x, y in zip(out, (*first[:-1], *last[-1:]), strict=False):
                if len(out) == len(first) + len(last) - 2 or isinstance(op, BatchedDot):
                    self._equal(x, y)


def _apart(x: Any, y: Any) -> bool:
    """Whether two steps down from one value lead to places without a common element."""
    if x[0] == y[0] == "row":
        return bool(x[1] == y[1] and x[2] != y[2])
    if x[0] == y[0] == "view":
        one, other = x[4], y[4]
        return one is not None and other is not None and 0 <= one != other >= 0
    return False
