"""The files of one saved object, and the manifest that vouches for all of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alongside.errors import NotFound, StorageFailed

MANIFEST: Final = "manifest.json"
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_DATASET: Final = "value"  # as the variable is called in the frame that `snapshot` looks at
_SNAPSHOT: Final = "_SNAPSHOT"


@dataclass(frozen=True)
class Written:
    """`how` tells what to call to load it; `files` has the bytes of each."""

    name: str
    how: dict[str, str]
    files: dict[str, int]


def write(client: Any, path: str, value: Any, at: Path, locales: int, least: int) -> Written:
    """Have the server write one object; its files, once they are there, whole and readable.

    path : what people call it; `at` is what the names of its files begin with
    least : bytes that its values take
    Raises StorageFailed, or what the client raises.
    """
    prefix, directory = str(at), at.parent
    if hasattr(client, "snapshot"):
        how = {"call": "snapshot", "suffix": _SNAPSHOT, "dataset": _DATASET}
        _snapshot(client.snapshot, prefix, value)
    else:
        how = {"call": "load", "suffix": "", "dataset": _DATASET}
        save = value.to_hdf if hasattr(value, "to_hdf") else value.save
        save(prefix, dataset=_DATASET)
    written = sorted(directory.glob(f"{at.name}{how['suffix']}_LOCALE*"))
    files = {file.name: file.stat().st_size for file in written}
    _check(path, directory, files, locales, least)
    _list(client, path, written[0])
    return Written(at.name, how, files)


def _snapshot(snapshot: Any, prefix: str, value: Any) -> None:
    # The client saves what it finds among the variables of whoever calls it: `value`, here.
    snapshot(prefix)


def _check(name: str, directory: Path, files: Mapping[str, int], locales: int, least: int) -> None:
    if not files:
        raise StorageFailed(
            f"The server wrote {name}, but there is no file of it in {directory}: it sees another "
            "directory under that name.",
            "Choose one that the group and the notebook share.",
        )
    if len(files) != locales:
        raise StorageFailed(
            f"{name} has {len(files)} files instead of {locales}, one for each locale.",
            "Try again; look at the group's log if it happens again.",
        )
    for file in files:
        with (directory / file).open("rb") as opened:
            if opened.read(len(_HDF5)) != _HDF5:
                raise StorageFailed(
                    f"{file} of {name} is not a whole HDF5 file.",
                    "Make sure that the disk is not full, then try again.",
                )
    if sum(files.values()) < least:
        raise StorageFailed(
            f"The files of {name} have {sum(files.values())} bytes, its values {least}.",
            "Make sure that the disk is not full, then try again.",
        )


def _list(client: Any, name: str, path: Path) -> None:
    """That the server finds the object in the file again."""
    if not hasattr(client, "get_datasets"):
        return
    try:
        there = [str(found) for found in client.get_datasets(str(path))]
    except RuntimeError as error:
        if "h5ls" in str(error):  # older servers list by a program that may not be installed
            return
        raise
    if not any(found.strip("/").startswith(_DATASET) for found in there):
        raise StorageFailed(
            f"{name} is not in the file that the server wrote for it.",
            "Keep what matters of it as an array in a variable of its own, and delete it.",
        )


def check_again(directory: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    """That the files are still as they were written. Raises StorageFailed."""
    for entry in entries:
        for name, size in entry["files"].items():
            try:
                seen = (directory / name).stat().st_size
            except OSError:
                seen = -1
            if seen != size:
                what = "is missing" if seen < 0 else f"has {seen} bytes instead of {size}"
                raise StorageFailed(
                    f"{name} in {directory} {what}.",
                    "Put it back from a copy; without it nothing is loaded.",
                )


def write_manifest(directory: Path, content: Mapping[str, Any]) -> None:
    """Make the saved files count: at once and for good, or not at all. Raises OSError."""
    store(directory / MANIFEST, content)


def store(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a JSON file in one step. Raises OSError."""
    beside = path.with_name(f".{path.name}")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_manifest(directory: Path, form: int) -> dict[str, Any]:
    """What is saved there. Raises NotFound, or StorageFailed when it can't be read."""
    try:
        content = json.loads((directory / MANIFEST).read_text("utf-8"))
    except FileNotFoundError:
        raise NotFound(
            f"Nothing is saved in {directory}.",
            "Name a directory that a relaunch or a pause has told you.",
        ) from None
    except (OSError, ValueError) as error:
        raise StorageFailed(f"{directory / MANIFEST} can't be read ({error}).") from None
    if not isinstance(content, dict) or content.get("format") != form:
        raise StorageFailed(
            f"{directory} was saved by another version of Alongside.",
            "Load it with the version of jupyterhub-alongside that saved it.",
        )
    return content
