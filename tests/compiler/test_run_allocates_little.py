"""`run` allocates under 256 kB beyond its outputs, the same for T = 10 and T = 1000."""

import signal
import tracemalloc

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.pipeline import uninterrupted

BOUND = 256_000


def rnn_gradient():
    x, u = T.dtensor3("x"), T.dmatrix("u")

    def step(x_t, h, u):
        z = x_t + T.dot(h, u)
        return T.concatenate([T.tanh(z[:, :4]), T.nnet.sigmoid(z[:, 4:])], axis=1)

    h, _ = ss.scan(step, x, x[0], u)
    return ss.function([x, u], T.grad((h**2).sum(), [x, u]))


def peak_of(run):
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def classifier():
    """Masks, gathers, softmax, scatters: what a NumPy program would allocate for."""
    ids, labels = T.lmatrix("ids"), T.lmatrix("labels")
    table = ss.shared(np.full((50, 8), 0.1), "table")
    u = ss.shared(np.eye(8) * 0.1, "u")
    x = table[ids]

    def step(x_t, h):
        new = T.nnet.softmax(x_t + T.dot(h, u))
        return T.switch(new > h, new, h * 0.5)

    h, _ = ss.scan(step, x, x[0] * 0)
    rows, columns = T.arange(h.shape[0]), T.arange(h.shape[1])
    log_p = T.log(h + 1)
    picked = log_p[rows.dimshuffle(0, "x"), columns.dimshuffle("x", 0), labels]
    cost = -picked.mean() - T.nnet.logsoftmax(h[-1]).sum()
    updates = [(p, p - 0.1 * T.grad(cost, p)) for p in (table, u)]
    return ss.function([ids, labels], cost, updates=updates)


@pytest.mark.parametrize("steps", [10, 1000])
def test_gathers_masks_and_softmax_allocate_little(steps):
    f = classifier()
    rng = np.random.default_rng(0)
    f(rng.integers(0, 50, (steps, 2)), rng.integers(0, 8, (steps, 2)))
    (binding,) = f.plan.bindings.values()
    with np.errstate(all="ignore"):
        assert peak_of(binding.run) < BOUND
        assert peak_of(binding.update) < BOUND


@pytest.mark.parametrize("steps", [10, 1000])
def test_run_allocates_little(steps):
    f = rnn_gradient()
    f(np.ones((steps, 3, 8)) * 0.1, np.eye(8) * 0.1)
    (binding,) = f.plan.bindings.values()
    with np.errstate(all="ignore"):
        assert peak_of(binding.run) < BOUND


@pytest.fixture
def interruptible():
    """Ctrl-C raises here, also where whoever started the tests ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_waits_for_the_last_write():
    written = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        written.append(1)
    assert written


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_before_the_first_write_changes_nothing():
    w, x = ss.shared(1.0, "w"), T.dscalar("x")

    def interrupt(value):
        signal.raise_signal(signal.SIGINT)
        return value

    y = ss.op(numpy=interrupt, vjp=None)(x)
    f = ss.function([x], y, updates={w: w + 1})
    with pytest.raises(KeyboardInterrupt):
        f(2.0)
    assert w.get_value() == 1
    with pytest.raises(KeyboardInterrupt):
        f(2.0)


DRAWS_AND_ORDERS = {
    "binomial": lambda x, streams: x * streams.binomial(size=x.shape, p=0.5),
    "normal": lambda x, streams: x + streams.normal(size=x.shape),
    "cumsum": lambda x, streams: T.cumsum(x, axis=0),
    "sort": lambda x, streams: T.sort(x, axis=2),
}


@pytest.mark.parametrize("steps", [10, 1000])
@pytest.mark.parametrize("name", DRAWS_AND_ORDERS)
def test_draws_and_orders_allocate_little(name, steps):
    x = T.dtensor3("x")
    streams = ss.tensor.shared_randomstreams.RandomStreams(3)
    f = ss.function([x], DRAWS_AND_ORDERS[name](x, streams).sum())
    f(np.random.default_rng(0).normal(size=(steps, 16, 32)))
    (binding,) = f.plan.bindings.values()
    assert peak_of(binding.run) < BOUND
