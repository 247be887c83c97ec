"""Attention in PyTorch: nn.GRU reads, a loop in Python writes, as it is or compiled."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy, embedding

from ...frameworks import by_torch
from ...frameworks.by_torch import Tensors, Transposed, unroll
from ...work import Array
from ..char_gru.by_torch import LAYER, cell

DECODER = ("E", "W", "U", "b", "c", "C", "Q", "K", "v", "O", "d")


def step(a: Any, h: Any, keys: Any, states: Any, *weights: Any) -> tuple[torch.Tensor]:
    """h_t; keys and states: [B, T, H]."""
    Q, v, C, U, c = weights
    scores = torch.tanh((h @ Q)[:, None] + keys) @ v
    weight = torch.softmax(scores, dim=1)
    read = torch.bmm(weight[:, None], states)[:, 0]
    return cell(a + read @ C, h, U, c)


class Attention(Transposed):
    step = staticmethod(step)

    def __init__(self, sizes: Any, params: dict[str, Array]) -> None:
        own = {name: params[name] for name in ("eE", *DECODER)}
        super().__init__(sizes, own)
        self.encoder = torch.nn.GRU(sizes.H, sizes.H)
        names = {f"e{theirs}": mine for theirs, mine in LAYER.items()}
        self.rename("encoder", params, **names)

    def forward(self, inputs: Tensors) -> torch.Tensor:
        states, last = self.encoder(embedding(inputs["source"], self.eE))
        h, states = last[0], states.transpose(0, 1).contiguous()
        keys = states @ self.K
        projected = embedding(inputs["words"], self.E) @ self.W + self.b
        read_by_each = keys, states, self.Q, self.v, self.C, self.U, self.c
        hidden = unroll(self.step, (projected,), (h,), *read_by_each)
        logits = hidden @ self.O + self.d
        return cross_entropy(logits.flatten(0, 1), inputs["targets"].flatten())


class Compiled(Attention):
    step = staticmethod(torch.compile(step, dynamic=False))


VARIANTS = {
    "torch": {"torch": by_torch.cost_and_gradients(Attention)},
    "torch.compile": {"torch.compile": by_torch.cost_and_gradients(Compiled)},
}
