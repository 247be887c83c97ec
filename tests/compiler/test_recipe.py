"""An expression as ufunc calls gives the same numbers, also over its own input."""

import numpy as np
import pytest

import symseq.ops.methods  # noqa: F401  (fills the registry)
from symseq.compiler.recipe import OUT, Slot, flatten
from symseq.errors import UsageError
from symseq.ops.elementwise import Elementwise
from symseq.ops.registry import REGISTRY

ROWS = [
    entry.what for entry in REGISTRY.values() if isinstance(entry.what, Elementwise)
]


def run(recipe, inputs, out):
    """Carry out a recipe on arrays."""
    dtypes = {"": out.dtype, "in": inputs[0].dtype}
    temps = [np.empty(out.shape, dtypes.get(t, t)) for t in recipe.temps]

    def at(slot):
        match slot.kind:
            case "in":
                return inputs[slot.index]
            case "tmp":
                return temps[slot.index]
            case "num":
                return slot.number
        return out

    for call in recipe.calls:
        args = [at(slot) for slot in call.args]
        if call.function == "copy":
            np.copyto(at(call.out), args[0], casting="unsafe")
        elif call.function == "where":
            np.copyto(at(call.out), args[2])
            np.copyto(at(call.out), args[1], where=args[0])
        else:
            getattr(np, call.function)(*args, out=at(call.out))
    return out


@pytest.mark.parametrize("op", ROWS, ids=str)
@np.errstate(all="ignore")
def test_calls_give_the_expressions_values(op):
    rng = np.random.default_rng(3)
    for case in REGISTRY[op.name].cases(rng):
        inputs = [np.asarray(x) for x in case.inputs]
        shape = np.broadcast_shapes(*(x.shape for x in inputs))
        (wanted,) = op.numpy(*inputs)
        dtype = op.dtypes([x.dtype.name for x in inputs])
        recipe = flatten(op.text, op.arity, dtype == "bool")
        got = run(recipe, inputs, np.empty(shape, dtype))
        np.testing.assert_allclose(got, np.broadcast_to(wanted, shape), rtol=1e-14)
        for index, x in enumerate(inputs):
            if recipe.may_share(index) and x.dtype == dtype and x.shape == shape:
                lying = [np.array(y) for y in inputs]
                got = run(recipe, lying, lying[index])
                np.testing.assert_allclose(got, np.broadcast_to(wanted, shape))


def test_a_chain_needs_no_temporary():
    recipe = flatten("1 / (1 + np.exp(-{0}))", 1)
    assert [call.function for call in recipe.calls] == [
        "negative",
        "exp",
        "add",
        "divide",
    ]
    assert recipe.temps == () and recipe.may_share(0)


def test_an_input_read_late_may_not_be_written_over():
    recipe = flatten("{0} * np.tanh(np.exp({0}))", 1)
    assert not recipe.may_share(0)
    assert recipe.calls[-1].out == OUT
    assert Slot("in", 0) in recipe.calls[-1].args


def test_what_is_no_ufunc_is_refused():
    with pytest.raises(UsageError, match="no ufunc calls"):
        flatten("[{0}]", 1)
