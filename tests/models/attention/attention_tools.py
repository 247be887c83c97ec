"""Every model that attends, small, as a cell over a memory and y; noisy parameters."""

import numpy as np

import symseq.tensor as T
from symseq.lengths import dims
from symseq.models import GRU, LSTM, cells
from symseq.models import attention as att
from symseq.types import TensorType

D, H, M, A = 3, 4, 6, 5  # y, the cell's state, the memory, the score's perceptron


def noisy(module, seed=0):
    """The module, with parameters that are nowhere 0 or 1."""
    rng = np.random.default_rng(seed)
    for variable in module.parameters().values():
        value = variable.get_value()
        variable.set_value(value + 0.4 * rng.standard_normal(value.shape))
    return module


SCORES = {
    "additive": lambda q, k, rng: att.AdditiveScore(q, k, A, rng=rng),
    "general": lambda q, k, rng: att.GeneralScore(q, k, rng=rng),
    "concat": lambda q, k, rng: att.ConcatScore(q, k, A, rng=rng),
}


def bahdanau(rng, score="additive", cell=GRU, look=att.SoftAttention):
    attention = look(SCORES[score](H, M, rng))
    return att.BahdanauDecoder(cell(D + M, H, rng=rng), attention, D, M)


def luong(rng, score="general", cell=LSTM, look=att.SoftAttention, feeding=True):
    inside = cell(D + H if feeding else D, H, rng=rng)
    attention = look(SCORES[score](H, M, rng))
    return att.LuongDecoder(inside, attention, D, M, rng=rng, feeding=feeding)


def stacked(inputs, hidden, rng):
    below = cells.LSTM(inputs, hidden, rng=rng)
    return cells.Stacked([below, cells.GRU(hidden, hidden, rng=rng)])


def clockwork(inputs, hidden, rng):
    return cells.Clockwork(inputs, hidden, rng=rng, periods=(1, 3))


def monotonic(score):
    return att.MonotonicAttention(score, window=1)


def predictive(score):
    rng = np.random.default_rng(5)
    return att.PredictiveAttention(score, H, A, window=2, rng=rng)


DECODERS = {
    "bahdanau": bahdanau,
    "bahdanau_lstm": lambda rng: bahdanau(rng, "concat", LSTM),
    "bahdanau_hard": lambda rng: bahdanau(rng, look=att.HardAttention),
    "bahdanau_clockwork": lambda rng: bahdanau(rng, cell=clockwork),
    "luong": luong,
    "luong_unfed": lambda rng: luong(rng, "concat", GRU, feeding=False),
    "luong_stacked": lambda rng: luong(rng, "additive", stacked),
    "luong_monotonic": lambda rng: luong(rng, look=monotonic),
    "luong_predictive": lambda rng: luong(rng, look=predictive),
}


def lstmn(rng, inputs=D):
    return att.LSTMN(inputs, H, rng=rng, width=A)


def shallow(rng):
    """(module, (memory, steps) → cell): an LSTMN that attends as Bahdanau's decoder."""
    inside, attention = (
        lstmn(rng, D + M),
        att.SoftAttention(SCORES["additive"](H, M, rng)),
    )

    def over(memory, steps):
        made = att.BahdanauDecoder(inside.over(steps), attention, D, M)
        return made.over(memory)

    return [inside, attention], over


def model(name, seed=0):
    """(parameters by path, (memory, steps) → cell) of a noisy model."""
    rng = np.random.default_rng(seed)
    if name == "shallow":
        parts, over = shallow(rng)
        return {
            k: v for p in parts for k, v in noisy(p, seed).parameters().items()
        }, over
    if name == "deep":
        made = noisy(att.DeepFusion(lstmn(rng), rng=rng), seed)

        def two_tapes(memory, steps):  # M columns are no two tapes of H: pad them
            both = att.Memory(wide(memory.values), memory.mask)
            return made.over(both, steps)

        return made.parameters(), two_tapes
    if name == "lstmn":
        made = noisy(lstmn(rng), seed)
        return made.parameters(), lambda _, steps: made.over(steps)
    made = noisy(DECODERS[name](rng), seed)
    return made.parameters(), lambda memory, _: made.over(memory)


def wide(values):
    """[S, B, M] → [S, B, 2H], for a memory of two tapes."""
    both = [values, values[:, :, : 2 * H - M] * 0.5]
    join = np.concatenate if isinstance(values, np.ndarray) else T.concatenate
    return join(both, axis=2)


MODELS = [*DECODERS, "shallow", "deep", "lstmn"]


def inputs(dtype="float64"):
    """y: float[T, B, D], its mask; memory: float[S, B, M], its mask; free lengths."""
    B, L, S = dims("B T S")
    types = [(L, B, D), (L, B), (S, B, M), (S, B)]
    names = ("y", "real", "memory", "mask")
    return [TensorType(dtype, t)(n) for t, n in zip(types, names, strict=True)]


def values(targets, sources, seed=1):
    """Sequences of these lengths, padded with nines, and their masks."""
    rng, made = np.random.default_rng(seed), []
    for lengths, width in ((targets, D), (sources, M)):
        x = rng.standard_normal((max(lengths, default=0), len(lengths), width))
        mask = (np.arange(len(x))[:, None] < np.array(lengths)).astype("float64")
        made += [np.where(mask[:, :, None] > 0, x, 9.0), mask]
    return made
