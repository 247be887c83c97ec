import numpy as np
import pytest

from symseq import variables
from symseq.config import config
from symseq.errors import DTypeError, ShapeError, UsageError
from symseq.lengths import dims
from symseq.types import LETTERS, TensorType
from symseq.variables import matrix, shared, tensor, tensor3, vector


@pytest.mark.parametrize("word", variables.SHAPES)
@pytest.mark.parametrize("letter", ["", *LETTERS])
def test_every_constructor(word, letter):
    make = getattr(variables, letter + word)
    made = make("x")
    assert made.name == "x" and made.dtype == LETTERS.get(letter, config.floatX)
    assert made.type.shape == variables.SHAPES[word]
    assert make.ndim == made.ndim and make.broadcastable == made.broadcastable


def test_names_shapes_and_dtypes():
    T, B = dims("T B")
    x = matrix("x", shape=(T, B), dtype="int8")
    assert str(x.type) == "int8[T, B]" and matrix().name is None
    assert variables.row(shape=(1, B)).type.shape == (1, B)
    with pytest.raises(ShapeError, match="3 lengths") as caught:
        tensor3(shape=(T, B))  # the line
    assert caught.value.span.text.endswith("# the line")
    with pytest.raises(ShapeError):
        variables.row(shape=(2, B))
    with pytest.raises(DTypeError):
        vector(dtype="complex64")


def test_plurals():
    a, b = variables.matrices("a", "b")
    assert (a.name, b.name, a.ndim) == ("a", "b", 2)
    assert len(variables.dvectors(3)) == 3
    assert variables.iscalars("n", "m")[1].dtype == "int32"


def test_tensor():
    assert tensor("int32", (False, True), "x").type.shape == (None, 1)
    named = tensor("x", shape=(2, None))
    assert named.name == "x" and named.type.shape == (2, None)
    assert tensor().ndim == 0


def test_shared_copies_unless_borrowed():
    value = np.arange(3.0)
    copied, borrowed = shared(value, "w"), shared(value, borrow=True)
    value[0] = 9
    assert copied.get_value()[0] == 0 and borrowed.get_value()[0] == 9
    frozen = np.arange(3.0)
    frozen.flags.writeable = False
    shared(frozen, borrow=True).set_value(np.ones(3))
    assert frozen[1] == 1.0 and frozen[0] == 0.0


def test_shared_dtypes():
    assert shared(0.5).dtype == config.floatX
    assert shared(np.float64(0.5)).dtype == "float64"
    assert shared(np.ones(2)).dtype == "float64"
    assert shared([1.0, 2.0]).dtype == config.floatX
    assert shared(3).dtype == "int64" and shared(True).dtype == "bool"
    for bad in ("text", np.ones(2, complex), [[1], [2, 3]], None):
        with pytest.raises((DTypeError, UsageError, ValueError)):
            shared(bad)
    with pytest.raises(UsageError, match="variable"):
        shared(vector("x"))


def test_shared_lengths():
    H, B = dims("B", H=3)[::-1]
    w = shared(np.zeros((3, 12)), "W", shape=(H, 4 * H))
    assert str(w.type) == "float64[H, 4H]"
    assert shared(np.zeros((3, 2)), shape=(H, B)).type.shape == (H, 2)
    with pytest.raises(ShapeError, match="4H = 12 and 5"):
        shared(np.zeros((3, 5)), shape=(H, 4 * H))
    with pytest.raises(ShapeError, match="one entry per axis"):
        shared(np.zeros(3), shape=(H, H))


def test_shared_broadcast_flags():
    ones = np.zeros((1, 2))
    assert shared(ones, broadcastable=(True, False)).broadcastable == (True, False)
    assert shared(ones, broadcastable=(False, False)).broadcastable == (False, False)
    with pytest.raises(ShapeError, match="length 1"):
        shared(ones, broadcastable=(True, True))


def test_any_order_of_memory_becomes_c_order():
    value = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert shared(value, borrow=True).get_value(borrow=True).flags.c_contiguous
    swapped = np.arange(3.0).astype(">f8")
    assert shared(swapped, borrow=True).get_value(borrow=True).dtype.isnative


def test_a_variable_is_true_and_a_comparison_has_no_truth_value():
    x = vector("x")
    assert x and x.sum() and not (None or not x)
    with pytest.raises(UsageError, match="no truth value"):
        bool(x > 0)


def test_types_take_broadcast_flags_by_name():
    made = TensorType(dtype="float32", broadcastable=[False, True])
    assert made == TensorType("float32", (None, 1)) and made("x").ndim == 2


def test_numpy_functions_of_variables_are_their_methods():
    x, w = matrix("x"), matrix("w")
    assert np.dot(x, w).owner.op.name == "dot" and np.ndim(x) == 2
    assert np.sum(x, axis=0).ndim == np.shape(x).ndim == 1
    with pytest.raises(UsageError, match="concatenate takes arrays"):
        np.concatenate([x, w])
    with pytest.raises(UsageError, match=r"numpy\.linalg\.inv takes"):
        np.linalg.inv(x)  # x.inv() is 1 / x


def test_a_variable_cannot_be_assigned_into():
    x = matrix("x")
    with pytest.raises(TypeError, match="set_subtensor"):
        x[0] = 1


def test_a_value_that_does_not_fit_names_the_line_that_sets_it():
    w = shared(np.zeros(3))
    for bad, kind in [(np.zeros((2, 2)), ShapeError), (np.array(["a"]), DTypeError)]:
        with pytest.raises(kind) as caught:
            w.set_value(bad)
        assert "w.set_value(bad)" in str(caught.value)
        assert "shared : float64[3]" in str(caught.value)
