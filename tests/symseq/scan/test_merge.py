"""A loop and its gradient are two scans; merging keeps the values."""

import numpy as np
import pytest
from scan_cases import LOOPS
from test_scan_table import drawn, gradients

from symseq.compiler.reference import evaluate
from symseq.scan.merge import merge_scans
from symseq.scan.op import Scan
from symseq.traverse import sort_nodes

NAMES = ["rnn T=5", "lstm", "states and mapped outputs", "until", "go_backwards"]


def scans(outputs):
    return [node for node in sort_nodes(outputs) if isinstance(node.op, Scan)]


@pytest.mark.parametrize("loop", [x for x in LOOPS if x.name in NAMES], ids=str)
def test_cost_and_gradient_are_two_scans(loop):
    inputs, values, rng = drawn(loop)
    outputs = loop.build(*inputs)
    pairs, _ = gradients(loop, inputs, values, rng, outputs)
    assert len(scans(merge_scans([*outputs, *[g for _, g in pairs]]))) == 2


@pytest.mark.parametrize("loop", LOOPS, ids=str)
def test_merging_keeps_values(loop):
    inputs, values, rng = drawn(loop)
    outputs = loop.build(*inputs)
    pairs, _ = gradients(loop, inputs, values, rng, outputs)
    before = [*outputs, *[g for _, g in pairs]]
    after = merge_scans(before)
    assert len(scans(after)) <= len(scans(before))
    for a, b in zip(
        evaluate(before, inputs, values), evaluate(after, inputs, values), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_nothing_to_merge_returns_the_same_object():
    (loop,) = [x for x in LOOPS if x.name == "nested"]
    outputs = loop.build(*loop.inputs())
    assert merge_scans(outputs) is outputs


def test_inner_loops_merge_too():
    (loop,) = [x for x in LOOPS if x.name == "nested"]
    inputs, values, rng = drawn(loop)
    outputs = loop.build(*inputs)
    pairs, _ = gradients(loop, inputs, values, rng, outputs)
    forward, backward = scans(merge_scans([*outputs, *[g for _, g in pairs]]))
    assert len(scans(forward.op.body.outputs)) == 1
    assert len(scans(backward.op.body.outputs)) == 1
