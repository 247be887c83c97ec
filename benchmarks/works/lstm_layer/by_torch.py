"""The LSTM layer in PyTorch: nn.LSTM, and the cell in Python as it is or compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ...frameworks import by_torch
from ...frameworks.by_torch import Model, Tensors, Transposed, unroll
from ...work import Array


class Layer(Transposed):
    """torch.nn.LSTM: its gates are (i, f, g, o) too."""

    kind = torch.nn.LSTM

    def __init__(self, sizes: Any, params: dict[str, Array]) -> None:
        super().__init__(sizes, {})
        self.layer = self.kind(sizes.H, sizes.H)
        self.rename_recurrent("layer", params)

    def forward(self, inputs: Tensors) -> torch.Tensor:
        hidden, _ = self.layer(inputs["x"])
        return (inputs["G"] * hidden).sum()


def cell(z: Any, h: Any, c: Any, U: Any) -> tuple[torch.Tensor, torch.Tensor]:
    i, f, g, o = torch.chunk(z + h @ U, 4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


class Cell(Model):
    """A loop in Python over the cell; the input projection outside."""

    step: Callable[..., tuple[torch.Tensor, ...]] = staticmethod(cell)
    states = 2

    def forward(self, inputs: Tensors) -> torch.Tensor:
        x = inputs["x"]
        start = (x.new_zeros(x.shape[1], self.sizes.H),) * self.states
        hidden = unroll(self.step, (x @ self.W + self.b,), start, self.U)
        return (inputs["G"] * hidden).sum()


class CompiledCell(Cell):
    step = staticmethod(torch.compile(cell, dynamic=False))


VARIANTS = {
    "torch": {
        "torch nn.LSTM": by_torch.cost_and_gradients(Layer),
        "torch cell": by_torch.cost_and_gradients(Cell),
    },
    "torch.compile": {"torch.compile": by_torch.cost_and_gradients(CompiledCell)},
}
