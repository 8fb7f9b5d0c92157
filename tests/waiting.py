"""Waiting for a state, as long as a slow and busy machine may need, and no longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    what: str, condition: Callable[[], T], timeout: float = 60.0, every: float = 0.05
) -> T:
    """The first true value of `condition()`; AssertionError naming `what` after `timeout` s."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, f"{what}: not within {timeout} s"
        time.sleep(every)
    return value


async def awaited(
    what: str, condition: Callable[[], T], timeout: float = 60.0, every: float = 0.02
) -> T:
    """The same, while others go on in this event loop."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, f"{what}: not within {timeout} s"
        await asyncio.sleep(every)
    return value
