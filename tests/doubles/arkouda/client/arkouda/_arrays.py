"""Objects of the client: names of what lives in the server."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from . import _connection
from ._age import NEW

CODES = {"int64": np.int64, "uint64": np.uint64, "float64": np.float64, "bool": np.bool_}


def scalar(text: str) -> Any:
    """A value from a reply: its type and itself."""
    kind, value = text.split(" ", 1)
    if kind == "bool":
        return np.bool_(value == "True")
    return CODES[kind](value)


def write(columns: dict[str, str], prefix: str, mode: str, form: str) -> None:
    """Have the server write arrays (dataset to name) into files."""
    if mode not in ("truncate", "append"):
        raise ValueError("Allowed modes are 'truncate' and 'append'")
    _connection.ask("tofile", prefix=prefix, form=form, mode=mode, columns=json.dumps(columns))


class Saved:
    """What can be written into files: one file per locale, the arrays under a dataset's name."""

    def columns(self, dataset: str) -> dict[str, str]:
        """Dataset to array, as it is written."""
        raise NotImplementedError

    if NEW:

        def to_hdf(self, prefix_path: str, dataset: str = "array", mode: str = "truncate") -> None:
            write(self.columns(dataset), prefix_path, mode, "hdf5")

        def to_parquet(
            self, prefix_path: str, dataset: str = "array", mode: str = "truncate"
        ) -> None:
            write(self.columns(dataset), prefix_path, mode, "parquet")

    else:

        def save(self, prefix_path: str, dataset: str = "array", mode: str = "truncate") -> None:
            write(self.columns(dataset), prefix_path, mode, "hdf5")


class pdarray(Saved):  # noqa: N801 - the real package's name
    """One array in the server. It is deleted there when its last reference here goes."""

    def __init__(self, name: str, mydtype: Any, size: int) -> None:
        self.name = name
        self.dtype = np.dtype(mydtype)
        self.size = int(size)
        self.ndim = 1
        self.shape = (self.size,)
        self.itemsize = self.dtype.itemsize
        self.nbytes = self.size * self.itemsize

    def __del__(self) -> None:
        # By name, on whatever server the client is connected to by then: as the real one.
        with contextlib.suppress(Exception):
            _connection.ask("delete", name=self.name)

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return _connection.ask("repr", name=self.name, threshold=100)

    __str__ = __repr__
    __hash__ = None

    def binary(self, sign: str, other: Any, swapped: bool = False) -> pdarray:
        if isinstance(other, pdarray):
            left, right = (other, self) if swapped else (self, other)
            return made(_connection.ask("binopvv", sign=sign, left=left.name, right=right.name))
        kind = np.asarray(other).dtype.name
        cmd = "binopsv" if swapped else "binopvs"
        return made(_connection.ask(cmd, sign=sign, name=self.name, dtype=kind, value=other))

    def sum(self) -> Any:
        return self.reduced("sum")

    def min(self) -> Any:
        return self.reduced("min")

    def max(self) -> Any:
        return self.reduced("max")

    def reduced(self, how: str) -> Any:
        return scalar(_connection.ask("reduction", how=how, name=self.name))

    def to_ndarray(self) -> np.ndarray[Any, Any]:
        """The values, brought here."""
        frame = _connection.fetch("tondarray", _connection.worded({"name": self.name}), 1)
        return np.frombuffer(frame, dtype=self.dtype).copy()

    def fill(self, value: Any) -> None:
        _connection.ask("set", name=self.name, dtype=self.dtype.name, value=value)

    def register(self, user_defined_name: str) -> pdarray:
        _connection.ask("register", name=self.name, wanted=user_defined_name)
        return self

    @staticmethod
    def attach(user_defined_name: str) -> pdarray:
        return made(_connection.ask("attach", wanted=user_defined_name))

    def columns(self, dataset: str) -> dict[str, str]:
        return {dataset: self.name}


def operator(sign: str, swapped: bool = False) -> Callable[[pdarray, Any], pdarray]:
    return lambda self, other: self.binary(sign, other, swapped)


for _name, _sign in {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "and": "&", "or": "|", "xor": "^",
}.items():  # fmt: skip
    setattr(pdarray, f"__{_name}__", operator(_sign))
    setattr(pdarray, f"__r{_name}__", operator(_sign, swapped=True))
for _name, _sign in {
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=",
}.items():  # fmt: skip
    setattr(pdarray, f"__{_name}__", operator(_sign))


def made(reply: str) -> pdarray:
    """The array that a reply says was made."""
    _, name, dtype, size, *_ = reply.split()
    return pdarray(name, dtype, int(size))


class Strings(Saved):
    """Texts in the server: where each begins, and the bytes of all of them."""

    def __init__(self, offsets: pdarray, values: pdarray) -> None:
        self.offsets = offsets
        self.bytes = values
        self.name = offsets.name
        self.size = offsets.size
        self.dtype = np.dtype(str)

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"array({self.to_ndarray().tolist()!r})"

    def to_ndarray(self) -> np.ndarray[Any, Any]:
        """The texts, brought here."""
        data = self.bytes.to_ndarray().tobytes()
        return np.array([one.decode() for one in data.split(b"\0")[:-1]], dtype=str)

    def columns(self, dataset: str) -> dict[str, str]:
        return {f"{dataset}/segments": self.offsets.name, f"{dataset}/values": self.bytes.name}
