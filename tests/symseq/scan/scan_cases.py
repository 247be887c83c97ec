"""A table of loops: each as a scan, and the same loop written in Python.

A runner is `run(outputs, inputs, values)`; the table is run on every target.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symseq.graph import SharedVariable, Variable
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.indexing import getitem
from symseq.ops.math import sigmoid, tanh
from symseq.ops.products import dot
from symseq.scan.frontend import scan
from symseq.scan.views import foldl, foldr, map, reduce, until
from symseq.types import TensorType

Arrays = list[np.ndarray]


@dataclass(frozen=True)
class Loop:
    """`build(*variables)` gives the outputs, `python(*arrays)` the same values."""

    name: str
    shapes: tuple[tuple[int, ...], ...]
    build: Callable[..., list[Variable]]
    python: Callable[..., Arrays]
    dtypes: tuple[str, ...] = ()
    central: bool = True  # gradients are those of the values (not truncated ones)

    def __str__(self) -> str:
        return self.name

    def inputs(self) -> list[Variable]:
        dtypes = self.dtypes or ("float64",) * len(self.shapes)
        return [
            TensorType(dtype, (None,) * len(shape))(f"x{k}")
            for k, (shape, dtype) in enumerate(zip(self.shapes, dtypes, strict=True))
        ]

    def values(self, rng: np.random.Generator) -> Arrays:
        dtypes = self.dtypes or ("float64",) * len(self.shapes)
        return [
            np.asarray(rng.normal(size=shape) * 0.7)
            if dtype == "float64"
            else rng.integers(0, 3, shape).astype(dtype)
            for shape, dtype in zip(self.shapes, dtypes, strict=True)
        ]


LOOPS: list[Loop] = []


def loop(
    name: str, *shapes: tuple[int, ...], python: Callable[..., Arrays], **kwargs: Any
) -> Callable[[Callable[..., list[Variable]]], Callable[..., list[Variable]]]:
    def add(build: Callable[..., list[Variable]]) -> Callable[..., list[Variable]]:
        LOOPS.append(Loop(name, shapes, build, python, **kwargs))
        return build

    return add


def rows(step: Callable[..., Any], count: int, *states: Any) -> list[Any]:
    """The states after each step, stacked; without steps an empty array."""
    kept: list[list[Any]] = [[] for _ in states]
    for t in range(count):
        states = step(t, *states)
        for k, state in enumerate(states):
            kept[k].append(state)
    return [
        np.stack(k) if k else np.zeros((0, *np.shape(s)))
        for k, s in zip(kept, states, strict=True)
    ]


def rnn_python(x: Any, h: Any, w: Any) -> Arrays:
    return rows(lambda t, h: (np.tanh(x[t] + h @ w),), len(x), h)


for T in (0, 1, 2, 5):

    @loop(f"rnn T={T}", (T, 2, 3), (2, 3), (3, 3), python=rnn_python)
    def rnn(x: Any, h: Any, w: Any) -> list[Variable]:
        return [scan(lambda x, h, w: tanh(x + dot(h, w)), x, h, w)[0]]


@loop("captured", (4, 2, 3), (2, 3), (3, 3), python=rnn_python)
def captured(x: Any, h: Any, w: Any) -> list[Variable]:
    return [scan(lambda x, h: tanh(x + dot(h, w)), x, h)[0]]


@loop(
    "captured computed outside",
    (4, 3), (3,), (3, 3),
    python=lambda x, h, w: rnn_python(x, h, np.tanh(w)),
)  # fmt: skip
def captured_computed(x: Any, h: Any, w: Any) -> list[Variable]:
    u = tanh(w)
    return [scan(lambda x, h: tanh(x + dot(h, u)), x, h)[0]]


def lstm_python(x: Any, h: Any, c: Any, w: Any, u: Any) -> Arrays:
    n = h.shape[-1]

    def step(t: int, h: Any, c: Any) -> Any:
        z = x[t] @ w + h @ u
        i, f, o = (1 / (1 + np.exp(-z[:, k * n : (k + 1) * n])) for k in range(3))
        c = f * c + i * np.tanh(z[:, 3 * n :])
        return o * np.tanh(c), c

    return rows(step, len(x), h, c)


@loop("lstm", (4, 2, 3), (2, 2), (2, 2), (3, 8), (2, 8), python=lstm_python)
def lstm(x: Any, h: Any, c: Any, w: Any, u: Any) -> list[Variable]:
    def step(x: Any, h: Any, c: Any) -> Any:
        z = dot(x, w) + dot(h, u)
        i, f, o, g = (
            getitem(z, (slice(None), slice(2 * k, 2 * k + 2))) for k in range(4)
        )
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    return scan(step, x, [h, c])[0]


@loop(
    "lstm, last row of one state only",
    (3, 2, 3), (2, 2), (2, 2), (3, 8), (2, 8),
    python=lambda *v: [lstm_python(*v)[0][-1]],
)  # fmt: skip
def lstm_last(*v: Any) -> list[Variable]:
    return [lstm(*v)[0][-1]]


@loop(
    "slice of outputs",
    (5, 2, 3), (2, 3), (3, 3),
    python=lambda *v: [rnn_python(*v)[0][1:4:2]],
)  # fmt: skip
def sliced(x: Any, h: Any, w: Any) -> list[Variable]:
    return [captured(x, h, w)[0][1:4:2]]


def fibonacci_python(h: Any, a: Any, count: int = 4) -> Arrays:
    h = list(h)
    for _ in range(count):
        h.append(_sin(h[-1]) * a + h[-3])
    return [np.stack(h)[3:] if count else np.zeros((0, *np.shape(h[0])))]


for N in (0, 1, 2, 3, 6):

    @loop(
        f"taps -1 -3, n_steps={N}",
        (3, 2), (),
        python=lambda h, a, N=N: fibonacci_python(h, a, N),
    )  # fmt: skip
    def two_taps(h: Any, a: Any, N: int = N) -> list[Variable]:
        info = {"initial": h, "taps": [-1, -3]}
        out, _ = scan(lambda h1, h3: sin(h1) * a + h3, None, info, n_steps=N)
        return [out]


def sin(x: Any) -> Any:
    """sin through tanh, where an op of its own is not needed."""
    return tanh(x) * (1 + x * x)


def _sin(x: Any) -> Any:
    return np.tanh(x) * (1 + x * x)


def tap_two_python(h: Any) -> Arrays:
    h = list(h)
    for _ in range(5):
        h.append(np.tanh(h[-2]) * 1.5)
    return [np.stack(h)[2:]]


@loop("a tap at -2 alone", (2, 3), python=tap_two_python)
def tap_two(h: Any) -> list[Variable]:
    info = {"initial": h, "taps": [-2]}
    return [scan(lambda h: tanh(h) * 1.5, None, info, n_steps=5)[0]]


@loop(
    "more initial rows than taps",
    (5, 3),
    python=lambda h: tap_two_python(h[:2]),
)  # fmt: skip
def tap_two_long(h: Any) -> list[Variable]:
    return tap_two(h)


@loop(
    "sequence taps -1 0 2",
    (6, 3), (),
    python=lambda x, a: [np.tanh(x[:-3] * a + x[1:-2]) * x[3:]],
)  # fmt: skip
def sequence_taps(x: Any, a: Any) -> list[Variable]:
    info = {"input": x, "taps": [-1, 0, 2]}
    return [scan(lambda b, c, d: tanh(b * a + c) * d, info)[0]]


def backwards_python(x: Any, h: Any) -> Arrays:
    return rows(lambda t, h: (np.tanh(x[::-1][t] * h) + h,), len(x), h)


@loop("go_backwards", (4, 3), (3,), python=backwards_python)
def backwards(x: Any, h: Any) -> list[Variable]:
    return [scan(lambda x, h: tanh(x * h) + h, x, h, go_backwards=True)[0]]


@loop(
    "go_backwards with fewer steps",
    (5, 3), (3,),
    python=lambda x, h: backwards_python(x[2:], h),
)  # fmt: skip
def backwards_few(x: Any, h: Any) -> list[Variable]:
    step, back = lambda x, h: tanh(x * h) + h, {"go_backwards": True}
    return [scan(step, x, h, n_steps=3, **back)[0]]


@loop(
    "negative n_steps",
    (5, 3), (3,),
    python=lambda x, h: backwards_python(x[2:], h),
)  # fmt: skip
def negative_steps(x: Any, h: Any) -> list[Variable]:
    return [scan(lambda x, h: tanh(x * h) + h, x, h, n_steps=-3)[0]]


@loop(
    "go_backwards with taps",
    (5, 3),
    python=lambda x: [(np.tanh(x[:-1]) * x[1:])[::-1]],
)  # fmt: skip
def backwards_taps(x: Any) -> list[Variable]:
    info = {"input": x, "taps": [-1, 0]}
    return [scan(lambda a, b: tanh(a) * b, info, go_backwards=True)[0]]


@loop(
    "shortest sequence",
    (5, 3), (3, 3),
    python=lambda x, y: [np.tanh(x[:3]) * y],
)  # fmt: skip
def shortest(x: Any, y: Any) -> list[Variable]:
    return [map(lambda x, y: tanh(x) * y, [x, y])[0]]


@loop(
    "symbolic n_steps",
    (5, 3), (3,), (),
    python=lambda x, h, n: rnn_free(x[: int(n)], h),
    dtypes=("float64", "float64", "int64"),
)  # fmt: skip
def symbolic_steps(x: Any, h: Any, n: Any) -> list[Variable]:
    return [scan(lambda x, h: tanh(x + h), x, h, n_steps=n)[0]]


def rnn_free(x: Any, h: Any) -> Arrays:
    return rows(lambda t, h: (np.tanh(x[t] + h),), len(x), h)


@loop(
    "power, no sequences",
    (3,),
    python=lambda a: rows(lambda t, p: (p * a,), 4, np.ones(3)),
)  # fmt: skip
def power(a: Any) -> list[Variable]:
    return [scan(lambda p: p * a, None, np.ones(3), n_steps=4)[0]]


@loop(
    "an initial value that is a Python number",
    (4,),
    python=lambda x: rows(lambda t, s: (s * x[t] + x[t],), len(x), 1.0),
)  # fmt: skip
def weak_start(x: Any) -> list[Variable]:
    return [scan(lambda x, s: s * x + x, x, 1)[0]]


def mixed_python(x: Any, h: Any) -> Arrays:
    states = rnn_free(x, h)[0]
    before = np.concatenate([h[None], states])[:-1]
    return [states, before * x, states.sum(1)]


@loop("states and mapped outputs", (4, 3), (3,), python=mixed_python)
def mixed(x: Any, h: Any) -> list[Variable]:
    def step(x: Any, h: Any) -> Any:
        new = tanh(x + h)
        return [new, h * x, new.sum(axis=0)]

    return scan(step, x, [h, None, None])[0]


@loop("mapped output first", (4, 3), (3,), python=lambda *v: mixed_python(*v)[1::-1])
def mapped_first(x: Any, h: Any) -> list[Variable]:
    return scan(lambda x, h: [h * x, tanh(x + h)], x, [None, h])[0]


@loop("an unused state", (4, 3), (3,), (3,), python=lambda x, h, k: rnn_free(x, h))
def unused_state(x: Any, h: Any, k: Any) -> list[Variable]:
    return [scan(lambda x, h, k: [tanh(x + h), tanh(k) * x], x, [h, k])[0][0]]


@loop(
    "one initial value for two states",
    (4, 3), (3,),
    python=lambda x, h: rows(lambda t, a, b: (np.tanh(a * x[t] + b), a), 4, h, h),
)  # fmt: skip
def twice_started(x: Any, h: Any) -> list[Variable]:
    return scan(lambda x, a, b: [tanh(a * x + b), a], x, [h, h])[0]


@loop(
    "one sequence twice",
    (4, 3), (3,),
    python=lambda x, h: rows(lambda t, h: (np.tanh(x[t] * h + x[t]),), 4, h),
)  # fmt: skip
def twice_read(x: Any, h: Any) -> list[Variable]:
    return [scan(lambda a, b, h: tanh(a * h + b), [x, x], h)[0]]


@loop(
    "integer sequence and state",
    (4,), (5, 3), (3,),
    python=lambda i, w, h: rows(
        lambda t, h, k: (np.tanh(w[i[t]] * h), k + i[t]), 4, h, np.int64(0)
    ),
    dtypes=("int64", "float64", "float64"),
)  # fmt: skip
def integers(i: Any, w: Any, h: Any) -> list[Variable]:
    def step(i: Any, h: Any, k: Any) -> Any:
        return [tanh(getitem(w, i) * h), k + i]

    return scan(step, i, [h, np.zeros((), "int64")])[0]


@loop(
    "masked state",
    (4, 2), (4, 2, 3), (2, 3),
    python=lambda m, x, h: rows(
        lambda t, h: (
            m[t][:, None] * np.tanh(x[t] + h) + (1 - m[t])[:, None] * h,
        ), 4, h,
    ),
)  # fmt: skip
def masked(m: Any, x: Any, h: Any) -> list[Variable]:
    def step(m: Any, x: Any, h: Any) -> Any:
        m = dimshuffle(m, [0, "x"])
        return m * tanh(x + h) + (1 - m) * h

    return [scan(step, [m, x], h)[0]]


def until_python(x: Any, h: Any) -> Arrays:
    kept = []
    for t in range(len(x)):
        h = h + np.tanh(x[t] * h) ** 2 + 0.3
        kept.append(h)
        if h.sum() > 4:
            break
    return [np.stack(kept), np.stack(kept) ** 2]


@loop("until", (9, 3), (3,), python=until_python)
def stopped(x: Any, h: Any) -> list[Variable]:
    def step(x: Any, h: Any) -> Any:
        h = h + tanh(x * h) ** 2 + 0.3
        return [h, h * h], until(h.sum() > 4)

    return scan(step, x, [h, None])[0]


@loop("until, last row", (9, 3), (3,), python=lambda *v: [until_python(*v)[0][-1]])
def stopped_last(x: Any, h: Any) -> list[Variable]:
    return [stopped(x, h)[0][-1]]


@loop(
    "until with taps",
    (2, 3),
    python=lambda h: [np.stack(until_taps_python(h))],
)  # fmt: skip
def stopped_taps(h: Any) -> list[Variable]:
    def step(h2: Any, h1: Any) -> Any:
        new = tanh(h2) * h1 + 0.7
        return new, until(new.sum() > 3)

    info = {"initial": h, "taps": [-2, -1]}
    return [scan(step, None, info, n_steps=7)[0]]


def until_taps_python(h: Any) -> Any:
    h = list(h)
    for _ in range(7):
        h.append(np.tanh(h[-2]) * h[-1] + 0.7)
        if h[-1].sum() > 3:
            break
    return h[2:]


def nested_python(x: Any, w: Any, h: Any) -> Arrays:
    def step(t: int, h: Any) -> Any:
        inner = rows(lambda s, k: (np.tanh(k @ w + x[t] * h),), 3, h)[0]
        return (inner[-1] + inner[0],)

    return rows(step, len(x), h)


@loop("nested", (3, 2), (2, 2), (2,), python=nested_python)
def nested(x: Any, w: Any, h: Any) -> list[Variable]:
    def step(x: Any, h: Any) -> Any:
        inner, _ = scan(lambda k: tanh(dot(k, w) + x * h), None, h, n_steps=3)
        return inner[-1] + inner[0]

    return [scan(step, x, h)[0]]


@loop(
    "nested over sequences",
    (3, 4, 2), (2,),
    python=lambda x, h: rows(
        lambda t, h: (rows(lambda s, k: (np.tanh(k * x[t, s]),), 4, h)[0].sum(0),), 3, h
    ),
)  # fmt: skip
def nested_rows(x: Any, h: Any) -> list[Variable]:
    def step(x: Any, h: Any) -> Any:
        return scan(lambda x, k: tanh(k * x), x, h)[0].sum(axis=0)

    return [scan(step, x, h)[0]]


@loop(
    "shared variable updated in the step",
    (4, 3),
    python=lambda x: [
        np.tanh(x) * np.arange(1, 5)[:, None],
        np.float64(5),
    ],
)  # fmt: skip
def updated(x: Any) -> list[Variable]:
    s = SharedVariable(TensorType("float64"), np.array(1.0), "s")
    out, updates = scan(lambda x: (tanh(x) * s, {s: s + 1}), x)
    return [out, updates[s]]


@loop(
    "a state that reads an updated shared variable",
    (4,), (),
    python=lambda x, a: _shared_python(x, a),
)  # fmt: skip
def updated_state(x: Any, a: Any) -> list[Variable]:
    s = SharedVariable(TensorType("float64"), np.array(0.5), "s")
    out, updates = scan(lambda x, h: (tanh(h * s + x), {s: s * a + h}), x, a)
    return [out, updates[s]]


def _shared_python(x: Any, a: Any) -> Arrays:
    h, s, kept = a, 0.5, []
    for row in x:
        h, s = np.tanh(h * s + row), s * a + h
        kept.append(h)
    return [np.stack(kept), np.asarray(s)]


for T in (0, 3):

    @loop(
        f"reduce T={T}",
        (T, 3), (3,),
        python=lambda x, h: [rnn_free(x, h)[0][-1] if len(x) else h],
    )  # fmt: skip
    def reduced(x: Any, h: Any) -> list[Variable]:
        return [reduce(lambda x, h: tanh(x + h), x, h)[0]]


@loop("foldl", (4, 3), (3,), python=lambda x, h: [rnn_free(x, h)[0][-1]])
def left(x: Any, h: Any) -> list[Variable]:
    return [foldl(lambda x, h: tanh(x + h), x, h)[0]]


@loop("foldr", (4, 3), (3,), python=lambda x, h: [rnn_free(x[::-1], h)[0][-1]])
def right(x: Any, h: Any) -> list[Variable]:
    return [foldr(lambda x, h: tanh(x + h), x, h)[0]]


@loop("map T=0", (0, 3), python=lambda x: [np.tanh(x)])
def mapped_nothing(x: Any) -> list[Variable]:
    return [map(tanh, x)[0]]


@loop("an output that no input reaches", (3,), (3,), python=lambda x, h: [
    np.stack([h] * 3), np.stack([h * 2] * 3), x + 0,
])  # fmt: skip
def unreached(x: Any, h: Any) -> list[Variable]:
    return scan(lambda x: [h, h * 2, x], x)[0]


@loop("a state returned as it is", (3,), (2,), python=lambda x, h: [np.stack([h] * 3)])
def unchanged(x: Any, h: Any) -> list[Variable]:
    return [scan(lambda x, h: h, x, h)[0]]


@loop(
    "checkpoint_every=3, T=7",
    (7, 2, 3), (2, 3), (3, 3),
    python=rnn_python,
)  # fmt: skip
def checkpointed(x: Any, h: Any, w: Any) -> list[Variable]:
    return [scan(lambda x, h, w: tanh(x + dot(h, w)), x, h, w, checkpoint_every=3)[0]]


for T, K in ((0, 3), (1, 3), (3, 3), (6, 2), (5, 9)):

    @loop(
        f"checkpoint_every={K}, T={T}, two taps, mapped",
        (T, 3), (2, 3), (3,),
        python=lambda x, h, a: _two_python(x, h, a),
    )  # fmt: skip
    def checkpointed_taps(x: Any, h: Any, a: Any, K: int = K) -> list[Variable]:
        def step(x: Any, h2: Any, h1: Any) -> Any:
            new = tanh(x + a * h2) + h1
            return [new, tanh(new) * a]

        info = [{"initial": h, "taps": [-2, -1]}, None]
        return scan(step, x, info, checkpoint_every=K)[0]


def _two_python(x: Any, h: Any, a: Any) -> Arrays:
    h, mapped = list(h), []
    for row in x:
        h.append(np.tanh(row + a * h[-2]) + h[-1])
        mapped.append(np.tanh(h[-1]) * a)
    if not mapped:
        return [np.zeros((0, 3)), np.zeros((0, 3))]
    return [np.stack(h[2:]), np.stack(mapped)]
