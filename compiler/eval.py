"""``x.eval({y: 2})``: the value of a variable, compiled on the spot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symseq.graph import Variable
from symseq.operators import METHODS

from .function import function


def evaluate(
    variable: Variable, inputs_to_values: Mapping[Variable, object] | None = None
) -> Any:
    """The value of `variable` where each key of `inputs_to_values` has its value.

    For a look at a value: every call compiles anew.

    Raises: MissingInputError for an input without a value.
    """
    given = dict(inputs_to_values or {})
    compute = function(
        list(given), variable, on_unused_input="ignore", allow_input_downcast=True
    )
    return compute(*given.values())


METHODS["eval"] = evaluate
