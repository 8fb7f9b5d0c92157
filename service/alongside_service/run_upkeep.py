"""How long runs are kept: a pure decision, and who carries it out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alongside.errors import AlongsideError
from alongside.models import now
from alongside_service.runs import Runs
from alongside_workflows.executors.base import ObservedRun

_EVERY = 10.0
_AFTER_FAILURE = timedelta(minutes=5)
_log = logging.getLogger("alongside.runs")


def superfluous(
    run: ObservedRun, moment: datetime, retention: timedelta, *, owner_gone: bool = False
) -> str:
    """Why nothing of a run is to be left; '' when it is to be kept.

    A live one is only ended when its owner is gone for good.
    """
    if owner_gone:
        return "its owner is gone"
    if not run.status.state.final:
        return ""
    ended = run.status.ended or run.spec.created
    return "it has been kept for long enough" if ended + retention <= moment else ""


@dataclass
class RunUpkeep:
    """Forgets runs in time. `owner_gone` tells whether a user is gone for sure."""

    runs: Runs
    retention: timedelta
    owner_gone: Callable[[str], bool]
    _again: dict[str, datetime] = field(default_factory=dict)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look(now())
            await asyncio.sleep(_EVERY)

    async def look(self, moment: datetime) -> None:
        """Forget what is to be forgotten; what can't be is tried again after a while."""
        for run in self.runs:
            spec = run.spec
            why = superfluous(run, moment, self.retention, owner_gone=self.owner_gone(spec.owner))
            if not why or self._again.get(spec.id, moment) > moment:
                continue
            _log.info("Forgetting run %s of %s: %s.", spec.id, spec.owner, why)
            try:
                await self.runs.forget(run)
                self._again.pop(spec.id, None)
            except (AlongsideError, OSError) as error:
                _log.warning("Run %s can't be forgotten yet: %s", spec.id, error)
                self._again[spec.id] = moment + _AFTER_FAILURE
