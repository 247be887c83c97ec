"""Compile time of the Theano tutorial's training function (gradient + adadelta) by T.

    python benchmarks/compile_time.py [--steps 10,1000] [--json FILE]

The lengths are fixed in the graph's types, so that a compiler that unrolled the loop
would show it. `build` makes the graph and its gradient, `compile` is `function`, `bind`
is what the first call takes beyond the second.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import perf_counter

import numpy as np

import symseq as ss
import symseq.tensor as T
from symseq.models.cells import LSTM
from symseq.models.layers import Dense, Embedding
from symseq.models.losses import cross_entropy
from symseq.models.optimizers import adadelta
from symseq.models.pooling import mean_pool
from symseq.models.recurrent import Recurrent

BATCH, WIDTH, VOCABULARY, CLASSES = 16, 128, 10_000, 2


def seconds_for(steps: int) -> dict[str, float]:
    rng = np.random.default_rng(0)
    times = [perf_counter()]
    words = T.lmatrix("words", shape=(steps, BATCH))
    mask = T.fmatrix("mask", shape=(steps, BATCH))
    labels = T.lvector("labels", shape=(BATCH,))
    embedding = Embedding(VOCABULARY, WIDTH, rng=rng)
    lstm = Recurrent(LSTM(WIDTH, WIDTH, rng=rng))
    output = Dense(WIDTH, CLASSES, rng=rng)
    hidden = lstm(embedding(words), mask)
    cost = cross_entropy(output(mean_pool(hidden, mask)), labels)
    layers = (embedding, lstm, output)
    params = [p for layer in layers for p in layer.parameters().values()]
    updates = adadelta(cost, params)
    times.append(perf_counter())
    train = ss.function([words, mask, labels], cost, updates=updates)
    times.append(perf_counter())
    data = (
        rng.integers(0, VOCABULARY, (steps, BATCH)),
        np.ones((steps, BATCH), "float32"),
        rng.integers(0, CLASSES, BATCH),
    )
    for _ in range(2):
        train(*data)
        times.append(perf_counter())
    build, compile_, first, second = np.diff(times).tolist()
    return {
        "build": build,
        "compile": compile_,
        "bind": first - second,
        "call": second,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", default="10,1000")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    seconds_for(2)  # imports and first uses are not T's doing
    found = {int(steps): seconds_for(int(steps)) for steps in options.steps.split(",")}
    print(f"{'T':>6} {'build':>8} {'compile':>8} {'bind':>8} {'call':>8}  (seconds)")
    for steps, times in found.items():
        print(f"{steps:6} " + " ".join(f"{value:8.3f}" for value in times.values()))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
