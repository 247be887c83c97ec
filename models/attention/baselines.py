"""What is subtracted from f, so that the score function's gradient varies less."""

from __future__ import annotations

import numpy as np

from symseq.config import config
from symseq.errors import UsageError
from symseq.graph import SharedVariable, Variable
from symseq.lengths import Dim
from symseq.ops.compare import gt, switch
from symseq.ops.gradient_ops import disconnected_grad
from symseq.ops.math import sqr
from symseq.ops.reduce import mean
from symseq.ops.reduce import sum as total
from symseq.types import TensorType

from .. import init
from ..layers import Dense
from ..module import Module

# A constant baseline is a number: `surrogate(f, log_p, 2.0)`.


class RunningMean(Module):
    """b ← ρ b + (1 - ρ) mean(f): the mean of the last 1 / (1 - ρ) minibatches or so.

    b is what earlier minibatches gave, so that it does not depend on this one's draws.
    Shapes: b: a scalar.
    Raises: UsageError for a ρ that is not in [0, 1].
    Reference: Xu et al. 2015, section 4.1 (b_k, with ρ = 0.9).
    """

    def __init__(self, decay: float = 0.9, first: float = 0.0) -> None:
        if not 0 <= decay <= 1:
            raise UsageError(f"a running mean's decay is in [0, 1]; got {decay}")
        self.decay = decay
        value = np.full((), first, config.floatX)
        self.value = SharedVariable(TensorType(value.dtype.name), value, "running_mean")

    def __call__(self) -> Variable:
        """b. Shapes: a scalar."""
        return self.value

    def updates(self, f: Variable) -> dict[SharedVariable, Variable]:
        """What the training step adds to its updates. Shapes: f: float[...]."""
        new = self.decay * self.value + (1 - self.decay) * mean(f)
        return {self.value: disconnected_grad(new).astype(self.value.dtype)}

    def parameters(self) -> dict[str, SharedVariable]:
        """None: no gradient changes the mean."""
        return {}


class LearnedBaseline(Module):
    """b = features w + b_0, learned to be f by the mean of (f - b)².

    The features may say anything but what was drawn. No gradient goes into them.
    Shapes: features: float[..., K], b: float[...].
    Reference: Mnih and Gregor 2014, section 2.3.1 (C_ψ(x), here linear).
    """

    def __init__(
        self, features: int | Dim, *, rng: np.random.Generator, name: str = "baseline"
    ) -> None:
        self.dense = Dense(features, 1, rng=rng, initial=init.zeros, name=name)

    def __call__(self, features: Variable) -> Variable:
        """b. Shapes: float[..., K] → float[...]."""
        predicted: Variable = self.dense(disconnected_grad(features))[..., 0]
        return predicted

    def loss(self, f: Variable, features: Variable) -> Variable:
        """Mean of (f - b)², to add to the cost. Shapes: f: float[...], a scalar."""
        missed: Variable = mean(sqr(disconnected_grad(f) - self(features)))
        return missed


def optimal_baseline(f: Variable, squares: Variable) -> Variable:
    """b_n = Σ_m≠n f_m ‖g_m‖² / Σ_m≠n ‖g_m‖², with g = ∇log p: the least variance.

    E‖(f - b) g‖² is least at b = E[f ‖g‖²] / E[‖g‖²], here from the other draws of the
    same example: with draw n itself the gradient would be biased. It is 0 where there
    is one draw only, or where nothing is to learn (‖g‖ = 0).
    Shapes: f, squares ‖g‖²: float[N, B], b: float[N, B], N draws for each example.
    Reference: Greensmith, Bartlett and Baxter 2004, theorem 8; leave-one-out as in
        Mnih and Rezende 2016, equation 8.
    """
    f, w = disconnected_grad(f), disconnected_grad(squares)
    others = total(w, axis=0, keepdims=True) - w
    weighted = total(f * w, axis=0, keepdims=True) - f * w
    known = gt(others, 0)
    return switch(known, weighted / switch(known, others, 1), 0)


def score_squares(weights: Variable, chosen: Variable, axis: int = -1) -> Variable:
    """‖∇log p‖² with respect to the scores: Σ_s (x_s - α_s)².

    Shapes: weights, chosen: float[..., S, ...], summed over S at `axis`.
    """
    squares: Variable = total(sqr(chosen - weights), axis=axis)
    return squares
