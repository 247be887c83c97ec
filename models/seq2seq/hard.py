"""How an encoder-decoder with hard attention learns: by draws, never by enumeration."""

from __future__ import annotations

from copy import copy

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

from ..attention import HardAttention, SoftAttention, log_probability
from ..layers import check_streams
from .encoder_decoder import EncoderDecoder


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
        b_t = the same where every look reads E[z], as soft attention does
        R_t = Σ_t'≥t (l_t' - b_t')              what z_t is worth beside the expectation
        R_t = l_t - b_t                         where no step reads what was looked at
        cost = 1/N Σ_t [l_t + R_t log p(z_t) - λ H(α_t)],  R held fixed

    The first term's gradient is E[∇l], the second's E[R ∇log p]. b knows of no draw
    and earlier losses know nothing of z_t, so R_t in place of the sum of all losses
    leaves the mean as it is. One draw a step and one look at the expectation: places
    are never enumerated. λ, the `entropy`, keeps draws from settling too early.
    Shapes: as `EncoderDecoder.loss`; both are float scalars, the second to report.
    Raises: UsageError for a model whose decoder has no hard attention, or for no
        streams.
    Reference: Xu et al. 2015, equations 10-12 (λ_e; their b is a moving average).
    """
    look = getattr(model.decoder, "attention", None)
    if not isinstance(look, HardAttention):
        raise UsageError(
            f"only a hard look draws; got {type(look).__name__}",
            hint="the loss of other models is model.loss(...)",
        )
    check_streams(streams, "hard attention in training")
    memory = model.encode(source, source_mask, streams=streams)
    y, mean = model.read(target, streams), copy(model)
    mean.decoder = model.decoder.looking(SoftAttention(look.score))
    run, fixed = (m.write(memory, y, streams=streams) for m in (model, mean))

    def losses(outputs: Variable) -> Variable:
        logits = model.output(model.dropout(outputs, streams))
        flat = log_softmax(logits.reshape((-1, logits.shape[2])))
        right: Variable = flat[arange(flat.shape[0]), words.reshape((-1,))]
        each: Variable = -right.reshape(words.shape) * real
        return each

    words = target[1:]
    whole = ones_like(words, dtype=y.dtype)
    real = whole if target_mask is None else target_mask[1:]
    drawn = losses(run.outputs)
    gain = disconnected_grad(drawn - losses(fixed.outputs))
    if model.decoder.feeding:
        gain = cumsum(gain[::-1], axis=0)[::-1]
    weights = run.states.weights
    log_p = log_probability(weights, run.states.notes.chosen)
    spread = -total(weights * log(switch(gt(weights, 0), weights, 1)), axis=2)
    count = maximum(real.sum(), 1)
    cost = total(drawn + real * (gain * log_p - entropy * spread)) / count
    return cost, drawn.sum() / count
