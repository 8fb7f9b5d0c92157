"""What is in files, as the server sees them, and how objects are put together from it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from . import _connection
from ._arrays import Strings, made, pdarray

SEGMENTS, VALUES = "/segments", "/values"


def listed(filenames: str | list[str]) -> str:
    return json.dumps([filenames] if isinstance(filenames, str) else list(filenames))


def names(files: str, form: str) -> list[str]:
    """The objects in files; the two parts of texts count as one."""
    found = json.loads(_connection.ask("lsfile", form=form, files=files))
    return [name.removesuffix(SEGMENTS) for name in found if not name.endswith(VALUES)]


def read(files: str, form: str, wanted: Iterable[str] | None) -> dict[str, pdarray | Strings]:
    """Objects by name. Raises RuntimeError when there is none."""
    raw = json.loads(_connection.ask("lsfile", form=form, files=files))
    found: dict[str, pdarray | Strings] = {}
    for name in names(files, form) if wanted is None else wanted:
        if name + SEGMENTS in raw:
            found[name] = Strings(
                one(files, form, name + SEGMENTS), one(files, form, name + VALUES)
            )
        else:
            found[name] = one(files, form, name)
    if not found:
        raise RuntimeError("No items were returned")
    return found


def one(files: str, form: str, dataset: str) -> pdarray:
    return made(_connection.ask("readfile", form=form, dataset=dataset, files=files))
