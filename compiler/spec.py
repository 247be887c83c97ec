"""What a function is asked to compute: its inputs, outputs and updates, checked."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symseq.errors import (
    DTypeError,
    MissingInputError,
    ShapeError,
    UnusedInputError,
    UsageError,
)
from symseq.graph import Constant, SharedVariable, Variable, operands
from symseq.ops.convert import as_tensor, is_weak
from symseq.span import here
from symseq.traverse import free_inputs, leaves, replace, shared_variables

from .watch import NanGuard

Pairs = Sequence[tuple[Any, Any]]
ON_UNUSED = ("raise", "warn", "ignore")


@dataclass(frozen=True, slots=True, eq=False)
class In:
    """An input with a default `value`, a `name`, or an `update` of the kept value.

    With ``update``, `value` is the first one; a call may set it before it is read.
    ``allow_downcast=True`` lets any float array become the input's narrower dtype;
    ``strict=True`` takes arrays of just the input's dtype.
    """

    variable: Variable
    name: str | None = None
    value: object = None
    update: Variable | None = None
    mutable: bool = False
    strict: bool = False
    allow_downcast: bool | None = None
    borrow: bool = False
    implicit: bool = False

    @property
    def label(self) -> str | None:
        return self.name or self.variable.name


def Param(variable: Variable, default: object = None, **options: Any) -> In:
    """Theano's older spelling of `In`: ``Param(x, default=3)``."""
    return In(variable, value=default, **options)


@dataclass(frozen=True, slots=True, eq=False)
class Out:
    """An output; ``borrow=True`` returns memory that the next call overwrites."""

    variable: Variable
    borrow: bool = False


@dataclass(frozen=True, slots=True)
class Spec:
    """What a function computes: enough to compile it, in this process or another."""

    inputs: tuple[In, ...]
    outputs: tuple[Variable, ...]
    updates: tuple[tuple[SharedVariable, Variable], ...]
    form: object = None  # None, "one", "list", or the keys of a dict
    name: str = "f"
    target: str = "numpy"
    allow_downcast: bool | None = None
    borrowed: tuple[bool, ...] = ()
    profiled: bool = False
    nan_guard: NanGuard | None = None
    memory_budget: int | None = None
    # Inputs with an update, each with what keeps its value from call to call.
    states: tuple[tuple[In, SharedVariable], ...] = ()
    order: tuple[In, ...] = ()  # the inputs of both kinds as they were declared


def cut_at_inputs(spec: Spec) -> Spec:
    """The spec over fresh variables where an input was computed.

    Otherwise a length of such an input would be sought in what it was computed from.
    """
    fresh = {
        i.variable: Variable(i.variable.type, name=i.variable.name)
        for i in spec.inputs
        if i.variable.owner is not None
    }
    if not fresh:
        return spec
    made = replace([*spec.outputs, *(new for _, new in spec.updates)], fresh)
    count = len(spec.outputs)
    olds = [old for old, _ in spec.updates]
    new = {
        i: dataclasses.replace(i, variable=fresh.get(i.variable, i.variable))
        for i in spec.inputs
    }
    return replace_spec(
        spec,
        inputs=tuple(new.values()),
        order=tuple(new.get(i, i) for i in spec.order),
        outputs=tuple(made[:count]),
        updates=tuple(zip(olds, made[count:], strict=True)),
    )


def replace_spec(spec: Spec, **changes: Any) -> Spec:
    fields = {name: getattr(spec, name) for name in Spec.__slots__}
    return Spec(**(fields | changes))


def listed(inputs: Sequence[Variable | In] | Variable) -> list[Variable | In]:
    if isinstance(inputs, Variable):
        raise UsageError("inputs must be a list of variables; got one variable",
                         hint="write function([x], ...)")  # fmt: skip
    for item in inputs:
        if not isinstance(item, (Variable, In)):
            raise UsageError(f"an input must be a variable or In(...); got {item!r}")
    return list(inputs)


def pairs_of(
    value: Mapping[Any, Any] | Pairs | None, what: str
) -> list[tuple[Any, Any]]:
    given = [] if value is None else getattr(value, "items", lambda: value)()
    items = list(given) if isinstance(given, Iterable) else [given]
    for item in items:
        if not (isinstance(item, (tuple, list)) and len(item) == 2):
            raise UsageError(f"{what} must be a dict or (variable, value) pairs; "
                             f"got {item!r}")  # fmt: skip
    return [(a, b) for a, b in items]


def specify(
    given: list[In],
    outputs: Any,
    pairs: list[tuple[Any, Any]],
    givens: list[tuple[Any, Any]],
    no_default_updates: bool | Sequence[SharedVariable],
) -> Spec:
    """The Spec of these arguments of `function`.

    An input with an `update` is a shared variable of the function's own.
    """
    states = tuple((i, state_of(i)) for i in given if i.update is not None)
    givens = [*givens, *((i.variable, shared) for i, shared in states)]
    pairs = [*pairs, *((shared, i.update) for i, shared in states)]
    form, asked = _output_form(outputs)
    listed = [_output(v) for v in asked]
    updates = [check_update(old, new, pairs) for old, new in pairs]
    updates += _default_updates(listed, updates, no_default_updates)
    everything = [*listed, *(new for _, new in updates)]
    if givens:
        mapping = {old: check_given(old, new) for old, new in givens}
        everything = replace(everything, mapping)
    count = len(listed)
    news = everything[count:]
    return Spec(
        tuple(i for i in given if i.update is None),
        tuple(everything[:count]),
        tuple((s, new) for (s, _), new in zip(updates, news, strict=True)),
        form,
        borrowed=tuple(isinstance(v, Out) and v.borrow for v in asked),
        states=states,
        order=tuple(given),
    )


def state_of(i: In) -> SharedVariable:
    """Where the kept value of an input with an update is.

    Raises: UsageError where it has no first value.
    """
    if i.value is None:
        raise UsageError(
            f"input {i.label or i.variable} has an update and no value to begin with",
            hint="give it one: In(x, value=0, update=...)",
        ).at(here(), operands([i.variable]))
    value = np.array(i.value, i.variable.dtype)
    return SharedVariable(i.variable.type, value, i.label)


def _output_form(outputs: Any) -> tuple[object, list[Any]]:
    """The form that results take, and the outputs in order."""
    if outputs is None:
        return None, []
    if isinstance(outputs, Mapping):
        return tuple(outputs), list(outputs.values())
    if isinstance(outputs, (list, tuple)):
        return "list", list(outputs)
    return "one", [outputs]


def _output(value: object) -> Variable:
    if isinstance(value, Mapping):
        raise UsageError(
            "an output must be a variable; got a dict of updates",
            hint="scan returns (outputs, updates): "
            "function(inputs, outputs, updates=updates)",
        ).at(here())
    return value.variable if isinstance(value, Out) else as_tensor(value)


def check_given(old: object, new: object) -> Variable:
    """What stands for `old`, in its dtype and rank.

    Raises: UsageError, DTypeError, ShapeError with the lines of both.
    """
    if not isinstance(old, Variable):
        raise UsageError(f"givens replace variables; got {old!r}").at(here())
    return _fitting(old, new, "what is given for")


def check_update(
    old: object, new: object, pairs: list[tuple[Any, Any]]
) -> tuple[SharedVariable, Variable]:
    """One update, its new value in the shared variable's dtype and rank.

    Raises: UsageError, DTypeError, ShapeError with the lines of both.
    """
    if not isinstance(old, SharedVariable):
        shown = f"{old}" if isinstance(old, Variable) else repr(old)
        raise UsageError(
            f"only a shared variable can be updated; got {shown}",
            hint="make it with shared(value), or return the new value as an output",
        ).at(here(), operands([old] if isinstance(old, Variable) else []))
    if sum(other is old for other, _ in pairs) > 1:
        raise UsageError(
            f"a shared variable takes one update; {old.label} is given two"
        ).at(here(), operands([old]))
    return old, _fitting(old, new, "the update of")


def _fitting(old: Variable, new: object, what: str) -> Variable:
    """`new` in the dtype and rank of `old`; Python numbers take its dtype."""
    weak = is_weak(new) and not (isinstance(new, float) and not old.type.is_float)
    value = as_tensor(new, old.dtype if weak else None)
    if value.dtype != old.dtype:
        raise DTypeError(
            f"{what} {old.label} must have its dtype {old.dtype}; got {value.dtype}",
            hint=f"cast it: new.astype('{old.dtype}')",
        ).at(here(), operands([old, value]))
    if value.ndim != old.ndim:
        raise ShapeError(
            f"{what} {old.label} must have its rank: {old.type}; got {value.type}"
        ).at(here(), operands([old, value]))
    return value


def _default_updates(
    outputs: list[Variable],
    updates: list[tuple[SharedVariable, Variable]],
    refused: bool | Sequence[SharedVariable],
) -> list[tuple[SharedVariable, Variable]]:
    """The updates that shared variables bring along (random streams)."""
    if refused is True:
        return []
    skipped = {id(s) for s, _ in updates}
    skipped |= set() if isinstance(refused, bool) else {id(s) for s in refused}
    found = []
    for shared in shared_variables([*outputs, *(new for _, new in updates)]):
        if shared.default_update is not None and id(shared) not in skipped:
            found.append((shared, shared.default_update))
    return found


def check_inputs(spec: Spec, on_unused_input: str) -> None:
    """Raises: UsageError, MissingInputError, UnusedInputError at the user's line."""
    if on_unused_input not in ON_UNUSED:
        raise UsageError(
            f"on_unused_input must be one of {', '.join(ON_UNUSED)}; "
            f"got {on_unused_input!r}"
        ).at(here())
    wanted = [*spec.outputs, *(new for _, new in spec.updates)]
    known = {id(i.variable) for i in spec.inputs}
    if len(known) != len(spec.inputs):
        raise UsageError("an input is listed twice")
    for i in spec.inputs:
        if isinstance(i.variable, (SharedVariable, Constant)):
            kind = type(i.variable).__name__
            raise UsageError(
                f"an input must be a free variable; {i.label or i.variable} is a {kind}"
            ).at(here(), operands([i.variable]))
    variables = [i.variable for i in spec.inputs]
    for variable in free_inputs(wanted, stop=variables):
        if id(variable) not in known:
            raise MissingInputError(
                f"the function reads {variable}, which is not among its inputs",
                hint="add it to inputs, or give it a value with givens",
            ).at(here(), operands([variable]))
    used = {id(v) for v in leaves(wanted, stop=variables)}
    for i in spec.inputs:
        if id(i.variable) not in used and on_unused_input != "ignore":
            message = (
                f"input {i.label or i.variable} is not read by any output or update"
            )
            if on_unused_input == "warn":
                warnings.warn(message, UserWarning, stacklevel=3)
                continue
            raise UnusedInputError(
                message, hint='leave it out, or pass on_unused_input="ignore"'
            ).at(here(), operands([i.variable]))
