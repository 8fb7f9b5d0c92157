"""Operations that wait until a backend is as it should be, and what is told when it isn't."""

from __future__ import annotations

import time

from alongside.errors import AlongsideError, Conflict, NotFound, NotReady, Unavailable
from alongside.exchanges import Operation, Pause
from alongside.models import Backend, Connection, Stage
from alongside.operations import connection, get
from alongside.phases import ENDED, USABLE, Phase

_WAIT_FIRST, _WAIT_MOST = 0.02, 1.0


def wait(
    id: str, until: frozenset[Phase], timeout: float, members: int | None = None
) -> Operation[Backend]:
    """The backend once its phase is one of `until` and it is `members` large, if given.

    Raises Conflict when it ended instead, NotReady after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    pause = _WAIT_FIRST
    while True:
        try:
            backend = yield from get(id)
        except NotFound:
            raise Conflict(
                "The backend has ended and its record is gone.", "Launch another one."
            ) from None
        except Unavailable:
            if time.monotonic() >= deadline:
                raise
            yield Pause(_WAIT_MOST)
            continue
        sized = members is None or backend.wanted == backend.ready == members
        if backend.phase in until and sized:
            return backend
        if backend.phase in ENDED or (backend.phase is Phase.STOPPING and until <= USABLE):
            raise ended(backend)
        left = deadline - time.monotonic()
        if left <= 0:
            raise not_ready(backend, timeout)
        yield Pause(min(pause, left))
        pause = min(pause * 1.1, _WAIT_MOST)  # a tenth too late at most


def reachable(
    id: str, timeout: float, seen: Backend | None = None
) -> Operation[tuple[Backend, Connection]]:
    """The backend once it is usable, and how to reach it; also while it is started anew.

    What has just been `seen` of it need not be asked again.
    """
    deadline = time.monotonic() + timeout
    while True:
        left = max(deadline - time.monotonic(), 0.0)
        if seen is None or seen.phase not in USABLE:
            seen = yield from wait(id, USABLE, left)
        try:
            return seen, (yield from connection(id))
        except NotReady:
            if not left:
                raise
        seen = None
        yield Pause(min(5 * _WAIT_FIRST, left))


def restarted(
    id: str, stages: tuple[Stage, ...], members: int, timeout: float
) -> Operation[Backend]:
    """The backend once it has been started anew after `stages` of its story, and runs.

    Raises Conflict when it ended instead, NotReady after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    running = frozenset({Phase.RUNNING})
    while True:
        left = max(deadline - time.monotonic(), 0.0)
        backend = yield from wait(id, running, left, members)
        if backend.stages != stages:
            return backend
        if not left:
            raise not_ready(backend, timeout)
        yield Pause(_WAIT_FIRST)


def ended(backend: Backend) -> AlongsideError:
    """What to tell when a backend that is to be used has ended."""
    what = "has failed" if backend.phase is Phase.FAILED else f"is {backend.phase}"
    cause = f": {backend.message}" if backend.message else "."
    remedy = backend.remedy or "Launch another one."
    return Conflict(f"{backend.name} {what}{_stop(cause)}", remedy)


def not_ready(backend: Backend, seconds: float) -> NotReady:
    """What to tell when a backend takes longer than somebody is ready to wait."""
    detail = f": {backend.message}" if backend.message else "."
    return NotReady(
        f"{backend.name} is still {backend.phase} after {seconds:.0f} s, "
        f"{backend.ready} of {backend.wanted} ready{_stop(detail)}",
        f"Wait longer, or look at `alongside show {backend.name}`.",
    )


def _stop(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def gone(id: str, timeout: float) -> Operation[None]:
    """Return once it has ended; its record may be gone too."""
    try:
        yield from wait(id, ENDED, timeout)
    except Conflict:
        return


__all__ = ["ended", "gone", "not_ready", "reachable", "restarted", "wait"]
