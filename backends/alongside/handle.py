"""A backend as an object in a kernel: look at it, scale it, connect to it, end it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Self

from alongside import awaiting, frontend, reservations
from alongside.endpoint import remember
from alongside.face import Face
from alongside.kinds import get_kind
from alongside.models import Backend, Connection
from alongside.phases import Phase
from alongside.versions import warn_about_differences

if TYPE_CHECKING:
    from pathlib import Path

    from alongside.async_client import AsyncClient
    from alongside.client import Client

_PATIENCE = 300.0  # seconds that attaching waits for a backend to run
_attached: dict[str, str] = {}  # the backend that this process is attached to, by kind


def attached_to(kind: str) -> str:
    """The id of the backend of this kind that this kernel is attached to, else ''."""
    return _attached.get(kind, "")


def detach(kind: str) -> None:
    """Note that this kernel is attached to no backend of this kind any more."""
    _attached.pop(kind, None)


class BackendHandle(Face):
    """One backend. As a context manager it ends the backend when the block ends.

    `distributed.Client(handle)` connects to a Dask backend, as with any cluster object.
    """

    _service: Client

    def __init__(self, service: Client, state: Backend) -> None:
        super().__init__(state)
        remember(state.id, service.endpoint)
        self._service = service

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def refresh(self) -> Self:
        """Look again."""
        return self._take(self._service.backend(self))

    def wait(self, until: Phase | str | None = None, *, timeout: float = 300.0) -> Self:
        """Wait until it is usable, or in the phase `until`, `timeout` seconds at most."""
        return self._take(self._service.wait(self, until, timeout=timeout))

    def scale(
        self,
        members: int | None = None,
        *,
        wait: bool = False,
        timeout: float = 300.0,
        **options: Any,
    ) -> Self:
        """Make it this many workers (locales) large; see `Client.scale`.

        Where another size is a new start (Arkouda), what this notebook has in its memory is saved
        before and loaded after; see `alongside.resizing.relaunch`, which takes the arguments. It
        must be attached then, or `discard` be True: what is in its memory is lost then.
        """
        if get_kind(self.kind).scaling == "relaunch":
            from alongside.resizing import relaunch

            return self._take(relaunch(self, members, timeout=timeout, **options))
        changed = self._service.scale(self, members, wait=wait, timeout=timeout, **options)
        return self._take(changed)

    def pause(self, **arguments: Any) -> Path:
        """Save what this notebook has in its memory, then end it; where it is saved.

        `alongside.resume` brings it back, maybe in another session. Only where another size is a
        new start (Arkouda). `directory` and `tell` as in `alongside.pausing.pause`.
        """
        from alongside.pausing import pause

        return pause(self, **arguments)

    def adapt(self, minimum: int = 1, maximum: int = 2) -> Self:
        """Let its size follow the work, between these bounds."""
        return self._take(self._service.adapt(self, minimum, maximum))

    def stop(self, *, wait: bool = False, timeout: float = 60.0) -> Self:
        """End it."""
        self._service.stop(self, wait=wait, timeout=timeout)
        return self._ending(Phase.STOPPED if wait else Phase.STOPPING)

    close = stop

    def logs(
        self, role: str | None = None, *, lines: int = 100, follow: bool = False
    ) -> Iterator[str]:
        """The last lines of one of its processes; see `Client.logs`."""
        return self._service.logs(self, role, lines=lines, follow=follow)

    def connection(self) -> Connection:
        """Address and credentials."""
        return self._service.connection(self)

    def client(self, *, together: bool = False, **arguments: Any) -> Any:
        """Connect: a `distributed.Client` for Dask, the kind's client object for others.

        Warns before any work starts when library versions differ. `arguments` go to
        `distributed.Client`. Raises Conflict while the step of a workflow computes on a locale
        group, unless it may be `together`.
        """
        if hasattr(self, "scheduler_address"):
            self.wait()
            warn_about_differences(self.state, stacklevel=3)
            from distributed import Client as DaskClient

            return DaskClient(self, **arguments)
        self.state, connection = self._service.run(awaiting.reachable(self.id, _PATIENCE))
        if not together and self.id != self._service.endpoint.attached:
            reservations.check_free(self.state)
        detach(self.kind)
        client = get_kind(self.kind).attach(connection, self.name)
        _attached[self.kind] = self.id
        frontend.attached(self.id)
        warn_about_differences(self.state, stacklevel=3)  # known now that the client is imported
        return client


class AsyncBackendHandle(Face):
    """`BackendHandle` for asyncio."""

    _service: AsyncClient

    def __init__(self, service: AsyncClient, state: Backend) -> None:
        super().__init__(state)
        remember(state.id, service.endpoint)
        self._service = service

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()

    async def refresh(self) -> Self:
        """Look again."""
        return self._take(await self._service.backend(self))

    async def wait(self, until: Phase | str | None = None, *, timeout: float = 300.0) -> Self:
        """See `BackendHandle.wait`."""
        return self._take(await self._service.wait(self, until, timeout=timeout))

    async def scale(
        self,
        members: int | None = None,
        *,
        wait: bool = False,
        timeout: float = 300.0,
        **options: Any,
    ) -> Self:
        """See `BackendHandle.scale`. Saving and loading go on in a thread."""
        if get_kind(self.kind).scaling == "relaunch":
            from alongside.resizing import relaunch

            with self._blocking() as handle:
                await asyncio.to_thread(relaunch, handle, members, timeout=timeout, **options)
            return await self.refresh()
        changed = await self._service.scale(self, members, wait=wait, timeout=timeout, **options)
        return self._take(changed)

    async def adapt(self, minimum: int = 1, maximum: int = 2) -> Self:
        """See `BackendHandle.adapt`."""
        return self._take(await self._service.adapt(self, minimum, maximum))

    async def stop(self, *, wait: bool = False, timeout: float = 60.0) -> Self:
        """End it."""
        await self._service.stop(self, wait=wait, timeout=timeout)
        return self._ending(Phase.STOPPED if wait else Phase.STOPPING)

    close = stop

    def logs(
        self, role: str | None = None, *, lines: int = 100, follow: bool = False
    ) -> AsyncIterator[str]:
        """See `BackendHandle.logs`."""
        return self._service.logs(self, role, lines=lines, follow=follow)

    async def connection(self) -> Connection:
        """Address and credentials."""
        return await self._service.connection(self)

    async def pause(self, **arguments: Any) -> Path:
        """See `BackendHandle.pause`."""
        from alongside.pausing import pause

        with self._blocking() as handle:
            return await asyncio.to_thread(pause, handle, **arguments)

    @contextlib.contextmanager
    def _blocking(self) -> Iterator[BackendHandle]:
        """The same backend for a thread."""
        from alongside.client import Client

        with Client.at(self._service.endpoint) as service:
            yield BackendHandle(service, self.state)

    async def client(self, **arguments: Any) -> Any:
        """An asynchronous `distributed.Client`; for other kinds the client object of the kind."""
        await self.wait()
        if not hasattr(self, "scheduler_address"):
            with self._blocking() as handle:
                return await asyncio.to_thread(handle.client, **arguments)
        warn_about_differences(self.state, stacklevel=3)
        from distributed import Client as DaskClient

        return await DaskClient(self, asynchronous=True, **arguments)


Target = str | Backend | BackendHandle | AsyncBackendHandle
"""How a backend may be named: by name, by id, or by the object."""
