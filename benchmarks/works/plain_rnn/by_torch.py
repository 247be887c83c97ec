"""The plain RNN in PyTorch: nn.RNN, and the cell in Python as it is or compiled."""

from __future__ import annotations

from typing import Any

import torch

from ...frameworks import by_torch
from ..lstm_layer import by_torch as lstm_layer


class Layer(lstm_layer.Layer):
    kind = torch.nn.RNN


def cell(z: Any, h: Any, U: Any) -> tuple[torch.Tensor]:
    return (torch.tanh(z + h @ U),)


class Cell(lstm_layer.Cell):
    step = staticmethod(cell)
    states = 1


class CompiledCell(Cell):
    step = staticmethod(torch.compile(cell, dynamic=False))


VARIANTS = {
    "torch": {
        "torch nn.RNN": by_torch.cost_and_gradients(Layer),
        "torch cell": by_torch.cost_and_gradients(Cell),
    },
    "torch.compile": {"torch.compile": by_torch.cost_and_gradients(CompiledCell)},
}
