"""Which rows of what a value outside of all loops reads: a row each, the last, all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from symseq.graph import Apply, Constant, SharedVariable, Variable
from symseq.ops.alloc import Alloc
from symseq.ops.dimshuffle import DimShuffle
from symseq.ops.join import Join
from symseq.ops.linalg import Dot
from symseq.ops.reduce import Reduction
from symseq.ops.reshape import Reshape
from symseq.ops.shape import ShapeOf
from symseq.ops.subtensor import Range, Subtensor
from symseq.ops.take import Gather
from symseq.scan.op import Scan
from symseq.types import is_static_one


@dataclass(frozen=True, slots=True)
class Mode:
    """How rows are read: 'row' t + shift for row t, 'last', 'first', or 'whole'.

    ``flip``: the rows are counted from the other end.
    """

    rows: str = "row"
    shift: int = 0
    flip: bool = False


ROW, WHOLE = Mode(), Mode("whole")


@dataclass(frozen=True, slots=True)
class Read:
    """A leaf, or an output of a loop, and which of its rows are read."""

    source: Variable
    mode: Mode

    @property
    def is_parameter(self) -> bool:
        return isinstance(self.source, SharedVariable)


def reads_of(variable: Variable, mode: Mode) -> list[Read]:
    """What `variable` is made of, as far as leaves and loops; lengths left out."""
    found: dict[Read, None] = {}
    done: set[tuple[int, Mode]] = set()
    stack = [(variable, mode)]
    while stack:
        v, how = stack.pop()
        if (id(v), how) in done or isinstance(v, Constant) or v.held is not None:
            continue
        done.add((id(v), how))
        if v.owner is None or isinstance(v.owner.op, Scan):
            found.setdefault(Read(v, _at_end(v, how)))
        else:
            stack += reversed(list(_inputs(v.owner, how)))
    return list(found)


def _at_end(v: Variable, mode: Mode) -> Mode:
    """A parameter is read whole; where a loop keeps its last rows, all are the last."""
    if isinstance(v, SharedVariable):
        return WHOLE
    if v.owner is not None and isinstance(v.owner.op, Scan):
        states = v.owner.op.states
        if v.index < len(states) and states[v.index].last_only:
            return Mode("last")
    return mode


def _inputs(node: Apply, mode: Mode) -> Iterator[tuple[Variable, Mode]]:
    op, x = node.op, node.inputs[0] if node.inputs else None
    if isinstance(op, ShapeOf) or x is None:
        return
    if isinstance(op, Subtensor):
        yield x, _through_key(node, mode)
    elif isinstance(op, (Alloc, Reshape)):
        yield x, mode
    elif isinstance(op, DimShuffle):
        yield x, mode if op.order[:1] == (0,) or mode.rows != "row" else WHOLE
    elif isinstance(op, Dot):
        yield x, mode
        yield node.inputs[1], WHOLE
    elif isinstance(op, Reduction):
        yield x, WHOLE if 0 in op.axes and mode.rows == "row" else mode
    elif isinstance(op, Join) and op.axis == 0 and mode.rows == "row":
        yield from _joined(node, mode)
    elif isinstance(op, Gather):
        yield x, WHOLE
        yield from ((index, mode) for index in node.inputs[1:])
    else:
        yield from ((v, _beside(v, node, mode)) for v in node.inputs)


def _beside(v: Variable, node: Apply, mode: Mode) -> Mode:
    """Operands of one rank go row by row, but for what has one row for all."""
    out = node.outputs[0]
    if mode.rows != "row" or (v.ndim == out.ndim and v.ndim):
        return WHOLE if v.ndim and is_static_one(v.type.shape[0]) else mode
    return WHOLE


def _through_key(node: Apply, mode: Mode) -> Mode:
    """The mode behind x[key], seen from the rows of x."""
    assert isinstance(node.op, Subtensor)
    first = node.op.key[0] if node.op.key else Range()
    if isinstance(first, Range):
        if first == Range(None, None, -1):
            return replace(mode, flip=not mode.flip, shift=-mode.shift)
        start = first.start if isinstance(first.start, int) else 0
        source = node.inputs[0]
        if _initial_rows(source) == start or mode.rows != "row" or start < 0:
            return mode
        return replace(mode, shift=mode.shift + start)
    if mode.rows in ("last", "first"):
        return mode
    if first == -1:
        return Mode("last")
    return Mode("first") if first == 0 else WHOLE


def _initial_rows(history: Variable) -> int | None:
    """How many rows of a loop's output lie before its first step."""
    node = history.owner
    if node is None or not isinstance(node.op, Scan):
        return None
    states = node.op.states
    return states[history.index].depth if history.index < len(states) else 0


def _joined(node: Apply, mode: Mode) -> Iterator[tuple[Variable, Mode]]:
    """Rows of parts end to end: a part behind n rows is read n rows earlier."""
    before: int | None = 0
    for part in node.inputs:
        yield (
            part,
            WHOLE if before is None else replace(mode, shift=mode.shift - before),
        )
        size = part.type.sizes[0]
        before = before + size if before is not None and isinstance(size, int) else None
