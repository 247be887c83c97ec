"""What scan accepts and refuses; types of states; truncated gradients; residuals."""

import numpy as np
import pytest

import symseq.ops.methods  # noqa: F401
from symseq import lengths
from symseq.compiler.autodiff.reverse import differentiate
from symseq.compiler.reference import evaluate
from symseq.errors import DTypeError, ShapeError, UsageError
from symseq.graph import SharedVariable
from symseq.ops.convert import constant
from symseq.ops.math import sigmoid, tanh
from symseq.ops.products import dot
from symseq.scan.frontend import scan
from symseq.scan.merge import merge_scans
from symseq.scan.op import Scan
from symseq.scan.returns import until
from symseq.scan.steps import enclosing_steps
from symseq.scan.updates import OrderedUpdates
from symseq.scan.views import reduce
from symseq.traverse import sort_nodes
from symseq.types import TensorType
from symseq.variables import shared

VECTOR = TensorType("float64", (None,))
MATRIX = TensorType("float64", (None, None))
B, T, H = lengths.dims("B T", H=3)


def loop_of(output):
    (node,) = [n for n in sort_nodes([output]) if isinstance(n.op, Scan)]
    return node


def test_outputs_keep_named_lengths():
    x = TensorType("float32", (T, B, H))("x")
    h = TensorType("float32", (B, H))("h")
    outputs, updates = scan(lambda x, h: tanh(x + h), x, h)
    assert str(outputs.type) == "float32[T, B, H]"
    assert str(loop_of(outputs).outputs[0].type) == "float32[T + 1, B, H]"
    assert updates == {}


def test_last_output_of_no_steps_raises_and_reduce_starts():
    x = VECTOR("x")
    outputs, _ = scan(lambda x, h: x + h, x, constant(2.0, "float64"))
    with pytest.raises(IndexError):
        evaluate([outputs[-1]], [x], [np.zeros(0)])
    total, _ = reduce(lambda x, h: x + h, x, constant(2.0, "float64"))
    assert evaluate([total], [x], [np.zeros(0)])[0] == 2


def test_more_steps_than_rows():
    with pytest.raises(ShapeError, match="n_steps"):
        scan(lambda x: x, TensorType("float64", (3,))("x"), n_steps=4)
    x = VECTOR("x")
    outputs, _ = scan(lambda x: x, x, n_steps=4)
    with pytest.raises(ShapeError, match="n_steps"):
        evaluate([outputs], [x], [np.zeros(3)])


def test_negative_symbolic_steps_are_refused_when_called():
    n = TensorType("int64")("n")
    outputs, _ = scan(lambda h: h * 2, None, constant(1.0, "float64"), n_steps=n)
    with pytest.raises(ShapeError, match="at least 0"):
        evaluate([outputs], [n], [np.array(-1)])


def test_a_widened_state_names_the_line():
    x = VECTOR("x")
    with pytest.raises(DTypeError, match="float32") as caught:

        def step(x, h):
            wide = x * h  # the line that widens
            return tanh(wide)

        scan(step, x, constant(0, "float32"))
    assert "the line that widens" in str(caught.value)


def test_a_state_keeps_rank_and_lengths():
    x = MATRIX("x")
    with pytest.raises(ShapeError, match="rank"):
        scan(lambda x, h: x + h, x, constant(0.0, "float64"))
    h = TensorType("float64", (4,))("h")
    w = TensorType("float64", (4, 5))("w")
    with pytest.raises(ShapeError, match="lengths"):
        scan(lambda h: dot(h, w), None, h, n_steps=2)


def test_a_length_known_on_one_side_becomes_free():
    h = TensorType("float64", (1, 3))("h")
    x = TensorType("float64", (None, None, 3))("x")
    outputs, _ = scan(lambda x, h: x + h, x, h)
    assert outputs.broadcastable == (False, False, False)
    one = np.ones((2, 1, 3))
    (got,) = evaluate([outputs], [x, h], [one, np.zeros((1, 3))])
    np.testing.assert_array_equal(got[1], 2 * one[0])
    with pytest.raises(ShapeError):
        evaluate([outputs], [x, h], [np.ones((2, 2, 3)), np.zeros((1, 3))])


def test_strict_names_the_captured_shared_variable():
    x, w = VECTOR("x"), shared(np.float64(2), "w")
    with pytest.raises(UsageError, match="captures w"):
        scan(lambda x: x * tanh(w), x, strict=True)
    outputs, _ = scan(lambda x, w: x * tanh(w), x, non_sequences=w, strict=True)
    assert loop_of(outputs).op.constants == 1


def test_strict_lets_other_variables_be_captured():
    """As in Theano; programs read masks so."""
    x, w = VECTOR("x"), TensorType("float64")("w")
    outputs, _ = scan(lambda x: x * tanh(w), x, strict=True)
    assert loop_of(outputs).op.constants == 1


def test_captured_work_stays_outside():
    x, w = VECTOR("x"), TensorType("float64")("w")
    node = loop_of(scan(lambda x: x * tanh(w), x)[0])
    assert [n.op.name for n in node.op.body.nodes] == ["mul"]


@pytest.mark.parametrize(
    "arrange",
    [
        lambda y, u, c: (y, u, c),
        lambda y, u, c: (u, y, c),
        lambda y, u, c: ([y], list(u.items()), c),
        lambda y, u, c: [y, c, u],
    ],
)
def test_what_a_step_may_return(arrange):
    s = SharedVariable(TensorType("float64"), np.array(0.0), "s")
    outputs, updates = scan(
        lambda h: arrange(h + 1, {s: s + h}, until(h > 2)),
        None,
        constant(0.0, "float64"),
        n_steps=9,
    )
    got = evaluate([outputs, updates[s]], [], [])
    np.testing.assert_array_equal(got[0], [1, 2, 3, 4])
    assert got[1] == 6


def test_forms_of_results():
    x = VECTOR("x")
    assert isinstance(scan(lambda x: x, x, return_list=True)[0], list)
    assert len(scan(lambda x: (x, x), x)[0]) == 2
    s = SharedVariable(TensorType("float64"), np.array(0.0), "s")
    outputs, updates = scan(lambda x: {s: x}, x)
    assert outputs is None and list(updates) == [s]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: scan(lambda x: x, None), "n_steps"),
        (lambda x: scan(lambda x, h: [x, h], x, [x[0]]), "one entry per output"),
        (lambda x: scan(lambda x, h: h, x, {"initial": x, "taps": [0]}), "negative"),
        (lambda x: scan(lambda x, h: h, x, {"taps": [-2]}), "initial"),
        (lambda x: scan(lambda x: "no", x), "a step returns"),
        (lambda x: scan(lambda x: x, x, truncate_gradient=0), "truncate_gradient"),
        (lambda x: scan(lambda x: x, x, checkpoint_every=0), "checkpoint_every"),
        (lambda x: scan(lambda x: x, x, checkpoint_every=1.5), "whole number of steps"),
        (lambda x: scan(lambda x: x, x, checkpoint_every="a"), "least 1; got 'a'"),
        (lambda x: scan(None, x), "function"),
        (lambda x: scan(lambda x: x, x.sum()), "first axis"),
        (lambda x: scan(lambda x: x, {"input": x, "tap": [-1]}), "got 'tap'"),
        (lambda x: scan(lambda x, h: h, x, {"inital": x[0]}), "got 'inital'"),
    ],
)
def test_wrong_calls(call, message):
    with pytest.raises((UsageError, ShapeError), match=message):
        call(VECTOR("x"))


def test_updates_join_and_refuse():
    s = SharedVariable(TensorType("float64"), np.array(0.0), "s")
    t = SharedVariable(TensorType("float64"), np.array(0.0), "t")
    assert list(OrderedUpdates({s: s + 1}) + {t: t + 1}) == [s, t]
    with pytest.raises(UsageError, match="twice"):
        OrderedUpdates({s: s + 1}) + {s: s + 2}
    with pytest.raises(UsageError, match="shared"):
        OrderedUpdates([(VECTOR("x"), 1)])


def test_steps_are_known_inside_and_counted_where_read():
    x = VECTOR("x")
    seen = []

    def step(x):
        seen.append(enclosing_steps())
        return x * enclosing_steps()[-1]

    outputs, _ = scan(step, x)
    assert len(seen[0]) == 1 and enclosing_steps() == ()
    (got,) = evaluate([outputs], [x], [np.ones(3)])
    np.testing.assert_array_equal(got, [0, 1, 2])


def test_equal_bodies_are_equal_ops():
    def op(scale):
        x, h = VECTOR("x"), TensorType("float64")("h")
        return loop_of(scan(lambda x, h: tanh(x * scale + h), x, h)[0]).op

    assert op(2) == op(2) and hash(op(2)) == hash(op(2))
    assert op(2) != op(3)


@pytest.mark.parametrize("steps", [1, 2, 3, 9])
@pytest.mark.parametrize("depth", [1, 2])
def test_truncated_gradient(steps, depth):
    """Only the last steps give a gradient: as if their start were a constant."""
    x, h = VECTOR("x"), VECTOR("h")
    info = {"initial": h, "taps": [-1, -2][:depth]}
    if depth == 1:
        info = h[0]

    def step(x, *before):
        total = x
        for b in before:
            total = tanh(total * b)
        return total

    outputs, _ = scan(step, x, info, truncate_gradient=steps)
    one = constant(1.0, "float64")
    found = differentiate([outputs[-1]], [one], [x, h])
    rng = np.random.default_rng(1)
    xs, hs = rng.normal(size=5), rng.normal(size=2)
    gx, gh = evaluate(found, [x, h], [xs, hs])

    def run(xs, rows):
        rows = list(rows)
        for value in xs:
            total = value
            for back in range(1, depth + 1):
                total = np.tanh(total * rows[-back])
            rows.append(total)
        return rows

    start = max(0, 5 - steps)
    middle = run(xs[:start], hs[:depth])[-depth:]
    for t in range(5):
        ends = []
        for move in (1e-6, -1e-6):
            moved = xs.copy()
            moved[t] += move
            ends.append(run(moved[start:], middle)[-1])
        np.testing.assert_allclose(gx[t], (ends[0] - ends[1]) / 2e-6, atol=1e-8)
    for k in range(depth):
        ends = []
        for move in (1e-6, -1e-6):
            moved = hs.copy()
            moved[k] += move
            rows = run(xs[:start], moved[:depth])
            rows[depth:] = run(xs[:start], hs[:depth])[depth:]
            ends.append(run(xs[start:], rows[-depth:])[-1])
        np.testing.assert_allclose(gh[k], (ends[0] - ends[1]) / 2e-6, atol=1e-8)


def lstm_gradient(**options):
    x, h, c = (TensorType("float64", (None,) * n)("v") for n in (3, 2, 2))
    w, u = MATRIX("w"), MATRIX("u")

    def step(x, h, c):
        z = dot(x, w) + dot(h, u)
        i, f, o, g = (z[:, 2 * k : 2 * k + 2] for k in range(4))
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    (hs, _), _ = scan(step, x, [h, c], **options)
    cost = hs.sum()
    found = differentiate([cost], [constant(1.0, "float64")], [x, w, u])
    outputs = merge_scans([cost, *found])
    return [n.op for n in sort_nodes(outputs) if isinstance(n.op, Scan)]


def test_an_lstm_saves_its_gates_and_nothing_else():
    forward, backward = lstm_gradient()
    saved = sorted(v.owner.op.name for v in forward.body_mapped)
    assert saved == ["sigmoid", "sigmoid", "sigmoid", "tanh", "tanh"]
    names = [n.op.name for n in backward.body.nodes]
    assert "tanh" not in names and "sigmoid" not in names
    # dz u.T and dz x.T: a product per factor, none of them the forward's.
    assert names.count("dot") == 4


def test_checkpoints_save_no_residuals():
    whole = [op for op in lstm_gradient(checkpoint_every=4) if "segments" in op.name]
    forward, backward = whole
    assert all(v.owner.op.name == "subtensor" for v in forward.body_mapped)
    inner = [n for n in backward.body.nodes if isinstance(n.op, Scan)]
    assert len(inner) == 2


def test_a_count_from_pythons_zero_does_not_wrap():
    rows = TensorType("float32", (None, None))("rows")
    counts, _ = scan(lambda row, n: n + 1, rows, 0)
    (got,) = evaluate([counts[-1]], [rows], [np.zeros((300, 1), "float32")])
    assert got == 300 and counts.dtype == "int64"
    sums, _ = scan(lambda row, s: s + row.sum(), rows, 0)
    assert sums.dtype == "float32"
