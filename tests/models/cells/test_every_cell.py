"""What holds for every cell: padding, lengths, targets, gradients."""

from functools import cache

import numpy as np
import pytest
from cell_tools import CELLS, D, forward, inputs, layer, made, parts, values

import symseq as ss
from symseq.errors import ShapeError
from symseq.models import Bidirectional, Recurrent

every_cell = pytest.mark.parametrize("name", CELLS)
LENGTHS = [4, 2, 1, 0]


def split(name, given):
    """(outputs, last parts, all parts) of what `forward` gives."""
    count = len(parts(layer(name)[0].widths))
    return given[0], given[1 : 1 + count], given[1 + count :]


@every_cell
def test_a_padded_batch_is_its_single_sequences(name):
    x, mask = values(LENGTHS)
    outputs, last, _ = split(name, forward(name)(x, mask))
    for b, n in enumerate(LENGTHS):
        alone = forward(name)(x[:n, b : b + 1], np.ones((n, 1)))
        own, own_last, _ = split(name, alone)
        np.testing.assert_allclose(outputs[:n, b], own[:, 0], atol=1e-6)
        for beside, one in zip(last, own_last, strict=True):
            np.testing.assert_allclose(beside[b], one[0], atol=1e-6)


@every_cell
def test_the_state_is_carried_over_padding(name):
    x, mask = values(LENGTHS)
    outputs, last, states = split(name, forward(name)(x, mask))
    shown = any(np.array_equal(outputs, part) for part in states)
    for b, n in enumerate(LENGTHS):
        for end, part in zip(last, states, strict=True):
            before = part[n - 1, b] if n else np.zeros(part.shape[2:])
            for t in range(n, len(x)):
                np.testing.assert_array_equal(part[t, b], before)
            np.testing.assert_array_equal(end[b], before)
        if not shown:
            assert not outputs[n:, b].any()


@every_cell
def test_padding_alone_gives_zeros(name):
    x, mask = values([0, 0], steps=3)
    outputs, last, _ = split(name, forward(name)(x, mask))
    np.testing.assert_array_equal(outputs, 0)
    for part in last:
        assert not part.any()


@every_cell
def test_one_compiled_function_takes_all_lengths_and_is_reference(name):
    for lengths, steps in (
        ([1], 1), ([5], 5), ([3, 3], 3), ([2, 0, 4], 4), ([], 2), ([0, 0], 0),
    ):  # fmt: skip
        x, mask = values(lengths, steps)
        ours = forward(name)(x, mask)
        right = forward(name, "reference")(x, mask)
        for a, b in zip(ours, right, strict=True):
            assert a.shape == b.shape and a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
        assert np.isfinite(ours[0]).all()


@cache
def gradients(name, target):
    """(cost, its gradient by x, by all parameters) of (x, mask)."""
    cell, x, mask, run = layer(name)
    cost = sum((part * part).sum() for part in parts(run.last) if part.ndim > 1)
    cost = cost + (run.outputs * np.arange(1.0, 1 + cell_width(cell))).sum()
    wrt = [x, *cell.parameters().values()]
    return ss.function([x, mask], [cost, *ss.grad(cost, wrt)], target=target)


def cell_width(cell):
    return int(getattr(cell.outputs, "size", cell.outputs))


@every_cell
def test_gradients_are_those_of_reference(name):
    for lengths in ([3, 2, 0], [1]):
        x, mask = values(lengths)
        pairs = zip(
            gradients(name, "numpy")(x, mask),
            gradients(name, "reference")(x, mask),
            strict=True,
        )
        for a, b in pairs:
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


@every_cell
def test_gradients_are_central_differences(name):
    """Along one direction per parameter, and one of x at the real steps."""
    cell, *_ = layer(name)
    run, (x, mask) = gradients(name, "numpy"), values([3, 2, 0])
    _, by_x, *by_parameters = run(x, mask)
    rng, step = np.random.default_rng(2), 1e-6
    way = rng.standard_normal(x.shape) * mask[:, :, None]
    slope = (run(x + step * way, mask)[0] - run(x - step * way, mask)[0]) / (2 * step)
    np.testing.assert_allclose((by_x * way).sum(), slope, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(by_x * (1 - mask[:, :, None]), 0)
    for p, gradient in zip(cell.parameters().values(), by_parameters, strict=True):
        value, way = p.get_value(), rng.standard_normal(p.storage.shape)
        ends = []
        for sign in (1, -1):
            p.set_value(value + sign * step * way)
            ends.append(run(x, mask)[0])
        p.set_value(value)
        slope = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose((gradient * way).sum(), slope, rtol=1e-6, atol=1e-7)


@every_cell
def test_a_cell_says_its_widths(name):
    cell, x, *_ = layer(name)
    output, new = cell(x[0], cell.initial(x.shape[1]))
    assert type(new) is type(cell.initial(1))
    one = ss.function([x], [output, *parts(new)])(values([2, 2])[0])
    assert cell.inputs == D and one[0].shape == (2, cell_width(cell))
    for part, width in zip(one[1:], parts(cell.widths), strict=True):
        assert part.shape == ((2,) if width is None else (2, width))


@every_cell
def test_an_input_of_another_width_is_refused(name):
    if name == "identity":
        return
    cell, x, *_ = layer(name)
    with pytest.raises(ShapeError):
        cell(ss.tensor.concatenate([x[0], x[0]], axis=1), cell.initial(x.shape[1]))


@every_cell
def test_lengths_may_have_names(name):
    """In float32, too: nothing in a cell widens."""
    ss.config.floatX = "float32"
    x, mask = inputs("float32")
    outputs = Recurrent(made(name))(x, mask)
    assert outputs.type.dtype == "float32"
    assert [str(n) for n in outputs.type.shape[:2]] == ["T", "B"]


@every_cell
def test_backwards_over_padding(name):
    """Both halves of a bidirectional layer read each sequence as if it were alone."""
    x, mask = inputs()
    layer = Bidirectional(made(name), made(name, seed=5))
    run = ss.function([x, mask], layer(x, mask))
    batch = values([3, 1])
    both = run(*batch)
    for b, n in enumerate([3, 1]):
        alone = run(batch[0][:n, b : b + 1], np.ones((n, 1)))
        np.testing.assert_allclose(both[:n, b], alone[:, 0], atol=1e-6)
