"""RNN, GRU and LSTM add two marked numbers out of 200: who carries them so far?

Source: Hochreiter and Schmidhuber 1997, experiment 4, in the form of Le et al. 2015,
    section 4.1: x_t = (u_t, mark_t); the answer is the sum of the two marked u_t.
Expect: LSTM and GRU have a mean squared error of at most 0.01 on unseen sequences; the
    tanh RNN stays near 0.1667, that of always answering 1.
"""

import json
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import symseq as ss
import symseq.tensor as T
from symseq import models
from symseq.models import chart, data, optimizers, plotting, train

ALWAYS_ONE = 1 / 6
CELLS = {
    "rnn": models.SimpleRNN,
    "gru": models.GRU,
    "lstm": partial(models.LSTM, forget_bias=1.0),
}


class Adder(models.Module):
    """y = h_T V + c. Shapes: x: float[T, B, 2], y: float[B]."""

    def __init__(self, kind, hidden, rng):
        self.layer = models.Recurrent(CELLS[kind](2, hidden, rng=rng))
        self.readout = models.Dense(hidden, 1, rng=rng, initial=models.init.glorot())

    def __call__(self, x):
        return self.readout(self.layer(x)[-1])[:, 0]

    def gates(self, x):
        """The gates of every step, from the state before it (LSTM)."""
        states = self.layer.run(x).states
        before = [T.concatenate([s[:1] * 0, s[:-1]]) for s in states]
        return self.layer.cell.gates(x, type(states)(*before))


def learn(kind, settings, target, seed, out):
    """Train one model; its test error, its seconds, its gates on one sequence."""
    start, floatX = time.perf_counter(), ss.config.floatX
    L, B = ss.dims("T B")
    x, y = T.TensorType(floatX, (L, B, 2))("x"), T.TensorType(floatX, (B,))("y")
    model = Adder(kind, settings["hidden"], np.random.default_rng(seed))
    cost = ((model(x) - y) ** 2).mean()
    grads = optimizers.gradients(cost, model.parameters())
    rate = ss.shared(np.array(settings["rate"], floatX), name="rate")
    updates = optimizers.adam(
        optimizers.clip_by_norm(grads, 1.0), model.parameters(), rate
    )
    step = ss.function([x, y], cost, updates=updates, target=target)
    measure = ss.function([x, y], cost, target=target)
    draw = partial(data.adding_problem, steps=settings["steps"])
    valid, test = (draw(np.random.default_rng([seed, k]), 1000) for k in (1, 2))
    epochs, pace = settings["epochs"], settings["rate"]
    print(f"{kind}: {model.count():,} parameters")
    history = train.fit(
        step, data.Drawn(draw, settings["batch"], 100, seed), model=model,
        state=train.training_state(model, cost, updates), epochs=epochs,
        validate=lambda: -float(measure(*valid)),
        before_epoch=lambda k: rate.set_value(pace * train.late_decay(k, epochs)),
    )  # fmt: skip
    if kind == "lstm":
        one = draw(np.random.default_rng([seed, 3]), 1).x
        show = ss.function([x], list(model.gates(x)), target=target)
        draw_gates([gate[:, 0] for gate in show(one)], one[:, 0], out / "gates.png")
        ss.draw(cost, out / "adding_problem.svg")
    curve = [-score for score in history.scores]
    return {
        "test_mse": float(measure(*test)),
        "seconds": time.perf_counter() - start,
    }, curve


def draw_gates(gates, x, path):
    """Heat maps of i, f, o, g by unit and step; the marked steps are lines."""
    figure, axes = chart.new_figure(9, 9, rows=len(gates) + 1)
    axes[0].bar(range(len(x)), x[:, 0], color=np.where(x[:, 1] > 0, "C3", "0.8"))
    axes[0].set(
        xlim=(-0.5, len(x) - 0.5),
        ylabel="number",
        title="what the trained LSTM does at each step",
    )
    for ax, gate, name in zip(axes[1:], gates, "ifog", strict=True):
        low = -1 if name == "g" else 0
        image = ax.imshow(gate.T, aspect="auto", cmap="viridis", vmin=low, vmax=1)
        ax.set(ylabel=f"{name}: unit")
        for t in np.flatnonzero(x[:, 1]):
            ax.axvline(t, color="C3", lw=1)
        figure.colorbar(image, ax=ax)
    axes[-1].set(xlabel="step (red: marked)")
    figure.savefig(path, dpi=120)


def main(
    target: str = "numpy",
    seed: int = 0,
    steps: int = 200,
    epochs: int = 40,
    hidden: int = 64,
    batch: int = 32,
    rate: float = 4e-3,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    out: Path = Path("out"),
) -> None:
    """Train the three models alike and compare their errors."""
    out.mkdir(parents=True, exist_ok=True)
    names = ("steps", "epochs", "hidden", "batch", "rate")
    settings = dict(zip(names, (steps, epochs, hidden, batch, rate), strict=True))
    results, curves = {}, {}
    for kind in CELLS:
        results[kind], curves[kind] = learn(kind, settings, target, seed, out)
    curves["always 1"] = [ALWAYS_ONE] * epochs
    plotting.draw_curves(
        curves, out / "adding_problem.png", y="mean squared error",
        title=f"two of {steps} numbers are added",
    )  # fmt: skip
    print(
        f"{'model':10} {'test MSE':>10} {'seconds':>8}   (always 1: {ALWAYS_ONE:.4f})"
    )
    for kind, result in results.items():
        print(f"{kind:10} {result['test_mse']:10.5f} {result['seconds']:8.1f}")
    if json_file is not None:
        settings |= {"target": target, "seed": seed}
        json_file.write_text(json.dumps(results | {"settings": settings}, indent=1))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
