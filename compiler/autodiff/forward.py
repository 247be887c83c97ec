"""Products with a Jacobian from the left (Lop) and from the right (Rop)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.ops.convert import as_tensor
from symseq.ops.create import zeros_like
from symseq.span import here
from symseq.traverse import replace

from .gradient import Missing, arrange, as_list, as_wrt, replace_missing
from .reverse import differentiate, pull_back


def Lop(
    f: Any,
    wrt: Any,
    eval_points: Any,
    consider_constant: Sequence[Variable] | None = None,
    disconnected_inputs: Missing = "raise",
) -> Any:
    """eval_pointsᵀ · ∂f/∂wrt: what a gradient does, for outputs of any shape.

    f, wrt, eval_points: a variable or a list; each point has the type of its f.

    Raises: UsageError, DisconnectedInputError as `grad`.
    """
    outputs, wanted = as_list(f), as_wrt(wrt)
    points = as_points(eval_points, outputs, "output of f")
    sweep = pull_back(outputs, points, wanted, constant=as_list(consider_constant))
    found = [sweep.sums.get(id(v)) for v in wanted]
    filled = [
        replace_missing(v, outputs, sweep, disconnected_inputs) if g is None else g
        for v, g in zip(wanted, found, strict=True)
    ]
    return arrange(filled, wrt)


def Rop(f: Any, wrt: Any, eval_points: Any) -> Any:
    """∂f/∂wrt · eval_points: the derivative of f along the points.

    By two reverse passes: Lop(f, wrt, u) is linear in u, so its own gradient in u along
    the points is the answer, whatever u is. Outputs that do not depend on `wrt` give
    zeros.

    Raises: UsageError for a `wrt` that is no float or points that do not fit.
    """
    outputs, wanted = as_list(f), as_wrt(wrt)
    points = as_points(eval_points, wanted, "wrt")
    dummies = [Variable(v.type) for v in outputs]
    rows = differentiate(outputs, dummies, wanted)
    pairs = [(r, p) for r, p in zip(rows, points, strict=True) if r is not None]
    along = differentiate([r for r, _ in pairs], [p for _, p in pairs], dummies)
    zeros = [zeros_like(v) for v in outputs]
    found = [z if g is None else g for g, z in zip(along, zeros, strict=True)]
    # What is left of the dummies are their shapes.
    return arrange(replace(found, dict(zip(dummies, zeros, strict=True))), f)


def as_points(
    eval_points: object, variables: Sequence[Variable], what: str
) -> list[Variable | None]:
    """One point per variable, in its dtype.

    Raises: UsageError where their number or ranks do not fit.
    """
    points = as_list(eval_points)
    if len(points) != len(variables):
        raise UsageError(
            f"there must be one eval_point per {what}; got {len(points)} for "
            f"{len(variables)}"
        ).at(here())
    made: list[Variable | None] = []
    for point, variable in zip(points, variables, strict=True):
        if point is None:
            made.append(None)
            continue
        tensor = as_tensor(point, variable.dtype)
        if tensor.ndim != variable.ndim:
            raise UsageError(
                f"an eval_point has the rank of its variable; {variable.label} is "
                f"{variable.type} and its point {tensor.type}"
            ).at(here())
        made.append(tensor)
    return made
