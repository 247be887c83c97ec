"""Loops lose what nobody reads."""

import numpy as np

import symseq as ss
import symseq.tensor as T
from symseq.compiler.loop_passes.drop_unused import drop_unused
from symseq.scan.op import Scan
from symseq.traverse import sort_nodes


def loops(outputs):
    return [n for n in sort_nodes(outputs) if isinstance(n.op, Scan)]


def test_unused_outputs_states_and_sequences_go():
    x, m = T.dmatrix("x"), T.dvector("m")

    def step(x_t, m_t, h, k):
        return T.tanh(x_t + h), k + m_t, x_t * m_t

    (h, _k, out), _ = ss.scan(step, [x, m], [x[0], m[0], None])
    (node,) = loops(drop_unused([h]))
    assert len(node.op.states) == 1 and node.op.mapped == 0 and node.op.sequences == 1
    (node,) = loops(drop_unused([out]))
    assert len(node.op.states) == 0 and node.op.mapped == 1


def test_a_state_that_another_reads_stays():
    x = T.dvector("x")
    (a, b), _ = ss.scan(lambda x_t, a, b: (a + b, b * x_t), x, [x[0], x[0]])
    (node,) = loops(drop_unused([a]))
    assert len(node.op.states) == 2
    (node,) = loops(drop_unused([b]))
    assert len(node.op.states) == 1


def test_equal_and_plain_constants_are_handed_in_once_or_not_at_all():
    x, w = T.dvector("x"), T.dscalar("w")
    h, _ = ss.scan(
        lambda x_t, h, a, b, c: h * a + b * x_t + c, x, x[0], [w, w, np.asarray(2.0)]
    )
    (node,) = loops(drop_unused([h]))
    assert node.op.constants == 1


def test_values_stay():
    x, m = T.dmatrix("x"), T.dvector("m")

    def step(x_t, m_t, h, k):
        inner, _ = ss.scan(lambda v, c: (c + v, v * 2), x_t, [k, None])
        return T.tanh(x_t + h) + inner[0][-1], k + m_t

    (h, _k), _ = ss.scan(step, [x, m], [x[0], m[0]])
    rng = np.random.default_rng(0)
    given = rng.normal(size=(4, 3)), rng.normal(size=4)
    wanted = ss.function([x, m], h, target="reference")(*given)
    np.testing.assert_allclose(ss.function([x, m], h)(*given), wanted)


def test_a_loop_and_its_gradient_stay_two_loops():
    x, w = T.dmatrix("x"), T.dmatrix("w")
    h, _ = ss.scan(lambda x_t, h, w: T.tanh(x_t + T.dot(h, w)), x, x[0], w)
    f = ss.function([x, w], [*T.grad(h[-1].sum(), [x, w]), h.sum()])
    assert len(f.plan.loops) == 2
