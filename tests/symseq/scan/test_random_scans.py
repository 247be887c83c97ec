"""Random loops: their gradients equal central differences of their values."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symseq.ops.methods  # noqa: F401
from symseq.compiler.autodiff.reverse import differentiate
from symseq.compiler.reference import Evaluator
from symseq.ops.convert import constant
from symseq.ops.math import sigmoid, tanh
from symseq.ops.products import dot
from symseq.scan.frontend import scan
from symseq.scan.merge import merge_scans
from symseq.types import TensorType

ONE = constant(1.0, "float64")
MATRIX = TensorType("float64", (None, None))


MIXES = [
    lambda a, b: tanh(a + b),
    lambda a, b: a * b,
    lambda a, b: sigmoid(a) * b,
    lambda a, b: a - b[::-1],
    lambda a, b: a * b.sum(),
    lambda a, b: tanh(a)[0] + b * 0.5,
]


def mixed(draw, pool, count):
    """Some values computed from a pool of vectors, each of which may be used again."""
    pool = list(pool)
    for _ in range(count):
        a, b = (pool[draw(st.integers(0, len(pool) - 1))] for _ in range(2))
        made = draw(st.sampled_from(MIXES))(a, b)
        pool.append(tanh(made))
    return pool[-1]


@st.composite
def programs(draw):
    """(inputs, outputs): states with taps, a mapped output, perhaps an inner loop."""
    x, h, w = MATRIX("x"), MATRIX("h"), MATRIX("w")
    states = draw(st.integers(1, 2))
    taps = [
        draw(
            st.lists(st.sampled_from([-3, -2, -1]), min_size=1, max_size=2, unique=True)
        )
        for _ in range(states)
    ]
    infos = [
        {"initial": h[k : k + 3], "taps": sorted(t)} if t != [-1] else h[k]
        for k, t in enumerate(taps)
    ]
    inner_taps = draw(st.sampled_from([[0], [0, -1], [1, 0]]))
    nested = draw(st.booleans())

    def step(*values):
        pool = [*values, dot(values[-1], w)]
        if nested:
            start = mixed(draw, pool, 1)
            captured = mixed(draw, pool, 1)
            inner, _ = scan(
                lambda v, k: tanh(v * k + captured),
                w,
                start,
                go_backwards=draw(st.booleans()),
            )
            pool.append(inner[draw(st.sampled_from([-1, 0]))])
        return [mixed(draw, pool, draw(st.integers(1, 3))) for _ in range(states + 1)]

    outputs, _ = scan(
        step,
        {"input": x, "taps": inner_taps},
        [*infos, None],
        go_backwards=draw(st.booleans()),
        checkpoint_every=draw(st.sampled_from([None, None, 2])),
    )
    picks = [draw(st.sampled_from([slice(None), -1, slice(1, 3)])) for _ in outputs]
    return [x, h, w], [o[p] for o, p in zip(outputs, picks, strict=True)]


def weigh(variables, weights):
    """Σ v · w over the variables that there are."""
    total = constant(0.0, "float64")
    for v, weight in zip(variables, weights, strict=True):
        if v is not None:
            total = total + (v * constant(weight)).sum()
    return total


@settings(
    max_examples=20, deadline=None, suppress_health_check=list(HealthCheck),
    derandomize=True,
)  # fmt: skip
@given(programs(), st.integers(0, 2**31), st.integers(2, 5))
def test_gradients_of_random_loops(program, seed, steps):
    inputs, outputs = program
    rng = np.random.default_rng(seed)
    shapes = [(steps + 1, 3), (5, 3), (3, 3)]
    values = [rng.normal(size=s) * 0.8 for s in shapes]
    run = Evaluator()
    made = run(outputs, inputs, values)
    weights = [rng.normal(size=a.shape) for a in made]
    cost = weigh(outputs, weights)
    directions = [rng.normal(size=s) for s in shapes]
    slope = weigh(differentiate([cost], [ONE], inputs), directions)
    curve = weigh(differentiate([slope], [ONE], inputs), directions)
    ends = []
    for move in (1e-5, -1e-5):
        moved = [v + move * d for v, d in zip(values, directions, strict=True)]
        ends.append(run([cost, slope], inputs, moved))
    wanted = [(a - b) / 2e-5 for a, b in zip(*ends, strict=True)]
    got = run(merge_scans([slope, curve]), inputs, values)
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)
