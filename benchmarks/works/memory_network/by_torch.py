"""The memory network in PyTorch, eager and compiled as a whole."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy, embedding

from ...frameworks import by_torch
from ...frameworks.by_torch import Model, Tensors
from ...work import Array
from . import HOPS, position_encoding


class MemoryNetwork(Model):
    def __init__(self, sizes: Any, params: dict[str, Array]) -> None:
        super().__init__(sizes, params)
        places = torch.from_numpy(position_encoding(sizes.L, sizes.d))
        self.register_buffer("places", places)

    def read(self, words: torch.Tensor, k: int) -> torch.Tensor:
        rows = embedding(words, self.get_parameter(f"E{k}"))
        return (rows * self.places).sum(dim=-2)

    def forward(self, inputs: Tensors) -> torch.Tensor:
        memories = [
            self.read(inputs["stories"], k) + self.get_parameter(f"T{k}")
            for k in range(HOPS + 1)
        ]
        u = self.read(inputs["questions"], 0)
        for k in range(HOPS):
            p = torch.softmax(torch.einsum("bnd,bd->bn", memories[k], u), dim=1)
            u = u + torch.einsum("bn,bnd->bd", p, memories[k + 1])
        logits = u @ self.get_parameter(f"E{HOPS}").T
        return cross_entropy(logits, inputs["answers"])


def compiled(sizes: Any, params: dict[str, Array]) -> MemoryNetwork:
    model = MemoryNetwork(sizes, params)
    model.compile(dynamic=False)
    return model


VARIANTS = {
    "torch": {"torch": by_torch.cost_and_gradients(MemoryNetwork)},
    "torch.compile": {"torch.compile": by_torch.cost_and_gradients(compiled)},
}
