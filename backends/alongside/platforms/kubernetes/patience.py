"""What holds a backend up, and how long that is put up with."""

from __future__ import annotations

import time
from collections.abc import Callable

from alongside.errors import AlongsideError, CapacityExceeded, InvalidRequest
from alongside.models import now
from alongside.phases import Phase
from alongside.platforms.endings import Ending, end_of_life
from alongside.platforms.kubernetes import objects, trouble
from alongside.platforms.kubernetes.answers import Refused, Undefined
from alongside.platforms.kubernetes.charge import Charge
from alongside.platforms.kubernetes.trouble import Trouble
from alongside.units import format_duration

LAST = 30.0
"""Seconds between two tries at most."""
_FINAL = 15.0  # seconds for which a trouble that waiting won't cure is put up with
_CRASHES = 3


class Patience:
    """Says what is wrong with a backend, which `trouble` finds out, and when that is its end."""

    def __init__(self, charge: Charge, trouble: Callable[[], Trouble | None]) -> None:
        self._of = charge
        self._trouble = trouble
        self._final_since: float | None = None

    @property
    def left(self) -> float:
        """Seconds until a start has taken too long; one at least."""
        of = self._of
        left = of.spec.start_timeout - (now() - of.spec.created)
        starting = of.story.phase is Phase.STARTING
        return max(1.0, left.total_seconds()) if starting else LAST

    def check(self) -> None:
        """Say what holds things up. Raises Ending when it is over or can't come up."""
        of = self._of
        if (ending := end_of_life(of.spec, of.story.status, now())) is not None:
            raise ending
        if not of.unsettled:
            self._final_since = None
            return
        found = self._trouble()
        if found is not None:
            self._tell(found)
        elif self._final_since is not None or (
            of.story.status.reason and of.story.phase is Phase.STARTING
        ):
            self._final_since = None
            of.story.set(reason="", message=f"Starting the {of.kind.title}", remedy="")
        if of.story.phase is Phase.STARTING:
            self._check_crashes()
            self._check_start(found)
        elif not of.heard and of.waited > of.spec.start_timeout.total_seconds():
            raise Ending(
                Phase.FAILED,
                f"{of.head.name.capitalize()}Lost",
                f"The {of.head.name} was lost and has not come back. "
                f"{found.message if found else ''}".strip(),
                "Launch it again.",
            )

    def hindered(self, error: AlongsideError) -> bool:
        """The API server keeps us from going on; True when that is the end.

        What runs already goes on without us.
        """
        of = self._of
        if of.story.phase is Phase.STOPPING:
            of.story.tell(error.message)
        if not of.unsettled:
            return False
        reason = _reason(error)
        of.story.set(reason=reason, message=error.message, remedy=error.remedy)
        of.story.tell(error.message)
        if of.story.phase is not Phase.STARTING:
            return False
        waited = (now() - of.spec.created).total_seconds()
        patience = of.spec.start_timeout.total_seconds()
        if isinstance(error, Refused | InvalidRequest):  # waiting won't help
            patience = min(_FINAL, patience)
        if waited > patience:
            of.story.enter(Phase.STOPPING, error.message, reason, error.remedy)
        return waited > patience

    def _tell(self, found: Trouble) -> None:
        story = self._of.story
        story.set(reason=found.reason, message=found.message, remedy=found.remedy)
        story.tell(found.message)
        if found.final:
            self._final_since = self._final_since or time.monotonic()
            late = time.monotonic() - self._final_since > _FINAL
            if late and story.phase is Phase.STARTING:
                raise Ending(Phase.FAILED, found.reason, found.message, found.remedy)

    def _check_start(self, found: Trouble | None) -> None:
        of = self._of
        limit = of.spec.start_timeout
        if now() - of.spec.created <= limit:
            return
        counted = f"{of.story.status.ready} of {of.counted(of.aim)} were ready."
        raise Ending(
            Phase.FAILED,
            found.reason if found else "StartTimeout",
            f"It was not ready after {format_duration(limit)}. "
            f"{found.message if found else counted}",
            found.remedy if found else "Ask for less, or try again when there is more room.",
        )

    def _check_crashes(self) -> None:
        """Processes that end again and again before anything has worked."""
        for pod in () if self._of.story.status.ready else self._of.pods():
            count, how = trouble.restarts_of(pod)
            if count >= _CRASHES:
                name = objects.process_of(pod)
                raise Ending(
                    Phase.FAILED,
                    f"{objects.role_of(pod).capitalize()}sCrashing",
                    f"{name} ends again and again ({how}).",
                    f"See the log of {name}; often more memory for each helps.",
                )


def _reason(error: AlongsideError) -> str:
    match error:
        case CapacityExceeded():
            return "QuotaExceeded"
        case Undefined():
            return "DefinitionsMissing"
    return type(error).__name__
