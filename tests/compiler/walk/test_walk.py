"""`ss.walk`: every value of a run, line by line, inside of loops at one step."""

import io

import numpy as np
import pytest
from rich.console import Console

import symseq as ss
import symseq.tensor as T
from symseq.errors import MissingInputError, ShapeError, SymseqError, UsageError
from symseq.ifelse import ifelse
from symseq.tensor.shared_randomstreams import RandomStreams
from symseq.types import TensorType

STEPS, B, H = (*ss.dims("T B"), ss.dim("H", 4))


def rnn(until=False):
    x = TensorType("float32", (STEPS, B, H))("x")
    u = ss.shared(np.eye(4, dtype="float32"), "U", shape=(H, H))

    def step(row, h):
        a = row + h @ u
        a.name = "a"
        new = T.tanh(a)
        return (new, ss.until(new.sum() > 5)) if until else new

    h, _ = ss.scan(step, [x], [T.zeros((x.shape[1], H))], name="rnn")
    return x, h


def rich_text(walk: object) -> str:
    file = io.StringIO()
    Console(file=file, width=200).print(walk)
    return file.getvalue()


def everywhere(walk) -> list[str]:
    return [str(walk), rich_text(walk), walk._repr_html_()]


def test_values_are_those_of_the_loop_at_the_step() -> None:
    x, h = rnn()
    data = np.random.default_rng(0).normal(size=(5, 2, 4)).astype("float32")
    state = np.zeros((2, 4), "float32")
    for t in range(5):
        walk = ss.walk(h, {x: data}, step=t)
        a = data[t] + state
        np.testing.assert_allclose(walk["a"], a, rtol=1e-6)
        state = np.tanh(a)
        np.testing.assert_allclose(walk.outputs[0][t], state, rtol=1e-6)
    (row,) = [row for row in walk.rows if row["name"] == "a"]
    assert row["type"] == "float32[B=2, H=4]" and row["shape"] == (2, 4)
    assert row["loops"] == (("rnn", 4),)
    assert row["text"].startswith("a = row + h @ u") and "test_walk" in row["line"]


def test_all_forms_show_names_lines_types_and_values() -> None:
    _, h = rnn()
    for text in everywhere(ss.walk(h, [np.ones((5, 2, 4))], step=1)):
        for part in ("a = row + h @ u", "float32[T=5, B=2, H=4]", "0.7616",
                     "loop rnn, step 1 (of 0 to 4)", "given", "U"):  # fmt: skip
            assert part in text


def test_inputs_by_name_by_variable_and_in_order() -> None:
    x, y = T.vectors("x", "y")
    z = x - 2 * y
    f = ss.function([y, x], z)
    for what, inputs in (
        (z, {x: [5.0], y: [1.0]}),
        (z, {"x": [5.0], "y": [1.0]}),
        (z, [[5.0], [1.0]]),
        (f, [[1.0], [5.0]]),
    ):
        assert ss.walk(what, inputs).outputs[0].tolist() == [3.0]


def test_a_value_can_be_given_to_what_is_computed() -> None:
    x = T.vector("x")
    y = T.exp(x)
    walk = ss.walk(y + 1, {y: [2.0]})
    assert walk.outputs[0].tolist() == [3.0] and len(walk.rows) == 3


def test_loops_in_loops() -> None:
    x = T.vector("x")

    def outer(row):
        y, _ = ss.scan(lambda y: y * 2, outputs_info=[row + 0], n_steps=3, name="inner")
        return y[-1]

    y, _ = ss.scan(outer, [x], [None], name="outer")
    walk = ss.walk(y, {x: [1.0, 10.0]}, step=(1, 2))
    product = [row for row in walk.rows if row["loops"] == (("outer", 1), ("inner", 2))]
    assert product[-1]["value"] == 80
    assert "step 1 (of 0 to 1)" in str(walk) and "step 2 (of 0 to 2)" in str(walk)
    assert ss.walk(y, {x: [1.0, 10.0]}, step=1)._repr_html_().count("<details") == 2
    html = walk._repr_html_()
    assert html.count("<details") == html.count("</details>") == 2
    with pytest.raises(UsageError, match="inner ran 3 steps"):
        ss.walk(y, {x: [1.0, 10.0]}, step=(1, 3))
    with pytest.raises(UsageError, match="3 loops in one another; the graph nests 2"):
        ss.walk(y, {x: [1.0, 10.0]}, step=(0, 0, 1))


@pytest.mark.parametrize("until", [False, True])
def test_the_last_step(until: bool) -> None:
    x, h = rnn(until)
    walk = ss.walk(h, {x: np.ones((6, 2, 4))}, step=-1)
    (a,) = [row for row in walk.rows if row["name"] == "a"]
    assert a["loops"] == (("rnn", 0 if until else 5),)


def test_an_until_loop_ends_where_it_ends() -> None:
    x, h = rnn(until=True)
    with pytest.raises(UsageError, match="rnn ran 1 step"):
        ss.walk(h, {x: np.ones((6, 2, 4))}, step=1)


def test_no_steps() -> None:
    x, h = rnn()
    walk = ss.walk(h, {x: np.ones((0, 2, 4))})
    assert walk.outputs[0].shape == (0, 2, 4)
    assert "rnn, 0 steps: there is no step 0" in str(walk)
    for step in (1, -1):
        with pytest.raises(UsageError, match="rnn ran 0 steps"):
            ss.walk(h, {x: np.ones((0, 2, 4))}, step=step)


def test_one_of_two_loops_has_the_step() -> None:
    x, y = T.vectors("x", "y")
    a, _ = ss.scan(lambda r: r * 2, [x], [None], name="long")
    b, _ = ss.scan(lambda r: r * 3, [y], [None], name="short")
    walk = ss.walk(a.sum() + b.sum(), {x: np.ones(5), y: np.ones(2)}, step=3)
    assert "short, 2 steps: there is no step 3" in str(walk)
    assert "long, step 3" in str(walk)


@pytest.mark.parametrize("step", [1.5, True, "1", (0, None)])
def test_a_step_is_a_whole_number(step: object) -> None:
    x, h = rnn()
    with pytest.raises(UsageError, match="whole number"):
        ss.walk(h, {x: np.ones((2, 2, 4))}, step=step)


def test_a_step_without_a_loop() -> None:
    x = T.vector("x")
    with pytest.raises(UsageError, match="nests 0"):
        ss.walk(x * 2, {x: [1.0]}, step=2)


@pytest.mark.parametrize("chosen", [True, False])
def test_of_branches_the_one_taken(chosen: bool) -> None:
    x, c = T.vector("x"), T.scalar("c", dtype="bool")
    y = ifelse(c, T.exp(x), x * 7)
    walk = ss.walk(y, {x: [1.0], c: chosen})
    assert ("exp(x)" in [row["made"] for row in walk.rows]) == chosen
    assert "the branch that was taken" in str(walk)


def test_draws_are_those_of_the_next_call() -> None:
    streams = RandomStreams(3)
    u = streams.uniform((2, 3))
    u.name = "u"
    walk = ss.walk(u * 2, [])
    again = ss.walk(u * 2, [])
    np.testing.assert_array_equal(walk["u"], again["u"])  # a walk changes nothing
    np.testing.assert_array_equal(walk["u"], ss.function([], u)())


def test_updates_are_not_done() -> None:
    w = ss.shared(np.ones(2), "w")
    f = ss.function([], [], updates={w: w * 3})
    assert ss.walk(f).outputs[0].tolist() == [3.0, 3.0]
    assert w.get_value().tolist() == [1.0, 1.0]


def test_nan_and_infinity_are_marked() -> None:
    x = T.vector("x")
    walk = ss.walk(T.log(x), {x: [1.0, 0.0, -1.0, 5.0]})
    for text in everywhere(walk):
        assert "! NaN in 2 of 4" in text or "! -inf in 2 of 4" in text
    assert walk.rows[-1]["problem"]
    assert not ss.walk(T.exp(x), {x: [1.0]}).rows[-1]["problem"]


def test_a_failure_shows_all_up_to_it() -> None:
    x, y = TensorType("float32", (None,))("x"), TensorType("float32", (None,))("y")
    walk = ss.walk(T.exp((x * 2) + y), {x: [1.0, 2.0], y: [1.0, 2.0, 3.0]})
    assert isinstance(walk.error, ShapeError) and walk.outputs is None
    assert walk.rows[-1]["problem"] == "failed" and walk.rows[-1]["value"] is None
    assert [row["value"].tolist() for row in walk.rows[:-1] if not row["hidden"]][
        -1
    ] == [2.0, 4.0]
    for text in everywhere(walk):
        assert (
            "stopped: ShapeError" in text and "exp" not in text.split("stopped")[1][:60]
        )


def test_a_failure_in_a_loop() -> None:
    table, ids = T.vector("table"), T.ivector("ids")
    y, _ = ss.scan(lambda i: table[i], [ids], [None], name="look")
    walk = ss.walk(y, {table: [1.0, 2.0], ids: np.array([0, 7], "int32")}, step=1)
    assert isinstance(walk.error, SymseqError)
    assert "loop look, step 1" in str(walk) and "! failed" in str(walk)


def test_inputs_that_do_not_fit() -> None:
    x, h = rnn()
    with pytest.raises(MissingInputError, match="x: float32"):
        ss.walk(h, {})
    with pytest.raises(UsageError, match="no input is 'z'; there are: x"):
        ss.walk(h, {"z": 1})
    with pytest.raises(UsageError, match="reads 1 inputs; got 2"):
        ss.walk(h, [1, 2])
    with pytest.raises(ShapeError, match="rank 3"):
        ss.walk(h, {x: [1.0]})


def test_names_are_escaped() -> None:
    x = T.vector("<script>alert('é')</script>[red]")
    y = x * 2
    y.name = "a & b\n状態"
    walk = ss.walk(y, [[1.0]])
    html = walk._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html and "a &amp; b" in html
    assert "[red]" in rich_text(walk) and "状態" in str(walk)


@pytest.mark.parametrize(
    "shape", [(), (0,), (1,), (1000,), (0, 3), (500, 500), (9, 9, 9), (2,) * 6]
)
def test_values_are_short(shape: tuple[int, ...]) -> None:
    x = T.TensorType("float64", (None,) * len(shape))("x")
    walk = ss.walk(x + 1, {x: np.full(shape, 1e-9)})
    assert len(str(walk).splitlines()) < 60
    assert max(map(len, str(walk).splitlines())) < 100


def test_what_is_given_twice_or_returned_as_it_is() -> None:
    x = T.vector("x")
    assert ss.walk([x, x], [[1.0]]).outputs[1].tolist() == [1.0]
    assert ss.walk(x * x, [[3.0]]).outputs[0].tolist() == [9.0]


def test_states_are_called_by_what_becomes_their_next_value() -> None:
    mask = T.matrix("mask")

    def step(m, h, c):
        new = T.tanh(h + c)
        new.name = "h"
        kept = c * m
        kept.name = "c"
        return new, kept

    zeros = T.zeros((2,))
    (h, _), _ = ss.scan(step, [mask[::-1]], [zeros, zeros])
    lines = str(ss.walk(h, {mask: np.ones((3, 2), "float32")}, step=1)).splitlines()
    begin = next(k for k, line in enumerate(lines) if line.strip() == "comes in")
    names = [line.split()[0] for line in lines[begin + 1 : begin + 4]]
    assert names == ["mask[::-1][t]", "h[t-1]", "c[t-1]"]


def test_a_loop_in_a_loop_counts_by_its_own_letter() -> None:
    grid, h0 = T.tensor3("grid"), T.vector("h0")

    def row(values, state):
        inner, _ = ss.scan(lambda v, h: T.tanh(v + h), values, state)
        return inner[-1]

    outer, _ = ss.scan(row, grid, h0)
    text = str(ss.walk(outer, {grid: np.ones((2, 2, 3)), h0: np.zeros(3)}, step=1))
    assert "grid[t][s] + h[s-1]" in text
    assert "t1 = shape(grid)[0]" in text  # a shape is read where it stands
