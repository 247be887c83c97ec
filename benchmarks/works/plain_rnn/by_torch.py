"""The plain RNN in PyTorch: nn.RNN, and the cell in Python as it is or compiled."""

from __future__ import annotations

from typing import Any

import torch

from ...frameworks import by_torch
from ...frameworks.by_torch import Model, Tensors, Transposed
from ...work import Array


class Layer(Transposed):
    def __init__(self, sizes: Any, params: dict[str, Array]) -> None:
        super().__init__(sizes, {})
        self.rnn = torch.nn.RNN(sizes.H, sizes.H)
        self.rename("rnn", params, W="weight_ih_l0", U="weight_hh_l0", b="bias_ih_l0")
        # nn.RNN has a second bias; zero, and not differentiated.
        self.rnn.bias_hh_l0.data.zero_()
        self.rnn.bias_hh_l0.requires_grad_(False)

    def forward(self, inputs: Tensors) -> torch.Tensor:
        hidden, _ = self.rnn(inputs["x"])
        return (inputs["G"] * hidden).sum()


def cell(z: torch.Tensor, h: torch.Tensor, U: torch.Tensor) -> torch.Tensor:
    return torch.tanh(z + h @ U)


class Cell(Model):
    """A loop in Python over the cell; the input projection outside."""

    step = staticmethod(cell)

    def forward(self, inputs: Tensors) -> torch.Tensor:
        x = inputs["x"]
        h = x.new_zeros(x.shape[1], self.sizes.H)
        rows = []
        for z in (x @ self.W + self.b).unbind():
            h = self.step(z, h, self.U)
            rows.append(h)
        return (inputs["G"] * torch.stack(rows)).sum()


class CompiledCell(Cell):
    step = staticmethod(torch.compile(cell, dynamic=False))


VARIANTS = {
    "torch": {
        "torch nn.RNN": by_torch.cost_and_gradients(Layer),
        "torch cell": by_torch.cost_and_gradients(Cell),
    },
    "torch.compile": {"torch.compile": by_torch.cost_and_gradients(CompiledCell)},
}
