"""Updates of shared variables, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from symseq.errors import UsageError
from symseq.graph import SharedVariable

Pairs = Mapping[Any, Any] | Iterable[tuple[Any, Any]]


class OrderedUpdates(dict[SharedVariable, Any]):
    """shared variable → its next value; ``a + b`` joins two.

    Raises: UsageError for a key that is no shared variable, and where two sides of a
    sum update one variable to different values.
    """

    def __init__(self, pairs: Pairs = ()) -> None:
        super().__init__()
        self.update(pairs)

    def __setitem__(self, key: SharedVariable, value: Any) -> None:
        if not isinstance(key, SharedVariable):
            raise UsageError(f"only shared variables can be updated; got {key!r}")
        super().__setitem__(key, value)

    def update(self, other: Pairs = (), /, **nothing: Any) -> None:  # type: ignore[override]
        pairs = other.items() if isinstance(other, Mapping) else other
        for key, value in pairs:
            if key in self and self[key] is not value:
                raise UsageError(
                    f"{key.label} is updated twice, to different values",
                    hint="join both changes in one expression",
                )
            self[key] = value

    def __add__(self, other: Pairs) -> OrderedUpdates:
        joined = OrderedUpdates(self)
        joined.update(other)
        return joined

    def __radd__(self, other: Pairs) -> OrderedUpdates:
        joined = OrderedUpdates(other)
        joined.update(self)
        return joined
