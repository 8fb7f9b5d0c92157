"""The backend of a step: asked for, and waited for until enough of its members are there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
from pydantic import ValidationError

from alongside.endpoint import complete, is_loopback
from alongside.problems import error_of
from alongside.units import format_duration
from alongside_workflows.model import BackendWish
from alongside_workflows.step.failing import StepFailed, quoted
from alongside_workflows.task import NO_BACKEND, StepBackend, Task

_SOON, _EVERY = 0.1, 1.0  # seconds between two questions, at first and later on
_ANSWER = 30.0  # seconds for the service to answer
_LATER = frozenset({408, 425, 429})  # as 5xx: not now, but maybe later

Tell = Callable[[StepBackend], None]
"""Called with each answer that says something new."""


async def ready(
    api: str, token: str, run: str, step: str, attempt: int, wait: timedelta, tell: Tell
) -> StepBackend:
    """The backend of an attempt, once it can be computed on. Raises StepFailed.

    The service starts it when it is first asked, in the owner's quota. A full quota, and a service
    that is away for a while, are waited for.
    """
    address = f"{complete(api)}/runs/{run}/steps/{step}/backend?attempt={attempt}"
    last = StepBackend(message="The service is asked for a backend.")
    tell(last)
    try:
        async with (
            asyncio.timeout(wait.total_seconds()),
            httpx.AsyncClient(
                headers={"Authorization": f"Bearer {token}"},
                timeout=_ANSWER,
                trust_env=not is_loopback(address),
            ) as client,
        ):
            pause = _SOON
            while True:
                answer = await _ask(client, address)
                if answer.failed:
                    raise StepFailed(
                        answer.message or "The backend has failed.", answer.remedy, NO_BACKEND
                    )
                if answer.id == "" and last.id:  # the service is away: it is the same one still
                    answer = answer.model_copy(update={"id": last.id})
                if answer != last:
                    tell(answer)
                    last = answer
                if answer.ready:
                    return answer
                await asyncio.sleep(pause)
                pause = min(_EVERY, 1.5 * pause)
    except TimeoutError:
        raise StepFailed(
            f"There was no backend within {format_duration(wait)}: "
            + (last.message or "it is not known why."),
            last.remedy or "Ask for a smaller one, let the step `wait` longer, or try again later.",
            NO_BACKEND,
        ) from None


def longest_wait(task: Task) -> timedelta:
    """How long the step waits for its backend."""
    wish = task.step.wish(task.attempt)
    return wish.wait if isinstance(wish, BackendWish) else task.wait


async def _ask(client: httpx.AsyncClient, address: str) -> StepBackend:
    try:
        response = await client.post(address)
    except httpx.RequestError as error:
        return _away(quoted(str(error), 100) or type(error).__name__)
    if response.status_code >= 500 or response.status_code in _LATER:
        return _away(_said(response))
    if response.is_success:
        try:
            return StepBackend.model_validate_json(response.content)
        except ValidationError:
            return _away("what answers is not the service")
    told = error_of(response.status_code, response.content)
    raise StepFailed(
        f"The service gives this step no backend: {told.message}", told.remedy, NO_BACKEND
    )


def _away(reason: str) -> StepBackend:
    return StepBackend(message=f"Waiting for the service, which is away ({reason}).")


def _said(response: httpx.Response) -> str:
    try:
        problem: Any = response.json()
    except ValueError:
        problem = None
    detail = problem.get("detail") if isinstance(problem, dict) else None
    return quoted(str(detail), 200) if detail else f"status {response.status_code}"
