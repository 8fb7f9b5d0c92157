"""For how long others are waited for: one that hangs must not hold up everybody for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from alongside.errors import Unavailable

PLATFORM_WAIT = 30.0
"""How long, in seconds, a platform has to record a wish."""
EXECUTOR_WAIT = 60.0
"""The same for an executor; a step that is ended has 30 of them."""


def platform_answers() -> AbstractAsyncContextManager[None]:
    """Within, a platform is asked for something. Raises Unavailable when it takes too long."""
    return _within(PLATFORM_WAIT, "The platform does not answer.", "Look whether it is there")


def executor_answers() -> AbstractAsyncContextManager[None]:
    """Within, an executor is asked for something. Raises Unavailable when it takes too long."""
    return _within(EXECUTOR_WAIT, "What carries out the run does not answer.", "Look at it again")


@asynccontextmanager
async def _within(seconds: float, message: str, remedy: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Unavailable(message, f"{remedy} after a while.") from None
