"""Cells without gates: identity, dense, and the simple recurrent network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.lengths import Dim
from symseq.ops.math import identity, tanh
from symseq.ops.nnet import relu
from symseq.ops.products import dot

from .. import init
from ..module import parameter
from .cell import Cell, Hidden
from .kernel import Kernel

Activation = Callable[[Variable], Variable]
ACTIVATIONS: dict[str, Activation] = {"tanh": tanh, "relu": relu}


class Identity(Cell[tuple[()]]):
    """y_t = x_t. It remembers nothing.

    Shapes: x_t, y_t: float[B, D].
    """

    def __init__(self, width: int | Dim) -> None:
        self.inputs = self.outputs = width
        self.widths = ()

    def __call__(self, x: Variable, state: tuple[()]) -> tuple[Variable, tuple[()]]:
        return x, ()


class DenseCell(Cell[tuple[()]]):
    """y_t = φ(x_t W + b): the layer `Dense` as a cell. It remembers nothing.

    Shapes: x_t: float[B, D], y_t: float[B, K], W: float[D, K], b: float[K].
    """

    def __init__(
        self,
        inputs: int | Dim,
        outputs: int | Dim,
        *,
        rng: np.random.Generator,
        activation: Activation = identity,
        initial: init.Initializer = init.TUTORIAL_RECURRENT,
        name: str = "dense",
    ) -> None:
        self.inputs, self.outputs, self.widths = inputs, outputs, ()
        self.activation = activation
        self.W = parameter(initial, inputs, outputs, rng=rng, name=f"{name}.W")
        self.b = parameter(init.zeros, outputs, rng=rng, name=f"{name}.b")

    def __call__(self, x: Variable, state: tuple[()]) -> tuple[Variable, tuple[()]]:
        return self.activation(dot(x, self.W) + self.b), ()


class SimpleRNN(Kernel[Hidden]):
    """h_t = φ(x_t W + h_{t-1} U + b), φ = tanh or relu.

    Output: h_t. State: (h_t).
    Shapes: x_t: float[B, D], h: float[B, H], W: float[D, H], U: float[H, H],
        b: float[H].
    Raises: UsageError for another activation.
    Reference: Elman 1990; `irnn`: Le, Jaitly and Hinton 2015.
    """

    def __init__(
        self,
        inputs: int | Dim,
        hidden: int | Dim,
        *,
        rng: np.random.Generator,
        activation: str = "tanh",
        initial: init.Initializer = init.TUTORIAL_RECURRENT,
        name: str = "rnn",
    ) -> None:
        if activation not in ACTIVATIONS:
            raise UsageError(
                f'activation must be "tanh" or "relu"; got {activation!r}',
            )
        super().__init__(inputs, hidden, 1, rng=rng, initial=initial, name=name)
        self.widths = Hidden._make((hidden,))
        self.activation = ACTIVATIONS[activation]

    @classmethod
    def irnn(
        cls,
        inputs: int | Dim,
        hidden: int | Dim,
        *,
        rng: np.random.Generator,
        scale: float = 1.0,
        name: str = "irnn",
    ) -> SimpleRNN:
        """φ = relu, U = scale I, b = 0, W ~ N(0, 0.001²): it begins as a sum.

        Reference: Le, Jaitly and Hinton 2015, who take a smaller `scale` where
            dependencies are short.
        """
        how = {"activation": "relu", "name": name}
        cell = cls(inputs, hidden, rng=rng, initial=init.normal(0.001), **how)
        cell.U.storage[...] = init.identity(scale)(rng, cell.U.storage.shape)
        return cell

    def __call__(self, x: Variable, state: Hidden) -> tuple[Variable, Hidden]:
        h = self.activation(self.joined(x, state.h))
        return h, Hidden(h)
