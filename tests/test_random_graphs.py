"""Random graphs and random scans: values and gradients on every target.

Each program is built from choices that Hypothesis makes (and makes smaller when one
fails); its gradients must equal central differences, and every target `reference`.
``SYMSEQ_CASES`` is the number of programs of each kind (100).
"""

import os
from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import symseq as ss
import symseq.tensor as T
from symseq.compiler.autodiff.verify import central_differences
from symseq.compiler.reference import Evaluator
from symseq.graph import Variable
from symseq.types import Array
from symseq.variables import dmatrix, dscalar, dvector

CASES = int(os.environ.get("SYMSEQ_CASES", "100"))
# Targets that are compared with `reference`.
TARGETS = ("numpy",)

many = settings(
    max_examples=CASES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class Choices:
    """Draws from Hypothesis, by name, so that a failing program prints its choices."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def one_of(self, options: Sequence, label: str = "choice"):
        return self.data.draw(st.sampled_from(list(options)), label)

    def count(self, low: int, high: int, label: str = "count") -> int:
        return self.data.draw(st.integers(low, high), label)

    def flag(self, label: str = "flag") -> bool:
        return self.data.draw(st.booleans(), label)


UNARY: tuple[Callable[[Variable], Variable], ...] = (
    T.tanh,
    T.sin,
    lambda x: x * 0.7 - 0.2,
    lambda x: T.exp(-x * x),
    lambda x: T.log(1 + x * x),
    lambda x: T.nnet.sigmoid(x),
    lambda x: 1 / (1.5 + x * x),
)
BINARY: tuple[Callable[[Variable, Variable], Variable], ...] = (
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: T.tanh(a) * b,
    lambda a, b: a / (2 + b * b),
    lambda a, b: T.switch(T.sin(a * 50) > 2, a, b),
)


def mix(choices: Choices, pool: list[Variable]) -> Variable:
    """One more value from those in `pool`."""
    a, b = choices.one_of(pool, "a"), choices.one_of(pool, "b")
    kind = choices.one_of(("unary", "binary", "dot", "shape", "reduce"), "kind")
    if kind == "binary" and fits(a, b):
        return choices.one_of(BINARY, "binary")(a, b)
    if kind == "dot" and a.ndim and b.ndim and inner(a, b):
        return T.tanh(T.dot(a, b))
    if kind == "reduce" and a.ndim:
        axis = choices.count(0, a.ndim - 1, "axis")
        # The mean of nothing is NaN, and so would the cost be.
        kinds = (T.sum, T.mean) if a.type.shape[axis] else (T.sum,)
        return choices.one_of(kinds, "reduce")(a, axis=axis)
    if kind == "shape" and a.ndim:
        return reshaped(choices, a)
    return choices.one_of(UNARY, "unary")(a)


def fits(a: Variable, b: Variable) -> bool:
    pairs = zip(a.type.shape[::-1], b.type.shape[::-1], strict=False)
    return all(m == n or 1 in (m, n) for m, n in pairs)


def inner(a: Variable, b: Variable) -> bool:
    return a.type.shape[-1] == b.type.shape[max(0, b.ndim - 2)]


def reshaped(choices: Choices, a: Variable) -> Variable:
    length = a.type.shape[0]
    ways = ["transpose", "flip", "double", "softmax"]
    ways += ["repeated rows", "slice", "set", "cumulative"] if length else []
    way = choices.one_of(ways, "way")
    if way == "transpose":
        return a.T
    if way == "flip":
        return a[::-1]
    if way == "double":
        return T.concatenate([a, T.sin(a)], axis=0)
    if way == "softmax":
        e = T.exp(T.tanh(a))
        return e / e.sum(axis=-1, keepdims=True)
    if way == "repeated rows":
        last = length - 1
        return a[[choices.count(0, last, "row") for _ in range(3)]]
    if way == "slice":
        return a[choices.count(0, length, "start") :]
    if way == "set":
        return T.set_subtensor(a[choices.count(0, length - 1, "at")], 0.5)
    return T.cumsum(a, axis=0)


def weigh(outputs: Sequence[Variable]) -> Variable:
    """A cost in which every element counts differently."""
    total = T.constant(0.0, dtype="float64")
    for k, output in enumerate(outputs):
        total = total + (T.sin(output + k) * 1.3).sum() + (output * output).sum()
    return total


def check(
    outputs: Sequence[Variable], inputs: Sequence[Variable], values: Sequence[Array]
) -> None:
    """Gradients of a cost against differences; targets against `reference`."""
    cost = weigh(outputs)
    gradients = T.grad(cost, list(inputs), disconnected_inputs="ignore")
    evaluate = Evaluator()
    wanted = evaluate([cost, *gradients, *outputs], inputs, values)
    assume(np.isfinite(wanted[0]))  # a mean of nothing is NaN and has no differences
    scale = 1 + abs(float(wanted[0]))
    differences = central_differences(
        lambda *at: float(evaluate([cost], inputs, at)[0]), values, 1e-5
    )
    for gradient, difference in zip(wanted[1:], differences, strict=False):
        np.testing.assert_allclose(gradient, difference, 2e-6, 1e-8 * scale + 1e-7)
    for target in TARGETS:
        f = ss.function(
            list(inputs),
            [cost, *gradients, *outputs],
            target=target,
            on_unused_input="ignore",
        )
        for _ in range(2):
            for ours, theirs in zip(f(*values), wanted, strict=True):
                np.testing.assert_allclose(ours, theirs, 1e-9, 1e-10 * scale)


def draw_values(choices: Choices, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    rng = np.random.default_rng(choices.count(0, 9, "seed"))
    return [rng.normal(size=shape) for shape in shapes]


@many
@given(st.data())
def test_random_graph(data: st.DataObject) -> None:
    choices = Choices(data)
    rows, columns = choices.count(0, 3, "rows"), choices.count(1, 3, "columns")
    inputs = [
        dmatrix("a", shape=(rows, columns)),
        dvector("v", shape=(columns,)),
        dscalar("s"),
    ]
    pool: list[Variable] = list(inputs)
    for _ in range(choices.count(1, 10, "size")):
        pool.append(mix(choices, pool))
    check(pool[-2:], inputs, draw_values(choices, [(rows, columns), (columns,), ()]))


class Loop:
    """A scan built from choices: its step mixes rows, taps and captured variables."""

    def __init__(
        self, choices: Choices, captured: list[Variable], nested: bool
    ) -> None:
        self.choices = choices
        self.captured = captured
        self.nested = nested
        self.states = choices.count(0, 2, "states")
        self.mapped = choices.count(0 if self.states else 1, 2, "mapped")
        depth_two = [choices.flag("two taps") for _ in range(self.states)]
        self.taps = [choices.one_of(TAPS) if two else [-1] for two in depth_two]
        self.backwards = choices.flag("backwards")

    def run(
        self, x: Variable, initial: Variable, n_steps: int | None
    ) -> list[Variable]:
        """x: [T, n], initial: [2, n]; the outputs are [T, n] each."""
        infos: list = [
            {"initial": initial, "taps": taps} if taps != [-1] else initial[k % 2]
            for k, taps in enumerate(self.taps)
        ]
        outputs, _ = ss.scan(
            self.step,
            sequences=[x],
            outputs_info=infos + [None] * self.mapped,
            n_steps=n_steps,
            go_backwards=self.backwards,
            return_list=True,
        )
        return outputs

    def step(self, *read: Variable) -> list[Variable]:
        pool = [*read, *self.captured]
        for _ in range(self.choices.count(1, 3, "size of step")):
            a, b = self.choices.one_of(pool, "a"), self.choices.one_of(pool, "b")
            pool.append(self.choices.one_of(BINARY)(T.tanh(a), b))
            pool.append(self.choices.one_of(UNARY)(pool[-1]))
        if self.nested:
            pool.append(self.inner(read, pool))
        made = []
        for k in range(self.states + self.mapped):
            old = read[min(k + 1, len(read) - 1)]
            made.append(T.tanh(pool[-1 - k] + 0.5 * self.choices.one_of(pool) + old))
        return made

    def inner(self, read: Sequence[Variable], pool: list[Variable]) -> Variable:
        """A loop in the loop: two steps over rows made of what the step reads."""
        rows = T.stack([read[0], pool[-1]], axis=0)
        start = T.stack([read[-1], pool[-2]], axis=0)
        loop = Loop(self.choices, [*self.captured, pool[-1]], nested=False)
        outputs = loop.run(rows, start, None)
        return sum(output.sum(axis=0) for output in outputs) * 0.3


TAPS = ([-2, -1], [-2], [-1, -2])


@many
@given(st.data())
def test_random_scan(data: st.DataObject) -> None:
    choices = Choices(data)
    steps, width = choices.count(0, 4, "T"), choices.count(1, 2, "n")
    x, initial = dmatrix("x"), dmatrix("initial", shape=(2, width))
    weight = dvector("w", shape=(width,))
    inputs = [x, initial, weight]
    shapes = [(steps, width), (2, width), (width,)]
    loop = Loop(choices, [weight], choices.flag("nested"))
    some = choices.count(0, steps, "n_steps") if choices.flag("fewer") else None
    found = loop.run(x, initial, some)
    outputs = [
        use(choices, output, steps if some is None else some) for output in found
    ]
    check(outputs, inputs, draw_values(choices, shapes))


def use(choices: Choices, output: Variable, steps: int) -> Variable:
    """What the cost reads of an output: all, the last row, a slice, the mirror."""
    ways = ["all", "slice", "mirror"] + (["last"] if steps else [])
    way = choices.one_of(ways, "use")
    views = {"all": slice(None), "last": -1, "mirror": slice(None, None, -1)}
    return output[views.get(way, slice(1, None, 2))]
