"""Keras's SimpleRNN, LSTM and GRU, as TensorFlow 2 has them, and Bidirectional."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symseq.types import Array

from ..cells import GRU, LSTM, ResetAfterGRU, SimpleRNN
from .convention import Convention, Place, one_layer
from .layout import Held, Layout


def _kernels(gates: str, biases: str = "b") -> Layout:
    return (
        Held("kernel", "W", gates),
        Held("recurrent_kernel", "U", gates),
        Held("bias", biases, gates),
    )


KERAS = Convention(
    "Keras",
    {
        SimpleRNN: _kernels("h"),
        LSTM: _kernels("ifgo"),
        GRU: _kernels("zrh"),  # reset_after=False
        ResetAfterGRU: _kernels("zrh", "bv"),  # reset_after=True, its default
    },
)


def from_keras(model: Any, arrays: Mapping[str, Any], *, prefix: str = "") -> None:
    """Give a cell, or a layer of one or both directions, the weights of a Keras layer.

    In the order of ``layer.get_weights()`` the names are those of `to_keras`:
    ``from_keras(model, dict(zip(to_keras(model), layer.get_weights())))``.
    Shapes: kernel: float[D, nH], recurrent_kernel: float[H, nH], bias: float[nH], or
        float[2, 3H] for a GRU that resets after the product. Those of `Bidirectional`
        begin with "forward/" and "backward/".
    Raises: UsageError for missing or further names with the prefix, or another cell;
        ShapeError, DTypeError for arrays that do not fit. Then nothing is changed.
    """
    KERAS.load(_places(model, prefix), arrays, prefix)


def to_keras(model: Any, *, prefix: str = "") -> dict[str, Array]:
    """The weights of `model` for ``layer.set_weights(list(to_keras(model).values()))``.

    Of the two biases of a GRU that resets after the product, r and z have the first.
    Shapes, Raises: as `from_keras`.
    """
    return KERAS.save(_places(model, prefix))


def _places(model: Any, prefix: str) -> list[Place]:
    cells = one_layer(model, "Keras")
    if len(cells) == 1:
        return [Place(cells[0], prefix)]
    return [
        Place(cell, f"{prefix}{direction}/")
        for cell, direction in zip(cells, ("forward", "backward"), strict=True)
    ]
