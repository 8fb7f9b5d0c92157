"""Whether a step would only repeat what has been done: by a digest of all that decides about it.

In it are the cells of the notebook with their tags (or the command), the values of all parameters,
the content of the inputs, what the step is told otherwise (kernel, image, resources, environment,
backend, outputs), the Python version and every installed distribution with its version. What a
notebook reads without naming it as an input is not seen.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from alongside.models import Record
from alongside.platforms.local.store import Corrupt, read_below, write
from alongside_workflows.model import Step
from alongside_workflows.step.hashing import sha256

_IRRELEVANT = {
    *("name", "after", "takes", "parameters", "defaults"),
    *("retry", "timeout", "wait", "together", "cache", "joined"),
}
_FRESH = 2.0  # seconds: a file changed this lately may change again without another time stamp
_REMEMBERED = 2_000


class Unknowable(Exception):
    """No digest can be made: something is not a file here, or can't be read."""


class Outcome(Record):
    """An outcome that can be taken again instead of repeating the step."""

    run: str
    step: str
    attempt: int
    results: dict[str, JsonValue] = {}
    outputs: dict[str, str] = {}
    """Where each output lies, with its SHA-256."""


def digest(
    step: Step,
    values: Mapping[str, JsonValue],
    directory: str,
    memory: Memory,
    environment: str,
    image: str = "",
    notebook: Mapping[str, Any] | None = None,
) -> str:
    """The digest of a step with these values. Raises Unknowable.

    environment : what it is executed with, see `environment`
    image : the container image, with its digest
    notebook : the step's, if it has travelled with the definition
    """
    told = step.model_dump(mode="json", exclude=_IRRELEVANT)
    inputs = {name: memory.sha256(local(place, directory)) for name, place in step.inputs.items()}
    code: list[str] = []
    if notebook is not None:
        code = _cells(notebook, step.name)
    elif step.notebook is not None:
        code = cells(local(step.notebook, directory))
    content = [told, dict(values), inputs, code, directory, environment, image]
    return hashlib.sha256(_canonical(content)).hexdigest()


def local(place: str, directory: str) -> Path:
    """The path of a place on this machine. Raises Unknowable for those elsewhere."""
    if "://" in place:
        raise Unknowable(f"{place} is not on this machine")
    return Path(directory or Path.home(), Path(place).expanduser())


def cells(notebook: Path) -> list[str]:
    """What a notebook computes: its code cells, their tags, and the kernel. Raises Unknowable."""
    try:
        content = json.loads(notebook.read_bytes())
    except (OSError, ValueError) as error:
        raise Unknowable(f"{notebook} can't be read: {error}") from None
    return _cells(content, str(notebook))


def _cells(content: Any, name: str) -> list[str]:
    try:
        kernel = content.get("metadata", {}).get("kernelspec", {}).get("name", "")
        code = [cell for cell in content["cells"] if cell.get("cell_type") == "code"]
        tags = [sorted(map(str, cell.get("metadata", {}).get("tags") or ())) for cell in code]
        return [str(kernel), *("".join(cell.get("source", "")) for cell in code), *map(str, tags)]
    except (KeyError, TypeError, AttributeError) as error:
        raise Unknowable(f"{name} is no notebook: {error}") from None


@cache
def environment() -> str:
    """What steps are executed with: Python and each distribution that is installed beside us."""
    installed = sorted(f"{d.name}=={d.version}" for d in distributions())
    return hashlib.sha256(_canonical([sys.version, installed])).hexdigest()


class Memory:
    """Hashes of files and directories, so that big ones are not read again while unchanged.

    What is remembered lies in a file, by path, size, time of change and inode; without one it is
    kept as long as this object. Losing it costs time only.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[str, list[str]] = {}
        if path is not None:
            try:
                known = json.loads(read_below(path.parent, path.name))
                self._known = {str(k): [str(v[0]), str(v[1])] for k, v in known.items()}
            except (OSError, Corrupt, ValueError, AttributeError, IndexError, TypeError):
                self._known = {}

    def sha256(self, path: Path) -> str:
        """As `step.hashing.sha256`. Raises Unknowable."""
        try:
            marks, changed = _marks(path)
            known = self._known.get(str(path))
            if known is not None and known[0] == marks:
                return known[1]
            found = sha256(path)
        except OSError as error:
            raise Unknowable(f"{path} can't be read: {error.strerror}") from None
        if changed < time.time() - _FRESH:
            self._known[str(path)] = [marks, found]
        return found

    def save(self) -> None:
        """Keep it. Raises OSError."""
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            newest = dict(list(self._known.items())[-_REMEMBERED:])
            write(self._path, json.dumps(newest).encode())


class Index:
    """The outcomes of one user that can be taken again: a directory, one file each."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def memory(self) -> Memory:
        """The hashes that are remembered beside it."""
        return Memory(self.path / "hashes.json")

    def find(self, digest: str, memory: Memory) -> Outcome | None:
        """What came out for this digest, if every output of it still lies there unchanged."""
        try:
            known = Outcome.model_validate_json(read_below(self.path, f"{digest}.json"))
            same = all(memory.sha256(Path(p)) == h for p, h in known.outputs.items())
        except (OSError, Corrupt, ValidationError, Unknowable):
            return None
        return known if same else None

    def keep(self, digest: str, outcome: Outcome) -> None:
        """Remember an outcome. Raises OSError."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        write(self.path / f"{digest}.json", outcome.model_dump_json().encode())


def _marks(path: Path) -> tuple[str, float]:
    """What shows that a file, or anything below a directory, has changed; and when it last did."""
    found = path.stat()
    changed = found.st_mtime
    marks = [("", found.st_size, found.st_mtime_ns, found.st_ino)]
    left = [path] if path.is_dir() else []
    while left:
        with os.scandir(left.pop()) as entries:
            for entry in entries:
                one = entry.stat(follow_symlinks=False)
                changed = max(changed, one.st_mtime)
                marks.append((entry.path, one.st_size, one.st_mtime_ns, one.st_ino))
                if entry.is_dir(follow_symlinks=False):
                    left.append(Path(entry.path))
    return hashlib.sha256(_canonical(sorted(marks))).hexdigest(), changed


def _canonical(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode(
        "utf-8", "surrogateescape"
    )


__all__ = ["Index", "Memory", "Outcome", "Unknowable", "cells", "digest", "environment", "local"]
