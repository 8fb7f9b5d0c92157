"""What there is elsewhere, as last heard of: a cache; its sources hold the truth."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from alongside.platforms.base import Observed, Removed
from alongside_workflows.executors.base import ObservedRun, RunRemoved

T = TypeVar("T", Observed, ObservedRun)
Told = TypeVar("Told", Observed, ObservedRun, covariant=True)

_FIRST_RETRY, _LAST_RETRY = 0.2, 10.0
_WITHIN = 60.0  # seconds that a source has to say what there is
_log = logging.getLogger("alongside.mirror")


class Source(Protocol[Told]):
    """A platform or an executor."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    async def observed(self) -> Sequence[Told]:
        """All that there is."""
        ...

    def watch(self) -> AsyncIterator[Told | Removed | RunRemoved]:
        """What changes, at least from the moment on at which it is first waited for."""
        ...


class Mirror(ABC, Generic[T]):
    """Fed by `follow`, read by everybody; tells its listeners of every change."""

    def __init__(self) -> None:
        self._known: dict[str, T] = {}
        self._json: dict[str, bytes] = {}
        self._listeners: list[Callable[[T | None, T | None], None]] = []
        self.restarts: Counter[str] = Counter()
        """How often the watch of each source was begun anew."""

    @abstractmethod
    def put(self, seen: T) -> None:
        """Take note of one."""

    @abstractmethod
    def _source(self, seen: T) -> str:
        """Name of the source that has it."""

    @abstractmethod
    def _view(self, seen: T) -> bytes:
        """Its public view, as JSON."""

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._known.values()))

    def __len__(self) -> int:
        return len(self._known)

    def get(self, id: str) -> T | None:
        """The one of this id, if it is known."""
        return self._known.get(id)

    def of(self, owner: str) -> list[T]:
        """All of one user, ended ones with a record included."""
        return [seen for seen in self._known.values() if seen.spec.owner == owner]

    def json(self, seen: T) -> bytes:
        """The public view of one as JSON, made once for each state."""
        id = seen.spec.id
        if self._known.get(id) is not seen:
            return self._view(seen)
        if id not in self._json:
            self._json[id] = self._view(seen)
        return self._json[id]

    def listen(self, listener: Callable[[T | None, T | None], None]) -> None:
        """Call this with each before and after a change, from now on.

        None is what it is before it exists and after it is gone.
        """
        self._listeners.append(listener)

    def drop(self, id: str) -> None:
        """Forget one of which nothing is left."""
        before = self._known.pop(id, None)
        if before is not None:
            self._tell(id, before, None)

    def _keep(self, seen: T) -> None:
        """Have it known from now on, and tell."""
        id = seen.spec.id
        before = self._known.get(id)
        self._known[id] = seen
        self._tell(id, before, seen)

    def _tell(self, id: str, before: T | None, after: T | None) -> None:
        self._json.pop(id, None)
        for listener in self._listeners:
            listener(before, after)

    async def load(self, source: Source[T]) -> None:
        """Learn all that a source has at once, and forget what it has no more."""
        known = {seen.spec.id for seen in self if self._source(seen) == source.name}
        async with asyncio.timeout(_WITHIN):
            observed = await source.observed()
        for gone in known - {seen.spec.id for seen in observed}:
            self.drop(gone)  # what was recorded since we asked is not among `known`
        for seen in observed:
            self.put(seen)

    async def follow(self, source: Source[T]) -> None:
        """Take note of whatever a source tells, for ever; a watch that breaks begins anew."""
        pause = _FIRST_RETRY
        self.restarts[source.name] += 0
        while True:
            try:
                async for change in self._changes(source):
                    pause = _FIRST_RETRY
                    if isinstance(change, Removed | RunRemoved):
                        self.drop(change.id)
                    else:
                        self.put(change)
                _log.warning("The watch of %s ended; beginning anew.", source.name)
            except Exception:
                _log.exception("The watch of %s broke; beginning anew.", source.name)
            self.restarts[source.name] += 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_RETRY)

    async def _changes(self, source: Source[T]) -> AsyncIterator[T | Removed | RunRemoved]:
        """What it tells, once all that was before has been learned."""
        changes = source.watch()
        first = asyncio.ensure_future(_next(changes))
        try:
            await asyncio.sleep(0)  # it listens from here on
            await self.load(source)
            yield await first
        except StopAsyncIteration:
            return
        finally:
            first.cancel()
        async for change in changes:
            yield change


async def _next(changes: AsyncIterator[T | Removed | RunRemoved]) -> T | Removed | RunRemoved:
    return await anext(changes)


__all__ = ["Mirror", "Source"]
