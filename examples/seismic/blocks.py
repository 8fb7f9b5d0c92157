"""An array on disk in blocks, a file for each: Zarr's format 2 without compression.

Every Zarr library opens it. A block appears whole or not at all, so that many may write at the same
time, and who is killed while writing leaves nothing that could be taken for data.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Index = tuple[int, ...]


@dataclass(frozen=True)
class Blocks:
    """`shape` of the array and of a whole block, in elements; those at the end may be smaller."""

    path: Path
    shape: tuple[int, ...]
    block: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def open(cls, path: str | Path) -> Blocks:
        """One that is there."""
        said = json.loads(Path(path, ".zarray").read_text())
        if said["compressor"] is not None or said["filters"] or said["order"] != "C":
            raise ValueError(f"{path} is compressed; open it with a Zarr library")
        shape, block = tuple(said["shape"]), tuple(said["chunks"])
        return cls(Path(path).resolve(), shape, block, np.dtype(said["dtype"]))

    def create(self) -> Blocks:
        """Make it, empty; blocks that are there stay."""
        self.path.mkdir(parents=True, exist_ok=True)
        said = {
            "zarr_format": 2,
            "shape": self.shape,
            "chunks": self.block,
            "dtype": self.dtype.str,
            "compressor": None,
            "filters": None,
            "fill_value": 0,
            "order": "C",
        }
        self._put(".zarray", json.dumps(said, indent=1).encode())
        return self

    def indices(self) -> Iterator[Index]:
        """Of all blocks."""
        counts = (-(-size // block) for size, block in zip(self.shape, self.block, strict=True))
        return itertools.product(*(range(count) for count in counts))

    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """As Dask has them: the sizes of the blocks along each axis."""
        return tuple(
            tuple(min(block, size - start) for start in range(0, size, block))
            for size, block in zip(self.shape, self.block, strict=True)
        )

    def read(self, index: Index) -> np.ndarray:
        """A block, cut to what it has of the array."""
        whole = np.fromfile(self.path / self._name(index), self.dtype).reshape(self.block)
        return whole[tuple(map(slice, self._extent(index)))]

    def write(self, index: Index, values: np.ndarray) -> None:
        """A block, of the size that `read` gives."""
        whole = np.zeros(self.block, self.dtype)
        whole[tuple(map(slice, self._extent(index)))] = values
        self._put(self._name(index), whole.tobytes())

    def _extent(self, index: Index) -> Index:
        sizes = zip(index, self.shape, self.block, strict=True)
        return tuple(min(block, size - i * block) for i, size, block in sizes)

    def _name(self, index: Index) -> str:
        return ".".join(map(str, index))

    def _put(self, name: str, content: bytes) -> None:
        unfinished = self.path / f".{name}.{os.getpid()}.{os.urandom(4).hex()}"
        try:
            unfinished.write_bytes(content)
            unfinished.replace(self.path / name)
        finally:
            unfinished.unlink(missing_ok=True)
