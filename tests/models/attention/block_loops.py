"""Vaswani et al. 2017 and Xiong et al. 2020 as loops over heads, queries and places."""

import numpy as np
from paper_loops import below, join, mean_of, softmax


def attend(p, xs, memory, heads, *, causal=False, real=None):
    """y of each query, weights[n, T, S]; `real` are the places that can be seen."""
    D = p["W_q"].shape[1]
    d = D // heads
    weights, outputs = np.zeros((heads, len(xs), len(memory))), []
    for t, x in enumerate(xs):
        parts = []
        for n in range(heads):
            own = slice(n * d, (n + 1) * d)
            sees = [
                s for s in range(len(memory))
                if (real is None or real[s]) and (s <= t or not causal)
            ]  # fmt: skip
            # 3.2.2: head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V)
            q = (x @ p["W_q"] + p["b_q"])[own]
            keys = [(memory[s] @ p["W_k"] + p["b_k"])[own] for s in sees]
            values = [(memory[s] @ p["W_v"] + p["b_v"])[own] for s in sees]
            # (1): Attention(Q, K, V) = softmax(Q Kᵀ / √d_k) V
            alpha = softmax([q @ k / np.sqrt(d) for k in keys])
            parts.append(mean_of(alpha, values, d))
            weights[n, t, sees] = alpha
        # 3.2.2: MultiHead(Q, K, V) = Concat(head_1, ..., head_h) W^O
        outputs.append(join(*parts) @ p["W_o"] + p["b_o"])
    return outputs, weights


def norm(p, x):
    """Ba, Kiros and Hinton 2016, (3) and (4), with ε beside the variance."""
    # (3): μ = 1/H Σ_i a_i, σ = √(1/H Σ_i (a_i - μ)²)
    mean = sum(x) / len(x)
    variance = sum((a - mean) ** 2 for a in x) / len(x)
    # (4): g / σ ⊙ (a - μ) + b
    return p["alpha"] / np.sqrt(variance + 1e-5) * (x - mean) + p["beta"]


def perceptron(p, x):
    # Vaswani et al. 2017, (2): FFN(x) = max(0, x W_1 + b_1) W_2 + b_2
    inner = np.maximum(0, x @ p["first.W"] + p["first.b"])
    return inner @ p["second.W"] + p["second.b"]


def block(p, xs, heads, *, causal=False, real=None, before=False):
    """y of each place and the weights, normalised after each sum or `before` it."""
    one, two = below(p, "norm_1"), below(p, "norm_2")
    look = {"causal": causal, "real": real}
    own = below(p, "attention")
    if before:
        # Xiong et al. 2020, table 1, Pre-LN: x + MultiHeadAtt(LayerNorm(x)), then
        # x + FFN(LayerNorm(x))
        ns = [norm(one, x) for x in xs]
        seen, weights = attend(own, ns, ns, heads, **look)
        sums = [x + a for x, a in zip(xs, seen, strict=True)]
        return [a + perceptron(p, norm(two, a)) for a in sums], weights
    seen, weights = attend(own, xs, xs, heads, **look)
    # Vaswani et al. 2017, 3.1: LayerNorm(x + Sublayer(x))
    sums = [norm(one, x + a) for x, a in zip(xs, seen, strict=True)]
    return [norm(two, a + perceptron(p, a)) for a in sums], weights


def sinusoid(place, width):
    made = np.zeros(width)
    for i in range(0, width, 2):
        # 3.5: PE(pos, 2i) = sin(pos / 10000^(2i / d_model)), cos at 2i + 1
        angle = place / 10000 ** (i / width)
        made[i : i + 2] = (np.sin(angle), np.cos(angle))[: width - i]
    return made
