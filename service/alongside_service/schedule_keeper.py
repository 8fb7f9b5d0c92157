"""Starting and stopping by the clock: who carries out what `schedule_decision` decides."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from alongside.errors import AlongsideError
from alongside.models import now
from alongside.schedules import Occurrence, Outcome, ScheduleRecord, Start
from alongside_service.schedule_decision import (
    Action,
    Adopt,
    Begin,
    End,
    Forget,
    LetGo,
    Seen,
    Try,
    Wait,
    decide,
)
from alongside_service.scheduled import OwnerGone, Scheduled
from alongside_service.schedules import Schedules

FIRST_RETRY, LAST_RETRY = timedelta(seconds=5), timedelta(minutes=5)
_AT_ONCE = 8  # starts and stops
_STEPS = 20  # that one schedule can need at a time; more would be going round in circles
_LONGEST_WAIT = 30.0  # seconds; a machine may sleep, and its clock may be put right
_log = logging.getLogger("alongside.schedules")


class Clock:
    """The time, and waiting for it."""

    def now(self) -> datetime:
        """The present, in UTC."""
        return now()

    async def wait(self, news: asyncio.Event, until: datetime | None) -> None:
        """Return when there is news, at `until`, or a little earlier."""
        left = _LONGEST_WAIT if until is None else (until - self.now()).total_seconds()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(max(left, 0.0), _LONGEST_WAIT)):
                await news.wait()


class ScheduleKeeper:
    """Acts on every schedule when it changes and when its time comes.

    backends, runs : start and end what schedules launch, and what they submit
    count : told the kind of backend, or `workflow`, and the outcome of every start that has been
        settled
    """

    def __init__(
        self,
        schedules: Schedules,
        backends: Scheduled,
        runs: Scheduled,
        count: Callable[[str, str], None] = lambda kind, outcome: None,
        clock: Clock | None = None,
    ) -> None:
        self._schedules = schedules
        self._backends = backends
        self._runs = runs
        self._count = count
        self.clock = clock or Clock()
        self._news = asyncio.Event()
        self._changed: set[str] = set()
        self._wakes: dict[str, datetime] = {}
        self._pauses: dict[str, timedelta] = {}
        self._busy: set[str] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._loaded = False
        schedules.listen(self._heard)

    async def begin(self) -> None:
        """Before anything else acts: take stock, and note what an earlier process has launched.

        Later, a backend that has ended meanwhile might have been forgotten, and look as if it had
        never been launched.
        """
        try:
            await self._schedules.load()
            self._loaded = True
            for record in self._schedules:
                action = decide(record, self._seen(record), self.clock.now())
                if isinstance(action, Adopt):
                    await self._adopt(record, action)
        except AlongsideError as error:
            _log.warning("Schedules can't be read: %s", error)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._news.clear()
                if not self._loaded:
                    await self.begin()
                for id in self._due():
                    self._busy.add(id)
                    self._wakes.pop(id, None)
                    tasks.create_task(self._work(id))
                await self.clock.wait(self._news, self.next_wake)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do at this moment."""
        return not self._busy and not self._due()

    @property
    def next_wake(self) -> datetime | None:
        """When there is something to do, as far as is known."""
        if not self._loaded:
            return self.clock.now() + FIRST_RETRY
        return min(self._wakes.values(), default=None)

    def sort(self, record: ScheduleRecord) -> Scheduled:
        """How what a schedule starts is started and ended."""
        return self._runs if record.of_runs else self._backends

    def is_live(self, record: ScheduleRecord) -> bool:
        """Whether what a schedule has started lives, and is not ending."""
        return self._seen(record).running

    def _heard(self, before: ScheduleRecord | None, after: ScheduleRecord | None) -> None:
        known = after or before
        assert known is not None
        self._changed.add(known.id)
        self._news.set()

    def _due(self) -> set[str]:
        moment = self.clock.now()
        due = {id for id, wake in self._wakes.items() if wake <= moment}
        return (due | self._changed) - self._busy

    async def _work(self, id: str) -> None:
        try:
            async with self._slots:
                self._changed.discard(id)
                wake = await self._settle(id)
            self._pauses.pop(id, None)
        except Exception as error:
            pause = min(self._pauses.get(id, FIRST_RETRY / 2) * 2, LAST_RETRY)
            self._pauses[id] = pause
            wake = self.clock.now() + pause
            odd = not isinstance(error, AlongsideError | TimeoutError | OSError)
            _log.warning("Schedule %s: %s; again later.", id, error or "no answer", exc_info=odd)
        finally:
            self._busy.discard(id)
        if wake is not None:
            self._wakes[id] = wake
        self._news.set()

    async def _settle(self, id: str) -> datetime | None:
        """Do all that is to be done now; when there will be more."""
        for _ in range(_STEPS):
            record = self._schedules.get(id)
            if record is None:
                return None
            action = decide(record, self._seen(record), self.clock.now())
            if isinstance(action, Wait):
                return action.until
            await self._act(record, action)
        raise RuntimeError("nothing comes of what is done")

    def _seen(self, record: ScheduleRecord) -> Seen:
        sort = self.sort(record)
        return Seen(
            running=record.running is not None and sort.is_live(record.running.id),
            started=sort.found(record.trying.wished) if record.trying else "",
        )

    async def _act(self, record: ScheduleRecord, action: Action) -> None:
        match action:
            case Begin():
                await self._begin(record, action.due)
            case Try():
                await self._try(record, action.start)
            case Adopt():
                await self._adopt(record, action)
            case End():
                await self._end(record, action.occurrence)
            case Forget():
                await self._schedules.update(record.id, lambda r: _without(r, action.occurrence))
            case LetGo():
                await self._let_go(record, action.outcomes)

    async def _begin(self, record: ScheduleRecord, due: datetime) -> None:
        def change(current: ScheduleRecord) -> ScheduleRecord:
            if current.trying is not None or current.handled >= due or current.suspended:
                return current
            name, wished = self.sort(current).wish(current, due)
            start = Start(due=due, name=name, wished=wished, again=self.clock.now())
            return current.model_copy(update={"trying": start, "handled": due})

        await self._schedules.update(record.id, change)

    async def _try(self, record: ScheduleRecord, start: Start) -> None:
        try:
            started = await self.sort(record).start(record, start)
        except AlongsideError as error:
            _log.info("Schedule %s of %s: %s", record.id, record.owner, error)
            failed = partial(self._failed, due=start.due, error=error)
            await self._schedules.update(record.id, failed)
            return
        _log.info("Schedule %s of %s: %s", record.id, record.owner, started)
        await self._adopt(record, Adopt(start.due, started))

    def _failed(
        self, record: ScheduleRecord, due: datetime, error: AlongsideError
    ) -> ScheduleRecord:
        start = record.trying
        if start is None or start.due != due:
            return record
        pause = min(FIRST_RETRY * 2 ** min(start.count, 20), LAST_RETRY)
        update = {
            "count": start.count + 1,
            "again": self.clock.now() + pause,
            "message": error.message,
            "remedy": error.remedy,
            "ownerless": isinstance(error, OwnerGone),
        }
        return record.model_copy(update={"trying": start.model_copy(update=update)})

    async def _adopt(self, record: ScheduleRecord, action: Adopt) -> None:
        sort = self.sort(record)
        occurrence = sort.occurrence(action.due, action.id)
        started = Outcome(
            due=action.due,
            outcome="started",
            at=self.clock.now(),
            backend=occurrence.backend,
            run=occurrence.run,
        )
        kept = await self._schedules.update(
            record.id, lambda r: r.with_outcome(started, trying=None, running=occurrence)
        )
        self._count(record.sort, "started")
        if kept is None:
            await sort.stop(action.id)  # deleted while this was being started

    async def _end(self, record: ScheduleRecord, occurrence: Occurrence) -> None:
        _log.info("Schedule %s of %s ends %s.", record.id, record.owner, occurrence.id)
        await self.sort(record).stop(occurrence.id)
        moment = self.clock.now()
        await self._schedules.update(record.id, lambda r: _without(r, occurrence, moment))

    async def _let_go(self, record: ScheduleRecord, outcomes: tuple[Outcome, ...]) -> None:
        def change(current: ScheduleRecord) -> ScheduleRecord:
            for outcome in outcomes:
                update: dict[str, object] = {"handled": max(current.handled, outcome.due)}
                start = current.trying
                if start is not None and start.due == outcome.due:
                    # who gets the name of an owner who is gone is not to get the schedule too
                    suspended = current.suspended or start.ownerless
                    update |= {"trying": None, "suspended": suspended}
                current = current.with_outcome(outcome, **update)
            return current

        await self._schedules.update(record.id, change)
        for outcome in outcomes:
            self._count(record.sort, outcome.outcome)


def _without(
    record: ScheduleRecord, occurrence: Occurrence, stopped: datetime | None = None
) -> ScheduleRecord:
    """The record once this occurrence is over."""
    if record.running != occurrence:
        return record
    history = tuple(
        past.model_copy(update={"stopped": stopped})
        if stopped and past.due == occurrence.due
        else past
        for past in record.history
    )
    return record.model_copy(update={"running": None, "history": history})
