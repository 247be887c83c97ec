"""PyTorch: a module whose forward pass is the cost → cost and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ..work import Array, Build, Built, Problem

Tensors = dict[str, torch.Tensor]


class Model(torch.nn.Module):
    """Parameters by the names and in the layout of the problem.

    A subclass that keeps them in another layout says how a gradient comes back
    (`gradients`); forward gives the cost.
    """

    def __init__(self, sizes: Any, params: dict[str, Array]) -> None:
        super().__init__()
        self.sizes = sizes
        for name, value in params.items():
            self.register_parameter(
                name, torch.nn.Parameter(torch.from_numpy(value.copy()))
            )

    def gradients(self, by_name: Tensors) -> Tensors:
        """Gradients by the problem's names from those by the module's."""
        return by_name


class Transposed(Model):
    """A model whose torch.nn layers keep some parameters transposed."""

    def __init__(self, sizes: Any, params: dict[str, Array]) -> None:
        super().__init__(sizes, params)
        self.names: dict[str, str] = {}  # the module's name → the problem's

    def rename(self, layer: str, params: dict[str, Array], **names: str) -> None:
        """Give `layer` the values of `params`: the problem's name = the layer's."""
        for theirs, mine in names.items():
            self.names[f"{layer}.{mine}"] = theirs
            value = torch.from_numpy(params[theirs].T.copy())
            self.get_parameter(f"{layer}.{mine}").data.copy_(value)

    def rename_recurrent(self, layer: str, params: dict[str, Array]) -> None:
        """W, U and b; torch's second bias is zero, and not differentiated."""
        names = {"W": "weight_ih_l0", "U": "weight_hh_l0", "b": "bias_ih_l0"}
        self.rename(layer, params, **names)
        second = self.get_parameter(f"{layer}.bias_hh_l0")
        second.data.zero_()
        second.requires_grad_(False)

    def gradients(self, by_name: Tensors) -> Tensors:
        return {
            self.names.get(name, name): value.T if name in self.names else value
            for name, value in by_name.items()
        }


def unroll(
    step: Callable[..., tuple[torch.Tensor, ...]],
    sequences: tuple[torch.Tensor, ...],
    state: tuple[torch.Tensor, ...],
    *weights: torch.Tensor,
) -> torch.Tensor:
    """The first state after every step, by a loop in Python: [T, ...].

    step(*slices, *state, *weights) gives the next state.
    """
    rows = []
    for slices in zip(*(sequence.unbind() for sequence in sequences), strict=True):
        state = step(*slices, *state, *weights)
        rows.append(state[0])
    return torch.stack(rows)


def tensors(arrays: dict[str, Array]) -> Tensors:
    return {name: torch.from_numpy(value.copy()) for name, value in arrays.items()}


def cost_and_gradients(make: Callable[[Any, dict[str, Array]], Model]) -> Build:
    def build(sizes: Any, problem: Problem) -> Built:
        model, inputs = make(sizes, problem.params), tensors(problem.inputs)
        for name in problem.also:
            inputs[name].requires_grad_()
        wanted = {k: p for k, p in model.named_parameters() if p.requires_grad}
        wanted |= {name: inputs[name] for name in problem.also}

        def run() -> Tensors:
            cost = model(inputs)
            gradients = torch.autograd.grad(cost, list(wanted.values()))
            return {"cost": cost, **dict(zip(wanted, gradients, strict=True))}

        return Built(run=run, results=lambda made: to_numpy(model.gradients(made)))

    return build


def to_numpy(made: Tensors) -> dict[str, Array]:
    return {name: value.detach().numpy() for name, value in made.items()}
