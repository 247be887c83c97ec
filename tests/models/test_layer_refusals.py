"""What a layer is given by mistake is refused by a sentence that says the rule."""

import numpy as np
import pytest

import symseq as ss
from symseq.errors import ShapeError, UsageError
from symseq.models import (
    GRU,
    LSTM,
    MGU,
    Bidirectional,
    Clockwork,
    Dropout,
    Identity,
    LSTMState,
    Recurrent,
    SimpleRNN,
    Stacked,
    TokenDropout,
    Zoneout,
    attention,
    optimizers,
    seq2seq,
)
from symseq.types import TensorType

D, H = 3, 4


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def some(*shape, dtype="float32"):
    return TensorType(dtype, shape)("v")


x = some(None, None, D)


def test_what_is_no_cell(rng):
    lstmn = attention.LSTMN(D, H, rng=rng)
    soft = attention.SoftAttention(attention.DotScore())
    decoder = attention.LuongDecoder(LSTM(D + H, H, rng=rng), soft, D, H, rng=rng)
    for no_cell, hint in (
        (lstmn, "over steps"),
        (decoder, "over a memory"),
        (LSTM, r"make one: LSTM\(...\)"),
        (None, "a subclass of Cell"),
        (Recurrent(LSTM(D, H, rng=rng)), "a subclass of Cell"),
    ):
        for around in (
            Recurrent,
            Zoneout,
            lambda cell: Stacked([cell]),
            lambda cell: attention.BahdanauDecoder(cell, soft, D, H),
            lambda cell: seq2seq.ContextDecoder(cell, D, H),
        ):
            with pytest.raises(UsageError, match=rf"runs a cell; got [\s\S]*{hint}"):
                around(no_cell)


@pytest.mark.parametrize("shape", [(), (None,), (None, D), (None, None, None, D)])
def test_an_input_of_another_rank(shape, rng):
    with pytest.raises(ShapeError, match=f"rank 3; got rank {len(shape)}"):
        Recurrent(LSTM(D, H, rng=rng))(some(*shape))


def test_an_input_of_another_width():
    with pytest.raises(ShapeError, match="Identity reads 3 columns; got 5"):
        Recurrent(Identity(D))(some(None, None, 5))


def test_tokens_are_embedded_first(rng):
    with pytest.raises(ShapeError, match="an Embedding makes"):
        Recurrent(LSTM(D, H, rng=rng))(some(None, None, dtype="int32"))


def test_two_directions_that_do_not_fit(rng):
    lstm = LSTM(D, H, rng=rng)
    with pytest.raises(UsageError, match="has 2 columns where the input has 3"):
        Bidirectional(lstm, LSTM(2, H, rng=rng))
    with pytest.raises(UsageError, match="has 5 columns where the forward one has 4"):
        Bidirectional(lstm, LSTM(D, 5, rng=rng), merge="sum")
    assert Bidirectional(lstm, LSTM(D, 5, rng=rng)).outputs == 9


@pytest.mark.parametrize("width", [None, 2.5, "4", -1])
@pytest.mark.parametrize("cell", [LSTM, GRU, MGU, SimpleRNN, Clockwork])
def test_a_width_that_is_none(cell, width, rng):
    with pytest.raises(UsageError, match=f"parameter's length .*got {width!r}"):
        cell(D, width, rng=rng)


@pytest.mark.parametrize("rng", [None, 0, np.random])
def test_what_draws_no_parameters(rng):
    with pytest.raises(UsageError, match="drawn by a NumPy generator"):
        LSTM(D, H, rng=rng)


def test_numbers_that_mean_nothing(rng):
    with pytest.raises(UsageError, match="whole periods of at least 1"):
        Clockwork(D, H, rng=rng, periods=(1.5, 2))
    with pytest.raises(UsageError, match=r"truncate_gradient must be .* got 1\.5"):
        Recurrent(LSTM(D, H, rng=rng), truncate=1.5)(x)
    with pytest.raises(UsageError, match="a list of at least one cell; got LSTM"):
        Stacked(LSTM(D, H, rng=rng))
    with pytest.raises(UsageError, match="must be above 0; got 0"):
        optimizers.clip_by_norm([x], 0)


@pytest.mark.parametrize("shape", [(None,), (None, None, 1)])
def test_a_mask_of_another_rank(shape, rng):
    with pytest.raises(ShapeError, match=f"rank 2; got rank {len(shape)}"):
        Recurrent(LSTM(D, H, rng=rng))(x, some(*shape))


@pytest.mark.parametrize(
    "state", [(), (some(None, H),), some(None, H), ((some(None, H),) * 2,)]
)
def test_a_first_state_of_another_form(state, rng):
    with pytest.raises(UsageError, match=r"form LSTMState\(h=4, c=4\)"):
        Recurrent(LSTM(D, H, rng=rng))(x, initial=state)


def test_a_first_state_of_another_rank_or_width(rng):
    layer = Recurrent(LSTM(D, H, rng=rng))
    with pytest.raises(ShapeError, match="got 5 columns"):
        layer(x, initial=LSTMState(some(None, H), some(None, 5)))
    with pytest.raises(ShapeError, match="got rank 1"):
        layer(x, initial=LSTMState(some(None, H), some(H)))


def test_a_plain_tuple_of_the_same_form_is_a_state(rng):
    stack = Stacked([Clockwork(D, H, rng=rng), LSTM(H, 2, rng=rng)])
    layer = Recurrent(stack, return_state=True)
    plain = (
        (np.zeros((2, H), "float32"), np.zeros(2, "int64")),
        (np.zeros((2, 2), "float32"),) * 2,
    )
    values = rng.standard_normal((5, 2, D)).astype("float32")
    (ours, last), right = layer(x, initial=plain), layer(x, return_state=False)
    assert isinstance(last[1], LSTMState)
    np.testing.assert_array_equal(*ss.function([x], [ours, right])(values))


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "float64"])
@pytest.mark.parametrize("cell", [LSTM, Identity], ids=["carried", "zeros"])
def test_a_mask_of_any_dtype_widens_nothing(dtype, cell, rng):
    layer = Recurrent(Identity(D) if cell is Identity else cell(D, H, rng=rng))
    other, mask = some(None, None, dtype=dtype), some(None, None)
    ours, right = layer(x, other), layer(x, mask)
    assert ours.type.dtype == "float32"
    real = np.array([[1, 1], [1, 0], [0, 0]])
    values = rng.standard_normal((3, 2, D)).astype("float32")
    run = ss.function([x, other, mask], [ours, right])
    np.testing.assert_array_equal(*run(values, real.astype(dtype), np.float32(real)))


@pytest.mark.parametrize("layer", [Dropout(0.5), TokenDropout(0.5)])
def test_dropout_draws_from_streams(layer):
    with pytest.raises(UsageError, match="dropout draws: it needs streams; got int"):
        layer(some(None, 3), 5)
