"""Every name that public Theano programs use stands under the same name here.

The names were counted over 60 public programs. Left out: ops written against Theano's
internals (`theano.gof`, `theano.Op`, `ViewOp`, `register_canonicalize`, `hashtype`).
"""

import importlib

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T

NAMES = """
theano.function theano.shared theano.grad theano.scan theano.clone theano.config
theano.config.floatX theano.config.device theano.config.compute_test_value
theano.config.optimizer theano.config.exception_verbosity theano.config.scan.allow_gc
theano.config.warn.subtensor_merge_bug theano.configdefaults.local_bitwidth
theano.map theano.reduce theano.foldl theano.foldr
theano.Param theano.In theano.Out theano.Mode theano.Apply theano.Variable
theano.compile.SharedVariable theano.compat.python2x.OrderedDict
theano.compile.nanguardmode.NanGuardMode theano.scalar.upcast
theano.gradient.grad_clip theano.gradient.grad_not_implemented
theano.gradient.disconnected_grad theano.gradient.consider_constant
theano.gradient.jacobian theano.gradient.hessian theano.gradient.verify_grad
theano.gradient.DisconnectedInputError theano.gradient.NullTypeGradError
theano.ifelse.ifelse theano.scan_module.until theano.scan_module.scan
theano.printing.Print theano.printing.debugprint theano.printing.pprint
theano.sandbox.rng_mrg.MRG_RandomStreams T.shared_randomstreams.RandomStreams
T.extra_ops.to_one_hot T.xlogx.xlogy0
T.grad T.dot T.tanh T.log T.sqrt T.sum T.argmax T.alloc T.arange T.exp T.zeros T.mean
T.cast T.concatenate T.zeros_like T.sqr T.switch T.set_subtensor T.stack T.clip T.neq
T.maximum T.ones T.eq T.ones_like T.reshape T.max T.minimum T.as_tensor_variable
T.round T.stacklists T.eye T.repeat T.shape_padleft T.unbroadcast T.Tensor T.TensorType
T.abs_ T.add T.addbroadcast T.discrete_dtypes T.float_dtypes T.horizontal_stack
T.largest T.lt T.mul T.neg T.or_ T.shape T.shape_padright
T.all T.any T.batched_dot T.batched_tensordot T.constant T.diag T.ge T.gt
T.inc_subtensor T.isinf T.isnan T.roll T.sgn T.tensordot T.tile T.transpose T.argsort
T.sort T.expm1 T.flatten T.inv T.min T.patternbroadcast T.shape_padaxis T.square
T.Variable T.TensorVariable T.Rop T.Lop T.jacobian T.hessian T.join T.specify_shape
T.verify_grad T.prod T.var T.std T.argmin T.cumsum T.logsumexp T.einsum T.where
T.ifelse T.and_ T.le T.sub T.true_div T.floor T.ceil T.pow T.log1p T.split T.outer
T.nnet.sigmoid T.nnet.softmax T.nnet.categorical_crossentropy T.nnet.hard_sigmoid
T.nnet.binary_crossentropy T.nnet.softplus T.nnet.relu T.nnet.elu T.nnet.log_softmax
""".split()
RANKS = {"scalar": 0, "vector": 1, "matrix": 2, "tensor3": 3, "tensor4": 4}
LETTERS = {"b": "int8", "w": "int16", "i": "int32", "l": "int64"}
LETTERS |= {"f": "float32", "d": "float64"}


PATHS = """
ifelse.ifelse printing.Print gradient.grad_clip scan_module.until scalar.upcast
sandbox.rng_mrg.MRG_RandomStreams tensor.shared_randomstreams.RandomStreams
tensor.extra_ops.to_one_hot tensor.xlogx.xlogy0 tensor.nnet.softmax
compile.SharedVariable compile.nanguardmode.NanGuardMode compat.python2x.OrderedDict
configdefaults.local_bitwidth
""".split()


@pytest.mark.parametrize("name", NAMES)
def test_name_exists(name: str) -> None:
    first, *path = name.split(".")
    found = {"theano": ss, "T": T}[first]
    for part in path:
        found = getattr(found, part)
    assert found is not None


@pytest.mark.parametrize("path", PATHS)
def test_name_can_be_imported_from_its_module(path: str) -> None:
    """As in ``from theano.sandbox.rng_mrg import MRG_RandomStreams``."""
    module, _, name = path.rpartition(".")
    assert hasattr(importlib.import_module(f"symseq.{module}"), name)


@pytest.mark.parametrize("word", RANKS)
@pytest.mark.parametrize("letter", ["", *LETTERS])
def test_constructor_of_every_letter_and_rank(letter: str, word: str) -> None:
    x = getattr(T, letter + word)("x")
    dtype = LETTERS.get(letter, ss.config.floatX)
    assert (x.name, x.dtype, x.ndim) == ("x", dtype, RANKS[word])


def test_methods_of_variables() -> None:
    x = T.tensor3("x")
    for name in """dimshuffle type broadcastable squeeze eval norm shape astype sum
        reshape ndim T dtype flatten copy mean argmax max dot min argsort take repeat
        transpose std var prod any all clip cumsum""".split():
        assert hasattr(x, name), name
    W = ss.shared(np.zeros(3, "float32"))
    assert hasattr(W, "get_value") and hasattr(W, "set_value")


def test_operands_may_be_named() -> None:
    x = T.matrix("x")
    assert T.clip(x, min=0, max=1).ndim == T.clip(x, 0, max=1).ndim == 2
    assert T.switch(cond=x > 0, ift=x, iff=0).ndim == 2
    assert T.concatenate(tensor_list=[x, x], axis=1).ndim == 2
    assert T.as_tensor_variable(x, name="x", ndim=3).broadcastable == (
        True,
        False,
        False,
    )
    assert T.as_tensor_variable(3.0, "three").name == "three"
    with pytest.raises(TypeError, match="low"):
        T.clip(x, low=0, max=1)
    with pytest.raises(ss.errors.ShapeError, match="at most rank 1"):
        T.as_tensor_variable(x, ndim=1)


def test_exports_are_real_and_sorted_out() -> None:
    for module in (ss, T):
        assert len(set(module.__all__)) == len(module.__all__)
        assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_xlogy0_is_zero_at_zero() -> None:
    x, y = T.dvector("x"), T.dvector("y")
    z = T.xlogx.xlogy0(x, y)
    f = ss.function([x, y], [z, ss.grad(z.sum(), x)])
    value, gradient = f(np.array([0.0, 2.0]), np.array([0.0, 3.0]))
    assert np.allclose(value, [0, 2 * np.log(3)])
    assert np.allclose(gradient, [0, np.log(3)])


def test_a_gradient_may_be_declared_missing() -> None:
    with pytest.raises(ss.gradient.NullTypeGradError, match="no gradient for input 1"):
        ss.gradient.grad_not_implemented("my_op", 1, None, "not smooth")
