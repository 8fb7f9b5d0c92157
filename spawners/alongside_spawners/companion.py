"""The backend that starts alongside a session: asked for, watched, told about."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from alongside.errors import AlongsideError, Conflict, Unavailable
from alongside.phases import ENDED, LIVE, USABLE, Phase
from alongside_spawners.service_client import Service
from alongside_spawners.story import Story

_FIRST, _LATER = 0.25, 2.0  # seconds between looks at a backend
_TRIES = 5


class BackendFailed(AlongsideError):
    """The backend that a session needs did not come up."""

    code = "backend-failed"
    status = 503


class Companion:
    """Brings up one backend and tells its story.

    `launch` is the body of ``POST backends``, `title` what people call such a backend, `nonce` the
    same for each try. `id` is empty until the service has accepted it. Nothing here raises into
    the start of the session: `failure` has what went wrong.
    """

    def __init__(
        self, service: Service, launch: Mapping[str, Any], title: str, nonce: str, story: Story
    ) -> None:
        self.id = ""
        self.title = title
        self.failure: AlongsideError | None = None
        self.phase = Phase.PENDING
        self._service = service
        self._launch = dict(launch)
        self._nonce = nonce
        self._story = story
        self._task: asyncio.Task[None] | None = None
        self._answered = asyncio.Event()

    def start(self) -> None:
        """Begin in the background."""
        self._task = asyncio.create_task(self._run())

    async def settled(self, timeout: float) -> None:
        """Wait until it is usable. Raises BackendFailed, also when it takes longer than that."""
        assert self._task is not None
        await asyncio.wait([self._task], timeout=timeout)
        if self.failure:
            raise BackendFailed(
                f"The {self.title} that this session needs did not start: {self.failure.message}",
                self.failure.remedy or "Try again, or choose another profile.",
                self.failure.field,
            )
        if self.phase not in USABLE:
            raise BackendFailed(
                f"The {self.title} that this session needs was not ready after {timeout:.0f} s.",
                "Try again later, or choose a smaller one.",
            )

    async def let_go(self, timeout: float) -> None:
        """Stop watching; the backend itself stays as it is.

        A launch that is under way is waited for, else it could come after the session's end.
        """
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._answered.wait()
        self._task.cancel()
        await asyncio.wait([self._task], timeout=1)

    async def _run(self) -> None:
        try:
            self._story.tell(f"Asking for the {self.title}.", 10)
            backend = await self._ask()
            self._answered.set()
            self._take(backend)
            await self._watch()
        except AlongsideError as error:
            self._fail(error)
        finally:
            self._answered.set()

    async def _ask(self) -> dict[str, Any]:
        """Launch, again after a hiccup of the service: the nonce makes it the same backend."""
        for attempt in range(_TRIES):
            try:
                return await self._service.launch(self._launch, self._nonce)
            except Unavailable:
                if attempt + 1 == _TRIES:
                    raise
                self._story.tell("The Alongside service does not answer yet; trying again.")
                await asyncio.sleep(0.5 * 2**attempt)
            except Conflict as error:
                if not error.backend:
                    raise
                found = await self._service.backend(error.backend)
                if found["kind"] != self._launch["kind"] or found["phase"] not in LIVE:
                    raise
                self._story.tell(f"Your {self.title} of before is still there and is used again.")
                return found
        raise AssertionError("unreachable")

    async def _watch(self) -> None:
        pause = _FIRST
        while self.phase not in USABLE | ENDED:
            await asyncio.sleep(pause)
            pause = min(_LATER, pause * 1.3)
            with contextlib.suppress(Unavailable):  # restarting; the backend goes on by itself
                self._take(await self._service.backend(self.id))

    def _take(self, backend: Mapping[str, Any]) -> None:
        """Take note of how the backend is now."""
        self.id = str(backend["id"])
        self.phase = Phase(backend["phase"])
        for stage in backend["stages"]:
            self._story.tell(f"{self.title}: {stage['message']}", _reached(backend))
        if self.phase in ENDED:
            message = str(backend["message"]) or "it ended."
            self._fail(BackendFailed(message, str(backend["remedy"])))
        elif self.phase in USABLE:
            self._story.tell(f"The {self.title} is ready.", 80)

    def _fail(self, error: AlongsideError) -> None:
        self.failure = error
        self._story.tell(f"The {self.title} did not start: {error} The session starts without it.")


def _reached(backend: Mapping[str, Any]) -> int:
    wanted = int(backend["wanted"]) or 1
    return 20 + round(50 * min(1.0, int(backend["ready"]) / wanted))
