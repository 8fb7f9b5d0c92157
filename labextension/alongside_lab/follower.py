"""Following the service's events for as long as the server lives, one connection after another."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any

from alongside.errors import AlongsideError
from alongside_lab.connection import Problem, problem_of
from alongside_lab.news import News

if TYPE_CHECKING:
    from alongside.event_stream import Event
    from alongside_lab.upstream import Upstream

HEARTBEAT = 15.0
"""Seconds between two signs of life to the browser."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
SILENCE = 25.0
"""Seconds without a sign of life from the service, which gives one every 15: a proxy in between
may keep a connection open whose other end is gone."""
UNNOTICED = 1.0
"""Seconds that a connection may be broken before anybody is told: a restart takes less."""
_BUG = "The Jupyter server failed to follow what happens.", "It has been logged; wait a moment."


class Follower:
    """Brings what happens at the service into `news`."""

    def __init__(
        self, news: News, upstream: Upstream, log: logging.Logger | logging.LoggerAdapter[Any]
    ) -> None:
        self._news = news
        self._upstream = upstream
        self._log = log
        self._pause = FIRST_PAUSE
        self._last = ""
        self._problem: Problem | None = None
        self._alarm: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Follow, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._beat())
                group.create_task(self._follow())
        finally:
            self._disarm()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            self._news.alive()

    async def _follow(self) -> None:
        await self._upstream.wanted()
        while True:
            try:
                await self._connect()
            except AlongsideError as error:
                self._lost(error)
            except Exception:
                self._log.exception("Following Alongside's events failed.")
                self._last = ""  # from the beginning, should it be what came after that one
                self._lost(AlongsideError(*_BUG))
            # spread out, as all sessions lose a service that restarts at the same time
            await asyncio.sleep(self._pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _connect(self) -> None:
        """One connection, until it breaks. Raises the AlongsideError that says why."""
        http = await self._upstream.http()
        from alongside.event_stream import afollow_events

        async for event in afollow_events(http, self._last, self._opened, SILENCE):
            self._pause = FIRST_PAUSE
            self._take(event)
            self._last = event.id or self._last

    def _take(self, event: Event) -> None:
        match event.name:
            case "snapshot":
                self._news.snapshot(event.data["backends"], event.data.get("runs"))
                self._connected()
            case "changed":
                self._news.changed(event.data)
            case "removed":
                self._news.removed(event.data["id"])
            case "run":
                self._news.run_changed(event.data)
            case "run-removed":
                self._news.run_removed(event.data["id"])
            case "schedule":
                self._news.schedules_changed()

    def _opened(self) -> None:
        if self._last:
            self._connected()  # else only once there is something to show

    def _connected(self) -> None:
        self._disarm()
        self._news.state(connected=True)

    def _lost(self, error: AlongsideError) -> None:
        """Tell that there is no connection, unless there is one again in a moment."""
        self._upstream.cut()
        self._problem = problem_of(error)
        if not self._news.connected:
            self._tell()
        elif self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(UNNOTICED, self._tell)

    def _tell(self) -> None:
        self._disarm()
        self._news.state(connected=False, problem=self._problem)

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
