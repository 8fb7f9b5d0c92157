"""New arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _connection
from ._arrays import Strings, made, pdarray


def array(values: Any) -> pdarray | Strings:
    """An array of the values of a list or a numpy array. Raises TypeError, RuntimeError."""
    if isinstance(values, pdarray | Strings):
        return values
    found = np.asarray(values)
    if found.dtype.kind in "US":
        return texts([str(one) for one in found])
    if found.dtype.name not in ("int64", "uint64", "float64", "bool"):
        raise TypeError(f"dtype {found.dtype} is not supported")
    return sent(found)


def sent(values: np.ndarray[Any, Any]) -> pdarray:
    """Values, brought to the server."""
    args = _connection.worded({"dtype": values.dtype.name, "size": values.size})
    return made(_connection.send("array", args, 2, np.ascontiguousarray(values).tobytes()))


def texts(values: list[str]) -> Strings:
    encoded = [value.encode() + b"\0" for value in values]
    starts = np.cumsum([0, *(len(one) for one in encoded)], dtype=np.int64)[:-1]
    return Strings(sent(starts), sent(np.frombuffer(b"".join(encoded), dtype=np.uint8)))


def zeros(size: int, dtype: Any = np.float64) -> pdarray:
    return made(_connection.ask("create", dtype=np.dtype(dtype).name, size=size))


def ones(size: int, dtype: Any = np.float64) -> pdarray:
    found = zeros(size, dtype)
    found.fill(1)
    return found


def arange(start: int, stop: int | None = None, stride: int = 1) -> pdarray:
    first, last = (0, start) if stop is None else (start, stop)
    return made(_connection.ask("arange", start=first, stop=last, stride=stride))


def sort(pda: pdarray) -> pdarray:
    """A new array with the values in order."""
    return made(_connection.ask("sort", name=pda.name))
