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


def known(limit: int, *, besides: str = "") -> Operation[Known]:
    """What the records of the newest runs tell, of so many, and that of the run `besides`.

    Runs without a record tell nothing.
    """
    runs = yield from running.runs()
    chosen = [run for place, run in enumerate(runs) if place < limit or run.id == besides]
    acts: list[Act] = []
    for run in chosen:
        try:
            record = yield from running.record(run.id)
        except NotFound:
            continue  # it was deleted just now
        about = {"owner": run.owner, "origin": run.origin, "executor": run.executor}
        acts += (act.model_copy(update=about) for act in acts_of(run.id, record))
    return Known(acts, len(chosen), len(runs) - len(chosen))


def exchanged(told: Known, run: str, step: str, name: str) -> File:
    """What a step has made, or else read, under this name. Raises NotFound."""
    for act in told.acts:
        if act.key == (run, step):
            for file in (*act.made, *act.read):
                if file.name == name:
                    return file
    raise NotFound(
        f"No record of step {step} tells of a file {name!r}.",
        "What a step has read and made is recorded once it has succeeded.",
    )


def traced(file: File, told: Known, *, derived: bool, as_it_was: bool = False) -> Trace:
    """What made the file, or what was made of it. May read a directory that it is in.

    Raises NotFound for what is neither here nor in a record. What has changed since a record named
    it raises Conflict; with `as_it_was`, what it was then is traced.
    """
    file = _as_recorded(file, told.acts, as_it_was)
    found = onward(file, told.acts) if derived else back(file, told.acts)
    return Trace(file=file, derived=derived, acts=tuple(found), runs=told.runs, more=told.more)


def _as_recorded(file: File, acts: Sequence[Act], as_it_was: bool) -> File:
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
    if there and as_it_was:
        return there[-1]
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


__all__ = ["LIMIT", "Known", "exchanged", "known", "meant", "traced"]
