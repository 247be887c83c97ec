"""Multi-head attention: soft attentions side by side, for all queries at once."""

from __future__ import annotations

import numpy as np

from symseq.errors import ShapeError, UsageError
from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.arange import arange
from symseq.ops.compare import and_, gt
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.math import sqrt
from symseq.ops.products import dot, matmul
from symseq.ops.reshape import reshape

from .. import init
from ..module import Module, parameter, size
from .memory import Memory, check_memory
from .soft import masked_softmax


class MultiHeadAttention(Module):
    """y = [head_1 ... head_n] W_o + b_o, each softmax(Q K' / √d) V on its own columns.

        Q = x W_q + b_q,  K = h̄ W_k + b_k,  V = h̄ W_v + b_v

    Self-attention is a sequence that attends to itself: ``attend(x, Memory(x, mask))``.
    With `causal` the query at t sees the places s <= t alone. What has nothing to see
    gets zeros for its heads. One head is scaled dot attention.
    Shapes: x: float[T, B, D], memory: values float[S, B, M], mask float[S, B];
        W_q, W_o: float[D, D], W_k, W_v: float[M, D], biases: float[D];
        y: float[T, B, D], weights: float[B, n, T, S].
    Raises: UsageError where the heads cannot share the width.
    Reference: Vaswani et al. 2017, equation 1 and section 3.2.2; biases as in PyTorch.
    """

    def __init__(
        self,
        width: int | Dim,
        heads: int,
        *,
        rng: np.random.Generator,
        memory: int | Dim | None = None,
        causal: bool = False,
        initial: init.Initializer | None = None,
        name: str = "attention",
    ) -> None:
        whole = isinstance(heads, (int, np.integer))
        if not whole or heads < 1 or size(width) % heads:
            raise UsageError(f"{heads} heads must share the width; got {width}")
        self.heads, self.causal = heads, causal
        begin, M = initial or init.glorot(), width if memory is None else memory
        self.W_q = parameter(begin, width, width, rng=rng, name=f"{name}.W_q")
        self.W_k = parameter(begin, M, width, rng=rng, name=f"{name}.W_k")
        self.W_v = parameter(begin, M, width, rng=rng, name=f"{name}.W_v")
        self.W_o = parameter(begin, width, width, rng=rng, name=f"{name}.W_o")
        none = init.zeros
        self.b_q = parameter(none, width, rng=rng, name=f"{name}.b_q")
        self.b_k = parameter(none, width, rng=rng, name=f"{name}.b_k")
        self.b_v = parameter(none, width, rng=rng, name=f"{name}.b_v")
        self.b_o = parameter(none, width, rng=rng, name=f"{name}.b_o")

    def __call__(self, x: Variable, memory: Memory) -> tuple[Variable, Variable]:
        """(y, weights).

        Raises: UsageError for what is no memory, ShapeError for another rank.
        """
        check_memory(memory)
        if x.ndim != 3:
            raise ShapeError(f"heads read x[T, B, D], of rank 3; got {x.type}")
        q = self._heads(dot(x, self.W_q) + self.b_q)  # [B, n, T, d]
        k = self._heads(dot(memory.values, self.W_k) + self.b_k)  # [B, n, S, d]
        v = self._heads(dot(memory.values, self.W_v) + self.b_v)
        scale = sqrt(k.shape[3].astype(k.dtype))
        scores = matmul(q, dimshuffle(k, [0, 1, 3, 2])) / scale  # [B, n, T, S]
        weights = masked_softmax(scores, self._seen(scores, memory), axis=3)
        heads = dimshuffle(matmul(weights, v), [2, 0, 1, 3])  # [T, B, n, d]
        joined = reshape(heads, (*x.shape[:2], self.W_q.shape[1]), 3)
        return dot(joined, self.W_o) + self.b_o, weights

    def _heads(self, x: Variable) -> Variable:
        """float[T, B, D] → float[B, n, T, D / n]."""
        T, B, D = x.shape
        apart = reshape(x, (T, B, self.heads, D // self.heads), 4)
        return dimshuffle(apart, [1, 2, 0, 3])

    def _seen(self, scores: Variable, memory: Memory) -> Variable | None:
        """Which places a query sees. Shapes: bool[B or 1, 1, T or 1, S], None: all."""
        seen = None
        if memory.mask is not None:
            seen = gt(dimshuffle(memory.mask, [1, "x", "x", 0]), 0)
        if not self.causal:
            return seen
        t, s = arange(scores.shape[2]), arange(scores.shape[3])
        past = dimshuffle(s, ["x", "x", "x", 0]) <= dimshuffle(t, ["x", "x", 0, "x"])
        return past if seen is None else and_(seen, past)
