"""What happens to backends, as a stream for each reader.

A stream begins with a `snapshot` of what its reader may see, then has `changed` and `removed`.
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
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from alongside.errors import AlongsideError, Unavailable
from alongside.platforms.base import Observed
from alongside_service import access
from alongside_service.auth import Caller
from alongside_service.registry import Registry

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


_Queue = asyncio.Queue[_Change | None]


class Events:
    """Hands every change of a registry to every reader that may see it."""

    def __init__(
        self, registry: Registry, *, remembered: int = REMEMBERED, pending: int = PENDING
    ) -> None:
        self._registry = registry
        self._epoch = secrets.token_hex(4)
        self._number = 0
        self._past: deque[_Change] = deque(maxlen=remembered)
        self._pending = pending
        self._queues: set[_Queue] = set()
        self._readers: Counter[str] = Counter()
        self._closed = False
        registry.listen(self._record)

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
    ) -> AsyncIterator[Message]:
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

    def _record(self, before: Observed | None, after: Observed | None) -> None:
        self._number += 1
        change = _Change(self._number, before, after)
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
        data = '{"backends":[' + ",".join(parts) + "]}"
        return Message(f"{self._epoch}-{self._number}", "snapshot", data)

    def _told(self, change: _Change, caller: Caller) -> Message | None:
        """What this reader is told of a change, if anything."""
        id = f"{self._epoch}-{change.number}"
        if change.after is not None and access.may_see(caller, change.after.spec):
            return Message(id, "changed", self._registry.json(change.after).decode())
        if change.before is not None and access.may_see(caller, change.before.spec):
            return Message(id, "removed", json.dumps({"id": change.before.spec.id}))
        return None


async def _checked(caller: Caller, recheck: Callable[[], Awaitable[Caller]]) -> Caller:
    try:
        return await recheck()
    except Unavailable:
        return caller
