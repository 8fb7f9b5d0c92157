"""Ending all backends and runs of a home when its hub ends."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from alongside.errors import AlongsideError
from alongside.phases import ENDED
from alongside.platforms.local import LocalPlatform
from alongside_service.afterwards import both, end_runs, until_gone

ALL_END_WITHIN = 20.0  # seconds


def end_all(home: Path) -> None:
    """Cancel every run, end and forget every backend, and wait until it is done, within bounds.

    What doesn't end in time is the caller's to kill; nothing here stops the launcher from ending.
    """
    try:
        asyncio.run(asyncio.wait_for(both(end_runs(home), _end_all(home)), ALL_END_WITHIN))
    except TimeoutError:
        print("Some backends or runs didn't end in time and are killed.", file=sys.stderr)
    except (AlongsideError, OSError) as error:
        print(f"Backends or runs could not be asked to end: {error}", file=sys.stderr)


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
        await until_gone(platform, left)
    finally:
        await platform.close()
