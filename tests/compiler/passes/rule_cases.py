"""What a rule must do: fire on its own, keep types and values, or decline."""

from collections import Counter

import numpy as np

import symseq.tensor as T
from symseq.compiler.passes.constants import fold_constants
from symseq.compiler.reference import evaluate
from symseq.compiler.rewrite.engine import rewrite
from symseq.compiler.rewrite.rules import RuleSet
from symseq.graph import BodyOp, Constant, SharedVariable
from symseq.traverse import leaves, sort_nodes

FOLD = RuleSet()
FOLD.rule()(fold_constants)
EXTREMES = [0.0, 1.0, -2.0, 1e3, -1e3, np.inf, -np.inf, np.nan, 1.5, 1e-20]


def alone(rules, rule):
    """A set of just one rule, beside the folding of constants, and its firings."""
    fired = []

    def counted(node):
        found = rule(node)
        fired.extend([node] if found is not None else [])
        return found

    counted.__name__ = rule.__name__
    one = RuleSet()
    one.by_op = {op: [counted] for op, many in rules.by_op.items() if rule in many}
    one.general = [counted] if rule in rules.general else []
    return RuleSet(one, FOLD), fired


def ops(outputs):
    """How many nodes of each op, those inside loops included."""
    found = Counter()
    for node in sort_nodes(outputs):
        found[node.op.name] += 1
        if isinstance(node.op, BodyOp):
            for _, inner in node.op.bodies():
                found += ops(inner)
    return found


def after(outputs, rules):
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return ops(rewrite(outputs, rules))


def sample(variable, rng, extreme):
    """A value for an input: extremes for floats, small positions for integers."""
    sizes = [3 if n is None else n for n in variable.type.sizes]
    if variable.dtype == "bool":
        return rng.integers(0, 2, sizes).astype(bool)
    if not variable.type.is_float:
        return rng.integers(0, 2, sizes).astype(variable.dtype)
    drawn = rng.normal(size=sizes)
    if extreme:
        drawn = rng.choice(EXTREMES, sizes)
    return np.asarray(drawn, variable.dtype)


def check_same(before, changed, *, seed=0, rtol=None, extreme=True):
    """Types are kept, and so are values: where they are NaN and infinite too."""
    for a, b in zip(before, changed, strict=True):
        assert (a.dtype, a.ndim) == (b.dtype, b.ndim)
        assert a.broadcastable == b.broadcastable
        known = zip(a.type.sizes, b.type.sizes, strict=True)
        assert all(m in (None, n) for m, n in known), (a.type, b.type)
    inputs = [v for v in leaves([*before, *changed]) if not isinstance(v, Constant)]
    rng = np.random.default_rng(seed)
    for wild in (False, True)[: 1 + extreme]:
        values = [
            v.storage if isinstance(v, SharedVariable) else sample(v, rng, wild)
            for v in inputs
        ]
        with np.errstate(all="ignore"):
            wanted = evaluate(before, inputs, values)
            got = evaluate(changed, inputs, values)
        for one, other in zip(wanted, got, strict=True):
            assert one.dtype == other.dtype and one.shape == other.shape
            loose = rtol or (1e-5 if one.dtype == np.float32 else 1e-12)
            np.testing.assert_allclose(other, one, loose, loose)


class Inputs:
    """Variables of one dtype, by how they are used in the cases."""

    def __init__(self, dtype):
        kind = T.TensorType
        self.dtype = dtype
        self.x, self.y = kind(dtype, (None,))("x"), kind(dtype, (None,))("y")
        self.m, self.n = kind(dtype, (4, 6))("m"), kind(dtype, (4, 6))("n")
        self.k = kind(dtype, (6, 5))("k")
        self.col, self.row = kind(dtype, (4, 1))("col"), kind(dtype, (1, 6))("row")
        self.s = kind(dtype)("s")
        self.c = kind("bool", (None,))("c")
        self.i, self.j = kind("int64", (3,))("i"), kind("int64", (3,))("j")
        self.free = kind(dtype, (None, None))("free")
        self.ids = kind("int64", (None,))("ids")
