"""An LSTM layer, forward and backward: symseq's numpy target beside a hand-made plan.

    python benchmarks/lstm_layer.py [--sizes T,B,D,H] [--rounds N] [--json FILE]

Both compute the cost Σ G h and its gradient by x, W, U and b. Their results are
compared first; then they run in turns, and the medians and their ratio are printed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from hand_lstm import Array, Data, HandPlan, Sizes, sample

import symseq as ss
import symseq.tensor as T


def compile_layer(sizes: Sizes) -> tuple[Callable[..., Sequence[Array]], float]:
    """The same cost and gradients by symseq, and the seconds that compiling took."""
    steps, batch = ss.dims("T B")
    D, H = ss.dims(D=sizes.D, H=sizes.H)
    x = T.ftensor3("x", shape=(steps, batch, D))
    W = T.fmatrix("W", shape=(D, 4 * H))
    U = T.fmatrix("U", shape=(H, 4 * H))
    b = T.fvector("b", shape=(4 * H,))
    G = T.ftensor3("G", shape=(steps, batch, H))
    size = sizes.H

    def step(x_t: Any, h: Any, c: Any) -> list[Any]:
        z = T.dot(x_t, W) + T.dot(h, U) + b
        i, f, g, o = (z[:, k * size : (k + 1) * size] for k in range(4))
        c_new = T.nnet.sigmoid(f) * c + T.nnet.sigmoid(i) * T.tanh(g)
        return [T.nnet.sigmoid(o) * T.tanh(c_new), c_new]

    began = perf_counter()
    zeros = T.zeros((x.shape[1], H))
    (hidden, _), _ = ss.scan(step, x, [zeros, zeros], name="lstm")
    cost = (G * hidden).sum()
    gradients = ss.grad(cost, [x, W, U, b])
    run = ss.function([x, W, U, b, G], [cost, *gradients], name="lstm_layer")
    return run, perf_counter() - began


def check_equal(mine: Sequence[Array], hand: Sequence[Array]) -> float:
    """The largest difference of any result, relative to that result's largest value."""
    worst = 0.0
    for a, b in zip(mine, hand, strict=True):
        worst = max(worst, float(np.max(np.abs(a - b)) / np.max(np.abs(b))))
    if worst > 1e-3:
        raise SystemExit(f"the results differ: relative error {worst:.1e}")
    return worst


def interleave(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median milliseconds of each, run in turns so that both meet the same machine."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            began = perf_counter()
            run()
            times[name].append(1e3 * (perf_counter() - began))
    return {name: median(all_) for name, all_ in times.items()}


def measure(sizes: Sizes, rounds: int) -> dict[str, Any]:
    data: Data = sample(sizes)
    hand = HandPlan(sizes)
    mine, compile_seconds = compile_layer(sizes)
    arrays = (data.x, data.W, data.U, data.b, data.G)
    error = check_equal(mine(*arrays), hand(data))
    runs = {"hand": lambda: hand(data), "symseq": lambda: mine(*arrays)}
    times = interleave(runs, rounds)
    return {
        "sizes": vars(sizes),
        "rounds": rounds,
        "compile_seconds": compile_seconds,
        "relative_error": error,
        "milliseconds": times,
        "ratio": times["symseq"] / times["hand"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="100,16,128,128", help="T,B,D,H")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = measure(Sizes(*map(int, options.sizes.split(","))), options.rounds)
    print(f"(T, B, D, H) = ({options.sizes}), float32, forward and backward")
    print(f"compiled in {found['compile_seconds']:.2f} s; ", end="")
    print(f"results equal to {found['relative_error']:.1e}")
    for name, value in found["milliseconds"].items():
        print(f"{name:8} {value:8.2f} ms")
    print(f"ratio    {found['ratio']:8.2f}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
