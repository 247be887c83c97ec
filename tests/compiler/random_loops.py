"""Random loops of mostly light elementwise work, and gradients of what they give."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import symseq as ss
import symseq.tensor as T
from symseq.graph import Variable

B, H = 2, 3
LIGHT: list[Callable] = [
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b,
    lambda a, b: T.maximum(a, b), lambda a, b: T.switch(a > b, a, 0.5 * b),
    lambda a, b: T.nnet.relu(a), lambda a, b: T.clip(a, -0.5, 0.7), lambda a, b: abs(a),
    lambda a, b: a * 0.5 - 0.25, lambda a, b: T.sqr(a) * 0.3, lambda a, b: -a,
    lambda a, b: a[::-1] * 0.7, lambda a, b: a.T.sum(axis=0, keepdims=True).T * 0.3 + b,
    lambda a, b: a[:, 0].dimshuffle(0, "x") * b, lambda a, b: a[0] + b * 0.5,
    lambda a, b: T.cast(T.cast(a, "float32"), "float64") * 0 + b,
    lambda a, b: T.cast(a > 0.1, "float64") * b, lambda a, b: T.minimum(a, b),
]  # fmt: skip
HEAVY: list[Callable] = [
    lambda a, b: T.tanh(a), lambda a, b: T.nnet.sigmoid(a) * b,
    lambda a, b: T.exp(-a * a), lambda a, b: a / (2 + b * b),
    lambda a, b: a - a.mean(axis=1, keepdims=True),
]  # fmt: skip


class RandomLoops:
    """Inputs x[T, B, H], h[3, B, H], w[H, H], v[H]; one or two loops, gradients."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        sizes = (B, H) if self.chance(0.4) else (None, None)
        self.x = T.TensorType("float64", (None, *sizes))("x")
        self.h = T.TensorType("float64", (3, *sizes))("h")
        self.w, self.v = T.dmatrix("w"), T.dvector("v")
        self.inputs = [self.x, self.h, self.w, self.v]
        first = self.loop(self.x)
        rows = [o for o in first if o.ndim == 3]
        second = self.loop(self.view(self.of(rows))) if self.chance(0.3) else []
        terms = [self.read(o) for o in (*first, *second) if self.chance(0.8)]
        cost = sum(terms[1:], terms[0]) if terms else first[0].sum()
        self.outputs = [cost, *T.grad(cost, self.inputs, disconnected_inputs="ignore")]
        if self.chance(0.04):
            slope = (self.outputs[1] ** 2).sum() + (self.outputs[3] ** 2).sum()
            self.outputs += T.grad(slope, self.inputs, disconnected_inputs="ignore")
        if self.chance(0.3):
            self.outputs.append(self.of([*first, *second]))

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def of(self, options: list):
        return options[self.rng.integers(len(options))]

    def view(self, rows: Variable) -> Variable:
        ways = [rows, rows[::-1], rows * 0.5, T.nnet.relu(rows), rows[1:], rows[:-1]]
        return self.of([*ways, T.tanh(rows), rows * rows - 0.2])

    def read(self, o: Variable) -> Variable:
        ways = [(o * o).sum(), o.sum() * 0.5, T.tanh(o).mean(axis=1).sum()]
        ways += [(o[-1] * o[-1]).sum(), (o[::-1] * o).sum(), o[-2:].sum()]
        return self.of(ways)

    def mix(self, pool: list[Variable], count: int) -> Variable:
        for _ in range(count):
            a, b = (pool[-1 - self.rng.integers(min(5, len(pool)))] for _ in range(2))
            if self.chance(0.5):
                a = self.of(pool)
            if self.chance(0.15):
                made = T.tanh(T.dot(a, self.w))
            else:
                made = self.of(HEAVY if self.chance(0.2) else LIGHT)(a, b)
            pool.append(made if made.ndim == 2 else made + a)
        return pool[-1]

    def loop(self, rows: Variable) -> list[Variable]:
        states, mapped = 1 + self.chance(0.3), int(self.rng.integers(2))
        taps = [self.of([[-1], [-1], [-2, -1], [-3, -1], [-2]]) for _ in range(states)]
        nested = self.chance(0.15)

        def step(*given):
            pool = [*given, given[0] * 0 + self.v]
            if nested:
                start = self.mix(pool, 1)
                inner = ss.scan(
                    lambda c, s: T.nnet.relu(s * c) - s * 0.5,
                    self.w[:2, 0], start, go_backwards=self.chance(0.5),
                )[0]  # fmt: skip
                pool.append(inner[self.of([-1, 0])])
            made = [
                self.mix(pool, 1 + int(self.rng.integers(3)))
                for _ in range(states + mapped)
            ]
            # bounded, so that no rounding grows from step to step
            made[:states] = [T.clip(m, -2, 2) + 0 * given[0] for m in made[:states]]
            return made

        infos = [
            {"initial": self.h[: -min(t)], "taps": t} if t != [-1] else self.h[k]
            for k, t in enumerate(taps)
        ]
        return ss.scan(
            step,
            {"input": rows, "taps": self.of([[0], [0], [0, -1]])},
            [*infos, *[None] * mapped],
            go_backwards=self.chance(0.3),
            truncate_gradient=(truncated := self.of([-1] * 7 + [2])),
            checkpoint_every=self.of([None, None, None, 2]) if truncated < 0 else None,
            return_list=True,
        )[0]

    def values(self, steps: int) -> list[np.ndarray]:
        shapes = (steps, B, H), (3, B, H), (H, H), (H,)
        return [self.rng.normal(size=shape) * 0.7 for shape in shapes]
