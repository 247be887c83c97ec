"""Decoders that attend, and LSTMNs, are the papers' loops: values and gradients."""

from functools import cache

import numpy as np
import paper_loops as paper
import pytest
from paper_check import check_gradients, close, masks, noise, padded, real

import symseq as ss
import symseq.tensor as T
from symseq.models import GRU, LSTM, Recurrent
from symseq.models import attention as att

D, H, A = 3, 4, 5  # y, the cell's state, the score's perceptron
CELLS = {"gru": (GRU, paper.gru, 1), "lstm": (LSTM, paper.lstm, 2)}
SCORES = {
    "additive": (lambda q, k, r: att.AdditiveScore(q, k, A, rng=r), paper.additive),
    "dot": (lambda q, k, r: att.DotScore(), paper.dot),
    "general": (lambda q, k, r: att.GeneralScore(q, k, rng=r), paper.general),
    "scaled-general": (
        lambda q, k, r: att.GeneralScore(q, k, scaled=True, rng=r),
        paper.scaled_general,
    ),
    "concat": (lambda q, k, r: att.ConcatScore(q, k, A, rng=r), paper.concat),
    "scaled": (lambda q, k, r: att.ScaledDotScore(), paper.scaled),
}
LOOKS = {
    "soft": (lambda s, r: att.SoftAttention(s), paper.soft),
    "hard": (lambda s, r: att.HardAttention(s), paper.hard),
    "monotonic": (
        lambda s, r: att.MonotonicAttention(s, window=1),
        lambda s: paper.monotonic(s, 1),
    ),
    "predictive": (
        lambda s, r: att.PredictiveAttention(s, H, A, window=2, rng=r),
        lambda s: paper.predictive(s, 2),
    ),
}
DECODERS = [
    "bahdanau gru additive soft", "bahdanau lstm dot soft", "bahdanau gru scaled hard",
    "luong lstm general soft", "luong gru scaled-general soft",
    "luong gru concat soft unfed", "luong lstm dot hard",
    "luong gru general monotonic", "luong lstm concat predictive",
    "bahdanau lstm additive predictive", "bahdanau gru general monotonic",
]  # fmt: skip
MODELS = [*DECODERS, "lstmn", "shallow", "deep"]
# lengths, or masks, of targets and of sources
BATCHES = [
    ([4, 2, 0], [3, 1, 0]),
    ([3, 1, 2], [0, 5, 2]),
    ([2], [1]),
    ([[0, 1, 1, 0, 1], 5, 3], [[1, 0, 1, 1, 0], [0, 0, 1], 4]),
]


class Decoding:
    """One model: its layer over free lengths, and the loop over one example."""

    def __init__(self, name):
        rng, kind = np.random.default_rng(1), name.split()
        self.kind, self.width = kind, 6
        if kind[0] in ("bahdanau", "luong"):
            self.width = H if kind[2] in ("dot", "scaled") else 6
            make, self.cell, self.states = CELLS[kind[1]]
            score, score_loop = SCORES[kind[2]]
            look, look_loop = LOOKS[kind[3]]
            attention = look(score(H, self.width, rng), rng)
            self.look = look_loop(score_loop)
            self.feeding = "unfed" not in kind
        if kind[0] == "bahdanau":
            made = att.BahdanauDecoder(
                make(D + self.width, H, rng=rng), attention, D, self.width
            )
        elif kind[0] == "luong":
            reads = D + 2 if self.feeding else D
            made = att.LuongDecoder(
                make(reads, H, rng=rng), attention, D, self.width, rng=rng, outputs=2,
                feeding=self.feeding,
            )  # fmt: skip
        elif kind[0] == "shallow":
            inside = att.LSTMN(D + 6, H, rng=rng, width=A)
            attention = att.SoftAttention(att.AdditiveScore(H, 6, 2, rng=rng))
            made, self.look = None, paper.soft(paper.additive)
        else:
            inside = att.LSTMN(D, H, rng=rng, width=A)
            self.width = 2 * H
            made = att.DeepFusion(inside, rng=rng) if kind[0] == "deep" else inside
        if made is None:
            own = {f"cell.{k}": v for k, v in inside.parameters().items()}
            own |= {f"attention.{k}": v for k, v in attention.parameters().items()}
        else:
            own = made.parameters()
        self.variables, self.p = own, noise(own)

        def over(memory, steps):
            if kind[0] == "lstmn":
                return made.over(steps)
            if kind[0] == "deep":
                return made.over(memory, steps)
            if kind[0] == "shallow":
                cell = inside.over(steps)
                return att.BahdanauDecoder(cell, attention, D, 6).over(memory)
            return made.over(memory)

        self.over = over

    def loop(self, p, ys, memory):
        """Outputs and weights of each step, parts of the last state by name."""
        if self.kind[0] == "lstmn":
            state, outputs, weights = paper.first_tapes(p), [], []
            for y in ys:
                state = paper.lstmn(p, y, state)
                outputs, weights = [*outputs, state[0]], [*weights, state[4]]
            return outputs, weights, {"h": state[0], "attended": state[1]}, state
        if self.kind[0] == "deep":
            outputs, weights, state, seen = paper.deep_fusion(p, ys, memory)
            return outputs, weights, {"h": state[0], "context": seen}, state
        if self.kind[0] == "shallow":
            first = paper.first_tapes(paper.below(p, "cell"))
            args = (p, paper.lstmn, self.look, ys, memory, self.width, first)
            outputs, weights, state, c = paper.bahdanau(*args)
            return outputs, weights, {"h": state[0], "context": c}, state
        args = p, self.cell, self.look, ys, memory, self.width
        args += ((np.zeros(H),) * self.states,)
        if self.kind[0] == "luong":
            outputs, weights, state, c = paper.luong(*args, feeding=self.feeding)
            name = "attentional"
        else:
            outputs, weights, state, c = paper.bahdanau(*args)
            name = "context"
        parts = dict(zip("hc", state, strict=False)) | {name: c}
        return outputs, weights, parts, state

    def cost(self, data):
        """Σ sin 3x over real outputs and weights, and the last state."""
        y, target, values, mask = data
        total = 0.0
        for b in range(y.shape[1]):
            outputs, weights, last, _ = self.loop(
                self.p, real(y, target, b), real(values, mask, b)
            )
            for part in (*outputs, *weights, *last.values()):
                total += np.sin(3 * part).sum()
        return total


def part(state, name):
    """The part of a state with this name, its own or one of the cell inside."""
    return getattr(state, name) if hasattr(state, name) else part(state.inner, name)


NAMES = {
    "lstmn": ["h", "attended"], "deep": ["h", "context"], "shallow": ["h", "context"],
}  # fmt: skip


def names_of(decoding):
    kind = decoding.kind
    if kind[0] in NAMES:
        return NAMES[kind[0]]
    seen = "attentional" if kind[0] == "luong" else "context"
    return [*"hc"[: decoding.states], seen]


@cache
def compiled(name):
    """(y, target, memory, mask) → outputs, weights, last parts, gradients."""
    decoding = Decoding(name)
    y, target, values, mask = T.dtensor3("y"), T.dmatrix(), T.dtensor3(), T.dmatrix()
    cell = decoding.over(att.Memory(values, mask), y.shape[0])
    run = Recurrent(cell).run(y, target)
    weights = run.states.weights
    last = [part(run.last, n) for n in names_of(decoding)]
    shown = target[:, :, None]
    cost = (T.sin(3 * run.outputs) * shown).sum() + (T.sin(3 * weights) * shown).sum()
    cost = cost + sum(T.sin(3 * x).sum() for x in last)
    wrt = [*decoding.variables.values(), y, values]
    grads = T.grad(cost, wrt, disconnected_inputs="ignore")
    extra = []
    if name == "lstmn":
        extra = [run.last.hidden_tape, run.last.memory_tape, run.last.done]
    given = [y, target, values, mask]
    outputs = [run.outputs, weights, cost, *last, *extra, *grads]
    function = ss.function(given, outputs, on_unused_input="ignore")
    return decoding, len(last), len(extra), function


def data_of(decoding, targets, sources, seed=2):
    rng = np.random.default_rng(seed)
    target, mask = masks(targets), masks(sources)
    return (
        padded(target, D, rng), target, padded(mask, decoding.width, rng), mask,
    )  # fmt: skip


def spread(rows, mask, b, width):
    """Rows of the real steps at their places; between them what was last, or zeros."""
    made, now, rows = np.zeros((len(mask), width)), np.zeros(width), iter(rows)
    for t in range(len(mask)):
        now = next(rows) if mask[t, b] else now
        made[t] = now
    return made


@pytest.mark.parametrize("batch", range(len(BATCHES)))
@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_the_papers_loop(name, batch):
    decoding, lasts, extras, function = compiled(name)
    y, target, values, mask = data = data_of(decoding, *BATCHES[batch])
    outputs, weights, cost, *rest = function(*data)
    last, tapes = rest[:lasts], rest[lasts : lasts + extras]
    for b in range(y.shape[1]):
        ys, memory = real(y, target, b), real(values, mask, b)
        out, alphas, parts, state = decoding.loop(decoding.p, ys, memory)
        expected = spread(out, target, b, outputs.shape[2])
        if name.startswith(("bahdanau", "shallow")):  # [s; c] is no part of the state
            expected = expected * target[:, b, None]
        close(outputs[:, b], expected, "outputs")
        places = np.flatnonzero(mask[:, b])
        for t, alpha in zip(np.flatnonzero(target[:, b]), alphas, strict=True):
            row = np.zeros(weights.shape[2])
            row[range(len(alpha)) if name == "lstmn" else places] = alpha
            close(weights[t, b], row, "weights")
        for key, found in zip(names_of(decoding), last, strict=True):
            close(found[b], parts[key], key)
        if tapes:
            n = len(ys) + 1
            assert tapes[2][b] == len(ys)
            for tape, rows in zip(tapes[:2], state[2:4], strict=True):
                close(tape[b, :n], rows, "tape")
                assert not tape[b, n:].any()
    close(cost, decoding.cost(data), "cost")


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_the_loops_central_differences(name, batch):
    decoding, lasts, extras, function = compiled(name)
    data = data_of(decoding, *BATCHES[batch])
    gradients = function(*data)[3 + lasts + extras :]
    arrays = decoding.p | {"y": data[0], "memory": data[2]}
    check_gradients(lambda: decoding.cost(data), arrays, gradients)
