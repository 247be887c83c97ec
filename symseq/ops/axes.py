"""Axes moved, inserted and dropped: views written with dimshuffle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symseq.errors import DTypeError, ShapeError
from symseq.graph import Constant, Variable
from symseq.ops.convert import as_tensor
from symseq.ops.dimshuffle import Axis, dimshuffle, pad_left
from symseq.ops.reduce import normal_axes
from symseq.ops.shape import specify_shape
from symseq.types import is_static_one


def normal_axis(axis: object, ndim: int) -> int:
    """`axis` counted from the front.

    Raises: DTypeError for no int, ShapeError for an axis out of range.
    """
    if isinstance(axis, Constant):
        axis = axis.data.item()
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
        raise DTypeError(f"an axis must be an int; got {axis!r}")
    (found,) = normal_axes(int(axis), ndim)
    return found


def transpose(x: object, *axes: object) -> Variable:
    """x with its axes in the given order, or reversed: ``x.T``."""
    variable = as_tensor(x)
    if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (list, tuple))):
        axes = tuple(axes[0] or ()) if variable.ndim or axes[0] else ()
    if not axes:
        return dimshuffle(variable, list(range(variable.ndim))[::-1])
    order = [normal_axis(axis, variable.ndim) for axis in axes]
    if sorted(order) != list(range(variable.ndim)):
        raise ShapeError(
            f"transpose needs each axis of {variable.type} once; got {axes}"
        )
    return dimshuffle(variable, order)


def swapaxes(x: object, axis1: int, axis2: int) -> Variable:
    """x with two axes exchanged."""
    variable = as_tensor(x)
    a, b = (normal_axis(axis, variable.ndim) for axis in (axis1, axis2))
    order = list(range(variable.ndim))
    order[a], order[b] = b, a
    return dimshuffle(variable, order)


def moveaxis(x: object, source: int, destination: int) -> Variable:
    """x with one axis at another place, the others in order."""
    variable = as_tensor(x)
    a, b = (normal_axis(axis, variable.ndim) for axis in (source, destination))
    order = [axis for axis in range(variable.ndim) if axis != a]
    order.insert(b, a)
    return dimshuffle(variable, order)


def shape_padleft(x: object, n_ones: int = 1) -> Variable:
    """x with `n_ones` axes of length 1 in front."""
    variable = as_tensor(x)
    return pad_left(variable, variable.ndim + n_ones)


def shape_padright(x: object, n_ones: int = 1) -> Variable:
    """x with `n_ones` axes of length 1 behind."""
    variable = as_tensor(x)
    return dimshuffle(variable, [*range(variable.ndim), *_new(n_ones)])


def _new(count: int) -> list[Axis]:
    return ["x"] * count


def shape_padaxis(x: object, axis: int) -> Variable:
    """x with an axis of length 1 at `axis` of the result (NumPy's expand_dims)."""
    variable = as_tensor(x)
    order: list[Axis] = list(range(variable.ndim))
    order.insert(normal_axis(axis, variable.ndim + 1), "x")
    return dimshuffle(variable, order)


expand_dims = shape_padaxis


def squeeze(x: object, axis: int | Sequence[int] | None = None) -> Variable:
    """x without its axes of length 1: all that are known to be, or those of `axis`.

    Raises: ShapeError for an axis that is not known to have length 1.
    """
    variable = as_tensor(x)
    if axis is None:
        axes = [k for k, n in enumerate(variable.type.shape) if is_static_one(n)]
    else:
        axes = list(normal_axes(axis, variable.ndim))
    return dimshuffle(variable, [k for k in range(variable.ndim) if k not in axes])


def addbroadcast(x: object, *axes: int) -> Variable:
    """x with the given axes stated to be of length 1, so that they broadcast."""
    variable = as_tensor(x)
    chosen = {normal_axis(axis, variable.ndim) for axis in axes}
    return specify_shape(
        variable, [1 if axis in chosen else None for axis in range(variable.ndim)]
    )
