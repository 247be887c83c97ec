"""Whole Jacobians and Hessians, a row per step of a scan; products with a Hessian."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.ops.arange import arange
from symseq.ops.reshape import flatten, reshape
from symseq.ops.shape import lengths_of
from symseq.scan.frontend import scan
from symseq.span import here

from .forward import Rop
from .gradient import Missing, arrange, as_list, as_wrt, check_cost, grad


def jacobian(
    expression: Variable,
    wrt: Any,
    consider_constant: Sequence[Variable] | None = None,
    disconnected_inputs: Missing = "raise",
) -> Any:
    """J[i..., j...] = ∂expression[i...]/∂wrt[j...].

    Shapes: expression.shape followed by wrt.shape. Cost: one reverse pass per element
    of `expression`, in a scan.

    Raises: UsageError, DisconnectedInputError as `grad`.
    """
    wanted = as_wrt(wrt)
    options: dict[str, Any] = {
        "consider_constant": consider_constant,
        "disconnected_inputs": disconnected_inputs,
    }
    if expression.ndim == 0:
        return arrange(grad(expression, wanted, **options), wrt)
    if not expression.type.is_float:
        raise UsageError(f"jacobian needs a float; got {expression.type}").at(here())
    flat = flatten(expression)
    # A wrong wrt or a broken path is reported here, not inside the loop.
    grad(flat.sum(), wanted, **options)
    options["disconnected_inputs"] = "ignore"

    def row(i: Variable) -> list[Variable]:
        rows: list[Variable] = grad(flat[i], wanted, **options)
        return rows

    rows, _ = scan(
        row, sequences=arange(flat.shape[0]), name="jacobian", return_list=True
    )
    if expression.ndim > 1:
        rows = [
            reshape(r, [*lengths_of(expression), *lengths_of(v)])
            for r, v in zip(rows, wanted, strict=True)
        ]
    return arrange(rows, wrt)


def hessian(
    cost: Variable,
    wrt: Any,
    consider_constant: Sequence[Variable] | None = None,
    disconnected_inputs: Missing = "raise",
) -> Any:
    """H[i..., j...] = ∂²cost/∂wrt[i...]∂wrt[j...]: one block per entry of `wrt`.

    Raises: UsageError, DisconnectedInputError as `grad`.
    """
    check_cost(cost, may_lack=False)
    found = []
    for variable in as_wrt(wrt):
        g = grad(cost, variable, consider_constant, disconnected_inputs)
        # The gradient of a linear cost does not depend on the variable: zeros.
        found.append(jacobian(g, variable, consider_constant, "ignore"))
    return arrange(found, wrt)


def hessian_vector_product(
    cost: Variable,
    wrt: Any,
    p: Any,
    consider_constant: Sequence[Variable] | None = None,
    disconnected_inputs: Missing = "raise",
) -> Any:
    """Σⱼ ∂²cost/∂wrt[i]∂wrt[j] · p[j], without the Hessian.

    wrt and p: a variable or a list, where blocks between the variables count too.

    Raises: UsageError, DisconnectedInputError as `grad`.
    """
    wanted, points = as_wrt(wrt), as_list(p)
    gradients = grad(cost, wanted, consider_constant, disconnected_inputs)
    return arrange(Rop(gradients, wanted, points), wrt)
