"""The values of a call become arrays: by position, by keyword, or by default."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from symseq.errors import DTypeError, ShapeError, UsageError
from symseq.graph import SharedVariable, Variable, operands
from symseq.span import here
from symseq.types import Array, TensorType

from .spec import In, Spec


class Arguments:
    """What the calls of one function take, in the order in which it was declared."""

    def __init__(self, spec: Spec) -> None:
        self.name, self.allow_downcast = spec.name, spec.allow_downcast
        self.inputs, self.states = spec.inputs, dict(spec.states)
        self.order = spec.order
        self.kept = {i: i.value for i in spec.inputs if i.value is not None}

    def arrays(
        self, args: Sequence[object], named: dict[str, object]
    ) -> tuple[list[Array], list[tuple[SharedVariable, Array]]]:
        """An array per input; and what inputs with an update are set to before.

        Raises: UsageError, DTypeError, ShapeError at the line of the call.
        """
        given = dict(self._given(args, named))
        found = {i: self._coerce(i, value) for i, value in given.items()}
        for i in self.inputs:
            if i in found:
                continue
            if i not in self.kept:
                raise UsageError(
                    f"{self.name} needs a value for input {i.label or i.variable}"
                ).at(here(), operands([i.variable]))
            found[i] = self._coerce(i, self.kept[i])
        states = [(s, found[i]) for i, s in self.states.items() if i in found]
        return [found[i] for i in self.inputs], states

    def _given(
        self, args: Sequence[object], named: dict[str, object]
    ) -> Iterator[tuple[In, object]]:
        if len(args) > len(self.order):
            raise UsageError(
                f"{self.name} takes {len(self.order)} arguments; got {len(args)}"
            )
        yield from zip(self.order, args, strict=False)
        if not named:
            return
        labels = {i.label: i for i in self.order}
        for label, value in named.items():
            i = labels.get(label)
            if i is None:
                raise UsageError(f"{self.name} has no input named {label!r}")
            if i in self.order[: len(args)]:
                raise UsageError(
                    f"{self.name} is given input {label} twice: "
                    "by position and by keyword"
                )
            yield i, value

    def _coerce(self, i: In, value: object) -> Array:
        if i.strict and getattr(value, "dtype", None) != i.variable.dtype:
            got = getattr(value, "dtype", type(value).__name__)
            raise DTypeError(
                f"input {i.label} is strict: it takes arrays of {i.variable.dtype}; "
                f"got {got}"
            ).at(here(), operands([i.variable]))
        allow = self.allow_downcast if i.allow_downcast is None else i.allow_downcast
        return coerce(value, i.variable, allow)


def coerce(value: object, variable: Variable, allow_downcast: bool | None) -> Array:
    """`value` as an array of the variable's dtype and rank.

    Raises: DTypeError, ShapeError with the line of the input and of the call.
    """
    type_ = variable.type
    array = _as_array(value, variable)
    if array.dtype != type_.dtype:
        array = _cast(array, value, type_, variable, allow_downcast)
    if array.ndim != type_.ndim:
        raise ShapeError(
            f"input {variable.label} must have rank {type_.ndim} ({type_}); "
            f"got rank {array.ndim} with shape {array.shape}"
        ).at(here(), operands([variable]))
    return array


def _as_array(value: object, variable: Variable) -> Array:
    try:
        array = np.asarray(value)
    except ValueError:  # rows of several lengths
        array = np.asarray(None)
    if array.dtype.kind not in "biufc":
        shown = type(value).__name__
        raise DTypeError(
            f"input {variable.label} must be an array of numbers ({variable.type}); "
            f"got {shown if array.ndim == 0 else f'{shown} of {array.dtype}'}"
        ).at(here(), operands([variable]))
    return array


def _cast(
    array: Array,
    value: object,
    type_: TensorType,
    variable: Variable,
    allow_downcast: bool | None,
) -> Array:
    kind, wanted = array.dtype.kind, np.dtype(type_.dtype)
    safe = kind in "biuf" and (
        np.can_cast(array.dtype, wanted, "safe") or bool(allow_downcast)
    )
    if not safe and kind in "biu" and wanted.kind in "iuf":
        safe = bool(np.all(array.astype(wanted) == array))
    if not safe and kind == "f" and wanted.kind == "f" and allow_downcast is not False:
        safe = not isinstance(value, np.ndarray)  # numbers and lists of Python
    if not safe:
        raise DTypeError(
            f"input {variable.label} must be {type_.dtype}; got {array.dtype}",
            hint=f"cast it with .astype('{type_.dtype}'), or compile with "
            "allow_input_downcast=True",
        ).at(here(), operands([variable]))
    return array.astype(wanted)
