"""What one locale keeps: its block of each array."""

from __future__ import annotations

import io
import operator
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}
MAGIC = {"hdf5": b"\x89HDF\r\n\x1a\n", "parquet": b"PAR1"}


class Blocks:
    """The blocks of one locale by the name of their array; each method is one order to it.

    numpy is imported by the first order that needs it: the server starts without it.
    """

    def __init__(self) -> None:
        self.held: dict[str, Array] = {}

    def obey(self, order: str, *args: Any) -> Any:
        return getattr(self, order)(*args)

    def fill(self, name: str, dtype: str, count: int, value: Any) -> None:
        import numpy as np

        self.held[name] = np.full(count, value, dtype=dtype)

    def count_up(self, name: str, dtype: str, count: int, first: int, stride: int) -> None:
        import numpy as np

        block = np.arange(count, dtype=dtype)
        block *= stride
        block += first
        self.held[name] = block

    def put(self, name: str, dtype: str, data: bytes) -> None:
        import numpy as np

        self.held[name] = np.frombuffer(data, dtype=dtype).copy()

    def take(self, name: str) -> bytes:
        return self.held[name].tobytes()

    def ends(self, name: str, count: int) -> tuple[list[Any], list[Any]]:
        """The first and the last `count` values."""
        block = self.held[name]
        return block[:count].tolist(), block[-count:].tolist() if count else []

    def drop(self, name: str) -> None:
        self.held.pop(name, None)

    def combine(self, name: str, sign: str, left: Any, right: Any) -> str:
        """left `sign` right, each the name of an array or a tuple of one value; the new dtype."""
        values = [self.held[one] if isinstance(one, str) else one[0] for one in (left, right)]
        self.held[name] = BINARY[sign](*values)
        return str(self.held[name].dtype)

    def reduce(self, how: str, name: str) -> Any:
        block = self.held[name]
        if not len(block):
            return None
        return getattr(block, how)().item()

    def below(self, name: str, value: int) -> int:
        """How many values are smaller."""
        import numpy as np

        if value > np.iinfo(np.int64).max:
            return len(self.held[name])
        return int(np.count_nonzero(self.held[name] < value))

    def between(self, name: str, start: int, stop: int, low: int, high: int | None) -> Array:
        """Of a part of the block, the values from `low` on and below `high`."""
        part = self.held[name][start:stop]
        part = part[part >= low]
        return part if high is None else part[part < high]

    def put_at(self, name: str, place: int, values: Array | list[int]) -> None:
        self.held[name][place : place + len(values)] = values

    def order(self, name: str) -> None:
        self.held[name].sort()

    def save(self, path: str, form: str, wanted: dict[str, str], mode: str) -> int:
        """Write arrays (dataset to name) into one file; its size in bytes. Raises OSError."""
        import numpy as np

        stored: dict[str, Array] = {}
        if mode == "append" and Path(path).exists():
            stored = self.stored(path, form)
        stored |= {dataset: self.held[name] for dataset, name in wanted.items()}
        buffer = io.BytesIO()
        np.savez(buffer, **dict(stored.items()))  # type: ignore[arg-type]  # names of arrays
        data = MAGIC[form] + buffer.getvalue() + (MAGIC[form] if form == "parquet" else b"")
        with Path(path).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return len(data)

    @staticmethod
    def stored(path: str, form: str) -> dict[str, Array]:
        """The arrays in one file. Raises OSError; ValueError when it isn't such a file."""
        import zipfile

        import numpy as np

        data = Path(path).read_bytes()
        if not data.startswith(MAGIC[form]):
            raise ValueError(f"{path} is not a {form.upper()} file")
        tail = len(MAGIC[form]) if form == "parquet" else 0
        try:
            with np.load(io.BytesIO(data[len(MAGIC[form]) : len(data) - tail])) as found:
                return {key: found[key] for key in found.files}
        except (zipfile.BadZipFile, EOFError) as error:
            raise ValueError(f"{path} is truncated") from error

    def describe(self, path: str, form: str) -> dict[str, tuple[str, int]]:
        """Dataset to its dtype and size, of one file."""
        return {key: (str(one.dtype), len(one)) for key, one in self.stored(path, form).items()}

    def load(self, name: str, dataset: str, form: str, parts: list[tuple[str, int, int]]) -> None:
        """Take a block together from parts (path, from, to) of files."""
        import numpy as np

        found = [self.stored(path, form)[dataset][low:high] for path, low, high in parts]
        self.held[name] = np.concatenate(found)
