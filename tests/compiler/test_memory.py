"""Living buffers never overlap."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import symseq as ss
import symseq.tensor as T
from symseq.compiler.function import function
from symseq.compiler.memory import ALIGNMENT, Storage, layout_of, place
from symseq.ops.math import tanh
from symseq.ops.products import dot
from symseq.variables import dvector

BLOCK = st.tuples(st.integers(0, 30), st.integers(0, 12), st.integers(0, 5000))


@settings(max_examples=200, deadline=None)
@given(st.lists(BLOCK, max_size=25))
def test_living_blocks_never_overlap(blocks):
    storages = [Storage(None, born, born + lives) for born, lives, _ in blocks]
    sizes = [size for *_, size in blocks]
    offsets, top = place(layout_of(storages), sizes)
    for k, a in enumerate(storages):
        assert offsets[k] % ALIGNMENT == 0
        assert offsets[k] + sizes[k] <= top
        for j, b in enumerate(storages):
            together = j != k and b.born <= a.dies and a.born <= b.dies
            if together and sizes[j] and sizes[k]:
                apart = offsets[k] + sizes[k] <= offsets[j]
                assert apart or offsets[j] + sizes[j] <= offsets[k]


def test_nothing_lies_over_an_output_that_the_last_step_reads():
    a = dvector("a")
    early = tanh(a)
    late = dot(early, early) * early  # the last step: early is still to be returned
    f = function([a], [late, early])
    for _ in range(2):
        np.testing.assert_allclose(f(np.array([2.0, 3.0]))[1], np.tanh([2.0, 3.0]))


def test_updates_leave_borrowed_outputs_alone():
    x, w = T.dvector("x"), ss.shared(np.zeros(50), "w")
    y = T.tanh(x)
    new = T.exp(w + T.sin(y * 2))
    f = ss.function([x], ss.Out(y, borrow=True), updates={w: new})
    values = np.linspace(-1, 1, 50)
    for _ in range(2):
        np.testing.assert_allclose(f(values), np.tanh(values))


def test_memory_follows_what_lives():
    """A chain needs two buffers, and its gradient's residuals die one by one."""
    x = T.dvector("x")
    y = x
    for _ in range(40):
        y = T.sin(T.cumsum(y))
    f = ss.function([x], y)
    f(np.ones(1000))
    (binding,) = f.plan.bindings.values()
    assert binding.nbytes <= 3 * 8064
