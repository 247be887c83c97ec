"""The LSTM layer as a NumPy plan written by hand.

It is what a compiled plan should come near to: one product for the four gates, one for
the input projection of all T steps, one for each weight gradient; every view made
before the call, every result written into a buffer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...work import Array, Built, Problem
from . import Sizes

Arrays = dict[str, Array]


class HandPlan:
    """Buffers and views for one set of lengths; a call crunches only."""

    def __init__(self, sizes: Sizes) -> None:
        T, B, H = sizes.T, sizes.B, sizes.H

        def buffer(*shape: int) -> Array:
            return np.zeros(shape, "float32")

        self.sizes = sizes
        self.gates, self.slopes = buffer(T, B, 4, H), buffer(T, B, 4, H)
        self.hidden, self.cell = buffer(T + 1, B, H), buffer(T + 1, B, H)
        self.tanh_cell, self.cell_slope = buffer(T, B, H), buffer(T, B, H)
        self.from_hidden = buffer(B, 4 * H)
        self.new_in, self.d_cell, self.d_hidden = (buffer(B, H) for _ in range(3))
        self.ones = np.ones(T * B, "float32")
        # Sigmoid as 0.5 tanh(0.5 z) + 0.5: the inner half goes into the weights.
        self.half = np.array([0.5, 0.5, 1.0, 0.5], "float32").repeat(H)
        self.W, self.U, self.bias = buffer(H, 4 * H), buffer(H, 4 * H), buffer(4 * H)
        self.forward_views = [self._forward_views(t) for t in range(T)]
        self.backward_views = [self._backward_views(t) for t in reversed(range(T))]

    def _forward_views(self, t: int) -> tuple[Array, ...]:
        gates = self.gates[t]
        flat = gates.reshape(gates.shape[0], -1)
        i, f, g, o = (gates[:, k] for k in range(4))
        early, late = gates[:, :2], gates[:, 3]
        cell, hidden = self.cell, self.hidden
        return (flat, early, late, i, f, g, o, hidden[t], hidden[t + 1],
                cell[t], cell[t + 1], self.tanh_cell[t])  # fmt: skip

    def _backward_views(self, t: int) -> tuple[Any, ...]:
        slopes, forget = self.slopes[t], self.gates[t][:, 1]
        flat = slopes.reshape(slopes.shape[0], -1)
        return t, flat, slopes[:, :3], slopes[:, 3], self.cell_slope[t], forget

    def __call__(self, params: Arrays, inputs: Arrays) -> Arrays:
        """The cost, and the gradients with respect to x, W, U, b."""
        x, G = inputs["x"], inputs["G"]
        self._forward(params, x)
        cost = np.dot(G.ravel(), self.hidden[1:].ravel())
        self._prepare_slopes()
        self._backward(params["U"], G)
        return {"cost": cost, **self._collect(params["W"], x)}

    def _forward(self, params: Arrays, x: Array) -> None:
        T, B, H = (getattr(self.sizes, name) for name in "TBH")
        np.multiply(params["W"], self.half, out=self.W)
        np.multiply(params["U"], self.half, out=self.U)
        np.multiply(params["b"], self.half, out=self.bias)
        projected = self.gates.reshape(T * B, 4 * H)
        np.dot(x.reshape(T * B, H), self.W, out=projected)
        np.add(projected, self.bias, out=projected)
        product, new_in = self.from_hidden, self.new_in
        dot, add, multiply, tanh = np.dot, np.add, np.multiply, np.tanh
        for flat, early, late, i, f, g, o, h, h_new, c, c_new, tc in self.forward_views:
            dot(h, self.U, out=product)
            add(flat, product, out=flat)
            tanh(flat, out=flat)
            multiply(early, 0.5, out=early)
            add(early, 0.5, out=early)
            multiply(late, 0.5, out=late)
            add(late, 0.5, out=late)
            multiply(i, g, out=new_in)
            multiply(f, c, out=c_new)
            add(c_new, new_in, out=c_new)
            tanh(c_new, out=tc)
            multiply(o, tc, out=h_new)

    def _prepare_slopes(self) -> None:
        """What of the backward pass needs no cotangent, for all T at once."""
        gates, slopes, slope = self.gates, self.slopes, self.cell_slope
        i, _, g, o = (gates[:, :, k] for k in range(4))
        np.multiply(gates, gates, out=slopes)  # σ' = σ − σ², tanh' = 1 − tanh²
        np.subtract(gates[:, :, :2], slopes[:, :, :2], out=slopes[:, :, :2])
        np.subtract(1, slopes[:, :, 2], out=slopes[:, :, 2])
        np.subtract(o, slopes[:, :, 3], out=slopes[:, :, 3])
        for k, factor in enumerate((g, self.cell[:-1], i, self.tanh_cell)):
            np.multiply(slopes[:, :, k], factor, out=slopes[:, :, k])
        np.multiply(self.tanh_cell, self.tanh_cell, out=slope)
        np.subtract(1, slope, out=slope)
        np.multiply(slope, o, out=slope)

    def _backward(self, U: Array, G: Array) -> None:
        """Turns the slopes into the cotangents of z, last step first."""
        d_cell, d_hidden, new = self.d_cell, self.d_hidden, self.new_in
        back, add, multiply, dot = U.T, np.add, np.multiply, np.dot
        d_cell.fill(0)
        d_hidden.fill(0)
        spread = d_cell[:, None, :]
        for t, flat, inner, outer, cell_slope, forget in self.backward_views:
            add(d_hidden, G[t], out=d_hidden)
            multiply(d_hidden, cell_slope, out=new)
            add(d_cell, new, out=d_cell)
            multiply(inner, spread, out=inner)
            multiply(outer, d_hidden, out=outer)
            multiply(d_cell, forget, out=d_cell)
            dot(flat, back, out=d_hidden)

    def _collect(self, W: Array, x: Array) -> Arrays:
        T, B, H = (getattr(self.sizes, name) for name in "TBH")
        d_z = self.slopes.reshape(T * B, 4 * H)
        return {
            "x": np.dot(d_z, W.T).reshape(T, B, H),
            "W": np.dot(x.reshape(T * B, H).T, d_z),
            "U": np.dot(self.hidden[:-1].reshape(T * B, H).T, d_z),
            "b": np.dot(self.ones, d_z),
        }


def build(sizes: Sizes, problem: Problem) -> Built:
    plan = HandPlan(sizes)
    return Built(
        run=lambda: plan(problem.params, problem.inputs), results=lambda made: made
    )


VARIANTS = {"hand numpy": {"hand numpy": build}}
