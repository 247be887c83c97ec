"""An encoder-decoder of the papers as loops over one pair of sentences."""

import numpy as np
import paper_loops as paper
from paper_loops import below, join

LOOKS = {
    "bahdanau": (paper.bahdanau, paper.soft(paper.additive)),
    "luong": (paper.luong, paper.soft(paper.scaled_general)),
    "hard": (paper.bahdanau, paper.hard(paper.additive)),
}


def encode(p, source):
    """(h_1..h_S, the summary c) of the real tokens of a source."""
    # Cho et al. 2014, A.1.1: each word x_i is embedded, e(x_i)
    es = [p["source.W"][x] for x in source]
    halves = []
    for name, order in (("forward", 1), ("backward", -1)):
        cell, made = below(p, f"encoder.{name}.cell"), []
        state = (np.zeros(cell["U_h"].shape[0]),)
        for e in es[::order]:
            # Bahdanau et al. 2015, A.2.1, (7): both directions, from 0 on
            state = paper.gru(cell, e, state)
            made.append(state[0])
        halves.append((made[::order], state[0]))
    (ahead, first), (behind, last) = halves
    # Bahdanau et al. 2015, section 3.2: h_j = [h→_j; h←_j]
    hs = [join(a, b) for a, b in zip(ahead, behind, strict=True)]
    # Cho et al. 2014, A.1.1: c = tanh(V h^N), h^N what has read everything
    c = np.tanh(join(first, last) @ p["context.W"] + p["context.b"])
    return hs, c


def decode(p, kind, hs, c, ys, places=None):
    """What is read from the state before each next word, and the weights."""
    # Cho et al. 2014, A.1.2: h'^0 = tanh(V' c)
    state = (np.tanh(c @ p["first.W"] + p["first.b"]),)
    es = [p["target.W"][y] for y in ys]
    own = below(p, "decoder")
    if kind == "plain":
        outputs = []
        for e in es:
            # Cho et al. 2014, (2): h_t = f(h_{t-1}, y_{t-1}, c)
            state = paper.gru(below(own, "cell"), join(e, c), state)
            outputs.append(state[0])
        return outputs, []
    decoder, look = LOOKS[kind]
    if places is not None:
        look = paper.hard(paper.additive, places)
    width = p["encoder.forward.cell.U_h"].shape[0] * 2
    return decoder(own, paper.gru, look, es, hs, width, state)[:2]


def logits(p, kind, source, ys, places=None):
    """The logits after each word of `ys`, and the weights."""
    hs, c = encode(p, source)
    outputs, weights = decode(p, kind, hs, c, ys, places)
    return [o @ p["output.W"] + p["output.b"] for o in outputs], weights


def log_softmax(z):
    # Luong et al. 2015, (2): p(y_j | y_<j, s) = softmax(g(h_j))
    return z - z.max() - np.log(np.exp(z - z.max()).sum())


def losses(p, kind, source, target, places=None):
    """-log p(y_t | y_<t, x) of each token but the first, and the weights."""
    zs, weights = logits(p, kind, source, target[:-1], places)
    # Sutskever et al. 2014, (1): p(y_1..y_T' | x) = Π_t p(y_t | v, y_1..y_{t-1})
    each = [-log_softmax(z)[y] for z, y in zip(zs, target[1:], strict=True)]
    return each, weights


def score(p, kind, source, tokens, first):
    """Σ_t log p(y_t | y_<t, x) of words that follow the first mark."""
    return -sum(losses(p, kind, source, [first, *tokens])[0])


def greedy(p, kind, source, first, end, longest):
    """The likeliest word each time, until the end mark; its log probability."""
    found, total = [], 0.0
    while len(found) < longest and end not in found:
        logs = log_softmax(logits(p, kind, source, [first, *found])[0][-1])
        found.append(int(logs.argmax()))
        total += logs[found[-1]]
    return found, total


def sequences(words, end, longest):
    """All that can be written: ended, or as long as may be."""
    going = [()]
    for _ in range(longest):
        yield from ((*begun, end) for begun in going)
        going = [(*begun, w) for begun in going for w in range(words) if w != end]
    yield from going


def enumerated(p, kind, source, first, end, longest, alpha):
    """(score / length^α, tokens) of all that can be written, the best first."""
    words, known, ranked = p["output.W"].shape[1], {}, []
    hs, c = encode(p, source)

    def chances(begun):
        if begun not in known:
            outputs, _ = decode(p, kind, hs, c, [first, *begun])
            known[begun] = log_softmax(outputs[-1] @ p["output.W"] + p["output.b"])
        return known[begun]

    for tokens in sequences(words, end, longest):
        total = sum(chances(tokens[:t])[w] for t, w in enumerate(tokens))
        # Wu et al. 2016, section 7: divided by length^α
        ranked.append((total / len(tokens) ** alpha, tokens))
    return sorted(ranked, reverse=True)
