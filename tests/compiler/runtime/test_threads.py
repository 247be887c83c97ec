"""How many threads BLAS gets: by a model of the products, or as set; restored after."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.runtime import threads
from symseq.errors import UsageError


class Pool:
    """A BLAS library that writes down how its threads are set."""

    def __init__(self, count):
        self.count, self.history = count, []

    def get_num_threads(self):
        return self.count

    def set_num_threads(self, count):
        self.count = count
        self.history.append(count)


@pytest.fixture
def pool(monkeypatch):
    made = Pool(8)
    monkeypatch.setattr(threads, "_pools", lambda: [made])
    monkeypatch.setattr(threads, "found_threads", lambda: 8)
    return made


def layer(steps):
    x, w = T.tensor3("x"), T.matrix("w")
    made, _ = ss.scan(
        lambda x_t, h: T.tanh(x_t + T.dot(h, w)), x, T.zeros_like(x[0]), n_steps=steps
    )
    return ss.function([x, w], made[-1])


def test_small_products_get_one_thread_and_big_ones_all():
    small, big = 16 * 64 * 64, 1024 * 1024 * 1024
    assert threads.best_threads([(100, small)], 8) == 1
    assert threads.best_threads([(1, big)], 8) == 8
    assert 1 < threads.best_threads([(100, 16 * 128 * 512)], 8) < 8
    # What counts is the whole: one big product among many small ones, or the reverse.
    assert threads.best_threads([(100, small), (1, big)], 8) == 8
    assert threads.best_threads([(10**6, 2**18), (1, 2**24)], 64) < 64


def test_products_are_counted_with_their_loops(pool):
    f = layer(5)
    f(np.ones((5, 3, 4), "float32"), np.ones((4, 4), "float32"))
    (binding,) = f.plan.bindings.values()
    assert binding.threads == 1
    assert "BLAS threads: 1" in f.plan.report()
    shapes = {v.name: (3, 4) for v in f.plan.program.values}
    trips = {loop.name: 5 for loop in f.plan.loops}
    found = list(threads.multiply_adds(f.plan.program.steps, shapes.__getitem__, trips))
    assert found == [(5, 3 * 4 * 4)]


def test_the_threads_come_back_even_where_the_call_fails(pool):
    x, w, ids = T.matrix("x"), T.matrix("w"), T.ivector("ids")
    f = ss.function([x, w, ids], T.dot(x, w)[ids])
    ones = np.ones((3, 3), "float32")
    f(ones, ones, [0])
    assert pool.history == [1, 8]
    with pytest.raises(IndexError):
        f(ones, ones, [7])
    assert pool.history == [1, 8] * 2


def test_the_setting_overrules_the_model(pool, monkeypatch):
    monkeypatch.setattr(ss.config, "blas_threads", 3)
    f = layer(2)
    f(np.ones((2, 3, 4), "float32"), np.ones((4, 4), "float32"))
    assert pool.history == [3, 8]
    assert "BLAS threads: 3" in f.plan.report()
    monkeypatch.setattr(ss.config, "blas_threads", 5)  # bound already, heeded still
    f(np.ones((2, 3, 4), "float32"), np.ones((4, 4), "float32"))
    assert pool.history == [3, 8, 5, 8]


def test_without_products_blas_is_left_alone(pool):
    x = T.vector("x")
    ss.function([x], x + 1)([1.0])
    assert pool.history == []


def test_the_setting_is_a_count():
    with pytest.raises(UsageError, match="number of threads"):
        ss.config.blas_threads = "many"
