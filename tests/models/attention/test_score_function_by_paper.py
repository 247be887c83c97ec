"""Hard attention given its draws, and the score function's gradient, enumerated."""

from itertools import product

import numpy as np
import paper_loops as paper
import pytest
from paper_check import close, noise

import symseq as ss
import symseq.tensor as T
from symseq.models import GRU, Recurrent
from symseq.models import attention as att
from symseq.tensor.shared_randomstreams import RandomStreams

S, Q, M, LOOKS = 3, 2, 2, 2  # places, widths, looks at the memory
RNG = np.random.default_rng(0)
QUERIES, PLACES = RNG.standard_normal((LOOKS, Q)), RNG.standard_normal((S, M))
WAYS = list(product(range(S), repeat=LOOKS))


def alphas(p):
    return [
        paper.softmax([paper.general({"W": p["W"]}, q, z) for z in PLACES])
        for q in QUERIES
    ]


def f_of(p, way):
    """(Σ_t z_t · w - 1)², which has a slope of its own."""
    return (sum(PLACES[s] @ p["w"] for s in way) - 1) ** 2


def chance(p, way):
    return np.prod([a[s] for a, s in zip(alphas(p), way, strict=True)])


def expectation(p):
    # Xu et al. 2015, (10): Σ_s p(s | a) f(s), for any f; here of all S^2 ways to look
    return sum(chance(p, way) * f_of(p, way) for way in WAYS)


def slopes(value, p, step=1e-5):
    """The whole gradient of a loop, by central differences."""
    made = []
    for array in p.values():
        for at in np.ndindex(array.shape):
            kept, sides = array[at], []
            for side in (step, -step):
                array[at] = kept + side
                sides.append(value())
            array[at] = kept
            made.append((sides[0] - sides[1]) / (2 * step))
    return np.array(made)


def estimate(baseline, draws):
    """(ways: float[LOOKS, S, draws]) → the gradient that these draws give."""
    score = att.GeneralScore(Q, M, rng=np.random.default_rng(0))
    w = ss.shared(np.zeros(M), "w")
    p = noise({"W": score.W, "w": w}, seed=4)
    chosen = T.dtensor3("chosen")
    memory = att.Memory(T.constant(PLACES)[:, None]).repeat(draws)
    seen, log_p, squares = 0.0, 0.0, 0.0
    for t, q in enumerate(QUERIES):
        queries = T.constant(np.repeat(q[None], draws, axis=0))
        _, alpha = att.SoftAttention(score)(queries, memory)
        seen = seen + T.dot(T.dot(chosen[t].T, T.constant(PLACES)), w)
        log_p = log_p + att.log_probability(alpha, chosen[t], axis=0)
        squares = squares + att.score_squares(alpha, chosen[t], axis=0)
    f = T.sqr(seen - 1)
    cost = att.surrogate(f, log_p, baseline(f, squares))
    grads = T.grad(cost, [score.W, w])
    flat = T.concatenate([g.flatten() for g in grads])
    return p, ss.function([chosen], [flat, f, log_p, squares])


def constant(f, squares):
    return 1.7


def running(f, squares):
    return att.RunningMean(first=0.8)()


def learned(f, squares):
    made = att.LearnedBaseline(1, rng=np.random.default_rng(1))
    noise(made.parameters(), seed=2)
    return made(T.ones_like(f)[:, None] * 0.6)


def optimal(f, squares):
    return att.optimal_baseline(f[:, None], squares[:, None])[:, 0]


BASELINES = {
    "none": (lambda f, squares: 0.0, 1), "constant": (constant, 1),
    "running mean": (running, 2), "learned": (learned, 1), "optimal": (optimal, 2),
}  # fmt: skip


def hot(ways):
    """Zeros and ones of such ways. Shapes: float[LOOKS, S, draws]."""
    made = np.zeros((LOOKS, S, len(ways)))
    for n, way in enumerate(ways):
        made[range(LOOKS), way, n] = 1
    return made


@pytest.mark.parametrize("name", BASELINES)
def test_the_expected_estimate_is_the_exact_gradient(name):
    """The mean over all that can be drawn, by its chance, is ∇E[f]: both terms."""
    baseline, draws = BASELINES[name]
    p, function = estimate(baseline, draws)
    total = 0.0
    for ways in product(WAYS, repeat=draws):
        gradient, f, log_p, _ = function(hot(ways))
        close(f, [f_of(p, way) for way in ways])
        close(log_p, [np.log(chance(p, way)) for way in ways])
        total = total + np.prod([chance(p, way) for way in ways]) * gradient
    exact = slopes(lambda: expectation(p), p)
    np.testing.assert_allclose(total, exact, rtol=1e-6, atol=1e-8)


def test_each_draw_gives_the_two_terms_of_the_derivation():
    p, function = estimate(constant, 2)
    for ways in [((0, 1), (2, 2)), ((1, 1), (0, 2))]:
        gradient, *_, squares = function(hot(ways))
        expected, fixed = 0.0, [f_of(p, way) for way in ways]
        for way, f in zip(ways, fixed, strict=True):
            # Xu et al. 2015, (11) and (12), with the baseline b of section 4.1:
            # 1/N Σ_n [∂f/∂W + (f - b) ∂log p(s̃ | a)/∂W]
            expected = expected + slopes(lambda way=way: f_of(p, way), p)
            score = slopes(lambda way=way: np.log(chance(p, way)), p)
            expected = expected + (f - 1.7) * score
        np.testing.assert_allclose(gradient, expected / 2, rtol=1e-6, atol=1e-8)
        for n, way in enumerate(ways):
            # ∂log α_x / ∂e_s = [s = x] - α_s, of every look
            right = sum(
                sum(((s == way[t]) - a) ** 2 for s, a in enumerate(alpha))
                for t, alpha in enumerate(alphas(p))
            )
            close(squares[n], right)


def test_baselines_are_their_formulas():
    rng = np.random.default_rng(3)
    costs, weights = rng.standard_normal((4, 3)), rng.random((4, 3))
    f, g = T.dmatrix("f"), T.dmatrix("g")
    found = ss.function([f, g], att.optimal_baseline(f, g))(costs, weights)
    for n, b in np.ndindex(4, 3):
        # Greensmith et al. 2004: b = E[f ‖∇log p‖²] / E[‖∇log p‖²], of other draws
        others = [m for m in range(4) if m != n]
        above = sum(costs[m, b] * weights[m, b] for m in others)
        close(found[n, b], above / sum(weights[m, b] for m in others))
    mean = att.RunningMean(0.9, first=2.0)
    step, b = ss.function([f], mean(), updates=mean.updates(f)), 2.0
    for k in range(4):
        close(step(costs + k), b)
        # Xu et al. 2015, 4.1: b_k = 0.9 b_{k-1} + 0.1 log p(y | s̃_k, a)
        b = 0.9 * b + 0.1 * (costs + k).mean()
    made = att.LearnedBaseline(3, rng=rng)
    p = noise(made.parameters())
    guess = ss.function([g], made(g))(weights)
    close(guess, weights @ p["dense.W"][:, 0] + p["dense.b"][0])
    v = T.dvector("v")
    loss = ss.function([v, g], made.loss(v, g))(costs[:, 0], weights)
    close(loss, ((costs[:, 0] - guess) ** 2).mean())


@pytest.mark.parametrize("kind", ["bahdanau", "luong"])
def test_a_hard_decoder_is_the_loop_given_its_draws(kind):
    rng = np.random.default_rng(0)
    y, values, mask = T.dtensor3("y"), T.dtensor3("values"), T.dmatrix("mask")
    attention = att.HardAttention(att.AdditiveScore(4, M, 3, rng=rng))
    if kind == "bahdanau":
        made = att.BahdanauDecoder(GRU(2 + M, 4, rng=rng), attention, 2, M)
    else:
        made = att.LuongDecoder(GRU(6, 4, rng=rng), attention, 2, M, rng=rng)
    p = noise(made.parameters())
    layer = Recurrent(made.over(att.Memory(values, mask)))
    run = layer.run(y, streams=RandomStreams(3))
    chosen = run.states.notes.chosen
    log_p = att.log_probability(run.states.weights, chosen)
    outputs = [run.outputs, run.states.weights, chosen, log_p]
    function = ss.function([y, values, mask], outputs)
    real = np.array([[1, 1, 1, 0], [1, 0, 1, 0], [0, 1, 1, 0.0]])
    ys, sources = rng.standard_normal((5, 4, 2)), rng.standard_normal((3, 4, M))
    out, weights, chosen, log_p = function(ys, sources, real)
    assert not chosen[:, 3].any() and not log_p[:, 3].any()  # nothing to look at
    assert (chosen[:, :3].sum(axis=2) == 1).all()
    decoder = getattr(paper, kind)
    for b in range(4):
        own = np.flatnonzero(real[:, b])
        places = [list(own).index(s) for s in chosen[:, b].argmax(axis=1) if len(own)]
        look, memory = paper.hard(paper.additive, places), list(sources[own, b])
        first = (np.zeros(4),)
        expected, alpha, *_ = decoder(p, paper.gru, look, ys[:, b], memory, M, first)
        close(out[:, b], expected)
        close(weights[:, b][:, own], alpha)
        if len(own):
            close(
                log_p[:, b], [np.log(a[k]) for a, k in zip(alpha, places, strict=True)]
            )
