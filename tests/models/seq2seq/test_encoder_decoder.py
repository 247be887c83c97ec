"""The model against the papers' equations; padding, lengths, targets, gradients."""

from functools import cache

import numpy as np
import pytest
from seq2seq_tools import KINDS, D, H, V, W, inputs, made, sigmoid, values

import symseq as ss
import symseq.tensor as T
from symseq.compiler.pipeline import passes_of
from symseq.errors import UsageError
from symseq.models import GRU, LSTM, Embedding, Recurrent, Stacked, seq2seq
from symseq.models.attention import Memory
from symseq.scan.op import Scan
from symseq.tensor.shared_randomstreams import RandomStreams
from symseq.traverse import sort_nodes

every_kind = pytest.mark.parametrize("kind", KINDS)
soft_kinds = pytest.mark.parametrize("kind", ["plain", "bahdanau", "luong"])


@cache
def logits(kind, target="numpy"):
    source, mask, answer, _ = inputs()
    predicted = made(kind).logits(source, mask, answer)
    return ss.function([source, mask, answer], predicted, target=target)


def gru(cell, x, h):
    """Cho et al. 2014, equations 5-8, with biases."""
    W_, U, U_h, b = (p.get_value() for p in (cell.W, cell.U, cell.U_h, cell.b))
    W_r, W_z, W_h = np.split(W_, 3, axis=1)
    U_r, U_z = np.split(U, 2, axis=1)
    b_r, b_z, b_h = np.split(b, 3)
    r = sigmoid(x @ W_r + h @ U_r + b_r)  # (5)
    z = sigmoid(x @ W_z + h @ U_z + b_z)  # (6)
    new = np.tanh(x @ W_h + (r * h) @ U_h + b_h)  # (8)
    return z * h + (1 - z) * new  # (7)


def test_the_plain_model_is_the_papers_equations():
    """One sentence at a time: Cho et al. 2014, appendix A.1."""
    model, lengths = made("plain"), [4, 2, 1]
    source, mask, answer, _ = values(lengths, [5, 5, 5])
    got = logits("plain")(source, mask, answer)
    p = {name: v.get_value() for name, v in model.parameters().items()}
    for b, n in enumerate(lengths):
        e = p["source.W"][source[:n, b]]
        ahead = behind = np.zeros(H)
        for t in range(n):  # h_t = f(h_{t-1}, x_t), from both ends
            ahead = gru(model.encoder.forward.cell, e[t], ahead)
            behind = gru(model.encoder.backward.cell, e[n - 1 - t], behind)
        v = np.concatenate([ahead, behind])
        c = np.tanh(v @ p["context.W"] + p["context.b"])  # c = tanh(V h_N)
        s = np.tanh(c @ p["first.W"] + p["first.b"])  # s_0 = tanh(V' c)
        for t in range(4):
            y = p["target.W"][answer[t, b]]
            s = gru(model.decoder.cell, np.concatenate([y, c]), s)
            z = s @ p["output.W"] + p["output.b"]
            np.testing.assert_allclose(got[t, b], z, rtol=1e-10)


def test_a_deep_reversed_lstm_hands_over_all_layers_and_both_parts():
    """Sutskever et al. 2014: v is every layer's h and c; the source is reversed."""
    rng = np.random.default_rng(0)
    deep = Stacked([LSTM(D, 2, rng=rng), LSTM(2, 3, rng=rng)])
    plain = seq2seq.ContextDecoder(LSTM(D + 7, H, rng=rng), D, 7)
    model = seq2seq.EncoderDecoder(
        Embedding(V, D, rng=rng), Recurrent(deep, reverse=True),
        Embedding(W, D, rng=rng), plain, W, summary=7, rng=rng,
    )  # fmt: skip
    assert model.context.W.get_value().shape == (2 + 2 + 3 + 3, 7)
    assert model.first.W.get_value().shape == (7, 2 * H)
    source, mask, answer, _ = inputs()
    run = ss.function([source, mask, answer], model.logits(source, mask, answer))
    x, real, y, _ = values([3, 1], [4, 4])
    alone = run(x[:1, 1:], real[:1, 1:], y[:, 1:])
    np.testing.assert_allclose(run(x, real, y)[:, 1:], alone, atol=1e-12)


@every_kind
def test_padding_changes_nothing(kind):
    lengths = [4, 2, 1]
    source, mask, answer, _ = values(lengths, [5, 5, 5])
    whole = logits(kind)(source, mask, answer)
    for b, n in enumerate(lengths):
        one = slice(b, b + 1)
        alone = logits(kind)(source[:n, one], mask[:n, one], answer[:, one])
        np.testing.assert_allclose(whole[:, one], alone, atol=1e-6)
    source[mask == 0] = 4  # what stands at padding is not read
    np.testing.assert_array_equal(whole, logits(kind)(source, mask, answer))


@every_kind
def test_one_function_takes_all_lengths_and_is_reference(kind):
    run = logits(kind)
    plan = run.plan
    for sources, targets in (
        ([3, 2], [4, 4]), ([1], [2]), ([4], [1]), ([2, 0], [3, 3]), ([], []),
        ([0], [3]),
    ):  # fmt: skip
        source, mask, answer, _ = values(sources, targets)
        if not targets:
            answer = np.zeros((3, 0), "int32")
        if sources == [0]:
            source, mask = np.zeros((2, 1), "int32"), np.zeros((2, 1))
        given = source, mask, answer
        right = logits(kind, "reference")(*given)
        assert right.shape == (len(answer) - 1, answer.shape[1], W)
        assert np.isfinite(right).all()
        np.testing.assert_allclose(run(*given), right, rtol=1e-9, atol=1e-12)
    assert run.plan is plan


@cache
def gradients(kind, target="numpy"):
    given = inputs()
    cost = loss = made(kind).loss(*given)
    if kind == "hard":  # its gradient goes around the draws
        model, streams = made(kind), RandomStreams(1)
        cost, loss = seq2seq.hard_loss(model, *given, streams=streams, entropy=0.1)
    wrt = list(made(kind).parameters().values())
    return ss.function(given, [loss, *ss.grad(cost, wrt)], target=target)


@soft_kinds
def test_gradients_are_central_differences(kind):
    given = values([3, 1, 0], [4, 2, 3])
    run, rng, step = gradients(kind), np.random.default_rng(2), 1e-6
    _, *grads = run(*given)
    for p, gradient in zip(made(kind).parameters().values(), grads, strict=True):
        value, way = p.get_value(), rng.standard_normal(p.storage.shape)
        ends = []
        for sign in (1, -1):
            p.set_value(value + sign * step * way)
            ends.append(run(*given)[0])
        p.set_value(value)
        slope = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose((gradient * way).sum(), slope, rtol=1e-6, atol=1e-7)


@every_kind
def test_gradients_are_those_of_reference(kind):
    given = values([3, 1, 0], [4, 2, 3])
    pairs = zip(
        gradients(kind)(*given), gradients(kind, "reference")(*given), strict=True
    )
    for ours, right in pairs:
        np.testing.assert_allclose(ours, right, rtol=1e-8, atol=1e-10)


@soft_kinds
def test_padded_answers_change_no_loss(kind):
    source, mask, answer, real = values([3, 3], [4, 2])
    run = gradients(kind)
    loss = run(source, mask, answer, real)[0]
    longer = np.concatenate([answer, np.full((2, 2), 4, "int32")])
    padded = run(source, mask, longer, np.concatenate([real, np.zeros((2, 2))]))[0]
    np.testing.assert_allclose(padded, loss, rtol=1e-12)
    each = [
        run(source[:, b:][:, :1], mask[:, b:][:, :1], answer[:n, b:][:, :1],
            np.ones((n, 1)))[0]
        for b, n in enumerate([4, 2])
    ]  # fmt: skip
    np.testing.assert_allclose(loss, (3 * each[0] + 1 * each[1]) / 4, rtol=1e-9)


def products_in_loops(outputs):
    """How many matrix products the body of each loop has, by the loop's name."""
    graph = passes_of(outputs, "numpy")[-1][1]
    counts = {}
    for node in sort_nodes(graph):
        if isinstance(node.op, Scan):
            names = [inner.op.name for inner in node.op.body.nodes]
            counts[node.op.name] = sum(n in ("dot", "matmul") for n in names)
    return counts


# The cell's two products with its state (the reset one apart), and those with what was
# seen. Bahdanau's query s_{i-1} shares one with the gates; Luong's h_t is another.
PRODUCTS = {"plain": 2, "bahdanau": 4, "luong": 5, "hard": 4}


@every_kind
def test_the_loops_hold_only_what_depends_on_the_state(kind):
    source, mask, answer, _ = inputs()
    counts = products_in_loops([made(kind).logits(source, mask, answer)])
    assert counts == {"forward": 2, "backward": 2, "decoder": PRODUCTS[kind]}


def test_a_float_source_is_embedded_already():
    model = made("plain")
    source, mask, answer, real = inputs()
    x = model.source(source)
    cost = model.loss(x, mask, answer, real)
    given = [source, mask, answer, real]
    run = ss.function(given, [cost, model.loss(*given), ss.grad(cost, x)])
    one, other, pull = run(*values([3, 2], [4, 3]))
    assert one == other and pull.shape == (3, 2, D)
    assert not pull[2, 1].any() and pull[1, 1].any()


def test_wrong_widths_and_missing_parts_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="must read"):
        seq2seq.ContextDecoder(GRU(D, H, rng=rng), D, 1)
    decoder = seq2seq.ContextDecoder(GRU(D + 1, H, rng=rng), D, 1)
    with pytest.raises(UsageError, match="summary"):
        decoder.over(Memory(T.tensor3()))
    with pytest.raises(UsageError, match="one of"):
        seq2seq.build("none", V, W, width=D, hidden=H, rng=rng)
    source, mask, answer, _ = inputs()
    with pytest.raises(UsageError, match="streams"):
        made("plain").logits(source, mask, answer, truth=0.5)


# -- scheduled sampling -------------------------------------------------------------


def sampled(kind, truth):
    source, mask, answer, _ = inputs()
    streams = RandomStreams(3)
    predicted = made(kind).logits(source, mask, answer, streams=streams, truth=truth)
    return ss.function([source, mask, answer], predicted)


def test_the_truth_alone_is_teacher_forcing():
    given = values([3, 2], [5, 5])[:3]
    forced = logits("plain")(*given)
    np.testing.assert_allclose(
        sampled("plain", ss.shared(1.0))(*given), forced, rtol=1e-10
    )


@pytest.mark.parametrize("kind", ["plain", "bahdanau"])
def test_without_truth_the_model_reads_what_it_said(kind):
    source, mask, answer, _ = values([3, 2], [6, 6])
    free = sampled(kind, 0.0)(source, mask, answer)
    said = np.concatenate([answer[:1], free.argmax(axis=-1)]).astype("int32")
    np.testing.assert_allclose(logits(kind)(source, mask, said), free, rtol=1e-9)


def test_a_coin_is_tossed_for_each_token_of_each_call():
    source, mask, answer, _ = values([3] * 40, [6] * 40)
    half = sampled("plain", 0.5)
    forced, one, two = (
        logits("plain")(source, mask, answer),
        *(half(source, mask, answer) for _ in range(2)),
    )
    same = np.isclose(one, forced).all(axis=2)
    assert same[0].all() and 0 < same[1:].mean() < 1
    assert not np.allclose(one, two)


def test_the_schedule_falls_from_one_to_zero():
    values = [seq2seq.inverse_sigmoid(i, 20) for i in (0, 60, 200, 10**9)]
    np.testing.assert_allclose(values[:2], [20 / 21, 20 / (20 + np.e**3)])
    assert values == sorted(values, reverse=True) and values[-1] < 1e-9


# -- hard attention -----------------------------------------------------------------


def test_the_hard_loss_has_the_gradient_of_the_expected_loss():
    """One word to write, so that the mean over all places can be enumerated."""
    model, copies = made.__wrapped__("hard"), 20_000
    for part in (model.source, model.output):  # so that places and words differ
        part.W.storage[...] *= 5
    given = source, mask, answer, _ = inputs()
    cost, _ = seq2seq.hard_loss(model, *given, streams=RandomStreams(7))
    memory, decoder = model.encode(source, mask), model.decoder
    cell, state = model.begin(memory)
    _, after = cell(model.target(answer[0]), state)  # what it chose is not read
    expected = 0
    for s in range(3):
        x = T.concatenate([model.target(answer[0]), memory.values[s]], 1)
        h, _ = decoder.cell(x, state.inner)
        seen = T.concatenate([h, memory.values[s]], 1)
        logs = T.nnet.logsoftmax(model.output(seen))
        chance = after.weights[:, s]
        expected = expected - (chance * logs[T.arange(1), answer[1]]).sum()
    wrt = [decoder.attention.score.W, decoder.cell.W, model.source.W]
    exact = ss.function([source, mask, answer], ss.grad(expected, wrt))
    many = ss.function(given, ss.grad(cost, wrt))
    x, real, words, _ = values([3], [2])
    wide = [np.repeat(a, copies, axis=1) for a in (x, real, words, np.ones((2, 1)))]
    drawn = [many(*wide) for _ in range(8)]
    for k, right in enumerate(exact(x, real, words)):
        each = np.array([one[k] for one in drawn])
        error = each.std(axis=0, ddof=1) / np.sqrt(len(each))
        assert (np.abs(each.mean(axis=0) - right) <= 6 * error + 1e-9).all()
        assert np.abs(right).max() > 20 * error.max()
