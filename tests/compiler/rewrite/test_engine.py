"""The engine: equal nodes merge, lines are kept, bodies are seen, faults are named."""

import cProfile
import pstats

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.pipeline import PASSES
from symseq.compiler.rewrite.engine import rewrite
from symseq.compiler.rewrite.graphs import in_every_graph, rebuilt
from symseq.compiler.rewrite.rules import RuleSet, equation_of
from symseq.errors import InternalError
from symseq.graph import BodyOp
from symseq.ifelse import ifelse
from symseq.ops import math
from symseq.ops.reduce import Sum
from symseq.traverse import sort_nodes

x, m = T.dvector("x"), T.dmatrix("m")
EXP, NEG = math.exp.op, math.neg.op


def names(*outputs):
    return [node.op.name for node in sort_nodes(outputs)]


def rules(*ops, rule, **how):
    made = RuleSet()
    made.rule(*ops, **how)(rule)
    return made


TO_TANH = rules(EXP, rule=lambda node: T.tanh(node.inputs[0]))


def test_without_rules_equal_nodes_merge():
    (made,) = rewrite([T.exp(x) + T.exp(x)], RuleSet())
    assert names(made) == ["exp", "add"]


def test_the_same_variables_come_back_where_nothing_fires():
    outputs = [T.tanh(x) * 2, x]
    assert all(a is b for a, b in zip(rewrite(outputs, TO_TANH), outputs, strict=True))


def test_what_a_rule_makes_is_rewritten_on():
    both = RuleSet(TO_TANH, rules(math.tanh.op, rule=lambda n: T.sin(n.inputs[0])))
    assert names(*rewrite([T.exp(x)], both)) == ["sin"]


def test_a_rule_for_a_class_of_ops_and_for_all():
    seen = []
    both = RuleSet(rules(Sum, rule=lambda node: seen.append(node.op)))
    both.rule()(lambda node: seen.append("any"))
    rewrite([T.exp(m).sum(axis=0)], both)
    assert seen.count("any") == 2 and seen.count(Sum((0,))) == 1


def test_a_replacement_stands_at_the_same_line_with_the_same_name():
    old = T.exp(x)
    old.name = "gate"
    (new,) = rewrite([old], TO_TANH)
    assert new.name == "gate" and new.span == old.span and new.owner.op.name == "tanh"


def test_merged_nodes_keep_both_lines():
    a = T.exp(x)
    b = T.exp(x)
    (made,) = rewrite([a * b], RuleSet())
    assert len(made.owner.inputs[0].owner.spans) == 2


def test_the_bodies_of_loops_and_both_branches_are_rewritten():
    looped, _ = ss.scan(lambda row, h: T.exp(row) + h, m, outputs_info=x)
    nested, _ = ss.scan(lambda row: ss.map(lambda e: T.exp(e), row)[0], m)
    chosen = ifelse(x[0] > 0, T.exp(x), T.exp(x * 2))
    for made in rewrite([looped, nested, chosen], TO_TANH):
        inside = all_names([made])
        assert "tanh" in inside and "exp" not in inside


def all_names(outputs):
    found = set()
    for node in sort_nodes(outputs):
        found.add(node.op.name)
        if isinstance(node.op, BodyOp):
            for _, inner in node.op.bodies():
                found |= all_names(inner)
    return found


def test_a_pass_over_whole_graphs_sees_bodies_first():
    seen = []

    def note(outputs):
        seen.append(names(*outputs))
        return list(outputs)

    chosen = ifelse(x[0] > 0, T.exp(x), T.tanh(x))
    (made,) = in_every_graph([chosen], note)
    assert made is chosen
    assert seen == [["exp"], ["tanh"], names(chosen)]


def test_rebuilt_keeps_what_does_not_change():
    a, b = T.exp(x), T.tanh(x)

    def change(node, new):
        return [T.sin(new(node.inputs[0]))] if node.op is EXP else None

    made = rebuilt([a * 2, b * 2], change)
    assert (
        names(made[0]) == ["sin", "dimshuffle", "mul"] and made[1].owner.op is not EXP
    )
    assert rebuilt([b], change) == [b]


def test_a_sole_rule_waits_until_nobody_else_reads():
    sole = rules(
        NEG, rule=lambda node: -T.tanh(node.inputs[0].owner.inputs[0]), sole=True
    )
    e = T.exp(x)
    assert rewrite([-e, e], sole)[0].owner.inputs[0].owner.op is EXP
    assert rewrite([-e * -e], sole)[0].owner.inputs[0].owner.inputs[0] is not e


@pytest.mark.parametrize(
    "wrong",
    [
        lambda v: v.astype("float32"),
        lambda v: v.dimshuffle("x", 0),
        lambda v: T.zeros(7, "float64") + 0 * v.sum(),
        lambda v: [v, v],
    ],
)
def test_a_rule_that_changes_a_type_is_named(wrong):
    def widens(node):
        return wrong(node.inputs[0])

    y = T.TensorType("float64", (3,))("y")
    with pytest.raises(InternalError, match="widens") as caught:
        rewrite([T.exp(y)], rules(EXP, rule=widens))
    assert "test_engine.py" in str(caught.value)


def test_rules_that_undo_each_other_come_to_an_end():
    there = RuleSet(TO_TANH, rules(math.tanh.op, rule=lambda n: T.exp(n.inputs[0])))
    assert len(names(*rewrite([T.exp(x) * T.tanh(x)], there))) <= 3


def test_equal_constants_merge_unless_they_are_large():
    def twice(size):
        a, b = (T.constant(np.ones(size)) for _ in range(2))
        return rewrite([T.exp(a) * T.exp(b)], RuleSet())

    assert names(*twice(5)) == ["exp", "mul"]
    assert names(*twice(100_000)) == ["exp", "exp", "mul"]


def test_equations_are_the_first_paragraph_of_a_docstring():
    def halve(node):
        """x / 2
        → x · 0.5

        Exact.
        """

    assert equation_of(halve) == "x / 2 → x · 0.5"
    assert rules(EXP, rule=halve).equations() == {"halve": "x / 2 → x · 0.5"}


def calls_for(nodes):
    """Calls of Python functions that all passes need for a graph of that many nodes."""
    y = x
    for k in range(nodes // 16):
        y = T.tanh(y * 1.5 + 0.25) - x / (2 + y * y) + T.nnet.sigmoid(y)
        y = y + T.log(1 + T.exp(-y * (k % 7)))[::-1]
    outputs = [y.sum()]
    profile = cProfile.Profile()
    profile.enable()
    for _, pass_ in PASSES["numpy"]:
        outputs = pass_(outputs)
    profile.disable()
    return pstats.Stats(profile).total_calls


def test_ten_times_the_nodes_take_ten_times_the_calls():
    calls_for(100)
    assert calls_for(2000) < 12 * calls_for(200)


@pytest.mark.parametrize("target", ["reference", "numpy"])
def test_a_length_that_turns_out_wrong_raises_when_called(target):
    """Not when compiled: the node stays as it was written."""
    rows = T.zeros((ifelse(T.constant(1) > 0, T.constant(0), T.constant(5)),))
    f = ss.function([x], [x + 1, rows[-1]], target=target)
    with pytest.raises(IndexError, match="out of bounds") as caught:
        f(np.ones(2))
    assert "rows[-1]" in str(caught.value)
