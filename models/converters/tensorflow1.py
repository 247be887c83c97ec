"""TensorFlow 1's rnn_cell: joined [x, h] kernels, a forget bias added at run time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from symseq.types import Array

from ..cells import GRU, LSTM, PeepholeLSTM, ProjectedLSTM, SimpleRNN
from .convention import Convention, Place, one_cell
from .layout import Held

_LSTM = Held("kernel", "WU", "igfo"), Held("bias", "b", "igfo")  # its j is g

TF1 = Convention(
    "TensorFlow 1",
    {
        SimpleRNN: (Held("kernel", "WU", "h"), Held("bias", "b", "h")),
        LSTM: _LSTM,  # BasicLSTMCell and LSTMCell
        PeepholeLSTM: (
            *_LSTM,
            *(Held(f"w_{gate}_diag", "p", gate) for gate in "fio"),
        ),
        ProjectedLSTM: (*_LSTM, Held("projection/kernel", "P", "h")),
        GRU: (
            Held("gates/kernel", "WU", "rz"), Held("gates/bias", "b", "rz"),
            Held("candidate/kernel", "WU", "h"), Held("candidate/bias", "b", "h"),
        ),
    },
)  # fmt: skip


def from_tf1(
    model: Any,
    arrays: Mapping[str, Any],
    *,
    forget_bias: float = 1.0,
    prefix: str = "",
) -> None:
    """Give a cell the weights of a BasicLSTMCell, LSTMCell, GRUCell or BasicRNNCell.

    An LSTM's stored bias of the forget gate becomes larger by `forget_bias`, which must
    be what the cell was made with: TensorFlow adds it at every step.
    Shapes: kernel: float[D + R, 4H] in i, j, f, o, bias: float[4H], w_f_diag, w_i_diag
        and w_o_diag: float[H], projection/kernel: float[H, R]; of a GRU gates/kernel:
        float[D + H, 2H], gates/bias: float[2H], candidate/kernel: float[D + H, H],
        candidate/bias: float[H].
    Args:
        arrays: the variables by their names.
        prefix: of the cell's names in it, such as "rnn/basic_lstm_cell/".
    Raises: UsageError for missing or further names with the prefix, or another cell;
        ShapeError, DTypeError for arrays that do not fit. Then nothing is changed.
    """
    places = [Place(one_cell(model, TF1.framework), prefix)]
    replace(TF1, forget_bias=forget_bias).load(places, arrays, prefix)


def to_tf1(
    model: Any, *, forget_bias: float = 1.0, prefix: str = ""
) -> dict[str, Array]:
    """The variables of a cell made with `forget_bias` that has the weights of `model`.

    Shapes, Raises: as `from_tf1`.
    """
    places = [Place(one_cell(model, TF1.framework), prefix)]
    return replace(TF1, forget_bias=forget_bias).save(places)
