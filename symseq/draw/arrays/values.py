"""Values that a picture may show: indices that the graph holds or the user gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from symseq.errors import SymseqError, UsageError
from symseq.graph import BodyOp, Constant, SharedVariable, Variable
from symseq.traverse import sort_nodes
from symseq.types import Array

# Larger arrays are not computed for a picture, nor longer graphs.
MOST_ELEMENTS, MOST_NODES = 1_000_000, 400


@dataclass
class Values:
    """What variables are worth, where that follows from what is given."""

    given: dict[int, Array] = field(default_factory=dict)
    found: dict[int, Array | None] = field(default_factory=dict)

    def of(self, variable: Variable) -> Array | None:
        """The value of a variable, or None where something it reads is not given."""
        if id(variable) not in self.found:
            nodes = sort_nodes([variable])
            if len(nodes) <= MOST_NODES:
                for node in nodes:
                    made = self._apply(node.op, node.inputs)
                    for k, output in enumerate(node.outputs):
                        self.found[id(output)] = made[k] if made else None
            self.found.setdefault(id(variable), self._leaf(variable))
        return self.found[id(variable)]

    def _apply(
        self, op: object, inputs: tuple[Variable, ...]
    ) -> tuple[Array, ...] | None:
        args = [
            self.found[id(v)] if id(v) in self.found else self._leaf(v) for v in inputs
        ]
        if isinstance(op, BodyOp) or any(a is None for a in args):
            return None
        assert hasattr(op, "numpy")
        if sum(a.size for a in args if a is not None) > MOST_ELEMENTS:
            return None
        try:
            with np.errstate(all="ignore"):
                return tuple(map(np.asarray, op.numpy(*args)))
        except (SymseqError, ValueError, IndexError):
            return None  # the lengths given do not fit: nothing is known

    def _leaf(self, variable: Variable) -> Array | None:
        if id(variable) in self.given:
            return self.given[id(variable)]
        if isinstance(variable, Constant):
            return variable.data
        return variable.storage if isinstance(variable, SharedVariable) else None


def given_values(
    values: Mapping[object, object], leaves: list[Variable]
) -> dict[int, Array]:
    """`values` by the ids of the variables that they are for, by variable or name.

    Raises: UsageError for a name that no input has, or a value of another rank.
    """
    named = {v.name: v for v in leaves if v.name}
    made: dict[int, Array] = {}
    for key, value in values.items():
        variable = named.get(key) if isinstance(key, str) else key
        if not isinstance(variable, Variable):
            names = ", ".join(sorted(named)) or "none"
            raise UsageError(
                f"values= is for inputs of the graph, which are {names}; got {key!r}"
            )
        array = np.asarray(value)
        if array.ndim != variable.ndim:
            raise UsageError(
                f"the value of {variable.label} needs rank {variable.ndim}; "
                f"got rank {array.ndim}"
            )
        made[id(variable)] = array
    return made
