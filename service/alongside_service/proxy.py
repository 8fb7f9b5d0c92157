"""A small reverse proxy to the web pages of one backend: HTTP and websockets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import stat
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import websockets
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from alongside.errors import Unavailable
from alongside.kinds.base import Pages

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_LARGEST_MESSAGE = 64 * 2**20
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailers",
        "transfer-encoding",
        "upgrade",
    }
)
_PRIVATE = frozenset({"cookie", "authorization", "host", "accept-encoding"})
"""What the backend's processes, which run its owner's code, must not learn of the reader."""
_WIDE = frozenset({"service-worker-allowed", "clear-site-data", "strict-transport-security"})
"""What would hold for all of the hub's address, where a backend has only a few paths."""
_NOT_ANSWERED = _HOP_BY_HOP | _WIDE | {"set-cookie", "server", "date"}


@contextlib.contextmanager
def _held(target: Path) -> Iterator[str]:
    """A path to this very socket. Raises OSError for anything else.

    The socket's directory belongs to the backend's account and we may be root: a link in it could
    lead to any socket of the machine, and one that was checked could be replaced afterwards.
    """
    handle = os.open(target, os.O_PATH | os.O_NOFOLLOW)
    try:
        found = os.fstat(handle)
        if not stat.S_ISSOCK(found.st_mode) or found.st_uid != target.parent.stat().st_uid:
            raise ConnectionRefusedError(f"{target} is no socket of the backend")
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def _upstream(
    target: Pages, until_connected: contextlib.ExitStack
) -> tuple[httpx.AsyncHTTPTransport, str]:
    if target.socket is not None:
        place = until_connected.enter_context(_held(target.socket))
        return httpx.AsyncHTTPTransport(uds=place), "http://dashboard"
    return httpx.AsyncHTTPTransport(verify=_trust(target)), target.url


def _trust(target: Pages) -> ssl.SSLContext:
    """Trusts the backend's own authority and no other. Its certificates name no host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=target.authority)
    return context


def _silent(error: Exception) -> Unavailable:
    return Unavailable(
        f"The dashboard does not answer ({type(error).__name__}).",
        "Wait until the backend is running.",
    )


async def forward(request: Request, target: Pages, path: str, base: str) -> StreamingResponse:
    """The backend's answer to a GET. `base` is the outer path of its root. Raises Unavailable."""
    hidden = _HOP_BY_HOP | _PRIVATE
    headers = [(k, v) for k, v in request.headers.raw if k.decode("latin-1").lower() not in hidden]
    headers.append((b"accept-encoding", b"identity"))
    headers.extend((k.encode(), v.encode()) for k, v in target.headers.items())
    query = f"?{request.url.query}" if request.url.query else ""
    with contextlib.ExitStack() as until_connected:
        try:
            transport, url = _upstream(target, until_connected)
        except OSError as error:  # ssl.SSLError is one
            raise _silent(error) from None
        client = httpx.AsyncClient(
            transport=transport, timeout=_TIMEOUT, trust_env=False, follow_redirects=False
        )
        try:
            outgoing = client.build_request("GET", f"{url}/{path}{query}", headers=headers)
            answer = await client.send(outgoing, stream=True)
        except BaseException as error:
            await client.aclose()
            if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
                raise _silent(error) from None
            raise

    async def body() -> AsyncIterator[bytes]:
        try:
            async for chunk in answer.aiter_raw():
                yield chunk
        except httpx.HTTPError:
            return  # the head is out already; the reader sees a short body
        finally:
            await answer.aclose()
            await client.aclose()

    response = StreamingResponse(body(), answer.status_code)
    response.raw_headers = list(_outward(answer.headers.raw, f"/{path}", base))
    return response


def _outward(
    headers: Iterable[tuple[bytes, bytes]], path: str, base: str
) -> Iterable[tuple[bytes, bytes]]:
    """The headers for the reader: bytes, for nobody says what characters they are."""
    for raw, value in headers:
        name = raw.decode("latin-1").lower()
        if name == "location":
            with contextlib.suppress(ValueError):  # one that can't be understood leads nowhere
                yield raw.lower(), within(value.decode("latin-1"), path, base).encode("latin-1")
        elif name not in _NOT_ANSWERED:
            yield raw.lower(), value
    yield b"referrer-policy", b"same-origin"
    yield b"x-content-type-options", b"nosniff"


def within(location: str, path: str, base: str) -> str:
    """A redirect of a proxied page, as seen from outside: `base` is where its root is now.

    >>> within("/status", "/", "/services/alongside/backends/x/dashboard/")
    '/services/alongside/backends/x/dashboard/status'
    """
    parts = urlsplit(urljoin(path, location))
    query = f"?{parts.query}" if parts.query else ""
    return f"{base}{parts.path.lstrip('/')}{query}"


async def tunnel(socket: WebSocket, target: Pages, path: str) -> None:
    """Connect a browser's websocket with the backend's until either ends."""
    query = f"?{socket.url.query}" if socket.url.query else ""
    protocols = [websockets.Subprotocol(p) for p in socket.scope.get("subprotocols", ())]
    try:
        upstream = await _connect(target, f"{path}{query}", protocols)
    except (OSError, TimeoutError, websockets.WebSocketException):
        await socket.close(1013)
        return
    async with upstream:
        await socket.accept(subprotocol=upstream.subprotocol)
        tasks = {
            asyncio.create_task(_inward(socket, upstream)),
            asyncio.create_task(_back(socket, upstream)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    with contextlib.suppress(RuntimeError):  # the browser has closed it already
        await socket.close(_code(upstream.close_code))


async def _connect(
    target: Pages, path: str, protocols: list[websockets.Subprotocol]
) -> websockets.ClientConnection:
    common: dict[str, Any] = {
        "subprotocols": protocols or None,
        "additional_headers": dict(target.headers),
        "max_size": _LARGEST_MESSAGE,
        "open_timeout": 10,
        "close_timeout": 2,
    }
    if target.socket is not None:
        with _held(target.socket) as place:
            return await websockets.unix_connect(place, f"ws://dashboard/{path}", **common)
    url = f"{target.url.replace('http', 'ws', 1)}/{path}"
    return await websockets.connect(url, ssl=_trust(target), proxy=None, **common)


async def _inward(socket: WebSocket, upstream: websockets.ClientConnection) -> None:
    with contextlib.suppress(WebSocketDisconnect, websockets.ConnectionClosed):
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text, data = message.get("text"), message.get("bytes")
            await upstream.send(text if text is not None else data or b"")


async def _back(socket: WebSocket, upstream: websockets.ClientConnection) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        async for message in upstream:
            if isinstance(message, str):
                await socket.send_text(message)
            else:
                await socket.send_bytes(message)


def _code(code: int | None) -> int:
    """A close code that may be sent: some only describe how a connection was lost."""
    return code if code is not None and code not in {1005, 1006, 1015} else 1000
