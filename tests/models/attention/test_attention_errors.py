"""What cannot be attended to is refused, with a rule; every kind of mask is taken."""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq import models
from symseq.errors import ShapeError, UsageError
from symseq.models import attention as att
from symseq.types import TensorType

RNG = np.random.default_rng(0)
LOOKS = {
    "soft": att.SoftAttention,
    "hard": att.HardAttention,
    "monotonic": lambda s: att.MonotonicAttention(s, window=1),
    "predictive": lambda s: att.PredictiveAttention(s, 4, 5, window=2, rng=RNG),
}
every_look = pytest.mark.parametrize("name", LOOKS)


def made(name):
    return LOOKS[name](att.GeneralScore(4, 6, rng=np.random.default_rng(1)))


def tensor(*shape, dtype="float64"):
    return TensorType(dtype, shape)("x")


@every_look
def test_masks_of_any_type_say_the_same(name):
    look, found = made(name), []
    query, values = RNG.standard_normal((3, 4)), RNG.standard_normal((5, 3, 6))
    real = np.ones((5, 3))
    real[2:, 1], real[:, 2] = 0, 0
    for dtype in ("float64", "float32", "int32", "int8", "bool"):
        q, v, mask = T.dmatrix(), T.dtensor3(), TensorType(dtype, (None, None))()
        f = ss.function([q, v, mask], list(look(q, att.Memory(v, mask))))
        found.append(f(query, values, real.astype(dtype)))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@every_look
def test_a_memory_without_places_or_examples_gives_zeros(name):
    look = made(name)
    q, v, mask = T.dmatrix(), T.dtensor3(), T.dmatrix()
    f = ss.function([q, v, mask], list(look(q, att.Memory(v, mask))))
    context, weights = f(np.ones((3, 4)), np.ones((0, 3, 6)), np.ones((0, 3)))
    assert weights.shape == (0, 3)
    np.testing.assert_array_equal(context, np.zeros((3, 6)))
    context, weights = f(np.ones((0, 4)), np.ones((5, 0, 6)), np.ones((5, 0)))
    assert (context.shape, weights.shape) == ((0, 6), (5, 0))


@every_look
def test_other_ranks_and_what_is_no_memory_are_refused(name):
    look = made(name)
    values, mask = tensor(5, 3, 6), tensor(5, 3)
    with pytest.raises(ShapeError, match=r"query\[B, Q\], of rank 2; got"):
        look(tensor(None, None, 4), att.Memory(values, mask))
    with pytest.raises(ShapeError, match=r"values\[S, B, H\], of rank 3; got"):
        look(tensor(3, 4), att.Memory(tensor(3, 6), mask))
    with pytest.raises(ShapeError, match=r"mask\[S, B\], of rank 2; got"):
        look(tensor(3, 4), att.Memory(values, tensor(5, 3, 1)))
    with pytest.raises(UsageError, match="looks at a Memory; got Variable"):
        look(tensor(3, 4), values)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: att.MonotonicAttention(None, window=-1), "at least 0; got -1"),
        (lambda: att.MonotonicAttention(None, window=1.5), "an int .* got 1.5"),
        (
            lambda: att.PredictiveAttention(None, 4, 5, window=0, rng=RNG),
            "at least 1; got 0",
        ),
        (lambda: att.MultiHeadAttention(4, 2.0, rng=RNG), "share the width; got 4"),
        (lambda: att.RunningMean(2.0), r"in \[0, 1\]; got 2.0"),
        (lambda: att.LSTMN(3, 4, rng=RNG).over(-1), "int of steps >= 0; got -1"),
        (lambda: att.LSTMN(3, 4, rng=RNG).over(1.5), "int of steps >= 0; got 1.5"),
        (lambda: att.positions(T.dtensor3()), "known width D"),
    ],
)
def test_senseless_numbers_are_refused(make, match):
    with pytest.raises(UsageError, match=match):
        make()


def test_heads_and_deep_fusion_say_which_shapes_they_read():
    heads = att.MultiHeadAttention(4, 2, rng=RNG)
    with pytest.raises(ShapeError, match=r"x\[T, B, D\], of rank 3; got"):
        heads(tensor(5, 4), att.Memory(tensor(5, 3, 4), None))
    with pytest.raises(ShapeError, match=r"values\[S, B, H\], of rank 3; got"):
        heads(tensor(5, 3, 4), att.Memory(tensor(5, 4), None))
    with pytest.raises(ShapeError, match="of rank 3; got"):
        att.TransformerBlock(4, 2, 5, rng=RNG)(tensor(5, 4))
    fusion = att.DeepFusion(att.LSTMN(3, 4, rng=RNG), rng=RNG)
    with pytest.raises(ShapeError, match="with H = 4; got"):
        fusion.over(att.Memory(tensor(5, 3, 4), None), 5)
    with pytest.raises(ShapeError, match="of rank 3; got"):
        fusion.over(att.Memory(tensor(5, 8), None), 5)
    for over in (lambda v: fusion.over(v, 5), decoder().over, lambda v: heads(v, v)):
        with pytest.raises(UsageError, match="looks at a Memory; got Variable"):
            over(tensor(5, 3, 4))


def decoder(attention=None):
    soft = att.SoftAttention(att.GeneralScore(4, 6, rng=RNG))
    cell = models.GRU(3 + 4, 4, rng=RNG)
    return att.LuongDecoder(cell, attention or soft, 3, 6, rng=RNG)


def test_a_score_is_no_attention_and_an_lstm_no_lstmn():
    with pytest.raises(UsageError, match="looks by an attention; got DotScore"):
        decoder(att.DotScore())
    with pytest.raises(UsageError, match="is an LSTMN's; got LSTM"):
        att.DeepFusion(models.LSTM(3, 4, rng=RNG), rng=RNG)


@every_look
@pytest.mark.parametrize("score", [None, att.DotScore])
def test_what_is_no_score_is_refused(name, score):
    with pytest.raises(UsageError, match="an attention looks by a Score; got"):
        LOOKS[name](score)
