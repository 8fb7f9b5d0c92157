"""A clock that is set by hand, and a service that goes by it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from alongside_service.schedule_keeper import Clock, ScheduleKeeper


class HandClock(Clock):
    """Stands still until `go` moves it on, from one moment that is waited for to the next."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self._moved = asyncio.Event()
        self._waited_for: tuple[asyncio.Event, datetime | None] | None = None

    def now(self) -> datetime:
        return self.moment

    async def wait(self, news: asyncio.Event, until: datetime | None) -> None:
        self._waited_for = news, until
        try:
            while not self._is_over(news, until):
                self._moved.clear()
                waits = [asyncio.ensure_future(event.wait()) for event in (news, self._moved)]
                try:
                    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for wait in waits:
                        wait.cancel()
        finally:
            self._waited_for = None

    def _is_over(self, news: asyncio.Event, until: datetime | None) -> bool:
        return news.is_set() or (until is not None and until <= self.moment)

    async def settled(self, keeper: ScheduleKeeper, within: float = 15.0) -> None:
        """Wait until all is done that is to be done at this moment."""
        async with asyncio.timeout(within):
            while not (keeper.idle and self._waited_for and not self._is_over(*self._waited_for)):
                await asyncio.sleep(0)

    async def go(self, keeper: ScheduleKeeper, moment: datetime) -> None:
        """Go on until then, and let be done what is due on the way."""
        await self.settled(keeper)
        while (wake := keeper.next_wake) is not None and wake <= moment:
            await self.jump(keeper, max(wake, self.moment))
        await self.jump(keeper, moment)

    async def jump(self, keeper: ScheduleKeeper, moment: datetime) -> None:
        """Be at this moment at once, as after a sleep."""
        self.moment = moment
        self._moved.set()
        await self.settled(keeper)


def at(text: str, zone: str = "America/New_York") -> datetime:
    """A moment by a clock somewhere; the first one where there are two."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
