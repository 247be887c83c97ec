"""report(shapes) predicts what a call then needs."""

import tracemalloc

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.errors import ShapeError, UsageError


def layer():
    x, u, n = T.dtensor3("x"), T.dmatrix("u"), T.lscalar("n")

    def step(x_t, h, u):
        return T.tanh(x_t + T.dot(h, u))

    h, _ = ss.scan(step, x, x[0], u)
    w = ss.shared(np.zeros((5, 4)), "w")
    gradients = T.grad((h**2).sum(), [x, u])
    counts = T.cumsum(T.alloc(w.sum(), n))
    return ss.function([x, u, n], [*gradients, counts], updates={w: w + 1})


@pytest.mark.parametrize("steps", [1, 7, 100])
def test_the_arena_is_as_predicted(steps):
    f = layer()
    shapes = (steps, 3, 4), (4, 4)
    said = f.plan.forecast(*shapes, n=6)
    assert not f.plan.bindings  # nothing ran
    x, u = (np.ones(shape) * 0.1 for shape in shapes)
    made = f(x, u, 6)
    (binding,) = f.plan.bindings.values()
    assert said.arena == binding.nbytes
    assert said.outputs == sum(array.nbytes for array in made)
    assert said.inputs == x.nbytes + u.nbytes + 8
    assert said.shared == 5 * 4 * 8
    arrays = said.arena + said.inputs + said.outputs + said.shared
    assert said.peak == arrays + said.views


@pytest.mark.parametrize("steps", [200, 70_000])
def test_the_views_of_steps_count_while_they_are_kept(steps):
    f = layer()
    x, u = np.ones((steps, 3, 4)) * 0.1, np.ones((4, 4)) * 0.1
    f(x[:2], u, 6)
    f.plan.bindings.clear()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        f(x, u, 6)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    said = f.plan.forecast(x.shape, u.shape, n=6)
    (binding,) = f.plan.bindings.values()
    grown = after - before - binding.nbytes - said.inputs
    assert abs(grown - said.views) < 0.1 * grown + 50_000
    assert (said.views > 100_000) == (steps == 200)


def test_the_report_lists_buffers_with_the_user_s_line():
    text = layer().plan.report((10, 3, 4), u=(4, 4), n=2)
    assert "peak: " in text
    assert "born" in text and "dies" in text
    assert "test_forecast.py" in text
    assert "peak" not in layer().plan.report()


def test_borrowed_outputs_count():
    x = T.dvector("x")
    f = ss.function([x], ss.Out(T.tanh(x) + 1, borrow=True))
    assert f.plan.forecast((1000,)).arena >= 8000


@pytest.mark.parametrize(
    ("given", "named", "message"),
    [
        (((3,),), {}, "rank 3"),
        (((3, 4, 4),), {}, "needs the shape of input u"),
        (((3, 4, 4), (4, 4)), {"v": (1,)}, "no input named 'v'"),
        (((3, 4, 4),), {"x": (3, 4, 4)}, "x is given twice.*once"),
        (({"x": (3, 4, 4)},), {}, "x must be 3 whole numbers.*got {.*hint"),
        (((-1, 3, 3),), {}, r"x must be 3 .* from 0 on; got \(-1, 3, 3\)"),
        ((("a", 3, 3),), {}, r"must be 3 whole numbers .*\('a', 3, 3\)"),
        (((4.5, 3, 3),), {}, r"must be 3 whole numbers .*\(4.5, 3, 3\)"),
        (((1, 1, 1),) * 9, {}, "has 3 inputs; got 9"),
        (((3, 4, 4), (4, 5)), {"n": 1}, "equal"),
    ],
)
def test_shapes_that_do_not_fit(given, named, message):
    with pytest.raises((UsageError, ShapeError), match=f"(?s){message}"):
        layer().plan.report(*given, **named)
