"""The way to the service: one pool of connections, with the token that the browser never sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING

from alongside.endpoint import Endpoint, is_loopback
from alongside.errors import Unavailable

if TYPE_CHECKING:
    import httpx

_CONNECT, _ANSWER = 5.0, 60.0
_CONNECTIONS = 200
_NEEDED = ("httpx", "alongside.event_stream")


class Upstream:
    """Where the service is, and connections to it.

    find : the endpoint of this moment; raises an AlongsideError when there is none
    wanted : returns once there is somebody to connect for
    """

    def __init__(self, find: Callable[[], Endpoint], wanted: Callable[[], Awaitable[None]]) -> None:
        self.find = find
        self.wanted = wanted
        self._endpoint: Endpoint | None = None
        self._http: httpx.AsyncClient | None = None
        self._imported = False
        self._endless: set[asyncio.Task[None]] = set()

    async def http(self) -> httpx.AsyncClient:
        """A client whose base is the API. Raises an AlongsideError when it is not known where."""
        if not self._imported:
            # in a thread, since it takes a tenth of a second and Lab is just being loaded
            for module in _NEEDED:
                await asyncio.to_thread(import_module, module)
            self._imported = True
        endpoint = self.find()
        if self._http is None or endpoint != self._endpoint:
            await self.close()
            self._endpoint, self._http = endpoint, _client(endpoint)
        return self._http

    def may_be_cut(self, task: asyncio.Task[None]) -> None:
        """Have this one, which may read for ever, cancelled when the service is lost."""
        self._endless.add(task)
        task.add_done_callback(self._endless.discard)

    def cut(self) -> None:
        """The service is lost; a proxy in between would let its readers wait."""
        for task in self._endless:
            task.cancel()

    async def close(self) -> None:
        """Close all connections; the next question opens new ones."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()


def _client(endpoint: Endpoint) -> httpx.AsyncClient:
    import httpx

    return httpx.AsyncClient(
        base_url=f"{endpoint.url}/",
        headers={"Authorization": f"token {endpoint.token}"},
        verify=endpoint.url.startswith("https:"),
        timeout=httpx.Timeout(_ANSWER, connect=_CONNECT, pool=_CONNECT),
        limits=httpx.Limits(max_connections=_CONNECTIONS),
        trust_env=not is_loopback(endpoint.url),
    )


def silent(error: Exception) -> Unavailable:
    """The error that stands for no answer at all."""
    return Unavailable(
        f"Alongside's service does not answer ({type(error).__name__}).",
        "It is tried again; if it goes on, tell an administrator.",
    )
