"""What is inside the loops of a graph, and whether rewriting it kept its values."""

from collections import Counter

import numpy as np

from symseq.compiler.loop_passes.drop_unused import drop_unused
from symseq.compiler.pipeline import passes_of
from symseq.compiler.reference import evaluate
from symseq.scan.op import Scan
from symseq.traverse import sort_nodes


def loops(outputs):
    """The loops of a graph, in order; those inside loops are not among them."""
    return [node for node in sort_nodes(outputs) if isinstance(node.op, Scan)]


def only_loop(outputs):
    (node,) = loops(outputs)
    return node


def ops(node):
    """How often each op is in the body of a loop, those of inner loops included."""
    found = Counter()
    for inner in node.op.body.nodes:
        found[inner.op.name] += 1
        if isinstance(inner.op, Scan):
            found += ops(inner)
    return found


def outside(outputs):
    """How often each op is in the graph around the loops."""
    return Counter(
        node.op.name for node in sort_nodes(outputs) if not isinstance(node.op, Scan)
    )


def compiled(outputs, target="numpy"):
    """The graph as the passes of a target leave it."""
    return passes_of(list(outputs), target)[-1][1]


def rewritten(pass_, outputs, inputs, *samples):
    """What a pass makes of a graph, checked on samples of its inputs' values."""
    made = drop_unused(pass_(list(outputs)))
    for old, new in zip(outputs, made, strict=True):
        assert (old.dtype, old.ndim) == (new.dtype, new.ndim)
    for values in samples:
        wanted = evaluate(outputs, inputs, values)
        for a, b in zip(evaluate(made, inputs, values), wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
    return made
