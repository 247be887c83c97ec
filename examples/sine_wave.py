"""A simple RNN learns to tell how a sine wave goes on.

Source: Elman 1990, "Finding structure in time": h_t = tanh(x_t W + h_{t-1} U + b),
    here with a linear readout y_t = h_t V + c, trained to make y_t = x_{t+1}.
Expect: a mean squared error of at most 1e-3 one step ahead on unseen phases, and a wave
    that the network draws by itself for 200 steps, fed with its own answers.
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
from symseq.models import chart, data, optimizers, train

WARM, AHEAD = 50, 200


class Forecast(models.Module):
    """y = RNN(x) V + c. Shapes: x, y: float[T, B, 1]."""

    def __init__(self, hidden, rng):
        self.rnn = models.Recurrent(models.SimpleRNN(1, hidden, rng=rng))
        self.readout = models.Dense(hidden, 1, rng=rng, initial=models.init.glorot())

    def __call__(self, x):
        return self.readout(self.rnn(x))

    def go_on(self, x, steps):
        """What follows x when answers are inputs. Returns: float[steps, B, 1]."""
        run = self.rnn.run(x)
        cell = self.rnn.cell

        def step(y, *state):
            h, new = cell(y, type(run.last)(*state))
            return [self.readout(h), *new]

        first = self.readout(run.outputs[-1])
        info = [first, *run.last]
        (rest, *_), _ = ss.scan(step, outputs_info=info, n_steps=steps - 1)
        return T.concatenate([first[None], rest])


def draw(wave, predicted, path):
    """The true wave, and the one that the network draws after 50 steps of it."""
    figure, axes = chart.new_figure(9, 3)
    axes.plot(wave, color="0.6", label="sine")
    ahead = range(WARM, WARM + len(predicted))
    axes.plot(ahead, predicted, color="C0", ls="--", label="network, by itself")
    axes.axvline(WARM, color="0.8")
    axes.set(xlabel="step", ylabel="x", title=f"{WARM} steps seen, {AHEAD} drawn")
    axes.set_ylim(-1.7, 1.2)
    axes.legend(loc="lower left", ncols=2)
    figure.savefig(path, dpi=120)


def main(
    target: str = "numpy",
    seed: int = 0,
    epochs: int = 60,
    hidden: int = 32,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    out: Path = Path("out"),
) -> None:
    """Train the network, test it on unseen phases, and let it draw."""
    start = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    (L, B), floatX = ss.dims("T B"), ss.config.floatX
    x, y = T.TensorType(floatX, (L, B, 1))("x"), T.TensorType(floatX, (L, B, 1))("y")
    model = Forecast(hidden, np.random.default_rng(seed))
    cost = ((model(x) - y) ** 2).mean()
    ss.draw(cost, out / "sine_wave.svg")
    rate = ss.shared(np.array(5e-3, floatX), name="rate")
    grads = optimizers.clip_by_norm(optimizers.gradients(cost, model.parameters()), 1.0)
    updates = optimizers.adam(grads, model.parameters(), rate)
    step = ss.function([x, y], cost, updates=updates, target=target)
    measure = ss.function([x, y], cost, target=target)
    go_on = ss.function([x], model.go_on(x, AHEAD), target=target)
    test = data.sine_waves(np.random.default_rng([seed, 1]), 100, steps=WARM + AHEAD)
    train.fit(
        step, data.Drawn(data.sine_waves, size=32, count=100, seed=seed), model=model,
        state=train.training_state(model, cost, updates), epochs=epochs,
        validate=lambda: -float(measure(*test)),
        before_epoch=lambda k: rate.set_value(5e-3 * train.late_decay(k, epochs)),
        picture=out / "sine_wave.curve.svg", metric="-squared error",
    )  # fmt: skip
    drawn = go_on(test.x[:WARM])
    wave = np.concatenate([test.x, test.y[-1:]])[: WARM + AHEAD]
    draw(wave[:, 0, 0], drawn[:, 0, 0], out / "sine_wave.png")
    result = {
        "test_mse": float(measure(*test)),
        "closed_loop_mse": float(((drawn - wave[WARM:]) ** 2).mean()),
        "seconds": time.perf_counter() - start,
    }
    print("\n".join(f"{name:16} {value:.3g}" for name, value in result.items()))
    if json_file is not None:
        settings = {"target": target, "seed": seed, "epochs": epochs, "hidden": hidden}
        json_file.write_text(json.dumps(result | {"settings": settings}, indent=1))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
