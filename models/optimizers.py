"""From gradients to updates: each optimizer returns a dict for ``function(updates=)``.

The first argument is a cost, whose gradient is then taken, or a list of gradients (to
clip or to change them first). `params` is a list of shared variables or
``model.parameters()``. A learning rate may be a number or a (shared) variable. What an
optimizer remembers is in shared variables among the keys of its updates, named after
their parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from symseq.compiler.autodiff.gradient import grad
from symseq.errors import UsageError
from symseq.graph import SharedVariable, Variable
from symseq.ops.convert import as_tensor
from symseq.ops.math import maximum, sqrt
from symseq.types import TensorType

Params: TypeAlias = "Sequence[SharedVariable] | Mapping[str, SharedVariable]"
Updates: TypeAlias = dict[SharedVariable, Variable]
Rate: TypeAlias = "float | Variable"


def gradients(cost: Variable, params: Params) -> list[Variable]:
    """∂cost/∂p for every parameter. Shapes: as the parameters."""
    return list(grad(cost, _listed(params)))


def clip_by_norm(grads: Sequence[Variable], limit: Rate) -> list[Variable]:
    """g · limit / max(‖g‖, limit), with ‖g‖ over all gradients together.

    Raises: UsageError for a limit that is not above 0.
    Reference: Pascanu, Mikolov and Bengio 2013, algorithm 1.
    """
    if not isinstance(limit, Variable) and not limit > 0:
        raise UsageError(f"a norm's limit must be above 0; got {limit}")
    if not grads:
        return []
    norm = global_norm(grads)
    bound = as_tensor(limit, norm.dtype)
    scale = bound / maximum(norm, bound)
    return [g * as_tensor(scale, g.dtype) for g in grads]


def global_norm(grads: Sequence[Variable]) -> Variable:
    """√ Σ_g Σ g². Shapes: a float scalar."""
    first, *rest = [(g * g).sum() for g in grads]
    for square in rest:
        first = first + square
    return sqrt(first)


def sgd(
    cost: Variable | Sequence[Variable], params: Params, learning_rate: Rate = 0.1
) -> Updates:
    """p ← p - η g."""
    return {p: p - _rate(learning_rate, p) * g for p, g in _pairs(cost, params)}


def momentum(
    cost: Variable | Sequence[Variable],
    params: Params,
    learning_rate: Rate = 0.1,
    momentum: float = 0.9,
) -> Updates:
    """v ← μ v - η g;  p ← p + v.

    Reference: Sutskever et al. 2013, equations 1 and 2 (Polyak 1964).
    """
    updates: Updates = {}
    for p, g in _pairs(cost, params):
        v = _memory(p, "velocity")
        updates[v] = momentum * v - _rate(learning_rate, p) * g
        updates[p] = p + updates[v]
    return updates


def nesterov(
    cost: Variable | Sequence[Variable],
    params: Params,
    learning_rate: Rate = 0.1,
    momentum: float = 0.9,
) -> Updates:
    """v ← μ v - η g;  p ← p + μ v - η g: the gradient is taken where momentum leads.

    The parameters hold the look-ahead point p + μ v of Sutskever et al.
    Reference: Sutskever et al. 2013, equations 3 and 4, in the form of
        Bengio, Boulanger-Lewandowski and Pascanu 2013, equation 7.
    """
    updates: Updates = {}
    for p, g in _pairs(cost, params):
        v = _memory(p, "velocity")
        step = _rate(learning_rate, p) * g
        updates[v] = momentum * v - step
        updates[p] = p + momentum * updates[v] - step
    return updates


def adagrad(
    cost: Variable | Sequence[Variable],
    params: Params,
    learning_rate: Rate = 0.01,
    epsilon: float = 1e-8,
) -> Updates:
    """s ← s + g²;  p ← p - η g / (√s + ε).

    Reference: Duchi, Hazan and Singer 2011, figure 1 (diagonal).
    """
    updates: Updates = {}
    for p, g in _pairs(cost, params):
        s = _memory(p, "squares")
        updates[s] = s + g * g
        updates[p] = p - _rate(learning_rate, p) * g / (sqrt(updates[s]) + epsilon)
    return updates


def rmsprop(
    cost: Variable | Sequence[Variable],
    params: Params,
    learning_rate: Rate = 0.001,
    decay: float = 0.9,
    epsilon: float = 1e-6,
) -> Updates:
    """s ← ρ s + (1 - ρ) g²;  p ← p - η g / √(s + ε).

    Reference: Tieleman and Hinton 2012, lecture 6.5, slide 29.
    """
    updates: Updates = {}
    for p, g in _pairs(cost, params):
        s = _memory(p, "squares")
        updates[s] = decay * s + (1 - decay) * (g * g)
        updates[p] = p - _rate(learning_rate, p) * g / sqrt(updates[s] + epsilon)
    return updates


def adadelta(
    cost: Variable | Sequence[Variable],
    params: Params,
    learning_rate: Rate = 1.0,
    decay: float = 0.95,
    epsilon: float = 1e-6,
) -> Updates:
    """s ← ρ s + (1-ρ) g²;  Δ = -√(d + ε)/√(s + ε) g;  d ← ρ d + (1-ρ) Δ²;  p ← p + η Δ.

    Reference: Zeiler 2012, algorithm 1.
    """
    updates: Updates = {}
    for p, g in _pairs(cost, params):
        s, d = _memory(p, "squares"), _memory(p, "steps")
        updates[s] = decay * s + (1 - decay) * (g * g)
        step = -sqrt(d + epsilon) / sqrt(updates[s] + epsilon) * g
        updates[d] = decay * d + (1 - decay) * (step * step)
        updates[p] = p + _rate(learning_rate, p) * step
    return updates


def adam(
    cost: Variable | Sequence[Variable],
    params: Params,
    learning_rate: Rate = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> Updates:
    """m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  p ← p - η_t m / (√v + ε').

    η_t = η √(1-β₂^t) / (1-β₁^t) and ε' = ε √(1-β₂^t), which is algorithm 1 itself,
    with the corrections of m and v drawn out of the arrays.
    Reference: Kingma and Ba 2015, algorithm 1 and the end of section 2.
    """
    pairs = _pairs(cost, params)
    # In float64 whatever floatX is: 1 - β₂^t cancels, and float32 cannot count far.
    steps = SharedVariable(TensorType("float64"), np.zeros(()), "adam.steps")
    t = steps + 1
    updates: Updates = {steps: t}
    for p, g in pairs:
        m, v = _memory(p, "mean"), _memory(p, "squares")
        root = as_tensor(sqrt(1 - beta2**t), p.dtype)
        rate = _rate(learning_rate, p) * root / as_tensor(1 - beta1**t, p.dtype)
        updates[m] = beta1 * m + (1 - beta1) * g
        updates[v] = beta2 * v + (1 - beta2) * (g * g)
        updates[p] = p - rate * updates[m] / (sqrt(updates[v]) + epsilon * root)
    return updates


OPTIMIZERS = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "adam": adam,
}


def _listed(params: Params) -> list[SharedVariable]:
    """Raises: UsageError where `params` is not several shared variables."""
    if isinstance(params, Variable):
        raise UsageError(
            f"an optimizer takes a list of parameters; got {params}",
            hint="write [W], or model.parameters()",
        )
    listed = list(params.values() if isinstance(params, Mapping) else params)
    for p in listed:
        if not isinstance(p, SharedVariable):
            raise UsageError(f"a parameter must be a shared variable; got {p}")
    return listed


def _pairs(
    cost: Variable | Sequence[Variable], params: Params
) -> list[tuple[SharedVariable, Variable]]:
    listed = _listed(params)
    if len({id(p) for p in listed}) != len(listed):
        raise UsageError("an optimizer updates each parameter once; one is given twice")
    grads = gradients(cost, listed) if isinstance(cost, Variable) else list(cost)
    if len(grads) != len(listed):
        raise UsageError(
            f"each parameter needs one gradient; got {len(listed)} parameters and "
            f"{len(grads)} gradients"
        )
    return list(zip(listed, grads, strict=True))


def _rate(rate: Rate, p: SharedVariable) -> Variable:
    return as_tensor(rate, p.dtype)


def _memory(p: SharedVariable, what: str) -> SharedVariable:
    name = f"{p.name or 'parameter'}.{what}"
    return SharedVariable(p.type, np.zeros_like(p.storage), name)
