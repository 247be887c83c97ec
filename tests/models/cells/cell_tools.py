"""Every cell of the package, small, with parameters that are nowhere 0 or 1."""

from collections import Counter
from functools import cache

import numpy as np

import symseq as ss
from symseq.compiler.pipeline import passes_of
from symseq.lengths import dims
from symseq.models import Recurrent, cells
from symseq.models.cells.cell import leaves
from symseq.scan.op import Scan
from symseq.traverse import sort_nodes
from symseq.types import TensorType

D, H = 3, 4


def below(rng):
    clock = cells.Clockwork(D, H, rng=rng, periods=[1, 3])
    return cells.VariationalDropout(clock)


def above(rng):
    return cells.Residual(cells.LayerNormalized(cells.MGU(H, H, rng=rng), rng=rng))


CELLS = {
    "identity": lambda rng: cells.Identity(D),
    "dense": lambda rng: cells.DenseCell(D, H, rng=rng, activation=ss.tensor.tanh),
    "rnn": lambda rng: cells.SimpleRNN(D, H, rng=rng),
    "relu": lambda rng: cells.SimpleRNN(D, H, rng=rng, activation="relu"),
    "irnn": lambda rng: cells.SimpleRNN.irnn(D, H, rng=rng),
    "carousel": lambda rng: cells.CarouselLSTM(D, H, rng=rng),
    "lstm": lambda rng: cells.LSTM(D, H, rng=rng),
    "peepholes": lambda rng: cells.PeepholeLSTM(D, H, rng=rng),
    "coupled": lambda rng: cells.CoupledLSTM(D, H, rng=rng),
    "projected": lambda rng: cells.ProjectedLSTM(D, H, 2, rng=rng),
    "multiplicative": lambda rng: cells.MultiplicativeLSTM(D, H, rng=rng),
    "layer_norm": lambda rng: cells.LayerNormLSTM(D, H, rng=rng),
    "gru": lambda rng: cells.GRU(D, H, rng=rng),
    "gru_after": lambda rng: cells.ResetAfterGRU(D, H, rng=rng),
    "mgu": lambda rng: cells.MGU(D, H, rng=rng),
    "scrn": lambda rng: cells.SCRN(D, H, 2, rng=rng),
    "clockwork": lambda rng: cells.Clockwork(D, H, rng=rng, periods=(1, 2)),
    "stacked": lambda rng: cells.Stacked(
        [cells.LSTM(D, H, rng=rng), cells.GRU(H, 2, rng=rng)]
    ),
    "residual": lambda rng: cells.Residual(cells.SimpleRNN(D, D, rng=rng)),
    "normalized": lambda rng: cells.LayerNormalized(cells.MGU(D, H, rng=rng), rng=rng),
    "dropout": lambda rng: cells.VariationalDropout(cells.LSTM(D, H, rng=rng)),
    "zoneout": lambda rng: cells.Zoneout(
        cells.LSTM(D, H, rng=rng), cells.LSTMState(0.1, 0.4)
    ),
    "nested": lambda rng: cells.Zoneout(cells.Stacked([below(rng), above(rng)]), 0.2),
}  # fmt: skip


def made(name, seed=0):
    """A cell with a little noise on all of its parameters."""
    rng = np.random.default_rng(seed)
    cell = CELLS[name](rng)
    for variable in cell.parameters().values():
        variable.storage[...] += 0.3 * rng.standard_normal(variable.storage.shape)
    return cell


def inputs(dtype="float64"):
    """x: float[T, B, D] and mask: float[T, B], their lengths free."""
    B, T = dims("B T")
    return TensorType(dtype, (T, B, D))("x"), TensorType(dtype, (T, B))("mask")


def values(lengths, steps=None, seed=1):
    """Sequences of these lengths beside each other, padded with nines; their mask."""
    steps = max(lengths, default=0) if steps is None else steps
    x = np.random.default_rng(seed).standard_normal((steps, len(lengths), D))
    mask = (np.arange(steps)[:, None] < np.array(lengths)).astype("float64")
    return np.where(mask[:, :, None] > 0, x, 9.0), mask


def parts(state):
    return [part for _, part in leaves(state)]


@cache
def layer(name):
    """(x, mask, what a layer of this cell gives) for the noisy cell of seed 0."""
    x, mask = inputs()
    cell = made(name)
    return cell, x, mask, Recurrent(cell).run(x, mask)


@cache
def forward(name, target="numpy"):
    """outputs, last state's parts, all states' parts of (x, mask)."""
    _, x, mask, run = layer(name)
    given = [run.outputs, *parts(run.last), *parts(run.states)]
    return ss.function([x, mask], given, target=target)


def in_loops(outputs):
    """Per loop of the compiled graph how often each op is in it, branches included."""
    made = passes_of(outputs, "numpy")[-1][1]
    return [
        _inside(node.op.body.nodes) for node in sort_nodes(made)
        if isinstance(node.op, Scan)
    ]  # fmt: skip


def _inside(nodes):
    found = Counter()
    for node in nodes:
        found[node.op.name] += 1
        for body in getattr(node.op, "bodies", tuple)():
            found += _inside(sort_nodes(body[1]))
    return found
