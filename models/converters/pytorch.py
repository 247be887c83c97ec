"""PyTorch's nn.RNN, nn.LSTM and nn.GRU: state dicts, any layers, both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symseq.types import Array

from ..cells import LSTM, ProjectedLSTM, ResetAfterGRU, SimpleRNN
from .convention import Convention, Place, layers
from .layout import Held, Layout


def _two_biases(gates: str) -> Layout:
    """y = x W_ihᵀ + b_ih + h W_hhᵀ + b_hh, the gates' rows on each other."""
    return (
        Held("weight_ih", "W", gates, transposed=True),
        Held("weight_hh", "U", gates, transposed=True),
        Held("bias_ih", "b", gates),
        Held("bias_hh", "v", gates),
    )


PYTORCH = Convention(
    "PyTorch",
    {
        SimpleRNN: _two_biases("h"),
        LSTM: _two_biases("ifgo"),
        ProjectedLSTM: (
            *_two_biases("ifgo"),
            Held("weight_hr", "P", "h", transposed=True),
        ),
        ResetAfterGRU: _two_biases("rzh"),
    },
)


def from_torch(model: Any, arrays: Mapping[str, Any], *, prefix: str = "") -> None:
    """Give cells the weights of an nn.RNN, nn.LSTM or nn.GRU.

    `model` is a cell or a `Recurrent`, `Stacked` cells or a list of layers for
    num_layers > 1, `Bidirectional` ones for bidirectional=True. The two biases become
    their sum, but b_hn of a GRU, which is `ResetAfterGRU.b_u`.
    Shapes: weight_ih_lk: float[nH, D], weight_hh_lk: float[nH, R], bias_ih_lk and
        bias_hh_lk: float[nH], weight_hr_lk: float[R, H].
    Args:
        arrays: ``module.state_dict()``, or arrays by the same names.
        prefix: of the module's names in it, such as "encoder.".
    Raises: UsageError for missing or further names with the prefix, or another cell;
        ShapeError, DTypeError for arrays that do not fit. Then nothing is changed.
    """
    PYTORCH.load(_places(model, prefix), arrays, prefix)


def to_torch(model: Any, *, prefix: str = "") -> dict[str, Array]:
    """The state dict of a PyTorch module with the weights of `model`.

    Our only bias is bias_ih; bias_hh is 0, but b_hn of a GRU.
    Shapes, Raises: as `from_torch`.
    """
    return PYTORCH.save(_places(model, prefix))


def _places(model: Any, prefix: str) -> list[Place]:
    return [
        Place(cell, prefix, f"_l{k}{direction}")
        for k, cells in enumerate(layers(model))
        for cell, direction in zip(cells, ("", "_reverse"), strict=False)
    ]
