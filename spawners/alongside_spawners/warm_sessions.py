"""The warm process that sessions are forked from: one for each hub, started with it."""

from __future__ import annotations

import asyncio
import logging
import weakref
from typing import Any

from alongside.platforms.local.warm import WarmProcesses
from alongside_spawners.single_user import PRELOAD

_Log = logging.Logger | logging.LoggerAdapter[Any]
_warm: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, WarmProcesses] = (
    weakref.WeakKeyDictionary()
)


async def warm_sessions(log: _Log) -> WarmProcesses:
    """The warm process of the running event loop; its imports may still be under way."""
    loop = asyncio.get_running_loop()
    warm = _warm.get(loop)
    if warm is None:
        warm = _warm[loop] = WarmProcesses(PRELOAD, log=log)
    await warm.start()
    return warm
