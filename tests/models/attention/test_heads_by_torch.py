"""Multi-head attention and the encoder block with PyTorch's weights; scores in NumPy.

The comparisons with torch (extra `bench`) are skipped where it is not installed.
"""

import numpy as np
import pytest

import symseq as ss
import symseq.tensor as T
from symseq.lengths import dims
from symseq.models import attention as att
from symseq.types import TensorType

D, HEADS, F = 6, 3, 5
LENGTHS = [4, 2, 1]


def sequences(lengths, width=D, seed=0):
    x = np.random.default_rng(seed).standard_normal((max(lengths), len(lengths), width))
    return x, (np.arange(len(x))[:, None] < np.array(lengths)).astype("float64")


def variables(*names):
    B, L, S = dims("B T S")
    types = {"x": (L, B, D), "real": (L, B), "memory": (S, B, D), "mask": (S, B)}
    return [TensorType("float64", types[name])(name) for name in names]


def copy_heads(ours, theirs):
    """PyTorch's rows become our columns. Returns our parameter → its gradient."""
    parts = {"W_q": 0, "W_k": 1, "W_v": 2}
    rows = [slice(k * D, (k + 1) * D) for k in range(3)]
    for name, k in parts.items():
        kernel, bias = theirs.in_proj_weight, theirs.in_proj_bias
        getattr(ours, name).set_value(kernel.detach().numpy()[rows[k]].T)
        getattr(ours, f"b{name[1:]}").set_value(bias.detach().numpy()[rows[k]])
    ours.W_o.set_value(theirs.out_proj.weight.detach().numpy().T)
    ours.b_o.set_value(theirs.out_proj.bias.detach().numpy())

    def gradients():
        kernel, bias = theirs.in_proj_weight.grad, theirs.in_proj_bias.grad
        made = {name: kernel[rows[k]].numpy().T for name, k in parts.items()}
        made |= {f"b{name[1:]}": bias[rows[k]] for name, k in parts.items()}
        made["W_o"], made["b_o"] = (
            theirs.out_proj.weight.grad.T,
            theirs.out_proj.bias.grad,
        )
        return made

    return gradients


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("cross", [False, True])
def test_multi_head_attention_is_pytorchs(cross, causal):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    theirs = torch.nn.MultiheadAttention(D, HEADS, dtype=torch.float64)
    torch.nn.init.normal_(theirs.in_proj_bias)
    torch.nn.init.normal_(theirs.out_proj.bias)
    rng = np.random.default_rng(0)
    ours = att.MultiHeadAttention(D, HEADS, rng=rng, causal=causal)
    gradients = copy_heads(ours, theirs)
    x, real, memory, mask = variables("x", "real", "memory", "mask")
    memory, mask = (memory, mask) if cross else (x, real)
    y, weights = ours(x, att.Memory(memory, mask))
    values = sequences([5] * 3 if cross else [4] * 3)[0], *sequences(LENGTHS, seed=1)
    where = [x, memory] if cross else [x]
    wanted = {**dict(zip(("x", "memory"), where, strict=False)), **ours.parameters()}
    grads = T.grad((y * T.tanh(y)).sum(), list(wanted.values()))
    given = [x, memory, mask] if cross else [x, mask]
    f = ss.function(given, [y, weights, *grads])
    made, seen, *found = f(*values) if cross else f(values[0], values[2])
    q = torch.tensor(values[0], requires_grad=True)
    k = torch.tensor(values[1], requires_grad=True) if cross else q
    future = np.triu(np.ones((len(q), len(k)), bool), 1) if causal else None
    expected, their_weights = theirs(
        q, k, k, key_padding_mask=torch.tensor(values[2].T == 0),
        attn_mask=None if future is None else torch.tensor(future),
        average_attn_weights=False,
    )  # fmt: skip
    np.testing.assert_allclose(made, expected.detach(), atol=1e-10)
    np.testing.assert_allclose(seen, their_weights.detach(), atol=1e-10)
    (expected * torch.tanh(expected)).sum().backward()
    of = {"x": q.grad, "memory": k.grad, **gradients()}
    for name, gradient in zip(wanted, found, strict=True):
        np.testing.assert_allclose(gradient, of[name], atol=1e-9, err_msg=name)


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_block_is_pytorchs_encoder_layer(norm_first):
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    theirs = torch.nn.TransformerEncoderLayer(
        D, HEADS, F, dropout=0.0, norm_first=norm_first, dtype=torch.float64
    )
    rng = np.random.default_rng(0)
    ours = att.TransformerBlock(D, HEADS, F, rng=rng, norm_first=norm_first)
    gradients = copy_heads(ours.attention, theirs.self_attn)
    pairs = {}
    for mine, other in (("first", "linear1"), ("second", "linear2")):
        layer = getattr(theirs, other)
        pairs[f"{mine}.W"], pairs[f"{mine}.b"] = layer.weight, layer.bias
    for mine, other in (("norm_1", "norm1"), ("norm_2", "norm2")):
        layer = getattr(theirs, other)
        torch.nn.init.normal_(layer.weight)
        pairs[f"{mine}.alpha"], pairs[f"{mine}.beta"] = layer.weight, layer.bias
    parameters = ours.parameters()
    for name, value in pairs.items():
        parameters[name].set_value(value.detach().numpy().T.copy())
    x, real = variables("x", "real")
    values = sequences(LENGTHS)
    y = ours(x, real) * real[:, :, None]
    grads = T.grad((y * T.tanh(y)).sum(), list(parameters.values()))
    made, *found = ss.function([x, real], [y, *grads])(*values)
    mask = torch.tensor(values[1])
    # A mask of floats keeps PyTorch on the path that it trains on.
    shut = torch.where(mask.T > 0, 0.0, -torch.inf).double()
    expected = (
        theirs(torch.tensor(values[0]), src_key_padding_mask=shut) * mask[..., None]
    )
    np.testing.assert_allclose(made, expected.detach(), atol=1e-9)
    (expected * torch.tanh(expected)).sum().backward()
    of = {f"attention.{name}": g for name, g in gradients().items()}
    of |= {name: value.grad.numpy().T for name, value in pairs.items()}
    for name, gradient in zip(parameters, found, strict=True):
        np.testing.assert_allclose(gradient, of[name], atol=1e-8, err_msg=name)


def block(**how):
    rng = np.random.default_rng(0)
    x, real = variables("x", "real")
    return ss.function(
        [x, real], att.TransformerBlock(D, HEADS, F, rng=rng, **how)(x, real)
    )


@pytest.mark.parametrize("causal", [False, True])
def test_padding_changes_nothing_in_a_block(causal):
    f = block(causal=causal)
    x, real = sequences(LENGTHS)
    together = f(np.where(real[..., None] > 0, x, 9.0), real)
    for b, n in enumerate(LENGTHS):
        alone = f(x[:n, b : b + 1], np.ones((n, 1)))
        np.testing.assert_allclose(together[:n, b], alone[:, 0], atol=1e-6)


def test_padding_alone_and_no_steps_give_no_nan():
    f = block()
    assert np.isfinite(f(np.full((3, 1, D), 9.0), np.zeros((3, 1)))).all()
    assert f(np.zeros((0, 2, D)), np.zeros((0, 2))).shape == (0, 2, D)
    assert f(np.zeros((3, 0, D)), np.zeros((3, 0))).shape == (3, 0, D)


def test_what_has_nothing_to_see_gets_zeros():
    x, memory, mask = variables("x", "memory", "mask")
    heads = att.MultiHeadAttention(D, HEADS, rng=np.random.default_rng(0))
    f = ss.function([x, memory, mask], list(heads(x, att.Memory(memory, mask))))
    for places in (0, 2):
        y, weights = f(
            np.ones((3, 1, D)), np.ones((places, 1, D)), np.zeros((places, 1))
        )
        assert not y.any() and not weights.any()


def test_the_past_cannot_see_the_future():
    x = variables("x")[0]
    made = att.TransformerBlock(D, HEADS, F, rng=np.random.default_rng(0), causal=True)(
        x
    )
    slopes = ss.function([x], T.grad(made[2].sum(), x))(sequences([5])[0])
    assert slopes[:3].any(axis=2).all() and not slopes[3:].any()


def test_sinusoids_are_the_papers():
    L = dims("T")[0]
    x = TensorType("float64", (L, 1, 5))("x")
    made = ss.function([x], att.positions(x))(np.zeros((7, 1, 5)))
    for t in range(7):
        for k in range(5):
            angle = t / 10000 ** ((k - k % 2) / 5)
            assert made[t, 0, k] == pytest.approx(
                np.cos(angle) if k % 2 else np.sin(angle)
            )


def test_heads_share_the_width():
    with pytest.raises(ss.errors.UsageError, match="share"):
        att.MultiHeadAttention(5, 2, rng=np.random.default_rng(0))


# Each score, of one query q and one key k, as its paper has it.
PAPER = {
    "additive": lambda s, q, k: s["v"] @ np.tanh(s["W"].T @ q + s["U"].T @ k),
    "dot": lambda s, q, k: q @ k,
    "general": lambda s, q, k: q @ (s["W"] @ k),
    "concat": lambda s, q, k: s["v"] @ np.tanh(s["W"].T @ np.concatenate([q, k])),
    "scaled": lambda s, q, k: q @ k / np.sqrt(D),
}
OURS = {
    "additive": lambda rng: att.AdditiveScore(D, D, 4, rng=rng),
    "dot": lambda rng: att.DotScore(),
    "general": lambda rng: att.GeneralScore(D, D, rng=rng),
    "concat": lambda rng: att.ConcatScore(D, D, 4, rng=rng),
    "scaled": lambda rng: att.ScaledDotScore(),
}


@pytest.mark.parametrize("name", PAPER)
def test_scores_and_the_soft_look_are_the_papers(name):
    rng = np.random.default_rng(0)
    score = OURS[name](rng)
    p = {k: v.get_value() for k, v in score.parameters().items()}
    query, (memory, mask) = T.dmatrix("query"), variables("memory", "mask")
    look = att.SoftAttention(score)(query, att.Memory(memory, mask))
    f = ss.function([query, memory, mask], [score(query, memory), *look])
    q, (values, real) = rng.standard_normal((3, D)), sequences(LENGTHS)
    e, context, weights = f(q, values, real)
    for b, n in enumerate(LENGTHS):
        mine = np.array([PAPER[name](p, q[b], key) for key in values[:, b]])
        np.testing.assert_allclose(e[:, b], mine, atol=1e-12)
        alpha = np.exp(mine[:n]) / np.exp(mine[:n]).sum()
        np.testing.assert_allclose(weights[:n, b], alpha, atol=1e-12)
        np.testing.assert_allclose(context[b], alpha @ values[:n, b], atol=1e-12)
        assert not weights[n:, b].any()


def test_a_memory_is_repeated_for_beams():
    memory, mask = variables("memory", "mask")
    both = ss.function([memory, mask], list(att.Memory(memory, mask).repeat(2)[:2]))
    values, real = sequences(LENGTHS)
    made, seen = both(values, real)
    np.testing.assert_array_equal(made, np.repeat(values, 2, axis=1))
    np.testing.assert_array_equal(seen, np.repeat(real, 2, axis=1))
