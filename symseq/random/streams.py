"""Random streams: a seed and a count of calls, from which every draw takes its key."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import numpy as np

from symseq.errors import DTypeError, ShapeError, UsageError
from symseq.graph import SharedVariable, Variable, operands
from symseq.ops.cast import cast
from symseq.ops.convert import as_tensor, constant
from symseq.ops.dimshuffle import Axis, dimshuffle
from symseq.ops.indexing import getitem
from symseq.ops.math import add
from symseq.ops.reduce import sum as total
from symseq.ops.reshape import product, reshape
from symseq.ops.shape import length_of, lengths_of
from symseq.ops.sizes import as_length
from symseq.ops.sort import take_along_axis
from symseq.scan.steps import enclosing_steps
from symseq.span import here
from symseq.types import TensorType, as_dtype, is_float

from . import draws
from .bits import fold_in, folded
from .sizes import draw_dtype, draw_size, is_empty

Seed = int | Sequence[int] | None


def as_seed(seed: Seed) -> int:
    """An int64 from a seed: several numbers fold into one; None takes a fresh one.

    Raises: UsageError for what is no integer.
    """
    if seed is None:
        return secrets.randbits(63)
    if isinstance(seed, (int, np.integer)):
        return int(np.array(int(seed) % 2**64, "uint64").view("int64"))
    if isinstance(seed, (list, tuple, np.ndarray)):
        key = np.array(0)
        for number in seed:
            key = folded(key, np.array(as_seed(int(number))))
        return int(key)
    raise UsageError(f"a seed must be an integer; got {seed!r}").at(here())


class RandomStreams:
    """Draws that change from call to call of a function, and from step to step.

    The state is a shared int64[2], (seed, calls). A function that draws counts the
    call, however many numbers it takes; each draw of the program has its number, and
    inside a scan the step counts too. So every target draws the same numbers.

    >>> streams = RandomStreams(seed=1)
    >>> streams.uniform(size=(2, 3)).type.sizes
    (2, 3)
    """

    def __init__(self, seed: Seed = None) -> None:
        state = np.array([as_seed(seed), 0], "int64")
        self.state = SharedVariable(TensorType("int64", (2,)), state, "stream")
        self.state.default_update = add(self.state, constant([0, 1], "int64"))
        self._call = fold_in(getitem(self.state, 0), getitem(self.state, 1))
        self._made = 0

    def seed(self, seed: Seed = None) -> None:
        """Start again from `seed`, at call 0."""
        self.state.set_value(np.array([as_seed(seed), 0], "int64"))

    @property
    def state_updates(self) -> list[tuple[SharedVariable, Variable]]:
        """(state, its value after a call): what a function adds by itself."""
        assert self.state.default_update is not None
        return [(self.state, self.state.default_update)]

    def updates(self) -> list[tuple[SharedVariable, Variable]]:
        """As `state_updates` (Theano's name)."""
        return self.state_updates

    def next_key(self) -> Variable:
        """The key of a new draw, at this call and at this step of the loops around."""
        key = fold_in(self._call, self._made)
        self._made += 1
        for step in enclosing_steps():
            key = fold_in(key, step)
        return key

    def uniform(
        self,
        size: Any = (),
        low: object = 0.0,
        high: object = 1.0,
        ndim: int | None = None,
        dtype: object = None,
        nstreams: object = None,
    ) -> Variable:
        """Uniform on [low, high), of floatX unless a dtype is given."""
        kind = float_dtype(draw_dtype(dtype, low, high))
        lengths = draw_size(size, ndim, as_tensor(low), as_tensor(high))
        return draws.uniform(self.next_key(), lengths, low, high, kind)

    def normal(
        self,
        size: Any = (),
        avg: object = 0.0,
        std: object = 1.0,
        ndim: int | None = None,
        dtype: object = None,
        nstreams: object = None,
    ) -> Variable:
        """Normal with mean `avg` and standard deviation `std`."""
        kind = float_dtype(draw_dtype(dtype, avg, std))
        lengths = draw_size(size, ndim, as_tensor(avg), as_tensor(std))
        drawn = draws.normal(self.next_key(), lengths, kind)
        if not draws.is_number(std, 1):
            drawn = drawn * as_tensor(std, kind)
        return drawn if draws.is_number(avg, 0) else drawn + as_tensor(avg, kind)

    def binomial(
        self,
        size: Any = (),
        n: object = 1,
        p: object = 0.5,
        ndim: int | None = None,
        dtype: object = "int64",
        nstreams: object = None,
    ) -> Variable:
        """How many of n trials of chance p succeed: with n=1 a mask of 0s and 1s."""
        lengths = draw_size(size, ndim, as_tensor(p))
        key = self.next_key()
        if isinstance(n, int) and n == 1:
            return cast(draws.bernoulli(key, lengths, p), dtype)
        return cast(draws.binomial(key, lengths, as_length(n), p), dtype)

    def random_integers(
        self,
        size: Any = (),
        low: object = 0,
        high: object = 1,
        ndim: int | None = None,
        dtype: object = "int64",
    ) -> Variable:
        """Uniform on low, ..., high, both included; at most 2³¹ numbers."""
        first, last = as_tensor(low, "int64"), as_tensor(high, "int64")
        lengths = draw_size(size, ndim, first, last)
        count = last - first + 1
        return cast(draws.integers(self.next_key(), lengths, first, count), dtype)

    def multinomial(
        self,
        size: Any = None,
        n: object = 1,
        pvals: object = (0.5, 0.5),
        ndim: int | None = None,
        dtype: object = "int64",
        nstreams: object = None,
    ) -> Variable:
        """How often each of K categories comes in n draws by the weights `pvals`.

        Shapes: pvals: [..., K]; the result is size + (K,), size being that of pvals
        without its last axis where it is not given.
        """
        weights = as_tensor(pvals)
        lengths, count = category_size(size, ndim, weights)
        kind, key = as_dtype(dtype), self.next_key()
        if isinstance(n, int) and n == 1:
            return draws.one_hot(draws.categorical(key, lengths, weights), count, kind)
        if weights.ndim > 1:
            apart: list[Axis] = [*range(weights.ndim - 1), "x", weights.ndim - 1]
            weights = dimshuffle(weights, apart)
        drawn = draws.categorical(key, [*lengths, as_length(n)], weights)
        return total(draws.one_hot(drawn, count, kind), axis=-2, dtype=kind)

    def choice(
        self,
        size: Any = (),
        a: object = 2,
        replace: bool = True,
        p: object = None,
        ndim: int | None = None,
        dtype: object = "int64",
        nstreams: object = None,
    ) -> Variable:
        """Entries of the vector `a`, or numbers below an integer `a`, by chances `p`.

        Without `replace` no entry comes twice.

        Raises: ShapeError where there are not enough entries for that.
        """
        lengths = draw_size(size if size is not None else (), ndim)
        chosen_from = as_tensor(a)
        whole = chosen_from.ndim == 0
        count = as_length(a) if whole else length_of(chosen_from, 0)
        key = self.next_key()
        if not replace:
            index = self._without_replacement(key, lengths, count, p)
        elif p is None:
            index = draws.integers(key, lengths, constant(0, "int64"), count)
        else:
            index = draws.categorical(key, lengths, p)
        return cast(index, dtype) if whole else getitem(chosen_from, index)

    def _without_replacement(
        self, key: Variable, lengths: list[Variable], count: Variable, p: object
    ) -> Variable:
        if p is None:
            order = draws.permutations(key, [], count)
        else:
            order = draws.weighted_order(key, [], as_tensor(p))
        wanted = product(lengths)
        if isinstance(wanted.held, int) and isinstance(count.held, int):
            check_enough(wanted.held, count.held)
        return reshape(getitem(order, slice(None, wanted)), lengths, len(lengths))

    def multinomial_wo_replacement(
        self,
        size: Any = None,
        n: object = 1,
        pvals: object = None,
        ndim: int | None = None,
        dtype: object = "int64",
        nstreams: object = None,
    ) -> Variable:
        """n different categories per row, by the weights `pvals`.

        Shapes: pvals: [rows, K] → [rows, n].
        """
        if size is not None:
            raise UsageError(f"size must be None here; got {size!r}").at(here())
        weights = as_tensor(pvals)
        lead = lengths_of(weights)[:-1]
        order = draws.weighted_order(self.next_key(), lead, weights)
        return cast(getitem(order, (Ellipsis, slice(None, n))), dtype)

    def permutation(
        self,
        size: Any = (),
        n: object = 1,
        ndim: int | None = None,
        dtype: object = "int64",
    ) -> Variable:
        """Random orders of 0, ..., n − 1. Shapes: size + (n,)."""
        lengths = draw_size(size if size is not None else (), ndim)
        order = draws.permutations(self.next_key(), lengths, as_length(n))
        return cast(order, dtype)

    def shuffle_row_elements(self, input: object) -> Variable:
        """A vector in random order, or each row of a matrix in an order of its own."""
        x = as_tensor(input)
        if x.ndim == 0:
            raise ShapeError("only an array with axes can be shuffled").at(here())
        *lead, count = lengths_of(x)
        order = draws.permutations(self.next_key(), lead, count)
        return take_along_axis(x, order, axis=-1)


class MRG_RandomStreams(RandomStreams):
    """Theano's name for its GPU streams: here the same generator, with a fixed seed."""

    def __init__(self, seed: Seed = 12345, use_cuda: object = None) -> None:
        super().__init__(seed)


def float_dtype(dtype: str) -> str:
    """Raises: DTypeError where a draw that makes floats is asked for integers."""
    if not is_float(dtype):
        raise DTypeError(
            f"this draw makes floats; got dtype {dtype}",
            hint="use random_integers or binomial, or cast the draw",
        ).at(here())
    return dtype


def category_size(
    size: Any, ndim: int | None, weights: Variable
) -> tuple[list[Variable], Variable]:
    """The lengths of a draw by rows of `weights`, and how many categories it has."""
    if weights.ndim == 0 or not weights.type.is_float:
        raise DTypeError(
            f"pvals must be a float array with an axis of categories; "
            f"got {weights.type}"
        ).at(here(), operands([weights]))
    *lead, count = lengths_of(weights)
    if size is None or (is_empty(size) and lead):
        return lead, count
    return draw_size(size, ndim), count


def check_enough(wanted: int, count: int) -> None:
    if wanted > count:
        raise ShapeError(
            f"without replacement there must be enough entries; got {count} "
            f"for {wanted} draws",
            hint="pass replace=True to let entries come again",
        ).at(here())
