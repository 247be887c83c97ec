"""Recurrent cells: (x_t, state) → (output, new state), as the papers' equations."""

from .cell import Cell, Hidden, State
from .clockwork import Clockwork, ClockworkState
from .gru import GRU, ResetAfterGRU
from .lstm import (
    LSTM,
    CarouselLSTM,
    CoupledLSTM,
    LSTMGates,
    LSTMState,
    PeepholeLSTM,
)
from .mgu import MGU
from .multiplicative import MultiplicativeLSTM
from .normalized import LayerNormLSTM
from .projected import ProjectedLSTM
from .scrn import SCRN, SCRNState
from .simple import DenseCell, Identity, SimpleRNN
from .wrappers import (
    LayerNormalized,
    Residual,
    Stacked,
    VariationalDropout,
    Wrapper,
    Zoneout,
)

__all__ = [
    "GRU",
    "LSTM",
    "MGU",
    "SCRN",
    "CarouselLSTM",
    "Cell",
    "Clockwork",
    "ClockworkState",
    "CoupledLSTM",
    "DenseCell",
    "Hidden",
    "Identity",
    "LSTMGates",
    "LSTMState",
    "LayerNormLSTM",
    "LayerNormalized",
    "MultiplicativeLSTM",
    "PeepholeLSTM",
    "ProjectedLSTM",
    "ResetAfterGRU",
    "Residual",
    "SCRNState",
    "SimpleRNN",
    "Stacked",
    "State",
    "VariationalDropout",
    "Wrapper",
    "Zoneout",
]
