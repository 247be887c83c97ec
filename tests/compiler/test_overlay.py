"""What a loop reads for the last time lies where the loop writes its own rows."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.program import View, walk
from symseq.compiler.runtime import targets

H = 3


def lstm(**options):
    x, G = (T.dtensor3(name, shape=(*ss.dims("T B"), H)) for name in "xG")
    U, W = (T.dmatrix(name, shape=(H, 4 * H)) for name in "UW")

    def step(x_t, h, c):
        z = T.dot(x_t, W) + T.dot(h, U)
        i, f, g, o = (z[:, k * H : (k + 1) * H] for k in range(4))
        c_new = T.nnet.sigmoid(f) * c + T.nnet.sigmoid(i) * T.tanh(g)
        return [T.nnet.sigmoid(o) * T.tanh(c_new), c_new]

    start = T.zeros((x.shape[1], H), dtype="float64")
    (h, _), _ = ss.scan(step, x, [start, start], name="lstm", **options)
    inputs, cost = [x, G, U, W], (G * h).sum()
    return inputs, [cost, *T.grad(cost, [x, U, W])]


def gru(**options):
    x, G = (T.dtensor3(name, shape=(*ss.dims("T B"), H)) for name in "xG")
    U, W = (T.dmatrix(name, shape=(H, 4 * H)) for name in "UW")

    def step(x_t, h):
        x_t, p = T.dot(x_t, W), T.dot(h, U)
        z = T.nnet.sigmoid(x_t[:, :H] + p[:, :H])
        r = T.nnet.sigmoid(x_t[:, H : 2 * H] + p[:, H : 2 * H])
        new = T.tanh(x_t[:, 2 * H : 3 * H] + r * p[:, 2 * H : 3 * H])
        return z * h + (1 - z) * new

    start = T.zeros((x.shape[1], H), dtype="float64")
    h, _ = ss.scan(step, x, start, name="gru", **options)
    cost = (G * h).sum()
    return [x, G, U, W], [cost, *T.grad(cost, [x, U, W])]


def rnn(**options):
    x, G = (T.dtensor3(name, shape=(*ss.dims("T B"), H)) for name in "xG")
    U, W = (T.dmatrix(name, shape=(H, 4 * H)) for name in "UW")
    start, M = T.zeros((x.shape[1], H), dtype="float64"), T.dot(U, W.T)
    h, _ = ss.scan(lambda x_t, h: T.tanh(x_t + T.dot(h, M)), x, start, **options)
    return [x, G, U, W], T.grad((G * T.exp(h)).sum(), [x, U, W])


def chain(**options):
    """What is read row by row lies in what is written row by row, whole."""
    x, G = (T.dtensor3(name, shape=(*ss.dims("T B"), H)) for name in "xG")
    U, W = (T.dmatrix(name, shape=(H, 4 * H)) for name in "UW")
    M = T.dot(U, W.T)

    def step(s_t, c):
        y = s_t * T.tanh(c)
        return T.dot(y, M), y

    (_, y), _ = ss.scan(step, T.exp(x), [G[0], None], **options)
    return [x, G, U, W], [y.min(axis=0), y.max()]


def laid(f):
    """The names of stacks that are views of others: no node of the graph made them."""
    steps = walk(f.plan.program.steps)
    return [s.out.name for s in steps if isinstance(s, View) and s.node is None]


def arrays(steps):
    rng = np.random.default_rng(steps)
    rows = [rng.normal(size=(steps, 2, H)) for _ in range(2)]
    return [*rows, *(rng.normal(size=(H, 4 * H)) for _ in range(2))]


def arena(f):
    return list(f.plan.bindings.values())[-1].nbytes


@pytest.mark.parametrize(
    ("make", "target", "least"),
    [(gru, "numpy", 0), (gru, "numba", 0), (lstm, "numpy", 0), (lstm, "numba", 4),
     (chain, "numpy", 1), (chain, "numba", 1), (rnn, "numpy", 0), (rnn, "numba", 0)],
)  # fmt: skip
@pytest.mark.parametrize("options", [{}, {"go_backwards": True}])
def test_a_gradient_s_rows_lie_over_what_it_reads(make, target, least, options):
    inputs, outputs = make(**options)
    f = ss.function(inputs, outputs, target=target)
    oracle = ss.function(inputs, outputs, target="reference")
    assert len(laid(f)) >= least
    for steps in (1, 2, 7):
        for _ in range(2):
            given = arrays(steps)
            for made, wanted in zip(f(*given), oracle(*given), strict=True):
                np.testing.assert_allclose(made, wanted, 1e-10, 1e-12)
        said = f.plan.forecast(*[array.shape for array in given])
        assert said.arena == arena(f)


@pytest.mark.parametrize(("make", "target"), [(chain, "numpy"), (chain, "numba")])
def test_less_memory_is_needed(make, target, monkeypatch):
    inputs, outputs = make()
    given = arrays(50)
    f = ss.function(inputs, outputs, target=target)
    made = f(*given)
    monkeypatch.setattr(targets, "overlay", lambda program, *_: program)
    plain = ss.function(inputs, outputs, target=target)
    for one, wanted in zip(made, plain(*given), strict=True):
        np.testing.assert_allclose(one, wanted, 1e-12)
    assert arena(f) < 0.6 * arena(plain)


def test_what_is_read_after_the_loop_stays():
    """All residuals are outputs too: nothing may be written over them."""
    x = T.dmatrix("x")
    h, _ = ss.scan(lambda x_t, h: T.tanh(x_t * h), x, T.ones_like(x[0]))
    g = T.grad(h.sum(), x)
    f = ss.function([x], [h, 1 - h * h, g])
    oracle = ss.function([x], [h, 1 - h * h, g], target="reference")
    given = np.random.default_rng(0).normal(size=(6, 4))
    for _ in range(2):
        for made, wanted in zip(f(given), oracle(given), strict=True):
            np.testing.assert_allclose(made, wanted, 1e-10)


def test_a_row_that_is_read_after_the_write_stays():
    """Step t writes y[t] and reads s[t] behind it: s may not lie in y."""
    x, c = T.dmatrix("x"), T.dvector("c")
    s, _ = ss.map(lambda row: T.exp(T.dot(row, row)) * row, x)

    def step(s_t, h):
        y = h * 2
        return y + T.dot(y, s_t) * s_t, y

    (h, y), _ = ss.scan(step, s, [c, None])
    f = ss.function([x, c], [h, y])
    oracle = ss.function([x, c], [h, y], target="reference")
    given = np.full((5, 3), 0.1), np.ones(3)
    for made, wanted in zip(f(*given), oracle(*given), strict=True):
        np.testing.assert_allclose(made, wanted, 1e-10)


def test_a_saved_plan_gives_the_same_numbers(tmp_path):
    inputs, outputs = chain()
    f = ss.function(inputs, outputs)
    assert laid(f)
    given = arrays(5)
    wanted = f(*given)
    f.plan.save(tmp_path / "step.py")
    scope = {"__file__": str(tmp_path / "step.py"), "__name__": "step"}
    exec((tmp_path / "step.py").read_text(), scope)
    for made, expected in zip(scope["step"](*given), wanted, strict=True):
        np.testing.assert_array_equal(made, expected)
