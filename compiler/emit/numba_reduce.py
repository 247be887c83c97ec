"""Reductions, softmax and places of extremes as jitted loops."""

from __future__ import annotations

from symseq.ops.argmax import ArgExtremum, ArgMax, ArgMin
from symseq.ops.prod import Prod
from symseq.ops.reduce import All, Any, Max, Min, Reduction
from symseq.ops.softmax import LogSoftmax, Normalized, Softmax
from symseq.types import is_float

from ..lower.places import ONE
from ..program import Compute, Value
from .numba_nests import Elements, Nest, Operand, broadcast, nest_over
from .numba_rules import writes
from .numba_scalars import Scalar, Scalars
from .numba_writer import Writer


def start_of(op: Reduction, dtype: str, scalars: Scalars) -> str:
    """The result over nothing."""
    if isinstance(op, (Max, Min)):
        return scalars.number(_extreme(dtype, isinstance(op, Max)), dtype).text
    whole = isinstance(op, (All, Prod))
    return scalars.number(int(whole), dtype).text


def _extreme(dtype: str, least: bool) -> float | int:
    """The least or the greatest number of a dtype."""
    if is_float(dtype):
        return float("-inf") if least else float("inf")
    if dtype in ("bool", "uint8"):
        return 0 if least else (1 if dtype == "bool" else 255)
    half = 1 << (int(dtype[3:]) - 1)
    return -half if least else half - 1


def combine(writer: Writer, op: Reduction, dtype: str, a: str, b: str) -> str:
    """Two partial results as one."""
    match op:
        case Max() | Min():
            name = "maximum" if isinstance(op, Max) else "minimum"
            return f"{writer.call(name)}({a}, {b})"
        case All() | Any():
            return f"{a} {'&' if isinstance(op, All) else '|'} {b}"
        case Prod():
            return f"{a} * {b}"
    if is_float(dtype):
        return f"{writer.call('add_freely')}({a}, {b})"
    return f"{a} + {b}"


def kept(writer: Writer, out: Value, reduced: list[bool]) -> Operand:
    """The result as an operand of a nest over what is reduced."""
    own = iter(range(len(reduced)))
    axes = [None if gone else next(own) for gone in reduced]
    kinds = writer.places.axes(out)
    return Operand(
        out, tuple(None if k is None or kinds[k] == ONE else k for k in axes)
    )


def fill(writer: Writer, step: Compute, out: Value, number: str) -> None:
    """Every element of out = a number."""
    nest = nest_over(writer, out, broadcast(writer, out, [out]))
    elements = Elements.of(nest)
    with nest.open():
        writer.add(elements.store(out, number), step.node)


def _last(nest: Nest, axis: int) -> None:
    """Let the loop over an axis be the innermost one."""
    pairs = list(zip(nest.groups, nest.lengths, strict=True))
    pairs.sort(key=lambda pair: axis in pair[0])
    nest.groups = [group for group, _ in pairs]
    nest.lengths = [length for _, length in pairs]


@writes(Softmax, LogSoftmax, able=lambda step: _is_long(step))
def write_softmax(writer: Writer, step: Compute) -> None:
    """exp(x - max) / Σ, or x - max - log Σ, row by row."""
    assert step.node is not None
    op, (x,), (out,) = step.node.op, step.inputs, step.outs
    assert isinstance(op, Normalized)
    rank, dtype = x.variable.ndim, x.dtype
    kinds = [k == op.axis for k in range(rank)]
    nest = nest_over(writer, x, broadcast(writer, x, [x, out]), kinds)
    _last(nest, op.axis)
    elements, scalars = Elements.of(nest), Scalars(writer.fresh, writer.call)
    count, low = nest.lengths[-1], scalars.number(float("-inf"), dtype).text
    is_log = isinstance(op, LogSoftmax)
    top, total, y = (writer.fresh(name) for name in ("top", "total", "y"))
    zero = scalars.number(0.0, dtype).text
    with nest.open(len(nest.groups) - 1):
        writer.add(f"{top} = {low}", step.node)
        with nest.inner("0", count):
            made = f"{writer.call('maximum')}({top}, {elements.load(x)})"
            writer.add(f"{top} = {made}", step.node)
        writer.add(f"{total} = {zero}", step.node)
        with nest.inner("0", count):
            shifted = Scalar(f"{elements.load(x)} - {top}", dtype, bare=False)
            if is_log:
                writer.add(f"{y} = {shifted.text}", step.node)
                writer.add(elements.store(out, y), step.node)
                shifted = Scalar(y, dtype)
            grown = scalars.apply("exp", [shifted], dtype).text
            if not is_log:
                writer.add(f"{y} = {grown}", step.node)
                writer.add(elements.store(out, y), step.node)
                grown = y
            made = f"{writer.call('add_freely')}({total}, {grown})"
            writer.add(f"{total} = {made}", step.node)
        if is_log:
            logged = scalars.apply("log", [Scalar(total, dtype)], dtype).text
            writer.add(f"{total} = {logged}", step.node)
        sign = "-" if is_log else "/"
        with nest.inner("0", count):
            made = f"{elements.load(out)} {sign} {total}"
            writer.add(elements.store(out, made), step.node)


def _is_long(step: Compute) -> bool:
    """Whether the axis is no static 1, which no loop would run over."""
    assert step.node is not None
    op = step.node.op
    assert isinstance(op, (Normalized, ArgExtremum))
    axes = (op.axis,) if isinstance(op, Normalized) else op.axes
    flags = step.inputs[0].variable.broadcastable
    return len(axes) == 1 and not flags[axes[0]]


@writes(ArgMax, ArgMin, able=_is_long)
def write_place(writer: Writer, step: Compute) -> None:
    """out[kept] = the place of the first extreme (or NaN) along the axis."""
    assert step.node is not None
    op, (x,), (out,) = step.node.op, step.inputs, step.outs
    assert isinstance(op, ArgExtremum)
    reduced = [k in op.axes for k in range(x.variable.ndim)]
    operands = [*broadcast(writer, x, [x]), kept(writer, out, reduced)]
    nest = nest_over(writer, x, operands, reduced)
    _last(nest, op.axes[0])
    elements = Elements.of(nest)
    best, at, value = (writer.fresh(name) for name in ("best", "at", "value"))
    sign = ">" if isinstance(op, ArgMax) else "<"
    with nest.open(len(nest.groups) - 1):
        writer.add(f"{at} = 0", step.node)
        nest.counters.append("0")
        writer.add(f"{best} = {elements.load(x)}", step.node)
        nest.counters.pop()
        with nest.inner("1", nest.lengths[-1]) as counter:
            writer.add(f"{value} = {elements.load(x)}", step.node)
            test = f"{value} {sign} {best}"
            if is_float(x.dtype):
                test += f" or ({value} != {value} and {best} == {best})"
            with writer.under(f"if {test}:", step.node):
                writer.add(f"{best}, {at} = {value}, {counter}", step.node)
        writer.add(elements.store(out, at), step.node)
