"""Sums that are read in slices only: one sum a slice; others are left alone."""

import pytest
from rule_cases import Inputs, check_same, ops

import symseq.tensor as T
from symseq.compiler.passes.simplify import SIMPLIFY
from symseq.compiler.passes.split_sums import split_sums
from symseq.compiler.rewrite.engine import rewrite

sigmoid = T.nnet.sigmoid


def halves(x, middle=3):
    return sigmoid(x[:, :middle]).sum() + (T.tanh(x[:, middle:]) * 2).sum()


SPLITS = {
    "two slices": (lambda v: halves(v.m + v.n), {"add": 3}),
    "a term that stretches over rows": (lambda v: halves(v.m - v.m[0]), {"sub": 2}),
    "one that stretches along the slices": (
        lambda v: halves(v.m - v.col), {"sub": 2},
    ),
    "a sum of sums": (lambda v: halves(v.m - (v.n - v.m[1])), {"sub": 4}),
    "rows": (
        lambda v: T.exp((v.m - v.n)[:2]).sum() + T.tanh((v.m - v.n)[2:]).sum(),
        {"sub": 2},
    ),
    "one slice read twice": (
        lambda v: halves(v.m - v.n) + T.exp((v.m - v.n)[:, :3]).sum(), {"sub": 2},
    ),
}  # fmt: skip
STAYS = {
    "the whole is read": lambda v: halves(v.m - v.n) + T.exp(v.m - v.n).sum(),
    "slices that overlap": lambda v: (
        sigmoid((v.m - v.n)[:, :4]).sum() + T.tanh((v.m - v.n)[:, 2:]).sum()
    ),
    "two axes": lambda v: (
        sigmoid((v.m - v.n)[:2]).sum() + T.tanh((v.m - v.n)[:, 2:]).sum()
    ),
    "one slice alone": lambda v: sigmoid((v.m - v.n)[:, :3]).sum(),
    "what is dear": lambda v: halves(T.exp(v.m)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SPLITS)
def test_sums_are_split(name, dtype):
    build, left = SPLITS[name]
    before = rewrite([build(Inputs(dtype))], SIMPLIFY)
    changed = split_sums(before)
    assert changed != before
    found = ops(rewrite(changed, SIMPLIFY))
    assert {op: found[op] for op in left} == left
    check_same(before, changed)


@pytest.mark.parametrize("name", STAYS)
def test_others_are_left_alone(name):
    before = rewrite([STAYS[name](Inputs("float64"))], SIMPLIFY)
    assert split_sums(before) == before


def test_an_output_stays_whole():
    v = Inputs("float64")
    total = v.m - v.n
    before = [total, halves(total)]
    assert split_sums(before) == before
