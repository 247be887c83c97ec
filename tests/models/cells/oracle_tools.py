"""Each cell's loop from its paper, and what tests need to run both on the same."""

import cells_in_numpy as paper
import numpy as np
import wrappers_in_numpy as loops
from cell_tools import CELLS, D

from symseq.types import TensorType

ORACLES = {
    "identity": paper.identity,
    "dense": paper.dense,
    "rnn": paper.rnn(np.tanh),
    "relu": paper.rnn(paper.relu),
    "irnn": paper.rnn(paper.relu),
    "carousel": paper.carousel,
    "lstm": paper.lstm,
    "peepholes": paper.peepholes,
    "coupled": paper.coupled,
    "projected": paper.projected,
    "multiplicative": paper.multiplicative,
    "layer_norm": paper.layer_norm,
    "gru": paper.gru,
    "gru_after": paper.gru_after,
    "mgu": paper.mgu,
    "scrn": paper.scrn(0.95),
    "clockwork": paper.clockwork((1, 2)),
    "stacked": loops.stacked(paper.lstm, paper.gru),
    "residual": loops.residual(paper.rnn(np.tanh)),
    "normalized": loops.layer_normalized(paper.mgu),
    "dropout": loops.dropout(paper.lstm),
    "zoneout": loops.zoneout(paper.lstm, (0.1, 0.4)),
    "nested": loops.zoneout(
        loops.stacked(
            loops.dropout(paper.clockwork((1, 3))),
            loops.residual(loops.layer_normalized(paper.mgu)),
        ),
        (0.2, 0.2),
    ),
}


def drawn(name, seed=3):
    """A cell all of whose parameters are random, biases and LN's α and β too."""
    rng = np.random.default_rng(seed)
    cell = CELLS[name](rng)
    for variable in cell.parameters().values():
        variable.set_value(0.7 * rng.standard_normal(variable.storage.shape))
    return cell


def values_of(cell):
    return {path: p.get_value() for path, p in cell.parameters().items()}


def symbols(widths):
    """A state of free variables with these widths."""
    if widths is None:
        return TensorType("int64", (None,))("t")
    if isinstance(widths, int):
        return TensorType("float64", (None, widths))("s")
    made = [symbols(width) for width in widths]
    return type(widths)(*made) if hasattr(widths, "_fields") else tuple(made)


def batch(lengths, steps, seed=5):
    """x[T, B, D] and mask[T, B], the padding filled with nines."""
    mask = (np.arange(steps)[:, None] < np.array(lengths)).astype("float64")
    x = np.random.default_rng(seed).standard_normal((steps, len(lengths), D))
    return np.where(mask[:, :, None] > 0, x, 9.0), mask


def initial_rows(cell, rows, seed=None):
    """Each row's first state, zeros without a seed, and the parts as [B, width]."""
    at = seed is not None and np.random.default_rng(seed).standard_normal
    starts = [loops.start(cell.widths, at) for _ in range(rows)]
    columns = zip(*map(loops.leaves, starts), strict=True)
    return starts, [np.array(column) for column in columns]


def compare(ours, right, tolerance=1e-10):
    """Outputs, states and last parts."""
    outputs, states, last = right
    for mine, theirs in zip(ours, [outputs, *states, *last], strict=True):
        if theirs.size:
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=tolerance)
