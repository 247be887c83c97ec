"""The works, in the order in which they are run and printed."""

from ..work import Work
from . import attention, char_gru, lstm_layer, memory_network, plain_rnn, tutorial

WORKS: dict[str, Work] = {
    work.name: work
    for work in (
        tutorial.WORK,
        lstm_layer.LAYER,
        char_gru.WORK,
        attention.WORK,
        memory_network.WORK,
        plain_rnn.WORK,
        lstm_layer.GROWTH,
        tutorial.COMPILE,
    )
}
