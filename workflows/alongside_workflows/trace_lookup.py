"""Looking up what made a file: its hash here, and what the records of runs say of that."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from alongside.errors import AlongsideError, Conflict, InvalidRequest, NotFound
from alongside.exchanges import Operation
from alongside_workflows import running
from alongside_workflows.step import staging
from alongside_workflows.step.crate import id_of
from alongside_workflows.step.hashing import sha256
from alongside_workflows.step.staging import Staged
from alongside_workflows.tracing import Act, File, Trace, acts_of, back, onward

LIMIT = 100
"""Runs whose records are read unless said otherwise."""
_HASH = re.compile(r"[0-9a-f]{64}")


class Known(NamedTuple):
    """What the records of runs tell."""

    acts: list[Act]
    runs: int
    more: int


def meant(target: str | os.PathLike[str]) -> File:
    """The file that is meant: a path, a URL, or a SHA-256. Reads it. Raises InvalidRequest."""
    place = os.fspath(target)
    if _HASH.fullmatch(place):
        return File(place=place, sha256=place)
    if staging.is_url(place):
        return File(place=id_of(Staged(place, Path(place), remote=True)))
    path = Path(os.path.abspath(staging.local(place, Path.cwd())))  # noqa: PTH100 - links stay
    try:
        return File(place=path.as_uri(), sha256=sha256(path))
    except FileNotFoundError:
        return File(place=path.as_uri())
    except OSError as error:
        raise InvalidRequest(
            f"{path} can't be read: {error.strerror}.", "Check its permissions."
        ) from None


def known(limit: int) -> Operation[Known]:
    """What the records of the newest runs tell, of so many; runs without a record tell nothing."""
    runs = yield from running.runs()
    acts: list[Act] = []
    for run in runs[:limit]:
        try:
            acts += acts_of(run.id, (yield from running.record(run.id)))
        except NotFound:
            continue  # it was deleted just now
    return Known(acts, len(runs[:limit]), len(runs[limit:]))


def traced(file: File, told: Known, *, derived: bool) -> Trace:
    """What made the file, or what was made of it. May read a directory that it is in.

    Raises NotFound for what is neither here nor in a record, and Conflict for what has changed
    since a record named it.
    """
    file = _as_recorded(file, told.acts)
    found = onward(file, told.acts) if derived else back(file, told.acts)
    return Trace(file=file, derived=derived, acts=tuple(found), runs=told.runs, more=told.more)


def _as_recorded(file: File, acts: Sequence[Act]) -> File:
    if any(act.has_made(file.sha256) or act.has_read(file.sha256) for act in acts):
        return file
    there = [one for one in _named(acts) if one.place == file.place]
    if not file.sha256:
        if not there:
            raise NotFound(
                f"There is nothing at {file.place}, and no record names it.",
                "Correct the path, or look at more runs with --limit.",
            )
        return there[-1]
    if (folder := _folder(file, acts)) is not None:
        return folder
    if there:
        raise Conflict(
            f"{file.place} has changed since a step has read or made it.",
            f"What it was then is traced by its hash: {there[-1].sha256}",
        )
    return file


def _folder(file: File, acts: Sequence[Act]) -> File | None:
    """The directory that a step has made as a whole and that it is in, if that is unchanged."""
    for made in _named(acts):
        if file.place.startswith(f"{made.place.rstrip('/')}/"):
            try:
                if sha256(staging.local(made.place, Path.cwd())) == made.sha256:
                    return made
            except (OSError, AlongsideError):
                continue
    return None


def _named(acts: Sequence[Act]) -> Iterator[File]:
    """All files that records name, those that were made last at the end."""
    for act in sorted(acts, key=lambda act: act.ended):
        yield from act.read
    for act in sorted(acts, key=lambda act: act.ended):
        yield from act.made


__all__ = ["LIMIT", "Known", "known", "meant", "traced"]
