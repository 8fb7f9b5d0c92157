"""The service's API in Python, for asyncio: the methods of `alongside.client`, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any, Self, TypeVar

import httpx

from alongside import operations, scheduling, streams
from alongside.asking import FROM_ENVIRONMENT, WAIT, Asker, Until, answer_of, silence
from alongside.calls import Call, arguments
from alongside.endpoint import Endpoint
from alongside.event_stream import Event
from alongside.exchanges import Answer, Operation, Pause
from alongside.handle import AsyncBackendHandle, Target
from alongside.models import Backend, Connection, Lifetime
from alongside.requests import Patch, parse
from alongside.schedules import Schedule

T = TypeVar("T")


class AsyncClient(Asker):
    """`Client` for asyncio: the same methods, awaited; `logs` and `events` are async iterators."""

    def _open(self, endpoint: Endpoint) -> None:
        super()._open(endpoint)
        self._http = httpx.AsyncClient(**self._settings())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. Backends keep running."""
        await self._http.aclose()

    async def run(self, operation: Operation[T]) -> T:
        """Carry out an operation of `alongside.operations`."""
        answer: Answer | None = None
        while True:
            try:
                step = operation.send(answer)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                answer = None
            else:
                answer = await self._exchange(step)

    async def _exchange(self, call: Call) -> Answer:
        try:
            return answer_of(await self._http.request(**arguments(call)))
        except httpx.RequestError as error:
            return silence(error)

    def _handle(self, state: Backend) -> AsyncBackendHandle:
        return AsyncBackendHandle(self, state)

    async def healthy(self) -> None:
        """See `Client.healthy`."""
        await self.run(operations.document("healthz"))

    async def me(self) -> dict[str, Any]:
        """See `Client.me`."""
        return await self.run(operations.document("me"))

    async def catalogue(self) -> dict[str, Any]:
        """See `Client.catalogue`."""
        return await self.run(operations.document("catalogue"))

    async def backends(self) -> list[AsyncBackendHandle]:
        """See `Client.backends`."""
        return [self._handle(state) for state in await self.run(operations.backends())]

    async def backend(
        self, target: Target | None = None, kind: str | None = None
    ) -> AsyncBackendHandle:
        """See `Client.backend`."""
        if target is None:
            return self._handle(await self.run(operations.own(self.endpoint, kind)))
        return self._handle(await self.run(self._find(target)))

    async def launch(
        self,
        kind: str = "dask",
        *,
        name: str | None = None,
        profile: str | None = None,
        image: str | None = None,
        session: str | None = FROM_ENVIRONMENT,
        keep: bool = False,
        lifetime: Lifetime | Mapping[str, Any] | None = None,
        wait: bool = True,
        timeout: float = WAIT,
        **options: Any,
    ) -> AsyncBackendHandle:
        """See `Client.launch`."""
        wish = operations.request(
            kind,
            session=self._session(session),
            name=name,
            profile=profile,
            image=image,
            keep=keep,
            lifetime=lifetime,
            options=options or None,
        )
        return self._handle(await self.run(self._launch(wish, wait, timeout)))

    async def scale(
        self,
        target: Target,
        members: int | None = None,
        *,
        wait: bool = False,
        timeout: float = WAIT,
        discard: bool = False,
        **options: Any,
    ) -> AsyncBackendHandle:
        """See `Client.scale`."""
        bound = timeout if wait else None
        return self._handle(await self.run(self._scale(target, members, options, bound, discard)))

    async def adapt(self, target: Target, minimum: int = 1, maximum: int = 2) -> AsyncBackendHandle:
        """See `Client.adapt`."""
        bounds = {"minimum": minimum, "maximum": maximum}
        return self._handle(
            await self.run(self._scale(target, None, {"adaptive": bounds}, timeout=None))
        )

    async def change(self, target: Target, **changes: Any) -> AsyncBackendHandle:
        """See `Client.change`."""
        return self._handle(await self.run(self._change(target, parse(Patch, changes))))

    async def stop(self, target: Target, *, wait: bool = False, timeout: float = 60.0) -> None:
        """See `Client.stop`."""
        await self.run(self._stop(target, timeout if wait else None))

    async def wait(
        self, target: Target, until: Until = None, *, timeout: float = WAIT
    ) -> AsyncBackendHandle:
        """See `Client.wait`."""
        return self._handle(await self.run(self._wait(target, until, timeout)))

    async def schedules(self) -> list[Schedule]:
        """See `Client.schedules`."""
        return await self.run(scheduling.schedules())

    async def schedule(
        self, name: str, launch: Mapping[str, Any] | None = None, **more: Any
    ) -> Schedule:
        """See `Client.schedule`."""
        return await self.run(scheduling.make(scheduling.wish(name, launch, more)))

    async def change_schedule(self, target: str, **changes: Any) -> Schedule:
        """See `Client.change_schedule`."""
        return await self.run(scheduling.change(target, scheduling.changes(changes)))

    async def unschedule(self, target: str, *, stop: bool = False) -> None:
        """See `Client.unschedule`."""
        await self.run(scheduling.remove(target, stop=stop))

    async def connection(self, target: Target) -> Connection:
        """See `Client.connection`."""
        return await self.run(self._connection(target))

    async def logs(
        self, target: Target, role: str | None = None, *, lines: int = 100, follow: bool = False
    ) -> AsyncIterator[str]:
        """See `Client.logs`."""
        backend = await self.run(self._find(target))
        async for line in streams.afollow_lines(
            self._http, streams.logs(backend, role, lines, follow)
        ):
            yield line

    def events(self, last: str | None = None) -> AsyncGenerator[Event, None]:
        """See `Client.events`; whoever leaves it early closes it (`contextlib.aclosing`)."""
        return streams.aevents(self._http, last)
