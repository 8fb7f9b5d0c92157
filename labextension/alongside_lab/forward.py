"""``alongside/api/…``: requests passed on to the service with the session's token."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import authorized
from tornado import iostream, web

from alongside.errors import AlongsideError, Unavailable
from alongside_lab.handlers import PROBLEM, Handler
from alongside_lab.requests import Outgoing, largest, methods_of, outgoing
from alongside_lab.upstream import silent

if TYPE_CHECKING:
    import httpx

_BACK = ("Retry-After", "Allow")
_POLICY = "Content-Security-Policy"
_LARGEST_ANSWER = 32 * 2**20
_TYPES = (
    "application/json",
    "application/ld+json",
    "application/x-ipynb+json",
    "text/plain",
    PROBLEM,
)


class Forward(Handler):
    """One request to the service; what it answers comes back as it is."""

    _working: asyncio.Task[None] | None = None

    @web.authenticated
    @authorized
    async def get(self, path: str) -> None:
        """Look."""
        self._track_activity = False
        await self._forward(path)

    @web.authenticated
    @authorized
    async def post(self, path: str) -> None:
        """Launch, or check what would be."""
        await self._forward(path)

    @web.authenticated
    @authorized
    async def patch(self, path: str) -> None:
        """Change."""
        await self._forward(path)

    @web.authenticated
    @authorized
    async def delete(self, path: str) -> None:
        """End."""
        await self._forward(path)

    def on_connection_close(self) -> None:
        """The browser is gone; so nothing more has to be read for it."""
        if self._working is not None:
            self._working.cancel()

    async def _forward(self, path: str) -> None:
        method = self.request.method or "GET"
        methods = methods_of(path)
        if not methods:
            detail = "There is nothing at this address."
            self.refuse_plainly(HTTPStatus.NOT_FOUND, detail, "Reload the page.")
        elif method not in methods:
            self.set_header("Allow", ", ".join(sorted(methods)))
            detail = "This address does not know that method."
            remedy = f"Use one of: {', '.join(sorted(methods))}."
            self.refuse_plainly(HTTPStatus.METHOD_NOT_ALLOWED, detail, remedy)
        elif len(self.request.body) > (most := largest(path)):
            remedy = f"Send at most {most // 1024} KiB."
            too_large = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            self.refuse_plainly(too_large, "The request is too large.", remedy)
        else:
            self.surroundings.want()
            self._working = asyncio.ensure_future(self._pass_on(method, path))
            with contextlib.suppress(asyncio.CancelledError, iostream.StreamClosedError):
                await self._working
            if not self._finished and self._headers_written:
                with contextlib.suppress(iostream.StreamClosedError):
                    await self.finish()  # a log that was followed: it ends here

    async def _pass_on(self, method: str, path: str) -> None:
        try:
            http = await self.upstream.http()
            request = outgoing(
                method,
                path,
                self.request.query,
                self.request.headers,
                self.request.body,
                self.upstream.find().session,
            )
            async with _answered(http, request) as response:
                await self._give_back(response, endless=request.endless)
        except AlongsideError as error:
            if not self._headers_written:
                self.refuse(error)

    async def _give_back(self, response: httpx.Response, *, endless: bool) -> None:
        type = response.headers.get("content-type", "")
        kind = type.partition(";")[0].strip()
        # what a notebook has in it may do nothing on this session's address
        page = kind == "text/html" and "sandbox" in response.headers.get(_POLICY, "")
        known = kind in _TYPES or page
        if not known and response.status_code != HTTPStatus.NO_CONTENT:
            # not the service but the hub or its proxy in place of it
            raise _instead_of_service(response.status_code, await _whole(response), type)
        self.set_status(response.status_code)
        self.set_header("Cache-Control", "no-store")
        for name in _BACK:
            if name in response.headers:
                self.set_header(name, response.headers[name])
        if page:
            self.set_header(_POLICY, "sandbox")
            self.set_header("Content-Disposition", "attachment")
        if endless and response.is_success:
            assert self._working is not None
            self.upstream.may_be_cut(self._working)
            self.set_header("Content-Type", type)
            await self._stream(response)
        elif response.status_code == HTTPStatus.NO_CONTENT:
            await self.finish()  # not even an empty body may follow
        else:
            await self.finish(await _whole(response), set_content_type=type or "application/json")

    async def _stream(self, response: httpx.Response) -> None:
        import httpx

        self.set_header("X-Accel-Buffering", "no")
        await self.flush()
        try:
            async for chunk in response.aiter_bytes():
                self.write(chunk)
                await self.flush()
        except httpx.HTTPError as error:
            raise silent(error) from None
        await self.finish()


@contextlib.asynccontextmanager
async def _answered(http: httpx.AsyncClient, request: Outgoing) -> AsyncIterator[httpx.Response]:
    """The head of the service's answer. Raises Unavailable.

    Sent a second time where a kept connection turned out to be closed: every request may be, a
    launch because of its key.
    """
    import httpx

    url = f"{request.path}?{request.query}" if request.query else request.path
    built = http.build_request(
        request.method, url, headers=dict(request.headers), content=request.body or None
    )
    if request.endless:  # a log may be silent for hours
        built.extensions["timeout"] |= {"read": None}
    for last in (False, True):
        try:
            response = await http.send(built, stream=True)
            break
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            if last:
                raise silent(error) from None
        except httpx.HTTPError as error:
            raise silent(error) from None
    try:
        yield response
    finally:
        await response.aclose()


async def _whole(response: httpx.Response) -> bytes:
    import httpx

    found = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            found += chunk
            if len(found) > _LARGEST_ANSWER:
                raise Unavailable("The service's answer is too large.", "Ask for less.")
    except httpx.HTTPError as error:
        raise silent(error) from None
    return bytes(found)


def _instead_of_service(status: int, content: bytes, type: str) -> AlongsideError:
    from alongside.problems import error_of

    if 200 <= status < 300:
        return Unavailable(
            "What answered is not Alongside's service.", "Tell an administrator if it persists."
        )
    found = error_of(status, content, type)
    return found if found.status != 500 else Unavailable(found.message, found.remedy)
