"""Ending all backends of a home when its hub ends."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from alongside.errors import AlongsideError
from alongside.phases import ENDED
from alongside.platforms.base import Removed
from alongside.platforms.local import LocalPlatform

ALL_END_WITHIN = 20.0  # seconds


def end_all(home: Path) -> None:
    """Ask the platform to end and forget every backend, and wait until it has, within bounds.

    What doesn't end in time is the caller's to kill; nothing here stops the launcher from ending.
    """
    try:
        asyncio.run(asyncio.wait_for(_end_all(home), ALL_END_WITHIN))
    except TimeoutError:
        print("Some backends didn't end in time and are killed.", file=sys.stderr)
    except (AlongsideError, OSError) as error:
        print(f"The backends could not be asked to end: {error}", file=sys.stderr)


async def _end_all(home: Path) -> None:
    platform = LocalPlatform(home=str(home), warm=False)
    await platform.open()
    try:
        left = {
            seen.spec.id for seen in await platform.observed() if seen.status.phase not in ENDED
        }
        for id in left:
            with suppress(AlongsideError):
                await platform.stop(id)
        if not left:
            return
        async for change in platform.watch():
            if isinstance(change, Removed):
                left.discard(change.id)
            if not left:
                return
    finally:
        await platform.close()
