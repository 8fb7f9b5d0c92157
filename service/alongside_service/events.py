"""What happens to backends and runs, as a stream for each reader.

A stream begins with a `snapshot` of what its reader may see, then has `changed` and `removed`;
`schedule` says only which one has changed or is gone, for whoever wants to look at it. A run is
told of by `run` and `run-removed`, of several changes that are waiting only the last.
Ids are ``<epoch>-<number>``; who comes back with the last id that it saw goes on from there, if
the service is still the same process and remembers that far, else gets a new snapshot. A reader
that is too slow is cut off rather than waited for; it comes back by itself.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from alongside.errors import AlongsideError, Unavailable
from alongside.platforms.base import Observed
from alongside.schedules import ScheduleRecord
from alongside_service import access
from alongside_service.auth import Caller
from alongside_service.registry import Registry
from alongside_service.runs import Runs
from alongside_workflows.executors.base import ObservedRun

REMEMBERED = 2000
PENDING = 500
STREAMS_EACH = 50
RECHECK = 60.0
"""Seconds between two looks at whether a reader's token still counts."""


class TooMany(AlongsideError):
    """One user has too many streams open."""

    code = "too-many-requests"
    status: ClassVar[int] = 429


@dataclass(frozen=True)
class Message:
    """One event of a stream."""

    id: str
    event: str
    data: str


@dataclass(frozen=True)
class _Change:
    number: int
    before: Observed | None
    after: Observed | None
    schedule: ScheduleRecord | None = None
    """The one that has changed, if it wasn't a backend."""
    deleted: bool = False
    run_before: ObservedRun | None = None
    run_after: ObservedRun | None = None


_Queue = asyncio.Queue[_Change | None]


class Events:
    """Hands every change of a registry to every reader that may see it."""

    def __init__(
        self,
        registry: Registry,
        runs: Runs | None = None,
        *,
        remembered: int = REMEMBERED,
        pending: int = PENDING,
    ) -> None:
        self._registry = registry
        self._runs = runs = runs if runs is not None else Runs({})
        self._epoch = secrets.token_hex(4)
        self._number = 0
        self._past: deque[_Change] = deque(maxlen=remembered)
        self._pending = pending
        self._queues: set[_Queue] = set()
        self._readers: Counter[str] = Counter()
        self._closed = False
        registry.listen(self._record)
        runs.listen(self._run_changed)

    def __len__(self) -> int:
        """The number of open streams."""
        return len(self._queues)

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        for queue in list(self._queues):
            self._cut(queue)

    def admit(self, caller: Caller) -> None:
        """TooMany when this user has enough streams already."""
        if self._readers[caller.name] >= STREAMS_EACH:
            raise TooMany(
                f"You have {STREAMS_EACH} event streams open.", "Close some of them first."
            )

    async def stream(
        self, caller: Caller, last_id: str, recheck: Callable[[], Awaitable[Caller]]
    ) -> AsyncGenerator[Message, None]:
        """The messages for one reader, until it is too slow or its token no longer counts."""
        queue: _Queue = asyncio.Queue(self._pending + 1)
        name = caller.name
        self._readers[name] += 1
        self._queues.add(queue)
        try:
            missed = self._since(last_id)
            if missed is None:
                yield self._snapshot(caller)
            for change in missed or ():
                if message := self._told(change, caller):
                    yield message
            due = time.monotonic() + RECHECK
            while not self._closed:
                if time.monotonic() >= due:  # also when there is always something to tell
                    caller = await _checked(caller, recheck)
                    due = time.monotonic() + RECHECK
                try:
                    async with asyncio.timeout(due - time.monotonic()):
                        following = await queue.get()
                except TimeoutError:
                    continue
                if following is None:
                    return
                if message := self._told(following, caller):
                    yield message
        finally:
            self._queues.discard(queue)
            self._readers[name] -= 1
            if not self._readers[name]:
                del self._readers[name]

    def schedule_changed(self, before: ScheduleRecord | None, after: ScheduleRecord | None) -> None:
        """Tell that a schedule is new, has changed or is gone."""
        known = after or before
        self._tell(_Change(self._number + 1, None, None, known, after is None))

    def _record(self, before: Observed | None, after: Observed | None) -> None:
        self._tell(_Change(self._number + 1, before, after))

    def _run_changed(self, before: ObservedRun | None, after: ObservedRun | None) -> None:
        self._tell(_Change(self._number + 1, None, None, run_before=before, run_after=after))

    def _tell(self, change: _Change) -> None:
        self._number = change.number
        self._past.append(change)
        for queue in list(self._queues):
            if queue.qsize() >= self._pending:
                self._cut(queue)
            else:
                queue.put_nowait(change)

    def _cut(self, queue: _Queue) -> None:
        self._queues.discard(queue)
        queue.put_nowait(None)

    def _since(self, last_id: str) -> list[_Change] | None:
        """What came after this id; None when that can't be told."""
        epoch, _, number = last_id.partition("-")
        if epoch != self._epoch or not number.isdecimal() or len(number) > 18:
            return None
        seen = int(number)
        if seen > self._number or (self._past and seen < self._past[0].number - 1):
            return None
        return [change for change in self._past if change.number > seen]

    def _snapshot(self, caller: Caller) -> Message:
        parts = [
            self._registry.json(o).decode()
            for o in self._registry
            if access.may_see(caller, o.spec)
        ]
        runs = [
            self._runs.json(run).decode()
            for run in self._runs
            if access.may_see_run(caller, run.spec)
        ]
        data = f'{{"backends":[{",".join(parts)}],"runs":[{",".join(runs)}]}}'
        return Message(f"{self._epoch}-{self._number}", "snapshot", data)

    def _told(self, change: _Change, caller: Caller) -> Message | None:
        """What this reader is told of a change, if anything."""
        id = f"{self._epoch}-{change.number}"
        if (schedule := change.schedule) is not None:
            if not access.may_see_schedule(caller, schedule):
                return None
            return Message(id, "schedule", json.dumps({"id": schedule.id, "gone": change.deleted}))
        if change.run_before is not None or change.run_after is not None:
            return self._told_of_run(id, change, caller)
        if change.after is not None and access.may_see(caller, change.after.spec):
            return Message(id, "changed", self._registry.json(change.after).decode())
        if change.before is not None and access.may_see(caller, change.before.spec):
            return Message(id, "removed", json.dumps({"id": change.before.spec.id}))
        return None

    def _told_of_run(self, id: str, change: _Change, caller: Caller) -> Message | None:
        run = change.run_after or change.run_before
        if run is None or not access.may_see_run(caller, run.spec):
            return None
        if change.run_after is None:
            return Message(id, "run-removed", json.dumps({"id": run.spec.id}))
        if self._runs.get(run.spec.id) is not run:
            return None  # it has changed again, and that comes next
        return Message(id, "run", self._runs.json(run).decode())


async def _checked(caller: Caller, recheck: Callable[[], Awaitable[Caller]]) -> Caller:
    try:
        return await recheck()
    except Unavailable:
        return caller
