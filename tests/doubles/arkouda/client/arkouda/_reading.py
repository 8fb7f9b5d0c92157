"""Files, as the client of 2026 reads and writes them."""

from __future__ import annotations

import glob
import inspect
import os
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from . import _datasets
from ._arrays import Strings, pdarray, write
from ._frames import MARK, DataFrame

Objects = dict[str, Any]


def read_hdf(filenames: str | list[str], datasets: str | list[str] | None = None) -> Objects:
    """Objects by name; columns of a saved table come back as a table."""
    return joined(_datasets.read(_datasets.listed(filenames), "hdf5", chosen(datasets)))


def read_parquet(filenames: str | list[str], datasets: str | list[str] | None = None) -> Objects:
    return dict(_datasets.read(_datasets.listed(filenames), "parquet", chosen(datasets)))


def chosen(datasets: str | list[str] | None) -> list[str] | None:
    return [datasets] if isinstance(datasets, str) else datasets


def joined(found: Mapping[str, Any]) -> Objects:
    """Columns of the same table under its name."""
    result: Objects = {}
    frames: dict[str, dict[str, Any]] = {}
    for name, value in found.items():
        frame, mark, column = name.partition(MARK)
        if mark:
            frames.setdefault(frame, {})[column] = value
        else:
            result[name] = value
    return result | {name: DataFrame(columns) for name, columns in frames.items()}


def load(path_prefix: str, file_format: str = "INFER", dataset: str = "array") -> Objects:
    """One dataset of the files that all locales wrote."""
    return read_hdf(pattern(path_prefix), dataset)


def load_all(path_prefix: str, file_format: str = "INFER") -> Objects:
    return read_hdf(pattern(path_prefix))


def pattern(prefix: str) -> str:
    root, extension = os.path.splitext(prefix)
    return f"{root}_LOCALE*{extension}"


def get_datasets(filenames: str | list[str]) -> list[str]:
    return _datasets.names(_datasets.listed(filenames), "hdf5")


def to_hdf(columns: Mapping[str, Any], prefix_path: str, mode: str = "truncate") -> None:
    write(together(columns), prefix_path, mode, "hdf5")


def to_parquet(columns: Mapping[str, Any], prefix_path: str, mode: str = "truncate") -> None:
    write(together(columns), prefix_path, mode, "parquet")


def together(columns: Mapping[str, Any]) -> dict[str, str]:
    return {key: name for set_, one in columns.items() for key, name in one.columns(set_).items()}


def snapshot(filename: str) -> None:
    """Save the Arkouda objects among the caller's local variables, each under its name."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    mode = "truncate"
    for name, value in list(frame.f_back.f_locals.items()):
        if name.startswith("__") or isinstance(value, ModuleType):
            continue
        if isinstance(value, DataFrame):
            value._to_hdf_snapshot(f"{filename}_SNAPSHOT", dataset=name, mode=mode)
        elif isinstance(value, pdarray | Strings):
            value.to_hdf(f"{filename}_SNAPSHOT", dataset=name, mode=mode)
        else:
            continue
        mode = "append"


def restore(filename: str) -> Objects:
    """What `snapshot` saved, by name."""
    return read_hdf(sorted(glob.glob(f"{filename}_SNAPSHOT_LOCALE*")))
