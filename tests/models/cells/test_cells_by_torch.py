"""RNN, LSTM, projected LSTM and GRU with PyTorch's weights: values, all gradients.

Needs torch (extra `bench`); skipped where it is not installed.
"""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.models import Bidirectional, Recurrent, cells
from symseq.models.cells.cell import leaves
from symseq.types import TensorType

torch = pytest.importorskip("torch")

D, H, R, STEPS = 3, 4, 2, 5
LENGTHS = [5, 3, 1]


def gates(order, *matrices):
    """PyTorch's blocks of rows (gates by letter) as ours: columns, in this order."""
    theirs, ours = order.split("→")
    blocks = [np.split(m.detach().numpy(), len(theirs)) for m in matrices]
    return [
        np.concatenate([b[theirs.index(gate)] for gate in ours]).T.copy()
        for b in blocks
    ]


def rnn(w, u, b_w, b_u):
    W, U, b, c = gates("h→h", w, u, b_w, b_u)
    return {"W": W, "U": U, "b": b + c}


def lstm(w, u, b_w, b_u, *projection):
    W, U, b, c = gates("ifgo→ifog", w, u, b_w, b_u)
    names = zip(["P"], projection, strict=False)
    P = {name: p.detach().numpy().T.copy() for name, p in names}
    return {"W": W, "U": U, "b": b + c} | P


def gru(w, u, b_w, b_u):
    W, U, b, c = gates("rzh→rzh", w, u, b_w, b_u)
    return {
        "W": W, "U": U, "b": b + np.r_[c[: 2 * H], np.zeros(H)], "b_u": c[2 * H :],
    }  # fmt: skip


KINDS = {
    "tanh": (lambda **k: torch.nn.RNN(D, H, **k), cells.SimpleRNN, rnn),
    "relu": (
        lambda **k: torch.nn.RNN(D, H, nonlinearity="relu", **k),
        lambda d, h, rng: cells.SimpleRNN(d, h, rng=rng, activation="relu"),
        rnn,
    ),
    "lstm": (lambda **k: torch.nn.LSTM(D, H, **k), cells.LSTM, lstm),
    "projected": (
        lambda **k: torch.nn.LSTM(D, H, proj_size=R, **k),
        lambda d, h, rng: cells.ProjectedLSTM(d, h, R, rng=rng),
        lstm,
    ),
    "gru": (lambda **k: torch.nn.GRU(D, H, **k), cells.ResetAfterGRU, gru),
}


def of(module, suffix):
    """A direction's parameters: W, U, two biases, and the projection where one is."""
    return [p for name, p in module.named_parameters() if name.endswith(suffix)]


def given(cell, arrays):
    for name, value in arrays.items():
        getattr(cell, name).set_value(value)
    return cell


def close(ours, theirs):
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("masked", [False, True], ids=["whole", "padded"])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients_are_pytorchs(kind, directions, masked):
    torch.manual_seed(0)
    make, ours, convert = KINDS[kind]
    module = make(bidirectional=directions == 2).double()
    suffixes = ["_l0", "_l0_reverse"][:directions]
    pairs = [
        (given(ours(D, H, rng=np.random.default_rng(1)), convert(*w)), w)
        for w in (of(module, suffix) for suffix in suffixes)
    ]
    halves = [cell for cell, _ in pairs]

    # Theirs: packed sequences, a loss that reads every output and every last state.
    lengths = LENGTHS if masked else [STEPS] * 3
    rng = np.random.default_rng(2)
    x, weigh = rng.standard_normal((STEPS, 3, D)), rng.standard_normal((STEPS, 3, 1))
    mask = (np.arange(STEPS)[:, None] < np.array(lengths)).astype("float64")
    x_t = torch.tensor(x, requires_grad=True)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x_t, lengths)
    packed_outputs, last = module(packed)
    outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(packed_outputs)
    last = last if isinstance(last, tuple) else (last,)
    loss = (outputs * torch.tensor(weigh * mask[:, :, None])).sum()
    loss = loss + sum((part**2).sum() for part in last)
    parameters = [p for _, found in pairs for p in found]
    by_x, *by_parameters = torch.autograd.grad(loss, [x_t, *parameters])

    # Ours.
    x_s, m_s = TensorType("float64", (None, None, D))("x"), T.matrix("m", "float64")
    how = (x_s, m_s) if masked else (x_s,)
    if directions == 2:
        y, states = Bidirectional(*halves)(*how, return_state=True)
    else:
        y, state = Recurrent(halves[0], return_state=True)(*how)
        states = (state,)
    cost = (y * weigh * m_s[:, :, None]).sum()
    cost = cost + sum((part**2).sum() for one in states for _, part in leaves(one))
    named = [list(convert(*found)) for _, found in pairs]
    wrt = [getattr(c, n) for c, ns in zip(halves, named, strict=True) for n in ns]
    f = ss.function([x_s, m_s], [y, cost, *ss.grad(cost, [x_s, *wrt])])
    y_v, cost_v, dx, *dp = f(x, mask)

    close(y_v * mask[:, :, None], outputs.detach().numpy())
    close(cost_v, loss.detach().numpy())
    close(dx, by_x.numpy())
    ours_by_name = iter(dp)
    for k, names in enumerate(named):
        each = len(by_parameters) // directions
        got = {name: next(ours_by_name) for name in names}
        wanted = expected_gradients(kind, *by_parameters[k * each : (k + 1) * each])
        assert got.keys() == wanted.keys()
        for name in names:
            close(got[name], wanted[name])


def expected_gradients(kind, w, u, b_w, b_u, *projection):
    """PyTorch's gradients in our layout: a sum of biases has that of each."""
    order = {"lstm": "ifgo→ifog", "projected": "ifgo→ifog", "gru": "rzh→rzh"}
    W, U, b, c = gates(order.get(kind, "h→h"), w, u, b_w, b_u)
    found = {"W": W, "U": U, "b": b}
    found |= {n: p.numpy().T for n, p in zip(["P"], projection, strict=False)}
    return found | ({"b_u": c[2 * H :]} if kind == "gru" else {})
