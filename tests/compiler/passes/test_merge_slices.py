"""Ops on neighbouring slices: merged where they are neighbours, and else left alone."""

import numpy as np
import pytest
from rule_cases import Inputs, check_same, ops

import symseq as ss
import symseq.tensor as T
from symseq.compiler.passes.merge_slices import merge_slices
from symseq.compiler.passes.simplify import SIMPLIFY
from symseq.compiler.rewrite.engine import rewrite
from symseq.lengths import dims

sigmoid = T.nnet.sigmoid
tall = T.TensorType("float64", (200, 6))("tall")


def pair(v, f, *bounds, axis=1):
    """The sum of f over slices of m, each times another number."""
    parts = [v.m[:, a:b] if axis else v.m[a:b] for a, b in bounds]
    return sum(f(part).sum() * (k + 2) for k, part in enumerate(parts))


MERGES = {
    "two halves": (lambda v: pair(v, sigmoid, (0, 3), (3, 6)), {"sigmoid": 1}),
    "three of four": (
        lambda v: pair(v, sigmoid, (0, 1), (1, 3), (3, 5)),
        {"sigmoid": 1},
    ),
    "in any order": (lambda v: pair(v, sigmoid, (3, 6), (0, 3)), {"sigmoid": 1}),
    "rows": (lambda v: pair(v, T.tanh, (0, 2), (2, 4), axis=0), {"tanh": 1}),
    "not from the start": (lambda v: pair(v, T.exp, (2, 4), (4, 6)), {"exp": 1}),
    "negative bounds": (lambda v: pair(v, T.exp, (0, -3), (-3, None)), {"exp": 1}),
    "two pairs": (
        lambda v: pair(v, T.exp, (0, 2), (2, 3), (4, 5), (5, 6)),
        {"exp": 2},
    ),
    "two operands": (
        lambda v: (v.m[:, :2] * v.n[:, 1:3]).sum()
        - (v.m[:, 2:5] * v.n[:, 3:6]).sum(),
        {"mul": 1},
    ),
    "an operand that stretches": (
        lambda v: (v.m[:, :2] / v.col).sum() - (v.m[:, 2:] / v.col).sum(),
        {"true_div": 1},
    ),
    "a chain of ops": (
        lambda v: pair(v, lambda x: sigmoid(x) * (1 - sigmoid(x)), (0, 3), (3, 6)),
        {"sigmoid": 1, "mul": 3, "sub": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MERGES)
def test_neighbours_are_merged(name, dtype):
    build, left = MERGES[name]
    before = rewrite([build(Inputs(dtype))], SIMPLIFY)
    changed = merge_slices(before)
    found = ops(changed)
    assert {op: found[op] for op in left} == left
    check_same(before, changed)


STAYS = {
    "a gap": lambda v: pair(v, T.exp, (0, 2), (3, 6)),
    "an overlap": lambda v: pair(v, T.exp, (0, 4), (3, 6)),
    "other ops": lambda v: v.m[:, :3].exp().sum() + T.tanh(v.m[:, 3:]).sum(),
    "other arrays": lambda v: T.exp(v.m[:, :3]).sum() + T.exp(v.n[:, 3:]).sum(),
    "other axes": lambda v: T.exp(v.m[:, :3]).sum() + T.exp(v.m[2:]).sum(),
    "steps": lambda v: T.exp(v.m[:, :4:2]).sum() + T.exp(v.m[:, 4::2]).sum(),
    "operands out of step": lambda v: (
        (v.m[:, :3] * v.n[:, 3:]).sum() - (v.m[:, 3:] * v.n[:, :3]).sum()
    ),
    "an operand that does not stretch": lambda v: (
        (v.m[:, :3] * v.k[:4, :3]).sum() - (v.m[:, 3:] * v.k[:4, :3]).sum()
    ),
    "pieces that must be copied": lambda v: T.concatenate(
        [(v.m[:, :3] * 2).flatten(), (v.m[:, 3:] * 2).flatten()]
    ),
    "many short rows": lambda v: (
        T.exp(tall[:, :3]).sum() - T.exp(tall[:, 3:]).sum() * v.s
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STAYS)
def test_others_are_left_alone(name):
    before = rewrite([STAYS[name](Inputs("float64"))], SIMPLIFY)
    assert merge_slices(before)[0] is before[0]


def test_named_lengths_without_sizes():
    B, H = dims("B H")
    z = T.TensorType("float64", (B, 3 * H))("z")
    h = T.TensorType("float64", (B, H))("h")
    n = h.shape[1]
    a, b, c = (sigmoid(z[:, k * n : (k + 1) * n]) for k in range(3))
    made = [a * h + b, b - c * h]
    changed = merge_slices(made)
    assert ops(changed)["sigmoid"] == 1
    assert [v.type.shape for v in changed] == [(B, H), (B, H)]
    f = ss.function([z, h], [*made, *changed])
    x = [[0.1, -2, 3, 4, -5, 6], [7, -8, 9, 0, 1, 2]]
    first, second, *others = f(x, [[1, 2], [3, 4]])
    assert (first == others[0]).all() and (second == others[1]).all()


def test_gates_inside_a_loop():
    B, H = dims(B=2, H=16)
    x = T.TensorType("float32", (None, B, 4 * H))("x")
    w = ss.shared(np.full((16, 64), 0.1, "float32"), "w")

    def step(row, h, c):
        z = row + T.dot(h, w)
        i, f, o = (sigmoid(z[:, k * 16 : (k + 1) * 16]) for k in range(3))
        c = f * c + i * T.tanh(z[:, 48:])
        return o * T.tanh(c), c

    start = T.zeros((2, 16), "float32")
    (h, _), _ = ss.scan(step, x, outputs_info=[start, start])
    assert ops([h])["sigmoid"] == 3
    changed = merge_slices([h])
    assert ops(changed)["sigmoid"] == 1
    check_same([h], changed)


def test_slices_of_slices_merge_through_the_pipeline():
    z = T.TensorType("float32", (8, 64))("z")
    y = z[::-1]
    made = sigmoid(y[:, :32]).sum() - sigmoid(y[:, 32:]).sum()
    plain = ss.function([z], made, target="reference")
    ours = ss.function([z], made)
    data = [[0.01 * k * j for k in range(64)] for j in range(8)]
    assert abs(plain(data) - ours(data)) < 1e-4


def test_what_a_loop_has_stacked_is_left_alone():
    x, h = T.dtensor3("x", shape=(4, 2, 6)), T.dmatrix("h", shape=(2, 6))
    stack, _ = ss.map(lambda row, h: T.tanh(row + h), x, h)
    for y, left in ((stack, 2), (x, 1)):
        halves = [(1 - y[:, :, :3]).sum(), (1 - y[:, :, 3:]).sum()]
        changed = merge_slices(rewrite(halves, SIMPLIFY))
        assert ops(changed)["sub"] == left
