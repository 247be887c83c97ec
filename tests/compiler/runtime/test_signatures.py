"""A call binds anew only where something else decides its lengths."""

import numpy as np

import symseq as ss
import symseq.tensor as T


def test_one_signature_binds_once_and_others_anew():
    x = T.dmatrix("x")
    f = ss.function([x], x.sum(axis=0))
    for n in (3, 4, 3, 3):
        np.testing.assert_array_equal(f(np.ones((n, 2))), [n, n])
    assert len(f.plan.bindings) == 2


def test_a_value_that_decides_no_length_never_binds_again():
    data, i = ss.shared(np.arange(12.0), "data"), T.lscalar("i")
    f = ss.function([i], data[i * 3 : (i + 1) * 3] * 2)
    for k in range(4):
        np.testing.assert_array_equal(f(k), 2 * np.arange(k * 3, k * 3 + 3))
    assert len(f.plan.bindings) == 1
    assert f(4).shape == (0,)
    assert len(f.plan.bindings) == 2


def test_a_value_that_decides_a_length_binds_anew():
    n = T.lscalar("n")
    f = ss.function([n], T.arange(n) * 2)
    for k in (3, 0, 1, 3):
        np.testing.assert_array_equal(f(k), 2 * np.arange(k))
    assert len(f.plan.bindings) == 3


def test_bindings_are_kept_in_a_small_cache_over_one_arena():
    x = T.dvector("x")
    f = ss.function([x], T.exp(x) + 1)
    for n in range(1, 80):
        np.testing.assert_allclose(f(np.zeros(n)), np.full(n, 2.0))
    assert len(f.plan.bindings) <= 64
