"""A model beside a loop: its results, and its gradients by central differences."""

import numpy as np

STEP = 1e-5


def close(found, expected, name=""):
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10, err_msg=name)


def check_gradients(cost, arrays, gradients, seed=0, entries=3):
    """(cost(a + ε) - cost(a - ε)) / 2ε of the loop, for some entries of each array."""
    rng = np.random.default_rng(seed)
    for (name, array), gradient in zip(arrays.items(), gradients, strict=True):
        assert gradient.shape == array.shape, name
        for k in rng.permutation(array.size)[:entries]:
            at, sides = np.unravel_index(k, array.shape), []
            kept = array[at]
            for step in (STEP, -STEP):
                array[at] = kept + step
                sides.append(cost())
            array[at] = kept
            slope = (sides[0] - sides[1]) / (2 * STEP)
            np.testing.assert_allclose(
                gradient[at], slope, rtol=1e-6, atol=1e-8, err_msg=f"{name}{at}"
            )


def noise(parameters, seed=0, scale=0.6):
    """Give every parameter new values; their copies by name, for a loop."""
    rng, values = np.random.default_rng(seed), {}
    for name, variable in parameters.items():
        shape = variable.get_value().shape
        values[name] = scale * rng.standard_normal(shape)
        variable.set_value(values[name].copy())
    return values


def masks(lengths, steps=None):
    """float[T, B] with 1 at the first steps; a list in place of a length is a row."""
    rows = [[1] * n if isinstance(n, int) else n for n in lengths]
    steps = steps or max(map(len, rows), default=0)
    made = np.zeros((steps, len(rows)))
    for b, row in enumerate(rows):
        made[: len(row), b] = row
    return made


def padded(mask, width, rng):
    """float[T, B, width], with nines where the mask is 0."""
    x = rng.standard_normal((*mask.shape, width))
    return np.where(mask[:, :, None] > 0, x, 9.0)


def real(x, mask, b):
    """The real vectors of one example, in a list."""
    return [x[t, b] for t in range(len(mask)) if mask[t, b]]
