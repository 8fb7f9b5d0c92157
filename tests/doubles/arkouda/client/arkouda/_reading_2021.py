"""Files, as the client of 2021 reads and writes them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from . import _datasets
from ._arrays import Strings, pdarray, write


def read_hdf(dsetName: str, filenames: str | list[str]) -> pdarray | Strings:  # noqa: N803 - likewise
    """One dataset."""
    return _datasets.read(_datasets.listed(filenames), "hdf5", [dsetName])[dsetName]


def read_all(
    filenames: str | list[str], datasets: str | list[str] | None = None
) -> pdarray | Strings | dict[str, pdarray | Strings]:
    """All datasets by name, or the only one itself."""
    wanted = [datasets] if isinstance(datasets, str) else datasets
    found = _datasets.read(_datasets.listed(filenames), "hdf5", wanted)
    return next(iter(found.values())) if len(found) == 1 else found


def load(path_prefix: str, dataset: str = "array") -> pdarray | Strings:
    return read_hdf(dataset, pattern(path_prefix))


def load_all(path_prefix: str) -> dict[str, pdarray | Strings]:
    return _datasets.read(_datasets.listed(pattern(path_prefix)), "hdf5", None)


def pattern(prefix: str) -> str:
    root, extension = os.path.splitext(prefix)
    return f"{root}_LOCALE*{extension}"


def get_datasets(filename: str) -> list[str]:
    return _datasets.names(_datasets.listed(filename), "hdf5")


def save_all(columns: Mapping[str, Any], prefix_path: str, mode: str = "truncate") -> None:
    """Write several arrays of one length into the same files."""
    if len({len(one) for one in columns.values()}) > 1:
        raise ValueError("the columns differ in size")
    wanted = {key: name for set_, one in columns.items() for key, name in one.columns(set_).items()}
    write(wanted, prefix_path, mode, "hdf5")
