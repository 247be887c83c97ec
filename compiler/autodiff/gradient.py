"""grad: the gradient of a cost, with Theano's meaning and errors that say why."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import Any, Literal

from symseq.errors import DisconnectedInputError, NullTypeGradError, UsageError
from symseq.graph import Variable, operands
from symseq.ops.convert import as_tensor, constant
from symseq.ops.create import zeros_like
from symseq.span import GRADIENT, here

from .disconnected import explain
from .reverse import Sweep, pull_back

Missing = Literal["raise", "warn", "ignore"]
MISSING = ("raise", "warn", "ignore")


def grad(
    cost: Variable | None,
    wrt: Any,
    consider_constant: Sequence[Variable] | None = None,
    disconnected_inputs: Missing = "raise",
    add_names: bool = True,
    known_grads: Mapping[Variable, object] | None = None,
    return_disconnected: str = "zero",
    null_gradients: Literal["raise", "return"] = "raise",
) -> Any:
    """∂cost/∂wrt: one variable, or a list where `wrt` is a list.

    Args:
        cost: a float scalar; may be None under `known_grads`.
        consider_constant: variables that no gradient flows past.
        disconnected_inputs: what to do for a `wrt` that the cost does not depend on:
            'raise', 'warn' or 'ignore'; the last two give zeros.
        add_names: name each gradient ``(dcost/dW)`` where both have names.
        known_grads: gradients of variables, taken as they are said.
        return_disconnected: 'zero' gives zeros there, 'None' or 'Disconnected' None.
        null_gradients: 'return' gives None where an op on the path has no gradient.

    Raises: UsageError for a cost that is no float scalar or an integer `wrt`;
        DisconnectedInputError, with the place where the path breaks;
        NullTypeGradError for an op on the path that has no gradient.
    """
    wanted = as_wrt(wrt)
    known = {v: as_tensor(g, v.dtype) for v, g in (known_grads or {}).items()}
    outputs = check_cost(cost, bool(known))
    check_choice("disconnected_inputs", disconnected_inputs, MISSING)
    check_choice("null_gradients", null_gradients, ("raise", "return"))
    ones: list[Variable | None] = [constant(1, v.dtype) for v in outputs]
    fixed = as_list(consider_constant)
    found: list[Variable | None] = []
    for group in [wanted] if null_gradients == "raise" else [[v] for v in wanted]:
        try:
            sweep = pull_back(outputs, ones, group, constant=fixed, known=known)
        except NullTypeGradError:
            if null_gradients == "raise":
                raise
            found.append(None)
            continue
        roots = [*outputs, *known]
        for variable in group:
            g = sweep.sums.get(id(variable))
            if g is None and return_disconnected == "zero":
                g = replace_missing(variable, roots, sweep, disconnected_inputs)
            elif g is None:
                report_missing(variable, roots, sweep, disconnected_inputs)
            found.append(g)
    if add_names and cost is not None:
        name_gradients(cost, wanted, found)
    return arrange(found, wrt)


SEVERAL = (list, tuple, Iterator, ValuesView, KeysView)


def as_list(values: object) -> list[Any]:
    """None as [], one as [one]; what Python 2 had as a list (``d.values()``) as one."""
    if values is None:
        return []
    return list(values) if isinstance(values, SEVERAL) else [values]


def arrange(found: Sequence[Any], wrt: object) -> Any:
    """A list, a tuple or one, as `wrt` was given."""
    if isinstance(wrt, tuple):
        return tuple(found)
    return list(found) if isinstance(wrt, SEVERAL) else found[0]


def as_wrt(wrt: object) -> list[Variable]:
    """The float variables that a gradient is asked for.

    Raises: UsageError.
    """
    wanted = as_list(wrt)
    for variable in wanted:
        if not isinstance(variable, Variable):
            raise UsageError(
                f"wrt must be a variable or a list of them; got {variable!r}"
            ).at(here())
        if not variable.type.is_float:
            raise UsageError(
                f"a gradient is with respect to floats; {variable.label} is "
                f"{variable.type}",
                hint="cast it to floatX where the graph first reads it, and take the "
                "gradient with respect to that",
            ).at(here(), operands([variable]))
    return wanted


def check_cost(cost: Variable | None, may_lack: bool) -> list[Variable]:
    """The cost, in a list.

    Raises: UsageError where it is no float scalar.
    """
    if cost is None:
        if may_lack:
            return []
        raise UsageError("grad needs a cost, or known_grads").at(here())
    if not isinstance(cost, Variable):
        raise UsageError(f"the cost must be a variable; got {cost!r}").at(here())
    if cost.ndim != 0:
        raise UsageError(
            f"the cost must be a scalar; got {cost.type}",
            hint="take its mean() or sum(), or use jacobian",
        ).at(here(), operands([cost]))
    if not cost.type.is_float:
        raise UsageError(
            f"the cost must be a float; got {cost.type}",
            hint="an integer has no gradient: compute the cost in floatX",
        ).at(here(), operands([cost]))
    return [cost]


def check_choice(what: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        raise UsageError(f"{what} must be one of {choices}; got {value!r}").at(here())


def replace_missing(
    variable: Variable, roots: Sequence[Variable], sweep: Sweep, missing: Missing
) -> Variable:
    """Zeros for a variable that receives nothing, where that is allowed."""
    report_missing(variable, roots, sweep, missing)
    return zeros_like(variable)


def report_missing(
    variable: Variable, roots: Sequence[Variable], sweep: Sweep, missing: Missing
) -> None:
    """Raise or warn for a variable that receives no gradient."""
    if missing == "ignore":
        return
    reason, culprit = explain(variable, roots, sweep)
    if missing == "warn":
        warnings.warn(reason, UserWarning, stacklevel=4)
        return
    shown = [variable] if culprit is None else [variable, culprit]
    raise DisconnectedInputError(
        reason,
        hint="pass disconnected_inputs='ignore' to get zeros, or leave it out of wrt",
    ).at(here(), operands(shown))


def name_gradients(
    cost: Variable, wanted: Sequence[Variable], found: Sequence[Variable | None]
) -> None:
    """Name the gradients that this call made, as Theano does."""
    for variable, g in zip(wanted, found, strict=True):
        if g is None or g.name or not (cost.name and variable.name):
            continue
        if g.owner is not None and g.owner.kind == GRADIENT:
            g.name = f"(d{cost.name}/d{variable.name})"
