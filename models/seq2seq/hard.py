"""How an encoder-decoder with hard attention learns: by draws, never by enumeration."""

from __future__ import annotations

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.ops.arange import arange
from symseq.ops.compare import gt, switch
from symseq.ops.create import ones_like
from symseq.ops.cumulative import cumsum
from symseq.ops.gradient_ops import disconnected_grad
from symseq.ops.math import log, maximum
from symseq.ops.nnet import log_softmax
from symseq.ops.reduce import sum as total
from symseq.random.streams import RandomStreams

from ..attention import HardAttention, log_probability
from .encoder_decoder import EncoderDecoder
from .search import check_streams


def hard_loss(
    model: EncoderDecoder,
    source: Variable,
    source_mask: Variable | None,
    target: Variable,
    target_mask: Variable | None,
    *,
    streams: RandomStreams,
    entropy: float = 0.0,
) -> tuple[Variable, Variable]:
    """(cost, loss): the cost has the gradient of the expected loss, in expectation.

        l_t = -log p(y_t | y_<t, x, z_≤t)       z_t the place drawn at step t
        R_t = Σ_t'≥t l_t'                       what z_t can change
        b_t = the mean of R_t over the other sentences of the minibatch
        cost = 1/N Σ_t [l_t + (R_t - b_t) log p(z_t) - λ H(α_t)],  R and b held fixed

    The first term's gradient is E[∇l], the second's E[(R - b) ∇log p]; earlier losses
    and other sentences know nothing of z_t, so both R_t for the sum of all and b_t
    leave the mean as it is. λ, the `entropy`, keeps draws from settling too early.
    Sentences that read the expected context (`HardAttention(expected=)`) draw nothing:
    their log p is 0, and the first term has their whole gradient.
    Shapes: as `EncoderDecoder.loss`; both are float scalars, the second to report.
    Raises: UsageError for a model whose decoder has no hard attention, or for no
        streams.
    Reference: Xu et al. 2015, equations 10-12 (λ_e, their b a moving average).
    """
    look = getattr(model.decoder, "attention", None)
    if not isinstance(look, HardAttention):
        raise UsageError(
            f"only a hard look draws; got {type(look).__name__}",
            hint="the loss of other models is model.loss(...)",
        )
    check_streams(streams, "hard attention in training")
    run = model.run(source, source_mask, target, streams=streams)
    logits = model.output(model.dropout(run.outputs, streams))
    flat = log_softmax(logits.reshape((-1, logits.shape[2])))
    right: Variable = flat[arange(flat.shape[0]), target[1:].reshape((-1,))]
    losses = -right.reshape(target[1:].shape)
    real = ones_like(losses) if target_mask is None else target_mask[1:]
    losses = losses * real
    rest: Variable = cumsum(losses[::-1], axis=0)[::-1]
    several = maximum(real.sum(axis=1, keepdims=True) - 1, 1)
    others = (rest.sum(axis=1, keepdims=True) - rest) / several
    gain = disconnected_grad(rest - others) * real
    weights, count = run.states.weights, maximum(real.sum(), 1)
    log_p = log_probability(weights, run.states.notes.chosen)
    spread = -total(weights * log(switch(gt(weights, 0), weights, 1)), axis=2)
    cost = total(losses + gain * log_p - entropy * real * spread) / count
    return cost, losses.sum() / count
