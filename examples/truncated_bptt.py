"""How far back truncated BPTT learns: lags 3 and 8, truncated after 5 steps or 10.

x_t is 0 or 1, each with chance 1/2, and
    P(y_t = 1) = 0.5 + 0.5 [x_{t-3} = 1] - 0.25 [x_{t-8} = 1].
A simple RNN reads the sequence in minibatches of 5 or of 10 steps: h goes on from one
to the next in a shared variable, the gradient ends at the minibatch's first step.

Source: Elman 1990 for the network; Williams and Peng 1990 for the truncation;
    docs/bptt.md derives both gradients.
Expect: 4 units and 5 steps find lag 3 only, and end at the 0.52 nats of who knows one.
    16 units and 10 steps find both, and end below 0.47 (who knows both: 0.45; none:
    0.66). The control, 16 units and 5 steps, ends there, too: none of its gradients has
    seen lag 8, but h brings old x along unasked, and a wide h enough of it to use.
"""

import json
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import symseq as ss
from symseq import models
from symseq.models import chart, losses, optimizers

LAGS = (3, 8)
RUNS = ((5, 4), (10, 16), (5, 16))  # truncated after how many steps; hidden units
TEST_STEPS, PARTS = 2000, 60  # of the test sequences; of a curve


def chance(x_3, x_8):
    """P(y_t = 1) for x_{t-3} and x_{t-8}."""
    return 0.5 + 0.5 * x_3 - 0.25 * x_8


def best_loss(known):
    """The mean of -log P(y_t | the known x), which no model can go below.

    Who does not know an x has the mean of P(y_t = 1) over it.
    """
    p = np.array([[chance(a, b) for b in (0, 1)] for a in (0, 1)])
    unknown = tuple(k for k, lag in enumerate(LAGS) if lag not in known)
    told = np.broadcast_to(p.mean(axis=unknown, keepdims=True), p.shape)
    sure = np.stack([told, 1 - told])
    logs = np.log(np.where(sure > 0, sure, 1))
    right = np.stack([p, 1 - p])
    return float(-(right * logs).sum(axis=0).mean())


def draw_sequences(rng, steps, batch):
    """x: float[steps, batch, 1] and y: int[steps, batch]."""
    early = max(LAGS)
    x = rng.integers(0, 2, (early + steps, batch))
    x_3, x_8 = (x[early - lag : early - lag + steps] for lag in LAGS)
    y = (rng.random((steps, batch)) < chance(x_3, x_8)).astype("int64")
    return x[early:, :, None].astype(ss.config.floatX), y


class Reader(models.Module):
    """log P(y_t) from h_t. Shapes: x: float[T, B, 1], logits: float[T, B, 2]."""

    def __init__(self, hidden, rng):
        how = {"rng": rng, "initial": models.init.glorot()}
        self.layer = models.Recurrent(models.SimpleRNN(1, hidden, **how))
        self.readout = models.Dense(hidden, 2, **how)

    def __call__(self, x, h=None):
        run = self.layer.run(x, initial=h)
        return self.readout(run.outputs), run.last


def learn(steps, hidden, sequences, test, rate, target, seed):
    """Train on minibatches of so many steps; the curve and the test loss."""
    x_all, y_all = sequences
    B, floatX = x_all.shape[1], ss.config.floatX
    x = ss.TensorType(floatX, (None, B, 1))("x")
    y = ss.TensorType("int64", (None, B))("y")
    model = Reader(hidden, np.random.default_rng(seed))
    h = ss.shared(np.zeros((B, hidden), floatX), name="h")
    logits, last = model(x, models.Hidden(h))  # shared: no gradient goes past it
    cost = losses.sequence_cross_entropy(logits, y)
    grads = optimizers.clip_by_norm(optimizers.gradients(cost, model.parameters()), 1.0)
    updates = optimizers.adam(grads, model.parameters(), rate)
    step = ss.function([x, y], cost, updates=updates | {h: last.h}, target=target)
    found = [
        float(step(x_all[k : k + steps], y_all[k : k + steps]))
        for k in range(0, len(x_all) - steps + 1, steps)
    ]
    from_zero, _ = model(x)
    cost = losses.sequence_cross_entropy(from_zero, y)
    measure = ss.function([x, y], cost, target=target)
    curve = [float(np.mean(part)) for part in np.array_split(found, PARTS)]
    return curve, float(measure(*test))


def draw_curves(curves, bounds, tokens, path):
    """Loss by tokens read; what knowing none, one and both can reach as lines."""
    figure, axes = chart.new_figure(7, 4)
    for name, curve in curves.items():
        read = tokens * (np.arange(len(curve)) + 0.5) / len(curve)
        axes.plot(read, curve, label=name)
    for name, loss in bounds.items():
        axes.axhline(loss, color="0.5", ls="--", lw=0.8)
        axes.text(1.01 * tokens, loss, f"{name} {loss:.2f}", va="bottom")
    axes.set(xlabel="tokens read", ylabel="cross-entropy (nats)")
    axes.set_xlim(right=1.16 * tokens)
    axes.legend(loc="upper center")
    figure.savefig(path, dpi=120)


def main(
    target: str = "numpy",
    seed: int = 0,
    tokens: int = 600_000,
    batch: int = 20,
    rate: float = 5e-3,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    out: Path = Path("out"),
) -> None:
    """Train the network with either truncation and compare with what can be known."""
    out.mkdir(parents=True, exist_ok=True)
    settings = {"tokens": tokens, "batch": batch, "rate": rate}
    known = {"none": (), "one": LAGS[:1], "both": LAGS}
    bounds = {name: best_loss(lags) for name, lags in known.items()}
    rng = np.random.default_rng([seed, 1])
    sequences = draw_sequences(rng, tokens // batch, batch)
    test = draw_sequences(rng, TEST_STEPS, batch)
    results, curves = {}, {}
    print("best for who knows " + ", ".join(f"{k}: {v:.4f}" for k, v in bounds.items()))
    for steps, hidden in RUNS:
        start, name = time.perf_counter(), f"{steps} steps, {hidden} units"
        curves[name], loss = learn(steps, hidden, sequences, test, rate, target, seed)
        seconds = time.perf_counter() - start
        results[name] = {"test_loss": loss, "seconds": seconds}
        print(f"truncated after {name}: test {loss:.4f}, {seconds:.1f} s")
    draw_curves(curves, bounds, tokens, out / "truncated_bptt.png")
    if json_file is not None:
        settings |= {"target": target, "seed": seed}
        said = {"best": bounds, "truncated": results, "settings": settings}
        json_file.write_text(json.dumps(said, indent=1))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
