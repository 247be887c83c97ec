"""Recurrent cells: (x_t, state) → (output, new state), as the papers' equations."""

from .cell import Cell, State
from .lstm import LSTM, LSTMState

__all__ = ["LSTM", "Cell", "LSTMState", "State"]
