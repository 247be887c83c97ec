"""What each way to attend costs: the last row of the table in docs/attention.md.

`python docs/attention_costs.py [STEPS [RUNS]]` prints milliseconds for a value and its
gradient by inputs, memory and parameters, the best of so many runs in turns.
"""

import sys
from time import perf_counter

import numpy as np

import symseq as ss
import symseq.tensor as T
from symseq.models import LSTM, Recurrent, attention
from symseq.tensor.shared_randomstreams import RandomStreams

BATCH, H = 16, 64
rng = np.random.default_rng(0)
x, h = T.tensor3("x"), T.tensor3("h")
memory = attention.Memory(h)


def luong(look):
    """An LSTM decoder with a general score and input feeding."""
    return attention.LuongDecoder(LSTM(2 * H, H, rng=rng), look, H, H, rng=rng)


def general():
    return attention.GeneralScore(H, H, rng=rng)


def cost(module, cell):
    outputs = Recurrent(cell)(x)
    return module, T.mean(outputs**2)


def alone():
    lstm = LSTM(H, H, rng=rng)
    return cost(lstm, lstm)


def soft():
    decoder = luong(attention.SoftAttention(general()))
    return cost(decoder, decoder.over(memory))


def hard():
    decoder = luong(attention.HardAttention(general()))
    run = Recurrent(decoder.over(memory)).run(x, streams=RandomStreams(0))
    log_p = attention.log_probability(run.states.weights, run.states.notes.chosen)
    f = T.mean(run.outputs**2, axis=2)
    return decoder, attention.surrogate(f.sum(axis=0), log_p.sum(axis=0))


def local():
    how = {"window": 5, "rng": rng}
    look = attention.PredictiveAttention(general(), H, H, **how)
    decoder = luong(look)
    return cost(decoder, decoder.over(memory))


def itself():
    heads = attention.MultiHeadAttention(H, 1, rng=rng)
    return heads, T.mean(heads(x, attention.Memory(x))[0] ** 2)


def lstmn():
    made = attention.LSTMN(H, H, rng=rng)
    return cost(made, made.over(x.shape[0]))


WAYS = {"LSTM alone": alone, "soft": soft, "hard": hard, "self": itself,
        "LSTMN": lstmn, "local, predictive": local}  # fmt: skip


def compiled(way):
    module, value = way()
    wrt = [x, h, *module.parameters().values()]
    gradient = T.grad(value, wrt, disconnected_inputs="ignore")
    return ss.function([x, h], [value, *gradient], on_unused_input="ignore")


def main(steps=50, runs=12):
    functions = {name: compiled(way) for name, way in WAYS.items()}
    values = rng.standard_normal((2, steps, BATCH, H)).astype("float32")
    best = dict.fromkeys(functions, np.inf)
    for _ in range(runs):
        for name, f in functions.items():
            start = perf_counter()
            f(*values)
            best[name] = min(best[name], perf_counter() - start)
    for name, seconds in best.items():
        print(f"{name:18} {1000 * seconds:6.1f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
