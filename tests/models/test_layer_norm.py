"""Layer normalisation against its equation, and what it gives for equal elements."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.models import LayerNorm


@pytest.mark.parametrize("shape", [(2, 5), (3, 2, 5), (0, 5)])
def test_rows_are_normalised_scaled_and_shifted(shape):
    rng = np.random.default_rng(0)
    norm = LayerNorm(5, rng=rng, epsilon=1e-3)
    alpha, beta = rng.standard_normal((2, 5)).astype("float32")
    norm.alpha.set_value(alpha)
    norm.beta.set_value(beta)
    x = T.TensorType("float32", (None,) * len(shape))("x")
    value = rng.standard_normal(shape).astype("float32")
    μ, σ2 = value.mean(-1, keepdims=True), value.var(-1, keepdims=True)
    wanted = alpha * (value - μ) / np.sqrt(σ2 + 1e-3) + beta
    got = ss.function([x], norm(x))(value)
    assert got.dtype == "float32"
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


def test_equal_elements_give_beta_and_finite_gradients():
    norm = LayerNorm(3, rng=np.random.default_rng(0))
    x = T.fmatrix("x")
    y = norm(x)
    f = ss.function([x], [y, ss.grad((y * y).sum() + y[0, 0], x)])
    for value in f(np.full((2, 3), 7.0, "float32")):
        assert np.isfinite(value).all()


def test_it_equals_pytorchs():
    torch = pytest.importorskip("torch")
    x, norm = T.fmatrix("x"), LayerNorm(6, rng=np.random.default_rng(0))
    value = np.random.default_rng(1).standard_normal((4, 6)).astype("float32")
    theirs = torch.nn.LayerNorm(6)(torch.tensor(value)).detach().numpy()
    got = ss.function([x], norm(x))(value)
    np.testing.assert_allclose(got, theirs, rtol=1e-5, atol=1e-6)
