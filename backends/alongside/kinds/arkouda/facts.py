"""What an object in a server is known again by: its size, and what its values add up to."""

from __future__ import annotations

import math
from typing import Any

_NUMBERS = ("int64", "uint64", "float64", "bool")
Sum = float | int | str | None


def alike(one: Sum, other: Sum) -> bool:
    """Whether two sums of the same values may differ like this."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)  # added up in another order
    return one == other


def sum_of(value: Any) -> Sum:
    """What its values add up to, where they are numbers."""
    if type(value).__name__ != "pdarray":
        return None
    if str(value.dtype) not in _NUMBERS:
        return None
    total = value.sum()
    if not isinstance(total, int):
        total = float(total) if str(value.dtype) == "float64" else int(total)
    return str(total) if isinstance(total, float) and not math.isfinite(total) else total


def size_of(value: Any) -> int | None:
    """How many values it has; None where that means nothing."""
    try:
        return int(value.size)
    except (TypeError, ValueError, AttributeError):
        return None


def bytes_of(value: Any) -> int:
    """Bytes that its values take in a file at least; 0 when that isn't known."""
    name = type(value).__name__
    try:
        if name == "pdarray":
            return int(value.size) * int(value.itemsize)
        return int(value.nbytes) if name == "Strings" else 0
    except (TypeError, ValueError, AttributeError):
        return 0
