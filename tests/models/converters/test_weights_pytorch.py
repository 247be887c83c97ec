"""PyTorch's modules and ours answer alike, with weights carried either way.

Needs torch (extra `bench`); skipped where it is not installed.
"""

import numpy as np
import pytest
from converter_tools import D, H, R, answers, bits, close, made, sequence

import symseq as ss
import symseq.tensor as T
from symseq.models import Bidirectional, Stacked
from symseq.models.converters import from_torch, to_torch

torch = pytest.importorskip("torch")

MODULES = {
    "rnn": torch.nn.RNN,
    "lstm": torch.nn.LSTM,
    "projected": lambda *sizes, **how: torch.nn.LSTM(*sizes, proj_size=R, **how),
    "gru_after": torch.nn.GRU,
}


def theirs(module, x):
    with torch.no_grad():
        return module(torch.from_numpy(x))[0].numpy()


def module_of(kind, **how):
    torch.manual_seed(0)
    return MODULES[kind](D, H, **how).double()


def carry(model, module):
    """Our weights into theirs; names and shapes are checked by them."""
    arrays = to_torch(model)
    module.load_state_dict({n: torch.from_numpy(a) for n, a in arrays.items()})


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("kind", MODULES)
def test_one_layer(kind, directions):
    module = module_of(kind, bidirectional=directions == 2)
    halves = [made(kind, seed=k) for k in range(directions)]
    model = halves[0] if directions == 1 else Bidirectional(*halves)
    x = sequence()
    carry(model, module)
    close(answers(model, x), theirs(module, x))
    other = module_of(kind, bidirectional=directions == 2)
    for parameter in other.parameters():
        torch.nn.init.normal_(parameter)
    from_torch(model, other.state_dict())
    close(answers(model, x), theirs(other, x))


@pytest.mark.parametrize("kind", ["lstm", "gru_after"])
def test_layers_on_each_other(kind):
    module = module_of(kind, num_layers=2)
    stack = Stacked([made(kind), made(kind, inputs=H)])
    from_torch(stack, module.state_dict())
    close(answers(stack, sequence()), theirs(module, sequence()))
    before = bits(stack)
    carry(stack, module)
    from_torch(stack, module.state_dict())
    assert bits(stack) == before


def test_layers_of_both_directions():
    module = module_of("lstm", num_layers=2, bidirectional=True)
    below = Bidirectional(made("lstm"), made("lstm", 1))
    above = Bidirectional(made("lstm", 2, 2 * H), made("lstm", 3, 2 * H))
    from_torch([below, above], module.state_dict())
    x = T.tensor3("x")
    close(
        ss.function([x], above(below(x)))(sequence()),
        theirs(module, sequence()),
    )


def test_a_rectified_network():
    module = module_of("rnn", nonlinearity="relu")
    cell = made("rnn")
    from_torch(cell, module.state_dict())
    cell.activation = T.nnet.relu
    close(answers(cell, sequence()), theirs(module, sequence()))


def test_the_module_of_a_model():
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = torch.nn.GRU(D, H)
            self.readout = torch.nn.Linear(H, 2)

    model, cell = Model().double(), made("gru_after")
    from_torch(cell, model.state_dict(), prefix="encoder.")
    close(answers(cell, sequence()), theirs(model.encoder, sequence()))


def test_second_biases_are_summed_but_that_of_the_candidate():
    module, cell = module_of("gru_after"), made("gru_after")
    from_torch(cell, module.state_dict())
    b, v = (p.detach().numpy() for p in (module.bias_ih_l0, module.bias_hh_l0))
    kept = np.concatenate([np.ones(2 * H), np.zeros(H)])
    np.testing.assert_array_equal(cell.b.get_value(), b + kept * v)
    np.testing.assert_array_equal(cell.b_u.get_value(), v[2 * H :])
