"""The models' cells print as their papers do."""

import numpy as np

import symseq as ss
import symseq.tensor as T
from symseq.models.cells.gru import GRU
from symseq.models.cells.lstm import PeepholeLSTM
from symseq.models.recurrent import Recurrent


def printed(cell, *more):
    rng = np.random.default_rng(0)
    made = Recurrent(cell(3, 4, rng=rng))(T.tensor3("x"), *more)
    return ss.equations(made).splitlines()


def test_peepholes():
    assert printed(PeepholeLSTM) == [
        "i(t) = σ(x(t) W_i + h(t−1) U_i + b_i + p_i ⊙ c(t−1))",
        "f(t) = σ(x(t) W_f + h(t−1) U_f + b_f + p_f ⊙ c(t−1))",
        "g(t) = tanh(x(t) W_g + h(t−1) U_g + b_g)",
        "c(t) = f(t) ⊙ c(t−1) + i(t) ⊙ g(t)",
        "o(t) = σ(x(t) W_o + h(t−1) U_o + b_o + p_o ⊙ c(t))",
        "h(t) = o(t) ⊙ tanh(c(t))",
        "W = [W_i W_f W_o W_g]",
        "U = [U_i U_f U_o U_g]",
        "b = [b_i b_f b_o b_g]",
        "p = [p_i p_f p_o]",
    ]


def test_a_mask_carries_the_state():
    assert printed(GRU, T.matrix("mask"))[3:5] == [
        "h′(t) = z(t) ⊙ h(t−1) + (1 − z(t)) ⊙ candidate(t)",
        "h(t) = mask(t) ⊙ h′(t) + (1 − mask(t)) ⊙ h(t−1)",
    ]
