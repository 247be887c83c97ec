"""Workers that add up their gradients take the step of one that sees all the data."""

import threading

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.errors import UsageError


class Group:
    """Workers in threads; each has a communicator that waits for the others."""

    def __init__(self, size):
        self.size, self.given = size, [None] * size
        self.barrier = threading.Barrier(size, timeout=20)

    def run(self, works):
        """What each worker's function returns."""
        made = [None] * self.size

        def one(rank):
            made[rank] = works[rank]()

        threads = [threading.Thread(target=one, args=(k,)) for k in range(self.size)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return made


class Comm:
    """As much of a communicator of mpi4py as there has to be."""

    def __init__(self, group, rank):
        self.group, self.rank = group, rank

    def Allreduce(self, sendbuf, recvbuf):
        self.group.given[self.rank] = np.array(sendbuf)
        self.group.barrier.wait()
        recvbuf[...] = sum(self.group.given)
        self.group.barrier.wait()


class Counted(Comm):
    def Get_size(self):
        return self.group.size


def step(comm, x, y, target):
    """What does a gradient step of linear regression and gives the weights after it."""
    w = ss.shared(np.ones(x.shape[1]), "w")
    a, b = T.dmatrix("a"), T.dvector("b")
    cost = T.sqr(T.dot(a, w) - b).mean()
    g = T.grad(cost, w)
    if comm is not None:
        g = ss.all_reduce(g, "mean", comm=comm)
    f = ss.function([a, b], cost, updates=[(w, w - 0.1 * g)], target=target)

    def run():
        f(x, y)
        return w.get_value()

    return run


@pytest.mark.parametrize("target", ["reference", "numpy", "numba"])
@pytest.mark.parametrize("kind", [Comm, Counted])
def test_a_step_on_parts_is_a_step_on_all(target, kind):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=8)
    group = Group(2)
    works = [step(kind(group, k), x[k::2], y[k::2], target) for k in range(2)]
    wanted = step(None, x, y, target)()
    for w in group.run(works):
        np.testing.assert_allclose(w, wanted, rtol=1e-12)


def alone(x):
    return 3 * x  # three workers that hold the same


def test_a_function_may_be_the_communicator():
    x = T.fvector("x")
    both = [ss.all_reduce(x, comm=alone), ss.all_reduce(x, "mean", comm=alone)]
    total, mean = ss.function([x], both)(np.array([1, 2], "float32"))
    np.testing.assert_array_equal(total, [3, 6])
    np.testing.assert_array_equal(mean, [1, 2])
    assert total.dtype == mean.dtype == "float32"


@pytest.mark.parametrize("how", ["sum", "mean"])
def test_the_gradient_is_reduced_alike(how):
    x = T.dvector("x")
    g = T.grad((ss.all_reduce(x, how, comm=alone) ** 2).sum(), x)
    factor = 9 if how == "sum" else 1
    made = ss.function([x], g)(np.array([1.0, 2.0]))
    np.testing.assert_allclose(made, factor * np.array([2.0, 4.0]))


def test_a_constant_is_reduced_in_the_call_not_before():
    calls = []

    def comm(x):
        calls.append(x)
        return 2 * x

    f = ss.function([], ss.all_reduce(T.constant([1.0, 2.0]), comm=comm))
    assert not calls
    np.testing.assert_array_equal(f(), [2, 4])
    assert len(calls) == 1


def test_a_reduction_that_fails_leaves_the_weights():
    def broken(x):
        raise RuntimeError("a worker is gone")

    w = ss.shared(np.ones(2), "w")
    f = ss.function([], updates=[(w, w - ss.all_reduce(w, comm=broken))])
    with pytest.raises(RuntimeError, match="a worker is gone"):
        f()
    np.testing.assert_array_equal(w.get_value(), [1, 1])


@pytest.mark.parametrize(
    ("x", "how", "comm", "text"),
    [
        (T.dvector("x"), "max", alone, "sum"),
        (T.lvector("x"), "mean", alone, "of floats"),
        (T.dvector("x"), "sum", 3, "Allreduce"),
    ],
)
def test_what_is_refused(x, how, comm, text):
    with pytest.raises(UsageError, match=text):
        ss.all_reduce(x, how, comm=comm)
