"""What the hub's spawner asks the service: offers for the form, validation, backends.

Every call is bounded in time and raises `AlongsideError`: `Unavailable` when the service does not
answer, else the problem that it describes.
"""

from __future__ import annotations

import asyncio
import json
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from alongside.errors import AlongsideError, Unavailable
from alongside.problems import error_of

PATIENCE = 3.0
"""Seconds for which a refused connection is tried again: about what a restart takes."""

_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = (
    weakref.WeakKeyDictionary()
)


@dataclass(frozen=True)
class Service:
    """The service at `url` (which ends in ``api/v1``), asked with the service's own `token`.

    `timeout` bounds each call, in seconds.
    """

    url: str
    token: str = field(repr=False)
    timeout: float = 10.0

    async def offers(self, owner: str) -> dict[str, Any]:
        """What this user may choose and has: ``{"catalogue": ..., "me": ...}``."""
        query = {"owner": owner}
        catalogue, me = await asyncio.gather(
            self._call("GET", "catalogue", params=query), self._call("GET", "me", params=query)
        )
        return {"catalogue": catalogue, "me": me}

    async def choose(self, owner: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """What spawn options come to; raises what is wrong with them."""
        # ASCII, as the options may hold half a surrogate pair; uploaded files come as bytes
        body = json.dumps(options, ensure_ascii=True, default=repr).encode()
        answer = await self._call(
            "POST",
            "spawn-options",
            params={"owner": owner},
            content=body,
            headers={"Content-Type": "application/json"},
        )
        return _object(answer)

    async def launch(self, launch: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """Start a backend; the same nonce again gives the same one."""
        headers = {"Idempotency-Key": nonce}
        return _object(await self._call("POST", "backends", json=launch, headers=headers))

    async def backend(self, id: str) -> dict[str, Any]:
        """One backend as it is now."""
        return _object(await self._call("GET", f"backends/{quote(id, safe='')}"))

    async def session_ended(self, owner: str, session: str) -> None:
        """Say that a session is over: its backends end, after their grace, unless kept."""
        await self._call("DELETE", "backends", params={"owner": owner, "session": session})

    async def _call(self, method: str, path: str, **arguments: Any) -> Any:
        headers = {"Authorization": f"token {self.token}", **arguments.pop("headers", {})}
        url = f"{self.url.rstrip('/')}/{path}"
        try:
            async with asyncio.timeout(self.timeout):
                answer = await _patiently(method, url, headers=headers, **arguments)
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            raise Unavailable(
                f"The Alongside service does not answer ({type(error).__name__}).",
                "Start the session alone, or try again in a moment.",
            ) from None
        return _content(answer)


async def _patiently(method: str, url: str, **arguments: Any) -> httpx.Response:
    """The answer; a service that is being started again is waited for, `PATIENCE` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while True:
        try:
            return await _client().request(method, url, **arguments)
        except httpx.ConnectError:  # nothing was sent
            if loop.time() > deadline:
                raise
        await asyncio.sleep(0.2)


def _client() -> httpx.AsyncClient:
    """One client for each event loop. What it calls is named by the operator, so no proxies."""
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=10)
        client = _clients[loop] = httpx.AsyncClient(trust_env=False, limits=limits, timeout=60.0)
    return client


async def close_clients() -> None:
    """Close the connections of the running event loop."""
    client = _clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.aclose()


def _content(answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise _refusal(answer)
    try:
        return answer.json() if answer.content else None
    except ValueError:
        return None


def _refusal(answer: httpx.Response) -> AlongsideError:
    """What the service says is wrong; what comes from elsewhere means that it isn't there."""
    error = error_of(answer.status_code, answer.content)
    from_service = "problem+json" in answer.headers.get("content-type", "")
    if from_service and answer.status_code not in (401, 502, 503, 504):
        return error
    return Unavailable(error.message, "Start the session alone, or try again in a moment.")


def _object(content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise Unavailable(
            "The Alongside service gave an answer that isn't understood.",
            "Ask an administrator whether hub and service have the same version.",
        )
    return content
