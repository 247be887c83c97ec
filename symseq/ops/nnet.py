"""What networks are made of: activations and cross-entropies."""

from __future__ import annotations

from symseq.errors import DTypeError, ShapeError
from symseq.graph import Variable
from symseq.ops.arange import arange
from symseq.ops.compare import gt, switch
from symseq.ops.convert import as_tensor
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.lift import lifted
from symseq.ops.math import NONZERO, abs_, clip, expm1, log, sigmoid, sub, tanh
from symseq.ops.reduce import sum
from symseq.ops.registry import REAL
from symseq.ops.shape import length_of
from symseq.ops.softmax import (
    LogSoftmax,
    Softmax,
    floating,
    log_softmax,
    logsoftmax,
    logsumexp,
    softmax,
)
from symseq.types import is_integer

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "crossentropy_with_logits",
    "elu",
    "hard_sigmoid",
    "leaky_relu",
    "log_softmax",
    "logsoftmax",
    "logsumexp",
    "relu",
    "selu",
    "sigmoid",
    "sigmoid_binary_crossentropy",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
    "ultra_fast_sigmoid",
]

softplus = lifted(
    "softplus", "log(1 + exp(x)), without overflow.",
    numpy="np.maximum({0}, 0) + np.log1p(np.exp(-np.abs({0})))",
    c="(({0} > 0 || {0} != {0} ? {0} : 0) + log1p(exp({0} > 0 ? -{0} : {0})))",
    vjp=lambda x, y, g: (g * sigmoid(x),),
    domain=REAL,
)  # fmt: skip


# A row of its own, as its slope at 0 is 0 where that of a maximum would be a half.
_relu = lifted(
    "relu", "x where x > 0, else 0.", promotion="number",
    numpy="np.maximum({0}, 0)", c="({0} > 0 || {0} != {0} ? {0} : 0)",
    vjp=lambda x, y, g: (switch(gt(x, 0), g, 0),),
    domain=NONZERO,
)  # fmt: skip


def hard_sigmoid(x: object) -> Variable:
    """clip(0.2 x + 0.5, 0, 1)"""
    return clip(floating(x) * 0.2 + 0.5, 0, 1)


def ultra_fast_sigmoid(x: object) -> Variable:
    """The sigmoid: Theano's name of a cheaper approximation, exact here."""
    return sigmoid(x)


def relu(x: object, alpha: object = 0) -> Variable:
    """x where x > 0, else alpha x; its slope at 0 is alpha.

    NaN stays NaN.
    """
    x = as_tensor(x)
    if not isinstance(alpha, Variable) and alpha == 0:
        return _relu(x)
    return switch(gt(x, 0), x, x * alpha)


def leaky_relu(x: object, alpha: object = 0.01) -> Variable:
    """x where x > 0, else alpha x"""
    return relu(x, alpha)


def elu(x: object, alpha: object = 1) -> Variable:
    """x where x > 0, else alpha (exp(x) - 1). Reference: Clevert et al. (2015)."""
    x = floating(x)
    return switch(gt(x, 0), x, expm1(switch(gt(x, 0), 0, x)) * alpha)


def selu(x: object) -> Variable:
    """1.0507 elu(x, 1.6733). Reference: Klambauer et al. (2017)."""
    return elu(x, 1.6732632423543772) * 1.0507009873554805


def swish(x: object) -> Variable:
    """x sigmoid(x)"""
    x = floating(x)
    return x * sigmoid(x)


def softsign(x: object) -> Variable:
    """x / (1 + |x|)"""
    x = floating(x)
    return x / (abs_(x) + 1)


def _check_rank(name: str, prediction: Variable, target: Variable) -> None:
    if prediction.ndim not in (target.ndim, target.ndim + 1) or prediction.ndim == 0:
        raise ShapeError(
            f"{name} needs targets of the predictions' rank, or of one less; "
            f"got rank {target.ndim} for rank {prediction.ndim}"
        )
    if target.ndim < prediction.ndim and not is_integer(target.dtype):
        raise DTypeError(
            f"{name} needs integer targets beside a rank {prediction.ndim} prediction; "
            f"got {target.type}",
            hint="cast the classes to int64, or give one probability per class",
        )


def pick(x: Variable, classes: Variable) -> Variable:
    """y[i, ...] = x[i, ..., classes[i, ...]]"""
    rank = classes.ndim
    grid = [
        dimshuffle(arange(length_of(x, k)), [0 if j == k else "x" for j in range(rank)])
        for k in range(rank)
    ]
    return x[(*grid, classes)]


def _cross(log_probability: Variable, target: Variable) -> Variable:
    """-Σ target * log p, or -log p of the target's class."""
    if target.ndim < log_probability.ndim:
        return -pick(log_probability, target)
    return -sum(target * log_probability, axis=-1)


def _logits(x: Variable, kind: type) -> Variable | None:
    """What x is the softmax (along its last axis) or the sigmoid of."""
    if x.owner is None:
        return None
    op, (source, *_) = x.owner.op, x.owner.inputs
    if kind is Softmax:
        last = isinstance(op, Softmax) and op.axis == x.ndim - 1
        return source if last else None
    return source if op is sigmoid.op else None


def categorical_crossentropy(coding_dist: object, true_dist: object) -> Variable:
    """-Σ t log p along the last axis; integer targets name the class.

    A `coding_dist` that is itself a softmax is taken in its log form, so that neither
    the value nor the gradient overflows.

    Shapes: coding_dist: float[..., K]; true_dist: float[..., K] or int[...]
    Raises: ShapeError, DTypeError for targets that do not fit.
    """
    p, target = floating(coding_dist), as_tensor(true_dist)
    _check_rank("categorical_crossentropy", p, target)
    logits = _logits(p, Softmax)
    if logits is not None:
        return _cross(LogSoftmax(p.ndim - 1)(logits), target)
    if target.ndim < p.ndim:
        return -log(pick(p, target))
    return _cross(log(p), target)


def crossentropy_with_logits(logits: object, target: object) -> Variable:
    """-Σ t log softmax(logits) along the last axis; integer targets name the class.

    Shapes: logits: float[..., K]; target: float[..., K] or int[...]
    Raises: ShapeError, DTypeError for targets that do not fit.
    """
    x, t = floating(logits), as_tensor(target)
    _check_rank("crossentropy_with_logits", x, t)
    return _cross(LogSoftmax(x.ndim - 1)(x), t)


def binary_crossentropy(output: object, target: object) -> Variable:
    """-(t log p + (1 - t) log(1 - p)), elementwise.

    An `output` that is itself a sigmoid is taken in its log form.
    """
    p = floating(output)
    logits = _logits(p, type(sigmoid.op))
    if logits is not None:
        return sigmoid_binary_crossentropy(logits, target)
    return -(log(p) * target + log(sub(1, p)) * sub(1, target))


def sigmoid_binary_crossentropy(output: object, target: object) -> Variable:
    """-(t log σ(x) + (1 - t) log(1 - σ(x))) = softplus(x) - t x, elementwise.

    Args: output: the logits x.
    """
    x = floating(output)
    return softplus(x) - x * target
