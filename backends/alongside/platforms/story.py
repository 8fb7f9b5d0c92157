"""The status of a backend as whoever looks after it tells it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alongside.kinds.base import Observation
from alongside.models import Stage, Status, Usage, now
from alongside.phases import ENDED, FOLLOWS, Phase

_STAGES = 40


class Story:
    """Keeps the status; its phases follow one another as they may."""

    def __init__(self, status: Status) -> None:
        self.status = status

    @property
    def phase(self) -> Phase:
        return self.status.phase

    def set(self, **values: Any) -> None:
        """Change fields of the status, except its phase."""
        self.status = self.status.model_copy(update=values)

    def tell(self, message: str) -> None:
        """Add a line to the story, unless it was the last thing said."""
        if self.status.stages and self.status.stages[-1].message == message:
            return
        stages = (*self.status.stages, Stage(time=now(), message=message))[-_STAGES:]
        self.set(stages=stages)

    def enter(self, phase: Phase, message: str, reason: str = "", remedy: str = "") -> None:
        """Go to another phase; ending is for good."""
        if phase is not self.phase and phase not in FOLLOWS[self.phase]:
            raise RuntimeError(f"{phase} does not follow {self.phase}")
        self.set(phase=phase, message=message, reason=reason, remedy=remedy)
        if phase is Phase.RUNNING and self.status.started is None:
            self.set(started=now())
        if phase in ENDED:
            self.set(ended=now(), ready=0, usage=Usage(), idle_since=None)
        self.tell(message)

    def observed(self, seen: Observation, address: str, ready: int) -> None:
        """What the backend says of itself; where it is reached, and how many members count."""
        since = seen.idle_since
        self.set(
            address=address,
            ready=ready,
            idle_since=None if since is None else datetime.fromtimestamp(int(since), UTC),
            versions=dict(seen.versions),
            facts=dict(seen.facts),
        )

    def used(self, usage: Usage) -> None:
        """Take over a usage that differs noticeably from the last one."""
        before = self.status.usage
        if abs(usage.cpu - before.cpu) >= 0.1 or abs(usage.memory - before.memory) > max(
            2**22, before.memory // 20
        ):
            self.set(usage=usage)
