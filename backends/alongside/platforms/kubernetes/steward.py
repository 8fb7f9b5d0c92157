"""One backend's steward: what its objects say, what follows from it, what is written down.

It is level-triggered: each round compares what is wanted with what is seen and does what is due,
so it may be cut off anywhere and another one go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from concurrent.futures import Executor

from alongside.errors import AlongsideError
from alongside.models import now
from alongside.phases import ENDED, USABLE, Phase
from alongside.platforms.endings import Ending
from alongside.platforms.kubernetes import objects
from alongside.platforms.kubernetes.builder import Builder
from alongside.platforms.kubernetes.by_operator import ByOperator
from alongside.platforms.kubernetes.by_us import ByUs
from alongside.platforms.kubernetes.charge import Charge
from alongside.platforms.kubernetes.clearing import Clearing
from alongside.platforms.kubernetes.patience import LAST, Patience
from alongside.platforms.kubernetes.resources import Object
from alongside.platforms.kubernetes.way import Way

_EAGER = 0.1  # seconds between two looks while something is on its way, at first
_FLAGGING = 0.05  # of the time that it has been on its way, later
_BUSY, _IDLE = 1.0, 5.0
_FIRST = 1.0  # seconds until what failed is tried again, at first
_GRACEFUL = frozenset({"Requested", "Expired", "Idle", "Deleted"})

_log = logging.getLogger("alongside.kubernetes")


class Steward:
    """Looks after one backend until it has ended."""

    def __init__(self, builder: Builder, record: Object, pool: Executor) -> None:
        self._of = Charge(builder, record, pool)
        self._way: Way = (ByOperator if builder.kind.operated else ByUs)(self._of)
        self._patience = Patience(self._of, self._way.trouble)
        self._clearing = Clearing(builder)
        self._kept_logs = False
        self._wake = asyncio.Event()

    # -- life ------------------------------------------------------------------------------

    def wake(self, record: Object | None = None) -> None:
        """Something has changed, perhaps the record."""
        if record is not None:
            self._of.record = record
        self._wake.set()

    async def run(self) -> None:
        """Until the backend has ended and its record is gone."""
        pause = _FIRST
        while True:
            self._wake.clear()
            try:
                if await self._work():
                    return
                pause, rest = _FIRST, self._rest()
            except Ending as ending:
                self._of.story.enter(Phase.STOPPING, ending.message, ending.reason, ending.remedy)
                continue
            except AlongsideError as error:
                _log.warning("%s: %s", self._of.spec.id, error)
                if self._patience.hindered(error):
                    continue
                with contextlib.suppress(AlongsideError):
                    await self._of.save()
                rest, pause = min(pause, self._patience.left), min(2 * pause, LAST)
            except Exception:
                _log.exception("The steward of %s failed; trying again.", self._of.spec.id)
                rest, pause = pause, min(2 * pause, LAST)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._wake.wait()

    async def _work(self) -> bool:
        """Everything that is due now; True when nothing will ever be due again."""
        story = self._of.story
        self._way.read(objects.parse_record(self._of.record)[0])
        if story.phase in ENDED or story.phase is Phase.STOPPING:
            return await self._finish()
        if self._of.spec.stop:
            raise Ending(Phase.STOPPED, "Requested", "Stopped on request.")
        if story.phase is Phase.PENDING:
            story.enter(Phase.STARTING, f"Starting the {self._of.kind.title}")
        await self._make()
        await self._way.look()
        self._patience.check()
        await self._way.resize()
        await self._of.save()
        return False

    def _rest(self) -> float:
        """Seconds until the next look: the longer something takes, the less often."""
        of, status = self._of, self._of.story.status
        if status.phase in ENDED:
            return LAST
        if of.unsettled:
            due = min(_BUSY, max(_EAGER, _FLAGGING * of.waited))
        else:
            of.settled = time.monotonic()
            due = _IDLE if status.idle_since else _BUSY
        if of.spec.expires is not None:
            due = min(due, max(0.0, (of.spec.expires - now()).total_seconds()))
        if of.spec.lifetime.idle is not None:
            due = min(due, max(_EAGER, of.spec.lifetime.idle.total_seconds() / 4))
        return due

    # -- making and ending -----------------------------------------------------------------

    async def _make(self) -> None:
        of = self._of
        known = of.made or of.story.phase in USABLE
        if known and await of.builder.is_deleted(of.spec):
            raise Ending(Phase.STOPPED, "Deleted", "It was deleted in Kubernetes.")
        if of.made:
            await of.builder.make_policy(of.spec, of.record)
        else:
            await self._way.make()
            of.made = True
            await of.save()

    async def _finish(self) -> bool:
        """Take everything away; True when nothing is left to do."""
        of, story = self._of, self._of.story
        if story.phase is Phase.STOPPING:
            await of.save()
            if not self._kept_logs and not of.spec.forget:
                if kept := await of.builder.keep_logs(of.spec):
                    await of.write({"logs": kept})
                self._kept_logs = True
            if not await self._clearing.clear(of.spec):
                if stuck := self._clearing.overdue(of.spec):
                    story.tell(
                        f"Kubernetes does not take these away: {', '.join(stuck)}. "
                        "An administrator has to look after their nodes and finalizers"
                    )
                    await of.save()
                return False
            status = story.status
            phase = Phase.STOPPED if status.reason in _GRACEFUL else Phase.FAILED
            story.enter(phase, status.message, status.reason, status.remedy)
        await of.save()
        if of.spec.forget:
            await of.builder.forget(of.spec)
        return of.spec.forget
