"""What the service does all the time, each as a task."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

_log = logging.getLogger("alongside.service")


class Deposed(Exception):
    """Another replica acts from now on."""


class Background:
    """Tasks of which none ends by itself: without one of them the service only seems to work.

    `give_up` is told why it can't go on.
    """

    def __init__(self, give_up: Callable[[str], None]) -> None:
        self._give_up = give_up
        self._tasks: list[asyncio.Task[None]] = []

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this until `close`."""
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    async def close(self) -> None:
        """End them all; return once they have let go of what they used."""
        for task in self._tasks:
            task.remove_done_callback(self._ended)
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, Deposed):
            _log.error("A part of the service failed.", exc_info=error)
        self._give_up(str(error or "a part of the service ended"))
