"""Which steps of a trace are told: by name, by notebook, by time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from alongside.errors import InvalidRequest
from alongside.units import parse_duration
from alongside_workflows.tracing import Act, File


def matching(
    acts: Sequence[Act],
    *,
    step: str = "*",
    code: str = "*",
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[Act, ...]:
    """Those that are meant, in their order; ``*`` and ``?`` in names stand for anything.

    step : its name, or that of its workflow
    code : its notebook's name or path; of a command its program
    since, until : when it ended
    """
    return tuple(
        act
        for act in acts
        if _fits(step, act.step, act.workflow)
        and _fits(code, *_names(act.code))
        and (since is None or act.ended >= since)
        and (until is None or act.ended <= until)
    )


def moment(said: datetime | str, now: datetime) -> datetime:
    """The moment that is meant: ``2026-11-22 14:00``, here unless it says where, or ``2 d``: so
    long ago. Raises InvalidRequest."""
    if isinstance(said, datetime):
        return said.astimezone()
    try:
        return datetime.fromisoformat(said).astimezone()
    except ValueError:
        pass
    try:
        return now - parse_duration(said)
    except (ValueError, OverflowError):
        raise InvalidRequest(
            f"{said[:60]!r} is no time.", "Write 2026-11-22, 2026-11-22T14:00, or 2d."
        ) from None


def _fits(pattern: str, *names: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _names(code: File) -> tuple[str, ...]:
    place = code.place
    path = unquote(urlsplit(place).path) if place.startswith("file://") else place
    return code.name, path, PurePosixPath(path).name


__all__ = ["matching", "moment"]
