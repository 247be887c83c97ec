"""Self-attention learns to copy, and copies sequences longer than any it has seen.

Source: Vaswani et al. 2017, one causal block: x_1 ... x_n # goes in, and from # on the
    model says x_1 ... x_n, one token a step. Token k of either part has place k, as
    sinusoids (section 3.5): "look at the same place in the other part" is one rule for
    all lengths. In training places begin anywhere from 0 to 40, so that none is new.
Expect: at least 99 % of tokens right at lengths of 21 to 40, trained on 1 to 20; in the
    picture the second half of the steps looks along a diagonal.
"""

import json
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import symseq as ss
import symseq.tensor as T
from symseq import models
from symseq.models import attention, optimizers, plotting

LETTERS = "abcdefghijklmnop"
MARK = len(LETTERS)  # the token between a sequence and its copy


class Copier(models.Module):
    """logits_t = W block(E[x_t] + F[part_t] + sinusoids(place_t))."""

    def __init__(self, width, heads, rng):
        V, start = MARK + 1, models.init.normal(1.0)
        self.tokens = models.Embedding(V, width, rng=rng, initial=start, name="tokens")
        self.parts = models.Embedding(2, width, rng=rng, initial=start, name="parts")
        how = {"rng": rng, "causal": True, "norm_first": True}
        self.block = attention.TransformerBlock(width, heads, 2 * width, **how)
        glorot = models.init.glorot()
        self.output = models.Dense(width, V, rng=rng, initial=glorot, name="output")
        self.width = width

    def __call__(self, x, mask, first):
        """(logits[T, B, V], weights[B, heads, T, T]) of tokens x: int[T, B].

        Places are counted from `first`: int[B].
        """
        second = T.cumsum(T.eq(x, MARK), axis=0)  # 0 before the mark, 1 from it on
        steps = T.arange(x.shape[0])[:, None]
        place = first + steps - second * T.argmax(T.eq(x, MARK), axis=0)[None]
        read = self.tokens(x) + self.parts(second)
        read = read + attention.sinusoids(place, self.width)
        y, weights = self.block.run(read, mask)
        return self.output(y), weights


def batch(rng, shortest, longest, many, furthest=0):
    """x_1 ... x_n # x_1 ... x_n of one length a row, what comes next, what counts.

    Shapes: x, y: int[2 longest, B], mask, asked: float[2 longest, B]; and the first
        place, up to `furthest`: int[B].
    """
    lengths = rng.integers(shortest, longest + 1, many)
    x, y = (np.zeros((2 * longest, many), "int32") for _ in range(2))
    mask, asked = (np.zeros((2 * longest, many), "float32") for _ in range(2))
    for b, n in enumerate(lengths):
        word = rng.integers(0, MARK, n)
        row = [*word, MARK, *word]
        x[: 2 * n, b], y[: 2 * n, b] = row[:-1], row[1:]
        mask[: 2 * n, b], asked[n : 2 * n, b] = 1, 1
    first = rng.integers(0, furthest + 1, many)
    return x, y, mask, asked, first.astype("int32")


def main(
    steps: int = 1500,
    width: int = 64,
    heads: int = 2,
    size: Annotated[int, typer.Option("--batch")] = 32,
    longest: Annotated[int, typer.Option(help="length trained on")] = 20,
    target: str = "numpy",
    seed: int = 0,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    out: Path = Path("out"),
) -> None:
    """Train on lengths 1 to LONGEST, test on longer ones up to twice that."""
    start, rng = time.perf_counter(), np.random.default_rng(seed)
    out.mkdir(parents=True, exist_ok=True)
    # The graph: a masked cross-entropy of the second half, its gradient, its updates.
    B, L = ss.dims("B T")
    x, y = (T.TensorType("int32", (L, B))(name) for name in ("x", "y"))
    mask, asked = (T.TensorType("floatX", (L, B))(name) for name in ("mask", "asked"))
    model = Copier(width, heads, rng)
    first = T.TensorType("int32", (B,))("first")
    logits, weights = model(x, mask, first)
    losses = T.nnet.crossentropy_with_logits(logits, y)
    cost = (losses * asked).sum() / T.maximum(asked.sum(), 1)
    grads = optimizers.gradients(cost, model.parameters())
    rate = ss.shared(np.array(0.0, ss.config.floatX), name="rate")
    clipped = optimizers.clip_by_norm(grads, 1.0)
    updates = optimizers.adam(clipped, model.parameters(), rate)
    ss.draw(cost, out / "copying.svg")
    step = ss.function([x, y, mask, asked, first], cost, updates=updates, target=target)
    shown = [T.argmax(logits, axis=2), weights]
    guess = ss.function([x, mask, first], shown, target=target)
    print(model.summary())

    def accuracy(shortest, furthest, many=200):
        """How many tokens are right, and how many whole copies."""
        x, y, mask, asked, first = batch(rng, shortest, furthest, many)
        right = (guess(x, mask, first)[0] == y) | (asked == 0)
        tokens = right[asked > 0].mean()
        return float(tokens), float(right.all(axis=0).mean())

    curve = []
    for k in range(steps):
        rate.set_value(3e-3 * min(1, (k + 1) / 100) * (1 - k / steps))
        curve.append(float(step(*batch(rng, 1, longest, size, 2 * longest))))
        if (k + 1) % 250 == 0:
            tokens, whole = accuracy(longest + 1, 2 * longest)
            loss = np.mean(curve[-250:])
            print(f"{k + 1:5} loss {loss:.4f}, longer: {tokens:.2%}, whole {whole:.2%}")
    # The result, at lengths of training and at lengths never trained on.
    known, longer = accuracy(1, longest), accuracy(longest + 1, 2 * longest)
    result = {"known_tokens": known[0], "known_whole": known[1]}
    result |= {"longer_tokens": longer[0], "longer_whole": longer[1]}
    result |= {"steps": steps, "seconds": time.perf_counter() - start}
    print("\n".join(f"{name:16} {value:.4g}" for name, value in result.items()))
    picture(guess, rng, longest, heads, out)
    if json_file is not None:
        settings = {"width": width, "heads": heads, "target": target, "seed": seed}
        json_file.write_text(json.dumps(result | {"settings": settings}, indent=1))


def picture(guess, rng, longest, heads, out):
    """Save where the copy of one sequence longer than LONGEST looks, head by head."""
    x, y, mask, _, first = batch(rng, longest + 4, longest + 4, 1)
    weights, n = guess(x, mask, first)[1][0], len(x) // 2
    tokens = [*LETTERS, "#"]
    said = [tokens[k] for k in y[n:, 0]]
    for head in range(heads):
        plotting.draw_attention(
            weights[head, n:], [tokens[k] for k in x[:, 0]], said,
            out / f"copying.head{head + 1}.png", title=f"head {head + 1}",
        )  # fmt: skip


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
