"""Loss and every gradient of the tutorial's LSTM equal PyTorch's and JAX's.

Needs the extra `bench`; each peer is skipped where it is not installed. The model:
embedding → masked LSTM → mean over the real steps → softmax → cross-entropy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.models.cells import LSTM
from symseq.models.layers import Dense, Embedding
from symseq.models.losses import cross_entropy
from symseq.models.pooling import mean_pool
from symseq.models.recurrent import Recurrent

STEPS, BATCH, WIDTH, HIDDEN, WORDS, CLASSES = 12, 5, 7, 6, 20, 3
TOLERANCE = {"float64": 1e-5, "float32": 1e-3}
NAMES = ("E", "W", "U", "b", "V", "c")
Arrays = dict[str, Any]


@pytest.fixture(params=sorted(TOLERANCE))
def dtype(request: pytest.FixtureRequest) -> Iterator[str]:
    before, ss.config.floatX = ss.config.floatX, request.param
    yield request.param
    ss.config.floatX = before


def make_batch(dtype: str) -> tuple[Arrays, Arrays]:
    """Parameters by name, and a batch with sequences of lengths 1 to STEPS."""
    rng = np.random.default_rng(7)
    shapes = {
        "E": (WORDS, WIDTH),
        "W": (WIDTH, 4 * HIDDEN),
        "U": (HIDDEN, 4 * HIDDEN),
        "b": (4 * HIDDEN,),
        "V": (HIDDEN, CLASSES),
        "c": (CLASSES,),
    }
    params = {k: (0.5 * rng.normal(size=s)).astype(dtype) for k, s in shapes.items()}
    lengths = np.array([1, 2, 5, 11, STEPS])
    mask = (np.arange(STEPS)[:, None] < lengths).astype(dtype)
    words = rng.integers(0, WORDS, (STEPS, BATCH))
    labels = rng.integers(0, CLASSES, BATCH)
    return params, {"words": words, "mask": mask, "labels": labels}


def by_symseq(params: Arrays, batch: Arrays, dtype: str, target: str) -> list[Any]:
    rng = np.random.default_rng(0)
    words, mask = T.lmatrix("words"), T.matrix("mask", dtype=dtype)
    labels = T.lvector("labels")
    embedding = Embedding(WORDS, WIDTH, rng=rng)
    cell = LSTM(WIDTH, HIDDEN, rng=rng)
    output = Dense(HIDDEN, CLASSES, rng=rng)
    hidden = Recurrent(cell)(embedding(words), mask)
    cost = cross_entropy(output(mean_pool(hidden, mask)), labels)
    shared = [embedding.W, cell.W, cell.U, cell.b, output.W, output.b]
    for variable, name in zip(shared, NAMES, strict=True):
        variable.set_value(params[name])
    outputs = [cost, *ss.grad(cost, shared)]
    f = ss.function([words, mask, labels], outputs, target=target)
    return list(f(batch["words"], batch["mask"], batch["labels"]))


def lstm_loss(xp: Any, params: Arrays, batch: Arrays, stack: Any, softplus: Any) -> Any:
    """The same model written on an array library with NumPy's names."""
    E, W, U, b, V, c = (params[name] for name in NAMES)
    mask, words, labels = batch["mask"], batch["words"], batch["labels"]

    def sigmoid(z: Any) -> Any:
        return xp.exp(-softplus(-z))

    h = memory = E[words[0]][:, :1] * 0 + U[:1, :HIDDEN] * 0
    rows = []
    for t in range(STEPS):
        z = E[words[t]] @ W + h @ U + b
        i, f, o, g = (z[:, k * HIDDEN : (k + 1) * HIDDEN] for k in range(4))
        new = sigmoid(f) * memory + sigmoid(i) * xp.tanh(g)
        m = mask[t][:, None]
        h, memory = (
            m * sigmoid(o) * xp.tanh(new) + (1 - m) * h,
            m * new + (1 - m) * memory,
        )
        rows.append(h)
    pooled = (stack(rows) * mask[:, :, None]).sum(0) / mask.sum(0)[:, None]
    logits = pooled @ V + c
    log_sum = xp.log(xp.exp(logits).sum(1))
    return (log_sum - logits[list(range(BATCH)), labels]).mean()


def by_torch(params: Arrays, batch: Arrays) -> list[Any]:
    torch = pytest.importorskip("torch")
    leaves = {k: torch.tensor(v, requires_grad=True) for k, v in params.items()}
    fixed = {k: torch.tensor(v) for k, v in batch.items()}
    softplus = torch.nn.functional.softplus
    loss = lstm_loss(torch, leaves, fixed, torch.stack, softplus)
    gradients = torch.autograd.grad(loss, [leaves[name] for name in NAMES])
    return [value.detach().numpy() for value in (loss, *gradients)]


def by_jax(params: Arrays, batch: Arrays) -> list[Any]:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy

    def loss_of(leaves: Arrays) -> Any:
        fixed = {k: jnp.asarray(v) for k, v in batch.items()}
        return lstm_loss(jnp, leaves, fixed, jnp.stack, jax.nn.softplus)

    loss, gradients = jax.value_and_grad(loss_of)(params)
    return [np.asarray(v) for v in (loss, *(gradients[name] for name in NAMES))]


@pytest.mark.parametrize("target", ["reference", "numpy"])
@pytest.mark.parametrize("peer", [by_torch, by_jax])
def test_loss_and_gradients_equal(
    peer: Callable[[Arrays, Arrays], list[Any]], dtype: str, target: str
) -> None:
    params, batch = make_batch(dtype)
    theirs = peer(params, batch)
    mine = by_symseq(params, batch, dtype, target)
    for name, a, b in zip(("loss", *NAMES), mine, theirs, strict=True):
        assert a.dtype == b.dtype == dtype
        error = np.max(np.abs(a - b)) / np.max(np.abs(b))
        assert error <= TOLERANCE[dtype], f"{name}: {error:.1e}"
