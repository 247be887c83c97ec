"""How structured ops are written over NumPy with prepared outputs; one form per op."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from symseq.graph import Op
from symseq.ops.cumulative import CumProd, CumSum, Cumulative
from symseq.ops.join import Join
from symseq.ops.linalg import BatchedDot, Dot
from symseq.ops.reduce import Max, Min, Reduction, Sum
from symseq.ops.softmax import LogSoftmax, Softmax
from symseq.ops.sort import Sort
from symseq.ops.take import Gather, Put, PutRows, Take
from symseq.random.bits import Bits

from ..passes.bags import SumTaken
from ..passes.runs import PutRuns, SortPlaces, SumRuns
from ..program import Compute

if TYPE_CHECKING:
    from .numpy_lines import StepLines

Form = Callable[["StepLines", Compute], Iterable[str]]
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
def write_reduction(lines: StepLines, step: Compute) -> Iterable[str]:
    """add.reduce(x, axes, None, out)."""
    assert step.node is not None
    op = step.node.op
    assert isinstance(op, Reduction)
    (x, *others), (out,) = step.inputs, step.outs
    if others:  # the sum of a product (`dot_of_sum`)
        yield f"{lines.call('dot')}({x.name}, {others[0].name}, {out.name})"
        return
    function = lines.call(REDUCTIONS[type(op)])
    yield f"{function}.reduce({x.name}, {_axes(op.axes)}, None, {out.name})"


@form(Dot)
def write_dot(lines: StepLines, step: Compute) -> Iterable[str]:
    """dot where BLAS takes the operands as they lie, else matmul."""
    (a, b), (out,) = step.inputs, step.outs
    straight = all(x.is_contiguous or x.transposed for x in (a, b))
    vectors = 1 in (a.variable.ndim, b.variable.ndim)
    if (straight and out.is_contiguous) or (vectors and out.is_contiguous):
        yield f"{lines.call('dot')}({a.name}, {b.name}, {out.name})"
    elif vectors and not out.is_contiguous:
        product = f"{lines.call('dot')}({a.name}, {b.name})"
        yield f"{lines.call('copyto')}({out.name}, {product})"
    else:
        yield f"{lines.call('matmul')}({a.name}, {b.name}, {out.name})"


@form(BatchedDot)
def write_batched_dot(lines: StepLines, step: Compute) -> Iterable[str]:
    """matmul over the leading axis."""
    (a, b), (out,) = step.inputs, step.outs
    yield f"{lines.call('matmul')}({a.name}, {b.name}, {out.name})"


@form(Join)
def write_join(lines: StepLines, step: Compute) -> Iterable[str]:
    """concatenate((a, b, ...), axis, out)."""
    assert step.node is not None
    assert isinstance(step.node.op, Join)
    (out,) = step.outs
    parts = ", ".join(value.name for value in step.inputs)
    yield f"{lines.call('concatenate')}(({parts},), {step.node.op.axis}, {out.name})"


@form(Take)
def write_take(lines: StepLines, step: Compute) -> Iterable[str]:
    """Rows of a table by number, after the numbers are checked."""
    assert step.node is not None
    assert isinstance(step.node.op, Take)
    (x, ids), (out,) = step.inputs, step.outs
    function = lines.helper("take_rows")
    yield f"{function}({x.name}, {ids.name}, {step.node.op.axis}, {out.name})"


@form(Gather)
def write_gather(lines: StepLines, step: Compute) -> Iterable[str]:
    """Elements by leading indices, after these are checked."""
    assert step.node is not None
    assert isinstance(step.node.op, Gather)
    (x, *ids), (out,) = step.inputs, step.outs
    if step.node.op.axis or not (x.is_contiguous and out.is_contiguous):
        yield from lines.by_meaning(step)
        return
    names = ", ".join(value.name for value in ids)
    yield f"{lines.helper('gather')}({x.name}, ({names},), {out.name})"


@form(Put, PutRows)
def write_put(lines: StepLines, step: Compute) -> Iterable[str]:
    """y added to elements by leading indices, repeated ones adding up."""
    if not step.outs:
        yield from _check(lines, step)
        return
    (x, y, *ids), (out,) = step.inputs, step.outs
    if not step.overwrites:
        yield from lines.by_meaning(step)
        return
    if not lines.lifetimes.same(x, out):
        yield lines.copy(out, x)
    names = ", ".join(value.name for value in ids)
    temps = "".join(f", {value.name}" for value in step.temps)
    call = lines.helper("put_rows")
    yield f"{call}({out.name}, {y.name}, ({names},){temps})"


def _check(lines: StepLines, step: Compute) -> Iterable[str]:
    x, *ids = step.inputs
    names = ", ".join(value.name for value in ids)
    yield f"{lines.helper('check_places')}({x.name}, ({names},))"


@form(Bits)
def write_bits(lines: StepLines, step: Compute) -> Iterable[str]:
    """Random words, drawn where they are wanted."""
    (key, *_), (out,) = step.inputs, step.outs
    if not out.is_contiguous:
        yield from lines.by_meaning(step)
        return
    yield f"{lines.helper('fill_words')}({key.name}, {out.name})"


@form(CumSum, CumProd)
def write_cumulative(lines: StepLines, step: Compute) -> Iterable[str]:
    """add.accumulate(x, axis, None, out)."""
    assert step.node is not None
    op, (x,), (out,) = step.node.op, step.inputs, step.outs
    assert isinstance(op, Cumulative)
    if op.reverse or x.dtype != out.dtype:
        yield from lines.by_meaning(step)
        return
    yield f"{lines.call(op.ufunc)}.accumulate({x.name}, {op.axis}, None, {out.name})"


@form(Sort)
def write_sorted(lines: StepLines, step: Compute) -> Iterable[str]:
    """A copy, sorted where it lies."""
    assert step.node is not None
    assert isinstance(step.node.op, Sort)
    (x,), (out,) = step.inputs, step.outs
    if not lines.lifetimes.same(x, out):
        yield lines.copy(out, x)
    yield f'{out.name}.sort({step.node.op.axis}, "stable")'


@form(SumTaken)
def write_sum_taken(lines: StepLines, step: Compute) -> Iterable[str]:
    """Rows of a table added up as they are taken."""
    assert step.node is not None
    assert isinstance(step.node.op, SumTaken)
    (x, ids, *factors), (out,) = step.inputs, step.outs
    if not out.is_contiguous:
        yield from lines.by_meaning(step)
        return
    factor = factors[0].name if factors else "None"
    names = ", ".join(value.name for value in (out, *step.temps))
    call = lines.helper("sum_taken")
    yield f"{call}({x.name}, {ids.name}, {step.node.op.axis}, {factor}, {names})"


@form(SortPlaces)
def write_sort(lines: StepLines, step: Compute) -> Iterable[str]:
    """The order of rows that are added at places which may repeat."""
    assert step.node is not None
    assert isinstance(step.node.op, SortPlaces)
    names = [value.name for value in step.inputs]
    sizes, ids = names[: step.node.op.count], names[step.node.op.count :]
    outs = ", ".join(value.name for value in step.outs)
    call = lines.helper("sort_places")
    yield f"{call}(({', '.join(sizes)},), ({', '.join(ids)},), {outs})"


@form(SumRuns)
def write_sum_runs(lines: StepLines, step: Compute) -> Iterable[str]:
    """Rows of one place added up, over the rows themselves."""
    (rows, steps), (out,) = step.inputs, step.outs
    if not lines.lifetimes.same(rows, out):
        yield lines.copy(out, rows)
    yield f"{lines.helper('sum_runs')}({out.name}, {steps.name})"


@form(PutRuns)
def write_put_runs(lines: StepLines, step: Compute) -> Iterable[str]:
    """Sums of rows added to where they belong."""
    (x, *others), (out,) = step.inputs, step.outs
    if not lines.lifetimes.same(x, out):
        yield lines.copy(out, x)
    names = ", ".join(value.name for value in (out, *others, *step.temps))
    yield f"{lines.helper('put_runs')}({names})"


@form(Softmax, LogSoftmax)
def write_softmax(lines: StepLines, step: Compute) -> Iterable[str]:
    """exp(x - max x) over its sum along an axis, or the logarithm of that."""
    assert step.node is not None
    assert isinstance(step.node.op, (Softmax, LogSoftmax))
    (x,), (out,) = step.inputs, step.outs
    function = lines.helper(step.node.op.name)
    yield f"{function}({x.name}, {step.node.op.axis}, {out.name})"
