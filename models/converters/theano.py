"""The LSTM of the Theano tutorial: lstm_W, lstm_U and lstm_b of its lstm.py's npz."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symseq.types import Array

from ..cells import LSTM
from .convention import Convention, Place, one_cell
from .layout import joined

THEANO = Convention("the Theano tutorial", {LSTM: joined("ifog")})  # its c is g


def from_theano(model: Any, arrays: Mapping[str, Any], *, prefix: str = "lstm") -> None:
    """Give an LSTM the weights that the tutorial's lstm.py saved.

    Shapes: lstm_W: float[H, 4H] in i, f, o, c, lstm_U: float[H, 4H], lstm_b: float[4H].
    Args:
        arrays: ``np.load("lstm_model.npz")``; its other names (Wemb, U, b) are left.
    Raises: UsageError for missing or further names with the prefix, or another cell;
        ShapeError, DTypeError for arrays that do not fit. Then nothing is changed.
    """
    THEANO.load(_places(model, prefix), arrays, f"{prefix}_")


def to_theano(model: Any, *, prefix: str = "lstm") -> dict[str, Array]:
    """The weights of an LSTM by the tutorial's names. Shapes, Raises: `from_theano`."""
    return THEANO.save(_places(model, prefix))


def _places(model: Any, prefix: str) -> list[Place]:
    return [Place(one_cell(model, THEANO.framework), f"{prefix}_")]
