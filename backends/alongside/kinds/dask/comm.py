"""``alongside://session``: an address that `distributed` resolves by asking Alongside's service.

``Client("alongside://session")`` means the session's Dask cluster, ``Client("alongside://etl")``
the one of that name or id. Where it is and which certificates it trusts is asked when connecting,
so that a cluster that is late is waited for and one that was replaced is found again. The scheme
is registered under the entry point group ``distributed.comm.backends``; a session sets
``DASK_SCHEDULER_ADDRESS`` to it, so that ``Client()`` takes no argument.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote, unquote

import dask
from dask.utils import parse_timedelta
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.comm.core import Comm, CommClosedError, Connector, FatalCommClosedError
from distributed.comm.registry import Backend as CommBackend
from distributed.comm.registry import get_backend
from distributed.security import Security

from alongside import awaiting, frontend
from alongside.endpoint import Endpoint, endpoint_of
from alongside.errors import AlongsideError, NotReady, Unavailable
from alongside.kinds.dask.late_tls import LateContext
from alongside.links import dashboard_link
from alongside.models import Connection

SCHEME = "alongside"
SESSION = "session"
"""The place that means the session's own cluster, in the step of a workflow that of the step."""
_LINK = "distributed.dashboard.link"
_REPEAT = 1.0
_MARGIN = 1.0


class CannotConnect(AlongsideError, FatalCommClosedError):
    """Trying again would not help; says why and what to do."""

    code = "cannot-connect"
    status = 409


class NoAnswerYet(AlongsideError, CommClosedError):
    """Trying again may help, and distributed does until its timeout."""

    code = "no-answer-yet"
    status = 503


@dataclass(frozen=True)
class Route:
    """Where a place leads to at the moment."""

    id: str
    address: str
    connection: Connection
    context: LateContext


class Routes:
    """The routes found so far, one for each place."""

    def __init__(self) -> None:
        self.known: dict[str, Route] = {}
        self._failed: dict[str, float] = {}

    async def find(self, place: str, deadline: float) -> Route:
        """The route to a place, waiting for a cluster that is starting until `deadline`."""
        if place in self.known:
            return self.known[place]
        # a client that lost its cluster asks ten times a second; the service need not hear it all
        await asyncio.sleep(max(0.0, self._failed.get(place, 0.0) + _REPEAT - time.monotonic()))
        try:
            id, connection = await _ask(unquote(place), deadline)
        except (Unavailable, TimeoutError) as error:
            self._failed[place] = time.monotonic()
            raise NoAnswerYet(*_words(error)) from error
        except AlongsideError as error:
            if place in self._failed or isinstance(error, NotReady):
                self._failed[place] = time.monotonic()
            raise CannotConnect(*_words(error)) from error
        self._failed.pop(place, None)
        context = LateContext()
        context.fill(connection.credentials)
        self.known[place] = Route(id, connection.address, connection, context)
        return self.known[place]

    def forget(self, place: str, route: Route) -> None:
        """Ask again next time."""
        if self.known.get(place) is route:
            del self.known[place]
            self._failed[place] = time.monotonic() - _REPEAT


ROUTES = Routes()


def _words(error: Exception) -> tuple[str, str]:
    if isinstance(error, AlongsideError):
        return error.message, error.remedy
    return "Alongside's service did not answer in time.", "Try again."


async def _ask(target: str, deadline: float) -> tuple[str, Connection]:
    """Id and connection of a cluster, once it is usable."""
    from alongside.async_client import AsyncClient

    endpoint = endpoint_of(target) or Endpoint.find()
    async with AsyncClient.at(endpoint) as service:
        seen = (await service.backend(None if target == SESSION else target, "dask")).state
        left = max(0.0, deadline - time.monotonic())
        backend, connection = await service.run(awaiting.reachable(seen.id, left, seen))
        return backend.id, connection


class AlongsideConnector(Connector):
    """Made by distributed for one connection, which it may try several times."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        timeout = parse_timedelta(dask.config.get("distributed.comm.timeouts.connect"), "s")
        # a sentence about what is awaited says more than the time-out of distributed would
        self._deadline = time.monotonic() + max(timeout - _MARGIN, timeout / 2)

    async def connect(self, address: str, deserialize: bool = True, **connection_args: Any) -> Comm:
        """Connect to a place. See `Routes.find` for what may go wrong."""
        known = address in self._routes.known
        route = await self._routes.find(address, self._deadline)
        try:
            return await self._open(route, deserialize, connection_args)
        except OSError as error:
            self._routes.forget(address, route)
            if not known or not isinstance(error, FatalCommClosedError):
                raise
        # another process listens where the replaced cluster was
        route = await self._routes.find(address, self._deadline)
        return await self._open(route, deserialize, connection_args)

    async def _open(self, route: Route, deserialize: bool, given: dict[str, Any]) -> Comm:
        scheme, location = parse_address(route.address)
        context = given.get("ssl_context")
        if isinstance(context, LateContext):
            # the client connects to workers with it, for instance for gather(direct=True)
            context.fill(route.connection.credentials)
        arguments = {**given, "ssl_context": route.context, "require_encryption": True}
        connector: Connector = get_backend(scheme).get_connector()
        comm: Comm = await connector.connect(location, deserialize=deserialize, **arguments)
        frontend.attached(route.id)
        return comm


class AlongsideBackend(CommBackend):
    """The scheme, as distributed's registry knows it."""

    def get_connector(self) -> AlongsideConnector:
        """A connector for one connection."""
        return AlongsideConnector(ROUTES)

    def get_listener(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Nothing can listen on a name: raises ValueError."""
        raise ValueError(f"{SCHEME}:// leads to a cluster; listen on tls:// instead")

    def get_address_host(self, loc: str) -> str:
        """The host where the cluster is, as far as it is known."""
        route = ROUTES.known.get(loc)
        return str(parse_host_port(route.address)[0]) if route else loc

    def get_address_host_port(self, loc: str) -> tuple[str, int]:
        """Host and port of the scheduler, as far as they are known."""
        if loc not in ROUTES.known:
            raise NotImplementedError
        host, port = parse_host_port(ROUTES.known[loc].address)
        return host, port

    def resolve_address(self, loc: str) -> str:
        """The place itself: what is behind it may change."""
        return loc

    def get_local_address_for(self, loc: str) -> str:
        """The address of this machine that the cluster can reach."""
        route = ROUTES.known.get(loc)
        if route is None:
            return loc
        scheme, location = parse_address(route.address)
        found: str = get_backend(scheme).get_local_address_for(location)
        return found


def address(target: str) -> str:
    """The address of the cluster with this name or id."""
    return f"{SCHEME}://{quote(target, safe='')}"


class _LateSecurity(Security):
    """Certificates that are fetched when a connection is made."""

    def __init__(self) -> None:
        super().__init__(require_encryption=True)  # type: ignore[no-untyped-call]  # it has no types
        self._context = LateContext()

    def get_connection_args(self, role: str) -> dict[str, Any]:
        arguments: dict[str, Any] = super().get_connection_args(role)  # type: ignore[no-untyped-call]  # nor this
        return arguments | {"ssl_context": self._context}


def security() -> Security:
    """What a `distributed.Client` needs to talk to the workers themselves, too."""
    return _LateSecurity()


def load_security(info: dict[str, Any]) -> Security | None:
    """The loader for dask's setting ``distributed.client.security-loader``."""
    return security() if str(info["address"]).startswith(f"{SCHEME}://") else None


class DashboardLink(str):
    """Dask's template for links to dashboards; for our clusters, the page behind the hub's login.

    A scheduler's own port is neither reachable by a browser nor protected.
    """

    __slots__ = ()

    def format(self, *args: Any, **values: Any) -> str:
        """The link to the dashboard of `host`, which is a place of ours or a real host."""
        route = ROUTES.known.get(str(values.get("host")))
        return dashboard_link(route.id) if route else super().format(*args, **values)


dask.config.set({_LINK: DashboardLink(dask.config.get(_LINK))})
