"""Values kept within bounds, by NumPy's and Theano's names for the bounds."""

from __future__ import annotations

from symseq.errors import UsageError
from symseq.graph import Variable
from symseq.ops import math
from symseq.ops.convert import as_tensor


def clip(
    x: object,
    min: object = None,
    max: object = None,
    *,
    a_min: object = None,
    a_max: object = None,
) -> Variable:
    """x where min <= x <= max, else the bound that it passed; None: no bound there.

    Raises: UsageError for a bound that is given by both names.
    """
    for name, given, other in (("min", min, a_min), ("max", max, a_max)):
        if given is not None and other is not None:
            raise UsageError(f"clip takes {name} or a_{name}, not both")
    low, high = min if a_min is None else a_min, max if a_max is None else a_max
    if low is None:
        return as_tensor(x) if high is None else math.minimum(x, high)
    return math.maximum(x, low) if high is None else math.clip(x, low, high)
