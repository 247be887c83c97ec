"""Every registered op has a rule that says what it costs."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.cost.graph import costs
from symseq.cost.work import RULES, cost_of_op, rule_of
from symseq.graph import BodyOp, Constant, Op
from symseq.lengths import size_of
from symseq.ops.registry import REGISTRY, Case
from symseq.scan.body import Known
from symseq.types import TensorType

ENTRIES = list(REGISTRY.values())
VIEWS = {
    "dimshuffle", "reshape", "subtensor", "split", "shape", "specify_shape",
    "unbroadcast", "disconnected_grad", "zero_grad", "grad_clip", "grad_scale", "print",
    "custom_gradient",
}  # fmt: skip
# A user's function, and lengths that depend on what arrays hold.
UNKNOWN = {"custom", "mapped", "nonzero", "repeated_index"}


def known(case: Case) -> list[Known]:
    found = []
    for x in case.inputs:
        held = Constant(x).held
        found.append(Known(TensorType(x.dtype, x.shape), held))
    return found


def cases(name: str) -> list[Case]:
    return list(REGISTRY[name].cases(np.random.default_rng(0)))


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_every_op_has_a_rule(entry: object) -> None:
    what = entry.what  # type: ignore[attr-defined]
    cls = what if isinstance(what, type) else type(what)
    if not issubclass(cls, BodyOp):
        assert any(base in RULES for base in cls.__mro__), cls


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_costs_of_samples_are_numbers(entry: object) -> None:
    name = str(entry)
    for case in cases(name):
        if isinstance(case.op, BodyOp):
            variables = [Constant(np.asarray(x)) for x in case.inputs]
            made = case.op.make(*variables)
            cost = costs(list(made), {}).total
        else:
            args = known(case)
            cost = cost_of_op(case.op, args, case.op.infer(args))
        amounts = (cost.flops, cost.transcendental, cost.read, cost.written)
        assert all(isinstance(n, int) and n >= 0 for n in map(size_of, amounts))
        assert cost.transcendental <= cost.flops
        assert (cost.unknown > 0) == (name in UNKNOWN)
        if name in VIEWS:
            assert cost.bytes == 0
        elif all(x.size for x in case.inputs):
            assert size_of(cost.bytes) or isinstance(case.op, BodyOp)


class Odd(Op):
    """An op that nobody has entered."""

    name = "odd"

    def infer(self, args):  # type: ignore[no-untyped-def]
        return (args[0].type,)

    numpy = vjp = batch = None  # type: ignore[assignment]


def test_an_op_without_a_rule_moves_its_arrays_and_says_so() -> None:
    op = Odd()
    arg = Known(TensorType("float32", (3,)))
    assert rule_of(op) is None
    cost = cost_of_op(op, [arg], op.infer([arg]))
    assert (cost.read, cost.written, cost.unknown) == (12, 12, 1)


def amounts(name: str, number: int) -> tuple[object, ...]:
    case = cases(name)[number]
    args = known(case)
    cost = cost_of_op(case.op, args, case.op.infer(args))
    return cost.flops, cost.transcendental, cost.read, cost.written


def of(made: ss.Variable) -> tuple[object, ...]:
    cost = costs(made).total
    return cost.flops, cost.transcendental, cost.read, cost.written


def matrix(*shape: int, dtype: str = "float32") -> ss.Variable:
    return TensorType(dtype, shape)("x")


BY_HAND = {
    "product of matrices": (
        lambda: matrix(2, 3) @ matrix(3, 5),
        (2 * 2 * 3 * 5, 0, 4 * (6 + 15), 4 * 10),
    ),
    "matrix and vector": (
        lambda: matrix(2, 3, dtype="float64") @ matrix(3, dtype="float64"),
        (2 * 2 * 3, 0, 8 * 9, 8 * 2),
    ),
    "vectors": (lambda: matrix(3) @ matrix(3), (6, 0, 24, 4)),
    "batched": (
        lambda: T.batched_dot(matrix(4, 2, 3), matrix(4, 3, 5)),
        (2 * 4 * 2 * 3 * 5, 0, 4 * 4 * (6 + 15), 4 * 40),
    ),
    "einsum": (
        lambda: T.einsum("bid,bjd->bij", matrix(4, 2, 3), matrix(4, 5, 3)),
        (2 * 4 * 2 * 3 * 5, 0, 4 * 4 * (6 + 15), 4 * 40),
    ),
    "elementwise, broadcast": (
        lambda: matrix(2, 3) + matrix(3),
        (6, 0, 4 * 9, 24),
    ),
    "tanh": (lambda: T.tanh(matrix(2, 3)), (6, 6, 24, 24)),
    "sum": (lambda: matrix(2, 3).sum(axis=0), (6, 0, 24, 12)),
    "nothing to sum": (lambda: matrix(0, 3).sum(axis=0), (0, 0, 0, 12)),
    "cast": (lambda: matrix(6).astype("float64"), (0, 0, 24, 48)),
    "a view": (lambda: matrix(2, 3).T[1:], (0, 0, 0, 0)),
    "rows of a table": (
        lambda: T.take(matrix(100, 8), matrix(5, dtype="int64"), axis=0),
        (0, 0, 5 * 8 + 4 * 40, 4 * 40),
    ),
    "set a slice": (
        lambda: T.set_subtensor(matrix(100)[2:5], matrix(3)),
        (0, 0, 12, 12),
    ),
    "add to a slice": (
        lambda: T.inc_subtensor(matrix(100)[2:5], matrix(3)),
        (3, 0, 24, 12),
    ),
    "joined": (
        lambda: T.concatenate([matrix(2), matrix(3)]),
        (0, 0, 20, 20),
    ),
    "softmax": (
        lambda: T.nnet.softmax(matrix(2, 3)),
        (30, 6, 24, 24),
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name: str) -> None:
    made, wanted = BY_HAND[name]
    assert of(made()) == wanted


def test_sorting_compares_more_in_longer_rows() -> None:
    assert of(T.sort(matrix(4, 8)))[0] == 32 * 3
    assert of(T.sort(matrix(4, 1)))[0] == 0
    n = ss.dim("N")
    assert costs(T.sort(TensorType("float32", (n,))("x"))).total.unknown == 1
