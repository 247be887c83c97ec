"""What is left inside the loops of whole models, and that it gives the same numbers."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.compiler.pipeline import passes_of
from symseq.graph import SharedVariable, Variable
from symseq.ops.elementwise import Elementwise
from symseq.scan.op import Scan
from symseq.tensor.shared_randomstreams import RandomStreams
from symseq.traverse import free_inputs, leaves, sort_nodes

H, V = 4, 11
VIEWS = {"dimshuffle", "subtensor", "reshape", "shape", "unbroadcast"}


def weights(name, *shape):
    rng = np.random.default_rng(sum(map(ord, name)))
    return ss.shared((rng.normal(size=shape) * 0.3).astype("float32"), name)


@dataclass
class Model:
    """A cost and its gradients, with what its inputs are for (steps, examples)."""

    cost: Variable
    kinds: dict[str, str]

    @property
    def outputs(self):
        shared = [v for v in leaves([self.cost]) if isinstance(v, SharedVariable)]
        floats = [v for v in shared if v.type.is_float]
        given = [v for v in free_inputs([self.cost]) if v.type.is_float]
        wrt = [v for v in given if self.kinds[v.name] == "rows"]
        return [self.cost, *T.grad(self.cost, [*wrt, *floats])]

    def values(self, inputs, steps, batch):
        rng = np.random.default_rng(steps)
        shapes = {
            "ids": lambda: rng.integers(0, V, (steps, batch)),
            "labels": lambda: rng.integers(0, 2, batch),
            "rows": lambda: rng.normal(size=(steps, batch, H)).astype("float32"),
            "keys": lambda: rng.normal(size=(3, batch, H)).astype("float32"),
            "mask": lambda: (rng.random((steps, batch)) < 0.7).astype("float32"),
        }
        return [shapes[self.kinds[v.name]]() for v in inputs]


def zeros(x, axis=1):
    return T.zeros((x.shape[axis], H), dtype="float32")


def gates(z, c):
    i, f, o = (T.nnet.sigmoid(z[:, k * H : (k + 1) * H]) for k in range(3))
    c = f * c + i * T.tanh(z[:, 3 * H :])
    return o * T.tanh(c), c


def plain_lstm():
    x = T.ftensor3("x")
    W, U, b = weights("W", H, 4 * H), weights("U", H, 4 * H), weights("b", 4 * H)

    def step(x_t, h, c):
        return gates(T.dot(x_t, W) + T.dot(h, U) + b, c)

    (h, _), _ = ss.scan(step, x, [zeros(x), zeros(x)])
    return Model((h * h).sum(), {"x": "rows"})


def tutorial_lstm():
    """The sentiment tutorial: a mask, the mean over time, dropout before the output."""
    ids, mask, y = T.lmatrix("ids"), T.fmatrix("mask"), T.lvector("y")
    E, W, U = weights("E", V, H), weights("W", H, 4 * H), weights("U", H, 4 * H)
    b, O = weights("b", 4 * H), weights("O", H, 2)
    emb = E[ids.flatten()].reshape((ids.shape[0], ids.shape[1], H))

    def step(m_t, x_t, h_before, c_before):
        h, c = gates(x_t + T.dot(h_before, U), c_before)
        c = m_t[:, None] * c + (1.0 - m_t)[:, None] * c_before
        return m_t[:, None] * h + (1.0 - m_t)[:, None] * h_before, c

    start = [zeros(ids), zeros(ids)]
    (h, _), _ = ss.scan(step, [mask, T.dot(emb, W) + b], start)
    mean = (h * mask[:, :, None]).sum(0) / (mask.sum(0) + 1)[:, None]
    drop = RandomStreams(3).binomial(mean.shape, p=0.5, dtype="float32")
    p = T.nnet.softmax(T.dot(mean * drop, O))
    cost = -T.log(p[T.arange(y.shape[0]), y] + 1e-6).mean()
    return Model(cost, {"ids": "ids", "mask": "mask", "y": "labels"})


def char_rnn():
    """The embedding, the output layer and the cost are all written inside the step."""
    ids, wanted = T.lmatrix("ids"), T.lmatrix("wanted")
    E, U, b, O = (
        weights("E", V, H), weights("U", H, H), weights("b", H), weights("O", H, V),
    )  # fmt: skip

    def step(i_t, wanted_t, h):
        h = T.tanh(E[i_t] + T.dot(h, U) + b)
        p = T.nnet.softmax(T.dot(h, O))
        return h, -T.log(p[T.arange(wanted_t.shape[0]), wanted_t]).sum()

    (_, cost), _ = ss.scan(step, [ids, wanted], [zeros(ids), None])
    return Model(cost.sum(), {"ids": "ids", "wanted": "ids"})


def attention():
    """Additive attention, the projection of the keys written inside the step."""
    x, keys = T.ftensor3("x"), T.ftensor3("keys")
    Wk, Wq, W, C = (weights(name, H, H) for name in ("Wk", "Wq", "W", "C"))
    score = weights("score", H)

    def step(x_t, h):
        e = T.dot(T.tanh(T.dot(keys, Wk) + T.dot(h, Wq)[None]), score)
        a = T.exp(e - e.max(0, keepdims=True))
        a = a / a.sum(0, keepdims=True)
        context = (a[:, :, None] * keys).sum(0)
        return T.tanh(T.dot(x_t, W) + T.dot(context, C) + h), context

    (h, context), _ = ss.scan(step, x, [zeros(x), None])
    return Model((h * h).sum() + context.sum(), {"x": "rows", "keys": "keys"})


def dropout_inside():
    """A mask that is drawn in every step, on the state and on the input."""
    x, srng = T.ftensor3("x"), RandomStreams(5)
    W, U = weights("W", H, H), weights("U", H, H)

    def step(x_t, h):
        on_state = srng.binomial(h.shape, p=0.5, dtype="float32")
        noisy = x_t + srng.normal(x_t.shape, dtype="float32")
        return T.tanh(T.dot(noisy, W) + T.dot(h * on_state, U))

    h, _ = ss.scan(step, x, zeros(x))
    return Model((h * h).sum(), {"x": "rows"})


def hierarchical():
    """Words in sentences: a loop over rows inside the loop over sentences."""
    x = T.ftensor3("x")
    W, U, S = weights("W", H, H), weights("U", H, H), weights("S", H, H)

    def sentence(words, h):
        first = T.zeros((H,), dtype="float32")
        inner, _ = ss.scan(lambda w, k: T.tanh(T.dot(w, W) + T.dot(k, U)), words, first)
        return T.tanh(inner[-1] + T.dot(h, S))

    h, _ = ss.scan(sentence, x, T.zeros((H,), dtype="float32"))
    return Model((h[-1] ** 2).sum(), {"x": "rows"})


MODELS = [
    plain_lstm, tutorial_lstm, char_rnn, attention, dropout_inside, hierarchical,
]  # fmt: skip


def loops(outputs, target="numpy"):
    """Per loop of the compiled graph how often each op is in its body, views apart."""
    made = passes_of(outputs, target)[-1][1]
    return [inside(node) for node in sort_nodes(made) if isinstance(node.op, Scan)]


def inside(node):
    found = Counter()
    for inner in node.op.body.nodes:
        if inner.op.name not in VIEWS:
            found[inner.op.name] += 1
        if isinstance(inner.op, Scan):
            found += inside(inner)
    return found


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_values_and_gradients_are_those_of_reference(model):
    made = model()
    inputs = free_inputs([made.cost])
    outputs = made.outputs
    options = {"no_default_updates": True}
    wanted = ss.function(inputs, outputs, target="reference", **options)
    ours = ss.function(inputs, outputs, **options)
    for steps, batch in ((0, 2), (1, 2), (3, 1), (5, 2)):
        values = made.values(inputs, steps, batch)
        try:
            right = wanted(*values)
        except IndexError:
            with pytest.raises(IndexError):
                ours(*values)
            continue
        for a, b in zip(ours(*values), right, strict=True):
            assert a.shape == b.shape and a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("target", ["numpy", "numba"])
@pytest.mark.parametrize("model", [plain_lstm, tutorial_lstm])
def test_an_lstm_keeps_one_product_per_step_each_way(model, target):
    forward, backward = loops(model().outputs, target)
    assert forward["dot"] == backward["dot"] == 1
    assert not (forward + backward)["sum"]


def test_an_lstm_step_is_one_product_one_add_and_the_gates():
    forward, backward = loops(plain_lstm().outputs)
    gates_forward = {"sigmoid": 3, "tanh": 2, "mul": 3, "add": 1}
    assert sum(forward.values()) <= 2 + sum(gates_forward.values())
    assert forward["add"] == 2 and forward["tanh"] <= 2
    # dh, dc, four gates, dc for the step before: and the slopes are made outside.
    assert sum(backward.values()) <= 10


def test_a_mask_adds_only_its_own_arithmetic():
    forward, backward = loops(tutorial_lstm().outputs)
    assert not (forward + backward)["sub"]  # 1 - m is done for all steps at once
    assert not (forward + backward)["bits"]


def test_embedding_softmax_and_cost_leave_the_step():
    forward, backward = loops(char_rnn().outputs)
    assert forward == {"dot": 1, "add": 1, "tanh": 1}
    assert backward == {"dot": 1, "add": 1, "mul": 1}


def test_keys_are_projected_once_and_weights_get_their_gradients_outside():
    forward, backward = loops(attention().outputs)
    assert forward["dot"] == 3  # of the state, of the scores, of the context
    assert backward["dot"] <= 3
    assert not backward["put_rows"]


def test_a_mask_in_a_step_is_drawn_once():
    made = passes_of(dropout_inside().outputs)[-1][1]
    drawn = Counter(node.op.name for node in sort_nodes(made))
    assert 1 <= drawn["bits"] <= 2
    forward, backward = loops(dropout_inside().outputs)
    assert forward == {"mul": 1, "dot": 1, "add": 1, "tanh": 1}
    assert backward == {"add": 1, "dot": 1, "mul": 2}


def test_on_a_fusing_target_elementwise_work_stays_inside():
    forward, backward = loops(plain_lstm().outputs, "numba")
    assert backward["sub"] > 0
    made = passes_of(plain_lstm().outputs, "numba")[-1][1]
    around = [n for n in sort_nodes(made) if isinstance(n.op, Elementwise)]
    assert not any(n.op.name == "sub" for n in around) and forward["dot"] == 1


def test_words_are_projected_for_all_sentences():
    assert all(found["dot"] <= 1 for found in loops(hierarchical().outputs[:1]))


def test_a_forward_pass_alone_keeps_no_history():
    x = T.ftensor3("x")
    W, U = weights("W", H, 4 * H), weights("U", H, 4 * H)

    def step(x_t, h, c):
        return gates(T.dot(x_t, W) + T.dot(h, U), c)

    (h, _), _ = ss.scan(step, x, [zeros(x), zeros(x)])
    (node,) = (
        node
        for node in sort_nodes(passes_of([h[-1]])[-1][1])
        if isinstance(node.op, Scan)
    )
    assert all(spec.last_only for spec in node.op.states)


@pytest.mark.parametrize("target", ["numpy", "numba"])
def test_gradients_taken_one_by_one_share_their_loops(target):
    """[grad(cost, p) for p in ps], as Theano programs write it, is grad(cost, ps)."""
    x = T.TensorType("float32", (None, None, H))("x")
    W, U = weights("W", H, 4 * H), weights("U", H, 4 * H)
    b = weights("b", 4 * H)

    def step(x_t, h, c):
        return gates(T.dot(x_t, W) + T.dot(h, U) + b, c)

    (h, _), _ = ss.scan(step, x, [zeros(x)] * 2)
    cost = (h**2).mean()
    apart = [T.grad(cost, p) for p in (W, U, b)]
    for outputs in (T.grad(cost, [W, U, b]), apart):
        made = passes_of(outputs, target)[-1][1]
        assert sum(isinstance(node.op, Scan) for node in sort_nodes(made)) == 2
