"""The tutorial's training step in PyTorch, with torch.optim.Adadelta.

A state after a sequence's end is never read, so nn.LSTM needs no mask for the same
numbers; the cell in Python carries the state through the padding as the tutorial does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.functional import cross_entropy, embedding

from ...frameworks.by_torch import (
    Model,
    Tensors,
    Transposed,
    tensors,
    to_numpy,
    unroll,
)
from ...work import Array, Build, Built, Problem
from . import EPSILON, KEEP, RHO


def head(model: Model, hidden: torch.Tensor, inputs: Tensors) -> torch.Tensor:
    """The cost from the states of all steps."""
    mask = inputs["mask"][:, :, None]
    pooled = (hidden * mask).sum(0) / mask.sum(0)
    kept = inputs.get("kept")
    if kept is None:
        kept = torch.empty_like(pooled).bernoulli_(KEEP)
    return cross_entropy((pooled * kept) @ model.O + model.d, inputs["labels"])


class Layer(Transposed):
    def __init__(self, sizes: Any, params: dict[str, Array]) -> None:
        super().__init__(sizes, {name: params[name] for name in "EOd"})
        self.lstm = torch.nn.LSTM(sizes.D, sizes.D)
        self.rename_recurrent("lstm", params)

    def forward(self, inputs: Tensors) -> torch.Tensor:
        hidden, _ = self.lstm(embedding(inputs["words"], self.E))
        return head(self, hidden, inputs)


def cell(z: Any, m: Any, h: Any, c: Any, U: Any) -> tuple[torch.Tensor, torch.Tensor]:
    i, f, g, o = torch.chunk(z + h @ U, 4, dim=1)
    c_new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    c_new = m * c_new + (1 - m) * c
    h_new = torch.sigmoid(o) * torch.tanh(c_new)
    return m * h_new + (1 - m) * h, c_new


class Cell(Model):
    step = staticmethod(cell)

    def forward(self, inputs: Tensors) -> torch.Tensor:
        projected = embedding(inputs["words"], self.E) @ self.W + self.b
        mask = inputs["mask"][:, :, None]
        start = (projected.new_zeros(projected.shape[1], self.sizes.D),) * 2
        hidden = unroll(self.step, (projected, mask), start, self.U)
        return head(self, hidden, inputs)


class CompiledCell(Cell):
    step = staticmethod(torch.compile(cell, dynamic=False))


def training(make: Callable[[Any, dict[str, Array]], Model]) -> Build:
    """One call is one step; the results are the cost and all that the step changed."""

    def build(sizes: Any, problem: Problem) -> Built:
        model, inputs = make(sizes, problem.params), tensors(problem.inputs)
        wanted = {k: p for k, p in model.named_parameters() if p.requires_grad}
        optimizer = torch.optim.Adadelta(wanted.values(), lr=1.0, rho=RHO, eps=EPSILON)

        def run() -> torch.Tensor:
            optimizer.zero_grad()
            cost = model(inputs)
            cost.backward()
            optimizer.step()
            return cost

        def results(cost: torch.Tensor) -> dict[str, Array]:
            memory = {k: optimizer.state[p] for k, p in wanted.items()}
            squares = {k: state["square_avg"] for k, state in memory.items()}
            steps = {k: state["acc_delta"] for k, state in memory.items()}
            found = to_numpy({"cost": cost} | model.gradients(wanted))
            for part, kept in {"squares": squares, "steps": steps}.items():
                arrays = to_numpy(model.gradients(kept))
                found |= {f"{name}.{part}": array for name, array in arrays.items()}
            return found

        return Built(run, results)

    return build


VARIANTS = {
    "torch": {"torch nn.LSTM": training(Layer), "torch cell": training(Cell)},
    "torch.compile": {"torch.compile": training(CompiledCell)},
}
