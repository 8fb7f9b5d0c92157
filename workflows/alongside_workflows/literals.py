"""A value of JSON as Python writes it: what it evaluates to is exactly the value."""

from __future__ import annotations

import math
from collections.abc import Mapping

_DEEPEST = 60
"""Levels of lists in lists; Python's parser takes about 90, the code around has some."""
_LONGEST_DECIMAL = 4000
"""Digits: Python does not read longer decimal numbers, but any hexadecimal one."""


def literal(value: object, outer: str = "") -> str:
    """One line of Python. With `outer` "tuple" a list is written as a tuple, not what is in it.

    Raises ValueError, with a sentence's end (``is not a number``), for what JSON does not have.
    """
    if outer == "tuple" and isinstance(value, list | tuple):
        parts = [_written(item, 1) for item in value]
        return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
    return _written(value, 0)


def _written(value: object, depth: int) -> str:
    if depth > _DEEPEST:
        raise ValueError(f"is nested in more than {_DEEPEST} levels")
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int):
        big = value.bit_length() > 3 * _LONGEST_DECIMAL
        return hex(value) if big else int.__repr__(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("is or has a number that JSON does not have (NaN or infinite)")
        return float.__repr__(value)
    if isinstance(value, str):
        return str.__repr__(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_written(item, depth + 1) for item in value)}]"
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("has a key that is not text")
        pairs = (f"{str.__repr__(k)}: {_written(item, depth + 1)}" for k, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    raise ValueError(f"is or has something that JSON does not have ({type(value).__name__})")
