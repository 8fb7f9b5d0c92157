"""The story of a start, told in plain language to whoever watches it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

Event = dict[str, Any]
"""``{"progress": 0..100, "message": text}`` and perhaps ``html_message``, as the hub has it."""

SILENCE = 5.0
"""Seconds without news after which the time that has passed is told."""


@dataclass(frozen=True)
class Line:
    """One thing that happened, and how far the start has come with it (0 to 100)."""

    message: str
    progress: int | None = None


class Story:
    """Grows while a session starts. Several people may read it at once, from its beginning."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._news = asyncio.Event()
        self._over = False
        self._began = asyncio.get_running_loop().time()

    def tell(self, message: str, progress: int | None = None) -> None:
        """Add a line; one that was told already is not told again."""
        line = Line(message, progress)
        if all(line.message != known.message for known in self.lines):
            self.lines.append(line)
            self._wake()

    def end(self) -> None:
        """There will be no more lines."""
        self._over = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    @property
    def seconds(self) -> int:
        """How long it has been going on."""
        return round(asyncio.get_running_loop().time() - self._began)

    async def read(self, silence: float = SILENCE) -> AsyncIterator[Line]:
        """Every line as it comes; after some silence, how long it has taken so far."""
        told = 0
        while True:
            news = self._news
            for line in self.lines[told:]:
                told += 1
                yield line
            if self._over:
                return
            if told == len(self.lines):
                try:
                    async with asyncio.timeout(silence):
                        await news.wait()
                except TimeoutError:
                    last = self.lines[-1].message.rstrip(". ") if self.lines else "Starting"
                    yield Line(f"{last} ({self.seconds} s so far).")


async def merge(
    base: AsyncIterator[Event],
    story: Story,
    going_on: Callable[[], bool],
    limit: float,
    silence: float = SILENCE,
) -> AsyncIterator[Event]:
    """The base spawner's events and our story as one stream that never falls silent.

    It ends with the story, when `going_on` says that nothing is started any more, and after
    `limit` seconds in any case. Progress never goes back.
    """
    queue: asyncio.Queue[Event] = asyncio.Queue()

    async def from_base() -> None:
        with contextlib.suppress(Exception):  # a spawner without progress is no failure of ours
            async for event in base:
                await queue.put(event)

    async def from_story() -> None:
        async for line in story.read(silence):
            await queue.put(_event(line))

    readers = [asyncio.create_task(from_base()), asyncio.create_task(from_story())]
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit
    reached = 0
    try:
        while loop.time() < deadline:
            try:
                async with asyncio.timeout(0.5):
                    event = await queue.get()
            except TimeoutError:
                if readers[1].done() or not going_on():
                    return
                continue
            if isinstance(event.get("progress"), int | float):
                event["progress"] = reached = min(99, max(reached, event["progress"]))
            yield event
            if readers[1].done() and queue.empty():
                return
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


def _event(line: Line) -> Event:
    # no html_message: the page escapes `message`
    event: Event = {"message": line.message}
    if line.progress is not None:
        event["progress"] = line.progress
    return event
