"""Encoder-decoders are the papers' loops: logits, losses, gradients, searches."""

from functools import cache

import numpy as np
import pytest
import sentence_loops as loops
from paper_check import check_gradients, close, masks, noise

import symseq as ss
import symseq.tensor as T
from symseq.models import seq2seq
from symseq.tensor.shared_randomstreams import RandomStreams

READ, WRITTEN, FIRST, END = 5, 4, 2, 3
every_kind = pytest.mark.parametrize("kind", seq2seq.KINDS)
BATCHES = [
    ([4, 2, 0], [3, 5, 2]),
    ([1, 0, 3], [2, 4, 1]),
    ([1], [2]),
    ([[1, 0, 1], 3], [3, 4]),
]


@cache
def built(kind):
    rng = np.random.default_rng(0)
    made = seq2seq.build(kind, READ, WRITTEN, width=3, hidden=4, rng=rng)
    return made, noise(made.parameters(), scale=0.8)


def data_of(sources, targets, seed=1):
    rng, made = np.random.default_rng(seed), []
    for lengths, words in ((sources, READ), (targets, WRITTEN)):
        mask = masks(lengths)
        tokens = np.where(mask > 0, rng.integers(0, words, mask.shape), 0)
        made += [tokens.astype("int32"), mask]
    return made


def pairs(source, source_mask, target, target_mask):
    for b in range(source.shape[1]):
        real = source_mask[:, b] > 0
        yield list(source[real, b]), list(target[:, b]), target_mask[1:, b]


@cache
def teacher(kind):
    """(source, mask, target, mask) → logits, loss, gradients."""
    model, p = built(kind)
    given = seq2seq.inputs()
    loss = model.loss(*given)
    parameters = model.parameters()
    grads = T.grad(loss, list(parameters.values()), disconnected_inputs="ignore")
    return p, ss.function(given, [model.logits(*given[:3]), loss, *grads])


@pytest.mark.parametrize("batch", range(len(BATCHES)))
@every_kind
def test_teacher_forcing_is_the_papers_loop(kind, batch):
    p, function = teacher(kind)
    data = data_of(*BATCHES[batch])
    logits, loss, *grads = function(*data)

    def mean():
        total = 0.0
        for source, target, real in pairs(*data):
            total += np.dot(loops.losses(p, kind, source, target)[0], real)
        return total / max(data[3][1:].sum(), 1)

    for b, (source, target, _) in enumerate(pairs(*data)):
        close(logits[:, b], loops.logits(p, kind, source, target[:-1])[0])
    close(loss, mean())
    if batch in (0, 3):
        check_gradients(mean, p, grads, entries=2)


def test_scheduled_sampling_is_the_loop_given_its_coins():
    """Bengio et al. 2015, 2.4: y_{t-1} by a coin, else argmax of the logits before."""
    model, p = built("bahdanau")
    source, mask, target, _ = given = seq2seq.inputs()
    predicted = model.logits(*given[:3], streams=RandomStreams(5), truth=0.5)
    function = ss.function([source, mask, target], predicted)
    data = data_of([3, 1, 0, 2] * 5, [6] * 20)
    found, tossed = function(*data[:3]), []
    for b, (words, target, _) in enumerate(pairs(*data)):
        read = [target[0]]
        for t in range(5):
            close(found[t, b], loops.logits(p, "bahdanau", words, read)[0][-1])
            said, truth = int(found[t, b].argmax()), target[t + 1]
            if t == 4:
                break
            ways = {
                coin: loops.logits(p, "bahdanau", words, [*read, w])[0][-1]
                for coin, w in ((True, truth), (False, said))
            }
            coins = [k for k, z in ways.items() if np.allclose(found[t + 1, b], z)]
            assert coins
            tossed += coins if len(coins) == 1 else []
            read.append(truth if coins[0] else said)
    assert 0.25 < np.mean(tossed) < 0.75 and len(tossed) > 30


def test_the_hard_cost_has_the_loops_gradient_given_its_draws():
    """1/N Σ_t [l_t + R_t log p(z_t) - λ H(α_t)], R_t = Σ_t'≥t l_t' - b_t' fixed."""
    model, p = built("hard")
    given = seq2seq.inputs()
    how = {"streams": RandomStreams(9)}
    cost, loss = seq2seq.hard_loss(model, *given, entropy=0.3, **how)
    run = model.run(*given[:3], streams=RandomStreams(9))
    grads = T.grad(cost, list(model.parameters().values()))
    chosen = run.states.notes.chosen
    function = ss.function(given, [loss, chosen, *grads])
    data = data_of([4, 2, 3, 1], [5, 3, 4, 2], seed=3)
    loss, chosen, *grads = function(*data)
    places = chosen.argmax(axis=2)
    assert chosen.sum() == chosen.shape[0] * 4
    everyone = list(enumerate(pairs(*data)))

    def terms():
        """l[t, b], α and log p(z) by sentence; masked as the target."""
        made = [
            loops.losses(p, "hard", words, target, places[:, b])
            for b, (words, target, _) in everyone
        ]
        logs = [
            [np.log(alpha[places[t, b]]) for t, alpha in enumerate(weights)]
            for b, (_, weights) in enumerate(made)
        ]
        bits = [[-(a * np.log(a)).sum() for a in weights] for _, weights in made]
        real = data[3][1:]
        ls, logs, bits = (
            np.array(v).T * real for v in ([m[0] for m in made], logs, bits)
        )
        return ls, logs, bits, real

    ls, _, _, real = terms()
    close(loss, ls.sum() / real.sum())
    # Xu et al. 2015, (12): (log p(y | s̃, a) - b) ∂log p(s̃ | a) / ∂W, where b is what
    # soft attention, their (13), gives in the place of what was drawn
    soft = [loops.losses(p, "bahdanau", w, target)[0] for _, (w, target, _) in everyone]
    worth = ls - np.array(soft).T * real
    advantage = np.cumsum(worth[::-1], axis=0)[::-1]

    def surrogate():
        ls, logs, bits, real = terms()
        return (ls + advantage * logs - 0.3 * bits).sum() / real.sum()

    check_gradients(surrogate, p, grads)
