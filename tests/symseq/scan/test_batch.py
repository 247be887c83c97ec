"""A loop over a batch of examples gives what the loop gives for each."""

import numpy as np
import pytest
from scan_cases import LOOPS

from symseq.compiler.reference import evaluate
from symseq.errors import NotBatchableError
from symseq.graph import Variable
from symseq.ops.vectorize import batch_graph

LOOPED = [x for x in LOOPS if "until" not in x.name and not x.dtypes]


def wide(v):
    return Variable(v.type.with_shape([None, *v.type.shape]), name=v.name)


@pytest.mark.parametrize("which", ["all", "first", "last"])
@pytest.mark.parametrize("loop", LOOPED, ids=str)
def test_batch_equals_a_loop_over_examples(loop, which):
    rng = np.random.default_rng(3)
    inputs = loop.inputs()
    marked = {"all": inputs, "first": inputs[:1], "last": inputs[-1:]}[which]
    mapping = {v: wide(v) for v in marked}
    made = batch_graph(loop.build(*inputs), mapping)
    examples = [loop.values(rng) for _ in range(3)]
    values = [
        np.stack([e[k] for e in examples]) if v in mapping else examples[0][k]
        for k, v in enumerate(inputs)
    ]
    got = evaluate(made, [mapping.get(v, v) for v in inputs], values)
    for row in range(3):
        single = [
            a[row] if v in mapping else a for a, v in zip(values, inputs, strict=True)
        ]
        for a, b in zip(got, loop.python(*single), strict=True):
            np.testing.assert_allclose(a[row], b, rtol=1e-12, atol=1e-14)


def test_until_is_not_batchable():
    (loop,) = [x for x in LOOPS if x.name == "until"]
    inputs = loop.inputs()
    with pytest.raises(NotBatchableError):
        batch_graph(loop.build(*inputs), {inputs[0]: wide(inputs[0])})
