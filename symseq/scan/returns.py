"""What a step function may return: outputs, updates and a stopping condition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symseq.errors import DTypeError, UsageError
from symseq.graph import SharedVariable, Variable
from symseq.ops.convert import as_tensor
from symseq.scan.updates import OrderedUpdates


class until:
    """Returned by a step beside its outputs: stop after the step where it holds.

    The step that stops is included in the outputs.
    """

    def __init__(self, condition: object) -> None:
        condition = as_tensor(condition)
        if condition.ndim != 0:
            raise DTypeError(f"until needs a scalar condition; got {condition.type}")
        self.condition = condition


@dataclass(slots=True)
class Returned:
    """The parts of what the step function returned."""

    outputs: list[Variable] = field(default_factory=list)
    updates: OrderedUpdates = field(default_factory=OrderedUpdates)
    condition: Variable | None = None


def sort_returned(value: Any) -> Returned:
    """Outputs, a list of them, updates (a dict or pairs), `until`, or a tuple of these.

    Raises: UsageError for anything else.
    """
    found = Returned()
    if not _enter(value, found):
        if not isinstance(value, (tuple, list)):
            raise _refuse(value)
        for part in value:
            if (found.outputs and _is_outputs(part)) or not _enter(part, found):
                raise _refuse(part)
    return found


def _enter(value: Any, found: Returned) -> bool:
    if value is None:
        return True
    if isinstance(value, until):
        found.condition = value.condition
    elif _is_updates(value):
        found.updates.update(value)
    elif _is_outputs(value):
        parts = value if isinstance(value, (tuple, list)) else [value]
        found.outputs.extend(as_tensor(part) for part in parts)
    else:
        return False
    return True


def _is_single(value: Any) -> bool:
    if isinstance(value, Variable):
        return True
    return hasattr(value, "dtype") or isinstance(value, (bool, int, float))


def _is_outputs(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_single, value))
    return _is_single(value)


def _is_updates(value: Any) -> bool:
    if isinstance(value, Mapping):
        return True
    return (
        isinstance(value, (list, tuple))
        and len(value) > 0
        and all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in value)
        and all(isinstance(pair[0], SharedVariable) for pair in value)
    )


def _refuse(value: object) -> UsageError:
    return UsageError(
        "a step returns outputs, updates and until(condition), in a tuple; "
        f"got {value!r}",
        hint="return outputs, or (outputs, updates), or (outputs, updates, until(c))",
    )
