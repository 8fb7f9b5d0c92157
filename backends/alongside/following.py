"""What happens to backends, brought to whatever shows them in this process.

One thread of its own does all of it, whatever a kernel is busy with: it is there as long as
something is shown, follows each service that it is shown from, and never prints. What it tells,
it tells in that thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

from alongside.async_client import AsyncClient
from alongside.endpoint import Endpoint
from alongside.errors import AlongsideError, Unavailable
from alongside.event_stream import Event, afollow_events

PATIENCE = 30.0
"""Seconds after which a command counts as not answered."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0

Problem = dict[str, object]
"""A problem document, or what is needed of it: `detail` and `remedy`."""
Command = Callable[[AsyncClient], Awaitable[object]]


class Reader(Protocol):
    """Shows one backend. It is held weakly."""

    endpoint: Endpoint
    backend_id: str

    def changed(self, backend: dict[str, Any]) -> None:
        """How it is now: the API's Backend."""

    def removed(self) -> None:
        """It is gone, and its record too."""

    def connection(self, problem: Problem | None) -> None:
        """Whether its service can be heard."""


class Following:
    """The thread, and what goes on in it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # of what is changed from outside of the thread
        self._jobs: deque[Callable[[], None]] = deque()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._feeds: dict[Endpoint, _Feed] = {}
        self._commands: set[asyncio.Task[None]] = set()

    def follow(self, reader: Reader) -> None:
        """Tell it how its backend is, now and after each change, until it leaves or is gone."""
        self._submit(lambda: self._feed(reader.endpoint).add(reader))

    def leave(self, reader: Reader) -> None:
        """Tell it no more."""
        known = weakref.ref(reader)
        endpoint = reader.endpoint

        def forget() -> None:
            if feed := self._feeds.get(endpoint):
                feed.drop(known)

        if self._thread is not None:
            self._submit(forget)

    def carry_out(
        self, endpoint: Endpoint, command: Command, answered: Callable[[Problem | None], object]
    ) -> None:
        """Have the command done; `answered` is told why it wasn't, None when it was."""
        self._submit(lambda: self._begin(endpoint, command, answered))

    def _submit(self, job: Callable[[], None]) -> None:
        with self._lock:
            self._jobs.append(job)
            if self._thread is None or not self._thread.is_alive():  # nor after a fork
                self._thread = threading.Thread(
                    target=self._run, name="alongside-following", daemon=True
                )
                self._thread.start()
            else:
                self._rouse()

    def _rouse(self, *_: object) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # closed: nothing is waiting any more
                loop.call_soon_threadsafe(self._wake.set)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        with self._lock:
            self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
            self._feeds, self._commands = {}, set()
        while True:
            for endpoint, feed in list(self._feeds.items()):
                if not feed.readers():
                    await feed.end()
                    del self._feeds[endpoint]
            with self._lock:
                jobs = list(self._jobs)
                self._jobs.clear()
                if not jobs and not self._feeds and not self._commands:
                    self._thread = self._loop = None
                    return
            for job in jobs:
                job()
            if not jobs:
                await self._wake.wait()
                self._wake.clear()

    def _feed(self, endpoint: Endpoint) -> _Feed:
        if endpoint not in self._feeds:
            self._feeds[endpoint] = _Feed(endpoint, self._rouse)
        return self._feeds[endpoint]

    def _begin(
        self, endpoint: Endpoint, command: Command, answered: Callable[[Problem | None], object]
    ) -> None:
        async def task() -> None:
            problem = await _attempt(endpoint, command)
            with contextlib.suppress(Exception):  # who asked may be gone
                answered(problem)

        started = asyncio.get_running_loop().create_task(task())
        self._commands.add(started)
        started.add_done_callback(self._commands.discard)
        started.add_done_callback(self._rouse)


async def _attempt(endpoint: Endpoint, command: Command) -> Problem | None:
    try:
        async with asyncio.timeout(PATIENCE), AsyncClient.at(endpoint) as client:
            await command(client)
    except AlongsideError as error:
        return error.problem()
    except TimeoutError:
        return Unavailable("The service does not answer.", "Try again in a moment.").problem()
    except Exception as error:
        return AlongsideError(
            f"It could not be asked for ({type(error).__name__}).", "Do it from a cell instead."
        ).problem()
    return None


class _Feed:
    """One service, followed for all who show backends of it. Used in the thread only."""

    def __init__(self, endpoint: Endpoint, rouse: Callable[..., None]) -> None:
        self._endpoint = endpoint
        self._rouse = rouse
        self._readers: list[weakref.ref[Reader]] = []
        self._known: dict[str, dict[str, Any]] | None = None
        self._problem: Problem | None = None
        self._last = ""
        self._pause = FIRST_PAUSE
        self._failures = 0
        self._task = asyncio.get_running_loop().create_task(self._follow())

    def add(self, reader: Reader) -> None:
        """From now on tell this one too."""
        reference = weakref.ref(reader, self._rouse)
        if reference not in self._readers:
            self._readers.append(reference)
        if self._known is not None:
            self._tell(reader, partial(reader.connection, self._problem))
            if reader.backend_id in self._known:
                self._show(reader)
            else:
                self._again()  # launched a moment ago, or gone long since

    def drop(self, reference: weakref.ref[Reader]) -> None:
        """Tell this one no more."""
        self._readers = [known for known in self._readers if known != reference]

    def readers(self) -> list[Reader]:
        """Who is still there."""
        self._readers = [known for known in self._readers if known() is not None]
        return [reader for known in self._readers if (reader := known()) is not None]

    async def end(self) -> None:
        """Stop following."""
        self._task.cancel()
        await asyncio.wait([self._task])

    def _again(self) -> None:
        """Begin anew, with a snapshot of what there is."""
        self._last, self._pause = "", FIRST_PAUSE
        self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._follow())

    async def _follow(self) -> None:
        async with AsyncClient.at(self._endpoint) as client:
            while True:
                try:
                    await self._connect(client)
                except AlongsideError as error:
                    self._lost(error)
                except Exception as error:
                    self._last = ""
                    self._lost(Unavailable(f"Its state can't be read ({type(error).__name__})."))
                await asyncio.sleep(self._pause)
                self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _connect(self, client: AsyncClient) -> None:
        async for event in afollow_events(client._http, self._last, self._opened):
            self._take(event)
            self._last = event.id or self._last

    def _take(self, event: Event) -> None:
        if event.name == "snapshot":
            self._known = {backend["id"]: backend for backend in event.data["backends"]}
            self._connected()
            for reader in self.readers():
                self._show(reader)
        elif event.name in ("changed", "removed") and self._known is not None:
            id = event.data["id"]
            self._known.pop(id, None)
            if event.name == "changed":
                self._known[id] = event.data
            for reader in self.readers():
                if reader.backend_id == id:
                    self._show(reader)

    def _show(self, reader: Reader) -> None:
        backend = (self._known or {}).get(reader.backend_id)
        if backend is None:
            self._tell(reader, reader.removed)
        else:
            self._tell(reader, partial(reader.changed, backend))

    def _opened(self) -> None:
        if self._last:
            self._connected()  # else only once there is something to show

    def _connected(self) -> None:
        self._pause, self._failures = FIRST_PAUSE, 0
        self._announce(None)

    def _lost(self, error: AlongsideError) -> None:
        self._failures += 1
        # a stream that breaks is nothing yet: a service that starts again is back in a moment
        if self._failures > 1 or self._known is None or not isinstance(error, Unavailable):
            self._announce({"detail": error.message, "remedy": error.remedy})

    def _announce(self, problem: Problem | None) -> None:
        if problem != self._problem or self._known is None:
            self._problem = problem
            for reader in self.readers():
                self._tell(reader, partial(reader.connection, problem))

    def _tell(self, reader: Reader, what: Callable[[], None]) -> None:
        try:
            what()
        except Exception:
            self.drop(weakref.ref(reader))  # its kernel's connections are closing
            self._rouse()


FOLLOWING = Following()
"""The one of this process."""
