"""What is saved of backends in a notebook's directory, and of which ones.

A directory holds the files that a kind has written, and a record that says whose they are and how
to launch such a backend again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import MutableMapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, Field, ValidationError

from alongside.errors import Conflict, NotFound, StorageFailed
from alongside.models import Backend, Lifetime, Record, now

PLACE = Path(".alongside") / "saved"
RECORD = "backend.json"


class Saved(Record):
    """One backend's memory in files."""

    id: str
    name: str
    kind: str
    profile: str
    keep: bool = False
    lifetime: Lifetime = Lifetime()
    options: dict[str, Any] = {}
    variables: tuple[str, ...] = Field((), description="The notebook's variables that it is of.")
    created: AwareDatetime
    unfinished: bool = Field(
        False, description="Whether the backend was being stopped, to be started anew."
    )

    @classmethod
    def of(cls, backend: Backend, variables: tuple[str, ...], *, unfinished: bool) -> Saved:
        """What is needed to have this backend again."""
        own = {name: getattr(backend, name) for name in cls.model_fields if hasattr(backend, name)}
        return cls(**own | {"variables": variables, "created": now(), "unfinished": unfinished})


def new_directory(name: str, moment: datetime | None = None) -> Path:
    """Where to save a backend of this name: a path in the working directory, not there yet."""
    moment = moment or datetime.now().astimezone()
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:40] or "backend"
    first = Path.cwd() / PLACE / f"{plain}-{moment:%Y%m%d-%H%M%S}"
    found, number = first, 1
    while found.exists():
        number += 1
        found = first.with_name(f"{first.name}-{number}")
    return found


def usable(directory: str | os.PathLike[str] | None, name: str) -> Path:
    """The directory to save to, as it was asked for. Raises Conflict when it is not empty."""
    if directory is None:
        return new_directory(name)
    path = Path(directory).expanduser().absolute()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise Conflict(f"{path} is not empty.", "Choose another directory.", "directory")
    return path


def write(directory: Path, saved: Saved) -> None:
    """Note what is in the directory, in one step. Raises StorageFailed."""
    beside = directory / f".{RECORD}"
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(json.dumps(saved.model_dump(mode="json"), indent=1))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(directory / RECORD)
    except OSError as error:
        raise StorageFailed(
            f"{directory} can't be written ({error.strerror or error}).",
            "Make sure that the disk is not full, or choose another directory.",
        ) from None


def read(directory: Path) -> Saved:
    """What is in the directory. Raises NotFound, or StorageFailed when that can't be read."""
    try:
        return Saved.model_validate_json((directory / RECORD).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"Nothing is saved in {directory}.", f"What is saved here: {_known()}."
        ) from None
    except (OSError, ValidationError):
        raise StorageFailed(
            f"{directory / RECORD} can't be read.",
            "Load the files by hand, or put them back from a copy.",
        ) from None


def find(named: str | os.PathLike[str]) -> tuple[Path, Saved]:
    """The directory of this path, else the newest one of a backend of this name."""
    path = Path(named).expanduser().absolute()
    if not (path / RECORD).exists() and isinstance(named, str):
        of_name = [(at, saved) for at, saved in everything() if saved.name == named]
        if of_name:
            return max(of_name, key=lambda pair: pair[1].created)
    return path, read(path)


def unfinished(id: str) -> Path | None:
    """What an earlier attempt to start this backend anew has left to be loaded."""
    found = [(at, saved) for at, saved in everything() if saved.id == id and saved.unfinished]
    return max(found, key=lambda pair: pair[1].created)[0] if found else None


def everything() -> list[tuple[Path, Saved]]:
    """All that is saved in the working directory."""
    found = []
    for record in sorted((Path.cwd() / PLACE).glob(f"*/{RECORD}")):
        try:
            found.append((record.parent, read(record.parent)))
        except (NotFound, StorageFailed):
            continue
    return found


def remove(directory: Path) -> None:
    """Forget what is saved there, which has been loaded."""
    shutil.rmtree(directory, ignore_errors=True)


def write_or_remove(directory: Path, saved: Saved) -> None:
    """Note what has just been saved there; when that fails, remove it and raise StorageFailed."""
    try:
        write(directory, saved)
    except StorageFailed:
        remove(directory)
        raise


def _known() -> str:
    return ", ".join(sorted({saved.name for _, saved in everything()})) or "nothing"


def notebook() -> MutableMapping[str, Any]:
    """The variables of the notebook, or of the script, that runs in this process."""
    python = sys.modules.get("IPython")
    shell = python.get_ipython() if python is not None else None
    if shell is not None:
        variables: MutableMapping[str, Any] = shell.user_ns
        return variables
    return vars(sys.modules["__main__"])
