"""x[key] with NumPy's rules: slices, integer arrays, masks; set and add there."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from symseq import lengths
from symseq.errors import BadIndexError, SymseqError, UsageError
from symseq.graph import Constant, Variable, operands
from symseq.lengths import Dim
from symseq.ops.cast import cast
from symseq.ops.convert import as_tensor, is_weak
from symseq.ops.dimshuffle import Axis, DimShuffle, dimshuffle, pad_left
from symseq.ops.keys import INPUT, Input, Range
from symseq.ops.nonzero import Nonzero
from symseq.ops.shape import lengths_of, specify_shape
from symseq.ops.sizes import as_int64, as_length
from symseq.ops.subtensor import IncSubtensor, Subtensor
from symseq.ops.take import Gather, gather, put
from symseq.span import here, origin
from symseq.types import is_float

# What a variable was indexed out of: set_subtensor(x[key], y) goes back to x.
INDEXED: WeakKeyDictionary[Variable, Variable] = WeakKeyDictionary()
Entry: TypeAlias = "int | slice | Variable | None"


def getitem(x: object, key: object) -> Variable:
    """x[key] as NumPy has it; indices may be symbolic.

    Raises: BadIndexError for an index that is no integer, slice, None, Ellipsis,
        integer array or boolean mask; for too many of them; and out of bounds.
    """
    variable = as_tensor(x)
    try:
        entries = _expand(variable, [_entry(one) for one in _as_tuple(key)])
    except SymseqError as error:
        raise error.at(origin().spans[0], operands([variable])) from None
    if any(_is_array(entry) for entry in entries):
        made = _advanced(variable, entries)
    else:
        made = _basic(variable, entries)
    if made is variable:
        made = Subtensor(())(variable)  # x[:] is a place that can be set
    INDEXED[made] = variable
    return made


def _as_tuple(key: object) -> tuple[object, ...]:
    if isinstance(key, tuple):
        return key
    if isinstance(key, list) and any(k is None or isinstance(k, slice) for k in key):
        return tuple(key)
    return (key,)


def _entry(one: object) -> Any:
    """An index in its plain form: int, slice, None, Ellipsis or an integer variable."""
    if one is None or one is Ellipsis or isinstance(one, slice):
        return one
    if isinstance(one, (int, np.integer)) and not isinstance(one, bool):
        return operator.index(one)
    if isinstance(one, list) and not one:
        one = np.zeros(0, dtype=np.int64)
    if isinstance(one, (str, dict, set)):
        raise BadIndexError(f"an index must be an integer; got {one!r}")
    index = as_tensor(one)
    if is_float(index.dtype) or (index.dtype == "bool" and index.ndim == 0):
        raise BadIndexError(
            f"an index must be an integer, a slice or an array of integers or bools; "
            f"got {index.type}",
            hint="cast it: index.astype('int64')",
        )
    if index.ndim:
        return index
    return int(index.data) if isinstance(index, Constant) else as_int64(index)


def _is_array(entry: object) -> bool:
    return isinstance(entry, Variable) and entry.ndim > 0


def _width(entry: Any) -> int:
    """How many axes of x an entry stands for."""
    if entry is None or entry is Ellipsis:
        return 0
    is_mask = isinstance(entry, Variable) and entry.dtype == "bool"
    return entry.ndim if is_mask else 1


def _expand(x: Variable, entries: list[Any]) -> list[Entry]:
    """The entries with slices for Ellipsis and positions for masks, one per axis."""
    used = sum(map(_width, entries))
    dots = [k for k, entry in enumerate(entries) if entry is Ellipsis]
    if used > x.ndim or len(dots) > 1:
        raise BadIndexError(
            f"{x.type} takes at most {x.ndim} indices and one Ellipsis; got {used}"
            + (f" and {len(dots)}" if dots else "")
        )
    at = dots[0] if dots else len(entries)
    fill: list[Any] = [slice(None)] * (x.ndim - used)
    entries = [*entries[:at], *fill, *entries[at + 1 :]]
    full: list[Entry] = []
    axis = 0
    for entry in entries:
        if isinstance(entry, Variable) and entry.dtype == "bool":
            full += _positions(x, axis, entry)
        else:
            full.append(entry)
        axis += _width(entry)
    return full


def _positions(x: Variable, axis: int, mask: Variable) -> Sequence[Variable]:
    """The positions where `mask`, over x's axes from `axis` on, is True."""
    known = x.type.shape[axis : axis + mask.ndim]
    if mask.type.shape != known or None in known:
        mask = specify_shape(mask, lengths_of(x)[axis : axis + mask.ndim])
    return Nonzero(mask.ndim).make(mask)


def _bound(value: object, indices: list[Variable]) -> int | Input | None:
    """A slice's bound for the op's key; symbolic ones are appended to `indices`."""
    if value is None:
        return None
    if isinstance(value, Dim):  # the part's length keeps the name
        indices.append(as_length(value, "a slice's bound"))
        return INPUT
    found = _entry(value)
    if isinstance(found, int):
        return found
    if not isinstance(found, Variable) or found.ndim:
        raise BadIndexError(f"a slice's bound must be an integer scalar; got {value!r}")
    indices.append(found)
    return INPUT


def _basic(x: Variable, entries: Sequence[Entry]) -> Variable:
    """x by ints, slices and new axes."""
    key: list[int | Input | Range] = []
    indices: list[Variable] = []
    order: list[Axis] = []
    for entry in entries:
        if entry is None:
            order.append("x")
        elif isinstance(entry, slice):
            parts = (entry.start, entry.stop, entry.step)
            key.append(Range(*[_bound(part, indices) for part in parts]))
            order.append(sum(axis != "x" for axis in order))
        elif isinstance(entry, Variable):
            key.append(INPUT)
            indices.append(entry)
        else:
            key.append(entry)
    while key and key[-1] == Range():
        key.pop()
    part = Subtensor(tuple(key))(x, *indices) if key else x
    return dimshuffle(part, order)


@dataclass(slots=True)
class _Layout:
    """An advanced key in parts: slices first, then arrays on the axes that are left."""

    basic: list[Entry]  # a full slice where an array or an int beside arrays stands
    arrays: list[Variable]
    axes: list[int]  # of the basic result, one per array
    together: bool  # no slice or new axis stands between the arrays


def _layout(entries: Sequence[Entry]) -> _Layout:
    basic: list[Entry] = []
    arrays: list[Variable] = []
    axes: list[int] = []
    places: list[int] = []
    for place, entry in enumerate(entries):
        if entry is None or isinstance(entry, slice):
            basic.append(entry)
            continue
        axes.append(len(basic))
        places.append(place)
        arrays.append(as_tensor(entry, "int64") if isinstance(entry, int) else entry)
        basic.append(slice(None))
    together = places[-1] - places[0] == len(places) - 1
    return _Layout(basic, arrays, axes, together)


def _advanced(x: Variable, entries: Sequence[Entry]) -> Variable:
    """x by arrays of integers, among slices, ints and new axes."""
    layout = _layout(entries)
    part = _basic(x, layout.basic)
    axes = layout.axes
    if not layout.together:
        rest = [axis for axis in range(part.ndim) if axis not in axes]
        part, axes = dimshuffle(part, [*axes, *rest]), [0]
    return gather(part, layout.arrays, axes[0])


def inc_subtensor(
    x: Variable,
    y: object,
    inplace: bool = False,
    tolerate_inplace_aliasing: bool = False,
) -> Variable:
    """The array that `x` was indexed out of, with y added there; repeats add up.

    ``inc_subtensor(a[key], y)`` is a after ``a[key] += y``; a itself stays as it is.

    Raises: UsageError where `x` is not an indexed variable.
    """
    return _written(x, y, replace=False)


def set_subtensor(
    x: Variable,
    y: object,
    inplace: bool = False,
    tolerate_inplace_aliasing: bool = False,
) -> Variable:
    """The array that `x` was indexed out of, with y there instead.

    ``set_subtensor(a[key], y)`` is a after ``a[key] = y``; a itself stays as it is.

    Raises: UsageError where `x` is not an indexed variable.
    """
    return _written(x, y, replace=True)


def _written(x: Variable, y: object, replace: bool) -> Variable:
    takes = is_float(x.dtype) or not isinstance(y, float)
    value = as_tensor(y, x.dtype) if is_weak(y) and takes else as_tensor(y)
    if is_float(value.dtype) and not is_float(x.dtype):
        raise UsageError(
            f"a {x.dtype} array cannot hold {value.dtype} values",
            hint="cast the value or the array first",
        )
    value = pad_left(cast(value, x.dtype), x.ndim)
    source, written = INDEXED.get(x), False
    for step in _steps(x, source):
        base, *rest = step.inputs
        # Once a part is changed, outer steps put it back.
        value = _write_step(step, base, value, rest, replace or written)
        written = written or not isinstance(step.op, DimShuffle)
    if not written and source is not None:  # x[None] is all of x
        value = IncSubtensor((), replace)(source, value)
    return value


def _steps(x: Variable, source: Variable | None) -> Iterator[Any]:
    """The nodes from x back to the array that it was indexed out of, last one first."""
    current, count = x, 0
    while current is not source:
        node = current.owner
        known = node is not None and isinstance(
            node.op, (Subtensor, Gather, DimShuffle)
        )
        if node is None or not known or (source is None and count):
            if source is None and count:
                return
            raise UsageError(
                "set_subtensor and inc_subtensor need an indexed variable, as x[key]; "
                f"got {x.label}"
            ).at(here(), operands([x]))
        yield node
        current, count = node.inputs[0], count + 1


def _write_step(
    node: Any, base: Variable, value: Variable, rest: Sequence[Variable], replace: bool
) -> Variable:
    """`base` with `value` where the node reads it."""
    op = node.op
    if isinstance(op, Subtensor):
        return IncSubtensor(op.key, replace)(base, value, *rest)
    if isinstance(op, Gather):
        return put(base, value, rest, op.axis, replace)
    back: list[Axis] = [
        op.order.index(a) if a in op.order else "x" for a in range(base.ndim)
    ]
    return dimshuffle(value, back)


def iterate(x: Variable) -> Iterator[Variable]:
    """x[0], x[1], ... where the leading length is known.

    Raises: UsageError where it is not.
    """
    size = lengths.size_of(x.type.shape[0]) if x.ndim else None
    if size is None:
        raise UsageError(
            f"iterating needs a known leading length; got {x.type}",
            hint="use scan, or index with a range of your own",
        )
    return iter([getitem(x, k) for k in range(size)])
