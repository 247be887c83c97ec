"""Multi-head attention and Transformer blocks are the papers' loops."""

from functools import cache

import numpy as np
import pytest
from block_loops import attend, block, sinusoid
from paper_check import check_gradients, close, masks, noise, padded

import symseq as ss
import symseq.tensor as T
from symseq.models import attention as att
from symseq.types import TensorType

D, M, F = 4, 3, 5
BATCHES = [[4, 2, 0], [1], [[1, 0, 1], 3, [0, 1]]]


@cache
def heads(count, causal, cross):
    """(x, memory, mask) → y, weights, cost, gradients."""
    rng = np.random.default_rng(0)
    width = M if cross else D
    made = att.MultiHeadAttention(D, count, rng=rng, memory=width, causal=causal)
    p = noise(made.parameters())
    x, values, mask = T.dtensor3("x"), T.dtensor3("values"), T.dmatrix("mask")
    y, weights = made(x, att.Memory(values, mask))
    cost = T.sin(3 * y).sum() + T.sin(3 * weights).sum()
    grads = T.grad(cost, [*made.parameters().values(), x, values])
    return p, ss.function([x, values, mask], [y, weights, cost, *grads])


@pytest.mark.parametrize("lengths", BATCHES, ids=str)
@pytest.mark.parametrize("cross", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("count", [1, 2])
def test_heads_are_the_papers_loop(count, causal, cross, lengths):
    p, function = heads(count, causal, cross)
    rng, mask = np.random.default_rng(1), masks(lengths)
    values = padded(mask, M if cross else D, rng)
    steps = len(mask) + (1 if cross else 0)
    x = rng.standard_normal((steps, len(lengths), D))
    y, weights, cost, *grads = function(x, values, mask)

    def loop():
        return [
            attend(p, x[:, b], values[:, b], count, causal=causal, real=mask[:, b])
            for b in range(len(lengths))
        ]

    def total():
        return sum(np.sin(3 * np.array(v)).sum() for made in loop() for v in made)

    for b, (out, alpha) in enumerate(loop()):
        close(y[:, b], out)
        close(weights[b], alpha)
    close(cost, total())
    if lengths is BATCHES[2]:
        check_gradients(total, p | {"x": x, "values": values}, grads)


@cache
def blocks(before, causal):
    rng = np.random.default_rng(0)
    made = att.TransformerBlock(D, 2, F, rng=rng, norm_first=before, causal=causal)
    p = noise(made.parameters())
    x, mask = T.dtensor3("x"), T.dmatrix("mask")
    y, weights = made.run(x, mask)
    cost = (T.sin(3 * y) * mask[:, :, None]).sum()
    grads = T.grad(cost, [*made.parameters().values(), x])
    return p, ss.function([x, mask], [y, weights, cost, *grads])


@pytest.mark.parametrize("lengths", BATCHES, ids=str)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("before", [False, True])
def test_a_block_is_the_papers_loop(before, causal, lengths):
    p, function = blocks(before, causal)
    mask = masks(lengths)
    x = padded(mask, D, np.random.default_rng(1))
    y, weights, cost, *grads = function(x, mask)

    def loop(b):
        how = {"causal": causal, "real": mask[:, b], "before": before}
        return block(p, x[:, b], 2, **how)

    def total():
        made = [np.array(loop(b)[0]) for b in range(len(lengths))]
        return sum(np.sin(3 * out[mask[:, b] > 0]).sum() for b, out in enumerate(made))

    for b in range(len(lengths)):
        out, alpha = loop(b)
        close(y[:, b], out)
        close(weights[b], alpha)
    close(cost, total())
    if lengths is not BATCHES[1]:
        check_gradients(total, p | {"x": x}, grads)


@pytest.mark.parametrize("width", [1, 4, 5])
def test_sinusoids_are_the_papers(width):
    x = TensorType("float64", (None, None, width))("x")
    function = ss.function([x], att.positions(x))
    made = function(np.zeros((7, 2, width)))
    assert made.shape == (7, 1, width)
    close(made[:, 0], [sinusoid(t, width) for t in range(7)])
    assert function(np.zeros((0, 2, width))).shape == (0, 1, width)
