"""The LSTM layer in PyTorch: nn.LSTM, and the cell in Python as it is or compiled."""

from __future__ import annotations

from typing import Any

import torch

from ...frameworks import by_torch
from ...frameworks.by_torch import Model, Tensors, Transposed
from ...work import Array


class Layer(Transposed):
    """torch.nn.LSTM: its gates are (i, f, g, o) too."""

    def __init__(self, sizes: Any, params: dict[str, Array]) -> None:
        super().__init__(sizes, {})
        self.lstm = torch.nn.LSTM(sizes.H, sizes.H)
        self.rename("lstm", params, W="weight_ih_l0", U="weight_hh_l0", b="bias_ih_l0")
        # nn.LSTM has a second bias; zero, and not differentiated.
        self.lstm.bias_hh_l0.data.zero_()
        self.lstm.bias_hh_l0.requires_grad_(False)

    def forward(self, inputs: Tensors) -> torch.Tensor:
        hidden, _ = self.lstm(inputs["x"])
        return (inputs["G"] * hidden).sum()


def cell(z: torch.Tensor, h: torch.Tensor, c: torch.Tensor, U: torch.Tensor) -> Any:
    i, f, g, o = torch.chunk(z + h @ U, 4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


class Cell(Model):
    """A loop in Python over the cell; the input projection outside."""

    step = staticmethod(cell)

    def forward(self, inputs: Tensors) -> torch.Tensor:
        x = inputs["x"]
        h = c = x.new_zeros(x.shape[1], self.sizes.H)
        rows = []
        for z in (x @ self.W + self.b).unbind():
            h, c = self.step(z, h, c, self.U)
            rows.append(h)
        return (inputs["G"] * torch.stack(rows)).sum()


class CompiledCell(Cell):
    step = staticmethod(torch.compile(cell, dynamic=False))


VARIANTS = {
    "torch": {
        "torch nn.LSTM": by_torch.cost_and_gradients(Layer),
        "torch cell": by_torch.cost_and_gradients(Cell),
    },
    "torch.compile": {"torch.compile": by_torch.cost_and_gradients(CompiledCell)},
}
