"""What a step reads and writes, brought to where it can be and put where it belongs.

A local path is used in place. What an fsspec URL names is fetched into the attempt's folder before
the step begins, and put there after it has succeeded.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from alongside_workflows.step.failing import StepFailed, cause
from alongside_workflows.task import BAD_INPUT

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(://|::)")

_SECRET = re.compile(r"(?<=://)[^/@?]*@")


@dataclass(frozen=True)
class Staged:
    """Something that a step reads or writes: where it belongs, and where it is meanwhile."""

    place: str
    path: Path
    remote: bool = False

    @property
    def shown(self) -> str:
        """Where it belongs, for people and records."""
        return shown(self.place) if self.remote else str(self.path)


def is_url(place: str) -> bool:
    """Whether it is elsewhere: an fsspec URL, but not one of a file of this machine."""
    return bool(_URL.match(place)) and not place.startswith("file://")


def shown(url: str) -> str:
    """A URL without what may be secret: user, password, and a query (which may be a signature)."""
    return "::".join(_SECRET.sub("", link).partition("?")[0] for link in url.split("::"))


def local(place: str, directory: Path) -> Path:
    """The path that a place without a URL means."""
    if place.startswith("file://"):
        return Path(url2pathname(urlsplit(place).path))
    return directory / Path(place).expanduser()


def check(places: Mapping[str, str], directory: Path) -> None:
    """Raise StepFailed that names all local inputs that aren't there."""
    missing = {
        name: path
        for name, place in places.items()
        if not is_url(place) and not (path := local(place, directory)).exists()
    }
    if missing:
        named = ", ".join(f"{name} ({path})" for name, path in missing.items())
        raise StepFailed(
            f"{'Inputs are' if len(missing) > 1 else 'An input is'} missing: {named}.",
            "Correct the path, or make sure that the step that makes it comes before.",
            BAD_INPUT,
        )


def fetch(name: str, place: str, directory: Path, into: Path) -> Staged:
    """Bring one input to this machine; it appears complete or not at all. Raises StepFailed."""
    if not is_url(place):
        return Staged(place, local(place, directory))
    draft = into / f".{name}"
    try:
        files, path = _opened(place)
        target = draft / _base(path, name)
        draft.mkdir(parents=True)
        if files.isdir(path):
            files.get(path.rstrip("/") + "/", f"{target}/", recursive=True)
        else:
            files.get_file(path, str(target))
        draft.replace(into / name)
    except StepFailed:
        raise
    except FileNotFoundError as error:
        raise StepFailed(
            f"An input is missing: {name} ({shown(place)}).", "Correct its URL.", BAD_INPUT
        ) from error
    except Exception as error:  # whatever a file system of somebody else's raises
        raise _failed(f"The input {name} could not be fetched from", place, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Staged(place, into / name / target.name, remote=True)


def prepare(name: str, place: str, directory: Path, into: Path) -> Staged:
    """Where the step is to write one of its outputs; the directory for it is made."""
    if is_url(place):
        staged = Staged(place, into / name / _base(_opened(place)[1], name), remote=True)
    else:
        staged = Staged(place, local(place, directory))
    try:
        staged.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StepFailed(
            f"The output {name} can't be written to {staged.path.parent}: {cause(error)}.",
            "Choose another place for it.",
            BAD_INPUT,
        ) from error
    return staged


def size(path: Path) -> int:
    """Bytes of a file, or of all files below a directory that can be read."""
    if not path.is_dir():
        return path.stat().st_size if path.exists() else 0
    found = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    return sum(one.lstat().st_size for one in found if one.exists())


def put(name: str, staged: Staged) -> None:
    """Bring an output to where it belongs. Raises StepFailed."""
    if not staged.remote:
        return
    try:
        files, path = _opened(staged.place)
        if staged.path.is_dir():
            files.put(f"{staged.path}/", path.rstrip("/") + "/", recursive=True)
        else:
            files.makedirs(files._parent(path), exist_ok=True)
            files.put_file(str(staged.path), path)
    except StepFailed:
        raise
    except Exception as error:
        raise _failed(f"The output {name} could not be put to", staged.place, error) from error


def copy(source: Path, place: str, directory: Path) -> None:
    """Put a copy of a file somewhere besides; it appears complete. Raises StepFailed."""
    if is_url(place):
        put(source.name, Staged(place, source, remote=True))
        return
    target = local(place, directory)
    draft = target.with_name(f".{target.name}.draft")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, draft)
        draft.replace(target)
    except OSError as error:
        raise StepFailed(
            f"{source.name} could not be put to {target}: {cause(error)}.",
            "Choose another place for it.",
        ) from error


def _opened(url: str) -> tuple[Any, str]:
    fsspec = import_module("fsspec.core")  # slow, and rarely needed
    try:
        files, path = fsspec.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise StepFailed(
            f"{shown(url)} can't be used: {cause(error).replace(url, shown(url))}.",
            "Correct the URL, or install what fsspec needs for it.",
            BAD_INPUT,
        ) from error
    return files, str(path)


def _base(path: str, name: str) -> str:
    """The last part of a path: programs look at the ending."""
    base = re.split(r"[?#]", path, maxsplit=1)[0].rstrip("/").rpartition("/")[2]
    return base if base not in ("", ".", "..") and "\0" not in base else name


def _failed(what: str, url: str, error: Exception) -> StepFailed:
    reason = cause(error).replace(url, shown(url))
    return StepFailed(
        f"{what} {shown(url)}: {reason}.",
        "Check that it can be reached from here, and that the credentials for it are there.",
    )
