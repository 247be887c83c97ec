"""Gradients of steps whose values change their length from step to step."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.traverse import sort_nodes

X = np.random.default_rng(0).standard_normal((4, 3))
STEPS = {
    "slice": lambda x: lambda t: (T.tanh(x[: t + 1]) ** 2).sum(),
    "join": lambda x: lambda t: T.exp(T.concatenate([x[:t], x[t:] * 2])).sum(),
    "mask": lambda x: lambda t: T.tanh(x[t][(x[t] > 0).nonzero()]).sum() ** 2,
    "attention": lambda x: (
        lambda t: T.tanh(T.dot(T.nnet.softmax(T.dot(x[: t + 1], x[t])), x[: t + 1]))
    ),
    "inner loop": lambda x: (
        lambda t: ss.scan(lambda h: T.tanh(h * 2), None, x[t], n_steps=t + 1)[0][-1]
    ),
    "inner reduce": lambda x: (
        lambda t: ss.foldl(lambda a, h: a * h, x[: t + 1], T.ones_like(x[0]))[0]
    ),
    "inner until": lambda x: (
        lambda t: T.tanh(
            ss.scan(lambda a, h: (h + a**2, ss.until(h > 1)), x[t], x[0, 0])[0]
        ).sum()
    ),
    "branches": lambda x: (
        lambda t: T.tanh(ss.ifelse.ifelse(T.gt(t, 1), x[:2], x * 2)).sum()
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_gradient_once_and_twice(name):
    def cost(x):
        rows, _ = ss.scan(STEPS[name](x), T.arange(x.shape[0]))
        return (rows**2).sum()

    rng = np.random.default_rng(1)
    ss.verify_grad(cost, [X], rng=rng)
    ss.verify_grad(lambda x: (T.grad(cost(x), x) ** 2).sum(), [X], rng=rng)


def test_what_keeps_its_length_is_still_saved():
    """The product behind a sum over a growing prefix is made once, not again."""
    x, w = T.dmatrix("x"), T.dmatrix("w")

    def step(t, h):
        return T.tanh(T.dot(T.tanh(x[: t + 1]).sum(axis=0) + h, w))

    rows, _ = ss.scan(step, T.arange(x.shape[0]), x[0])
    (back,) = [
        node
        for node in sort_nodes([T.grad(rows.sum(), w)])
        if node.op.name == "scan_gradient" or str(node.op).startswith("scan_gradient")
    ]
    products = [node for node in back.op.body.nodes if node.op.name == "dot"]
    assert len(products) <= 2
