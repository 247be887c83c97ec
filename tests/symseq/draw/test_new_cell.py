"""A cell of the user's own is drawn and printed in four ways, with no code for it."""

import numpy as np
from overlaps import faults, label_faults

import symseq as ss
import symseq.tensor as T

L, B = ss.dims("T B")
D, H = ss.dims(D=3, H=4)


def parameter(name, *shape):
    return ss.shared(np.zeros([n.size for n in shape], "float32"), name, shape=shape)


def leaf(name, *shape):
    return T.TensorType("float32", shape)(name)


def my_cell():
    """A new cell: a leak that is learnt, with one joined kernel and no bias on s."""
    W, U, b = parameter("W", D, 2 * H), parameter("U", H, 2 * H), parameter("b", 2 * H)
    n = H.size

    def step(x_t, s):
        sums = x_t @ W + s @ U + b
        leak = T.nnet.sigmoid(sums[:, :n])
        new = T.tanh(sums[:, n:])
        return leak * s + (1 - leak) * new

    s, _ = ss.scan(step, leaf("x", L, B, D), leaf("s0", B, H), name="leaky")
    return s


def test_its_equations():
    assert str(ss.equations(my_cell())).splitlines() == [
        "leak(t) = σ(x(t) W_leak + s(t−1) U_leak + b_leak)",
        "new(t) = tanh(x(t) W_new + s(t−1) U_new + b_new)",
        "s(t) = leak(t) ⊙ s(t−1) + (1 − leak(t)) ⊙ new(t)",
        "W = [W_leak W_new]",
        "U = [U_leak U_new]",
        "b = [b_leak b_new]",
    ]


def test_its_picture_as_textbooks_draw_it():
    picture = ss.draw(my_cell(), style="cell")
    for text in ("x(t)", "s(t−1)", "W_leak", "U_new", "σ", "tanh", "1 −", "⊙", "s(t)"):
        assert text in picture.svg, text
    assert all(line in picture.svg for line in str(ss.equations(my_cell())).split("\n"))
    assert not faults(picture.dot)


def test_its_arrays():
    picture = ss.draw(my_cell(), style="arrays")
    texts = [label[4] for label in picture.labels]
    for text in (
        "D and H are summed over",
        "sums",
        "s[t−1]",
        "leak",
        "new",
        "s[t]",
        "4",
        "2H",
    ):
        assert text in texts, text
    assert not label_faults(picture)


def test_its_loop_unrolled():
    s = my_cell()
    picture = ss.unroll_picture(s, see=2)
    for text in ("x(1)", "s0", "s(1)", "s(2)", "x(T)", "s(T)", "W", "U"):
        assert f">{text}<" in picture.svg, text
    assert not faults(picture.dot)
