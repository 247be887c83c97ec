"""Values of elementwise functions against NumPy: edges, dtypes, promotion, lengths."""

import itertools
import math

import numpy as np
import pytest

import symseq.tensor as T
from symseq.compiler.autodiff.reverse import differentiate
from symseq.compiler.reference import evaluate
from symseq.config import config
from symseq.errors import DTypeError, ShapeError, UsageError
from symseq.graph import Constant, Variable
from symseq.lengths import dims
from symseq.ops import gradient_ops, special
from symseq.ops.lift import Lifted
from symseq.ops.math import fill
from symseq.types import TensorType

EDGES = np.array(
    [
        *(-np.inf, -1e3, -2.5, -1.5, -1.0, -0.5, -0.0, 0.0, 0.49999999999999994),
        *(0.5, 1.0, 1.5, 2.5, 1e3, np.inf, np.nan),
    ]
)


def variable(x):
    x = np.asarray(x)
    return Variable(TensorType(x.dtype.name, x.shape))


def value(function, *arrays):
    """The value of function(variables) for `arrays`, its dtype checked."""
    arrays = [np.asarray(x) for x in arrays]
    inputs = [variable(x) for x in arrays]
    output = function(*inputs)
    (found,) = evaluate([output], inputs, arrays)
    assert found.dtype.name == output.dtype
    assert found.ndim == output.ndim
    return found


def gradient(function, *arrays):
    """The gradients of Σ function(variables)."""
    arrays = [np.asarray(x) for x in arrays]
    inputs = [variable(x) for x in arrays]
    output = function(*inputs)
    ones = fill(output, 1.0)
    found = differentiate([output], [ones], inputs)
    assert all(g is not None for g in found)
    return evaluate(found, inputs, arrays)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(0, x)


def half_away(x):
    return np.where(
        np.abs(x - np.trunc(x)) >= 0.5, np.trunc(x) + np.sign(x), np.trunc(x)
    )


UNARY = {
    "neg": np.negative, "abs_": np.abs, "sgn": np.sign, "sqr": np.square,
    "square": np.square, "inv": np.reciprocal, "sqrt": np.sqrt, "exp": np.exp,
    "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2,
    "log10": np.log10, "log1p": np.log1p, "tanh": np.tanh, "sin": np.sin, "cos": np.cos,
    "tan": np.tan, "arcsin": np.arcsin, "arccos": np.arccos, "arctan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "arcsinh": np.arcsinh, "arccosh": np.arccosh,
    "arctanh": np.arctanh, "deg2rad": np.deg2rad, "rad2deg": np.rad2deg,
    "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.rint,
    "round_half_to_even": np.rint, "round_half_away_from_zero": half_away,
    "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite,
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", UNARY)
def test_unary_functions_are_numpys(name, dtype):
    function, expected = getattr(T, name), UNARY[name]
    tight = 1e-6 if dtype == "float32" else 1e-14
    x = EDGES.astype(dtype)
    for shaped in (x, x.reshape(4, 4), x[:0], x[3], x.reshape(4, 4)[:, :0]):
        with np.errstate(all="ignore"):
            wanted = np.asarray(expected(shaped))
        found = value(function, shaped)
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=tight, atol=0)


BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "true_div": np.divide,
    "floor_div": np.floor_divide, "int_div": np.floor_divide, "mod": np.remainder,
    "pow": np.power, "maximum": np.maximum, "minimum": np.minimum,
    "arctan2": np.arctan2, "eq": np.equal, "neq": np.not_equal, "lt": np.less,
    "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
}  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
def test_binary_functions_are_numpys(name):
    pairs = np.array(list(itertools.product(EDGES, EDGES)))
    a, b = pairs[:, 0], pairs[:, 1]
    with np.errstate(all="ignore"):
        wanted = BINARY[name](a, b)
    np.testing.assert_allclose(value(getattr(T, name), a, b), wanted, rtol=1e-15)
    assert value(getattr(T, name), a[:0], b[:0]).shape == (0,)
    assert value(getattr(T, name), a[0], b[0]).shape == ()


@pytest.mark.parametrize("name", ["add", "sub", "mul", "floor_div", "mod", "maximum"])
@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8"])
def test_integer_arithmetic_stays_in_its_dtype(name, dtype):
    a, b = (
        np.array(list(p))
        for p in zip(*itertools.product([7, 0, 3], [2, 5, 1]), strict=True)
    )
    a, b = a.astype(dtype), b.astype(dtype)
    found = value(getattr(T, name), a, b)
    assert found.dtype.name == dtype
    np.testing.assert_array_equal(found, BINARY[name](a, b))


def test_whole_division_by_negatives_and_zero():
    a, b = np.array([7, -7, 7, -7, 5]), np.array([2, 2, -2, -2, 0])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(value(T.floor_div, a, b), a // b)
        np.testing.assert_array_equal(value(T.mod, a, b), a % b)


@pytest.mark.parametrize(
    ("dtypes", "joined"),
    [
        (("bool", "bool"), "int8"), (("bool", "int16"), "int16"),
        (("int8", "uint8"), "int16"), (("int64", "float32"), "float32"),
        (("float32", "float64"), "float64"), (("bool", "float32"), "float32"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("function", [T.add, T.sub, T.mul])
def test_dtypes_of_arithmetic(function, dtypes, joined):
    a, b = (np.array([1, 0], dtype) for dtype in dtypes)
    found = value(function, a, b)
    assert found.dtype.name == joined


def test_bools_are_subtracted_as_int8():
    a, b = np.array([True, False]), np.array([True, True])
    np.testing.assert_array_equal(value(T.sub, a, b), [0, -1])
    np.testing.assert_array_equal(value(T.neg, a), [-1, 0])


@pytest.mark.parametrize("floatX", ["float32", "float64"])
def test_integers_become_floatX_in_float_functions(floatX, monkeypatch):
    monkeypatch.setattr(config, "floatX", floatX)
    x = np.array([1, 2, 3])
    for function in (T.exp, T.sqrt, T.nnet.sigmoid, lambda x: x / 2, T.inv):
        assert value(function, x).dtype.name == floatX
    assert value(lambda x: x * 0.5, x).dtype.name == floatX


def test_python_numbers_are_weak():
    x = Variable(TensorType("float32", (2,)))
    n = Variable(TensorType("int8", (2,)))
    for y in (x + 1, x * 2.0, 1 - x, 2 / x, x**2, x**2.0, 2**x, T.maximum(x, 0)):
        assert y.dtype == "float32"
    assert [(n + 1).dtype, (n + 1000).dtype, (n * True).dtype] == [
        "int8", "int16", "int8",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "source", ["bool", "int8", "int64", "uint8", "float32", "float64"]
)
@pytest.mark.parametrize(
    "target", ["bool", "int8", "int64", "uint8", "float32", "float64"]
)
def test_casts_are_numpys(source, target):
    x = np.array([[0, 1, 2.7]]).astype(source)
    for array in (x, x[:, :0], x[0, 2]):
        found = value(lambda v: T.cast(v, target), array)
        np.testing.assert_array_equal(found, array.astype(target))
        assert found.dtype.name == target


def test_cast_of_the_same_dtype_is_x():
    x = Variable(TensorType("float32", (2,)))
    assert T.cast(x, "float32") is x
    with pytest.raises(DTypeError, match="dtype must be one of"):
        T.cast(x, "complex64")


@pytest.mark.parametrize("name", ["and_", "or_", "xor"])
def test_logic_on_bools_and_integers(name):
    numpys = {"and_": np.bitwise_and, "or_": np.bitwise_or, "xor": np.bitwise_xor}
    for pair in [([True, True, False, False], [True, False] * 2), ([5, 6], [3, 12])]:
        a, b = map(np.array, pair)
        np.testing.assert_array_equal(value(getattr(T, name), a, b), numpys[name](a, b))
    np.testing.assert_array_equal(
        value(T.invert, np.array([True, False])), [False, True]
    )
    np.testing.assert_array_equal(value(T.invert, np.array([5, -1])), [-6, 0])
    with pytest.raises(DTypeError, match="bitwise"):
        T.and_(variable(np.ones(2)), 1.0)


def test_logical_functions_take_any_dtype():
    a, b = np.array([0.0, 2.0, np.nan]), np.array([1, 0, 1])
    np.testing.assert_array_equal(value(T.logical_and, a, b), np.logical_and(a, b))
    np.testing.assert_array_equal(value(T.logical_or, a, b), np.logical_or(a, b))
    np.testing.assert_array_equal(value(T.logical_not, a), np.logical_not(a))


def test_switch_hides_what_is_not_chosen():
    c, x = np.array([1, 0, 1]), np.array([2.0, -1.0, 0.5])
    found = value(lambda c, x: T.switch(c, T.log(x), 0), c, x)
    np.testing.assert_allclose(found, [np.log(2), 0, np.log(0.5)])
    assert value(lambda c: T.switch(c, 1, 2), c).tolist() == [1, 2, 1]
    assert (
        value(lambda c, x: T.switch(c, x, 0), np.array(True), x).tolist() == x.tolist()
    )


def test_clip_is_numpys():
    for low, high in [(-1, 1), (0, np.inf), (2, 1)]:
        np.testing.assert_array_equal(
            value(lambda x, a=low, b=high: T.clip(x, a, b), EDGES),
            np.clip(EDGES, low, high),
        )
    assert value(lambda x: T.clip(x, 0, 3), np.arange(5)).tolist() == [0, 1, 2, 3, 3]


def test_isclose_is_numpys():
    a, b = np.array(list(itertools.product(EDGES, [*EDGES, 1.0 + 1e-9]))).T
    for equal_nan in (False, True):
        found = value(lambda a, b, e=equal_nan: T.isclose(a, b, equal_nan=e), a, b)
        np.testing.assert_array_equal(found, np.isclose(a, b, equal_nan=equal_nan))


def test_error_function_is_exact_to_a_few_ulp():
    x = np.concatenate([np.linspace(-7, 27, 5001), [-np.inf, np.inf, np.nan, -0.0]])
    for function, exact in [(special.erf, math.erf), (special.erfc, math.erfc)]:
        wanted = np.array([exact(one) for one in x])
        kept = ~(np.abs(wanted) < 1e-307)
        found = value(function, x)
        np.testing.assert_allclose(found[kept], wanted[kept], rtol=2e-15, atol=0)
        np.testing.assert_allclose(found[~kept], wanted[~kept], atol=1e-307)
        narrow = value(function, x.astype("float32"))
        wanted = np.array([exact(one) for one in x.astype("float32")])
        np.testing.assert_allclose(narrow, wanted, rtol=2e-6, atol=1e-37)


def test_x_log_x_is_0_at_0():
    x = np.array([0.0, 1.0, 2.0])
    np.testing.assert_allclose(value(special.xlogx, x), [0, 0, 2 * np.log(2)])
    y = np.array([0.0, 0.0, 3.0])
    np.testing.assert_allclose(value(special.xlogy0, x, y), [0, -np.inf, 2 * np.log(3)])


def test_equal_operands_share_the_gradient():
    a, b = np.array([1.0, 2.0, 3.0, np.nan]), np.array([2.0, 2.0, 2.0, 2.0])
    for function, wanted in [(T.maximum, [0, 0.5, 1, 1]), (T.minimum, [1, 0.5, 0, 1])]:
        np.testing.assert_array_equal(gradient(function, a, b)[0], wanted)


def test_gradient_of_powers_at_0():
    x = np.array([0.0, 0.0, 0.0, 2.0])
    n = np.array([0.0, 1.0, 2.0, 3.0])
    into_x, into_n = gradient(T.pow, x, n)
    np.testing.assert_array_equal(into_x, [0, 1, 0, 12])
    np.testing.assert_allclose(into_n, [0, 0, 0, 8 * np.log(2)])
    np.testing.assert_array_equal(gradient(lambda x: x**0.0, x)[0], 0)
    np.testing.assert_array_equal(gradient(lambda x: x**2, -x)[0], -2 * x)


def test_a_variable_used_twice_gets_both_gradients():
    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(gradient(lambda x: x * x + x, x)[0], 2 * x + 1)
    np.testing.assert_array_equal(gradient(lambda x: T.maximum(x, x), x)[0], 1)


def test_stretched_operands_get_a_summed_gradient():
    a, b = np.ones((2, 3)), np.ones((1, 3))
    found = gradient(T.mul, a, b)
    assert found[1].tolist() == [[2.0, 2.0, 2.0]]
    assert gradient(T.mul, a, np.array(2.0))[1] == 6


def test_only_a_declared_1_broadcasts():
    a, b = (Variable(TensorType("float64", (None,))) for _ in "ab")
    (both,) = evaluate([a + b], [a, b], [np.ones(3), np.ones(3)])
    assert both.tolist() == [2, 2, 2]
    with pytest.raises(ShapeError, match="add needs equal lengths along axis 0"):
        evaluate([a + b], [a, b], [np.ones(3), np.ones(1)])


def test_n_ary_functions_fold():
    x = variable(np.ones(2))
    (found,) = evaluate([T.add(x, 1, x, 2)], [x], [np.ones(2)])
    assert found.tolist() == [5, 5]
    with pytest.raises(UsageError, match="sub takes 2 operands; got 3"):
        T.sub(x, x, x)


def test_lengths_stay_known_through_arithmetic():
    length, width = dims("T B")
    x = Variable(TensorType("float32", (length, width)))
    t, b = x.shape[0], x.shape[1]
    assert (t * 2 + b - 1).held == 2 * length + width - 1
    assert (-t + t).held == 0
    assert T.minimum(t, t).held == length
    assert T.minimum(t, b).held is None
    assert T.maximum(constant(3), constant(5)).held == 5
    assert (constant(7) // constant(2)).held == 3
    assert T.cast(t, "int32").held == length
    assert T.cast(t, "int8").held is None
    assert T.prod(x.shape).held == length * width
    assert x.size.held == length * width
    assert T.sum(x.shape).held == length + width


def constant(n, dtype="int64"):
    return Constant(np.asarray(n, dtype))


def test_an_overflowing_integer_is_not_held():
    hundred = constant(100, "int8")
    assert (hundred + hundred).held is None
    assert (hundred - constant(1, "int8")).held == 99


def test_gradient_identities():
    x = np.array([-3.0, 0.5, 2.0])

    def through(identity):
        return gradient(lambda x: identity(x) * x, x)[0].tolist()

    assert through(gradient_ops.disconnected_grad) == x.tolist()
    assert through(gradient_ops.zero_grad) == x.tolist()
    assert through(lambda x: gradient_ops.grad_clip(x, -1, 1)) == [-4.0, 1.0, 3.0]
    assert through(lambda x: gradient_ops.grad_scale(x, 0.5)) == (1.5 * x).tolist()
    v = variable(x)
    y = gradient_ops.disconnected_grad(v)
    assert differentiate([y], [fill(y, 1.0)], [v]) == [None]
    with pytest.raises(UsageError, match="lower <= upper"):
        gradient_ops.grad_clip(v, 1, -1)


def test_print_shows_and_passes_on(capsys):
    x = np.ones((2, 3))
    found = value(T.Print("h", attrs=("shape", "sum")), x)
    assert found.tolist() == x.tolist()
    assert capsys.readouterr().out == "h shape = (2, 3)\nh sum = 6.0\n"


def test_methods_are_the_functions():
    x = variable(np.ones((2, 3)))
    assert isinstance(T.exp, Lifted)
    assert x.exp().owner.op is T.exp.op
    assert x.dimshuffle(1, 0, "x").type.shape == (3, 2, 1)
    assert x.dimshuffle((1, 0)).type.shape == (3, 2)
    assert x.dimshuffle("x", 0, 1).type.shape == (1, 2, 3)
    assert x.reshape(3, 2).type == x.reshape((3, 2)).type
    assert x.T.type.shape == (3, 2)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        x.nothing()
