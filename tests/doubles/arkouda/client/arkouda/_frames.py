"""A table of the client of 2026: columns by name, each an array in the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ._arrays import Strings, pdarray, write
from ._creation import array

MARK = "__frame__"


class DataFrame:
    """Columns of one length."""

    def __init__(self, initialdata: Mapping[str, Any]) -> None:
        self.data: dict[str, pdarray | Strings] = {
            name: array(values) for name, values in initialdata.items()
        }
        sizes = {len(column) for column in self.data.values()}
        if len(sizes) > 1:
            raise ValueError("the columns differ in size")
        self.size = sizes.pop() if sizes else 0

    @property
    def columns(self) -> list[str]:
        return list(self.data)

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __getitem__(self, name: str) -> pdarray | Strings:
        return self.data[name]

    def __setitem__(self, name: str, values: Any) -> None:
        self.data[name] = array(values)

    def __repr__(self) -> str:
        return f"DataFrame({self.columns}, {self.size} rows)"

    def written(self, prefix: str = "") -> dict[str, str]:
        """Dataset to array."""
        found: dict[str, str] = {}
        for name, column in self.data.items():
            found |= column.columns(f"{prefix}{name}")
        return found

    def to_hdf(self, path: str, index: bool = False) -> None:
        write(self.written(), path, "truncate", "hdf5")

    def to_parquet(self, path: str, index: bool = False) -> None:
        write(self.written(), path, "truncate", "parquet")

    def _to_hdf_snapshot(
        self, path: str, dataset: str = "DataFrame", mode: str = "truncate"
    ) -> None:
        write(self.written(f"{dataset}{MARK}"), path, mode, "hdf5")
