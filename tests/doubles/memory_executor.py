"""An executor in memory: the contract without processes; what becomes of steps is up to tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from alongside.errors import InvalidRequest, NotFound
from alongside.models import now
from alongside_workflows.executors.base import (
    Credentials,
    Executor,
    ObservedRun,
    RunChange,
    RunRemoved,
)
from alongside_workflows.runs import Attempt, RunSpec, RunStatus, State, StepRun, fresh
from alongside_workflows.task import CRATE, OUTPUT


class MemoryExecutor(Executor):
    """Runs are entries of a dict. They do nothing until a test says so.

    With `lingers`, the steps of a live run that is forgotten go on ending until `finish`.
    `failures` has the errors that the next calls of a method raise, by its name.
    """

    name = "local"

    def __init__(self) -> None:
        self.lingers = False
        self.runs: dict[str, ObservedRun] = {}
        self.credentials: dict[str, Credentials] = {}
        self.calls: list[tuple[str, str]] = []
        self.failures: dict[str, list[Exception]] = {}
        self.files: dict[tuple[str, str, int, str], bytes] = {}
        self._watchers: set[asyncio.Queue[RunChange]] = set()

    # what tests do to it

    def become(self, id: str, state: State, **changes: Any) -> None:
        """Let a run have this state."""
        known = self.runs[id]
        ended = now() if state.final else None
        update = {"state": state, "ended": ended, **changes}
        self._set(known.spec, known.status.model_copy(update=update))

    def step(self, id: str, name: str, state: State, **changes: Any) -> None:
        """Let a step have this state; one that begins to run begins another attempt."""
        known = self.runs[id]
        steps = tuple(
            _changed(step, state, changes) if step.name == name else step
            for step in known.status.steps
        )
        update = {"steps": steps, "state": State.RUNNING, "ended": None}
        self._set(known.spec, known.status.model_copy(update=update))

    # the contract

    async def open(self) -> None:
        await self._called("open", "")

    async def close(self) -> None:
        await self._called("close", "")

    async def submit(self, spec: RunSpec, credentials: Credentials) -> None:
        await self._called("submit", spec.id)
        if spec.id not in self.runs:
            self.credentials[spec.id] = credentials
            self._set(spec, fresh(spec))

    async def cancel(self, id: str) -> None:
        await self._called("cancel", id)
        if id in self.runs and not self.runs[id].status.state.final:
            self.become(id, State.CANCELLED)

    async def resume(self, id: str, credentials: Credentials) -> None:
        await self._called("resume", id)
        if id not in self.runs:
            raise NotFound("There is no such run.", "")
        self.credentials[id] = credentials
        if self.runs[id].status.state in (State.FAILED, State.CANCELLED):
            self.become(id, State.WAITING)

    async def forget(self, id: str) -> None:
        await self._called("forget", id)
        if id in self.runs and not (self.lingers and not self.runs[id].status.state.final):
            self.finish(id)

    def arrive(self, id: str, *steps: str) -> None:
        """Let the processes of these steps be about to begin, and those of no others."""
        self.runs[id] = replace(self.runs[id], arriving=frozenset(steps))
        self._tell(self.runs[id])

    def finish(self, id: str) -> None:
        """Let nothing be left of a run."""
        del self.runs[id]
        self._tell(RunRemoved(id))

    async def observed(self) -> list[ObservedRun]:
        await self._called("observed", "")
        return list(self.runs.values())

    async def watch(self) -> AsyncIterator[RunChange]:
        queue: asyncio.Queue[RunChange] = asyncio.Queue()
        self._watchers.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._watchers.discard(queue)

    async def log(self, id: str, step: str, attempt: int, tail: int) -> str:
        await self._called("log", id)
        lines = [f"{step} attempt {attempt} line {number}\n" for number in range(3)]
        return "".join(lines[len(lines) - min(tail, len(lines)) :])

    async def file(self, id: str, step: str, attempt: int, name: str) -> bytes:
        await self._called("file", id)
        if name not in (OUTPUT, CRATE):
            raise InvalidRequest("That is none of its files.", "")
        try:
            return self.files[id, step, attempt, name]
        except KeyError:
            raise NotFound("There is no such file yet.", "Wait.") from None

    # how

    async def _called(self, method: str, id: str) -> None:
        self.calls.append((method, id))
        await asyncio.sleep(0)
        if self.failures.get(method):
            raise self.failures[method].pop(0)

    def _set(self, spec: RunSpec, status: RunStatus) -> None:
        self.runs[spec.id] = ObservedRun(spec, status)
        self._tell(self.runs[spec.id])

    def _tell(self, change: RunChange) -> None:
        for queue in self._watchers:
            queue.put_nowait(change)


def _changed(step: StepRun, state: State, changes: dict[str, Any]) -> StepRun:
    attempts = step.attempts
    if state is State.RUNNING:
        attempts += (Attempt(number=len(attempts) + 1, state=state, started=now()),)
    elif attempts:
        ended = attempts[-1].model_copy(update={"state": state, "ended": now()})
        attempts = (*attempts[:-1], ended)
    return step.model_copy(update={"state": state, "attempts": attempts, **changes})
