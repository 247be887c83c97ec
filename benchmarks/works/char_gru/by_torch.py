"""The character model in PyTorch: nn.GRU, and the cell in Python, also compiled."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy, embedding

from ...frameworks import by_torch
from ...frameworks.by_torch import Model, Tensors, Transposed, unroll
from ...work import Array

LAYER = {"W": "weight_ih_l0", "U": "weight_hh_l0", "b": "bias_ih_l0", "c": "bias_hh_l0"}


class Layer(Transposed):
    def __init__(self, sizes: Any, params: dict[str, Array]) -> None:
        super().__init__(sizes, {name: params[name] for name in "EOd"})
        self.gru = torch.nn.GRU(sizes.H, sizes.H)
        self.rename("gru", params, **LAYER)

    def forward(self, inputs: Tensors) -> torch.Tensor:
        hidden, _ = self.gru(embedding(inputs["letters"], self.E))
        logits = hidden @ self.O + self.d
        return cross_entropy(logits.flatten(0, 1), inputs["targets"].flatten())


def cell(a: Any, h: Any, U: Any, c: Any) -> tuple[torch.Tensor]:
    a_r, a_z, a_n = torch.chunk(a, 3, dim=1)
    p_r, p_z, p_n = torch.chunk(h @ U + c, 3, dim=1)
    r, z = torch.sigmoid(a_r + p_r), torch.sigmoid(a_z + p_z)
    return ((1 - z) * torch.tanh(a_n + r * p_n) + z * h,)


class Cell(Model):
    """A loop in Python over the cell; what does not need h_{t-1} is outside."""

    step = staticmethod(cell)

    def forward(self, inputs: Tensors) -> torch.Tensor:
        x = embedding(inputs["letters"], self.E)
        start = x.new_zeros(x.shape[1], self.sizes.H)
        projected = x @ self.W + self.b
        hidden = unroll(self.step, (projected,), (start,), self.U, self.c)
        logits = hidden @ self.O + self.d
        return cross_entropy(logits.flatten(0, 1), inputs["targets"].flatten())


class CompiledCell(Cell):
    step = staticmethod(torch.compile(cell, dynamic=False))


VARIANTS = {
    "torch": {
        "torch nn.GRU": by_torch.cost_and_gradients(Layer),
        "torch cell": by_torch.cost_and_gradients(Cell),
    },
    "torch.compile": {"torch.compile": by_torch.cost_and_gradients(CompiledCell)},
}
