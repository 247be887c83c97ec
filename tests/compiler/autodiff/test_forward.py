import numpy as np
import pytest

import symseq.tensor as T
from symseq.compiler.autodiff.forward import Lop, Rop
from symseq.compiler.autodiff.gradient import grad
from symseq.compiler.autodiff.jacobian import (
    hessian,
    hessian_vector_product,
    jacobian,
)
from symseq.compiler.autodiff.verify import GradientError, verify_grad
from symseq.compiler.reference import evaluate
from symseq.errors import DisconnectedInputError, UsageError
from symseq.ops.custom import op
from symseq.variables import dmatrix, dscalar, dvector

W = np.array([[0.3, -0.7], [1.1, 0.4], [-0.2, 0.9]])
X = np.array([0.5, -1.2])
P = np.array([0.7, 0.2])


def layer():
    w, x = dmatrix("w"), dvector("x")
    return w, x, T.tanh(T.dot(w, x))


def run(outputs, inputs, values):
    return evaluate(outputs, inputs, [np.asarray(v) for v in values])


def numeric_jacobian(f, x, step=1e-6):
    columns = []
    for k in range(x.size):
        moved = np.zeros_like(x).ravel()
        moved[k] = step
        moved = moved.reshape(x.shape)
        columns.append((f(x + moved) - f(x - moved)) / (2 * step))
    return np.stack(columns, axis=-1).reshape(*columns[0].shape, *x.shape)


def test_jacobian_against_differences():
    w, x, y = layer()
    jw, jx = run(jacobian(y, [w, x]), [w, x], [W, X])
    np.testing.assert_allclose(jx, numeric_jacobian(lambda v: np.tanh(W @ v), X), 1e-6)
    wanted = numeric_jacobian(lambda m: np.tanh(m @ X), W)
    np.testing.assert_allclose(jw, wanted, 1e-6, 1e-9)


def test_lop_and_rop_are_products_with_the_jacobian():
    w, x, y = layer()
    u = np.array([1.0, -2.0, 0.5])
    j, left, right = run([jacobian(y, x), Lop(y, x, u), Rop(y, x, P)], [w, x], [W, X])
    np.testing.assert_allclose(left, u @ j, 1e-12)
    np.testing.assert_allclose(right, j @ P, 1e-12)


def test_rop_over_lists_adds_up():
    w, x, y = layer()
    both, alone_w, alone_x, other = run(
        [
            Rop(y, [w, x], [W * 2, P]),
            Rop(y, w, W * 2),
            Rop(y, x, P),
            Rop([y, w * 3], [w, x], [W, P])[1],
        ],
        [w, x],
        [W, X],
    )
    np.testing.assert_allclose(both, alone_w + alone_x, 1e-12)
    np.testing.assert_allclose(other, W * 3, 1e-12)


def test_rop_of_what_does_not_depend_is_zero():
    w, x, y = layer()
    (found,) = run([Rop([y, x * 2], w, W)[1]], [w, x], [W, X])
    np.testing.assert_array_equal(found, [0, 0])


def test_rop_of_a_sum_reads_no_dummy():
    x = dvector("x")
    (found,) = run([Rop(x.sum(), x, P)], [x], [X])
    np.testing.assert_allclose(found, P.sum())


def test_points_must_fit():
    w, x, y = layer()
    with pytest.raises(UsageError, match="one eval_point per"):
        Rop(y, [w, x], [P])
    with pytest.raises(UsageError, match="rank"):
        Lop(y, x, W)
    with pytest.raises(DisconnectedInputError):
        Lop(x * 2, w, P)


def test_hessian_and_product():
    x = dvector("x")
    cost = (x[0] ** 2 * x[1] + T.sin(x[1])).sum()
    h, p = run([hessian(cost, x), hessian_vector_product(cost, x, P)], [x], [X])
    a, b = X
    wanted = np.array([[2 * b, 2 * a], [2 * a, -np.sin(b)]])
    np.testing.assert_allclose(h, wanted, 1e-12)
    np.testing.assert_allclose(p, wanted @ P, 1e-12)


def test_hessian_of_a_linear_cost_is_zero():
    x = dvector("x")
    (found,) = run([hessian(x.sum(), x)], [x], [X])
    np.testing.assert_array_equal(found, np.zeros((2, 2)))


def test_hessian_vector_product_over_a_list_crosses():
    x, y = dvector("x"), dvector("y")
    cost = (x * y).sum()
    hx, hy = run(hessian_vector_product(cost, [x, y], [P, P * 0]), [x, y], [X, X])
    np.testing.assert_array_equal(hx, [0, 0])
    np.testing.assert_allclose(hy, P)


def test_jacobian_of_a_matrix_and_of_a_scalar():
    w, x, _ = layer()
    (found,) = run([jacobian(w * x, x)], [w, x], [W, X])
    assert found.shape == (3, 2, 2)
    np.testing.assert_allclose(found[1], np.diag(W[1]))
    (found,) = run([jacobian(x.sum(), x)], [x], [X])
    np.testing.assert_array_equal(found, [1, 1])


def test_jacobian_of_an_empty_vector():
    x = dvector("x")
    (found,) = run([jacobian(x[:0] * 2, x)], [x], [X])
    assert found.shape == (0, 2)


def test_jacobian_twice():
    x = dvector("x")
    (found,) = run([jacobian(jacobian(x**3, x), x)], [x], [X])
    wanted = np.zeros((2, 2, 2))
    wanted[0, 0, 0], wanted[1, 1, 1] = 6 * X
    np.testing.assert_allclose(found, wanted, 1e-12)


def test_jacobian_reports_a_broken_path():
    x, y = dvector("x"), dvector("y")
    with pytest.raises(DisconnectedInputError):
        jacobian(x * 2, y)


def test_verify_grad_catches_a_wrong_vjp():
    wrong = op(numpy=np.sin, vjp=lambda x, y, g: g * T.sin(x))
    with pytest.raises(GradientError, match="input 0"):
        verify_grad(lambda x: wrong(x), [X])
    right = op(numpy=np.sin, vjp=lambda x, y, g: g * T.cos(x))
    verify_grad(lambda x: right(x), [X])


def test_verify_grad_catches_nan():
    x = np.array([-1.0, 2.0])
    broken = op(numpy=np.square, vjp=lambda x, y, g: g * T.log(x))
    with pytest.raises(GradientError):
        verify_grad(lambda v: broken(v), [x])


def test_verify_grad_in_float32_and_of_nothing():
    verify_grad(lambda w, x: T.tanh(T.dot(w, x)), [W.astype("f4"), X.astype("f4")])
    verify_grad(lambda x: x * 2, [np.zeros((0,))])
    verify_grad(lambda x: x * 2, [np.array(3.0)])
    with pytest.raises(UsageError):
        verify_grad(lambda x: x, [np.array([1, 2])])


def test_gradient_of_a_jacobian_row_norm():
    def norm(x):
        y = T.tanh(x) * x[0]
        return (jacobian(y, x) ** 2).sum(axis=1)

    verify_grad(norm, [X], abs_tol=1e-5, rel_tol=1e-5)


def test_scalar_hessian():
    x = dscalar("x")
    (found,) = run([hessian(x**3, x)], [x], [2.0])
    assert found == 12
    assert grad(x**3, x).ndim == 0
