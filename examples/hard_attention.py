"""Hard attention's gradient, estimated from draws, beside the exact one.

Source: Xu et al. 2015, section 4.1: ∇E[f] = E[∇f + (f - b) ∇log p]. Two looks at four
    places are 16 ways to look, few enough to enumerate, which training never does. Both
    terms count, for f = -log p(y | z_1, z_2) has parameters of its own.
Expect: from N = 5, 20, 50 draws a sequence, with each baseline, a mean of the estimates
    within 3 standard errors of the exact gradient, and a variance that falls as 1/N:
    less than half with a constant baseline, less than a third with the others; from 20
    draws on least with the optimal one, which is estimated from the other draws.
"""

import json
import math
import time
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import symseq as ss
import symseq.tensor as T
from symseq import models
from symseq.models import attention, chart, optimizers
from symseq.tensor.shared_randomstreams import RandomStreams

PLACES, LOOKS, WIDTH, CLASSES, SEQUENCES = 4, 2, 5, 3, 6
DRAWS = (5, 20, 50)
LINE = "N = {draws:2}  {baseline:13} variance {variance:.5f}  off by {off:+.2f} s.e."
BASELINES = ("none", "constant", "running mean", "learned", "optimal")


class Reader(models.Module):
    """p(x) by a general score at each look; y ~ softmax(tanh([z_1; z_2]) W + b)."""

    def __init__(self, rng):
        start = models.init.normal(0.7)
        self.score = attention.GeneralScore(WIDTH, WIDTH, rng=rng, initial=start)
        self.output = models.Dense(LOOKS * WIDTH, CLASSES, rng=rng, initial=start)

    def cost(self, seen, labels):
        """f = -log p(y | z_1, z_2). Shapes: seen: LOOKS times float[B, WIDTH]."""
        logits = self.output(T.tanh(T.concatenate(seen, axis=1)))
        return T.nnet.crossentropy_with_logits(logits, labels)

    def draw(self, queries, memory, labels, streams):
        """f, log p and ‖∇log p‖², one number for each row. Shapes: float[B]."""
        look = attention.HardAttention(self.score).training(streams, labels.shape[0])
        seen, log_p, squares = [], 0, 0
        for query in queries:
            z, weights, (chosen,) = look.look(query, memory, None)
            seen, chosen = [*seen, z], chosen.T
            log_p += attention.log_probability(weights, chosen, axis=0)
            squares += attention.score_squares(weights, chosen, axis=0)
        return self.cost(seen, labels), log_p, squares

    def expected(self, queries, memory, labels):
        """E[f] by enumeration: Σ_x p(x) f(x) over all PLACES^LOOKS ways to look."""
        soft = attention.SoftAttention(self.score)
        weights = [soft(query, memory)[1] for query in queries]
        total = 0
        for way in product(range(PLACES), repeat=LOOKS):
            p = math.prod(alpha[x] for alpha, x in zip(weights, way, strict=True))
            total += p * self.cost([memory.values[x] for x in way], labels)
        return T.mean(total)


def baseline_of(name, f, squares, who):
    """(b, updates) for f: float[N, SEQUENCES]; `who`: one-hot rows of sequences."""
    if name == "running mean":
        mean = attention.RunningMean(first=1.0)
        return mean(), mean.updates(f)
    if name == "learned":
        learned = attention.LearnedBaseline(SEQUENCES, rng=np.random.default_rng(0))
        loss = learned.loss(f, who[None])
        return learned(who)[None], optimizers.sgd(loss, learned.parameters(), 0.02)
    if name == "optimal":
        return attention.optimal_baseline(f, squares), {}
    return {"none": 0.0, "constant": 1.0}[name], {}


def main(
    repeats: Annotated[int, typer.Option(help="estimates per setting", min=2)] = 1000,
    target: str = "numpy",
    seed: int = 0,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    out: Path = Path("out"),
) -> None:
    """Compare estimates with the exact gradient, for each N and each baseline."""
    start, rng = time.perf_counter(), np.random.default_rng(seed)
    out.mkdir(parents=True, exist_ok=True)
    floatX = ss.config.floatX
    reader = Reader(rng)
    values = rng.standard_normal((PLACES, SEQUENCES, WIDTH)).astype(floatX)
    queries = rng.standard_normal((LOOKS, SEQUENCES, WIDTH)).astype(floatX)
    labels = rng.integers(0, CLASSES, SEQUENCES)
    parameters = list(reader.parameters().values())
    memory = attention.Memory(T.constant(values))
    fixed = [T.constant(q) for q in queries], memory, T.constant(labels)
    exact = ss.function([], T.grad(reader.expected(*fixed), parameters), target=target)
    gradient = np.concatenate([g.ravel() for g in exact()])
    size = np.linalg.norm(gradient)
    rows, who = [], T.constant(np.eye(SEQUENCES, dtype=floatX))
    for draws, name in product(DRAWS, BASELINES):
        # N draws a sequence: each row of the minibatch N times.
        many = [T.constant(np.repeat(q, draws, axis=0)) for q in queries]
        wanted = T.constant(np.repeat(labels, draws))
        streams = RandomStreams([seed, draws])
        drawn = reader.draw(many, memory.repeat(draws), wanted, streams)
        f, log_p, squares = (T.reshape(v, (SEQUENCES, draws)).T for v in drawn)
        b, updates = baseline_of(name, f, squares, who)
        grads = T.grad(attention.surrogate(f, log_p, b), parameters)
        step = ss.function([], grads, updates=updates, target=target)
        for _ in range(300 if updates else 0):  # a baseline that learns has learned
            step()
        many = zip(*(step() for _ in range(repeats)), strict=True)
        found = np.concatenate([np.reshape(g, (repeats, -1)) for g in many], axis=1)
        # Along the exact gradient the mean's distance to it, in standard errors.
        along = found @ gradient / size
        error = along.std(ddof=1) / np.sqrt(repeats)
        row = {"draws": draws, "baseline": name, "off": (along.mean() - size) / error}
        row["variance"] = found.var(axis=0, ddof=1).sum()
        rows.append({k: v if k == "baseline" else float(v) for k, v in row.items()})
        print(LINE.format(**row))
    picture(rows, out / "hard_attention.png")
    if json_file is not None:
        result = {"rows": rows, "repeats": repeats, "target": target, "seed": seed}
        result["seconds"] = time.perf_counter() - start
        json_file.write_text(json.dumps(result, indent=1))


def picture(rows, path):
    """Save the variance of the gradient against N, a line for each baseline."""
    figure, axes = chart.new_figure(6, 4)
    for name in BASELINES:
        line = [row["variance"] for row in rows if row["baseline"] == name]
        axes.loglog(DRAWS, line, marker="o", label=name)
    axes.set_xticks(DRAWS, map(str, DRAWS))
    axes.set(xlabel="N, draws a sequence", ylabel="variance of the gradient (sum)")
    axes.minorticks_off()
    axes.legend(title="baseline")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
