"""How structured ops are written over NumPy with prepared outputs; one form per op."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from symseq.graph import Op
from symseq.ops.join import Join
from symseq.ops.linalg import BatchedDot, Dot
from symseq.ops.reduce import Max, Min, Reduction, Sum
from symseq.ops.take import PutRows, Take

from ..program import Compute

if TYPE_CHECKING:
    from .numpy import NumpyEmitter

Form = Callable[["NumpyEmitter", Compute], Iterable[str]]
FORMS: dict[type[Op], Form] = {}


def form(*kinds: type[Op]) -> Callable[[Form], Form]:
    """Declare the lines for a node of these ops; the default calls the op's meaning."""

    def enter(rule: Form) -> Form:
        FORMS.update(dict.fromkeys(kinds, rule))
        return rule

    return enter


def _axes(axes: tuple[int, ...]) -> str:
    return str(axes[0]) if len(axes) == 1 else str(axes)


REDUCTIONS = {Sum: "add", Max: "maximum", Min: "minimum"}


@form(Sum, Max, Min)
def write_reduction(emitter: NumpyEmitter, step: Compute) -> Iterable[str]:
    """add.reduce(x, axes, None, out)."""
    assert step.node is not None
    op = step.node.op
    assert isinstance(op, Reduction)
    (x,), (out,) = step.inputs, step.outs
    function = emitter.call(REDUCTIONS[type(op)])
    yield f"{function}.reduce({x.name}, {_axes(op.axes)}, None, {out.name})"


@form(Dot)
def write_dot(emitter: NumpyEmitter, step: Compute) -> Iterable[str]:
    """dot where BLAS takes the operands as they lie, else matmul."""
    (a, b), (out,) = step.inputs, step.outs
    straight = all(x.is_contiguous or x.transposed for x in (a, b))
    vectors = 1 in (a.variable.ndim, b.variable.ndim)
    if (straight and out.is_contiguous) or (vectors and out.is_contiguous):
        yield f"{emitter.call('dot')}({a.name}, {b.name}, {out.name})"
    elif vectors and not out.is_contiguous:
        product = f"{emitter.call('dot')}({a.name}, {b.name})"
        yield f"{emitter.call('copyto')}({out.name}, {product})"
    else:
        yield f"{emitter.call('matmul')}({a.name}, {b.name}, {out.name})"


@form(BatchedDot)
def write_batched_dot(emitter: NumpyEmitter, step: Compute) -> Iterable[str]:
    """matmul over the leading axis."""
    (a, b), (out,) = step.inputs, step.outs
    yield f"{emitter.call('matmul')}({a.name}, {b.name}, {out.name})"


@form(Join)
def write_join(emitter: NumpyEmitter, step: Compute) -> Iterable[str]:
    """concatenate((a, b, ...), axis, out)."""
    assert step.node is not None
    assert isinstance(step.node.op, Join)
    (out,) = step.outs
    parts = ", ".join(value.name for value in step.inputs)
    yield f"{emitter.call('concatenate')}(({parts},), {step.node.op.axis}, {out.name})"


@form(Take)
def write_take(emitter: NumpyEmitter, step: Compute) -> Iterable[str]:
    """Rows of a table by number, after the numbers are checked."""
    assert step.node is not None
    assert isinstance(step.node.op, Take)
    (x, ids), (out,) = step.inputs, step.outs
    function = emitter.helper("take_rows")
    yield f"{function}({x.name}, {ids.name}, {step.node.op.axis}, {out.name})"


@form(PutRows)
def write_put_rows(emitter: NumpyEmitter, step: Compute) -> Iterable[str]:
    """Rows added to a table, repeated numbers adding up."""
    (x, y, ids), (out,) = step.inputs, step.outs
    if not step.overwrites:
        yield from emitter.by_meaning(step)
        return
    if not emitter.lifetimes.same(x, out):
        yield emitter.copy(out, x)
    yield f"{emitter.helper('put_rows')}({out.name}, {y.name}, {ids.name})"
