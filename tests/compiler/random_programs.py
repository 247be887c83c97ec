"""Random programs over every kind of op; each knows an example of every value.

A program is a pool of variables with examples, from a seed: the examples' lengths
decide what fits. ``Pool.grow`` adds one value; a loop's step is a pool of its own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import symseq as ss
import symseq.tensor as T
from symseq.compiler.reference import Evaluator
from symseq.graph import Variable
from symseq.types import TensorType

DTYPES = ("float64", "float64", "float32", "int64", "int32", "int8", "bool", "uint8")
MOST_ELEMENTS = 400


class Draws:
    """Choices by a seeded generator."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def of(self, options):
        return options[self.rng.integers(len(options))]

    def below(self, n: int) -> int:
        return int(self.rng.integers(n))

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)


def sample(draws: Draws, dtype: str, shape, special: bool = True):
    """An array of small values; floats have a NaN or an infinity at times."""
    if dtype == "bool":
        return draws.rng.random(shape) < 0.5
    if dtype in ("float32", "float64"):
        made = np.asarray(draws.rng.normal(size=shape) * 1.5, dtype)
        if special and made.size and draws.chance(0.1):
            made.flat[draws.below(made.size)] = draws.of([np.nan, np.inf, -np.inf, 0])
        return made
    low = 0 if dtype == "uint8" else -3
    return np.asarray(draws.rng.integers(low, 4, size=shape), dtype)


UNARY = [
    T.tanh, T.exp, T.sqr, T.abs_, T.neg, T.sgn, T.sin, T.nnet.sigmoid,
    T.nnet.softplus, T.log1p, T.sqrt, T.floor, T.isnan, T.nnet.relu, T.ceil, T.inv,
    T.log, lambda x: 1 - x, lambda x: x * 2, lambda x: x + 0, lambda x: x * 1.0,
    lambda x: 0 - x, lambda x: T.clip(x, 0, 2), lambda x: T.log(1 + x),
]  # fmt: skip
BINARY = [
    T.add, T.sub, T.mul, T.true_div, T.maximum, T.minimum, T.lt, T.ge, T.eq, T.pow,
    T.floor_div, T.mod, T.neq, T.arctan2, lambda a, b: T.switch(T.gt(a, b), a, b),
    lambda a, b: a + (-b), lambda a, b: T.switch(a > 0, b, a), T.fill,
]  # fmt: skip
LOGIC = [T.and_, T.or_, T.xor, T.bitwise_and]
CASTS = ("float32", "float64", "int64", "int32", "int8", "bool", "uint8")


class Pool:
    """Variables with an example each, and ways to make more of them."""

    def __init__(self, draws: Draws, depth: int = 0, streams=None) -> None:
        self.draws, self.depth, self.streams = draws, depth, streams
        self.variables: list[Variable] = []
        self.examples: list = []
        self.made: list[Variable] = []
        self.failed: list[Variable] = []  # built, but its example raised
        self.evaluate = Evaluator()

    def add(self, variable: Variable, example) -> None:
        self.variables.append(variable)
        self.examples.append(np.asarray(example))

    def pick(self, wanted: Callable = lambda v, a: True):
        """A variable with its example that satisfies `wanted`, late ones rather."""
        found = [
            k
            for k, (v, a) in enumerate(zip(self.variables, self.examples, strict=True))
            if wanted(v, a)
        ]
        if not found:
            return None
        k = found[-1 - self.draws.below(min(4, len(found)))]
        if self.draws.chance(0.5):
            k = self.draws.of(found)
        return self.variables[k], self.examples[k]

    def enter(self, made) -> None:
        """Add what was made, if its example can be computed and is small."""
        for variable in made if isinstance(made, (list, tuple)) else [made]:
            try:
                (value,) = self.evaluate([variable], self.variables, self.examples)
            except (ValueError, IndexError, ArithmeticError, TypeError):
                self.failed.append(variable)
                return
            if value.size <= MOST_ELEMENTS:
                self.add(variable, np.array(value))
                self.made.append(variable)

    def grow(self) -> None:
        """One more value, or none where the choice does not fit."""
        way = self.draws.of(WAYS if self.depth < 2 else FLAT_WAYS)
        try:
            made = way(self)
        except (ss.errors.SymseqError, ValueError, TypeError, IndexError):
            return
        if made is not None:
            self.enter(made)


# -- ways to make a value -----------------------------------------------------------


def unary(pool):
    v, _ = pool.pick()
    return pool.draws.of(UNARY)(v)


def binary(pool):
    a, x = pool.pick()
    b, _ = pool.pick(lambda v, y: y.shape == x.shape or y.ndim <= x.ndim)
    if {a.dtype, b.dtype} == {"bool"} or pool.draws.chance(0.1):
        return pool.draws.of(LOGIC)(a, b)
    return pool.draws.of(BINARY)(a, b)


def same_shape(pool):
    a, x = pool.pick()
    b, _ = pool.pick(lambda v, y: y.shape == x.shape)
    return pool.draws.of(BINARY)(a, b)


def cast(pool):
    return pool.pick()[0].astype(pool.draws.of(CASTS))


def shuffle(pool):
    v, x = pool.pick(lambda v, x: x.ndim)
    axes = list(pool.draws.rng.permutation(x.ndim).tolist())
    if x.ndim < 4 and pool.draws.chance(0.3):
        axes.insert(pool.draws.below(len(axes) + 1), "x")
    return v.dimshuffle(*axes)


def bound(pool, n):
    """A place within an axis of length n: a number, or a variable near it."""
    k = pool.draws.below(2 * n + 1) - n
    found = pool.pick(lambda v, a: a.ndim == 0 and v.dtype == "int64" and abs(a) <= n)
    return found[0] if found and pool.draws.chance(0.25) else k


def key(pool, x):
    """A basic index into x."""
    entries = []
    for n in x.shape[: 1 + pool.draws.below(x.ndim)]:
        kind = pool.draws.below(4)
        if kind == 0 and n:
            at = bound(pool, n)
            entries.append(min(at, n - 1) if isinstance(at, int) else at)
        elif kind == 1:
            step = pool.draws.of([None, None, 2, -1, -2, 1])
            ends = [None if pool.draws.chance(0.4) else bound(pool, n) for _ in "ab"]
            entries.append(slice(*ends, step))
        elif kind == 2:
            entries.append(slice(None, None, pool.draws.of([-1, 1, 2])))
        else:
            entries.append(slice(None))
    return tuple(entries)


def view(pool):
    v, x = pool.pick(lambda v, x: x.ndim)
    return v[key(pool, x)]


def reshape(pool):
    v, x = pool.pick()
    way = pool.draws.below(4)
    if way == 0 and x.ndim > 1:
        return v.reshape(
            (v.shape[0] * v.shape[1], *(v.shape[k] for k in range(2, x.ndim)))
        )
    if way == 1:
        return v.flatten()
    if way == 2 and x.ndim:
        return v.reshape(tuple(v.shape[k] for k in range(x.ndim))[::-1])
    if x.ndim and x.size:
        return v.reshape((*x.shape[1:], -1))
    return v.dimshuffle("x", *range(x.ndim))


def part(pool):
    v, x = pool.pick(lambda v, x: x.ndim)
    where = v[key(pool, x)]
    (inside,) = pool.evaluate([where], pool.variables, pool.examples)
    found = pool.pick(lambda w, y: y.shape == inside.shape and w.dtype == v.dtype)
    y = found[0] if found and pool.draws.chance(0.7) else pool.draws.of([0, 1, 2])
    made = pool.draws.of([T.set_subtensor, T.inc_subtensor])(where, y)
    if pool.draws.chance(0.5):
        return made
    again = made[key(pool, x)]
    return T.inc_subtensor(again, pool.draws.of([1, again]))


def reduction(pool):
    v, x = pool.pick()
    kinds = [T.sum, T.mean, T.max, T.min, T.prod, T.any, T.all, T.var]
    axis = None
    if x.ndim and pool.draws.chance(0.7):
        axis = pool.draws.below(x.ndim)
    if x.ndim > 1 and pool.draws.chance(0.2):
        axis = (0, x.ndim - 1)
    return pool.draws.of(kinds)(v, axis=axis, keepdims=pool.draws.chance(0.3))


def along(pool):
    v, x = pool.pick(lambda v, x: x.ndim)
    axis = pool.draws.below(x.ndim)
    way = pool.draws.below(7)
    if way == 0:
        return T.cumsum(v, axis=axis)
    if way == 1:
        return T.argmax(v, axis=axis)
    if way == 2:
        return T.nnet.softmax(v.astype("float64"), axis=axis)
    if way == 3:
        return T.sort(v, axis=axis)
    if way == 4:
        return T.logsumexp(v.astype("float64"), axis=axis)
    if way == 5:
        return T.repeat(v, 2, axis=axis)
    return T.argsort(v, axis=axis)


def product(pool):
    a, x = pool.pick(lambda v, x: x.ndim)
    found = pool.pick(
        lambda v, y: y.ndim and y.shape[max(0, y.ndim - 2)] == x.shape[-1]
    )
    if found is None:
        return T.dot(a, a.T)
    if pool.draws.chance(0.2) and x.ndim > 1:
        return T.tensordot(a, a, [[0], [0]])
    return T.dot(a, found[0])


def ids_for(pool, n):
    found = pool.pick(
        lambda v, a: (
            v.dtype in ("int64", "int32")
            and a.ndim in (1, 2)
            and (a.size == 0 or (a.min() >= -n and a.max() < n))
        )
    )
    if found:
        return found
    ids = pool.draws.rng.integers(-n, n, size=pool.draws.below(4)) if n else np.zeros(0)
    return T.constant(ids.astype("int64")), ids


def gather(pool):
    v, x = pool.pick(lambda v, x: x.ndim)
    axis = pool.draws.below(x.ndim)
    ids, _ = ids_for(pool, x.shape[axis])
    return T.take(v, ids, axis=axis)


def scatter(pool):
    v, x = pool.pick(lambda v, x: x.ndim)
    ids, _ = ids_for(pool, x.shape[0])
    rows = v[ids]
    y = pool.draws.of([1, rows, rows[::-1]])
    return pool.draws.of([T.inc_subtensor, T.set_subtensor])(rows, y)


def mask(pool):
    v, x = pool.pick(lambda v, x: x.ndim)
    found = pool.pick(lambda m, y: m.dtype == "bool" and y.shape == x.shape[:1])
    condition = found[0] if found and pool.draws.chance(0.5) else T.gt(v, 0)
    return v[condition] if pool.draws.chance(0.8) else T.nonzero(condition)[0]


def join(pool):
    a, x = pool.pick(lambda v, x: x.ndim)
    b, _ = pool.pick(lambda v, y: y.ndim == x.ndim and y.shape[1:] == x.shape[1:])
    if pool.draws.chance(0.3):
        return T.stack([a, a[::-1]], axis=pool.draws.below(x.ndim + 1))
    return T.concatenate([a, b, a][: 2 + pool.draws.below(2)], axis=0)


def create(pool):
    v, x = pool.pick()
    way = pool.draws.below(6)
    if way == 0 and x.ndim:
        return T.arange(v.shape[0])
    if way == 1:
        return T.zeros_like(v)
    if way == 2 and x.ndim:
        return T.alloc(pool.pick(lambda w, y: y.ndim == 0)[0], v.shape[0], 2)
    if way == 3:
        n, _ = pool.pick(lambda w, y: w.dtype == "int64" and y.ndim == 0 and y < 6)
        return T.arange(n)
    if way == 4:
        n, _ = pool.pick(lambda w, y: w.dtype == "int64" and y.ndim == 0 and 0 <= y < 6)
        return T.alloc(v if not x.ndim else 1.5, n)
    return T.constant(sample(pool.draws, "float64", (2, 3), False))


def length(pool):
    v, _ = pool.pick(lambda v, x: x.ndim)
    return v.shape[0] if pool.draws.chance(0.5) else v.shape[-1] + 1


def choose(pool):
    a, x = pool.pick()
    b, _ = pool.pick(lambda v, y: y.shape == x.shape and v.dtype == a.dtype)
    condition, _ = pool.pick(lambda v, y: y.ndim == 0)
    if x.ndim and pool.draws.chance(0.2):
        b = b[1:]
    return T.switch(condition, a, b) if pool.draws.chance(0.3) else ss.ifelse.ifelse(
        T.gt(condition, 0), a, b
    )  # fmt: skip


def gradient(pool):
    if pool.depth:
        return None
    v, _ = pool.pick(lambda v, x: v.dtype.startswith("float") and v.owner is not None)
    sources = [w for w in pool.variables if w.owner is None and w.type.is_float]
    wrt = pool.draws.of(sources)
    return T.grad((v * v).sum(), wrt, disconnected_inputs="ignore")


def uniform(pool):
    v, x = pool.pick()
    size = tuple(v.shape[k] for k in range(min(x.ndim, 2)))
    return pool.streams.uniform(size, dtype="float64")


def loop(pool):
    """A scan over the rows of some values."""
    draws = pool.draws
    x, rows = pool.pick(lambda v, a: a.ndim)
    sequences = [(x, rows)]
    if draws.chance(0.4):
        other = pool.pick(lambda v, a: a.ndim and len(a) >= len(rows))
        sequences.append(other)
    count = min(len(a) for _, a in sequences)
    n_steps = None
    if draws.chance(0.25):
        n_steps = draws.below(count + 1)
    elif draws.chance(0.2):
        found = pool.pick(
            lambda v, a: v.dtype == "int64" and a.ndim == 0 and 0 <= a <= count
        )
        n_steps = found[0] if found else None
    states = []
    for _ in range(draws.below(4)):
        deep = draws.chance(0.3)
        found = pool.pick(lambda v, a, deep=deep: not deep or (a.ndim and len(a) >= 2))
        if found is None:
            continue
        v, a = found
        if deep:
            taps = draws.of([[-2, -1], [-2], [-1, -2]])
            states.append((v[:2], a[:2], taps))
        else:
            states.append((v, a, [-1]))
    mapped = draws.below(3) + (not states)
    inner = Pool(draws, pool.depth + 1, pool.streams)
    for v, a in zip(pool.variables, pool.examples, strict=True):
        if draws.chance(0.15):
            inner.add(v, a)
    until = draws.chance(0.2)

    def step(*given):
        given = list(given)
        for v, (_, a) in zip(given, sequences, strict=False):
            inner.add(v, a[0] if len(a) else np.zeros(a.shape[1:], a.dtype))
        taken = len(sequences)
        olds = []
        for _, a, taps in states:
            for tap in taps:
                row = a if taps == [-1] else a[tap]
                inner.add(given[taken], row)
                olds.append((given[taken], row)) if tap == taps[0] else None
                taken += 1
        for _ in range(1 + draws.below(6)):
            inner.grow()
        news = [new_state(inner, v, a) for v, a in olds]
        news += [inner.pick()[0] for _ in range(mapped)]
        if until:
            flag, _ = inner.pick(lambda v, a: a.ndim == 0)
            return news, ss.until(T.gt(flag, 0) if draws.chance(0.7) else T.eq(flag, 2))
        return news

    infos = [
        v if taps == [-1] else {"initial": v, "taps": taps} for v, _, taps in states
    ]
    outputs, _ = ss.scan(
        step,
        [v for v, _ in sequences],
        infos + [None] * mapped,
        n_steps=n_steps,
        go_backwards=draws.chance(0.3),
        return_list=True,
        checkpoint_every=None if until else draws.of([None, None, None, 2]),
    )
    if draws.chance(0.3):
        return [o[-1] for o in outputs]
    return outputs


def new_state(inner, old, row):
    """A value of the state's type: one of the step's, or the old one itself."""
    fits = inner.pick(lambda v, a: v.type == old.type and a.shape == row.shape)
    if inner.draws.chance(0.6) or old.dtype == "bool":
        return fits[0]
    v, _ = inner.pick(lambda v, a: a.ndim == 0) or fits
    if v.ndim:
        return fits[0]
    return (old + v.astype(old.dtype)).astype(old.dtype)


FLAT_WAYS = [
    unary, unary, binary, binary, same_shape, same_shape, cast, shuffle, view, view,
    view, reshape, part, part, reduction, along, product, gather, scatter, join, create,
    length, choose, uniform,
]  # fmt: skip
WAYS = [*FLAT_WAYS, *FLAT_WAYS, mask, gradient, gradient, loop, loop, loop, loop]


class Program:
    """Inputs, a pool of values, outputs and updates of shared variables."""

    def __init__(self, seed: int, size: int = 12) -> None:
        draws = self.draws = Draws(seed)
        self.seed = seed
        streams = T.shared_randomstreams.RandomStreams(seed)
        pool = self.pool = Pool(draws, 0, streams)
        lengths = [draws.below(5) for _ in range(2)]
        self.inputs = []
        for k in range(2 + draws.below(3)):
            dtype = draws.of(DTYPES)
            shape = [draws.of(lengths) for _ in range(draws.of([0, 1, 1, 2, 2, 3]))]
            known = [n if draws.chance(0.2) else None for n in shape]
            v = TensorType(dtype, tuple(known))(f"x{k}")
            self.inputs.append(v)
            pool.add(v, sample(draws, dtype, shape))
        n = T.lscalar("n")
        self.inputs.append(n)
        pool.add(n, draws.below(4))
        self.shared = []
        for k in range(draws.below(4)):
            dtype = draws.of(DTYPES)
            shape = [draws.of(lengths) for _ in range(draws.below(3))]
            s = ss.shared(sample(draws, dtype, shape), f"s{k}")
            self.shared.append(s)
            pool.add(s, s.get_value())
        for _ in range(size):
            pool.grow()
        self.outputs = [draws.of(pool.variables) for _ in range(1 + draws.below(3))]
        self.outputs += pool.made[-3:]
        self.updates = self._updates()

    def _updates(self):
        updates = []
        for k in self.draws.rng.permutation(len(self.shared)):
            s = self.shared[k]
            old = s.get_value()
            strict = self.draws.chance(0.8)
            found = self.pool.pick(
                lambda v, a, s=s, old=old, strict=strict: (
                    v.dtype == s.dtype
                    and v.ndim == s.ndim
                    and v is not s
                    and (not strict or a.shape == old.shape)
                )
            )
            if found is not None:
                new = found[0]
                if self.draws.chance(0.4):
                    try:
                        new = (s + new).astype(s.dtype)
                    except ss.errors.SymseqError:
                        new = found[0]
                updates.append((s, new))
        return updates

    def values(self, again: int):
        """Values for the inputs: the examples, then others, also of other lengths."""
        given = self.pool.examples[: len(self.inputs)]
        if again in (0, 3):
            return given
        grown = again == 2
        made = []
        for v, a in zip(self.inputs, given, strict=True):
            shape = [
                n + grown if known is None else n
                for n, known in zip(a.shape, v.type.sizes, strict=True)
            ]
            made.append(sample(self.draws, v.dtype, shape) if v.ndim else a)
        return made
