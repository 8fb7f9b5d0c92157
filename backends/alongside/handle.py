"""A backend as an object in a kernel: look at it, scale it, connect to it, end it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from typing import TYPE_CHECKING, Any, Self

from alongside.card import card, live_card
from alongside.endpoint import remember
from alongside.kinds import get_kind
from alongside.models import Backend, Connection
from alongside.phases import ENDED, Phase
from alongside.versions import warn_about_differences

if TYPE_CHECKING:
    from alongside.asking import Asker
    from alongside.async_client import AsyncClient
    from alongside.client import Client


class _Face:
    """What can be told of a backend without asking, and what distributed asks of a cluster."""

    _service: Asker

    def __init__(self, state: Backend) -> None:
        self.state = state
        """All that was last seen of it; `refresh` looks again."""

    @property
    def id(self) -> str:
        """Its id, the same for good."""
        return self.state.id

    @property
    def name(self) -> str:
        """What its owner calls it."""
        return self.state.name

    @property
    def kind(self) -> str:
        """What it is: `dask`."""
        return self.state.kind

    @property
    def phase(self) -> Phase:
        """Where it is in its life, as last seen."""
        return self.state.phase

    @property
    def scheduler_address(self) -> str:
        """The address that `distributed.Client` connects to (Dask only)."""
        if self.kind != "dask":
            raise AttributeError(f"a backend of kind {self.kind} has no scheduler_address")
        return f"alongside://{self.id}"

    @property
    def security(self) -> Any:
        """The `distributed.Security` to connect with; it gets its certificates on the way."""
        from alongside.kinds.dask.comm import security

        return security()

    @property
    def dashboard_link(self) -> str:
        """URL of its dashboard behind the hub's login, as far as it is known here."""
        from alongside.links import dashboard_link

        return dashboard_link(self.id)

    @property
    def status(self) -> Any:
        """Its phase as the `distributed.Status` of a cluster."""
        from distributed.core import Status

        if self.phase in ENDED:
            return Status.closed
        return Status.closing if self.phase is Phase.STOPPING else Status.running

    def __repr__(self) -> str:
        s = self.state
        return f"<{s.kind} backend {s.name!r}: {s.phase}, {s.ready} of {s.wanted} ready ({s.id})>"

    def _repr_html_(self) -> str:
        return card(self.state)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle = {
            "text/plain": repr(self),
            "text/html": card(self.state),
            **live_card(self._service.endpoint, self.state),
        }
        return {
            mime: data
            for mime, data in bundle.items()
            if (not include or mime in include) and mime not in (exclude or ())
        }


class BackendHandle(_Face):
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

    def __await__(self) -> Generator[Any, None, Self]:
        # distributed awaits the cluster that it is given; this one has been started already
        yield from ()
        return self

    def _take(self, other: BackendHandle) -> Self:
        self.state = other.state
        return self

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
        """Make it this many workers (locales) large; see `Client.scale`."""
        changed = self._service.scale(self, members, wait=wait, timeout=timeout, **options)
        return self._take(changed)

    def adapt(self, minimum: int = 1, maximum: int = 2) -> Self:
        """Let its size follow the work, between these bounds."""
        return self._take(self._service.adapt(self, minimum, maximum))

    def stop(self, *, wait: bool = False, timeout: float = 60.0) -> Self:
        """End it."""
        self._service.stop(self, wait=wait, timeout=timeout)
        phase = Phase.STOPPED if wait else Phase.STOPPING
        if self.phase not in ENDED:
            self.state = self.state.model_copy(update={"phase": phase})
        return self

    close = stop

    def logs(
        self, role: str | None = None, *, lines: int = 100, follow: bool = False
    ) -> Iterator[str]:
        """The last lines of one of its processes; see `Client.logs`."""
        return self._service.logs(self, role, lines=lines, follow=follow)

    def connection(self) -> Connection:
        """Address and credentials."""
        return self._service.connection(self)

    def client(self, **arguments: Any) -> Any:
        """Connect: a `distributed.Client` for Dask, the kind's client object for others.

        Warns before any work starts when library versions differ. `arguments` go to
        `distributed.Client`.
        """
        self.wait()
        warn_about_differences(self.state, stacklevel=3)
        if hasattr(self, "scheduler_address"):
            from distributed import Client as DaskClient

            return DaskClient(self, **arguments)
        return get_kind(self.kind).attach(self.connection(), self.name)


class AsyncBackendHandle(_Face):
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

    def __await__(self) -> Generator[Any, None, Self]:
        yield from ()
        return self

    def _take(self, other: AsyncBackendHandle) -> Self:
        self.state = other.state
        return self

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
        """See `BackendHandle.scale`."""
        changed = await self._service.scale(self, members, wait=wait, timeout=timeout, **options)
        return self._take(changed)

    async def adapt(self, minimum: int = 1, maximum: int = 2) -> Self:
        """See `BackendHandle.adapt`."""
        return self._take(await self._service.adapt(self, minimum, maximum))

    async def stop(self, *, wait: bool = False, timeout: float = 60.0) -> Self:
        """End it."""
        await self._service.stop(self, wait=wait, timeout=timeout)
        phase = Phase.STOPPED if wait else Phase.STOPPING
        if self.phase not in ENDED:
            self.state = self.state.model_copy(update={"phase": phase})
        return self

    close = stop

    def logs(
        self, role: str | None = None, *, lines: int = 100, follow: bool = False
    ) -> AsyncIterator[str]:
        """See `BackendHandle.logs`."""
        return self._service.logs(self, role, lines=lines, follow=follow)

    async def connection(self) -> Connection:
        """Address and credentials."""
        return await self._service.connection(self)

    async def client(self, **arguments: Any) -> Any:
        """An asynchronous `distributed.Client` (Dask only)."""
        await self.wait()
        warn_about_differences(self.state, stacklevel=3)
        from distributed import Client as DaskClient

        return await DaskClient(self, asynchronous=True, **arguments)


Target = str | Backend | BackendHandle | AsyncBackendHandle
"""How a backend may be named: by name, by id, or by the object."""
