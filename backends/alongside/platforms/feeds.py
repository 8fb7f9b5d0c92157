"""Changes of records on their way to those who watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Generic, TypeVar

C = TypeVar("C")


class Feeds(Generic[C]):
    """Everybody who watches. A slow one sees the latest of each record, not every change of it."""

    def __init__(self) -> None:
        self._feeds: set[_Feed[C]] = set()

    def watch(self, first: Mapping[str, C] | None = None) -> AsyncGenerator[C, None]:
        """`first`, then changes from now on (not from the first look on) until `close`."""
        feed = _Feed[C]()
        self._feeds.add(feed)
        for id, change in (first or {}).items():
            feed.put(id, change)
        return self._follow(feed)

    def tell(self, id: str, change: C) -> None:
        """A record has changed."""
        for feed in self._feeds:
            feed.put(id, change)

    def close(self) -> None:
        """Nothing comes any more."""
        for feed in self._feeds:
            feed.closed = True
            feed.news.set()

    async def _follow(self, feed: _Feed[C]) -> AsyncGenerator[C, None]:
        try:
            while True:
                await feed.news.wait()
                feed.news.clear()
                while feed.changes:
                    id = next(iter(feed.changes))
                    yield feed.changes.pop(id)
                if feed.closed:
                    return
        finally:
            self._feeds.discard(feed)


class _Feed(Generic[C]):
    """The changes that one watcher has not seen yet, at most one a record."""

    def __init__(self) -> None:
        self.changes: dict[str, C] = {}
        self.news = asyncio.Event()
        self.closed = False

    def put(self, id: str, change: C) -> None:
        self.changes.pop(id, None)
        self.changes[id] = change
        self.news.set()


__all__ = ["Feeds"]
