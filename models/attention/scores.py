"""How well a query fits each key: additive, dot, general, concat, scaled dot."""

from __future__ import annotations

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.math import sqrt, tanh
from symseq.ops.products import dot
from symseq.ops.reduce import sum as total

from .. import init
from ..module import Module, parameter


class Score(Module):
    """e_s = score(query, key_s), one number for each key of each example.

    Shapes: query: float[B, Q], keys: float[S, B, K], returns e: float[S, B].
    """

    def __call__(self, query: Variable, keys: Variable) -> Variable:
        """The scores. Raises: UsageError for a score without an equation."""
        raise UsageError(f"{type(self).__name__} must define __call__(query, keys)")


class AdditiveScore(Score):
    """e_ij = v · tanh(s_{i-1} W + h_j U): a perceptron reads query and key.

    Shapes: query: float[B, Q], keys: float[S, B, K], W: float[Q, A], U: float[K, A],
        v: float[A], e: float[S, B].
    Reference: Bahdanau, Cho and Bengio 2015, appendix A.1.2 (W_a, U_a, v_a).
    """

    def __init__(
        self,
        query: int | Dim,
        keys: int | Dim,
        width: int | Dim,
        *,
        rng: np.random.Generator,
        initial: init.Initializer = init.TUTORIAL_WEIGHT,
        name: str = "score",
    ) -> None:
        self.W = parameter(initial, query, width, rng=rng, name=f"{name}.W")
        self.U = parameter(initial, keys, width, rng=rng, name=f"{name}.U")
        self.v = parameter(initial, width, rng=rng, name=f"{name}.v")

    def __call__(self, query: Variable, keys: Variable) -> Variable:
        e: Variable = dot(tanh(dot(query, self.W) + dot(keys, self.U)), self.v)
        return e


class DotScore(Score):
    """e_s = h_t · h̄_s; query and keys have one width.

    Shapes: query: float[B, H], keys: float[S, B, H], e: float[S, B].
    Reference: Luong, Pham and Manning 2015, section 3.1, "dot".
    """

    def __call__(self, query: Variable, keys: Variable) -> Variable:
        e: Variable = total(keys * query, axis=-1)
        return e


class GeneralScore(Score):
    """e_s = h_t W h̄_s: a matrix takes the query to where the keys are.

    `scaled` divides by √K. Every step of Adam moves all of W's elements by about the
    rate, and so e_s by about Q K times as much, which wide vectors feel.
    Shapes: query: float[B, Q], keys: float[S, B, K], W: float[Q, K], e: float[S, B].
    Reference: Luong, Pham and Manning 2015, section 3.1, "general"; Vaswani et al.
        2017, section 3.2.1, for the scale.
    """

    def __init__(
        self,
        query: int | Dim,
        keys: int | Dim,
        *,
        rng: np.random.Generator,
        scaled: bool = False,
        initial: init.Initializer = init.TUTORIAL_WEIGHT,
        name: str = "score",
    ) -> None:
        self.scaled = scaled
        self.W = parameter(initial, query, keys, rng=rng, name=f"{name}.W")

    def __call__(self, query: Variable, keys: Variable) -> Variable:
        sought: Variable = dot(query, self.W)
        if self.scaled:
            sought = sought / root_of_width(keys)
        e: Variable = total(keys * sought, axis=-1)
        return e


class ConcatScore(Score):
    """e_s = v · tanh([h_t; h̄_s] W), one W for query and key side by side.

    Shapes: query: float[B, Q], keys: float[S, B, K], W: float[Q + K, A], v: float[A],
        e: float[S, B].
    Reference: Luong, Pham and Manning 2015, section 3.1, "concat".
    """

    def __init__(
        self,
        query: int | Dim,
        keys: int | Dim,
        width: int | Dim,
        *,
        rng: np.random.Generator,
        initial: init.Initializer = init.TUTORIAL_WEIGHT,
        name: str = "score",
    ) -> None:
        self.query = query
        self.W = parameter(initial, query + keys, width, rng=rng, name=f"{name}.W")
        self.v = parameter(initial, width, rng=rng, name=f"{name}.v")

    def __call__(self, query: Variable, keys: Variable) -> Variable:
        # [h_t; h̄_s] W without a copy of h_t for each s: W's upper rows meet h_t only.
        upper, lower = self.W[: self.query], self.W[self.query :]
        e: Variable = dot(tanh(dot(query, upper) + dot(keys, lower)), self.v)
        return e


class ScaledDotScore(Score):
    """e_s = q · k_s / √K, which keeps the scores' spread as the width K grows.

    Shapes: query: float[B, K], keys: float[S, B, K], e: float[S, B].
    Reference: Vaswani et al. 2017, equation 1.
    """

    def __call__(self, query: Variable, keys: Variable) -> Variable:
        e: Variable = total(keys * query, axis=-1)
        return e / root_of_width(keys)


def root_of_width(keys: Variable) -> Variable:
    """√K. Shapes: keys: float[S, B, K], returns a float scalar."""
    return sqrt(keys.shape[-1].astype(keys.dtype))
