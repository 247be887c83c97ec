"""Counter-based random words: pure functions of a key and a position.

A key is an int64; `fold_in` makes a key from a key and a number, and `Bits` makes words
of 64 bits: word j of key k is mix(mix(k + j·γ) + k), with the finaliser of SplitMix64.
Nothing is rejected and nothing is stored, so every target makes the same words.

Reference: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014),
with the finaliser that Stafford called Mix13.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from symseq import lengths
from symseq.errors import DTypeError, ShapeError
from symseq.graph import Arg, Op, Variable, no_gradient
from symseq.ops.convert import as_tensor, same_rank
from symseq.ops.dimshuffle import dimshuffle
from symseq.ops.elementwise import Elementwise, elementwise
from symseq.ops.registry import NATURAL, Case, register
from symseq.ops.sizes import as_length, held_length, refuse_batched
from symseq.types import Array, TensorType

GAMMA = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio, made odd
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFTS = tuple(map(np.uint64, (30, 27, 31)))
BLOCK = 8192


def mix(z: Array) -> Array:
    """The finaliser of SplitMix64, in place: each bit changes half of all."""
    first, second, last = SHIFTS
    scratch = z >> first
    z ^= scratch
    z *= FIRST
    np.right_shift(z, second, out=scratch)
    z ^= scratch
    z *= SECOND
    np.right_shift(z, last, out=scratch)
    z ^= scratch
    return z


def folded(key: Array, number: Array) -> Array:
    """mix(mix(key) + number·γ): the key of child `number` of `key`."""
    parents = mix(np.array(key, "int64", ndmin=1).view("uint64"))
    children = np.array(number, "int64", ndmin=1).view("uint64") * GAMMA
    shape = np.broadcast_shapes(key.shape, number.shape)
    return mix(parents + children).view("int64").reshape(shape)


def fill_words(key: Array, drawn: Array) -> None:
    """The first words of each key, into `drawn`. Shapes: [...], int64[..., n...]."""
    keys = np.array(key, "int64", ndmin=1).view("uint64").reshape(-1, 1)
    rows = drawn.view("uint64").reshape(len(keys), drawn.size // max(1, len(keys)))
    # A block at a time, so that what is mixed stays in the cache.
    width = max(1, BLOCK // max(1, len(keys)))
    for start in range(0, rows.shape[1], width):
        stop = min(start + width, rows.shape[1])
        block = np.arange(start + 1, stop + 1, dtype="uint64") * GAMMA + keys
        np.add(mix(block), keys, out=block)
        rows[:, start:stop] = mix(block)


def words(key: Array, count: int) -> Array:
    """The first `count` words of each key. Shapes: key: [...] → [..., count]."""
    drawn = np.empty((*key.shape, count), "int64")
    fill_words(key, drawn)
    return drawn


def _integers(what: str, args: Sequence[Arg]) -> None:
    for arg in args:
        if arg.type.dtype != "int64":
            raise DTypeError(f"{what} takes int64 keys; got {arg.type}")


def _fold_cases(rng: np.random.Generator) -> Iterator[Case]:
    keys = rng.integers(-(2**62), 2**62, (2, 3))
    yield Case(FoldIn(), (keys, np.arange(3)[np.newaxis]))
    yield Case(FoldIn(), (np.array(5), np.array(-1)))


@register("fold_in", cases=_fold_cases)
@dataclass(frozen=True)
class FoldIn(Op):
    """y[i] = the key of child number[i] of key[i]; a static 1 broadcasts."""

    name = "fold_in"
    vjp = no_gradient

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        _integers(self.name, args)
        key, number = (arg.type for arg in args)
        if key.ndim != number.ndim:
            raise ShapeError(f"fold_in needs equal ranks; got {key} and {number}")
        pairs = zip(key.shape, number.shape, strict=True)
        return (key.with_shape([lengths.broadcast(a, b) for a, b in pairs]),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        return (folded(*inputs),)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        full = [
            x if is_batched else dimshuffle(x, ["x", *range(x.ndim)])
            for x, is_batched in zip(inputs, batched, strict=True)
        ]
        return (self(*full),)


def fold_in(key: Variable, number: object) -> Variable:
    """A new key from a key and a number: of a draw, a step, an example."""
    return FoldIn()(*same_rank([key, as_tensor(number, "int64")]))


def _bits_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case(Bits(2), (np.array(7), np.array(2), np.array(3)))
    yield Case(Bits(1), (rng.integers(0, 9, (2,)), np.array(4)))
    yield Case(Bits(1), (np.array(7), np.array(0)))
    yield Case(Bits(0), (rng.integers(0, 9, (2,)),))


@register("bits", cases=_bits_cases)
@dataclass(frozen=True)
class Bits(Op):
    """y[k..., i...] = word i of key[k...], as int64 over `ndim` given lengths."""

    ndim: int
    name = "bits"
    vjp = no_gradient

    def infer(self, args: Sequence[Arg]) -> tuple[TensorType, ...]:
        key, *given = args
        _integers(self.name, [key])
        shape = [held_length(arg, "a length of a draw") for arg in given]
        return (key.type.with_shape([*key.type.shape, *shape]),)

    def numpy(self, *inputs: Array) -> tuple[Array, ...]:
        key, *given = inputs
        shape = [int(n) for n in given]
        drawn = words(key, int(np.prod(shape, dtype="int64")))
        return (drawn.reshape((*key.shape, *shape)),)

    def batch(
        self, inputs: Sequence[Variable], batched: Sequence[bool]
    ) -> Sequence[Variable]:
        refuse_batched(self, batched, 1)
        return (self(*inputs),)

    def length_inputs(self) -> tuple[int, ...]:
        return tuple(range(1, self.ndim + 1))

    def shape_inputs(self, count: int) -> tuple[int, ...]:
        return (0,)

    def __str__(self) -> str:
        return "bits"


def bits(key: Variable, *shape: object) -> Variable:
    """64 random bits per element, as int64. Shapes: key.shape + shape."""
    given = [as_length(length) for length in shape]
    return Bits(len(given))(key, *given)


def _cut(name: str, low: int, width: int) -> Elementwise:
    """The row that reads `width` bits of a word, from bit `low` up."""
    mask = (1 << width) - 1
    return elementwise(
        name,
        arity=1,
        numpy=f"np.right_shift({{0}}, {low}) & {mask}",
        c=f"(({{0}} >> {low}) & {mask}LL)",
        vjp=None,
        domain=NATURAL,
    )


# Bits of a word that no other use of it reads: 24 for a float32, 53 for a float64.
top_24, next_24 = _cut("top_24", 40, 24), _cut("next_24", 16, 24)
top_53, top_32 = _cut("top_53", 11, 53), _cut("top_32", 32, 32)

scale_32 = elementwise(
    "scale_32",
    arity=2,
    numpy="np.right_shift({0} * {1}, 32)",
    c="(({0} * {1}) >> 32)",
    vjp=None,
    domain=NATURAL,
)
