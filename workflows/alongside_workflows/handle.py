"""A run as an object in a kernel or a script: look at it, wait for it, get what has come out."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Self

from alongside_workflows import running, watching
from alongside_workflows.card import card
from alongside_workflows.draft_steps import step_name
from alongside_workflows.runs import Run, State, StepRun
from alongside_workflows.step.opening import import_nbformat

if TYPE_CHECKING:
    from alongside.async_client import AsyncClient
    from alongside.client import Client

WAIT = 24 * 3600.0
"""Seconds that waiting takes at most, unless told otherwise."""


class _Face:
    """What can be told of a run without asking."""

    def __init__(self, run: Run) -> None:
        self.run = run
        """All that was last seen of it; `refresh` looks again."""

    @property
    def id(self) -> str:
        """Its id, the same for good."""
        return self.run.id

    @property
    def name(self) -> str:
        """The workflow's name."""
        return self.run.name

    @property
    def state(self) -> State:
        """``waiting``, ``running``, ``succeeded``, ``failed`` or ``cancelled``, as last seen."""
        return self.run.state

    @property
    def steps(self) -> tuple[StepRun, ...]:
        """How far each step is, as last seen."""
        return self.run.steps

    def step(self, name: str) -> StepRun:
        """How far one step is: `state`, `message`, `results`, `attempts`. Raises NotFound."""
        return running.the_step(self.run, step_name(name))

    def __repr__(self) -> str:
        done = sum(step.state is State.SUCCEEDED for step in self.steps)
        return f"<run {self.name!r}: {self.state}, {done} of {len(self.steps)} steps ({self.id})>"

    def _repr_html_(self) -> str:
        return card(self.run)

    def _seen(self, run: Run) -> None:
        """Take what was seen of it; events come without the definition, which never changes."""
        whole = run.workflow is not None or self.run.workflow is None
        self.run = run if whole else run.model_copy(update={"workflow": self.run.workflow})

    def _ended(self, check: bool) -> Self:
        if check and self.state is not State.SUCCEEDED:
            raise running.failure(self.run)
        return self

    def _named(self, wanted: str | None) -> str:
        return running.the_step(self.run, None if wanted is None else step_name(wanted)).name


class RunHandle(_Face):
    """One run. It goes on without this object, and without the session."""

    def __init__(self, service: Client, run: Run) -> None:
        super().__init__(run)
        self._service = service

    def _ipython_display_(self) -> None:
        from alongside_workflows.showing import show  # threads, for those who display one

        show(self.run, repr(self), self._service.endpoint)

    def refresh(self) -> Self:
        """Look again."""
        return self._take(running.get(self.id))

    def wait(
        self,
        timeout: float = WAIT,
        *,
        check: bool = True,
        tell: running.Tell = lambda run: None,
    ) -> Self:
        """Wait until it has ended, `timeout` seconds at most.

        Raises `RunFailed`, which says where and why, when it has not succeeded, unless `check` is
        False; NotReady when it takes longer. `tell` is called with the `Run` at every change.
        """
        deadline = time.monotonic() + timeout
        with watching.Watcher(self._service.endpoint, self.id) as watcher:
            while run := watcher.next(deadline - time.monotonic()):
                self._seen(run)
                tell(self.run)
                if self.state.final:
                    return self._ended(check)
        raise running.still(self.run, timeout)

    def cancel(self) -> Self:
        """End it; its steps get 30 s to stop. One that has ended stays as it is."""
        return self._take(running.cancel(self.id))

    def resume(self) -> Self:
        """Go on after it has failed or was cancelled; what has succeeded is not repeated."""
        return self._take(running.resume(self.id))

    def log(self, step: str | None = None, *, attempt: int | None = None, lines: int = 100) -> str:
        """The last lines that a step has printed.

        Without a `step`: of the one that has failed, else of the one at work, else the last one.
        """
        name = self._step(step)
        return self._service.run(running.log(self.id, name, attempt, lines))

    def notebook(self, step: str | None = None, *, attempt: int | None = None) -> Any:
        """The executed notebook of a step as `nbformat.NotebookNode`; also while it runs."""
        name = self._step(step)
        text = self._service.run(running.notebook(self.id, name, attempt))
        return import_nbformat().reads(text, as_version=4)

    def report(self, step: str | None = None, *, attempt: int | None = None) -> str:
        """The executed notebook of a step as one HTML page; also while it runs."""
        name = self._step(step)
        return self._service.run(running.report(self.id, name, attempt))

    def record(self) -> dict[str, Any]:
        """What it was made of and what came out, with hashes and versions: an RO-Crate."""
        return self._service.run(running.record(self.id))

    def delete(self) -> None:
        """Delete it with all its files; a live one is cancelled first."""
        self._service.run(running.remove(self.id))

    def _step(self, wanted: str | None) -> str:
        if wanted is None:
            self.refresh()
        return self._named(wanted)

    def _take(self, operation: Any) -> Self:
        self.run = self._service.run(operation)
        return self


class AsyncRunHandle(_Face):
    """`RunHandle` for asyncio: the same, awaited. Awaited itself, it waits for the end."""

    def __init__(self, service: AsyncClient, run: Run) -> None:
        super().__init__(run)
        self._service = service

    def __await__(self) -> Any:
        return self.wait().__await__()

    async def refresh(self) -> Self:
        """See `RunHandle.refresh`."""
        return await self._take(running.get(self.id))

    async def wait(
        self,
        timeout: float = WAIT,
        *,
        check: bool = True,
        tell: running.Tell = lambda run: None,
    ) -> Self:
        """See `RunHandle.wait`."""
        try:
            async with asyncio.timeout(timeout):
                async for run in watching.watch(self._service, self.id):
                    self._seen(run)
                    tell(self.run)
        except TimeoutError:
            raise running.still(self.run, timeout) from None
        return self._ended(check)

    async def cancel(self) -> Self:
        """See `RunHandle.cancel`."""
        return await self._take(running.cancel(self.id))

    async def resume(self) -> Self:
        """See `RunHandle.resume`."""
        return await self._take(running.resume(self.id))

    async def log(
        self, step: str | None = None, *, attempt: int | None = None, lines: int = 100
    ) -> str:
        """See `RunHandle.log`."""
        name = await self._step(step)
        return await self._service.run(running.log(self.id, name, attempt, lines))

    async def notebook(self, step: str | None = None, *, attempt: int | None = None) -> Any:
        """See `RunHandle.notebook`."""
        name = await self._step(step)
        text = await self._service.run(running.notebook(self.id, name, attempt))
        return import_nbformat().reads(text, as_version=4)

    async def report(self, step: str | None = None, *, attempt: int | None = None) -> str:
        """See `RunHandle.report`."""
        name = await self._step(step)
        return await self._service.run(running.report(self.id, name, attempt))

    async def record(self) -> dict[str, Any]:
        """See `RunHandle.record`."""
        return await self._service.run(running.record(self.id))

    async def delete(self) -> None:
        """See `RunHandle.delete`."""
        await self._service.run(running.remove(self.id))

    async def _step(self, wanted: str | None) -> str:
        if wanted is None:
            await self.refresh()
        return self._named(wanted)

    async def _take(self, operation: Any) -> Self:
        self.run = await self._service.run(operation)
        return self
