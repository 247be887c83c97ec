"""The plain model trains as the same model written in PyTorch: loss for loss."""

import numpy as np
import pytest
from seq2seq_tools import D, H, V, W, inputs, values

import symseq as ss
from symseq.models import optimizers, seq2seq

torch = pytest.importorskip("torch")


def gru(p, name, x, h):
    """Cho et al. 2014, equations 5-8."""
    a = x @ p[f"{name}.W"] + p[f"{name}.b"]
    u = h @ p[f"{name}.U"]
    r, z = torch.sigmoid(a[:, :H] + u[:, :H]), torch.sigmoid(a[:, H : 2 * H] + u[:, H:])
    new = torch.tanh(a[:, 2 * H :] + (r * h) @ p[f"{name}.U_h"])
    return z * h + (1 - z) * new


def loss_of(p, source, mask, target, real):
    x, y = p["source.W"][source], p["target.W"][target]
    ends = []
    for name, order in (("forward", 1), ("backward", -1)):
        h = torch.zeros(source.shape[1], H, dtype=x.dtype)
        for t in range(len(source))[::order]:
            new = gru(p, f"encoder.{name}.cell", x[t], h)
            h = torch.where(mask[t][:, None] > 0, new, h)
        ends.append(h)
    c = torch.tanh(torch.cat(ends, 1) @ p["context.W"] + p["context.b"])
    s = torch.tanh(c @ p["first.W"] + p["first.b"])
    total = 0
    for t in range(len(target) - 1):
        s = gru(p, "decoder.cell", torch.cat([y[t], c], 1), s)
        logits = s @ p["output.W"] + p["output.b"]
        nll = torch.nn.functional.cross_entropy(
            logits, target[t + 1].long(), reduction="none"
        )
        total = total + (nll * real[t + 1]).sum()
    return total / real[1:].sum()


def test_thirty_updates_by_adam_with_clipping():
    rng = np.random.default_rng(0)
    model = seq2seq.build("plain", V, W, width=D, hidden=H, rng=rng)
    parameters = model.parameters()
    given = inputs()
    cost = model.loss(*given)
    grads = optimizers.clip_by_norm(optimizers.gradients(cost, parameters), 0.5)
    peer = {
        path: torch.tensor(variable.get_value(), requires_grad=True)
        for path, variable in parameters.items()
    }
    rule = torch.optim.Adam(peer.values(), lr=0.02)
    updates = optimizers.adam(grads, parameters, 0.02)
    step = ss.function(given, cost, updates=updates)
    for k in range(30):
        batch = values([4, 2, 3], [5, 3, 4], seed=k % 3)
        rule.zero_grad()
        loss = loss_of(peer, *(torch.tensor(array) for array in batch))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(peer.values(), 0.5)
        rule.step()
        np.testing.assert_allclose(step(*batch), loss.item(), rtol=1e-5)
    for path, variable in parameters.items():
        ours, theirs = variable.get_value(), peer[path].detach().numpy()
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
