"""Every registered op: types, gradients (twice), batching, declared absences."""

import importlib
import itertools
import pkgutil
import zlib

import numpy as np
import pytest

import symseq
from symseq.compiler.autodiff.reverse import differentiate
from symseq.compiler.reference import evaluate
from symseq.errors import NotBatchableError
from symseq.graph import Constant, Op, Variable, no_gradient, not_batchable
from symseq.lengths import size_of
from symseq.ops.elementwise import Elementwise
from symseq.ops.registry import REGISTRY
from symseq.types import TensorType

for name in ("symseq.ops", "symseq.random", "symseq.scan"):
    package = importlib.import_module(name)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{name}.{module.name}")

# Adding an op without a gradient or a batching rule means adding its name here.
NO_GRADIENT = set(
    """
    all any and arange argmax argmin argsort bits cast_bool cast_int16
    cast_int32 cast_int64 cast_int8 cast_uint8 disconnected_grad eq fold_in ge gt
    invert isfinite isinf isnan le lt neq next_24 nonzero or put_runs repeated_index
    scale_32 shape sort_places sum_runs sum_taken top_24 top_32 top_53 xor
    """.split()
)
NOT_BATCHABLE = set(
    "nonzero put_runs repeated_index sort_places sum_runs sum_taken".split()
)
# What may refuse some batching, and when: bounds of a slice, unlike positions, must be
# those of all examples; so must the number of steps of a loop.
MAY_REFUSE = {
    "inc_subtensor": lambda case, stacked: any(x.dtype.kind in "iu" for x in stacked),
    "scan": lambda case, stacked: case.op.until,
}


def _ids():
    for entry in REGISTRY.values():
        for k, _ in enumerate(entry.cases(np.random.default_rng(0))):
            yield pytest.param(entry, k, id=f"{entry.name}-{k}")


CASES = list(_ids())
every_case = pytest.mark.parametrize(("entry", "k"), CASES)


def draw(entry, k, seed=0):
    """Case k of an entry; another seed gives other values of the same shapes."""
    rng = np.random.default_rng([zlib.crc32(entry.name.encode()), seed])
    return next(itertools.islice(entry.cases(rng), k, None))


def arrays(case):
    return [np.asarray(x) for x in case.inputs]


def inputs_of(case, known=True):
    """A variable per input; a constant where its value decides a length."""
    deciding = case.op.length_inputs()
    return [
        Constant(x)
        if i in deciding
        else Variable(
            TensorType(
                x.dtype.name, tuple(n if known or n == 1 else None for n in x.shape)
            )
        )
        for i, x in enumerate(arrays(case))
    ]


def run(outputs, inputs, values):
    free = [(v, x) for v, x in zip(inputs, values, strict=True) if v.owner is None]
    free = [(v, x) for v, x in free if not isinstance(v, Constant)]
    return evaluate(outputs, [v for v, _ in free], [x for _, x in free])


@every_case
def test_inferred_types_are_those_of_the_values(entry, k):
    case = draw(entry, k)
    for known in (True, False):
        inputs = inputs_of(case, known)
        outputs = case.op.make(*inputs)
        for output, value in zip(
            outputs, run(outputs, inputs, arrays(case)), strict=True
        ):
            assert output.dtype == value.dtype.name
            assert output.ndim == value.ndim
            lengths = [size_of(n) for n in output.type.shape]
            assert lengths == [
                n if size is not None or (known and not case.op.dynamic) else None
                for n, size in zip(value.shape, lengths, strict=True)
            ]
            held = output.held
            if held is not None:
                wanted = list(held) if isinstance(held, tuple) else held
                for one, actual in zip(np.ravel(wanted), np.ravel(value), strict=True):
                    size = size_of(one)
                    assert size is None or size == actual


def rows(case, inputs, outputs, rng):
    """Random weights of the float outputs, as cotangents."""
    values = run(outputs, inputs, arrays(case))
    return [
        Constant(rng.normal(size=value.shape).astype(value.dtype))
        if output.type.is_float
        else None
        for output, value in zip(outputs, values, strict=True)
    ]


def central(outputs, weights, inputs, values, i, step=1e-5):
    """The gradient of Σ weights · outputs with respect to input i, by differences."""

    def cost(x):
        found = run(outputs, inputs, [*values[:i], x, *values[i + 1 :]])
        return sum(
            float((w.data * y).sum())
            for w, y in zip(weights, found, strict=True)
            if w is not None
        )

    x = values[i]
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += step
        down[place] -= step
        gradient[place] = (cost(up) - cost(down)) / (2 * step)
    return gradient


@every_case
def test_gradient_agrees_with_central_differences(entry, k):
    case = draw(entry, k)
    inputs, values = inputs_of(case), arrays(case)
    outputs = case.op.make(*inputs)
    weights = rows(case, inputs, outputs, np.random.default_rng(1))
    wrt = [inputs[i] for i in case.differentiated]
    gradients = differentiate(outputs, weights, wrt)
    if entry.name in NO_GRADIENT or all(w is None for w in weights):
        assert gradients == [None] * len(wrt)
        return
    narrow = any(y.dtype == "float32" for y in outputs)
    step, exactness = (1e-2, 1e-3) if narrow else (1e-5, 1e-5)
    for i, g in zip(case.differentiated, gradients, strict=True):
        wanted = central(outputs, weights, inputs, values, i, step)
        if g is None:
            np.testing.assert_allclose(wanted, 0, atol=1e-7, err_msg=f"input {i}")
            continue
        (found,) = run([g], inputs, values)
        assert (g.dtype, found.shape) == (inputs[i].dtype, values[i].shape)
        np.testing.assert_allclose(found, wanted, rtol=exactness, atol=exactness / 100)


@every_case
def test_second_gradient_agrees_with_central_differences(entry, k):
    case = draw(entry, k)
    inputs, values = inputs_of(case), arrays(case)
    outputs = case.op.make(*inputs)
    weights = rows(case, inputs, outputs, np.random.default_rng(1))
    wrt = [inputs[i] for i in case.differentiated]
    first = [g for g in differentiate(outputs, weights, wrt) if g is not None]
    if not first:
        return
    weights = rows(case, inputs, first, np.random.default_rng(2))
    for i, g in zip(
        case.differentiated, differentiate(first, weights, wrt), strict=True
    ):
        wanted = central(first, weights, inputs, values, i)
        found = np.zeros(wanted.shape) if g is None else run([g], inputs, values)[0]
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@every_case
def test_batching_is_stacking(entry, k):
    draws = [arrays(draw(entry, k, seed)) for seed in range(3)]
    case = draw(entry, k)
    single = inputs_of(case)
    outputs = case.op.make(*single)
    deciding = set(case.op.length_inputs())
    free = [i for i in range(len(single)) if i not in deciding]
    for size in range(1, len(free) + 1):
        for chosen in itertools.combinations(free, size):
            batched = [i in chosen for i in range(len(single))]
            stacked = [
                np.stack([drawn[i] for drawn in draws]) if i in chosen else draws[0][i]
                for i in range(len(single))
            ]
            inputs = [
                v
                if not is_batched
                else Variable(TensorType(v.dtype, (3, *v.type.shape)))
                for v, is_batched in zip(single, batched, strict=True)
            ]
            if entry.name in NOT_BATCHABLE:
                with pytest.raises(NotBatchableError):
                    case.op.batch(inputs, batched)
                continue
            if entry.name in MAY_REFUSE:
                try:
                    case.op.batch(inputs, batched)
                except NotBatchableError:
                    assert MAY_REFUSE[entry.name](case, [stacked[i] for i in chosen])
                    continue
            made = case.op.batch(inputs, batched)
            found = run(made, inputs, stacked)
            each = [
                run(
                    outputs,
                    single,
                    [x[b] if i in chosen else x for i, x in enumerate(stacked)],
                )
                for b in range(3)
            ]
            for y, value, *wanted in zip(made, found, *each, strict=True):
                wanted = np.stack(wanted)
                assert y.dtype == value.dtype.name == wanted.dtype.name
                assert value.shape == wanted.shape
                np.testing.assert_allclose(value, wanted, rtol=1e-12, atol=1e-12)


def declared(op: Op):
    """Which rules of an op are declared absent."""
    kind = type(op)
    rowless = isinstance(op, Elementwise) and op.rule is None
    return rowless or kind.vjp is no_gradient, kind.batch is not_batchable


def test_absent_rules_are_listed():
    gradient, batch = set(), set()
    for entry in REGISTRY.values():
        case = draw(entry, 0)
        no_vjp, no_batch = declared(case.op)
        has_body = hasattr(case.op, "vjp_body")
        if no_vjp and not has_body:
            gradient.add(entry.name)
        if no_batch:
            batch.add(entry.name)
    assert gradient == NO_GRADIENT
    assert batch == NOT_BATCHABLE


def test_every_op_class_is_registered():
    """An op class that nobody entered would escape this file."""
    entered = {type(draw(entry, 0).op) for entry in REGISTRY.values()}

    def concrete(cls):
        for sub in cls.__subclasses__():
            yield sub
            yield from concrete(sub)

    mine = {
        cls
        for cls in concrete(Op)
        if cls.__module__.startswith(symseq.__name__ + ".")
        and not getattr(cls, "__abstractmethods__", None)
        and isinstance(getattr(cls, "name", None), str)
    }
    assert not {cls.__name__ for cls in mine - entered}
