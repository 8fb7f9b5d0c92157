"""What is to follow from what is seen: a pure decision, and the workers that carry it out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alongside.errors import AlongsideError
from alongside.models import now
from alongside.phases import Phase
from alongside.platforms.base import Observed
from alongside_service.registry import Registry
from alongside_service.run_need import Need

SLACK = timedelta(seconds=30)
"""How much later than a lifetime's end we step in; a platform that can ends it itself."""
STOPPING = timedelta(minutes=2)
"""How long an end may take before it is asked for again."""
_ATTEMPT = 60.0
_FIRST_RETRY, _LAST_RETRY = 0.5, 60.0
_LONGEST_SLEEP = 3600.0

_log = logging.getLogger("alongside.reconciler")


@dataclass(frozen=True)
class Facts:
    """What the decision on one backend needs to know besides the backend."""

    now: datetime
    session_gone: datetime | None = None
    """Since when the hub has been saying that its session is gone; None: not gone, or unknown."""
    owner_gone: bool = False
    """Whether the hub says that its owner is gone."""
    grace: timedelta = timedelta()
    """How long it stays when its session is gone."""
    retention: timedelta = timedelta(hours=1)
    """How long the record of an ended one is kept."""
    need: Need | None = None
    """For how long its run needs it; None: it belongs to none, or nothing is known of that."""
    released: bool = False
    """Whether steps that had reserved it are over."""
    superseded: bool = False
    """Whether a newer backend has its place (owner, session, name)."""


@dataclass(frozen=True)
class Wait:
    """Nothing to do before `until`, unless something changes."""

    until: datetime | None = None


@dataclass(frozen=True)
class Stop:
    """End it; with `forget` its record and logs go too."""

    why: str
    forget: bool


@dataclass(frozen=True)
class Detach:
    """Let it go on without its session."""


@dataclass(frozen=True)
class Release:
    """Remove the reservations of steps that are over, so that the next one's turn comes."""


Action = Wait | Stop | Detach | Release


def decide(observed: Observed, facts: Facts) -> Action:
    """The one thing to do next with a backend."""
    spec, status = observed.spec, observed.status
    if not status.live:
        ended = (status.ended or spec.created) + facts.retention
        if spec.forget or facts.superseded or facts.owner_gone or ended <= facts.now:
            return Stop("its record is of no use any more", forget=True)
        return Wait(ended)
    if facts.owner_gone and not (spec.stop and spec.forget):
        return Stop("its owner is gone", forget=True)
    if spec.stop or status.phase is Phase.STOPPING:
        return Wait(facts.now + STOPPING)
    if spec.unclaimed:
        return Wait()
    due: list[datetime] = []
    if facts.need is not None and facts.need.until is not None:
        if facts.need.until <= facts.now:
            return Stop(facts.need.why, facts.need.forget)
        due.append(facts.need.until)
    if spec.session is not None and facts.session_gone is not None:
        if spec.keep:
            return Detach()
        ends = facts.session_gone + facts.grace
        if ends <= facts.now:
            return Stop("its session has ended", forget=True)
        due.append(ends)
    if spec.expires is not None:
        if spec.expires + SLACK <= facts.now:
            return Stop("its maximum lifetime is over", forget=False)
        due.append(spec.expires + SLACK)
    if status.idle_since is not None and spec.lifetime.idle is not None:
        # it may have been idle for long before it was claimed
        ends = max(status.idle_since, spec.created) + spec.lifetime.idle + SLACK
        if ends <= facts.now:
            return Stop("it had nothing to do for too long", forget=False)
        due.append(ends)
    if facts.released:
        return Release()
    return Wait(min(due, default=None))


class Reconciler:
    """Decides on every backend when it changes and when its time comes.

    A fixed number of workers; one backend is in the hands of one worker at a time; one that fails
    is tried again after a pause of its own that grows.
    """

    def __init__(
        self,
        registry: Registry,
        facts: Callable[[Observed], Facts],
        act: Callable[[Observed, Stop | Detach | Release], Awaitable[None]],
        workers: int = 4,
    ) -> None:
        self._registry = registry
        self._facts = facts
        self._act = act
        self._workers = workers
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._waiting: set[str] = set()
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._pauses: dict[str, float] = {}
        self._running = False
        registry.listen(self._changed)

    async def run(self) -> None:
        """Work until cancelled."""
        self._running = True
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._work())
                for observed in self._registry:
                    self.look(observed.spec.id)
        finally:
            self._running = False
            for timer in self._timers.values():
                timer.cancel()

    def look(self, id: str) -> None:
        """Decide on this backend soon; when this runs at all, as at its start on every one."""
        if not self._running:
            return
        if id in self._busy:
            self._again.add(id)
        elif id not in self._waiting:
            self._waiting.add(id)
            self._queue.put_nowait(id)

    def _changed(self, before: Observed | None, after: Observed | None) -> None:
        if after is not None:
            # while one is retried with pauses, its own changes don't shorten them
            if after.spec.id not in self._pauses:
                self.look(after.spec.id)
            return
        assert before is not None
        self._forget(before.spec.id)

    async def _work(self) -> None:
        while True:
            id = await self._queue.get()
            self._waiting.discard(id)
            self._busy.add(id)
            try:
                await self._reconcile(id)
            except Exception:
                _log.exception("Deciding on backend %s failed.", id)
                self._later(id, self._pause(id))
            finally:
                self._busy.discard(id)
                if id in self._again:
                    self._again.discard(id)
                    self.look(id)

    async def _reconcile(self, id: str) -> None:
        observed = self._registry.get(id)
        if observed is None:
            self._forget(id)
            return
        action = decide(observed, self._facts(observed))
        if isinstance(action, Wait):
            self._pauses.pop(id, None)
            if observed.spec.stop and observed.status.live:
                await self._urge(observed)
            if action.until is not None:
                self._later(id, (action.until - now()).total_seconds())
            return
        if isinstance(action, Stop) and not observed.spec.forget:
            _log.info("Ending backend %s of %s: %s.", id, observed.spec.owner, action.why)
        try:
            async with asyncio.timeout(_ATTEMPT):
                await self._act(observed, action)
        except (AlongsideError, TimeoutError, OSError) as error:
            pause = self._pause(id)
            _log.warning("Backend %s: %s; again in %.1f s.", id, error or "no answer", pause)
            self._later(id, pause)
        else:
            self._pauses.pop(id, None)
            self._later(id, STOPPING.total_seconds())

    async def _urge(self, observed: Observed) -> None:
        """Ask again for an end that takes long."""
        asked = self._timers.pop(observed.spec.id, None)
        if asked is not None and asked.when() <= asyncio.get_running_loop().time():
            await self._act(observed, Stop("its end takes long", observed.spec.forget))

    def _pause(self, id: str) -> float:
        pause = self._pauses.get(id, _FIRST_RETRY / 2) * 2
        self._pauses[id] = min(pause, _LAST_RETRY)
        return self._pauses[id]

    def _later(self, id: str, seconds: float) -> None:
        if timer := self._timers.pop(id, None):
            timer.cancel()
        seconds = min(max(seconds, 0.0), _LONGEST_SLEEP)
        self._timers[id] = asyncio.get_running_loop().call_later(seconds, self.look, id)

    def _forget(self, id: str) -> None:
        self._pauses.pop(id, None)
        if timer := self._timers.pop(id, None):
            timer.cancel()


__all__ = ["Action", "Detach", "Facts", "Reconciler", "Release", "Stop", "Wait", "decide"]
