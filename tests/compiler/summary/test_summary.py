"""`ss.summary`: shapes, parameters, operations and bytes kept, by group."""

import io

import numpy as np
import pytest
from rich.console import Console

import symseq as ss
import symseq.tensor as T
from symseq import models
from symseq.errors import UsageError
from symseq.models import losses
from symseq.types import TensorType

STEPS, B, V, D, K = (*ss.dims("T B"), *ss.dims(V=50, D=8, K=3))
SIZES = {"T": 10, "B": 4}


def classifier():
    model = models.SequenceClassifier(V, D, K, rng=np.random.default_rng(0))
    x = TensorType("int32", (STEPS, B))("x")
    mask = TensorType("float32", (STEPS, B))("mask")
    labels = TensorType("int32", (B,))("labels")
    return model, x, mask, losses.cross_entropy(model(x, mask), labels)


def by_name(summary) -> dict[str, dict[str, object]]:
    return {row["group"].rpartition("/")[2]: row for row in summary.rows}


def test_parameters_are_all_there_once() -> None:
    model, x, mask, cost = classifier()
    for made in (ss.summary(cost), ss.summary(model), ss.summary(model, x, mask)):
        assert made.total["parameters"] == model.count()
    rows = by_name(ss.summary(cost))
    assert rows["embedding"]["parameters"] == 50 * 8
    assert rows["cell"]["parameters"] == 2 * 8 * 32 + 32
    assert rows["output"]["parameters"] == 8 * 3 + 3


def test_outputs_and_operations() -> None:
    *_, cost = classifier()
    rows = by_name(ss.summary(cost, shapes=SIZES))
    assert rows["embedding"]["outputs"] == ["float32[T=10, B=4, D=8]"]
    assert rows["lstm"]["outputs"] == ["float32[T=10, B=4, D=8]"]
    assert rows["cell"]["outputs"] == ["float32[B=4, D=8] each step"]
    assert rows["output"]["flops"] == 2 * 4 * 8 * 3 + 4 * 3
    assert rows["cell"]["flops"] == 10 * (2 * (2 * 4 * 8 * 32) + 17 * 4 * 8)
    assert rows[""]["flops"] >= rows["SequenceClassifier"]["flops"]


def test_an_lstm_keeps_gates_and_states() -> None:
    *_, cost = classifier()
    rows = by_name(ss.summary(cost, shapes=SIZES))
    one = 4 * 8 * 4  # B · D floats
    assert rows["cell"]["kept"] == 10 * 5 * one  # i, f, o, c~ and tanh(c)
    assert rows["lstm"]["kept"] == 10 * 5 * one + 2 * 11 * one  # and all h and c
    assert rows["embedding"]["kept"] == 10 * one
    assert by_name(ss.summary(cost))["cell"]["kept"] == 5 * 8 * 4 * STEPS * B


def test_groups_of_the_user_nest_and_add_up() -> None:
    x = T.matrix("x")
    with ss.group("outer"):
        with ss.group("first"):
            y = T.tanh(x)
        with ss.group("second"):
            z = T.exp(y) + y
    made = ss.summary(z.sum(), shapes={x: (2, 3)})
    assert [row["group"] for row in made.rows] == [
        "", "outer", "outer/first", "outer/second",
    ]  # fmt: skip
    assert [row["flops"] for row in made.rows] == [24, 18, 6, 12]
    assert [row["kept"] for row in made.rows] == [48, 48, 24, 24]


def test_a_loop_in_a_loop_keeps_rows_of_rows() -> None:
    x = TensorType("float32", (STEPS, B))("x")

    def step(row):
        inner, _ = ss.scan(lambda y: T.tanh(y), outputs_info=[row], n_steps=3)
        return inner[-1]

    y, _ = ss.scan(step, [x], [None])
    total = ss.summary(y.sum(), shapes=SIZES).total
    assert total["flops"] == 10 * 3 * 4 + 10 * 4
    assert total["kept"] == 10 * 4 * 4 * 4  # T · (3 + 1) · B floats


def test_a_loop_without_steps() -> None:
    x = TensorType("float32", (STEPS, B))("x")
    y, _ = ss.scan(lambda r, h: T.tanh(r + h), [x], [T.zeros(x.shape[1:])])
    total = ss.summary(y.sum(), shapes={"T": 0, "B": 4}).total
    assert total["flops"] == 0 and total["kept"] == 16  # the initial row


def test_unknown_lengths_are_lower_bounds() -> None:
    x, w = T.matrix("x"), ss.shared(np.ones((3, 2), "float32"), "w")
    made = ss.summary(T.tanh(x @ w))
    assert made.total["unknown"] and "≥" in str(made)
    assert not ss.summary(T.tanh(x @ w), shapes={"x": (5, 3)}).total["unknown"]


def test_what_learns_nothing_keeps_nothing() -> None:
    n = T.iscalar("n")
    total = ss.summary(n * 2).total
    assert (total["parameters"], total["kept"]) == (0, 0)


def test_functions_and_several_outputs() -> None:
    x, w = T.vector("x"), ss.shared(np.ones(3, "float32"), "w")
    f = ss.function([x], [T.exp(x * w), x + w])
    made = ss.summary(f, shapes={x: (3,)})
    assert made.total["flops"] == 9 and made.total["kept"] == 12


def test_all_forms_say_the_same() -> None:
    model, *_, cost = classifier()
    made = ss.summary(cost, shapes=SIZES)
    file = io.StringIO()
    Console(file=file, width=140).print(made)
    for text in (str(made), file.getvalue(), made._repr_html_()):
        for part in ("embedding", "float32[T=10, B=4, D=8]", "kept for backward", "kB"):
            assert part in text
    assert "flops" not in str(ss.summary(model))
    assert not str(made).startswith((" ", "\n"))


def test_names_are_escaped() -> None:
    x = T.vector("x")
    with ss.group("<script>[red]"):
        y = T.exp(x)
    made = ss.summary(y)
    assert "<script>" not in made._repr_html_()
    assert "<script>[red]" in str(made)


def test_wrong_calls() -> None:
    x = T.vector("x")
    with pytest.raises(UsageError, match="only a model is called"):
        ss.summary(x * 2, x)
    with pytest.raises(UsageError, match="only variables"):
        ss.summary(3)
