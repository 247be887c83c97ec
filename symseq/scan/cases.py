"""Sample loops and branches, by which the ops with bodies are tested as all others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from symseq.graph import Variable
from symseq.ops.compare import gt
from symseq.ops.math import tanh
from symseq.ops.products import dot
from symseq.ops.registry import Case, enter
from symseq.scan.body import Body
from symseq.scan.control import IfElse
from symseq.scan.op import Scan
from symseq.scan.roles import StateSpec
from symseq.types import TensorType

STEPS = np.array(3)


def _vector(name: str) -> Variable:
    return Variable(TensorType("float64", (None,)), name=name)


def _matrix(name: str) -> Variable:
    return Variable(TensorType("float64", (None, None)), name=name)


def _scalar(name: str) -> Variable:
    return Variable(TensorType("float64", ()), name=name)


def _recurrence(last_only: bool) -> Scan:
    """h = tanh(x + h W), and its square as a mapped output."""
    x, h, W = _vector("x"), _vector("h"), _matrix("W")
    new = tanh(x + dot(h, W))
    state = StateSpec(last_only=last_only)
    return Scan(Body((x, h, W), (new, new * new)), 1, (state,), 1, 1)


def _two_taps() -> Scan:
    """a = b₋₁ a₋₂ + a₋₁ and b = c b₋₁: two states, one of them two steps back."""
    before, last, b, c = map(_scalar, ("a_tm2", "a_tm1", "b", "c"))
    states = (StateSpec(2, (-2, -1)), StateSpec())
    return Scan(Body((before, last, b, c), (b * before + last, c * b)), 0, states, 0, 1)


def _until() -> Scan:
    """h = h + x, up to the step in which h exceeds the limit."""
    x, h, limit = map(_scalar, ("x", "h", "limit"))
    body = Body((x, h, limit), (h + x, gt(h + x, limit)))
    return Scan(body, 1, (StateSpec(),), 0, 1, until=True)


def _nested() -> Scan:
    """total = total + the last h of an inner loop over the row."""
    row, total = _vector("row"), _scalar("total")
    x, h = _scalar("x"), _scalar("h")
    inner = Scan(Body((x, h), (tanh(h * x),)), 1, (StateSpec(last_only=True),), 0, 0)
    (last,) = inner.make(row.shape[0], row, total.dimshuffle("x"))
    return Scan(Body((row, total), (total + last[0],)), 1, (StateSpec(),), 0, 0)


def scan_cases(rng: np.random.Generator) -> Iterator[Case]:
    def draw(*shape: int) -> np.ndarray:
        return rng.normal(size=shape)

    yield Case(_recurrence(False), (STEPS, draw(3, 2), draw(1, 2), draw(2, 2)))
    yield Case(_recurrence(True), (STEPS, draw(4, 2), draw(1, 2), draw(2, 2)))
    yield Case(_recurrence(False), (np.array(0), draw(0, 2), draw(1, 2), draw(2, 2)))
    yield Case(_recurrence(True), (np.array(1), draw(1, 2), draw(1, 2), draw(2, 2)))
    yield Case(_two_taps(), (STEPS, draw(2), draw(1), draw()))
    # Reached in the last step: what lies behind the steps done is nobody's.
    limit = np.array(2.5)
    yield Case(_until(), (STEPS, np.ones(3), np.zeros(1), limit), wrt=(1, 2))
    yield Case(_nested(), (STEPS, draw(3, 2), draw(1)))


def ifelse_cases(rng: np.random.Generator) -> Iterator[Case]:
    x, y, then, other = (_vector(name) for name in ("x", "y", "a", "b"))
    branches = Body((x, y), (tanh(x) * y, x)), Body((then, other), (other, then + then))
    for condition in (True, False):
        inputs = np.array(condition), rng.normal(size=3), rng.normal(size=3)
        yield Case(IfElse(*branches), inputs)


enter("scan", Scan, scan_cases)
enter("ifelse", IfElse, ifelse_cases)
