"""Ending all that an executor carries out, where runs end with what has begun them."""

from __future__ import annotations

import contextlib

from alongside.errors import AlongsideError
from alongside_workflows.executors.base import Executor, RunRemoved


async def cancel_all(executor: Executor) -> None:
    """Cancel every live run, and return when they have ended: half a minute at most, as a rule.

    The executor is open. What is known of the runs stays.
    """
    changes = executor.watch()
    live = {run.spec.id for run in await executor.observed() if not run.status.state.final}
    for id in live:
        with contextlib.suppress(AlongsideError):
            await executor.cancel(id)
    live &= {run.spec.id for run in await executor.observed() if not run.status.state.final}
    if not live:
        return
    async for change in changes:
        if isinstance(change, RunRemoved):
            live.discard(change.id)
        elif change.status.state.final:
            live.discard(change.spec.id)
        if not live:
            return
