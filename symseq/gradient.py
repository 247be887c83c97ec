"""Theano's ``theano.gradient``."""

from typing import NoReturn

from symseq.compiler.autodiff.forward import Lop, Rop
from symseq.compiler.autodiff.gradient import grad
from symseq.compiler.autodiff.jacobian import hessian, jacobian
from symseq.compiler.autodiff.verify import verify_grad
from symseq.errors import DisconnectedInputError, NullTypeGradError
from symseq.ops.gradient_ops import (
    consider_constant,
    disconnected_grad,
    grad_clip,
    grad_scale,
    zero_grad,
)

__all__ = [
    "DisconnectedInputError",
    "Lop",
    "NullTypeGradError",
    "Rop",
    "consider_constant",
    "disconnected_grad",
    "grad",
    "grad_clip",
    "grad_not_implemented",
    "grad_scale",
    "hessian",
    "jacobian",
    "verify_grad",
    "zero_grad",
]


def grad_not_implemented(
    op: object, x_pos: int, x: object, comment: str = ""
) -> NoReturn:
    """Say in a gradient rule that input `x_pos` has none.

    Raises: NullTypeGradError, always.
    """
    raise NullTypeGradError(f"{op} has no gradient for input {x_pos}", hint=comment)
