"""A framework's convention: its arrays for each cell, read and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symseq.errors import DTypeError, ShapeError, UsageError
from symseq.types import Array

from ..cells import Cell, Stacked
from ..recurrent import Bidirectional, Recurrent
from .layout import OURS, Blocks, Layout, sizes_of


@dataclass(frozen=True, slots=True)
class Place:
    """A cell, and what stands around its arrays' names in the dict."""

    cell: Cell[Any]
    before: str = ""
    after: str = ""

    def name(self, own: str) -> str:
        """The full name of the array that the convention calls `own`."""
        return self.before + own + self.after


@dataclass(frozen=True, slots=True)
class Convention:
    """How a framework keeps the weights of its cells.

    ``forget_bias`` is what it adds to the forget gate's bias when it runs.
    """

    framework: str
    cells: Mapping[type[Cell[Any]], Layout]
    forget_bias: float = 0.0

    def layout(self, cell: Cell[Any]) -> Layout:
        """Its arrays for a cell. Raises: UsageError where it has no such cell."""
        if type(cell) in self.cells:
            return self.cells[type(cell)]
        known = ", ".join(kind.__name__ for kind in self.cells)
        raise UsageError(
            f"{self.framework} has weights for {known}; got {type(cell).__name__}",
            hint="convert the cell inside, where one wraps another",
        )

    def load(
        self, places: Sequence[Place], arrays: Mapping[str, Any], prefix: str = ""
    ) -> None:
        """Give every cell its weights; where one does not fit, change nothing.

        Raises: UsageError for what is no dict, for missing or further names that begin
            with `prefix`, ShapeError and DTypeError for arrays that do not fit.
        """
        if not isinstance(arrays, Mapping):
            raise UsageError(
                f"{self.framework}'s weights are given as a dict of arrays by name; "
                f"got {type(arrays).__name__}",
                hint="such as module.state_dict(), or dict(zip(names, arrays))",
            )
        self._check_names(places, [n for n in arrays if n.startswith(prefix)])
        loaded = [(place.cell, self._ours(place, arrays)) for place in places]
        for cell, values in loaded:
            for name, value in values.items():
                getattr(cell, name).set_value(value)

    def save(self, places: Sequence[Place]) -> dict[str, Array]:
        """The weights of every cell by the framework's names, as copies."""
        return {
            place.name(held): array
            for place in places
            for held, array in self._theirs(place.cell).items()
        }

    def _ours(self, place: Place, arrays: Mapping[str, Any]) -> dict[str, Array]:
        sizes, blocks = sizes_of(place.cell), Blocks()
        for held in self.layout(place.cell):
            name = place.name(held.name)
            array = _checked(name, arrays[name], held.shape(sizes), place.cell)
            blocks |= held.blocks(array, sizes)
        if self.forget_bias and ("b", "f") in blocks:
            blocks["b", "f"] = blocks["b", "f"] + self.forget_bias
        layout = OURS[type(place.cell)]
        own = {
            (q, gate) for held in layout for q in held.quantities for gate in held.gates
        }
        for (quantity, gate), second in blocks.copy().items():
            if quantity == "v" and ("v", gate) not in own:  # two biases are one
                blocks["b", gate] = blocks["b", gate] + second
        dtype = place.cell.parameters()["W"].dtype
        return {held.name: held.array(blocks).astype(dtype) for held in layout}

    def _theirs(self, cell: Cell[Any]) -> dict[str, Array]:
        layout = self.layout(cell)
        sizes, blocks = sizes_of(cell), Blocks()
        for held in OURS[type(cell)]:
            blocks |= held.blocks(getattr(cell, held.name).get_value(), sizes)
        if self.forget_bias and ("b", "f") in blocks:
            blocks["b", "f"] = blocks["b", "f"] - self.forget_bias
        nothing = {
            ("v", g): np.zeros_like(b) for (q, g), b in blocks.items() if q == "b"
        }
        return {held.name: held.array(nothing | blocks) for held in layout}

    def _check_names(self, places: Sequence[Place], found: Sequence[str]) -> None:
        wanted = [p.name(h.name) for p in places for h in self.layout(p.cell)]
        missing = sorted(set(wanted) - set(found))
        extra = sorted(set(found) - set(wanted))
        if not missing and not extra:
            return
        parts = [f"lack {', '.join(missing)}"] if missing else []
        parts += [f"also have {', '.join(extra[:4])}"] if extra else []
        raise UsageError(
            f"{self.framework}'s arrays for this model are {', '.join(wanted)}; "
            f"those given {' and '.join(parts)}",
            hint="where a layer was made without biases, give zeros for them"
            if missing and all("bias" in name for name in missing)
            else "prefix= chooses the layer among the arrays of a whole model",
        )


def layers(model: Any) -> list[list[Cell[Any]]]:
    """Each layer's cells from the bottom up: one, or those of both directions.

    Raises: UsageError for what is no cell, layer, or list of them.
    """
    if isinstance(model, Recurrent):
        return layers(model.cell)
    if isinstance(model, Stacked):
        return layers(model.cells)
    if isinstance(model, (list, tuple)):
        return [layer for part in model for layer in layers(part)]
    if isinstance(model, Bidirectional):
        return [[model.forward.cell, model.backward.cell]]
    if isinstance(model, Cell):
        return [[model]]
    raise UsageError(
        f"weights are those of cells and layers; got {type(model).__name__}",
    )


def one_layer(model: Any, framework: str) -> list[Cell[Any]]:
    """The cells of a model of one layer. Raises: UsageError for more layers."""
    found = layers(model)
    if len(found) != 1:
        raise UsageError(
            f"{framework} keeps each layer's weights apart; got {len(found)} layers",
            hint="convert them one after the other",
        )
    return found[0]


def one_cell(model: Any, framework: str) -> Cell[Any]:
    """The only cell of a model. Raises: UsageError for more cells."""
    cells = one_layer(model, framework)
    if len(cells) != 1:
        raise UsageError(
            f"{framework} keeps each direction's weights apart; got both",
            hint="convert layer.forward and layer.backward one after the other",
        )
    return cells[0]


def _checked(name: str, value: Any, shape: tuple[int, ...], cell: Cell[Any]) -> Array:
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise DTypeError(f"weights are floats; {name} is {array.dtype}")
    if array.shape != shape:
        sizes = sizes_of(cell)
        raise ShapeError(
            f"{name} must be {list(shape)}; got {list(array.shape)}",
            hint=f"the cell is a {type(cell).__name__} of {sizes.inputs} inputs and "
            f"{sizes.hidden} hidden units",
        )
    return array
