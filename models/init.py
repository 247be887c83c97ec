"""How parameters begin: each initialiser maps (generator, shape) to an array of floatX.

Matrices are [inputs, outputs]; what a rule says of units in and out is read so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from symseq.config import config
from symseq.errors import ShapeError, UsageError
from symseq.types import Array

Initializer = Callable[[np.random.Generator, Sequence[int]], Array]


def constant(value: float) -> Initializer:
    """x = value."""
    return lambda rng, shape: np.full(shape, value, config.floatX)


zeros = constant(0.0)


def uniform(scale: float = 0.05) -> Initializer:
    """x ~ U(-scale, scale)."""
    return lambda rng, shape: rng.uniform(-scale, scale, shape).astype(config.floatX)


def normal(deviation: float = 0.01) -> Initializer:
    """x ~ N(0, deviation²); the Theano tutorial's embedding begins with 0.01."""
    return lambda rng, shape: (deviation * rng.standard_normal(shape)).astype(
        config.floatX
    )


def identity(scale: float = 1.0) -> Initializer:
    """x = scale I: a recurrent layer that begins by keeping what it has.

    Reference: Le, Jaitly and Hinton 2015.
    """

    def draw(rng: np.random.Generator, shape: Sequence[int]) -> Array:
        n_in, n_out = _matrix(shape, "identity")
        return (scale * np.eye(n_in, n_out)).astype(config.floatX)

    return draw


def glorot(gain: float = 1.0) -> Initializer:
    """x ~ U(-a, a) with a = gain √(6 / (n_in + n_out)); "xavier" too.

    Reference: Glorot and Bengio 2010, equation 16.
    """

    def draw(rng: np.random.Generator, shape: Sequence[int]) -> Array:
        n_in, n_out = _matrix(shape, "glorot")
        return uniform(gain * np.sqrt(6.0 / max(n_in + n_out, 1)))(rng, shape)

    return draw


xavier = glorot


def he(gain: float = 1.0) -> Initializer:
    """x ~ N(0, gain² 2 / n_in), for layers of rectifiers.

    Reference: He et al. 2015, equation 10.
    """

    def draw(rng: np.random.Generator, shape: Sequence[int]) -> Array:
        n_in, _ = _matrix(shape, "he")
        return normal(gain * np.sqrt(2.0 / max(n_in, 1)))(rng, shape)

    return draw


def orthogonal(gain: float = 1.0) -> Initializer:
    """x with orthonormal rows or columns, whichever are fewer, times gain.

    Square matrices are the Theano tutorial's ``ortho_weight``.
    Reference: Saxe, McClelland and Ganguli 2014, section 3.
    """

    def draw(rng: np.random.Generator, shape: Sequence[int]) -> Array:
        n_in, n_out = _matrix(shape, "orthogonal")
        tall = rng.standard_normal((max(n_in, n_out), min(n_in, n_out)))
        q, r = np.linalg.qr(tall)
        # The signs make the draw uniform over the orthogonal group (Mezzadri 2007).
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
        return (gain * (q if n_in >= n_out else q.T)).astype(config.floatX)

    return draw


ortho_weight = orthogonal


def joined(initial: Initializer, blocks: int) -> Initializer:
    """`blocks` draws side by side along the last axis: one matrix for several gates.

    Raises: ShapeError where the last length is no multiple of `blocks`.
    """

    def draw(rng: np.random.Generator, shape: Sequence[int]) -> Array:
        *front, last = shape
        if last % blocks:
            raise ShapeError(f"{blocks} blocks must share the last length; got {last}")
        each = (*front, last // blocks)
        return np.concatenate([initial(rng, each) for _ in range(blocks)], axis=-1)

    return draw


def _matrix(shape: Sequence[int], rule: str) -> tuple[int, int]:
    if len(shape) != 2:
        raise UsageError(f"{rule} begins a matrix; got shape {tuple(shape)}")
    return shape[0], shape[1]


TUTORIAL_WEIGHT = normal(0.01)
TUTORIAL_RECURRENT = orthogonal()
