"""A run as it changes: by the service's stream of events, never by asking again and again."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from types import TracebackType
from typing import Self

from alongside.async_client import AsyncClient
from alongside.endpoint import Endpoint
from alongside.errors import AlongsideError
from alongside_workflows import running
from alongside_workflows.runs import Run

_LATER = frozenset({408, 425, 429, 502, 503, 504})  # not now: the service is away, or has no room
_FIRST, _MOST = 0.2, 5.0  # seconds before the stream is opened again
_A_MOMENT = 5.0  # seconds for a thread that was told to end


async def watch(client: AsyncClient, id: str) -> AsyncGenerator[Run, None]:
    """The run as it is, then whenever it has changed, until it has ended.

    All but the first and the last may come without the definition. Raises NotFound when it has
    been deleted. A service that is away is waited for: runs go on without it.
    """
    seen: Run | None = None
    pause = _FIRST
    while True:
        try:
            run = await client.run(running.get(id))
            if _bare(run) != seen:
                seen = _bare(run)
                yield run
            if run.state.final:
                return
            async with aclosing(_told(client, id)) as changes:
                async for run in changes:
                    pause = _FIRST
                    if _bare(run) != seen:
                        seen = _bare(run)
                        yield run
                    if run.state.final:
                        return
        except AlongsideError as error:
            if error.status not in _LATER:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, _MOST)


async def _told(client: AsyncClient, id: str) -> AsyncGenerator[Run, None]:
    """What the events tell of a run; asked for where they say that it has ended, or is gone."""
    async with aclosing(client.events()) as events:
        async for event in events:
            if event.name == "snapshot":
                told = [one for one in event.data["runs"] if one["id"] == id]
            elif event.name in ("run", "run-removed") and event.data["id"] == id:
                told = [event.data] if event.name == "run" else []
            else:
                continue
            run = running.read(told[0]) if told else None
            if run is None or run.state.final:
                run = await client.run(running.get(id))
            yield run


def _bare(run: Run) -> Run:
    return run.model_copy(update={"workflow": None})


class Watcher:
    """`watch` for those who wait in a thread that does nothing else: another one listens.

    So waiting is bounded to the second, ends with Ctrl-C, and works in a notebook, whose own
    thread has a loop that runs already.
    """

    def __init__(self, endpoint: Endpoint, id: str) -> None:
        self._endpoint, self._id = endpoint, id
        self._told: queue.SimpleQueue[Run | BaseException] = queue.SimpleQueue()
        self._left = False
        self._task: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._run, name="alongside-watching", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._leave)
        self._thread.join(_A_MOMENT)

    def next(self, within: float) -> Run | None:
        """The run when it has changed; None when it has not for so many seconds."""
        try:
            told = self._told.get(timeout=max(0.0, within))
        except queue.Empty:
            return None
        if isinstance(told, BaseException):
            raise told
        return told

    def _leave(self) -> None:
        self._left = True
        if self._task is not None:
            self._task.cancel()

    def _run(self) -> None:
        with (
            asyncio.Runner(loop_factory=lambda: self._loop) as runner,
            suppress(asyncio.CancelledError),
        ):
            runner.run(self._listen())

    async def _listen(self) -> None:
        self._task = asyncio.current_task()
        if self._left:
            return
        try:
            async with AsyncClient.at(self._endpoint) as client:
                async for run in watch(client, self._id):
                    self._told.put(run)
        except Exception as error:
            self._told.put(error)


__all__ = ["Watcher", "watch"]
