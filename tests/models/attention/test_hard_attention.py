"""Hard attention: its draws, and the gradient of an enumerable expectation."""

from itertools import product

import numpy as np
import pytest
from attention_tools import D, H, M, inputs, model, values

import symseq as ss
import symseq.tensor as T
from symseq.models import GRU, Recurrent
from symseq.models import attention as att
from symseq.tensor.shared_randomstreams import RandomStreams

S, STEPS, N = 3, 2, 40  # places, looks, draws of one estimate


class Problem:
    """Two looks at three places; f = (Σ_t z_t · w - 1)², so that f, too, has a slope.

    Shapes: queries: [STEPS, H], memory: [S, M], w: [M]; f of N draws: float[N].
    """

    def __init__(self):
        rng = np.random.default_rng(0)
        self.score = att.GeneralScore(H, M, rng=rng)
        self.score.W.set_value(0.7 * rng.standard_normal((H, M)))
        self.w = ss.shared(rng.standard_normal(M), "w")
        self.queries = rng.standard_normal((STEPS, H))
        self.memory = rng.standard_normal((S, M))
        self.parameters = [self.score.W, self.w]

    def looks(self, streams, draws):
        """weights, chosen: [STEPS, S, N]; f, log p: [N]; N draws from one memory."""
        many = att.Memory(T.constant(self.memory)[:, None]).repeat(draws)
        look = att.HardAttention(self.score).training(streams, draws)
        seen, weights, chosen = [], [], []
        for q in self.queries:
            queries = T.constant(np.repeat(q[None], draws, axis=0))
            z, alpha, notes = look.look(queries, many, None)
            seen, weights = [*seen, z], [*weights, alpha]
            chosen.append(notes.chosen.T)
        f = T.sqr(sum(T.dot(z, self.w) for z in seen) - 1)
        weights, chosen = T.stack(weights), T.stack(chosen)
        return (
            f,
            att.log_probability(weights, chosen, axis=1).sum(axis=0),
            weights,
            chosen,
        )

    def exact(self):
        """∇ Σ_x p(x) f(x) over all S^STEPS ways to look."""
        memory = att.Memory(T.constant(self.memory)[:, None])
        alphas = []
        for q in self.queries:
            _, alpha = att.SoftAttention(self.score)(T.constant(q[None]), memory)
            alphas.append(alpha[:, 0])
        total = 0
        for way in product(range(S), repeat=STEPS):
            p = np.prod([alphas[t][s] for t, s in enumerate(way)])
            seen = sum(T.dot(T.constant(self.memory[s]), self.w) for s in way)
            total = total + p * T.sqr(seen - 1)
        return ss.function([], [total, *T.grad(total, self.parameters)])()


@pytest.fixture(scope="module")
def problem():
    before, ss.config.floatX = ss.config.floatX, "float64"
    yield Problem()
    ss.config.floatX = before


def baseline_of(kind, f, weights, chosen):
    """(b, updates)."""
    if kind == "constant":
        return 1.5, {}
    if kind == "running mean":
        b = att.RunningMean(first=1.0)
        return b(), b.updates(f)
    if kind == "learned":
        learned = att.LearnedBaseline(2, rng=np.random.default_rng(0))
        features = T.ones_like(f)[:, None] * np.ones((1, 2))
        loss = learned.loss(f, features)
        moved = learned.parameters().values()
        pairs = zip(moved, T.grad(loss, list(moved)), strict=True)
        return learned(features), {p: p - 0.05 * g for p, g in pairs}
    if kind == "optimal":
        squares = att.score_squares(weights, chosen, axis=1).sum(axis=0)
        return att.optimal_baseline(f[:, None], squares[:, None])[:, 0], {}
    return 0.0, {}


KINDS = ["none", "constant", "running mean", "learned", "optimal"]


@pytest.fixture(scope="module")
def estimates(problem):
    """Per baseline 2000 estimates of the whole gradient, from N draws each."""
    made = {}
    for kind in KINDS:
        f, log_p, weights, chosen = problem.looks(RandomStreams(7), N)
        b, updates = baseline_of(kind, f, weights, chosen)
        cost = att.surrogate(f, log_p, b)
        step = ss.function([], T.grad(cost, problem.parameters), updates=updates)
        rows = [np.concatenate([g.ravel() for g in step()]) for _ in range(2000)]
        made[kind] = np.array(rows)
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_the_estimate_is_unbiased(problem, estimates, kind):
    exact = np.concatenate([g.ravel() for g in problem.exact()[1:]])
    rows = estimates[kind]
    error = rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
    assert np.abs((rows.mean(axis=0) - exact) / error).max() < 3


def test_baselines_lessen_the_variance(estimates):
    spread = {kind: rows.var(axis=0).sum() for kind, rows in estimates.items()}
    assert max(spread["running mean"], spread["learned"]) < spread["none"]
    assert spread["optimal"] < 1.05 * min(spread.values())


def test_each_term_alone_is_biased(problem):
    """∇f without f ∇log p, and the other way round, miss the exact gradient."""
    exact = problem.exact()[1:]
    f, log_p, _, _ = problem.looks(RandomStreams(3), 4000)
    fixed = T.disconnected_grad(f)
    for cost in (T.mean(f), T.mean(fixed * log_p)):
        grads = T.grad(cost, problem.parameters, disconnected_inputs="ignore")
        found = ss.function([], grads)()
        missed = [np.abs(a - b).max() for a, b in zip(found, exact, strict=True)]
        assert max(missed) > 0.1


def test_the_optimal_baseline_leaves_its_own_draw_out():
    f, w = T.dmatrix("f"), T.dmatrix("w")
    b = ss.function([f, w], att.optimal_baseline(f, w))
    costs, squares = (
        np.array([[1.0, 5], [2, 6], [4, 7]]),
        np.array([[1.0, 0], [3, 0], [2, 0]]),
    )
    expected = [[(6 + 8) / 5, 0], [(1 + 8) / 3, 0], [(1 + 6) / 4, 0]]
    np.testing.assert_allclose(b(costs, squares), expected)
    assert b(costs[:1], squares[:1]).tolist() == [[0, 0]]


def test_the_running_mean_is_of_earlier_minibatches():
    f = T.dvector("f")
    mean = att.RunningMean(0.9, first=2.0)
    step = ss.function([f], mean(), updates=mean.updates(f))
    assert float(step([10.0, 20.0])) == 2.0
    assert float(step([0.0])) == pytest.approx(0.9 * 2 + 0.1 * 15)
    assert not mean.parameters()


@pytest.mark.parametrize("target", ["numpy", "reference"])
def test_a_decoder_draws_at_every_step_a_real_place(target):
    y, _, memory, mask = inputs()
    attention = att.HardAttention(
        att.AdditiveScore(H, M, 4, rng=np.random.default_rng(0))
    )
    cell = GRU(D + M, H, rng=np.random.default_rng(1))
    decoder = att.BahdanauDecoder(cell, attention, D, M)
    layer = Recurrent(decoder.over(att.Memory(memory, mask)))
    run = layer.run(y, streams=RandomStreams(5))
    states = run.states
    shown = [states.context, states.weights, states.notes.chosen]
    f = ss.function([y, memory, mask], shown, target=target)
    y, _, memory, mask = values([200, 200, 200], [4, 1, 0])
    context, weights, chosen = f(y, memory, mask)
    assert chosen.shape == (200, 3, 4) and set(chosen.ravel()) == {0.0, 1.0}
    np.testing.assert_array_equal(chosen.sum(axis=2), [[1, 1, 0]] * 200)
    assert not chosen[:, 1, 1:].any() and not context[:, 2].any()
    np.testing.assert_allclose(context, np.einsum("tbs,sbm->tbm", chosen, memory))
    often, hoped = chosen[:, 0].mean(axis=0), weights[:, 0].mean(axis=0)
    assert np.abs(often - hoped).max() < 0.1
    assert (f(y, memory, mask)[2] != chosen).any()


def test_targets_draw_the_same():
    found = []
    for target in ("numpy", "reference"):
        f, log_p, _, chosen = Problem().looks(RandomStreams(2), 20)
        found.append(ss.function([], [f, log_p, chosen], target=target)())
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


def test_without_training_the_likeliest_place_is_chosen():
    y, _, memory, mask = inputs()
    _, over = model("bahdanau_hard")
    run = Recurrent(over(att.Memory(memory, mask), None)).run(y)
    f = ss.function([y, memory, mask], [run.states.weights, run.states.notes.chosen])
    y, _, memory, mask = values([3, 3], [4, 2])
    weights, chosen = f(y, memory, mask)
    np.testing.assert_array_equal(chosen.argmax(axis=2), weights.argmax(axis=2))
    np.testing.assert_array_equal(chosen.sum(axis=2), 1)
