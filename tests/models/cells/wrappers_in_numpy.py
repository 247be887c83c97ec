"""Wrappers and layers as their papers state them: over steps of `cells_in_numpy`."""

import numpy as np
from cells_in_numpy import norm, under


def stacked(*steps):
    def step(p, x, s):
        new = []
        # Graves 2013, section 2: h^1_t from x_t, h^n_t from h^{n-1}_t and h^n_{t-1}
        for n, cell in enumerate(steps):
            x, state = cell(under(p, f"cells.{n}"), x, s[n])
            new.append(state)
        return x, tuple(new)

    return step


def residual(cell):
    def step(p, x, s):
        f, new = cell(under(p, "cell"), x, s)
        # He et al. 2016 (1): y = F(x) + x
        return f + x, new

    return step


def layer_normalized(cell):
    def step(p, x, s):
        y, new = cell(under(p, "cell"), x, s)
        # Ba, Kiros and Hinton 2016 (4): h = g / σ ⊙ (a - μ) + b, of what is shown
        normed = norm(under(p, "norm"), y)
        return normed, exchange(new, y, normed)

    return step


def zoneout(cell, rates, draw=None):
    """In testing d is its expectation; in training `draw()` gives the step's d's."""

    def step(p, x, s):
        y, new = cell(under(p, "cell"), x, s)
        draws = iter(draw() if draw else rates)
        # Krueger et al. 2017, section 3: c_t = d^c ⊙ c_{t-1} + (1 - d^c) ⊙ (f ⊙
        # c_{t-1} + i ⊙ g), h_t = d^h ⊙ h_{t-1} + (1 - d^h) ⊙ (o ⊙ tanh(f ⊙ c_{t-1}
        # + i ⊙ g)): the tanh is of the memory that is not zoned out
        pairs = list(zip(leaves(s), leaves(new), strict=True))
        kept = [
            own if isinstance(own, int) else zoned(old, own, next(draws))
            for old, own in pairs
        ]
        for (_, own), state in zip(pairs, kept, strict=True):
            if y is own:
                y = state
        return y, rebuilt(new, iter(kept))

    return step


def zoned(old, new, d):
    return d * old + (1 - d) * new


def dropout(cell, drops=None):
    """In testing nothing drops; in training `drops` = [z_x, z_h, ...], fixed over t."""

    def step(p, x, s):
        if drops is not None:
            # Gal and Ghahramani 2016, section 4.1, tied weights: the gates are those
            # of (x_t ∘ z_x, h_{t-1} ∘ z_h) W, with the same z_x, z_h at every t
            x = x * drops[0]
            s = (s[0] * drops[1], *s[1:])  # h stands first; c is not dropped
        return cell(under(p, "cell"), x, s)

    return step


def leaves(state):
    """The vectors and counters of a state, depth first."""
    if isinstance(state, tuple):
        return [leaf for part in state for leaf in leaves(part)]
    return [state]


def rebuilt(state, parts):
    if isinstance(state, tuple):
        return tuple(rebuilt(part, parts) for part in state)
    return next(parts)


def exchange(state, old, new):
    """The state with `new` where the vector `old` itself stands."""
    swapped = [new if leaf is old else leaf for leaf in leaves(state)]
    return rebuilt(state, iter(swapped))


def start(widths, at=None):
    """Zeros of a state's widths, a clock at 0; or what `at` gives for a width."""
    give = at or np.zeros
    counted = [0 if width is None else give(width) for width in leaves(widths)]
    return rebuilt(widths, iter(counted))


def one_sequence(step, p, x, mask, s, reverse=False):
    """Outputs[T, H], states[T], last state of x: [T, D], mask: [T].

    Where the mask is 0 the state is carried; an output that is in it is carried with
    it, another is 0.
    """
    outputs, states = [None] * len(x), [None] * len(x)
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        y, new = step(p, x[t], s)
        shown = [n for n, leaf in enumerate(leaves(new)) if leaf is y]
        if not mask[t]:
            carried = leaves(s)
            new = rebuilt(new, iter(carried))
            y = carried[shown[0]] if shown else np.zeros_like(y)
        s, outputs[t], states[t] = new, y, new
    return outputs, states, s


def layer(step, p, x, mask, starts, *, width, reverse=False):
    """Outputs[T, B, H], all states' parts [T, B, ...], last parts [B, ...], by row."""
    steps, batch = mask.shape
    rows = [
        one_sequence(step, p, x[:, b], mask[:, b], starts[b], reverse)
        for b in range(batch)
    ]
    outputs = np.zeros((steps, batch, width))
    for b, (ys, _, _) in enumerate(rows):
        for t in range(steps):
            outputs[t, b] = ys[t]
    last = [np.array(part) for part in zip(*(leaves(r[2]) for r in rows), strict=True)]
    per_row = [[leaves(state) for state in r[1]] for r in rows]
    states = [
        np.array([[per_row[b][t][n] for b in range(batch)] for t in range(steps)])
        for n in range(len(last))
    ]
    return outputs, states, last
