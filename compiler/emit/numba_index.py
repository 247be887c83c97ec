"""Rows by number, rows added to rows, random words, as jitted loops."""

from __future__ import annotations

from collections.abc import Sequence

from symseq.ops.take import Gather, Put, PutRows, Take
from symseq.random.bits import Bits, FoldIn

from ..lower.places import ONE
from ..program import Compute, Copy, Fused, Value
from .numba_fused import write_fused
from .numba_nests import Elements, Operand, broadcast, nest_over
from .numba_rules import writes
from .numba_writer import Writer


def _axes(writer: Writer, value: Value, own: list[int | None]) -> Operand:
    """An operand by its own axis for each axis of the nest's space."""
    kinds = writer.places.axes(value)
    return Operand(
        value, tuple(None if k is None or kinds[k] == ONE else k for k in own)
    )


def _levels(groups: list[list[int]], kinds: list[int], last: int) -> int:
    """How many loops run over axes of kinds up to `last`."""
    return sum(kinds[group[0]] <= last for group in groups)


def _checked(writer: Writer, step: Compute, loaded: str, length: str) -> str:
    """The lines that check an index; the name of it, counted from the start."""
    assert step.node is not None
    index, row = writer.fresh("index"), writer.fresh("place")
    writer.add(f"{index} = {loaded}", step.node)
    writer.add(f"{row} = {index} + {length} if {index} < 0 else {index}", step.node)
    with writer.under(f"if {row} < 0 or {row} >= {length}:", step.node):
        writer.fail(index, length, step.node)
    return row


def _place(writer: Writer, step: Compute, loaded: str, length: str) -> str:
    """The same for an index that was checked before."""
    index, row = writer.fresh("index"), writer.fresh("place")
    writer.add(f"{index} = {loaded}", step.node)
    writer.add(f"{row} = {index} + {length} if {index} < 0 else {index}", step.node)
    return row


def _index(writer: Writer, elements: Elements, ids: Value) -> str:
    """An element of `ids` as int64."""
    loaded = elements.load(ids)
    return loaded if ids.dtype == "int64" else f"{writer.call('int64')}({loaded})"


def _check_all(
    writer: Writer, step: Compute, x: Value, ids: Sequence[Value], first: int = 0
) -> None:
    """Lines that see that every index is in bounds."""
    for axis, one in enumerate(ids, first):
        nest = nest_over(writer, one, broadcast(writer, one, [one]))
        elements = Elements.of(nest)
        with nest.open():
            loaded = _index(writer, elements, one)
            _checked(writer, step, loaded, writer.length(x, axis))


def _are_apart(step: Compute) -> bool:
    """Whether no operand is another's memory."""
    roots = [id(value.root) for value in step.inputs]
    return len(set(roots)) == len(roots)


@writes(Take, Gather, able=_are_apart)
def write_take(writer: Writer, step: Compute) -> None:
    """out[a, i, b] = x[a, ids0[i], ids1[i], ..., b]"""
    assert step.node is not None and isinstance(step.node.op, Gather)
    (x, *ids), (out,), axis = step.inputs, step.outs, step.node.op.axis
    count, rank = ids[0].variable.ndim, out.variable.ndim
    kinds = [0] * axis + [1] * count + [2] * (rank - axis - count)
    before, after = range(axis), range(axis + len(ids), x.variable.ndim)
    places: list[int | None] = [*before, *[None] * count, *after]
    index: list[int | None] = [
        *[None] * axis, *range(count), *[None] * (rank - axis - count)
    ]  # fmt: skip
    operands = [
        *broadcast(writer, out, [out]),
        _axes(writer, x, places),
        *(_axes(writer, one, index) for one in ids),
    ]
    # Every index is looked at, also where an empty axis leaves nothing to take.
    at_once = axis == 0 and len(ids) == 1
    if not at_once:
        _check_all(writer, step, x, ids, axis)
    nest = nest_over(writer, out, operands, kinds)
    elements = Elements.of(nest)
    with nest.open(_levels(nest.groups, kinds, 1)):
        start = nest.base(x)
        for k, one in enumerate(ids, axis):
            length, by = writer.length(x, k), writer.bytes(x, k)
            find = _checked if at_once else _place
            found = find(writer, step, _index(writer, elements, one), length)
            start = f"{writer.call('row')}({start}, {found}, {by})"
        name = writer.fresh(f"{x.name}_row")
        writer.add(f"{name} = {start}", step.node)
        nest.move(x, name)
        with nest.open():
            writer.add(elements.store(out, elements.load(x)), step.node)


def _is_plain_put(step: Compute) -> bool:
    """Elements added in place, or (without results) the check of the indices alone."""
    if not _are_apart(step):
        return False
    return not step.outs or (step.overwrites and step.outs[0].dtype != "bool")


@writes(PutRows, Put, able=_is_plain_put)
def write_put(writer: Writer, step: Compute) -> None:
    """out[ids[i]] += y[i], after all indices are checked; repeated ones add up."""
    assert step.node is not None
    if not step.outs:
        x, *ids = step.inputs
        _check_all(writer, step, x, ids)
        return
    (x, y, *ids), (out,) = step.inputs, step.outs
    if not writer.lifetimes.same(x, out):
        write_fused(writer, Fused((Copy(out, x, step.node),), (out,), (x,), step.node))
    _check_all(writer, step, out, ids)
    count, rank = ids[0].variable.ndim, y.variable.ndim
    kinds = [0] * count + [1] * (rank - count)
    index: list[int | None] = [*range(count), *[None] * (rank - count)]
    operands = [
        *broadcast(writer, y, [y]),
        _axes(writer, out, [*[None] * count, *range(len(ids), out.variable.ndim)]),
        *(_axes(writer, one, index) for one in ids),
    ]
    nest = nest_over(writer, y, operands, kinds)
    elements = Elements.of(nest)
    with nest.open(_levels(nest.groups, kinds, 0)):
        start = nest.base(out)
        for axis, one in enumerate(ids):
            length, by = writer.length(out, axis), writer.bytes(out, axis)
            place = _place(writer, step, _index(writer, elements, one), length)
            start = f"{writer.call('row')}({start}, {place}, {by})"
        name = writer.fresh(f"{out.name}_row")
        writer.add(f"{name} = {start}", step.node)
        nest.move(out, name)
        with nest.open():
            made = f"{elements.load(out)} + {elements.load(y)}"
            narrow = out.dtype not in ("int64", "float32", "float64")
            if narrow:
                made = f"{writer.call(out.dtype)}({made})"
            writer.add(elements.store(out, made), step.node)


@writes(FoldIn)
def write_fold_in(writer: Writer, step: Compute) -> None:
    """out = the key of child `number` of `key`."""
    (key, number), (out,) = step.inputs, step.outs
    values = list({id(v): v for v in (key, number, out)}.values())
    nest = nest_over(writer, out, broadcast(writer, out, values))
    elements = Elements.of(nest)
    with nest.open():
        pair = f"{elements.load(key)}, {elements.load(number)}"
        writer.add(elements.store(out, f"{writer.call('fold_in')}({pair})"), step.node)


@writes(Bits, able=lambda step: step.outs[0].is_contiguous)
def write_bits(writer: Writer, step: Compute) -> None:
    """out[k, i] = word i of key[k], i counted over all axes of a draw."""
    (key, *_), (out,) = step.inputs, step.outs
    front, rank = key.variable.ndim, out.variable.ndim
    kinds = [0] * front + [1] * (rank - front)
    own: list[int | None] = [*range(front), *[None] * (rank - front)]
    operands = [*broadcast(writer, out, [out]), _axes(writer, key, own)]
    nest = nest_over(writer, out, operands, kinds)
    elements = Elements.of(nest)
    levels = _levels(nest.groups, kinds, 0)
    word = writer.call("word")
    with nest.open(levels):
        start = writer.fresh("key")
        writer.add(f"{start} = {elements.load(key)}", step.node)
        with nest.open():
            place = nest.counters[-1] if levels < len(nest.groups) else "0"
            made = f"{word}({start}, {place})"
            writer.add(elements.store(out, made), step.node)
