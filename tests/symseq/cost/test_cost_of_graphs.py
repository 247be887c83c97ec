"""Costs of whole graphs: loops, branches, lengths by name and by number."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.cost.graph import costs
from symseq.errors import ShapeError, UsageError
from symseq.ifelse import ifelse
from symseq.types import TensorType

STEPS, B, H = (*ss.dims("T B"), ss.dim("H", 4))


def loop(n_steps=None, until=False, inner=0):
    """h = tanh(h U + x), with `inner` steps of a loop in each."""
    x = TensorType("float32", (STEPS, B, H))("x")
    u = ss.shared(np.ones((4, 4), "float32"), "U", shape=(H, H))

    def step(row, h):
        new = T.tanh(h @ u + row)
        if inner:
            new = ss.scan(lambda y: y * y, outputs_info=[new], n_steps=inner)[0][-1]
        return (new, ss.until(new.sum() > 3)) if until else new

    made, _ = ss.scan(step, [x], [T.zeros((x.shape[1], H))], n_steps=n_steps)
    return x, made


def test_a_loop_costs_its_steps_times_its_body() -> None:
    _, made = loop()
    total = costs(made).total
    each = 2 * B * H * H + B * H + B * H
    assert total.flops == STEPS * each
    assert total.transcendental == STEPS * B * H
    assert total.unknown == 0


def test_in_numbers() -> None:
    x, made = loop()
    wanted = 5 * (2 * 3 * 16 + 2 * 12)
    for shapes in (
        {"T": 5, "B": 3},
        {STEPS: 5, B: 3},
        {x: (5, 3, 4)},
        {"x": (5, 3, 4)},
        {"x": np.zeros((5, 3, 4)).shape, "T": 5},
    ):
        assert costs(made, shapes).total.flops == wanted


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_few_steps(steps: int) -> None:
    _, made = loop(n_steps=steps)
    assert costs(made, {"B": 2}).total.flops == steps * (2 * 2 * 16 + 2 * 8)


def test_lengths_of_one_and_none() -> None:
    x, made = loop()
    assert costs(made, {x: (1, 1, 4)}).total.flops == 2 * 16 + 2 * 4
    assert costs(made, {x: (0, 7, 4)}).total.flops == 0
    assert costs(made, {x: (7, 0, 4)}).total.flops == 0


def test_loops_in_loops() -> None:
    _, made = loop(inner=3)
    found = [c for c in costs(made).everything() if len(c.around) == 2]
    assert [c.runs for c in found if c.node.op.name == "mul"] == [3 * STEPS]
    (product,) = [c for c in found if c.node.op.name == "mul"]
    assert product.total.flops == 3 * STEPS * B * H
    assert costs(made).total.flops == STEPS * (2 * B * H * H + 2 * B * H + 3 * B * H)


def test_an_until_loop_costs_at_most_all_its_steps() -> None:
    _, made = loop(until=True)
    assert costs(made, {"T": 5, "B": 3}).total.flops == 5 * (96 + 24 + 12 + 1)


def test_the_gradient_costs_about_twice_as_much() -> None:
    x, made = loop()
    grad = T.grad(made.sum(), x)
    forward = costs(made, {"T": 9, "B": 8}).total.flops
    both = costs([made, grad], {"T": 9, "B": 8}).total
    assert both.unknown == 0
    assert 1.5 * forward < both.flops < 5 * forward


def test_of_two_branches_the_dearer() -> None:
    n = ss.dim("N")
    x, c = TensorType("float32", (n,))("x"), T.scalar("c", dtype="bool")
    dear = ifelse(c, T.tanh(x) * 2 + 1, x * 2)
    assert costs(dear).total.flops == 3 * n
    assert costs(dear).total.transcendental == n
    assert costs(dear, {"N": 4}).total.flops == 12


def test_inputs_without_names_need_shapes() -> None:
    x = T.matrix("x")
    made = x @ x.T
    assert costs(made).total.unknown == 1
    assert costs(made, {"x": (2, 3)}).total.flops == 2 * 2 * 2 * 3
    assert costs(made, {x: (1, 3)}).total.flops == 6


def test_a_number_of_steps_can_be_given() -> None:
    n = T.iscalar("n")
    made, _ = ss.scan(lambda y: y + y, outputs_info=[T.zeros((3,))], n_steps=n)
    assert costs(made).total.unknown > 0
    for key in (n, "n"):
        total = costs(made, {key: 6}).total
        assert (total.flops, total.unknown) == (18, 0)


def test_lengths_that_depend_on_contents_are_said_to_be_unknown() -> None:
    x = T.vector("x")
    total = costs(T.exp(x[x > 0]), {"x": (5,)}).total
    assert total.unknown > 0 and total.flops >= 5


def test_functions_and_lists_have_costs() -> None:
    x = TensorType("float32", (B,))("x")
    f = ss.function([x], [x * 2, x + 1])
    assert costs(f).total.flops == 2 * B


WRONG = [
    (lambda x: {"S": (3,)}, UsageError, "no input is named 'S'"),
    (lambda x: {"T": 2.5}, UsageError, "no input is named"),
    (lambda x: {"T": True}, UsageError, "takes no 'T'"),
    (lambda x: {x: (2, 3)}, ShapeError, "rank 3"),
    (lambda x: {x: (5, 3, 6)}, ShapeError, "equal"),
    (lambda x: {x: (5, 3, 4), "T": 6}, ShapeError, "one number"),
    (lambda x: {"T": -1}, ShapeError, "at least 0"),
    (lambda x: {x: 5}, UsageError, "integer scalar"),
    (lambda x: {3: 5}, UsageError, "takes no 3"),
    (lambda x: {2 * B: 5}, UsageError, "takes no 2B"),
    (lambda x: {H: 5}, ShapeError, "has the size 4"),
    (lambda x: {"H": 5}, ShapeError, "H has the size 4"),
    (lambda x: {"Q": 5}, UsageError, "no length or input is named 'Q'"),
]


@pytest.mark.parametrize("shapes, error, message", WRONG)
def test_wrong_shapes(shapes, error, message) -> None:
    x, made = loop()
    with pytest.raises(error, match=message):
        costs(made, shapes(x))
