"""Backends that come up while the processes do that will ask for them.

A step asks for its backend as soon as its process runs. Where that takes as long as a pod takes to
begin, both begin at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from alongside.errors import AlongsideError
from alongside_service.run_need import place_of
from alongside_workflows.executors.base import ObservedRun
from alongside_workflows.task import StepBackend

Ask = Callable[[str, str, int], Awaitable[StepBackend]]


class Foresight:
    """Asks for what arriving steps are going to ask for. `ask` is that of `RunBackends`."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._asking: set[asyncio.Task[None]] = set()

    def see(self, before: ObservedRun | None, after: ObservedRun | None) -> None:
        """A run has changed."""
        if after is None or after.status.state.final:
            return
        workflow = after.spec.workflow
        new = after.arriving - (before.arriving if before else frozenset())
        for step in workflow.steps if new else ():
            if step.name not in new or place_of(workflow, step) is None:
                continue
            task = asyncio.create_task(self._begin(after, step.name))
            self._asking.add(task)  # nobody else holds it
            task.add_done_callback(self._asking.discard)

    async def _begin(self, run: ObservedRun, name: str) -> None:
        with suppress(AlongsideError):  # the step will ask, and be told
            await self._ask(run.spec.id, name, _attempt(run, name))


def _attempt(run: ObservedRun, name: str) -> int:
    """The number of the attempt that is arriving, of which Argo may not have told yet."""
    attempts = run.status.step(name).attempts
    if not attempts:
        return 1
    return attempts[-1].number + (1 if attempts[-1].state.final else 0)
