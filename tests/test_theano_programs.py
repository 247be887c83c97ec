"""Programs as Theano's users wrote them, run with only their imports changed."""

from collections import OrderedDict

import numpy
import pytest

import symseq as theano
from symseq import config, tensor
from symseq import tensor as T
from symseq.sandbox.rng_mrg import MRG_RandomStreams as RandomStreams

TARGETS = ("numpy", "reference")


def numpy_floatX(data):
    return numpy.asarray(data, dtype=config.floatX)


def agree(main):
    """Every number of a program, the same on both targets."""
    first, second = [main(target) for target in TARGETS]
    assert len(first) == len(second) > 0
    for a, b in zip(first, second, strict=True):
        assert numpy.isfinite(a).all()
        numpy.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def shared_weights(**shapes):
    rng = numpy.random.RandomState(123)
    return OrderedDict(
        (k, theano.shared(numpy_floatX(0.3 * rng.randn(*s)), name=k))
        for k, s in shapes.items()
    )


# The LSTM tutorial of deeplearning.net.


def lstm_layer(tparams, state_below, dim_proj, mask):
    n_samples = state_below.shape[1]

    def _slice(_x, n, dim):
        return _x[:, n * dim : (n + 1) * dim]

    def _step(m_, x_, h_, c_):
        preact = tensor.dot(h_, tparams["lstm_U"])
        preact += x_
        i = tensor.nnet.sigmoid(_slice(preact, 0, dim_proj))
        f = tensor.nnet.sigmoid(_slice(preact, 1, dim_proj))
        o = tensor.nnet.sigmoid(_slice(preact, 2, dim_proj))
        c = tensor.tanh(_slice(preact, 3, dim_proj))
        c = f * c_ + i * c
        c = m_[:, None] * c + (1.0 - m_)[:, None] * c_
        h = o * tensor.tanh(c)
        h = m_[:, None] * h + (1.0 - m_)[:, None] * h_
        return h, c

    state_below = tensor.dot(state_below, tparams["lstm_W"]) + tparams["lstm_b"]
    zero = tensor.alloc(numpy_floatX(0.0), n_samples, dim_proj)
    rval, _ = theano.scan(
        _step,
        sequences=[mask, state_below],
        outputs_info=[zero, zero],
        name="lstm__layers",
        n_steps=state_below.shape[0],
    )
    return rval[0]


def dropout_layer(state_before, use_noise, trng):
    noise = trng.binomial(state_before.shape, p=0.5, n=1, dtype=state_before.dtype)
    return tensor.switch(use_noise, state_before * noise, state_before * 0.5)


def build_model(tparams, dim):
    use_noise = theano.shared(numpy_floatX(0.0))
    x = tensor.matrix("x", dtype="int64")
    mask = tensor.matrix("mask", dtype=config.floatX)
    y = tensor.vector("y", dtype="int64")
    emb = tparams["Wemb"][x.flatten()].reshape([x.shape[0], x.shape[1], dim])
    proj = lstm_layer(tparams, emb, dim, mask)
    proj = (proj * mask[:, :, None]).sum(axis=0) / mask.sum(axis=0)[:, None]
    proj = dropout_layer(proj, use_noise, RandomStreams(123))
    pred = tensor.nnet.softmax(tensor.dot(proj, tparams["U"]) + tparams["b"])
    cost = -tensor.log(pred[tensor.arange(x.shape[1]), y] + 1e-8).mean()
    cost += numpy_floatX(0.1) * (tparams["U"] ** 2).sum()
    return use_noise, x, mask, y, pred, cost


def zeros_of(tparams, name):
    return [
        theano.shared(p.get_value() * numpy_floatX(0.0), name=f"{k}_{name}")
        for k, p in tparams.items()
    ]


def adadelta(lr, tparams, grads, x, mask, y, cost, target):
    zipped_grads = zeros_of(tparams, "grad")
    up2, grads2 = zeros_of(tparams, "rup2"), zeros_of(tparams, "rgrad2")
    zgup = list(zip(zipped_grads, grads, strict=True))
    rg2up = [
        (rg2, 0.95 * rg2 + 0.05 * (g**2)) for rg2, g in zip(grads2, grads, strict=True)
    ]
    f_grad_shared = theano.function(
        [x, mask, y], cost, updates=zgup + rg2up, target=target
    )
    updir = [
        -tensor.sqrt(ru2 + 1e-6) / tensor.sqrt(rg2 + 1e-6) * zg
        for zg, ru2, rg2 in zip(zipped_grads, up2, grads2, strict=True)
    ]
    ru2up = [
        (ru2, 0.95 * ru2 + 0.05 * (ud**2)) for ru2, ud in zip(up2, updir, strict=True)
    ]
    param_up = [(p, p + ud) for p, ud in zip(tparams.values(), updir, strict=True)]
    f_update = theano.function(
        [lr], [], updates=ru2up + param_up, on_unused_input="ignore", target=target
    )
    return f_grad_shared, f_update


def lstm_program(target):
    dim = 5
    tparams = shared_weights(
        Wemb=(20, dim), lstm_W=(dim, 4 * dim), lstm_U=(dim, 4 * dim),
        lstm_b=(4 * dim,), U=(dim, 2), b=(2,),
    )  # fmt: skip
    use_noise, x, mask, y, pred, cost = build_model(tparams, dim)
    f_pred = theano.function([x, mask], pred.argmax(axis=1), target=target)
    grads = tensor.grad(cost, wrt=list(tparams.values()))
    lr = tensor.scalar(name="lr")
    f_grad_shared, f_update = adadelta(lr, tparams, grads, x, mask, y, cost, target)
    rng, found = numpy.random.RandomState(1), []
    for steps in (1, 4, 6):
        xs, ys = rng.randint(0, 20, (steps, 3)), rng.randint(0, 2, 3)
        ms = numpy_floatX(numpy.arange(steps)[:, None] < rng.randint(1, 7, 3))
        use_noise.set_value(1.0)
        found.append(f_grad_shared(xs, ms, ys))
        f_update(0.1)
        use_noise.set_value(0.0)
        found.append(f_pred(xs, ms))
    return found + [p.get_value() for p in tparams.values()]


def test_lstm_tutorial():
    agree(lstm_program)


# The Elman tagger of the same tutorials.


def elman_program(target):
    nh, nc, ne, de, cs = 6, 4, 20, 5, 3
    params = shared_weights(
        embeddings=(ne + 1, de), wx=(de * cs, nh), wh=(nh, nh), w=(nh, nc),
        bh=(nh,), b=(nc,), h0=(nh,),
    )  # fmt: skip
    emb, wx, wh, w, bh, b, h0 = params.values()
    idxs = T.imatrix()
    x = emb[idxs].reshape((idxs.shape[0], de * cs))
    y_sentence = T.ivector("y_sentence")

    def recurrence(x_t, h_tm1):
        h_t = T.nnet.sigmoid(T.dot(x_t, wx) + T.dot(h_tm1, wh) + bh)
        s_t = T.nnet.softmax(T.dot(h_t, w) + b)
        return [h_t, s_t]

    [_, s], _ = theano.scan(
        fn=recurrence, sequences=x, outputs_info=[h0, None], n_steps=x.shape[0]
    )
    p_y = s[:, 0, :]
    nll = -T.mean(T.log(p_y)[T.arange(x.shape[0]), y_sentence])
    lr = T.scalar("lr")
    gradients = T.grad(nll, list(params.values()))
    updates = OrderedDict(
        (p, p - lr * g) for p, g in zip(params.values(), gradients, strict=True)
    )
    classify = theano.function(
        inputs=[idxs], outputs=T.argmax(p_y, axis=1), target=target
    )
    train = theano.function(
        inputs=[idxs, y_sentence, lr], outputs=nll, updates=updates, target=target
    )
    norms = T.sqrt((emb**2).sum(axis=1)).dimshuffle(0, "x")
    normalize = theano.function(inputs=[], updates={emb: emb / norms}, target=target)
    rng, found = numpy.random.RandomState(0), []
    for n in (1, 2, 5):
        words = list(rng.randint(-1, ne, (n, cs)).astype("int32"))
        found.append(train(words, rng.randint(0, nc, n).astype("int32"), 0.0627))
        normalize()
        found.append(classify(words))
    numpy.testing.assert_allclose((emb.get_value() ** 2).sum(1), 1, rtol=1e-5)
    return found + [p.get_value() for p in params.values()]


def test_elman_tagger():
    agree(elman_program)


# The decoder with attention of encoder-decoder translation.


def attend(tparams, context, context_mask, y_emb, y_mask):
    """States and weights of a decoder; the mask is captured, as programs do."""
    assert context, "as in Theano, a variable is true"
    pctx_ = tensor.dot(context, tparams["Wc_att"])

    def _step(m_, x_, h_, ctx_, alpha_, pctx_, cc_, U, W_comb_att, U_att, Wc):
        pstate_ = tensor.dot(h_, W_comb_att)
        pctx__ = tensor.tanh(pctx_ + pstate_[None, :, :])
        alpha = tensor.dot(pctx__, U_att)
        alpha = tensor.exp(alpha.reshape([alpha.shape[0], alpha.shape[1]]))
        if context_mask:
            alpha = alpha * context_mask
        alpha = alpha / alpha.sum(0, keepdims=True)
        ctx_ = (cc_ * alpha[:, :, None]).sum(0)
        h = tensor.tanh(tensor.dot(h_, U) + x_ + tensor.dot(ctx_, Wc))
        h = m_[:, None] * h + (1.0 - m_)[:, None] * h_
        return h, ctx_, alpha.T

    n_samples, dim = context.shape[1], tparams["U"].shape[1]
    rval, _ = theano.scan(
        _step,
        sequences=[y_mask, y_emb],
        outputs_info=[
            tensor.alloc(0.0, n_samples, dim),
            tensor.alloc(0.0, n_samples, context.shape[2]),
            tensor.alloc(0.0, n_samples, context.shape[0]),
        ],
        non_sequences=[
            pctx_, context, *[tparams[k] for k in ("U", "W_comb_att", "U_att", "Wc")]
        ],
        strict=True,
        profile=False,
    )  # fmt: skip
    return rval


def attention_program(target):
    dim, words = 4, 9
    tparams = shared_weights(
        Wemb=(words, dim), Wc_att=(dim, dim), U=(dim, dim), W_comb_att=(dim, dim),
        U_att=(dim, 1), Wc=(dim, dim), ff_W=(dim, words),
    )  # fmt: skip
    x, y = tensor.lmatrix("x"), tensor.lmatrix("y")
    x_mask, y_mask = tensor.fmatrices("x_mask", "y_mask")
    context = tparams["Wemb"][x]
    emb = tparams["Wemb"][y.flatten()].reshape([y.shape[0], y.shape[1], dim])
    emb = tensor.set_subtensor(tensor.zeros_like(emb)[1:], emb[:-1])
    h, _, alphas = attend(tparams, context, x_mask, emb, y_mask)
    logit = tensor.dot(h, tparams["ff_W"])
    shp = logit.shape
    probs = tensor.nnet.softmax(logit.reshape([shp[0] * shp[1], shp[2]]))
    y_flat = y.flatten()
    y_idx = tensor.arange(y_flat.shape[0]) * words + y_flat
    cost = -tensor.log(probs.flatten()[y_idx]).reshape([y.shape[0], y.shape[1]])
    cost = (cost * y_mask).sum(0).mean()
    cost += 0.1 * ((1 - alphas.sum(0)) ** 2).sum(1).mean()
    params = list(tparams.values())
    grads = tensor.grad(cost, wrt=params)
    g2 = sum((g**2).sum() for g in grads)
    grads = [tensor.switch(g2 > 1.0, g / tensor.sqrt(g2), g) for g in grads]
    updates = [(p, p - 0.5 * g) for p, g in zip(params, grads, strict=True)]
    train = theano.function(
        [x, x_mask, y, y_mask], [cost, alphas], updates=updates, target=target
    )
    # A sampler is compiled over the context itself, which is a computed variable.
    peek = theano.function([context], tensor.zeros_like(context).sum(2), target=target)
    rng, found = numpy.random.RandomState(2), []
    for tx, ty in ((1, 1), (4, 3), (2, 5)):
        xs, ys = rng.randint(0, words, (tx, 3)), rng.randint(0, words, (ty, 3))
        masks = [
            numpy_floatX(numpy.arange(n)[:, None] < rng.randint(1, n + 1, 3))
            for n in (tx, ty)
        ]
        found += train(xs, masks[0], ys, masks[1])
        found.append(peek(numpy.ones((tx, 3, dim), "float32")))
    return found + [p.get_value() for p in params]


@pytest.mark.skipif(config.floatX != "float32", reason="the program says float32")
def test_attention_decoder():
    agree(attention_program)
