"""Theano's ``theano.tensor.nnet``: activations and losses."""

from symseq.ops.nnet import (
    binary_crossentropy,
    categorical_crossentropy,
    crossentropy_with_logits,
    elu,
    hard_sigmoid,
    leaky_relu,
    relu,
    selu,
    sigmoid,
    sigmoid_binary_crossentropy,
    softplus,
    softsign,
    swish,
    ultra_fast_sigmoid,
)
from symseq.ops.softmax import log_softmax, softmax

logsoftmax = log_softmax

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "crossentropy_with_logits",
    "elu",
    "hard_sigmoid",
    "leaky_relu",
    "log_softmax",
    "logsoftmax",
    "relu",
    "selu",
    "sigmoid",
    "sigmoid_binary_crossentropy",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "ultra_fast_sigmoid",
]
