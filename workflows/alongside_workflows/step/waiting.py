"""Waiting for the backend of a step: no part of the time that the step may take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from alongside_workflows.step.failing import StepFailed
from alongside_workflows.step.folder import Folder
from alongside_workflows.task import NO_BACKEND, StepBackend, Task


async def backend_of(
    task: Task, folder: Folder, limit: asyncio.Timeout, seen: Callable[[StepBackend], None]
) -> StepBackend:
    """The backend of an attempt, once it can be computed on; `limit` stands still until then.

    `seen` is called with what is known of it meanwhile, which is told as progress too. Raises
    StepFailed.
    """
    if not task.api:
        raise StepFailed(
            "The step has a backend, but there is no service to ask for it.",
            "Submit the workflow to the service, or take `backend` out of the step.",
            NO_BACKEND,
        )
    from alongside_workflows.step import backend  # slow, and not for every step

    def tell(answer: StepBackend) -> None:
        seen(answer)
        folder.tell(phase="waiting", message=answer.message, backend=answer.id)

    loop = asyncio.get_running_loop()
    left = None if (when := limit.when()) is None else when - loop.time()
    limit.reschedule(None)
    folder.tell(phase="waiting", message="Its backend is asked for.")
    wait = backend.longest_wait(task)
    token, step, number = folder.token(), task.step.name, task.attempt
    found = await backend.ready(task.api, token, task.run, step, number, wait, tell)
    limit.reschedule(None if left is None else loop.time() + left)
    return found
